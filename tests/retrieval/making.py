"""Articles, indexes and readings made by hand, for tests that need no corpus."""

from collections.abc import Mapping, Sequence
from io import BufferedReader, BytesIO
from pathlib import Path

from retrieval.dates import PartialDate
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.passages import split
from retrieval.reader import Reading
from retrieval.types import Article, Candidate, Passage, Span
from tests.fakes.hashing_embedder import HashingEmbedder


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


def make_candidate(passage: Passage, dense: float = 0.5, score: float = 0.5) -> Candidate:
    """A passage as the first stage hands it on."""
    return Candidate(passage, dense=dense, lexical=1.0, article=1.0, score=score)


def make_reading(
    text: str, probability: float, article_id: str = "a", published: str | None = None
) -> Reading:
    """A reading of a whole article."""
    passage = make_passage(text, article_id, published)
    return Reading(passage, passage.span, None, score=probability, probability=probability)


def as_stream(data: bytes) -> BufferedReader:
    """These bytes as an open file."""
    return BufferedReader(BytesIO(data))


def make_index(folder: Path, texts: Mapping[str, str] | Sequence[str]) -> FolderIndex:
    """An index of texts by their ids; of a list, by their numbers, in order."""
    if not isinstance(texts, Mapping):
        texts = {f"{number:06}": text for number, text in enumerate(texts)}
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for article_id, text in texts.items():
        (corpus / f"{article_id}.txt").write_bytes(text.encode())
    build(corpus, folder / "index", HashingEmbedder(), rebuild=True)
    return FolderIndex.open(folder / "index")

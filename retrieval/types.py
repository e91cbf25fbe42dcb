"""The things retrieval speaks of: Article, Span, Passage, Candidate, Quote, Answer."""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from retrieval.asked_times import AskedTime
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError
from retrieval.places import MilvusPlace

Reason = Literal["nothing_relevant", "weak", "outside_window", "empty_corpus"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a corpus, its index and the embedding model are."""

    corpus: Path
    index: Path | MilvusPlace
    model: str | None = None
    """A Hugging Face name or a local folder; None for the default that is installed with us."""
    any_corpus: bool = False
    """The corpus is only a default: an index in Milvus may be of any other, and is left as it is
    then."""
    beside: Path | None = None
    """Where this machine keeps what belongs to an index that is not a folder."""

    @property
    def index_folder(self) -> Path:
        """The index, which is a folder."""
        if not isinstance(self.index, Path):
            raise TypeError(f"{self.index} is no folder")
        return self.index

    @property
    def state(self) -> Path:
        """The folder for what this machine remembers beside the index."""
        return self.beside or self.index_folder


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text in Unicode code points, half-open: `text[start:end]`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    def of(self, text: str) -> str:
        """The words themselves."""
        return text[self.start : self.end]


@dataclass(frozen=True)
class Article:
    """One published piece. `text` is what its file says, complete; nothing in it is rewritten.

    Raises:
        ValueError: a span in `left_out` lies outside the text, or they overlap or are unordered.
    """

    article_id: str
    """Unique in its corpus: the path under it without the extension, or a record's own id."""
    text: str
    title: str
    title_derived: bool
    """The article states no title; this one was made from its first sentence."""
    published: PartialDate | None
    published_from: str | None
    """Where the date was read, for people: `line "Published: 20th Feb 2024"`."""
    updated: PartialDate | None
    source: str
    """Who published it, as stated; otherwise the file it stands in."""
    url: str | None
    author: str | None
    left_out: tuple[Span, ...]
    """Metadata and boilerplate: in the text, but never quoted and never evidence. Ordered."""
    notes: tuple[str, ...] = ()
    """What an operator should know about how it was read."""
    correction: Span | None = None
    """The words in which it states a correction."""
    updated_from: str | None = None
    """Where the date of the update was read, as `published_from`."""

    def __post_init__(self) -> None:
        end = 0
        for span in self.left_out:
            if span.start < end or span.end > len(self.text):
                raise ValueError(f"left-out span {span} is out of order or outside the text")
            end = span.end


@lru_cache(maxsize=100_000)
def article_key(article: Article) -> str:
    """Ten characters that stand for an article as it is now: another text has another key."""
    digest = hashlib.sha256(f"{article.article_id}\0{article.text}".encode()).digest()
    return base64.urlsafe_b64encode(digest)[:10].decode()


def date_order(article: Article) -> tuple[bool, str, str]:
    """Sorts articles by date, then by id; those without a date last."""
    published = article.published
    first = "" if published is None else published.first_day.isoformat()
    return published is None, first, article.article_id


@dataclass(frozen=True)
class Passage:
    """Consecutive sentences of one paragraph of an article: the unit we index."""

    article: Article
    sentences: tuple[Span, ...]
    """At least one, in order; together with the space between them they are the passage."""

    @property
    def span(self) -> Span:
        """Where the passage stands in the article's text."""
        return Span(self.sentences[0].start, self.sentences[-1].end)

    @property
    def text(self) -> str:
        """The passage, word for word."""
        return self.span.of(self.article.text)

    @property
    def passage_id(self) -> str:
        """Unique in its corpus."""
        return f"{self.article.article_id}#{self.span.start}-{self.span.end}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage the first stage hands on. All scores: higher is better."""

    passage: Passage
    dense: float
    """Cosine of question and passage embeddings, -1 to 1."""
    lexical: float
    """BM25; 0 when they share no word. Comparable only within one question."""
    article: float
    """BM25 of the whole article, likewise."""
    shared: float
    """The summed rarity of the question's stems that the article holds, however long it is.

    As in a corpus of at least a hundred articles.
    """
    score: float
    """The first three, fused; comparable only within one question."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What an answer may be drawn from; applied before anything is ranked.

    Both days are inclusive. An article whose date is less precise than a day is let in when some
    day it can mean lies in the window; an article without a date is in no window.
    """

    after: PartialDate | None = None
    before: PartialDate | None = None
    source: str | None = None
    """A source's name as it was asked for: whole, or a part that several may have."""
    sources: frozenset[str] | None = None
    """The sources that `source` means, once the engine has looked; None before."""
    without: frozenset[str] = frozenset()
    """Articles that are not let in, by `article_id`."""

    @property
    def has_window(self) -> bool:
        """Whether a time window was asked for."""
        return self.after is not None or self.before is not None

    def checked(self, sources: Collection[str]) -> "Filters":
        """These, with the `sources` that `source` means among all there are.

        They are the one that is named so, in any case, or else all whose names hold it.

        Raises:
            QuestionError: no source is named so; the window ends before it begins.
        """
        after, before = self.after, self.before
        if after and before and after.first_day > before.last_day:
            raise QuestionError(f"the window ends ({before}) before it begins ({after})")
        if self.source is None or not sources:
            return self
        key = self.source.strip().casefold()
        whole = {name for name in sources if name.casefold() == key}
        found = whole or {name for name in sources if key in name.casefold()}
        if not key or not found:
            some = ", ".join(sorted(sources)[:8]) + (" …" if len(sources) > 8 else "")
            raise QuestionError(f"no source is called {self.source!r}; there are: {some}")
        return replace(self, sources=frozenset(found))

    def admits_date(self, published: PartialDate | None) -> bool:
        """Whether an article published then may be quoted."""
        if not self.has_window:
            return True
        if published is None:
            return False
        return (self.after is None or published.last_day >= self.after.first_day) and (
            self.before is None or published.first_day <= self.before.last_day
        )

    def admits_source(self, source: str) -> bool:
        """Whether articles of this source may be quoted. `source` alone compares whole names."""
        if self.sources is not None:
            return source in self.sources
        return self.source is None or source.casefold() == self.source.casefold()

    def admits(self, article: Article) -> bool:
        """Whether this article may be quoted."""
        return (
            article.article_id not in self.without
            and self.admits_date(article.published)
            and self.admits_source(article.source)
        )


@dataclass(frozen=True)
class Quote:
    """Sentences chosen to be shown: a span of an article, never a copy."""

    article: Article
    span: Span
    score: float
    """The calibrated probability that it answers the question, 0 to 1."""
    highlight: Span | None = None
    """The answering words, counted from the start of the quote."""
    also_in: tuple[Article, ...] = ()
    """Other articles that carry near-copies of it."""

    @cached_property
    def text(self) -> str:
        """The quote, word for word."""
        return self.span.of(self.article.text)


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """What the corpus holds, and from when to when (dated articles only)."""

    articles: int
    passages: int
    first: PartialDate | None
    last: PartialDate | None


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds spent on one answer."""

    embed: float
    retrieve: float
    read: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with the quotes that answer it, or with the reason why there are none."""

    question: str
    """As it was understood: with what a follow-up leaves to the question before it put in."""
    filters: Filters
    """What was applied, with the window that the question's own words ask for if it holds."""
    asked_time: AskedTime | None
    """What the question's own words say of time; None if nothing."""
    quotes: tuple[Quote, ...]
    """In order of date, undated last; on equal dates the best first.

    The oldest is first, or the newest where the question asks for it.
    """
    reason: Reason | None
    """Why the coverage is silent; None when it is not."""
    confidence: float
    """The score of the first quote; of the nearest passage when there is no quote."""
    nearest: tuple[Quote, ...]
    """The best that was found, best first; only when there is no quote."""
    corpus: CorpusSummary
    timing: Timing
    more: tuple[Quote, ...] = ()
    """What was read beside the quotes, best first; it may not answer. Empty without quotes."""

    @property
    def abstained(self) -> bool:
        """Whether the coverage does not say."""
        return not self.quotes


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the coverage says on a topic, in order of date."""

    topic: str
    filters: Filters
    quotes: tuple[Quote, ...]
    """Whole passages, the oldest first, undated last. `score` is how near each is to the topic."""
    corpus: CorpusSummary

"""The index as a folder: the segments that its manifest names, searched as one."""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial, reduce
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings
from retrieval.errors import IndexDamagedError
from retrieval.index.dense import Mask
from retrieval.index.postings import Ints, Lexicon, Query, Scores
from retrieval.index.protocol import Embed, Pool
from retrieval.index.segment import UNDATED, Layout, Segment, gather, locate
from retrieval.index.storage import Manifest, Sentences, passage, read_manifest, verify
from retrieval.types import Article, CorpusSummary, Filters, Passage

_OPEN_ATTEMPTS = 5  # a writer may replace segments while they are being opened
_KEPT = 512  # articles that were read last: what one question and its buttons look at
_FILTERS_KEPT = 8  # of which it is remembered what they let in: most questions come without any
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Admission:
    """What filters let in; None where that is everything."""

    articles: Mask | None
    rows: Mask | None
    inside: tuple[Mask | None, ...]
    """The rows of each segment, as numbered there."""


class FolderIndex:
    """An open index. Everything it needs is open, so the folder may change meanwhile.

    Articles, embeddings and postings stay on disk and are read where they are needed.
    """

    def __init__(self, folder: Path, manifest: Manifest, segments: Sequence[Segment]) -> None:
        self._folder = folder
        self.manifest = manifest
        self._segments = segments
        layout = Layout.of(segments, [record.deleted for record in manifest.segments])
        self._layout = layout
        self._owners, self._locals = locate(layout)
        size, articles = len(self._owners), len(layout.ids)
        self._article_of_row = np.repeat(
            np.arange(articles, dtype=np.int32), np.diff(layout.first_rows)
        )
        words = [segment.words for segment in segments]
        article_words = [segment.article_words for segment in segments]
        self._words = Lexicon(
            list(zip(words, layout.rows, strict=True)), self._owners, self._locals
        )
        self._article_words = Lexicon(
            list(zip(article_words, layout.places, strict=True)), layout.owners, layout.ordinals
        )
        self._article = lru_cache(maxsize=_KEPT)(self._read_article)
        self._admission = lru_cache(maxsize=_FILTERS_KEPT)(self._find_admission)
        self._first_days, self._last_days, self._source_codes = (
            self._heads(field) for field in ("first_day", "last_day", "source")
        )
        names: dict[str, int] = {}
        for number, segment in enumerate(segments):
            mine = layout.owners == number
            codes = [names.setdefault(name, len(names)) for name in segment.sources]
            self._source_codes[mine] = np.array(codes, dtype=np.int32)[self._source_codes[mine]]
        used = set(np.unique(self._source_codes).tolist())
        self._names = {name: code for name, code in names.items() if code in used}
        self.articles: Sequence[Article] = _Lazy(articles, lambda at: self._article(at)[0])
        self.passages: Sequence[Passage] = _Lazy(size, self._passage)
        self.summary = self._summarise()

    @classmethod
    def open(cls, folder: Path, like: "FolderIndex | None" = None) -> "FolderIndex":
        """Opens the index in `folder`; blocks.

        Args:
            folder: the index folder.
            like: an index that was opened there before; what both have in common is shared.

        Raises:
            IndexNotBuiltError: there is none.
            IndexDamagedError: it is not whole.
        """
        for attempt in range(_OPEN_ATTEMPTS):
            manifest = read_manifest(folder)
            try:
                return cls(folder, manifest, open_segments(folder, manifest, like))
            except IndexDamagedError:
                last = attempt == _OPEN_ATTEMPTS - 1
                if last or read_manifest(folder) == manifest:
                    raise
        raise AssertionError("unreachable")

    @property
    def built(self) -> datetime:
        """When it was last written, in UTC."""
        return self.manifest.built_at

    @property
    def sources(self) -> frozenset[str]:
        """The names of all sources."""
        return frozenset(self._names)

    @property
    def segments(self) -> Sequence[Segment]:
        """What it is made of."""
        return self._segments

    def embeddings(self) -> Embeddings:
        """All embeddings, shape `(len(passages), dimensions)`, a copy."""
        return gather(self._segments, self._owners, self._locals)

    def admitted(self, filters: Filters) -> Mask:
        """Which rows the filters let in."""
        return self._let_in(filters)[self._article_of_row]

    def _find_admission(self, filters: Filters) -> _Admission:
        articles = self._let_in(filters)
        if articles.all():
            return _Admission(None, None, self._inside(None))
        rows = articles[self._article_of_row]
        return _Admission(articles, rows, self._inside(rows))

    def _inside(self, admitted: Mask | None) -> tuple[Mask | None, ...]:
        """Which rows of each segment are admitted, and count."""
        found: list[Mask | None] = []
        for rows in self._layout.rows:
            here = rows >= 0
            if admitted is not None:
                here &= admitted[rows]  # the row -1 of what does not count is the last one's
            found.append(None if here.all() else here)
        return tuple(found)

    def _let_in(self, filters: Filters) -> npt.NDArray[np.bool_]:
        """Which articles they let in."""
        let_in = np.ones(len(self.articles), dtype=np.bool_)
        if filters.has_window:
            let_in &= self._first_days != UNDATED
        if filters.after is not None:
            let_in &= self._last_days >= filters.after.first_day.toordinal()
        if filters.before is not None:
            let_in &= self._first_days <= filters.before.last_day.toordinal()
        if filters.source is not None or filters.sources is not None:
            codes = [code for name, code in self._names.items() if filters.admits_source(name)]
            let_in &= np.isin(self._source_codes, codes)
        for article_id in filters.without:
            place = bisect_left(self._layout.ids, article_id)
            if self._layout.ids[place : place + 1] == [article_id]:
                let_in[place] = False
        return let_in

    def nearest(
        self, embedding: Embeddings, k: int, admitted: Mask | None
    ) -> list[tuple[int, float]]:
        """The admitted rows nearest to an embedding, with their cosines, best first."""
        return self._nearest(embedding, k, self._inside(admitted))

    def _nearest(
        self, embedding: Embeddings, k: int, inside: Sequence[Mask | None]
    ) -> list[tuple[int, float]]:
        pairs: list[tuple[int, float]] = []
        for segment, rows, here in zip(self._segments, self._layout.rows, inside, strict=True):
            found = segment.dense.nearest(embedding, k, here)
            pairs += ((int(rows[local]), score) for local, score in found)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]

    def word_scores(self, words: Sequence[str]) -> Scores:
        """BM25 of every row for stemmed words."""
        return Query(self._words, words).scores(np.arange(len(self.passages)))

    def article_scores(self, words: Sequence[str]) -> Scores:
        """BM25 of the article of every row for stemmed words."""
        scores = Query(self._article_words, words).scores(np.arange(len(self.articles)))
        return scores[self._article_of_row]

    def cosines(self, embedding: Embeddings, rows: Ints) -> npt.NDArray[np.float32]:
        """The cosine of one embedding and each of these rows."""
        if not len(rows):
            return np.empty(0, dtype=np.float32)
        chosen = gather(self._segments, self._owners[rows], self._locals[rows])
        return np.asarray(chosen @ embedding[0], dtype=np.float32)

    def alike(self) -> list[Article]:
        """The articles that share an address or a headline with another one, in order."""
        places: set[int] = set()
        for field in ("address", "headline"):
            keys = self._heads(field)
            _, groups, sizes = np.unique(keys, return_inverse=True, return_counts=True)
            places.update(np.flatnonzero((sizes[groups] > 1) & (keys != 0)).tolist())
        return [self.articles[place] for place in sorted(places)]

    @property
    def is_shared(self) -> bool:
        """Never: it stays as it was when it was opened."""
        return False

    def find(self, key: str) -> Article | None:
        """The article whose key begins so."""
        pairs = zip(self._layout.owners.tolist(), self._layout.ordinals.tolist(), strict=True)
        keys = (self._segments[owner].keys[ordinal] for owner, ordinal in pairs)
        places = (place for place, found in enumerate(keys) if found.startswith(key))
        return next((self.articles[place] for place in places), None)

    def count(self, filters: Filters) -> int:
        """How many articles the filters let in."""
        return int(self._let_in(filters).sum())

    def pool(self, embed: Embed, words: Sequence[str], filters: Filters, k: int) -> Pool:
        """The best passages by each score."""
        admitted = self._admission(filters)

        def by_words() -> tuple[Query, Query, set[int]]:
            lexical, article = Query(self._words, words), Query(self._article_words, words)
            rows = set(lexical.best(k, admitted.rows).tolist())
            rows.update(self._rows_of(article.best(k, admitted.articles))[:k])
            return lexical, article, rows

        # ONNX Runtime and FAISS let other threads run meanwhile.
        beside = _beside().submit(by_words)
        embedding = embed()
        near = self._nearest(embedding, k, admitted.inside)
        lexical, article, rows = beside.result()
        rows.update(row for row, _ in near)
        found = np.array(sorted(rows), dtype=np.int64)
        of_article, shared = article.scores_and_shared(self._article_of_row[found])
        return Pool(
            passages=_Lazy(len(found), lambda at: self._passage(int(found[at]))),
            dense=self.cosines(embedding, found).astype(np.float64),
            lexical=lexical.scores(found).astype(np.float64),
            article=of_article.astype(np.float64),
            shared=shared.astype(np.float64),
        )

    def first_told(self, words: Sequence[str]) -> PartialDate | None:
        """The earliest date of a passage that holds all of these stems."""
        holding = [np.unique(self._words.find(word).documents()) for word in words]
        rows = reduce(partial(np.intersect1d, assume_unique=True), holding)
        places = np.unique(self._article_of_row[rows])
        places = places[self._first_days[places] != UNDATED]
        if not len(places):
            return None
        return self.articles[int(places[np.argmin(self._first_days[places])])].published

    def _rows_of(self, places: Ints) -> list[int]:
        """The rows of articles, those of the first one first."""
        ends = self._layout.first_rows
        return [row for place in places.tolist() for row in range(ends[place], ends[place + 1])]

    def _heads(self, field: str) -> npt.NDArray[Any]:
        """What the segments know of every article, by its place."""
        kind = np.int32 if not self._segments else self._segments[0].heads[field].dtype
        found = np.empty(len(self._layout.ids), dtype=kind)
        for segment, places in zip(self._segments, self._layout.places, strict=True):
            found[places[places >= 0]] = segment.heads[field][:-1][places >= 0]
        return found

    def _read_article(self, place: int) -> tuple[Article, Sentences]:
        segment = self._segments[int(self._layout.owners[place])]
        return segment.article(int(self._layout.ordinals[place]))

    def _passage(self, row: int) -> Passage:
        place = int(self._article_of_row[row])
        article, sentences = self._article(place)
        return passage(self._folder, article, sentences[row - int(self._layout.first_rows[place])])

    def _summarise(self) -> CorpusSummary:
        dated = np.flatnonzero(self._first_days != UNDATED)
        first = last = None
        if dated.size:
            first = self.articles[int(dated[np.argmin(self._first_days[dated])])].published
            last = self.articles[int(dated[np.argmax(self._last_days[dated])])].published
        return CorpusSummary(len(self.articles), len(self.passages), first, last)


def open_segments(
    folder: Path, manifest: Manifest, like: FolderIndex | None = None
) -> list[Segment]:
    """The segments that a manifest names, once they have been verified.

    Raises:
        IndexDamagedError: they are not whole.
    """
    known = {} if like is None else {s.record.name: s for s in like.segments}
    opened: list[Segment] = []
    for record in manifest.segments:
        segment = known.get(record.name)
        if segment is None or segment.record.content != record.content:
            verify(folder, record)
            segment = Segment(folder, record)
        opened.append(segment)
    return opened


@cache
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "word search")


class _Lazy(Sequence[T]):
    """A sequence whose items are made when they are asked for."""

    def __init__(self, size: int, item: Callable[[int], T]) -> None:
        self._size = size
        self._item = item

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self._item(number) for number in range(*at.indices(self._size))]
        return self._item(range(self._size)[at])

    def __iter__(self) -> Iterator[T]:
        return map(self._item, range(self._size))

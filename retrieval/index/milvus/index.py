"""The index in Milvus, searched: a question reads what it needs and no more."""

import threading
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings
from retrieval.errors import IndexFolderError, IndexMismatchError
from retrieval.index.milvus.connection import Row
from retrieval.index.milvus.rows import (
    ArticleRow,
    key_digest,
    part_key,
    passage_key,
    read_article,
    visible,
    within,
)
from retrieval.index.milvus.store import State, Store
from retrieval.index.milvus.weights import (
    USUAL_ARTICLE,
    USUAL_PASSAGE,
    dimension,
    score,
)
from retrieval.index.postings import MANY, rarity
from retrieval.index.protocol import Embed, Pool
from retrieval.index.storage import Group
from retrieval.types import Article, CorpusSummary, Filters, article_key

_STALE_S = 1.0  # how old what is known of the version may be where nothing is searched
_SETTLING_S = 30.0  # after a new version: so long every node is asked to catch up first
_KEPT = 512  # articles that were read last: what one question and its buttons look at
_KEPT_HOLDINGS = 100_000
_COUNTED = 1_000  # rows of milvus-lite from which on their stems are counted here
_MORE = 4  # times as many are fetched as are wanted, where what Milvus scores is not exact
_MOST = 16_384  # what Milvus gives in one search
_AT_ONCE = 8  # small questions to Milvus, beside each other
_BODY = ("part", "parts", "words", "length", "body")

T = TypeVar("T")


class MilvusIndex:
    """An open index: what Milvus holds, in the version that counts when it is asked.

    Nothing but the articles that were read last stays in memory. Once a new version is published,
    the next questions are answered from it; one question sees one version.
    """

    def __init__(self, store: Store) -> None:
        """Raises: IndexFolderError: Milvus cannot be asked, or holds no index."""
        self._store = store
        self._lock = threading.Lock()
        self._state = store.state(fresh=True)
        self._read_at = self._new_at = time.monotonic()
        self._holdings: dict[tuple[str, str, int], int] = {}
        self._counts: dict[tuple[str, str], Counter[int]] = {}
        self._bodies: OrderedDict[str, ArticleRow] = OrderedDict()
        self._listed: tuple[State, Sequence[Article]] | None = None
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="milvus")

    @property
    def store(self) -> Store:
        """The connection."""
        return self._store

    @property
    def state(self) -> State:
        """What counts."""
        return self._now()

    @property
    def built(self) -> datetime:
        """When it was last written, in UTC."""
        return datetime.fromisoformat(self._now().built)

    @property
    def summary(self) -> CorpusSummary:
        """How much there is, and from when to when."""
        totals = self._now().totals
        first, last = (
            None if date is None else PartialDate.from_iso(date)
            for date in (totals.first, totals.last)
        )
        return CorpusSummary(totals.articles, totals.passages, first, last)

    @property
    def articles(self) -> Sequence[Article]:
        """All articles, in order of `article_id`. They are fetched, whole, when first looked at."""
        state = self._now()
        if self._listed is None or self._listed[0] != state:

            def fetch() -> list[Article]:
                found = [group[0].article for group in self._groups(state)]
                return sorted(found, key=lambda article: article.article_id)

            self._listed = state, _Listed(state.totals.articles, fetch)
        return self._listed[1]

    @property
    def sources(self) -> Collection[str]:
        """The names of all sources. They are fetched when they are looked at."""
        state = self._now()
        return _Listed(state.totals.articles, lambda: sorted(self._store.sources(state).values()))

    def alike(self) -> list[Article]:
        """The articles that were seen to share an address or a headline with another one."""

        def ask(state: State) -> list[Article]:
            rows = self._store.select(state, "articles", f"alike == true and {visible(state)}", [])
            found = self._read(state, [row["pk"] for row in rows]).values()
            return [body.group[0].article for body in found]

        return self._in_one_version(ask)

    @property
    def is_shared(self) -> bool:
        """Always."""
        return True

    def find(self, key: str) -> Article | None:
        """The article whose key begins so."""
        try:
            short = key_digest(key)
        except ValueError:
            return None

        def ask(state: State) -> Article | None:
            expression = f'key == "{short}" and part == 0 and {visible(state)}'
            rows = self._store.select(state, "articles", expression, [])
            bodies = self._read(state, [row["pk"] for row in rows]).values()
            found = (body.group[0].article for body in bodies)
            return next((a for a in found if article_key(a).startswith(key)), None)

        return self._in_one_version(ask)

    def groups(self) -> Iterator[Group]:
        """All articles, in no order, each as its passages."""
        return self._groups(self._now())

    def count(self, filters: Filters) -> int:
        """How many articles the filters let in."""

        def ask(state: State) -> int:
            admitted = f"part == 0 and {self._within(state, filters)}"
            return self._store.count(state, "articles", admitted, **self._freshly())

        return self._in_one_version(ask)

    def pool(self, embed: Embed, words: Sequence[str], filters: Filters, k: int) -> Pool:
        """The best passages by each search."""
        embedding = embed()
        return self._in_one_version(
            lambda state: self._pool(state, embedding, words, self._within(state, filters), k)
        )

    def first_told(self, words: Sequence[str]) -> PartialDate | None:
        """The earliest date of a passage that holds all of these stems."""
        return self._in_one_version(lambda state: self._first_told(state, words))

    # One version

    def _now(self, stale_s: float = _STALE_S) -> State:
        """Args: stale_s: how old what is known may be; below 0, Milvus may not be behind either."""
        with self._lock:
            if time.monotonic() - self._read_at > stale_s:
                state = self._store.state(fresh=stale_s < 0)
                if state.model_digest != self._state.model_digest:
                    raise IndexMismatchError(
                        f"the index {self._store.place} was built anew with the model "
                        f"{state.model}; set DATELINE_MODEL to it and start again"
                    )
                if state != self._state:
                    self._state, self._new_at = state, time.monotonic()
                self._read_at = time.monotonic()
            return self._state

    def _in_one_version(self, ask: Callable[[State], T]) -> T:
        """What `ask` gives, asked again if the collections it asks of have been replaced."""
        state = self._now(0)
        try:
            return ask(state)
        except IndexFolderError:
            if (now := self._now(-1)) == state:
                raise
            return ask(now)

    def _freshly(self) -> dict[str, Any]:
        new = time.monotonic() - self._new_at < _SETTLING_S
        return {"consistency_level": "Strong" if new else "Bounded"}

    def _within(self, state: State, filters: Filters) -> str:
        asked = filters.source is not None or filters.sources is not None
        return within(state, filters, self._store.sources(state) if asked else {})

    # Searching

    def _pool(
        self, state: State, embedding: Embeddings, words: Sequence[str], admitted: str, k: int
    ) -> Pool:
        totals = state.totals
        lexical = _Words.of(
            self._holding(state, "passages", words, totals.passages),
            totals.passages,
            USUAL_PASSAGE,
            totals.words / max(1, totals.passages),
        )
        on_matter = _Words.of(
            self._holding(state, "articles", words, totals.articles),
            totals.articles,
            USUAL_ARTICLE,
            totals.article_words / max(1, totals.articles),
        )
        near = embedding[0].tolist()
        by_meaning = self._best(state, "passages", "embedding", near, admitted, k)
        by_words = self._best(state, "passages", "words", lexical, admitted, k)
        by_article = self._best(state, "articles", "words", on_matter, admitted, k)
        keys = [row["pk"] for row in (*by_meaning, *by_words)]
        of_articles = [
            passage_key(row["pk"], ordinal)
            for row in by_article
            for ordinal in range(row["passages"])
        ]
        fields = ["digest", "ordinal", "place", "embedding", "words", "length"]
        rows = self._store.get(
            state, "passages", [*keys, *of_articles[:k]], fields, **self._freshly()
        )
        bodies = self._read(state, {row["digest"] for row in rows.values()})
        found = sorted(
            (row for row in rows.values() if row["digest"] in bodies),
            key=lambda row: (row["place"], row["ordinal"]),
        )
        embeddings = np.array([row["embedding"] for row in found], dtype=np.float32)
        articles = [bodies[row["digest"]].row for row in found]
        return Pool(
            passages=tuple(bodies[row["digest"]].group[row["ordinal"]] for row in found),
            dense=(embeddings @ embedding[0]).astype(np.float64) if found else np.empty(0),
            lexical=_scores(lexical, found),
            article=_scores(on_matter, articles),
            shared=np.array([on_matter.shared(row) for row in articles], dtype=np.float64),
        )

    def _best(
        self,
        state: State,
        table: str,
        field: str,
        asked: "list[float] | _Words",
        admitted: str,
        k: int,
    ) -> list[Row]:
        """The best `k` rows of one search, equal ones in corpus order."""
        fields = ["place", "ordinal" if table == "passages" else "passages"]
        vector: object = asked
        limit = 2 * k
        if isinstance(asked, _Words):
            if not asked.worth:
                return []
            vector, limit, fields = asked.worth, _MORE * k, [*fields, "words", "length"]
        while True:
            hits = self._store.search(
                state, table, field, vector, min(limit, _MOST), admitted, fields, **self._freshly()
            )
            # Equals on both sides of the border, and Milvus takes any of them: let all come in.
            if len(hits) < limit or limit >= _MOST or hits[-1][0] < hits[k - 1][0]:
                break
            limit *= 4
        if isinstance(asked, _Words):
            hits = [(asked.score(row), row) for _, row in hits]
        hits.sort(key=lambda hit: (-hit[0], hit[1]["place"], hit[1].get("ordinal", 0)))
        return [row for _, row in hits[:k]]

    def _holding(
        self, state: State, table: str, words: Sequence[str], documents: int
    ) -> list[tuple[int, int]]:
        """For each stem of a question how many documents hold it; those that any holds."""
        dims = list(map(dimension, words))
        known = self._holdings
        if len(known) > _KEPT_HOLDINGS:
            known.clear()

        def count_of(dim: int) -> int:
            expression = f"array_contains(stems, {dim}) and {visible(state)}"
            return self._store.count(state, table, expression, **self._freshly())

        found = {dim: known.get((state.built, table, dim)) for dim in dims}
        missing = [dim for dim, count in found.items() if count is None]
        if missing and self._store.is_lite and documents > _COUNTED:
            counted = self._counted(state, table)
            counts = [counted[dim] for dim in missing]
        else:
            counts = list(self._threads.map(count_of, missing))
        for dim, count in zip(missing, counts, strict=True):
            found[dim] = known[state.built, table, dim] = count
        return [(dim, some) for dim in dims if (some := found[dim])]

    def _counted(self, state: State, table: str) -> Counter[int]:
        """How many rows hold each stem, counted here: milvus-lite takes seconds for each."""
        key = state.built, table
        if (counted := self._counts.get(key)) is None:
            rows = self._store.select(state, table, visible(state), ["stems"], _MOST)
            counted = Counter(dim for row in rows for dim in row["stems"])
            self._counts = {held: c for held, c in self._counts.items() if held[0] == key[0]}
            self._counts[key] = counted
        return counted

    def _first_told(self, state: State, words: Sequence[str]) -> PartialDate | None:
        totals = state.totals
        if not words or totals.first is None or totals.last is None:
            return None
        dims = ", ".join(str(dimension(word)) for word in set(words))
        holding = f"array_contains_all(stems, [{dims}]) and {visible(state)}"

        def told_by(day: int) -> bool:
            expression = f"{holding} and first_day <= {day}"
            return self._store.count(state, "passages", expression, **self._freshly()) > 0

        low = PartialDate.from_iso(totals.first).first_day.toordinal()
        high = PartialDate.from_iso(totals.last).last_day.toordinal()
        if not told_by(high):
            return None
        while low < high:  # the first day by which it is told
            middle = (low + high) // 2
            low, high = (low, middle) if told_by(middle) else (middle + 1, high)
        expression = f"{holding} and first_day == {low}"
        rows = self._store.select(state, "passages", expression, ["digest", "place"])
        first = min(rows, key=lambda row: (row["place"], row["digest"]))
        body = self._read(state, {first["digest"]}).get(first["digest"])
        return None if body is None else body.group[0].article.published

    # Reading

    def _read(self, state: State, digests: Iterable[str]) -> dict[str, ArticleRow]:
        """These articles, by their keys; what is not whole is left out."""
        found: dict[str, ArticleRow] = {}
        missing: list[str] = []
        with self._lock:
            for digest in digests:
                if (body := self._bodies.get(digest)) is None:
                    missing.append(digest)
                else:
                    found[digest] = body
                    self._bodies.move_to_end(digest)
        rows = self._store.get(state, "articles", missing, _BODY, **self._freshly())
        others = [
            part_key(digest, part)
            for digest, row in rows.items()
            for part in range(1, row["parts"])
        ]
        rows |= self._store.get(state, "articles", others, _BODY, **self._freshly())
        for digest in missing:
            body = read_article(self._store.place, rows, digest)
            if body is not None:
                found[digest] = body
        with self._lock:
            self._bodies |= {digest: found[digest] for digest in missing if digest in found}
            while len(self._bodies) > _KEPT:
                self._bodies.popitem(last=False)
        return found

    def _groups(self, state: State) -> Iterator[Group]:
        """The articles of a version, in no order, each as its passages."""
        digests: list[str] = []
        for row in self._store.select(state, "articles", f"part == 0 and {visible(state)}", []):
            digests.append(row["pk"])
            if len(digests) == _KEPT:
                yield from (body.group for body in self._read(state, digests).values())
                digests = []
        yield from (body.group for body in self._read(state, digests).values())


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a question, as they are scored in one collection."""

    worth: dict[int, float]
    worth_among_many: dict[int, float]
    """What each is worth in a collection of at least `MANY`."""
    usual: float
    mean: float

    @classmethod
    def of(
        cls, holding: Iterable[tuple[int, int]], documents: int, usual: float, mean: float
    ) -> "_Words":
        """Args: holding: for each stem, as often as it is asked, how many documents hold it."""
        worth: dict[int, float] = defaultdict(float)
        worth_among_many: dict[int, float] = defaultdict(float)
        for dim, count in holding:
            worth[dim] += rarity(documents, count)
            worth_among_many[dim] += rarity(max(documents, MANY), count)
        return cls(dict(worth), dict(worth_among_many), usual, mean)

    def score(self, row: Row) -> float:
        """BM25 of a row."""
        return score(self.worth, row["words"], row["length"], self.usual, self.mean)

    def shared(self, row: Row) -> float:
        """What those are worth together that a row holds, however often."""
        return sum(worth for dim, worth in self.worth_among_many.items() if row["words"].get(dim))


def _scores(words: _Words, rows: Iterable[Row]) -> npt.NDArray[np.float64]:
    return np.array([words.score(row) for row in rows], dtype=np.float64)


class _Listed(Sequence[T]):
    """A sequence of known length that is fetched when it is first looked at."""

    def __init__(self, size: int, fetch: Callable[[], Sequence[T]]) -> None:
        self._size = size
        self._fetch = fetch
        self._items: Sequence[T] | None = None

    def _all(self) -> Sequence[T]:
        if self._items is None:
            self._items = self._fetch()
        return self._items

    def __len__(self) -> int:
        return self._size if self._items is None else len(self._items)

    def __getitem__(self, at: Any) -> Any:
        return self._all()[at]

    def __iter__(self) -> Iterator[T]:
        return iter(self._all())

"""The door: `Engine.open(places).answer(question)` → `Answer`."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retrieval.answers import choose, nearest
from retrieval.errors import IndexNotBuiltError, QuestionError
from retrieval.index.freshness import is_current, require_match
from retrieval.index.progress import LOADING, Report, no_report
from retrieval.index.storage import read_manifest
from retrieval.model import find_model
from retrieval.types import Answer, Article, CorpusSummary, Filters, Places, Quote, Timing

if TYPE_CHECKING:
    from retrieval.embedder import Embedder
    from retrieval.index.building import Changes
    from retrieval.index.protocol import Index
    from retrieval.reader import Reader

MAX_QUESTION = 1_000  # code points: about the 256 tokens that the model reads
_PATIENCE_S = 600  # for another process that builds the index we need
DEFAULT_TOP_K = 4  # room for both sides to speak twice


class Engine:
    """Answers questions from one open index. Safe to share between threads.

    Nothing heavy is imported with this module: torch and FAISS come when an engine is opened.
    """

    def __init__(self, index: "Index", embedder: "Embedder", reader: "Reader") -> None:
        self._index = index
        self._embedder = embedder
        self._reader = reader
        self._articles = {article.article_id: article for article in index.articles}

    @classmethod
    def open(cls, places: Places, report: Report = no_report) -> "Engine":
        """Opens the index, bringing it up to date with the corpus first; blocks for seconds.

        Raises:
            CorpusError: there is no such corpus folder.
            ModelError: the model is not on this machine or not the right one.
            IndexFolderError: the index is damaged, of another corpus or model, or in use.
        """
        model = find_model(places.model)
        current = False
        try:
            manifest = read_manifest(places.index)
            require_match(places.index, manifest, places.corpus, model)
            current = is_current(places.corpus, manifest)
        except IndexNotBuiltError:
            pass
        report(LOADING, 0, 1)
        from retrieval.embedder import SentenceTransformerEmbedder
        from retrieval.index.folder import FolderIndex
        from retrieval.reader.similarity import SimilarityReader

        embedder = SentenceTransformerEmbedder(model)
        embedder.load()
        report(LOADING, 1, 1)
        if not current:
            from retrieval.index.building import build

            build(places.corpus, places.index, embedder, wait_s=_PATIENCE_S, report=report)
        index = FolderIndex.open(places.index)
        # Another process may have built it anew while the model was loading.
        require_match(places.index, index.manifest, places.corpus, model)
        return cls(index, embedder, SimilarityReader(embedder))

    @property
    def articles(self) -> Sequence[Article]:
        """All articles, in order of `article_id`."""
        return self._index.articles

    @property
    def summary(self) -> CorpusSummary:
        """How much the corpus holds, and from when to when."""
        return self._index.summary

    def answer(
        self, question: str, filters: Filters | None = None, top_k: int = DEFAULT_TOP_K
    ) -> Answer:
        """The quotes that answer a question, or silence with a reason; blocks.

        Args:
            question: in natural language; white space around it is dropped.
            filters: what the answer may be drawn from; a source may be given in part.
            top_k: at most this many quotes, at least 1.

        Raises:
            QuestionError: the question is empty, wordless or too long; no source is named so; the
                window ends before it begins.
        """
        started = time.perf_counter()
        question = _checked(question)
        filters = self._checked_filters(filters or Filters())
        if top_k < 1:
            raise QuestionError(f"at least one quote must be allowed, not {top_k}")
        answer = self._answer(question, filters, top_k)
        if answer.reason in ("nothing_relevant", "weak") and filters.has_window:
            # Would other days have answered? Then it is the window that is silent.
            anytime = self._answer(question, replace(filters, after=None, before=None), top_k)
            if anytime.quotes:
                answer = replace(answer, reason="outside_window")
        total = 1e3 * (time.perf_counter() - started)
        return replace(answer, timing=replace(answer.timing, total=total))

    def _answer(self, question: str, filters: Filters, top_k: int) -> Answer:
        from retrieval.candidates import retrieve

        found = retrieve(self._index, self._embedder, question, filters)
        started = time.perf_counter()
        readings = self._reader.read(question, found.candidates)
        quotes, reason = choose(readings, self._reader.threshold, top_k)
        if not self._index.passages:
            reason = "empty_corpus"
        near: tuple[Quote, ...] = () if quotes else nearest(readings, top_k)
        read_ms = 1e3 * (time.perf_counter() - started)
        shown = quotes or near
        return Answer(
            question=question,
            filters=filters,
            quotes=quotes,
            reason=reason,
            confidence=shown[0].score if shown else 0.0,
            nearest=near,
            corpus=self.summary,
            timing=Timing(found.embed_ms, found.retrieve_ms, read_ms, 0.0),
        )

    def _checked_filters(self, filters: Filters) -> Filters:
        after, before = filters.after, filters.before
        if after and before and after.first_day > before.last_day:
            raise QuestionError(f"the window ends ({before}) before it begins ({after})")
        if filters.source is None or not self.articles:
            return filters
        return replace(filters, sources=self._sources(filters.source))

    def _sources(self, wanted: str) -> frozenset[str]:
        """The source that is named so, or else all whose names hold `wanted`, in any case."""
        names = {article.source for article in self.articles}
        key = wanted.strip().casefold()
        whole = {name for name in names if name.casefold() == key}
        found = whole or {name for name in names if key in name.casefold()}
        if not key or not found:
            some = ", ".join(sorted(names)[:8]) + (" …" if len(names) > 8 else "")
            raise QuestionError(f"no source is called {wanted!r}; there are: {some}")
        return frozenset(found)


def update(
    places: Places, *, rebuild: bool = False, download: bool = False, report: Report = no_report
) -> "Changes":
    """Brings the index up to date with the corpus; blocks.

    Raises:
        CorpusError, ModelError, IndexFolderError: as `Engine.open`.
    """
    model = find_model(places.model, download=download)
    from retrieval.embedder import SentenceTransformerEmbedder
    from retrieval.index.building import build

    embedder = SentenceTransformerEmbedder(model)
    return build(places.corpus, places.index, embedder, rebuild=rebuild, report=report)


def _checked(question: str) -> str:
    question = question.strip()
    if not question:
        raise QuestionError("the question is empty; ask something, such as: Who gave Kim the car?")
    if len(question) > MAX_QUESTION:
        raise QuestionError(
            f"the question has {len(question):,} characters; ask it in at most {MAX_QUESTION:,}"
        )
    if any("\ud800" <= char <= "\udfff" for char in question):
        raise QuestionError("the question is not valid Unicode; type it again")
    if not any(char.isalnum() for char in question):
        raise QuestionError("there is no word in the question; ask it in words")
    return question

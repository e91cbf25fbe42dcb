"""The door: `Engine.open(places).answer(question)` → `Answer`."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from retrieval.answers import choose, distinct, further, in_copies, nearest, on_topic
from retrieval.asked_times import AskedTime, read_asked_time
from retrieval.copies import newer_versions
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError
from retrieval.follow_up import understand
from retrieval.index.access import access
from retrieval.index.progress import LOADING, Report, no_report
from retrieval.model import ModelFiles, find_model
from retrieval.places import Shard
from retrieval.types import (
    Answer,
    Article,
    CorpusSummary,
    Filters,
    Passage,
    Places,
    Quote,
    Timeline,
    Timing,
)
from retrieval.words import stems

if TYPE_CHECKING:
    from retrieval.articles import CorpusFile
    from retrieval.embedder import Embedder
    from retrieval.index.building import Changes
    from retrieval.index.protocol import Index
    from retrieval.reader import Reader

MAX_QUESTION = 1_000  # code points: about the 256 tokens that the model reads
_PATIENCE_S = 600  # for another process that builds the index we need
DEFAULT_TOP_K = 4  # room for both sides to speak twice
MAX_TIMELINE = 20  # passages of a timeline: four or five pages to turn


class Engine:
    """Answers questions from one open index. Safe to share between threads.

    Nothing heavy is imported with this module: torch and FAISS come when an engine is opened.
    """

    def __init__(
        self,
        index: "Index",
        embedder: "Embedder",
        reader: "Reader",
        today: Callable[[], date] = date.today,
    ) -> None:
        """Args: today: the day that "last week" is counted from."""
        self._index = index
        self._embedder = embedder
        self._reader = reader
        self._today = today
        self._versions = index.built, newer_versions(index.alike())

    @classmethod
    def open(
        cls, places: Places, report: Report = no_report, threshold: float | None = None
    ) -> "Engine":
        """Opens the index, bringing it up to date with the corpus first; blocks for seconds.

        Args:
            places: where everything is.
            report: told how far it has come.
            threshold: how probable an answer must be to be quoted, 0 to 1; None for the shipped.

        Raises:
            CorpusError: there is no such corpus folder.
            ModelError: the model is not on this machine or not the right one.
            IndexFolderError: the index is damaged, of another corpus or model, or in use.
        """
        model = find_model(places.model)
        way = access(places)
        current = way.is_current(model)
        report(LOADING, 0, 1)
        from retrieval.embedder import embedder_for

        embedder = embedder_for(model)
        embedder.load()
        from retrieval.reader.span import SpanReader

        reader = SpanReader.shipped(threshold)
        report(LOADING, 1, 1)
        if not current:
            way.update(embedder, wait_s=_PATIENCE_S, report=report)
        # Models stay as long as the process. While the garbage collector looked at them and their
        # libraries again and again, one question in a hundred waited 10 ms for that. The index is
        # not among them: a reload replaces it.
        gc.freeze()
        return cls(way.open(model), embedder, reader)

    def reload(
        self,
        places: Places,
        report: Report = no_report,
        files: "Sequence[CorpusFile] | None" = None,
    ) -> "Engine":
        """An engine on the index as it is once it has been brought up to date; blocks.

        It shares this one's models, so nothing is loaded twice. This one goes on answering, also
        meanwhile, from what it holds.

        Args:
            places: where this engine's corpus and index are.
            report: told how far it has come; what it raises ends the reload.
            files: as in `build`.

        Raises:
            CorpusError: there is no such corpus folder any more.
            IndexFolderError: the index is damaged, of another corpus or model, or in use.
        """
        way = access(places, self._index)
        # What other machines have filled is left to them.
        if not self.is_shared or files is not None or not way.is_current(self._embedder.model):
            way.update(self._embedder, report=report, files=files)
        index = way.open(self._embedder.model)
        return Engine(index, self._embedder, self._reader, self._today)

    @property
    def built(self) -> datetime:
        """When its index was last written, in UTC."""
        return self._index.built

    @property
    def articles(self) -> Sequence[Article]:
        """All articles, in order of `article_id`."""
        return self._index.articles

    @property
    def is_shared(self) -> bool:
        """Whether other processes may change what it answers from while it is open."""
        return self._index.is_shared

    def find(self, key: str) -> Article | None:
        """The article whose `article_key` begins so; None if there is none. Blocks."""
        return self._index.find(key)

    @property
    def newer(self) -> Mapping[str, Sequence[Article]]:
        """The newer versions of articles that were superseded, the newest last, by id. Blocks."""
        built, versions = self._versions
        if built != self._index.built:  # one in Milvus may have been written by another process
            versions = newer_versions(self._index.alike())
            self._versions = self._index.built, versions
        return versions

    @property
    def summary(self) -> CorpusSummary:
        """How much the corpus holds, and from when to when."""
        return self._index.summary

    @property
    def model(self) -> ModelFiles:
        """The embedding model."""
        return self._embedder.model

    @property
    def reader(self) -> str:
        """What the reader is called."""
        return self._reader.name

    def answer(
        self,
        question: str,
        filters: Filters | None = None,
        top_k: int = DEFAULT_TOP_K,
        context: str = "",
    ) -> Answer:
        """The quotes that answer a question, or silence with a reason; blocks.

        An article of which there is a newer version, where that may be quoted, is not.

        A time window in the question's own words ("in February 2024") holds where the coverage of
        those days answers; otherwise all of it is asked. A window in `filters` always holds.

        Args:
            question: in natural language; white space around it is dropped.
            filters: what the answer may be drawn from; a source may be given in part.
            top_k: at most this many quotes, at least 1.
            context: the question before it, as it was understood; what the question leaves to it
                ("What about China?", "Why did he?") is put in.

        Raises:
            QuestionError: the question is empty, wordless or too long; no source is named so; the
                window ends before it begins.
        """
        started = time.perf_counter()
        question = checked(question)
        if context.strip():
            question = understand(question, context)
        filters = (filters or Filters()).checked(self._index.sources)
        if top_k < 1:
            raise QuestionError(f"at least one quote must be allowed, not {top_k}")
        asked, window = self._asked_time(question, filters)
        answer = None
        if window is not None:
            answer = self._answer(question, window, top_k, asked)
        if answer is None or answer.abstained:
            answer = self._answer(question, filters, top_k, asked)
        if answer.reason in ("nothing_relevant", "weak") and filters.has_window:
            # Would other days have answered? Then it is the window that is silent.
            anytime = self._answer(question, replace(filters, after=None, before=None), top_k)
            if anytime.quotes:
                answer = replace(answer, reason="outside_window")
        total = 1e3 * (time.perf_counter() - started)
        return replace(answer, timing=replace(answer.timing, total=total))

    def rank(self, question: str, filters: Filters) -> Mapping[str, Sequence[Passage]]:
        """How each stage of retrieval, and all of them together, order the passages; blocks.

        Raises:
            QuestionError: as `answer`.
        """
        from retrieval.candidates import ALL, retrieve

        filters = filters.checked(self._index.sources)
        found = retrieve(self._index, self._embedder, checked(question), filters, ALL).candidates
        orders = {
            "dense": sorted(found, key=lambda c: -c.dense),
            "bm25": sorted(found, key=lambda c: -c.lexical),
            "bm25_articles": sorted(found, key=lambda c: -c.article),
            "fused": found,
        }
        return {stage: [c.passage for c in order] for stage, order in orders.items()}

    def timeline(
        self, topic: str, filters: Filters | None = None, limit: int = MAX_TIMELINE
    ) -> Timeline:
        """The passages that are most on a topic, in order of date; blocks.

        None when nothing is on it. Unlike `answer`, nothing is read: a passage need not answer
        anything to have its place.

        Args:
            topic: a few words, or a sentence; white space around it is dropped.
            filters: as in `answer`. With a window, undated articles are left out.
            limit: at most this many passages, at least 1.

        Raises:
            QuestionError: as `answer`.
        """
        from retrieval.candidates import ALL, retrieve

        topic = checked(topic)
        filters = (filters or Filters()).checked(self._index.sources)
        if limit < 1:
            raise QuestionError(f"at least one passage must be allowed, not {limit}")
        found = retrieve(self._index, self._embedder, topic, filters, ALL)
        return Timeline(topic, filters, on_topic(found.candidates, topic, limit), self.summary)

    def _asked_time(
        self, question: str, filters: Filters
    ) -> tuple[AskedTime | None, Filters | None]:
        """What the question's words ask of time, and the filters with their window if it may hold.

        A window in `filters` beats the words', and one without any coverage is no window: such a
        question names the time it is about.
        """
        asked = read_asked_time(question, self._today())
        if asked is None:
            return None, None
        if asked.has_window and not filters.has_window:
            after = asked.after if asked.event is None else self._first_coverage(asked.event)
            window = replace(filters, after=after, before=asked.before)
            if window.has_window and self._index.count(window):
                return asked, window
        if not asked.newest:
            return None, None
        return replace(asked, after=None, before=None, event=None), None

    def _first_coverage(self, event: str) -> PartialDate | None:
        """When an event is first told of: the earliest date of a passage with all its words."""
        words = stems(event)
        return self._index.first_told(words) if words else None

    def _newest(self, filters: Filters) -> Filters:
        """The filters, and without articles of which they let in a newer version."""
        older = (key for key, newer in self.newer.items() if any(map(filters.admits, newer)))
        return replace(filters, without=frozenset(older))

    def _answer(
        self, question: str, filters: Filters, top_k: int, asked: AskedTime | None = None
    ) -> Answer:
        from retrieval.candidates import retrieve

        found = retrieve(self._index, self._embedder, question, self._newest(filters))
        started = time.perf_counter()
        wanted = question
        said = read_asked_time(question, self._today())
        # The window has seen to it, or the order will: no passage says when it was published, or
        # that it is the latest.
        if said is not None and (filters.has_window if said.has_window else said.newest):
            wanted = _without(question, said.words)
        candidates, copies = distinct(found.candidates)
        readings = in_copies(self._reader.read(wanted, candidates), copies)
        newest_first = asked is not None and asked.newest
        quotes, reason = choose(
            readings,
            self._reader.threshold,
            top_k,
            relevance=max((candidate.dense for candidate in found.candidates), default=0.0),
            newest_first=newest_first,
        )
        if not self.summary.passages:
            reason = "empty_corpus"
        near: tuple[Quote, ...] = () if quotes else nearest(readings, top_k)
        read_ms = 1e3 * (time.perf_counter() - started)
        shown = quotes or near
        return Answer(
            question=question,
            filters=filters,
            asked_time=asked,
            quotes=quotes,
            reason=reason,
            confidence=shown[0].score if shown else 0.0,
            nearest=near,
            corpus=self.summary,
            timing=Timing(found.embed_ms, found.retrieve_ms, read_ms, 0.0),
            more=further(readings, quotes, top_k) if quotes else (),
        )


class Updater:
    """Brings an index up to date with its corpus, as often as it is asked to."""

    def __init__(self, places: Places, *, download: bool = False) -> None:
        """Looks for the model, which is loaded when it is first needed.

        Raises:
            ModelError: the model is not on this machine or not the right one.
        """
        model = find_model(places.model, download=download)
        from retrieval.embedder import embedder_for

        self._places = places
        self._embedder = embedder_for(model)

    def update(
        self,
        *,
        rebuild: bool = False,
        shard: Shard | None = None,
        report: Report = no_report,
        files: "Sequence[CorpusFile] | None" = None,
    ) -> "Changes":
        """What has changed, once the index holds it; blocks.

        Raises:
            CorpusError, ModelError, IndexFolderError: as `Engine.open`.
        """
        return access(self._places).update(
            self._embedder, rebuild=rebuild, shard=shard, report=report, files=files
        )


def update(
    places: Places,
    *,
    rebuild: bool = False,
    download: bool = False,
    shard: Shard | None = None,
    report: Report = no_report,
) -> "Changes":
    """Brings the index up to date with the corpus once, or one shard of it; blocks.

    Raises:
        CorpusError, ModelError, IndexFolderError: as `Engine.open`.
    """
    updater = Updater(places, download=download)
    return updater.update(rebuild=rebuild, shard=shard, report=report)


def _without(question: str, words: str) -> str:
    """The question without these words of it; itself if nothing would be left."""
    rest = " ".join(question.replace(words, " ", 1).split()).strip(" ,")
    return rest if any(char.isalnum() for char in rest) else question


def checked(question: str) -> str:
    """The question without the white space around it.

    Raises:
        QuestionError: it is empty, wordless or too long.
    """
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

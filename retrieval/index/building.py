"""A corpus folder → its index folder, at the cost of what changed."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from retrieval.articles import CorpusFile, read_file, scan
from retrieval.embedder import Embedder, Embeddings, Progress
from retrieval.errors import ArticleError, IndexFolderError, IndexNotBuiltError
from retrieval.index.folder import open_segments
from retrieval.index.freshness import require_match
from retrieval.index.merging import merge_segments
from retrieval.index.progress import EMBEDDING, READING, WAITING, Report, no_report
from retrieval.index.segment import (
    Segment,
    article_hash,
    write_embeddings,
    write_segment,
)
from retrieval.index.storage import (
    UNFINISHED,
    FileRecord,
    Group,
    Manifest,
    SegmentRecord,
    commit,
    new_segment,
    passage,
    read_manifest,
    remember,
    remove_leftovers,
    seals,
    writing,
)
from retrieval.passages import SETTINGS, split

_BATCH = 2_048  # passages in a new segment: what an interruption costs, some ten seconds' embedding
_REMEMBER_S = 5.0  # between two notes of how far it has come


@dataclass(frozen=True, slots=True)
class Changes:
    """What bringing an index up to date did, by `article_id`, in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    refused: tuple[ArticleError, ...]
    passages: int
    embedded: int
    """How many passages had to be embedded."""
    shards_left: int = 0
    """How many other shards are still to be filled before any of this counts."""


def build(
    corpus: Path,
    folder: Path,
    embedder: Embedder,
    *,
    rebuild: bool = False,
    wait_s: float = 0,
    report: Report = no_report,
    files: Sequence[CorpusFile] | None = None,
) -> Changes:
    """Brings the index in `folder` up to date with the corpus; blocks.

    Files whose size and time of change are as they were are not read again, and articles whose
    content is as it was are not embedded again; where nothing changed, nothing is written. Nothing
    is visible to others until all is done; a run that is killed leaves the index as it was, and
    the next one goes on from there.

    Args:
        corpus: the folder of articles.
        folder: the index folder; made if it is not there.
        embedder: what embeds the passages.
        rebuild: start from nothing, also over an index that is damaged or of another corpus.
        wait_s: how long to wait for another process that is writing the index.
        report: told how far it has come.
        files: what the corpus is taken to hold, in order of path; by default, what it holds now,
            and what else is there is refused.

    Raises:
        CorpusError: the corpus folder cannot be listed. The index is left as it was.
        IndexFolderError: the index cannot be updated; the message says why.
        ModelError: the embedder cannot be loaded.
    """
    refused: list[ArticleError] = []
    if files is None:  # a missing corpus is said before an index folder is made for it
        files, refused = scan(corpus)
    with writing(folder, wait_s, lambda: report(WAITING, 0, 0)):
        published = None if rebuild else _published(corpus, folder, embedder)
        before = _Held(folder, published)
        begun = _begun(corpus, folder, embedder, anew=published is None)
        if begun is None:
            (folder / UNFINISHED).unlink(missing_ok=True)
            base = before
        else:
            base = _Held(folder, begun)
        remove_leftovers(folder)
        work = _Build(corpus, folder, embedder, base, anew=published is None)
        work.read(files, report)
        refused += work.refused
        if published is not None and begun is None and work.records == list(published.files):
            return _changes(before.digests, before.digests, refused, published.passages, 0)
        work.embed(report)
        manifest = work.manifest()
        commit(folder, manifest)
        merge_segments(folder, manifest)
    return _changes(before.digests, work.digests, refused, manifest.passages, work.embedded)


def _published(corpus: Path, folder: Path, embedder: Embedder) -> Manifest | None:
    """What the index holds now; None if there is none."""
    try:
        manifest = read_manifest(folder)
    except IndexNotBuiltError:
        return None
    require_match(folder, manifest, corpus, embedder.model)
    return manifest


def _begun(corpus: Path, folder: Path, embedder: Embedder, *, anew: bool) -> Manifest | None:
    """What a build that was interrupted has come to; None if nothing of it can be used."""
    try:
        manifest = read_manifest(folder, UNFINISHED)
        require_match(folder, manifest, corpus, embedder.model)
        open_segments(folder, manifest)
    except IndexFolderError:
        return None
    return manifest if manifest.anew == anew else None


class _Held:
    """What a manifest's segments hold, and what can be taken over from them."""

    def __init__(self, folder: Path, manifest: Manifest | None) -> None:
        """Raises: IndexDamagedError: they are not whole."""
        self.segments = [] if manifest is None else open_segments(folder, manifest)
        self.records = () if manifest is None else manifest.segments
        self.files = {} if manifest is None else {file.path: file for file in manifest.files}
        self.places: dict[str, tuple[int, int]] = {}
        """Where each article that counts is: segment and ordinal."""
        self.digests: dict[str, bytes] = {}
        self.rows: dict[bytes, tuple[Segment, int]] = {}
        """Where the passages of each content are embedded, whether they count or not."""
        for number, (segment, record) in enumerate(zip(self.segments, self.records, strict=True)):
            deleted = set(record.deleted)
            digests = segment.heads["digest"].tolist()
            for ordinal, article_id in enumerate(segment.ids):
                if ordinal not in deleted:
                    self.places[article_id] = number, ordinal
                    self.digests[article_id] = digests[ordinal]
            if record.embedded:
                heads = segment.heads[:-1]
                for content, row in zip(
                    heads["content"].tolist(), heads["row"].tolist(), strict=True
                ):
                    self.rows[content] = segment, row

    def unchanged(self, file: CorpusFile) -> FileRecord | None:
        """The record of a file that need not be read again."""
        record = self.files.get(file.path)
        if record is None or record.unsettled:
            return None
        same = (record.size, record.mtime_ns) == (file.size, file.mtime_ns)
        return record if same else None


class _Build:
    """One run: from what is held to what the corpus holds, noting at times how far it has come."""

    def __init__(
        self, corpus: Path, folder: Path, embedder: Embedder, base: _Held, *, anew: bool
    ) -> None:
        self.records: list[FileRecord] = []
        self.refused: list[ArticleError] = []
        self.digests: dict[str, bytes] = {}
        """Of every article found so far, by its id."""
        self.embedded = 0
        self._corpus, self._folder, self._embedder, self._anew = corpus, folder, embedder, anew
        self._base = base
        self._kept: list[set[int]] = [set() for _ in base.segments]
        self._gone: list[set[int]] = [set(record.deleted) for record in base.records]
        self._segments = list(base.records)  # then the new ones
        self._fresh: list[Group] = []  # for the next of those
        self._remembered = time.monotonic()

    def read(self, files: Collection[CorpusFile], report: Report) -> None:
        """Reads what is new or changed, and writes it into segments; all but embeddings."""
        for done, file in enumerate(files):
            report(READING, done, len(files))
            self.records.append(self._take_up(file))
            if sum(map(len, self._fresh)) >= _BATCH:
                self._write_segment()
            self._remember_at_times()
        report(READING, len(files), len(files))
        self._write_segment()
        for number, (record, kept) in enumerate(zip(self._base.records, self._kept, strict=True)):
            self._gone[number] = set(range(record.articles)) - kept

    def embed(self, report: Report) -> None:
        """Gives every segment its embeddings, of which some may be held already."""
        plans = [
            (number, segment, self._missing(segment))
            for number, record in enumerate(self._segments)
            if not record.embedded and self._counts(number)
            for segment in [Segment(self._folder, record)]
        ]
        total = sum(int(missing.sum()) for _, _, missing in plans)
        if total:  # else the model need not even be loaded
            self._remember_at_times()
            report(EMBEDDING, 0, total)
        for number, segment, missing in plans:
            before = self.embedded

            def progress(done: int, _: int, before: int = before) -> None:
                report(EMBEDDING, before + done, total)

            embeddings = self._embeddings(segment, missing, progress)
            self.embedded += int(missing.sum())
            path = self._folder / segment.record.name
            write_embeddings(path, embeddings)
            self._segments[number] = replace(
                segment.record, embedded=True, content=seals(path, segment.record.content)
            )
            self._remember_at_times()

    def manifest(self, files: Iterable[FileRecord] | None = None) -> Manifest:
        """What is held by now; of these files, by default of all that were read."""
        segments = []
        for number, record in enumerate(self._segments):
            if not self._counts(number):
                continue
            if number < len(self._gone):
                gone = sorted(self._gone[number])
                sizes = np.diff(self._base.segments[number].heads["row"])
                passages = record.rows - int(sizes[gone].sum())
                record = replace(record, deleted=tuple(gone), passages=passages)
            segments.append(record)
        return Manifest(
            corpus=str(self._corpus.resolve()),
            model=self._embedder.model.name,
            model_digest=self._embedder.model.digest,
            passage_settings=SETTINGS,
            built=datetime.now(UTC).isoformat(),
            anew=self._anew,
            segments=tuple(segments),
            files=tuple(self.records if files is None else files),
        )

    def _counts(self, number: int) -> bool:
        """Whether anything in a segment still counts."""
        return (
            number >= len(self._gone) or len(self._gone[number]) < self._segments[number].articles
        )

    def _take_up(self, file: CorpusFile) -> FileRecord:
        """One file's articles: those that are as they were stay where they are."""
        record = self._base.unchanged(file)
        found: list[tuple[str, Group | None]]
        if record is not None:
            found = [(article_id, None) for article_id in record.articles]
            rejected, failed = list(record.refused), False
        else:
            groups, rejected, failed = read_groups(self._corpus, file)
            found = [(group[0].article.article_id, group) for group in groups]
        self.refused += (ArticleError(file.path, reason, line) for line, reason in rejected)
        accepted = []
        for article_id, group in found:
            if article_id in self.digests:
                reason = f"another article has the id {article_id!r} already; rename one"
                self.refused.append(ArticleError(file.path, reason))
                continue
            self._accept(article_id, group)
            accepted.append(article_id)
        return FileRecord(
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            articles=tuple(accepted),
            refused=tuple(rejected),
            unsettled=failed or len(accepted) < len(found),
        )

    def _accept(self, article_id: str, group: Group | None) -> None:
        """Args: group: the article as it is now; None when it is as it was."""
        held = self._base.digests.get(article_id)
        digest = self._base.digests[article_id] if group is None else article_hash(group)
        self.digests[article_id] = digest
        if held is not None:
            number, ordinal = self._base.places[article_id]
            (self._kept if digest == held else self._gone)[number].add(ordinal)
        if group is not None and digest != held:
            self._fresh.append(group)

    def _write_segment(self) -> None:
        if not self._fresh:
            return
        path = new_segment(self._folder)
        groups = sorted(self._fresh, key=lambda group: group[0].article.article_id)
        write_segment(path, groups)
        rows = sum(map(len, groups))
        record = SegmentRecord(path.name, len(groups), rows, rows, (), False, seals(path))
        self._segments.append(record)
        self._fresh = []

    def _missing(self, segment: Segment) -> npt.NDArray[np.bool_]:
        """Which of a segment's passages have to be embedded."""
        heads = segment.heads[:-1]
        missing = [content not in self._base.rows for content in heads["content"].tolist()]
        return np.repeat(np.array(missing, dtype=np.bool_), np.diff(segment.heads["row"]))

    def _embeddings(
        self, segment: Segment, missing: npt.NDArray[np.bool_], progress: Progress
    ) -> Embeddings:
        """The embeddings of a segment's passages: computed, or else taken over."""
        parts: list[tuple[slice, Embeddings]] = []
        texts: list[str] = []
        starts = segment.heads["row"].tolist()
        for ordinal, content in enumerate(segment.heads["content"][:-1].tolist()):
            rows = slice(starts[ordinal], starts[ordinal + 1])
            if missing[rows.start]:
                article, sentences = segment.article(ordinal)
                texts += (passage(self._folder, article, spans).text for spans in sentences)
            else:
                holder, first = self._base.rows[content]
                held = np.arange(first, first + rows.stop - rows.start)
                parts.append((rows, holder.dense.take(held)))
        fresh = self._embedder.embed_passages(texts, progress) if texts else None
        like = parts[0][1] if fresh is None else fresh
        embeddings = np.empty((len(missing), like.shape[1]), dtype=np.float32)
        if fresh is not None:
            embeddings[missing] = fresh
        for rows, taken_over in parts:
            embeddings[rows] = taken_over
        return embeddings

    def _remember_at_times(self) -> None:
        if time.monotonic() - self._remembered > _REMEMBER_S:
            self._write_segment()
            self._remember()

    def _remember(self) -> None:
        """Notes what has been read so far, and of the other files what was known before."""
        read = {record.path for record in self.records}
        others = []
        for path, record in self._base.files.items():
            if path not in read:
                # Read again, should an article of it have come from another file meanwhile.
                moved = not self.digests.keys().isdisjoint(record.articles)
                others.append(replace(record, unsettled=record.unsettled or moved))
        remember(self._folder, self.manifest([*self.records, *others]))
        self._remembered = time.monotonic()


def read_groups(
    corpus: Path, file: CorpusFile
) -> tuple[list[Group], list[tuple[int | None, str]], bool]:
    """One file's articles as their passages, line and reason of what is none, and whether the
    file could not even be read.
    """  # noqa: D205
    try:
        read = read_file(corpus, file)
    except ArticleError as error:
        return [], [(error.line, error.reason)], isinstance(error.__cause__, OSError)
    return (
        [split(article) for article in read.articles],
        [(error.line, error.reason) for error in read.refused],
        False,
    )


def _changes(
    before: Mapping[str, bytes],
    now: Mapping[str, bytes],
    refused: Iterable[ArticleError],
    passages: int,
    embedded: int,
) -> Changes:
    """Args: before, now: a digest of each article by its id."""
    both = before.keys() & now.keys()
    changed = {article_id for article_id in both if before[article_id] != now[article_id]}
    return Changes(
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(changed)),
        removed=tuple(sorted(before.keys() - now.keys())),
        unchanged=len(both) - len(changed),
        refused=tuple(refused),
        passages=passages,
        embedded=embedded,
    )

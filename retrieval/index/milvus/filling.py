"""A corpus folder → its collections in Milvus, one shard of it, at the cost of what changed."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from retrieval.articles import CorpusFile, scan
from retrieval.embedder import Embedder
from retrieval.errors import ArticleError, IndexDamagedError, IndexMismatchError, IndexNotBuiltError
from retrieval.index.building import Changes, read_groups
from retrieval.index.freshness import require_match
from retrieval.index.milvus.connection import Row
from retrieval.index.milvus.files import FileRow, digest_of, fitting, together, totals_of
from retrieval.index.milvus.rows import article_digest, hash_of, short
from retrieval.index.milvus.store import FOREVER, State, Store, Totals
from retrieval.index.milvus.writing import Writer, quoted
from retrieval.index.progress import READING, Report, no_report
from retrieval.index.storage import Group
from retrieval.passages import SETTINGS
from retrieval.places import Shard

_BATCH = 1_000  # passages embedded and written at once: what an interruption costs
_ARTICLES = 500  # looked up at once
_HEAD = ("article", "place", "file", "path", "source", "passages", "parts", "since")
_PATH = 1_000  # code points of a path that are compared


def fill(
    corpus: Path,
    store: Store,
    embedder: Embedder,
    shard: Shard,
    *,
    rebuild: bool = False,
    report: Report = no_report,
    files: Sequence[CorpusFile] | None = None,
) -> Changes:
    """Brings one shard of the index up to date with its files; blocks.

    What it writes counts once all shards are done. A run that is killed changes nothing of what
    counts, and the next one goes on from there.

    Args:
        corpus: the folder of articles; the same one for every shard.
        store: where to.
        embedder: what embeds the passages.
        shard: which of the files.
        rebuild: start from nothing, also over an index of another corpus or model.
        report: told how far it has come.
        files: what the corpus is taken to hold, in order of path; by default, what it holds now.

    Raises:
        CorpusError: the corpus folder cannot be listed.
        IndexFolderError: the index cannot be updated; the message says why.
        ModelError: the embedder cannot be loaded.
    """
    found, refused = scan(corpus)
    found = found if files is None else list(files)
    present = {file.path for file in found}
    files = [file for file in found if hash_of(file.path) in shard.range]
    current = _readable(lambda: store.state(fresh=True), rebuild=rebuild)
    target, begun = _target(corpus, store, embedder, shard, current, rebuild=rebuild)
    work = _Filling(corpus, store, embedder, shard, target, current, present, begun=begun)
    work.run(files, report)
    refused += work.refused
    # Among several, each has to say that it is done, even of nothing.
    left = work.finish(files) if work.began or shard.of > 1 else 0
    return work.changes(refused, left)


def _target(
    corpus: Path,
    store: Store,
    embedder: Embedder,
    shard: Shard,
    current: State | None,
    *,
    rebuild: bool,
) -> tuple[State, bool]:
    """What is to be written, and whether it was begun before."""
    if current is not None and not rebuild:
        require_match(store.place, current, corpus, embedder.model)
        target = replace(current, version=current.version + 1, shards=shard.of)
        begun = store.target(current.generation)
        return target, begun is not None and begun.version == target.version
    begun = _readable(store.target, rebuild=rebuild)
    unfinished = begun is not None and (current is None or begun.generation > current.generation)
    if begun is not None and unfinished:
        try:
            require_match(store.place, begun, corpus, embedder.model)
        except IndexMismatchError:
            if not rebuild:  # other machines are filling it with something else
                raise
            unfinished = False
    target = State(
        generation=begun.generation if begun and unfinished else store.last_generation() + 1,
        version=1,
        shards=shard.of,
        corpus=str(corpus.resolve()),
        model=embedder.model.name,
        model_digest=embedder.model.digest,
        dimensions=embedder.dimensions,
        passage_settings=SETTINGS,
    )
    return target, unfinished


def _readable(read: Callable[[], State | None], *, rebuild: bool) -> State | None:
    """A state; None if there is none, or if it is damaged and will be replaced."""
    try:
        return read()
    except IndexNotBuiltError:
        return None
    except IndexDamagedError:
        if not rebuild:
            raise
        return None


class _Filling:
    """One run over one shard."""

    def __init__(
        self,
        corpus: Path,
        store: Store,
        embedder: Embedder,
        shard: Shard,
        target: State,
        current: State | None,
        present: Collection[str],
        *,
        begun: bool,
    ) -> None:
        """Args: present: the paths of all files of the corpus, those of other shards too."""
        self.refused: list[ArticleError] = []
        self.began = begun
        """Whether anything has been written of what does not count yet."""
        self._corpus, self._store = corpus, store
        self._writer = Writer(store, embedder, target)
        self._shard, self._target, self._current = shard, target, current
        self._present = present
        self._known: dict[str, FileRow] = {}
        self._noted: set[str] = set()  # the files that Milvus has heard of
        self._again: set[str] = set()  # files that lost an article to one before them
        self._groups: dict[str, tuple[str, CorpusFile, Group]] = {}  # to write, by digest
        self._pending: dict[str, CorpusFile] = {}  # the files of those, by article
        self._records: list[FileRow] = []  # to write once those are written
        self._ended: dict[str, Row] = {}  # rows that count no longer, by digest
        self._ended_sources: set[str] = set()
        self._before: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._writing = False

    def run(self, files: Sequence[CorpusFile], report: Report) -> None:
        """Takes up what is new, changed or gone."""
        if self._target.version == 1 or self.began:
            self._begin()
        hashes = self._shard.range
        expression = f"hash >= {hashes.start} and hash < {hashes.stop}"
        rows = self._store.select(self._target, "files", expression, ["data"])
        self._known = {record.path: record for record in map(FileRow.of, rows)}
        self._noted = set(self._known)
        for path in sorted(self._known.keys() - {file.path for file in files}):
            self._begin()
            held = self._held(path)
            self._before |= {row["place"]: digest for digest, row in held.items()}
            self._end(held)
            self._flush(report)
            self._store.delete(self._target, "files", [short(path)])
            del self._known[path]
        for done, file in enumerate(files):
            report(READING, done, len(files))
            record = self._known.get(file.path)
            same = record is not None and (record.size, record.mtime_ns) == (
                file.size,
                file.mtime_ns,
            )
            if record is None or not same or record.unsettled or file.path in self._again:
                record = self._take_up(file, report)
            self.refused += (ArticleError(file.path, why, line) for line, why in record.refused)
            if sum(len(group) for _, _, group in self._groups.values()) >= _BATCH:
                self._flush(report)
        report(READING, len(files), len(files))
        self._flush(report)

    def finish(self, files: Sequence[CorpusFile]) -> int:
        """Notes that the shard is done, and makes all count once every one is.

        Returns:
            How many shards are still to be done.
        """
        self._begin()
        store, target = self._store, self._target
        for key in self._ended_sources:
            alive = f'source == "{key}" and until == {FOREVER}'
            if not store.count(target, "articles", alive, consistency_level="Strong"):
                store.remove_sources(target, [key])
        store.flush(target)
        records = [self._known[file.path] for file in files]
        unsettled = any(record.unsettled for record in records)
        totals = together(record.totals for record in records)
        store.finish(target, self._shard.number, totals, "" if unsettled else digest_of(files))
        done = store.finished(target)
        left = sum(found is None for found in done)
        if not left:
            shards = [found for found in done if found is not None]
            store.publish(
                replace(
                    target,
                    built=datetime.now(UTC).isoformat(),
                    files=shards[0][1] if len(shards) == 1 else "",
                    totals=together(totals for totals, _ in shards),
                )
            )
            store.drop_below(target.generation)
        return left

    def changes(self, refused: Iterable[ArticleError], left: int) -> Changes:
        """What was done to this shard."""
        before, now = self._before, self._now
        changed = sorted(key for key in before.keys() & now.keys() if before[key] != now[key])
        totals = together(record.totals for record in self._known.values())
        added = sorted(now.keys() - before.keys())
        return Changes(
            added=tuple(added),
            changed=tuple(changed),
            removed=tuple(sorted(before.keys() - now.keys())),
            unchanged=totals.articles - len(added) - len(changed),
            refused=tuple(refused),
            passages=totals.passages,
            embedded=self._writer.embedded,
            shards_left=left,
        )

    def _begin(self) -> None:
        """Makes ready to write; nothing is touched before."""
        if self._writing:
            return
        self._writing = self.began = True
        store, target, current = self._store, self._target, self._current
        store.set_target(target)
        store.unfinish(target, self._shard.number)
        if current is not None and current.generation == target.generation:
            store.tidy(current)
        # What a killed run did not come to: passages without their article, articles unmarked.
        digests = store.writing(target, self._shard.number)
        keys = ["address", "headline"]
        whole = store.get(target, "articles", digests, keys, consistency_level="Strong")
        for digest in digests:
            if digest not in whole:
                store.delete_where(target, "passages", f'digest == "{digest}"')
        self._writer.mark_alike(list(whole.values()))

    def _take_up(self, file: CorpusFile, report: Report) -> FileRow:
        """One file's articles: those that are as they were stay where they are."""
        groups, rejected, failed = read_groups(self._corpus, file)
        held = self._held(file.path)
        self._before |= {row["place"]: digest for digest, row in held.items()}
        kept: set[str] = set()
        here: dict[str, str] = {}
        accepted: list[Group] = []
        for start in range(0, len(groups), _ARTICLES):
            some = groups[start : start + _ARTICLES]
            holders = self._holders(some)
            for group in some:
                article_id = group[0].article.article_id
                name = short(article_id)
                if name in here or not self._won(name, file, holders.get(name)):
                    reason = f"another article has the id {article_id!r} already; rename one"
                    self.refused.append(ArticleError(file.path, reason))
                    continue
                digest = here[name] = article_digest(group)
                accepted.append(group)
                self._now[article_id[:500]] = digest
                if digest in held:
                    kept.add(digest)
                    continue
                if digest in self._ended:
                    self._flush(report)
                self._groups[digest] = (digest, file, group)
                self._pending[name] = file
            if sum(len(group) for _, _, group in self._groups.values()) >= _BATCH:
                self._flush(report)
        self._end({digest: row for digest, row in held.items() if digest not in kept})
        refused, whole = fitting(rejected)
        record = FileRow(
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            totals=totals_of(accepted),
            refused=refused,
            unsettled=failed or not whole or len(accepted) < len(groups),
        )
        if record != self._known.get(file.path):
            self._records.append(record)
        self._known[file.path] = record
        return record

    def _held(self, path: str) -> dict[str, Row]:
        """The articles of a file that count in what is being written, by digest."""
        expression = f'file == "{short(path)}" and part == 0 and until == {FOREVER}'
        rows = self._store.select(self._target, "articles", expression, _HEAD)
        return {row["pk"]: row for row in rows if row["pk"] not in self._ended}

    def _holders(self, groups: Sequence[Group]) -> dict[str, Row]:
        """The articles that have the ids of these already, whatever file they are in."""
        names = quoted(short(group[0].article.article_id) for group in groups)
        expression = f"article in [{names}] and part == 0 and until == {FOREVER}"
        rows = self._store.select(self._target, "articles", expression, _HEAD)
        return {row["article"]: row for row in rows if row["pk"] not in self._ended}

    def _won(self, name: str, file: CorpusFile, holder: Row | None) -> bool:
        """Whether an article's id is this file's: it is that of the first file that has it."""
        if (first := self._pending.get(name)) is not None:
            return first.path == file.path
        if holder is None or holder["file"] == short(file.path):
            return True
        if holder["path"] <= file.path and holder["path"] in self._present:
            return False
        self._end({holder["pk"]: holder})
        self._again.add(holder["path"])
        if holder["path"] not in self._known:  # another machine has to read it again
            rows = self._store.get(self._target, "files", [holder["file"]], ["data"])
            self._records += (replace(FileRow.of(row), unsettled=True) for row in rows.values())
        return True

    def _end(self, rows: Mapping[str, Row]) -> None:
        """Has articles count no longer, once what comes in their place is written."""
        if rows:
            self._begin()
        self._ended |= rows
        self._ended_sources |= {row["source"] for row in rows.values()}

    def _flush(self, report: Report) -> None:
        """Writes what was taken up, in an order in which nothing is lost when it is killed."""
        if not (self._groups or self._ended or self._records):
            return
        self._begin()
        store, target, writer = self._store, self._target, self._writer
        there = store.get(
            target, "articles", self._groups, ["since", "until", *_HEAD], consistency_level="Strong"
        )
        # What ended in this very version is still there for those who ask now, and lives on.
        revived = {digest: row for digest, row in there.items() if row["until"] == target.version}
        fresh = [
            (digest, file, group)
            for digest, file, group in self._groups.values()
            if digest not in revived
        ]
        if fresh:
            # Before any of its articles: else nobody ends them when the file goes and this is
            # killed before its last.
            new = {file.path for _, file, _ in fresh} - self._noted
            begun = (FileRow(path, -1, 0, Totals(), (), unsettled=True) for path in sorted(new))
            store.write(target, "files", [record.row() for record in begun])
            self._noted |= new
            store.set_writing(target, self._shard.number, [digest for digest, _, _ in fresh])
            writer.write(fresh, report)
        for digest, row in revived.items():
            _, file, _ = self._groups[digest]
            writer.set_until(digest, row, FOREVER, file=short(file.path), path=file.path[:_PATH])
        for digest, row in self._ended.items():
            if row["since"] < target.version:
                writer.set_until(digest, row, target.version)
            else:
                writer.remove(digest, row)
        store.write(target, "files", [record.row() for record in self._records])
        self._groups, self._pending, self._ended, self._records = {}, {}, {}, []

"""A corpus folder → its index folder, at the cost of what changed."""

import hashlib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from retrieval.articles import CorpusFile, read_file, scan
from retrieval.embedder import Embedder, Embeddings
from retrieval.errors import ArticleError, IndexNotBuiltError
from retrieval.index.folder import FolderIndex, write_search_files
from retrieval.index.freshness import require_match
from retrieval.index.progress import EMBEDDING, READING, WAITING, Report, no_report
from retrieval.index.storage import (
    FileRecord,
    Manifest,
    commit,
    digests,
    new_generation,
    read_manifest,
    remove_leftovers,
    write_articles,
    writing,
)
from retrieval.passages import SETTINGS, split
from retrieval.types import Passage

Group = tuple[Passage, ...]
"""The passages of one article: what an article is to an index."""


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


def build(
    corpus: Path,
    folder: Path,
    embedder: Embedder,
    *,
    rebuild: bool = False,
    wait_s: float = 0,
    report: Report = no_report,
) -> Changes:
    """Brings the index in `folder` up to date with the corpus; blocks.

    Files whose size and time of change are as they were are not read again, and articles whose
    content is as it was are not embedded again; where nothing changed, nothing is written. Nothing
    is visible to others until all is done, and a run that is killed leaves the index as it was.

    Args:
        corpus: the folder of articles.
        folder: the index folder; made if it is not there.
        embedder: what embeds the passages.
        rebuild: start from nothing, also over an index that is damaged or of another corpus.
        wait_s: how long to wait for another process that is writing the index.
        report: told how far it has come.

    Raises:
        CorpusError: the corpus folder cannot be listed. The index is left as it was.
        IndexFolderError: the index cannot be updated; the message says why.
        ModelError: the embedder cannot be loaded.
    """
    scan(corpus)  # a missing corpus is said before an index folder is made for it
    with writing(folder, wait_s, lambda: report(WAITING, 0, 0)):
        old = None if rebuild else _open_old(corpus, folder, embedder)
        records, groups, refused = _read_corpus(corpus, old, report)
        if old is not None and tuple(records) == old.records:
            remove_leftovers(folder)
            return _changes(old, groups, refused, 0)
        embeddings, embedded = _embed(groups, old, embedder, report)
        generation = new_generation(folder)
        write_articles(generation, groups)
        write_search_files(
            generation, [passage for group in groups for passage in group], embeddings
        )
        manifest = Manifest(
            generation=generation.name,
            corpus=str(corpus.resolve()),
            model=embedder.model.name,
            model_digest=embedder.model.digest,
            dimensions=embeddings.shape[1],
            passage_settings=SETTINGS,
            passages=len(embeddings),
            files=tuple(records),
            content=digests(generation),
        )
        commit(folder, manifest)
    return _changes(old, groups, refused, embedded)


class _OldIndex:
    """The index as it stands: what can be taken over from it."""

    def __init__(self, folder: Path) -> None:
        index = FolderIndex.open(folder)
        self.embeddings = index.embeddings()
        self.records = index.manifest.files
        self.files = {record.path: record for record in self.records}
        self.groups: dict[str, Group] = {
            article_id: tuple(group)
            for article_id, group in groupby(index.passages, lambda p: p.article.article_id)
        }
        self.first_row: dict[str, int] = {}
        row = 0
        for group in self.groups.values():
            self.first_row.setdefault(_content_hash(group), row)
            row += len(group)

    def unchanged(self, file: CorpusFile) -> FileRecord | None:
        """The record of a file that need not be read again."""
        record = self.files.get(file.path)
        if record is None or record.unsettled:
            return None
        same = (record.size, record.mtime_ns) == (file.size, file.mtime_ns)
        return record if same else None


def _open_old(corpus: Path, folder: Path, embedder: Embedder) -> _OldIndex | None:
    try:
        manifest = read_manifest(folder)
    except IndexNotBuiltError:
        return None
    require_match(folder, manifest, corpus, embedder.model)
    return _OldIndex(folder)


def _read_corpus(
    corpus: Path, old: _OldIndex | None, report: Report
) -> tuple[list[FileRecord], list[Group], list[ArticleError]]:
    """Every file's record, every article's passages in order of id, and all that was refused."""
    files, refused = scan(corpus)
    records: list[FileRecord] = []
    groups: dict[str, Group] = {}
    for done, file in enumerate(files):
        report(READING, done, len(files))
        found, rejected, failed = _read(corpus, file, old)
        refused += (ArticleError(file.path, reason, line) for line, reason in rejected)
        accepted = []
        for group in found:
            article_id = group[0].article.article_id
            if article_id in groups:
                reason = f"another article has the id {article_id!r} already; rename one"
                refused.append(ArticleError(file.path, reason))
                continue
            groups[article_id] = group
            accepted.append(article_id)
        records.append(
            FileRecord(
                path=file.path,
                size=file.size,
                mtime_ns=file.mtime_ns,
                articles=tuple(accepted),
                refused=tuple(rejected),
                unsettled=failed or len(accepted) < len(found),
            )
        )
    report(READING, len(files), len(files))
    return records, [groups[article_id] for article_id in sorted(groups)], refused


def _read(
    corpus: Path, file: CorpusFile, old: _OldIndex | None
) -> tuple[list[Group], list[tuple[int | None, str]], bool]:
    """One file's articles as their passages, line and reason of what is none, and whether the
    file could not even be read.
    """  # noqa: D205
    if old is not None and (record := old.unchanged(file)) is not None:
        groups = [old.groups[article_id] for article_id in record.articles]
        return groups, list(record.refused), False
    try:
        read = read_file(corpus, file)
    except ArticleError as error:
        return [], [(error.line, error.reason)], isinstance(error.__cause__, OSError)
    return (
        [split(article) for article in read.articles],
        [(error.line, error.reason) for error in read.refused],
        False,
    )


def _embed(
    groups: list[Group], old: _OldIndex | None, embedder: Embedder, report: Report
) -> tuple[Embeddings, int]:
    """Embeddings of all passages in order, and how many of them had to be computed."""
    passages = [passage for group in groups for passage in group]
    missing: list[int] = []
    taken_over: list[int] = []
    old_rows: list[int] = []
    row = 0
    for group in groups:
        rows = range(row, row + len(group))
        row += len(group)
        first = old.first_row.get(_content_hash(group)) if old else None
        if first is None:
            missing += rows
        else:
            taken_over += rows
            old_rows += range(first, first + len(group))
    fresh: Embeddings | None = None
    if missing:  # else the model need not even be loaded
        report(EMBEDDING, 0, len(missing))
        fresh = embedder.embed_passages(
            [passages[row].text for row in missing],
            lambda done, total: report(EMBEDDING, done, total),
        )
    kept = old.embeddings if old is not None else None
    like = fresh if fresh is not None else kept
    # An empty corpus has no embeddings and no dimensions; FAISS wants at least one.
    dimensions = 1 if like is None else like.shape[1]
    embeddings = np.empty((len(passages), dimensions), dtype=np.float32)
    if fresh is not None:
        embeddings[missing] = fresh
    if kept is not None and old_rows:
        embeddings[taken_over] = kept[old_rows]
    return embeddings, len(missing)


def _content_hash(group: Group) -> str:
    """SHA-256 of an article's passages: equal for articles whose embeddings are equal."""
    digest = hashlib.sha256()
    for passage in group:
        digest.update(passage.text.encode() + b"\0")
    return digest.hexdigest()


def _changes(
    old: _OldIndex | None,
    groups: list[Group],
    refused: list[ArticleError],
    embedded: int,
) -> Changes:
    before = {} if old is None else old.groups
    now = {group[0].article.article_id: group for group in groups}
    return Changes(
        added=tuple(key for key in now if key not in before),
        changed=tuple(key for key in now if key in before and now[key] != before[key]),
        removed=tuple(key for key in before if key not in now),
        unchanged=sum(now[key] == before.get(key) for key in now),
        refused=tuple(refused),
        passages=sum(map(len, groups)),
        embedded=embedded,
    )

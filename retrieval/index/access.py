"""The index of a place, be it a folder or in Milvus: its state, its updating, its opening.

Neither FAISS nor pymilvus is imported before it must.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from retrieval.articles import CorpusFile, scan
from retrieval.errors import ArticleError, IndexFolderError, IndexNotBuiltError
from retrieval.index.freshness import is_current, require_match
from retrieval.index.progress import Report, no_report
from retrieval.index.storage import read_articles, read_manifest, verify
from retrieval.model import ModelFiles
from retrieval.places import MilvusPlace, Shard
from retrieval.types import Article, Places

if TYPE_CHECKING:
    from retrieval.embedder import Embedder
    from retrieval.index.building import Changes
    from retrieval.index.milvus.store import State, Store
    from retrieval.index.protocol import Index

_CHANGED = "the corpus has changed since: dateline index"


@dataclass(frozen=True, slots=True)
class Held:
    """What an index holds."""

    articles: Sequence[tuple[Article, int]]
    """Each with how many passages it has."""
    where: str
    """What it was read from, for people."""
    refused: tuple[ArticleError, ...]
    """What was left out when it was written."""


class Access(Protocol):
    """What can be done with the index of a place. All of it blocks.

    Raises `IndexFolderError` where the index cannot be used, which is an `IndexMismatchError` where
    it is of another corpus or model, and `CorpusError` where the corpus folder is needed and
    missing.
    """

    def is_current(self, model: ModelFiles) -> bool:
        """Whether there is an index, and it can be answered from as it is."""

    def update(
        self,
        embedder: "Embedder",
        *,
        rebuild: bool = False,
        shard: Shard | None = None,
        wait_s: float = 0,
        report: Report = no_report,
        files: Sequence[CorpusFile] | None = None,
    ) -> "Changes":
        """Brings it up to date with the corpus, or with these files; or one shard of it."""

    def open(self, model: ModelFiles) -> "Index":
        """Opens it."""

    def taken_up(self) -> Sequence[CorpusFile] | None:
        """The files that it was made from; None if it is not to be kept up to date from here."""

    def held(self) -> Held | None:
        """What it holds; None where it does not tell, and the files have to be read."""

    def describe(self, model: ModelFiles) -> tuple[str, bool]:
        """Its state, for people, and whether it can be used as it is; looks at all of it."""


def access(places: Places, like: "Index | None" = None) -> Access:
    """The way to an index.

    Args:
        places: where it is.
        like: an index that was opened there before; what both have in common is shared.
    """
    if isinstance(places.index, MilvusPlace):
        return _MilvusAccess(places, places.index, like)
    return _FolderAccess(places, like)


class _FolderAccess:
    def __init__(self, places: Places, like: "Index | None") -> None:
        self._folder = places.index_folder
        self._corpus = places.corpus
        self._like = like

    def is_current(self, model: ModelFiles) -> bool:
        try:
            manifest = read_manifest(self._folder)
        except IndexNotBuiltError:
            return False
        require_match(self._folder, manifest, self._corpus, model)
        return is_current(self._corpus, manifest)

    def update(
        self,
        embedder: "Embedder",
        *,
        rebuild: bool = False,
        shard: Shard | None = None,
        wait_s: float = 0,
        report: Report = no_report,
        files: Sequence[CorpusFile] | None = None,
    ) -> "Changes":
        if shard is not None:
            raise IndexFolderError(
                f"the index in {self._folder} is a folder, which one machine fills; leave out "
                "--shard, or set DATELINE_INDEX to the address of a Milvus"
            )
        from retrieval.index.building import build

        return build(
            self._corpus,
            self._folder,
            embedder,
            rebuild=rebuild,
            wait_s=wait_s,
            report=report,
            files=files,
        )

    def open(self, model: ModelFiles) -> "Index":
        from retrieval.index.folder import FolderIndex

        like = self._like if isinstance(self._like, FolderIndex) else None
        index = FolderIndex.open(self._folder, like)
        # Another process may have built it anew since it was looked at.
        require_match(self._folder, index.manifest, self._corpus, model)
        return index

    def taken_up(self) -> Sequence[CorpusFile] | None:
        try:
            files = read_manifest(self._folder).files
        except IndexFolderError:
            return []
        return [CorpusFile(file.path, file.size, file.mtime_ns) for file in files]

    def held(self) -> Held | None:
        _, unread = scan(self._corpus)
        try:
            manifest = read_manifest(self._folder)
            if not is_current(self._corpus, manifest):
                return None
            for segment in manifest.segments:
                verify(self._folder, segment)
            groups = list(read_articles(self._folder, manifest))
        except IndexFolderError:
            return None  # no index, or none that helps: the files themselves are the truth
        refused = (
            ArticleError(file.path, reason, line)
            for file in manifest.files
            for line, reason in file.refused
        )
        found = [(group[0].article, len(group)) for group in groups]
        return Held(found, str(self._corpus), (*unread, *refused))

    def describe(self, model: ModelFiles) -> tuple[str, bool]:
        manifest = read_manifest(self._folder)
        require_match(self._folder, manifest, self._corpus, model)
        for segment in manifest.segments:
            verify(self._folder, segment, whole=True)
        size = f"{_passages(manifest.passages)} in {self._folder}"
        if is_current(self._corpus, manifest):
            return size, True
        return f"{size}; {_CHANGED}", False


class _MilvusAccess:
    def __init__(self, places: Places, place: MilvusPlace, like: "Index | None") -> None:
        self._corpus = places.corpus
        self._any_corpus = places.any_corpus
        self._place = place
        self._opened: Store | None = None
        if like is not None:
            from retrieval.index.milvus.index import MilvusIndex

            if isinstance(like, MilvusIndex) and like.store.place == place:
                self._opened = like.store

    @property
    def _store(self) -> "Store":
        if self._opened is None:
            from retrieval.index.milvus.store import Store

            self._opened = Store(self._place)
        return self._opened

    def is_current(self, model: ModelFiles) -> bool:
        try:
            state = self._store.state(fresh=True)
        except IndexNotBuiltError:
            target = self._store.target()
            if target is not None and target.shards > 1:  # others are filling it
                command = f"dateline index --shard I/{target.shards}"
                raise IndexNotBuiltError(self._place, command) from None
            if self._any_corpus and not self._place.is_file:
                raise  # whoever asks a server for its coverage wants no other one there
            return False
        self._require_match(state, model)
        return not self._follows(state) or self._has_files_of(state)

    def update(
        self,
        embedder: "Embedder",
        *,
        rebuild: bool = False,
        shard: Shard | None = None,
        wait_s: float = 0,
        report: Report = no_report,
        files: Sequence[CorpusFile] | None = None,
    ) -> "Changes":
        from retrieval.index.milvus.filling import fill

        return fill(
            self._corpus,
            self._store,
            embedder,
            shard or Shard(),
            rebuild=rebuild,
            report=report,
            files=files,
        )

    def open(self, model: ModelFiles) -> "Index":
        from retrieval.index.milvus.index import MilvusIndex

        index = MilvusIndex(self._store)
        self._require_match(index.state, model)
        return index

    def taken_up(self) -> Sequence[CorpusFile] | None:
        from retrieval.index.milvus.files import file_rows

        try:
            state = self._store.state(fresh=True)
        except IndexNotBuiltError:
            return []
        if not self._follows(state):
            return None
        files = file_rows(self._store, state)
        return [CorpusFile(file.path, file.size, file.mtime_ns) for file in files]

    def held(self) -> Held | None:
        from retrieval.index.milvus.files import refused_records
        from retrieval.index.milvus.index import MilvusIndex

        try:
            index = MilvusIndex(self._store)
        except IndexNotBuiltError:
            return None
        state = index.state
        if self._follows(state):
            if not self._has_files_of(state):
                return None
            where = str(self._corpus)
            _, unread = scan(self._corpus)
        elif not self._any_corpus and not self._is_of_corpus(state):
            return None
        else:
            where, unread = str(self._place), []
        found = [(group[0].article, len(group)) for group in index.groups()]
        return Held(found, where, (*unread, *refused_records(self._store, state)))

    def describe(self, model: ModelFiles) -> tuple[str, bool]:
        state = self._store.state(fresh=True)
        self._require_match(state, model)
        size = f"{_passages(state.totals.passages)} in {self._place}"
        if state.shards > 1:
            size += f", filled in {state.shards} shards"
        target = self._store.target()
        if target is not None and target.number > state.number:
            left = sum(done is None for done in self._store.finished(target))
            size += f"; of the version after it {left} of {target.shards} shards are to be filled"
        if not self._follows(state):
            return f"{size}; it is of {state.corpus}, and not brought up to date from here", True
        if self._has_files_of(state):
            return size, True
        return f"{size}; {_CHANGED}", False

    def _is_of_corpus(self, state: "State") -> bool:
        return state.corpus == str(self._corpus.resolve())

    def _follows(self, state: "State") -> bool:
        """Whether the files that it was filled from are here, and it is kept up to date with them.

        What several machines filled together is not: only `dateline index` changes it.
        """
        return state.shards == 1 and self._is_of_corpus(state) and self._corpus.is_dir()

    def _has_files_of(self, state: "State") -> bool:
        from retrieval.index.milvus.files import digest_of

        return state.files == digest_of(scan(self._corpus)[0])

    def _require_match(self, state: "State", model: ModelFiles) -> None:
        require_match(self._place, state, None if self._any_corpus else self._corpus, model)


def _passages(count: int) -> str:
    return f"{count:,} passage{'' if count == 1 else 's'}"

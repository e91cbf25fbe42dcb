"""One folder on disk that is at every moment a whole index: segments, manifest, locks.

    <folder>/
      manifest.json            names the segments that count, and what must be in them
      segment-<n>/             some articles with all that is searched in; never changed again
        articles.jsonl  names.json  arrays.bin  embeddings.faiss
      unfinished.json          as manifest.json, of a build that goes on; nobody answers from it

A writer puts new and changed articles into new segments, forces them to disk, and replaces the
manifest in one step; whoever opens the folder sees the old index or the new one. An article that
is gone stays in its segment, and the manifest says that it no longer counts. What a killed writer
leaves behind is either named by `unfinished.json`, from where the next writer goes on, or by
nothing, and removed. No torch, no FAISS here, and no numpy.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from retrieval.dates import PartialDate
from retrieval.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotBuiltError,
)
from retrieval.types import Article, Passage, Span

FORMAT = 5  # of everything in the folder; a reader of another format refuses it
_READABLE = (4, FORMAT)  # in 4 embeddings were kept in single precision, which is read as well
ARTICLES = "articles.jsonl"
MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"

Group = tuple[Passage, ...]
"""The passages of one article: what an article is to an index."""
Sentences = Sequence[Sequence[Sequence[int]]]
"""For each passage of an article, start and end of each of its sentences."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One corpus file as it was when it was indexed."""

    path: str
    size: int
    mtime_ns: int
    articles: tuple[str, ...]
    """The ids of the articles in it."""
    refused: tuple[tuple[int | None, str], ...]
    """Line and reason of each record, or of the file itself, that is no article."""
    unsettled: bool
    """What was refused may be accepted next time, though the file stays as it is: an id that
    stood in another file too, or a failure to read. Such a file is read again."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What one file of a segment is, and how the file system describes it untouched."""

    sha256: str
    size: int
    inode: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """One segment, and which of its articles no longer count."""

    name: str
    articles: int
    """How many it holds, deleted ones too."""
    rows: int
    """How many passages it holds, those of deleted articles too."""
    passages: int
    """How many of them count."""
    deleted: tuple[int, ...]
    """Ordinals of the articles that no longer count, ascending."""
    embedded: bool
    """Whether it has its embeddings yet; always so in a manifest that is answered from."""
    content: dict[str, Seal]
    """Every file of the segment, by its name."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Manifest:
    """What the index folder holds and what it was made from."""

    corpus: str
    """The corpus folder, absolute."""
    model: str
    model_digest: str
    passage_settings: str
    built: str
    """When the corpus was last taken up, in UTC, as ISO 8601."""
    anew: bool
    """Built from nothing, and not from an index that was there."""
    segments: tuple[SegmentRecord, ...]
    files: tuple[FileRecord, ...]

    @property
    def passages(self) -> int:
        """How many passages count."""
        return sum(segment.passages for segment in self.segments)

    @property
    def built_at(self) -> datetime:
        """When the corpus was last taken up, in UTC."""
        return datetime.fromisoformat(self.built)


def read_manifest(folder: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of the index in `folder`; with `UNFINISHED`, that of a build to go on with.

    Raises:
        IndexNotBuiltError: there is none.
        IndexDamagedError: it cannot be understood.
    """
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise IndexNotBuiltError(folder) from None
    except UnicodeDecodeError as error:
        raise IndexDamagedError(folder, f"{name} is not text") from error
    except OSError as error:
        raise IndexFolderError(
            f"the index in {folder} cannot be read ({error.strerror}); give this user the right "
            "to read it, or another folder with --index"
        ) from error
    key = hashlib.sha256(text.encode()).digest()
    if (known := _in_use.get(key)) is not None:
        return known
    try:
        sealed = json.loads(text)
        if sealed["format"] not in _READABLE:
            raise IndexDamagedError(folder, "written by another version of Dateline")
        raw = sealed["manifest"]
        if sealed["digest"] != _seal(raw):
            raise IndexDamagedError(folder, f"{name} is altered")
        raw["files"] = tuple(
            FileRecord(
                **{
                    **file,
                    "articles": tuple(file["articles"]),
                    "refused": tuple((line, reason) for line, reason in file["refused"]),
                }
            )
            for file in raw["files"]
        )
        raw["segments"] = tuple(
            SegmentRecord(
                **{
                    **segment,
                    "deleted": tuple(segment["deleted"]),
                    "content": {path: Seal(**seal) for path, seal in segment["content"].items()},
                }
            )
            for segment in raw["segments"]
        )
        manifest = Manifest(**raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IndexDamagedError(folder, f"{name} cannot be understood") from error
    _in_use[key] = manifest
    return manifest


_in_use: WeakValueDictionary[bytes, Manifest] = WeakValueDictionary()
"""By the digest of their JSON, which takes a tenth of a second to understand for 10,000 files and
is read at each step of an update."""


def _seal(manifest: object) -> str:
    """SHA-256 of what a manifest says, however its JSON is laid out."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def verify(folder: Path, segment: SegmentRecord, *, whole: bool = False) -> None:
    """Compares every file of a segment with its seal.

    A file that lies untouched since it was written, as the file system tells by its inode and
    its times, is taken to be what it was; any other is read and its digest compared.

    Args:
        folder: the index folder.
        segment: what should be there.
        whole: read every file, untouched or not: seconds for each gigabyte.

    Raises:
        IndexDamagedError: a file is missing or altered.
    """
    for name, seal in segment.content.items():
        path = folder / segment.name / name
        try:
            if not whole and seal == _sealed(path, seal.sha256):
                continue
            found = _file_digest(path)
        except OSError as error:
            raise IndexDamagedError(folder, f"{name}: {error.strerror}") from error
        if found != seal.sha256:
            raise IndexDamagedError(folder, f"{name} is altered")


def seals(segment: Path, known: Mapping[str, Seal] | None = None) -> dict[str, Seal]:
    """The seal of every file in a segment's folder, forced to disk, by its name.

    Args:
        segment: the folder.
        known: those of the files that are sealed already.
    """
    found = dict(known or {})
    for path in sorted(segment.iterdir()):
        if path.name not in found:
            _sync(path)
            found[path.name] = _sealed(path, _file_digest(path))
    _sync(segment)
    return found


def _sealed(path: Path, sha256: str) -> Seal:
    found = path.stat()
    return Seal(sha256, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def _file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(
    folder: Path, wait_s: float = 0, on_wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Holds the index folder for one writer; readers are not kept out.

    Args:
        folder: the index folder; made if it is not there.
        wait_s: how long to wait for another writer to finish.
        on_wait: called once if there is one to wait for.

    Raises:
        IndexBusyError: another process is writing it, and does not finish in time.
        IndexFolderError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire(timeout=wait_s)
        try:
            yield
        finally:
            lock.release()
    except Timeout:
        raise IndexBusyError(
            f"another process is writing the index in {folder}; wait for it, then try again"
        ) from None
    except OSError as error:
        raise IndexFolderError(
            f"the index folder {folder} cannot be written ({error.strerror or error}); "
            "give another with --index or DATELINE_INDEX"
        ) from error


def new_segment(folder: Path) -> Path:
    """An empty folder for the next segment. Call it inside `writing`."""
    numbers = [0]
    for path in folder.glob("segment-*"):
        with contextlib.suppress(ValueError):
            numbers.append(int(path.name.rpartition("-")[2]))
    segment = folder / f"segment-{max(numbers) + 1}"
    segment.mkdir()
    return segment


def remove_leftovers(folder: Path) -> None:
    """Removes every segment that no manifest names. Call it inside `writing`.

    There are some after a commit, and where a writer was killed.
    """
    named: set[str] = set()
    for name in (MANIFEST, UNFINISHED):
        with contextlib.suppress(IndexFolderError):
            named.update(segment.name for segment in read_manifest(folder, name).segments)
    # "generation": what the format before this one consisted of
    for path in (*folder.glob("segment-*"), *folder.glob("generation-*")):
        if path.name not in named:
            shutil.rmtree(path, ignore_errors=True)


def commit(folder: Path, manifest: Manifest) -> None:
    """Makes these segments the ones that count, in one step. Call it inside `writing`."""
    _write(folder, manifest, MANIFEST)
    (folder / UNFINISHED).unlink(missing_ok=True)
    remove_leftovers(folder)


def remember(folder: Path, manifest: Manifest) -> None:
    """Notes how far a build has come, for the next one to go on from. Call it inside `writing`."""
    _write(folder, manifest, UNFINISHED)


def _write(folder: Path, manifest: Manifest, name: str) -> None:
    aside = folder / f"{name}.new"
    with aside.open("w", encoding="utf-8") as file:
        raw = _plain(manifest)
        text = json.dumps({"format": FORMAT, "digest": _seal(raw), "manifest": raw})
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / name)
    _sync(folder)
    _in_use[hashlib.sha256(text.encode()).digest()] = manifest


def _plain(manifest: Manifest) -> dict[str, object]:
    """What JSON can hold. `asdict` alone would take a second for every 10,000 files."""
    names = [field.name for field in fields(FileRecord)]
    return {
        **asdict(replace(manifest, files=())),
        "files": [{name: getattr(file, name) for name in names} for file in manifest.files],
    }


def _sync(path: Path) -> None:
    """Forces a file's or a folder's content to disk, where the system can."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def encode(group: Group) -> bytes:
    """An article with the spans of its passages' sentences, as a line of JSON."""
    article = group[0].article
    record = {
        **asdict(article),
        "published": article.published and str(article.published),
        "updated": article.updated and str(article.updated),
        "left_out": [[span.start, span.end] for span in article.left_out],
        "correction": article.correction and [article.correction.start, article.correction.end],
        "passages": [[[span.start, span.end] for span in passage.sentences] for passage in group],
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def decode(place: object, line: bytes) -> tuple[Article, Sentences]:
    """The article that `encode` made a line of, and the sentences of its passages.

    Raises:
        IndexDamagedError: it cannot be understood.
    """
    try:
        record = json.loads(line.decode())
        # As tuples of numbers, which the garbage collector leaves alone.
        sentences = tuple(tuple(map(tuple, passage)) for passage in record.pop("passages"))
        article = Article(
            **{
                **record,
                "published": _date(record["published"]),
                "updated": _date(record["updated"]),
                "left_out": tuple(Span(*pair) for pair in record["left_out"]),
                "notes": tuple(record["notes"]),
                "correction": record["correction"] and Span(*record["correction"]),
            }
        )
        return article, sentences
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IndexDamagedError(place, f"{ARTICLES} cannot be read") from error


def passage(place: object, article: Article, sentences: Sequence[Sequence[int]]) -> Passage:
    """The passage of these sentences.

    Raises:
        IndexDamagedError: they are none.
    """
    try:
        return Passage(article, tuple(Span(*pair) for pair in sentences))
    except (ValueError, TypeError) as error:
        raise IndexDamagedError(place, f"{ARTICLES} cannot be read") from error


def read_articles(folder: Path, manifest: Manifest) -> Iterator[Group]:
    """The articles that count, each as its passages, in order of segment.

    Raises:
        IndexDamagedError: one is missing or cannot be understood.
    """
    for segment in manifest.segments:
        deleted = set(segment.deleted)
        try:
            with (folder / segment.name / ARTICLES).open("rb") as file:
                for ordinal, line in enumerate(file):
                    if ordinal not in deleted:
                        article, sentences = decode(folder, line)
                        yield tuple(passage(folder, article, spans) for spans in sentences)
        except OSError as error:
            raise IndexDamagedError(folder, f"{ARTICLES} cannot be read") from error


@lru_cache(maxsize=10_000)  # a corpus has few days and many articles
def _date(text: str | None) -> PartialDate | None:
    return None if text is None else PartialDate.from_iso(text)

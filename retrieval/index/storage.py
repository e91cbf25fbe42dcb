"""One folder on disk that is at every moment a whole index: generations, manifest, locks.

    <folder>/
      manifest.json            names the generation that counts, and what must be in it
      generation-<n>/          written aside and complete before the manifest names it
        articles.jsonl  embeddings.faiss  bm25/…

A writer fills a new generation, forces it to disk, and replaces the manifest in one step; whoever
opens the folder sees the old index or the new one. What a killed writer leaves behind is a
generation that no manifest names; the next writer removes it. No torch, no FAISS here.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.dates import PartialDate
from retrieval.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotBuiltError,
)
from retrieval.types import Article, Passage, Span

FORMAT = 2  # of everything in the folder; a reader of another format refuses it
_MANIFEST = "manifest.json"
_ARTICLES = "articles.jsonl"


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
class Manifest:
    """What the index folder holds and what it was made from."""

    generation: str
    corpus: str
    """The corpus folder, absolute."""
    model: str
    model_digest: str
    dimensions: int
    passage_settings: str
    passages: int
    files: tuple[FileRecord, ...]
    content: dict[str, str]
    """SHA-256 of each file of the generation, by its path in it."""


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the index in `folder`.

    Raises:
        IndexNotBuiltError: there is none.
        IndexDamagedError: it cannot be understood.
    """
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise IndexNotBuiltError(folder) from None
    except UnicodeDecodeError as error:
        raise IndexDamagedError(folder, f"{_MANIFEST} is not text") from error
    except OSError as error:
        raise IndexFolderError(
            f"the index in {folder} cannot be read ({error.strerror}); give this user the right "
            "to read it, or another folder with --index"
        ) from error
    try:
        sealed = json.loads(text)
        if sealed["format"] != FORMAT:
            raise IndexDamagedError(folder, "written by another version of Dateline")
        raw = sealed["manifest"]
        if sealed["digest"] != _seal(raw):
            raise IndexDamagedError(folder, f"{_MANIFEST} is altered")
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
        return Manifest(**raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IndexDamagedError(folder, f"{_MANIFEST} cannot be understood") from error


def _seal(manifest: object) -> str:
    """SHA-256 of what a manifest says, however its JSON is laid out."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def verify(folder: Path, manifest: Manifest) -> Path:
    """The generation's folder, once every file in it has been compared with its digest.

    Raises:
        IndexDamagedError: a file is missing or altered.
    """
    generation = folder / manifest.generation
    for name, digest in manifest.content.items():
        try:
            found = file_digest(generation / name)
        except OSError as error:
            raise IndexDamagedError(folder, f"{name}: {error.strerror}") from error
        if found != digest:
            raise IndexDamagedError(folder, f"{name} is altered")
    return generation


def built_at(generation: Path) -> datetime:
    """When a generation was written, in UTC."""
    return datetime.fromtimestamp((generation / _ARTICLES).stat().st_mtime, UTC)


def file_digest(path: Path) -> str:
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


def new_generation(folder: Path) -> Path:
    """An empty folder for the next generation. Call it inside `writing`."""
    numbers = [0]
    for path in folder.glob("generation-*"):
        with contextlib.suppress(ValueError):
            numbers.append(int(path.name.rpartition("-")[2]))
    remove_leftovers(folder)
    generation = folder / f"generation-{max(numbers) + 1}"
    generation.mkdir()
    return generation


def remove_leftovers(folder: Path) -> None:
    """Removes every generation but the one that counts. Call it inside `writing`.

    There are others after a commit, and where a writer was killed.
    """
    current = None
    with contextlib.suppress(IndexFolderError):
        current = read_manifest(folder).generation
    for path in folder.glob("generation-*"):
        if path.name != current:
            shutil.rmtree(path, ignore_errors=True)


def commit(folder: Path, manifest: Manifest) -> None:
    """Makes a complete generation the one that counts, in one step. Call it inside `writing`."""
    generation = folder / manifest.generation
    for path in generation.rglob("*"):
        _sync(path)
    _sync(generation)
    aside = folder / f"{_MANIFEST}.new"
    with aside.open("w", encoding="utf-8") as file:
        raw = asdict(manifest)
        json.dump({"format": FORMAT, "digest": _seal(raw), "manifest": raw}, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / _MANIFEST)
    _sync(folder)
    remove_leftovers(folder)


def _sync(path: Path) -> None:
    """Forces a file's or a folder's content to disk, where the system can."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def digests(generation: Path) -> dict[str, str]:
    """SHA-256 of every file below a generation's folder, by its path there."""
    return {
        path.relative_to(generation).as_posix(): file_digest(path)
        for path in sorted(generation.rglob("*"))
        if path.is_file()
    }


def write_articles(generation: Path, passages_by_article: Iterable[tuple[Passage, ...]]) -> None:
    """Writes articles with the spans of their passages' sentences, one JSON object a line."""
    with (generation / _ARTICLES).open("w", encoding="utf-8", newline="\n") as file:
        for passages in passages_by_article:
            article = passages[0].article
            record = {
                **asdict(article),
                "published": article.published and str(article.published),
                "updated": article.updated and str(article.updated),
                "left_out": [[span.start, span.end] for span in article.left_out],
                "correction": article.correction
                and [article.correction.start, article.correction.end],
                "passages": [
                    [[span.start, span.end] for span in passage.sentences] for passage in passages
                ],
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_articles(folder: Path, generation: Path) -> Iterator[tuple[Passage, ...]]:
    """The articles of a generation, in the order they were written, each as its passages.

    Raises:
        IndexDamagedError: the file is missing or cannot be understood.
    """
    try:
        with (generation / _ARTICLES).open(encoding="utf-8", newline="\n") as file:
            for line in file:
                record = json.loads(line)
                sentences = record.pop("passages")
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
                yield tuple(
                    Passage(article, tuple(Span(*pair) for pair in spans)) for spans in sentences
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IndexDamagedError(folder, f"{_ARTICLES} cannot be read") from error


def _date(text: str | None) -> PartialDate | None:
    return None if text is None else PartialDate.from_iso(text)

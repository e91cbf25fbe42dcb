"""A folder tree → its files, and each file → its articles."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from retrieval.articles.corrections import find_correction
from retrieval.articles.formats import KNOWN, Archive, FileArticles, format_of, read
from retrieval.articles.overrides import (
    COVERAGE,
    SIDECAR,
    Coverage,
    Stated,
    override,
    read_coverage,
    read_sidecar,
    sidecar_names,
)
from retrieval.errors import ArticleError, CorpusError


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file in the corpus folder, as the file system describes it."""

    path: str
    """Under the corpus, with "/" between folders."""
    size: int
    mtime_ns: int
    """When it was changed. Where something beside it states its metadata, another number, which
    changes with that, too."""
    sidecars: tuple[str, ...] = field(default=(), compare=False)
    """The files that state its metadata, as paths under the corpus, the strongest first."""
    stated: tuple[Stated, ...] = field(default=(), compare=False)
    """What a coverage.yaml states of it, likewise."""


def scan(corpus: Path) -> tuple[list[CorpusFile], list[ArticleError]]:
    """Every file that may hold articles, in order of path, and an error for each other file.

    Names that begin with "." are passed over, and so are the files that state others' metadata.
    Links are followed to files inside the corpus only.

    Raises:
        CorpusError: `corpus` is no folder we can list.
    """
    if not corpus.is_dir():
        raise CorpusError(
            f"no corpus folder at {corpus}; give a folder of articles with --corpus "
            "or DATELINE_CORPUS"
        )
    root = corpus.resolve()
    files: list[CorpusFile] = []
    refused: list[ArticleError] = []

    def on_error(error: OSError) -> None:
        folder = Path(error.filename)
        if folder == corpus:
            raise CorpusError(
                f"the corpus folder {corpus} cannot be read ({error.strerror}); "
                "give this user the right to list it"
            ) from error
        relative = _printable(folder.relative_to(corpus).as_posix())
        refused.append(ArticleError(relative, f"the folder cannot be read ({error.strerror})"))

    coverages: dict[Path, tuple[Coverage, ...]] = {}
    for parent, folders, names in os.walk(corpus, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        folder = _Folder(corpus, Path(parent), root, names)
        coverages[folder.path] = coverages.get(folder.path.parent, ())
        try:
            coverages[folder.path] = (*folder.coverage(), *coverages[folder.path])
        except ArticleError as error:
            refused.append(error)
        for name in names:
            if name.startswith(".") or name == COVERAGE:
                continue
            try:
                if name.endswith(SIDECAR):
                    folder.require_described(name)
                else:
                    files.append(folder.describe(name, coverages[folder.path]))
            except ArticleError as error:
                refused.append(error)
    files.sort(key=lambda file: file.path)
    refused.sort(key=lambda error: error.path)
    return files, refused


def _printable(path: str) -> str:
    r"""`path` with "\xe9" for each byte of a name that is not UTF-8."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


class _Folder:
    """One folder of the corpus, being looked through."""

    def __init__(self, corpus: Path, path: Path, root: Path, names: Sequence[str]) -> None:
        self.path = path
        self._place = str(path)
        self._prefix = "" if path == corpus else f"{path.relative_to(corpus).as_posix()}/"
        self._root = root
        self._names = names
        self._sidecars = frozenset(name for name in names if name.endswith(SIDECAR))

    def describe(self, name: str, coverages: Sequence[Coverage]) -> CorpusFile:
        """The file, with what states its metadata."""
        relative = self._relative(name)
        form = format_of(relative)
        if form is None:
            raise ArticleError(relative, f"not a kind of file that is read here ({KNOWN})")
        status = self._status(name)
        if status.st_size > form.max_bytes:
            one, remedy = "article", "split it into one file an article"
            if isinstance(form, Archive):
                one, remedy = "file", "split it"
            raise ArticleError(
                relative,
                f"too large for one {one} ({status.st_size:,} bytes; at most {form.max_bytes:,}); "
                f"{remedy}",
            )
        sidecars = {}
        for sidecar in sidecar_names(name) if self._sidecars else ():
            if sidecar not in self._sidecars:
                continue
            with contextlib.suppress(ArticleError):  # said where its own turn comes
                found = self._status(sidecar)
                sidecars[self._relative(sidecar)] = found.st_size, found.st_mtime_ns
        stated = tuple(each for coverage in coverages for each in coverage.of(relative))
        changed = status.st_mtime_ns
        if sidecars or stated:
            seen = repr((changed, sidecars, stated)).encode(errors="replace")
            changed = int.from_bytes(hashlib.sha256(seen).digest()[:7])
        return CorpusFile(relative, status.st_size, changed, tuple(sidecars), stated)

    def coverage(self) -> Iterator[Coverage]:
        """What its coverage.yaml states, if it has one."""
        if COVERAGE in self._names:
            status = self._status(COVERAGE)
            path = self.path / COVERAGE
            yield read_coverage(path, self._relative(COVERAGE), status.st_size, status.st_mtime_ns)

    def require_described(self, sidecar: str) -> None:
        """Refuses a sidecar that cannot be read or stands beside no article's file."""
        self._status(sidecar)
        if sidecar not in self._described:
            reason = "a sidecar of no file; it has to be called as a file beside it is"
            raise ArticleError(self._relative(sidecar), reason)

    @cached_property
    def _described(self) -> frozenset[str]:
        """What sidecars of its files may be called."""
        return frozenset(s for name in self._names if format_of(name) for s in sidecar_names(name))

    def _relative(self, name: str) -> str:
        relative = self._prefix + name
        if (printable := _printable(relative)) != relative:
            raise ArticleError(printable, "its name is not UTF-8; rename it")
        return relative

    def _status(self, name: str) -> os.stat_result:
        path = f"{self._place}/{name}"  # a Path for each of 10,000 files would take a second
        relative = self._relative(name)
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                if not Path(path).resolve().is_relative_to(self._root):
                    raise ArticleError(relative, "a link that leads out of the corpus folder")
                status = Path(path).stat()
        except OSError as error:
            raise ArticleError(relative, f"cannot be read ({error.strerror})") from error
        if not stat.S_ISREG(status.st_mode):
            raise ArticleError(relative, "not an ordinary file")
        return status


def read_file(corpus: Path, file: CorpusFile) -> FileArticles:
    """The articles in one file of the corpus, with what is stated beside it; blocks.

    A sidecar that cannot be understood is an error, and the articles are read without it.

    Raises:
        ArticleError: the file as a whole cannot be read as articles.
    """
    try:
        with (corpus / file.path).open("rb") as opened:
            found = read(file.path, opened, file.size)
    except OSError as error:
        raise ArticleError(file.path, f"cannot be read ({error.strerror})") from error
    stated: list[Stated] = []
    refused = list(found.refused)
    for sidecar in file.sidecars:
        try:
            stated.append(read_sidecar(corpus / sidecar, sidecar))
        except ValueError as error:
            refused.append(ArticleError(file.path, f"read without {sidecar}: {error}"))
    told = (*stated, *file.stated)
    articles = (override(a, file.path, told) if told else a for a in found.articles)
    return FileArticles(
        tuple(replace(article, correction=find_correction(article)) for article in articles),
        tuple(refused),
    )

"""A folder tree → its files, and each file → its articles."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.articles.corrections import find_correction
from retrieval.articles.formats import KNOWN, FileArticles, content, format_of
from retrieval.errors import ArticleError, CorpusError


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file in the corpus folder, as the file system describes it."""

    path: str
    """Under the corpus, with "/" between folders."""
    size: int
    mtime_ns: int


def scan(corpus: Path) -> tuple[list[CorpusFile], list[ArticleError]]:
    """Every file that may hold articles, in order of path, and an error for each other file.

    Names that begin with "." are passed over. Links are followed to files inside the corpus only.

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

    for parent, folders, names in os.walk(corpus, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith("."):
                continue
            path = Path(parent, name)
            relative = path.relative_to(corpus).as_posix()
            try:
                files.append(_describe(path, relative, root))
            except ArticleError as error:
                refused.append(error)
    files.sort(key=lambda file: file.path)
    refused.sort(key=lambda error: error.path)
    return files, refused


def _printable(path: str) -> str:
    r"""`path` with "\xe9" for each byte of a name that is not UTF-8."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _describe(path: Path, relative: str, root: Path) -> CorpusFile:
    if (printable := _printable(relative)) != relative:
        raise ArticleError(printable, "its name is not UTF-8; rename it")
    form = format_of(relative)
    if form is None:
        raise ArticleError(relative, f"not a kind of file that is read here ({KNOWN})")
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise ArticleError(relative, "a link that leads out of the corpus folder")
    try:
        status = path.stat()
    except OSError as error:
        raise ArticleError(relative, f"cannot be read ({error.strerror})") from error
    if not path.is_file():
        raise ArticleError(relative, "not an ordinary file")
    if status.st_size > form.max_bytes:
        raise ArticleError(
            relative,
            f"too large for one {'file' if form.holds_many else 'article'} ({status.st_size:,} "
            f"bytes; at most {form.max_bytes:,}); split it into one file an article",
        )
    return CorpusFile(relative, status.st_size, status.st_mtime_ns)


def read_file(corpus: Path, file: CorpusFile) -> FileArticles:
    """The articles in one file of the corpus, each with its correction. Reads it whole; blocks.

    Raises:
        ArticleError: the file as a whole cannot be read as articles.
    """
    try:
        data = (corpus / file.path).read_bytes()
    except OSError as error:
        raise ArticleError(file.path, f"cannot be read ({error.strerror})") from error
    form = format_of(file.path)
    if form is None:
        raise ArticleError(file.path, f"not a kind of file that is read here ({KNOWN})")
    read = form.read(file.path, content(file.path, data, form.max_bytes))
    return replace(
        read,
        articles=tuple(
            replace(article, correction=find_correction(article)) for article in read.articles
        ),
    )

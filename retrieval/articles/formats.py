"""Which kinds of file hold articles, and what reads each."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, BinaryIO, cast

from retrieval.articles.decoding import decode
from retrieval.articles.docx import read_docx
from retrieval.articles.feed import read_feed
from retrieval.articles.html import read_html
from retrieval.articles.json_file import read_json
from retrieval.articles.jsonl import read_jsonl
from retrieval.articles.markdown import read_markdown
from retrieval.articles.names import extension
from retrieval.articles.page import MAX_PAGE_BYTES
from retrieval.articles.pdf import read_pdf
from retrieval.articles.plain_text import read_plain_text
from retrieval.articles.warc import read_warc
from retrieval.errors import ArticleError
from retrieval.types import Article

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_ARTICLE_BYTES = 5_000_000  # War and Peace is 3.3 MB; no article is longer
MAX_DOCUMENT_BYTES = 100_000_000  # most of it pictures
MAX_ARCHIVE_BYTES = 4_000_000_000
MAX_WHOLE_BYTES = 50_000_000  # of JSON and feeds; read whole, it may become twenty times as large
_MAX_REFUSED = 1_000  # of one file; of more, the number is said
_GIVE_UP = 10_000  # records without one article: it is another kind of file
_MAX_RATIO = 100  # text is packed to a tenth of its size, a bomb to a thousandth


@dataclass(frozen=True, slots=True)
class FileArticles:
    """What one file holds: its articles, and an error for each record that is none."""

    articles: tuple[Article, ...]
    refused: tuple[ArticleError, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that holds one article."""

    read: Callable[[str, bytes], FileArticles]
    """Given the file's path under the corpus. Raises ArticleError where nothing can be read."""
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Archive:
    """A kind of file that holds many articles, which is read piece by piece."""

    records: Callable[[str, BufferedReader], Iterator[Article | ArticleError]]
    """Each article, and an error for each record that is none; raises ArticleError where nothing
    more can be read."""
    max_bytes: int

    def read(self, path: str, stream: BufferedReader) -> FileArticles:
        """What is in it; where it is cut off or broken, what can be read before that."""
        articles: list[Article] = []
        refused: list[ArticleError] = []
        more = 0
        try:
            for found in self.records(path, stream):
                if isinstance(found, Article):
                    articles.append(found)
                elif len(refused) < _MAX_REFUSED:
                    refused.append(found)
                else:
                    more += 1
                if not articles and more == _GIVE_UP:
                    raise ArticleError(path, "nothing in it is an article so far; not read further")
        except ArticleError as error:
            refused.append(error)
        if more:
            refused.append(ArticleError(path, f"{more:,} more of its records are no articles"))
        if not articles and not refused:
            refused.append(ArticleError(path, "there is no record in it"))
        return FileArticles(tuple(articles), tuple(refused))


def _one(read: Callable[[str, bytes], Article], max_bytes: int) -> Format:
    """A format of bytes."""
    return Format(lambda path, data: FileArticles((read(path, data),), ()), max_bytes)


def _text(read: Callable[[str, str, tuple[str, ...]], Article]) -> Format:
    """A format of text in any encoding."""
    return _one(lambda path, data: read(path, *_decoded(path, data)), MAX_ARTICLE_BYTES)


def _decoded(path: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text and what is to be noted about its encoding."""
    try:
        text, encoding = decode(data)
    except ValueError as error:
        raise ArticleError(path, str(error)) from error
    return text, () if encoding == "utf-8" else (f"not UTF-8: read as {encoding}",)


def _read_jsonl(path: str, stream: BufferedReader) -> Iterator[Article | ArticleError]:
    return read_jsonl(path, stream, MAX_ARTICLE_BYTES)


def _read_warc(path: str, stream: BufferedReader) -> Iterator[Article | ArticleError]:
    return read_warc(path, stream, MAX_PAGE_BYTES)


def _read_json(path: str, stream: BufferedReader) -> Iterator[Article | ArticleError]:
    text, notes = _decoded(path, stream.read())
    return read_json(path, text, notes)


_PAGE = _one(read_html, MAX_PAGE_BYTES)
_FEED = Archive(lambda path, stream: read_feed(path, stream.read()), MAX_WHOLE_BYTES)
_FORMATS: Mapping[str, Format | Archive] = {
    ".atom": _FEED,
    ".docx": _one(read_docx, MAX_DOCUMENT_BYTES),
    ".htm": _PAGE,
    ".html": _PAGE,
    ".json": Archive(_read_json, MAX_WHOLE_BYTES),
    ".jsonl": Archive(_read_jsonl, MAX_ARCHIVE_BYTES),
    ".md": _text(read_markdown),
    ".pdf": _one(read_pdf, MAX_DOCUMENT_BYTES),
    ".rss": _FEED,
    ".txt": _text(read_plain_text),
    ".warc": Archive(_read_warc, MAX_ARCHIVE_BYTES),
    ".xml": _FEED,
}
KNOWN = ", ".join(sorted(_FORMATS))
"""The extensions, for people; each may be followed by `.gz`."""


def format_of(path: str) -> Format | Archive | None:
    """The format that a file's extension names; None if no such format is read here."""
    return _FORMATS.get(extension(path))


class _Unpacked(RawIOBase):
    """What a file holds, unpacked where it is a `.gz`, and never more than is allowed."""

    def __init__(self, path: str, file: BinaryIO, max_bytes: int) -> None:
        self._path = path
        self._file = file
        self._left = max_bytes
        self._too_much = f"more than {max_bytes:,} bytes"
        if path.lower().endswith(".gz"):
            self._file = cast(BinaryIO, GzipFile(fileobj=file))
            self._too_much += " once unpacked"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Raises ArticleError where the file is broken, cut off or too large."""
        view = memoryview(buffer)
        try:
            data = self._file.read(min(len(view), self._left + 1))
        except EOFError as error:
            raise ArticleError(self._path, "the compressed file is cut off") from error
        except (BadGzipFile, zlib.error) as error:
            raise ArticleError(self._path, f"not a gzip file ({error})") from error
        if len(data) > self._left:
            raise ArticleError(self._path, self._too_much)
        self._left -= len(data)
        view[: len(data)] = data
        return len(data)


def read(path: str, file: BinaryIO, size: int) -> FileArticles:
    """The articles in a file, which is `size` bytes long. Reads it whole or piece by piece.

    Raises:
        ArticleError: the file as a whole cannot be read as articles.
        OSError: it cannot be read at all.
    """
    form = format_of(path)
    if form is None:
        raise ArticleError(path, f"not a kind of file that is read here ({KNOWN})")
    if isinstance(form, Format):
        return form.read(path, BufferedReader(_Unpacked(path, file, form.max_bytes)).read())
    # a small file may hold much that repeats, a large one must not
    allowed = min(form.max_bytes, max(MAX_WHOLE_BYTES, _MAX_RATIO * size))
    return form.read(path, BufferedReader(_Unpacked(path, file, allowed)))

"""Which kinds of file hold articles, and what reads each."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from retrieval.articles.decoding import decode
from retrieval.articles.html import read_html
from retrieval.articles.jsonl import read_jsonl
from retrieval.articles.markdown import read_markdown
from retrieval.articles.names import extension
from retrieval.articles.plain_text import read_plain_text
from retrieval.errors import ArticleError
from retrieval.types import Article

MAX_ARTICLE_BYTES = 5_000_000  # War and Peace is 3.3 MB; no article is longer
MAX_ARCHIVE_BYTES = 4_000_000_000


@dataclass(frozen=True, slots=True)
class FileArticles:
    """What one file holds: its articles, and an error for each record that is none."""

    articles: tuple[Article, ...]
    refused: tuple[ArticleError, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: what reads its bytes, and how many there may be."""

    read: Callable[[str, bytes], FileArticles]
    """Given the file's path under the corpus. Raises ArticleError where nothing can be read."""
    max_bytes: int
    holds_many: bool = False


def _text(read: Callable[[str, str, tuple[str, ...]], FileArticles]) -> Format:
    """A format of text in any encoding."""

    def read_bytes(path: str, data: bytes) -> FileArticles:
        try:
            text, encoding = decode(data)
        except ValueError as error:
            raise ArticleError(path, str(error)) from error
        notes = () if encoding == "utf-8" else (f"not UTF-8: read as {encoding}",)
        return read(path, text, notes)

    return Format(read_bytes, MAX_ARTICLE_BYTES)


def _one(read: Callable[[str, str, tuple[str, ...]], Article]) -> Format:
    """A format of text that holds one article."""
    return _text(lambda path, text, notes: FileArticles((read(path, text, notes),), ()))


def _read_jsonl(path: str, text: str, notes: tuple[str, ...]) -> FileArticles:
    articles, refused = read_jsonl(path, text, notes, MAX_ARTICLE_BYTES)
    return FileArticles(tuple(articles), tuple(refused))


_PAGE = Format(lambda path, data: FileArticles((read_html(path, data),), ()), MAX_ARTICLE_BYTES)
_FORMATS: Mapping[str, Format] = {
    ".htm": _PAGE,
    ".html": _PAGE,
    ".jsonl": Format(_text(_read_jsonl).read, MAX_ARCHIVE_BYTES, holds_many=True),
    ".md": _one(read_markdown),
    ".txt": _one(read_plain_text),
}
KNOWN = ", ".join(sorted(_FORMATS))
"""The extensions, for people; each may be followed by `.gz`."""


def format_of(path: str) -> Format | None:
    """The format that a file's extension names; None if no such format is read here."""
    return _FORMATS.get(extension(path))


def content(path: str, data: bytes, max_bytes: int) -> bytes:
    """What the file holds, unpacked where it is a `.gz`.

    Raises:
        ArticleError: it is broken, or larger than `max_bytes` once unpacked.
    """
    if not path.lower().endswith(".gz"):
        return data
    unpacked = bytearray()
    try:
        while data:
            stream = zlib.decompressobj(wbits=31)
            unpacked += stream.decompress(data, max_bytes + 1 - len(unpacked))
            if len(unpacked) > max_bytes:
                raise ArticleError(path, f"more than {max_bytes:,} bytes once unpacked")
            if not stream.eof:
                raise ArticleError(path, "the compressed file is cut off")
            data = stream.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise ArticleError(path, f"not a gzip file ({error})") from error
    return bytes(unpacked)

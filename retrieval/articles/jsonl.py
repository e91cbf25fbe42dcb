"""A `.jsonl` file → its articles, one JSON object a line."""

import codecs
import json
from collections.abc import Iterator
from io import BufferedReader

from retrieval.articles.decoding import decode
from retrieval.articles.names import bare
from retrieval.articles.records import read_record
from retrieval.errors import ArticleError
from retrieval.types import Article

_MAX_WIDE_BYTES = 100_000_000  # of a file in UTF-16 or UTF-32, which is decoded whole

_MAX_BLANK = 100_000  # lines on end; four gigabytes of them would take hours


def read_jsonl(
    path: str, stream: BufferedReader, max_bytes: int
) -> Iterator[Article | ArticleError]:
    """The articles of a JSON Lines file, in order, and an error for each line that is none.

    A record's text is the article's text; its `id` is the article's, or else path and line.
    One line is held at a time, and of a line no more than `max_bytes`.
    """
    for number, line in enumerate(_lines(path, stream, max_bytes), start=1):
        try:
            if len(line) > max_bytes:
                raise ArticleError(path, f"a record of more than {max_bytes:,} bytes", number)
            if line.strip():
                yield _read_line(path, number, line)
        except ArticleError as error:
            yield error


def _lines(path: str, stream: BufferedReader, max_bytes: int) -> Iterator[bytes]:
    """The lines in an encoding of bytes; of one that is too long, its beginning."""
    start = stream.peek()
    if b"\0" in start or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = stream.read(_MAX_WIDE_BYTES + 1)
        if len(data) > _MAX_WIDE_BYTES:
            raise ArticleError(path, "too large for its encoding; save it as UTF-8")
        try:
            yield from decode(data)[0].encode().split(b"\n")
        except ValueError as error:
            raise ArticleError(path, str(error)) from error
    blank = 0
    while line := stream.readline(max_bytes + 1):
        blank = blank + 1 if line == b"\n" else 0
        if blank > _MAX_BLANK:
            raise ArticleError(path, f"more than {_MAX_BLANK:,} blank lines; not read further")
        yield line
        while len(line) > max_bytes and not line.endswith(b"\n"):
            line = stream.readline(max_bytes + 1)


def _read_line(path: str, number: int, line: bytes) -> Article:
    try:
        text, encoding = decode(line)
    except ValueError as error:
        raise ArticleError(path, str(error), number) from error
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArticleError(path, f"not JSON ({error})", number) from error
    notes = () if encoding == "utf-8" else (f"not UTF-8: read as {encoding}",)
    return read_record(path, f"{bare(path)}#{number}", record, notes, line=number)

"""A `.warc` file, as web archives hold them → its articles, one a page.

Read here and not by warcio, which holds whatever a line or a header's length is, and writes to
standard error.
"""

import contextlib
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, cast

from retrieval.articles.html import read_html
from retrieval.articles.names import bare
from retrieval.errors import ArticleError
from retrieval.types import Article

if TYPE_CHECKING:
    import socket

_HTML = ("text/html", "application/xhtml+xml")
_PIECE = 65_536
_MAX_HEADERS = 1_000  # lines of one record, or blank ones before it; there are about ten


def read_warc(
    path: str, stream: BufferedReader, max_bytes: int
) -> Iterator[Article | ArticleError]:
    """The articles of a web archive, in order, and an error for each page that is none.

    A page is an HTML response with status 200, or an HTML resource; more than `max_bytes` of one
    are not read. An article's id is the file's path and the number of its page. When a page was
    fetched is no date of publication.

    Raises:
        ArticleError: it is no WARC, or is cut off or broken from some record on.
    """
    number = 0
    while (headers := _headers(path, stream)) is not None:
        body = _body(path, stream, headers, max_bytes)
        url = headers.get("warc-target-uri", "").strip("<>") or None
        try:
            page = _page_of(path, headers, body, max_bytes)
            if page is None:
                continue
            number += 1
            article = read_html(path, page, url=url)
            yield replace(article, article_id=f"{bare(path)}#{number}")
        except ArticleError as error:
            yield ArticleError(path, f"{url}: {error.reason}")


def _page_of(path: str, headers: Mapping[str, str], body: bytes, max_bytes: int) -> bytes | None:
    """The page in a record; None if it holds none."""
    kind = headers.get("warc-type")
    if kind == "response" and headers.get("content-type", "").startswith("application/http"):
        page = _page(path, body, max_bytes)
    else:
        page = body if kind == "resource" and _is_html(headers.get("content-type")) else None
    if page is not None and max(len(body), len(page)) > max_bytes:
        raise ArticleError(path, f"a page of more than {max_bytes:,} bytes")
    return page


def _headers(path: str, stream: BufferedReader) -> Mapping[str, str] | None:
    """The headers of the next record, their names in lower case; None at the end."""
    for _ in range(_MAX_HEADERS):
        line = stream.readline(_PIECE)
        if line not in (b"\r\n", b"\n"):
            break
    if not line:
        return None
    if not line.startswith(b"WARC/"):
        raise ArticleError(path, "not a WARC, or broken: no record begins where one should")
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = stream.readline(_PIECE)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line.endswith(b"\n"):
            break
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = value.strip()
    raise ArticleError(path, "cut off or broken in the headers of a record")


def _body(path: str, stream: BufferedReader, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """The record's content, or the first `max_bytes` and one of it."""
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 20):
        raise ArticleError(path, "broken: a record does not say how long it is")
    left = int(length)
    kept = bytearray()
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise ArticleError(path, "cut off")
        left -= len(piece)
        kept += piece[: max_bytes + 1 - len(kept)]
    return bytes(kept)


class _Socket:
    """What `http.client` reads a response from."""

    def __init__(self, data: bytes) -> None:
        self.file = BytesIO(data)

    def makefile(self, _mode: str) -> BytesIO:
        return self.file


def _page(path: str, body: bytes, max_bytes: int) -> bytes | None:
    """The HTML in an HTTP response; None if it is of another kind or no success.

    Some crawlers store what they have unpacked beside the headers of what was packed.

    Raises:
        ArticleError: it is packed in a way that is not read here, or too large once unpacked.
    """
    from http.client import HTTPException, HTTPResponse  # here, for most corpora have no use for it

    connection = _Socket(re.sub(rb"\AHTTP/[\d.]+", b"HTTP/1.1", body, count=1))
    response = HTTPResponse(cast("socket.socket", connection))
    try:
        response.begin()
    except (HTTPException, ValueError):
        return None
    if response.status != 200 or not _is_html(response.headers.get("Content-Type")):
        return None
    page = connection.file.getvalue()[connection.file.tell() :]
    if response.chunked:
        with contextlib.suppress(HTTPException, ValueError):
            page = response.read()
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing in ("br", "zstd") and b"<" not in page[:1_000]:
        raise ArticleError(path, f"packed with {packing}, which is not read here")
    if packing in ("gzip", "x-gzip", "deflate"):
        with contextlib.suppress(zlib.error):
            # 47: gzip or zlib, whichever its first bytes say
            page = zlib.decompressobj(wbits=47).decompress(page, max_bytes + 1)
    return page


def _is_html(kind: str | None) -> bool:
    return (kind or "").partition(";")[0].strip().lower() in _HTML

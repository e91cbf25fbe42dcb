"""Web archives: one article a page; when it was fetched is no date."""

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.articles import FileArticles
from retrieval.articles.formats import read
from retrieval.articles.warc import read_warc
from retrieval.errors import ArticleError
from retrieval.passages import split
from retrieval.types import Article
from tests.retrieval.making import as_stream

_PROSE = "The ferry to Holm will stop running in June, and the island protests against it loudly. "
_PAGE = f"<html><body><article><h1>Ferry</h1><p>{_PROSE * 4}</p></article></body></html>".encode()


def _http(
    body: bytes, kind: str = "text/html; charset=utf-8", status: str = "200 OK", **more: str
) -> bytes:
    headers = {"Content-Type": kind, **{name.replace("_", "-"): more[name] for name in more}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def _record(content: bytes, kind: str = "response", url: str = "https://x.org/1") -> bytes:
    content_type = "text/html" if kind == "resource" else f"application/http; msgtype={kind}"
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 2025-01-01T00:00:00Z\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def _read(data: bytes, path: str = "a/crawl.warc") -> FileArticles:
    return read(path, as_stream(data), len(data))


def test_each_page_that_was_found_is_an_article() -> None:
    """A crawl holds far more than pages."""
    info = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"
    data = b"".join(
        [
            info,
            _record(b"GET / HTTP/1.1\r\n\r\n", "request"),
            _record(_http(_PAGE)),
            _record(_http(b"\x89PNG", "image/png")),
            _record(_http(_PAGE, status="404 Not Found")),
            _record(_http(_PAGE).replace(b"HTTP/1.1", b"HTTP/2"), url="https://x.org/2"),
            _record(_PAGE, "resource", url="https://x.org/3"),
        ]
    )
    found = _read(data)

    assert [(f"a/crawl#{n}", f"https://x.org/{n}") for n in (1, 2, 3)] == [
        (article.article_id, article.url) for article in found.articles
    ]
    assert () == found.refused
    assert all(_PROSE.strip() in article.text for article in found.articles)
    assert {None} == {article.published for article in found.articles}


@pytest.mark.parametrize(
    "response",
    [
        _http(gzip.compress(_PAGE), Content_Encoding="gzip"),
        _http(zlib.compress(_PAGE), Content_Encoding="deflate"),
        _http(b"%x\r\n%s\r\n0\r\n\r\n" % (len(_PAGE), _PAGE), Transfer_Encoding="chunked"),
        _http(_PAGE, Transfer_Encoding="chunked"),  # stored unpacked
        _http(_PAGE, Content_Encoding="gzip"),
        _http(_PAGE, Content_Encoding="br"),
        _http(_PAGE, Content_Length="7"),
    ],
)
def test_a_page_is_unpacked_as_it_was_sent(response: bytes) -> None:
    """Crawlers store what the server sent, or what they made of it."""
    (article,) = _read(_record(response)).articles

    assert _PROSE.strip() in article.text


def test_an_archive_packed_by_record_is_read() -> None:
    """That is how crawlers write them."""
    data = gzip.compress(_record(_http(_PAGE))) + gzip.compress(_record(_http(_PAGE)))

    assert ["a/crawl#1", "a/crawl#2"] == [
        article.article_id for article in _read(data, "a/crawl.warc.gz").articles
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_record(_http(_PAGE))[:-90], "cut off"),
        (_record(_http(_PAGE))[:60], "cut off or broken in the headers of a record"),
        (b"WARC/1.0\r\n" + b"a: b\r\n" * 2_000, "cut off or broken in the headers of a record"),
        (b"WARC/1.0\r\nContent-Length: -5\r\n\r\n", "broken: a record does not say how long it is"),
        (b"\n" * 5_000, "not a WARC, or broken: no record begins where one should"),
        (b"Hello.", "not a WARC, or broken: no record begins where one should"),
        (_record(_http(b"")), "https://x.org/1: "),
        (_record(_http(b"\x1b\x00br", Content_Encoding="br")), "https://x.org/1: packed with br"),
    ],
)
def test_of_a_broken_archive_what_stands_before_is_read(data: bytes, reason: str) -> None:
    """A crawl that was stopped is cut off in its last record."""
    found = _read(_record(_http(_PAGE)) + data)

    assert 1 == len(found.articles)
    assert [True] == [str(e).startswith(f"a/crawl.warc: {reason}") for e in found.refused]


def test_a_bomb_is_never_unpacked() -> None:
    """A page of a kilobyte can say that it is a gigabyte."""
    bomb = _http(gzip.compress(b"x" * 100_000), Content_Encoding="gzip")
    large = _record(_http(b"x" * 10_000))
    found = list(read_warc("a.warc", as_stream(_record(bomb) + large), 5_000))

    assert ["a page of more than 5,000 bytes"] * 2 == [
        error.reason.removeprefix("https://x.org/1: ")
        for error in found
        if isinstance(error, ArticleError)
    ]


_GOOD = _record(_http(_PAGE)) + _record(_http(_PAGE), "resource")


@settings(deadline=None)
@given(st.integers(0, len(_GOOD) - 1), st.binary(min_size=1, max_size=6))
def test_any_damage_is_articles_or_article_errors(place: int, damage: bytes) -> None:
    """One broken archive must not stop the rest from being read."""
    found = _read(_GOOD[:place] + damage + _GOOD[place + len(damage) :])

    assert found.articles or found.refused
    assert all(split(article) for article in found.articles if isinstance(article, Article))

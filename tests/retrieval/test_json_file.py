"""JSON: one record, or a list of them wherever exporters put it."""

import json
import tracemalloc

import pytest

from retrieval.articles import FileArticles
from retrieval.articles.formats import read
from tests.retrieval.making import as_stream


def _read(loaded: object) -> FileArticles:
    data = (loaded if isinstance(loaded, str) else json.dumps(loaded)).encode()
    return read("a/wire.json", as_stream(data), len(data))


@pytest.mark.parametrize(
    ("loaded", "ids"),
    [
        ({"text": "One."}, ["a/wire"]),
        ({"text": "One.", "id": "x"}, ["x"]),
        ([{"text": "One."}, {"text": "Two."}], ["a/wire#1", "a/wire#2"]),
        ({"status": "ok", "articles": [{"content": "One."}]}, ["a/wire#1"]),
        ({"response": {"status": "ok", "results": [{"text": "One."}]}}, ["a/wire#1"]),
        ({"articles": {"results": [{"body": "One."}]}}, ["a/wire#1"]),
        ({"data": {"text": "One."}}, ["a/wire#1"]),
        ({"hits": {"total": 1, "hits": [{"_id": "x", "_source": {"text": "One."}}]}}, ["x"]),
        ({"@context": "https://schema.org", "@graph": [{"articleBody": "One."}]}, ["a/wire#1"]),
        ({"text": "One.", "results": [{"text": "Two."}]}, ["a/wire"]),  # an article with more
    ],
)
def test_records_are_found_where_exporters_put_them(loaded: object, ids: list[str]) -> None:
    """Each news API wraps its list in another way."""
    found = _read(loaded)

    assert (ids, ()) == ([article.article_id for article in found.articles], found.refused)
    assert "One." == found.articles[0].text


def test_the_items_of_a_json_feed_have_its_name_as_their_source() -> None:
    """It stands once, at its head."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Gazette",
        "items": [{"id": "1", "content_html": "<p>One.", "date_published": "2024-03-18T09:30:00Z"}],
    }
    (article,) = _read(feed).articles

    assert ("One.", "Gazette", "2024-03-18") == (
        article.text,
        article.source,
        str(article.published),
    )


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        ("{", "a/wire.json: not JSON ("),
        ("[" * 100_000, "a/wire.json: not JSON ("),  # deep
        ("", "a/wire.json: there is no text in it"),
        ([], "a/wire.json: there is no record in it"),
        ({"articles": []}, "a/wire.json: there is no record in it"),
        ({"name": "a package"}, "a/wire.json: a record without text"),
        ([{"text": "One."}, 5], "a/wire.json: record 2: not a JSON object"),
        ("1" * 5_000, "a/wire.json: not JSON ("),  # more digits than Python reads
    ],
)
def test_what_is_no_article_is_refused_with_a_reason(loaded: object, reason: str) -> None:
    """Configuration files lie about in folders, too."""
    (refused,) = _read(loaded).refused

    assert str(refused).startswith(reason)


def test_a_bomb_of_brackets_needs_bounded_memory() -> None:
    """JSON unpacks to many times its size."""
    data = b"[" + b"[]," * 1_000_000 + b"[]]"
    tracemalloc.start()
    found = read("a.json", as_stream(data), len(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert 40 * len(data) > peak
    assert not found.articles

"""JSON Lines: one article a line, and one error for each line that is none."""

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.formats import Archive
from retrieval.articles.jsonl import read_jsonl
from retrieval.passages import split
from retrieval.types import Article
from tests.retrieval.making import as_stream


def _read(*records: object, path: str = "wire.jsonl") -> tuple[list[Article], list[str]]:
    text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records)
    read = Archive(partial(read_jsonl, max_bytes=1_000), 0).read(path, as_stream(text.encode()))
    return list(read.articles), [str(error) for error in read.refused]


def test_a_record_is_an_article_with_its_own_id() -> None:
    """Ids from another system must be usable to look the article up."""
    (article,), refused = _read(
        {
            "id": 7,
            "headline": "Ice",
            "date": "2024-03-19",
            "publisher": "Wire",
            "body": "It\nmelts.",
        }
    )

    assert [] == refused
    assert ("7", "It\nmelts.", "Ice", "Wire", "2024-03-19", "field date") == (
        article.article_id,
        article.text,
        article.title,
        article.source,
        str(article.published),
        article.published_from,
    )


@pytest.mark.parametrize("path", ["a/wire.jsonl", "a/wire.JSONL"])
def test_a_record_without_an_id_is_named_by_its_line(path: str) -> None:
    """Every article needs an id that stays."""
    articles, _ = _read("", {"text": "It melts."}, {"text": "It froze.", "id": ""}, path=path)

    assert ["a/wire#2", "a/wire#3"] == [article.article_id for article in articles]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{", "wire.jsonl, line 1: not JSON"),  # broken
        ("[" * 100_000, "line 1: a record of more than 1,000 bytes"),  # a bomb, cut short
        ("[" * 900, "line 1: not JSON"),  # deep
        (
            {"text": "Nul\0 is no letter."},
            "line 1: not text (it holds the control character U+0000",
        ),
        ([1], "line 1: not a JSON object"),
        ({"id": 1}, "line 1: a record without text, body, content or the like"),
        ({"text": 5}, "line 1: a record without text, body, content or the like"),
        ({"text": " "}, "line 1: a record without text, body, content or the like"),
        ({"text": "Published: 2024-03-19"}, "line 1: there is no article in it, only metadata"),
        ({"text": "Half \ud83d a pair."}, "its text holds half of a surrogate pair"),
        ({"text": "Whole.", "title": "\ud83d"}, "its title holds half of a surrogate pair"),
        ({"text": "Whole.", "id": "\ud83d"}, "its id holds half of a surrogate pair"),
        ("\r\n \n", "wire.jsonl: there is no record in it"),  # nothing at all
    ],
)
def test_a_bad_record_is_refused_by_line_and_reason(record: object, reason: str) -> None:
    """One bad line must not take a file of a million with it, nor go unnoticed."""
    articles, refused = _read(record)

    assert [] == articles
    assert [True] == [reason in message for message in refused], refused


def test_good_records_survive_bad_ones() -> None:
    """The file is read to its end."""
    articles, refused = _read({"text": "One."}, "oops", {"text": "Two."})

    assert (["One.", "Two."], 1) == ([article.text for article in articles], len(refused))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["id", "text", "body", "title", "date", "updated", "source", "url", "author"]
)


@given(st.dictionaries(_KEYS, _JSON))
def test_any_record_is_an_article_or_an_article_error(record: dict[str, object]) -> None:
    """Feeds hold every type in every field."""
    articles, refused = _read(record)

    assert 1 == len(articles) + len(refused)
    assert all(split(article) for article in articles)


def test_a_file_of_one_line_is_read_in_bounded_memory() -> None:
    """A gigabyte without a newline must cost no gigabyte."""
    stream = as_stream(b'{"text": "It melts."}\n' + b"x" * 3_000 + b'\n{"text": "It froze."}')

    found = [str(getattr(f, "text", f)) for f in read_jsonl("a.jsonl", stream, 1_000)]

    assert ["It melts.", "a.jsonl, line 2: a record of more than 1,000 bytes", "It froze."] == found


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp1252"])
def test_other_encodings_are_read(encoding: str) -> None:
    """Spreadsheets export UTF-16 and marks that nobody sees."""
    data = '{"text": "Café."}\n{"text": "Thé."}\n'.encode(encoding)

    found = list(read_jsonl("a.jsonl", as_stream(data), 1_000))

    assert ["Café.", "Thé."] == [article.text for article in found if isinstance(article, Article)]

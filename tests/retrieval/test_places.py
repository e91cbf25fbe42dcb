"""Where an index may be, and which of the files a shard of it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.milvus.rows import hash_of
from retrieval.places import MilvusPlace, Shard, parse_milvus


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://host:19530", MilvusPlace("http://host:19530", "dateline")),
        ("http://host:19530/", MilvusPlace("http://host:19530", "dateline")),
        ("https://host/news", MilvusPlace("https://host", "news")),
        ("http://host:1/desk/news", MilvusPlace("http://host:1", "news", "desk")),
        ("news.db", MilvusPlace("news.db", "dateline")),
        ("/srv/news.db/sport", MilvusPlace("/srv/news.db", "sport")),
        ("news", None),
        ("~/.cache/dateline/db", None),
    ],
)
def test_addresses_and_files_are_told_from_folders(text: str, expected: MilvusPlace | None) -> None:
    """One setting names every kind of index."""
    assert expected == parse_milvus(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://me:secret@host:19530",
        "http://host/a/b/c",
        "http://host/no-dash",
        "x.db/1st",
        "http://",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_a_password(text: str) -> None:
    """The sentence ends up in logs and on screens."""
    with pytest.raises(ValueError, match=r"use letters|give http") as caught:
        parse_milvus(text)
    assert "secret" not in str(caught.value)


def test_the_token_is_never_shown() -> None:
    """Places are printed in messages."""
    place = MilvusPlace("http://host:19530", token="secret")  # noqa: S106

    assert "secret" not in f"{place} {place!r}"


@given(of=st.integers(1, 1000), path=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_file_is_in_exactly_one_shard(of: int, path: str) -> None:
    """None may be left out, and none be filled twice."""
    place = hash_of(path)

    assert 1 == sum(place in Shard(number, of).range for number in range(of))


def test_a_hash_is_the_same_on_every_machine() -> None:
    """Python's own differs from process to process."""
    assert 2_922_251_417 == hash_of("a.txt")

"""Corrections: what an article says of its own mistakes is found, word for word."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles import read_file, scan
from retrieval.articles.corrections import find_correction
from retrieval.types import Span
from tests.conftest import Corpus
from tests.retrieval.making import make_article


def _stated(text: str) -> str | None:
    found = find_correction(make_article(text))
    return None if found is None else found.of(text)


@pytest.mark.parametrize(
    "words",
    [
        "Correction: The toll was nine. It was said to be ten.",
        "Correction (March 3, 2024): The toll was nine.",
        "Correction, 3 March 2024: The toll was nine.",
        "Corrections and clarifications: The toll was nine.",
        "CORRECTION – The toll was nine.",
        "Correction\nThe toll was nine.",  # the label on a line of its own
        "Correction\n\nThe toll was nine.",
        "Clarification: The toll is that of the city alone.",
        "Editor’s note: An earlier version gave another toll.",
        "EDITORS' NOTE: This story has been updated to correct the toll.",
        "An earlier version of this article said ten.",
        "Earlier versions of this report said ten.",
        "This article was amended on 14 March 2024. An earlier version said ten.",
        "This March 14 story has been corrected to fix the toll.",
        "This story was updated on March 14 to correct the toll.",
        "This article originally said ten.",
        "We regret the error.",
        "(Corrects the toll in paragraph 2)",
        "(This story has been corrected to fix the toll.)",
    ],
)
@pytest.mark.parametrize("before", ["", "Nine died.\n\n", "Nine died.\n\n• "])
def test_a_correction_is_found_in_its_own_words(words: str, before: str) -> None:
    """Each paper has its own form for it."""
    assert words == _stated(f"{before}{words}\n\nThe bridge was old.")


def test_a_correction_at_the_end_of_a_paragraph_begins_with_its_sentence() -> None:
    """The rest of the paragraph is news, and right."""
    assert "An earlier version of this article said ten." == _stated(
        "Nine died, the city said. An earlier version of this article said ten.\n\nIt was old."
    )


@pytest.mark.parametrize(
    "text",
    [
        "The Times said that an earlier version of the article was wrong.",  # somebody else's
        "“This article was amended,” she said.",  # what somebody says
        "It was a market\ncorrection: prices fell.",  # another kind
        "Editor’s note: She is a guest writer.",  # a note on something else
        "Note: all times are local.",
        "Updated: 3 March 2024",  # an update corrects nothing
        "This story has been updated.",
        "Correction",  # a label alone says nothing
        "",
    ],
)
def test_what_only_looks_like_a_correction_is_none(text: str) -> None:
    """To be marked as wrong once is a blemish."""
    assert _stated(text) is None


def test_a_correction_among_what_is_left_out_is_not_this_articles() -> None:
    """Below "Also read:" stand the headlines of others."""
    text = "Nine died.\n\nCorrection: It was ten."
    article = make_article(text, left_out=(Span(12, len(text)),))

    assert find_correction(article) is None


def test_a_long_correction_ends_with_a_sentence() -> None:
    """A file without paragraphs is not one correction from there on."""
    found = _stated("Correction: The toll was nine. " + "Much more was said that day. " * 100)

    assert found is not None
    assert 500 < len(found) <= 600
    assert found.endswith("that day.")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Nine died.\n\n{}\n"),
        ("a.md", "---\ntitle: T\n---\nNine died.\n\n{}\n"),
        ("a.jsonl", '{{"text": "Nine died.\\n\\n{}"}}\n'),
    ],
)
def test_every_format_has_its_corrections_marked(name: str, content: str, corpus: Corpus) -> None:
    """They are found in an article's text, wherever that came from."""
    folder = corpus({name: content.format("Correction: It was eight.")})
    ((file,), _) = scan(folder)

    ((article,), _) = (read_file(folder, file).articles, None)

    assert article.correction is not None
    assert "Correction: It was eight." == article.correction.of(article.text)


_PIECES = [
    "Correction",
    "Note",
    ":",
    "\n",
    " ",
    "(",
    ")",
    ".",
    "a",
    "This article was amended",
    "•",
]


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=30).map("".join))
def test_a_correction_is_a_slice_with_something_to_see(text: str) -> None:
    """Whatever stands in an article, what is shown as its correction stands there too."""
    found = find_correction(make_article(text))

    assert found is None or (found.end <= len(text) and found.of(text).strip())


@pytest.mark.parametrize("piece", ["Note: x\n", "Correction\n", "This a b c ", ". ", "* ", "\n"])
def test_a_hostile_text_is_searched_in_time(piece: str) -> None:
    """An article may have five megabytes of anything."""
    started = time.monotonic()

    find_correction(make_article(piece * (1_000_000 // len(piece))))

    assert time.monotonic() - started < 2

"""Headlines: known when they are there, made when they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.titles import MAX_TITLE, derive_title, reads_like_a_headline
from retrieval.types import Span


def _derived(text: str) -> str:
    return derive_title(text, Span(0, len(text)))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Kim rode in a car. It was new.", "Kim rode in a car"),  # one sentence, no stop
        ("Who gave it? Nobody says.", "Who gave it?"),  # a question keeps its mark
        ("He came from the U.S.A.", "He came from the U.S.A"),  # the end of a sentence
        ("\n \u00a0" * 300 + "Kim\nrode.", "Kim rode"),  # white space before and between
        ("🚗", "🚗"),  # no word at all
    ],
)
def test_a_title_is_the_first_sentence(text: str, title: str) -> None:
    """Lists of sources must show something to tell articles apart."""
    assert title == _derived(text)


def test_a_long_first_sentence_is_cut_after_a_clause() -> None:
    """A title that stops in the middle of a phrase reads broken."""
    text = "Putin has given a luxury car to the leader of North Korea, " + "and so on " * 30

    assert "Putin has given a luxury car to the leader of North Korea…" == _derived(text)


@given(st.text(min_size=1, max_size=600))
def test_a_title_is_never_longer_than_its_limit(text: str) -> None:
    """Discord refuses an embed with an over-long title."""
    assert len(_derived(text)) <= MAX_TITLE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Israel’s Rafah Deadline Raises Stakes", True),
        ("Why Kim Cannot Visit the U.S.", True),  # no full stop but an abbreviation
        ("Ford Motor Co.", True),  # likewise
        ("Who gave Kim the car?", True),
        ("Kim rode in the car.", False),  # prose
        ("“Kim rode in the car.”", False),  # prose, quoted
        ("Kim rode in the car. 🚗", False),  # prose, adorned
        ("The ministry said:", False),  # goes on below
        ("— — —", False),  # a rule
        ("word " * 50, False),  # too long
    ],
)
def test_a_headline_has_words_and_no_full_stop(line: str, expected: bool) -> None:
    """What is taken for a headline may be left out of quoting; prose never may."""
    assert expected is reads_like_a_headline(line)

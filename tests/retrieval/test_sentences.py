"""Sentences: cut where they end, and nowhere else."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.sentences import MAX_SENTENCE, split_paragraphs, split_sentences
from retrieval.types import Span


def _sentences(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text, Span(0, len(text)))]


def _paragraphs(text: str) -> list[str]:
    return [span.of(text) for span in split_paragraphs(text, Span(0, len(text)))]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Kim rode in a car.", "It was new."],
        ["Dr. A. B. Kim met Mr. Lee and Mrs. Park.", "They left."],  # titles, initials
        ["J. K. Rowling wrote it.", "Nobody read it."],  # initials first
        ["The U.S. President met Kim.", "It rained."],  # abbreviation inside
        ["It came from the U.S.", "He drove it."],  # abbreviation at the end
        ["It was 3.5 km away.", "It cost $1.5 million."],  # decimals
        ["Growth was 0.5 pct. in the third quarter.", "It fell."],  # goes on in lower case
        ["It cost\u00a0$1.5\u00a0million.", "Nobody paid.\u00a0It was a gift."][:1],  # NBSP
        ["Kim left at 5 p.m. on Friday.", "He slept."],  # a time inside
        ["Kim left at 5 p.m.", "He slept."],  # a time at the end
        ["Kim left at 5 p.m.", "That was late."],
        ["Kim left at 5 p.m.", "AT&T and MIT did not."],
        ["Kim left at 5 p.m.", "Central bank officials slept."],
        ["Kim left at 5 p.m.", "Marchers came."],
        ["Kim left at 3:15 p.m. Sunday, she said.", "He slept."],  # a time and its day
        ["Kim left at 7 p.m. March\u00a04 for Seoul.", "He slept."],
        ["Kim left at 5 P.M. EST in a car.", "He slept."],
        ["Kim slept till 9 a.m. Eastern time.", "Sunday was calm."],
        ["She lives at No. 10 Downing Street.", "He does not."],  # number
        ["“It is new.”", "He smiled."],  # a quote that ends
        ["He said: “Is it new? It is.”", "Nobody answered."],  # a quote of two sentences
        ["Well… maybe.", "He left."],  # an ellipsis inside
        ["Wait?!", "Really?", "Yes!"],  # marks
        ["The army (Gen. Kim et al.) marched.", "It rained."],  # in brackets
        ["St. Petersburg is far.", "So is Mt. Everest."],  # places
        ["Acme Inc. and Foo Ltd. merged.", "Both fell."],  # companies
        ["On Jan. 5 it snowed.", "On Feb. 6 it thawed."],  # months
        ["See https://example.org/a.b?c=d. for more.", "It is long."][:1],  # an address
        ["2. Jobs are scarce.", "Pay is low."],  # the number of a list
        ["قال إن التذاكر رخيصة.", "ثم غادر؟", "نعم."],  # right to left
        ["价格上涨。", "他离开了。"],  # no blanks between
        ["🚗 stood there.", "🎉 It shone."],  # emoji
    ],
)
def test_a_paragraph_is_cut_into_its_sentences(sentences: list[str]) -> None:
    """A quote that begins in the middle of a sentence misleads."""
    blank = "" if sentences[0].endswith("。") else " "

    assert sentences == _sentences(blank.join(sentences))


def test_a_line_break_inside_a_sentence_is_no_end() -> None:
    """Text from mail and terminals is wrapped."""
    assert ["Kim rode\r\nin a car.", "It\nwas new."] == _sentences(
        "Kim rode\r\nin a car. It\nwas new."
    )


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("One.\n\nTwo.", ["One.", "Two."]),  # a blank line
        ("One\r\n \t\r\nTwo", ["One", "Two"]),  # blank but for space, Windows
        ("One.\nTwo.", ["One.", "Two."]),  # a break after an end
        ("“One.”\nTwo.", ["“One.”", "Two."]),  # likewise, quoted
        ("One\ntwo.", ["One\ntwo."]),  # wrapping
        ("One:\n- two", ["One:", "- two"]),  # a list
        (" \n\n One. \n\n", ["One."]),  # space around
        ("", []),
    ],
)
def test_paragraphs_end_at_blank_lines_and_after_sentences(
    text: str, paragraphs: list[str]
) -> None:
    """A passage never joins two of them."""
    assert paragraphs == _paragraphs(text)


def test_a_sentence_without_end_is_cut_between_words() -> None:
    """The models read 256 tokens; a table or a list may be one sentence for them."""
    text = "word " * 1_000
    pieces = _sentences(text)

    assert {"word"} == {word for piece in pieces for word in piece.split()}
    assert max(map(len, pieces)) <= MAX_SENTENCE


_BITS = (
    *("Kim", "said", "U.S.", "p.m.", "No.", "10", "Dr.", "3.5", "“Yes.”", "…", "?!", "e.g.", "。"),
    *(" ", " ", "\u00a0", "\n", "\r\n", "\n\n", "\u2028", "\u200b", "🚗", "؟", "\x85", ".", ")"),
)
_NEWSLIKE = st.lists(st.sampled_from(_BITS), max_size=40).map("".join)


@settings(max_examples=300)
@given(st.one_of(_NEWSLIKE, st.text(max_size=300)))
def test_no_visible_character_is_lost_and_none_is_in_two_sentences(text: str) -> None:
    """What is in no sentence could never be quoted."""
    spans = [
        sentence
        for paragraph in split_paragraphs(text, Span(0, len(text)))
        for sentence in split_sentences(text, paragraph)
    ]

    assert spans == sorted(spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert "".join(text.split()) == "".join("".join(span.of(text).split()) for span in spans)
    assert all(span.of(text) == span.of(text).strip() != "" for span in spans)


@given(st.text(min_size=1, max_size=100), st.integers(1, 60))
def test_any_unicode_however_long_is_split(text: str, times: int) -> None:
    """One odd character must not cost a corpus."""
    long = text * times

    assert all(len(piece) <= MAX_SENTENCE for piece in _sentences(long))


@pytest.mark.parametrize("row", ["5. ", "at 5 p.m. Sunday "])
def test_what_is_joined_again_and_again_takes_no_longer_than_prose(row: str) -> None:
    """Joining rows one by one once took time with the square of their number."""
    text = row * (300_000 // len(row))
    started = time.process_time()
    pieces = _sentences(text)

    assert "".join(text.split()) == "".join("".join(pieces).split())
    assert time.process_time() - started < 10  # s; it was minutes

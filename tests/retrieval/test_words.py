"""Words: stems that lexical search compares."""

import threading

import pytest
from bm25s.stopwords import STOPWORDS_EN_PLUS
from hypothesis import given
from hypothesis import strategies as st

from retrieval import words
from retrieval.words import stems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Who gifted the cars to Kim Jong-un?", ["gift", "car", "kim", "jong", "un"]),
        ("gifting GIFTS gifted", ["gift", "gift", "gift"]),  # forms of a word
        ("Who won the 2022 World Cup?", ["won", "2022", "world", "cup"]),  # who won matters
        ("Orbán’s café", ["orban", "cafe"]),  # accents
        ("𝐊𝐢𝐦 ＫＩＭ", ["kim", "kim"]),  # letters in costume
        ("Straße STRASSE", ["strass", "strass"]),  # case folding, not lower case
        ("is it the of and", []),  # only stop words
        ("🚗 — !", []),  # no words
        ("3.5", ["3", "5"]),  # numbers stay
    ],
)
def test_words_are_compared_by_their_stems(text: str, expected: list[str]) -> None:
    """A question never uses quite the article's forms."""
    assert expected == stems(text)


@given(st.text(max_size=200))
def test_case_never_matters(text: str) -> None:
    """People type questions in lower case."""
    assert stems(text) == stems(text.casefold())


def test_stemming_from_many_threads_gives_what_one_gives() -> None:
    """The bot answers in threads, and the stemmer below is not safe to share."""
    words = [
        f"{stem}{end}" for stem in ("gift", "lead", "talk") for end in ("ing", "ed", "s", "ers")
    ]
    text = " ".join(f"{word}{letter}" for word in words for letter in "abcdefgh")
    expected = stems(text)
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(stems(text))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [expected] * 8 == found


def test_stop_words_are_those_of_a_kept_list() -> None:
    """Which words count is nothing to have an opinion of one's own on, but for "won"."""
    listed = {word for word in STOPWORDS_EN_PLUS if "'" not in word}

    assert listed - {"won"} == words._STOP_WORDS

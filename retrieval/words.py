"""Texts → the word stems that lexical search compares."""

import re
import unicodedata
from functools import lru_cache

import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS

_WORD = re.compile(r"\w+")
_STOP_WORDS = frozenset(STOPWORDS_EN_PLUS) - {"won"}  # listed for "won't", but who won matters


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    # A stemmer each: PyStemmer's are not safe to share between threads, and are cheap to make.
    return str(Stemmer.Stemmer("english").stemWord(word)) if word.isalpha() else word


def stems(text: str) -> list[str]:
    """The stems of the words in `text`, in order, stop words left out, accents and case folded.

    Example:
        >>> stems("Who gifted the cars to Kim Jong-un?")
        ['gift', 'car', 'kim', 'jong', 'un']
    """
    if text.isascii():  # most is, and indexing is three times as fast
        plain = text.lower()
    else:
        # Taken apart first: "𝐊" has a lower case only once it is a plain "K".
        folded = unicodedata.normalize("NFKD", text).casefold()
        plain = "".join(char for char in folded if not unicodedata.combining(char))
    return [_stem(word) for word in _WORD.findall(plain) if word not in _STOP_WORDS]

"""Texts → the word stems that lexical search compares."""

import re
import unicodedata
from functools import lru_cache

import Stemmer

_WORD = re.compile(r"\w+")
# Those of NLTK, as bm25s lists them, whose import would take a third of a second; without "won",
# which is there for "won't", but who won matters.
_STOP_WORDS = frozenset(
    """
    a about above after again against ain all am an and any are aren as at be because been
    before being below between both but by can couldn d did didn do does doesn doing don down
    during each few for from further had hadn has hasn have haven having he her here hers
    herself him himself his how i if in into is isn it its itself just ll m ma me mightn more
    most mustn my myself needn no nor not now o of off on once only or other our ours ourselves
    out over own re s same shan she should shouldn so some such t than that the their theirs
    them themselves then there these they this those through to too under until up ve very was
    wasn we were weren what when where which while who whom why will with wouldn y you your
    yours yourself yourselves
    """.split()  # noqa: SIM905
)


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

"""Headlines: knowing one when it is there, making one when it is not."""

import re

from retrieval.sentences import split_sentences
from retrieval.types import Span

MAX_TITLE = 110  # a line of a list on a wide screen; headlines are rarely longer
_MIN_CUT = 40  # a shorter piece says too little to recognise the article by
_CLAUSE_END = re.compile(r"[,;:](?=\s)|\s[–—-](?=\s)")
_STOP = re.compile(r"[.!;,:]\W*$")  # with quotes, brackets or an emoji after it
_ABBREVIATION = re.compile(r"(?:\b[A-Z]\.[A-Z]|\b(?:Inc|Ltd|Co|Corp|Jr|Sr)|\b[ap]\.m)\.$")


def reads_like_a_headline(line: str) -> bool:
    """Whether a line could be a headline: some words, not many, and no full stop."""
    line = line.strip()
    return (
        len(line) <= 200
        and any(char.isalpha() for char in line)
        and (not _STOP.search(line) or _ABBREVIATION.search(line) is not None)
    )


def derive_title(text: str, span: Span) -> str:
    """A title for an article that states none: the first sentence in `span`, or its start.

    Cut after a clause where one ends in time, else between words, and then marked with "…".

    Example:
        >>> derive_title("Kim rode in a car. It was new.", Span(0, 30))
        'Kim rode in a car'
    """
    start = span.end - len(span.of(text).lstrip())
    opening = Span(start, min(span.end, start + 4 * MAX_TITLE))
    sentences = split_sentences(text, opening)
    first = " ".join((sentences[0] if sentences else opening).of(text).split())
    if len(first) <= MAX_TITLE:
        return re.sub(r"(?<![.\s])\.$", "", first) or first
    clause_ends = [
        match.start()
        for match in _CLAUSE_END.finditer(first)
        if _MIN_CUT <= match.start() < MAX_TITLE
    ]
    cut = clause_ends[-1] if clause_ends else first.rfind(" ", _MIN_CUT, MAX_TITLE)
    return first[: cut if cut > 0 else MAX_TITLE - 1].rstrip(" ,;:–—-") + "…"

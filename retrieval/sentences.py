"""A stretch of text → the spans of its sentences."""

import re

from sentencex import segment

from retrieval.types import Span

_WORD = re.compile(r"[^\W\d_]{2}")
MAX_SENTENCE = 1_000  # code points; nothing longer fits the models' 256 tokens
# "at 3:15 p.m. Sunday", "at 7 p.m. March 4", "at 5 p.m. EST": no sentence ends there.
_CLOCK = re.compile(r"\b[ap]\.m\.$", re.IGNORECASE)
_DAY_OR_ZONE = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:jan|feb|aug|sept|oct|nov|dec)\.)\s\d{1,2}\b"
    r"|(?-i:[ECMP][SD]?T|GMT|UTC|BST|IST|JST|KST|MSK|CES?T|EES?T|AE[SD]T)\b"
    r"|(?:eastern|central|mountain|pacific)(?=[,.;)]|(?:\s(?:standard|daylight))?\stime\b)",
    re.IGNORECASE,
)
_PARAGRAPH_END = re.compile(
    r"(?:\r\n?|\n)[^\S\r\n]*(?:\r\n?|\n)\s*"  # a blank line
    r"|(?<=[.!?…:])[\"'”’»)\]]*[^\S\r\n]*(?:\r\n?|\n)\s*"  # a line that ends as a sentence does
)


def split_paragraphs(text: str, span: Span) -> list[Span]:
    """The paragraphs in `text[span]`, in order, without the white space around them.

    A blank line ends a paragraph, and so does a line break after the end of a sentence; other
    line breaks are wrapping.
    """
    bounds, start = [], span.start
    for match in _PARAGRAPH_END.finditer(text, span.start, span.end):
        bounds.append((start, match.end()))
        start = match.end()
    bounds.append((start, span.end))
    return [kept for begin, end in bounds if (kept := _stripped(text, begin, end)) is not None]


def split_sentences(text: str, span: Span) -> list[Span]:
    """The sentences of one paragraph, in order, without the white space around them.

    Every visible character of `text[span]` is in exactly one. What is longer than `MAX_SENTENCE`
    is split between words.
    """
    # One space for each kind of white space and nothing else: the offsets stay, and the splitter
    # is spared the white space it trips over (it assumes that a blank is one byte of UTF-8).
    plain = re.sub(r"\s", " ", span.of(text))
    spans: list[Span] = []
    worded = False  # whether the last of them has a word of more than one letter
    start = span.start
    for piece in segment("en", plain):
        end = start + len(piece)
        kept = _stripped(text, start, end)
        start = end
        if kept is None:
            continue
        # The splitter also cuts before what goes on in lower case ("0.5 pct. in Q3"), and after
        # what is only a number or a mark of a list ("2. Jobs.").
        goes_on = bool(spans) and (
            not worded
            or text[kept.start].islower()
            or (_DAY_OR_ZONE.match(text, kept.start) is not None and _ends_by_clock(text, spans))
        )
        worded = (goes_on and worded) or _WORD.search(piece) is not None
        if goes_on:
            kept = Span(spans.pop().start, kept.end)
        spans.append(kept)
    return [short for long in spans for short in _shortened(text, long)]


def _ends_by_clock(text: str, spans: list[Span]) -> bool:
    last = spans[-1]
    return _CLOCK.match(text, max(last.start, last.end - len("p.m.")), last.end) is not None


def _shortened(text: str, span: Span) -> list[Span]:
    """`span`, cut between words into pieces of at most `MAX_SENTENCE`."""
    pieces: list[Span] = []
    start = span.start
    while span.end - start > MAX_SENTENCE:
        window = text[start : start + MAX_SENTENCE]
        blank = max((match.start() for match in re.finditer(r"\s", window)), default=0)
        cut = start + (blank or MAX_SENTENCE)
        if (piece := _stripped(text, start, cut)) is not None:
            pieces.append(piece)
        start = cut
    if (piece := _stripped(text, start, span.end)) is not None:
        pieces.append(piece)
    return pieces


def _stripped(text: str, start: int, end: int) -> Span | None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left == len(piece):
        return None
    return Span(start + left, start + len(piece.rstrip()))

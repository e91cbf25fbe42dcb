"""Which of a page's blocks are its article: trafilatura says what, the page says in which words."""

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING
from unicodedata import normalize

from retrieval.articles.page import Block, PageError, visible

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_HOLE = 60  # visible characters that the extractor may leave out of the middle: footnote marks
_ANCHOR = 20  # visible characters by which the ends of a changed line are found again
_ABOVE = 12  # blocks between headline and text: bylines, buttons, a picture
_DESCRIBED = 40  # visible characters by which a description is known again
_LEAD = re.compile(
    r"(?:^|[\s_-])(?:lead|lede|chapo|standfirst|intro|introduction|vorspann|anrisstext|abstract|"
    r"deck|dek|sub-?title|subheadline|kicker-?text|entradilla|ingress|sommaire|summary)(?![a-z])",
    re.IGNORECASE,
)
_PROSE = re.compile(r".{60,}[.!?…][\"”»’)]*$", re.DOTALL)
_MARK = re.compile(r"^\s*(?:[-–•*]\s+|\|\s*)|\s*\|\s*$")  # put before items and around cells
_SENTENCE_END = re.compile(r"(?<=[.!?…。])\s+|\s*\|\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph of the article, word for word as the page shows it."""

    text: str
    block: int
    """Which block of the page it is, or is part of."""


def main_text(root: "HtmlElement", blocks: Sequence[Block], url: str | None) -> list[Piece]:
    """The paragraphs of the page's article, in the page's order; none where there is no article.

    Raises:
        PageError: the extractor stumbles over the page.
    """
    from trafilatura import extract

    try:
        extracted = extract(deepcopy(root), url=url, include_comments=False)
    except Exception as error:  # it lets through whatever its parts stumble over
        raise PageError(f"its text cannot be made out ({type(error).__name__})") from error
    found = _found_again(extracted.split("\n") if extracted else [], blocks)
    return _with_lead(found, root, blocks)


def _with_lead(pieces: list[Piece], root: "HtmlElement", blocks: Sequence[Block]) -> list[Piece]:
    """With the paragraph between headline and text, which the extractor takes for furniture.

    It is one that is marked as such, or that the page gives as its own description.
    """
    first = pieces[0].block if pieces else 0
    described = {
        _dense(visible(text))[:_DESCRIBED]
        for text in root.xpath("//meta[@name='description' or @property='og:description']/@content")
    }
    lead: list[Piece] = []
    for place in range(first - 1, max(-1, first - _ABOVE), -1):
        block = blocks[place]
        if block.heading == "h1":
            return lead[::-1] + pieces
        begins = _dense(block.text)[:_DESCRIBED]
        marks = f"{block.element.get('class', '')} {block.element.get('id', '')}"
        if (
            _PROSE.search(block.text)
            and (begins in described or _LEAD.search(marks))
            and not any(_dense(piece.text).startswith(begins) for piece in pieces[:3])
        ):
            lead.append(Piece(block.text, place))
    return pieces


def _found_again(lines: Iterable[str], blocks: Sequence[Block]) -> list[Piece]:
    """Where the extracted lines stand on the page; what does not stand there is left out."""
    page = "".join(_dense(block.text) for block in blocks)
    ends = list(accumulate(len(_dense(block.text)) for block in blocks))
    taken: list[tuple[int, int]] = []
    cursor = 0
    for line in lines:
        for start, end in _places(_MARK.sub("", visible(line)), page, cursor):
            taken.append((start, end))
            cursor = end
    return _pieces(taken, ends, blocks)


def _dense(text: str) -> str:
    """Without white space, and letters apart from their accents: the extractor joins these."""
    return "".join(normalize("NFD", text).split())


def _places(line: str, page: str, cursor: int) -> list[tuple[int, int]]:
    """Where the line, or else each of its sentences, stands on the page."""
    whole = _place(_dense(line), page, cursor)
    if whole is not None:
        return [whole]
    found = []
    for sentence in _SENTENCE_END.split(line):
        if (place := _place(_dense(sentence), page, cursor)) is not None:
            found.append(place)
            cursor = place[1]
    return found


def _place(dense: str, page: str, cursor: int) -> tuple[int, int] | None:
    """Where this stands after `cursor`, or before it; a short hole in the middle is let pass."""
    if not dense:
        return None
    for begin in (cursor, 0) if cursor else (0,):
        if (start := page.find(dense, begin)) >= 0:
            return start, start + len(dense)
        if len(dense) > 2 * _ANCHOR:
            start = page.find(dense[:_ANCHOR], begin)
            limit = start + len(dense) + _HOLE
            end = page.rfind(dense[-_ANCHOR:], start + len(dense) - _ANCHOR, limit)
            if 0 <= start < end:
                return start, end + _ANCHOR
    return None


def _pieces(
    taken: list[tuple[int, int]], ends: Sequence[int], blocks: Sequence[Block]
) -> list[Piece]:
    """The stretches of the page between these places, cut where its blocks end."""
    pieces: list[Piece] = []
    places = _joined(taken)
    begin = number = 0
    for block, end in enumerate(ends):
        while number < len(places) and places[number][0] < end:
            start, stop = max(places[number][0], begin), min(places[number][1], end)
            text = blocks[block].text
            if (start, stop) != (begin, end):
                text = _slice(text, start - begin, stop - begin)
            pieces.append(Piece(text, block))
            if places[number][1] > end:
                break
            number += 1
        begin = end
    return pieces


def _joined(taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(taken):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _slice(text: str, start: int, end: int) -> str:
    """The part of the text that is `_dense(text)[start:end]`."""
    seen = [
        place
        for place, char in enumerate(text)
        if not char.isspace()
        for _ in normalize("NFD", char)
    ]
    return text[seen[start] : seen[end] if end < len(seen) else len(text)].strip()

"""The lines of a PDF's pages → its paragraphs: running heads apart, broken words made whole."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from retrieval.articles.extracted import Paragraph
from retrieval.articles.titles import reads_like_a_headline

_EDGE = 3  # so many lines from the top and the bottom of a page, running heads are looked for
_PAGE_NUMBER = re.compile(
    r"[–—|-]? ?(?:page|p\.)? ?(?:\d{1,4}|[ivxl]{1,7})(?: ?(?:/|of) ?\d{1,4})? ?[–—|-]?",
    re.IGNORECASE,
)
# What browsers print around a page: when it was printed, and where it was found.
_PRINTED_AT = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d{2}(?: ?[AP]M)?(?!\S).*", re.IGNORECASE
)
_PRINTED_FROM = re.compile(r"(?P<url>https?://\S+) +\d{1,4}/\d{1,4}")
_SENTENCE_END = re.compile(r"[.!?…:][\"'”’»)\]]*$")
_BULLET = re.compile(r"[•‣▪■●◦\uf0b7]")
_NUMBERED = re.compile(r"(?:[–—*-]|\d{1,2}[.)]|[a-z]\))\s")
_BROKEN = re.compile(r"(?P<before>\w+)\xad\s*(?P<after>\w+)")
_WORD = re.compile(r"\w+(?:-\w+)*")
_LARGER = 1.2  # times the usual size: what is set so is a heading
_HEADLINE = 1.5  # times it, a headline
_MASTHEAD_WORDS = 4  # "The New York Times" is set larger than any headline below it


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; measures in points from the lower left corner."""

    page: int
    text: str
    """U+00AD stands in it where a word was broken."""
    left: float
    bottom: float
    right: float
    top: float
    height: float
    """Of the font."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What stands on the pages of a PDF."""

    paragraphs: tuple[Paragraph, ...]
    running: tuple[str, ...]
    """What repeats at the top or bottom of its pages, each text once."""
    url: str | None
    """Where a browser found what it printed."""


def read_pages(lines: Sequence[Line], title: str | None) -> Pages:
    """The paragraphs on these lines, in the order in which they were set.

    Args:
        lines: at least one, page by page.
        title: what the PDF says is its title; it counts if it stands on the first page.
    """
    kept, running, url = _without_running_heads(lines)
    blocks = _blocks(kept)
    joined = [_joined(block) for block in blocks]
    words = {word.casefold() for text in joined for word in _WORD.findall(_BROKEN.sub(" ", text))}
    texts = [_mended(text, words) for text in joined]
    usual = median(line.height for line in lines)
    levels = [_level(block, text, usual) for block, text in zip(blocks, texts, strict=True)]
    first_page = [number for number, block in enumerate(blocks) if block[0].page == lines[0].page]
    headline = _titled(texts, first_page, title)
    if headline is None:
        headline = _largest(blocks, texts, levels, first_page, usual)
    if headline is not None:
        levels[headline] = 0
    return Pages(
        tuple(Paragraph(text, level) for text, level in zip(texts, levels, strict=True)),
        running,
        url,
    )


def _without_running_heads(
    lines: Sequence[Line],
) -> tuple[list[Line], tuple[str, ...], str | None]:
    """The lines without what repeats at the top and bottom of pages, and without page numbers."""
    edges: list[Line] = []
    pages = 0
    for _, group in groupby(lines, lambda line: line.page):
        page = sorted(group, key=lambda line: -line.top)
        edges += page[:_EDGE] + page[_EDGE:][-_EDGE:]
        pages += 1
    repeated = Counter(_pattern(line) for line in edges)
    printed = next((m for line in edges if (m := _PRINTED_FROM.fullmatch(line.text))), None)
    dropped: dict[Line, None] = {}
    running: dict[str, None] = {}
    for line in edges:
        if pages > 1 and repeated[_pattern(line)] > max(1, pages // 2):
            running.setdefault(line.text)
        elif not (
            _PAGE_NUMBER.fullmatch(line.text)
            or (printed and (_PRINTED_AT.fullmatch(line.text) or _PRINTED_FROM.match(line.text)))
        ):
            continue
        dropped.setdefault(line)
    url = printed["url"] if printed and not printed["url"].endswith(("…", "...")) else None
    if printed:  # the date in a browser's running head is when it was printed
        running = {}
    kept = [line for line in lines if line not in dropped]
    return kept or list(lines), tuple(running), url


def _pattern(line: Line) -> tuple[str, int]:
    """Equal for lines that differ in numbers only and stand at the same height."""
    return re.sub(r"\d+", "#", line.text), round(line.top / 4)


def _blocks(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines of each paragraph."""
    edges = _right_edges(lines)
    gaps = [a.bottom - b.top for a, b in pairwise(lines) if _follows(a, b)]
    usual_gap = median(gaps) if gaps else 0.0
    blocks: list[list[Line]] = []
    for line in lines:
        if blocks and _goes_on(blocks[-1], line, usual_gap, edges):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _follows(above: Line, below: Line) -> bool:
    """Whether a line stands right below another, in the same column."""
    return (
        above.page == below.page
        and -0.5 * above.height < above.bottom - below.top < 3 * above.height
        and above.left < below.right
        and below.left < above.right
    )


def _right_edges(lines: Sequence[Line]) -> Mapping[Line, float]:
    """How far to the right each line could go: as far as its like in the same column do."""
    sizes: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for line in lines:
        sizes[line.page, round(line.height)].append(line)
    edges: dict[Line, float] = {}
    for like in sizes.values():
        like.sort(key=lambda line: line.left)
        columns = [[like[0]]]
        for left, line in pairwise(like):
            if line.left - left.left > 5 * line.height:
                columns.append([])
            columns[-1].append(line)
        for column in columns:
            rights = sorted(line.right for line in column)
            edge = rights[-2] if len(rights) > 4 else rights[-1]  # of many, one may stick out
            edges |= dict.fromkeys(column, edge)
    return edges


def _goes_on(
    block: Sequence[Line], line: Line, usual_gap: float, edges: Mapping[Line, float]
) -> bool:
    """Whether a line belongs to the paragraph above it."""
    above = block[-1]
    if not 0.88 < line.height / (above.height or 1) < 1.14 or _BULLET.match(line.text):
        return False
    ended = _SENTENCE_END.search(above.text) is not None
    if ended and _NUMBERED.match(line.text):
        return False
    if not _follows(above, line):  # the next column or page
        return not ended and (line.text[0].islower() or _reaches(above, line, edges))
    if above.bottom - line.top > usual_gap + 0.35 * line.height:
        return False
    if line.text[0].islower():
        return True
    centred = abs(above.left + above.right - line.left - line.right) < 4
    hanging = _BULLET.match(block[0].text) or _NUMBERED.match(block[0].text)
    if line.left > above.left + 0.6 * line.height and not centred and not hanging:
        return False  # indented
    return _reaches(above, line, edges)


def _reaches(above: Line, line: Line, edges: Mapping[Line, float]) -> bool:
    """Whether a line is so full that the first word of the next one had no room in it.

    In the middle of a sentence it need not be, for not everything is set that tightly.
    """
    if _SENTENCE_END.search(above.text) is None:
        return above.right - above.left >= 0.75 * (edges[above] - above.left)
    first = len(line.text.split(maxsplit=1)[0]) + 1
    wanted = first * (line.right - line.left) / max(1, len(line.text))
    return edges[above] - above.right < 1.2 * max(wanted, 0.5 * line.height)


def _joined(block: Iterable[Line]) -> str:
    """The words of a paragraph, with U+00AD where one was broken."""
    text = ""
    for line in block:
        if re.search(r"\w-$", text):
            text = f"{text[:-1]}\xad"
        text += line.text if not text or text.endswith("\xad") else f" {line.text}"
    return text


def _mended(text: str, words: Collection[str]) -> str:
    """The text with its broken words made whole; `words` are the document's others.

    A hyphen stays where the word has one elsewhere, before a capital or a digit, and where both
    halves are words and the whole is none.
    """

    def mend(match: re.Match[str]) -> str:
        before, after = match["before"], match["after"]
        halves = [half.casefold() for half in (before, after)]
        compound = all(len(half) > 3 and half in words for half in halves)
        stays = (
            not after[0].islower()
            or "-".join(halves) in words
            or (compound and "".join(halves) not in words)
        )
        return f"{before}-{after}" if stays else before + after

    return _BROKEN.sub(mend, text).replace("\xad", "")


def _level(block: Sequence[Line], text: str, usual: float) -> int | None:
    """2 for a heading: it is set larger than the rest and is no sentence. Else None."""
    larger = block[0].height >= _LARGER * usual
    return 2 if larger and reads_like_a_headline(text) else None


def _titled(texts: Sequence[str], numbers: Iterable[int], title: str | None) -> int | None:
    """Which paragraph is what the document says is its title, a site's name aside."""
    wanted = " ".join((title or "").split()).casefold()
    for number in numbers:
        text = texts[number].casefold()
        if len(text.split()) > 1 and wanted and (text in wanted or wanted == text):
            return number
    return None


def _largest(
    blocks: Sequence[Sequence[Line]],
    texts: Sequence[str],
    levels: Sequence[int | None],
    numbers: Iterable[int],
    usual: float,
) -> int | None:
    """Which heading is set largest: the headline, unless it is a masthead above a long one."""
    headings = [n for n in numbers if levels[n] is not None and len(texts[n].split()) > 1]
    headings.sort(key=lambda number: -blocks[number][0].height)
    for number in headings:
        long = len(texts[number].split()) > _MASTHEAD_WORDS
        if long and blocks[number][0].height >= _HEADLINE * usual:
            return number
    return headings[0] if headings else None

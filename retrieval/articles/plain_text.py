"""A `.txt` file → its article: metadata and boilerplate found, and left out by span."""

import re
from dataclasses import dataclass, field

from retrieval.articles.boilerplate import OtherArticles, is_furniture, opens_list, pointers
from retrieval.articles.names import bare
from retrieval.articles.titles import derive_title, reads_like_a_headline
from retrieval.dates import PartialDate, read_date
from retrieval.errors import ArticleError
from retrieval.sentences import split_sentences
from retrieval.types import Article, Span

_LABELS = {
    "published": (
        r"(?:(?:first|date) )?published(?: on| at)?|publi(?:cation|shed|sh|shing) ?date|"
        r"date of publication|pub ?date|posted(?: on)?|dated?|released?(?: on| date)?"
    ),
    "updated": r"(?:last )?(?:updated?|modified)(?: on| at)?|date modified",
    "title": r"title|headline",
    "source": r"source|publisher|publication|outlet",
    "author": r"authors?|by|byline|written by",
    "url": r"url|link|permalink",
}
_LABELLED = {
    name: re.compile(rf"\s*(?:{labels})\s*:\s*(?P<value>\S.*?)\s*", re.IGNORECASE)
    for name, labels in _LABELS.items()
}
_DATED = {  # for dates the colon may be missing: the value must read as a date as a whole
    name: re.compile(rf"\s*(?:{_LABELS[name]})\s*[:–—-]?\s+(?P<value>\S.*?)\s*", re.IGNORECASE)
    for name in ("published", "updated")
}
_LABEL_ALONE = re.compile(
    rf"\s*(?:{_LABELS['published']}|{_LABELS['updated']})\s*:?\s*", re.IGNORECASE
)
_NAMED_DAY = r"(?:\w+ \d{1,2}(?:st|nd|rd|th)?,?|\d{1,2}(?:st|nd|rd|th)? \w+\.?,?) \d{4}"
# A label and a date with no line of their own: " date 2024-03-18 North Korea’s leader, …"
_DATE_AHEAD = re.compile(
    rf"\s*(?:date|published(?: on)?|posted(?: on)?)(?:\s*:)?\s*(?P<value>\d{{4}}-\d{{2}}-\d{{2}})"
    rf"(?!\S)\s*(?P<rest>.?)"
    rf"|\s*(?:date|published(?: on)?|posted(?: on)?)\s*:\s*(?P<named>{_NAMED_DAY})(?!\S)\s*"
    rf"(?P<named_rest>.?)",
    re.IGNORECASE,
)
_BYLINE = re.compile(r"\s*[Bb][Yy] (?P<value>[^\W\d_].{1,100}?)\s*")
_CALENDAR = re.compile(  # "By Monday …" names a day, not a writer
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|"
    r"august|september|october|november|december",
    re.IGNORECASE,
)
_BARS = re.compile(r"[|•·]")
_BETWEEN = re.compile(
    r"\s*[|•·]\s*|\s+[–—-]\s+|[,;]?\s+(?=(?:last )?(?:updated|modified)\b|by\s)", re.I
)
# "PYONGYANG, March 18, 2024 (Reuters) -": what the program is named after
_DATELINE = re.compile(
    r"\s*[A-Z][A-Z .’'-]+,(?: [A-Z][\w.]+,)? (?P<value>[A-Z][a-z]+\.? \d{1,2}, \d{4}) ?(?:\(|[–—-])"
)
_OF_THE_SUBJECT = re.compile(r"\s*(?:released?|dated)\b", re.IGNORECASE)
_MAX_LABEL_LINE = 300  # a longer line is prose, whatever it begins with

Statements = list[tuple[str, str]]
"""What lines of metadata say: names of `_LABELS`, or "day" for a date alone, with their values."""


@dataclass(slots=True)
class Layout:
    """What the lines of a text say about it, found by `lay_out`."""

    left_out: list[Span] = field(default_factory=list)
    published: PartialDate | None = None
    published_from: str | None = None
    updated: PartialDate | None = None
    updated_from: str | None = None
    stated: dict[str, str] = field(default_factory=dict)
    """Title, source, author and url, where the text states them."""
    notes: list[str] = field(default_factory=list)


def read_plain_text(path: str, text: str, notes: tuple[str, ...] = ()) -> Article:
    """The article that a plain-text file holds.

    Raises:
        ArticleError: nothing is left once metadata and boilerplate are set aside.
    """
    layout = lay_out(text)
    opening = first_words(text, layout.left_out)
    if opening is None:
        raise ArticleError(path, "there is no article in it, only metadata")
    title = layout.stated.get("title")
    return Article(
        article_id=bare(path),
        text=text,
        title=title or derive_title(text, opening),
        title_derived=title is None,
        published=layout.published,
        published_from=layout.published_from,
        updated=layout.updated,
        updated_from=layout.updated_from,
        source=layout.stated.get("source") or path,
        url=layout.stated.get("url"),
        author=layout.stated.get("author"),
        left_out=tuple(layout.left_out),
        notes=notes + tuple(layout.notes),
    )


def first_words(text: str, left_out: list[Span]) -> Span | None:
    """The first stretch outside `left_out` with anything readable in it; None if none has."""
    start = 0
    for span in [*left_out, Span(len(text), len(text))]:
        if any(char.isalnum() for char in text[start : span.start]):
            return Span(start, span.start)
        start = span.end
    return None


def lay_out(text: str, start: int = 0) -> Layout:
    """Finds what in `text[start:]` is metadata or boilerplate rather than the article's words.

    Precedence of the date: a label or a line of its own at the head, the dateline, a label on a
    line of its own anywhere else, a line of its own at the end. Where two labels disagree the first
    counts, and a note says so. A date below another article's headline is that article's.
    """
    layout = Layout()
    if start:
        layout.left_out.append(Span(0, start))
    lines = _lines(text, start)
    body = _read_head(text, lines, layout)
    opening = lines[body].start if body < len(lines) else len(text)
    if layout.published is None and (match := _DATELINE.match(text, opening, opening + 200)):
        layout.published = read_date(match["value"])
        layout.published_from = f'dateline "{match["value"]}"' if layout.published else None
    taken = _read_body(text, lines[body:], layout)
    _read_tail(text, [span for span in lines[body:] if span not in taken], layout)
    layout.left_out.sort()
    return layout


def _lines(text: str, start: int) -> list[Span]:
    """The lines of `text[start:]`, each with its newline. Only CR and LF end a line.

    A label alone on its line and the date below it are one.
    """
    lines: list[Span] = []
    label: int | None = None  # where in `lines` a label alone stands
    for match in re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+").finditer(text, start):
        lines.append(Span(match.start(), match.end()))
        if len(match[0]) > _MAX_LABEL_LINE or not match[0].strip():
            continue
        if label is not None and read_date(match[0]) is not None:
            lines[label:] = [Span(lines[label].start, match.end())]
        label = len(lines) - 1 if _LABEL_ALONE.fullmatch(match[0]) else None
    return lines


def _read_head(text: str, lines: list[Span], layout: Layout) -> int:
    """Reads title, byline and labels above the first paragraph; returns how many lines they are.

    Where a date stands ahead of the first paragraph's words, its line is cut down to these.
    """
    taken = 0
    for number, span in enumerate(lines):
        line = span.of(text)
        if not line.strip():
            continue
        if (stated := _statements(line)) or is_furniture(line):
            _take(layout, stated, line)
            layout.left_out.append(span)
        elif ahead := _date_ahead(line):
            # Only label and date are set aside; what follows on the line is the article.
            value, end = ahead
            _take(layout, [("published", value)], line[:end])
            layout.left_out.append(Span(span.start, span.start + end))
            lines[number] = Span(span.start + end, span.end)
            return number
        elif "title" not in layout.stated and _is_title(text, lines, number):
            layout.stated["title"] = line.strip()
            layout.left_out.append(span)
        elif not (taken and _is_above_metadata(text, lines, number)):
            break
        taken = number + 1
    return taken


def _date_ahead(line: str) -> tuple[str, int] | None:
    """The date that a line of prose begins with, and where the prose begins."""
    match = _DATE_AHEAD.match(line)
    if match is None:
        return None
    value, group = (match["value"], "rest") if match["value"] else (match["named"], "named_rest")
    # In lower case the sentence goes on: "Published 2024-03-18 in Seoul, the report says …"
    if not match[group] or match[group].islower() or read_date(value) is None:
        return None
    return value, match.start(group)


def _is_title(text: str, lines: list[Span], number: int) -> bool:
    """Whether this line is a headline above an article rather than the article's first words."""
    if not _is_one_headline(lines[number].of(text)):
        return False
    after = [span.of(text).strip() for span in lines[number + 1 :]]
    words_follow = any(len(line) > 40 and not line.endswith(":") for line in after)
    stands_apart = bool(after) and (
        not after[0] or bool(_statements(after[0])) or _is_above_metadata(text, lines, number + 1)
    )
    return stands_apart and words_follow


def _is_one_headline(line: str) -> bool:
    """Whether it reads like a headline and holds no full stop after which it goes on."""
    if not reads_like_a_headline(line) or opens_list(line):
        return False
    sentences = split_sentences(line, Span(0, len(line)))
    return not any(span.of(line).endswith(".") for span in sentences[:-1])


def _is_above_metadata(text: str, lines: list[Span], number: int) -> bool:
    """Whether this is a line between a headline and a byline or date: words, but not yet prose."""
    below = next((span.of(text) for span in lines[number + 1 :] if span.of(text).strip()), "")
    return reads_like_a_headline(lines[number].of(text)) and any(
        name in ("author", "day", "published", "updated") for name, _ in _statements(below)
    )


def _statements(line: str) -> Statements:
    """What a line of metadata states, such as "Published: 20th Feb 2024"; nothing if it is none.

    A line may make several statements: "By Lena Orvik | 20 Feb 2024 | Updated: 21 Feb 2024".
    """
    if len(line) > _MAX_LABEL_LINE:
        return []
    line = line.strip()
    whole = _statement(line)
    pieces = [
        (piece, whole if piece == line else _statement(piece)) for piece in _BETWEEN.split(line)
    ]
    stated = [statement for _, statement in pieces if statement is not None]
    if whole is not None and len(stated) < max(2, len(pieces)):
        return [whole]
    others = [piece for piece, statement in pieces if statement is None]
    # Beside a date and bars a place or an agency may stand: "Seoul | Reuters | 20 Feb 2024".
    dated = any(name in ("published", "updated", "day") for name, _ in stated)
    if others and not (dated and _BARS.search(line) and all(map(_is_short_name, others))):
        return []
    return stated


def _statement(piece: str) -> tuple[str, str] | None:
    for name, pattern in _DATED.items():
        match = _LABELLED[name].fullmatch(piece) or pattern.fullmatch(piece)
        if match and read_date(match["value"]) is not None:
            return name, match["value"]
    for name in ("title", "source", "author", "url"):
        match = _LABELLED[name].fullmatch(piece)
        if match and _suits(name, match["value"]):
            return name, match["value"]
    if (match := _BYLINE.fullmatch(piece)) and _is_writer(match["value"]):
        return "author", match["value"]
    if (day := read_date(piece)) is not None and day.month is not None:
        return "day", piece
    return None


def _suits(name: str, value: str) -> bool:
    """Whether a label's value is of its kind; else the line is prose that begins like a label."""
    if name == "url":
        return "://" in value and not re.search(r"\s", value)
    return name == "title" or _is_name(value)


def _is_name(value: str) -> bool:
    """Whether this names somebody: no sentence, and few words in lower case unless it is short."""
    if len(value) > 100 or value.endswith("?") or not reads_like_a_headline(value):
        return False
    words = [word for word in re.findall(r"[^\W\d_]+", value) if len(word) > 3]
    return len(value.split()) <= 3 or 2 * sum(word[0].islower() for word in words) <= len(words)


def _is_short_name(value: str) -> bool:
    return 0 < len(value) <= 40 and not value[0].islower() and _is_name(value)


def _is_writer(value: str) -> bool:
    """Whether these words after "By" are a writer's: "Lena Orvik in Seoul", not "Monday"."""
    first = re.split(r"[\s,]", value, maxsplit=1)[0]
    return not (value[0].islower() or _CALENDAR.fullmatch(first)) and _is_name(value)


def _take(layout: Layout, statements: Statements, line: str) -> None:
    """Keeps what was stated; the first statement of a kind counts."""
    for name, value in statements:
        where = f'line "{" ".join(line.split())}"'
        stated = read_date(value) if name in ("published", "updated", "day") else None
        if name == "updated":
            if layout.updated is None and stated is not None:
                layout.updated, layout.updated_from = stated, where
        elif stated is None:
            layout.stated.setdefault(name, value)
        elif layout.published is None:
            layout.published, layout.published_from = stated, where
        elif layout.published != stated:
            layout.notes.append(f"states two dates of publication: {layout.published} and {stated}")


def _read_body(text: str, lines: list[Span], layout: Layout) -> set[Span]:
    """Sets aside labelled dates, other articles' headlines and page furniture; returns them."""
    texts = [span.of(text) for span in lines]
    others = OtherArticles(texts)
    taken: set[Span] = set()
    for number, (span, line) in enumerate(zip(lines, texts, strict=True)):
        if not line.strip():
            continue
        stated = _statements(line)
        if _dates_the_article(line, stated):
            if not others.owns_date(number):
                _take(layout, stated, line)
        elif not (is_furniture(line) or others.owns(number)):
            if not stated:
                layout.left_out += (
                    Span(span.start + found.start, span.start + found.end)
                    for found in pointers(line)
                )
            continue
        layout.left_out.append(span)
        taken.add(span)
    return taken


def _dates_the_article(line: str, stated: Statements) -> bool:
    """Whether a line below the head says when the article appeared, and not when its subject did.

    "Released 1984" or "Dated 2019" in the middle of an article is about a film or a letter.
    """
    dates = [read_date(value) for name, value in stated if name in ("published", "updated")]
    return any(date and date.month for date in dates) and not _OF_THE_SUBJECT.match(line)


def _read_tail(text: str, lines: list[Span], layout: Layout) -> None:
    """Reads source, author, address or a date alone below the last paragraph."""
    for span in reversed(lines):
        line = span.of(text)
        if not line.strip():
            continue
        stated = _statements(line)
        if not stated or any(name == "title" for name, _ in stated):
            return
        if layout.published is not None:  # a date alone is the weakest sign of all
            stated = [(name, value) for name, value in stated if name != "day"]
        _take(layout, stated, line)
        layout.left_out.append(span)

"""A `.txt` file → its article: metadata and boilerplate found, and left out by span."""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from retrieval.articles.titles import derive_title, reads_like_a_headline
from retrieval.dates import PartialDate, read_date
from retrieval.errors import ArticleError
from retrieval.types import Article, Span

_LABELS = {
    "published": r"(?:date )?published(?: on)?|publication date|pub ?date|posted(?: on)?|dated?",
    "updated": r"(?:last )?(?:updated|modified)(?: on)?|date modified",
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
    name: re.compile(rf"\s*(?:{_LABELS[name]})\s*:?\s+(?P<value>\S.*?)\s*", re.IGNORECASE)
    for name in ("published", "updated")
}
# A label and a date with no line of their own: " date 2024-03-18 North Korea’s leader, …"
_DATE_AHEAD = re.compile(
    rf"\s*(?:{_LABELS['published']})\s*:?\s*(?P<value>\d{{4}}-\d{{2}}-\d{{2}})(?!\S)\s*",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"\s*[Bb]y (?P<value>[^\W\d_][\w.’'-]*(?:,? (?:and |for )?[\w.’'&-]+){1,7})\s*"
)
# "PYONGYANG, March 18, 2024 (Reuters) -": what the program is named after
_DATELINE = re.compile(
    r"\s*[A-Z][A-Z .’'-]+,(?: [A-Z][\w.]+,)? (?P<value>[A-Z][a-z]+\.? \d{1,2}, \d{4}) ?(?:\(|[–—-])"
)
_LIST_OPENER = re.compile(
    r"\s*(?:also read|read also|read (?:more|next)|(?:also|more) on this(?: story)?|see also|"
    r"related(?: (?:articles?|stories|coverage|news|posts|links|reading))?|"
    r"you (?:may|might) also (?:like|be interested in)|recommended(?: (?:for you|stories))?|"
    r"more (?:from|in|on) [^.:]{1,40}|most read|trending(?: now)?|editors?['’]s? picks?|"
    r"further reading|top stories|latest news)\s*(?P<colon>:)?\s*(?P<rest>.*)",
    re.IGNORECASE,
)
_FURNITURE = re.compile(
    r"\s*(?:advertisement|sponsored(?: content)?|share (?:this|on)\b.{0,60}|follow us\b.{0,80}|"
    r"subscribe (?:to|now|for)\b.{0,120}|sign up (?:for|to)\b.{0,120}|"
    r"(?:copyright )?(?:©|\(c\)) ?\d{4}\b.{0,120}|all rights reserved\.?|"
    r"download our app\b.{0,80}|\d+ (?:comments?|min(?:ute)?s? read)|leave a comment)\s*",
    re.IGNORECASE,
)
_MAX_LABEL_LINE = 300  # a longer line is prose, whatever it begins with


@dataclass(slots=True)
class Layout:
    """What the lines of a text say about it, found by `lay_out`."""

    left_out: list[Span] = field(default_factory=list)
    body_start: int = 0
    published: PartialDate | None = None
    published_from: str | None = None
    updated: PartialDate | None = None
    stated: dict[str, str] = field(default_factory=dict)
    """Title, source, author and url, where the text states them."""
    notes: list[str] = field(default_factory=list)


def read_plain_text(path: str, text: str, notes: tuple[str, ...] = ()) -> Article:
    """The article that a plain-text file holds.

    Raises:
        ArticleError: nothing is left once metadata and boilerplate are set aside.
    """
    layout = lay_out(text)
    if not has_words(text, layout.left_out):
        raise ArticleError(path, "there is no article in it, only metadata")
    title = layout.stated.get("title")
    return Article(
        article_id=str(PurePosixPath(path).with_suffix("")),
        text=text,
        title=title or derive_title(text, layout.body_start),
        title_derived=title is None,
        published=layout.published,
        published_from=layout.published_from,
        updated=layout.updated,
        source=layout.stated.get("source") or path,
        url=layout.stated.get("url"),
        author=layout.stated.get("author"),
        left_out=tuple(layout.left_out),
        notes=notes + tuple(layout.notes),
    )


def has_words(text: str, left_out: list[Span]) -> bool:
    """Whether anything readable is left outside `left_out`."""
    start = 0
    for span in [*left_out, Span(len(text), len(text))]:
        if any(char.isalnum() for char in text[start : span.start]):
            return True
        start = span.end
    return False


def lay_out(text: str, start: int = 0) -> Layout:
    """Finds what in `text[start:]` is metadata or boilerplate rather than the article's words.

    Precedence of the date: a label at the head, a line of its own at the head, a label anywhere
    else on a line of its own, the dateline. Where two labels disagree the first counts, and a
    note says so.
    """
    layout = Layout()
    if start:
        layout.left_out.append(Span(0, start))
    lines = _lines(text, start)
    head = _read_head(text, lines, layout)
    tail = _read_tail(text, lines[head:], layout)
    _read_body(text, lines[head : len(lines) - tail], layout)
    layout.left_out.sort()
    body = text[layout.body_start :]
    if layout.published is None and (match := _DATELINE.match(body[:200])):
        layout.published = read_date(match["value"])
        layout.published_from = f'dateline "{match["value"]}"' if layout.published else None
    return layout


def _lines(text: str, start: int) -> list[Span]:
    """The lines of `text[start:]`, each with its newline. Only CR and LF end a line."""
    return [
        Span(start + match.start(), start + match.end())
        for match in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text[start:])
    ]


def _read_head(text: str, lines: list[Span], layout: Layout) -> int:
    """Reads title, byline and labels above the first paragraph; returns how many lines they are."""
    taken = 0
    for number, span in enumerate(lines):
        line = span.of(text)
        if not line.strip():
            continue
        if match := _DATE_AHEAD.match(line):
            # Only label and date are set aside; what follows on the line is the article.
            _set_date(layout, "published", match["value"], match[0])
            layout.left_out.append(Span(span.start, span.start + match.end()))
            layout.body_start = span.start + match.end()
            if match.end() < len(line):
                return number
        elif _read_label(line, layout) or _read_byline(line, layout):
            layout.left_out.append(span)
        elif "title" not in layout.stated and _is_title(text, lines, number):
            layout.stated["title"] = line.strip()
            layout.left_out.append(span)
        else:
            break
        taken = number + 1
        layout.body_start = span.end
    return taken


def _is_title(text: str, lines: list[Span], number: int) -> bool:
    """Whether this line is a headline above an article rather than the article's first words."""
    after = [span.of(text).strip() for span in lines[number + 1 :]]
    words_follow = any(len(line) > 40 and not line.endswith(":") for line in after)
    stands_apart = bool(after) and (
        not after[0] or _read_label(after[0], Layout()) or _read_byline(after[0], Layout())
    )
    return stands_apart and words_follow and reads_like_a_headline(lines[number].of(text))


def _read_byline(line: str, layout: Layout) -> bool:
    """Reads "By Lena Orvik", or a date alone on its line."""
    if match := _BYLINE.fullmatch(line):
        layout.stated.setdefault("author", match["value"])
        return True
    if (stated := read_date(line)) is not None and stated.month is not None:
        _set_date(layout, "published", line, line)
        return True
    return False


def _read_label(line: str, layout: Layout) -> bool:
    """Reads one line of metadata, such as "Published: 20th Feb 2024". False if it is none."""
    if len(line) > _MAX_LABEL_LINE:
        return False
    for name, pattern in _DATED.items():
        match = _LABELLED[name].fullmatch(line) or pattern.fullmatch(line)
        if match and read_date(match["value"]) is not None:
            _set_date(layout, name, match["value"], line)
            return True
    for name in ("title", "source", "author", "url"):
        match = _LABELLED[name].fullmatch(line)
        if match and (name != "url" or "://" in match["value"]):
            layout.stated.setdefault(name, match["value"])
            return True
    return False


def _set_date(layout: Layout, name: str, value: str, line: str) -> None:
    stated = read_date(value)
    if stated is None:
        return
    if name == "updated":
        layout.updated = layout.updated or stated
    elif layout.published is None:
        layout.published = stated
        layout.published_from = f'line "{" ".join(line.split())}"'
    elif layout.published != stated:
        layout.notes.append(f"states two dates of publication: {layout.published} and {stated}")


def _read_tail(text: str, lines: list[Span], layout: Layout) -> int:
    """Reads labels below the last paragraph; returns how many lines they are."""
    taken = 0
    for number, span in enumerate(reversed(lines), start=1):
        line = span.of(text)
        if not line.strip():
            continue
        if not any(_LABELLED[name].fullmatch(line) for name in ("source", "author", "url")):
            break
        if not _read_label(line, layout):
            break
        layout.left_out.append(span)
        taken = number
    return taken


def _read_body(text: str, lines: list[Span], layout: Layout) -> None:
    """Sets aside dates on lines of their own, lists of other articles, and page furniture."""
    in_list = False
    for span in lines:
        line = span.of(text)
        if not line.strip():
            continue
        if len(line) <= _MAX_LABEL_LINE and (
            _FURNITURE.fullmatch(line) or _opens_list(line) or _read_date_line(line, layout)
        ):
            in_list = bool(_opens_list(line))
            layout.left_out.append(span)
        elif in_list and reads_like_a_headline(line):
            layout.left_out.append(span)
        else:
            in_list = False


def _opens_list(line: str) -> bool:
    """Whether a list of other articles' headlines begins here ("Also Read:")."""
    match = _LIST_OPENER.fullmatch(line)
    if match is None:
        return False
    rest = match["rest"].strip()
    return not rest or (match["colon"] is not None and reads_like_a_headline(rest))


def _read_date_line(line: str, layout: Layout) -> bool:
    if not any(_LABELLED[name].fullmatch(line) or _DATED[name].fullmatch(line) for name in _DATED):
        return False
    return _read_label(line, layout)

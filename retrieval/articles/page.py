"""Bytes of a web page → its tree, and the blocks of text that a browser shows of it."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.articles.decoding import decode

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_PAGE_BYTES = 20_000_000  # many programs write all pictures of a page into it
MAX_CHARS = 5_000_000  # once these are out
MAX_ELEMENTS = 30_000  # a long live blog has 20,000; extractors slow down with the square of them
MAX_ATTRIBUTES = 1_000  # of one element
_DECLARED = re.compile(
    rb"""<(?:meta\s[^>]{0,300}?charset\s*=|\?xml\s[^>]{0,99}?encoding\s*=)\s*["']?\s*([\w:-]{2,30})""",
    re.IGNORECASE,
)
# What browsers take for what pages declare: https://encoding.spec.whatwg.org
_READ_AS = {
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "ascii", "us-ascii"), "cp1252"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987"), "cp949"),
    **dict.fromkeys(("tis-620", "iso-8859-11"), "cp874"),
    "big5": "big5hkscs",
    "iso-8859-9": "cp1254",
    "x-euc-jp": "euc_jp",
}
_ENCODINGS = re.compile(
    r"utf-8|utf8|cp\d+|windows-125\d|iso-?8859-\d+|koi8-[ru]|mac_?\w+|gb18030|big5\w*|euc[_-]jp|"
    r"iso-2022-jp",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|title|meta|div|p|article|section|span|table|h1)\b", re.IGNORECASE
)
_CLOSED_AT_ONCE = re.compile(r"(<html\b[^<>]{0,500}?)/>", re.IGNORECASE)  # the parser stops there
# Pictures written into the page, as programs that save pages do.
_DATA = re.compile(r"data:[\w/+.;=-]{1,200},[A-Za-z0-9+/=%]{200,}")
_SAVED_FROM = re.compile(
    r"<!--\s*(?:saved from url=\(\d+\)|Page saved with SingleFile\s+url:\s*)(\S+)", re.IGNORECASE
)
_OPENING = re.compile(r"<(?:(script|style)\b|[a-z])[^\s/>]*", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""[\s/]*[^\s/>][^\s/>=]*(?:\s*=\s*(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|[^\s>]*))?"""
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
# Those, halves of surrogate pairs, and what has no width: soft hyphens, places to break a line.
_BREAK = "\v"  # stands for a line break until white space is one blank
_UNSEEN_CHARS = re.compile(
    f"{_CONTROLS.pattern[:-1].replace(_BREAK, '')}\xad\u200b\u2060\ufeff\ud800-\udfff]"
)

_BLOCKS = frozenset(
    (  # noqa: SIM905 - else a line for each
        "address article aside blockquote body button caption center dd details dialog "
        "dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 "
        "header hgroup hr html legend li main menu nav ol optgroup option p pre search "
        "section select summary table tbody td tfoot th thead tr ul"
    ).split()
)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_UNSEEN = frozenset(
    (  # noqa: SIM905 - else a line for each
        "applet area audio base canvas datalist embed frame frameset head iframe input "
        "link map math meta noembed noframes noscript object param script select source "
        "style svg template textarea title track video"
    ).split()
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class PageError(ValueError):
    """These bytes are no web page that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """A web page, parsed."""

    root: "HtmlElement"
    saved_from: str | None
    """The address that the program which saved the page has noted in it."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text that a browser shows by itself: a paragraph, a heading, an item."""

    text: str
    """White space is one blank; where the page breaks a line stands a newline."""
    element: "HtmlElement"
    """The innermost block element around it."""
    heading: str | None
    """The heading it is in, such as "h2"; None if it is in none."""


def parse(data: bytes) -> Page:
    """The page that the bytes are.

    Raises:
        PageError: they are no web page, or a larger one than anybody writes.
    """
    from lxml import etree, html  # here, for most corpora have no use for it

    text, notes = _decode(data)
    if not _MARKUP.search(text):
        raise PageError("there is no HTML in it; if it is plain text, call it .txt")
    saved_from = _SAVED_FROM.search(text, 0, 5_000)
    text = _CONTROLS.sub("", _DATA.sub("data:,", text))
    if len(text) > MAX_CHARS:
        raise PageError(f"it has more than {MAX_CHARS:,} characters beside its pictures")
    text = _CLOSED_AT_ONCE.sub(r"\1>", text, count=1)
    _require_few_attributes(text)
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise PageError(f"it cannot be read as a web page ({reason})") from error
    etree.strip_elements(root, "svg", "select", "template", with_tail=False)
    if sum(1 for _ in root.iter()) > MAX_ELEMENTS:
        raise PageError(f"it has more than {MAX_ELEMENTS:,} elements")
    return Page(root, saved_from[1] if saved_from else None, notes)


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a page and what to note: its own mark, UTF-8, what it declares, or a guess."""
    if b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        try:
            return decode(data)[0], ()
        except ValueError:
            data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    declared = _declared(data)
    for encoding in ("utf-8", declared) if declared != "iso-2022-jp" else (declared,):
        try:
            return data.decode(encoding or "utf-8"), ()
        except UnicodeDecodeError:
            continue
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    if sum(char > "\x7f" for char in lenient) > 2 * broken:
        return lenient, (f"broken UTF-8 in {broken:,} places",)
    try:
        text, encoding = decode(data)
    except ValueError:
        text, encoding = data.decode("cp1252", "replace"), "cp1252"
    return text, (f"not UTF-8: read as {encoding}",)


def _declared(data: bytes) -> str | None:
    """The encoding that the page says it is in, as Python calls it; None if none known here."""
    match = _DECLARED.search(data, 0, 10_000)
    if match is None:
        return None
    name = match[1].decode("ascii", "replace").lower()
    name = _READ_AS.get(name, name)
    try:
        return name if _ENCODINGS.fullmatch(name) and b"".decode(name) == "" else None
    except LookupError:
        return None


def _require_few_attributes(text: str) -> None:
    """Refuses what makes the parser slow: it compares each attribute with all before it."""
    place = 0
    while opening := _OPENING.search(text, place):
        place = opening.end()
        count = 0
        while attribute := _ATTRIBUTE.match(text, place):
            place = attribute.end()
            count += 1
        if count > MAX_ATTRIBUTES:
            raise PageError(f"an element has more than {MAX_ATTRIBUTES:,} attributes")
        if opening[1]:  # what stands in a script is not markup
            end = re.compile(f"</{opening[1]}", re.IGNORECASE).search(text, place)
            place = end.start() if end else len(text)


def blocks(root: "HtmlElement") -> list[Block]:
    """What a browser shows of the page, in order; empty stretches are left out."""
    from lxml import etree

    found: list[Block] = []
    pieces: list[str] = []
    stack = [root]  # the blocks around where we are

    def close() -> None:
        if text := visible("".join(pieces)):
            heading = next((str(one.tag) for one in stack if one.tag in HEADINGS), None)
            found.append(Block(text, stack[-1], heading))
        pieces.clear()

    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        is_block = element.tag in _BLOCKS
        if event == "start":
            if _is_unseen(element):
                walk.skip_subtree()
                continue
            if is_block:
                close()
                stack.append(element)
            pieces.append(_BREAK if element.tag == "br" else _own_text(element))
        else:
            if is_block and stack[-1] is element:
                close()
                stack.pop()
            pieces.append(element.tail or "")
    close()
    return found


def _own_text(element: "HtmlElement") -> str:
    text = element.text or ""
    return text.replace("\n", _BREAK) if element.tag == "pre" else text


def _is_unseen(element: "HtmlElement") -> bool:
    return (
        element.tag in _UNSEEN
        or "hidden" in element.attrib
        or _HIDDEN.search(element.get("style", "")) is not None
    )


def visible(text: str) -> str:
    """What is seen of a text: each white space one blank, and no characters without a shape.

    A newline stands where a line is broken, an empty line where it is broken twice.
    """
    lines = [" ".join(line.split()) for line in _UNSEEN_CHARS.sub("", text).split(_BREAK)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip("\n"))

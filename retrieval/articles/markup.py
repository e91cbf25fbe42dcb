"""HTML fragments, as feeds and records hold them → their words."""

import html
import re

_TAGS = (
    "p|br|div|span|a|b|i|u|em|strong|img|ul|ol|li|h[1-6]|blockquote|figure|table|section|article"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_REFERENCE = re.compile(
    r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|amp|quot|apos|nbsp|[lr][sd]quo|[mn]dash);"
)
_PAGE = re.compile(
    r"\s*(?:<!--.{0,1000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_UNSEEN = {
    "script",
    "style",
    "template",
    "noscript",
    "svg",
    "iframe",
    "object",
    "figcaption",
    "form",
}
_INLINE = {
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em"),
    *("font", "i", "img", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp"),
    *("small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
}


def has_markup(text: str) -> bool:
    """Whether a text is written in HTML rather than plain."""
    return _TAG.search(text) is not None or _REFERENCE.search(text) is not None


def is_page(text: str) -> bool:
    """Whether it is a whole web page and not only a fragment of one."""
    return _PAGE.match(text) is not None


def reduce_markup(markup: str) -> str:
    r"""The words of a fragment, with a blank line between paragraphs; "" if there are none.

    Example:
        >>> reduce_markup("<p>Kim&rsquo;s <b>car</b></p><p>is new.</p>")
        'Kim’s car\n\nis new.'
    """
    if not _TAG.search(markup):
        return html.unescape(markup)
    from lxml import etree  # here, for most corpora have no use for it

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    root = etree.fromstring(markup.encode("utf-8", "replace"), parser)
    if root is None:
        return ""
    pieces: list[str] = []
    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name, starts = element.tag, event == "start"
        if name in _UNSEEN:
            unseen += 1 if starts else -1
        if name == "br":
            pieces.append("\n" if starts else "")
        elif name not in _INLINE:
            pieces.append("\n\n")
        text = element.text if starts else element.tail
        if text and not unseen:
            pieces.append(re.sub(r"\s+", " ", text))
    paragraphs = re.split(r"\n\s*\n", "".join(pieces))
    lines = ([" ".join(line.split()) for line in p.split("\n")] for p in paragraphs)
    return "\n\n".join(filter(None, ("\n".join(filter(None, group)) for group in lines)))

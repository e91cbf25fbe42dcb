"""Text → Discord markdown that shows exactly that text; and back.

`discord.utils.escape_markdown` leaves list markers, mentions and time stamps alone, and
`escape_mentions` puts a character into the text: neither shows a quote as it is.
"""

import re

from retrieval.types import Span

# What can begin markup anywhere: emphasis, spoilers, code, links, mentions and time stamps, the
# colon of emoji names and of addresses that would turn into links, the slash of invitations.
_ANYWHERE = re.compile(
    r"[\\*_~`|<>@#:\[\]]"
    # Discord's apps show a card for an invitation to a server, also for one without https://.
    r"|/(?:(?<=discord\.gg/)|(?<=discord\.new/)|(?<=discord\.com/)|(?<=discordapp\.com/))",
    re.IGNORECASE,
)
# What begins a list at the start of a line. The point of "12. Dec" is escaped, not the digit: a
# backslash before a letter or digit is shown. Discord's apps take a lone carriage return for a
# newline and drop form feeds before they look; what is invisible may be trimmed.
_LIST_MARK = re.compile(
    r"(?:^|(?<=[\r\f]))((?:[^\S\r\n\f]|[\u200b-\u200f\u2060\ufeff])*)"
    r"(?:([-+])|(\d[\d\f]*)([.)]))",
    re.MULTILINE,
)
_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])|\*\*")
_LINE = re.compile(r"\S(?:[^\r\n]*\S)?")


def escape(text: str) -> str:
    r"""Markdown that Discord shows as `text`, character for character.

    Example:
        >>> print(escape("*5. May*: <@1>"))
        \*5. May\*\: \<\@1\>
        >>> print(escape("12. Dec"))
        12\. Dec
    """
    marked = _ANYWHERE.sub(r"\\\g<0>", text)
    return _LIST_MARK.sub(_escape_list_mark, marked)


def emphasise(text: str, span: Span) -> str:
    r"""As `escape`, with `text[span]` in bold: each line by itself, white space around it not.

    Example:
        >>> print(emphasise("He paid 5* for it.", Span(8, 10)))
        He paid **5\*** for it.
    """
    marked = re.findall(r"\\?.", escape(text), re.DOTALL)  # one for each character of the text
    for line in _LINE.finditer(span.of(text)):
        first, last = span.start + line.start(), span.start + line.end() - 1
        marked[first] = f"**{marked[first]}"
        marked[last] = f"{marked[last]}**"
    return "".join(marked)


def unescape(markdown: str) -> str:
    """The text that `escape` or `emphasise` made this from."""
    return _ESCAPED.sub(r"\1", markdown)


def length(text: str) -> int:
    """How long Discord may find a text: UTF-16 units, never fewer than code points."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, limit: int) -> str:
    """`text`, cut between words and marked with "…" if it is longer than `limit` UTF-16 units.

    For titles and labels; never for quotes.
    """
    if length(text) <= limit:
        return text
    text = text[: limit - 1]
    while length(text) > limit - 1:
        text = text[:-1]
    blank = text.rfind(" ")
    return (text[:blank] if blank > limit // 2 else text).rstrip(" \\") + "…"


def _escape_list_mark(match: re.Match[str]) -> str:
    blank, bullet, number, point = match.groups()
    return f"{blank}\\{bullet}" if bullet else f"{blank}{number}\\{point}"

"""What stands on a page beside an article: its furniture, and the headlines of other articles."""

import re
from collections.abc import Sequence

from retrieval.articles.titles import reads_like_a_headline
from retrieval.sentences import split_sentences
from retrieval.types import Span

_FURNITURE = re.compile(
    r"\s*(?:advertisement|sponsored(?: content)?|"
    r"share(?: this(?: (?:article|story|post|page))?)?(?: (?:on|via|with) [\w ,&/()-]{1,60})?|"
    r"follow us(?: on (?:facebook|twitter|x|instagram|youtube|telegram|whatsapp|linkedin|threads|"
    r"google news|social media)\b.{0,60})?|"
    r"subscribe(?: now| today)?|"
    r"(?:subscribe|sign up) (?:to|for) [^.,;]{0,60}\b(?:newsletters?|channel|podcast|updates|"
    r"alerts?|emails?|briefing)\b[^.,;]{0,60}|"
    r"(?:copyright )?(?:©|\(c\)) ?\d{4}\b.{0,120}|all rights reserved|"
    r"download our app\b[^.,;]{0,80}|\d+ (?:comments?|min(?:ute)?s? read)|leave a comment)[.!]?\s*",
    re.IGNORECASE,
)
# These words point at another article wherever they stand; the rest only above a list.
_POINTS = (
    r"also (?:read|see|watch|listen)|read also|(?:what to )?read (?:more|next)|see also|must read|"
    r"(?:further|suggested|recommended) reading|(?:also|more) on this(?: story)?|"
    r"related (?:articles?|story|stories|coverage|news|posts?|links?|reading|topics?|videos?)|"
    r"you (?:may|might|could) (?:also )?(?:like|be interested in)|recommended for you|"
    r"don['’]t miss|in case you missed it"
)
_HEADS = (
    r"related|recommended(?: stories)?|more (?:from|in|on) [^.:|]{1,40}|more (?:stories|news)|"
    r"most (?:read|popular)|popular(?: now)?|trending(?: now)?|editors?['’]s? picks?|"
    r"(?:top|latest|other) (?:stories|news)|in other news|read|watch"
)
_OPENER = re.compile(
    rf"[\s*_#>•–—-]*(?:(?P<points>{_POINTS})|{_HEADS})(?!\w)[*_]*\s*"
    r"(?P<mark>[:|»›>→]|[–—-](?=\s))?[*_]*\s*(?P<rest>.*?)[\s*_]*",
    re.IGNORECASE,
)
# In brackets, or after the last sentence of a line: "… said Kim. Also Read: Rafah Deadline"
_POINTER = re.compile(
    r"\((?:also read|read also|read more|see also)\s*[:|][^()\r\n]{1,200}\)"
    r"|(?<=[.!?…\"”’)\]])\s+(?P<open>(?:also read|read also|read more|see also)\s*[:|]"
    r"(?P<rest>[^\r\n]{1,200}))$",
    re.IGNORECASE | re.MULTILINE,
)
_MAX_OPENER = 300  # a longer line is prose, whatever it begins with


def is_furniture(line: str) -> bool:
    """Whether a line belongs to the page and not to what is written on it."""
    return len(line) <= _MAX_OPENER and _FURNITURE.fullmatch(line) is not None


def opens_list(line: str) -> bool:
    """Whether a list of other articles' headlines begins with this line ("Also Read:")."""
    return _opened(line) is not None


def pointers(line: str) -> list[Span]:
    """Where a line of prose points at another article in passing, counted from its start."""
    return [
        Span(match.start("open") if match["open"] else match.start(), match.end())
        for match in _POINTER.finditer(line)
        if match["open"] is None or _names_one(match["rest"])
    ]


class OtherArticles:
    """Follows the lines of a text, and tells which belong to lists of other articles' headlines.

    A list begins with its opener ("Also Read:"). It ends with the first line that cannot be a
    headline; and where headlines stood close together, with the first gap after them that has
    prose below it. What stands on the opener's own line is such a headline too.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._last_prose = max((i for i, line in enumerate(lines) if _is_prose(line)), default=-1)
        self._open = False
        self._headlines = 0
        self._close_together = False

    def owns(self, number: int) -> bool:
        """Whether line `number` belongs to a list. Ask about every line that is not blank."""
        line = self._lines[number]
        if (headline := _opened(line)) is not None:
            self._open = True
            self._headlines = 1 if headline else 0
            self._close_together = bool(headline)
            return True
        if not self._open:
            return False
        gap = self.after_gap(number)
        ended = gap and self._close_together and number < self._last_prose
        if ended or not _is_item(line):
            self._open = False
            return False
        if not gap:
            self._close_together = True
        self._headlines += 1
        return True

    def owns_date(self, number: int) -> bool:
        """Whether a date on this line is that of the headline right above it."""
        return self._open and self._headlines > 0 and not self.after_gap(number)

    def after_gap(self, number: int) -> bool:
        """Whether the line above is blank."""
        return number > 0 and not self._lines[number - 1].strip()


def _opened(line: str) -> str | None:
    """The headline beside the words that open a list, "" if there is none; None if none opens."""
    if len(line) > _MAX_OPENER or (match := _OPENER.fullmatch(line)) is None:
        return None
    rest = match["rest"]
    if not rest:
        return ""
    points, mark = match["points"] is not None, match["mark"]
    if mark is None:
        opens = points and not rest[0].islower() and reads_like_a_headline(rest)
    elif points:
        opens = _names_one(rest)
    else:
        opens = mark in ":|" and reads_like_a_headline(rest)
    return rest if opens else None


def _names_one(text: str) -> bool:
    """Whether this is one headline and not the beginning of prose."""
    text = text.strip()
    return reads_like_a_headline(text) or (
        0 < len(text) <= 200 and len(split_sentences(text, Span(0, len(text)))) == 1
    )


def _is_item(line: str) -> bool:
    return reads_like_a_headline(line) or (
        reads_like_a_headline(line.strip().rstrip("!.…"))
        and line.strip().endswith(("!", ".", "…"))
        and _is_title_case(line)
    )


def _is_prose(line: str) -> bool:
    return bool(line.strip()) and not (_is_item(line) or is_furniture(line) or opens_list(line))


def _is_title_case(line: str) -> bool:
    """Whether most words that are not short begin with a capital."""
    words = [word for word in re.findall(r"[^\W\d_]+", line) if len(word) > 3]
    return 2 * sum(not word[0].islower() for word in words) > len(words)

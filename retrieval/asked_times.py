"""What a question's own words say about when: "in February 2024" → after, before."""

import calendar
import functools
import re
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from retrieval.dates import PartialDate, read_date


@dataclass(frozen=True, slots=True)
class AskedTime:
    """When the coverage that a question asks for was published, as far as the question says."""

    words: str
    """The words that say so: a slice of the question."""
    after: PartialDate | None
    before: PartialDate | None
    """Both inclusive, as in Filters; never in the wrong order."""
    newest: bool
    """The newest coverage is wanted first."""
    event: str | None = None
    """What "since the drill" counts from: its date is for the caller to find."""

    @property
    def has_window(self) -> bool:
        """Whether other days than these are to be left out, not only the newest put first."""
        return (self.after, self.before, self.event) != (None, None, None)


class _Window(NamedTuple):
    after: PartialDate | None
    before: PartialDate | None
    newest: bool = False
    event: str | None = None


_Days = tuple[PartialDate, PartialDate]  # the first and the last of them
_YEARS = range(1900, 2101)  # outside, a number after "in" is rarely a year, and nothing is news

# The parts of a year in months (winter ends in the next year), and of a month in days.
_OF_YEAR = {
    "early": (1, 4), "mid": (5, 8), "middle": (5, 8), "late": (9, 12),
    "start": (1, 1), "beginning": (1, 1), "end": (12, 12),
    "first half": (1, 6), "second half": (7, 12), "last quarter": (10, 12),
    "first quarter": (1, 3), "second quarter": (4, 6), "third quarter": (7, 9),
    "fourth quarter": (10, 12), "q1": (1, 3), "q2": (4, 6), "q3": (7, 9), "q4": (10, 12),
    "spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11), "winter": (12, 14),
}  # fmt: skip
_OF_MONTH = {
    "early": (1, 10), "mid": (11, 20), "middle": (11, 20), "late": (21, 31),
    "start": (1, 10), "beginning": (1, 10), "end": (21, 31),
    "first half": (1, 15), "second half": (16, 31),
}  # fmt: skip
_NUMBERS = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)

# The grammar. In it a blank means any white space; every repetition is bounded.
_COUNTED = (
    r"(?! (?:people|men|women|children|dead|injured|k?m|mm|kg|feet|ft|tons?|per\s?cent|[mb]illion"
    r"|bce?)\b)"
)
_PLURAL = (  # "in 2000 schools" counts schools, "in 2024 was" does not
    r"(?! (?!(?:is|was|has|does|its|his|this|as|us|plus|versus|always|perhaps)\b)"
    r"(?-i:[a-z])\w*[^\Ws]s\b| of\b)"
)
_YEAR = r"(?:(?:19|20)\d\d|2100)(?![\w%°]|['’]s|[.,:/]\d|[-–](?!(?:19|20)\d\d\b)\w)" + _COUNTED
_NAMES = "|".join(
    (*calendar.month_name[1:], *(name for name in calendar.month_abbr[1:] if name != "May"), "Sept")
)
_MONTH = rf"(?:{_NAMES})(?!\w|['’]s|-(?!(?:{_NAMES})\b)\w)\.?"
_DAY = r"(?:the (?=\d\d?[snrt]))?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\w:%]|[.,]\d)"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
# Without a year only where no other number stands: "in March 1812" is not the last March.
_OF = rf"(?:,? (?:of )?(?:{_YEAR}|(?:this|last) year\b(?!['’]s))|(?!['’]s|,? (?:of )?\d{{3}}))"
_TO = r"(?:\s*[-–—]\s*| (?:to|and|or|until|till|through) )"
_N = rf"(?:\d{{1,3}}|an?|{'|'.join(_NUMBERS)})"
_DATE = (
    rf"(?:{_WEEKDAY}(?:{_DAY}(?: of)? {_MONTH}{_OF}|{_MONTH} {_DAY}{_COUNTED}{_PLURAL}{_OF})"
    rf"|{_MONTH}{_OF}|(?:19|20)\d\d-\d\d-\d\d\b|20[2-9]\d-\d\d(?![\w-])"  # 2003-04 is two years
    rf"|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}\b|{_YEAR}{_PLURAL}|(?:this|last) year\b(?!['’]s| of\b))"
)
_DAYS = (
    rf"{_WEEKDAY}(?:(?P<d1>{_DAY}){_TO}(?P<d2>{_DAY})(?: of)? (?P<m1>{_MONTH})"
    rf"|(?P<m2>{_MONTH}) (?P<d3>{_DAY}){_TO}(?P<d4>{_DAY}))(?P<of>{_OF})"
)
_PART = (
    r"(?:the )?(?:very )?(?:(?P<adverb>early|mid|late)(?:-| (?:in )?)"
    r"|(?P<noun>start|beginning|middle|end|(?:first|second) half"
    r"|(?:first|second|third|fourth|last) quarter) of |(?P<name>q[1-4]) (?:of )?"
    rf"|(?P<season>spring|summer|autumn|fall|winter)(?: of)?,? (?=\d|this|last))(?P<base>{_DATE})"
)
_ROUND = (
    r"(?:the )?(?P<unit>day|morning|afternoon|evening|night|week|weekend|month)"
    r" (?P<side>of|after|following|before|beginning|starting|ending)(?: on)?"
    rf" (?P<base>{_DAYS}|{_DATE})"
)
_RELATIVE = (
    r"(?:the day before yesterday|yesterday|(?P<which>this|last) (?P<unit>week|month|year)"
    rf"|(?P<n>{_N}) (?P<ago>day|week|month|year)s? ago)(?!['’]s|\w| of\b)"
)
_PAST = (
    r"(?:in|over|during|within|throughout|for) (?:(?:the|this|these) (?:last|past)|last|past)"
    rf"(?: (?P<n>{_N}) (?P<units>hour|day|week|month|year)s?"
    r"|(?<!in\slast) (?P<unit>day|week|month|year))(?!['’]s|\w| of\b)"
)


def _unnamed(form: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", form)


def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form.replace(" ", r"[\s\u00a0\u202f]+"), re.IGNORECASE | re.ASCII)


_SPAN = f"(?:{'|'.join(_unnamed(form) for form in (_RELATIVE, _ROUND, _PART, _DAYS, _DATE))})"
_ASKERS = "who|whom|whose|what|when|where|which|why|how"
_WORD = rf"(?!(?:{_ASKERS}|since)\b)[^\s,;:?!()\"“”—–]{{1,30}}"
_WHOSE = r"(?:the|a|an|his|her|its|their|our|this|[^\s,;:?!()]{1,30}['’]s)"
_IN_THE_DAYS = r"(?:in the (?:first |last )?(?:hours|days|weeks|months|years) )?"
_OF_EVENTS = {
    "since": r"since|on or after|no earlier than",
    "after": _IN_THE_DAYS + r"(?:after|later than|following)",
    "before": _IN_THE_DAYS + r"(?:before|prior to|earlier than|ahead of)",
}
_OF_DATES = {
    "as_of": r"as (?:of|at)|as far as (?:was|is|were) known(?: (?:on|in|by|at))?",
    "until": r"(?:up )?until|till|up to(?: and including)?|by|(?:no|not) later than|on or before",
    "start": r"from",
    "between": r"between",
    "within": r"in(?: the year(?= \d))?|during|throughout|on|at|over(?= the )",
}


def _any(kinds: dict[str, str]) -> str:
    return "|".join(f"(?P<{kind}>{form})" for kind, form in kinds.items())


@functools.cache  # a long form: most commands have no use for it
def _window() -> re.Pattern[str]:
    return _compiled(
        rf"(?<![\w'’$€£-])(?:(?P<past>{_unnamed(_PAST)})"
        rf"|(?:(?:{_any(_OF_EVENTS)})"
        rf" (?P<thing>{_WHOSE} (?:{_WORD} ){{0,6}}?(?:(?P<link>of|on|in) )?)??"
        rf"|(?:{_any(_OF_DATES)}) )?"
        rf"(?P<first>{_SPAN})(?:{_TO}(?P<last>{_SPAN}))?"
        rf"(?P<onwards>(?(start) on(?:wards?\b|(?=\s*(?:[,;?!.]|$)| (?:{_ASKERS})\b))|(?!)))?"
        rf"|since (?P<event>{_WHOSE}(?: {_WORD}){{1,7}})(?=\s*(?:[,;:?!()—–]|$)| (?:{_ASKERS})\b))"
    )


_RELATIVES, _ROUNDS, _PARTS, _DAY_PAIRS, _DATES, _PASTS = (
    _compiled(form) for form in (_RELATIVE, _ROUND, _PART, _DAYS, _DATE, _PAST)
)
_ONLY_MONTH = _compiled(_MONTH)
_ONLY_YEAR = _compiled(_YEAR)
_LAST_YEAR = _compiled(r"\b(this|last) year\b")
_END = _compiled(r"(?:the )?(?:very )?(?:start|beginning|middle|end) of .*|(?:the )?weekend of .*")

# What makes a date something else than when the coverage appeared.
_MOVED = _compiled(  # "put back from 2024 to 2025", "delayed until May"
    r"\b(?:put|mov|postpon|delay|chang|rais|rise|rising|rose|grew|grow|push|shift|slip|brought|cut"
    r"|f[ae]ll|drop|went|increas|decreas|exten|reschedul|revis|lower|jump|climb|defer|reduc|switch|adjourn"
    r"|suspend|not\b|never\b)|n['’]t\b"
)
_PLANNED = _compiled(  # "due to open in 2025"
    r"\b(?:due|scheduled|plans? to|planned|expected|supposed|meant|intend(?:s|ed)?|slated"
    r"|set (?:to|for)|going to|will|shall|likely)\b(?! to (?:the|a|an|his|her|its|their|\w+ing)\b)"
    r"[^,;?]{0,60}$"
)
_CLAUSE = _compiled(  # what follows "since" then only gives a reason, or cannot be looked up
    r"\b(?:is|are|was|were|has|have|had|do|does|did|will|would|can|could|may|might|must|should"
    r"|be|been|became|began|broke|brought|built|came|caught|fell|fought|found|gave|gone|got|grew"
    r"|held|hit|joined|left|lost|made|met|put|quit|ran|rose|said|sank|sent|shot|shut|sold|spoke|stood"
    r"|struck|then|told|took|went|won|wrote|\w{3,}ed)\b|\d"
)
_FORUM = _compiled(
    r".*\b(?:court|judges?|tribunal|committee|commission|parliament|council|senate|congress|inquiry"
    r"|panel|jury|house|assembly|cameras?|crowd|board)(?: \S+){0,2}\s*"
)
_NAMING = _compiled(  # a time alone after these names or compares a thing
    r"of|the|an?|to|for|from|than|and|or|with|as|like|at|his|her|its|their|our|my|your|.*['’]s"
)
_NOT_AFTER = _compiled(  # "how many days after", "named after"
    r"(?:hour|day|week|month|year)s?|minutes|long|named|called|look"
)

_NEWEST = _compiled(
    r"(?<![\w'’])(?:most (?:recent(?:ly)?|current)|(?<!at\sthe\s)(?:latest|newest)|last known"
    r"|currently|presently"
    r"|(?:(?:right|by|as of|up to|up until|until|till) )?(?<!what\sis\s)(?<!known\s)now"
    r"(?! (?:that|on|and (?:then|again)|(?:known|referred to) as|called \w)\b)"
    r"|nowadays|at present|at the moment(?! (?:of|when|that)\b)|as things stand|these days"
    r"|(?:as of )?today(?!['’]s)|to date(?=\s*(?:[,;:?!.)]|$))|up(?:-| )to(?:-| )date"
    r"|(?:final|updated|revised) (?:death )?(?:toll|tally|count)"
    r"|so far(?! (?:away|as|from|back|out|off|apart|that|north|south|east|west)\b|-)"
    r"|(?<!\ba\s)(?<!the\s)still(?! (?:life|image|photo\w*|picture|waters?|birth)\b)"
    r"|(?:(?<=the\s)|(?<=its\s)|(?<=his\s)|(?<=her\s)|(?<=their\s)|(?<=our\s)|(?<=['’]s\s)|^)"
    r"current(?= \w)(?! (?:is|was|of|in|that|which|flows?|and|to|through|from|with|at|on|has|can"
    r"|does|\w+ing|\w+ed by)\b))(?![\w'’-])"
)


def read_asked_time(question: str, today: date) -> AskedTime | None:
    """The window of publication, or the wish for the newest, that `question` states; else None.

    Dates that only name a thing ("the flood of October 2023"), that are planned, or that begin
    after `today` ask for no window: a false one would hide the answer. The first window counts;
    a "since" and a "before" count together; a window with a date goes before "since the drill".

    Example:
        >>> asked = read_asked_time("Who led it in February 2024?", date(2025, 5, 15))
        >>> asked.words, str(asked.after), str(asked.before)
        ('in February 2024', '2024-02', '2024-02')
    """
    found = []
    for match in _window().finditer(question):
        try:
            window = _read_window(match, today)
        except ValueError:  # a day that no calendar has
            window = None
        if window is not None:
            found.append((match.span(), window))
    newest = next(filter(_is_no_title, _NEWEST.finditer(question)), None)
    if not found:
        return newest and AskedTime(newest[0], None, None, newest=True)
    (start, end), window = next((one for one in found if one[1].event is None), found[0])
    for (other_start, other_end), other in found:
        if (both := _together(window, other) or _together(other, window)) is not None:
            start, end, window = min(start, other_start), max(end, other_end), both
            break
    wants_newest = window.newest or newest is not None
    return AskedTime(question[start:end], window.after, window.before, wants_newest, window.event)


def _together(since: _Window, before: _Window) -> _Window | None:
    if since.before or before.after or before.event or not (since.after or since.event):
        return None
    if before.before is None or (since.after and not _in_order(since.after, before.before)):
        return None
    return _Window(since.after, before.before, since.newest or before.newest, since.event)


def _read_window(match: re.Match[str], today: date) -> _Window | None:
    around = match.string[: match.start()][-1:] + match.string[match.end() :][:1]
    if any(letter.isalnum() for letter in around):  # ASCII boundaries do not see "é"
        return None
    if past := _PASTS.fullmatch(match["past"] or ""):
        after = _past(past, today)
        return _Window(after, _step(today, 0)) if after.year in _YEARS else None
    if match["event"]:
        event = match["event"].rstrip(".")
        return None if _CLAUSE.search(event) else _Window(None, None, event=event)
    days = _read_range(match, today)
    if days is None or days[0].first_day > today or not _is_about_when(match, days):
        return None
    first, last = days
    if first.year not in _YEARS or last.year not in _YEARS:
        return None
    kind = _kind(match)
    named = match["thing"] is not None  # within a month, a thing has its before and its after
    if kind == "after":
        return _Window(first if named else _step(last, 1), None)
    if kind == "before":
        whole = _END.fullmatch(match["first"]) or (named and first.day is None)
        return _Window(None, last if whole else _step(first, -1))
    if kind in ("as_of", "until"):
        return _Window(None, last, newest=kind == "as_of")
    endless = match["onwards"] or (kind == "since" and not match["last"])
    return _Window(first, None if endless else last)


def _kind(match: re.Match[str]) -> str:
    return next((kind for kind in (*_OF_EVENTS, *_OF_DATES) if match[kind]), "alone")


def _is_about_when(match: re.Match[str], days: _Days) -> bool:
    """Whether the words around a date let it be when the coverage appeared."""
    kind, first, so_far = _kind(match), match["first"], match.string[: match.start()]
    previous = so_far.split()[-1].lower() if so_far.strip() else ""
    if (
        (kind not in ("as_of", "since") and _PLANNED.search(so_far))
        or (kind in ("start", "until") and _MOVED.search(so_far))
        or (kind in ("after", "before") and (_NOT_AFTER.fullmatch(previous) or match["last"]))
        or (_ONLY_MONTH.fullmatch(first) and not match["last"] and not _is_month(match, kind))
    ):
        return False
    if kind in _OF_EVENTS:
        return match["thing"] is None or _names_an_event(match, kind)
    if kind in ("start", "between"):
        paired = match["last"] or _DAY_PAIRS.fullmatch(first)
        return bool(paired or match["onwards"])
    if kind == "until":  # "up to 2000" may count anything
        return not (match["until"].lower() == "up to" and _ONLY_YEAR.fullmatch(first))
    if kind == "within":
        return _fits(match["within"].lower(), first, days)
    return kind == "as_of" or _stands_alone(match, previous)


def _fits(preposition: str, first: str, days: _Days) -> bool:
    if preposition == "at":
        return _END.fullmatch(first) is not None
    return preposition != "on" or days[0].day is not None


def _is_month(match: re.Match[str], kind: str) -> bool:
    """Whether a month without its year is one: May and March are also words, April a name."""
    if kind in ("alone", "start") or match["thing"] or (match["until"] or "").lower() == "by":
        return False
    rest = match.string[match.end() :].split(maxsplit=1)[:1]
    return kind == "within" or not rest or not _CLAUSE.fullmatch(rest[0])


def _names_an_event(match: re.Match[str], kind: str) -> bool:
    """Whether "the X of DATE" or "the DATE X" after "since", "after" or "before" is an event."""
    if not match["link"]:
        return kind == "since" or not _ONLY_YEAR.fullmatch(match["first"])
    in_front_of = kind == "before" and match["link"].split() != ["of"]
    return not (in_front_of and _FORUM.fullmatch(match["thing"][: -len(match["link"])]))


def _stands_alone(match: re.Match[str], previous: str) -> bool:
    """Whether a time without a preposition says when: "last week", a final "late 2024"."""
    if _NAMING.fullmatch(previous):
        return False
    if _RELATIVES.match(match["first"]) or _LAST_YEAR.fullmatch(match["first"]):
        return True
    rest = match.string[match.end() :].lstrip()
    if not re.search(r"\d{4}", match["first"] + (match["last"] or "")) or rest[:1].isalnum():
        return False
    return match["last"] is not None or not _DATES.fullmatch(match["first"])


def _is_no_title(match: re.Match[str]) -> bool:
    """Whether "Now" or "Today" in the middle of a sentence is not part of a name."""
    before = match.string[: match.start()].rstrip(" \n\"'“‘(")
    return not match[0].istitle() or not before or before[-1] in ".?!:,;"


def _read_range(match: re.Match[str], today: date) -> _Days | None:
    first, last = match["first"], match["last"]
    if last is None:
        return _read_days(first, today)
    if _has_year(first) and not _has_year(last):
        last = f"{last} {first_year[0]}" if (first_year := re.search(r"\d{4}", first)) else last
    ends = _read_days(last, today)
    if ends is None:
        return None
    if _has_year(first):
        starts = _read_days(first, today)
    else:  # "between November and March 2024" starts in 2023
        starts = _latest(first, ends[0].year, ends[0].first_day)
    return (starts[0], ends[1]) if starts and _in_order(starts[0], ends[1]) else None


def _has_year(text: str) -> bool:
    return bool(re.search(r"\d{4}", text) or _LAST_YEAR.search(text) or _RELATIVES.fullmatch(text))


def _latest(text: str, year: int, limit: date) -> _Days | None:
    """The latest days that `text`, which states no year, can mean; they begin by `limit`."""
    for candidate in range(year, max(0, year - 9), -1):  # leap days can be eight years apart
        days = _read_days(f"{text} {candidate:04}", limit)
        if days is not None and days[0].first_day <= limit:
            return days
    return None


def _read_days(text: str, today: date) -> _Days | None:
    text = " ".join(text.split())
    if not _has_year(text):
        return _latest(text, today.year, today)
    if match := _RELATIVES.fullmatch(text):
        return _relative(match, today)
    text = _LAST_YEAR.sub(lambda found: f"{today.year - (found[1].lower() == 'last'):04}", text)
    if match := _ROUNDS.fullmatch(text):
        days = _read_days(match["base"], today)
        return days and _round(match["unit"].lower(), match["side"].lower(), days)
    if match := _PARTS.fullmatch(text):
        days = _read_days(match["base"], today)
        name = match["adverb"] or match["noun"] or match["name"] or match["season"]
        return days and _part(name.lower(), days[0])
    if match := _DAY_PAIRS.fullmatch(text):
        month = f"{match['m1'] or match['m2']}{match['of'].replace(' of ', ' ')}"
        first, last = (
            _read_days(f"{day} {month}", today)
            for day in (match["d1"] or match["d3"], match["d2"] or match["d4"])
        )
        return (first[0], last[1]) if first and last and _in_order(first[0], last[1]) else None
    found = read_date(re.sub(r"\b(?:the|of) ", "", text, flags=re.IGNORECASE))
    if found is None or (found.day is None and re.search(r"[./]\d", text)):  # 03/04/2024
        return None
    return found, found


def _relative(match: re.Match[str], today: date) -> _Days:
    if match["unit"]:
        unit, back = match["unit"].lower(), int(match["which"].lower() == "last")
    elif match["ago"]:
        unit, back = match["ago"].lower(), _number(match["n"])
    else:
        unit, back = "day", 2 if " " in match[0] else 1
    if unit == "week":
        monday = _step(today, -today.weekday() - 7 * back)
        return monday, _step(monday, 6)
    parts = (today.year, today.month, today.day)[: ("year", "month", "day").index(unit) + 1]
    day = _step(PartialDate(*parts), -back)
    return day, day


def _past(match: re.Match[str], today: date) -> PartialDate:
    unit, count = (match["units"] or match["unit"]).lower(), _number(match["n"] or "one")
    if unit in ("hour", "day", "week"):
        return _step(today, -{"hour": -(-count // 24), "day": count, "week": 7 * count}[unit])
    month = _step(PartialDate(today.year, today.month), -count * (12 if unit == "year" else 1))
    return PartialDate(month.year, month.month, min(today.day, month.last_day.day))


def _number(words: str) -> int:
    if words.isdigit():
        return int(words)
    return _NUMBERS.index(words.lower()) + 1 if words.lower() in _NUMBERS else 1


def _part(name: str, whole: PartialDate) -> _Days | None:
    if whole.day is not None:
        return None
    first, last = (_OF_YEAR if whole.month is None else _OF_MONTH).get(name, (0, 0))
    if first == 0:
        return None
    if whole.month is None:
        january = PartialDate(whole.year, 1)
        return _step(january, first - 1), _step(january, last - 1)
    length = whole.last_day.day
    return (
        PartialDate(whole.year, whole.month, first),
        PartialDate(whole.year, whole.month, min(last, length)),
    )


def _round(unit: str, side: str, days: _Days) -> _Days | None:
    """The days of "the week after" a day, that day included, and of what else goes round one."""
    first, last = days
    if side == "of" and (first != last or unit == "month"):
        return days
    if first != last or first.day is None or unit == "month":
        return None
    if unit == "weekend":
        sunday = _step(first, 6 - first.first_day.weekday())
        saturday = _step(sunday, -1)
        return (saturday if _in_order(saturday, first) else first, sunday) if side == "of" else None
    if unit == "week":
        sides = {"after": (0, 7), "following": (0, 7), "before": (-7, 0), "ending": (-6, 0)}
        back, on = sides.get(side, (0, 6))
    else:
        back = on = {"after": 1, "following": 1, "before": -1}.get(side, 0)
    return _step(first, back), _step(first, on)


def _step(at: PartialDate | date, by: int) -> PartialDate:
    """So many days later, or months or years where that is all `at` states."""
    if at.day is not None:
        start = at if isinstance(at, date) else at.first_day
        day = date.fromordinal(start.toordinal() + by)
        return PartialDate(day.year, day.month, day.day)
    if at.month is None:
        return PartialDate(at.year + by)
    months = at.year * 12 + at.month - 1 + by
    return PartialDate(months // 12, months % 12 + 1)


def _in_order(first: PartialDate, last: PartialDate) -> bool:
    return first.first_day <= last.last_day

"""Dates as articles state them: read strictly, kept exactly as precise as they are."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

_MONTHS = {
    name: number
    for number in range(1, 13)
    for name in (calendar.month_name[number].lower(), calendar.month_abbr[number].lower())
} | {"sept": 9}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = "(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
# A time of day right after an ISO date, and nothing else: "2024-02-20 1000 people …" has none.
_CLOCK = r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|T\d{4,6})?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)  # else "ſ" is an "s", and "٢" a digit
    for form in (
        r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})" + _CLOCK,  # 2024-02-20T09:30Z
        r"(?P<y>\d{4})[/.](?P<m>\d{1,2})[/.](?P<d>\d{1,2})",  # 2024/02/20
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",  # 20240220
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ -](?P<M>{_MONTH})\.?,?[ -](?P<y>\d{{4}})",
        rf"(?P<M>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})",
        rf"(?P<M>{_MONTH})\.?,? (?P<y>\d{{4}})",  # February 2024
        r"(?P<y>\d{4})-(?P<m>\d{2})",  # 2024-02
        r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",  # 20.02.2024: dots put the day first
        r"(?P<a>\d{1,2})[/-](?P<b>\d{1,2})[/-](?P<y>\d{4})",  # 20/02/2024 or 02/20/2024
        r"(?P<y>\d{4})",
    )
)
_YEAR = re.compile(r"\d{4}", re.ASCII)  # in each of these
_EPOCH = re.compile(r"(?P<seconds>\d{9,10})(?:\.\d+)?|(?P<milliseconds>\d{12,13})", re.ASCII)
_EPOCH_YEARS = range(2000, 2100)  # what else nine and more digits may be is far outside
_AROUND = re.compile(
    rf"^(?:{_WEEKDAY}\.?,? )?(?P<date>.*?)"
    # a time of day after the date: "at 9:30 am GMT", "| 14:05", ", 2024-style" never
    r"(?:,? ?(?:at |[|·–—-] ?)?\d{1,2}[:.h]\d{2}(?:[:.]\d{2})? ?(?:[ap]\.?m\.?)?"
    r"(?: ?\(?[a-z]{2,5}\)?)?(?: ?[+-]\d{1,2}(?::?\d{2})?)?)?[.;,]?$",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A calendar date known to the day, the month or only the year.

    Raises:
        ValueError: there is no such date.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.month is None:
            raise ValueError(f"a day without a month: {self!r}")
        month = 1 if self.month is None else self.month  # a month 0 is no missing month
        date(self.year, month, 1 if self.day is None else self.day)

    @classmethod
    def from_iso(cls, text: str) -> "PartialDate":
        """The date that `YYYY`, `YYYY-MM` or `YYYY-MM-DD` writes.

        Raises:
            ValueError: `text` is none of these, or there is no such date.
        """
        match = _ISO.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not a date: {text!r}; write 2024, 2024-02 or 2024-02-20")
        try:
            return cls(*(int(part) for part in match.groups() if part is not None))
        except ValueError:
            raise ValueError(f"no such date: {text!r}") from None

    @property
    def first_day(self) -> date:
        """The earliest day this can mean."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last_day(self) -> date:
        """The latest day this can mean."""
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def __str__(self) -> str:
        month = "" if self.month is None else f"-{self.month:02}"
        day = "" if self.day is None else f"-{self.day:02}"
        return f"{self.year:04}{month}{day}"


def read_date(text: str) -> PartialDate | None:
    """The date that all of `text` states, or None when it is not, as a whole, a date.

    A weekday before it and a time of day after it are allowed. The day is the one written: a time
    zone never moves it. `03/04/2024` could be March or April, so only its year is taken.

    Example:
        >>> str(read_date("Tuesday, 20th Feb 2024 at 9:30 am GMT"))
        '2024-02-20'
    """
    if not _YEAR.search(text):
        return None
    words = " ".join(text.split())
    if len(words) > 80 or (match := _AROUND.match(words)) is None:  # 80: no date is that long
        return None
    for candidate in (words, match["date"]):
        for form in _FORMS:
            if found := form.fullmatch(candidate):
                try:
                    return _from_groups(found.groupdict())
                except ValueError:
                    return None
    return None


def from_epoch(text: str) -> PartialDate | None:
    """The day in UTC that seconds or milliseconds since 1970 mean, if they can mean no other."""
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    seconds = int(match["seconds"]) if match["seconds"] else int(match["milliseconds"]) // 1000
    day = datetime.fromtimestamp(seconds, UTC).date()
    return PartialDate(day.year, day.month, day.day) if day.year in _EPOCH_YEARS else None


def _from_groups(groups: dict[str, str | None]) -> PartialDate:
    year = int(groups["y"] or 0)
    if groups.get("a") is not None:
        first, second = int(groups["a"] or 0), int(groups["b"] or 0)
        if first == second or second > 12:
            return PartialDate(year, first, second)
        if first > 12:
            return PartialDate(year, second, first)
        return PartialDate(year)
    month = _MONTHS[(groups.get("M") or "").lower()] if groups.get("M") else None
    if groups.get("m"):
        month = int(groups["m"] or 0)
    return PartialDate(year, month, int(groups["d"] or 0) if groups.get("d") else None)

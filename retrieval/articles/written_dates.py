"""Dates as people write them in running text, in the languages that newspapers are written in."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from retrieval.dates import PartialDate

Order = Literal["dmy", "mdy"]
"""Which of `03/04/2024` is the day: "dmy" the first number, "mdy" the second."""

# The languages of CLDR in which most of the world's news is written.
_LANGUAGES = (  # noqa: SIM905 - else a line for each
    "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fil fr ga gl gu he "
    "hi hr hu hy id is it ka kk kn ko ky lt lv mk ml mn mr ms mt nb ne nl nn pa pl ps "
    "pt ro ru si sk sl sq sr sv sw ta te tg th tr uk ur uz vi zu"
).split()
_YEAR = r"(?P<y>(?:1[6-9]|20)\d{2})"
_LINK = r"(?:\s+|\s*[-–.,]\s*|\s*,?\s+(?:de|del|of|di|d|do|dne|den|kl)\s+|\s*d['’])"
_NAME = r"(?P<M>[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e00-\u0e7f]){1,20})"
_DAY = r"(?P<d>\d{1,2})"
_ORDINAL = r"(?:st|nd|rd|th|er|re|ère|e|o|a|º|ª|°|\.|-(?:an|ga|го|е))?"
_FORMS = tuple(
    re.compile(rf"(?<![\d.,/:-]){form}(?!\d)", re.IGNORECASE)
    for form in (
        rf"{_YEAR}-(?P<m>\d{{1,2}})-{_DAY}",
        rf"{_YEAR}([/.])\s?(?P<m>\d{{1,2}})\2\s?{_DAY}",
        rf"{_YEAR}\s?[年년]\s?(?P<m>\d{{1,2}})\s?[月월]\s?{_DAY}\s?[日일]",
        rf"{_DAY}{_ORDINAL}{_LINK}{_NAME}{_LINK}{_YEAR}",
        rf"{_DAY}(?P<M>[^\W\d_]{{3,10}}){_YEAR}",  # set apart by a style sheet
        rf"(?P<d>\d{{1,2}})([.·])\s?(?P<m>\d{{1,2}})\2\s?{_YEAR}",
        rf"(?P<a>\d{{1,2}})(?P<mark>[/-])(?P<b>\d{{1,2}})(?P=mark){_YEAR}",
        r"(?P<y>20\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?",
        r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{2})(?![.:])",  # 20.02.24: dots put the day first
        r"(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{2})(?![/:.])",
    )
) + tuple(
    re.compile(rf"(?<![^\W\d_]){form}(?!\d)", re.IGNORECASE)
    for form in (
        rf"{_NAME}\.?\s*{_DAY}(?:st|nd|rd|th|er)?(?:\s*,\s*|\s+(?:de |del )?){_YEAR}",
        rf"{_NAME}\s{_DAY}\s\d\d:\d\d:\d\d\s(?:[A-Z]{{3,4}}\s)?{_YEAR}",  # as programs write it
        rf"(?<!\d){_YEAR}\.?(?:\s*(?:m\.|г\.|г|,))?\s*{_NAME}\.?\s*{_DAY}",
    )
)


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date that stands in a text, and where."""

    date: PartialDate
    start: int
    end: int


def find_dates(
    text: str, language: str | None = None, order: Order | None = None
) -> list[WrittenDate]:
    """The dates that stand in a text, in order of place; each states at least its year.

    Months are read in `language` (a code such as "de"), then in any language in which the name
    means one month only. `03/04/2024` is read in `order`, and is only a year without one.

    Example:
        >>> [str(found.date) for found in find_dates("Publié le 20 février 2024 à 9h30")]
        ['2024-02-20']
    """
    found: list[WrittenDate] = []
    taken: list[tuple[int, int]] = []
    for form in _FORMS:
        for match in form.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            stated = _stated(match, language, order)
            if stated is not None:
                found.append(WrittenDate(stated, match.start(), match.end()))
                taken.append((match.start(), match.end()))
    return sorted(found, key=lambda date: date.start)


def _stated(match: re.Match[str], language: str | None, order: Order | None) -> PartialDate | None:
    groups = match.groupdict()
    year = int(groups["y"])
    if year < 100:
        year += 2000 if year < 70 else 1900
    try:
        if groups.get("a"):
            return _ordered(year, int(groups["a"]), int(groups["b"]), order)
        month = int(groups["m"]) if groups.get("m") else month_named(groups["M"], language)
        return None if month is None else PartialDate(year, month, int(groups["d"]))
    except ValueError:
        return None


def _ordered(year: int, first: int, second: int, order: Order | None) -> PartialDate:
    if first == second or second > 12:
        return PartialDate(year, first, second)
    if first > 12 or order == "dmy":
        return PartialDate(year, second, first)
    return PartialDate(year, first, second) if order == "mdy" else PartialDate(year)


def slashed(text: str) -> Iterator[tuple[int, int]]:
    """The first two numbers of each date such as `20/02/2024` or `20/02/24` in a text."""
    for match in re.finditer(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(?:20|19)?\d{2}(?![\d/])", text):
        yield int(match[1]), int(match[2])


def month_named(name: str, language: str | None = None) -> int | None:
    """The month, 1 to 12, that a name or its abbreviation means; None if it means none or two.

    Looked for in `language`, in English, then in every language.
    """
    folded = _folded(name)
    for known in (language[:2].lower() if language else None, "en"):
        if known in _LANGUAGES and (month := _months(known).get(folded)):
            return month
    meanings = {month for one in _LANGUAGES if (month := _months(one).get(folded))}
    return meanings.pop() if len(meanings) == 1 else None


@cache
def _months(language: str) -> dict[str, int]:
    """Folded name → month."""
    from babel import Locale  # here, for most corpora have no use for it

    names = {"sept": 9} if language == "en" else {}
    for context in Locale(language).months.values():
        for width in ("wide", "abbreviated"):
            for month, name in context.get(width, {}).items():
                if len(folded := _folded(name)) >= 2 and not folded[0].isdigit():
                    names.setdefault(folded, month)
    return names


def _folded(name: str) -> str:
    """In lower case, without accents and the full stop of an abbreviation."""
    decomposed = unicodedata.normalize("NFKD", name.strip().rstrip(".").casefold())
    return "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")

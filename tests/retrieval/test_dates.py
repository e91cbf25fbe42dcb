"""Dates: read strictly, never guessed, never more precise than written."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.dates import PartialDate, read_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20th Feb 2024", "2024-02-20"),  # as the seeds have it
        ("2024-03-18", "2024-03-18"),  # ISO
        ("2024-03-18T23:59:59.5-11:00", "2024-03-18"),  # the zone never moves the day
        ("20240318T0930Z", None),  # a form nobody prints
        ("20240318", "2024-03-18"),  # ISO, basic
        ("2024/3/8", "2024-03-08"),  # slashes, year first
        ("March 18, 2024", "2024-03-18"),  # American
        ("Monday, March 18, 2024", "2024-03-18"),  # with its weekday
        ("Mon 18 Mar 2024 09.30 EDT", "2024-03-18"),  # The Guardian
        ("Feb. 20, 2024 at 9:30 a.m. ET", "2024-02-20"),  # abbreviated, with a time
        ("20 Feb 2024 10:22 AM (IST)", "2024-02-20"),  # Indian papers
        ("Tue, 20 Feb 2024 09:30:00 +0000", "2024-02-20"),  # RFC 5322
        ("1st of September 2023", "2023-09-01"),  # ordinal, of
        ("3 Sept. 2023", "2023-09-03"),  # the fourth-letter abbreviation
        ("18.3.2024", "2024-03-18"),  # dots put the day first
        ("20/02/2024", "2024-02-20"),  # only one reading is a date
        ("02/20/2024", "2024-02-20"),  # the other order, again only one
        ("05/05/2024", "2024-05-05"),  # both readings agree
        ("03/04/2024", "2024"),  # March or April: only the year is sure
        ("March 2024", "2024-03"),  # no day
        ("2024-03", "2024-03"),  # no day, ISO
        ("2024", "2024"),  # only a year
        ("20\u00a0Feb\u202f2024", "2024-02-20"),  # no-break spaces
        ("February 30, 2024", None),  # no such day
        ("0000-01-01", None),  # no such year
        ("2024-13-01", None),  # no such month
        ("2024-03-18 2000 troops marched", None),  # prose after a date
        ("2024-03-18 in Seoul", None),  # prose after a date
        ("yesterday", None),  # relative
        ("20 ſept 2024", None),  # a long s is no s
        ("18 Aprİl 2024", None),  # nor is a dotted capital I an i
        ("", None),  # nothing
        ("May", None),  # a month alone, or a surname
    ],
)
def test_a_date_is_read_as_precisely_as_it_is_written(text: str, expected: str | None) -> None:
    """A wrong date under a quote is worse than none."""
    found = read_date(text)

    assert expected == (None if found is None else str(found))


@given(st.one_of(st.text(max_size=90), st.from_regex(r"[\w .,:/-]{0,40}(19|20)\d\d[\w .:-]{0,9}")))
def test_reading_a_date_never_raises(text: str) -> None:
    """It is asked about every short line of every file."""
    found = read_date(text)

    assert found is None or str(found.year) in text


@given(st.dates(date(1000, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%b %d, %Y", "%Y%m%d"]))
def test_every_written_day_is_read_back(day: date, form: str) -> None:
    """No month or leap day falls through the patterns."""
    text = day.strftime(form)
    found = read_date(text)

    assert PartialDate(day.year, day.month, day.day) == found


@given(st.from_regex(r"\d{1,2}[ ./-](\d{1,2}|[A-Z][a-z]{2,8})[ ./-]\d{4}", fullmatch=True))
def test_every_number_of_a_date_stands_in_the_text(text: str) -> None:
    """What is read re-renders from what is written."""
    found = read_date(text)
    numbers = {int(number) for number in re.findall(r"[0-9]+", text)}
    named = re.search(r"[A-Z][a-z]", text) is not None

    assert found is None or (
        found.year in numbers
        and (found.day is None or found.day in numbers)
        and (found.month is None or named or found.month in numbers)
    )


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),  # a year
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),  # a leap month
        ("2023-2", date(2023, 2, 1), date(2023, 2, 28)),  # without its zero
        (" 2024-02-20 ", date(2024, 2, 20), date(2024, 2, 20)),  # a day, typed with spaces
    ],
)
def test_a_partial_date_spans_all_days_it_can_mean(text: str, first: date, last: date) -> None:
    """`--after 2024-02` and `--before 2024-02` are both inclusive."""
    stated = PartialDate.from_iso(text)

    assert (first, last) == (stated.first_day, stated.last_day)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("last week", "not a date: 'last week'; write 2024, 2024-02 or 2024-02-20"),  # words
        ("24-02-20", "not a date"),  # a short year
        ("2024-02-30", "no such date: '2024-02-30'"),  # no such day
        ("2024-00", "no such date"),  # no such month
    ],
)
def test_a_typed_date_that_is_none_is_refused_with_the_forms_that_are(
    text: str, message: str
) -> None:
    """The message is shown to whoever typed it."""
    with pytest.raises(ValueError, match=re.escape(message)):
        PartialDate.from_iso(text)


def test_a_day_without_a_month_is_no_date() -> None:
    """It could be shown as nothing sensible."""
    with pytest.raises(ValueError, match="a day without a month"):
        PartialDate(2024, None, 3)


@given(st.dates(), st.integers(1, 3))
def test_a_date_is_read_back_from_how_it_is_shown(day: date, precision: int) -> None:
    """The index stores dates as they are shown."""
    stated = PartialDate(*(day.year, day.month, day.day)[:precision])

    assert stated == PartialDate.from_iso(str(stated))

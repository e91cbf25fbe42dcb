"""Dates in running text: in many languages, where they stand, and none that are not there."""

from datetime import date

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.written_dates import Order, find_dates, month_named


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("Tuesday, 20th of February, 2024 at 9:30 am GMT", ["2024-02-20"]),
        ("Mon Feb 19 2024 10:00:00 GMT+0100", ["2024-02-19"]),
        ("2024-02-20T23:30:00-05:00", ["2024-02-20"]),  # the day of the stated zone
        ("20240220T093000Z 20240221093000", ["2024-02-20", "2024-02-21"]),
        ("am 20.2.24 und am 1.3.99, nicht 1.2.3.4", ["2024-02-20", "1999-03-01"]),
        ("20.02.2024, 11:30 Uhr; zuletzt 21.2.2024", ["2024-02-20", "2024-02-21"]),
        ("2024. február 20., kedd", ["2024-02-20"]),
        ("2024 m. vasario 20 d.", ["2024-02-20"]),
        ("Τρίτη 20 Φεβρουαρίου 2024", ["2024-02-20"]),
        ("२० फ़रवरी 2024", ["2024-02-20"]),
        ("2024년 2월 20일", ["2024-02-20"]),
        ("20 fevrier 2024", ["2024-02-20"]),  # typed without its accent
        ("12·03·2024", ["2024-03-12"]),
        ("12Mar2024", ["2024-03-12"]),  # set apart by a style sheet only
        ("Tue Mar 12 10:00:00 CET 2024", ["2024-03-12"]),  # as programs write it
        ("3/13/24", ["2024-03-13"]),
        ("24/7/365, 1/2/34/5, 9/11/01:02", []),
        ("31 February 2024", []),
        ("12 people in 2024, 20 Foobar 2024, 10.1.2.2024, 12024-02-203", []),
        ("3 hours ago, yesterday, 12 March", []),
    ],
)
def test_dates_are_found_as_they_are_written(text: str, dates: list[str]) -> None:
    """A byline states the day in the words of its country, beside other words."""
    assert dates == [str(found.date) for found in find_dates(text)]


@pytest.mark.parametrize(
    ("order", "found"), [(None, "2024"), ("dmy", "2024-04-03"), ("mdy", "2024-03-04")]
)
def test_the_order_of_figures_decides(order: Order | None, found: str) -> None:
    """Nothing in `03/04/2024` itself does."""
    assert [found] == [str(one.date) for one in find_dates("on 03/04/2024", order=order)]
    assert [found] == [str(one.date) for one in find_dates("on 3/4/24", order=order)]


def test_a_name_of_two_months_is_read_in_its_language_only() -> None:
    """“Listopad” is November in Prague and October in Zagreb."""
    assert [11, 10, None] == [month_named("listopad", one) for one in ("cs", "hr", None)]


@given(
    day=st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    language=st.sampled_from(
        ["cs", "de", "el", "en", "es", "fr", "it", "ja", "ko", "pl", "ru", "tr"]
    ),
)
def test_what_a_language_writes_is_read_back(day: date, language: str) -> None:
    """CLDR says how each language writes a date."""
    found = find_dates(format_date(day, "long", locale=language), language)

    assert [str(day)] == [str(one.date) for one in found]

"""The words that the terminal and Discord share."""

import pytest

from bot.phrases import (
    also_in_phrase,
    date_phrase,
    filters_phrase,
    named,
    order_phrase,
    plural,
    reason_sentence,
    scope_phrase,
    summary_phrase,
    window_phrase,
)
from retrieval.asked_times import AskedTime
from retrieval.dates import PartialDate
from retrieval.types import CorpusSummary, Filters, Reason
from tests.bot.samples import make_answer, make_article

YEAR, MONTH, DAY = PartialDate(2024), PartialDate(2024, 2), PartialDate(2024, 2, 20)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("empty_corpus", "There is no article in the coverage yet."),
        ("nothing_relevant", "Nothing in it is about this."),
        ("weak", "It comes near this, but no passage is likely to answer it."),
        (
            "outside_window",
            "Nothing from 2024 to 2024-02-20 answers this, but other coverage may: "
            "ask again without the dates.",
        ),
    ],
)
def test_each_reason_is_a_sentence_of_its_own(reason: Reason, expected: str) -> None:
    """Silence that does not say why is no better than an error."""
    answer = make_answer(reason=reason, filters=Filters(YEAR, DAY))

    assert expected == reason_sentence(answer)


@pytest.mark.parametrize(
    ("after", "before", "expected"),
    [
        (None, None, ""),  # none
        (MONTH, None, "from 2024-02 on"),  # open to the present
        (None, DAY, "until 2024-02-20"),  # open to the past
        (YEAR, DAY, "from 2024 to 2024-02-20"),  # both, each as precise as it was typed
        (MONTH, MONTH, "in 2024-02"),  # one month
    ],
)
def test_a_window_is_said_as_it_was_typed(
    after: PartialDate | None, before: PartialDate | None, expected: str
) -> None:
    """A reader has to see which days were searched."""
    assert expected == window_phrase(Filters(after, before))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), ""),  # none
        (Filters(source="The Daily"), "in The Daily"),  # source
        (Filters(after=YEAR, source="The Daily"), "from 2024 on, in The Daily"),  # both
    ],
)
def test_filters_are_said_together(filters: Filters, expected: str) -> None:
    """An answer drawn from one paper only must say so."""
    assert expected == filters_phrase(filters)


@pytest.mark.parametrize(
    ("published", "expected"),
    [(DAY, "2024-02-20"), (MONTH, "2024-02"), (YEAR, "2024"), (None, "undated")],
)
def test_a_date_is_as_precise_as_the_article(published: PartialDate | None, expected: str) -> None:
    """A day that was made up is a false statement; a date that is missing is told."""
    assert expected == date_phrase(make_article(published=published))


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (CorpusSummary(0, 0, None, None), "0 articles"),  # empty
        (CorpusSummary(1, 3, DAY, DAY), "1 article, 2024-02-20"),  # one day
        (CorpusSummary(1_200, 9, YEAR, DAY), "1,200 articles, 2024 to 2024-02-20"),  # many
        (CorpusSummary(2, 9, None, None), "2 articles, undated"),  # none has a date
    ],
)
def test_coverage_is_summed_up(summary: CorpusSummary, expected: str) -> None:
    """What was asked of decides what silence means."""
    assert expected == summary_phrase(summary)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 quotes"), (1, "1 quote"), (2, "2 quotes"), (9_999, "9,999 quotes")],
)
def test_counts_agree_with_their_nouns(count: int, expected: str) -> None:
    """A sum of "1 quotes" looks as if nobody had read it."""
    assert expected == plural(count, "quote")


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, ""),  # nowhere else
        (1, "also in Paper 0 (2024-02-20)"),  # one
        (
            3,
            "also in Paper 0 (2024-02-20), Paper 1 (2024-02-20), Paper 2 (2024-02-20)",
        ),  # as many as are named
        (
            12,
            "also in Paper 0 (2024-02-20), Paper 1 (2024-02-20), Paper 2 (2024-02-20) and 9 more",
        ),  # more
    ],
)
def test_near_copies_are_named_or_counted(count: int, expected: str) -> None:
    """A wire story stands in fifty papers; three names say enough."""
    articles = tuple(make_article(source=f"Paper {number}") for number in range(count))

    assert expected == also_in_phrase(articles)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("The Daily", "The Daily"),  # as nearly all are
        ("الأيام", "\u2068الأيام\u2069"),  # set apart from the date after it
        ("The \u202eyliaD", "The yliaD"),  # a mark that would turn the whole line round
        ("\u2069הארץ\u202b", "\u2068הארץ\u2069"),  # or that would end the setting apart
    ],
)
def test_a_name_leaves_the_words_beside_it_in_their_order(name: str, expected: str) -> None:
    """After Arabic letters, 2024-02-20 is drawn as 20-02-2024."""
    assert expected == named(name)


_FEBRUARY = AskedTime("in February 2024", MONTH, MONTH, newest=False)
_LATEST = AskedTime("latest", None, None, newest=True)
_ALL = "Asked of 2 articles, 2024-02-20 to 2024-03-18"


@pytest.mark.parametrize(
    ("asked", "filters", "expected"),
    [
        (None, Filters(), f"{_ALL}."),
        (None, Filters(source="AFP"), f"{_ALL}; only in AFP."),
        (_LATEST, Filters(), f"{_ALL}."),
        (_FEBRUARY, Filters(MONTH, MONTH), f"{_ALL}; only in 2024-02 (“in February 2024”)."),
        (
            _FEBRUARY,
            Filters(),
            f"{_ALL}; nothing published “in February 2024” answers, so all days were asked.",
        ),
    ],
)
def test_the_days_that_were_asked_are_said_and_why(
    asked: AskedTime | None, filters: Filters, expected: str
) -> None:
    """A window that nobody sees is a trap."""
    assert expected == scope_phrase(make_answer(filters=filters, asked_time=asked))


def test_the_order_is_said_and_why() -> None:
    """Oldest first, unless the question asks for the newest."""
    assert "oldest first" == order_phrase(make_answer(asked_time=_FEBRUARY))
    assert "newest first (“latest”)" == order_phrase(make_answer(asked_time=_LATEST))

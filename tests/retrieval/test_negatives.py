"""Rules that make unanswerable questions: what they write never stands in the passage."""

import calendar
import random
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.reader.negatives import (
    RULES,
    Pool,
    Rule,
    contrary,
    exchanged_names,
    exchanged_roles,
    missing_detail,
    names_in,
    negative,
    other_day,
    other_kind,
    other_name,
    other_number,
    other_time,
    without_answer,
)
from retrieval.reader.phrasing import dated
from retrieval.types import Span

_PASSAGE = (
    "In 1998 Lena Orvik wrote the first history of Sarnitz. It was printed by Holm Press in "
    "Lindhaven. Jonas Feld reviewed it for the Arn Observer."
)
_POOL = Pool.of(["The book was praised by Petra Marant and by Rolf Adermann of Kessim Valley."])


def _span(text: str) -> Span:
    start = _PASSAGE.index(text)
    return Span(start, start + len(text))


def _made(rule: Rule, question: str, answer: str) -> list[tuple[str, str]]:
    """What a rule makes with twenty throws of the dice."""
    answers = [_span(answer)]
    found = (rule(question, _PASSAGE, answers, random.Random(n), _POOL) for n in range(20))
    return [pair for pair in found if pair is not None]


@pytest.mark.parametrize(
    ("rule", "question", "answer", "expected"),
    [
        (
            other_name,
            "When did Lena Orvik write her book?",
            "1998",
            {
                "When did Petra Marant write her book?",
                "When did Rolf Adermann write her book?",
                "When did Kessim Valley write her book?",
                "When did Holm Press write her book?",
                "When did Jonas Feld write her book?",
                "When did Arn Observer write her book?",
            },
        ),
        (contrary, "Who wrote the first history?", "Lena Orvik", None),
        (
            other_kind,
            "Where was the book printed?",
            "Lindhaven",
            {"When was the book printed?", "Why was the book printed?"},
        ),
    ],
)
def test_a_rule_asks_for_what_the_passage_does_not_say(
    rule: Rule, question: str, answer: str, expected: set[str] | None
) -> None:
    """Another name, the contrary, another question word."""
    asked = {pair[0] for pair in _made(rule, question, answer)}

    assert asked
    assert question not in asked
    assert expected is None or asked <= expected


def test_another_year_is_one_the_passage_does_not_name() -> None:
    """Near the true one, as people misremember."""
    asked = _made(other_number, "What did Lena Orvik write in 1998?", "the first history")

    assert asked
    for question, passage in asked:
        assert "1998" not in question
        assert question.split()[-1].rstrip("?") not in passage


def test_a_question_without_a_year_is_asked_of_another() -> None:
    """What was so in 1998 need not have been so in 1985."""
    asked = _made(other_time, "What did Lena Orvik write?", "the first history of Sarnitz")

    assert asked
    assert all("What did Lena Orvik write in " in question for question, _ in asked)
    assert not any("1998" in question for question, _ in asked)


def test_the_passage_without_the_answer_keeps_the_rest() -> None:
    """The phrase is cut where a sentence stays whole without it."""
    (_, passage), *_ = _made(without_answer, "Where was it printed?", "Lindhaven")

    assert passage == _PASSAGE.replace(" in Lindhaven", "")


def test_a_detail_is_missing_only_where_nothing_hints_at_it() -> None:
    """“How much did it cost?” is no trap where a price is named."""
    priced = "In Sarnitz the tram of Holm Press cost 5 million crowns, said Jonas Feld."
    asked = {
        made[0]
        for n in range(200)
        if (made := missing_detail("Who?", priced, [], random.Random(n), _POOL)) is not None
    }

    assert asked
    assert not any("cost" in question for question in asked)


def test_giver_and_receiver_change_places() -> None:
    """And the same passage answers the question that names the other."""
    asked = "Who reviewed the Arn Observer?"
    passage = "In May Jonas Feld reviewed the Arn Observer."
    answers = [Span(7, 17)]

    made = exchanged_names(asked, passage, answers, random.Random(0), _POOL)
    turned = exchanged_roles(asked, passage, answers, random.Random(0))

    written = "In May Arn Observer reviewed the Jonas Feld."
    assert made == (asked, written)
    assert turned == ("Who reviewed the Jonas Feld?", written, (Span(7, 19),))


@pytest.mark.parametrize("between", ["met", "and", "was a friend of"])
def test_what_holds_of_both_is_not_exchanged(between: str) -> None:
    """If one met the other, the other met the one."""
    passage = f"Jonas Feld {between} Mira Tolk of Lindhaven."

    made = exchanged_names(
        "Who is it that met Mira Tolk?", passage, [Span(0, 10)], random.Random(0), _POOL
    )

    assert made is None


def test_another_day_is_told_in_words_that_the_true_one_does_not_fit() -> None:
    """Another month of the same year is never told as that year alone."""
    day = date(2018, 3, 7)

    for n in range(200):
        moved = other_day(day, _PASSAGE, random.Random(n))
        assert moved is not None
        asked = dated("Who won?", moved, random.Random(n), day)
        assert "2018" not in asked or calendar.month_name[moved.month] in asked
        assert "March" not in asked or "2018" not in asked


def test_a_year_that_the_passage_names_is_no_other_day() -> None:
    """It would perhaps answer."""
    moved = {other_day(date(1997, 5, 1), _PASSAGE, random.Random(n)) for n in range(200)}

    assert not any(day is not None and day.year == 1998 for day in moved)


def test_names_are_found_without_the_words_that_begin_sentences() -> None:
    """It and The are no names."""
    assert ["Lena Orvik", "Sarnitz", "Holm Press", "Lindhaven", "Jonas Feld", "Arn Observer"] == (
        names_in(_PASSAGE)
    )


@given(st.text(max_size=60), st.text(max_size=200), st.integers(0, 1_000))
def test_no_text_breaks_a_rule(question: str, passage: str, seed: int) -> None:
    """Whatever stands in the data."""
    rng = random.Random(seed)
    answers: Sequence[Span] = [Span(0, len(passage) // 2)] if passage else []
    for rule, _ in RULES:
        made = rule(question, passage, answers, rng, _POOL)
        assert made is None or made != (question, passage)
    negative(question, passage, answers, rng, _POOL)

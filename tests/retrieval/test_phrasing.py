"""Questions as people type them are still the same questions."""

import random

from hypothesis import given
from hypothesis import strategies as st

from retrieval.reader.phrasing import chatty, mistyped


@given(st.text(max_size=60), st.integers(0, 1_000))
def test_a_mistyped_question_is_off_by_a_letter(question: str, seed: int) -> None:
    """Doubled, left out or exchanged with the next."""
    typed = mistyped(question, random.Random(seed))

    assert abs(len(typed) - len(question)) <= 1
    assert set(typed) <= set(question)


@given(st.text(max_size=60), st.integers(0, 1_000))
def test_what_people_type_loses_no_more_than_a_letter_and_the_mark(
    question: str, seed: int
) -> None:
    """Whatever stands in the data."""
    assert len(question.rstrip("?. ")) - 1 <= len(chatty(question, random.Random(seed)))

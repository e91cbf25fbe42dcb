"""Answers: every article heard, in order of date, each thing once; or silence with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.answers import as_quote, choose, collapse, distinct, further, nearest
from retrieval.reader import Reading
from retrieval.types import Quote, Reason, Span
from tests.retrieval.making import make_candidate, make_passage, make_reading

_NAMED = "Putin gave Kim the luxury car as a gift."
_UNDISCLOSED = "The limousine came from a yet undisclosed head of state."
_COPY = "The orchestra of Tarn has named Mira Solheim as its first woman conductor in spring."
_NEAR_COPY = "The orchestra of Tarn has named Mira Solheim as its first woman conductor in Spring!"


def _said(quotes: tuple[Quote, ...] | list[Quote]) -> list[tuple[str, list[str]]]:
    return [(q.article.article_id, [a.article_id for a in q.also_in]) for q in quotes]


def test_quotes_come_in_order_of_date_with_the_undated_last() -> None:
    """A reader must see how the story changed; the best score does not win."""
    quotes, reason = choose(
        [
            make_reading("Nobody knows who gave it.", 0.9, "undated"),
            make_reading(_UNDISCLOSED, 0.8, "later", "2024-03-18"),
            make_reading(_NAMED, 0.7, "first", "2024-02-20"),
        ],
        threshold=0.2,
        top_k=4,
    )

    assert [("first", []), ("later", []), ("undated", [])] == _said(quotes)
    assert reason is None


def test_every_article_speaks_before_any_speaks_twice() -> None:
    """Both sides are heard even when one has more to say."""
    quotes, _ = choose(
        [
            make_reading(_NAMED, 0.9, "a", "2024-02-20"),
            make_reading("He drove it home at once.", 0.89, "a", "2024-02-20"),
            make_reading("It shone.", 0.88, "a", "2024-02-20"),
            make_reading(_UNDISCLOSED, 0.7, "b", "2024-03-18"),
        ],
        threshold=0.2,
        top_k=2,
    )

    assert [_NAMED, _UNDISCLOSED] == [quote.text for quote in quotes]


@pytest.mark.parametrize(
    ("probability", "relevance", "reason"),
    [
        (0.2, 0.9, None),  # at the threshold it answers
        (0.2, 0.0, None),  # whatever the search thought of it
        (0.19, 0.3, "weak"),  # about it, and no answer
        (0.19, 0.29, "nothing_relevant"),  # not even about it
    ],
)
def test_silence_has_a_reason(probability: float, relevance: float, reason: Reason | None) -> None:
    """To a reader "nothing on this" and "only loosely related" are different news."""
    quotes, why = choose(
        [make_reading(_NAMED, probability)], threshold=0.2, top_k=3, relevance=relevance
    )

    assert reason == why
    assert (reason is None) is bool(quotes)


def test_nothing_read_is_nothing_relevant() -> None:
    """An empty window has no readings at all."""
    assert ((), "nothing_relevant") == choose([], threshold=0.2, top_k=3)


def test_beside_a_sure_answer_doubtful_ones_are_left_out() -> None:
    """They would only be noise."""
    quotes, _ = choose(
        [make_reading(_NAMED, 0.9, "a"), make_reading(_UNDISCLOSED, 0.45, "b")],
        threshold=0.2,
        top_k=3,
    )

    assert [("a", [])] == _said(quotes)


def test_what_tells_another_story_is_left_out() -> None:
    """Above all where the newest come first: the newest flood is not the one asked for."""
    readings = [
        make_reading("The flood of Kessim killed 24.", 0.6, "asked for", "2024-05-06", 10.0),
        make_reading("The toll in Kessim rose to 23.", 0.5, "before", "2023-10-30", 6.0),
        make_reading("Four died in the flood of Wrenmoor.", 0.5, "other", "2024-10-09", 5.9),
    ]
    quotes, _ = choose(readings, threshold=0.2, top_k=4, newest_first=True)

    assert ["asked for", "before"] == [quote.article.article_id for quote in quotes]


def test_where_no_word_is_shared_no_story_is_another() -> None:
    """Then only the meaning was alike, and tells nothing of names."""
    readings = [
        make_reading("The limousine came from abroad.", 0.6, "a", shared=0.0),
        make_reading("A head of state gave it.", 0.5, "b", shared=0.0),
    ]
    quotes, _ = choose(readings, threshold=0.2, top_k=4)

    assert 2 == len(quotes)


def test_near_copies_share_as_much_as_the_longest_report_of_them() -> None:
    """A digest that came first must not hide the report that it is taken from."""
    digest, report = (
        make_candidate(make_passage(_COPY, name, day), shared=shared)
        for name, day, shared in (("digest", "2024-03-14", 4.0), ("report", "2024-03-16", 9.5))
    )
    (kept,), copies = distinct([report, digest])

    assert ("digest", 9.5) == (kept.passage.article.article_id, kept.shared)
    assert [["report"]] == [[p.article.article_id for p in same] for same in copies.values()]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_near_copies_the_oldest_is_shown_and_names_the_other(order: tuple[int, int]) -> None:
    """Whichever scored better: one agency text in ten papers is one quote."""
    readings = [
        make_reading(_COPY, 0.8, "first", "2024-03-14"),
        make_reading(_NEAR_COPY, 0.8, "later", "2024-03-16"),
    ]
    quotes, _ = choose([readings[i] for i in order], threshold=0.2, top_k=3)

    assert [("first", ["later"])] == _said(quotes)


@pytest.mark.parametrize(
    ("one", "other"), [("12", "40"), ("were killed", "were not killed"), ("Monday", "Friday")]
)
def test_reports_that_differ_in_a_word_are_both_shown(one: str, other: str) -> None:
    """However long the rest is: one word can turn a report into its contrary."""
    report = (
        "At least 12 people were killed and many more were hurt on Monday when a bridge over the "
        "river fell, the city said, in what is the worst accident there for half a century."
    )
    readings = [
        make_reading(report, 0.8, "a", "2024-03-14"),
        make_reading(report.replace(one, other), 0.8, "b", "2024-03-16"),
    ]
    quotes, _ = choose(readings, threshold=0.2, top_k=3)

    assert [("a", []), ("b", [])] == _said(quotes)


def test_near_copies_do_not_use_up_the_number_of_quotes() -> None:
    """The other side still has its place."""
    copies = [make_reading(_COPY, 0.8, f"copy-{n}") for n in range(5)]
    quotes, _ = choose([*copies, make_reading(_NAMED, 0.7, "other")], threshold=0.2, top_k=2)

    assert [("copy-0", ["copy-1", "copy-2", "copy-3", "copy-4"]), ("other", [])] == _said(quotes)


def test_an_article_is_named_once_however_often_it_repeats_itself() -> None:
    """Some articles print a sentence as text and as a caption."""
    first, second = make_passage(_COPY, "a", "2024-03-14"), make_passage(_COPY, "b", "2024-03-16")
    quotes = [as_quote(Reading(p, p.span, None, 1, 1, 1)) for p in (second, first, second, first)]

    assert [("a", ["b"])] == _said(collapse(quotes))


def test_different_sentences_are_no_near_copies() -> None:
    """Articles that differ in the one word that matters must both be heard."""
    quotes = [
        as_quote(make_reading("The giver is Putin.", 1, "a")),
        as_quote(make_reading("The giver is undisclosed.", 1, "b")),
    ]

    assert [("a", []), ("b", [])] == _said(collapse(quotes))


def test_the_nearest_are_the_best_first() -> None:
    """They are offered when the coverage is silent: the closest should lead."""
    found = nearest(
        [
            make_reading(_UNDISCLOSED, 0.1, "later", "2024-03-18"),
            make_reading(_NAMED, 0.05, "first", "2024-02-20"),
            make_reading("It shone.", 0.01, "third"),
        ],
        top_k=2,
    )

    assert [("later", []), ("first", [])] == _said(found)


def test_what_was_read_beside_the_quotes_is_no_quote_again() -> None:
    """More passages have to be others, and a near-copy is not another."""
    readings = [
        make_reading(_COPY, 0.9, "one", "2024-03-18"),
        make_reading(_NEAR_COPY, 0.8, "two", "2024-02-20"),
        make_reading(_NAMED, 0.05, "three"),
        make_reading(_UNDISCLOSED, 0.02, "four"),
    ]
    quotes, _ = choose(readings, threshold=0.2, top_k=4)

    assert [("three", []), ("four", [])] == _said(further(readings, quotes, top_k=4))
    assert [("three", [])] == _said(further(readings, quotes, top_k=1))


def test_a_highlight_is_counted_from_the_start_of_the_quote() -> None:
    """Readers count in the article; whoever shows a quote counts in the quote."""
    passage = make_passage("It rained. Putin gave it.")
    quote = as_quote(Reading(passage, Span(11, 25), Span(11, 16), 1, 0.5, 1))

    assert quote.highlight is not None
    assert ("Putin gave it.", "Putin", 0.5) == (
        quote.text,
        quote.highlight.of(quote.text),
        quote.score,
    )


_READINGS = st.lists(
    st.builds(
        make_reading,
        st.sampled_from([_NAMED, _UNDISCLOSED, _COPY, _NEAR_COPY, "It shone.", "🚗"]),
        st.floats(0, 1),
        st.sampled_from("abc"),
        st.sampled_from([None, "2024-02-20", "2024-03", "2024-03-18"]),
    ),
    max_size=8,
).map(lambda readings: sorted(readings, key=lambda reading: -reading.probability))


@given(_READINGS, st.integers(1, 5))
def test_an_answer_is_slices_in_order_or_a_reason(readings: list[Reading], top_k: int) -> None:
    """The promises, for whatever a reader may say."""
    quotes, reason = choose(readings, 0.2, top_k)
    days = [q.article.published.first_day if q.article.published else None for q in quotes]
    dated = [day for day in days if day is not None]

    assert (reason is None) is bool(quotes)
    assert len(quotes) <= top_k
    assert dated == sorted(dated)
    assert dated == days[: len(dated)]
    assert all(q.text == q.article.text[q.span.start : q.span.end] for q in quotes)
    assert all(
        len({a.article_id for a in (q.article, *q.also_in)}) == 1 + len(q.also_in) for q in quotes
    )

"""Context: the paragraphs and sentences around a quote, never what is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.context import around, place
from retrieval.passages import paragraphs
from retrieval.types import Article, Span
from tests.retrieval.making import make_article

TEXT = "Head.\n\nIt rained. Kim rode. He did.\n\nLast one."
FAR = 10_000


def span_of(article: Article, words: str) -> Span:
    """Where these words stand first."""
    start = article.text.index(words)
    return Span(start, start + len(words))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Head.", (1, 1, 3)),  # a whole paragraph
        ("Kim rode.", (2, 2, 3)),  # a sentence of one
        ("did.\n\nLast", (2, 3, 3)),  # parts of two
        ("Head.\n\n", (1, 1, 3)),  # with what stands between two
    ],
)
def test_a_place_counts_paragraphs_from_one(words: str, expected: tuple[int, int, int]) -> None:
    """It is shown to people."""
    article = make_article(TEXT)

    assert expected == place(article, span_of(article, words))


def test_what_is_left_out_is_no_paragraph() -> None:
    """Nobody counts the line with the date."""
    article = make_article("Date: today\n\nKim rode.", left_out=(Span(0, 13),))

    assert (1, 1, 1) == place(article, Span(13, 22))
    assert (0, 0, 0) == place(make_article("Date", left_out=(Span(0, 4),)), Span(0, 4))


@pytest.mark.parametrize(
    ("words", "steps", "expected"),
    [
        ("Kim rode.", 1, "It rained. Kim rode. He did."),  # the paragraph
        ("Kim rode.", 2, TEXT),  # those beside it
        ("Kim rode.", 9, TEXT),  # and then no more
        ("Head.", 1, "Head.\n\nIt rained. Kim rode. He did."),  # a whole paragraph gets others
        ("Head.", 2, TEXT),
        ("did.\n\nLast", 1, "It rained. Kim rode. He did.\n\nLast one."),  # parts of two
    ],
)
def test_each_step_takes_more_of_the_text(words: str, steps: int, expected: str) -> None:
    """A quote is read right when one can see what it stands in."""
    article = make_article(TEXT)

    found = around(article, span_of(article, words), steps, FAR)

    assert expected == found.of(article.text)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, "Kim rode."),  # not even the quote
        (18, "Kim rode."),  # no sentence more
        (19, "Kim rode. He slept."),  # the shorter one of two
        (39, "It rained. Kim rode. He slept."),
        (40, "She left. It rained. Kim rode. He slept."),
    ],
)
def test_of_a_long_paragraph_whole_sentences_are_taken(limit: int, expected: str) -> None:
    """Context that is cut within a sentence misleads as much as none."""
    text = "They came by the road, in heavy snow. She left. It rained. Kim rode. He slept."
    article = make_article(text)

    assert expected == around(article, span_of(article, "Kim rode."), 1, limit).of(text)


def test_paragraphs_beyond_the_limit_are_not_taken() -> None:
    """A card holds so much and no more."""
    article = make_article(TEXT)

    found = around(article, span_of(article, "Kim rode."), 5, len(TEXT) - 1)

    assert "It rained. Kim rode. He did." == found.of(TEXT)


def test_what_is_left_out_ends_the_context() -> None:
    """It is never shown as evidence, and to skip it would put words side by side that are not."""
    text = "One.\n\nKim rode.\n\nAlso read: this\n\nTwo."
    article = make_article(text, left_out=(Span(17, 34),))

    found = around(article, span_of(article, "Kim rode."), 9, FAR)

    assert "One.\n\nKim rode." == found.of(text)


def test_a_quote_of_what_is_left_out_has_no_context() -> None:
    """A button may name any span."""
    article = make_article("Date: today", left_out=(Span(0, 11),))

    assert Span(0, 4) == around(article, Span(0, 4), 1, FAR)


def test_how_long_a_text_is_is_measured_as_asked() -> None:
    """On a card every mark takes two characters."""
    article = make_article("It *rained*. Kim rode.")

    found = around(article, Span(13, 22), 1, 22, lambda text: len(text) + text.count("*"))

    assert "Kim rode." == found.of(article.text)


@given(st.lists(st.sampled_from("ab.!? \n\r\u3000"), max_size=200).map("".join), st.data())
def test_context_holds_the_quote_and_grows_with_each_step(text: str, data: st.DataObject) -> None:
    """Whatever the article, and wherever in it the quote stands."""
    article = make_article(text + "Kim.")
    start = data.draw(st.integers(0, len(text)))
    quote = Span(start, data.draw(st.integers(start + 1, len(article.text))))
    limit = data.draw(st.integers(1, 250))

    found = [around(article, quote, steps, limit) for steps in (1, 2, 3)]

    for narrow, wide in zip([quote, *found], found, strict=False):
        assert wide.start <= narrow.start <= narrow.end <= wide.end
        assert wide.end - wide.start <= max(limit, quote.end - quote.start)
    first, last, count = place(article, quote)
    assert 1 <= first <= last <= count == len(paragraphs(article))

"""Passages: sentence-aligned slices of an article that cover it once."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles import read_file, scan
from retrieval.errors import ArticleError
from retrieval.passages import MAX_PASSAGE, split
from retrieval.sentences import MAX_SENTENCE
from retrieval.types import Article, Span
from tests.retrieval.making import make_article


def test_a_short_paragraph_is_one_passage() -> None:
    """Sentences of one paragraph explain each other."""
    passages = split(make_article("Kim rode. It was new.\n\nPutin gave it."))

    assert ["Kim rode. It was new.", "Putin gave it."] == [passage.text for passage in passages]
    assert ["a#0-21", "a#23-37"] == [passage.passage_id for passage in passages]


def test_a_long_paragraph_is_cut_evenly_between_sentences() -> None:
    """A last passage of one word would be found for nothing."""
    text = " ".join(f"Sentence number {n:02} says very little indeed." for n in range(20))
    lengths = [len(passage.text) for passage in split(make_article(text))]

    assert len(lengths) == -(-len(text) // MAX_PASSAGE)
    assert max(lengths) <= MAX_PASSAGE
    assert max(lengths) - min(lengths) < 60


def test_left_out_spans_are_in_no_passage() -> None:
    """Metadata is never evidence."""
    text = "Kim rode. Published: today. It was new."
    passages = split(make_article(text, left_out=(Span(10, 27),)))

    assert ["Kim rode.", "It was new."] == [passage.text for passage in passages]


@pytest.mark.parametrize(
    "left_out", [(Span(0, 3), Span(2, 4)), (Span(5, 6), Span(0, 1)), (Span(0, 99),)]
)
def test_an_article_refuses_spans_that_overlap_or_lie_outside(left_out: tuple[Span, ...]) -> None:
    """They would let metadata through, or lose words."""
    with pytest.raises(ValueError, match="out of order or outside"):
        make_article("Kim rode.", left_out=left_out)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2)])
def test_a_span_runs_forward_from_the_start(start: int, end: int) -> None:
    """A negative start would count from the end and quote something else."""
    with pytest.raises(ValueError, match="not a span"):
        Span(start, end)


@st.composite
def _articles(draw: st.DrawFn) -> Article:
    words = st.sampled_from(["Kim ", "rode. ", "\n\n", "x" * 90, "🚗 ", "\u00a0", "He? ", "“No.” "])
    text = draw(st.one_of(st.text(max_size=200), st.lists(words, max_size=60).map("".join)))
    cuts = sorted(
        draw(st.lists(st.integers(0, len(text)), max_size=6).filter(lambda c: not len(c) % 2))
    )
    return make_article(
        text, left_out=tuple(Span(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=True))
    )


@given(_articles())
def test_passages_cover_what_is_not_left_out_exactly_once(article: Article) -> None:
    """The promise "verbatim": slices, in order, of sentences, and nothing falls between them."""
    passages = split(article)
    covered = [number for p in passages for number in range(p.span.start, p.span.end)]
    left_out = {number for span in article.left_out for number in range(span.start, span.end)}
    visible = {
        number
        for number, char in enumerate(article.text)
        if not char.isspace() and number not in left_out
    }

    assert covered == sorted(set(covered))
    assert visible <= set(covered)
    assert left_out.isdisjoint(covered)
    assert all(p.text == article.text[p.span.start : p.span.end] for p in passages)
    assert all(one.end <= other.start for p in passages for one, other in pairwise(p.sentences))
    assert all(len(p.text) <= max(MAX_PASSAGE, MAX_SENTENCE) for p in passages)


def test_passages_of_the_golden_corpus_occur_byte_for_byte_in_their_files(golden: Path) -> None:
    """Emoji, right-to-left script, odd spaces and Windows newlines included."""
    seen = 0
    for file in scan(golden)[0]:
        if not file.path.endswith((".txt", ".md")) or file.path == "latin-1.txt":
            continue
        try:
            (article,) = read_file(golden, file).articles
        except ArticleError:
            continue
        data = (golden / file.path).read_bytes()
        for passage in split(article):
            seen += 1

            assert passage.text.encode() in data

    assert seen > 30

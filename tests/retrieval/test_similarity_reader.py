"""The first reader: the sentence most like the question, with what it leans on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.reader.similarity import MAX_SENTENCES, READ, SimilarityReader
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_candidate, make_passage

_READER = SimilarityReader(HashingEmbedder())


def _read(question: str, *texts: str) -> list[str]:
    candidates = [make_candidate(make_passage(text, f"a{n}")) for n, text in enumerate(texts)]
    return [r.span.of(r.passage.article.text) for r in _READER.read(question, candidates)]


def test_the_sentence_that_shares_the_questions_words_is_read() -> None:
    """A quote is shorter than a passage: only what answers."""
    passage = "The tram opened. Putin gave Kim a luxury car. The bridge stayed shut."

    assert ["Putin gave Kim a luxury car."] == _read("Who gave Kim a luxury car?", passage)


@pytest.mark.parametrize(
    "leaning",
    ["He gave Kim a luxury car.", "“It is a luxury car for Kim.”", "This luxury car is for Kim."],
)
def test_a_sentence_that_leans_on_the_one_before_brings_it_along(leaning: str) -> None:
    """A bare "He" would leave the reader to guess who, and to guess wrong."""
    passage = f"The tram opened. Putin arrived in Pyongyang. {leaning} The bridge stayed shut."

    assert [f"Putin arrived in Pyongyang. {leaning}"] == _read("luxury car for Kim", passage)


def test_the_better_passage_comes_first() -> None:
    """The order of candidates is not the order of readings."""
    texts = ["The tram opened.", "Kim has a luxury car.", "A car drove."]

    assert ["Kim has a luxury car.", "A car drove.", "The tram opened."] == _read(
        "luxury car Kim", *texts
    )


def test_what_is_about_something_else_is_improbable() -> None:
    """The threshold is what makes the bot honest."""
    passage = make_passage("Putin gave Kim a luxury car.")
    (close,) = _READER.read("Putin gave Kim a car", [make_candidate(passage, dense=0.9)])
    (far,) = _READER.read("volcano on Iceland", [make_candidate(passage, dense=0.0)])

    assert far.probability < _READER.threshold < close.probability


def test_only_the_first_candidates_are_read() -> None:
    """Reading is what takes time."""
    assert READ == len(_read("car", *(f"Car {n}." for n in range(READ + 3))))


def test_no_candidates_give_no_readings() -> None:
    """An empty window."""
    assert [] == _READER.read("car", [])


@given(
    question=st.sampled_from(["🚗", "is it", "car", "Who gave Kim the car?", "…?!"]),
    sentences=st.lists(
        st.sampled_from(["Kim has a car. ", "He! ", "🚗🚗. ", "It is. ", "The tram stopped. "]),
        min_size=1,
        max_size=8,
    ),
)
def test_a_reading_is_a_few_whole_sentences_of_its_passage(
    question: str, sentences: list[str]
) -> None:
    """Whatever is asked of whatever text."""
    passage = make_passage("".join(sentences))
    (reading,) = _READER.read(question, [make_candidate(passage)])
    inside = [
        sentence
        for sentence in passage.sentences
        if reading.span.start <= sentence.start and sentence.end <= reading.span.end
    ]

    assert (inside[0].start, inside[-1].end) == (reading.span.start, reading.span.end)
    assert 1 <= len(inside) <= MAX_SENTENCES
    assert 0 <= reading.probability <= 1

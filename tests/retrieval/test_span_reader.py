"""The shipped reader, with its weights: which words answer, and whether any do."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrieval.reader.span as span_reader
from retrieval.errors import ModelError
from retrieval.passages import split
from retrieval.reader import Reading
from retrieval.reader.span import MAX_SENTENCES, SpanReader
from retrieval.types import Span
from tests.retrieval.making import make_article, make_candidate, make_passage


def _read(reader: SpanReader, question: str, *texts: str) -> list[Reading]:
    passages = [make_passage(text, f"a{n}") for n, text in enumerate(texts)]
    candidates = [make_candidate(passage, score=0.9) for passage in passages]  # as of the nearest
    return reader.read(question, candidates)


_PASSAGE = (
    "The tram line opened in June. Petra Marant, the mayor of Lindhaven, drove the first car. "
    "The bridge stayed shut after the flood."
)


@pytest.mark.parametrize(
    ("question", "sentence", "words"),
    [
        ("When did the tram line open?", "The tram line opened in June.", "June"),
        (
            "Who drove the first car?",
            "Petra Marant, the mayor of Lindhaven, drove the first car.",
            "Petra Marant",
        ),
        ("What stayed shut?", "The bridge stayed shut after the flood.", "The bridge"),
    ],
)
def test_the_answering_words_are_found_and_quoted_in_their_sentence(
    reader: SpanReader, question: str, sentence: str, words: str
) -> None:
    """A quote is whole sentences; the highlight is what answers."""
    (reading,) = _read(reader, question, _PASSAGE)

    assert sentence == reading.span.of(_PASSAGE)
    assert reading.highlight is not None
    assert words in reading.highlight.of(_PASSAGE)
    assert reading.probability >= reader.threshold


@pytest.mark.parametrize(
    "question",
    [
        "How much did the tram line cost?",
        "What colour is the first car?",
        *(
            pytest.param(
                f"Who is the mayor of {another}?",
                marks=pytest.mark.xfail(reason="the reader takes one town for another"),
            )
            for another in ("Sarnitz", "Vardesh")
        ),
        "Who won the 2022 World Cup?",
    ],
)
def test_a_passage_that_does_not_say_is_not_believed(reader: SpanReader, question: str) -> None:
    """Though all of them but one are about what it tells of."""
    (reading,) = _read(reader, question, _PASSAGE)

    assert reading.probability < reader.threshold


@pytest.mark.parametrize("another", ["Sarnitz", "Vardesh"])
def test_another_name_is_believed_less(reader: SpanReader, another: str) -> None:
    """Not yet so little that it meets silence, as the test above says."""
    (asked_of_it,), (asked_of_another,) = (
        _read(reader, f"Who is the mayor of {town}?", _PASSAGE) for town in ("Lindhaven", another)
    )

    assert asked_of_another.probability < asked_of_it.probability - 0.15


def test_the_passage_that_answers_comes_first(reader: SpanReader) -> None:
    """The order of candidates is not the order of readings."""
    texts = ["Lindhaven lies on the coast.", "The mayor is ill.", _PASSAGE]
    readings = _read(reader, "Who is the mayor of Lindhaven?", *texts)

    assert readings[0].passage.article.article_id == "a2"
    assert [r.score for r in readings] == sorted((r.score for r in readings), reverse=True)


def test_a_sentence_that_leans_on_the_one_before_brings_it_along(reader: SpanReader) -> None:
    """A bare "She" would leave people to guess who, and to guess wrong."""
    passage = "The tram opened. Petra Marant came by boat. She wore a green coat. It rained."
    (reading,) = _read(reader, "What colour was Petra Marant's coat?", passage)

    assert reading.span.of(passage) == "Petra Marant came by boat. She wore a green coat."


def test_a_correction_is_quoted_whole(reader: SpanReader) -> None:
    """Half of it would say only what was wrong."""
    correction = "Correction: An earlier report said that nine died. The number is four."
    article = make_article(f"The ferry sank on Monday. {correction} It rained.")
    article = replace(article, correction=Span(26, 26 + len(correction)))
    (passage,) = split(article)
    (reading,) = reader.read("How many died?", [make_candidate(passage, score=0.9)])

    assert correction == reading.span.of(article.text)


def test_no_more_is_read_than_there_is_time_for(reader: SpanReader) -> None:
    """Thousands of candidates cost no more than the first few."""
    long = " ".join(f"Sentence {n} says nothing of use to anybody at all." for n in range(11))
    readings = _read(reader, "Who gave Kim the car?", *[long] * 40)

    assert 4 <= len(readings) < 20


def test_no_candidates_give_no_readings(reader: SpanReader) -> None:
    """An empty window."""
    assert [] == _read(reader, "Who?")


@settings(max_examples=25)
@given(
    question=st.sampled_from(["🚗", "is it", "car", "Who gave Kim the car?", "…?!", "w " * 400]),
    sentences=st.lists(
        st.sampled_from(
            ["Kim has a car. ", "He! ", "🚗🚗. ", "It is. ", "\u200b\u200b. ", "漢字。", "x" * 500]
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_a_reading_is_a_few_whole_sentences_of_its_passage(
    reader: SpanReader, question: str, sentences: list[str]
) -> None:
    """Whatever is asked of whatever text."""
    text = "".join(sentences)[:600]
    if not any(map(str.isalnum, text)):
        return
    passage = make_passage(text)
    (reading,) = reader.read(question, [make_candidate(passage)])
    inside = [
        sentence
        for sentence in passage.sentences
        if reading.span.start <= sentence.start and sentence.end <= reading.span.end
    ]

    assert (inside[0].start, inside[-1].end) == (reading.span.start, reading.span.end)
    assert 1 <= len(inside) <= MAX_SENTENCES
    assert 0 <= reading.probability <= 1
    assert reading.highlight is not None
    assert reading.span.start <= reading.highlight.start
    assert reading.highlight.end <= reading.span.end


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is loaded is what was measured."""
    weights = tmp_path / "reader.safetensors"
    weights.write_bytes(b"other weights")
    monkeypatch.setattr(span_reader, "_WEIGHTS", weights)

    with pytest.raises(ModelError, match="not the published ones"):
        SpanReader.shipped()


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the code without its data."""
    monkeypatch.setattr(span_reader, "_WEIGHTS", tmp_path / "gone.safetensors")

    with pytest.raises(ModelError, match=r"gone\.safetensors cannot be read"):
        SpanReader.shipped()

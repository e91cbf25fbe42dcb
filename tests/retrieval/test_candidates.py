"""Candidates: dense and lexical search fused, among what the filters let in."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.candidates import ALL, POOL, retrieve
from retrieval.dates import PartialDate
from retrieval.index.protocol import Index
from retrieval.types import Candidate, Filters
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import (
    Place,
    make_corpus,
    make_index,
    milvus_file,
    milvus_server,
    open_index,
    update_index,
)

_TEXTS = {
    "car": "Published: 2024-02-20\n\nPutin gifted a luxury car to Kim.",
    "limousine": "Published: 2024-03-18\n\nKim rode in a luxury limousine, a gift.",
    "tram": "Published: 2024-03-18\n\nThe tram of Tarn opened.",
    "undated": "Kim slept.",
}


@pytest.fixture(scope="module", params=["folder", "milvus", "server"])
def index(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Index]:
    """Four small articles and sixty of one kind, in every kind of index."""
    folder = tmp_path_factory.mktemp("index")
    many = {f"many-{n:02}": f"The council of Tarn met for the {n}th time." for n in range(60)}
    corpus = make_corpus(folder / "corpus", {**_TEXTS, **many})
    with contextlib.ExitStack() as stack:
        place: Place = folder / "index"
        if request.param == "milvus":
            place = stack.enter_context(milvus_file(folder / "index.db"))
        elif request.param == "server":
            place = stack.enter_context(milvus_server(folder / "served"))
        update_index(corpus, place)
        yield open_index(place)


def _ids(candidates: tuple[Candidate, ...]) -> list[str]:
    return [candidate.passage.article.article_id for candidate in candidates]


def test_shared_words_rank_first(index: Index) -> None:
    """Both searches agree on the one that shares most."""
    found = retrieve(index, HashingEmbedder(), "Who gifted Kim a luxury car?", Filters())

    assert ["car", "limousine"] == _ids(found.candidates)[:2]
    assert POOL <= len(found.candidates) <= 3 * POOL
    assert pytest.approx(1.0) == found.candidates[0].score
    assert found.embed_ms > 0
    assert found.retrieve_ms > 0


def test_fewer_candidates_are_the_first_of_more(index: Index) -> None:
    """The reader is given fewer than a timeline, and must not be given others."""
    embedder, question = HashingEmbedder(), "Who gifted Kim a luxury car?"
    every = retrieve(index, embedder, question, Filters(), ALL).candidates

    assert every[:3] == retrieve(index, embedder, question, Filters(), 3).candidates


def test_filters_come_before_ranking(tmp_path: Path) -> None:
    """A window must find its one article behind thousands of better ones, by either search."""
    texts = {f"{n:05}": "Published: 2023\n\nKim was given a luxury car." for n in range(2_000)}
    texts["late"] = "Published: 2024-03-18\n\nThe bridge reopened with a car."
    index = make_index(tmp_path, texts)
    window = Filters(after=PartialDate(2024, 3))
    found = retrieve(index, HashingEmbedder(), "Who gave Kim the luxury car?", window)
    by_words = retrieve(index, HashingEmbedder(), "reopened", window)

    assert ["late"] == _ids(found.candidates) == _ids(by_words.candidates)
    assert found.candidates[0].lexical > 0


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(after=PartialDate(2024, 3), before=PartialDate(2024)), {"limousine", "tram"}),
        (Filters(before=PartialDate(2024, 2)), {"car"}),
        (Filters(source="undated.txt"), {"undated"}),
        (Filters(source="nobody"), set()),
        (Filters(after=PartialDate(2025)), set()),
    ],
)
def test_only_what_the_filters_let_in_is_handed_on(
    index: Index, filters: Filters, expected: set[str]
) -> None:
    """Even when it is the only thing about the question."""
    found = retrieve(index, HashingEmbedder(), "luxury car for Kim", filters)

    assert expected == set(_ids(found.candidates))


def test_a_question_of_stop_words_still_has_candidates(index: Index) -> None:
    """Lexical search has nothing to go by, dense search has."""
    found = retrieve(index, HashingEmbedder(), "is it the?", Filters())

    assert POOL == len(found.candidates)
    assert {0.0} == {candidate.lexical for candidate in found.candidates}


def test_an_empty_index_has_no_candidates(tmp_path: Path) -> None:
    """The first run of a newcomer."""
    index = make_index(tmp_path, {})

    assert () == retrieve(index, HashingEmbedder(), "car", Filters()).candidates


def test_an_article_on_the_matter_lifts_its_passages(tmp_path: Path) -> None:
    """“It cost 5 million” is about the tram because the article is, though it does not say so."""
    texts = {
        "tram": "The tram of Tarn has nine stops and runs to the harbour of Tarn.\n\n"
        "It cost 5 million crowns.",
        "other": "The mayor likes cheese.\n\nIt cost 7 million crowns.",
    }
    index = make_index(tmp_path, texts)
    found = retrieve(index, HashingEmbedder(), "What did the tram of Tarn cost?", Filters())
    costs = [c for c in found.candidates if "million" in c.passage.text]

    assert ["tram", "other"] == _ids(tuple(costs))
    assert costs[0].article > costs[1].article


@given(words=st.lists(st.sampled_from(["car", "Kim", "council", "Tarn", "7th", "is"]), min_size=1))
def test_scores_never_rise_and_are_shares(index: Index, words: list[str]) -> None:
    """The best comes first, whatever is asked."""
    found = retrieve(index, HashingEmbedder(), " ".join(words), Filters()).candidates
    scores = [candidate.score for candidate in found]

    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-9 for score in scores)

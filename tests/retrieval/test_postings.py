"""BM25 without looking at what cannot be among the best: what is best stays so."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.answers import _SAME_STORY
from retrieval.index import postings as module
from retrieval.index.postings import Ints, Lexicon, Query, Term, postings, rarity

_STEMS = [f"stem{n}" for n in range(12)]


@pytest.fixture(params=[0, 1_000_000], ids=["looked-up", "counted"])
def eager(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be left out is left out, however little it would cost."""
    monkeypatch.setattr(module, "_FEW", 0)
    monkeypatch.setattr(module, "_LOOK_UP", request.param)


def _lexicon(documents: Sequence[Sequence[str]], dice: np.random.Generator) -> Lexicon:
    """Documents in three segments, every seventh of which no longer counts."""
    owners = dice.integers(0, 3, len(documents))
    gone = dice.random(len(documents)) < 1 / 7
    numbers = np.where(gone, -1, np.cumsum(~gone) - 1)
    parts, locals_ = [], np.zeros(len(documents), dtype=np.int64)
    for number in range(3):
        mine = np.flatnonzero(owners == number)
        locals_[mine] = np.arange(len(mine))
        parts.append((postings([documents[n] for n in mine.tolist()]), numbers[mine]))
    return Lexicon(parts, owners[~gone], locals_[~gone])


def _documents(dice: np.random.Generator, size: int) -> list[list[str]]:
    """The first stems are rare, the last ones in nearly all."""
    return [
        [stem for n, stem in enumerate(_STEMS) for _ in range(dice.poisson(0.003 * 1.8**n))]
        for _ in range(size)
    ]


@pytest.mark.usefixtures("eager")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    seed=st.integers(0, 1_000),
    stems=st.lists(st.sampled_from([*_STEMS, "unheard"]), max_size=7),
    k=st.integers(1, 60),
    share=st.sampled_from([1.0, 0.5, 0.02]),
)
def test_the_best_are_those_of_all_scores(
    seed: int, stems: list[str], k: int, share: float
) -> None:
    """Also among equals, with stems asked twice, filters, and what no longer counts."""
    dice = np.random.default_rng(seed)
    lexicon = _lexicon(_documents(dice, 400), dice)
    size = len(lexicon.owners)
    admitted = dice.random(size) < share
    query = Query(lexicon, stems)
    scores = query.scores(np.arange(size))
    order = np.lexsort((np.arange(size), -scores))

    expected = [n for n in order.tolist() if admitted[n] and scores[n] > 0][:k]

    assert expected == query.best(k, admitted).tolist()
    assert [n for n in order.tolist() if scores[n] > 0][:k] == query.best(k, None).tolist()


@pytest.mark.usefixtures("eager")
def test_a_document_full_of_a_frequent_stem_is_not_missed() -> None:
    """It is worth more than one that holds a rarer stem once, which is counted first."""
    others = ["river"] * 7
    documents = [["glacier", *others]] * 30 + [["city", *others]] * 60 + [others] * 310
    documents.append(["city"] * 50)
    lexicon = _lexicon(documents, np.random.default_rng(4))  # by which the last one counts

    assert [len(lexicon.owners) - 1] == Query(lexicon, ["city", "glacier"]).best(1, None).tolist()


def test_frequent_stems_are_only_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a question would cost as much as the words that most passages hold."""
    monkeypatch.setattr(module, "_FEW", 10)
    counted: list[int] = []
    among_all = Term.among_all

    def counting(term: Term) -> Iterator[tuple[Ints, Ints]]:
        counted.append(term.holding)
        return among_all(term)

    monkeypatch.setattr(Term, "among_all", counting)
    dice = np.random.default_rng(1)
    documents = [["city", *(["glacier"] if n % 50 == 0 else [])] for n in range(20_000)]
    best = Query(_lexicon(documents, dice), ["city", "glacier"]).best(10, None)

    (rare,) = counted
    assert 10 == len(best)
    assert rare < 500


def test_a_rare_stem_is_worth_more() -> None:
    """And one that all documents hold still a little: Lucene's, which is never negative."""
    assert rarity(100, 1) > rarity(100, 50) > rarity(100, 100) > 0


def test_of_two_documents_one_that_lacks_a_word_of_three_tells_no_other_story() -> None:
    """By BM25 a word that one of two holds is worth four times one that both hold."""
    words = ["gift", "kim", "car"]
    lexicon = Lexicon(
        [(postings([words, words[:2]]), np.arange(2))],
        np.zeros(2, dtype=np.int32),
        np.arange(2),
    )
    all_three, two = Query(lexicon, words).scores_and_shared(np.arange(2))[1]

    assert two > _SAME_STORY * all_three

"""The open index: exact, in order, and filtered before anything is ranked."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.copies import newer_versions, version_keys
from retrieval.dates import PartialDate
from retrieval.index.folder import FolderIndex
from retrieval.types import Filters
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_article, make_index

_WORDS = ["car", "tram", "ice", "Kim", "Putin", "gift", "vote", "bridge"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> FolderIndex:
    """Three hundred passages, many of them alike to the letter."""
    texts = [
        f"The {_WORDS[n % 8]} and the {_WORDS[n // 3 % 8]} of {_WORDS[n // 7 % 8]}."
        for n in range(300)
    ]
    return make_index(tmp_path_factory.mktemp("index"), texts)


def _embedding(question: str) -> np.ndarray:
    return HashingEmbedder().embed_queries([question])


def test_nearest_is_what_comparing_all_would_find(index: FolderIndex) -> None:
    """The search is exact: nothing is approximated away."""
    embedding = _embedding("the gift of a car")
    cosines = index.embeddings() @ embedding[0]
    expected = sorted(range(300), key=lambda row: (-round(float(cosines[row]), 5), row))[:20]
    found = index.nearest(embedding, 20, index.admitted(Filters()))

    assert expected == [row for row, _ in found]
    assert [pytest.approx(float(cosines[row]), abs=1e-6) for row in expected] == [
        score for _, score in found
    ]


@settings(max_examples=80)
@given(
    k=st.integers(0, 320),
    question=st.sampled_from(["car", "gift of ice", "Kim", "nothing known"]),
    every=st.integers(1, 50),
)
def test_the_nearest_k_begin_the_nearest_k_plus_one(
    index: FolderIndex, k: int, question: str, every: int
) -> None:
    """Asking for more must not change what comes first, not even among equals."""
    admitted = np.arange(300) % every == 0
    fewer = index.nearest(_embedding(question), k, admitted)
    more = index.nearest(_embedding(question), k + 1, admitted)

    assert fewer == more[: len(fewer)]
    assert min(k, int(admitted.sum())) == len(fewer)
    assert all(admitted[row] for row, _ in more)
    assert [score for _, score in more] == sorted((s for _, s in more), reverse=True)


def test_articles_that_may_be_versions_of_one_are_found_without_reading_the_others(
    tmp_path: Path,
) -> None:
    """An index of a hundred thousand is opened in a moment."""
    text = "Title: {}\nSource: Aske Courier\nURL: https://aske.example/{}\n\nThe flood killed {}."
    texts = {
        f"{n:02}": text.format(f"Flood kills {n}" if n % 3 == 0 else "x" * n, n % 9, n)
        for n in range(12)
    }
    index = make_index(tmp_path, texts)

    found = [article.article_id for article in index.alike()]

    shared = Counter(key for article in index.articles for key in version_keys(article).items())
    alike = [a for a in index.articles if any(shared[k] > 1 for k in version_keys(a).items())]
    assert [article.article_id for article in alike] == found
    assert ["00", "01", "02", "03", "06", "09", "10", "11"] == found
    assert newer_versions(index.articles) == newer_versions(index.alike())


def test_single_articles_can_be_kept_out(index: FolderIndex) -> None:
    """Those of which there is a newer version."""
    filters = Filters(without=frozenset({"000007", "not there"}))

    admitted = index.admitted(filters)

    assert [filters.admits(passage.article) for passage in index.passages] == admitted.tolist()
    assert [7] == np.flatnonzero(~admitted).tolist()


def test_what_is_admitted_is_found_behind_thousands_of_better_ones(tmp_path: Path) -> None:
    """Filtering after ranking would find nothing here."""
    texts = {f"{n:05}": "Kim was given a luxury car." for n in range(3_000)}
    texts["late"] = "Published: 2024-03-18\n\nA vote on the bridge was delayed."
    index = make_index(tmp_path, texts)
    admitted = index.admitted(Filters(after=PartialDate(2024, 3)))
    found = index.nearest(_embedding("Who gave Kim the luxury car?"), 5, admitted)

    assert [3_000] == [row for row, _ in found]
    assert "late" == index.passages[found[0][0]].article.article_id


def test_cosines_are_given_for_the_rows_that_are_asked(index: FolderIndex) -> None:
    """In the order they were asked; fusing pairs them up by place."""
    embedding = _embedding("gift")
    expected = index.embeddings()[[7, 3, 7]] @ embedding[0]

    np.testing.assert_allclose(index.cosines(embedding, np.array([7, 3, 7])), expected, rtol=1e-6)
    assert (0,) == index.cosines(embedding, np.array([], dtype=int)).shape


def test_words_score_where_they_occur_and_nowhere_else(index: FolderIndex) -> None:
    """Zero is how fusing knows that a passage shares no word."""
    scores = index.word_scores(["ice", "unheard"])

    assert [("ice" in passage.text) for passage in index.passages] == [s > 0 for s in scores]
    assert not index.word_scores(["unheard"]).any()
    assert not index.word_scores([]).any()
    assert (300,) == index.word_scores([]).shape


def test_the_summary_spans_the_dates_there_are(tmp_path: Path) -> None:
    """Undated articles count, but stretch nothing."""
    dates = ["2024-02-20", None, "2024", "2024-03"]
    heads = [f"Published: {date}\n\n" if date else "" for date in dates]
    summary = make_index(tmp_path, [f"{head}Words.\n\nMore." for head in heads]).summary

    assert (4, 8, "2024", "2024") == (
        summary.articles,
        summary.passages,
        str(summary.first),
        str(summary.last),
    )


def test_the_summary_of_undated_articles_has_no_dates(tmp_path: Path) -> None:
    """Nothing is guessed."""
    summary = make_index(tmp_path, ["Words."]).summary

    assert (None, None) == (summary.first, summary.last)


@pytest.mark.parametrize(
    ("published", "after", "before", "expected"),
    [
        ("2024-02-20", "2024-02-20", "2024-02-20", True),  # both ends are inside
        ("2024-02-20", "2024-02-21", None, False),
        ("2024-02-20", None, "2024-02-19", False),
        ("2024-02-20", "2024-02", "2024", True),  # a month and a year begin and end
        ("2024-02", "2024-02-20", None, True),  # may have been after the 20th
        ("2024-02", "2024-03-01", None, False),  # cannot have been
        ("2024", "2024-05", "2024-06", True),
        (None, "2024", None, False),  # undated: in no window
        (None, None, None, True),  # but there without one
    ],
)
def test_a_window_lets_in_what_may_lie_in_it(
    published: str | None, after: str | None, before: str | None, expected: bool
) -> None:
    """An article dated "February 2024" is not shut out by a day of that month."""
    filters = Filters(
        after=None if after is None else PartialDate.from_iso(after),
        before=None if before is None else PartialDate.from_iso(before),
    )

    assert expected is filters.admits(make_article("Words.", published=published))


@pytest.mark.parametrize(("source", "expected"), [("REUTERS", True), ("Reut", False)])
def test_a_source_is_compared_whole_and_without_case(source: str, expected: bool) -> None:
    """A part of a name is the engine's to complete."""
    article = make_article("Words.", source="Reuters")

    assert expected is Filters(source=source).admits(article)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60),
        max_size=4,
    )
)
def test_saved_and_opened_gives_the_same_answers(tmp_path: Path, texts: list[str]) -> None:
    """Whatever the articles hold."""
    index = make_index(tmp_path, texts)
    again = FolderIndex.open(tmp_path / "index")
    everything = index.admitted(Filters())

    assert list(index.passages) == list(again.passages)
    for passage in index.passages[:3]:
        embedding = _embedding(passage.text)

        assert index.nearest(embedding, 3, everything) == again.nearest(embedding, 3, everything)
    for path in (tmp_path / "corpus").iterdir():
        path.unlink()

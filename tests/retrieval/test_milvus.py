"""The index in Milvus: what a folder needs not, and that both give the same."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.dates import PartialDate
from retrieval.engine import Engine
from retrieval.errors import (
    IndexFolderError,
    IndexMismatchError,
    IndexNotBuiltError,
)
from retrieval.index.access import access
from retrieval.index.milvus.filling import fill
from retrieval.index.milvus.index import MilvusIndex
from retrieval.index.milvus.schema import MAX_STEMS, MAX_TEXT
from retrieval.index.milvus.store import Store
from retrieval.index.milvus.weights import dimension, document_vector, score
from retrieval.places import MilvusPlace, Shard
from retrieval.survey import survey
from retrieval.types import Filters, Places, article_key
from retrieval.words import stems
from tests.conftest import Corpus
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import (
    FEW_FILES,
    make_corpus,
    make_index,
    milvus_server,
    open_index,
    pool_of,
    texts_of,
    update_index,
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[MilvusPlace]:
    """An empty Milvus that several processes can use."""
    with milvus_server(tmp_path / "served") as place:
        yield place


# Scores


@given(
    st.lists(st.sampled_from(["car", "tram", "ice", "kim", "gift"]), max_size=400),
    st.floats(1, 500),
)
def test_scores_are_those_of_the_mean_of_the_day(words: list[str], mean: float) -> None:
    """Vectors are made with another mean, and are not written again when it moves."""
    question = {dimension(word): 1.5 for word in ("car", "ice", "unheard")}
    counts = Counter(words)
    expected = sum(
        1.5 * counts[word] / (counts[word] + 1.5 * (0.25 + 0.75 * len(words) / mean))
        for word in ("car", "ice")
        if counts[word]
    )
    made = {dim: float(np.float32(weight)) for dim, weight in document_vector(words, 40).items()}

    assert pytest.approx(expected) == score(question, made, len(words), 40, mean)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(after=PartialDate(2024, 3)),
        Filters(before=PartialDate(2024, 2, 28)),
        Filters(after=PartialDate(2024, 1), before=PartialDate(2024, 3, 2)),
        Filters(sources=frozenset({"0.txt", "7.txt"})),
        Filters(source="nobody"),
    ],
    ids=["all", "after", "before", "window", "sources", "nobody"],
)
@pytest.mark.parametrize("k", [3, 50])
def test_both_kinds_of_index_find_the_same(
    both: tuple[Path, MilvusPlace], filters: Filters, k: int
) -> None:
    """The same passages with the same scores, ties and all."""
    folder, milvus = (open_index(place) for place in both)

    assert folder.count(filters) == milvus.count(filters)
    for question in ("the gift of a car", "Kim and the tram of ice", "is it the?", "unheard"):
        assert pool_of(folder, question, filters, k) == pool_of(milvus, question, filters, k)


@pytest.fixture(scope="module", params=["file", "server"])
def both(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Path, MilvusPlace]]:
    """One corpus in both: two hundred articles, many of them alike."""
    folder = tmp_path_factory.mktemp("both")
    words = ["car", "tram", "ice", "Kim", "Putin", "gift", "vote", "bridge"]
    texts = {
        f"{n}": f"Published: {['2024-02-20', '2024-03', '2024', '2024-03-18'][n % 4]}\n\n"
        f"The {words[n % 8]} and the {words[n // 3 % 8]} of {words[n // 7 % 8]}.\n\n"
        f"A {words[n // 5 % 8]} came{' again' * (n % 3)}."
        for n in range(200)
    }
    texts |= {f"undated-{n}": f"The {words[n]} of Tarn." for n in range(8)}
    make_index(folder, texts)
    with milvus_server(folder / "served") as server:
        place = server if request.param == "server" else MilvusPlace(str(folder / "news.db"))
        update_index(folder / "corpus", place)
        yield folder / "index", place


def test_stems_are_counted_here_as_milvus_counts_them(
    both: tuple[Path, MilvusPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Milvus-lite takes too long for it, where there is more than a little."""
    asked = "the gift of a tram of Tarn"
    before = pool_of(open_index(both[1]), asked)
    monkeypatch.setattr("retrieval.index.milvus.index._COUNTED", 10)

    assert before == pool_of(open_index(both[1]), asked)


def test_an_article_is_found_by_its_key(both: tuple[Path, MilvusPlace]) -> None:
    """That is how a button knows it, perhaps of a version that came after the lists were made."""
    for place in both:
        index = open_index(place)
        article = index.articles[7]
        key = article_key(article)

        assert [article, article] == [index.find(key), index.find(key[:8])]
        assert [None, None, None] == [index.find(key[:8] + "__"), index.find("no"), index.find("ü")]


def test_both_tell_the_same_of_what_there_is(both: tuple[Path, MilvusPlace]) -> None:
    """Lists, summaries and windows are made of it."""
    folder, milvus = (open_index(place) for place in both)

    assert list(folder.articles) == list(milvus.articles)
    assert folder.summary == milvus.summary
    assert set(folder.sources) == set(milvus.sources)
    assert len(folder.articles) == len(milvus.articles)
    for words in (["tram"], ["tram", "ic"], ["unheard"], ["tarn"]):
        assert folder.first_told(words) == milvus.first_told(words)


def test_a_long_article_comes_back_whole(
    corpus: Corpus, milvus: MilvusPlace, tmp_path: Path
) -> None:
    """A text in Milvus has an end, and an array too."""
    words = [f"word{n}" for n in range(MAX_STEMS + 500)]
    text = ". ".join(" ".join(words[n : n + 50]).capitalize() for n in range(0, len(words), 50))
    folder = corpus({"long.txt": text + " “ölçü 𝔘”."})
    update_index(folder, milvus)
    index = open_index(milvus)

    assert len(text) > 2 * MAX_TEXT
    assert (folder / "long.txt").read_text(encoding="utf-8") == index.articles[0].text
    update_index(folder, tmp_path / "index")
    for word in (words[7], words[-1]):
        assert pool_of(open_index(tmp_path / "index"), word) == pool_of(index, word) != {}


# Asking


def test_an_open_index_follows_what_is_published(corpus: Corpus, milvus: MilvusPlace) -> None:
    """Many bots ask one collection, and none has to be told."""
    folder = corpus(FEW_FILES)
    update_index(folder, milvus)
    index = open_index(milvus)
    seen = index.articles
    index._read_at = 0.0  # type: ignore[attr-defined]  # a second later
    corpus({"b.txt": "The tram of Tarn burned.\n"})
    (folder / "d.txt").unlink()
    update_index(folder, milvus)

    assert 3 == index.summary.articles
    assert ("b", "The tram of Tarn burned.") in texts_of(index)
    assert 4 == len(list(seen))  # a list that was begun is finished


def test_a_rebuild_with_another_model_is_not_followed(corpus: Corpus, milvus: MilvusPlace) -> None:
    """An embedding of the one says nothing among those of the other."""
    folder = corpus(FEW_FILES)
    update_index(folder, milvus)
    index = open_index(milvus)
    index._read_at = 0.0  # type: ignore[attr-defined]  # a second later
    fill(folder, index.store, HashingEmbedder("other"), Shard(), rebuild=True)  # type: ignore[attr-defined]

    with pytest.raises(IndexMismatchError, match="built anew with the model other"):
        pool_of(index, "car")


def test_an_empty_server_is_not_filled_by_who_has_no_corpus(served: MilvusPlace) -> None:
    """A bot that comes before the first filling would put other coverage in its place."""
    with pytest.raises(IndexNotBuiltError):
        Engine.open(Places(Path("seeds"), served, any_corpus=True))


def test_two_coverages_share_one_milvus(corpus: Corpus, milvus: MilvusPlace) -> None:
    """Each in its own collections."""
    update_index(corpus(FEW_FILES), milvus)
    other = replace(milvus, collection="other")
    update_index(make_corpus(Path(milvus.uri).parent / "second", {"z": "Snow fell."}), other)

    assert [("z", "Snow fell.")] == texts_of(open_index(other))
    assert 4 == open_index(milvus).summary.articles


def test_a_process_without_the_files_answers(corpus: Corpus, milvus: MilvusPlace) -> None:
    """The passages and their articles are in Milvus too."""
    folder = corpus(FEW_FILES)
    update_index(folder, milvus)
    before = texts_of(open_index(milvus))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    model = HashingEmbedder().model
    nowhere = access(Places(folder, milvus))
    elsewhere = access(Places(Path(milvus.uri).parent, milvus, any_corpus=True))

    assert nowhere.is_current(model)
    assert elsewhere.is_current(model)
    assert before == texts_of(nowhere.open(model)) == texts_of(elsewhere.open(model))
    assert 4 == len(survey(Places(folder, milvus)).articles)
    with pytest.raises(IndexMismatchError, match="was built from the corpus"):
        access(Places(Path(milvus.uri).parent, milvus)).is_current(model)


def test_an_older_version_gives_way_in_both(
    corpus: Corpus, milvus: MilvusPlace, tmp_path: Path
) -> None:
    """Versions are found among all articles, of which none is in memory here."""
    told = "The tram of Tarn opened on Sunday, the mayor said, and cost 5 million crowns"
    folder = corpus(
        {
            "old.md": f"---\nurl: https://a.example/1\ndate: 2024-03-01\n---\n{told}.\n",
            "other.md": "---\nurl: https://a.example/2\n---\nThe tram of Tarn is red.\n",
        }
    )
    update_index(folder, milvus)
    alone = [article.article_id for article in open_index(milvus).alike()]
    corpus({"new.md": f"---\nurl: https://a.example/1\ndate: 2024-03-02\n---\n{told} more.\n"})
    update_index(folder, milvus)
    update_index(folder, tmp_path / "index")
    indexes = [open_index(tmp_path / "index"), open_index(milvus)]
    newest = Filters(without=frozenset({"old"}))

    assert [] == alone
    for index in indexes:
        assert ["new", "old"] == sorted(article.article_id for article in index.alike())
        assert 2 == index.count(newest)
    expected, found = (pool_of(index, "tram of Tarn", newest) for index in indexes)
    assert expected == found
    assert not [passage_id for passage_id in found if passage_id.startswith("old")]


def test_the_seeds_are_answered_alike(seeds: Path, milvus: MilvusPlace, tmp_path: Path) -> None:
    """The whole way, with the real model and reader, and on after a reload."""
    folder, places = Places(seeds, tmp_path / "index"), Places(seeds, milvus)
    expected, engine = Engine.open(folder), Engine.open(places)
    path = Path(__file__).with_name("seed-questions.jsonl")
    questions = [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]

    def answers(engine: Engine) -> list[object]:
        return [
            [(quote.article.article_id, quote.span) for quote in (*answer.quotes, *answer.nearest)]
            for answer in map(engine.answer, questions)
        ]

    wanted = answers(expected)
    assert wanted == answers(engine)
    assert wanted == answers(engine.reload(places))
    assert expected.timeline("luxury car").quotes == engine.timeline("luxury car").quotes


def test_a_state_of_another_version_is_refused(corpus: Corpus, store: Store) -> None:
    """Its rows may mean something else."""
    fill(corpus(FEW_FILES), store, HashingEmbedder(), Shard())
    store._write_state({"current": {"format": 0}})

    with pytest.raises(IndexFolderError, match="another version of Dateline"):
        fill(corpus(FEW_FILES), store, HashingEmbedder(), Shard())
    fill(corpus(FEW_FILES), store, HashingEmbedder(), Shard(), rebuild=True)

    assert 4 == MilvusIndex(store).summary.articles


def test_two_processes_use_one_server(corpus: Corpus, served: MilvusPlace) -> None:
    """One fills while another asks, which sees the old version or the new, and no mixture."""
    folder = corpus({"a.txt": "Version 0.\n", "b.txt": "Version 0.\n"})
    update_index(folder, served)
    program = (
        "import sys; from pathlib import Path\n"
        "from retrieval.places import parse_milvus\n"
        "from tests.retrieval.making import update_index\n"
        "for number in range(1, 6):\n"
        "    for name in ('a.txt', 'b.txt'):\n"
        "        Path(sys.argv[1], name).write_text(f'Version {number * \"I\"}.')\n"
        "    update_index(Path(sys.argv[1]), parse_milvus(sys.argv[2]))\n"
    )
    index, seen = open_index(served), []
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, folder, str(served)],
        cwd=Path(__file__).parents[2],
    ) as writer:
        while writer.poll() is None:
            found = pool_of(index, "version")
            seen.append(tuple(sorted(found)))
            embed = partial(HashingEmbedder().embed_queries, ["version"])
            pool = index.pool(embed, stems("version"), Filters(), 5)
            assert 2 == len(pool.passages)
            assert 1 == len({passage.text for passage in pool.passages})

    assert 0 == writer.returncode
    assert len(set(seen)) > 1
    assert {"Version IIIII."} == {text for _, text in texts_of(open_index(served))}


def test_what_is_written_is_plain_to_others(corpus: Corpus, store: Store) -> None:
    """An article's row holds it as JSON, for whoever reads the collection with other tools."""
    fill(corpus(FEW_FILES), store, HashingEmbedder(), Shard())
    rows = store.select(store.state(), "articles", "part == 0", ["body"])

    assert {"a", "b", "d", "ice"} == {json.loads(row["body"])["article_id"] for row in rows}

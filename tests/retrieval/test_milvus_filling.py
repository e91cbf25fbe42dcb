"""Filling an index in Milvus: by one machine or many, killed half-way, again and anew."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from retrieval.embedder import Embeddings, Progress, no_progress
from retrieval.errors import (
    IndexMismatchError,
    IndexNotBuiltError,
)
from retrieval.index.access import access
from retrieval.index.building import Changes
from retrieval.index.milvus import filling
from retrieval.index.milvus.filling import fill
from retrieval.index.milvus.index import MilvusIndex
from retrieval.index.milvus.rows import hash_of
from retrieval.index.milvus.store import Store
from retrieval.places import Shard
from retrieval.types import Places
from tests.conftest import Corpus
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import (
    FEW_FILES,
    open_index,
    pool_of,
    texts_of,
    update_index,
)


class _Stumbling(HashingEmbedder):
    """Dies at the second batch."""

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of the first texts that it is given."""
        if self.embedded:
            raise KeyboardInterrupt
        return super().embed_passages(texts, progress)


def test_nothing_counts_before_all_shards_are_done(corpus: Corpus, store: Store) -> None:
    """A question must not be answered from half of the coverage."""
    folder = corpus(FEW_FILES)
    first = fill(folder, store, HashingEmbedder(), Shard(0, 3))
    second = fill(folder, store, HashingEmbedder(), Shard(2, 3))
    with pytest.raises(IndexNotBuiltError):
        MilvusIndex(store)
    with pytest.raises(IndexNotBuiltError, match="dateline index --shard I/3"):
        access(Places(folder, store.place)).is_current(HashingEmbedder().model)
    third = fill(folder, store, HashingEmbedder(), Shard(1, 3))

    assert [2, 1, 0] == [changes.shards_left for changes in (first, second, third)]
    assert 4 == sum(len(changes.added) for changes in (first, second, third))
    assert 4 == MilvusIndex(store).summary.articles


def test_shards_give_what_one_machine_gives(corpus: Corpus, store: Store, tmp_path: Path) -> None:
    """However many fill it, in whatever order, also after one filled it alone."""
    folder = corpus(FEW_FILES)
    update_index(folder, tmp_path / "index")
    fill(folder, store, HashingEmbedder(), Shard())
    corpus({"b.txt": "The tram of Tarn stopped.\n", "e.txt": "A car of Kim.\n"})
    (folder / "a.txt").unlink()
    update_index(folder, tmp_path / "index")
    for number in (1, 0):
        before = MilvusIndex(store).summary.articles
        fill(folder, store, HashingEmbedder(), Shard(number, 2))
    expected, found = open_index(tmp_path / "index"), MilvusIndex(store)

    assert 4 == before
    assert list(expected.articles) == list(found.articles)
    assert expected.summary == found.summary
    for question in ("car of Kim", "tram of Tarn", "glacier"):
        assert pool_of(expected, question) == pool_of(found, question)


def test_what_several_filled_is_not_changed_by_asking(corpus: Corpus, store: Store) -> None:
    """A bot's machine may have none of the files, or other versions of them."""
    folder = corpus(FEW_FILES)
    for number in range(2):
        fill(folder, store, HashingEmbedder(), Shard(number, 2))
    corpus({"e.txt": "New.\n"})

    assert access(Places(folder, store.place)).is_current(HashingEmbedder().model)


def test_a_killed_filling_changes_nothing_and_is_gone_on_with(
    corpus: Corpus, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days of embedding are not done twice."""
    monkeypatch.setattr(filling, "_BATCH", 1)
    folder = corpus(FEW_FILES)
    fill(folder, store, HashingEmbedder(), Shard())
    index = MilvusIndex(store)
    before = texts_of(index), pool_of(index, "car tram ice")
    corpus({"e.txt": "One car more.\n", "f.txt": "One tram more.\n", "b.txt": "No tram.\n"})
    (folder / "d.txt").unlink()

    with pytest.raises(KeyboardInterrupt):
        fill(folder, store, _Stumbling(), Shard())
    assert before == (texts_of(index), pool_of(index, "car tram ice"))
    assert before == (texts_of(MilvusIndex(store)), pool_of(MilvusIndex(store), "car tram ice"))
    embedder = HashingEmbedder()
    fill(folder, store, embedder, Shard())
    assert ["One car more.", "One tram more."] == embedder.embedded
    assert ["a", "b", "e", "f", "ice"] == [a.article_id for a in MilvusIndex(store).articles]


def test_passages_whose_article_was_never_written_do_not_stay(
    corpus: Corpus, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be found by every search, and be of no use to any."""
    write = Store.write

    def die_at_articles(store: Store, state: object, table: str, *rest: object) -> None:
        if table == "articles":
            raise KeyboardInterrupt
        write(store, state, table, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as dying:
        dying.setattr(Store, "write", die_at_articles)
        with pytest.raises(KeyboardInterrupt):
            fill(corpus(FEW_FILES), store, HashingEmbedder(), Shard())
    target = store.target()
    assert target is not None
    assert 5 == store.count(target, "passages", "since > 0")
    fill(corpus({"a.txt": "Something else.\n"}), store, HashingEmbedder(), Shard())

    assert 4 == store.count(store.state(), "passages", "since > 0")


def test_an_id_goes_to_the_first_file_that_has_it(corpus: Corpus, place: Path) -> None:
    """Also when that file comes later."""
    folder = corpus({"b.jsonl": '{"id": "x", "text": "From b."}\n{"id": "y", "text": "Also b."}\n'})
    update_index(folder, place)
    corpus({"a.jsonl": '{"id": "x", "text": "From a."}\n'})
    changes = update_index(folder, place)

    assert ["b.jsonl: another article has the id 'x' already; rename one"] == [
        str(error) for error in changes.refused
    ]
    assert [("x", "From a."), ("y", "Also b.")] == texts_of(open_index(place))


def _files_of_two_shards() -> tuple[str, str]:
    """The name of a file of the first shard of two, and a later name of one of the second."""
    names = [f"{n}.jsonl" for n in range(9)]
    first = next(name for name in names if hash_of(name) in Shard(0, 2).range)
    second = next(name for name in reversed(names) if hash_of(name) in Shard(1, 2).range)
    assert first < second
    return first, second


def _fill_both(folder: Path, store: Store, order: Sequence[int] = (0, 1)) -> list[Changes]:
    """Fills two shards, one after the other; what each changed, in this order."""
    return [fill(folder, store, HashingEmbedder(), Shard(number, 2)) for number in order]


def test_an_id_goes_to_the_first_file_in_whichever_shard(corpus: Corpus, store: Store) -> None:
    """The machine that has the other file reads it again, and hears of it."""
    first, second = _files_of_two_shards()
    folder = corpus({second: '{"id": "x", "text": "Second."}\n{"id": "y", "text": "Alone."}\n'})
    _fill_both(folder, store)
    corpus({first: '{"id": "x", "text": "First."}\n'})
    _, changes = _fill_both(folder, store)
    taken = texts_of(MilvusIndex(store))
    (folder / first).unlink()
    _fill_both(folder, store)

    assert [("x", "First."), ("y", "Alone.")] == taken
    assert [f"{second}: another article has the id 'x' already; rename one"] == [
        str(error) for error in changes.refused
    ]
    assert [("x", "Second."), ("y", "Alone.")] == texts_of(MilvusIndex(store))


def test_rebuilding_replaces_an_index_of_another_model(corpus: Corpus, store: Store) -> None:
    """The old one is answered from until the new one is whole."""
    folder = corpus(FEW_FILES)
    fill(folder, store, HashingEmbedder(), Shard())
    with pytest.raises(IndexMismatchError):
        fill(folder, store, HashingEmbedder("other"), Shard(0, 2))
    other = HashingEmbedder("other")
    fill(folder, store, other, Shard(0, 2), rebuild=True)
    old = store.state(fresh=True)
    fill(folder, store, other, Shard(1, 2), rebuild=True)
    new = store.state(fresh=True)

    assert ("hashing", "other") == (old.model, new.model)
    assert 5 == len(other.embedded)
    assert 4 == MilvusIndex(store).summary.articles
    assert not [name for name in store._connection.call("list_collections") if name.endswith("_1")]


def test_a_rebuild_outlives_an_update_of_what_counts(corpus: Corpus, store: Store) -> None:
    """A rebuild by many machines takes hours, in which the news goes on."""
    folder = corpus(FEW_FILES)
    fill(folder, store, HashingEmbedder(), Shard())
    fill(folder, store, HashingEmbedder("other"), Shard(0, 2), rebuild=True)
    corpus({"late.txt": "The last tram left.\n"})
    fill(folder, store, HashingEmbedder(), Shard())
    between = store.state(fresh=True)
    changes = fill(folder, store, HashingEmbedder("other"), Shard(1, 2), rebuild=True)
    after = store.state(fresh=True)

    assert ("hashing", 1, 2) == (between.model, between.generation, between.version)
    assert 0 == changes.shards_left
    assert ("other", 2, 1) == (after.model, after.generation, after.version)


def test_machines_that_disagree_on_the_model_are_stopped(corpus: Corpus, store: Store) -> None:
    """Half a collection of each would answer nothing right."""
    folder = corpus(FEW_FILES)
    fill(folder, store, HashingEmbedder(), Shard(0, 2))

    with pytest.raises(IndexMismatchError, match=r"model hashing .* not with other"):
        fill(folder, store, HashingEmbedder("other"), Shard(1, 2))


def test_an_id_that_moved_to_a_file_of_another_shard_stays(corpus: Corpus, store: Store) -> None:
    """Whichever machine comes first: one that comes too early must not refuse it."""
    old, new = _files_of_two_shards()
    folder = corpus({old: '{"id": "x", "text": "Old."}\n'})
    _fill_both(folder, store)
    (folder / old).unlink()
    corpus({new: '{"id": "x", "text": "New."}\n'})
    _fill_both(folder, store, order=(1, 0))

    assert [("x", "New.")] == texts_of(MilvusIndex(store))


def test_articles_of_a_file_that_was_half_taken_up_go_with_it(
    corpus: Corpus, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else would know whose they are."""
    monkeypatch.setattr(filling, "_BATCH", 1)
    monkeypatch.setattr(filling, "_ARTICLES", 1)
    records = "".join(f'{{"id": "{n}", "text": "Story {n}."}}\n' for n in range(3))
    folder = corpus({"big.jsonl": records})
    with pytest.raises(KeyboardInterrupt):
        fill(folder, store, _Stumbling(), Shard())
    (folder / "big.jsonl").unlink()
    corpus({"a.txt": "Rain fell."})
    fill(folder, store, HashingEmbedder(), Shard())

    assert [("a", "Rain fell.")] == texts_of(MilvusIndex(store))

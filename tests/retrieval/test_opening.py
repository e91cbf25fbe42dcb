"""Opening an engine, and opening it again: what was built is used, and what is wrong is said."""

import gc
import shutil
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retrieval.engine import Engine, update
from retrieval.errors import (
    CorpusError,
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    ModelError,
)
from retrieval.index.progress import EMBEDDING
from retrieval.index.storage import read_manifest, writing
from retrieval.types import Places
from tests.conftest import Corpus
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_index, said


class TestOpening:
    """What can be wrong before the first question."""

    def test_the_index_is_built_once_and_then_only_opened(
        self, seeds: Path, tmp_path: Path
    ) -> None:
        """The second start is quick, and needs no right to write."""
        places = Places(seeds, tmp_path / "index")
        first: list[str] = []
        second: list[str] = []
        Engine.open(places, lambda step, done, total: first.append(step))
        before = (tmp_path / "index" / "manifest.json").stat().st_mtime_ns
        with writing(places.index_folder):  # nobody else may write now, and nobody needs to
            Engine.open(places, lambda step, done, total: second.append(step))

        assert "Embedding passages" in first
        assert {"Loading the model"} == set(second)
        assert before == (tmp_path / "index" / "manifest.json").stat().st_mtime_ns

    def test_opening_takes_up_what_changed(self, corpus: Corpus, tmp_path: Path) -> None:
        """Whoever drops a file into the folder expects it to be quoted."""
        folder = corpus({"a.txt": "The tram of Tarn opened on Sunday."})
        places = Places(folder, tmp_path / "index")
        Engine.open(places)
        corpus({"b.txt": "Published: 2024-03-18\n\nKim has a luxury car."})

        answer = Engine.open(places).answer("Who has a luxury car?")
        changes = update(places)

        assert [("2024-03-18", "Kim has a luxury car.")] == said(answer)
        assert (2, 0) == (changes.unchanged, changes.embedded)

    def test_a_missing_corpus_is_said(self, tmp_path: Path) -> None:
        """Before the model is loaded for nothing, or an index folder is made."""
        with pytest.raises(CorpusError, match="no corpus folder at"):
            Engine.open(Places(tmp_path / "gone", tmp_path / "index"))
        assert not (tmp_path / "index").exists()

    def test_a_damaged_index_is_said_with_what_to_run(self, corpus: Corpus, tmp_path: Path) -> None:
        """And is not quietly thrown away."""
        places = Places(corpus({"a.txt": "Kim has a car."}), tmp_path / "index")
        update(places)
        (segment,) = read_manifest(places.index_folder).segments
        (places.index_folder / segment.name / "articles.jsonl").write_text("{}")

        with pytest.raises(IndexDamagedError, match="dateline index --rebuild"):
            Engine.open(places)
        assert ("a",) == update(places, rebuild=True).added

    def test_an_index_of_another_corpus_is_refused(
        self, corpus: Corpus, seeds: Path, tmp_path: Path
    ) -> None:
        """Its quotes would come from elsewhere."""
        update(Places(corpus({"a.txt": "Kim has a car."}), tmp_path / "index"))

        with pytest.raises(IndexMismatchError, match="each corpus its own --index"):
            Engine.open(Places(seeds, tmp_path / "index"))

    def test_a_model_that_is_not_here_is_said(self, seeds: Path, tmp_path: Path) -> None:
        """Nothing is fetched without being asked for."""
        with pytest.raises(ModelError, match="dateline index --download"):
            Engine.open(Places(seeds, tmp_path / "index", "nobody/has-this-model"))


class TestReloading:
    """What changed is answered from, by another engine, while this one goes on."""

    def test_new_changed_and_deleted_articles_are_taken_up(
        self, tmp_path: Path, small: Callable[[dict[str, str]], Engine]
    ) -> None:
        """And only they are embedded; the engine in use answers as it did."""
        old = small({"a": "The tram cost 5 crowns.", "b": "Rain fell on Tarn.", "c": "Kim sat."})
        embedder = old._embedder
        assert isinstance(embedder, HashingEmbedder)
        corpus = tmp_path / "corpus"
        (corpus / "a.txt").write_text("The tram cost 9 crowns.", encoding="utf-8")
        (corpus / "c.txt").unlink()
        (corpus / "d.txt").write_text("Snow fell on Oradour.", encoding="utf-8")

        new = old.reload(Places(corpus, tmp_path / "index"))

        assert ["a", "b", "d"] == [article.article_id for article in new.articles]
        assert ["a", "b", "c"] == [article.article_id for article in old.articles]
        asked = "How much did the tram cost?"
        assert ["The tram cost 9 crowns."] == [quote.text for quote in new.answer(asked).quotes]
        assert ["The tram cost 5 crowns."] == [quote.text for quote in old.answer(asked).quotes]
        assert ["The tram cost 9 crowns.", "Snow fell on Oradour."] == embedder.embedded
        assert old.built < new.built <= datetime.now(UTC)

    def test_what_another_process_has_indexed_is_taken_up(
        self, tmp_path: Path, small: Callable[[dict[str, str]], Engine]
    ) -> None:
        """Many may share one index; whoever reloads second finds nothing to build."""
        old = small({"a": "The tram cost 5 crowns."})
        make_index(tmp_path, {"b": "Rain fell on Tarn."})

        new = old.reload(Places(tmp_path / "corpus", tmp_path / "index"))

        assert ["a", "b"] == [article.article_id for article in new.articles]

    def test_a_corpus_that_is_gone_is_said(
        self, tmp_path: Path, small: Callable[[dict[str, str]], Engine]
    ) -> None:
        """A disk that is not mounted must not look like a corpus without articles."""
        old = small({"a": "The tram cost 5 crowns."})
        shutil.rmtree(tmp_path / "corpus")

        with pytest.raises(CorpusError, match="no corpus folder at"):
            old.reload(Places(tmp_path / "corpus", tmp_path / "index"))
        assert old.answer("How much did the tram cost?").quotes

    def test_an_index_that_is_being_written_is_not_waited_for(
        self, tmp_path: Path, small: Callable[[dict[str, str]], Engine]
    ) -> None:
        """Whoever asked for the reload waits for an answer."""
        old = small({"a": "The tram cost 5 crowns."})

        with (
            writing(tmp_path / "index"),
            pytest.raises(IndexBusyError, match="another process is writing"),
        ):
            old.reload(Places(tmp_path / "corpus", tmp_path / "index"))

    def test_what_the_report_raises_ends_it_and_leaves_the_index_as_it_was(
        self, tmp_path: Path, small: Callable[[dict[str, str]], Engine]
    ) -> None:
        """A bot that is told to stop cannot wait for a large corpus."""
        old = small({"a": "The tram cost 5 crowns."})
        places = Places(tmp_path / "corpus", tmp_path / "index")
        before = read_manifest(places.index_folder)
        (places.corpus / "b.txt").write_text("Rain fell on Tarn.", encoding="utf-8")

        def stop(step: str, done: int, total: int) -> None:
            if step == EMBEDDING:
                raise StopIteration

        with pytest.raises(StopIteration):
            old.reload(places, stop)
        assert before == read_manifest(places.index_folder)
        assert 2 == len(old.reload(places).articles)

    def test_what_a_reload_replaces_is_let_go(self, corpus: Corpus, tmp_path: Path) -> None:
        """Else a bot holds the memory, and on disk the deleted files, of its first index."""
        places = Places(corpus({"a.txt": "The tram cost 5 million."}), tmp_path / "index")
        old = Engine.open(places)
        gone = weakref.ref(old._index)
        (places.corpus / "b.txt").write_text("The ferry cost 7 million.")

        new = old.reload(places)
        del old
        gc.collect()

        assert 2 == len(new.articles)
        assert gone() is None

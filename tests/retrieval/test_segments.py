"""Segments: however an index came about, it answers as one that was built in one go."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.candidates import retrieve
from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings, Progress, no_progress
from retrieval.index import building, merging
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.index.segment import Segment
from retrieval.index.storage import UNFINISHED, Sentences, read_manifest
from retrieval.types import Article, Filters, article_key
from retrieval.words import stems
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_index

_SENTENCES = (
    "Kim rode in a car.",
    "The tram of Tarn opened on Sunday.",
    "The car and the car of Kim.",
    "It is what it is.",
    "The glacier lost ice.",
    "Putin gave Kim a car and the tram.",
)
_DATES = ("", "Published: 2024-02-20\n\n", "Published: 2024-03\n\n", "Published: 2023\n\n")
_QUESTIONS = ("Who gave Kim a car?", "tram of Tarn", "ice", "It is what?")
_FILTERS = (
    Filters(),
    Filters(after=PartialDate(2024, 2, 21)),
    Filters(before=PartialDate(2024, 2)),
    Filters(source="2.txt"),
    Filters(source="ANY", sources=frozenset({"1.txt", "3.txt"})),
)
_articles = st.builds(
    lambda date, paragraphs: date + "\n\n".join(paragraphs),
    st.sampled_from(_DATES),
    st.lists(st.sampled_from(_SENTENCES), min_size=1, max_size=4),
)
_corpora = st.dictionaries(st.integers(0, 7).map(str), _articles, max_size=8)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few passages, and merging as soon as there are three."""
    monkeypatch.setattr(building, "_BATCH", 3)
    monkeypatch.setattr(merging, "_SMALL", 6)
    monkeypatch.setattr(merging, "_MOST", 2)


def _write(corpus: Path, texts: Mapping[str, str]) -> None:
    corpus.mkdir(exist_ok=True)
    for path in corpus.iterdir():
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = corpus / f"{name}.txt"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def assert_alike(one: FolderIndex, other: FolderIndex) -> None:
    """Both hold and find the same, to the last bit."""
    assert list(one.passages) == list(other.passages)
    assert list(one.articles) == list(other.articles)
    assert (one.summary, one.sources) == (other.summary, other.sources)
    if not one.passages:
        return
    np.testing.assert_array_equal(one.embeddings(), other.embeddings())
    embedder = HashingEmbedder()
    for question, filters in itertools.product(_QUESTIONS, _FILTERS):
        admitted = one.admitted(filters)
        expected = [filters.admits(passage.article) for passage in one.passages]
        embedding = embedder.embed_queries([question])
        assert expected == admitted.tolist() == other.admitted(filters).tolist()
        assert one.nearest(embedding, 4, admitted) == other.nearest(embedding, 4, admitted)
        words = stems(question)
        for scores in ("word_scores", "article_scores"):
            mine, theirs = getattr(one, scores)(words), getattr(other, scores)(words)
            np.testing.assert_array_equal(mine, theirs)
        found = retrieve(one, embedder, question, filters).candidates
        assert found == retrieve(other, embedder, question, filters).candidates


@pytest.mark.usefixtures("tiny")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(_corpora, min_size=1, max_size=7))
def test_an_index_of_many_segments_answers_like_one_built_in_one_go(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, str]]
) -> None:
    """Scores that hung on how the corpus grew would change which quote comes first."""
    folder = tmp_path_factory.mktemp("grown")
    opened: FolderIndex | None = None
    for texts in history:
        _write(folder / "corpus", texts)
        build(folder / "corpus", folder / "index", HashingEmbedder())
        opened = FolderIndex.open(folder / "index", opened)
    assert opened is not None
    anew = make_index(tmp_path_factory.mktemp("anew"), history[-1])
    assert_alike(opened, anew)
    assert_alike(FolderIndex.open(folder / "index"), anew)


def test_words_score_as_the_well_known_library_scores_them(tmp_path: Path) -> None:
    """Ours exists for its form on disk; its numbers are those of bm25s."""
    texts = [" ".join(_SENTENCES[n % 6] for n in range(k, k + k % 5 + 1)) for k in range(40)]
    index = make_index(tmp_path, texts)
    library = bm25s.BM25(method="lucene")
    library.index([stems(passage.text) for passage in index.passages], show_progress=False)
    for question in _QUESTIONS[:3]:
        expected = library.get_scores(stems(question))

        np.testing.assert_array_equal(expected, index.word_scores(stems(question)))


@pytest.mark.usefixtures("tiny")
def test_segments_stay_few_however_often_the_corpus_grows(tmp_path: Path) -> None:
    """Each costs every question its share of time."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    most = 0
    for number in range(40):
        (corpus / f"{number:02}.txt").write_text(f"Report number {number}.", encoding="utf-8")
        changes = build(corpus, tmp_path / "index", HashingEmbedder())
        assert 1 == changes.embedded
        most = max(most, len(read_manifest(tmp_path / "index").segments))

    assert most <= 8
    assert 40 == len(FolderIndex.open(tmp_path / "index").passages)


def test_what_is_mostly_deleted_is_written_anew(tmp_path: Path) -> None:
    """Deleted text must not stay on disk for ever."""
    texts = {f"{number}": f"Report {number} on the tram." for number in range(10)}
    _write(tmp_path / "corpus", texts)
    build(tmp_path / "corpus", tmp_path / "index", HashingEmbedder())
    before = read_manifest(tmp_path / "index").segments
    _write(tmp_path / "corpus", {name: texts[name] for name in list(texts)[:3]})
    changes = build(tmp_path / "corpus", tmp_path / "index", HashingEmbedder())
    (segment,) = read_manifest(tmp_path / "index").segments

    assert [10] == [record.articles for record in before]
    assert (3, (), 0) == (segment.articles, segment.deleted, changes.embedded)


@pytest.mark.usefixtures("tiny")
def test_an_article_is_found_by_its_key_without_reading_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A button of an old answer is pressed, and there may be a hundred thousand articles."""
    index = make_index(tmp_path, [f"Report {number} on the tram." for number in range(30)])
    wanted = index.articles[17]
    again = FolderIndex.open(tmp_path / "index")
    read: list[int] = []
    article = Segment.article

    def noted(segment: Segment, ordinal: int) -> tuple[Article, Sentences]:
        read.append(ordinal)
        return article(segment, ordinal)

    monkeypatch.setattr(Segment, "article", noted)

    assert wanted == again.find(article_key(wanted))
    assert again.find("not a key") is None
    assert 1 == len(read)


class _Stopping(HashingEmbedder):
    """Is interrupted after some passages."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeds until it has embedded enough."""
        if len(self.embedded) >= self.after:
            raise KeyboardInterrupt
        return super().embed_passages(texts, progress)


@pytest.mark.usefixtures("tiny")
def test_an_interrupted_build_goes_on_from_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand articles take a quarter of an hour, and laptops are closed."""
    monkeypatch.setattr(building, "_REMEMBER_S", 0)
    texts = {f"{number:02}": f"Report number {number}." for number in range(12)}
    _write(tmp_path / "corpus", texts)
    index = tmp_path / "index"
    stopped = _Stopping(after=5)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "corpus", index, stopped)
    begun = (index / "manifest.json").exists(), (index / UNFINISHED).exists()
    (tmp_path / "corpus" / "03.txt").unlink()
    (tmp_path / "corpus" / "12.txt").write_text("Report number 12.", encoding="utf-8")
    monkeypatch.setattr(Path, "read_bytes", _only(Path.read_bytes, "12.txt"))
    rest = HashingEmbedder()
    changes = build(tmp_path / "corpus", index, rest)
    monkeypatch.undo()

    assert (False, True) == begun
    assert 5 == len(stopped.embedded)
    assert {f"Report number {number}." for number in range(13)} == {
        *stopped.embedded,
        *rest.embedded,
    }
    assert set() == set(stopped.embedded) & set(rest.embedded)
    assert (12, ()) == (len(changes.added), changes.removed)
    assert not (index / UNFINISHED).exists()
    del texts["03"]
    assert_alike(
        FolderIndex.open(index),
        make_index(tmp_path / "anew", {**texts, "12": "Report number 12."}),
    )


def _only(read: Callable[[Path], bytes], name: str) -> Callable[[Path], bytes]:
    def read_bytes(path: Path) -> bytes:
        assert name == path.name, f"{path} is read again"
        return read(path)

    return read_bytes


@pytest.mark.usefixtures("tiny")
def test_what_was_begun_is_not_answered_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the new coverage beside half of the old would be neither."""
    monkeypatch.setattr(building, "_REMEMBER_S", 0)
    _write(tmp_path / "corpus", {"0": "The tram of Tarn opened on Sunday."})
    build(tmp_path / "corpus", tmp_path / "index", HashingEmbedder())
    _write(tmp_path / "corpus", {f"{number}": f"Report number {number}." for number in range(9)})
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "corpus", tmp_path / "index", _Stopping(after=4))
    held = FolderIndex.open(tmp_path / "index")

    assert (tmp_path / "index" / UNFINISHED).exists()
    assert ["The tram of Tarn opened on Sunday."] == [passage.text for passage in held.passages]


@pytest.mark.usefixtures("tiny")
def test_an_id_that_moves_to_another_file_while_a_build_rests_is_read_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first half of the work found may no longer be so in the second."""
    monkeypatch.setattr(building, "_REMEMBER_S", 0)
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    corpus.mkdir()
    (corpus / "z.jsonl").write_text('{"id": "x", "text": "The old tram."}', encoding="utf-8")
    build(corpus, index, HashingEmbedder())
    (corpus / "a.jsonl").write_text('{"id": "x", "text": "The new tram."}', encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        build(corpus, index, _Stopping(after=0))
    (corpus / "a.jsonl").unlink()
    build(corpus, index, HashingEmbedder())

    assert ["The old tram."] == [p.text for p in FolderIndex.open(index).passages]

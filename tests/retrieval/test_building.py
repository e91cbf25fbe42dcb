"""Building: what changed costs itself, and nothing that is not whole is ever used."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from retrieval.embedder import Embeddings, Progress, no_progress
from retrieval.errors import (
    CorpusError,
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    IndexNotBuiltError,
)
from retrieval.index.building import Changes, build
from retrieval.index.folder import FolderIndex
from retrieval.index.freshness import is_current
from retrieval.index.storage import read_manifest, writing
from tests.conftest import Corpus
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.program import without_root_rights
from tests.retrieval.making import Place, open_index, pool_of, texts_of, update_index

_FILES = {
    "a.txt": "Kim rode in a car. It was new.\n\nPutin gave it.\n",
    "b.txt": "The tram of Tarn opened on Sunday.\n",
    "c.jsonl": '{"id": "ice", "text": "The glacier lost ice."}\n{"id": "vote"}\n',
}
_QUESTIONS = ("car Kim", "tram", "ice of the glacier")


def _build(folder: Path, place: Place) -> tuple[Changes, list[str]]:
    """Brings the index up to date; what changed, and which passages were embedded."""
    embedder = HashingEmbedder()
    return update_index(folder, place, embedder), embedder.embedded


def _texts(place: Place) -> list[tuple[str, str]]:
    return texts_of(open_index(place))


def _answers(place: Place) -> list[dict[str, tuple[float, ...]]]:
    index = open_index(place)
    return [pool_of(index, question) for question in _QUESTIONS]


def test_everything_is_embedded_once(corpus: Corpus, place: Place) -> None:
    """The first build."""
    changes, embedded = _build(corpus(_FILES), place)

    assert ("a", "b", "ice") == changes.added
    assert ((), (), 0, 4, 4) == (
        changes.changed,
        changes.removed,
        changes.unchanged,
        changes.passages,
        changes.embedded,
    )
    assert 4 == len(embedded)
    assert ["c.jsonl, line 2: a record without text, body, content or the like"] == [
        str(error) for error in changes.refused
    ]


def test_an_unchanged_corpus_costs_nothing(
    corpus: Corpus, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every start of the bot brings the index up to date."""
    folder = corpus(_FILES)
    _build(folder, place)
    before = _texts(place), _answers(place)
    monkeypatch.setattr(Path, "read_bytes", _refuse)  # not even read again
    changes, embedded = _build(folder, place)

    assert ([], 3) == (embedded, changes.unchanged)
    assert 1 == len(changes.refused)  # still said
    assert before == (_texts(place), _answers(place))


def _refuse(path: Path) -> bytes:
    raise AssertionError(f"{path} is read again")


def test_a_changed_article_costs_itself(corpus: Corpus, place: Place) -> None:
    """Not its neighbours."""
    folder = corpus(_FILES)
    _build(folder, place)
    corpus({"b.txt": "The tram of Tarn opened on Monday, at last.\n"})
    changes, embedded = _build(folder, place)

    assert (("b",), 2, ["The tram of Tarn opened on Monday, at last."]) == (
        changes.changed,
        changes.unchanged,
        embedded,
    )


def test_a_changed_date_costs_no_embedding(corpus: Corpus, place: Place) -> None:
    """Metadata is not embedded."""
    folder = corpus(_FILES)
    _build(folder, place)
    corpus({"b.txt": "Published: 2024-03-18\n\n" + _FILES["b.txt"]})
    changes, embedded = _build(folder, place)

    assert (("b",), []) == (changes.changed, embedded)
    assert "2024-03-18" == str(open_index(place).summary.first)


def test_new_and_deleted_articles_come_and_go(corpus: Corpus, place: Place) -> None:
    """A deleted article must not be quoted any more."""
    folder = corpus(_FILES)
    _build(folder, place)
    (folder / "a.txt").unlink()
    corpus({"0.txt": "Snow fell."})
    changes, embedded = _build(folder, place)

    assert (("0",), ("a",), ["Snow fell."]) == (changes.added, changes.removed, embedded)
    assert ["0", "b", "ice"] == [article_id for article_id, _ in _texts(place)]


def test_a_renamed_article_is_not_embedded_again(corpus: Corpus, place: Place) -> None:
    """Tidying folders is common, and embedding is what takes the time."""
    folder = corpus(_FILES)
    _build(folder, place)
    (folder / "a.txt").rename(folder / "z.txt")
    changes, embedded = _build(folder, place)

    assert (("z",), ("a",), []) == (changes.added, changes.removed, embedded)


def test_an_updated_index_equals_one_built_anew(
    corpus: Corpus, place: Place, tmp_path: Path
) -> None:
    """However it came about, and wherever it is, the same corpus gives the same answers."""
    folder = corpus(_FILES)
    _build(folder, place)
    (folder / "a.txt").rename(folder / "0.txt")
    corpus({"b.txt": "The tram stopped.\n\nThe glacier moved.", "d.txt": "The car is gone."})
    _build(folder, place)
    _build(folder, tmp_path / "anew")

    assert list(open_index(tmp_path / "anew").articles) == list(open_index(place).articles)
    assert _answers(tmp_path / "anew") == _answers(place)


def test_one_id_in_two_files_is_refused_until_the_first_is_gone(
    corpus: Corpus, place: Place
) -> None:
    """Which of them is quoted must not change from run to run."""
    folder = corpus({"a.md": "From Markdown.", "a.txt": "From plain text."})
    first, _ = _build(folder, place)
    again, _ = _build(folder, place)
    (folder / "a.md").unlink()
    last, _ = _build(folder, place)
    reason = "a.txt: another article has the id 'a' already; rename one"

    assert [[reason], [reason], []] == [
        [str(error) for error in changes.refused] for changes in (first, again, last)
    ]
    assert [("a", "From plain text.")] == _texts(place)


def test_an_empty_corpus_is_an_index_too(corpus: Corpus, place: Place) -> None:
    """The folder may be filled, emptied and filled again."""
    folder = corpus({})
    _build(folder, place)
    empty = open_index(place).summary
    corpus(_FILES)
    _build(folder, place)
    filled = _texts(place)
    for name in _FILES:
        (folder / name).unlink()
    changes, _ = _build(folder, place)

    assert (0, 0) == (empty.articles, empty.passages)
    assert 4 == len(filled)
    assert ("a", "b", "ice") == changes.removed
    assert [] == _texts(place)


def test_a_corpus_of_stop_words_is_built(corpus: Corpus, tmp_path: Path) -> None:
    """There is nothing to search by words in, and that is no error."""
    _build(corpus({"a.txt": "It is what it is."}), tmp_path / "index")

    assert [0.0] == FolderIndex.open(tmp_path / "index").word_scores(["car"]).tolist()


def test_the_golden_corpus_is_built_and_opened(golden: Path, place: Place) -> None:
    """Every odd character passes through every file of the index."""
    changes, _ = _build(golden, place)
    index = open_index(place)

    assert 15 == len(changes.added) == len(index.articles)
    assert changes.passages == len(texts_of(index)) == index.summary.passages
    assert 7 == len(changes.refused)


def test_a_missing_corpus_leaves_no_index_folder(tmp_path: Path) -> None:
    """A typing error must not litter, nor empty an index that is there."""
    with pytest.raises(CorpusError, match="no corpus folder"):
        _build(tmp_path / "gone", tmp_path / "index")

    assert not (tmp_path / "index").exists()


def test_another_corpus_is_refused_naming_both(
    corpus: Corpus, place: Place, tmp_path: Path
) -> None:
    """Else one corpus would silently replace the other."""
    _build(corpus(_FILES), place)
    (tmp_path / "other").mkdir()

    with pytest.raises(IndexMismatchError, match=r"corpus .*/corpus, not from .*/other; .*--index"):
        _build(tmp_path / "other", place)


def test_another_model_is_refused_naming_both(corpus: Corpus, place: Place) -> None:
    """Embeddings of two models cannot be compared, though they would fit."""
    folder = corpus(_FILES)
    _build(folder, place)

    with pytest.raises(
        IndexMismatchError, match=r"model hashing \(.*not with other \(.*set DATELINE_MODEL"
    ):
        update_index(folder, place, HashingEmbedder("other"))


def test_other_passage_settings_are_refused(
    corpus: Corpus, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passages cut in two ways must not stand in one index."""
    folder = corpus(_FILES)
    _build(folder, place)
    monkeypatch.setattr("retrieval.index.freshness.SETTINGS", "paragraphs whole")

    with pytest.raises(IndexMismatchError, match="other passage settings; build it anew"):
        _build(folder, place)
    assert not isinstance(place, Path) or not is_current(folder, read_manifest(place))


def test_rebuilding_starts_from_nothing_over_whatever_is_there(
    corpus: Corpus, tmp_path: Path
) -> None:
    """It is what every message about a bad index tells people to run."""
    folder = corpus(_FILES)
    _build(folder, tmp_path / "index")
    (tmp_path / "index" / "manifest.json").write_text("garbage")
    changes = build(folder, tmp_path / "index", HashingEmbedder("other"), rebuild=True)

    assert (("a", "b", "ice"), 4) == (changes.added, changes.embedded)
    assert 4 == len(_texts(tmp_path / "index"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


_DAMAGES: tuple[Callable[[Path], None], ...] = (_cut, _alter, Path.unlink)


@pytest.mark.parametrize("damage", _DAMAGES)
def test_damage_to_any_file_is_noticed_by_reader_and_writer(
    corpus: Corpus, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Every file of a segment is covered by its seal."""
    folder = corpus(_FILES)
    _build(folder, tmp_path / "whole")
    names = [
        path.relative_to(tmp_path / "whole")
        for path in (tmp_path / "whole").glob("segment-*/**/*")
        if path.is_file() and path.stat().st_size
    ]
    assert len(names) >= 3
    for number, name in enumerate(names):
        broken = tmp_path / f"broken-{number}"
        shutil.copytree(tmp_path / "whole", broken)
        damage(broken / name)

        with pytest.raises(IndexDamagedError, match="build it anew with: dateline index --rebuild"):
            FolderIndex.open(broken)
        with pytest.raises(IndexDamagedError):
            _build(folder, broken)


@pytest.mark.parametrize("damage", [_cut, _alter])
def test_damage_to_the_manifest_is_noticed(
    corpus: Corpus, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """It is what all other digests hang on."""
    _build(corpus(_FILES), tmp_path / "index")
    damage(tmp_path / "index" / "manifest.json")

    with pytest.raises(IndexDamagedError):
        FolderIndex.open(tmp_path / "index")


def test_a_missing_manifest_is_no_index(corpus: Corpus, tmp_path: Path) -> None:
    """And is built like one that never was."""
    folder = corpus(_FILES)
    _build(folder, tmp_path / "index")
    (tmp_path / "index" / "manifest.json").unlink()

    with pytest.raises(IndexNotBuiltError):
        FolderIndex.open(tmp_path / "index")
    assert 4 == len(_build(folder, tmp_path / "index")[1])


def _hold(index: Path, held: Event, done: Event) -> None:
    with writing(index):
        held.set()
        done.wait(30)


def test_another_process_that_writes_keeps_this_one_out(corpus: Corpus, tmp_path: Path) -> None:
    """And lets it in again once it has ended, however it ended."""
    folder, index = corpus(_FILES), tmp_path / "index"
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(index, held, done))
    other.start()
    assert held.wait(60)

    with pytest.raises(IndexBusyError, match="another process is writing"):
        _build(folder, index)
    other.kill()
    other.join()

    assert 4 == _build(folder, index)[0].passages


class _Stumbling(HashingEmbedder):
    """Fails in the middle of a build."""

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Never gives anything."""
        raise KeyboardInterrupt


def test_an_interrupted_build_leaves_the_index_as_it_was(corpus: Corpus, place: Place) -> None:
    """People press Ctrl-C."""
    folder, index = corpus(_FILES), place
    _build(folder, index)
    before = _texts(index)
    corpus({"d.txt": "The car is gone."})

    with pytest.raises(KeyboardInterrupt):
        update_index(folder, index, _Stumbling())
    assert before == _texts(index)
    assert ["The car is gone."] == _build(folder, index)[1]


def test_an_open_index_outlives_its_folder(corpus: Corpus, tmp_path: Path) -> None:
    """The bot goes on answering while `dateline index` runs."""
    folder, index = corpus(_FILES), tmp_path / "index"
    _build(folder, index)
    opened = FolderIndex.open(index)
    before = _answers(index)
    corpus({"a.txt": "Nothing.", "b.txt": "Nothing at all."})
    _build(folder, index)
    shutil.rmtree(index)

    assert before == [pool_of(opened, question) for question in _QUESTIONS]


def test_opening_while_a_writer_replaces_it_gives_the_old_or_the_new(
    corpus: Corpus, tmp_path: Path
) -> None:
    """Never a mixture and never an error."""
    folder, index = corpus({"a.txt": "Version 0."}), tmp_path / "index"
    _build(folder, index)
    program = (
        "import sys; from pathlib import Path; from retrieval.index.building import build\n"
        "from tests.fakes.hashing_embedder import HashingEmbedder\n"
        "for number in range(1, 9):\n"
        "    Path(sys.argv[1], 'a.txt').write_text(f'Version {number * \"I\"}.')\n"
        "    build(Path(sys.argv[1]), Path(sys.argv[2]), HashingEmbedder())"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, folder, index], cwd=Path(__file__).parents[2]
    )
    seen = []
    while writer.poll() is None:
        seen.append(_texts(index))

    assert 0 == writer.returncode
    assert {1} == {len(texts) for texts in seen}
    assert [("a", "Version IIIIIIII.")] == _texts(index)


def test_an_index_that_is_current_is_not_written_again(corpus: Corpus, tmp_path: Path) -> None:
    """A run that finds nothing new costs the disk nothing."""
    folder, index = corpus(_FILES), tmp_path / "index"
    _build(folder, index)
    before = (index / "manifest.json").stat().st_mtime_ns
    changes, _ = _build(folder, index)

    assert ((), (), (), 3) == (changes.added, changes.changed, changes.removed, changes.unchanged)
    assert before == (index / "manifest.json").stat().st_mtime_ns


def test_a_file_that_could_not_be_read_is_tried_again(corpus: Corpus, tmp_path: Path) -> None:
    """Whoever mends its rights changes neither its size nor its time."""
    folder, index = corpus(_FILES), tmp_path / "index"
    program = (
        "import sys; from pathlib import Path; from retrieval.index.building import build\n"
        "from tests.fakes.hashing_embedder import HashingEmbedder\n"
        "changes = build(Path(sys.argv[1]), Path(sys.argv[2]), HashingEmbedder())\n"
        "sys.exit('; '.join(map(str, changes.refused)))"
    )
    (folder / "a.txt").chmod(0)
    closed = subprocess.run(
        [sys.executable, "-c", program, folder, index],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=Path(__file__).parents[2],
        preexec_fn=without_root_rights,
        check=False,
    )
    (folder / "a.txt").chmod(0o644)
    assert closed.stderr.startswith("a.txt: cannot be read (Permission denied)"), closed

    current = is_current(folder, read_manifest(index))
    changes, _ = _build(folder, index)

    assert not current
    assert ("a",) == changes.added


def test_progress_is_reported_to_its_end(corpus: Corpus, tmp_path: Path) -> None:
    """A bar that stops at 90 % looks like a crash."""
    heard: list[tuple[str, int, int]] = []
    build(
        corpus(_FILES),
        tmp_path / "index",
        HashingEmbedder(),
        report=lambda step, done, total: heard.append((step, done, total)),
    )

    assert ("Reading articles", 3, 3) in heard
    assert ("Embedding passages", 4, 4) == heard[-1]


def test_freshness_notices_every_kind_of_change(corpus: Corpus, tmp_path: Path) -> None:
    """Opening the engine asks only this before it decides to build."""
    folder, index = corpus(_FILES), tmp_path / "index"
    _build(folder, index)
    manifest = read_manifest(index)
    fresh = is_current(folder, manifest)
    corpus({"d.txt": "New."})
    new = is_current(folder, manifest)
    (folder / "d.txt").unlink()
    corpus({"a.txt": "Kim rode in a bus. It was new.\n\nPutin gave it.\n"})
    os.utime(folder / "a.txt", ns=(1, 1))
    changed = is_current(folder, manifest)

    assert (True, False, False) == (fresh, new, changed)

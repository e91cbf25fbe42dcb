"""Watching: what changes is in the index within seconds, and nothing is there by halves."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from retrieval.articles import CorpusFile
from retrieval.errors import CorpusError, IndexBusyError, RetrievalError
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.types import Places
from retrieval.watching import watch
from tests.fakes.hashing_embedder import HashingEmbedder


class _Watched:
    """A corpus that is watched in a thread of its own, and an index that follows it."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder / "corpus", folder / "index")
        self.places.corpus.mkdir()
        self.failed: list[RetrievalError] = []
        self.seen: list[dict[str, str]] = []
        """What the index held after each time that it took something up."""
        self.refuse = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """Done while something is taken up."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        build(self.places.corpus, self.places.index_folder, HashingEmbedder())
        self.seen.append(self.held())
        self._thread.start()
        time.sleep(0.3)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def write(self, name: str, text: str) -> None:
        (self.places.corpus / name).write_text(text, encoding="utf-8")

    def held(self) -> dict[str, str]:
        index = FolderIndex.open(self.places.index_folder)
        return {article.article_id: article.text for article in index.articles}

    def until(self, done: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, (self.seen[-1:], self.failed)
            time.sleep(0.05)

    def until_held(self, done: Callable[[dict[str, str]], bool]) -> None:
        """Waits for what was taken up, not for what is being taken up."""
        self.until(lambda: bool(self.seen) and done(self.seen[-1]))

    def _run(self) -> None:
        watch(self.places, self._take_up, self._stop, self.failed.append)

    def _take_up(self, files: list[CorpusFile]) -> None:
        if self.refuse:
            self.refuse -= 1
            raise IndexBusyError("another process is writing")
        build(self.places.corpus, self.places.index_folder, HashingEmbedder(), files=files)
        self.seen.append(self.held())
        self.meanwhile()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[_Watched]:
    """Not yet started, so that a test can put articles there first."""
    corpus = _Watched(tmp_path)
    yield corpus
    corpus.stop()


def test_new_changed_and_deleted_files_are_taken_up(watched: _Watched) -> None:
    """Within seconds, in folders made meanwhile too."""
    watched.write("a.txt", "The tram opened.")
    watched.write("b.txt", "Rain fell.")
    watched.start()
    watched.write("a.txt", "The tram closed.")
    (watched.places.corpus / "b.txt").unlink()
    (watched.places.corpus / "new").mkdir()
    watched.write("new/c.txt", "Snow fell.")
    watched.until_held({"a": "The tram closed.", "new/c": "Snow fell."}.__eq__)

    watched.write("new/d.txt", "Ice melted.")
    watched.until_held(lambda held: "new/d" in held)
    assert [] == watched.failed


def test_a_file_that_is_being_copied_is_taken_up_when_it_is_whole(watched: _Watched) -> None:
    """Half an article would be quoted as if it were all of it."""
    watched.start()
    with (watched.places.corpus / "a.txt").open("w", encoding="utf-8") as file:
        for number in range(12):
            file.write(f"Line {number}.\n\n")
            file.flush()
            time.sleep(0.2)
    watched.until_held(lambda held: "a" in held)

    assert {12} == {held["a"].count("Line") for held in watched.seen if "a" in held}


def test_others_do_not_wait_for_a_file_that_never_rests(watched: _Watched) -> None:
    """Some feeds append to one file all day."""
    watched.write("log.txt", "Line 0.")
    watched.start()
    stop = threading.Event()
    written = [time.monotonic()]

    def grow() -> None:
        while not stop.wait(0.1):
            written.append(time.monotonic())
            watched.write("log.txt", "Line. " * len(written))

    growing = threading.Thread(target=grow)
    growing.start()
    watched.write("b.txt", "Rain fell.")
    try:
        watched.until_held(lambda held: "b" in held)
        logs = {held["log"] for held in watched.seen}
    finally:
        stop.set()
        growing.join()

    rested = any(after - before > 0.4 for before, after in pairwise(written))  # a busy machine
    assert {"Line 0."} == logs or rested
    watched.until_held(lambda held: held["log"] != "Line 0.")


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_file_that_an_editor_replaces_is_never_gone(watched: _Watched, seconds: float) -> None:
    """Editors move the old file away, write a new one, and remove the old."""
    watched.write("a.txt", "Version 1.")
    watched.start()
    path = watched.places.corpus / "a.txt"
    for number in range(2, 5):
        path.rename(path.with_name("a.txt~"))
        (path.parent / ".a.txt.swp").write_text("binary")
        time.sleep(seconds)
        watched.write("a.txt", f"Version {number}.")
        path.with_name("a.txt~").unlink()
        (path.parent / ".a.txt.swp").unlink()
        watched.until_held({"a": f"Version {number}."}.__eq__)

    assert all(held.keys() == {"a"} for held in watched.seen)


def test_a_corpus_that_is_gone_for_a_while_is_said_once_and_followed_again(
    watched: _Watched,
) -> None:
    """Drives are unmounted and mounted again; what was indexed stays until then."""
    watched.write("a.txt", "The tram opened.")
    watched.start()
    away = watched.places.corpus.with_name("away")
    watched.places.corpus.rename(away)
    watched.until(lambda: bool(watched.failed))
    time.sleep(2.5)
    meanwhile = watched.held()
    watched.places.corpus.mkdir()
    watched.write("b.txt", "Rain fell.")
    watched.until_held({"b": "Rain fell."}.__eq__)
    watched.write("c.txt", "Snow fell.")
    watched.until_held(lambda held: "c" in held)

    assert {"a": "The tram opened."} == meanwhile
    assert [CorpusError] == [type(error) for error in watched.failed]


def test_what_comes_while_a_new_corpus_is_taken_up_is_taken_up_next(watched: _Watched) -> None:
    """The new folder is listened to before it is looked at; else this waits for a minute."""
    watched.start()
    watched.places.corpus.rename(watched.places.corpus.with_name("away"))
    watched.until(lambda: bool(watched.failed))
    watched.meanwhile = lambda: watched.write("b.txt", "Rain fell.")
    watched.places.corpus.mkdir()
    watched.write("a.txt", "The tram opened.")
    watched.until_held(lambda held: {"a", "b"} == held.keys())


def test_what_could_not_be_taken_up_is_tried_again(watched: _Watched) -> None:
    """Another process may just be writing the index."""
    watched.start()
    watched.refuse = 2
    watched.write("a.txt", "The tram opened.")
    watched.until_held(lambda held: "a" in held)

    assert [IndexBusyError] == [type(error) for error in watched.failed]


def test_what_changed_before_the_watch_began_is_taken_up(watched: _Watched) -> None:
    """Between indexing and watching, time passes."""
    build(watched.places.corpus, watched.places.index_folder, HashingEmbedder())
    watched.write("a.txt", "The tram opened.")
    watched._thread.start()
    watched.until_held(lambda held: "a" in held)

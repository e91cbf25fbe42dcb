"""kill -9 while the index is written: it stays the old one or becomes the new one, whole."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retrieval.errors import IndexNotBuiltError
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.index.storage import read_manifest
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.program import DATELINE, REPOSITORY, environment

OLD = {f"a{number}": f"The old report number {number} is about a river." for number in range(6)}
NEW = {
    **{key: text for key, text in OLD.items() if key != "a0"},
    "a1": "The new report number 1 is about a bridge.",
    "b1": "Another new report is about a tower.",
}
# Builds with a fake embedder, so that what is timed is the writing, and dies by SIGKILL at the
# n-th touch of the index folder: opening, making, renaming or removing something in it.
DYING_BUILD = """
import os, signal, sys
from pathlib import Path
from retrieval.index import building
from retrieval.index.building import build
from tests.fakes.hashing_embedder import HashingEmbedder

if len(sys.argv) > 4:  # in steps of two passages, each noted
    building._BATCH, building._REMEMBER_S = 2, 0
corpus, index, moment = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
touched = 0

def watch(event, arguments):
    global touched
    if event in ("open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.rmtree"):
        if any(str(index) in str(argument) for argument in arguments):
            touched += 1
            if touched == moment:
                os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
build(corpus, index, HashingEmbedder())
print(touched)
"""


def write(corpus: Path, articles: dict[str, str]) -> None:
    """Makes the corpus hold these articles and no others."""
    corpus.mkdir(exist_ok=True)
    for path in corpus.glob("*.txt"):
        path.unlink()
    for name, text in articles.items():
        (corpus / f"{name}.txt").write_text(text, encoding="utf-8")


def build_and_die(
    corpus: Path, index: Path, moment: int, *steps: str
) -> subprocess.CompletedProcess[str]:
    """Builds the index in another process, which dies at that moment; at 0 it does not."""
    return subprocess.run(
        [sys.executable, "-c", DYING_BUILD, corpus, index, str(moment), *steps],
        capture_output=True,
        encoding="utf-8",
        cwd=REPOSITORY,
        check=False,
    )


def held(index: Path) -> dict[str, str]:
    """What an index answers from, once it has been opened and every digest compared."""
    opened = FolderIndex.open(index)
    return {article.article_id: article.text for article in opened.articles}


def test_a_killed_update_leaves_the_old_index_or_the_new_one(tmp_path: Path) -> None:
    """Twenty moments, spread over everything an update touches on disk."""
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    write(corpus, OLD)
    assert 0 == build_and_die(corpus, index, 0).returncode
    write(corpus, NEW)
    trial = tmp_path / "trial"
    shutil.copytree(index, trial)
    touches = int(build_and_die(corpus, trial, 0).stdout)
    assert touches >= 20
    seen = []
    for number in range(20):
        moment = 1 + number * (touches - 1) // 19
        state = tmp_path / f"killed-{number}"
        shutil.copytree(index, state)
        killed = build_and_die(corpus, state, moment)
        assert -signal.SIGKILL == killed.returncode, killed.stderr
        seen.append(held(state))
        # And the next run goes on from there.
        build(corpus, state, HashingEmbedder())
        assert held(state) == NEW
        named = {segment.name for segment in read_manifest(state).segments}
        assert named == {path.name for path in state.glob("segment-*")}

    assert all(state in (OLD, NEW) for state in seen)
    assert OLD in seen
    assert NEW in seen


def test_a_killed_first_build_is_gone_on_with(tmp_path: Path) -> None:
    """Whatever had been embedded and noted is not embedded again, and the index is whole."""
    corpus = tmp_path / "corpus"
    write(corpus, {f"a{number:02}": f"Report number {number}." for number in range(12)})
    whole = tmp_path / "whole"
    touches = int(build_and_die(corpus, whole, 0, "steps").stdout)
    embedded = []
    for number in range(8):
        state = tmp_path / f"killed-{number}"
        moment = touches * (number + 1) // 9
        assert -signal.SIGKILL == build_and_die(corpus, state, moment, "steps").returncode
        rest = HashingEmbedder()
        build(corpus, state, rest)
        embedded.append(len(rest.embedded))
        assert held(state) == held(whole)

    assert 12 == embedded[0]
    assert embedded == sorted(embedded, reverse=True)
    assert embedded[-1] == 0


@pytest.mark.parametrize("delay_s", [0.5, 3.0, 6.0])
def test_a_killed_first_build_of_the_real_program_leaves_none_or_all(
    tmp_path: Path, delay_s: float
) -> None:
    """The installed command, the real model, and a clock."""
    index = tmp_path / "index"
    process = subprocess.Popen(
        [DATELINE, "index", "--index", index],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(tmp_path),
    )
    time.sleep(delay_s)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait(30)

    try:
        assert 2 == len(held(index))
    except IndexNotBuiltError:
        assert not (index / "manifest.json").exists()

"""What Milvus does not do is said in a sentence, and leaves nothing open."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval.errors import IndexBusyError, IndexFolderError
from retrieval.index.milvus.connection import Connection
from retrieval.index.milvus.store import Store
from retrieval.places import MilvusPlace
from tests.conftest import Corpus
from tests.retrieval.making import FEW_FILES, open_index, pool_of, update_index


def test_a_milvus_that_is_not_there_is_said_in_a_sentence() -> None:
    """With what to look at."""
    place = MilvusPlace("http://127.0.0.1:1", token="secret")  # noqa: S106
    with pytest.raises(
        IndexFolderError, match=r"Milvus at http://127.0.0.1:1/.*see that"
    ) as caught:
        Store(place)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops a process there")
def test_a_milvus_that_does_not_answer_in_time_is_said(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits in Discord is told, and may ask again."""
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.retrieval.making import milvus_server\n"
        "with milvus_server(Path(sys.argv[1])) as place:\n"
        "    print(place.uri, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, tmp_path / "served"],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        place = MilvusPlace(server.stdout.readline().strip(), "news")
        update_index(corpus(FEW_FILES), place)
        index = open_index(place)
        call = Connection.call

        def hurried(connection: Connection, verb: str, *rest: object, **named: object) -> object:
            return call(connection, verb, *rest, **{**named, "timeout": 0.2})  # type: ignore[arg-type]

        server.send_signal(signal.SIGSTOP)
        try:
            monkeypatch.setattr(Connection, "call", hurried)
            with pytest.raises(
                IndexFolderError, match=r"Milvus at .* does not do what it is asked"
            ):
                pool_of(index, "car")
            monkeypatch.undo()
        finally:
            server.send_signal(signal.SIGCONT)
        found = pool_of(index, "car")
        server.communicate()

    assert found


def test_a_missing_library_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not come with a plain installation."""
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(IndexFolderError, match=r"pip install 'dateline\[milvus\]'"):
        Store(MilvusPlace("http://127.0.0.1:1"))


def test_a_file_that_another_process_has_open_is_busy(milvus: MilvusPlace) -> None:
    """Milvus-lite is for one process at a time."""
    program = (
        "import sys; from pymilvus import MilvusClient\n"
        "client = MilvusClient(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, milvus.uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert "open\n" == other.stdout.readline()
        with pytest.raises(IndexBusyError, match="another process has it open"):
            Store(milvus)
        other.communicate("")


def test_a_connection_that_fails_at_once_leaves_no_file_open(
    milvus: MilvusPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else no other process could open it until this one ends."""

    def refused(connection: Connection, verb: str, *rest: object, **named: object) -> object:
        raise IndexFolderError(verb)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "call", refused)
        with pytest.raises(IndexFolderError, match="get_server_version"):
            Store(milvus)

    program = "import sys; from pymilvus import MilvusClient; MilvusClient(sys.argv[1])"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, milvus.uri], check=True)


def test_a_file_stays_open_for_whoever_opens_it_while_another_closes_it(
    milvus: MilvusPlace,
) -> None:
    """A question is answered while an update ends; it fails within a few turns if not."""

    def use(_: int) -> bool:
        connection = Connection(milvus)
        try:
            return connection.exists("none")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert [False] * 24 == list(threads.map(use, range(24)))

"""Where an index is (a folder, Milvus), and engines on a few texts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retrieval.engine import Engine
from retrieval.index.milvus.store import Store
from retrieval.places import MilvusPlace
from retrieval.reader.span import SpanReader
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import Place, make_index, milvus_file


@pytest.fixture(params=["folder", "milvus"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for an index, of each kind."""
    if request.param == "folder":
        yield tmp_path / "index"
        return
    with milvus_file(tmp_path / "index.db") as found:
        yield found


@pytest.fixture
def milvus(tmp_path: Path) -> Iterator[MilvusPlace]:
    """A place for an index in Milvus."""
    with milvus_file(tmp_path / "index.db") as found:
        yield found


@pytest.fixture
def store(milvus: MilvusPlace) -> Iterator[Store]:
    """A connection to an empty Milvus."""
    opened = Store(milvus)
    yield opened
    opened.close()


@pytest.fixture
def small(tmp_path: Path, reader: SpanReader) -> Callable[[dict[str, str]], Engine]:
    """A factory of engines on a few invented texts, without an embedding model."""

    def make(texts: dict[str, str]) -> Engine:
        return Engine(make_index(tmp_path, texts), HashingEmbedder(), reader)

    return make

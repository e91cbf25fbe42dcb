"""Where an index is: in a folder, and in Milvus."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.index.milvus.store import Store
from retrieval.places import MilvusPlace
from tests.retrieval.making import Place, milvus_file


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

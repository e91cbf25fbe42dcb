"""Dateline's retrieval: dense search and BM25, fused. It reads and splits the articles itself."""

from pathlib import Path

from retrieval.candidates import retrieve
from retrieval.embedder import embedder_for
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.model import find_model
from retrieval.types import Filters


class Tool:
    """The index in a folder, searched as the engine searches it."""

    def __init__(self, model: str) -> None:
        self._embedder = embedder_for(find_model())
        self._embedder.load()
        self._index: FolderIndex | None = None

    def build(self, folder: Path, passages: list[tuple[str, str]]) -> None:
        """Indexes the articles that the passages are from; they lie beside the indexes."""
        build(folder.parent / "corpus", folder, self._embedder)

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._index = FolderIndex.open(folder)

    def search(self, question: str, k: int) -> list[str]:
        """The best passages."""
        assert self._index is not None
        found = retrieve(self._index, self._embedder, question, Filters())
        return [candidate.passage.passage_id for candidate in found.candidates[:k]]

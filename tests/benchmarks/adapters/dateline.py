"""Dateline's retrieval: dense search and BM25, fused. It reads and splits the articles itself."""

from pathlib import Path
from typing import Any

from retrieval.candidates import retrieve
from retrieval.embedder import Embedder, embedder_for, no_progress
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

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the articles that the passages are from; they lie beside the indexes."""
        embedder: Any = self._embedder
        if vectors is not None:
            embedder = _Ready(embedder, [text for _, text in passages], vectors)
        build(folder.parent / "corpus", folder, embedder)

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._index = FolderIndex.open(folder)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        assert self._index is not None
        found = retrieve(self._index, self._embedder, question, Filters(), k)
        passages = [candidate.passage for candidate in found.candidates]
        return [(passage.passage_id, passage.text) for passage in passages]


class _Ready:
    """An embedder that looks up what is embedded already."""

    def __init__(self, embedder: Embedder, texts: list[str], vectors: Any) -> None:
        self.model, self.dimensions, self.load = embedder.model, embedder.dimensions, embedder.load
        self._vectors = vectors
        self._rows = {text: row for row, text in enumerate(texts)}

    def embed_passages(self, texts: list[str], progress: Any = no_progress) -> Any:
        progress(len(texts), len(texts))
        return self._vectors[[self._rows[text] for text in texts]]

"""txtai with content, as in its introduction: the texts lie in SQLite, the vectors in Faiss."""

from pathlib import Path
from typing import Any

from txtai import Embeddings


class Tool:
    """An embeddings database."""

    def __init__(self, model: str, **settings: Any) -> None:
        self._embeddings = Embeddings(path=model, content=True, **settings)

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the passages."""
        if vectors is not None:
            raise NotImplementedError("txtai takes no ready embeddings beside texts")
        self._embeddings.index(passages)
        self._embeddings.save(str(folder))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._embeddings.load(str(folder))

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        return [(found["id"], found["text"]) for found in self._embeddings.search(question, k)]

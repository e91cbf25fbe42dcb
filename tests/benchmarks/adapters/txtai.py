"""txtai with content, as in its introduction: the texts lie in SQLite, the vectors in Faiss."""

from pathlib import Path

from txtai import Embeddings


class Tool:
    """An embeddings database."""

    def __init__(self, model: str) -> None:
        self._embeddings = Embeddings(path=model, content=True)

    def build(self, folder: Path, passages: list[tuple[str, str]]) -> None:
        """Indexes the passages."""
        self._embeddings.index(passages)
        self._embeddings.save(str(folder))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._embeddings.load(str(folder))

    def search(self, question: str, k: int) -> list[str]:
        """The best passages."""
        return [found["id"] for found in self._embeddings.search(question, k)]

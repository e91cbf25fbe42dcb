"""txtai with content, as in its introduction: the texts lie in SQLite, the vectors in Faiss."""

from pathlib import Path
from typing import Any

import numpy as np
from txtai import Embeddings


class Tool:
    """An embeddings database."""

    def __init__(self, model: str, **settings: Any) -> None:
        self._path = {"path": model}
        self._settings = {"content": True, **settings}
        self._embeddings = Embeddings(**self._path, **self._settings)

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the passages."""
        if vectors is None:
            self._embeddings.index(passages)
        else:
            ready = {text: vector for (_, text), vector in zip(passages, vectors, strict=True)}
            external = {
                "method": "external",
                "transform": lambda texts: np.array([ready[text] for text in texts]),
            }
            self._embeddings = Embeddings(**external, **self._settings)
            self._embeddings.index(passages)
            for name in external:
                del self._embeddings.config[name]
            self._embeddings.config |= self._path
        self._embeddings.save(str(folder))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._embeddings.load(str(folder))

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        return [(found["id"], found["text"]) for found in self._embeddings.search(question, k)]

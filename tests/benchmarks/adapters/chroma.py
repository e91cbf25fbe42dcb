"""Chroma in a folder, with its embedding function for sentence-transformers."""

from pathlib import Path
from typing import Any

import chromadb
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

_NAME = "passages"


class Tool:
    """A collection of a persistent client."""

    def __init__(self, model: str) -> None:
        self._embed = self._embedder(model)
        self._collection: Any = None

    def _embedder(self, model: str) -> Any:
        return SentenceTransformerEmbeddingFunction(model_name=model)

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the passages."""
        client = chromadb.PersistentClient(path=str(folder))
        collection = client.create_collection(_NAME, embedding_function=self._embed)
        at_once = client.get_max_batch_size()
        for start in range(0, len(passages), at_once):
            ids, texts = zip(*passages[start : start + at_once], strict=True)
            ready = None if vectors is None else vectors[start : start + at_once]
            collection.add(ids=list(ids), documents=list(texts), embeddings=ready)

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        client = chromadb.PersistentClient(path=str(folder))
        self._collection = client.get_collection(_NAME, embedding_function=self._embed)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        found = self._collection.query(query_texts=[question], n_results=k)
        return list(zip(found["ids"][0], found["documents"][0], strict=True))

"""Chroma in a folder, with its own embedding function for sentence-transformers."""

from pathlib import Path
from typing import Any

import chromadb
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

_NAME = "passages"


class Tool:
    """A collection of a persistent client."""

    def __init__(self, model: str) -> None:
        self._embed = SentenceTransformerEmbeddingFunction(model_name=model)
        self._collection: Any = None

    def build(self, folder: Path, passages: list[tuple[str, str]]) -> None:
        """Indexes the passages."""
        client = chromadb.PersistentClient(path=str(folder))
        collection = client.create_collection(_NAME, embedding_function=self._embed)
        at_once = client.get_max_batch_size()
        for start in range(0, len(passages), at_once):
            ids, texts = zip(*passages[start : start + at_once], strict=True)
            collection.add(ids=list(ids), documents=list(texts))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        client = chromadb.PersistentClient(path=str(folder))
        self._collection = client.get_collection(_NAME, embedding_function=self._embed)

    def search(self, question: str, k: int) -> list[str]:
        """The best passages."""
        found = self._collection.query(query_texts=[question], n_results=k)
        return [str(name) for name in found["ids"][0]]

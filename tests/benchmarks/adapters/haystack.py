"""Haystack with its in-memory store, written to a file: the store that comes with it."""

from pathlib import Path
from typing import Any

from haystack import Document
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)


class Tool:
    """An `InMemoryDocumentStore`, kept as JSON."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._queries = SentenceTransformersTextEmbedder(model=model, progress_bar=False)
        self._queries.warm_up()
        self._retriever: Any = None

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the passages."""
        documents = [Document(id=name, content=text) for name, text in passages]
        if vectors is None:
            embedder = SentenceTransformersDocumentEmbedder(model=self._model, progress_bar=False)
            embedder.warm_up()  # shares the model that is loaded
            documents = embedder.run(documents)["documents"]
        else:
            for document, vector in zip(documents, vectors.tolist(), strict=True):
                document.embedding = vector
        store = InMemoryDocumentStore()
        store.write_documents(documents)
        folder.mkdir(parents=True)
        store.save_to_disk(str(folder / "store.json"))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        store = InMemoryDocumentStore.load_from_disk(str(folder / "store.json"))
        self._retriever = InMemoryEmbeddingRetriever(document_store=store)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        embedding = self._queries.run(question)["embedding"]
        found = self._retriever.run(query_embedding=embedding, top_k=k)["documents"]
        return [(document.id, document.content) for document in found]

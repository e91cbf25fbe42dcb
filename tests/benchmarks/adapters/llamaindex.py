"""LlamaIndex with its own vector store, as in its guide to storing an index."""

from pathlib import Path
from typing import Any

from llama_index.core import StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding


class Tool:
    """A `VectorStoreIndex`, kept as JSON."""

    def __init__(self, model: str) -> None:
        self._embeddings = HuggingFaceEmbedding(model_name=model)
        self._index: Any = None
        self._retrievers: dict[int, Any] = {}

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the passages."""
        nodes = [TextNode(id_=name, text=text) for name, text in passages]
        if vectors is not None:
            for node, vector in zip(nodes, vectors.tolist(), strict=True):
                node.embedding = vector
        index = VectorStoreIndex(nodes, embed_model=self._embeddings)
        index.storage_context.persist(persist_dir=str(folder))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        context = StorageContext.from_defaults(persist_dir=str(folder))
        self._index = load_index_from_storage(context, embed_model=self._embeddings)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        if k not in self._retrievers:
            self._retrievers[k] = self._index.as_retriever(similarity_top_k=k)
        found = self._retrievers[k].retrieve(question)
        return [(each.node.node_id, each.node.get_content()) for each in found]

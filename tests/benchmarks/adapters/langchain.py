"""LangChain with its FAISS store: https://docs.langchain.com/oss/python/integrations/vectorstores."""

from pathlib import Path
from typing import Any

from langchain_community.vectorstores import FAISS
from langchain_huggingface import HuggingFaceEmbeddings


class Tool:
    """A FAISS store with the texts beside it, in a pickle."""

    def __init__(self, model: str) -> None:
        self._embeddings = HuggingFaceEmbeddings(model_name=model)
        self._store: Any = None

    def build(self, folder: Path, passages: list[tuple[str, str]], vectors: Any) -> None:
        """Indexes the passages."""
        ids, texts = (list(each) for each in zip(*passages, strict=True))
        if vectors is None:
            store = FAISS.from_texts(texts, self._embeddings, ids=ids)
        else:
            pairs = list(zip(texts, vectors, strict=True))
            store = FAISS.from_embeddings(pairs, self._embeddings, ids=ids)
        store.save_local(str(folder))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._store = FAISS.load_local(
            str(folder), self._embeddings, allow_dangerous_deserialization=True
        )

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The best passages."""
        found = self._store.similarity_search(question, k=k)
        return [(document.id, document.page_content) for document in found]

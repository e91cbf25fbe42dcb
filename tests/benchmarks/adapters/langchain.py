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

    def build(self, folder: Path, passages: list[tuple[str, str]]) -> None:
        """Indexes the passages."""
        ids, texts = zip(*passages, strict=True)
        store = FAISS.from_texts(list(texts), self._embeddings, ids=list(ids))
        store.save_local(str(folder))

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._store = FAISS.load_local(
            str(folder), self._embeddings, allow_dangerous_deserialization=True
        )

    def search(self, question: str, k: int) -> list[str]:
        """The best passages."""
        return [str(found.id) for found in self._store.similarity_search(question, k=k)]

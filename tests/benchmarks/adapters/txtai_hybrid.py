"""txtai with its hybrid search: embeddings and BM25, half and half."""

from tests.benchmarks.adapters import txtai


class Tool(txtai.Tool):
    """An embeddings database with an index of terms."""

    def __init__(self, model: str) -> None:
        super().__init__(model, hybrid=True)

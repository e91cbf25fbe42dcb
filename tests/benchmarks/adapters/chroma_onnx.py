"""Chroma with the embedding function that it has by default: the same model on ONNX Runtime.

It would fetch the model; `work.export_onnx` has put one of the same weights where it looks first.
"""

from pathlib import Path
from typing import Any

from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

from tests.benchmarks.adapters import chroma


class Tool(chroma.Tool):
    """As `chroma`, but without PyTorch. Every text is padded to 256 tokens."""

    def _embedder(self, model: str) -> Any:
        ONNXMiniLM_L6_V2.DOWNLOAD_PATH = Path(model)
        embed = ONNXMiniLM_L6_V2()
        embed(["It loads when it is first used."])
        return embed

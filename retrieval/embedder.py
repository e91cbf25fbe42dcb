"""Texts → unit vectors."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.errors import ModelError
from retrieval.model import ModelFiles, hub_access

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Embeddings = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""

_BLOCK = 256  # passages between two reports of progress: about 2 s on two cores


def no_progress(done: int, total: int) -> None:
    """Reports to nobody."""


class Embedder(Protocol):
    """What turns questions and passages into embeddings.

    Both verbs give float32 arrays of shape `(len(texts), dimensions)` with rows of unit length,
    in the order of `texts`; no texts give shape `(0, dimensions)`. Both block.
    """

    @property
    def model(self) -> ModelFiles:
        """Which model's weights; embeddings of different ones cannot be compared."""

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions. Longer texts than the model reads are read from their start."""

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages."""


class SentenceTransformerEmbedder:
    """An embedder on `sentence-transformers`, which is imported when it is first needed.

    Safe to share between threads: they take turns, for the tokenizer is not.
    """

    def __init__(self, model: ModelFiles) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._encoder: SentenceTransformer | None = None

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return int(self.load().get_embedding_dimension() or 0)

    def load(self) -> "SentenceTransformer":
        """Imports the libraries and loads the weights, once; several seconds the first time.

        Raises:
            ModelError: the folder does not hold a model that sentence-transformers reads.
        """
        with self._lock:
            if self._encoder is None:
                self._encoder = _load(self.model)
            return self._encoder

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions."""
        return self._embed(texts, no_progress)

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages."""
        return self._embed(texts, progress)

    def _embed(self, texts: Sequence[str], progress: Progress) -> Embeddings:
        encoder = self.load()
        embeddings = np.empty((len(texts), self.dimensions), dtype=np.float32)
        # Alike lengths side by side waste no padding; each block then reports evenly enough.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for start in range(0, len(order), _BLOCK):
            rows = order[start : start + _BLOCK]
            with self._lock:
                embeddings[rows] = encoder.encode(
                    [texts[row] for row in rows],
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
            progress(start + len(rows), len(order))
        return embeddings


def _load(model: ModelFiles) -> "SentenceTransformer":
    with hub_access(allowed=False):
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        transformers_logging.set_verbosity_error()
        try:
            return SentenceTransformer(
                str(model.folder),
                device="cpu",
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # whatever a folder that holds no model sets off
            cause = " ".join(str(error).split())[:200]
            raise ModelError(
                f"the model in {model.folder} cannot be loaded ({cause}); "
                "set DATELINE_MODEL to another, or unset it for the default"
            ) from error

"""An embedder that needs no model: words hashed into a few hundred dimensions."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.embedder import Embeddings, Progress, no_progress
from retrieval.model import ModelFiles
from retrieval.words import stems

DIMENSIONS = 256


def named(name: str) -> ModelFiles:
    """The files of a model that does not exist; each name has its own digest."""
    return ModelFiles(name, Path("nowhere"), hashlib.sha256(name.encode()).hexdigest())


class HashingEmbedder:
    """Deterministic and instant, and texts that share words really are near to each other.

    Attributes:
        model: what it says it is.
        embedded: every passage it was asked to embed, in order.
    """

    def __init__(self, name: str = "hashing") -> None:
        self.model = named(name)
        self.embedded: list[str] = []

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return DIMENSIONS

    def load(self) -> None:
        """Nothing to load."""

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions, shape `(len(texts), DIMENSIONS)`."""
        return np.stack([_embed(stems(text)) for text in texts]) if texts else _none()

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages, shape `(len(texts), DIMENSIONS)`."""
        self.embedded += texts
        progress(len(texts), len(texts))
        return self.embed_queries(texts)


def _none() -> Embeddings:
    return np.empty((0, DIMENSIONS), dtype=np.float32)


def _embed(words: Sequence[str]) -> Embeddings:
    """The unit vector of a bag of words; the same one for every empty bag."""
    counts = np.zeros(DIMENSIONS, dtype=np.float32)
    for word in words or ["\0"]:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        counts[int.from_bytes(digest, "big") % DIMENSIONS] += 1
    return counts / np.linalg.norm(counts)

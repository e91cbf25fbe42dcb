"""Texts → unit vectors."""

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from retrieval import bert
from retrieval.errors import ModelError
from retrieval.model import ModelFiles, hub_access

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Embeddings = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""

_BLOCK = 256  # passages between two reports of progress: about 2 s on two cores
_BATCH_TOKENS = 512  # run at once, padding included: what a core keeps near


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

    def load(self) -> object:
        """Gets ready, once; done by itself where it was not done before.

        Raises:
            ModelError: the model cannot be loaded.
        """

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions. Longer texts than the model reads are read from their start."""

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages."""


def embedder_for(model: ModelFiles) -> Embedder:
    """What embeds with this model: our own runner where the model fits it, as the default does.

    Nothing is loaded yet.
    """
    if bert.fits(model.folder) and _is_mean_of_words(model.folder):
        return BertEmbedder(model, int8=model.is_default)
    return SentenceTransformerEmbedder(model)


class BertEmbedder:
    """An embedder on a BERT as small as the default model; it starts in a moment, without torch.

    An embedding is the mean of the token vectors, at unit length. Safe to share between threads.
    """

    def __init__(self, model: ModelFiles, *, int8: bool) -> None:
        """Args: int8: compute in whole numbers of 8 bits, in 0.6 of the time of float32."""
        self.model = model
        self._graph = bert.INT8 if int8 else bert.FLOAT
        self._lock = threading.Lock()
        self._parts: tuple[bert.Bert, Tokenizer] | None = None
        # A core to itself for each batch: 0.9 of the time of all cores for one after another.
        self._hands = ThreadPoolExecutor(os.cpu_count(), "embedding")

    def load(self) -> None:
        """Loads the weights, once; half a second.

        Raises:
            ModelError: the folder does not hold such a model.
        """
        self._loaded()

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return bert.WIDTH

    def _loaded(self) -> tuple[bert.Bert, Tokenizer]:
        with self._lock:
            if self._parts is None:
                try:
                    self._parts = self._load()
                except Exception as error:  # the tokenizers library raises nothing narrower
                    raise _no_model(self.model, error) from error
            return self._parts

    def _load(self) -> tuple[bert.Bert, Tokenizer]:
        folder = self.model.folder
        settings = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))
        tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokens.enable_truncation(int(settings["max_seq_length"]))
        tokens.no_padding()
        return bert.Bert(bert.read_weights(folder), self._graph, threads=1), tokens

    def embed_queries(self, texts: Sequence[str]) -> Embeddings:
        """Embeddings of questions, here and now, whatever passages are waiting."""
        network, tokenizer = self._loaded()
        means = [_mean(network, [tokenizer.encode(text).ids]) for text in texts]
        return np.concatenate([np.empty((0, self.dimensions), dtype=np.float32), *means])

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Embeddings of passages."""
        network, tokenizer = self._loaded()
        embeddings = np.empty((len(texts), self.dimensions), dtype=np.float32)
        # Alike lengths side by side waste no padding; the longest first, for an honest estimate.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for start in range(0, len(order), _BLOCK):
            rows = order[start : start + _BLOCK]
            tokens = [found.ids for found in tokenizer.encode_batch([texts[n] for n in rows])]
            batches = _batches(tokens)
            means = self._hands.map(
                lambda batch, t=tokens: _mean(network, [t[n] for n in batch]), batches
            )
            for batch, found in zip(batches, means, strict=True):
                embeddings[[rows[n] for n in batch]] = found
            progress(start + len(rows), len(order))
        return embeddings


def _batches(tokens: Sequence[Sequence[int]]) -> list[list[int]]:
    """The numbers of texts, those of alike lengths side by side, the longest first."""
    by_length = sorted(range(len(tokens)), key=lambda n: len(tokens[n]))
    batches = []
    while by_length:
        batches.append(by_length[-max(1, _BATCH_TOKENS // len(tokens[by_length[-1]])) :])
        del by_length[-len(batches[-1]) :]
    return batches


def _mean(network: bert.Bert, tokens: Sequence[Sequence[int]]) -> Embeddings:
    """The means of the texts' token vectors, at unit length."""
    ids, mask = bert.padded(tokens)
    words = network(ids, np.zeros_like(ids), mask)
    sums = np.einsum("btw,bt->bw", words, mask.astype(np.float32))
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))


def _is_mean_of_words(folder: Path) -> bool:
    """Whether the model in a folder takes the mean of its token vectors, at unit length."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        kinds = [module["type"].rpartition(".")[2] for module in modules]
        pooling = json.loads((folder / modules[1]["path"] / "config.json").read_text("utf-8"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    modes = {name for name, on in pooling.items() if name.startswith("pooling_mode_") and on}
    mean = modes == {"pooling_mode_mean_tokens"}
    return mean and kinds == ["Transformer", "Pooling", "Normalize"]


def _no_model(model: ModelFiles, error: Exception) -> ModelError:
    cause = " ".join(str(error).split())[:200]
    return ModelError(
        f"the model in {model.folder} cannot be loaded ({cause}); "
        "set DATELINE_MODEL to another, or unset it for the default"
    )


class SentenceTransformerEmbedder:
    """An embedder of any model, on `sentence-transformers`, imported when it is first needed.

    Safe to share between threads: they take turns, for the tokenizer is not.
    """

    def __init__(self, model: ModelFiles) -> None:
        if sys.platform == "darwin":
            import torch  # noqa: F401  before faiss: the other order can crash (two OpenMPs)
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
            raise _no_model(model, error) from error

"""A small BERT, run by ONNX Runtime: token ids → a vector for each token.

It is ready in a fifth of a second, where importing torch alone takes seconds, and answers the same.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from safetensors import safe_open

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Weights = Mapping[str, Vectors]
"""Of a BERT, by the names that Hugging Face gives them."""

LAYERS, HEADS, WIDTH, _INNER = 6, 12, 384, 1536
WORDS = "embeddings.word_embeddings.weight"
GRAPHS = {
    int8: Path(__file__).with_name(name)
    for int8, name in ((False, "bert.onnx"), (True, "bert-int8.onnx"))
}
"""What is computed, without weights; by whether it is computed in whole numbers."""
# Of a matrix in whole numbers. 127 would overflow where a processor adds two products in 16 bits.
_LARGEST = 63
_SHAPE = {
    "model_type": "bert",
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": WIDTH,
    "intermediate_size": _INNER,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "position_embedding_type": "absolute",
}


def fits(folder: Path) -> bool:
    """Whether the model in a folder is a BERT of the size that is run here."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return all(config.get(name) == value for name, value in _SHAPE.items())
    except (OSError, ValueError, AttributeError):
        return False


def read_weights(folder: Path) -> dict[str, Vectors]:
    """The weights of the model in a folder.

    Raises:
        OSError, ValueError: they cannot be read.
    """
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        names = [name for name in file.keys() if name != WORDS]  # noqa: SIM118
        return {name: file.get_tensor(name) for name in names} | {WORDS: word_embeddings(folder)}


@functools.lru_cache(maxsize=1)
def word_embeddings(folder: Path) -> Vectors:
    """The word embeddings of the model in a folder, float32 (words, width), kept for the next call.

    Raises:
        OSError, ValueError: they cannot be read.
    """
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        return _exact(file.get_tensor(WORDS))


class Bert:
    """An encoder with its weights. Safe to share between threads."""

    def __init__(self, weights: Weights, *, int8: bool = False) -> None:
        """Prepares the weights; blocks.

        Args:
            weights: of such a BERT.
            int8: compute in whole numbers of 8 bits: faster, and a little less exact.

        Raises:
            KeyError, ValueError: they are not those of such a BERT.
        """
        self._words = _exact(weights[WORDS])
        self._positions = _exact(weights["embeddings.position_embeddings.weight"])
        self._types = _exact(weights["embeddings.token_type_embeddings.weight"])
        given = _arranged(weights)
        if int8:
            _quantise(given)
        wanted = expected(int8=int8)
        if wrong := [name for name, kind in wanted.items() if _kind(given[name]) != kind]:
            raise ValueError(f"weights of another size: {', '.join(wrong)}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Waiting threads that spin would take the other core from whoever needs it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_external_initializers(
            list(given), [onnxruntime.OrtValue.ortvalue_from_numpy(w) for w in given.values()]
        )
        self._session = onnxruntime.InferenceSession(
            GRAPHS[int8].read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, ids: Ids, types: Ids, mask: Ids) -> Vectors:
        """The last layer, float32 (texts, tokens, width).

        Args:
            ids: int64 (texts, tokens); at most 512 tokens.
            types: 0 or 1 for each.
            mask: 0 for padding, else 1.
        """
        embedded = self._words[ids] + self._types[types] + self._positions[: ids.shape[1]]
        (hidden,) = self._session.run(
            ["hidden"], {"embedded": embedded, "mask": mask.astype(np.int32)}
        )
        return hidden  # type: ignore[no-any-return]


def padded(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Rows of token ids side by side, and their mask; both int64 (rows, longest row)."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for n, row in enumerate(rows):
        ids[n, : len(row)] = row
        mask[n, : len(row)] = 1
    return ids, mask


def expected(*, int8: bool) -> dict[str, tuple[tuple[int, ...], str]]:
    """What a graph wants to be given, by name: the shape and the dtype of each."""
    shapes: dict[str, tuple[int, ...]] = {"norm": (WIDTH,), "norm.bias": (WIDTH,)}
    for n in range(LAYERS):
        shapes |= {
            f"{n}.attend": (WIDTH, 3 * WIDTH),  # queries, keys and values
            f"{n}.attend.bias": (3 * WIDTH,),
            f"{n}.merge": (WIDTH, WIDTH),
            f"{n}.in": (WIDTH, _INNER),
            f"{n}.in.bias": (_INNER,),
            f"{n}.out": (_INNER, WIDTH),
        }
        for name in (f"{n}.merge", f"{n}.out"):
            shapes |= {f"{name}{end}": (WIDTH,) for end in (".bias", ".norm", ".norm.bias")}
    found = {name: (shape, "float32") for name, shape in shapes.items()}
    if int8:
        for name in _quantised():
            shape, _ = found[name]
            found |= {name: (shape, "int8"), f"{name}.scale": (shape[1:], "float32")}
    return found


def _quantised() -> list[str]:
    return [f"{n}.{name}" for n in range(LAYERS) for name in ("attend", "merge", "in")]


def _quantise(given: dict[str, Any]) -> None:
    """Puts int8 in the place of some matrices, and beside each the scale of its columns."""
    for name in _quantised():
        largest = np.abs(given[name]).max(axis=0)
        scale = np.where(largest > 0, largest, 1).astype(np.float32) / _LARGEST
        given[f"{name}.scale"] = scale
        given[name] = np.rint(given[name] / scale).astype(np.int8)


def _kind(weight: npt.NDArray[Any]) -> tuple[tuple[int, ...], str]:
    return weight.shape, weight.dtype.name


def _arranged(weights: Weights) -> dict[str, Vectors]:
    """The weights as the graph wants them: matrices the other way round, three of them joined."""
    found: dict[str, Vectors] = {}

    def take(name: str, *theirs: str) -> None:
        found[name] = _exact(np.concatenate([weights[f"{t}.weight"] for t in theirs]).T)
        found[f"{name}.bias"] = _exact(np.concatenate([weights[f"{t}.bias"] for t in theirs]))

    take("norm", "embeddings.LayerNorm")
    for n in range(LAYERS):
        layer = f"encoder.layer.{n}"
        parts = (f"{layer}.attention.self.{part}" for part in ("query", "key", "value"))
        take(f"{n}.attend", *parts)
        take(f"{n}.merge", f"{layer}.attention.output.dense")
        take(f"{n}.merge.norm", f"{layer}.attention.output.LayerNorm")
        take(f"{n}.in", f"{layer}.intermediate.dense")
        take(f"{n}.out", f"{layer}.output.dense")
        take(f"{n}.out.norm", f"{layer}.output.LayerNorm")
    return found


def _exact(weights: Vectors) -> Vectors:
    return np.ascontiguousarray(weights, dtype=np.float32)

"""A small BERT, run by ONNX Runtime: token ids → a vector for each token.

It is ready in half a second, where importing torch alone takes seconds, and in float32 it answers
the same.
"""

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Size:
    """What one layer has: attention heads, and channels of its feed-forward part."""

    heads: int = HEADS
    inner: int = _INNER

    @property
    def attended(self) -> int:
        """Channels of all heads together."""
        return self.heads * WIDTH // HEADS


@dataclass(frozen=True, slots=True)
class Graph:
    """What is computed, without weights: the file that tells it, and its form.

    Attributes:
        sizes: of each layer.
        int8: whether it multiplies in whole numbers of 8 bits: faster, and a little less exact. The
            words must be those of all-MiniLM-L6-v2, for a sample shows how loud each channel is.
    """

    path: Path
    sizes: tuple[Size, ...]
    int8: bool


_HERE = Path(__file__).parent
FLOAT = Graph(_HERE / "bert.onnx", (Size(),) * LAYERS, int8=False)
INT8 = Graph(_HERE / "bert-int8.onnx", (Size(),) * LAYERS, int8=True)
# Of a matrix in whole numbers. 127 would overflow where a processor adds two products in 16 bits.
_LARGEST = 63
# Of each feed-forward part, so many channels are computed exactly beside the others: one or two of
# them are four times as loud as any other, and would leave the others a quarter of the 256 steps.
# Dettmers et al. (2022), LLM.int8().
_LOUD = 4
# What goes into a feed-forward part has such a channel too; it is made as quiet as this, and its
# weights so much the louder. Xiao et al. (2023), SmoothQuant.
_QUIET = 8.0
# What is loud, and how loud, is alike in any text, so that one sentence shows it: On 12 March 2024,
# President Anna Petrova said: “The first of 3,500 trams will cost $1.2 million”; her opponents (two
# parties) called it a “waste of money” — but who paid?
# fmt: off
SAMPLE = [
    101, 2006, 2260, 2233, 16798, 2549, 1010, 2343, 4698, 9004, 12298, 2050, 2056, 1024, 1523,
    1996, 2034, 1997, 1017, 1010, 3156, 19216, 2097, 3465, 1002, 1015, 1012, 1016, 2454, 1524,
    1025, 2014, 7892, 1006, 2048, 4243, 1007, 2170, 2009, 1037, 1523, 5949, 1997, 2769, 1524,
    1517, 2021, 2040, 3825, 1029, 102,
]
# fmt: on
_ROOM = 1.1  # times as loud as in the sample anything may be; what is louder is cut off
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

    def __init__(self, weights: Weights, graph: Graph = FLOAT, threads: int | None = None) -> None:
        """Prepares the weights; blocks.

        Args:
            weights: of such a BERT.
            graph: what to compute with them.
            threads: that work on one batch; by default one for each core.

        Raises:
            KeyError, ValueError: they are not those of such a BERT.
        """
        self._words = _exact(weights[WORDS])
        self._positions = _exact(weights["embeddings.position_embeddings.weight"])
        self._types = _exact(weights["embeddings.token_type_embeddings.weight"])
        given = _arranged(weights)
        wanted = expected(replace(graph, int8=False))
        if wrong := [name for name, kind in wanted.items() if _kind(given[name]) != kind]:
            raise ValueError(f"weights of another size: {', '.join(wrong)}")
        if graph.int8:
            sample = np.array([SAMPLE])
            _quantise(given, self._embedded(sample, np.zeros_like(sample))[0])
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        # What ONNX Runtime would fuse beyond what is fused already takes three times as long.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # Waiting threads that spin would take the other core from whoever needs it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_external_initializers(
            list(given), [onnxruntime.OrtValue.ortvalue_from_numpy(w) for w in given.values()]
        )
        self._session = onnxruntime.InferenceSession(
            graph.path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, ids: Ids, types: Ids, mask: Ids) -> Vectors:
        """The last layer, float32 (texts, tokens, width).

        Args:
            ids: int64 (texts, tokens); at most 512 tokens.
            types: 0 or 1 for each.
            mask: 0 for padding, else 1.
        """
        given = {"embedded": self._embedded(ids, types), "mask": mask.astype(np.int32)}
        (hidden,) = self._session.run(["hidden"], given)
        return hidden  # type: ignore[no-any-return]

    def _embedded(self, ids: Ids, types: Ids) -> Vectors:
        return self._words[ids] + self._types[types] + self._positions[: ids.shape[1]]


def padded(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Rows of token ids side by side, and their mask; both int64 (rows, longest row)."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for n, row in enumerate(rows):
        ids[n, : len(row)] = row
        mask[n, : len(row)] = 1
    return ids, mask


def expected(graph: Graph) -> dict[str, tuple[tuple[int, ...], str]]:
    """What a graph wants to be given, by name: the shape and the dtype of each."""
    shapes: dict[str, tuple[int, ...]] = {"norm": (WIDTH,), "norm.bias": (WIDTH,)}
    for n, size in enumerate(graph.sizes):
        shapes |= {
            f"{n}.attend": (WIDTH, 3 * size.attended),  # queries, keys and values
            f"{n}.attend.bias": (3 * size.attended,),
            f"{n}.merge": (size.attended, WIDTH),
            f"{n}.in": (WIDTH, size.inner),
            f"{n}.in.bias": (size.inner,),
            f"{n}.out": (size.inner, WIDTH),
        }
        for name in (f"{n}.merge", f"{n}.out"):
            shapes |= {f"{name}{end}": (WIDTH,) for end in (".bias", ".norm", ".norm.bias")}
    if graph.int8:
        for n in range(LAYERS):
            shapes |= {
                f"{n}.in.norm": (WIDTH,),
                f"{n}.in.norm.bias": (WIDTH,),
                f"{n}.loud.in": (WIDTH, _LOUD),
                f"{n}.loud.in.bias": (_LOUD,),
                f"{n}.loud.out": (_LOUD, WIDTH),
            }
    found = {name: (shape, "float32") for name, shape in shapes.items()}
    if graph.int8:
        for name in _quantised():
            shape, _ = found[name]
            found |= {
                name: (shape, "int8"),
                f"{name}.scale": (shape[1:], "float32"),
                f"{name}.step": ((), "float32"),
                f"{name}.zero": ((), "uint8"),
            }
    return found


def _quantised() -> list[str]:
    return [f"{n}.{name}" for n in range(LAYERS) for name in ("attend", "merge", "in", "out")]


def _quantise(given: dict[str, Any], embedded: Vectors) -> None:
    """Puts int8 in the place of the matrices, and beside each what it takes to multiply by it."""
    for n, inputs in enumerate(_inputs(given, embedded)):
        active = inputs["out"]
        loud = np.argsort(-np.abs(active).max(axis=0))[:_LOUD]
        given[f"{n}.loud.in"] = _exact(given[f"{n}.in"][:, loud])
        given[f"{n}.loud.in.bias"] = given[f"{n}.in.bias"][loud]
        given[f"{n}.loud.out"] = given[f"{n}.out"][loud]
        given[f"{n}.out"][loud] = active[:, loud] = 0
        given[f"{n}.in"][:, loud] = given[f"{n}.in.bias"][loud] = 0
        quieter = np.maximum(np.abs(inputs["in"]).max(axis=0) / _QUIET, 1)
        inputs["in"] = inputs["in"] / quieter
        given[f"{n}.in"] *= quieter[:, None]
        for end in ("", ".bias"):
            given[f"{n}.in.norm{end}"] = given[f"{n}.merge.norm{end}"] / quieter
        for name, seen in inputs.items():
            lowest, highest = min(float(seen.min()), 0), max(float(seen.max()), 0)
            step = (highest - lowest) / 255
            given[f"{n}.{name}.step"] = np.array(_ROOM * step, dtype=np.float32)
            given[f"{n}.{name}.zero"] = np.array(round(-lowest / step), dtype=np.uint8)
    for name in _quantised():
        largest = np.abs(given[name]).max(axis=0)
        scale = np.where(largest > 0, largest, 1).astype(np.float32) / _LARGEST
        given[f"{name}.scale"] = scale
        given[name] = np.rint(given[name] / scale).astype(np.int8)


def _inputs(given: Weights, embedded: Vectors) -> Iterator[dict[str, Vectors]]:
    """What each layer multiplies by its matrices, (tokens, channels) by their names."""

    def normed(hidden: Vectors, name: str) -> Vectors:
        centred = hidden - hidden.mean(axis=1, keepdims=True)
        unit = centred / centred.std(axis=1, keepdims=True)
        return _exact(unit * given[name] + given[f"{name}.bias"])

    def product(left: Vectors, name: str) -> Vectors:
        return left @ given[name] + given[f"{name}.bias"]

    hidden = normed(embedded, "norm")
    for n in range(LAYERS):
        parts = product(hidden, f"{n}.attend").reshape(len(hidden), 3, -1, WIDTH // HEADS)
        queries, keys, values = parts.transpose(1, 2, 0, 3)
        odds = queries @ keys.swapaxes(1, 2) / math.sqrt(keys.shape[2])
        shares = np.exp(odds - odds.max(axis=2, keepdims=True))
        seen = (shares / shares.sum(axis=2, keepdims=True)) @ values
        attended = seen.swapaxes(0, 1).reshape(len(hidden), -1)
        between = normed(hidden + product(attended, f"{n}.merge"), f"{n}.merge.norm")
        expanded = product(between, f"{n}.in")
        # Hendrycks and Gimpel (2016): near enough to the exact one.
        active = expanded / (1 + np.exp(-1.702 * expanded))
        after = normed(between + product(active, f"{n}.out"), f"{n}.out.norm")
        yield {"attend": hidden, "merge": attended, "in": between, "out": active}
        hidden = after


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

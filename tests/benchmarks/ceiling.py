"""What share of the machine indexing reaches: `python -m tests.benchmarks.ceiling --texts seeds`.

Measures the fastest matrix product of each kind of number, how fast memory is copied, and the
embedder between two of them, for another program on the machine slows all. A share is the median
over the rounds. It needs PyTorch and onnx, and keeps its figures in `results/`.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from tokenizers import Tokenizer

from retrieval import bert
from retrieval.articles import read_file, scan
from retrieval.embedder import embedder_for
from retrieval.model import find_model
from retrieval.passages import split
from tests.benchmarks.results import commit, keep, machine

_SIDE = 1_536  # of a matrix: large enough to be as fast as it gets, small enough for the caches
# What multiplies in fewer bits at once; PyTorch does without, but hundreds of times as slowly.
_BFLOAT16 = ("avx512_bf16", "amx_bf16")
_INT8 = ("avx512_vnni", "amx_int8")
_COPIED = 2**28  # bytes: more than any cache holds
_LONGEST = 256  # tokens the model reads at most


def operations(tokens: int) -> int:
    """Additions and multiplications that the model makes of a text of so many tokens.

    >>> operations(1) == 6 * 2 * (4 * 384**2 + 2 * 384 * 1536 + 2 * 384)
    True
    """
    weights = 4 * bert.WIDTH**2 + 2 * bert.WIDTH * 4 * bert.WIDTH  # attention, then both layers
    attention = 2 * tokens * bert.WIDTH  # each token with every other, twice
    return bert.LAYERS * 2 * (weights + attention) * tokens


def products() -> dict[str, Callable[[], object]]:
    """By kind of number and library, a product of two square matrices, if the processor has it."""
    dice = np.random.default_rng(1)
    one, two = dice.standard_normal((2, _SIDE, _SIDE), dtype=np.float32)
    left, right = torch.from_numpy(one), torch.from_numpy(two)
    found: dict[str, Callable[[], object]] = {
        "float32, numpy": lambda: one @ two,
        "float32, torch": lambda: left @ right,
    }
    offered = torch.cpu.get_capabilities()
    if any(map(offered.get, _BFLOAT16)):
        left16, right16 = left.bfloat16(), right.bfloat16()
        found["bfloat16, torch"] = lambda: left16 @ right16
    if any(map(offered.get, _INT8)):
        left8, right8 = (matrix.mul(20).to(torch.int8) for matrix in (left, right))
        found["int8, torch"] = lambda: torch._int_mm(left8, right8)
    return found | {"int8, ONNX Runtime": _product_in_int8(dice)}


def _product_in_int8(dice: np.random.Generator) -> Callable[[], object]:
    """The product that our networks are made of, as fast as ONNX Runtime has it."""
    left = dice.integers(0, 256, (_SIDE, _SIDE), dtype=np.uint8)
    right = dice.integers(-63, 64, (_SIDE, _SIDE), dtype=np.int8)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMulInteger", ["left", "right"], ["product"])],
        "product",
        [onnx.helper.make_tensor_value_info("left", onnx.TensorProto.UINT8, left.shape)],
        [onnx.helper.make_tensor_value_info("product", onnx.TensorProto.INT32, left.shape)],
        [onnx.numpy_helper.from_array(right, "right")],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    written = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(written.SerializeToString())
    return lambda: session.run(None, {"left": left})


def rate(work: Callable[[], object], amount: float, least_s: float = 0.5) -> float:
    """How much of `amount` is done in a second, over at least so many seconds."""
    started, times = time.perf_counter(), 0
    while (taken := time.perf_counter() - started) < least_s or times == 0:
        work()
        times += 1
    return amount * times / taken


def texts_of(folder: Path, count: int) -> Sequence[str]:
    """So many passages of the articles in a folder, from the start again where there are fewer."""
    files, _ = scan(folder)
    articles = (article for file in files for article in read_file(folder, file).articles)
    found = [passage.text for article in articles for passage in split(article)]
    return list(islice(cycle(found), count))


def main() -> None:
    """Measures and prints, in 10^9 operations a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, default=Path("seeds"), help="a corpus folder")
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    model = find_model()
    tokenizer = Tokenizer.from_file(str(model.folder / "tokenizer.json"))
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.no_padding()
    texts = texts_of(options.texts, options.passages)
    tokens = [len(found.ids) for found in tokenizer.encode_batch(list(texts))]
    needed = sum(map(operations, tokens))
    embedder = embedder_for(model)
    embedder.load()
    works = {name: (work, 2.0 * _SIDE**3) for name, work in products().items()}
    memory = np.ones(_COPIED, dtype=np.uint8), np.empty(_COPIED, dtype=np.uint8)
    works["copying"] = (lambda: np.copyto(memory[1], memory[0]), 2.0 * _COPIED)
    works["embedding"] = (lambda: embedder.embed_passages(texts), float(needed))
    rates: dict[str, list[float]] = {name: [] for name in works}
    for work, _ in works.values():
        work()
    for _ in range(options.rounds):
        for name, (work, amount) in works.items():
            rates[name].append(rate(work, amount) / 1e9)
    reached, copied = rates.pop("embedding"), rates.pop("copying")
    shares = {
        name: statistics.median(r / c for r, c in zip(reached, ceiling, strict=True))
        for name, ceiling in rates.items()
    }
    found = {
        "commit": commit(),
        "machine": machine(),
        "load": round(os.getloadavg()[0], 1),
        "memory_gb_per_s": round(statistics.median(copied), 1),
        "tokens_a_passage": round(statistics.mean(tokens), 1),
        "operations_a_token": round(needed / sum(tokens)),
        "embedding": round(statistics.median(reached), 1),
        "passages_per_s": round(statistics.median(reached) * 1e9 / needed * len(texts), 1),
        "ceilings": {name: round(statistics.median(r), 1) for name, r in rates.items()},
        "shares": {name: round(share, 3) for name, share in shares.items()},
        "onnxruntime": onnxruntime.__version__,
    }
    keep("ceiling", found)
    print(json.dumps(found, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()

"""Writes `bert.onnx` and `bert-int8.onnx`: what a BERT computes, without its weights.

    python -m retrieval.bert_graph FOLDER

Not part of the installed package. Devlin et al. (2019), BERT, in ONNX Runtime's fused operators.
The weights are named, and are given when a graph is opened; `retrieval/bert.py` says which.
"""

import sys
from pathlib import Path
from typing import Any

import onnx
from onnx import helper

from retrieval.bert import GRAPHS, HEADS, LAYERS, expected

_FUSED = "com.microsoft"
_EPSILON = 1e-12
_TYPES = {"float32": onnx.TensorProto.FLOAT, "int8": onnx.TensorProto.INT8}


def build(*, int8: bool) -> bytes:
    """The graph as a file.

    Its inputs: `embedded`, float32 (texts, tokens, width), the sums of word, position and type
    embeddings; `mask`, int32 (texts, tokens), 0 for padding. Its output: `hidden`, float32 (texts,
    tokens, width).

    Args:
        int8: multiply in whole numbers, all but the second matrix of each layer's feed-forward
            part, which is the one that suffers.
    """
    nodes = [
        helper.make_node(
            "LayerNormalization", ["embedded", "norm", "norm.bias"], ["layer0"], epsilon=_EPSILON
        )
    ]
    for n in range(LAYERS):
        before, after = f"layer{n}", f"layer{n + 1}" if n + 1 < LAYERS else "hidden"
        nodes += [
            *_attention(n, before, f"{n}.attended", int8=int8),
            _product(f"{n}.attended", f"{n}.merge", f"{n}.merged", int8=int8),
            _added(f"{n}.merged", before, f"{n}.merge", f"{n}.between"),
            _product(f"{n}.between", f"{n}.in", f"{n}.expanded", int8=int8),
            _fused("BiasGelu", [f"{n}.expanded", f"{n}.in.bias"], f"{n}.active"),
            _product(f"{n}.active", f"{n}.out", f"{n}.contracted", int8=False),
            _added(f"{n}.contracted", f"{n}.between", f"{n}.out", after),
        ]
    size = ["texts", "tokens"]
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "BERT",
        [
            helper.make_tensor_value_info("embedded", floats, [*size, None]),
            helper.make_tensor_value_info("mask", onnx.TensorProto.INT32, size),
        ],
        [helper.make_tensor_value_info("hidden", floats, [*size, None])],
        [_given(name, *kind) for name, kind in expected(int8=int8).items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)],
        ir_version=9,
        producer_name="dateline",
    )
    return bytes(model.SerializeToString(deterministic=True))


def _attention(n: int, before: str, after: str, *, int8: bool) -> list[onnx.NodeProto]:
    weight, bias = f"{n}.attend", f"{n}.attend.bias"
    if not int8:
        return [_fused("Attention", [before, weight, bias, "mask"], after, num_heads=HEADS)]
    whole = [f"{before}.{part}" for part in ("int8", "scale", "zero")]
    return [
        helper.make_node("DynamicQuantizeLinear", [before], whole),
        _fused(
            "QAttention",
            [whole[0], weight, bias, whole[1], f"{weight}.scale", "mask", whole[2]],
            after,
            num_heads=HEADS,
        ),
    ]


def _product(left: str, weight: str, result: str, *, int8: bool) -> onnx.NodeProto:
    if int8:
        return _fused("DynamicQuantizeMatMul", [left, weight, f"{weight}.scale"], result)
    return helper.make_node("MatMul", [left, weight], [result])


def _added(new: str, old: str, weight: str, result: str) -> onnx.NodeProto:
    """`old` plus `new` and its bias, normalised."""
    names = [new, old, f"{weight}.norm", f"{weight}.norm.bias", f"{weight}.bias"]
    return _fused("SkipLayerNormalization", names, result, epsilon=_EPSILON)


def _fused(kind: str, inputs: list[str], result: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [result], domain=_FUSED, **attributes)


def _given(name: str, shape: tuple[int, ...], kind: str) -> onnx.TensorProto:
    """A weight that is given when the graph is opened."""
    tensor = onnx.TensorProto(name=name, data_type=_TYPES[kind], dims=shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="given")
    return tensor


if __name__ == "__main__":
    for int8, path in GRAPHS.items():
        Path(sys.argv[1], path.name).write_bytes(build(int8=int8))

"""Writes `bert.onnx`: what a BERT computes, without its weights. Not part of the installed package.

    python -m retrieval.bert_graph OUTPUT

Devlin et al. (2019), BERT, in ONNX Runtime's fused operators. The weights are named, and are given
when the graph is opened; `retrieval/bert.py` says which.
"""

import sys
from pathlib import Path

import onnx
from onnx import helper

from retrieval.bert import HEADS, LAYERS, shapes

_FUSED = "com.microsoft"
_EPSILON = 1e-12


def build() -> onnx.ModelProto:
    """The graph. Its inputs: `embedded`, float32 (texts, tokens, width), the sums of word, position
    and type embeddings; `mask`, int32 (texts, tokens), 0 for padding. Its output: `hidden`, float32
    (texts, tokens, width).
    """  # noqa: D205
    normalise = helper.make_node(
        "LayerNormalization", ["embedded", "norm", "norm.bias"], ["layer0"], epsilon=_EPSILON
    )
    nodes = [normalise]
    for n in range(LAYERS):
        before, after = f"layer{n}", f"layer{n + 1}" if n + 1 < LAYERS else "hidden"
        attended, expanded, contracted = (f"{n}.{what}.out" for what in ("attend", "in", "out"))
        nodes += [
            helper.make_node(
                "Attention",
                [before, f"{n}.attend", f"{n}.attend.bias", "mask"],
                [attended],
                domain=_FUSED,
                num_heads=HEADS,
            ),
            helper.make_node("MatMul", [attended, f"{n}.merge"], [f"{n}.merged"]),
            _added(f"{n}.merged", before, f"{n}.merge", f"{n}.between"),
            helper.make_node("MatMul", [f"{n}.between", f"{n}.in"], [expanded]),
            helper.make_node(
                "BiasGelu", [expanded, f"{n}.in.bias"], [f"{n}.active"], domain=_FUSED
            ),
            helper.make_node("MatMul", [f"{n}.active", f"{n}.out"], [contracted]),
            _added(contracted, f"{n}.between", f"{n}.out", after),
        ]
    floats = onnx.TensorProto.FLOAT
    size = ["texts", "tokens"]
    graph = helper.make_graph(
        nodes,
        "BERT",
        [
            helper.make_tensor_value_info("embedded", floats, [*size, None]),
            helper.make_tensor_value_info("mask", onnx.TensorProto.INT32, size),
        ],
        [helper.make_tensor_value_info("hidden", floats, [*size, None])],
        [_given(name, shape) for name, shape in shapes().items()],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)],
        ir_version=9,
        producer_name="dateline",
    )


def _added(new: str, old: str, weight: str, result: str) -> onnx.NodeProto:
    """`old` plus `new` and its bias, normalised."""
    names = [new, old, f"{weight}.norm", f"{weight}.norm.bias", f"{weight}.bias"]
    return helper.make_node(
        "SkipLayerNormalization", names, [result], domain=_FUSED, epsilon=_EPSILON
    )


def _given(name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    """A weight that is given when the graph is opened."""
    tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="given")
    return tensor


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(build().SerializeToString(deterministic=True))

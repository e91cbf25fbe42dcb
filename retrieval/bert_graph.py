"""Writes the graphs where they are kept: what a BERT computes, without its weights.

    python -m retrieval.bert_graph

Not part of the installed package. Devlin et al. (2019), BERT, in ONNX Runtime's fused operators.
The weights are named, and are given when a graph is opened; `retrieval/bert.py` says which.
"""

from typing import Any

import onnx
from onnx import helper

from retrieval.bert import FLOAT, INT8, LAYERS, Graph, Size, expected
from retrieval.reader.network import READER

_FUSED = "com.microsoft"
_EPSILON = 1e-12
_TYPES = {
    "float32": onnx.TensorProto.FLOAT,
    "int8": onnx.TensorProto.INT8,
    "uint8": onnx.TensorProto.UINT8,
}


def build(form: Graph) -> bytes:
    """The graph as a file.

    Its inputs: `embedded`, float32 (texts, tokens, width), the sums of word, position and type
    embeddings; `mask`, int32 (texts, tokens), 0 for padding. Its output: `hidden`, float32 (texts,
    tokens, width).

    In whole numbers it multiplies all but the few loud channels of each feed-forward part.
    """
    int8 = form.int8
    nodes = [_normed("embedded", "norm", "layer0")]
    for n, size in enumerate(form.sizes):
        before, after = f"layer{n}", f"layer{n + 1}" if n + 1 < LAYERS else "hidden"
        nodes += _attention(n, size, before, f"{n}.attended", int8=int8)
        nodes += _product(f"{n}.attended", f"{n}.merge", int8=int8)
        nodes += [
            helper.make_node("Sum", [before, f"{n}.merge.result"], [f"{n}.between.sum"]),
            _normed(f"{n}.between.sum", f"{n}.merge.norm", f"{n}.between"),
        ]
        expanded, contracted = f"{n}.between", [f"{n}.out.result", f"{n}.between"]
        if int8:
            expanded = f"{n}.between.quiet"
            nodes += [
                _normed(f"{n}.between.sum", f"{n}.in.norm", expanded),
                helper.make_node(
                    "MatMul", [f"{n}.between", f"{n}.loud.in"], [f"{n}.loud.expanded"]
                ),
                _fused("FastGelu", [f"{n}.loud.expanded", f"{n}.loud.in.bias"], f"{n}.loud.active"),
                helper.make_node("MatMul", [f"{n}.loud.active", f"{n}.loud.out"], [f"{n}.loud"]),
            ]
            contracted.append(f"{n}.loud")
        nodes += _product(expanded, f"{n}.in", int8=int8, bias=False)
        # Its tanh form is quicker, and nearer to the exact one than whole numbers are.
        gelu = "FastGelu" if int8 else "BiasGelu"
        nodes += [_fused(gelu, [f"{n}.in.result", f"{n}.in.bias"], f"{n}.active")]
        nodes += _product(f"{n}.active", f"{n}.out", int8=int8)
        nodes += [
            helper.make_node("Sum", contracted, [f"{after}.sum"]),
            _normed(f"{after}.sum", f"{n}.out.norm", after),
        ]
    shape = ["texts", "tokens"]
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "BERT",
        [
            helper.make_tensor_value_info("embedded", floats, [*shape, None]),
            helper.make_tensor_value_info("mask", onnx.TensorProto.INT32, shape),
        ],
        [helper.make_tensor_value_info("hidden", floats, [*shape, None])],
        [_given(name, *kind) for name, kind in expected(form).items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)],
        ir_version=9,
        producer_name="dateline",
    )
    return bytes(model.SerializeToString(deterministic=True))


def _attention(n: int, size: Size, before: str, after: str, *, int8: bool) -> list[onnx.NodeProto]:
    weight, bias = f"{n}.attend", f"{n}.attend.bias"
    if not int8:
        return [_fused("Attention", [before, weight, bias, "mask"], after, num_heads=size.heads)]
    whole, quantised = _whole(before, weight)
    given = [whole, weight, bias, f"{weight}.step", f"{weight}.scale", "mask", f"{weight}.zero"]
    return [quantised, _fused("QAttention", given, after, num_heads=size.heads)]


def _whole(left: str, weight: str) -> tuple[str, onnx.NodeProto]:
    """`left` in whole numbers, as they are multiplied by a matrix: their name, and their node."""
    whole = f"{weight}.given"
    steps = [left, f"{weight}.step", f"{weight}.zero"]
    return whole, helper.make_node("QuantizeLinear", steps, [whole])


def _product(left: str, weight: str, *, int8: bool, bias: bool = True) -> list[onnx.NodeProto]:
    """`left` times a matrix, and its bias, as `weight.result`."""
    result = f"{weight}.result"
    if int8:
        whole, quantised = _whole(left, weight)
        given = [whole, weight, f"{weight}.step", f"{weight}.scale", f"{weight}.zero", ""]
        biases = [f"{weight}.bias"] if bias else []
        return [quantised, _fused("MatMulIntegerToFloat", [*given, *biases], result)]
    if not bias:
        return [helper.make_node("MatMul", [left, weight], [result])]
    return [
        helper.make_node("MatMul", [left, weight], [f"{weight}.product"]),
        helper.make_node("Add", [f"{weight}.product", f"{weight}.bias"], [result]),
    ]


def _normed(given: str, weight: str, result: str) -> onnx.NodeProto:
    """Not fused with the sum before it: `SkipLayerNormalization` takes three times as long."""
    return helper.make_node(
        "LayerNormalization", [given, weight, f"{weight}.bias"], [result], epsilon=_EPSILON
    )


def _fused(kind: str, inputs: list[str], result: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [result], domain=_FUSED, **attributes)


def _given(name: str, shape: tuple[int, ...], kind: str) -> onnx.TensorProto:
    """A weight that is given when the graph is opened."""
    tensor = onnx.TensorProto(name=name, data_type=_TYPES[kind], dims=shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="given")
    return tensor


if __name__ == "__main__":
    for form in (FLOAT, INT8, READER):
        form.path.write_bytes(build(form))

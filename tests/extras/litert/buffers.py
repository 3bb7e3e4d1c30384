"""Small LiteRT files, written by their schema: a product, a softmax, and weights from a seed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np

CLASSES = ("bird", "cat", "dog")
SIDE = 8


@cache
def schema() -> Any:
    if find_spec("ai_edge_litert") is not None:
        return import_module("ai_edge_litert.schema_py_generated")
    return import_module("tensorflow.lite.python.schema_py_generated")


def code(name: str, custom: str | None = None, version: int = 1) -> Any:
    own = schema().BuiltinOperator
    made = schema().OperatorCodeT()
    made.builtinCode = getattr(own, name)
    made.deprecatedBuiltinCode = min(made.builtinCode, 127)
    made.customCode, made.version = custom, version
    return made


def tensor(
    name: str, *shape: int, dtype: str = "FLOAT32", buffer: int = 0, scale: Any = None,
    point: int = 0,
) -> Any:  # fmt: skip
    """Return a tensor; an axis of any size is -1."""
    made = schema().TensorT()
    made.name, made.buffer = name, buffer
    made.type = getattr(schema().TensorType, dtype)
    made.shape = [max(size, 1) for size in shape]
    made.shapeSignature = list(shape)
    made.hasRank = True
    if scale is not None:
        made.quantization = schema().QuantizationParametersT()
        made.quantization.scale = list(np.atleast_1d(scale))
        made.quantization.zeroPoint = [point] * len(made.quantization.scale)
    return made


def held(array: np.ndarray) -> Any:
    made = schema().BufferT()
    made.data = np.frombuffer(array.tobytes(), np.uint8)
    return made


def operator(at: int, inputs: list[int], outputs: list[int], options: str | None = None) -> Any:
    made = schema().OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = at, inputs, outputs
    if options:
        made.builtinOptionsType = getattr(schema().BuiltinOptions, options)
        made.builtinOptions = getattr(schema(), f"{options}T")()
        if options == "SoftmaxOptions":
            made.builtinOptions.beta = 1.0
    return made


def net(units: int = 3, *, batch: int = -1, end: str = "SOFTMAX") -> Any:
    """Return a model of floats that takes images, (N, 8, 8, 3)."""
    size = SIDE * SIDE * 3
    random = np.random.default_rng(5)
    weights = random.normal(size=(units, size)).astype(np.float32)
    # Scores that differ: what is added brings them to one level.
    bias = -(random.random((64, size)) @ weights.T).mean(axis=0).astype(np.float32)
    graph = schema().SubGraphT()
    graph.tensors = [
        tensor("x", batch, SIDE, SIDE, 3),
        tensor("w", units, size, buffer=1),
        tensor("b", units, buffer=2),
        tensor("logits", batch, units),
        tensor("y", batch, units),
    ]
    graph.inputs, graph.outputs = [0], [4]
    last = "SoftmaxOptions" if end == "SOFTMAX" else None
    graph.operators = [
        operator(0, [0, 1, 2], [3], "FullyConnectedOptions"),
        operator(1, [3], [4], last),
    ]
    made = schema().ModelT()
    made.version, made.description = 3, "tests 1.2"
    made.operatorCodes = [code("FULLY_CONNECTED"), code(end)]
    made.subgraphs = [graph]
    made.buffers = [schema().BufferT(), held(weights), held(bias)]
    return made


def quantized(units: int = 3, *, dtype: str = "INT8", scale: Any = 1 / 255) -> Any:
    """Return a model that takes and gives whole numbers, and computes with floats inside."""
    made = net(units)
    (graph,) = made.subgraphs
    point = {"INT8": -128, "UINT8": 0, "INT16": 0}[dtype]
    graph.tensors.append(tensor("q", -1, SIDE, SIDE, 3, dtype=dtype, scale=scale, point=point))
    graph.tensors.append(tensor("z", -1, units, dtype=dtype, scale=1 / 256, point=point))
    made.operatorCodes += [code("DEQUANTIZE", version=2), code("QUANTIZE")]
    graph.operators.insert(0, operator(2, [5], [0]))
    graph.operators.append(operator(3, [4], [6]))
    graph.inputs, graph.outputs = [5], [6]
    return made


def signature(name: str, graph: int = 0, *, takes: int = 0, **outputs: int) -> Any:
    """Return a signature: its outputs by name, as the numbers of tensors."""
    made = schema().SignatureDefT()
    made.signatureKey, made.subgraphIndex = name, graph
    made.inputs = [_mapped("x", takes)]
    made.outputs = [_mapped(name, at) for name, at in outputs.items()]
    return made


def _mapped(name: str, at: int) -> Any:
    made = schema().TensorMapT()
    made.name, made.tensorIndex = name, at
    return made


def with_custom(made: Any, *names: str) -> Any:
    """Add operators of other libraries, whose outputs are nobody's."""
    (graph,) = made.subgraphs
    for name in names:
        graph.tensors.append(tensor(f"of {name}", 1, 3))
        made.operatorCodes.append(code("CUSTOM", name))
        graph.operators.append(operator(len(made.operatorCodes) - 1, [4], [len(graph.tensors) - 1]))
    return made


def unpacked(data: bytes) -> Any:
    return schema().ModelT.InitFromPackedBuf(data, 0)


def packed(made: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write(path: Path, made: Any) -> Path:
    path.write_bytes(packed(made))
    return path

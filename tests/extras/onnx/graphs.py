"""Small ONNX files, made of a few operators and weights from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("bird", "cat", "dog")
SIDE = 8
OPSET, IR = 17, 9


def weights(*shape: int, seed: int = 5, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def value(name: str, *shape: Any, dtype: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), output.split(), **attributes)


def model(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], opset: int = OPSET, ir: int = IR,
    domains: tuple[str, ...] = (), **initializers: np.ndarray,
) -> Any:  # fmt: skip
    held = [numpy_helper.from_array(array, name) for name, array in initializers.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, held)
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(each, 1) for each in domains)]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=ir, producer_name="tests", producer_version="1.2"
    )


def conv(
    batch: int | str = "N", units: int = 3, end: str = "Softmax", dtype: Any = np.float32,
    channels: int = 3,
) -> Any:  # fmt: skip
    """A net that takes channels first, as PyTorch exports one."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    features = 4 * (SIDE - 2) ** 2
    nodes = [
        node("Conv", "x K", "c"), node("Relu", "c", "r"), node("Flatten", "r", "f"),
        node("MatMul", "f W", "s"), node("Add", "s B", "logits"), node(end, "logits", "y"),
    ]  # fmt: skip
    kernel = weights(4, channels, 3, 3, dtype=dtype)
    head = weights(features, units, seed=6, dtype=dtype)
    # Scores that differ: what is added brings them to one level.
    images = np.moveaxis(np.random.default_rng(9).random((64, SIDE, SIDE, channels)), -1, 1)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (2, 3))
    convolved = np.maximum(np.einsum("nchwij,ocij->nohw", windows, kernel.astype(float)), 0)
    logits = convolved.reshape(64, -1) @ head.astype(float)
    bias = -logits.mean(axis=0)
    return model(
        nodes,
        [value("x", batch, channels, SIDE, SIDE, dtype=kind)],
        [value("y", batch, units, dtype=kind)],
        K=kernel, W=head, B=bias.astype(dtype),
    )  # fmt: skip


def last(
    batch: int | str = "N", dtype: int = TensorProto.FLOAT, units: int = 3, opset: int = OPSET
) -> Any:
    """A net that takes channels last, as Keras exports one; whole numbers are pixels."""
    size = SIDE * SIDE * 3
    nodes = [
        node("Cast", "x", "a", to=TensorProto.FLOAT), node("Mul", "a F", "m"),
        node("Transpose", "m", "t", perm=[0, 3, 1, 2]), node("Flatten", "t", "f"),
        node("MatMul", "f W", "s"), node("Softmax", "s", "y"),
    ]  # fmt: skip
    scale = 1 / 255 if dtype == TensorProto.UINT8 else 1
    head = weights(size, units)
    return model(
        nodes, [value("x", batch, SIDE, SIDE, 3, dtype=dtype)], [value("y", batch, units)],
        opset, W=head - head.mean(axis=0), F=np.float32([scale]),
    )  # fmt: skip


def beside(made: Any, kind: str, output: str, domain: str = "", **attributes: Any) -> Any:
    """Add an operator on the scores of a net; its output is nobody's."""
    made.graph.node.append(helper.make_node(kind, ["y"], [output], domain=domain, **attributes))
    if domain:
        made.opset_import.append(helper.make_opsetid(domain, 1))
    return made


def write(path: Path, made: Any, **options: Any) -> Path:
    onnx.save(made, path, **options)
    return path


def outside(made: Any, location: str, name: str = "W") -> Any:
    """Say that an initializer lies in another file; no such file is written."""
    (tensor,) = [each for each in made.graph.initializer if each.name == name]
    size = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, said in (("location", location), ("offset", "0"), ("length", str(size))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, said
    return made

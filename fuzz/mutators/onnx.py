"""Changes to ONNX files."""

from __future__ import annotations

from random import Random
from typing import Any

from fuzz.mutators.raw import number, raw

_PLACES = ("../m.data", "/etc/passwd", "m.data", "a/m.data", "", ".", "a\0b", "C:/x", "x" * 5000)
_KINDS = ("Conv", "Transpose", "Cast", "Add", "If", "EPContext", "Nonesuch", "")
_DOMAINS = ("", "ai.onnx", "com.microsoft", "ai.onnx.contrib", "x" * 3000)


def onnx(data: bytes, random: Random) -> bytes:
    """Change an operator, a tensor, an input or an output, or the file's own fields."""
    import onnx as library

    model = library.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # a damaged one
        return raw(data, random)
    if random.random() < 0.15:
        return raw(data, random)
    try:
        random.choice((_nodes, _tensors, _values, _rest))(model, random)
        changed: bytes = model.SerializeToString()
    except UnicodeDecodeError:  # a name that is no text cannot be handed on
        return raw(data, random)
    return changed


def _nodes(model: Any, random: Random) -> None:
    nodes = model.graph.node
    if not nodes:
        nodes.add().op_type = random.choice(_KINDS)
        return
    one, other = random.choice(nodes), type(nodes[0])()
    # A copy: protobuf's own code crashes where a message is put into itself.
    other.CopyFrom(random.choice(nodes))
    choice = random.randrange(5)
    if choice == 0:
        nodes.remove(one)
    elif choice == 1:
        one.op_type, one.domain = random.choice(_KINDS), random.choice(_DOMAINS)
    elif choice == 2:
        one.input.append(random.choice(other.output or [""]))
    elif choice == 3:
        inner = one.attribute.add()
        inner.name = random.choice(("then_branch", "perm", "value"))
        inner.g.node.add().CopyFrom(other)
    else:
        function = model.functions.add()
        function.domain, function.name = other.domain, other.op_type
        function.node.add().CopyFrom(one)


def _tensors(model: Any, random: Random) -> None:
    nodes = model.graph.node
    if nodes and random.random() < 0.4:
        attribute = random.choice(nodes).attribute.add()
        tensor = random.choice(
            (attribute.t, attribute.tensors.add(), attribute.sparse_tensor.values)
        )
    elif model.graph.initializer:
        tensor = random.choice(model.graph.initializer)
    else:
        tensor = model.graph.initializer.add()
    tensor.data_location = random.choice((0, 1, 1, 1))
    entry = tensor.external_data.add()
    entry.key = random.choice(("location", "location", "location", "offset", "length", ""))
    entry.value = random.choice(_PLACES)


def _values(model: Any, random: Random) -> None:
    values = random.choice((model.graph.input, model.graph.output))
    if not values or random.random() < 0.2:
        values.add().name = random.choice(("x", "y", ""))
        return
    value = random.choice(values)
    tensor = value.type.tensor_type
    choice = random.randrange(5)
    if choice == 0:
        tensor.elem_type = random.choice((1, 2, 3, 7, 8, 10, 16, 99, -1))
    elif choice == 1:
        tensor.shape.dim.add().dim_value = number(random, 62)
    elif choice == 2:
        tensor.ClearField("shape")
    elif choice == 3:
        value.type.sequence_type.elem_type.tensor_type.elem_type = 1
    else:
        value.name = random.choice(("", "x" * 4000, "y\n"))


def _rest(model: Any, random: Random) -> None:
    choice = random.randrange(4)
    if choice == 0:
        model.ir_version = random.choice((0, 1, 14, 1000, 2**40, -1))
    elif choice == 1:
        model.producer_name = random.choice(("", "x" * 3000, "pytorch"))
    elif choice == 2:
        entry = model.opset_import.add()
        entry.domain, entry.version = random.choice(_DOMAINS), number(random, 62)
    else:
        model.graph.ClearField(random.choice(("node", "input", "output", "initializer")))

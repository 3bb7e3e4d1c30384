"""Whether a graph takes images with the channels first or last, told by what it does with them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal

Layout = Literal["first", "last"]

# ONNX defines these for channels first alone.
_CHANNELS_FIRST = frozenset(
    {"Conv", "ConvInteger", "ConvTranspose", "QLinearConv", "FusedConv", "DeformConv"}
    | {"MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"}
    | {"BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN"}
    | {"SpaceToDepth", "DepthToSpace"}
)
# And these do something to each number by itself, or add some around.
_PASSING = frozenset(
    {"Add", "Sub", "Mul", "Div", "Neg", "Pow", "Clip", "Min", "Max", "Cast", "Identity", "Relu"}
    | {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Dropout", "Pad", "Resize"}
)
_TURNS: dict[tuple[int, ...], Layout] = {(0, 3, 1, 2): "last", (0, 2, 3, 1): "first"}


def layout_of(graph: Any, name: str) -> Layout | None:
    """Return how a graph takes its input `name`; ``None``: that cannot be told, or not as one."""
    users = defaultdict(list)
    for node in graph.node:
        if node.input:
            # Of a product or a sum, the input may be either side.
            taken = node.input if node.op_type in _PASSING else node.input[:1]
            for each in taken:
                users[each].append(node)
    found: set[Layout | None] = set()
    seen, waiting = {name}, [name]
    while waiting:
        for node in users[waiting.pop()]:
            if node.op_type in _PASSING:
                fresh = [each for each in node.output if each and each not in seen]
                seen.update(fresh)
                waiting += fresh
            elif node.op_type in _CHANNELS_FIRST:
                found.add("first")
            elif node.op_type == "Transpose":
                turned = [tuple(each.ints) for each in node.attribute if each.name == "perm"]
                found.add(_TURNS.get(turned[0]) if turned else None)
    return found.pop() if len(found) == 1 else None

"""What the graph of a model does besides computing: writing variables, drawing at random."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

# Stateful only in name: these read variables, or call functions that are looked into themselves.
_HARMLESS = frozenset(
    {"ReadVariableOp", "ResourceGather", "PartitionedCall", "StatefulPartitionedCall"}
    | {"While", "If", "Case", "Assert", "Placeholder"}
    # Where variables and tables are; what gives them other values has names of its own.
    | {"VarHandleOp", "Variable", "VariableV2", "HashTable", "HashTableV2"}
    | {"LookupTableFind", "LookupTableFindV2", "LookupTableSizeV2"}
    # Of one run alone.
    | {f"TensorArray{does}V3" for does in ("", "Close", "Concat", "Gather", "Read")}
    | {f"TensorArray{does}V3" for does in ("Scatter", "Size", "Split", "Write")}
    | {"CheckNumerics", "CheckNumericsV2", "DeviceIndex", "DisableCopyOnRead", "GuaranteeConst"}
    | {"ResourceGatherNd", "StatelessRandomGetAlg", "VarIsInitializedOp", "VariableShape"}
)
# What TensorFlow 1 writes with, which TensorFlow does not call stateful.
_WRITES_REFERENCES = frozenset(
    {"Assign", "AssignAdd", "AssignSub", "CountUpTo", "ScatterAdd", "ScatterSub", "ScatterUpdate"}
    | {"InitializeTable", "LookupTableImport", "LookupTableInsert"}
)


# What gives a variable another value, by how its name begins.
_WRITING = ("Assign", "Resource", "Rng", "Stateful")
_READING = frozenset({"ResourceGather", "ResourceGatherNd", "StatefulPartitionedCall"})
# What is kept where no variable is, so that it cannot be put back.
_KEPT_ELSEWHERE = frozenset(
    {"LookupTableInsertV2", "LookupTableRemoveV2", "LookupTableImportV2"}
    | {"QueueEnqueueV2", "QueueEnqueueManyV2", "QueueDequeueV2", "StackPushV2", "StackPopV2"}
)


def is_pure(function: Any) -> bool:
    """Whether calls of a concrete function cannot influence each other.

    They could by variables that are written to, random numbers, tables, Python code, ...: by any
    operation that TensorFlow calls stateful, but reading a variable.
    """
    return are_pure(_kinds(function))


def are_pure(kinds: Collection[str]) -> bool:
    """Whether operations of these kinds, in one graph, cannot influence another run of it."""
    return not any(map(_is_stateful, set(kinds) - _HARMLESS))


def writes_variables(function: Any) -> bool:
    """Whether a concrete function leaves variables with other values than it found."""
    return any(kind.startswith(_WRITING) for kind in _kinds(function) - _READING)


def kept_elsewhere(function: Any) -> list[str]:
    """Return the operations by which a concrete function keeps what is in no variable."""
    return sorted(_kinds(function) & _KEPT_ELSEWHERE)


def _kinds(function: Any) -> set[str]:
    definition = function.graph.as_graph_def()
    kinds = {node.op for node in definition.node}
    for called in definition.library.function:
        kinds |= {node.op for node in called.node_def}
    return kinds


def _is_stateful(kind: str) -> bool:
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(kind)
    if kind in _WRITES_REFERENCES:
        return True
    return definition is None or definition.is_stateful

"""Files that a SavedModel fills its tables from: they must be assets, and lie in ``assets/``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.saved_model.operations import TABLE_FILES
from pytest_confmat.models.saved_model.reach import Graph, Reach
from pytest_confmat.models.saved_model.reading import op_name
from pytest_confmat.text import brief, shortened

_WRITING = ("Assign", "Resource", "Scatter")
_DISTRUST = "Do not trust it, and do not load it in another way; find out where it comes from"


def assets_of(meta: Any, folder: Path) -> dict[str, Path]:
    """Return the files that the loader hands to a graph, by the operation that stands for each.

    Raises
    ------
    ModelError
        If one lies elsewhere, or is not there.
    """
    from tensorflow.core.protobuf import meta_graph_pb2

    stated = list(meta.asset_file_def)
    if not stated and "saved_model_assets" in meta.collection_def:  # as TensorFlow 1 stores it
        for each in meta.collection_def["saved_model_assets"].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            if each.Unpack(asset):
                stated.append(asset)
    found: dict[str, Path] = {}
    for asset in stated:
        name = PurePosixPath(asset.filename)
        outside = name.is_absolute() or ".." in name.parts or not name.parts
        # What Windows takes for a drive or a separator is refused everywhere.
        if outside or re.search(r"[\\:]", asset.filename):
            raise ModelError(
                f"{folder} is not loaded: it names the asset {brief(asset.filename)}, and assets "
                f"lie in its folder assets. {_DISTRUST}"
            )
        path = folder / "assets" / name
        if not path.is_file():
            raise ModelError(
                f"{folder} lacks the file assets/{shortened(str(name), 100)}, which its graph "
                "reads: copy the whole directory, or export it again"
            )
        found[op_name(asset.tensor_info.name)] = path
    return found


def require_assets(
    folder: Path, graph: Graph, restored: Reach, start: Reach, assets: Mapping[str, Path]
) -> None:
    """Refuse a graph that fills a table from a file that is not one of `assets`.

    Parameters
    ----------
    restored
        What restores the variables.
    start
        What the loader runs to initialize the graph.

    Raises
    ------
    ModelError
        If the name of a file may come from anywhere else.
    """
    origins = _Origins(graph, restored, start, frozenset(assets))
    for function, node in origins.placed(TABLE_FILES):
        if len(node.input) < 2 or not origins.is_asset(function, node.input[1]):
            raise ModelError(
                f"{folder} is not loaded: its operation {brief(node.name)} fills a table from a "
                f"file that need not be one of its assets. {_DISTRUST}"
            )


class _Origins:
    """Where the names of files in the initialization of a graph come from."""

    def __init__(self, graph: Graph, restored: Reach, start: Reach, assets: frozenset[str]) -> None:
        self._graph = graph
        self._start = start
        self._assets = assets
        self._restored = {
            _variable(graph.nodes[name])
            for name in restored.nodes
            if graph.nodes[name].op in ("VarHandleOp", "VariableV2", "Variable")
        }

    def placed(self, kinds: frozenset[str]) -> Iterator[tuple[str | None, Any]]:
        """Yield the operations of these kinds, each with its function; ``None``: in none."""
        for function, node in self._all():
            if node.op in kinds:
                yield function, node

    def _all(self) -> Iterator[tuple[str | None, Any]]:
        for name in sorted(self._start.nodes):
            yield None, self._graph.nodes[name]
        for name in sorted(self._start.functions):
            for node in self._graph.functions[name].node_def:
                yield name, node

    def is_asset(self, function: str | None, tensor: str) -> bool:
        """Whether a tensor can be nothing but the path of an asset."""
        # What is being asked for again stands for itself: a loop adds no other origin.
        seen: set[tuple[str | None, str]] = set()
        waiting = [(function, tensor)]
        while waiting:
            where, tensor = waiting.pop()
            name = op_name(tensor)
            if (where, name) in seen or (where is None and name in self._assets):
                continue
            seen.add((where, name))
            sources = self._sources(where, name)
            if not sources:
                return False
            waiting += sources
        return True

    def _sources(self, function: str | None, name: str) -> list[tuple[str | None, str]]:
        """Return all tensors that a value is taken from; none where that is not known."""
        if function is not None:
            arguments = [arg.name for arg in self._graph.functions[function].signature.input_arg]
            if name in arguments:
                return self._given(function, arguments.index(name))
            nodes = {node.name: node for node in self._graph.functions[function].node_def}
        else:
            nodes = dict(self._graph.nodes)
        node = nodes.get(name)
        if node is None or not node.input:
            return []
        if node.op == "Identity":
            return [(function, node.input[0])]
        if node.op == "ReadVariableOp" and function is None:
            return self._assigned(op_name(node.input[0]))
        return []

    def _given(self, function: str, at: int) -> list[tuple[str | None, str]]:
        """Return what the callers of a function give it as one of its arguments."""
        found: list[tuple[str | None, str]] = []
        for where, node in self._all():
            names = {value.func.name for value in node.attr.values()} | {
                each.name for value in node.attr.values() for each in value.list.func
            }
            if node.op != function and function not in names:
                continue
            if node.op not in (function, "PartitionedCall", "StatefulPartitionedCall"):
                return []
            data = [each for each in node.input if not each.startswith("^")]
            if at >= len(data):
                return []
            found.append((where, data[at]))
        return found

    def _assigned(self, handle: str) -> list[tuple[str | None, str]]:
        """Return what is assigned to a variable, if its only writers are plain ones."""
        node = self._graph.nodes.get(handle)
        if node is None or node.op != "VarHandleOp" or _variable(node) in self._restored:
            return []
        found: list[tuple[str | None, str]] = []
        for where, each in self._all():
            if not each.op.startswith(_WRITING):
                continue
            target = self._graph.nodes.get(op_name(each.input[0])) if each.input else None
            if where is not None or target is None or target.op != "VarHandleOp":
                return []
            if _variable(target) != _variable(node):
                continue
            if each.op != "AssignVariableOp" or len(each.input) < 2:
                return []
            found.append((None, each.input[1]))
        return found


def _variable(node: Any) -> tuple[bytes, bytes]:
    """Return by what two operations mean the same variable."""
    shared = node.attr["shared_name"].s
    return node.attr["container"].s, shared or node.name.encode()

"""What of a SavedModel is imported: the operations that are run, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.saved_model.assets import assets_of, require_assets
from pytest_confmat.models.saved_model.operations import RESTORING, TABLE_FILES, beyond
from pytest_confmat.models.saved_model.reach import Graph, Reach
from pytest_confmat.models.saved_model.reading import op_name
from pytest_confmat.models.saved_model.signatures import INIT, Signature
from pytest_confmat.text import joined, shortened

# Of the collections of TensorFlow 1.
_STARTS = ("saved_model_main_op", "legacy_init_op")
_PREFIX = "pytest_confmat_checkpoint"


@dataclass(frozen=True)
class Plan:
    """A graph to import, and what to run of it before anything else.

    Attributes
    ----------
    graph
        A ``GraphDef``.
    producer
        The operations as whoever wrote the file knew them, an ``OpList``.
    steps
        Names of operations, in the order in which they are run.
    kinds
        The operations that the signature runs.
    """

    graph: Any
    producer: Any
    steps: tuple[str, ...]
    kinds: frozenset[str]


def planned(meta: Any, signature: Signature, folder: Path, *, safe_mode: bool) -> Plan:
    """Cut out of a ``MetaGraphDef`` what a signature takes to run.

    Raises
    ------
    ModelError
        If it would do something else than to compute, and `safe_mode` refuses that; or a file that
        belongs to it is not there.
    """
    graph = Graph(meta.graph_def)
    # A graph without variables has none to restore.
    restore = tuple(filter(None, [op_name(meta.saver_def.restore_op_name)]))
    start = _start(meta)
    runs = graph.reach([*signature.tensors, signature.feed])
    restored, started = graph.reach(restore), graph.reach(start)
    assets = assets_of(meta, folder)
    if safe_mode:
        _require_harmless(folder, runs, restored, started)
        require_assets(folder, graph, restored, started, assets)
    if RESTORING & restored.kinds:
        _require_variables(folder)
    texts = dict(assets)
    if filename := op_name(meta.saver_def.filename_tensor_name):
        texts[filename] = _variables(folder)
    return Plan(
        graph=_cut(graph, (runs, restored, started), texts, _variables(folder)),
        producer=meta.meta_info_def.stripped_op_list,
        steps=tuple(name for name in (*restore, *start) if name in graph.nodes),
        kinds=runs.kinds,
    )


def _start(meta: Any) -> tuple[str, ...]:
    """Return what the loader runs after the variables are there, as TensorFlow's own does."""
    if INIT in meta.signature_def:
        return tuple(op_name(info.name) for info in meta.signature_def[INIT].outputs.values())
    for name in _STARTS:
        if name in meta.collection_def:
            return tuple(map(op_name, meta.collection_def[name].node_list.value))
    return ()


def _require_harmless(folder: Path, runs: Reach, restored: Reach, started: Reach) -> None:
    found = {
        *beyond(runs.kinds),
        *beyond(restored.kinds, RESTORING),
        *beyond(started.kinds, TABLE_FILES),
    }
    if found:
        one = len(found) == 1
        names = joined([shortened(each, 100) for each in sorted(found)], 10)
        raise ModelError(
            f"{folder} is not loaded: it would run the operation{'' if one else 's'} "
            f"{names}, which {'is' if one else 'are'} not known to do nothing "
            "but compute: such a graph may read and write files or run code. Export it without, or "
            "say --confmat-unsafe-model if you trust it"
        )


def _variables(folder: Path) -> Path:
    return folder / "variables" / "variables"


def _require_variables(folder: Path) -> None:
    if not any((folder / "variables").glob("variables*")):
        raise ModelError(
            f"{folder} lacks its folder variables, which holds the weights: copy the whole "
            "directory, or export it again"
        )


def _cut(
    graph: Graph, parts: tuple[Reach, ...], texts: Mapping[str, Path], checkpoint: Path
) -> Any:
    """Return a graph of `parts` alone.

    `texts` are the operations that stand for the path of a file. Whatever restores variables reads
    `checkpoint`, and no other file.
    """
    from tensorflow.core.framework import graph_pb2

    cut = graph_pb2.GraphDef(versions=graph.definition.versions)
    names = frozenset().union(*(part.nodes for part in parts))
    reads = False
    for name in sorted(names):
        if name in texts:
            _text(cut.node.add(), name, texts[name])
            continue
        node = cut.node.add()
        node.CopyFrom(graph.nodes[name])
        node.device = ""  # of the machine that exported it
        reads |= _redirected(node, f"{_PREFIX}:0")
    if reads:
        _text(cut.node.add(), _PREFIX, checkpoint)
    for name in sorted(frozenset().union(*(part.functions for part in parts))):
        function = cut.library.function.add()
        function.CopyFrom(graph.functions[name])
        inside = [_redirected(node, f"{_PREFIX}:output:0") for node in function.node_def]
        for node in function.node_def:
            node.device = ""
        if any(inside):
            _text(function.node_def.add(), _PREFIX, checkpoint)
    return cut


def _redirected(node: Any, prefix: str) -> bool:
    if node.op not in RESTORING or not node.input:
        return False
    node.input[0] = prefix
    return True


def _text(node: Any, name: str, path: Path) -> None:
    import tensorflow as tf

    node.name, node.op = name, "Const"
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(os.fsencode(path.absolute())))

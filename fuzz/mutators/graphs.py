"""Changes to the graphs of SavedModels."""

from __future__ import annotations

from random import Random
from typing import Any

from fuzz.mutators.raw import raw

_KINDS = ("WriteFile", "ReadFile", "RestoreV2", "PyFunc", "Identity", "AssignVariableOp")


def saved_model(data: bytes, random: Random) -> bytes:
    """Change a node, a function, a signature or an asset of a graph."""
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    try:
        stored.ParseFromString(data)
    except Exception:  # a damaged one
        return raw(data, random)
    if not stored.meta_graphs or random.random() < 0.1:
        return raw(data, random)
    meta = random.choice(stored.meta_graphs)
    random.choice((_nodes, _nodes, _functions, _signatures, _rest))(meta, random)
    changed: bytes = stored.SerializeToString()
    return changed


def _nodes(meta: Any, random: Random) -> None:
    _change(meta.graph_def.node, random)


def _functions(meta: Any, random: Random) -> None:
    functions = meta.graph_def.library.function
    if not functions:
        return
    one, other = random.choice(functions), random.choice(functions)
    choice = random.randrange(4)
    if choice == 0:
        functions.remove(one)
    elif choice == 1:
        one.signature.name = other.signature.name
    elif choice == 2 and one.signature.input_arg:
        one.signature.input_arg.pop()
    else:
        _change(one.node_def, random)


def _change(nodes: Any, random: Random) -> None:
    if not nodes:
        return
    one, other = random.choice(nodes), random.choice(nodes)
    choice = random.randrange(6)
    if choice == 0:
        nodes.remove(one)
    elif choice == 1:
        one.op = random.choice((*_KINDS, other.op))
    elif choice == 2:
        one.name = other.name
    elif choice == 3:
        one.input.append(random.choice((other.name, f"^{other.name}", f"{other.name}:7", "")))
    elif choice == 4 and one.input:
        one.input.pop(random.randrange(len(one.input)))
    else:
        for key in other.attr:
            one.attr[key].CopyFrom(other.attr[key])


def _signatures(meta: Any, random: Random) -> None:
    names = list(meta.signature_def)
    if not names:
        return
    signature = meta.signature_def[random.choice(names)]
    tensors = random.choice((signature.inputs, signature.outputs))
    if not tensors or random.random() < 0.2:
        tensors["more"].name = "x:0"
        return
    info = tensors[random.choice(list(tensors))]
    choice = random.randrange(4)
    if choice == 0:
        info.name = random.choice(("", "x", ":0", "^x"))
    elif choice == 1:
        info.dtype = random.randrange(130)
    elif choice == 2:
        info.tensor_shape.dim.add().size = random.choice((-2, -1, 0, 2**62))
    else:
        info.tensor_shape.unknown_rank = True


def _rest(meta: Any, random: Random) -> None:
    choice = random.randrange(4)
    if choice == 0:
        asset = meta.asset_file_def.add()
        asset.filename = random.choice(("../a", "/a", "", ".", "a", "variables.index", "\0"))
        asset.tensor_info.name = random.choice(meta.graph_def.node or [meta.saver_def]).name
    elif choice == 1:
        meta.saver_def.restore_op_name = random.choice(("", "x", "NoOp:0", "^NoOp"))
    elif choice == 2:
        meta.meta_info_def.tags[:] = random.choice(([], ["serve"], ["train", "gpu"]))
    else:
        meta.collection_def["saved_model_main_op"].node_list.value.append("NoOp")

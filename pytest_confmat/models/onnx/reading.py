"""What an ONNX file holds, read with the library ``onnx``; no weights of other files, none kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.onnx.layout import Layout, layout_of
from pytest_confmat.models.runtime import first_line, tolerant

AGAIN = "copy or export it again"
# Protobuf's own limit for a message.
_MOST_BYTES = 2**31
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Value:
    """An input or output of a graph.

    Attributes
    ----------
    dtype
        ONNX's name for the type of its numbers, such as ``FLOAT``; of what is no tensor, what it is
        instead: ``sequence``.
    shape
        The batch axis first; ``None``: not stated.
    """

    name: str
    dtype: str
    shape: Shape | None


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    saved_by
        What wrote it, with its version, where the file says so.
    opsets
        Version of each domain of operators that it asks for; ONNX's own domain is ``""``.
    inputs
        Those that must be given; an initializer may have a name among the inputs too.
    operators
        Domain and name of each operator, at any depth.
    functions
        Domain and name of each that the file itself defines.
    locations
        Where numbers lie that are not in the file, as it says.
    layout
        Whether the first input takes channels first or last, as far as the graph tells.
    """

    saved_by: str | None
    ir_version: int
    opsets: tuple[tuple[str, int], ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    operators: frozenset[tuple[str, str]]
    functions: frozenset[tuple[str, str]]
    locations: tuple[str, ...]
    layout: Layout | None


def reads() -> bool:
    """Whether there is the library that reads such files."""
    return find_spec("onnx") is not None


def read(path: Path) -> Contents:
    """Return what a file holds.

    Raises
    ------
    ModelError
        If it cannot be read, is damaged, or holds no graph.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error
    # A run asks several times, and a large file takes its time.
    return _read(path, found.st_mtime_ns, found.st_size, found.st_ino)


def forget() -> None:
    """Have files read anew."""
    _read.cache_clear()


@lru_cache(maxsize=16)
def _read(path: Path, _time: int, size: int, _inode: int) -> Contents:
    if size >= _MOST_BYTES:
        raise ModelError(
            f"{path} has {size:,} bytes, and an ONNX file has less than 2 GiB: export it with its "
            "weights in a file beside it (onnx.save with save_as_external_data=True)"
        )
    with tolerant():
        import onnx
    try:
        model = onnx.load(path, format="protobuf", load_external_data=False)
        return _contents(onnx, model, path)
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # of protobuf's, and of what is no UTF-8
        raise ModelError(
            f"{path} begins as an ONNX file and is cut off or damaged ({first_line(error)}): "
            f"{AGAIN}"
        ) from error


def _contents(onnx: Any, model: Any, path: Path) -> Contents:
    graph = model.graph
    if not graph.output or not (graph.node or graph.initializer):
        raise ModelError(f"{path} holds no graph, so no model, or is cut off: {AGAIN}")
    graphs = list(_graphs(model))
    held = {each.name for each in graph.initializer}
    held |= {each.values.name for each in graph.sparse_initializer}
    inputs = [each for each in graph.input if each.name not in held]
    return Contents(
        saved_by=" ".join(filter(None, map(_text, (model.producer_name, model.producer_version))))
        or None,
        ir_version=model.ir_version,
        opsets=tuple(sorted({(_domain(each.domain), each.version) for each in model.opset_import})),
        inputs=tuple(_value(onnx, each) for each in inputs),
        outputs=tuple(_value(onnx, each) for each in graph.output),
        operators=frozenset(
            (_domain(node.domain), _text(node.op_type)) for nodes, _ in graphs for node in nodes
        ),
        functions=frozenset((_domain(each.domain), _text(each.name)) for each in model.functions),
        locations=_locations(onnx, graphs, path),
        layout=layout_of(graph, inputs[0].name) if inputs else None,
    )


def _domain(name: str | bytes) -> str:
    text = _text(name)
    return "" if text == "ai.onnx" else text


def _text(name: str | bytes) -> str:
    """Return a text of the file's; protobuf gives bytes where it is no UTF-8."""
    return name if isinstance(name, str) else name.decode()


def _value(onnx: Any, found: Any) -> Value:
    kind = found.type.WhichOneof("value") or "value of an unknown type"
    name = _text(found.name)
    if kind != "tensor_type":
        return Value(name, kind.removesuffix("_type").replace("_", " "), None)
    tensor = found.type.tensor_type
    known = onnx.TensorProto.DataType
    is_known = tensor.elem_type in known.values()
    dtype = known.Name(tensor.elem_type) if is_known else f"type {tensor.elem_type}"
    if not tensor.HasField("shape"):
        return Value(name, dtype, None)
    # Some exporters write 0 or -1 for an axis of any size.
    sizes = (each.dim_value if each.HasField("dim_value") else 0 for each in tensor.shape.dim)
    return Value(name, dtype, tuple(size if size > 0 else None for size in sizes))


def _graphs(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the nodes and the graph of each graph, and the nodes of each function."""
    waiting = [model.graph]
    for each in model.training_info:
        waiting += [each.initialization, each.algorithm]
    waiting += model.functions
    while waiting:
        found = waiting.pop()
        nodes = found.node
        yield nodes, found
        for node in nodes:
            for attribute in node.attribute:
                waiting += [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _locations(onnx: Any, graphs: list[tuple[Any, Any]], path: Path) -> tuple[str, ...]:
    found: set[str] = set()
    for nodes, graph in graphs:
        for tensor in chain(_initializers(graph), *map(_constants, nodes)):
            external = tensor.data_location == onnx.TensorProto.EXTERNAL
            if not external and not tensor.external_data:
                continue
            named = [_text(each.value) for each in tensor.external_data if each.key == "location"]
            if not named:
                raise ModelError(
                    f"{path} is damaged: it says that {tensor.name!r} lies in another file, and "
                    f"not in which: {AGAIN}"
                )
            found.update(named)
    return tuple(sorted(found))


def _initializers(graph: Any) -> Iterator[Any]:
    # A function has none.
    yield from getattr(graph, "initializer", ())
    for each in getattr(graph, "sparse_initializer", ()):
        yield from (each.values, each.indices)


def _constants(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        for each in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (each.values, each.indices)

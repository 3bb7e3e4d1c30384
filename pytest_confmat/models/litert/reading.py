"""What a LiteRT file holds, read by the schema that comes with the runtime; no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.runtime import first_line, import_tensorflow, tolerant

AGAIN = "copy or convert it again"
Shape = tuple[int | None, ...]
# More of anything that is listed here has no file but a damaged one.
_MOST = 10_000
_MOST_AXES = 16
_VERSION = 3


@dataclass(frozen=True)
class Tensor:
    """An input or output of an entry.

    Attributes
    ----------
    index
        Among the tensors of its subgraph.
    dtype
        The schema's name for the type of its numbers, such as ``FLOAT32``.
    shape
        The batch axis first; ``None``: not stated.
    scales, zero_points
        Of numbers that stand for others: one of each, or one for each place along an axis.
    """

    name: str
    index: int
    dtype: str
    shape: Shape | None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()


@dataclass(frozen=True)
class Entry:
    """What can be called: a signature, or the first subgraph of a file without any.

    Attributes
    ----------
    name
        Of the signature; ``None``: there is none.
    """

    name: str | None
    subgraph: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    saved_by
        What wrote it, where the file says so.
    operators
        Of the runtime's own, by the schema's names.
    custom
        Names of the others.
    """

    saved_by: str | None
    entries: tuple[Entry, ...]
    operators: frozenset[str]
    custom: frozenset[str]


def reads() -> bool:
    """Whether there is a library that has the schema of such files."""
    return find_spec("ai_edge_litert") is not None or find_spec("tensorflow") is not None


def read(path: Path) -> Contents:
    """Return what a file holds.

    Raises
    ------
    ModelError
        If it cannot be read, is damaged, or keeps weights in other files.
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
def _read(path: Path, _time: int, _size: int, _inode: int) -> Contents:
    schema = _schema()
    try:
        return _contents(schema, schema.Model.GetRootAs(path.read_bytes(), 0), path)
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # of struct's, NumPy's, and of what is no UTF-8
        raise ModelError(
            f"{path} begins as a LiteRT file and is cut off or damaged ({first_line(error)}): "
            f"{AGAIN}"
        ) from error


@cache
def _schema() -> Any:
    if find_spec("ai_edge_litert") is not None:
        with tolerant():
            return import_module("ai_edge_litert.schema_py_generated")
    import_tensorflow()
    return import_module("tensorflow.lite.python.schema_py_generated")


def _contents(schema: Any, model: Any, path: Path) -> Contents:
    if model.Version() != _VERSION:
        raise ModelError(
            f"{path} is of version {model.Version()} of its format, and runtimes know version "
            f"{_VERSION}: it is damaged, or of another time; convert the model again"
        )
    # Newer files may name others that hold their weights; older schemas do not know of that.
    if getattr(model, "ExternalBufferGroupsLength", lambda: 0)():
        raise ModelError(
            f"{path} is not loaded: it keeps weights in other files, and a model of one file is "
            "supported: convert it with its weights inside"
        )
    if not model.SubgraphsLength():
        raise ModelError(f"{path} holds no graph, so no model, or is cut off: {AGAIN}")
    operators, custom = _operators(schema, model)
    return Contents(_saved_by(model), _entries(schema, model), operators, custom)


def _operators(schema: Any, model: Any) -> tuple[frozenset[str], frozenset[str]]:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    operators, custom = set(), set()
    for each in _all(model.OperatorCodes, model.OperatorCodesLength()):
        # The older field has room for 127 of them.
        code = max(each.BuiltinCode(), each.DeprecatedBuiltinCode())
        if code == schema.BuiltinOperator.CUSTOM:
            custom.add(_text(each.CustomCode()))
        else:
            operators.add(names.get(code, f"operator {code}"))
    return frozenset(operators), frozenset(custom)


def _entries(schema: Any, model: Any) -> tuple[Entry, ...]:
    found = []
    for each in _all(model.SignatureDefs, model.SignatureDefsLength()):
        at = _within(each.SubgraphIndex(), model.SubgraphsLength())
        graph = model.Subgraphs(at)
        found.append(
            Entry(
                _text(each.SignatureKey()),
                at,
                tuple(_named(schema, graph, m) for m in _all(each.Inputs, each.InputsLength())),
                tuple(_named(schema, graph, m) for m in _all(each.Outputs, each.OutputsLength())),
            )
        )
    if found:
        return tuple(found)
    graph = model.Subgraphs(0)
    inputs = tuple(_tensor(schema, graph, at) for at in _all(graph.Inputs, graph.InputsLength()))
    outputs = tuple(_tensor(schema, graph, at) for at in _all(graph.Outputs, graph.OutputsLength()))
    return (Entry(None, 0, inputs, outputs),)


def _named(schema: Any, graph: Any, mapped: Any) -> Tensor:
    return _tensor(schema, graph, mapped.TensorIndex(), _text(mapped.Name()))


def _tensor(schema: Any, graph: Any, index: int, name: str | None = None) -> Tensor:
    found = graph.Tensors(_within(index, graph.TensorsLength()))
    kinds = {value: key for key, value in vars(schema.TensorType).items() if key.isupper()}
    scales: tuple[float, ...] = ()
    points: tuple[int, ...] = ()
    if (told := found.Quantization()) is not None:
        # Two say as much as all: that there is more than one.
        scales = tuple(told.Scale(at) for at in range(min(told.ScaleLength(), 2)))
        points = tuple(told.ZeroPoint(at) for at in range(min(told.ZeroPointLength(), 2)))
    return Tensor(
        _text(found.Name()) if name is None else name,
        index,
        kinds.get(found.Type(), f"type {found.Type()}"),
        _shape(found),
        scales,
        points,
    )


def _shape(tensor: Any) -> Shape | None:
    """Return a shape; of older files, and of what has no size yet, the one for a first try."""
    stated = [(tensor.ShapeSignature, tensor.ShapeSignatureLength())]
    stated.append((tensor.Shape, tensor.ShapeLength()))
    get, axes = next((each for each in stated if each[1]), (None, 0))
    if get is None:
        return None
    if axes > _MOST_AXES:
        raise ValueError(f"a tensor of {axes} axes")
    sizes = [get(at) for at in range(axes)]
    return tuple(size if size > 0 else None for size in sizes)


def _saved_by(model: Any) -> str | None:
    for each in _all(model.Metadata, model.MetadataLength()):
        if each.Name() == b"CONVERSION_METADATA" and each.Buffer() < model.BuffersLength():
            buffer = model.Buffers(each.Buffer())
            if buffer.DataLength() and (version := _converter(buffer.DataAsNumpy().tobytes())):
                return f"TensorFlow {version}"
    return _text(model.Description()) or None


def _converter(data: bytes) -> str | None:
    """Return the version of TensorFlow in a file's metadata: a flatbuffer of its own."""
    import flatbuffers
    from flatbuffers.table import Table

    numbers = flatbuffers.number_types
    try:
        table: Any = Table(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))
        # The first field of each: the environment, and in it TensorFlow's version.
        if not (at := table.Offset(4)):
            return None
        inner = Table(data, table.Indirect(at + table.Pos))
        at = numbers.UOffsetTFlags.py_type(inner.Offset(4))
        version = _text(inner.String(at + inner.Pos)) if at else ""
    except Exception:  # it says nothing then, and nothing depends on it
        return None
    return version if version[:1].isdigit() else None


def _all(get: Callable[[int], Any], number: int) -> Iterator[Any]:
    if number > _MOST:
        raise ValueError(f"a list of {number:,}")
    return map(get, range(number))


def _within(index: int, number: int) -> int:
    if not 0 <= index < number:
        raise ValueError(f"number {index} of {number}")
    return index


def _text(found: bytes | None) -> str:
    return (found or b"").decode()

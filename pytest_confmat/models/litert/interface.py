"""What of a LiteRT file is fed and judged: a signature, its input, and its output of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.errors import ModelError
from pytest_confmat.models.decision import one_row, with_n
from pytest_confmat.models.litert.quantization import Quantization
from pytest_confmat.models.litert.reading import AGAIN, Contents, Entry, Shape, Tensor
from pytest_confmat.spec import ModelInput
from pytest_confmat.text import brief, joined, shortened

_INPUTS = {
    "FLOAT32": "float32", "FLOAT16": "float16", "FLOAT64": "float64", "UINT8": "uint8",
    "INT8": "int8", "UINT16": "uint16", "INT16": "int16", "UINT32": "uint32", "INT32": "int32",
    "UINT64": "uint64", "INT64": "int64", "BOOL": "bool",
}  # fmt: skip
_FLOATS = ("FLOAT32", "FLOAT16", "FLOAT64")
_QUANTIZED = ("UINT8", "INT8", "INT16")
# The names under which converters put what is called.
_USUAL = ("serving_default", "serve")
_FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"


@dataclass(frozen=True)
class Interface:
    """What is fed and judged.

    Attributes
    ----------
    signature
        Its name, where its graph is not the file's first; ``None``: the first.
    input_index, output_index
        Of the tensors, in the first graph.
    input
        What the data are made for: of a quantized input, the numbers that it stands for.
    quantization, scores
        How input and output are quantized; ``None``: not.
    batch
        The number of examples that the file fixes, or ``None``.
    shape
        Of the scores, the batch axis first; ``None``: not stated.
    unused
        Names of the outputs that are not judged.
    """

    signature: str | None
    input_name: str
    input_index: int
    output_name: str
    output_index: int
    input: ModelInput
    quantization: Quantization | None
    scores: Quantization | None
    batch: int | None
    shape: Shape | None
    unused: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the file states every size of an example that goes into its first graph."""
        shape = self.input.shape
        return self.signature is None and shape is not None and None not in shape

    @property
    def dtype(self) -> str:
        """NumPy's name for the numbers that go into it."""
        return self.input.dtype if self.quantization is None else self.quantization.dtype


def interface_of(
    contents: Contents, path: Path, units: Sequence[int], asked: str | None = None
) -> Interface:
    """Find out what is fed and judged.

    Parameters
    ----------
    units
        How many scores an example may have.
    asked
        The signature that the policy asks for.

    Raises
    ------
    ModelError
        If there is no such signature, or it takes or gives anything else than one batch of
        numbers, one of scores.
    """
    entry = _chosen(contents.entries, path, asked)
    where = f"the signature {brief(entry.name)} of {path}" if entry.name else str(path)
    value = _input(entry.inputs, where)
    output = _output(entry.outputs, where, units)
    batch = value.shape[0] if value.shape else None
    quantization = _quantization(value, path)
    return Interface(
        entry.name if entry.subgraph else None,
        value.name,
        value.index,
        output.name,
        output.index,
        ModelInput(
            None if value.shape is None else value.shape[1:],
            _INPUTS[value.dtype] if quantization is None else "float32",
            # A batch of one is tried as more, or a loop in the predictor.
            batch if batch != 1 else None,
        ),
        quantization,
        _quantization(output, path),
        batch,
        output.shape,
        tuple(each.name for each in entry.outputs if each is not output),
    )


def _chosen(entries: tuple[Entry, ...], path: Path, asked: str | None) -> Entry:
    named = {each.name: each for each in entries if each.name is not None}
    names = joined(list(map(brief, named)), 10) or "none"
    if asked is not None and asked not in named:
        raise ModelError(
            f"{path} has no signature {asked!r}, which the policy asks for: it has {names}"
        )
    usual = [each for each in _USUAL if each in named]
    if chosen := asked or next(iter(usual), None):
        return named[chosen]
    if len(entries) == 1:
        return entries[0]
    raise ModelError(
        f"{path} has the signatures {names}, and none of them is serving_default or serve: say "
        "which is judged, as `model: {signature: NAME}` in the policy"
    )


def _input(inputs: Sequence[Tensor], where: str) -> Tensor:
    if len(inputs) != 1:
        found = f"{len(inputs)} inputs ({_described(inputs)})" if inputs else "no input"
        raise ModelError(
            f"{where} takes {found}, and one batch is supported: convert it with one input, or "
            f"{_FIXTURE}"
        )
    (value,) = inputs
    if value.dtype == "STRING":
        raise ModelError(
            f"{where} takes text ({brief(value.name)} is of strings), and batches of numbers are "
            "supported: convert the part that takes the numbers"
        )
    if value.dtype not in _INPUTS:
        raise ModelError(
            f"{where} takes {brief(value.name)} as {_type(value)}, and batches of numbers that "
            f"NumPy knows are supported: convert it with a float32 input, or {_FIXTURE}"
        )
    return value


def _output(outputs: Sequence[Tensor], where: str, units: Sequence[int]) -> Tensor:
    scores = [each for each in outputs if each.dtype in _FLOATS]
    # Quantized to its end; other whole numbers are classes, not scores.
    scores = scores or [
        each
        for each in outputs
        if each.dtype in _QUANTIZED and (any(each.scales) or each.dtype != "INT16")
    ]
    if not scores:
        raise ModelError(
            f"{where} gives {_described(outputs) or 'nothing'}, and none of that is an array of "
            "scores: convert it so that it ends in the scores of the classes"
        )
    fitting = [each for each in scores if each.shape and one_row(each.shape)[1:] in _rows(units)]
    if len(fitting) == 1 or len(scores) == 1:
        return (fitting or scores)[0]
    raise ModelError(
        f"{where} gives {len(scores)} outputs that may be the scores ({_described(scores)}), and "
        f"one is judged: convert it with that one alone, or {_FIXTURE}"
    )


def _rows(units: Sequence[int]) -> list[tuple[int]]:
    return [(each,) for each in units]


def _quantization(tensor: Tensor, path: Path) -> Quantization | None:
    """Return how a tensor is quantized; a scale of 0 says that it is not."""
    if tensor.dtype in _FLOATS or not any(tensor.scales):
        return None
    if len(tensor.scales) > 1:
        raise ModelError(
            f"{path} has several scales for {brief(tensor.name)}, one for each place along an "
            "axis, and one for all is supported: convert the model again"
        )
    dtype = _INPUTS.get(tensor.dtype, tensor.dtype)
    scale, point = tensor.scales[0], (*tensor.zero_points, 0)[0]
    # NaN is neither above nor below.
    if dtype not in ("uint8", "int8", "int16") or not 0 < scale < float("inf"):
        raise ModelError(
            f"{path} is damaged: it quantizes {brief(tensor.name)} as {dtype} by a scale of "
            f"{scale}: {AGAIN}"
        )
    if abs(point) >= 1 << 16:
        raise ModelError(
            f"{path} is damaged: the zero point of {brief(tensor.name)} is {point}: {AGAIN}"
        )
    return Quantization(dtype, scale, point)


def _described(values: Sequence[Tensor]) -> str:
    return joined([f"{shortened(each.name, 100)} {_type(each)}" for each in values], 10)


def _type(value: Tensor) -> str:
    size = "" if value.shape is None else f"{with_n(value.shape)} "
    return f"{size}{_INPUTS.get(value.dtype, value.dtype.lower())}"

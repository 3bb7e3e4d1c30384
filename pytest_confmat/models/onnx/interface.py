"""What of an ONNX file is fed and judged: one input, and one output of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.errors import ModelError
from pytest_confmat.models.decision import one_row, with_n
from pytest_confmat.models.onnx.layout import Layout
from pytest_confmat.models.onnx.reading import Contents, Shape, Value
from pytest_confmat.spec import ModelInput
from pytest_confmat.text import brief, joined, shortened

_INPUTS = {
    "FLOAT": "float32", "FLOAT16": "float16", "DOUBLE": "float64", "UINT8": "uint8",
    "INT8": "int8", "UINT16": "uint16", "INT16": "int16", "UINT32": "uint32", "INT32": "int32",
    "UINT64": "uint64", "INT64": "int64", "BOOL": "bool",
}  # fmt: skip
_FLOATS = ("FLOAT", "FLOAT16", "DOUBLE")
# Of a model that is quantized to its end; larger whole numbers are classes, not scores.
_QUANTIZED = ("UINT8", "INT8")
_FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"


@dataclass(frozen=True)
class Interface:
    """What is fed and judged.

    Attributes
    ----------
    input
        What the data are made for: images channels last, whatever the model takes.
    channels_first
        Whether the model takes them the other way round.
    batch
        The number of examples that the file fixes, or ``None``.
    shape
        Of the scores, the batch axis first; ``None``: not stated.
    unused
        Names of the outputs that are not judged.
    """

    input_name: str
    output_name: str
    input: ModelInput
    channels_first: bool
    batch: int | None
    shape: Shape | None
    unused: tuple[str, ...]

    @property
    def own_shape(self) -> Shape | None:
        """Of one example, as the model takes it."""
        return self.input.channels_first if self.channels_first else self.input.shape


def interface_of(contents: Contents, path: Path, units: Sequence[int]) -> Interface:
    """Find out what is fed and judged.

    Parameters
    ----------
    units
        How many scores an example may have.

    Raises
    ------
    ModelError
        If the model takes or gives anything else than one batch of numbers, one of scores.
    """
    value = _input(contents.inputs, path)
    output = _output(contents.outputs, path, units)
    shape, dtype = value.shape, _INPUTS[value.dtype]
    batch = shape[0] if shape else None
    first = _channels_first(shape, contents.layout)
    own = None if shape is None else shape[1:]
    usual = (*own[1:], own[0]) if first and own else own
    # A batch of one is a loop in the predictor, and nothing that others need to heed.
    insisted = batch if batch != 1 else None
    return Interface(
        value.name,
        output.name,
        ModelInput(usual, dtype, insisted, own if first else None),
        first,
        batch,
        output.shape,
        tuple(each.name for each in contents.outputs if each.name != output.name),
    )


def _input(inputs: Sequence[Value], path: Path) -> Value:
    if len(inputs) != 1:
        found = f"{len(inputs)} inputs ({_described(inputs)})" if inputs else "no input"
        raise ModelError(
            f"{path} takes {found}, and one batch is supported: export it with one input, or "
            f"{_FIXTURE}"
        )
    (value,) = inputs
    if value.dtype == "STRING":
        raise ModelError(
            f"{path} takes text ({brief(value.name)} is of strings), and batches of numbers are "
            "supported: export the part that takes the numbers"
        )
    if value.dtype not in _INPUTS:
        raise ModelError(
            f"{path} takes {brief(value.name)} as {_type(value)}, and batches of numbers that "
            f"NumPy knows are supported: export it with a float32 input, or {_FIXTURE}"
        )
    if value.shape == ():
        raise ModelError(
            f"{path} takes a single number ({brief(value.name)}), and a batch is given to it"
        )
    return value


def _output(outputs: Sequence[Value], path: Path, units: Sequence[int]) -> Value:
    scores = [each for each in outputs if each.dtype in _FLOATS]
    scores = scores or [each for each in outputs if each.dtype in _QUANTIZED]
    if not scores:
        hint = "export it so that it ends in the scores of the classes, which are floats"
        if any(each.dtype in ("sequence", "map") for each in outputs):
            hint = "export it with options={'zipmap': False}, so that scores are one array"
        raise ModelError(
            f"{path} gives {_described(outputs)}, and none of that is an array of scores: {hint}"
        )
    fitting = [each for each in scores if each.shape and one_row(each.shape)[1:] in _rows(units)]
    if len(fitting) == 1 or len(scores) == 1:
        return (fitting or scores)[0]
    raise ModelError(
        f"{path} gives {len(scores)} outputs that may be the scores ({_described(scores)}), and "
        "one is judged: export it with that one alone (onnx.utils.extract_model), or "
        f"{_FIXTURE}"
    )


def _rows(units: Sequence[int]) -> list[tuple[int]]:
    return [(each,) for each in units]


def _channels_first(shape: Shape | None, told: Layout | None) -> bool:
    if shape is None or len(shape) != 4:
        return False
    if told is not None:
        return told == "first"
    return shape[1] in (1, 3, 4) and shape[3] not in (1, 3, 4)


def _described(values: Sequence[Value]) -> str:
    return joined([f"{shortened(each.name, 100)} {_type(each)}" for each in values], 10)


def _type(value: Value) -> str:
    size = "" if value.shape is None else f"{with_n(value.shape)} "
    return f"{size}{_INPUTS.get(value.dtype, value.dtype.lower())}"

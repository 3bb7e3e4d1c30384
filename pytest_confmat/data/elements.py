"""One element of a dataset of the user's own, as examples: inputs, labels, check words, weights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data import shapes
from pytest_confmat.data.naming import path_remark
from pytest_confmat.errors import DataError
from pytest_confmat.relaying import without_advice
from pytest_confmat.spec import ModelInput
from pytest_confmat.text import listed, plural

WHAT_TO_YIELD = "a dataset yields batches of (inputs, labels) or (inputs, labels, weights)"

_NOT_DENSE = {
    "RaggedTensor": "its rows differ in shape: bring them to one, as by to_tensor() or resizing",
    "SparseTensor": "make it dense, as by tf.sparse.to_dense",
}
# What TensorFlow puts before the words of the op that failed.
_OF_TENSORFLOW = re.compile(
    r"^\{\{[^}]*\}\} |Error in user-defined function passed to \S+ .*? iterator: \S+ "
)


@dataclass(frozen=True)
class Rows:
    """Examples of one batch of the project's."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    check: NDArray[np.uint64]
    weights: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.labels)


def read_element(element: Any, classes: tuple[str, ...], model: ModelInput) -> Rows:
    """Return the examples of what a dataset yielded, as the model takes them.

    Raises
    ------
    DataError
        If it is no batch of inputs, labels and perhaps weights, or they do not fit.
    """
    if not isinstance(element, tuple | list):
        raise DataError(f"it is of type {type(element).__name__}; {WHAT_TO_YIELD}")
    if len(element) not in (2, 3):
        raise DataError(f"it has {plural(len(element), 'part')}; {WHAT_TO_YIELD}")
    inputs = _array(unwrapped(element[0]), "inputs")
    labels = _array(unwrapped(element[1]), "labels")
    if not labels.ndim or not inputs.ndim or _is_single(inputs, labels, model):
        raise DataError("it is a single example; batch the dataset, as by dataset.batch(256)")
    if len(labels) != len(inputs):
        raise DataError(f"it has {len(inputs):,} inputs and {len(labels):,} labels")
    weights = None
    if len(element) == 3 and element[2] is not None:
        weights = _weights(_array(unwrapped(element[2]), "weights"), len(labels))
    check = _words(inputs)
    return Rows(_fit(inputs, model), _labels(labels, classes), check, weights)


def unwrapped(value: Any) -> Any:
    """Return what containers of one hold, such as ``{"image": x}``, ``[x]`` and ``(x,)``.

    A list is one only around an array: ``[[0.5, 0.1]]`` is a batch of one example.
    """
    while True:
        if isinstance(value, Mapping) and len(value) == 1:
            (value,) = value.values()
        elif (
            isinstance(value, tuple | list)
            and len(value) == 1
            and (isinstance(value[0], Mapping) or _is_array(value[0]))
        ):
            (value,) = value
        else:
            return value


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and len(value.shape) > 0


def _array(value: Any, what: str) -> NDArray[Any]:
    several = "inputs" if what == "inputs" else "outputs"
    if value is None:
        raise DataError(f"it has no {what}; {WHAT_TO_YIELD}")
    if isinstance(value, Mapping):
        raise DataError(
            f"{what} are a dict of {listed(list(map(str, value))) or 'nothing'}; models of several "
            f"{several} are not supported, so yield the one that the model takes"
        )
    if isinstance(value, tuple | list) and any(map(_is_array, value)):
        raise DataError(
            f"{what} are a {type(value).__name__} of arrays; stack them into one, as models of "
            f"several {several} are not supported"
        )
    if type(value).__name__ in _NOT_DENSE:
        raise DataError(f"{what} are a {type(value).__name__}; {_NOT_DENSE[type(value).__name__]}")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{what} are no array: {first_line(error)}") from error
    if array.dtype.kind not in "biufSUO" or (
        array.dtype.kind == "O" and not all(isinstance(item, str | bytes) for item in array.flat)
    ):
        raise DataError(f"{what} are of type {type(value).__name__}, and no array of numbers")
    return array


def _is_single(inputs: NDArray[Any], labels: NDArray[Any], model: ModelInput) -> bool:
    """Whether lengths that differ come from an example that is not in a batch."""
    return (
        len(inputs) != len(labels)
        and model.shape is not None
        and shapes.fit(inputs.shape, model.shape) is not None
        and shapes.fit(inputs.shape[1:], model.shape) is None
    )


def _fit(inputs: NDArray[Any], model: ModelInput) -> NDArray[Any]:
    fitted = shapes.fit(inputs.shape[1:], model.shape)
    if fitted is None and model.channels_first is not None:
        fitted = shapes.fit(inputs.shape[1:], model.channels_first)
    if fitted is None:
        raise DataError(f"inputs {shapes.misfit(inputs.shape[1:], model.shape)}")
    return _cast(inputs.reshape(len(inputs), *fitted), model.dtype)


def _cast(inputs: NDArray[Any], dtype: str) -> NDArray[Any]:
    texts = inputs.dtype.kind in "SUO"
    if texts != (dtype == "string"):
        raise DataError(f"inputs are {inputs.dtype}, and the model takes {dtype}")
    try:
        wanted = np.dtype(dtype)
    except TypeError:  # bfloat16, string: names of TensorFlow's, for the model to cast to
        return inputs
    with np.errstate(invalid="ignore"):
        cast = inputs.astype(wanted)
    if wanted.kind in "biu" and not np.can_cast(inputs.dtype, wanted):
        lost = inputs[cast != inputs]
        if lost.size:
            raise DataError(f"inputs hold {lost[0]}, and the model takes {dtype}")
    return cast


def _labels(labels: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.int64]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "biuf":
        raise DataError(_why_no_numbers(labels, classes))
    if labels.ndim == 2:
        return _of_one_hot(labels, classes)
    if labels.ndim != 1:
        raise DataError(
            f"labels have shape {shapes.text(labels.shape)}; they must be (n,), (n, 1) or, "
            f"one-hot, (n, {len(classes)})"
        )
    with np.errstate(invalid="ignore"):
        whole = labels.astype(np.int64)
    if (wrong := np.flatnonzero(whole != labels)).size:
        raise DataError(f"the label {labels[wrong[0]]} is no whole number")
    return whole


def _why_no_numbers(labels: NDArray[Any], classes: tuple[str, ...]) -> str:
    first = next(iter(labels.flat), "")
    text = first.decode("utf-8", "backslashreplace") if isinstance(first, bytes) else str(first)
    problem = "labels are strings"
    if remark := path_remark(text, classes):
        problem = f"labels are strings, of which the first, {text!r}, {remark}"
    return f"{problem}; they must be numbers, counted from 0"


def _of_one_hot(labels: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.int64]:
    if labels.shape[1] != len(classes):
        raise DataError(
            f"labels have shape {shapes.text(labels.shape)}, and there are {len(classes)} classes"
        )
    one_hot = ((labels == 1).sum(axis=1) == 1) & ((labels != 0).sum(axis=1) == 1)
    if not one_hot.all():
        raise DataError(f"the label {labels[~one_hot][0].tolist()} is not one-hot")
    places: NDArray[np.int64] = labels.argmax(axis=1)
    return places


def _weights(weights: NDArray[Any], number: int) -> NDArray[np.float64]:
    if weights.shape not in ((number,), (number, 1)):
        raise DataError(
            f"weights have shape {shapes.text(weights.shape)} for {plural(number, 'example')}"
        )
    if weights.dtype.kind not in "biuf":
        raise DataError("weights are no numbers")
    weights = weights.reshape(number).astype(np.float64)
    bad = weights[~(np.isfinite(weights) & (weights >= 0))]
    if bad.size:
        raise DataError(f"the weight {bad[0]} is not finite and at least 0")
    return weights


def _words(inputs: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a word over each row, uint64 (n,)."""
    number = len(inputs)
    if inputs.dtype.kind in "SUO":
        rows: Iterable[Any] = (_text(row) for row in inputs.reshape(number, -1))
    elif inputs.size:
        rows = np.ascontiguousarray(inputs).reshape(number, -1).view(np.uint8)
    else:
        rows = [b""] * number
    words = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(words, "<u8").astype(np.uint64)


def _text(row: Iterable[Any]) -> bytes:
    items = [item if isinstance(item, bytes) else str(item).encode() for item in row]
    return b"".join(len(item).to_bytes(8, "little") + item for item in items)


def first_line(error: Exception) -> str:
    """Return what an exception says, without what TensorFlow puts around it."""
    text = str(getattr(error, "message", "") or error).strip()
    text = _OF_TENSORFLOW.sub("", text)
    return without_advice((text.splitlines() or ["no message"])[0])

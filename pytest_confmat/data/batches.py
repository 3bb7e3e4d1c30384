"""Batches of the user's own: a tf.data.Dataset, a PyDataset, or any iterable.

Needs no TensorFlow unless the data set does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data import shapes
from pytest_confmat.data.dropping import note_on_dropping, refuse_dropping
from pytest_confmat.data.headers import NOT_FINITE
from pytest_confmat.data.order import note_on_order, unfixed
from pytest_confmat.data.source import Batch, Piece
from pytest_confmat.data.wording import counted
from pytest_confmat.errors import ConfmatError, DataError
from pytest_confmat.spec import ModelInput

_INFINITE = -1  # tf.data.INFINITE_CARDINALITY
_WHAT_TO_YIELD = "a dataset yields batches of (inputs, labels) or (inputs, labels, weights)"

_NOT_DENSE = {
    "RaggedTensor": "its rows differ in shape: bring them to one, as by to_tensor() or resizing",
    "SparseTensor": "make it dense, as by tf.sparse.to_dense",
}
# What TensorFlow puts before the words of the op that failed.
_OF_TENSORFLOW = re.compile(
    r"^\{\{[^}]*\}\} |Error in user-defined function passed to \S+ .*? iterator: \S+ "
)


@dataclass(frozen=True)
class _Rows:
    """Examples on their way from the user's batches to ours."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    check: NDArray[np.uint64]
    weights: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.labels)

    def fits(self, other: _Rows) -> bool:
        """Whether the two can stand in one batch."""
        return self.inputs.shape[1:] == other.inputs.shape[1:]

    def apply(self, function: Callable[[list[Any]], Any], *others: _Rows) -> _Rows:
        """Apply a function to each array, together with those of `others`."""
        rows = (self, *others)
        return _Rows(
            function([row.inputs for row in rows]),
            function([row.labels for row in rows]),
            function([row.check for row in rows]),
            None if self.weights is None else function([row.weights for row in rows]),
        )


class BatchesSource:
    """Any iterable of batches, read in its own order, handed on in batches of equal size.

    Parameters
    ----------
    dataset
        See `pytest_confmat.data.open_batches`.
    classes, model
        Names in the order of the labels, and what the model takes.

    Raises
    ------
    DataError
        If it is plain that `dataset` yields no batches, or never ends.
    """

    def __init__(self, dataset: Any, classes: tuple[str, ...], model: ModelInput) -> None:
        self._dataset = dataset
        self._classes = classes
        self._model = model
        self._last: Iterator[Any] | None = None
        _refuse_at_sight(dataset)

    @property
    def pieces(self) -> tuple[Piece, ...] | None:
        """None: only the pass can tell."""
        return None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """None: only the pass can tell."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether the order is known to differ from run to run, and examples may be missing."""
        said = note_on_order(self._dataset), note_on_dropping(self._dataset)
        return tuple(filter(None, said))

    @property
    def description(self) -> str:
        """The kind of object."""
        return f"dataset of the project's own ({type(self._dataset).__name__})"

    @property
    def states_count(self) -> bool:
        """No: only the pass tells."""
        return False

    @property
    def unfixed(self) -> str | None:
        """What can be seen of the object; see `order.unfixed`."""
        if hasattr(type(self._dataset), "__next__") and not _is_indexed(self._dataset):
            return "it can be read only once, so that nothing shows that it stays the same"
        return unfixed(self._dataset)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """One pass; see `Source.batches`."""
        place = 0
        for rows in _rebatch(self._rows(batch_size), batch_size):
            index = np.arange(place, place + len(rows))
            place += len(rows)
            marks = _marks(rows.inputs)
            yield Batch(rows.inputs, rows.labels, index, rows.check, rows.weights, marks)
        if not place:
            raise DataError(
                "the dataset yields no examples; a generator that was read before yields nothing "
                "a second time"
            )

    def example(self, index: int) -> Batch:  # noqa: ARG002 (the contract's)
        """Refuse: the data set can only be read as a whole."""
        raise DataError("cannot be read by itself, as it comes from a dataset of the project's own")

    def _rows(self, batch_size: int) -> Iterator[_Rows]:
        weighted: bool | None = None
        for number, element in enumerate(self._elements(batch_size)):
            try:
                rows = _read(element, self._classes, self._model)
                if weighted not in (None, rows.weights is not None):
                    raise DataError(
                        f"it has {'no ' if weighted else ''}weights, unlike those before"
                    )
            except DataError as error:
                raise DataError(f"batch #{number} of the dataset: {error}") from error.__cause__
            weighted = rows.weights is not None
            if len(rows):
                yield rows

    def _elements(self, batch_size: int) -> Iterator[Any]:
        elements = self._iterator(batch_size)
        for number in count():
            try:
                element = next(elements)
            except StopIteration:
                return
            except ConfmatError:
                raise
            except Exception as error:
                raise DataError(
                    f"the dataset raised {type(error).__name__} in batch #{number}: "
                    f"{_first_line(error)}"
                ) from error
            yield element

    def _iterator(self, batch_size: int) -> Iterator[Any]:
        dataset = self._dataset
        if _are_arrays(dataset):
            starts = range(0, len(dataset[0]), batch_size)
            return (tuple(part[at : at + batch_size] for part in dataset) for at in starts)
        if _is_indexed(dataset):
            return (dataset[number] for number in range(_batch_count(dataset)))
        elements: Iterator[Any] = iter(dataset)
        if elements is self._last:
            raise DataError(
                "the dataset can be read only once, and was read before; hand in a list, a "
                "tf.data.Dataset, or an object whose iter() starts anew"
            )
        self._last = elements
        return elements


def _refuse_at_sight(dataset: Any) -> None:
    name = type(dataset).__name__
    if dataset is None or isinstance(dataset, str | bytes | dict):
        raise DataError(f"the dataset is a {name}; {_WHAT_TO_YIELD}")
    iterable = hasattr(dataset, "__iter__") or _is_indexed(dataset)
    if not iterable and callable(dataset):
        raise DataError("the dataset is a function; hand in what it returns")
    if not iterable:
        raise DataError(f"the dataset is a {name}, which cannot be iterated; {_WHAT_TO_YIELD}")
    if _is_indexed(dataset):
        _batch_count(dataset)
    of_tensorflow = type(dataset).__module__.startswith("tensorflow")
    cardinality = getattr(dataset, "cardinality", None) if of_tensorflow else None
    if cardinality is not None and int(cardinality()) == _INFINITE:
        raise DataError("the dataset never ends; leave out its repeat()")
    refuse_dropping(dataset)


def _is_py_dataset(dataset: Any) -> bool:
    return hasattr(type(dataset), "num_batches") and hasattr(dataset, "__getitem__")


def _is_indexed(dataset: Any) -> bool:
    """Whether it is read by number; iter() of such an object may never end."""
    numbered = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
    return _is_py_dataset(dataset) or (numbered and not hasattr(dataset, "__iter__"))


def _batch_count(dataset: Any) -> int:
    try:
        number = dataset.num_batches if _is_py_dataset(dataset) else len(dataset)
    except NotImplementedError:
        raise DataError("the dataset does not say how many batches it has") from None
    if number is None:
        raise DataError("the dataset never ends: its num_batches is None")
    return int(number)


def _are_arrays(dataset: Any) -> bool:
    """Whether it is no iterable of batches, but inputs and labels as whole arrays."""
    if not isinstance(dataset, tuple | list) or len(dataset) not in (2, 3):
        return False
    lengths = [tuple(part.shape)[:1] for part in dataset if hasattr(part, "shape")]
    return len(lengths) == len(dataset) and lengths[0] != () and len(set(lengths)) == 1


def _read(element: Any, classes: tuple[str, ...], model: ModelInput) -> _Rows:
    if not isinstance(element, tuple | list):
        raise DataError(f"it is of type {type(element).__name__}; {_WHAT_TO_YIELD}")
    if len(element) not in (2, 3):
        raise DataError(f"it has {counted(len(element), 'part')}; {_WHAT_TO_YIELD}")
    inputs = _array(element[0], "inputs")
    labels = _array(element[1], "labels")
    if not labels.ndim or not inputs.ndim or _is_single(inputs, labels, model):
        raise DataError("it is a single example; batch the dataset, as by dataset.batch(256)")
    if len(labels) != len(inputs):
        raise DataError(f"it has {len(inputs):,} inputs and {len(labels):,} labels")
    weights = None
    if len(element) == 3 and element[2] is not None:
        weights = _weights(_array(element[2], "weights"), len(labels))
    check = _words(inputs)
    return _Rows(_fit(inputs, model), _labels(labels, classes), check, weights)


def _array(value: Any, what: str) -> NDArray[Any]:
    several = "inputs" if what == "inputs" else "outputs"
    if value is None:
        raise DataError(f"it has no {what}; {_WHAT_TO_YIELD}")
    if isinstance(value, dict):
        raise DataError(f"{what} are a dict; models of several {several} are not supported")
    if isinstance(value, tuple | list) and any(hasattr(part, "shape") for part in value):
        raise DataError(
            f"{what} are a {type(value).__name__} of arrays; stack them into one, as models of "
            f"several {several} are not supported"
        )
    if type(value).__name__ in _NOT_DENSE:
        raise DataError(f"{what} are a {type(value).__name__}; {_NOT_DENSE[type(value).__name__]}")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{what} are no array: {_first_line(error)}") from error
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
        raise DataError("labels are strings; they must be numbers, counted from 0")
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
            f"weights have shape {shapes.text(weights.shape)} for {counted(number, 'example')}"
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


def _marks(inputs: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Mark the rows that hold NaN or infinite numbers: a model may know what they mean."""
    if inputs.dtype.kind != "f" or np.isfinite(inputs).all():
        return None
    finite = np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1)
    return np.where(finite, 0, NOT_FINITE).astype(np.uint8)


def _text(row: Iterable[Any]) -> bytes:
    items = [item if isinstance(item, bytes) else str(item).encode() for item in row]
    return b"".join(len(item).to_bytes(8, "little") + item for item in items)


def _rebatch(source: Iterable[_Rows], size: int) -> Iterator[_Rows]:
    """Draw together and split up; examples of different shapes stay apart."""
    held: list[_Rows] = []
    for rows in source:
        if held and not held[0].fits(rows):
            yield held[0].apply(np.concatenate, *held[1:])
            held = []
        held.append(rows)
        while sum(map(len, held)) >= size:
            whole = held[0].apply(np.concatenate, *held[1:]) if len(held) > 1 else held[0]
            yield whole.apply(lambda arrays: arrays[0][:size])
            rest = whole.apply(lambda arrays: arrays[0][size:])
            held = [rest] if len(rest) else []
    if held:
        yield held[0].apply(np.concatenate, *held[1:])


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error).strip()
    text = _OF_TENSORFLOW.sub("", text)
    return (text.splitlines() or ["no message"])[0]

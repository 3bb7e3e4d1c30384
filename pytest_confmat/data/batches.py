"""Batches of the project's own: a tf.data.Dataset, a PyDataset, or any iterable.

Needs no TensorFlow unless the dataset does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from copy import copy
from itertools import count
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.counts import bound
from pytest_confmat.data.dataset_names import compare_names
from pytest_confmat.data.dropping import note_on_dropping, refuse_dropping
from pytest_confmat.data.elements import (
    WHAT_TO_YIELD,
    Rows,
    first_line,
    read_element,
    unwrapped,
)
from pytest_confmat.data.feeds import of_batch
from pytest_confmat.data.headers import ImageTrait
from pytest_confmat.data.held import Held
from pytest_confmat.data.order import nondeterminism, note_on_order
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.source import Batch, Spans
from pytest_confmat.errors import ConfmatError, DataError
from pytest_confmat.spec import Feed, ModelInput

_INFINITE = -1  # tf.data.INFINITE_CARDINALITY


class BatchesSource:
    """Any iterable of batches, read in its own order.

    Parameters
    ----------
    dataset
        See `pytest_confmat.data.open_batches`.
    classes, model
        Names in the order of the labels, and what the model takes.
    expected
        More examples than these are an error at once, since they might never end.

    Raises
    ------
    DataError
        If it is plain that `dataset` yields no batches, or never ends, or if it states other
        names than `classes`.
    """

    def __init__(
        self,
        dataset: Any,
        classes: tuple[str, ...],
        model: ModelInput,
        expected: int | None = None,
    ) -> None:
        self._dataset = dataset
        self._classes = classes
        self._model = model
        self._expected = expected
        self._last: Callable[[], Any] = lambda: None
        self._first: list[NDArray[Any]] = []  # the inputs of a first batch
        _refuse_at_sight(dataset)
        self._notes = compare_names(dataset, classes)

    @property
    def parts(self) -> tuple[PlannedPart, ...] | None:
        """None: only the pass can tell."""
        return None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """None: only the pass can tell."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether order and names are known to differ, and examples may be missing."""
        candidates = note_on_order(self._dataset), note_on_dropping(self._dataset), *self._notes
        return tuple(filter(None, candidates))

    @property
    def feed(self) -> Feed:
        """What the first batch of a pass was."""
        if not self._first:
            return Feed("nothing was read", is_own=True)
        return of_batch(np.concatenate(self._first))

    @property
    def description(self) -> str:
        """The kind of object."""
        return f"dataset of the project's own ({type(self._dataset).__name__})"

    @property
    def offset(self) -> int:
        """Labels are the numbers themselves."""
        return 0

    @property
    def states_count(self) -> bool:
        """No: only the pass tells."""
        return False

    @property
    def nondeterminism(self) -> str | None:
        """What can be seen of the object; see `order.nondeterminism`."""
        if hasattr(type(self._dataset), "__next__") and not _is_indexed(self._dataset):
            return "it can be read only once, so that nothing shows that it stays the same"
        return nondeterminism(self._dataset)

    def beside(self, model: ModelInput) -> BatchesSource:
        """Return the same dataset for another model."""
        other = copy(self)
        other._model, other._first = model, []
        return other

    def batches(self, batch_size: int, spans: Spans | None = None) -> Generator[Batch]:
        """One pass; see `Source.batches`."""
        with closing(self.read_with((), batch_size, spans)) as shared:
            for _, each in shared:
                yield each

    def read_with(
        self,
        others: Sequence[BatchesSource],
        batch_size: int,
        spans: Spans | None = None,  # noqa: ARG002 (there is but one)
    ) -> Generator[tuple[int, Batch]]:
        """One pass for this and other models; see `SharedSource.read`."""
        sources = (self, *others)
        for source in sources:
            source._first = []
        place = 0
        with closing(Held(self._iterator(batch_size))) as elements:
            for views in self._rows(elements, [source._model for source in sources]):
                index = np.arange(place, place + len(views[0]))
                for number, (source, rows) in enumerate(zip(sources, views, strict=True)):
                    if place < batch_size:
                        source._keep_first(rows.inputs[: batch_size - place])
                    yield number, _batch(rows, index)
                place += len(index)
        if not place:
            raise DataError(
                "the dataset yields no examples; a generator that was read before yields nothing "
                "a second time"
            )

    def _keep_first(self, inputs: NDArray[Any]) -> None:
        if not self._first or self._first[0].shape[1:] == inputs.shape[1:]:
            self._first.append(inputs)

    def example(self, index: int) -> Batch:  # noqa: ARG002 (the contract's)
        """Refuse: the data set can only be read as a whole."""
        raise DataError("cannot be read by itself, as it comes from a dataset of the project's own")

    def _rows(
        self, elements: Iterator[Any], models: Sequence[ModelInput]
    ) -> Iterator[tuple[Rows, ...]]:
        weighted: bool | None = None
        came = 0
        for number, element in enumerate(_numbered(elements)):
            try:
                views = tuple(read_element(element, self._classes, model) for model in models)
                rows = views[0]
                if weighted not in (None, rows.weights is not None):
                    raise DataError(
                        f"it has {'no ' if weighted else ''}weights, unlike those before"
                    )
            except DataError as error:
                raise DataError(f"batch #{number} of the dataset: {error}") from error.__cause__
            weighted = rows.weights is not None
            came += len(rows)
            bound(self._expected, came, f"the {self.description}")
            if len(rows):
                yield views

    def _iterator(self, batch_size: int) -> Iterator[Any]:
        dataset = self._dataset
        if arrays := _whole_arrays(dataset):
            starts = range(0, len(arrays[0]), batch_size)
            return (tuple(part[at : at + batch_size] for part in arrays) for at in starts)
        if _is_indexed(dataset):
            return (dataset[number] for number in range(_batch_count(dataset)))
        elements: Iterator[Any] = iter(dataset)
        if elements is self._last():
            raise DataError(
                "the dataset can be read only once, and was read before; hand in a list, a "
                "tf.data.Dataset, or an object whose iter() starts anew"
            )
        self._last = _weakly(elements)
        return elements


def _numbered(elements: Iterator[Any]) -> Iterator[Any]:
    """Yield elements; an exception becomes a `DataError` with the number of the batch."""
    for number in count():
        try:
            element = next(elements)
        except StopIteration:
            return
        except ConfmatError:
            raise
        except Exception as error:
            raise DataError(
                f"the dataset raised {type(error).__name__} in batch #{number}: {first_line(error)}"
            ) from error
        yield element


def _weakly(iterator: Iterator[Any]) -> Callable[[], Any]:
    """Refer to an iterator; one of TensorFlow's must not be kept alive by that."""
    try:
        return ref(iterator)
    except TypeError:  # of a list, say, which takes no such reference
        return lambda: iterator


def _refuse_at_sight(dataset: Any) -> None:
    name = type(dataset).__name__
    if dataset is None or isinstance(dataset, str | bytes | dict):
        raise DataError(f"the dataset is a {name}; {WHAT_TO_YIELD}")
    iterable = hasattr(dataset, "__iter__") or _is_indexed(dataset)
    if not iterable and callable(dataset):
        raise DataError("the dataset is a function; hand in what it returns")
    if not iterable:
        raise DataError(f"the dataset is a {name}, which cannot be iterated; {WHAT_TO_YIELD}")
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


def _whole_arrays(dataset: Any) -> tuple[Any, ...] | None:
    """Return inputs and labels, where it is no iterable of batches, but these as whole arrays."""
    if not isinstance(dataset, tuple | list) or len(dataset) not in (2, 3):
        return None
    # Two batches in a list may well look like two arrays in containers.
    parts = tuple(map(unwrapped, dataset)) if isinstance(dataset, tuple) else tuple(dataset)
    lengths = [tuple(part.shape)[:1] for part in parts if hasattr(part, "shape")]
    whole = len(lengths) == len(parts) and lengths[0] != () and len(set(lengths)) == 1
    return parts if whole else None


def _batch(rows: Rows, index: NDArray[np.int64]) -> Batch:
    traits = _traits(rows.inputs)
    return Batch(rows.inputs, rows.labels, index, rows.check, rows.weights, traits)


def _traits(inputs: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Mark the rows that hold NaN or infinite numbers: a model may know what they mean."""
    if inputs.dtype.kind != "f" or np.isfinite(inputs).all():
        return None
    finite = np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1)
    return np.where(finite, 0, ImageTrait.NOT_FINITE).astype(np.uint8)

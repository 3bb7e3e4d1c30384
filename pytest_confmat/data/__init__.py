"""Sources: where evaluation sets come from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_confmat.data.dataset_names import names_of
from pytest_confmat.errors import DataError
from pytest_confmat.kinds import kind_of
from pytest_confmat.spec import DatasetSpec, ModelInput
from pytest_confmat.text import listed

if TYPE_CHECKING:
    from pytest_confmat.data.source import SharedSource, Source

__all__ = ["class_names", "names_of", "open_batches", "open_shared", "open_source"]


def class_names(spec: DatasetSpec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the classes in the order of the model's outputs.

    Runs when pytest is configured, in every worker. Names are declared in the policy or proven by
    the data, and never guessed; no example is read.

    Parameters
    ----------
    declared
        The policy's ``classes``, or ``None`` to take what the data state.

    Raises
    ------
    DataError
        If the data are not there, state no names, or state others than `declared`.
    """
    if declared is not None and len(set(declared)) < len(declared):
        twice = sorted({name for name in declared if declared.count(name) > 1})
        raise DataError(f"classes names {listed(twice)} more than once; each class has one place")
    return kind_of(spec).class_names(spec, declared)


def open_source(spec: DatasetSpec, classes: tuple[str, ...], model_input: ModelInput) -> Source:
    """Open a data set of the policy for a model.

    Parameters
    ----------
    spec
        The data.
    classes
        Names, in the order of the model's outputs, as `class_names` returns them.
    model_input
        What the model takes: what `spec` leaves open is decided by it.

    Raises
    ------
    DataError
        If the data are not what `spec` and `classes` say, or do not fit the model.
    MissingDependencyError
        If TensorFlow is not installed.
    """
    return kind_of(spec).open(spec, classes, model_input)


def open_shared(
    dataset: Any,
    classes: tuple[str, ...],
    inputs: Sequence[ModelInput],
    expected_examples: int | None = None,
) -> SharedSource:
    """Open a data set for several models, to be read in one pass.

    Parameters
    ----------
    dataset
        As `open_source` or as `open_batches` takes it.
    inputs
        What each model takes.
    expected_examples
        See `open_batches`.

    Raises
    ------
    ConfmatError
        See the other two.
    """
    from pytest_confmat.data.source import SharedSource

    if isinstance(dataset, DatasetSpec):
        shared = kind_of(dataset).open_shared(dataset, classes, inputs)
        if shared is not None:
            return shared
        return SharedSource.of(*(open_source(dataset, classes, each) for each in inputs))
    from pytest_confmat.data.batches import BatchesSource

    first = BatchesSource(dataset, classes, inputs[0], expected_examples)
    others = tuple(map(first.beside, inputs[1:]))
    return SharedSource((first, *others), partial(first.read_with, others))


def open_batches(
    dataset: Any,
    classes: tuple[str, ...],
    model_input: ModelInput,
    expected_examples: int | None = None,
) -> Source:
    """Open a data set of the user's own for a model.

    Parameters
    ----------
    dataset
        A ``tf.data.Dataset``, a ``keras.utils.PyDataset``, or any iterable of (inputs, labels)
        or (inputs, labels, weights) batches; or such a pair of whole arrays. Needs TensorFlow
        only if it holds tensors of its.
    classes
        Names, in the order of the model's outputs.
    model_input
        What the model takes.
    expected_examples
        The pass is an error as soon as there are more; ``None``: it has no bound.

    Raises
    ------
    DataError
        If it is no such data set.
    """
    from pytest_confmat.data.batches import BatchesSource

    return BatchesSource(dataset, classes, model_input, expected_examples)

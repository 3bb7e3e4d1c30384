"""Sources: where evaluation sets come from."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from pytest_confmat.data.classes import class_names
from pytest_confmat.data.stated import names_of
from pytest_confmat.spec import DatasetSpec, DirectorySpec, ModelInput, TFRecordSpec

if TYPE_CHECKING:
    from pytest_confmat.data.source import Source

__all__ = ["class_names", "names_of", "open_batches", "open_source"]

# A kind of data is its spec, a module, and a line here. Named, so that nothing is imported early.
_SOURCES: dict[type, str] = {
    DirectorySpec: "pytest_confmat.data.directory:DirectorySource",
    TFRecordSpec: "pytest_confmat.data.tfrecord:TFRecordSource",
}


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
    source: Source = resolve_name(_SOURCES[type(spec)])(spec, classes, model_input)
    return source


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

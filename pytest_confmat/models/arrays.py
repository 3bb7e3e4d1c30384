"""Batches as NumPy arrays, made fit for a model or refused, without TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ModelError
from pytest_confmat.models.decision import with_n
from pytest_confmat.models.runtime import first_line

Shape = tuple[int | None, ...]


def as_array(inputs: Any, name: str) -> NDArray[Any]:
    """Return a batch as an array of numbers, (n, ...).

    Raises
    ------
    ModelError
        If it is none.
    """
    if isinstance(inputs, dict) and len(inputs) == 1:
        return as_array(next(iter(inputs.values())), name)
    try:
        # A tensor of TensorFlow's gives its numbers without a copy.
        array = np.asarray(inputs.numpy() if hasattr(inputs, "numpy") else inputs)
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{name} was given a batch of type {type(inputs).__name__} that is no array of numbers "
            f"of shape (N, ...): {first_line(error)}"
        ) from error
    if not array.ndim or array.dtype.kind not in "biuf":
        raise ModelError(
            f"{name} was given a batch of type {type(inputs).__name__} of dtype {array.dtype} and "
            f"shape {array.shape}: batches are arrays of numbers of shape (N, ...)"
        )
    return array


def matches(found: tuple[int, ...], shape: Shape | None) -> bool:
    """Whether examples of shape `found` fit `shape`, in which ``None`` is any size."""
    return shape is None or (
        len(found) == len(shape)
        and all(want in (None, size) for size, want in zip(found, shape, strict=True))
    )


def misfit(found: tuple[int, ...], shape: Shape, name: str) -> ModelError:
    """Return the error for a batch of shape `found`, its batch axis first."""
    return ModelError(
        f"{name} takes inputs of shape {with_n((None, *shape))}, and this batch is "
        f"{with_n(found)}: set image_size, color_mode or reshape of the dataset so that they agree"
    )


def cast(array: NDArray[Any], dtype: str, name: str) -> NDArray[Any]:
    """Return an array as `dtype`.

    Raises
    ------
    ModelError
        If it is one of whole numbers, and these would change.
    """
    wanted = np.dtype(dtype)
    if array.dtype == wanted:
        return array
    if wanted.kind == "f":
        return array.astype(wanted)
    if array.dtype.kind in "biu":
        found = array.astype(wanted)
        if np.array_equal(found, array):
            return found
    raise ModelError(
        f"{name} takes {wanted.name}, and this batch is {array.dtype.name} with values that would "
        f"change: let the dataset yield {wanted.name}"
    )

"""What a Keras model takes, and batches made fit for it or refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_confmat.errors import ModelError
from pytest_confmat.models.decision import with_n
from pytest_confmat.models.runtime import first_line
from pytest_confmat.spec import ModelInput

Shape = tuple[int | None, ...]


def input_of(model: Any, name: str) -> ModelInput | None:
    """Return what a ``keras.Model`` takes, or ``None`` if it does not say, as subclassed ones.

    Raises
    ------
    ModelError
        If it takes several inputs.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return None
    if len(inputs) > 1:
        listing = ", ".join(f"{each.name} {with_n(each.shape)}" for each in inputs)
        raise ModelError(
            f"{name} takes {len(inputs)} inputs ({listing}), and one is supported: hand in a "
            "function of one batch that calls it, by overriding the fixture confmat_model"
        )
    batch, *shape = inputs[0].shape
    # Of tf-keras it is an object with a name.
    dtype = getattr(inputs[0].dtype, "name", inputs[0].dtype)
    return ModelInput(tuple(shape), str(dtype), batch)


def arranged(model: Any, tensor: Any) -> Any:
    """Return a batch in the container in which a ``keras.Model`` takes its one input."""
    import keras

    try:
        structure = model.input
    except (AttributeError, ValueError):
        return tensor  # a subclassed model, which does not say
    if structure is None or keras.tree.is_nested(structure) is False:
        return tensor
    return keras.tree.pack_sequence_as(structure, [tensor])


def fit(inputs: Any, shape: Shape | None, dtype: str | None, name: str) -> Any:
    """Return a batch as a tensor of `dtype`; ``None`` for `shape` or `dtype` takes any.

    Raises
    ------
    ModelError
        If the examples are of another shape, or would change when cast.
    """
    tensor = _tensor(inputs, name)
    found = tuple(tensor.shape)
    if not found:
        raise ModelError(f"{name} was given a single number as a batch: batches are (N, ...)")
    if shape is not None and not _matches(found[1:], shape):
        raise ModelError(
            f"{name} takes inputs of shape {with_n((None, *shape))}, and this batch is "
            f"{with_n(found)}: set image_size, color_mode or reshape of the dataset so that they "
            "agree"
        )
    return tensor if dtype in (None, tensor.dtype.name) else _cast(tensor, str(dtype), name)


def _matches(found: tuple[int, ...], shape: Shape) -> bool:
    return found == shape or (
        len(found) == len(shape)
        and all(want in (None, size) for size, want in zip(found, shape, strict=True))
    )


def _tensor(inputs: Any, name: str) -> Any:
    import tensorflow as tf

    if isinstance(inputs, dict) and len(inputs) == 1:
        return _tensor(next(iter(inputs.values())), name)
    if isinstance(inputs, tf.Tensor):
        return inputs
    if isinstance(inputs, dict) or tf.is_tensor(inputs):
        raise ModelError(
            f"{name} was given a batch of type {type(inputs).__name__}: one dense array or tensor "
            "of shape (N, ...) is supported"
        )
    try:
        return tf.convert_to_tensor(np.asarray(inputs))
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{name} was given a batch of type {type(inputs).__name__} that is no array of numbers "
            f"of shape (N, ...): {first_line(error)}"
        ) from error


def _cast(tensor: Any, dtype: str, name: str) -> Any:
    import tensorflow as tf

    have, want = tensor.dtype, tf.as_dtype(dtype)
    whole = have.is_integer or have.is_bool
    if want.is_floating and (whole or have.is_floating):
        return tf.cast(tensor, want)
    if want.is_integer and whole:
        cast = tf.cast(tensor, want)
        if tf.reduce_all(tf.equal(tf.cast(cast, have), tensor)):
            return cast
    raise ModelError(
        f"{name} takes {want.name}, and this batch is {have.name} with values that would change: "
        f"let the dataset yield {want.name}"
    )

"""Fitting the shape of an example to the shape that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pytest_confmat.errors import DataError

Shape = tuple[int, ...]
ModelShape = tuple[int | None, ...]


def fit(shape: Shape, model: ModelShape | None) -> Shape | None:
    """Return `shape` as the model takes it, or ``None`` if it does not fit.

    Only axes of length 1 are added or dropped, so that no number moves: (28, 28, 1) fits
    (28, 28). ``None`` in the model's shape is any size; a model that is ``None`` takes all.
    """
    if model is None or _matches(shape, model):
        return shape
    axes = [size for size in shape if size != 1]
    if not _matches(axes, [size for size in model if size != 1]):
        return None
    left = iter(axes)
    return tuple(1 if size == 1 else next(left) for size in model)


def reshape(shape: Shape, wanted: Shape | None, what: str) -> Shape:
    """Return the shape after the policy's ``reshape``.

    Raises
    ------
    DataError
        If it does not hold as many numbers as `what` (such as ``images``) has.
    """
    if wanted is None:
        return shape
    if prod(wanted) != prod(shape):
        raise DataError(
            f"dataset.reshape {text(wanted)} holds {prod(wanted):,} numbers, and {what} of shape "
            f"{text(shape)} have {prod(shape):,}"
        )
    return wanted


def target(shape: Shape, wanted: Shape | None, model: ModelShape | None, what: str) -> Shape:
    """Return the shape in which the model gets examples of `shape`.

    Raises
    ------
    DataError
        If they do not fit, also after `wanted`, the policy's ``reshape``.
    """
    after = reshape(shape, wanted, what)
    fitted = fit(after, model)
    if fitted is not None:
        return fitted
    message = f"{what} {misfit(after, model)}"
    known = [size for size in model or () if size is not None]
    if looks_channels_first(model) or prod(known) != prod(after):
        raise DataError(message)
    raise DataError(f"{message}; if it is meant so, say reshape: {known} in dataset")


def misfit(shape: Shape, model: ModelShape | None) -> str:
    """Return in words that `shape` does not fit, to follow the name of what does not."""
    message = f"have shape {text(shape)}, and the model takes {text(model or ())}"
    if looks_channels_first(model):
        return f"{message}, channels first; {CHANNELS_FIRST}"
    return f"{message}; only axes of length 1 are added or dropped"


CHANNELS_FIRST = (
    "images are read channels last, and a reshape would scramble them: save the model with "
    "data_format='channels_last', or put a Permute layer in front of it"
)


def looks_channels_first(model: ModelShape | None) -> bool:
    """Whether a model takes images with the channels before height and width."""
    return (
        model is not None and len(model) == 3 and model[0] in (3, 4) and model[2] not in (1, 3, 4)
    )


def text(shape: Sequence[int | None]) -> str:
    """Return a shape as NumPy prints it."""
    return str(tuple(shape))


def _matches(shape: Sequence[int], model: Sequence[int | None]) -> bool:
    return len(shape) == len(model) and all(
        wanted is None or size == wanted for size, wanted in zip(shape, model, strict=True)
    )

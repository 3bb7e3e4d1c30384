"""What goes into a model, in words and in numbers: for every report, and for what may be wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.plan import Plan, takes_integers
from pytest_confmat.spec import CHANNELS, Feed, ImageSpec

# ImageNet's statistics, as keras.applications uses them for its modes.
TORCH_MEAN, TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)

_MODES = {channels: mode for mode, channels in CHANNELS.items()}
_PIXELS = (0.0, 255.0)

Range = tuple[float, float]


def of_images(plan: Plan) -> Feed:
    """Return what becomes of encoded images, whose pixels are whole numbers from 0 to 255."""
    height, width, channels = plan.pixels
    size = f"{height} x {width}{'' if height == width else ' (height x width)'}"
    what = f"{size} {_MODES[channels]}"
    if plan.spec.jpeg != "fast":
        what += f", jpeg: {plan.spec.jpeg}"
    return _feed(what, "pixels", plan, _PIXELS, "")


def of_arrays(plan: Plan, dtype: str, found: Range | None) -> Feed:
    """Return what becomes of arrays of `dtype`; `found` is the range of the first of them."""
    return _feed(f"{_shape(plan.pixels)} {dtype}", "numbers", plan, found, " in the first records")


def of_batch(inputs: NDArray[Any]) -> Feed:
    """Return what a dataset of the project's own yields, by its first batch, (n, ...)."""
    shape, found = inputs.shape[1:], range_of([inputs])
    numbers = "" if found is None else f", {range_text(found)} in the first batch"
    text = f"{_shape(shape)} {inputs.dtype.name}{numbers}, as the dataset yields them"
    low, high = found or (None, None)
    return Feed(text, low, high, _is_image(shape), is_own=True)


def range_of(arrays: Iterable[NDArray[Any]]) -> Range | None:
    """Return the lowest and the highest finite number of arrays; ``None``: there is none."""
    ends = []
    for array in arrays:
        if array.dtype.kind in "iuf":
            finite = array if array.dtype.kind != "f" else array[np.isfinite(array)]
            if finite.size:
                ends.append((float(finite.min()), float(finite.max())))
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def range_text(found: Range) -> str:
    """Return ``0..255`` or ``-2.12..2.64``."""
    return f"{found[0]:.3g}..{found[1]:.3g}"


def rescaling_text(images: ImageSpec) -> str | None:
    """Return what a policy does to numbers, as it says it; ``None``: nothing."""
    if images.preprocess is not None:
        return f"preprocess: {images.preprocess}"
    rescale = images.rescale
    if rescale is None:
        return None
    if not rescale.offset:
        return f"rescale: {rescale.scale}"
    return f"rescale: {{scale: {rescale.scale}, offset: {rescale.offset}}}"


def _feed(what: str, numbers: str, plan: Plan, found: Range | None, where: str) -> Feed:
    rescaling = rescaling_text(plan.spec)
    after = None if found is None else _after(found, plan.spec)
    text = f"{what}, {numbers}{f' {range_text(found)}' if found else ''}{where if found else ''}"
    if rescaling is None:
        text += " as stored, no rescale"
    else:
        text += f" to {range_text(after)} ({rescaling})" if after else f" ({rescaling})"
    if plan.shape != plan.pixels:
        text += f", reshaped to {_shape(plan.shape)}"
    if plan.dtype != "float32":
        text += f", as {plan.dtype}"
    low, high = after or (None, None)
    # A model that takes whole numbers takes pixels as they are.
    is_image = _is_image(plan.pixels) and not takes_integers(plan.dtype)
    return Feed(text, low, high, is_image, rescaling)


def _after(found: Range, images: ImageSpec) -> Range:
    """Return the range of numbers after what a policy does to them."""
    ends = np.array(found)[:, np.newaxis]
    if images.preprocess == "tf":
        ends = ends / 127.5 - 1
    elif images.preprocess == "torch":
        ends = (ends / 255 - np.array(TORCH_MEAN)) / np.array(TORCH_STD)
    elif images.preprocess == "caffe":
        ends = ends - np.array(CAFFE_MEAN)
    elif images.rescale is not None:
        ends = ends * float(images.rescale.scale) + float(images.rescale.offset)
    return float(ends.min()), float(ends.max())


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "single"


def _is_image(shape: Sequence[int]) -> bool:
    # Of two axes, a square: what else has two is more likely a series of measurements.
    if len(shape) == 2:
        return shape[0] == shape[1]
    return len(shape) == 3 and shape[2] in CHANNELS.values()

"""One example as pictures: as the model saw it, before it became numbers, and as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data import images
from pytest_confmat.data.plan import Plan

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Two pictures of one example, uint8 (height, width, 1, 3 or 4).

    Attributes
    ----------
    seen
        Resized as for the model, before any rescaling.
    original
        As it is stored.
    """

    seen: Pixels
    original: Pixels


def of_content(plan: Plan, content: bytes) -> Pictures:
    """Return the pictures of an encoded image.

    Raises
    ------
    tensorflow.errors.OpError
        If it cannot be decoded.
    """
    tf = images.tensorflow()
    ((pixels, _),) = images.decode([plan], tf.constant([content]))
    stored = tf.image.decode_image(content, channels=plan.channels, expand_animations=False)
    return Pictures(_whole(pixels.numpy()[0]), stored.numpy())


def of_array(values: NDArray[Any], shape: tuple[int, ...]) -> Pictures | None:
    """Return the picture of an array that is stored as one; ``None``: it is no picture.

    Bytes are taken as they are; other numbers are spread from the lowest to the highest.
    """
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3 or shape[2] not in (1, 3, 4):
        return None
    array = values.reshape(shape)
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        array = _whole((array.astype(np.float64) - low) * (255 / (high - low or 1)))
    return Pictures(array, array)


def _whole(pixels: NDArray[Any]) -> Pixels:
    whole: Pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return whole

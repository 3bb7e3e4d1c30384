"""Decoding and resizing, equal to Keras to the last bit, and what is done to pixels after that.

``keras.utils.image_dataset_from_directory`` is the measure: the same TensorFlow ops, applied in
the same order. Functions here build TensorFlow graphs, and run eagerly too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.feeds import CAFFE_MEAN, TORCH_MEAN, TORCH_STD
from pytest_confmat.data.headers import ALPHA, ANIMATED, read_header
from pytest_confmat.data.plan import Plan, resolve, resolve_arrays
from pytest_confmat.data.sniff import (
    fault_before_decoding,
    fault_in_decoding,
    image_format,
)
from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.spec import CHANNELS, ColorMode

__all__ = [
    "Plan",
    "decode",
    "examine",
    "explain",
    "finish",
    "resize",
    "resolve",
    "resolve_arrays",
]


def tensorflow() -> Any:
    """Import TensorFlow.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        import tensorflow
    except ImportError as error:
        raise MissingDependencyError(
            "reading images and TFRecords needs TensorFlow: pip install 'pytest-confmat[cpu]', or "
            "'pytest-confmat[tensorflow]' for a GPU"
        ) from error
    return tensorflow


def examine(plan: Plan, contents: Any) -> tuple[Any, Any]:
    """Look at the headers of encoded images, strings (n,), before one of them is decoded.

    Returns
    -------
    contents
        The same, to be decoded: an error of them all, unless each header declares a size that
        is allowed.
    marks
        See `Batch.marks`; uint8 (n,).
    """
    tf = tensorflow()
    # Transparency is dropped unless there is a channel for it.
    kept = 255 - (ALPHA if plan.channels == CHANNELS["rgba"] else 0)

    def look(contents: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        headers = [read_header(content) for content in contents]
        allowed = all(0 < h.height * h.width <= plan.spec.max_pixels for h in headers)
        return np.array(allowed), np.array([h.marks & kept for h in headers], np.uint8)

    allowed, marks = tf.numpy_function(look, [contents], (tf.bool, tf.uint8), stateful=False)
    marks.set_shape([None])
    with tf.control_dependencies([tf.debugging.Assert(allowed, ["headers"])]):
        return tf.identity(contents), marks


def decode(plan: Plan, content: Any) -> Any:
    """Decode and resize one encoded image, a string scalar; float32 of shape `plan.pixels`."""
    tf = tensorflow()
    image = tf.image.decode_image(content, channels=plan.channels, expand_animations=False)
    pixels = tf.cast(resize(plan, image), tf.float32)
    pixels.set_shape(plan.pixels)
    return pixels


def resize(plan: Plan, images: Any) -> Any:
    """Resize an image (h, w, c), or several of one size (n, h, w, c), as the plan says."""
    tf = tensorflow()
    if plan.resize is None:
        return images
    method = plan.spec.interpolation
    if plan.spec.aspect == "pad":
        return tf.image.resize_with_pad(images, *plan.resize, method=method)
    if plan.spec.aspect == "crop":
        images = _crop(images, *plan.resize)
    return tf.image.resize(images, plan.resize, method=method)


def finish(plan: Plan, pixels: Any) -> Any:
    """Turn pixels, (n, *plan.pixels), into inputs, (n, *plan.shape) of ``plan.dtype``."""
    tf = tensorflow()
    spec = plan.spec
    if spec.rescale is not None:
        scale, offset = float(spec.rescale.scale), float(spec.rescale.offset)
        floats = tf.cast(pixels, tf.float32)
        pixels = floats * tf.constant(scale, tf.float32) + tf.constant(offset, tf.float32)
    elif spec.preprocess is not None:
        pixels = _preprocess(spec.preprocess, tf.cast(pixels, tf.float32))
    return tf.cast(tf.reshape(pixels, (-1, *plan.shape)), plan.dtype)


def explain(plan: Plan, content: bytes) -> str | None:
    """Return why an encoded image cannot be decoded as planned, or ``None`` if it can."""
    if fault := fault_before_decoding(content):
        return fault
    if fault := _fault_in_size(content, plan.spec.max_pixels):
        return fault
    if _decodes(content, plan.channels):
        return None
    image = image_format(content)
    if image == "WebP" and read_header(content).marks & ANIMATED:
        return "is an animated WebP, which TensorFlow does not read; convert it"
    modes: tuple[ColorMode, ...] = ("rgb", "grayscale", "rgba")  # the likely one first
    wanted = next(mode for mode in modes if CHANNELS[mode] == plan.channels)
    for mode in modes:
        if mode != wanted and _decodes(content, CHANNELS[mode]):
            return f"is a {image} image that TensorFlow reads as {mode}, and not as {wanted}"
    return fault_in_decoding(content)


def _fault_in_size(content: bytes, max_pixels: int) -> str | None:
    height, width, _ = read_header(content)
    if not height * width:
        # What does not tell its size is not decoded, since that might take all memory.
        if image_format(content) == "JPEG XL":
            return "is a JPEG XL image, whose size is not read before it is decoded; convert it"
        return fault_in_decoding(content)
    if height * width <= max_pixels:
        return None
    return f"is {width:,} x {height:,} pixels, more than max_pixels {max_pixels:,}"


def _decodes(content: bytes, channels: int) -> bool:
    tf = tensorflow()
    try:
        tf.image.decode_image(content, channels=channels, expand_animations=False)
    except tf.errors.OpError:
        return False
    return True


def _crop(images: Any, height: int, width: int) -> Any:
    """Cut the largest middle part that has the aspect of `height` and `width`."""
    tf = tensorflow()
    shape = tf.shape(images)
    has_height, has_width = shape[-3], shape[-2]

    def side(other: Any, wanted: int, other_wanted: int, limit: Any) -> Any:
        # Keras computes this in float32, and cuts.
        ideal = tf.cast(other * wanted, tf.float32) / other_wanted
        return tf.maximum(tf.minimum(limit, tf.cast(ideal, tf.int32)), 1)

    crop_height = side(has_width, height, width, has_height)
    crop_width = side(has_height, width, height, has_width)
    top, left = (has_height - crop_height) // 2, (has_width - crop_width) // 2
    return images[..., top : top + crop_height, left : left + crop_width, :]


def _preprocess(mode: str, pixels: Any) -> Any:
    tf = tensorflow()
    if mode == "tf":
        return pixels / 127.5 - 1.0
    if mode == "torch":
        centred = pixels / 255.0 - tf.constant(TORCH_MEAN, tf.float32)
        return centred / tf.constant(TORCH_STD, tf.float32)
    return tf.reverse(pixels, [-1]) - tf.constant(CAFFE_MEAN, tf.float32)

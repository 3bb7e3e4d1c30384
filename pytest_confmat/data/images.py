"""Decoding and resizing, equal to Keras to the last bit, and what is done to pixels after that.

``keras.utils.image_dataset_from_directory`` is the measure: the same TensorFlow ops, applied in
the same order. Functions here build TensorFlow graphs, and run eagerly too.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data import gif, jpeg
from pytest_confmat.data.feeds import CAFFE_MEAN, TORCH_MEAN, TORCH_STD
from pytest_confmat.data.headers import ImageTrait, read_header
from pytest_confmat.data.overhearing import EAR
from pytest_confmat.data.plan import Plan, resolve, resolve_arrays
from pytest_confmat.data.sniff import (
    fault_before_decoding,
    fault_in_decoding,
    image_format,
)
from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.models.runtime import import_tensorflow
from pytest_confmat.spec import CHANNELS, ColorMode

__all__ = [
    "Plan",
    "decode",
    "explain",
    "finish",
    "resize",
    "resolve",
    "resolve_arrays",
]


def tensorflow() -> Any:
    """Import TensorFlow, quietly: a model of another runtime's has not done it before.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    ModelError
        If it cannot be imported.
    """
    try:
        if "tensorflow" not in sys.modules:
            import_tensorflow()
        import tensorflow
    except ImportError as error:
        raise MissingDependencyError(
            "reading images and TFRecords needs TensorFlow: pip install 'pytest-confmat[cpu]', or "
            "'pytest-confmat[tensorflow]' for a GPU"
        ) from error
    return tensorflow


def decode(plans: Sequence[Plan], contents: Any) -> list[tuple[Any, Any]]:
    """Decode and resize encoded images, strings (n,), for each of several plans.

    An image is decoded once for all plans with equal channels and JPEG decoding.

    Returns
    -------
    For each plan:

    pixels
        float32 (n, *plan.pixels). An error of them all where one header declares a size that is
        not allowed, where one image cannot be decoded, or where the decoder warned meanwhile,
        unless this is run eagerly and the warnings mean nothing.
    traits
        See `Batch.traits`; uint8 (n,).
    """
    made: list[tuple[Any, Any]] = [(None, None)] * len(plans)
    decodings = [(plan.channels, plan.spec.jpeg) for plan in plans]
    for decoding in dict.fromkeys(decodings):
        alike = [number for number, each in enumerate(decodings) if each == decoding]
        pixels, traits = _decode_alike([plans[number] for number in alike], contents)
        for number, each in zip(alike, pixels, strict=True):
            made[number] = each, traits
    return made


def _decode_alike(plans: Sequence[Plan], contents: Any) -> tuple[Sequence[Any], Any]:
    """Decode once for plans that decode alike; return the pixels for each, and traits."""
    tf = tensorflow()
    is_heard()
    EAR.claim()
    signatures = tuple(tf.TensorSpec(plan.pixels, tf.float32) for plan in plans)
    eager = tf.executing_eagerly()

    def one(content: Any) -> Any:
        image = _decode_one(plans[0], content)
        made = tuple(tf.cast(resize(plan, image), tf.float32) for plan in plans)
        for plan, pixels in zip(plans, made, strict=True):
            pixels.set_shape(plan.pixels)
        return made

    def is_quiet(count: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.array(EAR.count == count)

    with EAR.listening(claim=True) if eager else contextlib.nullcontext():
        count, allowed, traits, cut = _looked_at(plans[0], contents)
        with tf.control_dependencies([tf.debugging.Assert(allowed, ["headers"])]):
            made = tf.map_fn(one, cut, fn_output_signature=signatures)
        # Lines that come late, or of others that are decoded now, cost no more than another look.
        with tf.control_dependencies(made):
            quiet = tf.numpy_function(is_quiet, [count], tf.bool, stateful=False)
    if eager and not quiet:
        traits |= [_require_harmless(content) for content in contents.numpy()]
        return made, traits
    with tf.control_dependencies([tf.debugging.Assert(quiet, ["warnings"])]):
        return [tf.identity(pixels) for pixels in made], traits


def _decode_one(plan: Plan, content: Any) -> Any:
    """Decode an image, (height, width, channels) of uint8."""
    tf = tensorflow()

    def by_default() -> Any:
        return tf.image.decode_image(content, channels=plan.channels, expand_animations=False)

    def accurately() -> Any:
        return tf.io.decode_jpeg(content, plan.channels, dct_method="INTEGER_ACCURATE")

    # TensorFlow decodes no JPEG with four channels; decode_image says so.
    if plan.spec.jpeg == "fast" or plan.channels == CHANNELS["rgba"]:
        return by_default()
    return tf.cond(tf.io.is_jpeg(content), accurately, by_default)


def deafness() -> tuple[str, ...]:
    """Return the notes for a system where damaged JPEGs go unnoticed."""
    if is_heard():
        return ()
    return (
        "JPEGs are not checked for damage: what TensorFlow's decoder warns of cannot be read on "
        "this system",
    )


def _looked_at(plan: Plan, contents: Any) -> tuple[Any, Any, Any, Any]:
    """Look at headers.

    Returns
    -------
    count, allowed
        Lines of decoders up to now; whether each image may be decoded.
    traits
        uint8 (n,).
    cut
        The contents without frames that are not read.
    """
    tf = tensorflow()
    # Transparency is dropped unless there is a channel for it.
    kept = 255 - (ImageTrait.ALPHA if plan.channels == CHANNELS["rgba"] else 0)

    def look(contents: NDArray[Any]) -> tuple[Any, ...]:
        count = EAR.count
        headers = [read_header(content) for content in contents]
        allowed = all(0 < h.height * h.width <= plan.spec.max_pixels for h in headers)
        traits = np.array([h.traits & kept for h in headers], np.uint8)
        moving = [
            n
            for n, h in enumerate(headers)
            if h.traits & ImageTrait.ANIMATED and _is_gif(contents[n])
        ]
        firsts = np.array([gif.first_frame(contents[n]) for n in moving], object)
        return np.int64(count), np.array(allowed), traits, np.array(moving, np.int64), firsts

    dtypes = (tf.int64, tf.bool, tf.uint8, tf.int64, tf.string)
    count, allowed, traits, moving, firsts = tf.numpy_function(
        look, [contents], dtypes, stateful=False
    )
    for vector in (traits, moving, firsts):
        vector.set_shape([None])
    cut = tf.cond(
        tf.size(moving) > 0,
        lambda: tf.tensor_scatter_nd_update(contents, moving[:, None], firsts),
        lambda: contents,
    )
    return count, allowed, traits, cut


def _is_gif(content: bytes) -> bool:
    return content.startswith(b"GI")


@cache
def is_heard() -> bool:
    """Whether what the decoder of JPEGs warns of can be heard in this process: it is tried."""
    with tensorflow().init_scope():
        return bool(_lines(jpeg.CUT))


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
        return _remark(content)[0]
    image = image_format(content)
    if image == "WebP" and read_header(content).traits & ImageTrait.ANIMATED:
        return "is an animated WebP, which TensorFlow does not read; save its first frame as PNG"
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


def _remark(content: bytes) -> tuple[str | None, int]:
    """Return the fault that the decoder's warning means, if it means one, and traits."""
    warning = _warning(content)
    if warning is None:
        return None, 0
    # It warns once a file: what is harmless may hide what is not.
    hidden = _warning(jpeg.tidied(content))
    if hidden and (fault := jpeg.meaning(hidden, content)):
        return fault, 0
    return None, ImageTrait.STRAY if "extraneous" in f"{warning} {hidden}" else 0


def _require_harmless(content: bytes) -> int:
    fault, traits = _remark(content)
    if fault:
        raise tensorflow().errors.DataLossError(None, None, fault)
    return traits


def _warning(content: bytes) -> str | None:
    """Return the first warning of the decoder of an image that it can decode, if there is one."""
    # Said each time: others may be decoding, and warned, at the same time.
    heard = [_lines(content) for _ in range(2)]
    return next((line for line in heard[0] if line in heard[1]), None)


def _lines(content: bytes) -> list[str]:
    with EAR.listening(claim=True):
        count = EAR.count
        _decodes(content, 0)
        return EAR.since(count)


def _decodes(content: bytes, channels: int) -> bool:
    tf = tensorflow()
    if _is_gif(content):
        content = gif.first_frame(content)
    try:
        with EAR.listening(claim=True):
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
        centered = pixels / 255.0 - tf.constant(TORCH_MEAN, tf.float32)
        return centered / tf.constant(TORCH_STD, tf.float32)
    return tf.reverse(pixels, [-1]) - tf.constant(CAFFE_MEAN, tf.float32)

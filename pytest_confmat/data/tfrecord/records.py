"""From serialized Examples to tensors, a batch at once; and what is wrong with a single one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data import images
from pytest_confmat.data.pipeline import words
from pytest_confmat.data.plan import Plan, takes_integers
from pytest_confmat.data.shapes import text
from pytest_confmat.data.source import ExampleFault
from pytest_confmat.data.tfrecord.features import Feature, feature, features
from pytest_confmat.data.tfrecord.layout import Layout, sizes_of
from pytest_confmat.data.tfrecord.packed import (
    RAW_DTYPES,
    base64_content,
    base64_in_graph,
    stored_tensor,
    tensor_in_graph,
)
from pytest_confmat.errors import DataError
from pytest_confmat.spec import ImageFeature, ImageSpec, ModelInput
from pytest_confmat.text import listed

_IMAGES = ("encoded", "base64")
_LISTS = {"int64": "int64", "float": "float32"}  # dtypes of the numbers


def plan_for(image: ImageFeature, spec: ImageSpec, model: ModelInput) -> Plan:
    """Decide how the images of records become inputs of `model`.

    Raises
    ------
    DataError
        If feature, policy and model contradict each other, or leave open what must be known.
    """
    if image.encoding in _IMAGES:
        return images.resolve(spec, model)
    dtype = image.dtype or _LISTS.get(image.encoding, "float32")
    if image.encoding == "raw" and image.dtype not in RAW_DTYPES:
        given = f"is {image.dtype!r}" if image.dtype else "is not given"
        raise DataError(
            f"dataset.image.dtype {given}; encoding: raw needs one of {', '.join(RAW_DTYPES)}"
        )
    plan = images.resolve_arrays(spec, model, image.shape, f"{image.encoding} images")
    if takes_integers(model.dtype) and not (
        takes_integers(dtype) and (plan.changes_values or np.can_cast(dtype, model.dtype))
    ):
        raise DataError(
            f"the records hold {dtype} numbers in {image.key!r}, and the model takes "
            f"{model.dtype}, which does not hold all of them"
        )
    return plan


class Parser:
    """Reads records of one layout, for one plan.

    Parameters
    ----------
    layout, plan, classes
        What records hold, what becomes of it, and names in the order of the labels.
    """

    def __init__(self, layout: Layout, plan: Plan, classes: tuple[str, ...]) -> None:
        self._layout = layout
        self._plan = plan
        self._classes = classes
        self._stored = layout.image.shape or plan.pixels  # of arrays, before resizing

    def beside(self, plan: Plan) -> Parser:
        """Return a parser of the same layout for another plan."""
        return Parser(self._layout, plan, self._classes)

    def parse(self, index: Any, records: Any, others: Sequence[Parser] = ()) -> Any:
        """Turn records into the tensors that `pipeline.batches` takes; builds a graph.

        Parameters
        ----------
        index
            Places in the set's order, int64 (n,).
        records
            Serialized Examples, string (n,).
        others
            Of other models, which are fed as well.

        Returns
        -------
        tuple of tensors
            Of the examples in which nothing is wrong. One image that cannot be decoded, or whose
            header declares too many pixels, is an error of them all; see `images.decode`.
        """
        tf = images.tensorflow()
        parsed = tf.io.parse_example(records, self._features())
        content, image_ok = self._content(parsed)
        labels, label_ok = self._layout.label.read(parsed[self._layout.label.key])
        found = {"index": index, "content": content, "labels": labels}
        good = [image_ok, label_ok]
        if self._layout.weight is not None:
            weight = self._layout.weight
            found["weights"], weight_ok = weight.read(parsed[weight.key])
            good.append(weight_ok)
        if self._layout.text is not None:
            # Several are synonyms; where there are none, it is empty.
            texts = tf.strings.reduce_join(parsed[self._layout.text], axis=1, separator=", ")
            found["texts"] = texts
        ok = reduce(tf.logical_and, good)
        found = {name: tf.boolean_mask(tensor, ok) for name, tensor in found.items()}
        index, content, labels = (found.pop(name) for name in ("index", "content", "labels"))
        check = words(content)
        parsers = (self, *others)
        plans = [parser._plan for parser in parsers]
        if self._layout.image.encoding in _IMAGES:
            pixels = images.decode(plans, content)
        else:
            nothing = tf.zeros(tf.shape(content)[:1], tf.uint8)
            pixels = [(parser._numbers(content), nothing) for parser in parsers]
        views = tuple(
            (images.finish(plan, each), traits)
            for plan, (each, traits) in zip(plans, pixels, strict=True)
        )
        return views, labels, index, check, found

    @property
    def dtype(self) -> str:
        """Of the numbers that records hold, where they hold no encoded images."""
        image = self._layout.image
        return image.dtype or _LISTS.get(image.encoding, "float32")

    def numbers(self, record: bytes) -> NDArray[Any]:
        """Return the numbers that a record holds in place of an encoded image, (m,).

        Raises
        ------
        DataError
            If it does not hold them.
        """
        found = feature(features(record), self._layout.image.key)
        self._check_image(found)
        if self._layout.image.encoding in _LISTS:
            return np.array(found.values, self.dtype)
        content = self._unwrapped(found.values[0])
        return np.frombuffer(content or b"", np.dtype(self.dtype))

    def image(self, record: bytes) -> bytes:
        """Return the encoded image that a record holds.

        Raises
        ------
        DataError
            If it does not hold one.
        """
        found = feature(features(record), self._layout.image.key)
        self._check_image(found)
        return self._unwrapped(found.values[0]) or b""

    def explain(self, record: bytes) -> ExampleFault | None:
        """Return what is wrong with a record, and what is known of it; ``None``: nothing is."""
        try:
            found = features(record)
        except DataError as error:
            return ExampleFault(str(error))
        layout = self._layout
        reasons: list[str] = []

        def known(read: Callable[[Feature], Any], key: str) -> Any:
            try:
                return read(feature(found, key))
            except DataError as error:
                reasons.append(str(error))
                return None

        label = known(layout.label.value, layout.label.key)
        if label is not None and not 0 <= label < len(self._classes):
            label = None  # the class of an example at fault must be known
        known(self._check_image, layout.image.key)
        if layout.image.sizes is not None:
            try:
                self._check_sizes(found)
            except DataError as error:
                reasons.append(str(error))
        if layout.text is not None and layout.text in found:
            known(self._check_text, layout.text)
        weight = None
        if layout.weight is not None:
            weight = known(layout.weight.value, layout.weight.key)
        if not reasons:
            return None
        check = self._word(found[layout.image.key]) if layout.image.key in found else 0
        return ExampleFault(reasons[0], label, check, weight)

    def _features(self) -> dict[str, Any]:
        tf = images.tensorflow()
        layout = self._layout
        found = {layout.label.key: layout.label.parsed_as}
        if layout.image.encoding in _LISTS:
            dtype = tf.as_dtype(_LISTS[layout.image.encoding])
            found[layout.image.key] = tf.io.RaggedFeature(dtype)
        else:  # an empty content is no image either
            found[layout.image.key] = tf.io.FixedLenFeature([], tf.string, "")
        for key in self._size_keys:
            found[key] = tf.io.RaggedFeature(tf.int64)
        if layout.weight is not None:
            found[layout.weight.key] = layout.weight.parsed_as
        if layout.text is not None:
            found[layout.text] = tf.io.FixedLenSequenceFeature([], tf.string, True, "")
        return found

    def _content(self, parsed: Any) -> tuple[Any, Any]:
        """Return strings (n,) or numbers (n, m), and which are of the right size."""
        content, ok = self._unwrapped_in_graph(parsed[self._layout.image.key])
        for key, size in self._size_keys.items():
            values = parsed[key]
            ok &= (values.row_lengths() == 1) & (values.to_tensor(0, shape=(None, 1))[:, 0] == size)
        return content, ok

    def _unwrapped_in_graph(self, content: Any) -> tuple[Any, Any]:
        tf = images.tensorflow()
        image = self._layout.image
        if image.encoding in _LISTS:
            ok = content.row_lengths() == prod(self._stored)
            numbers = content.to_tensor(0, shape=(None, prod(self._stored)))
            return numbers, ok if image.encoding == "int64" else ok & _finite(numbers)
        ok = tf.strings.length(content) > 0
        if image.encoding == "base64":
            return base64_in_graph(content)
        if image.encoding == "encoded":
            return content, ok
        if image.encoding == "tensor":
            content, ok = tensor_in_graph(content, self.dtype, self._stored)
        ok &= tf.strings.length(content) == self._bytes
        if np.dtype(image.dtype).kind == "f":
            whole = tf.where(ok, content, tf.constant(bytes(self._bytes)))
            ok &= _finite(tf.io.decode_raw(whole, image.dtype))
        return content, ok

    def _numbers(self, content: Any) -> Any:
        """Return numbers (n, *plan.pixels) of contents that are no encoded images."""
        tf = images.tensorflow()
        image = self._layout.image
        if image.encoding not in _LISTS:
            content = tf.io.decode_raw(content, image.dtype)
        shape = self._stored
        if self._plan.resize is None:
            return tf.reshape(content, (-1, *shape))
        if len(shape) == 2:
            shape = (*shape, 1)
        return images.resize(self._plan, tf.reshape(content, (-1, *shape)))

    @property
    def _bytes(self) -> int:
        return prod(self._stored) * np.dtype(self._layout.image.dtype).itemsize

    def _word(self, found: Feature) -> int:
        """Return the check word of an image that is at fault; 0: there is nothing to check."""
        if found.type != "string" or len(found.values) != 1:
            return 0
        tf = images.tensorflow()
        return int(words(tf.constant([found.values[0]]))[0])

    def _check_image(self, found: Feature) -> None:
        image = self._layout.image
        if image.encoding in _LISTS:
            size = prod(self._stored)
            if found.type != image.encoding or len(found.values) != size:
                unit = "floats" if image.encoding == "float" else "int64"
                raise DataError(
                    f"feature {image.key!r} is {found}, expected {size:,} {unit} for shape "
                    f"{text(self._stored)}"
                )
            _require_finite(image.key, np.array(found.values, self.dtype))
            return
        if found.type != "string" or len(found.values) != 1:
            raise DataError(f"feature {image.key!r} is {found}, expected a string")
        content = self._unwrapped(found.values[0])
        if content is None:
            raise DataError(f"feature {image.key!r} is {self._why_not(found.values[0])}")
        if image.encoding == "raw" and len(content) != self._bytes:
            raise DataError(
                f"feature {image.key!r} holds {len(content):,} bytes, expected {self._bytes:,} "
                f"for {image.dtype} of shape {text(self._stored)}"
            )
        if image.encoding in ("raw", "tensor") and np.dtype(image.dtype).kind == "f":
            _require_finite(image.key, np.frombuffer(content, image.dtype))
        if image.encoding in _IMAGES and (fault := images.explain(self._plan, content)):
            raise DataError(f"feature {image.key!r} {fault}")

    def _unwrapped(self, content: bytes) -> bytes | None:
        """Return the image or the array in a content; ``None``: it is not of its encoding."""
        image = self._layout.image
        if image.encoding == "base64":
            return base64_content(content)
        if image.encoding != "tensor":
            return content
        tensor = stored_tensor(content)
        if tensor is None or (tensor.dtype, tensor.shape) != (self.dtype, self._stored):
            return None
        return tensor.content

    def _why_not(self, content: bytes) -> str:
        if self._layout.image.encoding == "base64":
            return "no base64"
        tensor = stored_tensor(content)
        if tensor is None:
            return "no tensor as tf.io.serialize_tensor writes it"
        return (
            f"a tensor of {tensor.dtype} and shape {text(tensor.shape)}, expected {self.dtype} and "
            f"{text(self._stored)}"
        )

    @property
    def _size_keys(self) -> dict[str, int]:
        """The features that state the size of an axis, and what they must hold."""
        sizes = self._layout.image.sizes
        if sizes is None:
            return {}
        keys = (sizes.height, sizes.width, sizes.channels)
        pairs = zip(keys, self._stored, strict=False)
        return {key: size for key, size in pairs if isinstance(key, str)}

    def _check_sizes(self, found: Mapping[str, Feature]) -> None:
        sizes = self._layout.image.sizes
        if sizes is not None and (shape := sizes_of(sizes, found)) != self._stored:
            raise DataError(
                f"is of shape {text(shape)} by {listed(list(self._size_keys))}, expected "
                f"{text(self._stored)}"
            )

    def _check_text(self, found: Feature) -> None:
        if found.type != "string":
            raise DataError(f"feature {self._layout.text!r} is {found}, expected a string")


def _finite(numbers: Any) -> Any:
    """Tell which rows of a tensor (n, m) hold finite numbers alone, bool (n,)."""
    tf = images.tensorflow()
    return tf.reduce_all(tf.math.is_finite(numbers), axis=1)


def _require_finite(key: str, numbers: NDArray[Any]) -> None:
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        raise DataError(
            f"feature {key!r} holds {numbers[wrong[0]]} as its number {wrong[0]:,}, expected "
            "finite numbers"
        )

"""Images and arrays in a wrapping: base64 text, and what tf.io.serialize_tensor writes.

Each is unwrapped for a batch in a TensorFlow graph, and for one content in Python, which says what
is wrong with it. Both accept the same contents.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pytest_confmat.data.images import tensorflow

# What tf.io.decode_raw takes, but for complex numbers.
RAW_DTYPES = (
    *("uint8", "int8", "uint16", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "bool"),
)
_SPACES = r"[\t\n\f\r ]+"
_LETTERS = r"[A-Za-z0-9_-]+"


@dataclass(frozen=True)
class StoredTensor:
    """A serialized tensor: `content` are its numbers, little-endian."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


def base64_in_graph(texts: Any) -> tuple[Any, Any]:
    """Return what texts (n,) stand for, strings (n,), and which of them are base64."""
    tf = tensorflow()
    texts = tf.strings.regex_replace(texts, _SPACES, "")
    texts = tf.strings.regex_replace(texts, "=+$", "")
    texts = tf.strings.regex_replace(tf.strings.regex_replace(texts, r"\+", "-"), "/", "_")
    good = tf.strings.regex_full_match(texts, _LETTERS) & (tf.strings.length(texts) % 4 != 1)
    return tf.io.decode_base64(tf.where(good, texts, "")), good


def base64_content(text: bytes) -> bytes | None:
    """Return what a text stands for; ``None``: it is no base64."""
    text = re.sub(_SPACES.encode(), b"", text).rstrip(b"=")
    text = text.replace(b"+", b"-").replace(b"/", b"_")
    if not re.fullmatch(_LETTERS.encode(), text) or len(text) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def tensor_in_graph(contents: Any, dtype: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the numbers of tensors (n,), strings (n,), and which have this dtype and shape."""
    tf = tensorflow()
    _, (numbers, dtypes, shapes) = tf.io.decode_proto(
        contents,
        "tensorflow.TensorProto",
        ["tensor_content", "dtype", "tensor_shape"],
        [tf.string, tf.int32, tf.string],
    )
    counts, (axes,) = tf.io.decode_proto(
        _firsts(shapes), "tensorflow.TensorShapeProto", ["dim"], [tf.string]
    )
    _, (sizes,) = tf.io.decode_proto(axes, "tensorflow.TensorShapeProto.Dim", ["size"], [tf.int64])
    rank = len(shape)
    sizes = tf.pad(tf.reduce_sum(sizes, axis=2), [[0, 0], [0, rank]])[:, :rank]
    alike = tf.reduce_all(sizes == tf.constant(shape, tf.int64), axis=1)
    size = prod(shape) * np.dtype(dtype).itemsize
    numbers = _firsts(numbers)
    good = (counts[:, 0] == rank) & alike & (tf.strings.length(numbers) == size)
    good &= tf.reduce_sum(dtypes, axis=1) == tf.as_dtype(dtype).as_datatype_enum
    return tf.ensure_shape(numbers, [None]), tf.ensure_shape(good, [None])


def _firsts(strings: Any) -> Any:
    tf = tensorflow()
    return tf.strings.reduce_join(strings, axis=1)


def stored_tensor(content: bytes) -> StoredTensor | None:
    """Return the tensor that a content is; ``None``: it is none with numbers that can be read."""
    tf = tensorflow()
    kind = type(tf.make_tensor_proto(0))
    try:
        found = kind.FromString(content)
        dtype = tf.as_dtype(found.dtype).name
    except Exception:  # protobuf's DecodeError has no public name in TensorFlow
        return None
    shape = tuple(int(dim.size) for dim in found.tensor_shape.dim)
    if dtype not in RAW_DTYPES or min(shape, default=1) < 1:
        return None
    if len(found.tensor_content) != prod(shape) * np.dtype(dtype).itemsize:
        return None
    return StoredTensor(dtype, shape, found.tensor_content)

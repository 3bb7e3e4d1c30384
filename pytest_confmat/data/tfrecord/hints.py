"""The line for a policy that says how an image feature is stored, as far as one record shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isqrt, prod

from pytest_confmat.data.sniff import image_format
from pytest_confmat.data.tfrecord.features import Feature
from pytest_confmat.data.tfrecord.packed import base64_content, stored_tensor
from pytest_confmat.files import is_lfs_pointer

_SIZES = (("height", "width", "depth"), ("height", "width", "channels"), ("height", "width"))
_PREFIXES = ("", "image/", "image_", "img_")


def is_image(content: bytes) -> bool:
    """Whether a content is an encoded image, or stands for one that was not fetched."""
    return image_format(content) is not None or is_lfs_pointer(content)


def proposal(key: str, features: Mapping[str, Feature]) -> str | None:
    """Return how the feature `key` seems to be stored, and the line to paste into `dataset`."""
    found = features[key]
    if found.type == "int64" and len(found.values) > 1:
        return _numbers(key, features, "int64", len(found.values))
    if found.type != "string" or len(found.values) != 1:
        return None
    content = found.values[0]
    if wrapping := _wrapping(content):
        what, encoding = wrapping
        return f"it is {what}: {_line(key, encoding)}"
    return _numbers(key, features, "raw", len(content))


def likely_image(features: Mapping[str, Feature]) -> tuple[str, str] | None:
    """Return the feature that seems to hold an image in a form of its own, and its proposal.

    Texts and one-hot labels can have the length of an image too, and are none.
    """
    for key in sorted(features, key=lambda key: (features[key].type != "string", key)):
        if (
            not _is_text(features[key])
            and not _is_one_hot(features[key])
            and (hint := proposal(key, features))
        ):
            return key, hint
    return None


def _is_text(found: Feature) -> bool:
    if found.type != "string" or len(found.values) != 1 or _wrapping(found.values[0]):
        return False
    return str(found.values[0], "utf-8", "surrogateescape").isprintable()


def _is_one_hot(found: Feature) -> bool:
    return found.type == "int64" and sum(found.values) == max(found.values, default=0) == 1


def _wrapping(content: bytes) -> tuple[str, str] | None:
    """Return what a content is that says so itself, in words and as an encoding."""
    if form := image_format(content):
        return f"a {form} image", "encoded"
    if tensor := stored_tensor(content):
        shape = " x ".join(map(str, tensor.shape)) or "a single number"
        return f"a serialized tensor, {tensor.dtype} of {shape}", "tensor"
    inner = base64_content(content)
    form = image_format(inner) if inner else None
    return (f"a {form} image in base64", "base64") if form else None


def _numbers(key: str, features: Mapping[str, Feature], encoding: str, count: int) -> str | None:
    what = "bytes" if encoding == "raw" else "numbers"
    for keys in _size_keys():
        if _product(features, keys) == count:
            pairs = zip(("height", "width", "channels"), keys, strict=False)
            sizes = ", ".join(f"{name}: {each}" for name, each in pairs)
            line = _line(key, encoding, f"{{{sizes}}}")
            return f"{count:,} {what} are {' x '.join(map(repr, keys))}: {line}"
    for channels in (3, 1, 4):
        side = isqrt(count // channels)
        if side > 3 and side * side * channels == count:
            line = _line(key, encoding, f"[{side}, {side}, {channels}]")
            return f"{count:,} {what} are {side} x {side} x {channels}: {line}"
    return None


def _line(key: str, encoding: str, shape: str = "") -> str:
    words = [f"key: {key}"]
    if encoding != "encoded":
        words.append(f"encoding: {encoding}")
    if encoding == "raw":
        words.append("dtype: uint8")
    if shape:
        words.append(f"shape: {shape}")
    return f"say image: {{{', '.join(words)}}} in dataset"


def _product(features: Mapping[str, Feature], keys: tuple[str, ...]) -> int | None:
    """Return the size that features state together; ``None``: they do not."""
    found = [features[key] for key in keys if key in features]
    if len(found) < len(keys) or any(str(each) != "an int64" for each in found):
        return None
    return prod(int(each.values[0]) for each in found)


def _size_keys() -> Iterator[tuple[str, ...]]:
    for names in _SIZES:
        for prefix in _PREFIXES:
            yield tuple(prefix + name for name in names)

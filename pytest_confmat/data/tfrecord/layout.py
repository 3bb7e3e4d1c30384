"""Which features of a record hold image, label and weight, and what kind each is.

Read from the first records of a set, and shown. Every record after that is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pytest_confmat.data.naming import Matcher
from pytest_confmat.data.tfrecord.features import Feature, ListType, feature, features
from pytest_confmat.data.tfrecord.hints import is_image, likely_image, proposal
from pytest_confmat.data.tfrecord.labels import Label, NameLabel, Weight, label_of, weight_of
from pytest_confmat.data.tfrecord.packed import base64_content, stored_tensor
from pytest_confmat.data.tfrecord.texts import text_keys
from pytest_confmat.errors import DataError
from pytest_confmat.spec import Encoding, ImageFeature, LabelFeature, SizeFeatures, TFRecordSpec
from pytest_confmat.text import joined, listed

_HOLDS: dict[Encoding, ListType] = {
    **dict.fromkeys(("encoded", "base64", "tensor", "raw"), "string"),
    "int64": "int64",
    "float": "float",
}
_LAYOUTS = (
    ("image/encoded", "image/class/label"),
    ("image", "label"),
    ("image_raw", "label"),
)
_NO_TABLES = (
    "columns of a table are not read from records: yield batches of them from a fixture "
    "confmat_dataset in a conftest.py"
)
SAMPLE = 16  # records looked at until one shows the layout


@dataclass(frozen=True)
class Layout:
    """The features of every record.

    Attributes
    ----------
    text
        The feature that names the class of a number, if there is one.
    """

    image: ImageFeature
    label: Label
    weight: Weight | None = None
    text: str | None = None


def find_layout(
    records: Iterable[bytes], spec: TFRecordSpec, classes: tuple[str, ...]
) -> tuple[Layout, tuple[str, ...]]:
    """Return the layout of records that start as these do, and notes on what was inferred.

    Raises
    ------
    DataError
        If they are no Examples, lack the features that the policy names, hold them in another
        kind, or leave open which is meant. The text continues ``the records of <shard> ``.
    """
    fault = DataError("cannot be read")
    for number, record in enumerate(records):
        try:
            return _layout(features(record), spec, classes)
        except DataError as error:
            if number == 0:
                fault = error
    raise fault


def _layout(
    found: Mapping[str, Feature], spec: TFRecordSpec, classes: tuple[str, ...]
) -> tuple[Layout, tuple[str, ...]]:
    notes = []
    image = spec.image
    if image is None:
        image = _infer_image(found)
        notes.append(f"image inferred: {image.key} ({image.encoding})")
    image = _as_stored(image, found)
    asked = spec.label or LabelFeature()
    key = _infer_label(found, image) if asked.key is None else asked.key
    label = label_of(key, asked.offset, classes, feature(found, key))
    how = "inferred" if asked.key is None else "read"
    text = None if isinstance(label, NameLabel) else _text(found, key, classes)
    compared = "" if text is None else f", compared with {text}"
    notes.append(f"label {how}: {key} ({label.form}){compared}")
    weight = None
    if spec.weight is not None:
        weight = weight_of(spec.weight.key, feature(found, spec.weight.key))
    keys = [image.key, key, *([] if weight is None else [weight.key])]
    if len(set(keys)) < len(keys):
        raise DataError(f"has one feature for two of image, label and weight: {listed(keys)}")
    return Layout(image, label, weight, text), tuple(notes)


def _infer_image(found: Mapping[str, Feature]) -> ImageFeature:
    for key, _ in _LAYOUTS:
        if key in found:
            values = found[key].values
            if _holds_image(found[key]):
                return ImageFeature(key)
            if hint := proposal(key, found):
                raise DataError(
                    f"holds {found[key]} in {key!r} that {'is' if len(values) == 1 else 'are'} no "
                    f"encoded image; {hint}"
                )
            raise DataError(
                f"holds {found[key]} in {key!r} that {'is' if len(values) == 1 else 'are'} no "
                "encoded image; say image: {key: " + key + ", encoding: raw, dtype: ..., shape: "
                "[...]} or encoding: float in dataset"
            )
    images = [key for key, each in sorted(found.items()) if _holds_image(each)]
    if images:
        raise DataError(
            "has neither 'image/encoded' nor 'image'; say which feature holds the image: "
            f"{' or '.join(f'image: {{key: {key}}}' for key in images[:3])} in dataset"
        )
    if likely := likely_image(found):
        key, hint = likely
        raise DataError(
            f"has neither 'image/encoded' nor 'image', but {found[key]} in {key!r}; {hint}"
        )
    raise DataError(_without_image(found))


def _holds_image(found: Feature) -> bool:
    return found.type == "string" and len(found.values) == 1 and is_image(found.values[0])


def _without_image(found: Mapping[str, Feature]) -> str:
    """Return what to say of records such as those of a table, which hold no image at all."""
    keys = sorted(found)
    held = joined([f"{key!r} ({found[key]})" for key in keys], 8)
    arrays = [key for key in keys if found[key].type == "float" and len(found[key].values) > 1]
    return (
        f"holds nothing that looks like an image: {held}; "
        f"{_as_floats(arrays[0], found[arrays[0]]) if arrays else _NO_TABLES}"
    )


def _as_floats(key: str, found: Feature) -> str:
    return (
        f"if the model takes the numbers in {key!r}, say image: {{key: {key}, encoding: float, "
        f"shape: [{len(found.values)}]}} in dataset"
    )


def _infer_label(found: Mapping[str, Feature], image: ImageFeature) -> str:
    matching = [label for key, label in _LAYOUTS if key == image.key and label in found]
    there = matching or list(dict.fromkeys(label for _, label in _LAYOUTS if label in found))
    if len(there) == 1:
        return there[0]
    both, neither = "both {} and {}", "neither {} nor {}"
    problem = (both if there else neither).format("'image/class/label'", "'label'")
    raise DataError(
        f"has {problem}; say which feature holds the class, as label: {{key: ...}} in dataset; "
        f"it has {listed(sorted(found), 8)}"
    )


def _as_stored(image: ImageFeature, found: Mapping[str, Feature]) -> ImageFeature:
    """Return the feature with the dtype and the shape that this record states of itself."""
    held = feature(found, image.key)
    hint = proposal(image.key, found)
    if held.type != _HOLDS[image.encoding]:
        raise DataError(_of_another_type(image, held, hint))
    if image.sizes is not None:
        sizes = sizes_of(image.sizes, found)
        return replace(image, shape=sizes)
    if len(held.values) != 1 or image.encoding in ("raw", "int64", "float"):
        return image
    content = held.values[0]
    if image.encoding == "tensor":
        tensor = stored_tensor(content)
        if tensor is None:
            raise DataError(
                f"holds a string in {image.key!r} that is no tensor as tf.io.serialize_tensor "
                f"writes it{f'; {hint}' if hint else ''}"
            )
        return replace(image, dtype=tensor.dtype, shape=tensor.shape)
    inner = base64_content(content) if image.encoding == "base64" else content
    if hint and not is_image(inner or b""):
        raise DataError(
            f"holds a string in {image.key!r} that is no image as encoding: {image.encoding} says; "
            f"{hint}"
        )
    return image


def _of_another_type(image: ImageFeature, held: Feature, hint: str | None) -> str:
    if image.encoding == "encoded":
        several = held.type == "float" and len(held.values) > 1
        advice = _as_floats(image.key, held) if several else hint or _NO_TABLES
        return f"holds {held} in {image.key!r}, where an encoded image is a string; {advice}"
    message = f"holds {held} in {image.key!r}, and dataset.image says encoding: {image.encoding}"
    return f"{message}; {hint}" if hint else message


def sizes_of(sizes: SizeFeatures, found: Mapping[str, Feature]) -> tuple[int, ...]:
    """Return the shape that a record states.

    Raises
    ------
    DataError
        If one of its features is no single number from 1 up.
    """
    shape = []
    for key in (sizes.height, sizes.width, sizes.channels):
        if key is None or isinstance(key, int):
            shape += [] if key is None else [key]
            continue
        held = feature(found, key)
        if held.type != "int64" or len(held.values) != 1 or held.values[0] < 1:
            what = held.values[0] if str(held) == "an int64" else held
            raise DataError(f"size {key!r} is {what}, expected one int64 from 1 up")
        shape.append(int(held.values[0]))
    return tuple(shape)


def _text(found: Mapping[str, Feature], label: str, classes: tuple[str, ...]) -> str | None:
    """Return the feature that names the class, one that names one of `classes` before others."""
    there = [
        key
        for key in text_keys(label)
        if key in found and found[key].type == "string" and len(found[key].values) == 1
    ]
    matcher = Matcher(classes)
    naming = (k for k in there if matcher.places(found[k].values[0].decode("utf-8", "replace")))
    return next(naming, there[0] if there else None)

"""Which features of a record hold image, label and weight, and what kind each is.

Read from the first records of a set, and shown. Every record after that is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_confmat.data.images import tensorflow
from pytest_confmat.data.naming import Matcher
from pytest_confmat.data.sniff import image_format, looks_like
from pytest_confmat.data.tfrecord.texts import text_keys
from pytest_confmat.errors import DataError
from pytest_confmat.files import is_lfs_pointer
from pytest_confmat.spec import Encoding, ImageFeature, LabelFeature, TFRecordSpec
from pytest_confmat.text import joined, listed, nearest

Kind = Literal["string", "int64", "float"]

_KINDS: dict[str | None, Kind] = {
    "bytes_list": "string",
    "int64_list": "int64",
    "float_list": "float",
}
_HOLDS: dict[Encoding, Kind] = {"encoded": "string", "raw": "string", "float": "float"}
_LAYOUTS = (("image/encoded", "image/class/label"), ("image", "label"))
_NO_TABLES = (
    "columns of a table are not read from records: yield batches of them from a fixture "
    "confmat_dataset in a conftest.py"
)
SAMPLE = 16  # records looked at until one shows the layout


@dataclass(frozen=True)
class Feature:
    """A feature as the records hold it: its kind, and how many values."""

    kind: Kind
    values: Any

    def __str__(self) -> str:
        if len(self.values) == 1:
            return {"string": "a string", "int64": "an int64", "float": "a float"}[self.kind]
        return f"{len(self.values):,} {self.kind}{'' if self.kind == 'int64' else 's'}"


@dataclass(frozen=True)
class Layout:
    """The features of every record.

    Attributes
    ----------
    label
        Its key, and the offset that is subtracted from an integer.
    label_kind
        ``int64`` or ``string`` of one value; ``one-hot`` of as many as there are classes.
    label_values, weight_values
        What kind of list holds them.
    text
        The feature that names the class of a number, if there is one.
    """

    image: ImageFeature
    label: LabelFeature
    label_kind: Literal["int64", "string", "one-hot"]
    label_values: Kind
    weight: str | None = None
    weight_values: Kind | None = None
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


def features(record: bytes) -> Mapping[str, Feature]:
    """Return the features of a record.

    Raises
    ------
    DataError
        If it is no Example; the text says what it looks like.
    """
    tf = tensorflow()
    try:
        sequence = tf.train.SequenceExample.FromString(record)
        example = tf.train.Example.FromString(record)
    except Exception:  # protobuf's DecodeError, which has no public name in TensorFlow
        sequence, example = tf.train.SequenceExample(), tf.train.Example()
    if sequence.feature_lists.feature_list:
        names = listed(sorted(sequence.feature_lists.feature_list), 5)
        raise DataError(f"is a SequenceExample, with the lists {names}; only Examples are read")
    found = {}
    for name, stored in example.features.feature.items():
        if (kind := stored.WhichOneof("kind")) is not None:
            found[name] = Feature(_KINDS[kind], getattr(stored, kind).value)
    if not found:
        what = looks_like(record) if record else "it is empty (0 bytes)"
        raise DataError(f"is no tf.train.Example: {what}")
    return found


def feature(found: Mapping[str, Feature], key: str) -> Feature:
    """Return the feature `key`.

    Raises
    ------
    DataError
        If the record has none; the text shows which it has.
    """
    if key not in found:
        raise DataError(
            f"has no feature {key!r}; it has {listed(sorted(found), 8)}{nearest(key, found)}"
        )
    return found[key]


def _layout(
    found: Mapping[str, Feature], spec: TFRecordSpec, classes: tuple[str, ...]
) -> tuple[Layout, tuple[str, ...]]:
    notes = []
    image = spec.image
    if image is None:
        image = _infer_image(found)
        notes.append(f"image inferred: {image.key} ({image.encoding})")
    _check_image(image, feature(found, image.key))
    label = spec.label
    if label is None:
        label = _infer_label(found, image)
    kind = _label_kind(label, feature(found, label.key), classes)
    how = "inferred" if spec.label is None else "read"
    text = None if kind == "string" else _text(found, label.key, classes)
    compared = "" if text is None else f", compared with {text}"
    notes.append(f"label {how}: {label.key} ({kind}){compared}")
    weight, weight_values = None, None
    if spec.weight is not None:
        weight = spec.weight.key
        weight_values = _weight_kind(weight, feature(found, weight))
    keys = [key for key in (image.key, label.key, weight) if key is not None]
    if len(set(keys)) < len(keys):
        raise DataError(f"has one feature for two of image, label and weight: {listed(keys)}")
    label_values = feature(found, label.key).kind
    return Layout(image, label, kind, label_values, weight, weight_values, text), tuple(notes)


def _infer_image(found: Mapping[str, Feature]) -> ImageFeature:
    for key, _ in _LAYOUTS:
        if key in found:
            values = found[key].values
            if _holds_image(found[key]):
                return ImageFeature(key)
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
    raise DataError(_without_image(found))


def _holds_image(found: Feature) -> bool:
    return found.kind == "string" and len(found.values) == 1 and _is_image(found.values[0])


def _without_image(found: Mapping[str, Feature]) -> str:
    """Return what to say of records such as those of a table, which hold no image at all."""
    keys = sorted(found)
    held = joined([f"{key!r} ({found[key]})" for key in keys], 8)
    arrays = [key for key in keys if found[key].kind == "float" and len(found[key].values) > 1]
    return (
        f"holds nothing that looks like an image: {held}; "
        f"{_as_floats(arrays[0], found[arrays[0]]) if arrays else _NO_TABLES}"
    )


def _as_floats(key: str, found: Feature) -> str:
    return (
        f"if the model takes the numbers in {key!r}, say image: {{key: {key}, encoding: float, "
        f"shape: [{len(found.values)}]}} in dataset"
    )


def _is_image(content: bytes) -> bool:
    return image_format(content) is not None or is_lfs_pointer(content)


def _infer_label(found: Mapping[str, Feature], image: ImageFeature) -> LabelFeature:
    matching = [label for key, label in _LAYOUTS if key == image.key and label in found]
    there = matching or [label for _, label in _LAYOUTS if label in found]
    if len(there) == 1:
        return LabelFeature(there[0])
    both, neither = "both {} and {}", "neither {} nor {}"
    problem = (both if there else neither).format("'image/class/label'", "'label'")
    raise DataError(
        f"has {problem}; say which feature holds the class, as label: {{key: ...}} in dataset; "
        f"it has {listed(sorted(found), 8)}"
    )


def _check_image(image: ImageFeature, found: Feature) -> None:
    if image.encoding == "encoded" and found.kind != "string":
        several = found.kind == "float" and len(found.values) > 1
        raise DataError(
            f"holds {found} in {image.key!r}, where an encoded image is a string; "
            f"{_as_floats(image.key, found) if several else _NO_TABLES}"
        )
    if found.kind != _HOLDS[image.encoding]:
        raise DataError(
            f"holds {found} in {image.key!r}, and dataset.image says encoding: {image.encoding}"
        )


def _text(found: Mapping[str, Feature], label: str, classes: tuple[str, ...]) -> str | None:
    """Return the feature that names the class, one that names one of `classes` before others."""
    there = [
        key
        for key in text_keys(label)
        if key in found and found[key].kind == "string" and len(found[key].values) == 1
    ]
    matcher = Matcher(classes)
    naming = (k for k in there if matcher.places(found[k].values[0].decode("utf-8", "replace")))
    return next(naming, there[0] if there else None)


def _weight_kind(key: str, found: Feature) -> Kind:
    if found.kind == "string" or len(found.values) != 1:
        raise DataError(f"holds {found} in {key!r}, and a weight is one float")
    return found.kind


def _label_kind(
    label: LabelFeature, found: Feature, classes: tuple[str, ...]
) -> Literal["int64", "string", "one-hot"]:
    number = len(found.values)
    if number == 1 and found.kind == "int64":
        return "int64"
    if number == len(classes) and found.kind != "string":
        kind: Literal["string", "one-hot"] = "one-hot"
    elif number == 1 and found.kind == "string":
        kind = "string"
    else:
        raise DataError(
            f"holds {found} in {label.key!r}; a label is one int64, one class name, or one-hot "
            f"of the {len(classes)} classes"
        )
    if label.offset:
        raise DataError(
            f"holds {found} in {label.key!r}; dataset.label.offset is for integer labels"
        )
    return kind

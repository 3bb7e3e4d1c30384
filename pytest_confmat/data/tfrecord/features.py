"""A record as its features, read in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_confmat.data.images import tensorflow
from pytest_confmat.data.sniff import looks_like
from pytest_confmat.errors import DataError
from pytest_confmat.text import listed, nearest

ListType = Literal["string", "int64", "float"]

_LIST_TYPES: dict[str | None, ListType] = {
    "bytes_list": "string",
    "int64_list": "int64",
    "float_list": "float",
}


@dataclass(frozen=True)
class Feature:
    """A feature as a record holds it: the type of its list, and the values."""

    type: ListType
    values: Any

    def __str__(self) -> str:
        if len(self.values) == 1:
            return {"string": "a string", "int64": "an int64", "float": "a float"}[self.type]
        return f"{len(self.values):,} {self.type}{'' if self.type == 'int64' else 's'}"


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
            found[name] = Feature(_LIST_TYPES[kind], getattr(stored, kind).value)
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

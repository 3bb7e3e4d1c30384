"""The forms in which records hold labels and weights.

Each form reads a batch in a TensorFlow graph (`read`) and one feature in Python (`value`). Python
says what is wrong with a feature that the graph left out; both accept the same features.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from pytest_confmat.data.images import tensorflow
from pytest_confmat.data.naming import path_remark
from pytest_confmat.data.tfrecord.features import Feature, ListType
from pytest_confmat.errors import DataError
from pytest_confmat.text import nearest

_DIGITS = re.compile(rb"-?[0-9]{1,18}")
_LARGEST = 2.0**53  # of whole floats
_SMALLEST = float(np.finfo(np.float32).tiny)


def _ragged(list_type: ListType) -> Any:
    """Return how TensorFlow parses a list; a default would look like a stored value."""
    tf = tensorflow()
    dtypes = {"string": tf.string, "int64": tf.int64, "float": tf.float32}
    return tf.io.RaggedFeature(dtypes[list_type])


def _firsts(values: Any, default: Any) -> Any:
    return values.to_tensor(default, shape=(None, 1))[:, 0]


@dataclass(frozen=True)
class Label(ABC):
    """The feature that holds the class of an example.

    Attributes
    ----------
    offset
        Subtracted from numbers.
    """

    key: str
    classes: tuple[str, ...]
    offset: int = 0

    form: ClassVar[str]  # as notes and messages name it
    list_type: ListType = "int64"

    @property
    def parsed_as(self) -> Any:
        """How TensorFlow parses the feature."""
        return _ragged(self.list_type)

    @abstractmethod
    def read(self, values: Any) -> tuple[Any, Any]:
        """Return labels, int64 (n,), and which are of this form; `values` is ragged."""

    @abstractmethod
    def value(self, found: Feature) -> int:
        """Return the label that one feature holds.

        Raises
        ------
        DataError
            If it is not of this form.
        """

    def _require(self, found: Feature, count: int = 1) -> None:
        if found.type != self.list_type or len(found.values) != count:
            raise DataError(f"label {self.key!r} is {found}, expected {self.form}")


@dataclass(frozen=True)
class IntegerLabel(Label):
    """One int64."""

    form: ClassVar[str] = "int64"

    def read(self, values: Any) -> tuple[Any, Any]:
        """See `Label.read`."""
        return _firsts(values, -1) - self.offset, values.row_lengths() == 1

    def value(self, found: Feature) -> int:
        """See `Label.value`."""
        self._require(found)
        return int(found.values[0]) - self.offset


@dataclass(frozen=True)
class FloatLabel(Label):
    """One float that is a whole number."""

    form: ClassVar[str] = "float"
    list_type: ListType = "float"

    def read(self, values: Any) -> tuple[Any, Any]:
        """See `Label.read`."""
        tf = tensorflow()
        floats = _firsts(values, 0.5)
        whole = (tf.abs(floats) < _LARGEST) & (tf.floor(floats) == floats)
        labels = tf.cast(tf.where(whole, floats, 0.0), tf.int64) - self.offset
        return labels, (values.row_lengths() == 1) & whole

    def value(self, found: Feature) -> int:
        """See `Label.value`."""
        self._require(found)
        number = found.values[0]
        if not is_whole(number):
            raise DataError(f"label {self.key!r} is {number:g}, expected a whole number")
        return int(number) - self.offset


@dataclass(frozen=True)
class DigitsLabel(Label):
    """One number written as text."""

    form: ClassVar[str] = "digits"
    list_type: ListType = "string"

    def read(self, values: Any) -> tuple[Any, Any]:
        """See `Label.read`."""
        tf = tensorflow()
        texts = _firsts(values, "")
        good = tf.strings.regex_full_match(texts, _DIGITS.pattern.decode())
        numbers = tf.strings.to_number(tf.where(good, texts, "0"), tf.int64)
        return numbers - self.offset, (values.row_lengths() == 1) & good

    def value(self, found: Feature) -> int:
        """See `Label.value`."""
        self._require(found)
        text = found.values[0]
        if not _DIGITS.fullmatch(text):
            raise DataError(f"label {_decoded(text)!r} is no whole number in digits")
        return int(text) - self.offset


@dataclass(frozen=True)
class NameLabel(Label):
    """One class name."""

    form: ClassVar[str] = "string"
    list_type: ListType = "string"

    def read(self, values: Any) -> tuple[Any, Any]:
        """See `Label.read`."""
        labels = self._table.lookup(_firsts(values, ""))
        return labels, (values.row_lengths() == 1) & (labels >= 0)

    def value(self, found: Feature) -> int:
        """See `Label.value`."""
        self._require(found)
        name = _decoded(found.values[0])
        if name in self.classes:
            return self.classes.index(name)
        if remark := path_remark(name, self.classes):
            raise DataError(
                f"label {name!r} {remark}; a label is the name of a class alone, so write the "
                "records with that"
            )
        raise DataError(
            f"label {name!r} is none of the {len(self.classes)} classes"
            f"{nearest(name, self.classes)}"
        )

    @cached_property
    def _table(self) -> Any:
        tf = tensorflow()
        with tf.init_scope():
            names = tf.constant(list(self.classes))
            pairs = tf.lookup.KeyValueTensorInitializer(names, np.arange(len(self.classes)))
            return tf.lookup.StaticHashTable(pairs, -1)


@dataclass(frozen=True)
class OneHotLabel(Label):
    """A number for each class, one of them 1 and all others 0."""

    form: ClassVar[str] = "one-hot"

    def read(self, values: Any) -> tuple[Any, Any]:
        """See `Label.read`."""
        k = len(self.classes)
        labels, good = _one_hot(values.to_tensor(0, shape=(None, k)))
        return labels, (values.row_lengths() == k) & good

    def value(self, found: Feature) -> int:
        """See `Label.value`."""
        self._require(found, len(self.classes))
        return self._place(list(map(flushed, found.values)))

    def _place(self, values: list[Any]) -> int:
        if not is_one_hot(values):
            raise DataError(f"label {self.key!r} is not one-hot: {values[:20]}")
        return values.index(1)


@dataclass(frozen=True)
class OneHotBytesLabel(OneHotLabel):
    """A byte for each class, one of them 1 and all others 0."""

    form: ClassVar[str] = "one-hot bytes"
    list_type: ListType = "string"

    def read(self, values: Any) -> tuple[Any, Any]:
        """See `Label.read`."""
        tf = tensorflow()
        k = len(self.classes)
        content = _firsts(values, "")
        complete = tf.strings.length(content) == k
        rows = tf.io.decode_raw(tf.where(complete, content, bytes(k)), tf.uint8)
        labels, good = _one_hot(tf.reshape(rows, (-1, k)))
        return labels, (values.row_lengths() == 1) & complete & good

    def value(self, found: Feature) -> int:
        """See `Label.value`."""
        self._require(found)
        content, k = found.values[0], len(self.classes)
        if len(content) != k:
            raise DataError(f"label {self.key!r} holds {len(content):,} bytes, expected {k:,}")
        return self._place(list(content))


def _one_hot(rows: Any) -> tuple[Any, Any]:
    tf = tensorflow()
    ones, others = (tf.math.count_nonzero(each, axis=1) for each in (rows == 1, rows != 0))
    return tf.argmax(rows, axis=1), (ones == 1) & (others == 1)


def is_one_hot(values: list[Any]) -> bool:
    """Whether one of the numbers is 1 and all others are 0."""
    return values.count(1) == 1 and sum(value != 0 for value in values) == 1


def flushed(number: float) -> float:
    """Return 0 for what is smaller than float32's normal numbers, as TensorFlow reads it."""
    return 0 if abs(number) < _SMALLEST else number


def is_whole(number: float) -> bool:
    """Whether a float is a whole number that an int64 holds exactly."""
    number = flushed(number)
    return abs(number) < _LARGEST and number == math.floor(number)


def label_of(key: str, offset: int, classes: tuple[str, ...], found: Feature) -> Label:
    """Return the form of a label, by the feature of one record.

    Raises
    ------
    DataError
        If it is of no form, or `offset` is given for one without numbers.
    """
    form = _form(classes, offset, found)
    if form is None:
        what = f"{found.values[0]:g}" if str(found) == "a float" else str(found)
        raise DataError(
            f"holds {what} in {key!r}; a label is one whole number, one class name, or one-hot of "
            f"the {len(classes)} classes"
        )
    numbered = form in (IntegerLabel, FloatLabel, DigitsLabel)
    if offset and not numbered:
        raise DataError(f"holds {found} in {key!r}; dataset.label.offset is for integer labels")
    return form(key, classes, offset, list_type=found.type)


def _form(classes: tuple[str, ...], offset: int, found: Feature) -> type[Label] | None:
    if len(found.values) != 1:
        is_row = len(found.values) == len(classes) and found.type != "string"
        return OneHotLabel if is_row else None
    (value,) = found.values
    if found.type == "int64":
        return IntegerLabel
    if found.type == "float":
        return FloatLabel if is_whole(value) else None
    if len(value) == len(classes) and is_one_hot(list(value)):
        return OneHotBytesLabel
    named = _decoded(value) in classes and not offset
    return DigitsLabel if _DIGITS.fullmatch(value) and not named else NameLabel


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Weight:
    """The feature that holds the weight of an example, a finite number from 0 up."""

    key: str
    list_type: ListType

    @property
    def parsed_as(self) -> Any:
        """How TensorFlow parses the feature."""
        return _ragged(self.list_type)

    def read(self, values: Any) -> tuple[Any, Any]:
        """Return weights, float64 (n,), and which of them are good; `values` is ragged."""
        tf = tensorflow()
        weights = tf.cast(_firsts(values, 0), tf.float64)
        good = tf.math.is_finite(weights) & (weights >= 0)
        return weights, (values.row_lengths() == 1) & good

    def value(self, found: Feature) -> float:
        """Return the weight that one feature holds.

        Raises
        ------
        DataError
            If it holds none.
        """
        if found.type != self.list_type or len(found.values) != 1:
            raise DataError(f"weight {self.key!r} is {found}, expected a {self.list_type}")
        weight = flushed(found.values[0])
        if not (math.isfinite(weight) and weight >= 0):
            raise DataError(f"weight {self.key!r} is {weight}, expected a finite number from 0 up")
        return float(weight)


def weight_of(key: str, found: Feature) -> Weight:
    """Return the form of a weight, by the feature of one record.

    Raises
    ------
    DataError
        If it is no single number.
    """
    if found.type == "string" or len(found.values) != 1:
        raise DataError(f"holds {found} in {key!r}, and a weight is one float")
    return Weight(key, found.type)

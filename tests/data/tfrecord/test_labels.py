"""Labels and weights: the graph accepts exactly what Python can read, with equal values."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.data.tfrecord.features import Feature, feature, features
from pytest_confmat.data.tfrecord.labels import (
    DigitsLabel,
    FloatLabel,
    IntegerLabel,
    Label,
    NameLabel,
    OneHotBytesLabel,
    OneHotLabel,
    Weight,
    label_of,
)
from pytest_confmat.errors import DataError

CLASSES = ("cat", "dog", "3")
FORMS: tuple[Label | Weight, ...] = (
    IntegerLabel("x", CLASSES, 1),
    FloatLabel("x", CLASSES, 1),
    DigitsLabel("x", CLASSES, -2),
    NameLabel("x", CLASSES),
    OneHotLabel("x", CLASSES),
    OneHotLabel("x", CLASSES, list_type="float"),
    OneHotBytesLabel("x", CLASSES),
    Weight("x", "float"),
    Weight("x", "int64"),
)
IDS = [f"{type(each).__name__}-{each.list_type}" for each in FORMS]

_SMALL = 2.0**-140  # TensorFlow reads it as 0

TEXTS = (
    st.binary(max_size=4)
    | st.sampled_from([*(name.encode() for name in CLASSES), b"-1", b"007", b"1.0", b" 1", b"-"])
    | st.binary(min_size=3, max_size=3).map(lambda content: bytes(byte & 1 for byte in content))
    | st.text("-0123456789", max_size=20).map(str.encode)
)
WHOLE = st.sampled_from([0, 1, 2, -1]) | st.integers(-(2**62), 2**62)
FLOATS = st.sampled_from([0.0, 1.0, -0.0, 0.5, 3.0, 2.0**53, _SMALL, -_SMALL]) | st.floats(width=32)
VALUES = st.one_of(*(st.lists(each, max_size=4) for each in (TEXTS, WHOLE, FLOATS)))


def record(values: list[Any] | None) -> bytes:
    made = tf.train.Example()
    made.features.feature["other"].int64_list.value.append(1)
    if values is not None:
        lists = {bytes: "bytes_list", int: "int64_list", float: "float_list"}
        name = lists[type(values[0])] if values else "bytes_list"
        getattr(made.features.feature["x"], name).value.extend(values)
    return made.SerializeToString()


def by_python(form: Label | Weight, content: bytes) -> float | None:
    try:
        return form.value(feature(features(content), "x"))
    except DataError:
        return None


def by_graph(form: Label | Weight, content: bytes) -> float | None:
    # Between two without the feature, whose places must not matter.
    batch = tf.constant([record(None), content, record(None)])
    try:
        parsed = tf.io.parse_example(batch, {"x": form.parsed_as})
    except tf.errors.InvalidArgumentError:  # of another type
        return None
    values, good = form.read(parsed["x"])
    assert not good[0]
    assert not good[2]
    return values[1].numpy().item() if good[1] else None


@pytest.mark.parametrize("form", FORMS, ids=IDS)
@settings(max_examples=150, deadline=None)
@given(values=VALUES)
def test_the_graph_accepts_what_python_accepts(form, values):
    content = record(values)
    assert by_graph(form, content) == by_python(form, content)


ACCEPTED = {
    IntegerLabel: ([5], 4),
    FloatLabel: ([5.0], 4),
    DigitsLabel: ([b"-07"], -5),
    NameLabel: ([b"dog"], 1),
    OneHotLabel: ([0, 1, 0], 1),
    OneHotBytesLabel: ([b"\0\0\1"], 2),
}


@pytest.mark.parametrize("form", [FORMS[n] for n in (0, 1, 2, 3, 4, 6)], ids=lambda f: f.form)
def test_what_each_form_reads(form):
    values, label = ACCEPTED[type(form)]
    content = record(values)
    assert by_graph(form, content) == by_python(form, content) == label


REFUSED = [
    (FORMS[1], Feature("float", [0.5]), "label 'x' is 0.5, expected a whole number"),
    (FORMS[1], Feature("int64", [1]), "label 'x' is an int64, expected float"),
    (FORMS[2], Feature("string", [b"cat"]), "label 'cat' is no whole number in digits"),
    (FORMS[6], Feature("string", [b"\0\1"]), "label 'x' holds 2 bytes, expected 3"),
    (FORMS[6], Feature("string", [b"\0\1\1"]), "label 'x' is not one-hot: [0, 1, 1]"),
]


@pytest.mark.parametrize(("form", "found", "message"), REFUSED)
def test_what_is_wrong_with_a_label(form, found, message):
    with pytest.raises(DataError) as caught:
        form.value(found)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("offset", "value", "form"),
    [
        (0, b"3", NameLabel),  # a class of that name goes first
        (1, b"3", DigitsLabel),
        (0, b"2", DigitsLabel),
        (0, b"cow", NameLabel),
        (0, b"\0\1\0", OneHotBytesLabel),
        (0, 2.0, FloatLabel),
    ],
)
def test_the_form_of_a_label_follows_from_a_record(offset, value, form):
    found = Feature("float" if isinstance(value, float) else "string", [value])
    assert type(label_of("x", offset, CLASSES, found)) is form

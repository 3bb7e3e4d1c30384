"""Wrapped contents: the graph accepts exactly what Python can unwrap, with equal bytes."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.data.tfrecord.packed import (
    base64_content,
    base64_in_graph,
    stored_tensor,
    tensor_in_graph,
)


def by_graph(made) -> bytes | None:
    content, good = made
    return content[0].numpy() if good[0] else None


TEXTS = (
    st.binary(max_size=12)
    | st.binary(max_size=9).map(base64.b64encode)
    | st.binary(max_size=9).map(base64.urlsafe_b64encode)
    | st.binary(min_size=60, max_size=90).map(base64.encodebytes)
    | st.text("AQg+/-_= \n\v", max_size=9).map(str.encode)
)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_base64(text):
    assert by_graph(base64_in_graph(tf.constant([text]))) == base64_content(text)


@pytest.mark.parametrize("write", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_base64_of_every_alphabet(write):
    content = bytes(range(256))
    assert base64_content(write(content)) == content


ARRAYS = [
    np.arange(12, dtype=np.uint8).reshape(2, 3, 2),
    np.arange(6, dtype=np.uint8).reshape(2, 3),
    np.arange(12, dtype=np.int8).reshape(2, 3, 2),
    np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
    np.ones((2, 3, 2), np.float32),
    np.ones((2, 3, 2, 1), np.uint8),
    np.uint8(3),
    np.zeros((0, 3, 2), np.uint8),
]
TENSORS = [tf.io.serialize_tensor(each).numpy() for each in ARRAYS]
FEW = tf.make_tensor_proto(7, tf.uint8, (2, 3, 2)).SerializeToString()


@pytest.mark.parametrize("content", [*TENSORS, FEW, b"", b"text", TENSORS[0][:-1]])
def test_tensors(content):
    found = stored_tensor(content)
    fits = found is not None and (found.dtype, found.shape) == ("uint8", (2, 3, 2))
    try:
        made = by_graph(tensor_in_graph(tf.constant([content]), "uint8", (2, 3, 2)))
    except tf.errors.DataLossError:  # costs its chunk, whose others are read one by one
        made = None
    assert made == (found.content if fits else None)


def test_a_tensor_is_read_as_it_was_written():
    found = stored_tensor(TENSORS[0])
    assert (found.dtype, found.shape) == ("uint8", (2, 3, 2))
    assert found.content == ARRAYS[0].tobytes()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_nothing_but_tensors_is_taken_for_one(content):
    found = stored_tensor(content)
    try:
        made = by_graph(tensor_in_graph(tf.constant([content]), "uint8", (2, 3)))
    except tf.errors.DataLossError:
        made = None
    fits = found is not None and (found.dtype, found.shape) == ("uint8", (2, 3))
    assert made == (found.content if fits else None)

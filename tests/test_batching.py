"""Which examples share a batch follows from their places alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.batching import Batcher
from pytest_confmat.data.source import Batch


def batch_of(places, width: int = 1, **others) -> Batch:
    index = np.array(places, np.int64)
    inputs = np.repeat(index[:, None], width, axis=1).astype(np.float32)
    return Batch(inputs, index % 3, index, index.astype(np.uint64), **others)


def given_to_a_model(chunks, size, spans=None) -> list[list[int]]:
    batcher = Batcher(size, spans)
    made = [batch for chunk in chunks for batch in batcher.add(chunk)]
    made += batcher.rest()
    for batch in made:
        np.testing.assert_array_equal(batch.inputs[:, 0], batch.index)
        assert batch.labels.tolist() == (batch.index % 3).tolist()
        assert batch.check.tolist() == batch.index.tolist()
    return [batch.index.tolist() for batch in made]


@st.composite
def cut_sets(draw):
    """Spans of a set, a batch size, and the set in chunks that cross no span."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    ends = np.cumsum(lengths).tolist()
    spans = [range(end - n, end) for end, n in zip(ends, lengths, strict=True)]
    chunks = []
    for span in spans:
        left = list(span)
        while left:
            n = draw(st.integers(1, len(left)))
            chunks.append(left[:n])
            left = left[n:]
    return spans, draw(st.integers(1, 7)), chunks


@given(cut_sets())
def test_batches_are_full_but_for_the_last_of_each_span(case):
    spans, size, chunks = case
    expected = [list(span)[at : at + size] for span in spans for at in range(0, len(span), size)]
    assert given_to_a_model(map(batch_of, chunks), size, spans) == expected


@given(cut_sets(), st.randoms(use_true_random=False))
def test_spans_may_take_turns(case, random):
    spans, size, chunks = case
    queues = [[chunk for chunk in chunks if chunk[0] in span] for span in spans]
    mixed = []
    while any(queues):
        mixed.append(random.choice([queue for queue in queues if queue]).pop(0))
    found = given_to_a_model(map(batch_of, mixed), size, spans)
    assert sorted(found) == given_to_a_model(map(batch_of, chunks), size, spans)


@given(cut_sets(), st.data())
def test_one_that_does_not_come_moves_no_other(case, data):
    spans, size, chunks = case
    lost = set(data.draw(st.sampled_from(chunks)))
    whole = given_to_a_model(map(batch_of, chunks), size, spans)
    found = given_to_a_model((batch_of(c) for c in chunks if not lost >= set(c)), size, spans)
    left = [[place for place in places if place not in lost] for places in whole]
    assert sorted(found) == sorted(places for places in left if places)


@given(st.permutations(range(9)), st.integers(1, 10))
def test_whatever_the_order_every_example_comes_once(order, size):
    found = given_to_a_model([batch_of(order[:4]), batch_of(order[4:])], size)
    assert sorted(place for places in found for place in places) == list(range(9))
    assert all(len({place // size for place in places}) == 1 for places in found)


def test_examples_that_differ_in_shape_or_weights_never_share_a_batch():
    wide = batch_of([1, 2], width=2)
    weighted = batch_of([3], weights=np.ones(1))
    assert given_to_a_model([batch_of([0]), wide, weighted, batch_of([4])], 10) == [
        [0],
        [1, 2],
        [3],
        [4],
    ]


def test_tensors_stay_tensors():
    import tensorflow as tf

    def tensors(places):
        return tf.constant(np.array(places, np.float32)[:, None])

    batcher = Batcher(3)
    chunks = [
        Batch(tensors(p), np.zeros(2, int), np.array(p), np.zeros(2, np.uint64))
        for p in ([0, 1], [2, 3])
    ]
    (first,) = [batch for chunk in chunks for batch in batcher.add(chunk)]
    assert isinstance(first.inputs, tf.Tensor)
    assert first.inputs.numpy().tolist() == [[0], [1], [2]]
    (last,) = batcher.rest()
    assert isinstance(last.inputs, tf.Tensor)


def test_marks_and_columns_come_along():
    one = batch_of([0], traits=np.array([2], np.uint8), columns={"site": ["north"]})
    other = batch_of([1, 2], columns={"site": [None, "south"]})
    batcher = Batcher(2)
    first, last = [*batcher.add(one), *batcher.add(other), *batcher.rest()]
    assert first.traits.tolist() == [2, 0]
    assert first.columns == {"site": ["north", None]}
    assert last.columns == {"site": ["south"]}

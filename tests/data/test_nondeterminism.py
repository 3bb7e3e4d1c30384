"""Whether a source promises that every run sees the same examples in the same order."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_confmat.data import open_batches
from pytest_confmat.data.order import nondeterminism
from pytest_confmat.job import Job, run
from pytest_confmat.spec import Argmax, ModelInput

X, Y = np.arange(24, dtype=np.float32).reshape(6, 2, 2, 1), np.arange(6) % 2


def described(dataset):
    return open_batches(dataset, ("a", "b"), ModelInput((2, 2, 1))).nondeterminism


@pytest.fixture(scope="module")
def plain():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y))


def test_what_is_read_as_it_lies_is_fixed(plain):
    import tensorflow as tf

    mapped = plain.map(
        lambda x, y: (x + tf.random.stateless_uniform((2, 2, 1), (1, 2)), y),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    for dataset in (
        plain.batch(2).cache().prefetch(1),
        mapped.batch(2),
        tf.data.Dataset.range(2).interleave(lambda _: plain, num_parallel_calls=2),
        plain.map(lambda x, y: (tf.numpy_function(np.sqrt, [x], tf.float32), y)),
    ):
        assert described(dataset) is None
    for dataset in ((X, Y), [(X, Y)]):
        assert described(dataset) is None


def test_what_shuffles_is_not_fixed(plain):
    import tensorflow as tf

    assert described(plain.batch(2).shuffle(6).prefetch(1)) == "it shuffles (ShuffleDataset)"
    within = tf.data.Dataset.range(2).flat_map(lambda _: plain.shuffle(6))
    assert described(within) == "it shuffles (ShuffleDatasetV3 in FlatMapDataset)"
    sampled = tf.data.Dataset.sample_from_datasets([plain, plain])
    assert described(sampled) == "it draws at random (RandomDataset)"

    class Loader(list):
        shuffle = True

    assert described(Loader([(X, Y)])) == "it shuffles (shuffle=True)"


def test_an_order_that_is_left_open_is_not_fixed(plain):
    import tensorflow as tf

    options = tf.data.Options()
    options.deterministic = False
    assert described(plain.with_options(options)) == "its order is left open (deterministic=False)"
    parallel = plain.map(lambda x, y: (x, y), num_parallel_calls=2, deterministic=False)
    assert described(parallel.batch(2)) == (
        "its order is left open (deterministic=False in ParallelMapDataset)"
    )


def test_examples_that_are_changed_at_random_are_not_fixed(plain):
    import keras
    import tensorflow as tf

    flipped = plain.map(lambda x, y: (tf.image.random_flip_left_right(x), y))
    assert described(flipped.batch(2)) == (
        "it changes examples at random (RandomUniform in MapDataset)"
    )
    layer = keras.layers.RandomFlip()
    augmented = plain.batch(2).map(lambda x, y: (layer(x, training=True), y))
    assert described(augmented) == (
        "it changes examples by a state of its own (AssignVariableOp in MapDataset)"
    )


def test_what_can_be_read_only_once_promises_nothing():
    reason = "it can be read only once, so that nothing shows that it stays the same"
    for once in (iter([(X, Y)]), (batch for batch in [(X, Y)])):
        assert described(once) == reason

    class Indexed:
        """As Keras's older iterators: read by number, and an iterator besides."""

        def __next__(self):
            raise AssertionError

        def __getitem__(self, _):
            return X, Y

        def __len__(self):
            return 1

    assert described(Indexed()) is None


def test_other_objects_are_not_asked_what_only_tensorflow_knows():
    class Mine:
        def __iter__(self):
            return iter([(X, Y)])

        def options(self):
            raise AssertionError

    assert nondeterminism(Mine()) is None


def test_the_evaluation_knows(plain):
    def model(batch):
        return np.eye(2)[np.zeros(len(batch), int)]

    for dataset, reason in (
        (plain.batch(2), None),
        (plain.shuffle(2).batch(2), "it shuffles (ShuffleDataset)"),
    ):
        provenance = run(Job(model, dataset, ("a", "b"), Argmax())).provenance
        assert provenance["dataset"]["unfixed"] == reason

"""Whether a data set of the user's own comes in the same order every time."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_confmat.data import open_batches
from pytest_confmat.data.order import shuffling
from pytest_confmat.errors import DataError
from pytest_confmat.spec import ModelInput
from tests.support.makers import rebatched
from tests.support.refusals import refusal

X, Y = np.arange(12, dtype=np.float32).reshape(6, 2), np.arange(6) % 2
TAKES = ModelInput((2,))


def batches(dataset, model: ModelInput = TAKES) -> list:
    return rebatched(open_batches(dataset, ("a", "b"), model), 4)


def refused(dataset) -> str:
    return refusal(DataError, batches, dataset)


def test_a_dataset_of_tensorflow_that_shuffles_is_noticed_however_deep():
    import tensorflow as tf

    plain = tf.data.Dataset.from_tensor_slices((X, Y))
    shuffled = plain.shuffle(6)
    for dataset in (shuffled, shuffled.batch(2).map(lambda x, y: (x, y)).prefetch(1)):
        assert shuffling(dataset) == "ShuffleDataset"
    assert shuffling(tf.data.Dataset.zip(plain, shuffled)) == "ShuffleDataset"
    assert shuffling(plain.batch(2).cache().prefetch(1)) is None
    source = open_batches(shuffled.batch(2), ("a", "b"), TAKES)
    assert source.notes == (
        "the dataset shuffles (ShuffleDataset): ids are places in its order, so that in another "
        "run they may name other examples, and the digest differ; pass it without shuffling",
    )


def test_loaders_of_other_libraries_that_shuffle():
    class RandomSampler:
        pass

    class Loader:
        sampler = RandomSampler()

    class Iterator:
        shuffle = True

    assert shuffling(Loader()) == "RandomSampler"
    assert shuffling(Iterator()) == "shuffle=True"
    Iterator.shuffle = False
    assert shuffling(Iterator()) is None
    for plain in ([(X, Y)], (X, Y), iter([(X, Y)])):
        assert shuffling(plain) is None
        assert open_batches(plain, ("a", "b"), TAKES).notes == ()


def test_batches_of_other_ranks_are_fitted_or_refused():
    found = batches([(X, Y), (X[:, :, None], Y), (X[:, None], Y)])
    assert [batch.inputs.shape for batch in found] == [(4, 2)] * 4 + [(2, 2)]
    assert [batch.inputs.shape for batch in batches([(X, Y), (X[:, None], Y)], ModelInput())] == [
        (4, 2),
        (2, 2),
        (2, 1, 2),
        (4, 1, 2),
    ]
    assert refused([(X, Y), (np.zeros((6, 3)), Y)]) == (
        "batch #1 of the dataset: inputs have shape (3,), and the model takes (2,); only axes of "
        "length 1 are added or dropped"
    )


@pytest.mark.parametrize("labels", [Y, Y.astype(float), np.eye(2)[Y], Y.astype(bool), Y[:, None]])
def test_labels_in_any_form_are_the_same_classes(labels):
    assert np.concatenate([batch.labels for batch in batches([(X, labels)])]).tolist() == Y.tolist()


def test_what_is_no_label_has_its_sentence():
    of_batch = "batch #0 of the dataset: "
    assert refused([(X, None)]) == (
        f"{of_batch}it has no labels; a dataset yields batches of (inputs, labels) or (inputs, "
        "labels, weights)"
    )
    assert refused([(X, {"y": Y, "z": Y})]) == (
        f"{of_batch}labels are a dict of 'y', 'z'; models of several outputs are not supported, so "
        "yield the one that the model takes"
    )
    assert refused([(X, (Y, Y))]) == (
        f"{of_batch}labels are a tuple of arrays; stack them into one, as models of several "
        "outputs are not supported"
    )


def test_ragged_and_sparse_tensors_have_their_sentence():
    import tensorflow as tf

    of_batch = "batch #0 of the dataset: "
    assert refused([(tf.ragged.constant([[1.0, 2.0], [3.0]]), [0, 1])]) == (
        f"{of_batch}inputs are a RaggedTensor; its rows differ in shape: bring them to one, as by "
        "to_tensor() or resizing"
    )
    assert refused([(tf.sparse.from_dense(X), Y)]) == (
        f"{of_batch}inputs are a SparseTensor; make it dense, as by tf.sparse.to_dense"
    )


def test_a_generator_is_read_once():
    once = (batch for batch in [(X, Y)])
    assert len(batches(once)) == 2
    assert refused(once) == (
        "the dataset yields no examples; a generator that was read before yields nothing a second "
        "time"
    )

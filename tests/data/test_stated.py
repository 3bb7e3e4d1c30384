"""Class names that a data set of the user's own carries, against those of the policy."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from pytest_confmat.data import names_of, open_batches
from pytest_confmat.errors import DataError
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.spec import ModelInput
from tests.support.makers import cats_and_dogs, noise

ADVICE = (
    "its labels count the names of {0}: if the model's outputs have that order, write classes so; "
    "if not, make the dataset in the order of the model's outputs"
)
TAKES = ModelInput((13, 9, 3))


def keras_dataset(root):
    import keras

    options = {"image_size": (13, 9), "shuffle": False, "batch_size": 2, "verbose": False}
    return keras.utils.image_dataset_from_directory(cats_and_dogs(root), **options)


def keras_iterator(root):
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    options = {"target_size": (13, 9), "shuffle": False, "batch_size": 2, "class_mode": "sparse"}
    return ImageDataGenerator().flow_from_directory(cats_and_dogs(root), **options)


class Stating(list):
    def __init__(self, **attributes):
        super().__init__([(noise(2, 13, 9, 3), np.array([0, 1]))])
        for name, value in attributes.items():
            setattr(self, name, value)


MAKERS = {
    "class_names": keras_dataset,
    "class_indices": keras_iterator,
    "class_to_idx": lambda _: Stating(class_to_idx={"dog": 1, "cat": 0}),
    "classes": lambda _: Stating(classes=np.array(["cat", "dog"])),
}


@pytest.mark.parametrize("attribute", MAKERS)
def test_names_in_another_order_are_an_error_that_shows_both_lists(attribute, tmp_path):
    dataset = MAKERS[attribute](tmp_path)
    with pytest.raises(DataError) as caught:
        open_batches(dataset, ("dog", "cat"), TAKES)
    assert str(caught.value) == (
        f"the dataset's {attribute} and classes list the same names in different orders\n"
        f"  the dataset's {attribute}: 'cat', 'dog'\n"
        "  classes: 'dog', 'cat'\n" + ADVICE.format(attribute)
    )
    assert open_batches(dataset, ("cat", "dog"), TAKES).notes == ()
    assert open_batches(dataset, ("Cat", "dog"), TAKES).notes == ()
    assert names_of(dataset) == ("cat", "dog")


def test_names_of_which_some_are_others():
    with pytest.raises(DataError) as caught:
        open_batches(Stating(classes=["cat", "dog"]), ("cat", "wolf"), TAKES)
    assert str(caught.value) == (
        "the dataset's classes and classes differ\n"
        "  the dataset's classes: 'cat', 'dog'\n"
        "  classes: 'cat', 'wolf'\n" + ADVICE.format("classes")
    )


def test_more_names_than_classes():
    with pytest.raises(DataError, match="class_names and classes differ in number, 3 and 2\n"):
        open_batches(Stating(class_names=["a", "b", "c"]), ("cat", "dog"), TAKES)


def test_names_that_have_nothing_in_common_are_noted():
    source = open_batches(Stating(class_names=["n02123045", "n02084071"]), ("cat", "dog"), TAKES)
    assert source.notes == (
        "the dataset's class_names and classes have no name in common, so they are not compared: "
        "'n02123045', 'n02084071', and in classes 'cat', 'dog'",
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"classes": np.array([0, 1, 1])},  # labels, as Keras's iterators have them
        {"classes": [0, 1]},
        {"classes": 2, "class_names": "cat"},
        {"class_names": None, "class_indices": None},
        {"class_names": ["dog"]},
        {"class_names": ["dog", "dog"]},
        {"class_to_idx": {"dog": 0, "cat": 7}},
        {"class_to_idx": {"dog": [0], "cat": [1]}},
    ],
)
def test_what_states_no_names(attributes):
    dataset = Stating(**attributes)
    assert open_batches(dataset, ("cat", "dog"), TAKES).notes == ()
    assert names_of(dataset) is None


def test_a_property_that_fails_states_nothing():
    class Failing(Stating):
        @property
        def class_names(self):
            raise RuntimeError("not loaded yet")

    assert names_of(Failing()) is None


def renumbered(x, y):
    return x, 1 - y


# Steps behind which labels still count the names.
KEEPING = {
    "prefetch": lambda ds: ds.prefetch(1),
    "take": lambda ds: ds.take(2).skip(1),
    "cache and shuffle": lambda ds: ds.cache().shuffle(3),
    "unbatch": lambda ds: ds.unbatch().batch(3),
    "rebatch": lambda ds: ds.rebatch(3),
    "filter": lambda ds: ds.filter(lambda *_: True),
    "concatenate": lambda ds: ds.concatenate(ds),
    "map of the inputs": lambda ds: ds.map(lambda x, y: (x / 255, y), num_parallel_calls=2),
    "map to a dict": lambda ds: ds.map(lambda x, y: ({"image": x}, y)).prefetch(1),
}


@pytest.mark.parametrize("steps", KEEPING)
def test_names_are_found_behind_steps_that_keep_labels(steps, tmp_path):
    dataset = KEEPING[steps](keras_dataset(tmp_path))
    assert not hasattr(dataset, "class_names")
    assert names_of(dataset) == ("cat", "dog")
    with pytest.raises(DataError, match="class_names and classes list the same names in diff"):
        open_batches(dataset, ("dog", "cat"), TAKES)


def test_one_hot_keeps_the_order(tmp_path):
    import tensorflow as tf

    dataset = keras_dataset(tmp_path).map(lambda x, y: (x, tf.one_hot(tf.cast(y, tf.int64), 2)))
    assert names_of(dataset) == ("cat", "dog")


RENUMBERING = {
    "map of the labels": (lambda ds: ds.map(renumbered), "MapDataset"),
    "such a map further up": (lambda ds: ds.map(renumbered).prefetch(1), "MapDataset"),
    "enumerate": (lambda ds: ds.enumerate(), "ZipDataset"),
}


@pytest.mark.parametrize("steps", RENUMBERING)
def test_behind_what_may_renumber_labels_names_are_no_more_than_noted(steps, tmp_path):
    make, step = RENUMBERING[steps]
    dataset = make(keras_dataset(tmp_path))
    assert names_of(dataset) is None
    assert open_batches(dataset, ("dog", "cat"), TAKES).notes == (
        "the dataset's class_names are 'cat', 'dog', and classes 'dog', 'cat': they are not "
        f"compared, as a step of it ({step}) may renumber the labels",
    )
    assert open_batches(dataset, ("cat", "dog"), TAKES).notes == ()


@pytest.fixture
def torch_like():
    """Classes that look as torch's: a loader and a subset around a set that states names."""

    def make(name, **attributes):
        kind = type(name, (list,), {"__module__": "torch.utils.data"})
        made = kind([(noise(2, 13, 9, 3), np.array([0, 1]))])
        vars(made).update(attributes)
        return made

    return make


def test_a_loader_states_what_its_set_states(torch_like):
    images = Stating(classes=["cat", "dog"], class_to_idx={"cat": 0, "dog": 1})
    loader = torch_like("DataLoader", dataset=torch_like("Subset", dataset=images))
    assert names_of(loader) == ("cat", "dog")
    with pytest.raises(DataError, match="the dataset's classes and classes list the same"):
        open_batches(loader, ("dog", "cat"), TAKES)
    images.target_transform = renumbered
    assert names_of(loader) is None
    assert (
        open_batches(loader, ("dog", "cat"), TAKES)
        .notes[0]
        .endswith("they are not compared, as its target_transform may renumber the labels")
    )


def model(images):
    return np.tile([0.8, 0.2], (len(images), 1))


def test_an_evaluation_takes_the_names_that_the_data_state(tmp_path):
    evaluation = Evaluator()(model, keras_dataset(tmp_path).prefetch(1))
    assert evaluation.classes == ("cat", "dog")
    assert evaluation.matrix.support.tolist() == [3, 2]


def test_an_evaluation_of_data_that_contradict_themselves():
    dataset = Stating(class_names=["cat", "dog"], class_indices={"dog": 0, "cat": 1})
    with pytest.raises(DataError) as caught:
        Evaluator()(model, dataset)
    assert str(caught.value) == (
        "the dataset's class_names and class_indices differ: 'cat', 'dog' and 'dog', 'cat'; pass "
        "classes=[...] in the order of the labels, and correct the one that is wrong"
    )


def test_looking_for_names_loads_nothing():
    before = set(sys.modules)
    assert names_of([(np.zeros((2, 3)), [0, 1])]) is None
    assert not {"tensorflow", "keras"} & (set(sys.modules) - before)

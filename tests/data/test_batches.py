from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.data import open_batches
from pytest_confmat.errors import DataError
from pytest_confmat.spec import ModelInput
from tests.support.makers import CLASSES, collect, noise, rebatched
from tests.support.refusals import refusal

X = noise(11, 4, 3, 1)
Y = np.arange(11) % 2
TAKES = ModelInput((4, 3, 1))
THREE = ("a", "b", "c")


def cut(*arrays, size=4):
    return [tuple(a[at : at + size] for a in arrays) for at in range(0, len(arrays[0]), size)]


def opened(dataset, classes=CLASSES, model=TAKES):
    return open_batches(dataset, classes, model)


def refused(dataset, classes=CLASSES, model=TAKES) -> str:
    return refusal(DataError, list, opened(dataset, classes, model).batches(4))


class Indexed:
    """Read by number alone; iter() of it would never end."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        return cut(X, Y)[number % 3]


def py_dataset(batch=lambda x, y: (x, y)):
    import keras

    class Data(keras.utils.PyDataset):
        @property
        def num_batches(self):
            return 3

        def __getitem__(self, number):
            return batch(*cut(X, Y)[number % 3])

    return Data()


def tf_dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)


FORMS = {
    "list": lambda: cut(X, Y),
    "list of lists": lambda: [list(batch) for batch in cut(X, Y)],
    "generator": lambda: (batch for batch in cut(X, Y)),
    "arrays": lambda: (X, Y),
    "arrays in a list": lambda: [X, Y],
    "lists of numbers": lambda: [(x.tolist(), y.tolist()) for x, y in cut(X, Y)],
    "indexed": Indexed,
    "PyDataset": py_dataset,
    "tf.data": tf_dataset,
    "prefetched": lambda: tf_dataset().prefetch(2),
    "as NumPy": lambda: tf_dataset().as_numpy_iterator(),
    "weights that are None": lambda: [(x, y, None) for x, y in cut(X, Y)],
    "dict of one": lambda: [({"image": x}, y) for x, y in cut(X, Y)],
    "dicts of one on both sides": lambda: [({"image": x}, {"class": y}) for x, y in cut(X, Y)],
    "list of one": lambda: [([x], y) for x, y in cut(X, Y)],
    "tuple of one": lambda: (((x,), y) for x, y in cut(X, Y)),
    "dict of one in a list of one": lambda: [([{"image": x}], [y]) for x, y in cut(X, Y)],
    "arrays in dicts of one": lambda: ({"image": X}, {"class": Y}),
    "arrays in a list of one": lambda: ([X], Y),
    "tf.data with a dict": lambda: tf_dataset().map(lambda x, y: ({"image": x}, y)),
    "tf.data with a tuple": lambda: tf_dataset().map(lambda x, y: ((x,), y)),
    "PyDataset with a dict": lambda: py_dataset(lambda x, y: ({"image": x}, y)),
    "labels that are NumPy numbers": lambda: [(x, list(y)) for x, y in cut(X, Y)],
    "empty batches between": lambda: [(X[:0], Y[:0]), *cut(X, Y), (X[:0], Y[:0])],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch_size", [3, 100])
def test_every_form_gives_the_same_examples(form, batch_size):
    source = opened(FORMS[form]())
    batches = rebatched(source, batch_size)
    assert [len(batch.labels) for batch in batches] == ([3, 3, 3, 2] if batch_size == 3 else [11])
    assert np.concatenate([batch.index for batch in batches]).tolist() == list(range(11))
    inputs = np.concatenate([batch.inputs for batch in batches])
    np.testing.assert_array_equal(inputs, X)
    assert inputs.dtype == np.float32
    labels = np.concatenate([batch.labels for batch in batches])
    assert labels.dtype == np.int64
    assert labels.tolist() == Y.tolist()
    assert all(batch.weights is None for batch in batches)
    assert (source.parts, source.shape, source.notes) == (None, None, ())


def test_what_it_is_called():
    assert opened([]).description == "dataset of the project's own (list)"


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(1, 9))
def test_batches_are_full_whatever_comes_in(sizes, batch_size):
    total = sum(sizes)
    ends = np.cumsum(sizes)
    x, y = np.arange(total, dtype=np.float32)[:, None], np.arange(total) % 2
    dataset = [(x[e - n : e], y[e - n : e]) for e, n in zip(ends, sizes, strict=True)]
    source = opened(dataset, model=ModelInput((1,)))
    if not total:
        with pytest.raises(DataError):
            rebatched(source, batch_size)
        return
    batches = rebatched(source, batch_size)
    assert all(len(batch.labels) == batch_size for batch in batches[:-1])
    assert np.concatenate([batch.inputs for batch in batches])[:, 0].tolist() == list(range(total))


LABELS = {
    "bool": np.array([True, False, True]),
    "uint8": np.array([1, 0, 1], np.uint8),
    "float": np.array([1.0, 0.0, 1.0]),
    "column": np.array([[1], [0], [1]]),
    "float column": np.array([[1.0], [0.0], [1.0]], np.float32),
    "one-hot": np.array([[0, 1], [1, 0], [0, 1]]),
    "float one-hot": np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]),
}


@pytest.mark.parametrize("form", LABELS)
def test_labels_of_every_form(form):
    (batch,) = opened([(X[:3], LABELS[form])]).batches(9)
    assert batch.labels.tolist() == [1, 0, 1]
    assert batch.labels.dtype == np.int64


def test_labels_out_of_range_are_left_to_the_pass():
    (batch,) = opened([(X[:3], [0, -1, 9])]).batches(9)
    assert batch.labels.tolist() == [0, -1, 9]


@pytest.mark.parametrize("shape", [(11,), (11, 1)])
def test_weights_come_along(shape):
    weights = np.linspace(0, 2, 11, dtype=np.float32).reshape(shape)
    found = collect(opened(cut(X, Y, weights)), 3)
    assert found["weights"].dtype == np.float64
    np.testing.assert_array_equal(found["weights"], weights.ravel().astype(np.float64))


def test_the_word_is_of_the_content_alone():
    x = np.concatenate([X, X[:1]])
    one = collect(opened((x, np.zeros(12))), 5)["check"]
    two = collect(opened((x, np.ones(12))), 2)["check"]
    assert one.dtype == np.uint64
    np.testing.assert_array_equal(one, two)
    assert one[0] == one[11]
    assert len(set(one.tolist())) == 11


@pytest.mark.parametrize(
    ("dtype", "model", "shape"),
    [
        (np.uint8, ModelInput((4, 3)), (4, 3)),
        (np.float64, ModelInput((None, None, 1)), (4, 3, 1)),
        (np.float64, ModelInput((1, 4, 3), "float16"), (1, 4, 3)),
        (np.int64, ModelInput(None), (4, 3, 1)),
        (np.float32, ModelInput((4, 3, 1), "int32"), (4, 3, 1)),
        (np.int64, ModelInput((4, 3, 1), "uint8"), (4, 3, 1)),
    ],
)
def test_inputs_are_fitted_to_the_model(dtype, model, shape):
    found = collect(opened((X.astype(dtype), Y), model=model))["inputs"]
    assert found.shape[1:] == shape
    assert found.dtype == np.dtype(model.dtype)
    np.testing.assert_array_equal(found, X.reshape(-1, *shape))


def test_a_dtype_of_tensorflows():
    import tensorflow as tf

    found = collect(opened((X, Y), model=ModelInput((4, 3, 1), "bfloat16")))["inputs"]
    np.testing.assert_array_equal(
        tf.cast(found, tf.float32), tf.cast(tf.cast(X, "bfloat16"), "float32")
    )


@pytest.mark.parametrize("texts", [["a", "bc"], [b"a", b"bc"]])
def test_texts_for_a_model_of_texts(texts):
    model = ModelInput((), "string")
    found = collect(opened([(np.array(texts), [0, 1])], model=model))
    others = collect(opened([(np.array([*texts, "longer"]), [0, 1, 1])], model=model))
    assert found["inputs"].tolist() == texts
    assert found["check"].tolist() == others["check"].tolist()[:2]
    assert found["check"][0] != found["check"][1]


def test_examples_of_other_shapes_are_kept_apart():
    dataset = [(X[:3], Y[:3]), (X[3:5, :2], Y[3:5]), (X[5:6, :2], Y[5:6])]
    batches = rebatched(opened(dataset, model=ModelInput((None, None, 1))), 8)
    assert [batch.inputs.shape for batch in batches] == [(3, 4, 3, 1), (3, 2, 3, 1)]
    assert batches[1].index.tolist() == [3, 4, 5]


BATCHES = "a dataset yields batches of (inputs, labels) or (inputs, labels, weights)"
AT_SIGHT = [
    (None, f"the dataset is a NoneType; {BATCHES}"),
    ("data", f"the dataset is a str; {BATCHES}"),
    ({"x": X}, f"the dataset is a dict; {BATCHES}"),
    (7, f"the dataset is a int, which cannot be iterated; {BATCHES}"),
    (lambda: None, "the dataset is a function; hand in what it returns"),
]


@pytest.mark.parametrize(("dataset", "message"), AT_SIGHT)
def test_what_is_plainly_no_dataset(dataset, message):
    with pytest.raises(DataError) as caught:
        opened(dataset)
    assert str(caught.value) == message


ELEMENTS = [
    (X[:2], f"it is of type ndarray; {BATCHES}"),
    ({"image": X, "label": Y}, f"it is of type dict; {BATCHES}"),
    ((X[:2],), f"it has 1 part; {BATCHES}"),
    ((X[:2], Y[:2], Y[:2], Y[:2]), f"it has 4 parts; {BATCHES}"),
    ((X[0], 1), "it is a single example; batch the dataset, as by dataset.batch(256)"),
    (
        (X[0], np.array([0, 1])),
        "it is a single example; batch the dataset, as by dataset.batch(256)",
    ),
    ((X[:3], Y[:2]), "it has 3 inputs and 2 labels"),
    (({"a": X[:2], "b": X[:2]}, Y[:2]), "inputs are a dict of 'a', 'b'; models of several inputs "
     "are not supported, so yield the one that the model takes"),
    (({}, Y[:2]), "inputs are a dict of nothing; models of several inputs are not supported, so "
     "yield the one that the model takes"),
    (([{"a": X[:2], "b": X[:2]}], Y[:2]), "inputs are a dict of 'a', 'b'; models of several "
     "inputs are not supported, so yield the one that the model takes"),
    ((X[:2], {"a": Y[:2], "b": Y[:2]}), "labels are a dict of 'a', 'b'; models of several outputs "
     "are not supported, so yield the one that the model takes"),
    (([X[0]], Y[:1]), "it is a single example; batch the dataset, as by dataset.batch(256)"),
    (((X[:2], X[:2]), Y[:2]), "inputs are a tuple of arrays; stack them into one, as models "
     "of several inputs are not supported"),
    ((np.array([None, None]), Y[:2]), "inputs are of type ndarray, and no array of numbers"),
    ((X[:2].astype(complex), Y[:2]), "inputs are of type ndarray, and no array of numbers"),
    ((np.array(["a", "b"]), Y[:2]), "inputs have shape (), and the model takes (4, 3, 1); only "
     "axes of length 1 are added or dropped"),
    ((X[:2, :3], Y[:2]), "inputs have shape (3, 3, 1), and the model takes (4, 3, 1); only axes "
     "of length 1 are added or dropped"),
    ((X[:2], np.array(["cat", "dog"])), "labels are strings; they must be numbers, counted from 0"),
    ((X[:2], np.array(["cat/1.jpg", "dog/2.jpg"])), "labels are strings, of which the first, "
     "'cat/1.jpg', looks like a path that holds the class 'cat'; they must be numbers, counted "
     "from 0"),
    ((X[:2], np.zeros((2, 3))), "labels have shape (2, 3), and there are 2 classes"),
    ((X[:2], np.zeros((2, 3, 3))), "labels have shape (2, 3, 3); they must be (n,), (n, 1) or, "
     "one-hot, (n, 2)"),
    ((X[:2], [0, 0.5]), "the label 0.5 is no whole number"),
    ((X[:2], [0, np.nan]), "the label nan is no whole number"),
    ((X[:2], [[1, 0], [0.9, 0.1]]), "the label [0.9, 0.1] is not one-hot"),
    ((X[:2], [[1, 0], [0, 0]]), "the label [0, 0] is not one-hot"),
    ((X[:2], Y[:2], np.ones(3)), "weights have shape (3,) for 2 examples"),
    ((X[:2], Y[:2], [1.0, -1.0]), "the weight -1.0 is not finite and at least 0"),
    ((X[:2], Y[:2], [1.0, np.nan]), "the weight nan is not finite and at least 0"),
    ((X[:2], Y[:2], ["a", "b"]), "weights are no numbers"),
    ((X[:2], Y[:2], [1.0, 1.0]), "it has weights, unlike those before"),
]  # fmt: skip


@pytest.mark.parametrize(("element", "message"), ELEMENTS)
def test_what_is_no_batch(element, message):
    assert refused([(X, Y), element]) == f"batch #1 of the dataset: {message}"


def test_inputs_that_make_no_array():
    start = "batch #0 of the dataset: inputs are no array: setting an array element"
    assert refused([([[1.0], [1.0, 2.0]], [0, 1])]).startswith(start)


def test_weights_that_stop():
    assert refused([(X, Y, np.ones(11)), (X, Y)]) == (
        "batch #1 of the dataset: it has no weights, unlike those before"
    )


@pytest.mark.parametrize(
    ("inputs", "dtype", "message"),
    [
        ([[0.5]], "int32", "inputs hold 0.5, and the model takes int32"),
        ([[-1]], "uint8", "inputs hold -1, and the model takes uint8"),
        ([[300.0]], "uint8", "inputs hold 300.0, and the model takes uint8"),
        ([["a"]], "float32", "inputs are <U1, and the model takes float32"),
        ([[1.0]], "string", "inputs are float64, and the model takes string"),
    ],
)
def test_inputs_that_the_models_dtype_does_not_hold(inputs, dtype, message):
    found = refused([(np.array(inputs), [0])], model=ModelInput((1,), dtype))
    assert found == f"batch #0 of the dataset: {message}"


def test_a_model_of_channels_first():
    assert refused([(np.zeros((2, 8, 8, 3)), [0, 1])], model=ModelInput((3, 8, 8))) == (
        "batch #0 of the dataset: inputs have shape (8, 8, 3), and the model takes (3, 8, 8), "
        "channels first; images are read channels last, and a reshape would scramble them: save "
        "the model with data_format='channels_last', or put a Permute layer in front of it"
    )


@pytest.mark.parametrize("dataset", [[], (), [(X[:0], Y[:0])], (X[:0], Y[:0])])
def test_no_examples(dataset):
    assert refused(dataset) == (
        "the dataset yields no examples; a generator that was read before yields nothing a second "
        "time"
    )


class SameGenerator:
    def __init__(self):
        self.generator = (batch for batch in cut(X, Y))

    def __iter__(self):
        return self.generator


@pytest.mark.parametrize("make", [FORMS["generator"], FORMS["as NumPy"], SameGenerator])
def test_what_can_be_read_only_once(make):
    source = opened(make())
    assert len(collect(source)["index"]) == 11
    with pytest.raises(DataError) as caught:
        list(source.batches(4))
    assert str(caught.value) == (
        "the dataset can be read only once, and was read before; hand in a list, a "
        "tf.data.Dataset, or an object whose iter() starts anew"
    )


@pytest.mark.parametrize("form", ["list", "arrays", "indexed", "PyDataset", "tf.data"])
def test_what_can_be_read_again(form):
    source = opened(FORMS[form]())
    first, second = collect(source), collect(source)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_datasets_that_never_end():
    with pytest.raises(DataError) as caught:
        opened(tf_dataset().repeat())
    assert str(caught.value) == "the dataset never ends; leave out its repeat()"
    endless = py_dataset()
    type(endless).num_batches = None
    with pytest.raises(DataError) as caught:
        opened(endless)
    assert str(caught.value) == "the dataset never ends: its num_batches is None"


def test_a_py_dataset_of_unknown_length():
    import keras

    class Data(keras.utils.PyDataset):
        def __getitem__(self, number):
            return X, Y

    with pytest.raises(DataError) as caught:
        opened(Data())
    assert str(caught.value) == "the dataset does not say how many batches it has"


def test_an_error_of_the_datasets_own_keeps_its_cause():
    def broken():
        yield X[:4], Y[:4]
        raise KeyError("image")

    with pytest.raises(DataError) as caught:
        list(opened(broken()).batches(4))
    assert str(caught.value) == "the dataset raised KeyError in batch #1: 'image'"
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_error_of_tensorflows_is_put_in_one_line():
    import tensorflow as tf

    def broken(_, y):
        return tf.debugging.check_numerics(tf.ones(3) / 0.0, "bad"), y

    assert refused(tf_dataset().map(broken)) == (
        "the dataset raised InvalidArgumentError in batch #0: bad : Tensor had Inf values"
    )


def test_an_example_cannot_be_read_by_itself():
    with pytest.raises(DataError) as caught:
        opened((X, Y)).example(3)
    assert str(caught.value) == (
        "cannot be read by itself, as it comes from a dataset of the project's own"
    )


def test_it_needs_no_tensorflow():
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "import numpy as np\n"
        "from pytest_confmat.data import open_batches\n"
        "from pytest_confmat.spec import ModelInput\n"
        "source = open_batches([(np.ones((3, 2)), [0, 1, 0])], ('a', 'b'), ModelInput((2,)))\n"
        "print(sum(len(batch.labels) for batch in source.batches(2)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


@pytest.mark.parametrize("expected", [1, 4, 10])
def test_what_never_ends_is_given_up_as_soon_as_there_are_too_many(expected):
    taken = []

    def endless():
        while True:
            taken.append(4)
            yield X[:4], Y[:4]

    source = open_batches(endless(), CLASSES, TAKES, expected)
    with pytest.raises(DataError) as caught:
        list(source.batches(4))
    noun = "example" if expected == 1 else "examples"
    assert str(caught.value) == (
        f"the dataset of the project's own (generator) goes on after {expected} {noun}, which is "
        "what dataset.expected_examples says: let it end there, or correct the number"
    )
    assert sum(taken) - 4 <= expected < sum(taken)


def test_as_many_as_are_expected_or_fewer_come_through():
    for expected in (11, 12):
        batches = open_batches(cut(X, Y), CLASSES, TAKES, expected).batches(100)
        assert sum(len(batch.labels) for batch in batches) == 11

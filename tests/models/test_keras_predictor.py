from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from pytest_confmat.errors import ModelError, RequestError
from pytest_confmat.models import wrap
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.spec import Argmax, ModelInput, Threshold
from tests.support.closeness import assert_alike

from .conftest import CLASSES

PAIR = ("benign", "malignant")
HALF = Threshold(Fraction("0.5"))


def predictor_of(model, classes=CLASSES, decision=None):
    return wrap(model, classes, decision or Argmax())


def labels_for(n, k=3):
    return np.random.default_rng(11).integers(0, k, n)


def assert_equal(one: Prediction, other: Prediction):
    for name in ("predicted", "score", "rank", "valid"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ("sequential", ModelInput((6, 5, 1), "float32", None)),
        ("functional", ModelInput((6, 5, 1), "float32", None)),
        ("fixed", ModelInput((30,), "float32", 32)),
        ("any_size", ModelInput((None, None, 3), "float32", None)),
        ("bytes", ModelInput((6, 5, 1), "uint8", None)),
        ("tokens", ModelInput((None,), "int32", None)),
        ("half", ModelInput((6, 5, 1), "float32", None)),
    ],
)
def test_the_input_is_read_from_the_model(nets, net, expected):
    assert predictor_of(getattr(nets, net)).input == expected


@pytest.mark.parametrize("net", ["sequential", "functional", "half"])
def test_predictions_equal_those_of_keras(nets, images, net):
    model, labels = getattr(nets, net), labels_for(len(images))
    predictor = predictor_of(model)
    predictor.check(images)
    found = predictor.predict(images, labels)
    expected = model.predict(images, verbose=0).astype(np.float32)
    assert len(set(expected.argmax(1).tolist())) > 1
    assert found.predicted.tolist() == expected.argmax(1).tolist()
    np.testing.assert_allclose(found.score, expected.max(1), rtol=1e-3)
    for k in (1, 2):
        share = top_k_accuracy_score(labels, expected, k=k, labels=range(3))
        assert np.mean(found.rank < k) == pytest.approx(share)
    assert (found.rank == 0).tolist() == (found.predicted == labels).tolist()
    assert found.valid.all()
    assert predictor.notes == ()


@pytest.mark.parametrize("net", ["float16", "bfloat16"])
def test_scores_of_half_precision_come_as_float32(nets, net):
    model = getattr(nets, net)
    batch = np.random.default_rng(2).random((20, 6), dtype=np.float32)
    outputs = model(batch, training=False)
    assert outputs.dtype.name == net
    found = predictor_of(model).predict(batch, labels_for(20))
    assert found.score.dtype == np.float32
    np.testing.assert_allclose(found.score, np.asarray(outputs, np.float32).max(1), rtol=2e-2)


def test_one_sigmoid_unit_under_a_threshold(nets, images):
    model, labels = nets.unit, labels_for(len(images), 2)
    scores = model.predict(images, verbose=0)[:, 0]
    predictor = predictor_of(model, PAIR, Threshold(Fraction("0.4")))
    predictor.check(images)
    found = predictor.predict(images, labels)
    assert 0 < (scores >= 0.4).sum() < len(images)
    assert found.predicted.tolist() == (scores >= 0.4).astype(int).tolist()
    assert found.rank.tolist() == (found.predicted != labels).astype(int).tolist()
    np.testing.assert_allclose(found.score, np.where(scores >= 0.4, scores, 1 - scores), rtol=1e-4)
    assert predictor.notes == (
        f"the project's own model ({model.name}) has one output, read as the score of 'malignant'",
    )
    first = predictor_of(model, PAIR, Threshold(Fraction("0.4"), "benign"))
    assert first.predict(images, labels).predicted.tolist() == (scores < 0.4).astype(int).tolist()


def test_two_softmax_units_under_a_threshold(nets, images):
    scores = nets.two.predict(images, verbose=0)
    for positive, at in ((None, 1), ("malignant", 1), ("benign", 0)):
        predictor = predictor_of(nets.two, PAIR, Threshold(Fraction("0.2"), positive))
        predictor.check(images)
        found = predictor.predict(images, labels_for(len(images), 2))
        expected = np.where(scores[:, at] >= 0.2, at, 1 - at)
        assert found.predicted.tolist() == expected.tolist()
        np.testing.assert_allclose(
            found.score, scores[np.arange(len(scores)), expected], rtol=1e-4, atol=1e-6
        )
        assert predictor.notes == ()


def test_logits_under_a_threshold_are_found_by_the_first_check(nets, images):
    predictor = predictor_of(nets.logits, PAIR, Threshold(Fraction("0.3")))
    with pytest.raises(ModelError) as caught:
        predictor.check(images)
    message = str(caught.value)
    assert message.startswith(f"the project's own model ({nets.logits.name}) gave the score ")
    assert message.endswith(
        "and a threshold of 0.3 needs scores between 0 and 1: these look like logits; end the "
        "model in a sigmoid (one output) or a softmax (two), or put one behind it in a "
        "confmat_model fixture"
    )


def test_logits_behind_the_first_batch_are_found_too(nets, keras):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    predictor = predictor_of(model, PAIR, HALF)
    predictor.check(np.float32([[0.25], [0.5]]))
    with pytest.raises(ModelError, match=r"gave the score 1\.5, and a threshold of 0\.5 needs"):
        predictor.predict(np.float32([[0.25], [1.5]]), np.array([0, 1]))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 70])
def test_a_fixed_batch_is_filled_up_or_split_and_the_filling_not_counted(nets, n):
    batch = np.random.default_rng(1).random((n, 30), dtype=np.float32)
    labels = labels_for(n)
    predictor = predictor_of(nets.fixed)
    predictor.check(batch)
    found = predictor.predict(batch, labels)
    kernel, bias = nets.fixed.get_weights()
    expected = (batch @ kernel + bias).argmax(1)
    assert found.predicted.tolist() == expected.tolist()
    assert len(found.score) == len(found.rank) == len(found.valid) == n
    assert (found.rank == 0).tolist() == (expected == labels).tolist()


def test_a_fixed_batch_is_what_the_model_is_called_with(keras):
    sizes = []

    class Spy(keras.layers.Layer):
        def call(self, x):
            sizes.append(x.shape[0])
            return x

    given = keras.Input(batch_shape=(4, 3))
    model = keras.Model(given, Spy()(given))
    sizes.clear()
    predictor = predictor_of(model)
    predictor.check(np.eye(3, dtype=np.float32))
    predictor.predict(np.ones((7, 3), np.float32), labels_for(7))
    assert set(sizes) == {4}


@pytest.mark.parametrize(
    ("n", "batch_size", "expected"),
    [
        *[(1, 384, 48), (48, 384, 48), (49, 384, 96), (131, 384, 144), (384, 384, 384)],
        *[(1, 48, 48), (3, 16, 16), (45, 50, 48), (49, 50, 50), (50, 50, 50)],  # never above it
        *[(5, None, 5), (2, None, 5)],  # as many as it was checked with, where nobody says
    ],
)
def test_a_short_batch_is_filled_up_to_whole_blocks_of_rows(keras, n, batch_size, expected):
    sizes = []

    class Spy(keras.layers.Layer):
        def call(self, x):
            import tensorflow as tf

            tf.py_function(lambda n: sizes.append(int(n)), [tf.shape(x)[0]], [])
            return x

        def compute_output_shape(self, shape):
            return shape

    predictor = predictor_of(keras.Sequential([keras.Input((3,)), Spy()]))
    predictor.check(np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]], batch_size)
    sizes.clear()
    batch = np.random.default_rng(0).random((n, 3), dtype=np.float32)
    found = predictor.predict(batch, labels_for(n))
    assert sizes == [expected]
    assert found.score.tolist() == batch.max(1).tolist()


def test_how_many_came_with_an_example_moves_its_scores_by_a_few_bits_at_most(keras):
    # A product of this size is computed in another order for one example than for many.
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, "softmax")])
    batch = np.random.default_rng(0).random((45, 784), dtype=np.float32)
    labels = labels_for(45, 10)
    scores = model.predict(batch, verbose=0)
    predictor = predictor_of(model, tuple("0123456789"))
    predictor.check(batch, 48)
    whole = predictor.predict(batch, labels)
    for size in (1, 7, 31, 33):
        parts = [
            predictor.predict(batch[i : i + size], labels[i : i + size]) for i in range(0, 45, size)
        ]
        joined = Prediction(
            *[
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("predicted", "score", "rank", "valid")
            ]
        )
        assert joined.valid.all()
        assert_alike(joined, whole, scores, labels)


def test_an_empty_batch_gives_an_empty_prediction(nets, images):
    assert len(predictor_of(nets.sequential).predict(images[:0], np.zeros(0, int)).predicted) == 0


def test_the_graph_is_built_once(keras, images):
    calls = []

    class Counted(keras.layers.Layer):
        def call(self, x):
            calls.append(x.shape)
            return x

    model = keras.Sequential(
        [keras.Input((6, 5, 1)), keras.layers.Flatten(), Counted(), keras.layers.Dense(3)]
    )
    calls.clear()
    predictor = predictor_of(model)
    predictor.check(images)
    for n in (45, 32, 7):
        predictor.predict(images[:n], labels_for(n))
    assert len(calls) == 1


def test_dropout_and_augmentation_are_off(keras, images):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            layers.RandomFlip(),
            layers.GaussianNoise(0.9),
            layers.Flatten(),
            layers.Dropout(0.9),
            layers.Dense(3),
        ]
    )
    predictor, labels = predictor_of(model), labels_for(len(images))
    assert_equal(predictor.predict(images, labels), predictor.predict(images, labels))
    expected = model.predict(images, verbose=0).argmax(1)
    assert predictor.predict(images, labels).predicted.tolist() == expected.tolist()


def test_tensors_and_arrays_of_other_types_are_taken(nets, images):
    import tensorflow as tf

    labels = labels_for(len(images))
    predictor = predictor_of(nets.sequential)
    expected = predictor.predict(images, labels)
    assert_equal(predictor.predict(tf.constant(images), labels), expected)
    assert_equal(predictor.predict(images.tolist(), labels), expected)
    assert_equal(predictor.predict(images.astype(np.float64), labels), expected)
    whole = (images * 9).astype(np.uint8)
    same = predictor.predict(whole.astype(np.float32), labels)
    for dtype in (np.uint8, np.int64, np.float16):
        assert_equal(predictor.predict(whole.astype(dtype), labels), same)
    assert_equal(
        predictor.predict(images > 0.5, labels), predictor.predict(1.0 * (images > 0.5), labels)
    )


def test_whole_numbers_are_cast_where_nothing_is_lost(nets):
    predictor = predictor_of(nets.tokens)
    tokens = np.random.default_rng(0).integers(0, 10, (6, 4))
    small = predictor.predict(tokens.astype(np.int32), labels_for(6))
    assert_equal(predictor.predict(tokens.astype(np.int64), labels_for(6)), small)
    assert_equal(predictor.predict(tokens.astype(np.uint8), labels_for(6)), small)


@pytest.mark.parametrize(
    ("net", "dtype", "batch"),
    [
        ("bytes", "float32", np.full((2, 6, 5, 1), 0.5, np.float32)),
        ("bytes", "int64", np.full((2, 6, 5, 1), 256)),
        ("tokens", "float64", np.ones((2, 4))),
        ("tokens", "int64", np.full((2, 4), 2**40)),
        ("sequential", "complex64", np.zeros((2, 6, 5, 1), np.complex64)),
        ("sequential", "string", np.full((2, 6, 5, 1), "cat")),
    ],
)
def test_values_that_a_cast_would_change_are_refused(nets, net, dtype, batch):
    model = getattr(nets, net)
    with pytest.raises(ModelError) as caught:
        predictor_of(model).check(batch)
    want = model.inputs[0].dtype
    assert str(caught.value) == (
        f"the project's own model ({model.name}) takes {want}, and this batch is {dtype} with "
        f"values that would change: let the dataset yield {want}"
    )


@pytest.mark.parametrize(
    ("net", "shape", "shown"),
    [
        ("sequential", (4, 6, 5), "(N, 6, 5, 1), and this batch is (N, 6, 5)"),
        ("sequential", (4, 5, 6, 1), "(N, 6, 5, 1), and this batch is (N, 5, 6, 1)"),
        ("functional", (4, 6, 5, 3), "(N, 6, 5, 1), and this batch is (N, 6, 5, 3)"),
        ("pooled", (4, 9, 9, 3), "(N, 8, 8, 3), and this batch is (N, 9, 9, 3)"),
        ("any_size", (4, 9, 9, 1), "(N, None, None, 3), and this batch is (N, 9, 9, 1)"),
    ],
)
def test_a_batch_of_another_shape_is_refused(nets, net, shape, shown):
    model = getattr(nets, net)
    with pytest.raises(ModelError) as caught:
        predictor_of(model).check(np.zeros(shape, np.float32))
    assert str(caught.value) == (
        f"the project's own model ({model.name}) takes inputs of shape {shown}: set image_size, "
        "color_mode or reshape of the dataset so that they agree"
    )


def test_a_pooled_model_would_have_taken_any_size_in_silence(nets):
    assert nets.pooled(np.zeros((2, 9, 9, 3), np.float32)).shape == (2, 3)


def test_a_model_of_any_size_takes_batches_of_several(nets):
    predictor = predictor_of(nets.any_size)
    for size in (4, 9):
        batch = np.random.default_rng(size).random((5, size, size, 3), dtype=np.float32)
        found = predictor.predict(batch, labels_for(5))
        expected = nets.any_size.predict(batch, verbose=0).argmax(1)
        assert found.predicted.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (
            {"image": np.zeros((2, 6, 5, 1)), "mask": np.zeros((2, 4))},
            "was given a batch of type dict: one dense array or tensor of shape (N, ...) is "
            "supported",
        ),
        (
            [[1.0, 2.0], [3.0]],
            "was given a batch of type list that is no array of numbers of shape (N, ...): "
            "setting an array element with a sequence. The requested array has an inhomogeneous "
            "shape after 1 dimensions. The detected shape was (2,) + inhomogeneous part.",
        ),
        (0.5, "was given a single number as a batch: batches are (N, ...)"),
    ],
)
def test_what_is_no_batch_is_refused(nets, batch, message):
    with pytest.raises(ModelError) as caught:
        predictor_of(nets.sequential).check(batch)
    assert str(caught.value) == f"the project's own model ({nets.sequential.name}) {message}"


def test_ragged_batches_are_refused(nets):
    import tensorflow as tf

    with pytest.raises(ModelError, match="was given a batch of type RaggedTensor: one dense"):
        predictor_of(nets.sequential).check(tf.ragged.constant([[1.0], [1.0, 2.0]]))


def test_several_inputs_are_refused_at_once(nets):
    with pytest.raises(ModelError) as caught:
        predictor_of(nets.two_inputs)
    assert str(caught.value) == (
        f"the project's own model ({nets.two_inputs.name}) takes 2 inputs (image (N, 6, 5, 1), "
        "mask (N, 4)), and one is supported: hand in a function of one batch that calls it, by "
        "overriding the fixture confmat_model"
    )


@pytest.mark.parametrize(
    ("net", "shown"),
    [
        ("two_outputs", "2 outputs (0 (N, 3), 1 (N, 1))"),
        ("named_outputs", "2 outputs (kind (N, 3), size (N, 1))"),
    ],
)
def test_several_outputs_are_refused(nets, images, net, shown):
    model = getattr(nets, net)
    with pytest.raises(ModelError) as caught:
        predictor_of(model).check(images)
    assert str(caught.value) == (
        f"the project's own model ({model.name}) gives {shown}, and one output of scores is "
        "supported: hand in a function that returns the one to judge, by overriding the fixture "
        "confmat_model"
    )


def contained(keras, nets, name):
    """A model whose scores are those of another, in a container of one; and that other."""
    layers = keras.layers
    image = keras.Input((6, 5, 1), name="image")
    scores = nets.functional(image)
    structures = {
        "dict of one output": (image, {"class": scores}),
        "list of one output": (image, [scores]),
        "dict of one input": ({"image": image}, scores),
        "list of one input": ([image], scores),
        "dicts of one": ({"image": image}, {"class": scores}),
        "(N, K, 1)": (image, layers.Reshape((3, 1))(scores)),
        "(N, 1, K)": (image, layers.Reshape((1, 3))(scores)),
        "(N, 1, 1, K)": (image, layers.Reshape((1, 1, 3))(scores)),
        "dict of (N, 1, 1, K)": (image, {"class": layers.Reshape((1, 1, 3))(scores)}),
    }
    if name in structures:
        return keras.Model(*structures[name])

    class Net(keras.Model):
        def call(self, x):
            return {"class": [keras.ops.reshape(nets.functional(x), (-1, 1, 3))]}

    return Net()


CONTAINERS = [
    "dict of one output", "list of one output", "dict of one input", "list of one input",
    "dicts of one", "(N, K, 1)", "(N, 1, K)", "(N, 1, 1, K)", "dict of (N, 1, 1, K)", "subclassed",
]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_of_one_are_unwrapped(keras, nets, images, name):
    labels = labels_for(len(images))
    expected = predictor_of(nets.functional).predict(images, labels)
    predictor = predictor_of(contained(keras, nets, name))
    predictor.check(images)
    found = predictor.predict(images, labels)
    assert found.predicted.tolist() == expected.predicted.tolist()
    assert found.rank.tolist() == expected.rank.tolist()
    with pytest.raises(ModelError, match="has 3 outputs, and there are 2 classes"):
        predictor_of(contained(keras, nets, name), PAIR).check(images)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 1)])
def test_one_unit_among_axes_of_length_one_is_one_unit(keras, nets, images, shape):
    model = keras.Sequential([nets.unit, keras.layers.Reshape(shape)])
    predictor = predictor_of(model, PAIR, HALF)
    predictor.check(images)
    found = predictor.predict(images, labels_for(len(images), 2))
    expected = nets.unit.predict(images, verbose=0)[:, 0] >= 0.5
    assert 0 < expected.sum() < len(images)
    assert found.predicted.tolist() == expected.astype(int).tolist()
    with pytest.raises(ModelError, match="argmax over one output is always 0"):
        predictor_of(model, PAIR).check(images)


def test_a_fully_convolutional_model_gives_scores_for_images_of_one_size_alone(keras, nets):
    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(3, 6)])
    images = np.random.default_rng(2).random((5, 6, 6, 1), dtype=np.float32)
    predictor = predictor_of(model)
    predictor.check(images)
    expected = model.predict(images, verbose=0)
    assert expected.shape == (5, 1, 1, 3)
    found = predictor.predict(images, labels_for(5))
    assert found.predicted.tolist() == expected.reshape(5, 3).argmax(1).tolist()
    # Larger ones would give maps of scores, and no row an example.
    with pytest.raises(ModelError, match="fails on a batch of 5: InvalidArgumentError"):
        predictor.predict(np.ones((5, 7, 7, 1), np.float32), labels_for(5))
    with pytest.raises(ModelError, match=r"gives an output of shape \(N, 2, 2, 3\)"):
        predictor_of(model).check(np.ones((5, 7, 7, 1), np.float32))


def test_a_batch_in_a_dict_of_one_is_that_batch(nets, images):
    labels = labels_for(len(images))
    predictor = predictor_of(nets.functional)
    expected = predictor.predict(images, labels)
    assert_equal(predictor.predict({"image": images}, labels), expected)


def test_feature_maps_are_refused(nets, images):
    with pytest.raises(ModelError) as caught:
        predictor_of(nets.maps).check(images)
    assert str(caught.value) == (
        f"the project's own model ({nets.maps.name}) gives an output of shape (N, 4, 3, 3): "
        "supported is one row of scores an example, (N, 3)"
    )


def test_a_wrong_number_of_outputs_shows_both_numbers_and_the_names(nets, images):
    with pytest.raises(ModelError) as caught:
        predictor_of(nets.sequential, (*CLASSES, "fox")).check(images)
    assert str(caught.value) == (
        f"the project's own model ({nets.sequential.name}) has 3 outputs, and there are 4 "
        "classes: 'cat', 'dog', 'bird', 'fox'; `classes` must name every output, in the model's "
        "order"
    )


def test_argmax_over_one_unit_is_refused_with_the_decision_to_write(nets, images):
    with pytest.raises(ModelError, match=r"argmax over one output is always 0, that is 'benign'"):
        predictor_of(nets.unit, PAIR).check(images)


def test_a_threshold_over_three_classes_is_refused_before_any_batch(nets):
    with pytest.raises(RequestError, match="decides between two classes, and there are 3"):
        predictor_of(nets.sequential, CLASSES, HALF)


def test_a_model_that_returns_classes_instead_of_scores_is_refused(keras):
    given = keras.Input((3,))
    model = keras.Model(given, keras.ops.cast(given, "int32"))
    with pytest.raises(ModelError) as caught:
        predictor_of(model).check(np.eye(3, dtype=np.float32))
    assert str(caught.value) == (
        f"the project's own model ({model.name}) gives an output of dtype int32, and scores are "
        "floats: let it end in the scores, not in the class"
    )


def test_nan_scores_are_marked_not_predicted(nets, images):
    images[3] = np.nan
    images[7, 0, 0, 0] = np.inf
    found = predictor_of(nets.sequential).predict(images, labels_for(len(images)))
    assert np.flatnonzero(~found.valid).tolist() == [3, 7]


class TestSubclassed:
    @pytest.fixture
    def model(self, keras, nets):
        class Net(keras.Model):
            def __init__(self):
                super().__init__(name="net")
                self.flat, self.head = keras.layers.Flatten(), nets.dense(3)

            def call(self, x):
                return self.head(self.flat(x))

        return Net()

    def test_its_input_is_not_known_and_the_first_batch_settles_it(self, model, images):
        predictor = predictor_of(model)
        assert predictor.input == ModelInput()
        predictor.check(images)
        labels = labels_for(len(images))
        found = predictor.predict(images, labels)
        assert found.predicted.tolist() == model.predict(images, verbose=0).argmax(1).tolist()
        with pytest.raises(ModelError) as caught:
            predictor.predict(images[:, :4], labels)
        assert str(caught.value) == (
            "the project's own model (net) takes inputs of shape (N, 6, 5, 1), and this batch is "
            "(N, 4, 5, 1): set image_size, color_mode or reshape of the dataset so that they agree"
        )

    def test_its_outputs_are_held_against_the_classes(self, model, images):
        with pytest.raises(ModelError, match="has 3 outputs, and there are 2 classes"):
            predictor_of(model, PAIR).check(images)

    def test_a_shape_it_cannot_take_is_told_without_tensorflows_traceback(self, model, images):
        predictor_of(model).check(images)
        with pytest.raises(ModelError) as caught:
            predictor_of(model).check(images[:, :, :4])
        assert str(caught.value).startswith(
            "the project's own model (net) fails on a batch of 45: ValueError: Input 0 with name "
        )
        assert "expected axis -1 of input shape to have value 30" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_python_code_that_no_graph_can_hold_has_a_way_out(self, keras, images):
        class Eager(keras.Model):
            def call(self, x):
                return keras.ops.convert_to_tensor(x.numpy().reshape(len(x), -1)[:, :3])

        model = Eager(name="eager")
        with pytest.raises(ModelError) as caught:
            predictor_of(model).check(images)
        assert str(caught.value) == (
            "the project's own model (eager) cannot run as a TensorFlow graph (AttributeError: "
            "'SymbolicTensor' object has no attribute 'numpy'): override the fixture "
            "confmat_model and return a function, such as lambda batch: model(batch, "
            "training=False)"
        )
        found = predictor_of(lambda batch: model(keras.ops.convert_to_tensor(batch)))
        assert found.predict(images, labels_for(45)).predicted.tolist() == (
            images.reshape(45, -1)[:, :3].argmax(1).tolist()
        )

    def test_outputs_that_change_shape_are_an_error_of_ours(self, keras):
        import tensorflow as tf

        class Shifty(keras.Model):
            def call(self, x):
                return tf.reshape(x, (-1, tf.cast(x[0, 0], tf.int32)))

        predictor = predictor_of(Shifty(name="shifty"))
        predictor.check(np.full((2, 3), 3, np.float32))
        with pytest.raises(ModelError, match="fails on a batch of 3: InvalidArgumentError: "):
            predictor.predict(np.full((3, 3), 9, np.float32), labels_for(3))


def test_an_unbuilt_sequential_is_built_by_the_first_batch(keras, nets, images):
    model = keras.Sequential([keras.layers.Flatten(), nets.dense(3)])
    predictor = predictor_of(model)
    assert predictor.input == ModelInput()
    found = predictor.predict(images, labels_for(len(images)))
    assert found.predicted.tolist() == model.predict(images, verbose=0).argmax(1).tolist()
    # Not for batches of the first one's size alone.
    assert model.input_shape == (None, 6, 5, 1)

"""SavedModels of every origin predict as TensorFlow's own API runs them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.spec import Argmax, ModelInput, ModelSpec, Threshold
from tests.models.saved_model.exports import (
    CLASSES,
    SHAPE,
    functions,
    images,
    module,
    of_tensorflow_1,
    scores,
    spec,
    v1,
)


def loaded(path, signature=None, classes=CLASSES, decision=None):
    return load(ModelSpec(path, signature=signature), classes, decision or Argmax())


def run_by_tensorflow(path, batch, output=None, signature="serving_default"):
    """What TensorFlow 1's loader and a session of its own make of a batch."""
    with tf.Graph().as_default(), v1.Session() as session:
        found = v1.saved_model.loader.load(session, ["serve"], str(path)).signature_def[signature]
        ((_, taken),) = found.inputs.items()
        given = found.outputs[output] if output else next(iter(found.outputs.values()))
        return session.run(given.name, {taken.name: batch})


def keras_3(path):
    keras.utils.set_random_seed(4)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.DepthwiseConv2D(3),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    net.export(path, verbose=False)
    return path


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    path.write_text("cat\ndog\nbird\n")
    return path


class Labeled(tf.Module):
    """Class names come from a table that an asset fills."""

    def __init__(self, labels):
        super().__init__()
        lines = tf.lookup.TextFileIndex
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(labels), tf.int64, lines.LINE_NUMBER, tf.string, lines.WHOLE_LINE
            ),
            "?",
        )
        self.kernel = tf.Variable(tf.random.stateless_normal((30, 3), (1, 2)))

    @tf.function(input_signature=[spec("x")], autograph=False)
    def call(self, x):
        found = scores(x, self.kernel)
        return {"scores": found, "label": self.table.lookup(tf.argmax(found, 1))}


@pytest.fixture(scope="module", params=["keras 3", "module", "labeled", "tf1", "tf1 resource"])
def saved(request, tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("saved") / "m"
    if request.param == "keras 3":
        return keras_3(path)
    if request.param == "module":
        return module(path)
    if request.param == "labeled":
        net = Labeled(labels)
        tf.saved_model.save(net, str(path), signatures=net.call)
        return path
    return of_tensorflow_1(path, labels, resource=request.param == "tf1 resource")


def test_it_predicts_as_tensorflow_runs_it(saved):
    batch = images()
    own = loaded(saved)
    assert own.input == ModelInput(SHAPE, "float32")
    own.check_stated()
    own.check(batch)
    found = own.predict(batch, np.zeros(len(batch), np.int64))
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.loader.load(session, ["serve"], str(saved))
        outputs = meta.signature_def["serving_default"].outputs
        name = "scores" if "scores" in outputs else next(iter(outputs))
    expected = run_by_tensorflow(saved, batch, name)
    assert len(set(expected.argmax(1))) > 1
    assert found.predicted.tolist() == expected.argmax(1).tolist()
    assert np.array_equal(found.score, expected.max(1))
    assert own.is_pure
    assert not own.is_stateful


@pytest.mark.parametrize("n", [1, 7, 48, 53])
def test_an_example_gets_the_same_scores_in_any_batch(saved, n):
    batch = images(60)
    own = loaded(saved)
    own.check(batch)
    whole = own.predict(batch, np.zeros(60, np.int64))
    part = own.predict(batch[:n], np.zeros(n, np.int64))
    assert np.array_equal(part.score, whole.score[:n])


def test_other_outputs_are_named(tmp_path, labels):
    own = loaded(of_tensorflow_1(tmp_path / "m", labels))
    assert own.notes == ("of the model m the output 'scores' is judged, and 'classes' is not",)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A model whose signatures give other scores each."""
    return functions(
        tmp_path_factory.mktemp("several") / "m",
        serve=(lambda net, x: scores(x, net.kernel), [spec()]),
        serving_default=(lambda net, x: scores(x, -net.kernel), [spec()]),
        pixels=(lambda net, x: scores(255 - x, net.kernel), [spec(dtype=tf.uint8)]),
    )


@pytest.mark.parametrize("name", ["serve", "serving_default", "pixels"])
def test_the_signature_that_is_asked_for_is_judged(several, name):
    batch = images()
    if name == "pixels":
        batch = (batch * 255).astype(np.uint8)
    own = loaded(several, name)
    assert own.input.dtype == batch.dtype.name
    found = own.predict(batch, np.zeros(len(batch), np.int64))
    expected = run_by_tensorflow(several, batch, signature=name)
    assert found.predicted.tolist() == expected.argmax(1).tolist()


def test_serving_default_goes_before_serve(several):
    batch = images()
    found = loaded(several).predict(batch, np.zeros(len(batch), np.int64))
    expected = run_by_tensorflow(several, batch, signature="serving_default")
    assert found.predicted.tolist() == expected.argmax(1).tolist()


def test_a_single_signature_of_another_name_is_taken(tmp_path):
    path = functions(tmp_path / "m", judge=(lambda net, x: scores(x, net.kernel), [spec()]))
    found = loaded(path).predict(images(), np.zeros(45, np.int64))
    expected = run_by_tensorflow(path, images(), signature="judge")
    assert found.predicted.tolist() == expected.argmax(1).tolist()


def test_a_fixed_batch_is_filled_up_and_split(tmp_path):
    path = module(tmp_path / "m", taken=spec(batch=8))
    own = loaded(path)
    assert own.input.batch == 8
    own.check(images())
    found = own.predict(images(), np.zeros(45, np.int64))
    expected = [run_by_tensorflow(path, images(48)[at : at + 8]) for at in range(0, 40, 8)]
    assert found.predicted[:40].tolist() == np.concatenate(expected).argmax(1).tolist()
    assert len(found.predicted) == 45


def test_one_sigmoid_unit_under_a_threshold(tmp_path):
    path = functions(
        tmp_path / "m",
        serve=(lambda net, x: tf.sigmoid(tf.reshape(x, (-1, 30)) @ net.kernel[:, :1]), [spec()]),
    )
    own = loaded(path, classes=("cat", "dog"), decision=Threshold(0.5))
    found = own.predict(images(), np.zeros(45, np.int64))
    expected = run_by_tensorflow(path, images(), signature="serve")[:, 0] >= 0.5
    assert 0 < expected.sum() < 45
    assert found.predicted.tolist() == expected.astype(int).tolist()
    assert own.notes[-1] == "the model m has one output, read as the score of 'dog'"


def test_half_precision_is_compared_as_float32(tmp_path):
    path = functions(
        tmp_path / "m",
        serve=(lambda net, x: tf.cast(scores(x, net.kernel), tf.bfloat16), [spec()]),
    )
    found = loaded(path).predict(images(), np.zeros(45, np.int64))
    expected = run_by_tensorflow(path, images(), signature="serve").astype(np.float32)
    assert found.score.tolist() == expected.max(1).tolist()


def counting(net, x):
    """The scores of the n-th batch are turned by n classes."""
    if not hasattr(net, "count"):
        net.count = tf.Variable(0)
    with tf.control_dependencies([net.count.assign_add(1)]):
        return tf.roll(scores(x, net.kernel), net.count, axis=1) * 10.0


def test_a_state_is_as_it_was_after_a_check_and_a_rewind(tmp_path):
    own = loaded(module(tmp_path / "m", counting))
    assert own.is_stateful
    assert not own.is_pure
    batch, labels = images(), np.zeros(45, np.int64)
    own.check(batch)
    first = own.predict(batch, labels)
    second = own.predict(batch, labels)
    assert first.predicted.tolist() != second.predicted.tolist()
    own.rewind()
    assert own.predict(batch, labels).predicted.tolist() == first.predicted.tolist()


def test_a_state_with_a_fixed_batch_is_not_filled_up(tmp_path):
    own = loaded(module(tmp_path / "m", counting, taken=spec(batch=8)))
    with pytest.raises(ModelError) as caught:
        own.predict(images(5), np.zeros(5, np.int64))
    assert str(caught.value) == (
        "the model m takes batches of 8 and keeps a state or draws at random, so that one of 5 "
        "cannot be filled up: give a multiple of 8 examples, or export it without a fixed batch "
        "size"
    )


def test_more_outputs_than_classes_are_an_error_before_any_data(tmp_path):
    with pytest.raises(ModelError, match=r"the model m has 3 outputs, and there are 2 classes"):
        loaded(module(tmp_path / "m"), classes=("cat", "dog")).check_stated()


def test_a_batch_of_another_shape_is_an_error(tmp_path):
    own = loaded(module(tmp_path / "m"))
    with pytest.raises(ModelError, match=r"takes inputs of shape \(N, 6, 5, 1\)"):
        own.check(np.zeros((3, 5, 5, 1), np.float32))


def test_what_fails_inside_a_graph_is_said(tmp_path):
    def failing(net, x):
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x < 0), ["too bright"])]):
            return scores(x, net.kernel)

    own = loaded(functions(tmp_path / "m", serve=(failing, [spec()])))
    with pytest.raises(ModelError, match=r"the model m fails on a batch of 45: Invalid"):
        own.predict(images(), np.zeros(45, np.int64))

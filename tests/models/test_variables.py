"""Models that keep something from one batch to the next: `model.predict` is the oracle."""

import numpy as np
import pytest

from pytest_confmat.errors import ConfmatError, DataError, ModelError
from pytest_confmat.job import Job, run
from pytest_confmat.models import wrap
from pytest_confmat.models.variables import Kept, variables_of
from pytest_confmat.spec import Argmax, ModelSpec

from .conftest import CLASSES

N = 203


@pytest.fixture(scope="module")
def series():
    return np.random.default_rng(1).normal(size=(N, 5, 3)).astype(np.float32)


def batches(data, size, labels=None):
    """The data as a project yields them, in batches of its own."""
    labels = np.arange(len(data)) % 3 if labels is None else labels
    return [(data[at : at + size], labels[at : at + size]) for at in range(0, len(data), size)]


def evaluated(model, data, size):
    return run(Job(model, batches(data, size), CLASSES, Argmax(), size))


def predicted(evaluation):
    return np.concatenate([part.predicted for part in evaluation.parts])


def scores(evaluation):
    return np.concatenate([part.score for part in evaluation.parts])


def bits(model):
    return [np.asarray(variable).tobytes() for variable in variables_of(model)]


def warmed(model, data, size):
    """Bring a model into a state that is not the one it begins with."""
    model.predict(data[: 2 * size], batch_size=size, verbose=0)
    return model


@pytest.fixture(scope="module")
def stateful(keras):
    """Models that write variables while they predict, by name, with their size of batch."""
    layers = keras.layers
    wide = keras.initializers.RandomNormal(stddev=2.0, seed=3)

    def head(body):
        return layers.Dense(3, kernel_initializer=wide)(body)

    def recurrent(kind, **how):
        given = keras.Input(batch_shape=(7, 5, 3))
        return keras.Model(
            given, head(kind(6, stateful=True, kernel_initializer=wide, **how)(given))
        )

    class Count(layers.Layer):
        """Adds the number of batches, of which Keras keeps the count or TensorFlow alone."""

        def __init__(self, raw=False, **config):
            super().__init__(**config)
            self.raw = raw

        def build(self, _):
            import tensorflow as tf

            if self.raw:
                self.count = tf.Variable(0.0)
            else:
                self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            if self.raw:
                self.count.assign_add(1.0)
            else:
                self.count.assign(self.count + 1.0)
            return x * keras.ops.sin(self.count)

    class Mean(layers.Layer):
        """Subtracts a running mean over all examples so far."""

        def build(self, shape):
            self.mean = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False)

        def call(self, x):
            self.mean.assign(0.5 * self.mean + 0.5 * keras.ops.mean(x, axis=0))
            return x - self.mean

    class Noise(layers.Layer):
        def __init__(self, **config):
            super().__init__(**config)
            self.seeds = keras.random.SeedGenerator(5)

        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x), seed=self.seeds)

    class Normalized(layers.Layer):
        """A batch normalization that goes on learning, as if it were trained."""

        def __init__(self, **config):
            super().__init__(**config)
            self.inner = layers.BatchNormalization(momentum=0.5)

        def call(self, x):
            return self.inner(x, training=True)

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.flat = Count(), layers.Flatten()
            self.head = layers.Dense(3, kernel_initializer=wide)

        def call(self, x):
            return self.head(self.flat(self.inner(x)))

    def with_layer(layer, batch=None):
        given = keras.Input(batch_shape=(batch, 5, 3))
        return keras.Model(given, head(layers.Flatten()(layer(given))))

    return {
        "lstm": (lambda: recurrent(layers.LSTM), 7),
        "gru": (lambda: recurrent(layers.GRU), 7),
        "count": (lambda: with_layer(Count()), 9),
        "raw count": (lambda: with_layer(Count(raw=True)), 9),
        "count beside many": (lambda: with_layer(Count()), 64),
        "running mean": (lambda: with_layer(Mean()), 9),
        "running mean of a fixed batch": (lambda: with_layer(Mean(), 7), 7),
        "noise": (lambda: with_layer(Noise()), 9),
        "normalized by the batch": (lambda: with_layer(Normalized()), 40),
        "subclassed": (Subclassed, 9),
    }


NAMES = [
    "lstm", "gru", "count", "raw count", "count beside many", "running mean",
    "running mean of a fixed batch", "noise", "normalized by the batch", "subclassed",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_keras_and_the_model_is_left_as_it_was(stateful, series, name):
    make, size = stateful[name]
    model = warmed(make(), series, size)
    before = bits(model)
    found = evaluated(model, series, size)
    assert bits(model) == before
    again = evaluated(model, series, size)
    assert bits(model) == before
    expected = model.predict(series, batch_size=size, verbose=0)
    assert bits(model) != before
    assert predicted(found).tolist() == expected.argmax(1).tolist()
    assert predicted(again).tolist() == expected.argmax(1).tolist()
    np.testing.assert_allclose(scores(found), expected.max(1), rtol=1e-5)
    other = model.predict(series, batch_size=size, verbose=0)
    # What it remembers does matter, but where a batch is normalized by itself.
    assert (np.abs(other - expected).max() > 1e-2) == (name != "normalized by the batch")


@pytest.mark.parametrize("name", ["lstm", "running mean", "subclassed"])
def test_a_model_that_was_never_called_begins_as_it_is_built(stateful, series, name, keras):
    make, size = stateful[name]
    keras.utils.set_random_seed(4)
    model = make()
    found = evaluated(model, series, size)
    expected = model.predict(series, batch_size=size, verbose=0)
    assert predicted(found).tolist() == expected.argmax(1).tolist()


def test_a_loaded_model_begins_as_it_was_loaded(keras, stateful, series, tmp_path):
    make, size = stateful["lstm"]
    path = tmp_path / "m.keras"
    warmed(make(), series, size).save(path)
    expected = keras.saving.load_model(path).predict(series, batch_size=size, verbose=0)
    found = evaluated(ModelSpec(path), series, size)
    assert predicted(found).tolist() == expected.argmax(1).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_that_ends_by_an_error_leaves_the_model_as_it_was(stateful, series, name):
    make, size = stateful[name]
    model = warmed(make(), series, size)
    before = bits(model)
    labels = np.arange(N) % 3
    labels[150] = 9
    with pytest.raises(DataError, match="label 9 is none of the 3 classes"):
        run(Job(model, batches(series, size, labels), CLASSES, Argmax(), size))
    assert bits(model) == before

    def ends():
        yield from batches(series, size)[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Job(model, ends(), CLASSES, Argmax(), size))
    assert bits(model) == before


def test_so_does_a_model_that_does_not_fit(stateful, series):
    model = warmed(stateful["count"][0](), series, 9)
    before = bits(model)
    with pytest.raises(ConfmatError):
        run(Job(model, batches(series, 9), (*CLASSES, "fox"), Argmax(), 9))
    assert bits(model) == before


def test_metrics_and_seeds_of_a_model_are_left_too(keras, series):
    class Measured(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.metric = keras.metrics.Mean()

        def call(self, x):
            self.metric.update_state(x)
            return x

    given = keras.Input((5, 3))
    body = keras.layers.Flatten()(keras.layers.Dropout(0.5)(Measured()(given)))
    model = keras.Model(given, keras.layers.Dense(3)(body))
    model.compile(loss="mse", metrics=["mae"])
    model.fit(series[:32], np.zeros((32, 3)), verbose=0)
    before = bits(model)
    evaluated(model, series, 16)
    assert bits(model) == before


def test_the_last_batch_of_a_fixed_size_is_filled_where_each_example_has_its_state(
    stateful, series
):
    model = warmed(stateful["lstm"][0](), series, 7)
    found = evaluated(model, series[:200], 7)
    # Keras takes whole batches alone: any other examples stand in for what is missing.
    whole = np.concatenate([series[:200], series[:3]])
    expected = model.predict(whole, batch_size=7, verbose=0)[:200]
    assert predicted(found).tolist() == expected.argmax(1).tolist()


def test_the_last_batch_of_a_fixed_size_is_not_filled_where_examples_share_a_state(
    stateful, series
):
    model = stateful["running mean of a fixed batch"][0]()
    before = bits(model)
    with pytest.raises(ModelError) as caught:
        evaluated(model, series[:200], 7)
    name = f"the project's own model ({model.name})"
    assert str(caught.value).startswith(
        f"{name} takes batches of 7, and one has 4, which cannot be filled up: the examples of a "
        "batch share a state ("
    )
    assert str(caught.value).endswith(
        ") that the filling would change; give a multiple of 7 examples, or save the model without "
        "a fixed batch size"
    )
    assert bits(model) == before


def test_a_smaller_batch_in_the_middle_is_refused(stateful, series):
    model = stateful["lstm"][0]()
    predictor = wrap(model, CLASSES, Argmax())
    predictor.check(series[:7])
    predictor.predict(series[:3], np.zeros(3, np.int64))
    with pytest.raises(ModelError) as caught:
        predictor.predict(series[3:10], np.zeros(7, np.int64))
    assert str(caught.value) == (
        f"the project's own model ({model.name}) keeps a state from batch to batch and takes "
        "batches of 7, and a smaller one came before the last: let the dataset yield batches of "
        "that size"
    )
    predictor.rewind()
    predictor.predict(series[:7], np.zeros(7, np.int64))


def test_a_state_that_cannot_be_put_back_is_refused(keras):
    import tensorflow as tf

    class Table(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0)

        def call(self, x):
            self.table.insert(tf.constant([1], tf.int64), tf.reduce_sum(x)[None])
            return x + tf.ensure_shape(self.table.lookup(tf.constant(1, tf.int64)), ())

    model = keras.Sequential([Table()])
    with pytest.raises(ModelError) as caught:
        wrap(model, CLASSES, Argmax()).check(np.ones((4, 3), np.float32))
    assert str(caught.value) == (
        f"the project's own model ({model.name}) keeps a state outside of variables "
        "(LookupTableInsertV2), which cannot be put back after it was tried on the first batch: "
        "keep it in a variable, or hand in a function that calls the model, by overriding the "
        "fixture confmat_model"
    )


def test_what_only_computes_keeps_no_values(nets, images):
    predictor = wrap(nets.sequential, CLASSES, Argmax())
    predictor.check(images)
    assert not predictor.is_stateful
    assert predictor.is_pure


def test_kept_values_are_not_those_written_later():
    import tensorflow as tf

    one, other = tf.Variable(np.zeros((300, 300), np.float32)), tf.Variable([1, 2])
    kept = Kept([one, other])
    assert kept.changed() == []
    one.scatter_nd_update([[3, 4]], [5.0])
    one.assign_add(tf.ones((300, 300)))
    assert [each is one for each in kept.changed()] == [True]
    kept.restore()
    assert kept.changed() == []
    assert not one.numpy().any()
    one.assign_add(tf.ones((300, 300)))
    kept.restore()
    assert not one.numpy().any()

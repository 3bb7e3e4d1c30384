"""Whatever ends a pass early, what ran for it has stopped before the error leaves."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_confmat.data import open_batches, open_source
from pytest_confmat.data.held import Held
from pytest_confmat.errors import ConfmatError, ModelError
from pytest_confmat.job import Job, run
from pytest_confmat.models import wrap
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.spec import Argmax, DirectorySpec, ModelInput, TFRecordSpec
from pytest_confmat.streaming import evaluate
from tests.support.makers import CLASSES, example, png, shard

TAKES = ModelInput((8, 8, 3))
BATCHES = 400


class Calls:
    """Python that TensorFlow's threads call: how often it was begun, and how often it runs now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begun = self.running = 0

    def during(self, function):
        def call(*given):
            with self._lock:
                self.begun += 1
                self.running += 1
            try:
                time.sleep(0.02)
                return function(*given)
            finally:
                with self._lock:
                    self.running -= 1

        return call

    def require_that_they_have_stopped(self):
        assert self.running == 0
        begun = self.begun
        assert begun, "nothing was called"
        time.sleep(0.2)
        assert self.begun == begun


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def inner_calls(calls, monkeypatch):
    original = tf.numpy_function
    monkeypatch.setattr(
        tf, "numpy_function", lambda f, *rest, **named: original(calls.during(f), *rest, **named)
    )
    return calls


# What the project's policy names.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in CLASSES:
        (folder / "tree" / name).mkdir(parents=True)
        for number in range(800):
            (folder / "tree" / name / f"{number}.png").write_bytes(png(1, (8, 8, 3)))
    found = [example(image=png(1, (8, 8, 3)), label=number % 2) for number in range(1600)]
    shard(folder / "a.tfrecord", found[:800])
    shard(folder / "b.tfrecord", found[800:])
    return folder


def directory(folder):
    return DirectorySpec(folder / "tree")


def records(folder):
    return TFRecordSpec((str(folder / "*.tfrecord"),))


class Pure:
    """A predictor of several threads, whose call number `failing` fails."""

    input, notes, is_pure, is_stateful = TAKES, (), True, False

    def __init__(self, failing: int) -> None:
        self.left = failing

    def check(self, inputs, batch_size=None):
        pass

    def predict(self, _, labels):
        self.left -= 1
        if not self.left:
            raise MemoryError
        n = len(labels)
        return Prediction(labels, np.ones(n, np.float32), 0 * labels, np.ones(n, bool))


def scores(units, failing=0):
    left = iter(range(failing - 1, -1, -1))

    def predict(batch):
        if next(left, 1) == 0:
            raise ValueError("no more")
        return np.zeros((len(batch), units), np.float32)

    return wrap(predict, CLASSES, Argmax())


def interrupt(done, total):
    if done > 40:
        raise KeyboardInterrupt


ENDS = {
    "outputs that do not fit": (lambda: scores(3), {}, ConfmatError),
    "a model that fails": (lambda: scores(2, failing=2), {}, ConfmatError),
    "a model that fails in a thread": (lambda: Pure(failing=3), {}, MemoryError),
    "an interruption": (lambda: scores(2), {"progress": interrupt}, KeyboardInterrupt),
    "an interruption between threads": (
        lambda: Pure(0),
        {"progress": interrupt},
        KeyboardInterrupt,
    ),
}


@pytest.mark.parametrize("spec", [directory, records])
@pytest.mark.parametrize("end", ENDS)
def test_of_a_policys_data(spec, end, folder, inner_calls):
    predictor, options, kind = ENDS[end]
    source = open_source(spec(folder), CLASSES, TAKES)
    with pytest.raises(kind) as caught:
        evaluate(source, predictor(), CLASSES, batch_size=16, **options)
    inner_calls.require_that_they_have_stopped()
    assert caught.value.__traceback__ is not None  # which led to all that ran


def test_of_a_policys_data_with_too_many_faults(folder, inner_calls):
    source = open_source(directory(folder), CLASSES, TAKES)
    broken = wrap(lambda batch: np.full((len(batch), 2), np.nan), CLASSES, Argmax())
    with pytest.raises(ConfmatError, match="stopped after 20 faults") as caught:
        evaluate(source, broken, CLASSES, batch_size=16, max_faults=20)
    inner_calls.require_that_they_have_stopped()
    assert caught


# What a fixture of the project's hands over.


def batch_of(number):
    return np.full((16, 8, 8, 3), number, np.float32), np.zeros(16, np.int64)


def mapped(calls, fail_at):
    def make(number):
        if number == fail_at:
            raise ValueError("this one cannot be read")
        return batch_of(number)

    types = [tf.float32, tf.int64]
    numbers = tf.data.Dataset.range(BATCHES)
    made = numbers.map(lambda n: tf.numpy_function(calls.during(make), [n], types), 4)
    return made.prefetch(100)


def from_generator(calls, fail_at):
    def generate():
        for number in range(BATCHES):
            if number == fail_at:
                raise ValueError("this one cannot be read")
            yield calls.during(batch_of)(number)

    types = (tf.float32, tf.int64)
    return tf.data.Dataset.from_generator(generate, types).prefetch(100)


def generator(calls, fail_at):
    yield from mapped(calls, fail_at)


class Iterated:
    def __init__(self, *given):
        self.dataset = mapped(*given)

    def __iter__(self):
        for inputs, labels in self.dataset:
            yield inputs.numpy(), labels


DATA = [mapped, from_generator, generator, Iterated]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("end", ENDS)
def test_of_data_of_the_projects_own(data, end, calls):
    predictor, options, kind = ENDS[end]
    source = open_batches(data(calls, None), CLASSES, TAKES)
    with pytest.raises(kind) as caught:
        evaluate(source, predictor(), CLASSES, batch_size=16, **options)
    calls.require_that_they_have_stopped()
    assert caught


@pytest.mark.parametrize("data", DATA)
def test_of_data_of_the_projects_own_that_fail(data, calls):
    source = open_batches(data(calls, 5), CLASSES, TAKES)
    with pytest.raises(ConfmatError, match="in batch #5") as caught:
        evaluate(source, scores(2), CLASSES, batch_size=16)
    calls.require_that_they_have_stopped()
    assert caught


@pytest.mark.parametrize("data", DATA)
def test_of_data_of_the_projects_own_that_do_not_fit(data, calls):
    source = open_batches(data(calls, None), CLASSES, ModelInput((28, 28, 1)))
    with pytest.raises(ConfmatError, match="batch #0 of the dataset") as caught:
        evaluate(source, scores(2), CLASSES, batch_size=16)
    calls.require_that_they_have_stopped()
    assert caught


def test_outputs_that_the_model_states_are_compared_before_any_data_are_read():
    class Data:
        def __iter__(self):
            pytest.fail("read")

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))
    with pytest.raises(ModelError, match=r"has 3 outputs, and there are 2 classes: 'cat', 'dog'"):
        run(Job(model, Data(), CLASSES, Argmax()))


# What is held.


def test_what_is_held_is_iterated_to_its_end():
    held = Held([1, 2])
    assert list(held) == [1, 2]
    held.close()
    assert list(held) == []


def test_a_generator_that_is_let_go_is_closed_and_what_that_raises_does_not_matter():
    closed = []

    def numbers():
        try:
            yield from range(9)
        finally:
            closed.append(True)
            raise OSError("cannot close the file")

    held = Held(numbers())
    assert next(iter(held)) == 0
    held.close()
    assert closed == [True]
    assert list(held) == []
    held.close()


def test_locals_of_the_projects_own_code_stay_for_pytest_to_show():
    def numbers():
        what_i_was_at = 7
        yield from mapped(Calls(), 0)
        assert what_i_was_at

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        next(Held(numbers()))
    [frame] = [each.frame for each in caught.traceback if each.name == "numbers"]
    assert frame.f_locals["what_i_was_at"] == 7


def test_what_stops_iterators_at_the_end_imports_nothing():
    code = (
        "import sys\n"
        "from pytest_confmat.data.held import Held\n"
        "held = Held(iter(range(3)))\n"
        "next(held)\n"
        "held.close()\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == ""

"""Which evaluations of a session are the same."""

import os

import numpy as np
import pytest

from pytest_confmat.errors import ConfmatError, DataError, RequestError
from pytest_confmat.plugin.evaluator import Asked, Evaluator
from pytest_confmat.spec import Argmax, DirectorySpec, ModelSpec


def test_a_model_file_that_is_written_anew_is_another_model(tmp_path):
    path, evaluator = tmp_path / "m.keras", Evaluator()
    job = evaluator.job(ModelSpec(path), DirectorySpec(tmp_path), ("a", "b"), Argmax())
    keys = [evaluator.key(job)]
    path.write_bytes(b"one")
    keys += [evaluator.key(job), evaluator.key(job)]
    before = path.stat()
    (tmp_path / "other").write_bytes(b"two")
    os.utime(tmp_path / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "other").replace(path)
    keys.append(evaluator.key(job))
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3


EYE = np.eye(2, dtype=np.float32)
DATA = [(EYE, np.array([0, 1]))]


class Fitted:
    """A model as scikit-learn's are: refitted in place, asked by a bound method."""

    def __init__(self):
        self.passes, self.weights = 0, EYE

    def predict_proba(self, batch):
        self.passes += 1
        return batch @ self.weights


def right(evaluation):
    return int(evaluation.matrix.counts.trace())


@pytest.mark.parametrize("wrapped", ["method", "lambda", "object"])
def test_a_function_is_evaluated_each_time(wrapped):
    fitted, evaluator = Fitted(), Evaluator()
    model = {
        "method": fitted.predict_proba,
        "lambda": lambda batch: fitted.predict_proba(batch) + 0,
        "object": type("Model", (), {"__call__": lambda _, batch: fitted.predict_proba(batch)})(),
    }[wrapped]
    assert not evaluator.has_evaluated
    assert right(evaluator(model, DATA, classes=["a", "b"])) == 2
    assert evaluator.has_evaluated
    fitted.weights = EYE[::-1]
    assert right(evaluator(model, DATA, classes=["a", "b"])) == 0
    assert fitted.passes == 2


def test_a_function_with_a_fingerprint_is_remembered_by_it():
    fitted, evaluator = Fitted(), Evaluator()

    def evaluate(fingerprint, data=DATA):
        # A bound method is another object each time.
        return evaluator(fitted.predict_proba, data, classes=["a", "b"], fingerprint=fingerprint)

    first = evaluate("fit 1")
    assert evaluate("fit 1") is first
    assert fitted.passes == 1
    fitted.weights = EYE[::-1]
    assert right(evaluate("fit 2")) == 0
    assert evaluate("fit 1") is first
    assert right(evaluate("fit 1", [(EYE, np.array([1, 0]))])) == 2
    assert fitted.passes == 3
    other = evaluator(lambda batch: batch, DATA, classes=["a", "b"], fingerprint="fit 2")
    assert right(other) == 2


@pytest.mark.parametrize("fingerprint", ["", 7])
def test_a_fingerprint_is_a_text(fingerprint):
    with pytest.raises(RequestError) as caught:
        Evaluator()(lambda batch: batch, DATA, classes=["a", "b"], fingerprint=fingerprint)
    assert str(caught.value) == (f"fingerprint is a text that names the model, not {fingerprint!r}")


def test_an_error_of_a_function_is_not_remembered_either():
    fitted, evaluator = Fitted(), Evaluator()
    fitted.weights = EYE * np.nan
    with pytest.raises(DataError, match="score from the model that is NaN"):
        evaluator(fitted.predict_proba, DATA, classes=["a", "b"])
    fitted.weights = EYE
    assert right(evaluator(fitted.predict_proba, DATA, classes=["a", "b"])) == 2


def test_a_keras_model_is_remembered_until_a_variable_changes():
    keras = pytest.importorskip("keras")
    given = keras.Input(batch_shape=(2, 3, 2))
    model = keras.Model(given, keras.layers.GRU(2, stateful=True)(given))
    data = [(np.ones((2, 3, 2), np.float32), np.array([0, 1]))]
    evaluator = Evaluator()
    first = evaluator(model, data, classes=["a", "b"])
    assert evaluator(model, data, classes=["a", "b"]) is first
    assert evaluator(model, data, classes=["a", "b"], fingerprint="1") is not first
    # A state is none of what Keras calls the model's weights.
    model.predict(data[0][0], verbose=0)
    assert evaluator(model, data, classes=["a", "b"]) is not first
    model.layers[1].reset_state()
    assert evaluator(model, data, classes=["a", "b"]) is first
    model.set_weights([2 * weights for weights in model.get_weights()])
    assert evaluator(model, data, classes=["a", "b"]) is not first


CONFTEST = """
import numpy as np
import pytest

passes = []


def model(batch):
    passes.append(len(batch))
    return batch


@pytest.fixture(scope="session")
def confmat_model():
    return model


@pytest.fixture(scope="session")
def confmat_dataset():
    return [(np.eye(2, dtype=np.float32), np.array([0, 1]))]


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"passes {passes}")
"""
TESTS = """
seen = []


def test_one(confmat):
    seen.append(confmat)


def test_other(confmat):
    assert confmat is seen[0]
"""


def test_limits_and_tests_that_ask_for_confmat_share_one_pass_of_a_function(pytester):
    pytester.makeconftest(CONFTEST)
    pytester.path.joinpath("thresholds.yaml").write_text(
        "version: 1\nclasses: [cat, dog]\nthresholds: {accuracy: 0.9, recall: 0.9}\n"
    )
    pytester.makepyfile(test_mine=TESTS)
    result = pytester.runpytest_subprocess(
        "-p", "no:hypothesispytest", "--confmat-thresholds=thresholds.yaml"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["passes [[]2]"])


class Read:
    """Batches that count how often they are read."""

    def __init__(self):
        self.passes = 0

    def __iter__(self):
        self.passes += 1
        return iter(DATA)


def test_several_jobs_on_one_set_are_one_pass_and_each_equals_its_own():
    one, other, read, evaluator = Fitted(), Fitted(), Read(), Evaluator()
    other.weights = EYE[::-1]
    asked = [
        Asked(evaluator.job(each.predict_proba, read, ("a", "b"), Argmax()))
        for each in (one, other)
    ]
    evaluator.evaluate_all(asked)
    assert read.passes == 1
    together = [evaluator.recall(evaluator.key(each.job)) for each in asked]
    alone = [Evaluator().evaluate(each.job) for each in asked]
    assert [right(each) for each in together] == [2, 0]
    assert [each.parts for each in together] == [each.parts for each in alone]
    evaluator.evaluate_all(asked)
    assert read.passes == 3


def test_an_error_of_one_job_leaves_the_other_its_result():
    def broken(batch):
        raise ValueError("no")

    fitted, evaluator = Fitted(), Evaluator()
    jobs = [evaluator.job(m, DATA, ("a", "b"), Argmax()) for m in (broken, fitted.predict_proba)]
    evaluator.evaluate_all([Asked(job) for job in jobs])
    with pytest.raises(ConfmatError, match="no"):
        evaluator.recall(evaluator.key(jobs[0]))
    assert right(evaluator.recall(evaluator.key(jobs[1]))) == 2


def test_a_model_that_is_built_by_its_first_batch_is_found_again():
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2, kernel_initializer="ones")

        def call(self, inputs):
            return self.dense(inputs)

    evaluator, model = Evaluator(), Own()
    job = evaluator.job(model, DATA, ("a", "b"), Argmax())
    before = evaluator.key(job)
    assert right(evaluator.evaluate(job)) == 1
    assert evaluator.key(job) != before

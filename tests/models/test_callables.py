import subprocess
import sys
import textwrap
from fractions import Fraction

import numpy as np
import pytest

from pytest_confmat.errors import ModelError, RequestError
from pytest_confmat.models import wrap
from pytest_confmat.spec import Argmax, ModelInput, Threshold

PAIR = ("benign", "malignant")
ABC = ("a", "b", "c")
BATCH = np.random.default_rng(3).random((9, 4))
SCORES = np.random.default_rng(4).random((9, 3))
HALF = Threshold(Fraction("0.5"))


def returning(value):
    def model(batch):
        return value

    return wrap(model, ABC, Argmax())


NAME = "the project's own model (returning.<locals>.model)"


class Tensor:
    """As a torch tensor behaves: no array as long as it needs a gradient or is elsewhere."""

    def __init__(self, values, steps=("detach", "cpu")):
        self.values, self.steps = values, steps

    def detach(self):
        assert self.steps[0] == "detach"
        return Tensor(self.values, self.steps[1:])

    def cpu(self):
        assert self.steps[0] == "cpu"
        return Tensor(self.values, self.steps[1:])

    def __array__(self, dtype=None, copy=None):
        if self.steps:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize(
    "value",
    [
        SCORES,
        SCORES.astype(np.float32),
        SCORES.tolist(),
        np.asfortranarray(SCORES),
        Tensor(SCORES),
    ],
)
def test_whatever_becomes_an_array_is_taken(value):
    predictor = returning(value)
    predictor.check(BATCH)
    found = predictor.predict(BATCH, np.arange(9) % 3)
    assert found.predicted.tolist() == SCORES.argmax(1).tolist()
    assert found.score.dtype == np.float32
    assert found.score.tolist() == SCORES.max(1).astype(np.float32).tolist()
    assert predictor.notes == ()
    assert predictor.input == ModelInput()


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float16, np.longdouble])
def test_votes_and_other_numbers_are_scores_too(dtype):
    votes = np.eye(3, dtype=dtype)[np.arange(9) % 3]
    found = returning(votes).predict(BATCH, np.arange(9) % 3)
    assert found.predicted.tolist() == (np.arange(9) % 3).tolist()
    assert found.rank.tolist() == [0] * 9


def test_tensors_of_tensorflow_go_in_and_out():
    from pytest_confmat.models.runtime import import_keras

    tf, _ = import_keras()
    seen = []

    def model(batch):
        seen.append(type(batch))
        return tf.cast(tf.constant(SCORES), tf.bfloat16)

    found = wrap(model, ABC, Argmax()).predict(tf.constant(BATCH), np.arange(9) % 3)
    assert seen == [np.ndarray]
    expected = np.asarray(tf.cast(tf.constant(SCORES), tf.bfloat16)).astype(np.float32)
    assert found.predicted.tolist() == expected.argmax(1).tolist()


def test_one_unit_goes_under_a_threshold_alone():
    predictor = wrap(lambda batch: batch[:, :1], PAIR, HALF)
    predictor.check(BATCH)
    found = predictor.predict(BATCH, np.ones(9, np.int64))
    assert found.predicted.tolist() == (BATCH[:, 0] >= 0.5).astype(int).tolist()
    assert predictor.notes == (
        "the project's own model (test_one_unit_goes_under_a_threshold_alone.<locals>.<lambda>) "
        "has one output, read as the score of 'malignant'",
    )
    with pytest.raises(ModelError, match="argmax over one output is always 0"):
        wrap(lambda batch: batch[:, :1], PAIR, Argmax()).check(BATCH)


def test_every_batch_is_given_once_the_first_too():
    sizes = []

    def model(batch):
        sizes.append(len(batch))
        return SCORES[: len(batch)]

    predictor = wrap(model, ABC, Argmax())
    predictor.check(BATCH)
    first = predictor.predict(BATCH, np.zeros(9, np.int64))
    predictor.predict(BATCH[:4], np.zeros(4, np.int64))
    again = predictor.predict(BATCH, np.zeros(9, np.int64))
    assert sizes == [9, 4, 9]
    assert again.predicted.tolist() == first.predicted.tolist()


def test_scores_of_the_first_batch_are_for_that_batch_alone():
    predictor = wrap(lambda batch: batch[:, :3], ABC, Argmax())
    predictor.check(BATCH)
    other = BATCH[::-1].copy()
    found = predictor.predict(other, np.zeros(9, np.int64))
    assert found.predicted.tolist() == other[:, :3].argmax(1).tolist()


def test_a_failure_in_the_function_is_the_projects_own():
    def broken(batch):
        return batch.nope

    predictor = wrap(broken, ABC, Argmax())
    for call in (
        lambda: predictor.check(BATCH),
        lambda: predictor.predict(BATCH, np.zeros(9, np.int64)),
    ):
        with pytest.raises(ModelError) as caught:
            call()
        assert str(caught.value) == (
            "the project's own model (test_a_failure_in_the_function_is_the_projects_own.<locals>"
            ".broken) fails on a batch of shape (9, 4): AttributeError: 'numpy.ndarray' object has "
            "no attribute 'nope'"
        )
        assert isinstance(caught.value.__cause__, AttributeError)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "returned a NoneType of dtype object, and scores are numbers: return one array of "
         "shape (N, number of classes)"),
        ({"kind": SCORES, "size": SCORES[:, :1]}, "returned 2 outputs (kind (N, 3), size (N, 1)), "
         "and one output of scores is supported: return the one to judge"),
        ((SCORES, SCORES[:, :1]), "returned 2 outputs (0 (N, 3), 1 (N, 1)), and one output of "
         "scores is supported: return the one to judge"),
        ({}, "returned a dict of dtype object, and scores are numbers: return one array of shape "
         "(N, number of classes)"),
        ([], "returned scores of shape (0,) for a batch of 9: return one row an example"),
        (SCORES[np.newaxis], "returned scores of shape (1, 9, 3) for a batch of 9: return one row "
         "an example"),
        (["cat"] * 9, "returned a list of dtype <U3, and scores are numbers: return one array of "
         "shape (N, number of classes)"),
        ([[1.0], [1.0, 2.0]], "returned a list, which is no array: setting an array element with "
         "a sequence. The requested array has an inhomogeneous shape after 1 dimensions. The "
         "detected shape was (2,) + inhomogeneous part."),
        (SCORES[:8], "returned scores of shape (8, 3) for a batch of 9: return one row an example"),
        (SCORES[0], "returned scores of shape (3,) for a batch of 9: return one row an example"),
        (SCORES[:, 0], "gives an output of shape (N,): supported is one row of scores an example, "
         "(N, 3)"),
        (0.5, "gives an output of shape (): supported is one row of scores an example, (N, 3)"),
        (SCORES[:, :2], "has 2 outputs, and there are 3 classes: 'a', 'b', 'c'; `classes` must "
         "name every output, in the model's order"),
        (np.zeros((9, 2, 2, 3)), "gives an output of shape (N, 2, 2, 3): supported is one row of "
         "scores an example, (N, 3)"),
    ],
)  # fmt: skip
def test_what_are_no_scores_is_refused(value, message):
    with pytest.raises(ModelError) as caught:
        returning(value).check(BATCH)
    assert str(caught.value) == f"{NAME} {message}"


CONTAINERS = {
    "dict of one": {"class": SCORES},
    "list of one": [SCORES],
    "tuple of one": (SCORES,),
    "dict of a list of one": {"class": [SCORES]},
    "(N, K, 1)": SCORES[:, :, np.newaxis],
    "(N, 1, K)": SCORES[:, np.newaxis],
    "(N, 1, 1, K)": SCORES[:, np.newaxis, np.newaxis],
    "rows of (1, K)": list(SCORES[:, np.newaxis]),
    "dict of (N, 1, 1, K)": {"class": SCORES[:, np.newaxis, np.newaxis]},
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_of_one_are_unwrapped(name):
    predictor = returning(CONTAINERS[name])
    predictor.check(BATCH)
    found = predictor.predict(BATCH, np.arange(9) % 3)
    assert found.predicted.tolist() == SCORES.argmax(1).tolist()
    assert found.score.tolist() == SCORES.max(1).astype(np.float32).tolist()


def test_a_batch_of_one_example_in_a_container_of_one():
    for value in ([SCORES[:1]], SCORES[:1, np.newaxis], [SCORES[0]], [SCORES[0].tolist()]):
        found = returning(value).predict(BATCH[:1], np.zeros(1, np.int64))
        assert found.predicted.tolist() == [SCORES[0].argmax()]


def test_one_unit_among_axes_of_length_one_is_one_unit():
    unit = SCORES[:, :1]
    for value in (unit[:, :, np.newaxis], unit[:, np.newaxis, np.newaxis], [unit], {"a": unit}):
        predictor = wrap(lambda _, value=value: value, PAIR, HALF)
        predictor.check(BATCH)
        found = predictor.predict(BATCH, np.zeros(9, np.int64))
        assert found.predicted.tolist() == (unit[:, 0] >= 0.5).astype(int).tolist()
        with pytest.raises(ModelError, match="argmax over one output is always 0"):
            wrap(lambda _, value=value: value, PAIR, Argmax()).check(BATCH)


def test_two_outputs_are_not_taken_for_the_scores_of_two_examples():
    one, other = np.array([[0.1], [0.9]]), np.array([[0.8], [0.2]])
    with pytest.raises(ModelError) as caught:
        wrap(lambda _: [one, other], PAIR, Argmax()).check(BATCH[:2])
    assert "returned 2 outputs (0 (N, 1), 1 (N, 1)), and one output" in str(caught.value)


def test_logits_under_a_threshold_are_refused():
    predictor = wrap(lambda batch: 8 * batch[:, :1], PAIR, HALF)
    with pytest.raises(ModelError, match="these look like logits"):
        predictor.check(BATCH)


def test_scores_that_are_not_finite_are_marked():
    scores = SCORES.copy()
    scores[2, 1] = np.nan
    assert np.flatnonzero(~returning(scores).predict(BATCH, np.zeros(9, int)).valid).tolist() == [2]


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (None, "nothing"),
        ("m.keras", "an object of type str"),
        (dict, "the class dict"),
    ],
)
def test_what_is_no_model_is_refused(model, shown):
    with pytest.raises(ModelError) as caught:
        wrap(model, ABC, Argmax())
    assert str(caught.value) == (
        f"confmat_model gave {shown}: give a keras.Model, or a function that takes a NumPy batch "
        "and returns one row of scores an example"
    )


def test_a_decision_that_does_not_go_with_the_classes_is_refused():
    with pytest.raises(RequestError):
        wrap(lambda batch: batch, ABC, HALF)


def test_an_object_with_a_call_method_is_a_model():
    class Model:
        def __call__(self, _):
            raise ValueError("first line\nsecond line")

    with pytest.raises(ModelError) as caught:
        wrap(Model(), ABC, Argmax()).check(BATCH)
    assert "<locals>.Model) fails on a batch of shape (9, 4): ValueError: first line" in str(
        caught.value
    )
    assert "second" not in str(caught.value)


def test_a_function_over_arrays_is_evaluated_without_tensorflow():
    code = """
        import sys
        import numpy as np
        from pytest_confmat.data.source import Batch
        from pytest_confmat.models import wrap
        from pytest_confmat.spec import Argmax
        from pytest_confmat.streaming import evaluate

        class Numbers:
            parts, shape, notes, description = None, (2,), (), "numbers"
            def batches(self, size, spans=None):
                inputs = np.eye(2)[[0, 1, 1]]
                yield Batch(inputs, np.array([0, 1, 0]), np.arange(3), np.zeros(3, np.uint64))

        predictor = wrap(lambda batch: batch, ("a", "b"), Argmax())
        print(evaluate(Numbers(), predictor, ("a", "b")).matrix.counts.tolist())
        print(sorted(
            {"tensorflow", "keras", "torch", "scipy", "sklearn", "pytest"} & set(sys.modules)
        ))
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["[[1, 1], [0, 1]]", "[]"]

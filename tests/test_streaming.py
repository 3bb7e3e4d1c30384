import pickle
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, top_k_accuracy_score

from pytest_confmat.data.headers import ImageTrait
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.source import Batch, ExampleFault
from pytest_confmat.errors import DataError, ExamplesError, ModelError, RequestError
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.models import wrap
from pytest_confmat.spec import Argmax, ModelInput, Threshold
from pytest_confmat.streaming import batch_size_for, evaluate
from tests.support.closeness import assert_alike
from tests.support.refusals import refusal

ABC = ("a", "b", "c")


class Memory:
    """Examples in memory, given in any order, any batches, and with any of them left out."""

    description = "memory"

    def __init__(
        self,
        inputs,
        labels,
        *,
        parts=None,
        weights=None,
        order=None,
        left_out=(),
        lost=None,
        known=True,
        notes=(),
        traits=None,
    ):
        self.inputs, self.labels = np.asarray(inputs), np.asarray(labels, np.int64)
        self.weights = None if weights is None else np.asarray(weights, np.float64)
        n = len(self.labels)
        if known:
            self.parts = parts or (PlannedPart("p", NumberedIds("p", n)),)
        else:
            self.parts = None
        self.shape = self.inputs.shape[1:] if known else None
        self.offset = 0
        self.order = np.arange(n) if order is None else np.asarray(order, np.int64)
        self.left_out, self.lost, self.notes = set(left_out), lost or {}, notes
        self.traits = None if traits is None else np.asarray(traits, np.uint8)
        self.sizes, self.asked = [], []

    def at(self, index):
        index = np.asarray(index, np.int64)
        return Batch(
            self.inputs[index],
            self.labels[index],
            index,
            index.astype(np.uint64) * 7,
            None if self.weights is None else self.weights[index],
            None if self.traits is None else self.traits[index],
        )

    def batches(self, batch_size, spans=None):
        self.sizes.append(batch_size)
        places = self.order
        if spans is not None:
            places = [place for span in spans for place in self.order if place in span]
        for start in range(0, len(places), batch_size):
            index = np.asarray(places[start : start + batch_size], np.int64)
            # As the contract says: one at fault takes its whole batch along.
            if not self.left_out & set(index.tolist()):
                yield self.at(index)

    def example(self, index):
        self.asked.append(index)
        if index in self.lost:
            raise DataError(self.lost[index])
        return self.at([index])


def scored(classes=ABC, decision=None):
    """Return a predictor whose inputs are the scores."""
    return wrap(lambda batch: batch, classes, decision or Argmax())


def scores_of(n, k=3, seed=0):
    return np.random.default_rng(seed).random((n, k), dtype=np.float32)


def labels_of(n, k=3, seed=1):
    return np.random.default_rng(seed).integers(0, k, n)


def message_of(source, **options):
    return refusal(DataError, evaluate, source, scored(), ABC, **options)


def test_the_matrix_is_scikit_learns_and_every_example_has_its_outcome():
    scores, labels = scores_of(1000), labels_of(1000)
    source = Memory(scores, labels, notes=("a note",))
    found = evaluate(source, scored(), ABC, batch_size=64, provenance={"model": "m"})
    assert np.array_equal(found.matrix.counts, confusion_matrix(labels, scores.argmax(1)))
    part = found.parts[0]
    assert part.true.tolist() == labels.tolist()
    assert part.predicted.tolist() == scores.argmax(1).tolist()
    assert part.score.tolist() == scores.max(1).tolist()
    assert part.check.tolist() == [7 * i for i in range(1000)]
    assert part.weight is None
    for k in (1, 2):
        share = found.rank_counts[:k].sum() / 1000
        assert share == pytest.approx(top_k_accuracy_score(labels, scores, k=k))
    assert found.classes == ABC
    assert found.notes == ("a note",)
    assert found.provenance == {"model": "m", "batch_size": 64}
    assert source.asked == []


def test_outcomes_take_some_fifteen_bytes_an_example():
    part = evaluate(Memory(scores_of(10), labels_of(10)), scored(), ABC).parts[0]
    dtypes = {name: getattr(part, name).dtype for name in ("true", "predicted", "rank", "score")}
    assert dtypes == {
        "true": np.uint8,
        "predicted": np.uint8,
        "rank": np.uint8,
        "score": np.float32,
    }
    assert part.check.dtype == np.uint64


@pytest.mark.parametrize(("k", "dtype"), [(256, np.uint8), (257, np.uint16)])
def test_classes_are_kept_in_the_smallest_dtype_that_holds_them(k, dtype):
    scores, labels = np.eye(k, dtype=np.float32)[[k - 1, 0]], [k - 1, k - 1]
    classes = tuple(f"c{i}" for i in range(k))
    part = evaluate(Memory(scores, labels), scored(classes), classes).parts[0]
    assert part.true.dtype == part.predicted.dtype == part.rank.dtype == dtype
    assert part.true.tolist() == [k - 1, k - 1]
    assert part.predicted.tolist() == [k - 1, 0]
    assert part.rank.tolist() == [0, k - 1]


def test_parts_become_parts_with_their_own_ids():
    scores, labels = scores_of(9), labels_of(9)
    parts = (
        PlannedPart("one", NumberedIds("one.tfrecord", 4)),
        PlannedPart("none", ()),
        PlannedPart("two", tuple("vwxyz")),
    )
    found = evaluate(Memory(scores, labels, parts=parts), scored(), ABC, batch_size=3)
    assert [(part.id, part.position, len(part)) for part in found.parts] == [
        ("one", 0, 4),
        ("none", 1, 0),
        ("two", 2, 5),
    ]
    assert found.parts[0].ids[3] == "one.tfrecord#3"
    assert list(found.parts[2].ids) == list("vwxyz")
    assert found.parts[2].predicted.tolist() == scores[4:].argmax(1).tolist()


def test_a_set_of_unknown_size_becomes_one_part_of_numbered_ids():
    scores, labels = scores_of(5000), labels_of(5000)
    found = evaluate(Memory(scores, labels, known=False), scored(), ABC)
    assert [(part.id, part.position, len(part)) for part in found.parts] == [("", 0, 5000)]
    assert found.parts[0].ids[4999] == "#4999"
    assert np.array_equal(found.matrix.counts, confusion_matrix(labels, scores.argmax(1)))
    assert found.provenance == {"batch_size": 48}


@given(st.integers(1, 30).flatmap(lambda n: st.permutations(range(n))), st.integers(1, 12))
@settings(deadline=None)
def test_a_set_of_unknown_size_may_come_in_any_order(order, batch_size):
    n = len(order)
    scores, labels = scores_of(n), labels_of(n)
    source = Memory(scores, labels, known=False, order=order)
    part = evaluate(source, scored(), ABC, batch_size=batch_size).parts[0]
    assert part.true.tolist() == labels.tolist()
    assert part.predicted.tolist() == scores.argmax(1).tolist()


def test_weights_of_the_source_are_kept_as_they_are():
    weights = np.random.default_rng(3).random(50)
    source = Memory(scores_of(50), labels_of(50), weights=weights, left_out={20})
    found = evaluate(source, scored(), ABC, batch_size=8)
    assert found.parts[0].weight.dtype == np.float64
    assert found.parts[0].weight.tolist() == weights.tolist()
    assert found.sample_weighted.dense().tolist() == pytest.approx(
        confusion_matrix(labels_of(50), scores_of(50).argmax(1), sample_weight=weights)
    )


class TestBatchSize:
    @pytest.mark.parametrize(
        ("shape", "dtype", "expected"),
        [
            ((28, 28, 1), "float32", 384),
            ((224, 224, 3), "float32", 24),
            ((224, 224, 3), "uint8", 96),
            ((128, 64, 1), "float32", 384),
            ((128, 86, 1), "float32", 192),
            ((128, 128, 3), "bfloat16", 96),
            ((1024, 1024, 3), "float32", 8),
            ((100_000, 100_000, 100_000), "float64", 8),
            ((), "int64", 384),
            ((0, 5), "float32", 384),
            (None, "float32", 48),
            ((3,), "string", 48),
        ],
    )
    def test_it_follows_from_the_inputs_size_alone(self, shape, dtype, expected):
        assert batch_size_for(shape, dtype) == expected

    @given(st.lists(st.integers(1, 4000), max_size=4), st.sampled_from(["uint8", "float32"]))
    def test_a_batch_of_it_is_the_largest_within_16_mib(self, shape, dtype):
        size = batch_size_for(shape, dtype)
        one = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        sizes = (8, 16, 24, 48, 96, 192, 384)
        assert size in sizes
        assert size == 8 or size * one <= 2**24
        assert all(larger * one > 2**24 for larger in sizes if larger > size)

    @pytest.mark.parametrize(
        ("fixed", "asked", "expected"), [(None, None, 384), (None, 7, 7), (5, None, 5), (5, 7, 5)]
    )
    def test_the_models_own_goes_first_and_what_was_used_is_recorded(self, fixed, asked, expected):
        source, predictor = Memory(scores_of(20), labels_of(20)), scored()
        predictor = Fixed(predictor, fixed) if fixed else predictor
        found = evaluate(source, predictor, ABC, batch_size=asked)
        assert source.sizes == [expected]
        assert found.provenance == {"batch_size": expected}

    @pytest.mark.parametrize(
        ("option", "name"), [("batch_size", "batch size"), ("max_faults",) * 2]
    )
    def test_less_than_one_is_refused(self, option, name):
        with pytest.raises(RequestError) as caught:
            evaluate(Memory(scores_of(2), labels_of(2)), scored(), ABC, **{option: 0})
        assert str(caught.value) == f"{name} must be at least 1, and is 0"


class Fixed:
    notes = ()
    is_pure = False
    is_stateful = False

    def __init__(self, inner, batch):
        self.check, self.predict = inner.check, inner.predict
        self.input = ModelInput(batch=batch)


class TestFaults:
    def test_a_bad_neighbor_costs_no_example(self):
        scores, labels = scores_of(100), labels_of(100)
        whole = evaluate(Memory(scores, labels), scored(), ABC, batch_size=10)
        source = Memory(scores, labels, left_out={3, 55, 99})
        assert evaluate(source, scored(), ABC, batch_size=10) == whole
        assert source.asked == [*range(10), *range(50, 60), *range(90, 100)]

    def test_examples_asked_for_one_by_one_are_predicted_as_many(self):
        sizes = []

        def model(batch):
            sizes.append(len(batch))
            return batch

        source = Memory(scores_of(30), labels_of(30), left_out={0, 10, 20})
        evaluate(source, wrap(model, ABC, Argmax()), ABC, batch_size=10)
        assert sizes == [10, 10, 10]

    def test_examples_of_different_shape_are_asked_for_and_predicted_apart(self):
        class Mixed(Memory):
            def example(self, index):
                batch = super().example(index)
                wide = np.concatenate([batch.inputs] * (1 + index % 2), axis=1)
                return replace(batch, inputs=wide)

        predictor = wrap(lambda batch: batch[:, :3], ABC, Argmax())
        scores, labels = scores_of(6), labels_of(6)
        source = Mixed(scores, labels, left_out=range(6))
        found = evaluate(source, predictor, ABC, batch_size=6)
        assert np.array_equal(
            found.matrix.counts, confusion_matrix(labels, scores.argmax(1), labels=range(3))
        )

    def test_every_fault_is_collected_with_its_id_and_reason(self):
        scores, labels = scores_of(40), labels_of(40)
        labels[[2, 19, 20, 30]] = 7, 3, 3, -3
        scores[5, 1] = np.nan
        source = Memory(
            scores,
            labels,
            parts=(PlannedPart("x", [f"cat/{i:02}.jpg" for i in range(20)]), numbered("t", 20)),
            left_out={8, 33},
            lost={8: "is no image:\n  it begins with 'hello'", 33: "its label is missing"},
        )
        assert message_of(source, batch_size=4) == (
            "7 of 40 examples cannot be used: fix them, or take them out of the set (memory)\n"
            "  cat/02.jpg   label 7 is none of the 3 classes (0 to 2)\n"
            "  cat/05.jpg   has a score from the model that is NaN or infinite\n"
            "  cat/08.jpg   is no image: it begins with 'hello'\n"
            "  cat/19.jpg   label 3 is none of the 3 classes (0 to 2)\n"
            "  t#0          label 3 is none of the 3 classes (0 to 2)\n"
            "  t#10         label -3 is none of the 3 classes (0 to 2)\n"
            "  t#13         its label is missing"
        )

    def test_the_first_twenty_are_shown_and_the_others_counted(self):
        labels = labels_of(200)
        labels[50:75] = 3
        lines = message_of(Memory(scores_of(200), labels), batch_size=30).splitlines()
        assert lines[0] == (
            "25 of 200 examples cannot be used: fix them, or take them out of the set (memory)"
        )
        assert lines[1:21] == [
            f"  p#{i}   label 3 is none of the 3 classes (0 to 2)" for i in range(50, 70)
        ]
        assert lines[21:] == [
            "  and 5 more",
            "  confmat.json lists all 25 of them: --confmat-report DIR",
        ]

    def test_the_error_carries_them_all_with_their_classes(self):
        labels = labels_of(200)
        labels[50:75] = 3
        scores = scores_of(200)
        scores[[7, 90]] = np.nan
        source = Memory(scores, labels, left_out={5}, lost={5: "is\n  gone"})
        with pytest.raises(ExamplesError) as caught:
            evaluate(source, scored(), ABC)
        error = caught.value
        unfit = "has a score from the model that is NaN or infinite"
        assert error.faults == (
            ("p#5", "is gone", None),
            ("p#7", unfit, ABC[labels[7]]),
            *((f"p#{i}", "label 3 is none of the 3 classes (0 to 2)", None) for i in range(50, 75)),
            ("p#90", unfit, ABC[labels[90]]),
        )
        # As they are raised again from memory, and as they cross processes.
        for again in (type(error)(*error.args), pickle.loads(pickle.dumps(error))):
            assert (str(again), again.faults) == (str(error), error.faults)

    def test_too_many_end_the_pass_early(self):
        source = Memory(scores_of(500), np.full(500, 9))
        lines = message_of(source, batch_size=32).splitlines()
        assert lines[0] == (
            "more than 100 of 500 examples cannot be used: fix them, or take them out of the set "
            "(memory)"
        )
        assert len(lines) == 23
        assert lines[-2:] == [
            "  and more: stopped after 100 faults",
            "  confmat.json lists all 100 of them: --confmat-report DIR",
        ]

    def test_too_many_that_cannot_be_read_end_the_asking_early(self):
        source = Memory(
            scores_of(50), labels_of(50), left_out=range(50), lost=dict.fromkeys(range(50), "gone")
        )
        assert message_of(source, max_faults=3).splitlines() == [
            "more than 3 of 50 examples cannot be used: fix them, or take them out of the set "
            "(memory)",
            "  p#0   gone",
            "  p#1   gone",
            "  p#2   gone",
            "  and more: stopped after 3 faults",
        ]
        assert source.asked == [0, 1, 2, 3]

    def test_as_many_as_allowed_are_all_there_are(self):
        labels = labels_of(50)
        labels[:3] = 5
        lines = message_of(Memory(scores_of(50), labels), max_faults=3).splitlines()
        assert lines[0].startswith("3 of 50 examples cannot be used")
        assert len(lines) == 4

    def test_a_set_of_unknown_size_names_its_faults_by_number(self):
        labels = labels_of(300)
        labels[[4, 299]] = 3, -1
        assert message_of(Memory(scores_of(300), labels, known=False)) == (
            "2 of 300 examples cannot be used: fix them, or take them out of the set (memory)\n"
            "  #4     label 3 is none of the 3 classes (0 to 2)\n"
            "  #299   label -1 is none of the 3 classes (0 to 2)"
        )
        lines = message_of(Memory(scores_of(99), np.full(99, 3), known=False), max_faults=1)
        assert lines.startswith("more than 1 examples cannot be used")

    def test_a_label_that_names_no_class_is_explained_by_its_source(self):
        labels = labels_of(9)
        labels[[4, 6]] = -1
        source = Memory(scores_of(9), labels, lost={4: "label 'unicorn' is none of the 3 classes"})
        assert message_of(source).splitlines()[1:] == [
            "  p#4   label 'unicorn' is none of the 3 classes",
            "  p#6   label -1 is none of the 3 classes (0 to 2)",
        ]

    @pytest.mark.parametrize("weight", [np.nan, np.inf, -0.5])
    def test_a_weight_that_weighs_nothing_sensible_is_a_fault(self, weight):
        weights = np.ones(9)
        weights[4] = weight
        assert message_of(Memory(scores_of(9), labels_of(9), weights=weights)) == (
            "1 of 9 examples cannot be used: fix them, or take them out of the set (memory)\n"
            f"  p#4   weight {weight} is not a finite number of at least 0"
        )

    def test_hostile_ids_stay_on_their_line(self):
        labels = labels_of(2)
        labels[1] = 9
        source = Memory(
            scores_of(2),
            labels,
            parts=(PlannedPart("p", ("a", "x\n::error::\x1b[31m" + "y" * 99)),),
        )
        lines = message_of(source).splitlines()
        assert len(lines) == 2
        assert lines[1].startswith("  x\\n::error::\\x1b[31myyy")

    @pytest.mark.parametrize("known", [True, False])
    def test_no_examples_are_no_evaluation(self, known):
        source = Memory(np.zeros((0, 3)), [], known=known)
        assert message_of(source) == "memory holds no examples to judge a model by"


def numbered(name, n):
    return PlannedPart(name, NumberedIds(name, n))


class TestSourcesThatBreakTheContract:
    @pytest.mark.parametrize("known", [True, False])
    @pytest.mark.parametrize("order", [[0, 1, 2, 3, 1], [0, 1, 1, 2, 3], [3, 0, 0, 1, 2]])
    @pytest.mark.parametrize("batch_size", [1, 2, 5])
    def test_an_example_that_comes_twice(self, known, order, batch_size):
        source = Memory(scores_of(4), labels_of(4), order=order, known=known)
        twice = next(i for i in order if order.count(i) == 2)
        assert message_of(source, batch_size=batch_size) == (
            f"the example {'p' if known else ''}#{twice} arrived twice: each must come once, or it "
            "would count double"
        )

    @pytest.mark.parametrize(
        ("index", "shown"), [([-1], -1), ([9], 9), ([1, 9, 0], 9), ([1, -3, 0], -3), ([8, 9], 9)]
    )
    def test_an_example_from_outside_the_set(self, index, shown):
        class Outside(Memory):
            def batches(self, *_):
                yield replace(self.at(range(len(index))), index=np.array(index))

        source = Outside(scores_of(9), labels_of(9))
        assert message_of(source) == f"an example came at place {shown} of a set of 9"

    def test_another_example_than_was_asked_for(self):
        class Other(Memory):
            def example(self, index):
                return self.at([index + 1])

        source = Other(scores_of(9), labels_of(9), left_out={4})
        assert message_of(source, batch_size=3) == (
            "memory was asked for p#3 and gave the examples at [4]: the source must give that one "
            "alone"
        )

    def test_columns_of_different_length(self):
        class Short(Memory):
            def batches(self, *_):
                yield replace(self.at([0, 1, 2]), labels=np.array([0, 1]))

        assert message_of(Short(scores_of(9), labels_of(9))) == (
            "a batch of memory does not fit itself: 3 inputs, 2 labels, 3 index, 3 check"
        )

    @pytest.mark.parametrize("first", [True, False])
    def test_weights_with_some_batches_alone(self, first):
        class Some(Memory):
            def batches(self, *_):
                batches = [self.at([0, 1]), replace(self.at([2, 3]), weights=None)]
                yield from batches if first else reversed(batches)

        source = Some(scores_of(4), labels_of(4), weights=np.ones(4))
        assert message_of(source) == "some batches of the set have weights and others have none"

    def test_empty_batches_are_nothing(self):
        class Gaps(Memory):
            def batches(self, *asked):
                yield self.at([])
                yield from super().batches(*asked)
                yield self.at([])

        found = evaluate(Gaps(scores_of(4), labels_of(4)), scored(), ABC)
        assert len(found) == 4


def test_what_the_source_raises_about_the_set_comes_through():
    class Broken(Memory):
        def batches(self, *_):
            yield self.at([0])
            raise DataError("shard 3 is cut off")

    assert message_of(Broken(scores_of(4), labels_of(4))) == "shard 3 is cut off"


def test_the_model_is_held_against_the_first_batch_before_anything_else():
    with pytest.raises(ModelError, match="has 3 outputs, and there are 2 classes: 'a', 'b'"):
        evaluate(Memory(scores_of(4), labels_of(4)), scored(ABC[:2]), ABC[:2])


def test_a_failure_in_the_projects_own_function_names_it():
    def model(batch):
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ModelError) as caught:
        evaluate(Memory(scores_of(4), labels_of(4)), wrap(model, ABC, Argmax()), ABC)
    assert str(caught.value).startswith("the project's own model (")
    assert str(caught.value).endswith(
        "model) fails on a batch of shape (4, 3): ZeroDivisionError: division by zero"
    )


def test_notes_of_the_predictor_are_complete():
    decision = Threshold(Fraction("0.5"))
    source = Memory(scores_of(9, 1), labels_of(9, 2), notes=("of the source",))
    found = evaluate(source, scored(ABC[:2], decision), ABC[:2])
    assert found.notes[0] == "of the source"
    assert found.notes[1].endswith("has one output, read as the score of 'b'")
    assert len(found.notes) == 2


@pytest.mark.parametrize(("known", "total"), [(True, 10), (False, None)])
def test_progress_is_told_after_each_batch(known, total):
    told = []
    source = Memory(scores_of(10), labels_of(10), known=known, left_out={5})
    evaluate(source, scored(), ABC, batch_size=4, progress=lambda done, of: told.append((done, of)))
    assert told == [(4, total), (6, total), (10, total)]


@st.composite
def passes(draw):
    n = draw(st.integers(1, 40))
    order = draw(st.permutations(range(n)))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    edges = [0, *cuts, n]
    parts = tuple(numbered(f"s{i}", edges[i + 1] - edges[i]) for i in range(len(edges) - 1))
    return {
        "n": n,
        "order": order,
        "parts": parts,
        "left_out": draw(st.sets(st.integers(0, n - 1), max_size=3)),
        "batch_size": draw(st.integers(1, 50)),
        "seed": draw(st.integers(0, 5)),
        # Few values, so that scores are equal now and then.
        "levels": draw(st.sampled_from([2, 4, 1000])),
    }


@given(passes())
@settings(deadline=None)
def test_batch_size_order_and_sharding_change_nothing(case):
    n, seed, levels = case["n"], case["seed"], case["levels"]
    scores = np.random.default_rng(seed).integers(0, levels, (n, 3)).astype(np.float32)
    labels = labels_of(n, seed=seed)
    plain = evaluate(Memory(scores, labels), scored(), ABC)
    source = Memory(
        scores,
        labels,
        order=case["order"],
        parts=case["parts"],
        left_out=case["left_out"],
    )
    found = evaluate(source, scored(), ABC, batch_size=case["batch_size"])
    assert found.matrix == plain.matrix
    assert np.array_equal(
        found.matrix.counts, confusion_matrix(labels, scores.argmax(1), labels=range(3))
    )
    for name in ("true", "predicted", "score", "rank", "check"):
        joined = np.concatenate([getattr(part, name) for part in found.parts])
        assert joined.tolist() == getattr(plain.parts[0], name).tolist()
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.nonzero(order == labels[:, np.newaxis])[1]
    assert plain.parts[0].rank.tolist() == ranks.tolist()


@given(st.integers(1, 60), st.data())
@settings(deadline=None)
def test_every_example_is_an_outcome_or_a_fault(n, data):
    faulty = data.draw(st.sets(st.integers(0, n - 1)))
    lost = data.draw(st.sets(st.integers(0, n - 1)))
    labels, scores = labels_of(n), scores_of(n)
    labels[sorted(faulty)] = 9
    source = Memory(scores, labels, left_out=lost, lost=dict.fromkeys(lost, "gone"))
    size = data.draw(st.integers(1, 70))
    if not faulty | lost:
        assert len(evaluate(source, scored(), ABC, batch_size=size)) == n
        return
    first, *lines = message_of(source, batch_size=size).splitlines()
    assert first.startswith(f"{len(faulty | lost)} of {n} example")
    shown = [
        int(line.split()[0][2:])
        for line in lines
        if not line.startswith(("  and ", "  confmat.json"))
    ]
    assert shown == sorted(faulty | lost)[:20]


class TestKeras:
    """The same with a network, whose scores may depend on the batch."""

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls):
        from sklearn.datasets import load_digits

        from pytest_confmat.models.runtime import import_keras

        _, keras = import_keras()
        keras.utils.set_random_seed(1)
        pixels, labels = load_digits(return_X_y=True)
        images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Conv2D(8, 3, activation="relu"),
                layers.Flatten(),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, labels, epochs=2, batch_size=64, verbose=0)
        return model, images, labels.astype(np.int64), model.predict(images, verbose=0)

    classes = tuple("0123456789")

    @pytest.mark.parametrize("suffix", [".keras", ".h5"])
    def test_a_saved_model_gives_scikit_learns_matrix(self, trained, tmp_path, suffix):
        from pytest_confmat.models import load
        from pytest_confmat.spec import ModelSpec

        model, images, labels, scores = trained
        model.save(tmp_path / f"m{suffix}")
        predictor = load(ModelSpec(tmp_path / f"m{suffix}"), self.classes, Argmax())
        found = evaluate(Memory(images, labels), predictor, self.classes)
        expected = confusion_matrix(labels, scores.argmax(1))
        assert np.array_equal(found.matrix.counts, expected)
        assert 0.5 < np.trace(expected) / expected.sum() < 1
        share = top_k_accuracy_score(labels, scores, k=3)
        assert found.rank_counts[:3].sum() / len(labels) == pytest.approx(share)
        assert found.provenance == {"batch_size": 384}

    def test_batch_size_order_and_bad_neighbors_change_no_decision(self, trained):
        model, images, labels, scores = trained
        images, labels, scores = images[:300], labels[:300], scores[:300]
        predictor = wrap(model, self.classes, Argmax())
        plain = evaluate(Memory(images, labels), predictor, self.classes)
        order = np.random.default_rng(0).permutation(300)
        source = Memory(images, labels, order=order, left_out={7, 200, 299})
        for size in (32, 50, 512):
            predictor = wrap(model, self.classes, Argmax())
            found = evaluate(source, predictor, self.classes, batch_size=size)
            assert found.parts[0].true.tolist() == labels.tolist()
            assert found.parts[0].check.tolist() == plain.parts[0].check.tolist()
            assert_alike(found.parts[0], plain.parts[0], scores, labels)

    def test_a_fixed_batch_counts_no_filling(self, trained):
        model, images, labels, scores = trained
        from pytest_confmat.models.runtime import import_keras

        _, keras = import_keras()
        given = keras.Input(batch_shape=(50, 8, 8, 1))
        fixed = keras.Model(given, model(given))
        source = Memory(images[:123], labels[:123])
        found = evaluate(source, wrap(fixed, self.classes, Argmax()), self.classes, batch_size=9)
        assert found.provenance == {"batch_size": 50}
        assert np.array_equal(
            found.matrix.counts,
            confusion_matrix(labels[:123], scores[:123].argmax(1), labels=range(10)),
        )

    def test_a_pixel_that_is_nan_is_a_fault_of_its_example(self, trained):
        from pytest_confmat.models.runtime import import_keras

        _, keras = import_keras()
        _, images, labels, _ = trained
        images = images[:100].copy()
        images[42, 3, 3] = np.nan
        # Without a relu, which makes 0 of a NaN.
        layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
        model = keras.Sequential(layers)
        with pytest.raises(DataError) as caught:
            evaluate(
                Memory(images, labels[:100]), wrap(model, self.classes, Argmax()), self.classes
            )
        assert str(caught.value).splitlines()[1:] == [
            "  p#42   has a score from the model that is NaN or infinite"
        ]


class Decoded(Memory):
    """Examples of which some decode oddly, and one cannot be used."""

    def example(self, index):
        if index in self.lost:
            raise ExampleFault(self.lost[index], int(self.labels[index]))
        return super().example(index)


@pytest.mark.parametrize("size", [1, 4, 6])
def test_a_fault_takes_no_remark_on_its_neighbors_along(size):
    set_of = partial(
        Decoded,
        scores_of(6),
        [0, 1, 2] * 2,
        traits=[ImageTrait.ALPHA, 0, ImageTrait.ALPHA, ImageTrait.ALPHA, 0, 0],
    )
    whole = evaluate(set_of(), scored(), ABC, batch_size=size)
    assert whole.notes[0].startswith("3 records have transparency, which is dropped: ")
    source = set_of(left_out=[1], lost={1: "is cut off"})
    found = evaluate(source, scored(), ABC, batch_size=size, on_fault="misclassified")
    assert whole.notes[0] in found.notes

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_confmat.errors import ModelError, RequestError
from pytest_confmat.models import decision
from pytest_confmat.models.decision import Rule, one_row
from pytest_confmat.spec import Argmax, Threshold

ABC = ("a", "b", "c")
TWO = ("benign", "malignant")


def decide(rule, scores, labels=None):
    scores = np.asarray(scores)
    labels = np.zeros(len(scores), np.int64) if labels is None else np.asarray(labels)
    return rule.decide(scores, labels, "the model")


def test_argmax_takes_the_first_of_equals_and_ranks_by_index():
    scores = np.float32([[0.2, 0.4, 0.4], [0.3, 0.3, 0.3], [0.5, 0.1, 0.4]])
    found = decide(Rule.of(Argmax(), ABC), np.repeat(scores, 3, axis=0), [0, 1, 2] * 3)
    assert found.predicted.tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert found.rank.tolist() == [2, 0, 1, 0, 1, 2, 0, 2, 1]
    assert found.score.tolist() == np.repeat(np.float32([0.4, 0.3, 0.5]), 3).tolist()
    assert [each.dtype for each in (found.predicted, found.score, found.rank)] == [
        np.int64,
        np.float32,
        np.int64,
    ]


def test_float64_scores_are_compared_as_they_are_under_argmax():
    # As float32 both are 0.1, and the first would win.
    found = decide(Rule.of(Argmax(), TWO), np.array([[0.1, np.nextafter(0.1, 1)]]))
    assert found.predicted.tolist() == [1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rule", [Rule.of(Argmax(), TWO), Rule.of(Threshold(Fraction("0.5")), TWO)])
def test_rows_with_a_score_that_is_not_finite_are_marked(rule, bad):
    found = decide(rule, np.float32([[0.1, 0.9], [0.1, bad], [bad, 0.2]]))
    assert found.valid.tolist() == [True, False, False]


def test_a_threshold_is_reached_at_the_value_as_float32_rounds_it():
    rule = Rule.of(Threshold(Fraction("0.3")), TWO)
    just = np.float32(0.3)
    below = np.nextafter(just, np.float32(0))
    assert float(just) > 0.3  # float32 cannot hold 0.3, and what was meant counts
    found = decide(rule, np.array([[just], [below]]), [1, 1])
    assert found.predicted.tolist() == [1, 0]
    assert found.rank.tolist() == [0, 1]
    assert found.score.tolist() == [just, 1 - below]


def test_one_unit_is_the_score_of_the_positive_class_wherever_it_stands():
    scores = np.float32([[0.75], [0.25]])
    second = decide(Rule.of(Threshold(Fraction("0.5")), TWO), scores, [1, 1])
    first = decide(Rule.of(Threshold(Fraction("0.5"), "benign"), TWO), scores, [1, 1])
    assert second.predicted.tolist() == [1, 0]
    assert first.predicted.tolist() == [0, 1]
    assert second.score.tolist() == first.score.tolist() == [0.75, 0.75]
    assert second.rank.tolist() == [0, 1]
    assert first.rank.tolist() == [1, 0]


def test_of_two_units_the_threshold_cuts_the_positive_ones_score():
    scores = np.float32([[0.6, 0.4], [0.8, 0.2]])
    found = decide(Rule.of(Threshold(Fraction("0.3")), TWO), scores, [1, 1])
    assert found.predicted.tolist() == [1, 0]
    assert found.score.tolist() == [np.float32(0.4), np.float32(0.8)]
    found = decide(Rule.of(Threshold(Fraction("0.7"), "benign"), TWO), scores, [1, 1])
    assert found.predicted.tolist() == [1, 0]


def test_a_threshold_too_small_for_float32_is_not_reached_by_zero():
    rule = Rule.of(Threshold(Fraction(1, 10**40)), TWO)
    assert decide(rule, np.float32([[0.0], [1e-30]])).predicted.tolist() == [0, 1]
    rule = Rule.of(Threshold(Fraction(0)), TWO)
    assert decide(rule, np.float32([[0.0]])).predicted.tolist() == [1]


@pytest.mark.parametrize(
    ("score", "shown"),
    [(4.25, "4.25"), (-0.5, "-0.5"), (1.00001, "1.00001"), (-1e-5, "-1e-05")],
)
@pytest.mark.parametrize("units", [1, 2])
def test_logits_under_a_threshold_are_refused(score, shown, units):
    rule = Rule.of(Threshold(Fraction("0.3")), TWO)
    scores = np.full((3, units), 0.5, np.float32)
    scores[1, -1] = score
    with pytest.raises(ModelError) as caught:
        decide(rule, scores)
    assert str(caught.value) == (
        f"the model gave the score {shown}, and a threshold of 0.3 needs scores between 0 and 1: "
        "these look like logits; end the model in a sigmoid (one output) or a softmax (two), or "
        "put one behind it in a confmat_model fixture"
    )


def test_rounding_around_0_and_1_is_no_logit():
    rule = Rule.of(Threshold(Fraction("0.5")), TWO)
    assert decide(rule, np.float32([[1 + 1e-7], [-1e-7]])).predicted.tolist() == [1, 0]


def test_infinite_scores_are_faults_of_their_examples_not_logits():
    rule = Rule.of(Threshold(Fraction("0.5")), TWO)
    assert decide(rule, np.float32([[np.inf], [0.5]])).valid.tolist() == [False, True]


@pytest.mark.parametrize(
    ("decision", "classes", "message"),
    [
        (
            Threshold(Fraction("0.5")),
            ABC,
            "a threshold decides between two classes, and there are 3: 'a', 'b', 'c'; use "
            "`decision: argmax`",
        ),
        (
            Threshold(Fraction("0.5"), "malign"),
            TWO,
            "the threshold's positive class 'malign' is none of the classes: 'benign', 'malignant'",
        ),
    ],
)
def test_a_threshold_that_does_not_go_with_the_classes(decision, classes, message):
    with pytest.raises(RequestError) as caught:
        Rule.of(decision, classes)
    assert str(caught.value) == message


MANY = tuple(f"c{i}" for i in range(43))


@pytest.mark.parametrize(
    ("decision", "classes", "shape", "message"),
    [
        (
            Argmax(),
            MANY,
            (None, 42),
            "the model has 42 outputs, and there are 43 classes: "
            + ", ".join(f"'c{i}'" for i in range(20))
            + " and 23 more; `classes` must name every output, in the model's order",
        ),
        (
            Threshold(Fraction("0.5")),
            TWO,
            (8, 3),
            "the model has 3 outputs, and there are 2 classes: 'benign', 'malignant'; `classes` "
            "must name every output, in the model's order, and of those without examples in the "
            "set say so: `classes: {names: [...], without_examples: [...]}`",
        ),
        (
            Argmax(),
            TWO,
            (None, 1),
            "the model has one output, and argmax over one output is always 0, that is 'benign': "
            "write `decision: {threshold: 0.5}` if its score is that of 'malignant', or "
            "`decision: {threshold: 0.5, positive: 'benign'}` if it is that of 'benign'",
        ),
        (
            Argmax(),
            ABC,
            (None, 1),
            "the model has one output, which can tell two classes apart, and there are 3: 'a', "
            "'b', 'c'",
        ),
        (
            Argmax(),
            ("a",),
            (None, 1),
            "the model has one output, which can tell two classes apart, and there are 1: 'a'",
        ),
        (
            Argmax(),
            ABC,
            (None, 7, 7, 3),
            "the model gives an output of shape (N, 7, 7, 3): supported is one row of scores an "
            "example, (N, 3)",
        ),
        (
            Threshold(Fraction("0.5")),
            TWO,
            (16,),
            "the model gives an output of shape (N,): supported is one row of scores an example, "
            "(N, 2) or (N, 1)",
        ),
    ],
)
def test_outputs_that_do_not_fit_the_classes(decision, classes, shape, message):
    with pytest.raises(ModelError) as caught:
        Rule.of(decision, classes).require_units(shape, "the model")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("decision", "classes", "shape"),
    [
        (Argmax(), ABC, (None, 3)),
        (Argmax(), TWO, (None, 2)),
        (Threshold(Fraction(1)), TWO, (5, 1)),
        (Threshold(Fraction(1)), TWO, (5, 2)),
    ],
)
def test_outputs_that_fit(decision, classes, shape):
    Rule.of(decision, classes).require_units(shape, "the model")


def scores_of(dtype, units, elements):
    return st.integers(1, 6).flatmap(
        lambda n: st.tuples(
            hnp.arrays(dtype, (n, units), elements=elements),
            hnp.arrays(np.int64, n, elements=st.integers(-3, 9)),
        )
    )


def floats(width, **limits):
    plain = st.floats(width=width, allow_nan=True, allow_infinity=True, **limits)
    # Ties, and numbers so small that TensorFlow takes them for zero.
    few = st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0, 1e-40, 2e-40] if width > 16 else [0.0, 0.5])
    return st.one_of(few, plain)


@given(scores_of(np.float32, 3, floats(32)))
def test_argmax_against_a_sort(case):
    scores, labels = case
    found = decide(Rule.of(Argmax(), ABC), scores, labels)
    for i, row in enumerate(scores):
        assert found.valid[i] == np.isfinite(row).all()
        if found.valid[i] and 0 <= labels[i] < 3:
            size = [0 if abs(x) < 1.17e-38 else x for x in row.tolist()]
            order = sorted(range(3), key=lambda unit: (-size[unit], unit))
            assert found.predicted[i] == order[0]
            assert found.rank[i] == order.index(labels[i])
            assert found.score[i] == size[order[0]]


RULES = {
    "argmax": (Rule.of(Argmax(), ABC), 3),
    "argmax of many": (Rule.of(Argmax(), MANY[:17]), 17),
    "one unit": (Rule.of(Threshold(Fraction("0.5")), TWO), 1),
    "one unit of the first": (Rule.of(Threshold(Fraction("0.25"), "benign"), TWO), 1),
    "two units": (Rule.of(Threshold(Fraction("0.3")), TWO), 2),
    "two units of the first": (Rule.of(Threshold(Fraction("0.5"), "benign"), TWO), 2),
    "next to nothing": (Rule.of(Threshold(Fraction(1, 10**40)), TWO), 1),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
def test_an_example_is_decided_alike_whatever_stands_beside_it(rule, dtype, monkeypatch):
    rule, units = RULES[rule]
    elements = floats(64 if dtype is np.float64 else 32)
    if rule.threshold is not None:
        elements = st.sampled_from([0.0, 0.25, 0.5, 1.0, np.nan, np.inf])
    monkeypatch.setattr(decision, "_BLOCK", 2 * units)

    @given(scores_of(dtype, units, elements))
    def holds(case):
        scores, labels = case
        whole = rule.decide(scores, labels, "the model")
        for at in range(len(scores)):
            alone = rule.decide(scores[at : at + 1], labels[at : at + 1], "the model")
            for name, values in vars(whole).items():
                np.testing.assert_array_equal(values[at : at + 1], getattr(alone, name), name)
                assert values.dtype == getattr(alone, name).dtype

    holds()


@given(scores_of(np.float32, 4, st.sampled_from([0.0, 1e-40, 0.25, 0.5, 1.0])))
def test_the_runner_up_and_ties_against_a_sort(case):
    scores, labels = case
    found = decide(Rule.of(Argmax(), ("a", "b", "c", "d")), scores, labels)
    for i, row in enumerate(np.where(scores < 1e-38, 0, scores).tolist()):
        order = sorted(range(4), key=lambda unit: (-row[unit], unit))
        assert found.runner_up[i] == order[1]
        assert found.runner_up_score[i] == row[order[1]]
        assert found.tied[i] == row.count(max(row))
        if 0 <= labels[i] < 4:
            assert found.true_tied[i] == (row[labels[i]] == max(row))


def test_under_a_threshold_the_other_class_is_the_runner_up():
    rule = Rule.of(Threshold(Fraction("0.3")), TWO)
    found = decide(rule, np.float32([[0.4], [0.25], [0.5]]), [1, 1, 0])
    assert found.predicted.tolist() == [1, 0, 1]
    assert found.runner_up.tolist() == [0, 1, 0]
    assert found.runner_up_score.tolist() == [np.float32(0.6), 0.25, 0.5]
    assert found.tied.tolist() == [1, 1, 2]
    assert found.true_tied.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ([[0.5, 0.5], [np.nan, 7.0], [-5.0, 1.0000001]], "-5.0"),
        ([[0.5, 0.5], [0.5, 4.5], [-5.0, 0.5]], "4.5"),
        ([[-0.5, 2.0]], "2.0"),
    ],
)
def test_the_first_logit_is_shown(scores, shown):
    rule, _ = RULES["two units"]
    with pytest.raises(ModelError) as caught:
        rule.decide(np.float32(scores), np.zeros(len(scores), np.int64), "the model")
    assert f"gave the score {shown}, and a threshold of 0.3 needs" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ((None, 3), (None, 3)),
        ((9, 3, 1), (9, 3)),
        ((None, 1, 1, 3), (None, 3)),
        ((None, 1), (None, 1)),
        ((None, 1, 1), (None, 1)),
        ((1, 1, 2), (1, 2)),
        ((1, 9, 3), (1, 9, 3)),
        ((None, 2, 3), (None, 2, 3)),
        ((None, None, 1, 3), (None, None, 3)),
        ((9,), (9,)),
        ((), ()),
    ],
)
def test_axes_of_length_one_are_no_part_of_a_row(shape, row):
    assert one_row(shape) == row

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.judging import judge
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.report.interval_text import (
    bounds_words,
    change_words,
    interval_text,
    percentage,
)
from pytest_confmat.report.summary import summary, verdict_line
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateResult
from tests.support.results import POLICY, evaluation
from tests.support.verdicts import RULES, drop, limit, of_two, one, recalls, two_models


@pytest.mark.parametrize(
    ("confidence", "text"),
    [
        (0.5, "50 %"),
        (0.8, "80 %"),
        (0.9, "90 %"),
        (0.875, "87.5 %"),
        (0.95, "95 %"),
        (0.975, "97.5 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (1 - 0.05 / 9, "99.44 %"),
        (1 - 0.05 / 90, "99.944 %"),
        (1 - 0.05 / 1000, "99.995 %"),
        (1 - 1e-9, "99.9999999 %"),
    ],
)
def test_a_confidence_in_percent(confidence, text):
    assert percentage(confidence) == text


@given(st.floats(0.5, 0.9999))
def test_no_confidence_becomes_certainty(confidence):
    shown = float(percentage(confidence).removesuffix(" %")) / 100
    assert shown < 1
    assert abs(shown - confidence) <= 0.0051 * (1 - confidence) + 5e-5


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("recall", ""),
        ("accuracy", ""),
        ("precision", ", given how often it was predicted and this set's mix of classes"),
        (
            "jaccard",
            ", given how many are of it or were predicted as it and this set's mix of classes",
        ),
        ("f1", ", given how many are of it or were predicted as it and this set's mix of classes"),
    ],
)
def test_the_bounds_of_the_true_value(metric, words):
    more = {} if metric == "accuracy" else {"actual": "a"}
    verdict = replace(
        one(limit(metric, "0.9", **more), of_two(92, 100)), interval=(0.8604123, 0.9593)
    )
    assert bounds_words(verdict) == (
        f"true value 0.8604 to 0.9593, each bound at 95 % confidence{words}"
    )


def test_bounds_show_on_which_side_of_the_limit_they_lie():
    verdict = one(limit("recall", "0.9", actual="a"), of_two(92, 100))
    close = replace(verdict, interval=(0.9000000012, 0.99999999))
    assert bounds_words(close) == (
        "true value 0.900000001 to 0.99999999, each bound at 95 % confidence"
    )
    close = replace(verdict, interval=(0.1, 0.8999996))
    assert bounds_words(close).startswith("true value 0.1000 to 0.8999996, ")


def test_bounds_of_different_confidence():
    limits = [
        limit("recall", "0.9", actual=f"c{i}", rule="proven", family="holm") for i in range(9)
    ]
    verdicts = judge(limits, recalls((50, 100), *[(95, 100)] * 8))
    assert bounds_words(verdicts[0]) == (
        "true value 0.4136 (at 95 % confidence) to 0.6294 (at 99.44 %)"
    )
    assert bounds_words(verdicts[1]) == (
        "true value 0.8977 (at 95 % confidence) to 0.9885 (at 99.38 %)"
    )


def test_a_composite_has_no_bounds():
    assert list(interval_text(one(limit("f1_macro", "0.9"), of_two(92, 100)))) == []


def lines(declared, subject, comparison=None) -> list[str]:
    return list(interval_text(one(declared, subject, comparison)))[1:]


def test_too_few_examples_say_how_many_are_asked_for():
    declared = limit("recall", "0.5", actual="a", min_support=2000)
    assert lines(declared, of_two(1200, 1250)) == [
        "min_support is 2,000 examples, and there are 1,250"
    ]


def test_what_is_undecided_says_how_many_would_decide():
    declared = limit("recall", "0.9", actual="a", rule="proven")
    verdict = one(declared, of_two(92, 100))
    assert lines(declared, of_two(92, 100)) == [
        f"at this estimate it takes {verdict.examples_needed:,} examples to decide, and there are "
        "100"
    ]
    assert verdict.examples_needed == 635


def test_an_estimate_at_the_limit_is_never_decided():
    declared = limit("recall", "0.9", actual="a", rule="proven")
    assert lines(declared, of_two(90, 100)) == [
        "no number of examples would decide it at this estimate, which is the limit itself"
    ]


def test_what_no_result_could_pass():
    declared = limit("recall", "0.99", actual="a", rule="proven")
    assert lines(declared, of_two(100, 100)) == [
        "at this estimate it takes 299 examples to decide, and there are 100",
        "no result could pass with 100: it takes 299 examples even if nothing goes wrong on them",
    ]
    declared = limit("recall", "1", actual="a", rule="proven")
    assert lines(declared, of_two(100, 100)) == [
        "no number of examples would decide it at this estimate, which is the limit itself",
        "no number of examples can show it, whatever the model: choose another bound, or "
        "rule: estimate",
    ]
    declared = limit("confusions", "0.01", "at_most", rule="proven")
    assert list(interval_text(one(declared, ConfusionMatrix(np.diag([9, 8]), ("a", "b"))))) == [
        "at this estimate it takes 299 examples to decide, and there are 8",
        "no result could pass with 8: it takes 299 examples even if nothing goes wrong on them",
    ]


def test_what_an_unchanged_model_could_not_pass():
    n = 100
    models = two_models([0] * n + [1], [0] * n + [1], [0] * n + [1], k=2)
    found = models.evaluation, models.comparison
    assert lines(drop("recall", "0.02", actual="c0", rule="proven"), *found) == [
        "at this estimate it takes 149 examples to decide, and there are 100",
        "not even the baseline itself would pass with 100: it takes 149 examples of which none "
        "changes",
    ]
    assert lines(drop("recall", "0", actual="c0", rule="proven"), *found) == [
        "no number of examples would decide it at this estimate, which is the limit itself",
        "no number of examples can show it of a model that is as good as the baseline: choose a "
        "greater bound, or rule: estimate",
    ]
    # Examples on which models differ are a plain share.
    flips = drop("flips", "0.02", rule="proven")
    assert lines(flips, *found)[1] == (
        "no result could pass with 101: it takes 149 examples even if nothing goes wrong on them"
    )


@pytest.mark.parametrize("rule", RULES)
def test_what_is_decided_has_its_bounds_alone(rule):
    for hits in (100, 10):
        assert lines(limit("recall", "0.5", actual="a", rule=rule), of_two(hits, 100)) == []


def compared():
    true = [0] * 1000 + [1] * 1000
    before = [0] * 950 + [1] * 50 + [1] * 1000
    now = [1] * 30 + [0] * 925 + [1] * 45 + [1] * 990 + [0] * 10
    models = two_models(true, before, now, k=2)
    return models.evaluation, models.comparison


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (
            drop("recall", "0.02", actual="c0"),
            "0.9500 by the baseline, 0.9250 now, on 1,000 common examples: 30 newly wrong, 5 newly "
            "right (McNemar's exact p 2.2e-05, for information only); a drop of 0.02 is allowed",
        ),
        (
            drop("accuracy", "0.005"),
            "0.9750 by the baseline, 0.9575 now, on 2,000 common examples: 40 newly wrong, 5 newly "
            "right (McNemar's exact p 7.9e-08, for information only); a drop of 0.005 is allowed",
        ),
        (
            drop("confusion", "0.01", actual="c1", predicted="c0"),
            "0.0000 by the baseline, 0.0100 now, on 1,000 common examples: 10 newly wrong, 0 newly "
            "right (McNemar's exact p 0.002, for information only); a rise of 0.01 is allowed",
        ),
        (
            drop("f1", "0.01", actual="c0"),
            "0.9744 by the baseline, 0.9561 now, on 1,000 common examples; a drop of 0.01 is "
            "allowed",
        ),
        (
            drop("confusions", "0.01"),
            "on 2,000 common examples; a rise of 0.01 is allowed",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.id,
)
def test_what_changed_since_the_baseline(declared, text):
    assert list(change_words(one(declared, *compared()))) == [text]


def test_flips_are_told_by_their_counts():
    verdict = one(drop("flips", "0.02"), *compared())
    assert list(change_words(verdict)) == []
    assert describe(verdict).split("\n")[:2] == [
        "share of examples on which this model and the baseline differ is 0.0225, above 0.02",
        "  45 of 2000 examples are predicted differently; at most 40 allowed",
    ]


def test_one_common_example_is_one():
    models = two_models([0, 1], [0, 1], [1, 1], k=2)
    verdict = one(drop("recall", "0", actual="c0"), models.evaluation, models.comparison)
    assert list(change_words(verdict)) == [
        "1.0000 by the baseline, 0.0000 now, on 1 common example: 1 newly wrong, 0 newly right "
        "(McNemar's exact p 1, for information only); a drop of 0 is allowed"
    ]


def test_what_was_not_compared_has_not_changed():
    subject, _ = compared()
    assert list(change_words(one(drop("recall", "0", actual="c0"), subject))) == []
    assert list(change_words(one(limit("recall", "0", actual="c0"), subject))) == []


def gate_of(*limits, outcome: str = "passed", **more) -> GateResult:
    found = evaluation([[95, 5], [5, 995]], ("cat", "dog"))
    return GateResult(POLICY, outcome, evaluation=found, verdicts=judge(limits, found), **more)


def test_undecided_limits_that_are_let_pass_are_told():
    result = gate_of(
        limit("recall", "0.94", actual="cat", rule="proven", undecided="warn"),
        limit("recall", "0.9", actual="dog", rule="proven", undecided="warn"),
        limit("precision", "0.9", actual="cat", undecided="warn", min_support=2000),
    )
    assert verdict_line(result) == ("confmat: passed  1 of 3 limits, 2 undecided on 1,100 examples")
    text = summary(result, 80, color=False)
    needed = result.verdicts[0].examples_needed
    assert (
        "undecided limits, let pass\n"
        "  recall of 'cat' is 0.9500, not shown to be at least 0.94\n"
        "    true value 0.8977 to 0.9801, each bound at 95 % confidence\n"
        f"    at this estimate it takes {needed:,} examples to decide, and there are 100\n"
        "  precision of 'cat' is 0.9500, with too few examples to compare it with 0.9\n"
        "    true value 0.8977 to 0.9801, each bound at 95 % confidence, given how often it was "
        "predicted and this set's mix of classes\n"
        "    min_support is 2,000 examples, and there are 100\n"
    ) in text
    assert "failed limits" not in text


def test_where_nothing_is_decided_no_limit_is_said_to_hold():
    result = gate_of(
        limit("recall", "0.94", actual="cat", rule="proven", undecided="warn"),
        limit("precision", "0.9", actual="cat", undecided="warn", min_support=2000),
    )
    assert verdict_line(result) == (
        "confmat: passed  none of 2 limits is decided, and undecided: warn lets that pass on 1,100 "
        "examples"
    )


def test_undecided_limits_that_block_stand_among_those_that_do_not_hold():
    declared = limit("recall", "0.94", actual="cat", rule="proven")
    result = gate_of(declared, outcome="failed")
    assert verdict_line(result) == "confmat: BLOCKED  1 of 1 limit undecided: recall[cat]"
    text = summary(result, 80, color=False)
    assert (
        "failed and undecided limits\n  recall of 'cat' is 0.9500, not shown to be at least 0.94\n"
    ) in text
    assert "undecided limits, let pass" not in text


def test_an_incomplete_run_does_not_say_that_undecided_limits_hold():
    result = gate_of(
        limit("recall", "0.94", actual="cat", rule="proven", undecided="warn"),
        limit("recall", "0.9", actual="dog"),
        outcome="incomplete",
        unchecked=("accuracy",),
    )
    assert verdict_line(result) == (
        "confmat: INCOMPLETE  1 of 3 limits passed, 1 undecided, 1 left out"
    )


def test_many_undecided_limits_are_counted():
    limits = [
        replace(limit("recall", "0.94", actual="cat", rule="proven", undecided="warn"), id=f"n{i}")
        for i in range(23)
    ]
    assert "\n  and 3 more\n" in summary(gate_of(*limits), 80, color=False)


def test_drops_of_the_whole_stand_among_the_overall_numbers():
    subject, comparison = compared()
    limits = [drop("accuracy", "0.005"), drop("flips", "0.03"), drop("recall", "0.1", actual="c0")]
    result = GateResult(
        POLICY, "failed", evaluation=subject, verdicts=judge(limits, subject, comparison)
    )
    assert (
        "overall: accuracy drop 0.0175 (at most 0.005), flips 0.0225 (at most 0.03)\n"
    ) in summary(result, 80, color=False)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_hostile_names_in_what_is_undecided_stay_data(one_name, other):
    if one_name == other:
        return
    found = evaluation([[95, 5], [5, 995]], (one_name, other))
    limits = [
        limit("recall", "0.94", actual=one_name, rule="proven", undecided="warn"),
        limit("confusions", "0.04", "at_most", rule="proven", undecided="warn"),
    ]
    result = GateResult(POLICY, "passed", evaluation=found, verdicts=judge(limits, found))
    text = summary(result, 80, color=False)
    assert all(line.isprintable() for line in text.split("\n"))
    for verdict in result.verdicts:
        assert verdict.outcome == "undecided"
        assert all(line.isprintable() for line in describe(verdict).split("\n"))
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))
    assert Fraction(95, 100) == result.verdicts[0].observed

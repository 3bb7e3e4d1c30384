from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import Location
from pytest_confmat.limits import (
    Bound,
    ClassRule,
    ConfusionRule,
    Evidence,
    OverallRule,
    Override,
    Weighting,
    expand,
    has_interval,
    limit_id,
)


def at(line: int) -> Location:
    return Location(Path("thresholds.yaml"), line)


def bound(text: str, kind: str = "at_least") -> Bound:
    return Bound(kind, Fraction(text), text)


def test_rules_become_limits_in_order_and_exemptions_are_told():
    rules = [
        OverallRule("accuracy", bound("0.9"), at(2)),
        ClassRule(
            "recall",
            bound("0.8"),
            at(3),
            {"dog": Override(bound("0.95"), at(4)), "other": Override(None, at(5))},
        ),
        ClassRule("f1", None, at(6), {"cat": Override(bound("0.7"), at(7))}),
        ConfusionRule(bound("0.01", "at_most"), at(8), "cat", "dog"),
        ConfusionRule(bound("0.05", "at_most"), at(9)),
    ]
    limits, exemptions = expand(rules, ["cat", "dog", "other"])
    assert [(limit.id, limit.bound.text, limit.location.line) for limit in limits] == [
        ("accuracy", "0.9", 2),
        ("recall[cat]", "0.8", 3),
        ("recall[dog]", "0.95", 4),
        ("f1[cat]", "0.7", 7),
        ("confusion[cat:dog]", "0.01", 8),
        ("confusions[*]", "0.05", 9),
    ]
    assert limits[-1].excluded == {("cat", "dog")}
    assert [(e.metric, e.actual, e.location.line) for e in exemptions] == [("recall", "other", 5)]


STRICT = Evidence(rule="proven")
LENIENT = Evidence(min_support=7)


def test_limits_against_a_baseline_are_limits_of_their_own():
    drop = bound("0.02", "at_most")
    overrides = {"dog": Override(drop, at(4), LENIENT), "cat": Override(None, at(5))}
    rules = [
        ClassRule("recall", bound("0.9"), at(2), evidence=STRICT),
        ClassRule("recall", drop, at(3), overrides, evidence=STRICT, against="baseline"),
        OverallRule("top_5_accuracy", drop, at(6), STRICT, "baseline"),
        ConfusionRule(drop, at(7), "cat", "dog", STRICT, "baseline"),
        ConfusionRule(drop, at(8), "dog", "cat"),
        ConfusionRule(drop, at(9), against="baseline"),
        ConfusionRule(drop, at(10)),
        OverallRule("flips", drop, at(11), LENIENT, "baseline"),
    ]
    limits, exemptions = expand(rules, ["cat", "dog", "fox"])
    assert [(limit.id, limit.against, limit.evidence) for limit in limits] == [
        ("recall[cat]", "value", STRICT),
        ("recall[dog]", "value", STRICT),
        ("recall[fox]", "value", STRICT),
        ("recall_drop[dog]", "baseline", LENIENT),
        ("recall_drop[fox]", "baseline", STRICT),
        ("top_5_accuracy_drop", "baseline", STRICT),
        ("confusion_rise[cat:dog]", "baseline", STRICT),
        ("confusion[dog:cat]", "value", Evidence()),
        ("confusions_rise[*]", "baseline", Evidence()),
        ("confusions[*]", "value", Evidence()),
        ("flips", "baseline", LENIENT),
    ]
    excluded = {limit.id: limit.excluded for limit in limits if limit.excluded}
    assert excluded == {
        "confusions_rise[*]": {("cat", "dog")},
        "confusions[*]": {("dog", "cat")},
    }
    assert [(exempt.metric, exempt.actual) for exempt in exemptions] == [("recall_drop", "cat")]


def test_proportions_have_intervals_and_nothing_else_has():
    proportions = ["recall", "specificity", "accuracy", "top_5_accuracy", "confusion"]
    for metric in [*proportions, "confusions", "flips"]:
        assert has_interval(metric)
        assert has_interval(metric, against="baseline")
    for metric in ["precision", "f1", "jaccard"]:
        assert has_interval(metric)
        assert not has_interval(metric, against="baseline")
    for metric in ["f1_macro", "balanced_accuracy", "cohen_kappa", "recall_weighted"]:
        assert not has_interval(metric)
    plain = Weighting("inverse_frequency")
    assert has_interval("weighted_diagonal", plain)
    assert has_interval("weighted_diagonal", plain, "baseline")
    for weighting in [Weighting("inverse_frequency", "pred"), Weighting("sample", "true")]:
        assert not has_interval("weighted_diagonal", weighting)


@given(st.text(), st.text())
def test_ids_are_one_printable_line(actual, predicted):
    for name in (limit_id("recall", actual), limit_id("confusion", actual, predicted)):
        assert name.isprintable()


@given(st.lists(st.text(alphabet=r"ab:\n" + "\n", max_size=4), min_size=4, max_size=4))
def test_different_pairs_have_different_ids(texts):
    a, b, c, d = texts
    same = (a, b) == (c, d)
    assert (limit_id("confusion", a, b) == limit_id("confusion", c, d)) == same
    assert (limit_id("recall", a) == limit_id("recall", c)) == (a == c)


def test_ids_carry_no_commands_and_stay_short():
    assert limit_id("recall", "##[error]x") == "recall[#\\x23[error]x]"
    assert "##[" not in limit_id("confusion", "a", "##[x]")
    long = limit_id("recall", "x" * 10_000)
    assert len(long) == 107
    assert long != limit_id("recall", "x" * 9_999 + "y")

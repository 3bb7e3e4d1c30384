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
    OverallRule,
    expand,
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
            {"dog": (bound("0.95"), at(4)), "other": (None, at(5))},
        ),
        ClassRule("f1", None, at(6), {"cat": (bound("0.7"), at(7))}),
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

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.limits import Bound, Evidence, Exemption, OverallRule
from pytest_confmat.policy import Policy, read_policy
from pytest_confmat.spec import BaselineSpec

from .conftest import Read
from .documents import SHA256, extended, limits

EXAMPLE = """\
version: 1
classes: [cat, dog, bird, fox]
model_sha256: sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855
evidence:
  confidence: 0.99
  rule: proven
  undecided: warn
  min_support: 30
  family: holm
baseline: {path: baselines/production, min_overlap: 0.95}
thresholds:
  accuracy: {max_drop: 0.005, rule: not_refuted}
  recall:
    max_drop: 0.02
    at_least: 0.90
    min_support: 50
    classes:
      cat: {rule: estimate}
      dog:
        max_drop: 0.05
        at_least: 0.80
      bird: none
      fox: {max_drop: 0.01, min_support: 60}
  precision: {at_least: 0.85}
  f1_macro: {at_least: 0.90, max_drop: 0.10, rule: estimate}
  confusions:
    - actual: cat
      predicted: dog
      at_most: 0.02
      max_rise: 0.01
    - {max_rise: 0.03, rule: estimate, min_support: 1}
  flips: {at_most: 0.03}
"""
CLASSES = ["cat", "dog", "bird", "fox"]


def test_limits_carry_their_evidence_and_the_line_of_their_bound(read: Read) -> None:
    policy = read(EXAMPLE)
    assert policy.evidence == Evidence(Fraction(99, 100), "proven", "warn", 30, "holm")
    found, exemptions = policy.limits_for(CLASSES)
    assert [
        (
            *(limit.id, limit.bound.text, limit.location and limit.location.line),
            *(limit.evidence.rule, limit.evidence.min_support),
        )
        for limit in found
    ] == [
        ("accuracy_drop", "0.005", 12, "not_refuted", 30),
        ("recall[cat]", "0.90", 15, "estimate", 50),
        ("recall[dog]", "0.80", 21, "proven", 50),
        ("recall[fox]", "0.90", 15, "proven", 60),
        ("recall_drop[cat]", "0.02", 14, "estimate", 50),
        ("recall_drop[dog]", "0.05", 20, "proven", 50),
        ("recall_drop[fox]", "0.01", 23, "proven", 60),
        *((f"precision[{name}]", "0.85", 24, "proven", 30) for name in CLASSES),
        ("f1_macro", "0.90", 25, "estimate", 30),
        ("f1_macro_drop", "0.10", 25, "estimate", 30),
        ("confusion[cat:dog]", "0.02", 29, "proven", 30),
        ("confusion_rise[cat:dog]", "0.01", 30, "proven", 30),
        ("confusions_rise[*]", "0.03", 31, "estimate", 1),
        ("flips", "0.03", 32, "proven", 30),
    ]
    assert {limit.id for limit in found if limit.against == "baseline"} == {
        limit.id for limit in found if "_drop" in limit.id or "_rise" in limit.id
    } | {"flips"}
    for limit in found:
        of_the_policy = (limit.evidence.confidence, limit.evidence.undecided, limit.evidence.family)
        assert of_the_policy == (Fraction(99, 100), "warn", "holm")
        at_least = limit.against == "value" and "confusion" not in limit.id
        assert limit.bound.kind == ("at_least" if at_least else "at_most")
        assert limit.has_interval == (limit.metric != "f1_macro")
    place = Location(policy.path, 22)
    assert exemptions == (
        Exemption("recall", "bird", place),
        Exemption("recall_drop", "bird", place),
    )


def test_baseline_and_model(read: Read, tmp_path: Path) -> None:
    policy = read(EXAMPLE)
    assert policy.baseline == BaselineSpec(tmp_path / "baselines/production", Fraction(19, 20))
    assert policy.model_sha256 == SHA256
    lines = [
        policy.baseline_location.line,
        policy.where("baseline", "min_overlap").line,
        policy.where("evidence", "family").line,
        policy.where("model_sha256").line,
    ]
    assert lines == [10, 10, 9, 3]


@pytest.mark.parametrize("path", ["../production", "'2024'", "{path: ../production}"])
def test_a_baseline_by_its_path(
    path: str, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(extended(f"baseline: {path}"))
    monkeypatch.chdir(tmp_path)
    policy = read_policy(Path("thresholds.yaml"))
    where = tmp_path / "2024" if "2024" in path else tmp_path.parent / "production"
    assert policy.baseline == BaselineSpec(where, Fraction(9, 10))


def test_a_policy_that_says_nothing_of_it(read: Read) -> None:
    policy = read(limits("recall: {at_least: 0.9}"))
    assert (policy.evidence, policy.baseline, policy.model_sha256) == (Evidence(), None, None)
    assert policy.baseline_location == Location(policy.path, 1)
    assert [rule.evidence for rule in policy.rules] == [Evidence()]
    assert Evidence() == Evidence(Fraction(19, 20), "estimate", "fail", 1, "none")
    assert not policy.compares
    policy.require_baseline()


def test_flips_is_a_limit_against_the_baseline(read: Read) -> None:
    (rule,) = read(limits("flips: 0.03")).rules
    assert isinstance(rule, OverallRule)
    assert rule.bound == Bound("at_most", Fraction(3, 100), "0.03")
    assert (rule.metric, rule.against) == ("flips", "baseline")


def test_classes_may_be_exempt_from_one_bound_by_having_no_general_one(read: Read) -> None:
    policy = read(limits("recall: {at_least: 0.9, classes: {cat: none, dog: {max_drop: 0.1}}}"))
    found, exemptions = policy.limits_for(["cat", "dog", "bird"])
    assert [limit.id for limit in found] == ["recall[dog]", "recall[bird]", "recall_drop[dog]"]
    assert [(exempt.metric, exempt.actual) for exempt in exemptions] == [("recall", "cat")]


TO_SAVE_OR_NAME = (
    "compares with a baseline, and there is none; name one by baseline: PATH or "
    "--confmat-baseline PATH, save the first one by --confmat-save-baseline PATH, or compare with "
    "another model by --confmat-reference PATH"
)


@pytest.mark.parametrize(
    ("body", "line", "key"),
    [
        ("accuracy: 0.9\nrecall:\n  at_least: 0.9\n  max_drop: 0.1", 7, "max_drop"),
        ("recall:\n  classes:\n    dog: 0.9\n    cat: {max_drop: 0.1}", 7, "max_drop"),
        ("recall:\n  classes:\n    dog: 0.9\n    cat:\n      max_drop: 0.1", 8, "max_drop"),
        ("confusions:\n- at_most: 0.1\n  max_rise: 0.1\naccuracy: {max_drop: 1}", 6, "max_rise"),
        ("flips:\n  at_most: 0.1", 5, "flips"),
        ("flips: 0.1\nrecall: {max_drop: 0.1}", 4, "flips"),
    ],
)
def test_what_compares_needs_a_baseline(body: str, line: int, key: str, read: Read) -> None:
    policy = read(limits(body))
    assert policy.compares
    with pytest.raises(PolicyError) as refused:
        policy.require_baseline()
    assert refused.value.location == Location(policy.path, line)
    assert refused.value.message == f"{key} {TO_SAVE_OR_NAME}"
    read(limits(body).replace("thresholds:", "baseline: a\nthresholds:")).require_baseline()


def test_a_policy_by_hand_needs_a_baseline_too() -> None:
    place = Location(Path("t.yaml"), 3)
    drop = Bound("at_most", Fraction(1, 10), "0.1")
    rule = OverallRule("accuracy", drop, place, against="baseline")
    with pytest.raises(PolicyError) as refused:
        Policy(Path("t.yaml"), rules=(rule,)).require_baseline()
    assert str(refused.value) == f"t.yaml:3: max_drop {TO_SAVE_OR_NAME}"

"""The messages of limits that ask for proof, and of those against a baseline."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import Location
from pytest_confmat.judging import judge
from pytest_confmat.report.wording import describe, headline
from pytest_confmat.verdict import Verdict
from tests.support.results import POLICY
from tests.support.strategies import matrices
from tests.support.verdicts import RULES, drop, limit, of_two, one, two_models


@pytest.mark.parametrize(
    ("rule", "hits", "relation"),
    [
        ("estimate", 96, "at least 0.9"),
        ("estimate", 90, "at least 0.9"),
        ("estimate", 89, "below 0.9"),
        ("proven", 96, "shown to be at least 0.9"),
        ("proven", 95, "not shown to be at least 0.9"),
        ("proven", 89, "not shown to be at least 0.9"),
        ("proven", 84, "shown to be below 0.9"),
        ("not_refuted", 96, "not shown to be below 0.9"),
        ("not_refuted", 85, "not shown to be below 0.9"),
        ("not_refuted", 84, "shown to be below 0.9"),
    ],
)
def test_how_a_value_stands_to_its_least_bound(rule, hits, relation):
    verdict = one(limit("recall", "0.9", actual="a", rule=rule), of_two(hits, 100))
    assert headline(verdict) == f"recall of 'a' is 0.{hits}00, {relation}"


@pytest.mark.parametrize(
    ("rule", "misses", "relation"),
    [
        ("estimate", 10, "at most 0.1"),
        ("estimate", 11, "above 0.1"),
        ("proven", 4, "shown to be at most 0.1"),
        ("proven", 5, "not shown to be at most 0.1"),
        ("proven", 16, "shown to be above 0.1"),
        ("not_refuted", 15, "not shown to be above 0.1"),
        ("not_refuted", 16, "shown to be above 0.1"),
    ],
)
def test_how_a_value_stands_to_its_highest_bound(rule, misses, relation):
    declared = limit("confusion", "0.1", "at_most", actual="a", predicted="b", rule=rule)
    verdict = one(declared, of_two(100 - misses, 100))
    assert headline(verdict) == f"share of 'a' predicted as 'b' is 0.{misses:02}00, {relation}"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hits", [0, 50, 99])
def test_of_too_few_examples_nothing_is_said(rule, hits):
    declared = limit("recall", "0.9", actual="a", rule=rule, min_support=101)
    verdict = one(declared, of_two(hits, 100))
    assert headline(verdict) == (
        f"recall of 'a' is 0.{hits:02}00, with too few examples to compare it with 0.9"
    )
    assert describe(verdict).split("\n")[1:4] == [
        f"  {hits} of 100 recognized",
        describe(verdict).split("\n")[2],
        "  min_support is 101 examples, and there are 100",
    ]


@pytest.mark.parametrize("rule", ["proven", "not_refuted"])
def test_of_a_composite_nothing_is_ever_shown(rule):
    # Policies refuse to ask for it; a limit can be made by hand.
    verdict = one(limit("f1_macro", "0.5", rule=rule), of_two(95, 100, 20))
    assert (verdict.outcome, headline(verdict)) == (
        "failed",
        "f1_macro is 0.9316, an estimate alone, which is not shown to be at least 0.5",
    )


@given(
    matrices(max_classes=3),
    st.sampled_from(["recall", "precision", "f1", "specificity"]),
    st.sampled_from(["0.02", "0.5", "0.9"]),
    st.sampled_from(["at_least", "at_most"]),
    st.sampled_from(RULES),
    st.sampled_from([1, 40]),
    st.sampled_from(["none", "holm"]),
)
def test_no_message_contradicts_its_outcome(matrix, metric, text, kind, rule, least, family):
    limits = [
        limit(metric, text, kind, actual=name, rule=rule, min_support=least, family=family)
        for name in matrix.classes
    ]
    kept, broken = {"at_least": ("at least", "below"), "at_most": ("at most", "above")}[kind]
    for verdict in judge(limits, matrix):
        if verdict.observed is None:
            assert " is undefined: " in headline(verdict)
            continue
        said = headline(verdict).split(", ", 1)[1].removesuffix(f" {text}")
        assert (
            said
            in {
                "passed": (kept, f"shown to be {kept}", f"not shown to be {broken}"),
                "failed": (broken, f"shown to be {broken}"),
                "undecided": (
                    f"not shown to be {kept}",
                    "with too few examples to compare it with",
                ),
            }[verdict.outcome]
        )
        assert said.startswith(("shown", "not shown", "with too few")) == (
            rule != "estimate" or verdict.too_few
        )
        # What is said to be needed is not what was had.
        if verdict.needed is not None and kind == "at_least" and not verdict.too_few:
            assert (verdict.hits >= verdict.needed) == (verdict.outcome == "passed")


def test_an_undecided_recall_reads_as_promised():
    declared = replace(
        limit("recall", "0.9", actual="a", rule="proven"), location=Location(POLICY, 14)
    )
    assert describe(one(declared, of_two(23, 25))) == (
        "recall of 'a' is 0.9200, not shown to be at least 0.9      thresholds.yaml:14\n"
        "  23 of 25 recognized\n"
        "  true value 0.7690 to 0.9856, each bound at 95 % confidence\n"
        "  at this estimate it takes 635 examples to decide, and there are 25\n"
        "  no result could pass with 25: it takes 29 examples even if nothing goes wrong on them\n"
        "  predicted as   b 2 (8.0 %)"
    )


def test_a_refuted_recall_tells_how_many_hits_would_not_have_been():
    declared = limit("recall", "0.9", actual="a", rule="not_refuted")
    assert describe(one(declared, of_two(80, 100))).split("\n")[:3] == [
        "recall of 'a' is 0.8000, shown to be below 0.9",
        "  80 of 100 recognized; 85 were needed",
        "  true value 0.7228 to 0.8633, each bound at 95 % confidence",
    ]


def compared() -> tuple:
    true = [0] * 100 + [1] * 100 + [2] * 100
    before = [0] * 98 + [1] * 2 + [1] * 100 + [2] * 100
    now = [2] * 9 + [1] * 1 + [0] * 90 + [1] * 97 + [0] * 3 + [2] * 100
    models = two_models(true, before, now, k=3)
    models = replace(models, score=models.score * 0 + [1 - n / 1000 for n in range(300)])
    return models.evaluation, models.comparison


def test_a_drop_of_recall_reads_as_promised():
    declared = replace(drop("recall", "0.02", actual="c0"), location=Location(POLICY, 9))
    assert describe(one(declared, *compared())) == (
        "drop in recall of 'c0' is 0.0800, above 0.02      thresholds.yaml:9\n"
        "  0.9800 by the baseline, 0.9000 now, on 100 common examples: 10 newly wrong, 2 newly "
        "right (McNemar's exact p 0.039, for information only); a drop of 0.02 is allowed\n"
        f"  {bounds(one(declared, *compared()))}\n"
        "  predicted as   c2 9 (9.0 %)   c1 1 (1.0 %)\n"
        "  right before   e0 -> c2 1.000   e1 -> c2 0.999   e2 -> c2 0.998"
    )


def bounds(verdict: Verdict) -> str:
    lower, upper = verdict.interval
    return f"true value {lower:.4f} to {upper:.4f}, each bound at 95 % confidence"


def test_a_drop_of_precision_tells_what_is_newly_taken_for_the_class():
    verdict = one(drop("precision", "0.01", actual="c0"), *compared())
    assert describe(verdict) == (
        "drop in precision of 'c0' is 0.0323, above 0.01\n"
        "  1.0000 by the baseline, 0.9677 now, on 100 common examples; a drop of 0.01 is allowed\n"
        "  predicted as it   c1 3\n"
        "  not so by the baseline   e197 (c1) -> c0 0.803   e198 (c1) -> c0 0.802   "
        "e199 (c1) -> c0 0.801"
    )


def test_a_rise_of_one_confusion():
    verdict = one(drop("confusion", "0.05", actual="c0", predicted="c2"), *compared())
    lines = describe(verdict).split("\n")
    assert lines[:2] == [
        "rise in the share of 'c0' predicted as 'c2' is 0.0900, above 0.05",
        "  0.0000 by the baseline, 0.0900 now, on 100 common examples: 9 newly wrong, 0 newly "
        "right (McNemar's exact p 0.0039, for information only); a rise of 0.05 is allowed",
    ]
    assert lines[3:] == [
        "  not so by the baseline   e0 -> c2 1.000   e1 -> c2 0.999   e2 -> c2 0.998"
    ]


def test_the_highest_rise_lists_the_cells():
    assert describe(one(drop("confusions", "0.02"), *compared())) == (
        "highest rise of a confusion, 'c0' predicted as 'c2', is 0.0900, above 0.02\n"
        "  on 300 common examples; a rise of 0.02 is allowed\n"
        "  2 confusions rose by more than 0.02\n"
        "    c0 -> c2   9 more of 100 (9.0 %)\n"
        "    c1 -> c0   3 more of 100 (3.0 %)\n"
        "  not so by the baseline   e0 (c0) -> c2 1.000   e1 (c0) -> c2 0.999   e2 (c0) -> c2 0.998"
    )
    one_cell = describe(one(drop("confusions", "0.05"), *compared())).split("\n")
    assert one_cell[2] == "  1 confusion rose by more than 0.05"


def test_cells_of_a_limit_that_is_not_broken_are_not_said_to_be_above_it():
    declared = drop("confusions", "0.2", rule="proven", confidence="0.9999")
    verdict = one(declared, *compared())
    assert verdict.outcome == "undecided"
    lines = describe(verdict).split("\n")
    assert lines[0] == (
        "highest rise of a confusion, 'c0' predicted as 'c2', is 0.0900, not shown to be at most "
        "0.2"
    )
    assert "    c0 -> c2   9 more of 100 (9.0 %)" in lines
    assert not any("rose by more" in line for line in lines)


def test_flips_read_as_promised():
    assert describe(one(drop("flips", "0.03"), *compared())) == (
        "share of examples on which this model and the baseline differ is 0.0500, above 0.03\n"
        "  15 of 300 examples are predicted differently; at most 9 allowed\n"
        "  true value 0.0311 to 0.0759, each bound at 95 % confidence\n"
        "  right before   e0 (c0) -> c2 1.000   e1 (c0) -> c2 0.999   e2 (c0) -> c2 0.998"
    )


def test_a_drop_that_holds_is_one_line():
    assert describe(one(drop("recall", "0.1", actual="c0"), *compared())) == (
        "drop in recall of 'c0' is 0.0800, at most 0.1"
    )
    assert describe(one(drop("accuracy", "0.1"), *compared())) == (
        "drop in accuracy is 0.0367, at most 0.1"
    )
    proven = drop("recall", "0.3", actual="c0", rule="proven")
    assert describe(one(proven, *compared())) == (
        "drop in recall of 'c0' is 0.0800, shown to be at most 0.3"
    )


def test_a_drop_that_is_a_rise_has_its_sign():
    subject, comparison = compared()
    better = replace(comparison, before=comparison.now, now=comparison.before)
    assert describe(one(drop("recall", "0", actual="c0"), subject, better)) == (
        "drop in recall of 'c0' is -0.0800, at most 0"
    )


@pytest.mark.parametrize(
    ("declared", "subject"),
    [
        (drop("recall", "0.1", actual="c0"), "drop in recall of 'c0'"),
        (drop("confusions", "0.1"), "highest rise of a confusion"),
        (drop("flips", "0.1"), "share of examples on which this model and the baseline differ"),
    ],
    ids=["recall", "confusions", "flips"],
)
def test_without_a_baseline_it_says_so(declared, subject):
    found, _ = compared()
    assert describe(one(declared, found)) == (
        f"{subject} is undefined: there is no baseline to compare with"
    )


HOSTILE = ("\x1b[31mred", "##[error]x", "::warning::y", "a\nb", "\u202egnp", "\ud800")


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_in_changes_stay_data(name):
    subject, comparison = compared()
    names = (name, "c1", "c2")
    subject = replace(subject, classes=names)
    comparison = replace(comparison, classes=names)
    for declared in (
        drop("recall", "0", actual=name),
        drop("precision", "0", actual="c1"),
        drop("confusion", "0", actual=name, predicted="c2"),
        drop("confusions", "0", rule="proven"),
        drop("flips", "0"),
        limit("recall", "0.95", actual=name, rule="proven"),
    ):
        verdict = one(declared, subject, comparison)
        assert verdict.outcome != "passed" or declared.metric == "precision"
        text = describe(verdict)
        lines = text.split("\n")
        assert all(line.isprintable() for line in lines)
        assert "##[" not in text
        assert not any(line.lstrip().startswith("::") for line in lines)
        text.encode("utf-8")

"""A metric that a project adds from outside: one file, one registration."""

from __future__ import annotations

import pytest

CONFTEST = """
from fractions import Fraction

from pytest_confmat import Measured, Metric


def lowest_recall(counts):
    return min(Fraction(hits, n) for hits, n in zip(counts.correct, counts.support))


def kept_apart(counts, index):
    n = counts.total - counts.support[index]
    wrong = counts.predicted[index] - counts.correct[index]
    return Measured(Fraction(n - wrong, n), n - wrong, n)


def pytest_confmat_metrics(registry):
    registry.register(Metric("lowest_recall", "The lowest recall.", lowest_recall))
    registry.register(Metric("nothing", "No number.", lambda counts: float("nan")))
    registry.register(
        Metric(
            "kept_apart",
            "Share of other classes' examples not predicted as the class.",
            kept_apart,
            "class",
            share_of="examples",
            counts="{hits} of {trials} are not {actual}",
            lowered_by="predicted_as_it",
        )
    )
"""
POLICY = """\
version: 1
classes: [cat, dog, fox]
thresholds:
"""


@pytest.fixture
def own(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + CONFTEST)
    return project


def test_limits_on_it_are_judged(own):
    # Of 20 cats, 20 dogs and 10 foxes, 2 dogs are predicted as cats, and 1 cat as a dog.
    own.policy(POLICY + "  lowest_recall: {at_least: 0.9}\n  kept_apart: 0.9\n")
    assert own.run().ret == 0
    own.policy(POLICY + "  lowest_recall: 0.91\n  kept_apart: 0.95\n")
    result = own.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "confmat: BLOCKED  2 of 4 limits failed: lowest_recall, kept_apart[[]cat]",
        ]
    )
    text = result.stdout.str()
    assert "28 of 30 are not 'cat'" in text


def test_a_share_has_an_interval_and_anything_else_an_estimate(own):
    own.policy(POLICY + "  kept_apart: {at_least: 0.9, rule: proven}\n")
    result = own.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["confmat: BLOCKED  * undecided: kept_apart*"])
    own.policy(POLICY + "  lowest_recall: {at_least: 0.9, rule: proven}\n")
    result = own.run()
    assert result.ret == 4
    assert (
        "thresholds.lowest_recall.rule: proven needs an interval, and lowest_recall has an "
        "estimate only; write rule: estimate"
    ) in result.stderr.str()


def test_one_without_a_value_fails(own):
    own.policy(POLICY + "  nothing: 0\n")
    result = own.run()
    assert result.ret == 1
    assert "undefined: it is undefined" in result.stdout.str()


def test_messages_name_it(own):
    own.policy(POLICY + "  lowest_recal: 0.9\n")
    assert "did you mean 'lowest_recall'?" in own.run().stderr.str()
    own.policy("version: 1\nclasses: [a, b]\nlowest_recall: 1\nthresholds: {recall: 1}\n")
    assert "lowest_recall belongs below thresholds" in own.run().stderr.str()


@pytest.mark.parametrize("key", ["recall", "confusions"])
def test_names_that_are_taken(own, key):
    conftest = own.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace('"lowest_recall"', f'"{key}"'))
    result = own.run()
    assert result.ret == 4
    assert f"the hook pytest_confmat_metrics: there is a metric '{key}' already" in (
        result.stderr.str()
    )


def test_the_assertion_helpers_take_it(own):
    (own.path / "test_own.py").write_text(
        "from pytest_confmat import assert_metric\n"
        "def test_own(confmat): assert_metric(confmat, 'lowest_recall', 0.95)\n"
    )
    result = own.run("test_own.py")
    assert result.ret == 1
    assert "lowest_recall" in result.stdout.str()

"""A set that lacks classes of the model: what a policy says of it, and what a run makes of that."""

from __future__ import annotations

import json

import pytest

POLICY = """\
version: 1
classes:
  names: [cat, dog, fox, whale]
  without_examples: [whale]
thresholds:
  recall: 0.8
  precision: 0.8
  f1_macro: 0.8
  confusions:
    - {at_most: 0.2}
"""
COUNTS = [[19, 1, 0, 0], [1, 18, 0, 1], [0, 0, 10, 0], [0, 0, 0, 0]]


def gate(project, counts=COUNTS, policy=POLICY, *args):
    project.policy(policy)
    project.scores(counts)
    result = project.run("--confmat-report=report", *args)
    found = json.loads((project.path / "report/confmat.json").read_text())
    return result, found


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_no_limit_is_on_them(project, workers):
    result, found = gate(project, COUNTS, POLICY, *workers)
    assert result.ret == 0
    assert [verdict["id"] for verdict in found["verdicts"]] == [
        "recall[cat]",
        "recall[dog]",
        "recall[fox]",
        "precision[cat]",
        "precision[dog]",
        "precision[fox]",
        "f1_macro",
        "confusions[*]",
    ]
    assert found["dataset"]["without_examples"] == ["whale"]
    assert found["dataset"]["support"] == [20, 20, 10, 0]
    text = " ".join(result.stdout.str().split())
    assert (
        "without examples, as the policy says: 'whale'; averages are over the other 3 classes"
    ) in text


def test_what_is_predicted_as_one_is_wrong(project):
    counts = [[10, 0, 0, 10], *COUNTS[1:]]
    result, found = gate(project, counts)
    assert result.ret == 1
    outcomes = {verdict["id"]: verdict["outcome"] for verdict in found["verdicts"]}
    assert outcomes["recall[cat]"] == "failed"
    assert outcomes["confusions[*]"] == "failed"
    assert "predicted as   whale 10 (50.0 %)" in result.stdout.str()


def test_one_that_has_examples_is_an_error(project):
    counts = [*COUNTS[:3], [0, 0, 1, 4]]
    result, found = gate(project, counts)
    assert result.ret == 1
    assert found["outcome"] == "error"
    assert found["error"] == (
        "classes.without_examples names 'whale', and the set has 5 examples of it, such as "
        "'#50', '#51', '#52'; take it out there, so that it is judged"
    )


def test_one_that_is_not_declared_is_an_error(project):
    policy = POLICY.replace("  without_examples: [whale]\n", "")
    result, found = gate(project, COUNTS, policy)
    assert result.ret == 1
    assert found["error"] == (
        "1 of 4 classes have no example among 50: 'whale'; nothing can be said about them. If the "
        "set lacks them on purpose, name them in classes: {names: ..., without_examples: [...]}"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  recall: 0.8",
            "  recall: {at_least: 0.8, classes: {whale: 0.9}}",
            "thresholds.yaml:6: thresholds.recall.classes: 'whale' is one of "
            "classes.without_examples, and without examples nothing can be said of it",
        ),
        (
            "    - {at_most: 0.2}",
            "    - {actual: whale, predicted: cat, at_most: 0.1}",
            "thresholds.yaml:10: thresholds.confusions, actual: 'whale' is one of "
            "classes.without_examples, and without examples nothing can be said of it",
        ),
        (
            "[whale]",
            "[whales]",
            "thresholds.yaml:4: classes.without_examples: there is no class 'whales'; did you mean "
            "'whale'?",
        ),
        (
            "[whale]",
            "[cat, dog, fox, whale]",
            "thresholds.yaml:4: classes.without_examples names every class, and none is left to "
            "judge",
        ),
    ],
)
def test_what_contradicts_it_is_refused(project, old, new, message):
    assert old in POLICY
    project.policy(POLICY.replace(old, new))
    result = project.run()
    assert result.ret == 4
    assert message in result.stderr.str()


def test_a_confusion_with_one_can_be_limited(project):
    policy = POLICY.replace("{at_most: 0.2}", "{actual: dog, predicted: whale, at_most: 0.01}")
    result, found = gate(project, COUNTS, policy)
    assert result.ret == 1
    (failed,) = (verdict for verdict in found["verdicts"] if verdict["outcome"] == "failed")
    assert failed["id"] == "confusion[dog:whale]"
    assert failed["observed"] == 1 / 20


def test_against_a_baseline(project):
    policy = POLICY + "  accuracy: {max_drop: 0.05}\n"
    policy = policy.replace("{at_most: 0.2}", "{max_rise: 0.1}")
    policy = policy.replace("f1_macro: 0.8", "f1_macro: {max_drop: 0.1}")
    assert gate(project, COUNTS, policy, "--confmat-save-baseline=base")[0].ret == 0
    result, found = gate(project, COUNTS, policy, "--confmat-baseline=base")
    assert result.ret == 0
    assert {verdict["observed"] for verdict in found["verdicts"][6:]} == {0.0}


def test_a_test_of_the_projects_own(project):
    project.pytester.makepyfile(
        """
        import numpy as np

        def test_it(confmat_evaluator):
            scores = np.eye(3, dtype=np.float32)[[0, 1, 1]]
            found = confmat_evaluator(
                lambda x: x, [(scores, np.array([0, 1, 0]))], classes=["a", "b", "c"],
                without_examples=["c"],
            )
            assert found.without_examples == {"c"}
            assert found.matrix.judged == (0, 1)
        """
    )
    assert project.run("--confmat-thresholds=none", gate=False).ret == 0

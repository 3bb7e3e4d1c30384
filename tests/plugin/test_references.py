"""A model compared with another one that sees the same examples in the same pass."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.baseline.comparison import compare_with_reference
from pytest_confmat.errors import BaselineError, PolicyError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.judging import judge
from pytest_confmat.limits import expand
from pytest_confmat.plugin.references import against_reference
from pytest_confmat.policy import read_policy
from pytest_confmat.report.wording import describe
from tests.support.schema import problems
from tests.support.verdicts import two_models

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
GOOD, WORSE = "digits.keras", "digits-regressed.keras"
POLICY = """\
version: 1
classes: [cat, dog]
{more}
thresholds:
  accuracy: {{at_least: 0.2, max_drop: 0.01}}
  recall: {{max_drop: 0.1}}
  flips: {{at_most: 0.02}}
"""


@pytest.fixture
def named(project):
    """A project with two model files that nothing reads, as the policy is refused first."""
    for name in ("m.keras", "reference.keras"):
        (project.path / name).touch()

    def policy(more: str = "") -> None:
        project.policy(POLICY.format(more=more))

    policy()
    return project, policy


def refused(project, *args: str) -> str:
    result = project.run("--confmat-model=m.keras", *args)
    assert result.ret == 4
    line = next(x for x in result.stderr.lines if x.startswith("ERROR: "))
    return line.removeprefix("ERROR: ").replace(str(project.path) + os.sep, "")


def test_a_reference_and_a_baseline_are_refused_together(named):
    project, policy = named
    said = "both say what max_drop, max_rise and flips compare with: leave one of them out"
    options = ("--confmat-reference=reference.keras", "--confmat-baseline=b")
    assert refused(project, *options) == f"--confmat-baseline and --confmat-reference {said}"
    policy("baseline: b")
    assert refused(project, options[0]) == (
        f"baseline in thresholds.yaml and --confmat-reference {said}"
    )
    policy("reference: reference.keras")
    assert refused(project, options[1]) == (
        f"--confmat-baseline and reference in thresholds.yaml {said}"
    )
    policy("baseline: b\nreference: reference.keras")
    assert refused(project) == (
        "thresholds.yaml:4: reference: limits compare with a baseline or with a reference: leave "
        "one of them out"
    )


def test_a_reference_that_is_not_there_or_is_the_model_itself(named):
    project, policy = named
    assert refused(project, "--confmat-reference=gone.keras").startswith(
        "--confmat-reference: there is no model gone.keras"
    )
    assert refused(project, "--confmat-reference=./m.keras") == (
        "--confmat-reference: m.keras is the model that is judged (--confmat-model): name the "
        "model that it is to be compared with"
    )
    policy("reference: gone.keras")
    assert refused(project).startswith("thresholds.yaml:3: reference: there is no model gone.keras")


def test_a_reference_needs_a_policy(named):
    project, _ = named
    args = ("--confmat-reference=reference.keras", "--confmat-thresholds=none")
    result = project.pytester.runpytest_subprocess("--confmat-model=m.keras", *args)
    assert result.ret == 4
    assert (
        "ERROR: --confmat-reference is what limits of policies compare with, and "
        "--confmat-thresholds none asks for none" in result.stderr.lines
    )


def test_a_reference_and_parts_are_refused_together(named):
    project, policy = named
    said = (
        "is evaluated in the same pass as the model, and --confmat-shard is about parts of one "
        "model alone: leave one of them out"
    )
    parts = ("--confmat-shard=1/2", "--confmat-parts=out")
    assert refused(project, *parts, "--confmat-reference=reference.keras") == (
        f"--confmat-reference {said}"
    )
    policy("reference: reference.keras")
    assert refused(project, *parts) == f"reference in thresholds.yaml {said}"


def test_the_policy_names_a_reference(tmp_path):
    path = tmp_path / "thresholds.yaml"
    path.write_text(POLICY.format(more="reference: {path: nets/m, signature: serve}"))
    reference = read_policy(path).reference
    assert reference is not None
    assert (reference.path, reference.signature) == (tmp_path / "nets" / "m", "serve")
    path.write_text(POLICY.format(more="reference: [a]"))
    with pytest.raises(PolicyError, match=r"reference: expected a path, or a mapping such as"):
        read_policy(path)


@pytest.fixture
def models():
    """Ten examples of two classes: the reference has two wrong, the model three others."""
    true = [0] * 5 + [1] * 5
    before = [1, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    now = [0, 1, 1, 0, 0, 0, 0, 1, 1, 1]
    return two_models(true, before, now, 2)


def test_verdicts_name_the_reference(models, tmp_path):
    path = tmp_path / "thresholds.yaml"
    path.write_text(POLICY.format(more="reference: m.keras"))
    evaluation = models.evaluation
    reference = models._evaluation(models.common, models.before, models.rank_before)
    comparison = compare_with_reference(reference, evaluation, "m.keras")
    assert comparison.notes == (
        "compared with the reference m.keras on all 10 examples: 4 predicted differently, 3 newly "
        "wrong, 1 newly right",
    )
    limits, _ = expand(read_policy(path).rules, evaluation.classes)
    verdicts = {v.limit.id: v for v in judge(against_reference(limits), evaluation, comparison)}
    told = describe(verdicts["accuracy_drop"])
    assert (
        "0.8000 by the reference, 0.6000 by this model, on 10 common examples: 3 newly wrong"
        in told
    )
    assert "right by the reference" in told
    assert "this model and the reference differ is 0.4000, above 0.02" in describe(
        verdicts["flips"]
    )
    drop = verdicts["accuracy_drop"]
    assert (drop.change.newly_wrong, drop.change.newly_right) == (3, 1)


def test_a_reference_that_saw_other_examples_is_refused(models):
    evaluation = models.evaluation
    fewer = models._evaluation(models.common[:-1], models.before[:-1], models.rank_before[:-1])
    with pytest.raises(BaselineError, match=r"m\.keras and the model saw different examples"):
        compare_with_reference(fewer, evaluation, "m.keras")


def gate(folder: Path, *args: str) -> tuple[int, str, dict]:
    command = [sys.executable, "-m", "pytest"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    ran = subprocess.run(
        [*command, f"--confmat-model={WORSE}", "--confmat-report=out", *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout, json.loads((folder / "out/confmat.json").read_text())


def test_a_gate_beside_its_reference_equals_both_gated_alone(tmp_path):
    for name in (GOOD, WORSE):
        shutil.copy(DIGITS / name, tmp_path)
    policy = f"""\
version: 1
dataset: {{directory: {(DIGITS / "test").as_posix()}, rescale: 1/255}}
thresholds:
  accuracy: {{max_drop: 0.01}}
  flips: {{at_most: 0.5}}
"""
    (tmp_path / "thresholds.yaml").write_text(policy)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nconfmat_reference = {GOOD}\n")
    status, said, report = gate(tmp_path, "-n", "2")
    assert status == 1
    assert (
        f"confmat: reference {GOOD} (confmat_reference in pytest.ini), evaluated in the same"
        in said
    )
    together = Evaluation.load(tmp_path / "out/evaluation.npz")
    # Both are in the cache now, each under its own key: neither is computed again.
    _, again, alone = gate(tmp_path)
    assert re.search(r"evaluation of .* from the\s+cache", again)
    right = np.array(together.array("predicted") == together.array("true"))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "thresholds.yaml").write_text(
        policy.replace("{max_drop: 0.01}", "0.5").replace("  flips: {at_most: 0.5}\n", "")
    )
    command = [sys.executable, "-m", "pytest", f"--confmat-model={GOOD}", "--confmat-report=out"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"evaluation of .* from the\s+cache", ran.stdout)
    good = Evaluation.load(tmp_path / "out/evaluation.npz")
    had = np.array(good.array("predicted") == good.array("true"))
    drop = next(v for v in report["verdicts"] if v["id"] == "accuracy_drop")
    assert drop["change"]["newly_wrong"] == int((had & ~right).sum()) == 33
    assert drop["change"]["newly_right"] == int((~had & right).sum()) == 0
    assert report["baseline"]["against"] == alone["baseline"]["against"] == "reference"
    other = report["baseline"]["model"]
    digest = hashlib.sha256((DIGITS / GOOD).read_bytes()).hexdigest()
    assert (other["path"], other["format"], other["sha256"]) == (GOOD, "keras", digest)
    assert problems(report) == []
    assert f"(-{had.mean() - right.mean():.4f})" in said


def test_a_class_without_examples_is_not_said_to_lack_them_in_a_baseline(tmp_path):
    models = two_models([0, 0], [0, 0], [0, 1], 2)
    path = tmp_path / "thresholds.yaml"
    path.write_text(POLICY.format(more="reference: m.keras"))
    comparison = compare_with_reference(models.evaluation, models.evaluation, "m.keras")
    limits, _ = expand(read_policy(path).rules, models.classes)
    verdicts = judge(against_reference(limits), models.evaluation, comparison)
    undefined = {v.limit.id: v.undefined for v in verdicts if v.undefined}
    assert undefined == {"recall_drop[c1]": "it has no examples"}

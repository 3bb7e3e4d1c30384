"""The evaluation without a pytest session, against scikit-learn and against the gate itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf  # noqa: F401 (in this process before pytester's)
from sklearn.metrics import confusion_matrix

import pytest_confmat as confmat
from pytest_confmat.errors import (
    BaselineError,
    EvaluationError,
    MissingDependencyError,
    PolicyError,
    RequestError,
)
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.notebook import NotebookEvaluation, Verdicts
from pytest_confmat.parts import UNPREDICTED, Column
from tests.support.evaluations import part
from tests.support.html import Plain
from tests.support.results import gate

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "examples/digits"
KEYS = {"directory": str(DIGITS / "test"), "color_mode": "grayscale", "rescale": "1/255"}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a red gate on the digits, and the folder of it."""
    folder = tmp_path_factory.mktemp("gate") / "report"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "thresholds.yaml",
        "--confmat-model=examples/digits/digits-regressed.keras", f"--confmat-report={folder}",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert found.returncode == 1
    return folder


@pytest.fixture(scope="module")
def evaluated():
    return confmat.evaluate(DIGITS / "digits-regressed.keras", KEYS)


def test_it_is_the_evaluation_of_the_gate(report, evaluated):
    loaded = confmat.load_report(report)
    assert isinstance(loaded, Evaluation)
    assert loaded.parts == evaluated.parts
    assert loaded.document["outcome"] == "failed"
    assert confmat.load_report(report / "confmat.json") == loaded


def test_judging_gives_the_verdicts_of_the_gate(report):
    loaded = confmat.load_report(report)
    verdicts = confmat.judge(loaded, ROOT / "thresholds.yaml")
    told = {verdict["id"]: verdict for verdict in loaded.document["verdicts"]}
    assert [verdict.limit.id for verdict in verdicts] == list(told)
    for verdict in verdicts:
        assert verdict.outcome == told[verdict.limit.id]["outcome"]
        assert float(verdict.observed) == told[verdict.limit.id]["observed"]
    assert not verdicts.passed
    assert len(verdicts.failed) == 6
    text = str(verdicts)
    assert text.startswith("6 of 34 limits failed\nrecall of '8' is 0.6591, below 0.95")
    table = Plain(verdicts._repr_html_()).tables[0]
    assert table[1][:4] == ["recall[8]", "failed", "0.6591", ">= 0.95"]
    assert len(table) == 35


def test_a_frame_has_a_row_an_example(evaluated):
    frame = evaluated.to_dataframe()
    assert list(frame.columns) == [
        "id", "true", "predicted", "correct", "score", "runner_up", "runner_up_score", "rank",
    ]  # fmt: skip
    theirs = confusion_matrix(frame["true"], frame["predicted"], labels=evaluated.classes)
    assert np.array_equal(theirs, evaluated.matrix.counts)
    assert frame["correct"].mean() == np.trace(theirs) / theirs.sum()
    assert (frame["true"] == frame["id"].str.split("/").str[0]).all()
    assert ((frame["rank"] == 0) == frame["correct"]).all()


def test_a_frame_of_what_was_not_predicted_and_of_columns():
    found = part(
        [0, 1],
        [UNPREDICTED, 1],
        score=[np.nan, 0.5],
        weight=np.array([1.0, 2.0]),
        columns={"site": Column.of(["north", None])},
    )
    frame = NotebookEvaluation.of(Evaluation(("a", "b"), (found,))).to_dataframe()
    assert frame["predicted"].isna().tolist() == [True, False]
    assert frame["rank"].tolist() == [-1, 0]
    assert frame["weight"].tolist() == [1.0, 2.0]
    assert frame["site"].fillna("?").tolist() == ["north", "?"]


def test_without_pandas_it_says_so(evaluated, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="to_dataframe needs pandas, which is not"):
        evaluated.to_dataframe()


def test_it_shows_itself(evaluated):
    plain = Plain(evaluated._repr_html_())
    assert plain.open == []
    assert plain.text.startswith("899 examples of 10 classes, accuracy 0.9555")
    assert plain.tables[0][9][:3] == ["8", "88", "0.6591"]
    assert "8 predicted as 9: 11 (12.5 %)" in plain.text
    hostile = NotebookEvaluation.of(gate(np.eye(2, dtype=int), ["<b>", "&"]).evaluation)
    assert "<b>" not in hostile._repr_html_().replace("<b>2 examples", "").replace("<p><b>", "")


def test_it_draws_itself(evaluated):
    figure = evaluated.plot()
    assert figure.get_size_inches().min() > 3
    words = [text.get_text() for text in figure.texts]
    assert words[0] == "digits-regressed.keras"
    assert not [text for text in words if "limit" in text or "passed" in text]


def scores(inputs):
    return np.asarray(inputs)


def test_arrays_and_batches_give_the_same():
    rng = np.random.default_rng(5)
    outputs = rng.dirichlet(np.ones(3), 300).astype(np.float32)
    labels = rng.integers(0, 3, 300)
    names = ["a", "b", "c"]
    arrays = confmat.evaluate(scores, (outputs, labels), classes=names)
    batches = confmat.evaluate(
        scores, [(outputs[:7], labels[:7]), (outputs[7:], labels[7:])], classes=names
    )
    theirs = confusion_matrix(labels, outputs.argmax(axis=1))
    for found in (arrays, batches):
        assert np.array_equal(found.matrix.counts, theirs)
    weighted = confmat.evaluate(scores, (outputs, labels, np.ones(300)), classes=names)
    assert weighted.sample_weight.tolist() == [1.0] * 300


def test_a_threshold_and_classes_without_examples():
    outputs = np.array([[0.4], [0.6], [0.2]], np.float32)
    decision = {"threshold": 0.3, "positive": "yes"}
    found = confmat.evaluate(
        scores, (outputs, np.array([1, 1, 0])), classes=["no", "yes"], decision=decision
    )
    assert found.matrix.counts.tolist() == [[1, 0], [0, 2]]
    three = np.eye(3, dtype=np.float32)[[0, 1]]
    found = confmat.evaluate(
        scores, (three, np.array([0, 1])), classes=["a", "b", "c"], without_examples=["c"]
    )
    assert found.matrix.judged == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((np.zeros((3, 2)), np.zeros(2)), ), "inputs and labels have different lengths"),
        (((np.zeros((3, 2)), np.zeros(3, int)), ), "these data do not name their classes"),
        (({"directory": "x", "resize": 3}, ), "resize"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        confmat.evaluate(scores, *arguments)
    with pytest.raises(RequestError, match="decision is 'argmax' or"):
        confmat.evaluate(scores, [], classes=["a", "b"], decision="softmax")


def test_an_evaluation_of_files_is_kept_where_asked(tmp_path, evaluated):
    kept = tmp_path / "kept"
    first = confmat.evaluate(DIGITS / "digits-regressed.keras", KEYS, cache=kept)
    again = confmat.evaluate(DIGITS / "digits-regressed.keras", KEYS, cache=kept)
    assert first.parts == again.parts == evaluated.parts
    assert set(again.timing) == {"cache"}
    assert set(first.timing) > {"evaluate"}


def test_two_models_are_compared(evaluated):
    good = confmat.evaluate(DIGITS / "digits.keras", KEYS)
    comparison = confmat.compare(good, evaluated)
    assert len(comparison) == 899
    right = good.array("true") == good.array("predicted")
    wrong = evaluated.array("true") != evaluated.array("predicted")
    assert comparison.newly_wrong.sum() == (right & wrong).sum()
    verdicts = confmat.judge(evaluated, DIGITS / "compare.yaml", baseline=good)
    assert [v.limit.id for v in verdicts.failed] == ["accuracy_drop", "recall_drop[8]"]
    stored = confmat.judge(evaluated, DIGITS / "compare.yaml")
    assert [v.outcome for v in stored] == [v.outcome for v in verdicts]
    assert confmat.judge(good, DIGITS / "compare.yaml").passed
    other = Evaluation(("a", "b"), (part([0], [0]),))
    with pytest.raises(BaselineError, match="of other classes"):
        confmat.compare(good, other)


def test_judging_asks_for_the_right_set(evaluated, tmp_path):
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\nclasses: [a, b]\nthresholds: {accuracy: 0.5}\n")
    with pytest.raises(EvaluationError, match="is for other classes than the evaluation: 'a', 'b'"):
        confmat.judge(evaluated, policy)
    names = ", ".join(f'"{i}"' for i in range(10))
    policy.write_text(
        f"version: 1\ndataset: {{expected_examples: 900}}\nclasses: [{names}]\n"
        "thresholds: {accuracy: 0.5}\n"
    )
    with pytest.raises(EvaluationError, match="900"):
        confmat.judge(evaluated, policy)
    policy.write_text("version: 1\nthresholds: {recal: 1}\n")
    with pytest.raises(PolicyError):
        confmat.judge(evaluated, policy)


def test_a_report_without_its_evaluation_says_what_is_missing(report, tmp_path):
    shutil.copy(report / "confmat.json", tmp_path)
    with pytest.raises(EvaluationError) as caught:
        confmat.load_report(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'evaluation.npz'} is not there, which holds the outcome of every example: a "
        "run writes it beside confmat.json where it has evaluated (its outcome is 'failed'); bring "
        "it along, or run again"
    )
    other = NotebookEvaluation.of(gate(np.eye(2, dtype=int), ["a", "b"]).evaluation)
    other.save(tmp_path / "evaluation.npz")
    with pytest.raises(EvaluationError, match="is of another run than"):
        confmat.load_report(tmp_path)
    with pytest.raises(EvaluationError, match="there is no report"):
        confmat.load_report(tmp_path / "none")
    (tmp_path / "confmat.json").write_text("[1")
    with pytest.raises(EvaluationError, match="is no report"):
        confmat.load_report(tmp_path)
    overview = {"reports": [{"path": "a/confmat.json"}]}
    (tmp_path / "confmat.json").write_text(json.dumps(overview))
    with pytest.raises(EvaluationError, match="is an overview of several reports; load one of"):
        confmat.load_report(tmp_path)


def test_nothing_heavy_is_imported_to_read_a_report(report):
    code = (
        "import sys, pytest_confmat as c; found = c.load_report(sys.argv[1]);"
        "c.judge(found, 'thresholds.yaml');"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(report)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_passed_verdicts_say_so():
    assert str(Verdicts(())) == "passed: 0 limits"


def test_the_page_on_notebooks_is_true(tmp_path, monkeypatch, report):
    """Every block of docs/notebooks.md runs, one after the other."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/notebooks.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    shutil.copytree(DIGITS / "test", tmp_path / "data/test")
    shutil.copy(DIGITS / "digits.keras", tmp_path / "production.keras")
    shutil.copy(DIGITS / "digits-regressed.keras", tmp_path / "m.keras")
    shutil.copytree(report, tmp_path / "report")
    policy = (
        "version: 1\nthresholds: {accuracy: {max_drop: 0.01}}\ndataset: {directory: data/test}\n"
    )
    (tmp_path / "thresholds.yaml").write_text(policy)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        code = block.replace('"cat", "dog"', '"8", "9"')  # these are of digits
        exec(compile(code, "docs/notebooks.md", "exec"), names)
    assert not names["verdicts"].passed
    assert names["blocked"].document["outcome"] == "failed"


def test_the_page_on_trackers_is_true(tmp_path, monkeypatch, report):
    """Its blocks on Hugging Face and TensorBoard run; tests/extras has MLflow's."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/trackers.md").read_text(), re.DOTALL)
    _, hugging_face, tensorboard = blocks
    shutil.copytree(report, tmp_path / "report")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(hugging_face, "docs/trackers.md", "exec"), names)
    (result,) = names["card"]["model-index"][0]["results"]
    assert result["metrics"][0] == {"type": "accuracy", "value": 859 / 899}
    assert len(result["metrics"]) == 11
    code = compile(tensorboard, "docs/trackers.md", "exec")
    if find_spec("tensorboard") is not None:
        exec(code, names)
        assert list((tmp_path / "logs").iterdir())

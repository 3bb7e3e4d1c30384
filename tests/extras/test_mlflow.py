"""A report in a local store of MLflow."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.errors import EvaluationError, MissingDependencyError
from pytest_confmat.report.folder import REPORT_FILES
from tests.support.gates import RED
from tests.support.results import gate, limit

CLASSES = ("cat", "dog/cow", "fox")


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    found = pytest.importorskip(
        "mlflow", reason="reports are not logged to MLflow: pip install 'pytest-confmat[mlflow]'"
    )
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    found.set_tracking_uri((tmp_path / "store").as_uri())
    return found


@pytest.fixture
def report(tmp_path) -> Path:
    folder = tmp_path / "report"
    folder.mkdir()
    limits = [limit("recall", "0.9", actual=name) for name in CLASSES]
    result = gate(RED, CLASSES, [*limits, limit("balanced_accuracy", "0.9")])
    for file in REPORT_FILES:
        file.write(result, folder / file.name)
    return folder


def test_a_run_gets_metrics_tags_and_files(mlflow, report):
    from pytest_confmat.mlflow import log_report

    logged = log_report(report)
    client = mlflow.MlflowClient()
    (run,) = client.search_runs(["0"])
    assert run.info.status == "FINISHED"
    assert mlflow.active_run() is None
    assert run.data.metrics == pytest.approx(logged)
    recall = np.diag(RED) / np.sum(RED, axis=1)
    names = ("cat", "dog_cow", "fox")
    for name, value, support in zip(names, recall, np.sum(RED, axis=1), strict=True):
        assert run.data.metrics[f"confmat/recall/{name}"] == pytest.approx(value)
        assert run.data.metrics[f"confmat/support/{name}"] == support
    assert run.data.metrics["confmat/accuracy"] == 44 / 50
    assert run.data.metrics["confmat/balanced_accuracy"] == pytest.approx(recall.mean())
    assert run.data.tags["confmat.outcome"] == "failed"
    assert run.data.tags["confmat.model_sha256"] == "ab" * 32
    kept = {artifact.path for artifact in client.list_artifacts(run.info.run_id, "confmat")}
    assert kept == {f"confmat/{path.name}" for path in report.iterdir()}
    (used,) = run.inputs.dataset_inputs
    assert json.loads(used.dataset.source) == {"source": "directory data/test"}


def test_a_run_and_a_model_that_are_there_are_used(mlflow, report):
    from pytest_confmat.mlflow import log_report

    model = mlflow.create_external_model(name="candidate")
    with mlflow.start_run() as run:
        log_report(report, model_id=model.model_id)
        assert mlflow.active_run().info.run_id == run.info.run_id
    metrics = mlflow.get_logged_model(model.model_id).metrics
    found = {metric.key: metric.value for metric in metrics}
    assert found["confmat/recall/cat"] == 0.8
    other = mlflow.MlflowClient().create_run("0")
    log_report(report, run_id=other.info.run_id)
    assert "confmat/accuracy" in mlflow.get_run(other.info.run_id).data.metrics


def test_what_is_missing_is_said(report, monkeypatch, tmp_path):
    from pytest_confmat.mlflow import log_report

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mlflow", None)
        with pytest.raises(MissingDependencyError) as caught:
            log_report(report)
    assert str(caught.value) == (
        "log_report needs MLflow, which is not installed: pip install 'pytest-confmat[mlflow]'"
    )
    pytest.importorskip("mlflow", reason="reports are not logged to MLflow")
    with pytest.raises(EvaluationError, match="there is no report"):
        log_report(tmp_path / "nothing")

"""A report in MLflow: metrics, verdict and digests of a run, with the report as its artifact."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.notebook import load_report

# What MLflow allows in the name of a metric, besides letters and digits.
_ALLOWED = frozenset("_-. /:")
_TAG = 5000


def log_report(
    path: str | Path, *, run_id: str | None = None, model_id: str | None = None
) -> Mapping[str, float]:
    """Log the report of a gate to an MLflow run; return the metrics that were logged.

    Metrics are accuracy, each overall number that a limit is on, and of each class recall,
    precision, F1 and support: ``confmat/recall/cat``. Tags are ``confmat.outcome``,
    ``confmat.policy``, ``confmat.model_sha256`` and ``confmat.dataset_digest``. The files of the
    report are artifacts below ``confmat``, and the evaluation set is the dataset of the metrics.

    Parameters
    ----------
    path
        The folder of ``--confmat-report``.
    run_id
        The run; ``None``: the active one, or a new one.
    model_id
        A logged model, of which the metrics are then.

    Raises
    ------
    MissingDependencyError
        If MLflow is not installed.
    EvaluationError
        If there is no report with an evaluation.
    """
    try:
        import mlflow
    except ImportError as error:
        raise MissingDependencyError(
            "log_report needs MLflow, which is not installed: pip install 'pytest-confmat[mlflow]'"
        ) from error
    folder = Path(path).expanduser()
    document = load_report(folder).document
    assert document is not None
    metrics = dict(_metrics(document))
    started = None
    if run_id is None:
        run = mlflow.active_run()
        if run is None:
            run = started = mlflow.start_run()
        run_id = run.info.run_id
    try:
        client = mlflow.MlflowClient()
        for key, value in _tags(document).items():
            client.set_tag(run_id, key, value)
        mlflow.log_metrics(metrics, run_id=run_id, model_id=model_id, dataset=_dataset(document))
        client.log_artifacts(run_id, str(folder), "confmat")
    finally:
        if started is not None:
            mlflow.end_run()
    return metrics


def _metrics(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if document["accuracy"] is not None:
        yield "confmat/accuracy", document["accuracy"]["value"]
    for verdict in document["verdicts"]:
        if verdict["class"] is None and verdict["observed"] is not None:
            yield _name(verdict["id"].removesuffix("[*]")), verdict["observed"]
    for row in document["per_class"]:
        for key in ("recall", "precision", "f1", "support"):
            if row[key] is not None:
                yield _name(key, row["class"]), row[key]


def _name(*parts: str) -> str:
    """Return the name of a metric, with what MLflow does not take as underscores."""
    return "/".join(
        "".join(c if c.isalnum() or c in _ALLOWED - {"/"} else "_" for c in part)
        for part in ("confmat", *parts)
    )[:250]


def _tags(document: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "confmat.outcome": document["outcome"],
        "confmat.policy": document["policy"],
        "confmat.model_sha256": document["model"]["sha256"],
        "confmat.dataset_digest": document["dataset"]["digest"],
    }
    return {key: str(value)[:_TAG] for key, value in found.items() if value is not None}


def _dataset(document: Mapping[str, Any]) -> Any:
    """Return the evaluation set as MLflow knows one; its digests have 36 characters at most."""
    from mlflow.entities import Dataset

    found = document["dataset"]
    digest = str(found["digest"]).removeprefix("sha256:")[:32]
    source = json.dumps({"source": found["source"]})
    return Dataset("confmat-evaluation-set", digest, "confmat", source)

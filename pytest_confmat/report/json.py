"""A result as JSON, for programs. ``docs/confmat-json.md`` explains it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pytest_confmat.evaluation import Evaluation, Fault
from pytest_confmat.filenames import text_of
from pytest_confmat.limits import Exemption, Weighting
from pytest_confmat.report.class_view import ClassView, all_notes, class_view, weightings
from pytest_confmat.report.rows import (
    CLASS_METRICS,
    ClassRow,
    accuracy_of,
    accuracy_row,
    accuracy_text,
    class_rows,
    verdict_row,
)
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateOutcome, GateResult
from pytest_confmat.verdict import Change, Verdict
from pytest_confmat.weighting import weighted_entries, weighted_matrix
from pytest_confmat.writing import write_atomically

SCHEMA_VERSION = 1
_DATASET = (
    "source",
    "input",
    "examples",
    "digest",
    "classes",
    "support",
    "unpredicted",
    "without_examples",
)
_WORST_FIRST: tuple[GateOutcome, ...] = ("error", "failed", "incomplete", "passed")


def document(result: GateResult) -> dict[str, Any]:
    """Return `result` as JSON values alone: strict JSON has no NaN, so that becomes ``None``."""
    evaluation = result.evaluation
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": result.outcome,
        "policy": text_of(str(result.policy)),
        "model": dict.fromkeys(("path", "format", "sha256", "runtime")) | _plain(result.model),
        "dataset": _dataset(result),
        "accuracy": _accuracy(result),
        "per_class": None if evaluation is None else _per_class(result, evaluation),
        **_matrix(evaluation),
        "weighted_matrix": [] if evaluation is None else _weighted(result, evaluation),
        "faults": [_fault(fault) for fault in result.faults],
        "verdicts": [_verdict(verdict) for verdict in result.verdicts],
        "waiting": result.waiting,
        "unchecked": list(result.unchecked),
        "exemptions": [_exemption(exemption) for exemption in result.exemptions],
        "error": result.error,
        "suspicions": [_plain(cause.to_plain()) for cause in result.likely_causes],
        "notes": list(all_notes(result)),
        "versions": _plain(result.versions),
        "timing": _timing(result),
        "cached": result.cached,
        "baseline": _baseline(result),
    }


def incomplete_document(policy: Path | None) -> dict[str, Any]:
    """Return what stands in the report's place until the run has ended.

    `policy` is ``None`` until policies are known.
    """
    note = "the run that this report belongs to has not ended, or was cut off"
    values = document(GateResult(policy or Path(), "incomplete", notes=(note,)))
    return values | {"policy": None if policy is None else text_of(str(policy))}


def error_document(policy: Path | None, reason: str) -> dict[str, Any]:
    """Return the report of a run that was refused, or that ended before any limit was checked."""
    values = document(GateResult(policy or Path(), "error", error=reason))
    return values | {"policy": None if policy is None else text_of(str(policy))}


def overview_document(reports: Sequence[Mapping[str, Any]], reason: str | None) -> dict[str, Any]:
    """Return what stands above the reports of several policies: the worst of their outcomes.

    Parameters
    ----------
    reports
        ``path``, ``policy`` and ``outcome`` of each.
    reason
        Why the run ended without a result, if it did.
    """
    outcomes = {report["outcome"] for report in reports}
    worst = next(outcome for outcome in _WORST_FIRST if outcome in outcomes)
    values = document(GateResult(Path(), worst, error=reason))
    return values | {"policy": None, "reports": [dict(report) for report in reports]}


def write_json(result: GateResult | Mapping[str, Any], path: Path) -> None:
    """Write a result, or a document made before, to `path` atomically, in ASCII.

    One line for every verdict and every row of the matrix, so that two reports can be compared
    line by line.
    """
    values = document(result) if isinstance(result, GateResult) else _plain(result)
    entries = [f"  {_dump(key)}: {_entry(value)}" for key, value in values.items()]
    write_atomically(path, ("{\n" + ",\n".join(entries) + "\n}\n").encode("ascii"))


def _dataset(result: GateResult) -> dict[str, Any]:
    dataset: dict[str, Any] = dict.fromkeys(_DATASET)
    dataset |= _plain(result.dataset)
    evaluation = result.evaluation
    if evaluation is not None:
        dataset["examples"] = len(evaluation)
        dataset["classes"] = list(evaluation.classes)
        dataset["support"] = evaluation.matrix.support.tolist()
        dataset["unpredicted"] = evaluation.matrix.unpredicted.tolist()
        without = evaluation.without_examples
        dataset["without_examples"] = [name for name in evaluation.classes if name in without]
    return dataset


def _accuracy(result: GateResult) -> dict[str, Any] | None:
    value = accuracy_of(result)
    return None if value is None else {"value": float(value), "text": accuracy_text(result)}


def _per_class(result: GateResult, evaluation: Evaluation) -> list[dict[str, Any]]:
    view = class_view(result, evaluation.matrix)
    return [_of_class(view, row) for row in class_rows(view)]


def _of_class(view: ClassView, row: ClassRow) -> dict[str, Any]:
    interval = view.intervals.get(row.name)
    values = {name: view.value(name, row.index) for name in CLASS_METRICS}
    values["change"] = view.changes[row.index] if view.changes else None
    texts = dict(zip(CLASS_METRICS, row.metrics, strict=True))
    return {
        "class": row.name,
        "support": row.support,
        **{name: _plain(value) for name, value in values.items()},
        "interval": None if interval is None else list(interval),
        "fails": row.fails,
        "texts": {**texts, "change": row.change, "interval": row.interval, "bound": row.bound},
    }


def _matrix(evaluation: Evaluation | None) -> dict[str, Any]:
    """Return the counts: all cells, or of very many classes those that are not empty."""
    if evaluation is None:
        return {"matrix": None, "matrix_entries": None}
    matrix = evaluation.matrix
    if matrix.is_large:
        return {"matrix": None, "matrix_entries": matrix.cells.by_row()}
    return {"matrix": matrix.counts.tolist(), "matrix_entries": None}


def _weighted(result: GateResult, evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "weights": _weights(weighting),
            "normalize": weighting.normalize,
            **_weighted_matrix(evaluation, weighting),
        }
        for weighting in weightings(result)
    ]


def _weighted_matrix(evaluation: Evaluation, weighting: Weighting) -> dict[str, Any]:
    if evaluation.matrix.is_large:
        entries = weighted_entries(evaluation, weighting)
        return {"matrix": None, "matrix_entries": entries.by_row()}
    rows = weighted_matrix(evaluation, weighting).tolist()
    matrix = [[value if math.isfinite(value) else None for value in row] for row in rows]
    return {"matrix": matrix, "matrix_entries": None}


def _weights(weighting: Weighting) -> str | dict[str, float]:
    if isinstance(weighting.weights, str):
        return weighting.weights
    return {name: float(weight) for name, weight in weighting.weights}


def _fault(fault: Fault) -> dict[str, str | None]:
    return {"id": fault.id, "reason": fault.reason, "class": fault.actual}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    limit, row = verdict.limit, verdict_row(verdict)
    return {
        "id": limit.id,
        "metric": limit.metric,
        "class": limit.actual,
        "predicted": limit.predicted,
        "observed": None if verdict.observed is None else float(verdict.observed),
        "bound": float(limit.bound.value),
        "kind": limit.bound.kind,
        "support": verdict.support,
        "outcome": verdict.outcome,
        "undefined": verdict.undefined,
        "hits": verdict.hits,
        "trials": verdict.trials,
        "needed": verdict.needed,
        "against": limit.against,
        "rule": limit.evidence.rule,
        "blocks": verdict.blocks,
        "interval": None if verdict.interval is None else list(verdict.interval),
        "confidence": None if verdict.confidence is None else list(verdict.confidence),
        "denominator": verdict.denominator,
        "examples_needed": verdict.examples_needed,
        "unprovable": verdict.unprovable,
        "least_trials": verdict.least_trials,
        "change": _change(verdict.change),
        "mistakes": [
            {
                "id": mistake.id,
                "actual": mistake.actual,
                "predicted": mistake.predicted,
                "score": _plain(mistake.score),
            }
            for mistake in verdict.mistakes
        ],
        "texts": {
            "observed": row.observed,
            "sign": row.sign,
            "bound": row.bound,
            "interval": row.interval,
        },
        "message": describe(verdict),
        "location": None if limit.location is None else str(limit.location),
    }


def _change(change: Change | None) -> dict[str, Any] | None:
    return None if change is None else _plain(asdict(change))


def _baseline(result: GateResult) -> dict[str, Any] | None:
    if result.changes is None:
        return None
    plain: dict[str, Any] = _plain(asdict(result.changes))
    plain["against"] = result.other
    model = None if result.comparison is None else result.comparison.model
    plain["model"] = model and {key: model.get(key) for key in ("path", "format", "sha256")}
    if row := accuracy_row(result):
        texts = {"before": row.before, "now": row.now, "difference": row.difference}
        plain["accuracy"] |= {"texts": texts}
    return plain


def _exemption(exemption: Exemption) -> dict[str, Any]:
    return {
        "metric": exemption.metric,
        "class": exemption.actual,
        "location": str(exemption.location),
    }


def _timing(result: GateResult) -> dict[str, Any]:
    timing: dict[str, Any] = _plain(result.timing)
    rate = result.examples_per_second
    return timing if rate is None else {**timing, "examples_per_second": _plain(rate)}


def _plain(value: Any) -> Any:
    """Return `value` made of what JSON has; what it has no form for becomes its text."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(entry) for entry in value]
    if isinstance(value, float | Fraction):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _entry(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {_dump(item)}" for item in value) + "\n  ]"
    return _dump(value)


def _dump(value: Any) -> str:
    # ASCII alone: a lone surrogate, which a file name may hold, has no form in UTF-8.
    return json.dumps(value, ensure_ascii=True, allow_nan=False)

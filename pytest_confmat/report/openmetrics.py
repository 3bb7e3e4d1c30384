"""The numbers of a result in the text form of OpenMetrics 1.0, for GitLab and Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from pytest_confmat.filenames import short_path
from pytest_confmat.report.class_view import class_view
from pytest_confmat.report.rows import (
    CLASS_METRICS,
    UNKNOWN,
    ClassRow,
    accuracy_row,
    accuracy_text,
    class_rows,
    verdict_row,
)
from pytest_confmat.result import GateOutcome, GateResult
from pytest_confmat.verdict import Outcome
from pytest_confmat.writing import write_atomically

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
Labels = Mapping[str, str]


def write_metrics(result: GateResult, path: Path) -> None:
    """Write the numbers of a result to `path`, atomically."""
    write_atomically(path, openmetrics(result).encode("utf-8"))


def openmetrics(result: GateResult) -> str:
    """Return the numbers of a result as OpenMetrics, which ends in ``# EOF``.

    Every sample has the label `policy`; an undefined number is ``NaN``.
    """
    policy = {"policy": short_path(result.policy)}
    lines = [*_gate(result, policy), *_limits(result, policy), *_classes(result, policy)]
    return "\n".join((*lines, "# EOF")) + "\n"


def _gate(result: GateResult, policy: Labels) -> Iterator[str]:
    known = {
        "model": result.model.get("path") or result.model.get("format"),
        "model_sha256": result.model.get("sha256"),
        "dataset_digest": result.dataset.get("digest"),
    }
    labels = {name: str(value) for name, value in known.items() if value}
    yield from _family("confmat_gate", "info", "What was judged.")
    yield _sample("confmat_gate_info", {**policy, **labels}, "1")
    yield from _states(
        "confmat_gate_outcome",
        "The outcome of the gate.",
        [(policy, result.outcome)],
        get_args(GateOutcome),
    )
    if result.evaluation is not None:
        yield from _family("confmat_examples", "gauge", "Examples in the evaluation set.")
        yield _sample("confmat_examples", policy, str(len(result.evaluation)))
    if accuracy := accuracy_text(result):
        yield from _family("confmat_accuracy", "gauge", "Share of examples predicted correctly.")
        yield _sample("confmat_accuracy", policy, accuracy)
    if since := accuracy_row(result):
        yield from _family(
            "confmat_accuracy_change",
            "gauge",
            "Change in accuracy from the baseline or the reference, on common examples.",
        )
        yield _sample("confmat_accuracy_change", policy, since.difference)


def _limits(result: GateResult, policy: Labels) -> Iterator[str]:
    rows = [verdict_row(verdict) for verdict in result.verdicts]
    if not rows:
        return
    labels = []
    for row in rows:
        of_class = {"class": row.actual, "predicted": row.predicted}
        named = {name: value for name, value in of_class.items() if value is not None}
        labels.append({**policy, "limit": row.id, "metric": row.metric, **named})
    yield from _family("confmat_limit_observed", "gauge", "The number that a limit is on.")
    for each, row in zip(labels, rows, strict=True):
        yield _sample("confmat_limit_observed", each, _number(row.observed))
    yield from _family("confmat_limit_bound", "gauge", "The bound of a limit.")
    for each, row in zip(labels, rows, strict=True):
        yield _sample("confmat_limit_bound", {**each, "sign": row.sign}, row.bound)
    outcomes = [(each, row.outcome) for each, row in zip(labels, rows, strict=True)]
    yield from _states(
        "confmat_limit_outcome", "The outcome of a limit.", outcomes, get_args(Outcome)
    )


def _classes(result: GateResult, policy: Labels) -> Iterator[str]:
    if result.evaluation is None:
        return
    view = class_view(result, result.evaluation.matrix)
    rows = class_rows(view)

    def gauge(name: str, said: str, values: Iterable[str]) -> Iterator[str]:
        yield from _family(name, "gauge", said)
        for row, value in zip(rows, values, strict=True):
            yield _sample(name, _of_class(policy, row), _number(value))

    yield from gauge(
        "confmat_class_support", "Examples of a class.", [str(row.support) for row in rows]
    )
    for at, metric in enumerate(CLASS_METRICS):
        said = f"{metric.capitalize()} of a class."
        yield from gauge(f"confmat_class_{metric}", said, [row.metrics[at] for row in rows])
    if view.changes:
        yield from gauge(
            "confmat_class_recall_change",
            "Change in the recall of a class from the baseline or reference, on common examples.",
            [row.change for row in rows],
        )


def _of_class(policy: Labels, row: ClassRow) -> Labels:
    return {**policy, "class": row.name}


def _number(text: str) -> str:
    return "NaN" if text in (UNKNOWN, "undefined") else text


def _family(name: str, kind: str, said: str) -> Iterator[str]:
    yield f"# HELP {name} {said}"
    yield f"# TYPE {name} {kind}"


def _states(
    name: str, said: str, found: Iterable[tuple[Labels, str]], states: Iterable[str]
) -> Iterator[str]:
    """Yield a set of states: one sample a state, 1 for the one that is."""
    yield from _family(name, "stateset", said)
    for labels, outcome in found:
        for state in states:
            yield _sample(name, {**labels, name: state}, "1" if state == outcome else "0")


def _sample(name: str, labels: Labels, value: str) -> str:
    said = ",".join(f'{label}="{_label(text)}"' for label, text in labels.items())
    return f"{name}{{{said}}} {value}"


def _label(text: str) -> str:
    """Escape the value of a label; a lone surrogate, which UTF-8 cannot hold, is spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_ESCAPES)

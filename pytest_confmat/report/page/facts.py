"""What a result rests on, as pairs of a term and its value."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_confmat.escaping import printable
from pytest_confmat.filenames import short_path
from pytest_confmat.report.rows import accuracy_row, accuracy_text
from pytest_confmat.report.summary import (
    comparison_title,
    since_baseline,
    time_line,
    without_examples,
)
from pytest_confmat.result import GateResult
from pytest_confmat.text import plural

_VALUE = 1000


def facts(result: GateResult) -> list[tuple[str, str]]:
    """Return what is known of a result: model, data, digests, policy, versions, time."""
    return [(term, printable(value, _VALUE)) for term, value in _facts(result)]


def _facts(result: GateResult) -> Iterator[tuple[str, str]]:
    model, dataset, evaluation = result.model, result.dataset, result.evaluation
    named = (
        ("Model", model.get("path") or model.get("format")),
        ("Run by", model.get("runtime")),
        ("Model SHA-256", model.get("sha256")),
        ("Data", dataset.get("source")),
    )
    yield from ((term, str(value)) for term, value in named if value)
    if evaluation is not None:
        k = len(evaluation.classes)
        yield "Examples", f"{plural(len(evaluation), 'example')} of {plural(k, 'class', 'classes')}"
    if accuracy := accuracy_text(result):
        yield "Accuracy", accuracy
    if without := without_examples(result):
        yield "Classes", without
    if digest := dataset.get("digest"):
        yield "Data digest", str(digest)
    if given := dataset.get("input"):
        yield "Model input", str(given)
    yield "Policy", short_path(result.policy)
    if since := accuracy_row(result):
        yield comparison_title(since).capitalize(), since_baseline(since)
    if evaluation is not None:
        yield (
            "Evaluated",
            f"from the cache, computed {result.cached}" if result.cached else "in this run",
        )
    if time := time_line(result):
        yield "Time", time.removeprefix("time: ")
    if result.versions:
        yield (
            "Versions",
            ", ".join(map(" ".join, result.versions.items())),
        )

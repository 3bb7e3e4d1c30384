"""All errors of a result as a table, for a spreadsheet or pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pytest_confmat.evaluation import Evaluation
from pytest_confmat.parts import UNPREDICTED
from pytest_confmat.report.rows import score_text
from pytest_confmat.result import GateResult
from pytest_confmat.writing import write_atomically

MOST = 100_000
COLUMNS = (
    "id",
    "true",
    "predicted",
    "score",
    "runner_up",
    "runner_up_score",
    "rank",
    "newly_wrong",
    "fault",
)
# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_mistakes(result: GateResult, path: Path, most: int = MOST) -> str | None:
    """Write the errors of a result as CSV in UTF-8, those with the highest scores first.

    Examples at fault, which were predicted as no class, come last. Where there are more than
    `most` errors, the first of them are written, and the note that is returned says so.
    """
    evaluation = result.evaluation
    assert evaluation is not None
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    names = sorted({name for part in evaluation.parts for name in part.columns})
    writer.writerow([*COLUMNS, *map(_cell, names)])
    true, predicted = evaluation.array("true"), evaluation.array("predicted")
    total = int(np.count_nonzero(true != predicted))
    for row in _rows(result, evaluation, names, most):
        writer.writerow(row)
    text = buffer.getvalue()
    write_atomically(path, text.encode("utf-8", "backslashreplace"))
    if total <= most:
        return None
    return f"{path.name} lists {most:,} of {total:,} errors, those with the highest scores"


def _rows(
    result: GateResult, evaluation: Evaluation, names: list[str], most: int
) -> Iterator[list[object]]:
    true, predicted = evaluation.array("true"), evaluation.array("predicted")
    score, rank = evaluation.array("score"), evaluation.array("rank")
    second, second_score = evaluation.array("runner_up"), evaluation.array("runner_up_score")
    wrong = np.flatnonzero(true != predicted)
    # NaN, the score of what was not predicted, sorts last.
    order = wrong[np.argsort(-score[wrong], kind="stable")][:most]
    comparison = result.comparison
    common = frozenset[int]() if comparison is None else frozenset(comparison.places.tolist())
    newly = (
        frozenset[int]()
        if comparison is None
        else frozenset(comparison.places[comparison.newly_wrong].tolist())
    )
    faults = {fault.id: fault.reason for fault in evaluation.faults}
    columns = [evaluation.column(name).texts() for name in names]
    classes = evaluation.classes
    for place in order.tolist():
        is_fault = predicted[place] == UNPREDICTED
        name = evaluation.ids[place]
        yield [
            _cell(name),
            _cell(classes[true[place]]),
            "" if is_fault else _cell(classes[predicted[place]]),
            score_text(float(score[place])),
            "" if second[place] == UNPREDICTED else _cell(classes[second[place]]),
            score_text(float(second_score[place])),
            "" if is_fault else int(rank[place]),
            ("yes" if place in newly else "no") if place in common else "",
            _cell(faults.get(name, "")) if is_fault else "",
            *(_cell(texts[place] or "") for texts in columns),
        ]


def _cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs: behind an apostrophe where it might."""
    return f"'{text}" if text.startswith(_FORMULA) else text

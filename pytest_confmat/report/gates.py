"""The gates of a run in one table, for runs that have several."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_confmat.escaping import printable
from pytest_confmat.filenames import short_path
from pytest_confmat.report.summary import verdict_line
from pytest_confmat.result import GateResult

_PREFIX = "confmat: "


def gates_table(results: Sequence[GateResult], width: int) -> list[str]:
    """Return a line for each gate: its policy, its model and its verdict, in columns."""
    subjects = [(printable(short_path(result.policy)), _model(result)) for result in results]
    columns = [max(map(len, column)) for column in zip(*subjects, strict=True)]
    room = width - sum(columns) - 2 * len(columns)
    return [
        f"{policy:{columns[0]}}  {model:{columns[1]}}  "
        f"{verdict_line(result, room).removeprefix(_PREFIX)}"
        for (policy, model), result in zip(subjects, results, strict=True)
    ]


def _model(result: GateResult) -> str:
    model = result.model.get("path") or result.model.get("format")
    return printable(str(model)) if model else "-"

"""Renders the page of a result."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from pytest_confmat.decimals import percent
from pytest_confmat.escaping import printable, printable_lines
from pytest_confmat.filenames import short_path
from pytest_confmat.report.class_view import ClassView, all_notes, class_view, confusions
from pytest_confmat.report.page import drawings, shades
from pytest_confmat.report.page.calibration import calibration_of
from pytest_confmat.report.page.curves import curves_of
from pytest_confmat.report.page.facts import facts
from pytest_confmat.report.page.matrix_view import MatrixView, matrix_view
from pytest_confmat.report.page.payload import encoded, payload
from pytest_confmat.report.rows import VerdictRow, class_rows, verdict_row
from pytest_confmat.report.summary import WORDS, finding, subject, word
from pytest_confmat.report.wording import reasons
from pytest_confmat.result import GateResult
from pytest_confmat.verdict import Verdict
from pytest_confmat.writing import write_atomically

FAILED_SHOWN = 50
LIMITS_SHOWN = 2000
CLASSES_SHOWN = 2000
CONFUSIONS_SHOWN = 30
# Known by it to a later run, which replaces it.
MARK = "<!-- pytest-confmat report -->"
_HERE = Path(__file__).parent
# In the order of use: each file takes functions from those before it.
_SCRIPTS = ("numbers", "data", "matrix", "canvas", "examples", "tables", "main")
_NAME = 60


@dataclass(frozen=True)
class FailedLimit:
    """A limit that did not pass, and where the page shows more of it."""

    row: VerdictRow
    reasons: tuple[str, ...]
    anchor: str | None
    link: str


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix as it looks without styles and scripts."""

    text: str
    background: str
    color: str
    css: str
    title: str


def write_page(result: GateResult, path: Path) -> None:
    """Write the page of a result to `path`, atomically."""
    write_atomically(path, page(result).encode("utf-8"))


def page(result: GateResult) -> str:
    """Return the page of a result: one HTML file that needs nothing else."""
    style = (_HERE / "page.css").read_text("utf-8") + shades.css()
    script = _script()
    values: dict[str, Any] = {
        "mark": MARK,
        "style": style,
        "style_hash": _content_hash(style),
        "script": script,
        "script_hash": _content_hash(script),
        "result": result,
        "word": word(result).upper(),
        "subject": printable(subject(result), 1000),
        "finding": printable(finding(result, 160), 4000),
        "policy": printable(short_path(result.policy), 400),
        "error": printable_lines(result.error or ""),
        "failed": list(_failed(result))[:FAILED_SHOWN],
        "failed_total": sum(verdict.blocks for verdict in result.verdicts),
        "limits": _limits(result),
        "limits_total": len(result.verdicts),
        "unchecked": [printable(name) for name in result.unchecked],
        "causes": [printable_lines(cause.text) for cause in result.likely_causes],
        "notes": [printable(note, 2000) for note in all_notes(result)],
        "facts": facts(result),
        "written": _now(),
        "data": "",
        "view": None,
        "calibration": None,
        "curves": None,
    }
    if result.evaluation is not None:
        values |= _numbers(result)
    return str(_environment().get_template("page.html").render(values))


def write_overview(document: Mapping[str, Any], path: Path) -> None:
    """Write the page that stands above the reports of several policies.

    Parameters
    ----------
    document
        What `report.json.overview_document` returned.
    """
    style = (_HERE / "page.css").read_text("utf-8")
    gates = [
        {
            "policy": printable(short_path(Path(report["policy"])), 400),
            "outcome": report["outcome"],
            "word": WORDS[report["outcome"]],
            "link": quote(f"{PurePosixPath(report['path']).parent}/report.html"),
        }
        for report in document["reports"]
    ]
    text = (
        _environment()
        .get_template("overview.html")
        .render(
            mark=MARK,
            style=style,
            style_hash=_content_hash(style),
            outcome=document["outcome"],
            word=WORDS[document["outcome"]].upper(),
            reason=printable_lines(document["error"] or ""),
            gates=gates,
            passed=sum(gate["outcome"] == "passed" for gate in gates),
            written=_now(),
        )
    )
    write_atomically(path, text.encode("utf-8"))


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _numbers(result: GateResult) -> dict[str, Any]:
    evaluation = result.evaluation
    assert evaluation is not None
    view = class_view(result, evaluation.matrix)
    shown = matrix_view(view)
    axis = drawings.recall_axis(view)
    classes = [
        (row, printable(row.name, _NAME), drawings.recall_bar(view, row.index, axis))
        for row in class_rows(view, _listed(view))
    ]
    found, curves = calibration_of(evaluation), curves_of(evaluation)
    return {
        "view": view,
        "axis": axis,
        "classes": classes,
        "names": [printable(evaluation.classes[i], 24) for i in shown.indices],
        "matrix": list(_cells(view, shown)),
        "shown": shown,
        "confusions": list(_confusions(view)),
        "calibration": found,
        "histogram": drawings.histogram(found) if found else [],
        "reliability": drawings.reliability(found) if found else [],
        "curves": drawings.curve_lines(curves) if curves else None,
        "positive": printable(evaluation.classes[-1], _NAME),
        "data": encoded(payload(result, view, shown)),
    }


def _listed(view: ClassView) -> Sequence[int]:
    """Return all classes, or of very many those that fail and those of the lowest recall."""
    k = len(view.matrix.classes)
    if k <= CLASSES_SHOWN:
        return range(k)

    def worst_first(index: int) -> tuple[bool, float, int]:
        value = view.value("recall", index)
        return index not in view.failed, 1.0 if value is None else float(value), index

    return sorted(sorted(range(k), key=worst_first)[:CLASSES_SHOWN])


def _failed(result: GateResult) -> Iterator[FailedLimit]:
    classes = () if result.evaluation is None else result.evaluation.classes
    known = {name: index for index, name in enumerate(classes)}
    for verdict in result.verdicts:
        if verdict.blocks:
            lines = tuple(printable(line, 1000) for line in reasons(verdict))
            yield FailedLimit(verdict_row(verdict), lines, *_anchor(verdict, known))


def _anchor(verdict: Verdict, known: Mapping[str, int]) -> tuple[str | None, str]:
    """Return where the page shows more, the class of a limit or the worst cell, and its name."""
    limit = verdict.limit
    actual, predicted = limit.actual, limit.predicted
    if verdict.cells and actual is None:
        actual, predicted, *_ = verdict.cells[0]
    if actual is None or actual not in known:
        return None, ""
    if predicted is not None and predicted in known:
        pair = f"{printable(actual, _NAME)} predicted as {printable(predicted, _NAME)}"
        return f"#cell-{known[actual]}-{known[predicted]}", f"show {pair}"
    return f"#class-{known[actual]}", f"show {printable(actual, _NAME)}"


def _limits(result: GateResult) -> list[VerdictRow]:
    """Return the rows of the limits, those that block before the others."""
    ordered = sorted(result.verdicts, key=lambda verdict: not verdict.blocks)
    return [verdict_row(verdict) for verdict in ordered[:LIMITS_SHOWN]]


def _cells(view: ClassView, shown: MatrixView) -> Iterator[list[Cell]]:
    """Yield the rows of cells, shaded by their shares of the true class."""
    counts, support = shown.counts.tolist(), shown.support.tolist()
    n = len(shown.indices)
    off = view.matrix.cells.off_diagonal()
    most = float((off.values / view.matrix.support[off.rows]).max(initial=0))
    for i, row in enumerate(counts):
        cells = []
        for j, count in enumerate(row):
            # Others that are predicted as each other are no cell of the diagonal.
            side = "good" if i == j and i < n else "bad"
            highest = 1.0 if side == "good" else most
            is_aside = i == j == n
            at = 0 if is_aside else shades.level(count / max(support[i], 1), highest)
            out = i < n and j < n and (shown.indices[i], shown.indices[j]) in view.cells
            cells.append(
                Cell(
                    f"{count:,}" if count else "·",
                    getattr(shades.LIGHT, side)[at],
                    shades.LIGHT.text_on(at),
                    f"{side}-{at}{' is-out' if out else ''}",
                    percent(count, support[i]),
                )
            )
        yield cells


def _confusions(view: ClassView) -> Iterator[tuple[int, int, str, str, int, str]]:
    matrix = view.matrix
    cells = confusions(matrix)[:CONFUSIONS_SHOWN]
    if not cells:
        return
    counts = matrix.cells.at(*zip(*cells, strict=True)).tolist()
    for (i, j), n in zip(cells, counts, strict=True):
        actual, predicted = (printable(matrix.classes[index], _NAME) for index in (i, j))
        yield i, j, actual, predicted, n, percent(n, int(matrix.support[i]))


def _script() -> str:
    parts = [(_HERE / f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "\n})();\n"


def _content_hash(text: str) -> str:
    """Return the hash by which the page's own policy allows a style or a script."""
    return "sha256-" + base64.b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""Draws confusion matrices with scikit-learn's display, on figures without pyplot's state.

Imports matplotlib and scikit-learn; `picture` says what to do where they are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from pytest_confmat.decimals import decimal_text, percent
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.limits import Weighting
from pytest_confmat.matrix import ConfusionMatrix, Floats, normalized
from pytest_confmat.report.class_view import ClassView, class_view, weightings
from pytest_confmat.report.fonts import Fonts
from pytest_confmat.report.summary import verdict_line
from pytest_confmat.result import GateResult
from pytest_confmat.weighting import weighted_matrix

DPI = 100
# Up to so many classes have numbers in their cells.
NUMBERED = 30
# The rest is in dots. Up to 1,200 classes a cell is a square of whole dots, so that none is lost
# between two; beyond that the picture grows no more.
_MOST = 2400
_MARGIN = 24
_HEAD = 116
_GAP = 36
_BAR = (16, 16, 70)  # room before the color bar, its width, room for its labels
_LABEL = 24
_LINE = 11
_STEPS = [step * 10**power for power in range(9) for step in (1, 2, 5)]
_RED, _GRAY = "#b2182b", "0.4"
_OUTCOME_COLORS = {"passed": "#1a7f37", "failed": _RED, "error": _RED, "incomplete": "#9a6700"}
_TICKS = (-1.0, -0.5, -0.1, -0.01, 0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class _Panel:
    """One matrix: what its colors show (K, K; NaN where nothing is known), and its cells say.

    `scale` is the value that has the full color.
    """

    title: str
    values: Floats
    texts: Sequence[Sequence[str]]
    scale: float


@dataclass(frozen=True)
class _Layout:
    """How classes are laid out, in dots: cells, labels (every how many), the room they take."""

    fonts: Fonts
    labels: Sequence[str]
    cell: float
    every: int
    size: float
    upright: bool
    left: float
    below: float

    @property
    def side(self) -> int:
        return round(self.cell * len(self.labels))

    @property
    def width(self) -> float:
        return self.left + self.side + sum(_BAR)


def draw(result: GateResult) -> Figure:
    """Return the figure of a result: its matrix, and one for each weighting that a limit uses."""
    fonts = Fonts(DPI)
    head = _head(result, fonts)
    if result.evaluation is None:
        figure, _ = _figure(head, fonts, 0, 0)
        return figure
    classes = class_view(result, result.evaluation.matrix)
    panels = [_counts_panel(classes.matrix)]
    panels += [_weighted_panel(result.evaluation, w) for w in weightings(result)]
    layout = _layout(classes.matrix.classes, fonts, _widest(panels))
    width = len(panels) * layout.width + (len(panels) - 1) * _GAP
    height = layout.side + layout.below
    figure, (whole_width, whole_height) = _figure(head, fonts, width, height)
    for number, panel in enumerate(panels):
        left = _MARGIN + number * (layout.width + _GAP) + layout.left
        bottom = _MARGIN + layout.below
        bar = left + layout.side + _BAR[0]

        def axes(x: float, width: float, bottom: float = bottom) -> Axes:
            box = (x / whole_width, bottom / whole_height)
            return figure.add_axes((*box, width / whole_width, layout.side / whole_height))

        _draw_panel(panel, axes(left, layout.side), axes(bar, _BAR[1]), classes, layout)
    return figure


def _head(result: GateResult, fonts: Fonts) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines above the panels and how each looks."""
    model = str(result.model.get("path") or result.model.get("format") or "model")
    lines = [(fonts.text(PurePath(model).name, 80), {"size": 14.0, "weight": "bold"})]
    # In a notebook nothing was judged, and no word of a verdict is due.
    if result.verdicts or result.unchecked or result.outcome != "incomplete":
        finding = verdict_line(result).removeprefix("confmat: ")
        look = {"size": 11.0, "color": _OUTCOME_COLORS[result.outcome]}
        lines.append((fonts.text(finding, 160), look))
    source = result.dataset.get("source")
    facts = [fonts.text(str(source), 100)] if source else []
    if result.evaluation is not None:
        matrix = result.evaluation.matrix
        facts.append(f"{matrix.total} examples of {len(matrix.classes)} classes")
        if matrix.total:
            accuracy = Fraction(int(matrix.correct.sum()), matrix.total)
            facts.append(f"accuracy {decimal_text(accuracy)}")
    given = result.dataset.get("input")
    details = [", ".join(facts), *([fonts.text(f"input: {given}", 160)] if given else [])]
    return [*lines, *((text, {"size": 9.0, "color": _GRAY}) for text in details)]


def _figure(
    head: Sequence[tuple[str, dict[str, Any]]], fonts: Fonts, width: float, height: float
) -> tuple[Figure, tuple[float, float]]:
    """Make a figure with room for panels of this size below the head; its size in dots."""
    widths = [fonts.widths([text], **look)[0] for text, look in head]
    whole = round(2 * _MARGIN + max(width, *widths)), round(2 * _MARGIN + _HEAD + height)
    figure = Figure(figsize=(whole[0] / DPI, whole[1] / DPI), dpi=DPI, facecolor="white")
    top = float(_MARGIN)
    for text, look in head:
        x, y = _MARGIN / whole[0], 1 - top / whole[1]
        figure.text(x, y, text, va="top", **fonts.style(**look))
        top += look["size"] * DPI / 72 * 1.5
    return figure, whole


def _counts_panel(matrix: ConfusionMatrix) -> _Panel:
    shares = normalized(matrix.counts, "true", matrix.unpredicted)
    rows = matrix.counts.tolist() if len(matrix.classes) <= NUMBERED else []
    texts = [
        [f"{n}\n{percent(n, support)}" if n else "0" for n in row]
        for row, support in zip(rows, matrix.support.tolist(), strict=False)
    ]
    return _Panel("examples, and their share of the true class", shares, texts, 1.0)


def _weighted_panel(evaluation: Evaluation, weighting: Weighting) -> _Panel:
    values = weighted_matrix(evaluation, weighting)
    weights = weighting.weights if isinstance(weighting.weights, str) else "the policy's"
    by = f", normalize: {weighting.normalize}" if weighting.normalize else ""
    texts = [
        [
            "" if np.isnan(value) else decimal_text(Fraction(value)) if value else "0"
            for value in row
        ]
        for row in (values.tolist() if len(values) <= NUMBERED else [])
    ]
    known = values[np.isfinite(values)]
    scale = float(known.max(initial=0)) or 1.0
    return _Panel(f"weights: {weights}{by}", values, texts, scale)


def _widest(panels: Sequence[_Panel]) -> int:
    lines = (line for p in panels for row in p.texts for cell in row for line in cell.split("\n"))
    return max(map(len, lines), default=0)


def _layout(classes: Sequence[str], fonts: Fonts, widest: int) -> _Layout:
    k = len(classes)
    if k <= NUMBERED:
        cell, size = float(max(52, 7 * widest + 8, 260 // k)), 9.0
    else:
        cell, size = min(26, max(2, -(-_MOST // 2 // k)), _MOST / k), 7.0
    every = next(n for n in _STEPS if n * cell >= _LINE)
    labels = [fonts.text(name, _LABEL) for name in classes]
    longest = max(fonts.widths(labels[::every], size, weight="bold"))
    upright = longest > every * cell - 6
    # Beyond the labels: the axis's own name.
    below = 40 + (longest if upright else size * DPI / 72)
    return _Layout(fonts, labels, cell, every, size, upright, 40 + longest, below)


def _draw_panel(panel: _Panel, axes: Axes, bar: Axes, classes: ClassView, layout: _Layout) -> None:
    signs = 2 * np.eye(len(layout.labels)) - 1
    norm = _norm(len(layout.labels))
    color_map = mpl.colormaps["RdBu"].with_extremes(bad="0.85")
    display = ConfusionMatrixDisplay(signs * panel.values / panel.scale)
    display.plot(
        ax=axes, include_values=False, colorbar=False, im_kw={"cmap": color_map, "norm": norm}
    )
    style = layout.fonts.style
    axes.set_title(panel.title, loc="left", **style(10, color=_GRAY))
    _label(axes, classes, layout)
    colors = color_map(norm(np.ma.masked_invalid(display.confusion_matrix)))
    for i, row in enumerate(panel.texts):
        for j, text in enumerate(row):
            dark = np.dot(colors[i, j, :3], (0.299, 0.587, 0.114)) < 0.55
            color = "white" if dark else "0.7" if text == "0" else "black"
            weight = "bold" if (i, j) in classes.cells else "normal"
            axes.text(j, i, text, ha="center", va="center", **style(8, color=color, weight=weight))
    axes.figure.colorbar(display.im_, cax=bar)
    ticks = [f"{abs(tick) * panel.scale:.3g}" for tick in _TICKS]
    bar.set_yticks(_TICKS, ticks, **style(7, color=_GRAY))
    bar.set_ylabel("wrong            right", **style(8, color=_GRAY))
    bar.minorticks_off()
    bar.tick_params(color=_GRAY)
    bar.yaxis.get_offset_text().set_visible(False)
    for part in (display.im_.colorbar.outline, *axes.spines.values()):
        part.set(edgecolor="0.8")


def _norm(k: int) -> FuncNorm:
    """Return the color scale: right predictions from 0 to 1, wrong ones from 0 to -1.

    A root makes small shares of wrong visible, the more of it the smaller the cells.
    """
    root = 2 if k <= NUMBERED else 3 if k <= 10 * NUMBERED else 4

    def forward(values: Any) -> Any:
        return np.where(values < 0, -(np.abs(values) ** (1 / root)), values)

    def backward(values: Any) -> Any:
        return np.where(values < 0, -(np.abs(values) ** root), values)

    return FuncNorm((forward, backward), vmin=-1, vmax=1)


def _label(axes: Axes, classes: ClassView, layout: _Layout) -> None:
    """Name rows and columns, and highlight classes with a limit that did not pass."""
    style = layout.fonts.style
    named = range(0, len(layout.labels), layout.every)
    labels = [layout.labels[i] for i in named]
    axes.set_xticks(named, labels, rotation=90 if layout.upright else 0, **style(layout.size))
    axes.set_yticks(named, labels, **style(layout.size))
    axes.set_xlabel("predicted class", **style(9, color=_GRAY))
    axes.set_ylabel("true class", **style(9, color=_GRAY))
    for index, *ticks in zip(named, axes.get_xticklabels(), axes.get_yticklabels(), strict=True):
        if index in classes.failed:
            for tick in ticks:
                tick.set(color=_RED, fontweight="bold")
    axes.tick_params(color="0.8")
    if len(layout.labels) <= NUMBERED:
        between = np.arange(len(layout.labels) - 1) + 0.5
        axes.set_xticks(between, minor=True)
        axes.set_yticks(between, minor=True)
        axes.grid(which="minor", color="0.9", linewidth=0.8)
        axes.tick_params(which="both", length=0)
        return
    # Where not every class is named, a mark beside its row tells one that fails.
    axes.plot(
        np.full(len(classes.failed), 1 + 7 / layout.side),
        sorted(classes.failed),
        linestyle="",
        marker="_",
        markersize=5,
        markeredgewidth=max(1, min(layout.cell / 4, 2.5)),
        color=_RED,
        transform=axes.get_yaxis_transform(),
        clip_on=False,
    )

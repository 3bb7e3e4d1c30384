"""Where the lines and bars of the page's small drawings stand, in the dots of their SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isnan, sqrt

from pytest_confmat.decimals import decimal_text
from pytest_confmat.report.class_view import ClassView
from pytest_confmat.report.page.calibration import BINS, Calibration
from pytest_confmat.report.page.curves import Curves

BAR_WIDTH, BAR_HEIGHT = 160, 16
CHART = 240
_MARGIN = 4
_POINTS = 400


@dataclass(frozen=True)
class Axis:
    """The values from `low` to `high` on `width` dots, with a margin on each side."""

    low: float
    high: float
    width: float = BAR_WIDTH

    def __call__(self, value: float) -> float:
        """Return the dot of a value."""
        inside = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(_MARGIN + inside * (self.width - 2 * _MARGIN), 1)


@dataclass(frozen=True)
class Bar:
    """A class's recall as a dot, its interval as a bar, and its bound as a line; in dots."""

    value: float | None
    interval: tuple[float, float] | None
    bounds: tuple[float, ...]
    fails: bool


@dataclass(frozen=True)
class Column:
    """A bin of a histogram: where it stands, and how high right and wrong predictions are."""

    left: float
    width: float
    right: float
    wrong: float
    label: str


@dataclass(frozen=True)
class Point:
    """A bin of a reliability diagram; `radius` grows with its examples."""

    x: float
    y: float
    radius: float
    label: str


def recall_axis(view: ClassView) -> Axis:
    """Return an axis that holds every recall, interval and bound, up to 1."""
    found = [1.0]
    for i, name in enumerate(view.matrix.classes):
        value = view.value("recall", i)
        found += [] if value is None else [float(value)]
        found += [float(bound.value) for bound in view.bounds.get(("recall", name), ())]
        found += [view.intervals[name][0]] if name in view.intervals else []
    return Axis(min(floor(min(found) * 20) / 20, 0.95), 1.0)


def recall_bar(view: ClassView, index: int, axis: Axis) -> Bar:
    """Return the drawing of one class."""
    name, value = view.matrix.classes[index], view.value("recall", index)
    interval = view.intervals.get(name)
    return Bar(
        None if value is None else axis(float(value)),
        None if interval is None else (axis(interval[0]), axis(interval[1])),
        tuple(axis(float(bound.value)) for bound in view.bounds.get(("recall", name), ())),
        index in view.failed,
    )


def histogram(found: Calibration) -> list[Column]:
    """Return right and wrong predictions by score; the root of a count is its height.

    A few wrong predictions are then seen beside thousands of right ones.
    """
    highest = sqrt(max(int(found.right.max()), int(found.wrong.max()), 1))
    width = CHART / BINS
    return [
        Column(
            round(at * width, 1),
            round(width - 1, 1),
            round(sqrt(right) / highest * CHART / 2, 1),
            round(sqrt(wrong) / highest * CHART / 2, 1),
            f"scores {_edges(at)}: {right:,} right, {wrong:,} wrong",
        )
        for at, (right, wrong) in enumerate(
            zip(found.right.tolist(), found.wrong.tolist(), strict=True)
        )
    ]


def reliability(found: Calibration) -> list[Point]:
    """Return the share of right predictions over the mean score of each bin that is not empty."""
    total = (found.right + found.wrong).tolist()
    most = max(total)
    return [
        Point(
            round(score * CHART, 1),
            round((1 - share) * CHART, 1),
            round(2.5 + 5 * sqrt(n / most), 1),
            f"scores {_edges(at)}: mean {score:.3f}, right {share:.3f}, {n:,} examples",
        )
        for at, (score, share, n) in enumerate(
            zip(found.confidence.tolist(), found.accuracy.tolist(), total, strict=True)
        )
        if not isnan(score)
    ]


def outline(x: Sequence[float], y: Sequence[float]) -> str:
    """Return a curve from 0 to 1 as the points of an SVG polyline, of at most some hundred."""
    last = len(x) - 1
    step = max(1, len(x) // _POINTS)
    chosen = sorted({*range(0, len(x), step), last})
    return " ".join(f"{x[i] * CHART:.1f},{(1 - y[i]) * CHART:.1f}" for i in chosen)


def curve_lines(found: Curves) -> dict[str, str]:
    """Return both curves as points, and their areas as texts."""
    return {
        "roc": outline(found.false_positive.tolist(), found.true_positive.tolist()),
        "precision_recall": outline(found.true_positive.tolist(), found.precision.tolist()),
        "roc_auc": decimal_text(Fraction(found.roc_auc)),
        "average_precision": decimal_text(Fraction(found.average_precision)),
    }


def _edges(at: int) -> str:
    return f"{at / BINS:.2f} to {(at + 1) / BINS:.2f}"

"""Draw the pictures of docs/evidence.md, beside this file. Nothing in them is simulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.stats import binom

from pytest_confmat.evidence.paired import tango_interval
from pytest_confmat.evidence.shares import clopper_pearson, p_at_most, trials_needed

HERE = Path(__file__).parent
PASSED, FAILED, OPEN = "#1a7f37", "#cf222e", "#9a6700"
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "pytest-confmat",  # the same picture is the same file
    "figure.constrained_layout.use": True,
}


def intervals(axes: Axes) -> None:
    """Draw the three verdicts on a limit of 0.90, by what was seen and on how many."""
    seen = [(23, 25), (92, 100), (368, 400), (2300, 2500), (21, 25), (84, 100), (336, 400)]
    for row, (hits, trials) in enumerate(reversed(seen)):
        low, high = clopper_pearson(hits, trials, 0.95)
        color, word = OPEN, "undecided"
        if low > 0.9:
            color, word = PASSED, "proven"
        elif high < 0.9:
            color, word = FAILED, "refuted"
        _bar(axes, row, (low, hits / trials, high), color, word)
    axes.axvline(0.9, color="black", linewidth=1)
    axes.set_yticks(range(len(seen)), [f"{h / n:.2f} of {n:,}" for h, n in reversed(seen)])
    axes.set_xlabel("recall: estimate and bounds; the limit is 0.90")
    axes.set_xlim(0.65, 1.0)


def family(axes: Axes) -> None:
    """Draw how often a run is blocked by chance, by the number of classes."""
    classes = np.arange(1, 101)
    hits = np.arange(201)
    p = np.array([p_at_most(int(h), 200, 0.9) for h in hits])
    chance = binom.pmf(hits, 200, 0.9)
    alone = chance @ (p <= 0.05)
    holm = [1 - (1 - chance @ (p <= 0.05 / k)) ** k for k in classes]
    axes.plot(classes, 100 * (1 - (1 - alone) ** classes), color=FAILED)
    axes.plot(classes, 100 * np.array(holm), color=PASSED)
    axes.axhline(5, color="black", linewidth=0.8, linestyle=":")
    axes.text(60, 84, "family: none", color=FAILED)
    axes.text(60, 7, "family: holm", color=PASSED)
    axes.set_xlabel("classes, each exactly as good as its limit (200 examples each)")
    axes.set_ylabel("runs blocked by chance, %")
    axes.set_ylim(0, 100)


def pairs(axes: Axes) -> None:
    """Draw the same drop of accuracy, behind which more or fewer examples changed."""
    seen = [(10, 0), (30, 20), (60, 50), (105, 95)]
    for row, (worse, better) in enumerate(reversed(seen)):
        low, high = tango_interval(worse, better, 1000, 0.95)
        color, word = (PASSED, "proven") if high < 0.02 else (OPEN, "undecided")
        _bar(axes, row, (100 * low, (worse - better) / 10, 100 * high), color, word)
    axes.axvline(2, color="black", linewidth=1)
    axes.set_yticks(
        range(len(seen)), [f"{w} newly wrong, {b} newly right" for w, b in reversed(seen)]
    )
    axes.set_xlabel("drop on 1,000 examples, %; max_drop is 2 %")
    axes.set_xlim(-1.6, 3.6)


def needed(axes: Axes) -> None:
    """Draw how many examples it takes to prove a limit, by the mistakes that are seen."""
    parts = np.linspace(0, 0.95, 96)
    for limit in (0.99, 0.95, 0.9, 0.8):
        trials = [
            trials_needed(1 - part * (1 - limit), limit, 0.95, "above") or 0 for part in parts
        ]
        axes.plot(100 * parts, trials, color="#0969da")
        axes.text(96, trials[-1], f"limit {limit:.2f}", color="#0969da", va="center")
    axes.set_yscale("log")
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("mistakes seen, in % of those that the limit allows")
    axes.set_ylabel("examples of the class")
    axes.grid(visible=True, which="major", linewidth=0.4)


def _bar(axes: Axes, row: int, values: tuple[float, float, float], color: str, word: str) -> None:
    low, middle, high = values
    axes.plot([low, high], [row, row], color=color, linewidth=3, solid_capstyle="butt")
    axes.plot(middle, row, "o", color=color)
    axes.annotate(word, (1.02, row), xycoords=("axes fraction", "data"), va="center", color=color)


def main() -> None:
    """Write one SVG file a picture."""
    pictures: dict[str, Callable[[Axes], None]] = {
        "intervals": intervals,
        "family": family,
        "pairs": pairs,
        "needed": needed,
    }
    with plt.rc_context(STYLE):
        for name, draw in pictures.items():
            figure, axes = plt.subplots(figsize=(6.4, 2.9))
            draw(axes)
            path = HERE / f"evidence-{name}.svg"
            figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
            plt.close(figure)


if __name__ == "__main__":
    main()

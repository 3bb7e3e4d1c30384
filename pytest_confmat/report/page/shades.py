"""The colors of a matrix's cells: blue for the diagonal, orange for errors, on scales of their own.

The two differ for people who see no red or no green, too. Each shade has a text color that stands
out from it by 4.5 to 1 at least, as WCAG 2 AA asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

Side = Literal["good", "bad"]
LEVELS = 10


@dataclass(frozen=True)
class Shades:
    """Colors of the levels 0 to `LEVELS` for light pages, or for dark ones.

    Attributes
    ----------
    text, inverted
        Color of text on the lower levels, and on those from `inverted_from` on.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    text: str
    inverted: str
    inverted_from: int

    def text_on(self, level: int) -> str:
        """Return the color of text on a level."""
        return self.text if level < self.inverted_from else self.inverted


LIGHT = Shades(
    good=(
        "#ffffff", "#eff5fc", "#deebf7", "#cde1f3", "#b8d4ec", "#9dc5e4", "#7fb3db",
        "#2f72b4", "#215fa0", "#154c88", "#0b3a6f",
    ),
    bad=(
        "#ffffff", "#fff3e8", "#fee6d0", "#fed7b3", "#fdc592", "#fdb06d", "#f9974a",
        "#b8500f", "#9e430c", "#843608", "#6b2a05",
    ),
    text="#1f2328",
    inverted="#ffffff",
    inverted_from=7,
)  # fmt: skip
DARK = Shades(
    good=(
        "#161b22", "#152231", "#152b42", "#173654", "#1a4268", "#1e4f7d", "#5aa2dc",
        "#74b3e4", "#8fc3ec", "#abd3f3", "#c9e4fa",
    ),
    bad=(
        "#161b22", "#2a1c12", "#3a2414", "#4c2d16", "#5f3717", "#744218", "#e08a3c",
        "#e99b56", "#f1ad72", "#f7c090", "#fcd5b1",
    ),
    text="#e6edf3",
    inverted="#0d1117",
    inverted_from=6,
)  # fmt: skip


def level(value: float, highest: float) -> int:
    """Return the level of a value from 0 to `highest`: 0 for nothing, 1 for the least there is.

    A root makes small values differ, so that an error of 1 % is seen beside one of 20 %.
    """
    if value <= 0 or highest <= 0:
        return 0
    return min(LEVELS, max(1, ceil(LEVELS * sqrt(value / highest))))


def css() -> str:
    """Return the rules for ``.good-7`` and the like, for light pages and dark ones."""
    dark = " ".join(_rules(DARK))
    return (
        f"{' '.join(_rules(LIGHT))}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"
        f"@media print {{ {' '.join(_rules(LIGHT))} }}"
    )


def _rules(shades: Shades) -> Iterator[str]:
    sides: tuple[Side, ...] = ("good", "bad")
    for side in sides:
        for at, color in enumerate(getattr(shades, side)):
            text = shades.text_on(at)
            yield f".{side}-{at} {{ background-color: {color}; color: {text}; }}"

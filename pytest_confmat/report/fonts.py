"""Names in pictures: which characters the installed fonts can draw, and how wide texts are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from pytest_confmat.escaping import printable

# matplotlib brings the first; the others draw what it lacks, where they are installed.
_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Nirmala UI",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Hebrew",
    "Noto Sans Thai",
    "Noto Emoji",
    "Segoe UI Symbol",
    "Arial Unicode MS",
)


class Fonts:
    """The fonts of this machine, as far as class names need them.

    Parameters
    ----------
    dpi
        Dots per inch of the picture, for what is measured in dots.
    """

    def __init__(self, dpi: int) -> None:
        known = set(fontManager.get_font_names())
        self.families = [name for name in _FAMILIES if name in known]
        self._figure = Figure(dpi=dpi)
        self._renderer: Any = FigureCanvasAgg(self._figure).get_renderer()

    @cached_property
    def _covered(self) -> frozenset[int]:
        paths = {findfont(FontProperties(family=[name])) for name in self.families}
        return frozenset().union(*(get_font(path).get_charmap() for path in paths))

    def text(self, name: str, limit: int) -> str:
        """Return `name` as one line that these fonts can draw; the rest is escaped."""
        return printable(name, limit, lambda c: c.isprintable() and ord(c) in self._covered)

    def style(self, size: float, **more: Any) -> dict[str, Any]:
        """Return keywords for a text that is taken as it is, dollar signs and all."""
        return {"fontsize": size, "family": self.families, "parse_math": False, **more}

    def widths(self, texts: Iterable[str], size: float, **more: Any) -> Sequence[float]:
        """Return how many dots wide each of `texts` is."""
        made = (self._figure.text(0, 0, text, **self.style(size, **more)) for text in texts)
        return [float(text.get_window_extent(self._renderer).width) for text in made]

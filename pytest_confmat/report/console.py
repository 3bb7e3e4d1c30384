"""Text laid out by rich to a given width, without looking at the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

# Narrower than this a table says nothing.
LEAST_WIDTH = 40
_LINE_END = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.MULTILINE)


class ConsoleText:
    """Collects blocks, a blank line between two.

    All text is taken as it is: no markup, no emoji codes, no highlighting. It must be fit for a
    terminal already.

    Parameters
    ----------
    width
        Columns, 40 at least; what is laid out keeps to it, lines that are to stay whole do not.
    color
        Whether styles become ANSI escapes.
    """

    def __init__(self, width: int, color: bool) -> None:
        self.width = max(width, LEAST_WIDTH)
        self._file = io.StringIO()
        self._empty = True
        # Everything that rich would otherwise find out from its surroundings is said here.
        self._console = Console(
            file=self._file,
            width=self.width,
            height=25,
            color_system="standard" if color else None,
            no_color=not color,
            force_terminal=color,
            force_jupyter=False,
            force_interactive=False,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def whole(self, *lines: Text) -> None:
        """Add lines that are not wrapped."""
        self._separate()
        for line in lines:
            self._console.print(line, soft_wrap=True)

    def wrapped(self, paragraphs: Iterable[Text]) -> None:
        """Add paragraphs, each wrapped, its lines after the first indented."""
        self._separate()
        for paragraph in paragraphs:
            first, *rest = paragraph.wrap(self._console, self.width - 2, overflow="fold")
            self._console.print(first, soft_wrap=True)
            for line in rest:
                self._console.print(Padding(line, (0, 0, 0, 2)), soft_wrap=True)

    def block(self, *parts: RenderableType) -> None:
        """Add renderables that stand together."""
        self._separate()
        for part in parts:
            self._console.print(part)

    def text(self) -> str:
        """Return what was added, without blanks at the ends of lines."""
        text = self._file.getvalue().rstrip("\n")
        return _LINE_END.sub(lambda found: found.group().replace(" ", ""), text)

    def _separate(self) -> None:
        if not self._empty:
            self._console.print()
        self._empty = False

"""How a failed item is shown: its whole text in a block, the reason alone where a line must do.

pytest cuts the lines of its short summary, and a node id already says which limit and which class.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A path from the root or from above, longer than what it takes to say which file is meant.
_FAR = re.compile(r"(?<!\S)(?:/|\.\./)\S{30,}")


@dataclass(frozen=True)
class Reason:
    """What pytest's short summary and JUnit XML show of a failure, and where it was declared."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


@dataclass(frozen=True)
class Failure:
    """A report's ``longrepr``: pytest asks for `toterminal` and ``reprcrash.message``."""

    text: str
    reprcrash: Reason

    def __str__(self) -> str:
        return self.text

    def toterminal(self, out: Any) -> None:
        """Write the whole text; `out` is pytest's terminal writer."""
        # Line by line: pytest escapes all of a text that the stream cannot encode.
        for line in self.text.splitlines():
            out.line(line)


def reason_of(text: str) -> str:
    """Return the first line of a message, without the folders of paths that push it aside."""
    first = text.strip().partition("\n")[0]
    return _FAR.sub(lambda found: Path(found.group()).name, first)

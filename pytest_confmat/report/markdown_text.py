"""Pieces of Markdown that show text as it is: no name in them becomes markup, link or mention.

GitHub, GitLab and Azure DevOps read the same core, CommonMark with tables. Each also turns
``@name``, ``#12`` and addresses into links, but nowhere within code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_confmat.escaping import printable, printable_lines

_NAME = 120
# What ends a code span, or a cell of a table with a code span in it.
_UNFIT = re.compile(r"[`|\\]|^ | $|^$")
_BACKTICKS = re.compile("`+")


def code(text: str, limit: int = _NAME) -> str:
    """Return one line of code, which may stand in a table: a name, an id, a path.

    A name with backticks, pipes or backslashes is written with entities, which are never markup.
    """
    shown = printable(text, limit)
    if not _UNFIT.search(shown):
        return f"`{shown}`"
    return f"<code>{''.join(map(_entity, shown))}</code>"


def code_block(texts: Iterable[str]) -> tuple[str, list[str], str]:
    """Return the line that begins a block of code, its lines, and the line that ends it."""
    shown = [line for text in texts for line in printable_lines(text).splitlines() or [""]]
    longest = max((len(run) for line in shown for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text", shown, fence


def comment(text: str) -> str:
    """Return a line that no page shows, for programs to find."""
    shown = printable(text, 400).replace("--", "-&#45;").replace(">", "&gt;")
    return f"<!-- {shown} -->"


def table_row(cells: Iterable[str]) -> str:
    """Return a row of a table; cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table_head(heads: Sequence[str], left: int = 1) -> list[str]:
    """Return the two lines that begin a table, its first `left` columns aligned to the left."""
    rule = ["---" if column < left else "---:" for column in range(len(heads))]
    return [table_row(heads), table_row(rule)]


def _entity(character: str) -> str:
    if character.isascii() and not character.isalnum() and character != " ":
        return f"&#{ord(character)};"
    if character == " ":
        return "&#32;"
    return character

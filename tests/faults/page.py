"""docs/faults.md, made of the table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.faults.table import VARIES, Fault, Section, sections

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
OUTCOMES = {
    "refused": "error at the start, exit 4",
    "fails": "`evaluation` fails, exit 1",
    "noted": "green, counted and shown",
    "works": "green",
}
_MARKDOWN = re.compile(r"([\\*_\[\]<>&|#])")


def page() -> str:
    """Return the page."""
    found = sections()
    number = sum(len(section.faults) for section in found)
    return "\n".join([*_head(number), *(line for each in found for line in _table(each))]) + "\n"


def _head(number: int) -> Iterable[str]:
    yield "# Faults, and what the gate says of them"
    yield ""
    yield "<!-- Made by `python -m tests.faults`, of the table that the tests try row by row. -->"
    yield ""
    yield (
        f"{number} faults. Each is put into a project that is green without it, the gate is run "
        "on a real Keras model, unless the row is about another, and this is what it must say. "
        "Where it ends green all the same, every example was counted; where it does not, no "
        "verdict was given on fewer examples than there are."
    )
    yield ""
    yield (
        f"Paths are relative to the project; `{VARIES}` stands for what is not the same "
        "everywhere. Examples at fault are collected: the message begins with how many there are "
        "of how many, and then comes each, the first twenty of them, with its id and its reason, "
        "as shown here."
    )


def _table(section: Section) -> Iterable[str]:
    yield ""
    yield f"## {section.title}"
    yield ""
    yield section.about
    yield ""
    yield "| what is wrong | what the gate says | outcome |"
    yield "|---|---|---|"
    for fault in section.faults:
        yield _row(fault)


def _row(fault: Fault) -> str:
    said = "<br>".join(code(line.strip()) for line in fault.says.splitlines())
    return f"| {prose(fault.what)} | {said} | {OUTCOMES[fault.outcome]} |"


def prose(text: str) -> str:
    """Escape a text for a cell; what stands in backticks is code."""
    parts = text.split("`")
    return "".join(
        code(part) if place % 2 else _MARKDOWN.sub(r"\\\1", part)
        for place, part in enumerate(parts)
    )


def code(text: str) -> str:
    """Return a text as code in a cell, whatever backticks and bars are in it."""
    runs = [len(run) for run in re.findall("`+", text)]
    fence = "`" * next(n for n in range(1, len(text) + 2) if n not in runs)
    edge = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{edge}{text}{edge}{fence}".replace("|", r"\|")

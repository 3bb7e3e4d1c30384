"""Faults of a policy: sorted by line, and raised together in one error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.policy.text_files import shown
from pytest_confmat.policy.yaml_document import ScalarNode, SequenceNode
from pytest_confmat.text import and_more, nearest_or_all

# Further faults that one error lists.
LISTED = 10
OWN = "confmat"
# Right names that a message lists where none is near.
NAMED = 24


@dataclass(frozen=True)
class Problem:
    """One fault. `wrong` and `known` become a suggestion, for the faults that are shown."""

    location: Location
    message: str
    wrong: str | None = None
    known: Sequence[str] = ()

    def __str__(self) -> str:
        hint = "" if self.wrong is None else nearest_or_all(self.wrong, self.known, NAMED)
        return self.message + hint


def raise_first(problems: Iterable[Problem]) -> None:
    """Raise the fault on the lowest line, with the others below it; nothing if there is none."""
    found = sorted(problems, key=lambda problem: problem.location.line)
    if not found:
        return
    first, *others = found
    message = str(first)
    if others:
        message += f"\n{and_more(len(others))}:"
        for problem in others[:LISTED]:
            message += f"\n  line {problem.location.line}: {problem}"
    if len(others) > LISTED:
        message += "\n  ..."
    raise PolicyError(message, first.location)


def fault(message: str, *at: str | int, other: Sequence[str | int] = ()) -> PydanticCustomError:
    """Return the error by which a value is refused inside a shape.

    Parameters
    ----------
    at
        Keys from the value to the part that is to blame.
    other
        Keys to a part whose line takes the place of ``{line}`` in `message`.
    """
    return PydanticCustomError(OWN, "{message}", {"message": message, "at": at, "other": other})


def describe(value: Any) -> str:
    """Say what was found instead of what was expected."""
    if isinstance(value, ScalarNode):
        return shown(str(value)) if value or not value.plain else "nothing"
    return "a list" if isinstance(value, SequenceNode) else "a mapping"

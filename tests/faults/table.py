"""The shape of the table: a fault, what makes it, and what the gate must say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from tests.faults.project import Project

Make = Callable[[Project], object]
Content = str | bytes | Callable[[], bytes]
Outcome = Literal["refused", "fails", "noted", "works"]
# Stands in `Fault.says` for what is not the same everywhere.
VARIES = "[...]"


@dataclass(frozen=True)
class Fault:
    """A row.

    Attributes
    ----------
    what
        The fault, for a reader.
    make
        Puts it into a project that has no other.
    says
        The message, with the id of what is at fault; paths relative to the project.
    outcome
        ``refused``: an error before anything is collected. ``fails``: the evaluation fails.
        ``noted``: green, and counted in a note. ``works``: green, since it is none.
    faulty
        Of how many examples the gate must say that they cannot be used.
    """

    what: str
    make: Make
    says: str
    outcome: Outcome = "fails"
    faulty: int = 0


@dataclass(frozen=True)
class Section:
    """Rows that share a subject.

    Attributes
    ----------
    base
        Makes the project without a fault.
    needs
        Modules without which its rows are skipped.
    """

    title: str
    about: str
    base: Make
    faults: Sequence[Fault]
    needs: Sequence[str] = ()


def all_of(*steps: Make) -> Make:
    """Return what takes several steps."""

    def make(project: Project) -> None:
        for step in steps:
            step(project)

    return make


def file(name: str, content: Content) -> Make:
    """Return what writes a file; what it takes to make its content is not loaded before."""
    return lambda project: project.write(name, content() if callable(content) else content)


def options(*given: str, model: bool = True) -> Make:
    """Return what calls pytest with options."""

    def make(project: Project) -> None:
        project.options = [*(project.options if model else ()), *given]

    return make


def sections() -> tuple[Section, ...]:
    """Return the table."""
    names = (
        *("images", "directories", "sets", "shard_sets", "shards", "records", "labels", "batches"),
        *(
            "models",
            "saved_models",
            "litert_files",
            "onnx_files",
            "loading",
            "outputs",
            "policies",
            "policy_data",
            "options",
            "parts",
        ),
    )
    return tuple(import_module(f"tests.faults.{name}").SECTION for name in names)

"""One exception tree: everything this project raises for a reason that its user can act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.escaping import printable_lines
from pytest_confmat.filenames import short_path


@dataclass(frozen=True, order=True)
class Location:
    """A line of a file that the user wrote; lines count from 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        # With its folder, since several policies may have one name.
        return f"{short_path(self.path)}:{self.line}"


class ConfmatError(Exception):
    """Base of all errors of this project. Its `str` is meant for the user as it stands.

    There names are escaped, so that none of them commands a terminal or a build server.
    """

    def __str__(self) -> str:
        return printable_lines(self.text)

    @property
    def text(self) -> str:
        """The message with names as they are."""
        return super().__str__()


class RequestError(ConfmatError):
    """A request that makes no sense: an option, a fixture, a call. Exit status 4."""


class PolicyError(RequestError):
    """A thresholds file that cannot be honored, with the line that is to blame.

    Parameters
    ----------
    message
        What is wrong, what was expected, what to do.
    location
        File and line.
    """

    def __init__(self, message: str, location: Location) -> None:
        super().__init__(message, location)
        self.message = message
        self.location = location

    @property
    def text(self) -> str:
        """The message after file and line."""
        return f"{self.location.path}:{self.location.line}: {self.message}"


class MatrixError(ConfmatError, ValueError):
    """Numbers that are no confusion matrix, or matrices that do not belong together."""


class EvidenceError(ConfmatError, ValueError):
    """Counts, shares or confidences from which nothing can be concluded."""


class EvaluationError(ConfmatError):
    """Evaluations that cannot be merged, or a stored one that cannot be read."""


class BaselineError(ConfmatError):
    """A baseline that cannot be saved, cannot be read, or does not belong to this evaluation."""


class UndeterminedError(ConfmatError):
    """What decides an evaluation cannot be told in full, so that none is kept or recalled."""


class DataError(ConfmatError):
    """The evaluation set is not what the policy or the model needs."""


class ExamplesError(DataError):
    """Examples of the evaluation set that cannot be used.

    Parameters
    ----------
    message
        How many there are, with the first of them.
    faults
        Each of them, as (id, reason, class); the class is ``None`` where it is not known.
    """

    def __init__(self, message: str, faults: Iterable[Sequence[str | None]] = ()) -> None:
        self.message = message
        self.faults = tuple(tuple(fault) for fault in faults)
        super().__init__(message, self.faults)

    @property
    def text(self) -> str:
        """The message, without the list of all faults."""
        return self.message


class ModelError(ConfmatError):
    """The model cannot be loaded, or does not produce what the policy needs."""


class MissingDependencyError(ConfmatError, ImportError):
    """A library behind an extra is not installed; the text says what to install."""


class OutputError(ConfmatError):
    """What a run was to leave behind could not be written.

    Parameters
    ----------
    notes
        What to say of it, one or more sentences.
    """

    def __init__(self, *notes: str) -> None:
        super().__init__(*notes)
        self.notes = notes

    @property
    def text(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.notes)


class LimitError(ConfmatError, AssertionError):
    """A limit failed. Raised by the assertion helpers."""

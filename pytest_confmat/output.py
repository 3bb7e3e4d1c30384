"""The contract of an output: what a run leaves behind besides its exit status."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pytest_confmat.plugin.gate import Gate
    from pytest_confmat.result import GateResult


class Output(ABC):
    """A report, a baseline, or anything else that is written once all gates are judged.

    Attributes
    ----------
    key
        Names it among the outputs of a run.
    section
        Title of the section of pytest's summary that its notes make up; ``None``: they stand among
        the notes of the gates.
    """

    key: ClassVar[str]
    section: ClassVar[str | None] = None

    @property
    def origin(self) -> str:
        """Who asked for it, as messages say it: ``--confmat-manifest``."""
        return self.key

    @property
    def files(self) -> Iterable[Path]:
        """The files that it writes; none may be read or written by anything else in the run."""
        return ()

    def begin(self, gates: Sequence[Gate]) -> None:  # noqa: ARG002
        """Prepare, once the gates are known and before anything is evaluated.

        Raises
        ------
        ConfmatError
            If it cannot be written: the run ends with exit status 4.
        """
        return

    @abstractmethod
    def finish(self, results: Sequence[GateResult], *, green: bool) -> Sequence[str]:
        """Write it; return notes for the reader.

        Parameters
        ----------
        results
            One a gate.
        green
            Whether all of the run passed so far, tests of the project and other outputs included.

        Raises
        ------
        OutputError
            If it could not be written. The run is red then, if it is not already.
        """

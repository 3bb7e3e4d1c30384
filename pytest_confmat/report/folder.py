"""The files of a report's folder: how each is written, and how it is told from somebody else's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_confmat.errors import MissingDependencyError

if TYPE_CHECKING:
    from pytest_confmat.result import GateResult

# How much of a file `ReportFile.ours` looks at.
HEAD = 4096


@dataclass(frozen=True)
class ReportFile:
    """A file of a report's folder.

    Attributes
    ----------
    name
        In the folder.
    ours
        Matches the first bytes of the file where this plugin has written it, whoever may have
        formatted the text since. Anything else is never replaced.
    write
        Writes the file of a result; returns a note for the reader, or ``None``. A result without
        an evaluation has a file only if there is something to say.
    """

    name: str
    ours: re.Pattern[bytes]
    write: Callable[[GateResult, Path], str | None]

    def is_ours(self, path: Path) -> bool:
        """Whether the file at `path` is one that this plugin has written."""
        if not path.is_file():
            return False
        try:
            with path.open("rb") as stream:
                return self.ours.match(stream.read(HEAD)) is not None
        except OSError:
            return False

    def written(self, result: GateResult, path: Path) -> str | None:
        """Write the file; return a note, also where all but the disk failed.

        A library that is set up wrongly, or a mistake of ours, must not hide the verdicts.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        try:
            return self.write(result, path)
        except MissingDependencyError as error:
            return f"{self.name} was not written: {error}"
        except OSError:
            raise
        except Exception as error:
            return f"{self.name} was not written: {type(error).__name__}: {error}"


def _json(result: GateResult, path: Path) -> None:
    from pytest_confmat.report.json import write_json

    write_json(result, path)


def _picture(result: GateResult, path: Path) -> str | None:
    if result.evaluation is None:
        return None
    if result.evaluation.matrix.is_large:
        return f"{path.name} is not drawn of as many as {len(result.evaluation.classes):,} classes"
    from pytest_confmat.report.picture import write_picture

    write_picture(result, path)
    return None


def _page(result: GateResult, path: Path) -> None:
    from pytest_confmat.report.page.page import write_page

    write_page(result, path)


def _mistakes(result: GateResult, path: Path) -> str | None:
    if result.evaluation is None:
        return None
    from pytest_confmat.report.mistakes import write_mistakes

    return write_mistakes(result, path)


def _evaluation(result: GateResult, path: Path) -> None:
    if result.evaluation is not None:
        result.evaluation.save(path, compressed=True)


def _markdown(result: GateResult, path: Path) -> None:
    from pytest_confmat.report.markdown import write_markdown

    write_markdown(result, path)


def _metrics(result: GateResult, path: Path) -> None:
    from pytest_confmat.report.openmetrics import write_metrics

    write_metrics(result, path)


JSON = ReportFile(
    "confmat.json", re.compile(rb'\s*\{\s*"schema_version"\s*:\s*\d+\s*,\s*"outcome"\s*:'), _json
)
PICTURE = ReportFile("confmat.png", re.compile(rb"\x89PNG.*pytest-confmat", re.DOTALL), _picture)
PAGE = ReportFile(
    "report.html",
    re.compile(rb"\s*<!DOCTYPE html>\s*<!-- pytest-confmat report -->", re.IGNORECASE),
    _page,
)
MISTAKES = ReportFile("mistakes.csv", re.compile(rb"id,true,predicted,score,runner_up,"), _mistakes)
EVALUATION = ReportFile(
    "evaluation.npz", re.compile(rb"PK\x03\x04.{26}pytest_confmat\.npy", re.DOTALL), _evaluation
)
MARKDOWN = ReportFile("summary.md", re.compile(rb"\s*<!-- pytest-confmat summary"), _markdown)
METRICS = ReportFile("metrics.txt", re.compile(rb"# HELP confmat_gate "), _metrics)
# What stands beside `JSON`, in the order in which it is written.
OTHERS: tuple[ReportFile, ...] = (PAGE, PICTURE, MARKDOWN, METRICS, MISTAKES, EVALUATION)
REPORT_FILES = (JSON, *OTHERS)

"""GitHub Actions: the summary of a step, and annotations on the lines of the policies.

A run may be refused before any ``conftest.py`` is read: nothing heavy is imported up here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_confmat.output import Output

if TYPE_CHECKING:
    from pytest_confmat.result import GateResult

# A larger summary is dropped whole. Every program of a step appends to one file.
SUMMARY_BYTES = 1024 * 1024
# This one annotates every failed test.
_ANNOTATOR = "pytest_github_actions_annotate_failures"
_LOCATED = re.compile(r"(\S.*?):(\d+): ")


def summary_file() -> Path | None:
    """Return the file that the summary of this step is appended to; ``None`` elsewhere."""
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(named) if named else None


class StepSummary(Output):
    """The results as Markdown, on the page of the run."""

    key = "step summary"

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def origin(self) -> str:
        """See `Output.origin`."""
        return "GITHUB_STEP_SUMMARY"

    def finish(self, results: Sequence[GateResult], *, green: bool) -> Sequence[str]:  # noqa: ARG002
        """Append what there is room for; a summary that cannot be written blocks no release."""
        from pytest_confmat.report.markdown import markdown

        waiting = [result for result in results if _was_run(result)]
        written = []
        try:
            while waiting:
                result = waiting.pop(0)
                # What one gate does not need is left for the next.
                text = markdown(result, (_room(self._path) - 1) // (len(waiting) + 1))
                written.append(bool(text))
                _append(self._path, text)
        except OSError as error:
            return (f"the summary of this step could not be written: {error}",)
        if not all(written):
            return ("the summary of this step is full: what it has no room for is left out",)
        return ()


def _was_run(result: GateResult) -> bool:
    return bool(result.outcome != "incomplete" or result.verdicts or result.evaluation)


def _room(path: Path) -> int:
    return SUMMARY_BYTES - (path.stat().st_size if path.exists() else 0)


def _append(path: Path, text: str) -> None:
    if text:
        with path.open("a", encoding="utf-8", newline="\n") as stream:
            # A blank line before: what an earlier program wrote may end without one.
            stream.write(f"\n{text}")


def is_github() -> bool:
    """Whether this is a job of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation_lines(config: pytest.Config, results: Sequence[GateResult]) -> list[str]:
    """Return what annotates the lines of policies that block this run, if GitHub reads it."""
    if not is_github() or config.pluginmanager.has_plugin(_ANNOTATOR):
        return []
    from pytest_confmat.report.github import annotation_commands

    return annotation_commands([result for result in results if _was_run(result)], _checkout())


def report_refusal(reason: str) -> None:
    """Say in summary and annotation why a run came to nothing; does nothing elsewhere.

    Raises
    ------
    OSError
        If the summary cannot be written.
    """
    from pytest_confmat.errors import Location
    from pytest_confmat.report.github import Annotation, command
    from pytest_confmat.report.markdown import refusal

    if is_github():
        located = _LOCATED.match(reason)
        location = Location(Path(located[1]), int(located[2])) if located else None
        # Before anything that may fail, and past pytest, which is about to end.
        print(command(Annotation(reason, location, "not run"), _checkout()), flush=True)
    if (path := summary_file()) is not None:
        _append(path, refusal(reason, _room(path) - 1))


def _checkout() -> Path | None:
    named = os.environ.get("GITHUB_WORKSPACE")
    return Path(named) if named else None

"""The files below ``--confmat-report DIR``, from the first moment of a run to its last.

That moment is before any ``conftest.py``, which may set what NumPy and others read when they are
imported: nothing heavy is imported here until there is something to write.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_confmat.errors import OutputError
from pytest_confmat.filenames import common_folder, text_of, without_drive
from pytest_confmat.output import Output
from pytest_confmat.report.folder import JSON, OTHERS, PAGE, REPORT_FILES

if TYPE_CHECKING:
    from pytest_confmat.plugin.gate import Gate
    from pytest_confmat.result import GateOutcome, GateResult


class ReportFiles(Output):
    """In DIR, or with several policies in a folder for each; DIR itself then has an overview.

    What an earlier run left is taken away at the start, so that nothing stale can be read. Files
    that no run has written are never replaced.

    Attributes
    ----------
    is_misplaced
        Whether nothing may be written there, as the run is refused for that.
    shown
        What a reader opens: the page, of several policies the folder; ``None`` until all is
        written.
    """

    key = "report"

    def __init__(self, folder: Path) -> None:
        self.is_misplaced = False
        self.shown: Path | None = None
        self._origin = "--confmat-report"
        self._notes: list[str] = []
        self._begun = False
        self._folder = folder
        self._folders: dict[Path, Path] = {}

    @property
    def origin(self) -> str:
        """See `Output.origin`."""
        return self._origin

    @property
    def files(self) -> list[Path]:
        """All files that the run writes, once the policies have their folders."""
        folders = dict.fromkeys((self._folder, *self._folders.values()))
        return [folder / file.name for folder in folders for file in REPORT_FILES]

    def remove_stale(self) -> None:
        """Take away what an earlier run left."""
        for stale in (*self._listed(), self._folder):
            _remove(stale, self._folder)

    def begin(self, gates: Sequence[Gate]) -> None:  # noqa: ARG002
        """Write that nothing is known yet, in the place of what an earlier run left.

        Raises
        ------
        pytest.UsageError
            If a folder cannot be written to, or holds files of somebody else's.
        """
        self._begin()
        if not self._has_overview:
            return
        from pytest_confmat.report.json import incomplete_document

        for folder in self._folders.values():
            _require_ours(folder)
        self._overview(dict.fromkeys(self._folders, "incomplete"))
        for path, folder in self._folders.items():
            _reset(folder, incomplete_document(path))

    def _begin(self) -> None:
        """Begin the folder itself, once.

        Raises
        ------
        pytest.UsageError
            If the folder cannot be written to, or holds files of somebody else's.
        """
        if self._begun:
            return
        from pytest_confmat.report.json import incomplete_document

        _require_ours(self._folder)
        self.remove_stale()
        _reset(self._folder, incomplete_document(None))
        self._begun = True

    def assign(self, gates: Sequence[Gate], origin: str) -> None:
        """Give each policy its folder; `origin` says who asked for the report."""
        self._origin = origin
        self._folders = {gate.path: self._folder for gate in gates}
        if len(gates) == 1:
            return
        common = common_folder(gate.path.parent for gate in gates)
        full = {
            path: without_drive(path) if common is None else path.relative_to(common)
            for path in self._folders
        }
        names = {path: name.with_suffix("") for path, name in full.items()}
        # Two names that differ in case alone are one folder on some systems.
        if len({str(name).casefold() for name in names.values()}) < len(names):
            names = full
        self._folders = {path: self._folder / name for path, name in names.items()}

    def finish(self, results: Sequence[GateResult], *, green: bool) -> Sequence[str]:  # noqa: ARG002
        """Write the files of each result."""
        try:
            for result in results:
                self._write(result, self._folders[result.policy])
            if self._has_overview:
                from pytest_confmat.report.page.page import write_overview

                found = self._overview({result.policy: result.outcome for result in results})
                write_overview(found, self._folder / PAGE.name)
        except OSError as error:
            said = f"the report could not be written to {self._folder}: {error}"
            raise OutputError(*self._notes, said) from error
        page = self._folder / PAGE.name
        self.shown = page if page.exists() and not self._has_overview else self._folder
        return self._notes

    def _write(self, result: GateResult, folder: Path) -> None:
        from pytest_confmat.report.json import write_json

        started = perf_counter()
        write_json(result, folder / JSON.name)
        notes = [file.written(result, folder / file.name) for file in OTHERS]
        self._notes += [note for note in notes if note is not None]
        if result.evaluation is not None:
            # Again, with the time that the others took.
            timing = {**result.timing, "report": perf_counter() - started}
            write_json(replace(result, timing=timing), folder / JSON.name)

    def fail(self, reason: str) -> None:
        """Put down why the run came to nothing, unless that is the place of the report."""
        if self.is_misplaced:
            return
        from pytest_confmat.report.json import error_document, write_json

        # Who asked for the report is told the reason anyway.
        with contextlib.suppress(OSError, pytest.UsageError):
            self._begin()
            write_json(error_document(None, reason), self._folder / JSON.name)
            if self._has_overview:
                self._overview(dict.fromkeys(self._folders, "error"), reason)
                for path, folder in self._folders.items():
                    write_json(error_document(path, reason), folder / JSON.name)

    @property
    def _has_overview(self) -> bool:
        return len(self._folders) > 1

    def _overview(
        self, outcomes: Mapping[Path, GateOutcome], reason: str | None = None
    ) -> Mapping[str, Any]:
        from pytest_confmat.report.json import overview_document, write_json

        reports = [
            {
                "path": (self._folders[policy] / JSON.name).relative_to(self._folder).as_posix(),
                "policy": text_of(str(policy)),
                "outcome": outcome,
            }
            for policy, outcome in outcomes.items()
        ]
        document = overview_document(reports, reason)
        write_json(document, self._folder / JSON.name)
        return document

    def _listed(self) -> list[Path]:
        """Return the folders of the reports that an earlier run's overview names."""
        if not JSON.is_ours(self._folder / JSON.name):
            return []
        try:
            said = json.loads((self._folder / JSON.name).read_bytes())
            paths = [PurePosixPath(str(report["path"])) for report in said.get("reports", ())]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return []
        return [
            self._folder / path.parent
            for path in paths
            if path.name == JSON.name and not path.is_absolute() and ".." not in path.parts
        ]


def _reset(folder: Path, document: Mapping[str, Any]) -> None:
    from pytest_confmat.report.json import write_json

    try:
        for file in OTHERS:
            (folder / file.name).unlink(missing_ok=True)
        write_json(document, folder / JSON.name)
    except OSError as error:
        raise pytest.UsageError(
            f"no report can be written to {folder}: {error.strerror or error}"
        ) from error


def _remove(folder: Path, root: Path) -> None:
    """Remove a report of an earlier run, and the folders that are empty then."""
    with contextlib.suppress(OSError):
        for file in REPORT_FILES:
            if file.is_ours(folder / file.name):
                (folder / file.name).unlink()
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def _require_ours(folder: Path) -> None:
    for file in REPORT_FILES:
        path = folder / file.name
        if os.path.lexists(path) and not file.is_ours(path):
            raise pytest.UsageError(
                f"the report would replace {path}, which this plugin has not written: "
                "move that file, or name another folder for the report"
            )

"""What tells of a run that ends before its session does: report, JUnit file, CI server.

A wrong option or an error in a ``conftest.py`` ends it. These files must then not be those of an
earlier run.
"""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Collection
from pathlib import Path

import pytest

from pytest_confmat.plugin.github import report_refusal
from pytest_confmat.plugin.report_files import ReportFiles
from pytest_confmat.plugin.settings import report_folder

_RECORD = pytest.StashKey["Record"]()


class Record:
    """Report and JUnit file of a run.

    Parameters
    ----------
    files
        The report; ``None``: none is written.
    junit
        Where pytest writes its JUnit file, and what it calls the suite; ``None``: nowhere.

    Attributes
    ----------
    ended
        The exception that ended the session, if pytest reported one.
    """

    def __init__(self, files: ReportFiles | None, junit: tuple[Path, str] | None) -> None:
        self.files = files
        self.junit = junit
        self.ended: BaseException | None = None
        self._is_closed = False

    def close(self) -> BaseException | None:
        """Leave the files to the session; return the exception that ended it, if there is one."""
        self._is_closed = True
        return self._what_ended()

    def withhold(self, paths: Collection[Path]) -> None:
        """Write to none of `paths`, which options name in conflict."""
        if self.files is not None and not set(paths).isdisjoint(self.files.files):
            self.files.is_misplaced = True
        if self.junit is not None and self.junit[0] in paths:
            self.junit = None

    def leave(self) -> None:
        """Write why the run ended, unless its session writes the files."""
        if self._is_closed:
            return
        reason = reason_of(self._what_ended())
        if self.files is not None:
            self.files.fail(reason)
        if self.junit is not None:
            from pytest_confmat.plugin.junit import write_refusal

            path, suite = self.junit
            with contextlib.suppress(OSError):
                write_refusal(path, suite, reason)
        with contextlib.suppress(OSError):
            report_refusal(reason)

    def _what_ended(self) -> BaseException | None:
        # While pytest handles a wrong request, or an error in a conftest.py, it closes the session
        # and the configuration.
        return sys.exc_info()[1] or self.ended


def record_of(config: pytest.Config, options: Namespace) -> Record:
    """Return the record of this run; the first call creates it and removes an earlier report.

    `options` may be those that pytest has parsed before it reads ``conftest.py``.
    """
    if _RECORD not in config.stash:
        folder = report_folder(config, options)
        files = ReportFiles(folder) if folder is not None else None
        path = getattr(options, "xmlpath", None)
        junit = None
        if path:
            file = Path(os.path.expandvars(path)).expanduser()
            junit = config.invocation_params.dir / file, str(config.getini("junit_suite_name"))
        record = config.stash[_RECORD] = Record(files, junit)
        config.add_cleanup(record.leave)
        if files is not None:
            files.remove_stale()
    return config.stash[_RECORD]


def discard_record(config: pytest.Config) -> None:
    """Write nothing of a run that gates nothing after all."""
    if _RECORD in config.stash:
        config.stash[_RECORD].close()


def reason_of(error: BaseException | None) -> str:
    """Return in words why a run ended."""
    if error is None:
        return "the run ended before its first test"
    if isinstance(error, pytest.UsageError):
        return "\n".join(map(str, error.args))
    if isinstance(error, pytest.Session.Interrupted | pytest.exit.Exception):
        return str(error)
    name, said = type(error).__name__, str(error)
    return f"{name}: {said}" if said else name

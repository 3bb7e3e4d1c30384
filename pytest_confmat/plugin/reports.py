"""What a session tells about its gates: header, summary, files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.plugin.foresight import unprovable_limits
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.report.json import incomplete_document, write_json
from pytest_confmat.report.summary import summary
from pytest_confmat.report.text import printable, short_path
from pytest_confmat.report.wording import plural
from pytest_confmat.result import GateResult
from pytest_confmat.spec import DatasetSpec, DirectorySpec

JSON, PICTURE = "confmat.json", "confmat.png"


class ReportFiles:
    """The files below ``--confmat-report DIR``: in DIR, or a folder for each of several policies.

    What an earlier run left in DIR is replaced at the start, so that nothing stale can be read.
    """

    def __init__(self, folder: Path) -> None:
        self.notes: list[str] = []
        self._folder = folder
        self._folders: dict[Path, Path] = {}
        self._begun = False

    def begin(self) -> None:
        """Put down that nothing is known yet.

        Raises
        ------
        pytest.UsageError
            If the folder cannot be written to.
        """
        self._begun = True
        self._reset(self._folder, None)

    def assign(self, gates: Sequence[Gate]) -> None:
        """Give each policy its folder, and put down there that nothing is known yet."""
        self._folders = {gate.path: self._folder for gate in gates}
        if len(gates) == 1:
            return
        common = Path(os.path.commonpath([gate.path.parent for gate in gates]))
        names = {path: path.relative_to(common).with_suffix("") for path in self._folders}
        if len(set(names.values())) < len(names):
            names = {path: path.relative_to(common) for path in self._folders}
        for path, name in names.items():
            self._folders[path] = self._folder / name
            if self._begun:
                self._reset(self._folder / name, path)

    def finish(self, results: Sequence[GateResult]) -> bool:
        """Write each result, and its picture where there is something to draw.

        Returns whether all was written; if not, `notes` say why.
        """
        try:
            for result in results:
                folder, started = self._folders[result.policy], perf_counter()
                write_json(result, folder / JSON)
                if result.evaluation is None:
                    continue
                if result.evaluation.matrix.is_large:
                    k = len(result.evaluation.classes)
                    self.notes.append(f"{PICTURE} is not drawn of as many as {k:,} classes")
                else:
                    self._draw(result, folder / PICTURE)
                # Again, with the time that the picture took.
                timing = {**result.timing, "report": perf_counter() - started}
                write_json(replace(result, timing=timing), folder / JSON)
            if self._folder not in self._folders.values():
                (self._folder / JSON).unlink(missing_ok=True)
        except OSError as error:
            self.notes.append(f"the report could not be written to {self._folder}: {error}")
            return False
        return True

    def _draw(self, result: GateResult, path: Path) -> None:
        from pytest_confmat.report.picture import write_picture

        try:
            write_picture(result, path)
        except MissingDependencyError as error:
            self.notes.append(f"{PICTURE} was not written: {error}")
        except OSError:
            raise
        except Exception as error:
            # A plotting library that is set up wrongly must not hide the verdicts.
            self.notes.append(f"{PICTURE} was not written: {type(error).__name__}: {error}")

    def _reset(self, folder: Path, policy: Path | None) -> None:
        try:
            (folder / PICTURE).unlink(missing_ok=True)
            write_json(incomplete_document(policy), folder / JSON)
        except OSError as error:
            raise pytest.UsageError(
                f"no report can be written to {folder}: {error.strerror or error}"
            ) from error


def header(settings: Settings, gates: Sequence[Gate]) -> list[str]:
    """Return the lines of pytest's header: what is gated, by what, and who said so."""
    origins = settings.origins
    model = "from the fixture confmat_model"
    if settings.model is not None:
        model = f"{printable(short_path(settings.model))} ({origins['model']})"
    if not settings.safe_mode:
        model += ", without safe mode (--confmat-unsafe-model)"
    lines = [f"confmat: model {model}"]
    for gate in gates:
        where = origins.get("data", "policy")
        lines.append(
            f"confmat: policy {printable(short_path(gate.path))} ({origins['thresholds']}), "
            f"{plural(len(gate.limits), 'limit')}, {len(gate.classes)} classes, "
            f"data {printable(_data(gate.dataset))}" + (f" ({where})" if gate.dataset else "")
        )
        if gate.baseline is not None:
            named = origins.get("baseline", "policy")
            lines.append(f"confmat: baseline {printable(short_path(gate.baseline.path))} ({named})")
        lines += [f"confmat: {printable(line, 400)}" for line in unprovable_limits(gate)]
    extra = [
        f"{name.replace('_', ' ')} {printable(str(value))} ({origins[name]})"
        for name, value in (
            ("batch_size", settings.batch_size),
            ("report", settings.report),
            ("manifest", settings.manifest),
            ("save_baseline", settings.save_baseline),
            ("cache", settings.cache),
        )
        if value is not None and name in origins
    ]
    if extra:
        lines.append(f"confmat: {', '.join(extra)}")
    return lines


def print_summary(
    reporter: Any, results: Sequence[GateResult], notes: Sequence[str], own: Sequence[str]
) -> None:
    """Print the results at the end of a session.

    Parameters
    ----------
    reporter
        pytest's terminal reporter.
    notes
        On the report files.
    own
        Node ids of tests that judged a model or data of their own.
    """
    writer = reporter.config.get_terminal_writer()
    for result in results:
        reporter.ensure_newline()
        reporter.section(f"confmat {printable(short_path(result.policy))}", sep="=")
        # Line by line: pytest escapes all of a text that the stream cannot encode.
        for line in summary(result, writer.fullwidth, writer.hasmarkup).splitlines():
            reporter.write_line(line)
    for note in notes:
        reporter.write_line(f"note: {printable(note, 400)}")
    if own:
        reporter.write_line(
            "note: a model or data of their own, not those of a policy, were judged by "
            + ", ".join(printable(test) for test in own)
        )


def _data(dataset: DatasetSpec | None) -> str:
    if dataset is None:
        return "from the fixture confmat_dataset"
    if isinstance(dataset, DirectorySpec):
        return short_path(dataset.directory)
    return " ".join(short_path(Path(pattern)) for pattern in dataset.tfrecord)

"""What a session tells about its gates: header, summary, files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.ledger import Ledger
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.report.json import incomplete_document, write_json
from pytest_confmat.report.summary import summary
from pytest_confmat.report.text import printable
from pytest_confmat.result import GateResult
from pytest_confmat.spec import DatasetSpec, DirectorySpec

JSON, PICTURE = "confmat.json", "confmat.png"


class ReportFiles:
    """The files below ``--confmat-report DIR``: in DIR, or a folder for each of several policies.

    What an earlier run left is replaced at the start, so that nothing stale can be read.
    """

    def __init__(self, folder: Path, gates: Sequence[Gate]) -> None:
        self.notes: list[str] = []
        self._folders = {gate.path: folder for gate in gates}
        if len(gates) > 1:
            common = Path(os.path.commonpath([gate.path.parent for gate in gates]))
            for path in self._folders:
                self._folders[path] = folder / path.relative_to(common).with_suffix("")

    def begin(self) -> None:
        """Put down that nothing is known yet.

        Raises
        ------
        pytest.UsageError
            If the folder cannot be written to.
        """
        for policy, folder in self._folders.items():
            try:
                (folder / PICTURE).unlink(missing_ok=True)
                write_json(incomplete_document(policy), folder / JSON)
            except OSError as error:
                raise pytest.UsageError(
                    f"no report can be written to {folder}: {error.strerror or error}"
                ) from error

    def finish(self, results: Sequence[GateResult]) -> None:
        """Write each result, and its picture where there is something to draw."""
        from pytest_confmat.report.picture import write_picture

        for result in results:
            folder = self._folders[result.policy]
            write_json(result, folder / JSON)
            if result.evaluation is None:
                continue
            try:
                write_picture(result, folder / PICTURE)
            except MissingDependencyError as error:
                self.notes.append(f"{PICTURE} was not written: {error}")
            except Exception as error:
                # A plotting library that is set up wrongly must not hide the verdicts.
                told = f"{type(error).__name__}: {error}"
                self.notes.append(f"{PICTURE} was not written: {told}")


def header(settings: Settings, gates: Sequence[Gate]) -> list[str]:
    """Return the lines of pytest's header: what is gated, by what, and who said so."""
    origins = settings.origins
    model = "from the fixture confmat_model"
    if settings.model is not None:
        model = f"{printable(_shown(settings.model))} ({origins['model']})"
    lines = [f"confmat: model {model}"]
    for gate in gates:
        where = origins.get("data", "policy")
        lines.append(
            f"confmat: policy {printable(_shown(gate.path))} ({origins['thresholds']}), "
            f"{len(gate.limits)} limits, {len(gate.classes)} classes, "
            f"data {printable(_data(gate.dataset))}" + (f" ({where})" if gate.dataset else "")
        )
    extra = [
        f"{name.replace('_', ' ')} {printable(str(value))} ({origins[name]})"
        for name, value in (("batch_size", settings.batch_size), ("report", settings.report))
        if value is not None
    ]
    if extra:
        lines.append(f"confmat: {', '.join(extra)}")
    return lines


def print_summary(
    reporter: Any, results: Sequence[GateResult], files: ReportFiles | None, ledger: Ledger
) -> None:
    """Print the results at the end of a session; `reporter` is pytest's terminal reporter."""
    writer = reporter.config.get_terminal_writer()
    for result in results:
        reporter.section(f"confmat {printable(_shown(result.policy))}", sep="=")
        # Line by line: pytest escapes all of a text that the stream cannot encode.
        for line in summary(result, writer.fullwidth, writer.hasmarkup).splitlines():
            reporter.write_line(line)
    for note in files.notes if files is not None else ():
        reporter.write_line(f"note: {printable(note, 400)}")
    own = [test for test, key in ledger.elsewhere.items() if key not in ledger.keys]
    if own:
        reporter.write_line(
            "note: a model or data of their own, not those of a policy, were judged by "
            + ", ".join(printable(test) for test in own)
        )


def _data(dataset: DatasetSpec | None) -> str:
    if dataset is None:
        return "from the fixture confmat_dataset"
    if isinstance(dataset, DirectorySpec):
        return _shown(dataset.directory)
    return " ".join(_shown(Path(pattern)) for pattern in dataset.tfrecord)


def _shown(path: Path) -> str:
    """Return the shorter of a path and its form relative to where pytest runs."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)

"""What a session tells about its gates: header and summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_confmat.escaping import printable
from pytest_confmat.filenames import short_path
from pytest_confmat.kinds import kind_of
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.plugin.unprovable import unprovable_limits
from pytest_confmat.report.summary import summary
from pytest_confmat.result import GateResult
from pytest_confmat.spec import DatasetSpec
from pytest_confmat.text import plural


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


def print_sections(reporter: Any, notes: Mapping[str | None, Sequence[str]]) -> None:
    """Print what outputs say in sections of their own."""
    for section, lines in notes.items():
        if section is None or not lines:
            continue
        reporter.ensure_newline()
        reporter.section(section, sep="=")
        for line in lines:
            reporter.write_line(line)


def _data(dataset: DatasetSpec | None) -> str:
    if dataset is None:
        return "from the fixture confmat_dataset"
    return " ".join(map(short_path, kind_of(dataset).place(dataset)))

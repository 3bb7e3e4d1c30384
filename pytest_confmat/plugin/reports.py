"""What a session tells about its gates: header and summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_confmat.escaping import printable
from pytest_confmat.filenames import short_path
from pytest_confmat.kinds import kind_of
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.github import annotation_lines
from pytest_confmat.plugin.judged import Judged
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.plugin.state import GateState
from pytest_confmat.plugin.unprovable import unprovable_limits
from pytest_confmat.report.gates import gates_table
from pytest_confmat.report.summary import summary
from pytest_confmat.result import GateResult
from pytest_confmat.spec import DatasetSpec
from pytest_confmat.text import plural


def header(settings: Settings, state: GateState) -> list[str]:
    """Return the lines of pytest's header: what is gated, by what, and who said so."""
    models = list(dict.fromkeys(gate.model for gate in state.gates)) or [state.without_policy]
    differ = len(models) > 1
    lines = [] if differ else [f"confmat: model {_model(models[0], settings)}"]
    for gate in state.gates:
        lines += _gate_lines(gate, settings, state.aim.policies[gate.path], with_model=differ)
    lines += map(left_out_without_model, state.without_model)
    return [*lines, *_other_settings(settings)]


def _gate_lines(gate: Gate, settings: Settings, origin: str, *, with_model: bool) -> Iterator[str]:
    origins = settings.origins
    where = f" ({origins.get('data', 'policy')})" if gate.dataset else ""
    model = f", model {_model(gate.model, settings)}" if with_model else ""
    limits = plural(len(gate.limits), "limit")
    if gate.is_look or gate.shard is not None:
        by = "--confmat-look" if gate.is_look else f"--confmat-shard {gate.shard}"
        limits = f"no limit is judged ({by})"
    yield (
        f"confmat: policy {printable(short_path(gate.path))} ({origin}), "
        f"{limits}, {len(gate.classes)} classes, "
        f"data {printable(_data(gate.dataset))}{where}{model}"
    )
    if settings.shard is not None:
        yield f"confmat: parts are written to {printable(short_path(settings.shard.folder))}"
    if gate.merges:
        folders = ", ".join(printable(short_path(folder)) for folder in settings.merge)
        yield f"confmat: nothing is evaluated: parts come from {folders} (--confmat-merge)"
    if gate.baseline is not None:
        named = origins.get("baseline", "policy")
        yield f"confmat: baseline {printable(short_path(gate.baseline.path))} ({named})"
    if gate.reference is not None:
        path, origin = printable(short_path(gate.reference.spec.path)), gate.reference.origin
        yield f"confmat: reference {path} ({origin}), evaluated in the same pass"
    for line in unprovable_limits(gate):
        yield f"confmat: {printable(line, 400)}"


def _other_settings(settings: Settings) -> Iterator[str]:
    origins = settings.origins
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
        yield f"confmat: {', '.join(extra)}"


def left_out_without_model(policy: Path) -> str:
    """Say that a run gates nothing by a policy it found, as that names no model."""
    return (
        f"confmat: policy {printable(short_path(policy))} (found) is not gated: it names no model; "
        "write model: PATH there"
    )


def left_out_by_name(policy: Path) -> str:
    """Say that a run gates nothing by a policy, as it names other tests."""
    return (
        f"confmat: {printable(short_path(policy))} is not gated: this run names other tests; "
        "to gate it, name it or add --confmat-model PATH"
    )


def left_out_by_choice(policy: Path) -> str:
    """Say that a run gates nothing by a policy, as -k or -m select none of its items."""
    return (
        f"confmat: {printable(short_path(policy))} is not gated: -k or -m select none of its "
        "limits; to gate it, leave them out or add --confmat-model PATH"
    )


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
    if len(results) > 1:
        reporter.section(f"confmat: {len(results)} gates", sep="=")
        for line in gates_table(results, writer.fullwidth):
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


def print_end(reporter: Any, results: Sequence[GateResult], report: Path | None) -> None:
    """Print what a CI server reads, and last of all where the report is, if there is one."""
    lines = annotation_lines(reporter.config, results)
    if report is not None:
        lines.append(f"report: {printable(short_path(report), 400)}")
    for line in lines:
        reporter.ensure_newline()
        reporter.write_line(line)


def _model(model: Judged | None, settings: Settings) -> str:
    named = "from the fixture confmat_model"
    if model is not None:
        named = f"{printable(short_path(model.spec.path))} ({model.origin})"
    return named if settings.safe_mode else f"{named}, without safe mode (--confmat-unsafe-model)"


def _data(dataset: DatasetSpec | None) -> str:
    if dataset is None:
        return "from the fixture confmat_dataset"
    return " ".join(map(short_path, kind_of(dataset).place(dataset)))

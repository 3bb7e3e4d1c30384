"""All that a run leaves behind: one list, in the order in which it is written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_confmat.errors import OutputError
from pytest_confmat.output import Output
from pytest_confmat.plugin.github import StepSummary, summary_file
from pytest_confmat.plugin.kept import BaselineOutput, ManifestOutput
from pytest_confmat.plugin.record import Record
from pytest_confmat.plugin.registration import call_hook
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.plugin.state import GateState
from pytest_confmat.registry import Registry
from pytest_confmat.result import GateResult


def outputs_of(
    config: pytest.Config, settings: Settings, state: GateState, record: Record | None
) -> list[Output]:
    """Return the outputs that options and project ask for.

    Raises
    ------
    pytest.UsageError
        If one cannot be honored.
    """
    found: list[Output] = []
    origins = settings.origins
    if settings.manifest is not None and settings.shard is None:
        found.append(ManifestOutput(settings.manifest, origins["manifest"]))
    if settings.save_baseline is not None:
        found.append(BaselineOutput(settings.save_baseline, origins["save_baseline"]))
    if record is not None and record.files is not None:
        record.files.assign(state.gates, origins["report"])
        found.append(record.files)
    if (path := summary_file()) is not None:
        found.append(StepSummary(path))
    own: Registry[Output] = Registry(Output, "output")
    call_hook(config, "pytest_confmat_outputs", registry=own, config=config)
    found += own
    if config.getoption("confmat_tighten") is not None:
        from pytest_confmat.plugin.tightening import tightening

        found.append(tightening(config, state))
    return found


class Notes:
    """What outputs say, by the section of the summary that it belongs to."""

    def __init__(self) -> None:
        self.by_section: dict[str | None, list[str]] = {None: []}

    def add(self, section: str | None, notes: Sequence[str]) -> None:
        """Add notes to a section; ``None``: those on the gates."""
        self.by_section.setdefault(section, []).extend(notes)


def finish(
    outputs: Sequence[Output], results: Sequence[GateResult], notes: Notes, *, green: bool
) -> bool:
    """Write all outputs, each told whether everything before it went well; return whether so."""
    for output in outputs:
        try:
            notes.add(output.section, output.finish(results, green=green))
        except OutputError as error:
            notes.add(output.section, error.notes)
            green = False
        except Exception as error:
            # It is the project's own: the others are to be written all the same.
            said = f"the output {output.key!r} failed: {type(error).__name__}: {error}"
            notes.add(output.section, [said])
            green = False
    return green

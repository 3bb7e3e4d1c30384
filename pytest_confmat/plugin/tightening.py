"""``--confmat-tighten``: after a gate that passed, sharpens the limits that the model beats."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import pytest

from pytest_confmat.authoring import Tightened, tighten
from pytest_confmat.errors import ConfmatError, EvaluationError, OutputError
from pytest_confmat.escaping import printable
from pytest_confmat.filenames import relative_path, short_path
from pytest_confmat.judging import judge
from pytest_confmat.output import Output
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.state import GateState
from pytest_confmat.policy import read_policy
from pytest_confmat.result import GateResult
from pytest_confmat.text import joined, plural
from pytest_confmat.writing import write_atomically, written_beside

FORCE = "force"
_OPTION = "--confmat-tighten"
_FALSE = ("", "0", "false", "no", "off")
_LINE = 400
_SHOWN = 8


@dataclass(frozen=True)
class Edit:
    """A policy as it is, and as it is to be."""

    path: Path
    before: str
    tightened: Tightened


def tightening(config: pytest.Config, state: GateState) -> TightenOutput:
    """Return what tightens the policies at the end of a run.

    Raises
    ------
    pytest.UsageError
        If the value is not known, there is no policy, or this is CI.
    """
    value = config.getoption("confmat_tighten")
    if value not in ("", FORCE):
        raise pytest.UsageError(
            f"{_OPTION}: {value!r} is not known; it takes no value, or ={FORCE} to change the "
            "policy in CI too"
        )
    ci = os.environ.get("CI", "")
    if value != FORCE and ci.strip().lower() not in _FALSE:
        raise pytest.UsageError(
            f"{_OPTION} changes the policy, and this is CI (CI={ci}): tighten where the change is "
            f"seen and committed, or say {_OPTION}={FORCE}"
        )
    if not state.gates:
        raise pytest.UsageError(f"{_OPTION}: there is no policy to tighten")
    return TightenOutput(state)


class TightenOutput(Output):
    """The policies, with the limits raised that the model beats."""

    key = "tighten"
    section = "confmat tighten"

    def __init__(self, state: GateState) -> None:
        self._state = state

    def finish(self, results: Sequence[GateResult], *, green: bool) -> Sequence[str]:
        """Tighten, or say why not; a request that is not honored is not green."""
        lines: list[str] = []
        try:
            _require_passed(results, green=green)
            edits = [self._edit(result) for result in results]
            for edit in edits:
                _write(edit)
                lines += _told(edit)
        except (ConfmatError, OSError) as error:
            what = "no more was changed" if lines else "nothing was changed"
            said = f"{_OPTION}: {what}: {printable(str(error), _LINE)}"
            raise OutputError(*lines, said) from error
        return lines

    def _edit(self, result: GateResult) -> Edit:
        gate = self._state.runs[result.policy].gate
        text = gate.path.read_bytes().decode("utf-8")
        if read_policy(gate.path) != gate.policy:
            raise EvaluationError(f"{gate.path} was changed while the gate ran: run it again")
        model = result.model.get("path")
        tightened = tighten(
            text, result.verdicts, None if model is None else short_path(Path(model))
        )
        if tightened.changes:
            _require_same_verdicts(self._state, gate, result, tightened.text)
        return Edit(gate.path, text, tightened)


def _require_passed(results: Sequence[GateResult], *, green: bool) -> None:
    for result in results:
        if result.outcome != "passed":
            reason = {
                "failed": "a limit failed, or was not checked",
                "error": "the evaluation could not be done",
                "incomplete": "limits were left out",
            }[result.outcome]
            raise EvaluationError(f"the gate {result.policy.name} did not pass: {reason}")
    if not results or not green:
        raise EvaluationError("the run did not pass")


def _require_same_verdicts(state: GateState, gate: Gate, result: GateResult, text: str) -> None:
    """Hold the tightened policy against the evaluation that it comes from, before it is written."""
    with written_beside(gate.path, text) as beside:
        limits, _ = read_policy(beside.path).limits_for(gate.classes)
    if result.evaluation is None:
        raise EvaluationError("there is no evaluation")
    # All of them, as refutations are adjusted over all.
    before = {verdict.limit.id: verdict.outcome for verdict in result.verdicts}
    comparison = state.runs[gate.path].comparison(result.evaluation)
    for verdict in judge(limits, result.evaluation, comparison):
        if verdict.outcome != before.get(verdict.limit.id, verdict.outcome):
            raise EvaluationError(
                f"{verdict.limit.id} would not pass with {verdict.limit.bound.text}; this is a "
                "defect of ours"
            )


def _write(edit: Edit) -> None:
    if edit.tightened.changes:
        mode = edit.path.stat().st_mode & 0o777
        write_atomically(edit.path, edit.tightened.text.encode("utf-8"))
        edit.path.chmod(mode)


def _told(edit: Edit) -> list[str]:
    found, name = edit.tightened, relative_path(edit.path)
    lines = []
    if found.changes:
        lines.append(
            f"{printable(name)}: {plural(len(found.changes), 'number')} tightened; an equally good "
            f"model passes all {found.considered} limits on shares together in 95 of 100 runs"
        )
        diff = unified_diff(
            edit.before.splitlines(), found.text.splitlines(), name, name, lineterm="", n=1
        )
        lines += [printable(line, _LINE) for line in diff]
        lines += [
            f"{printable(change.before)} -> {change.after} as far as {printable(change.held_by)} "
            f"allows, for {len(change.limits)} limits"
            for change in found.changes
            if change.held_by is not None
        ]
    else:
        lines.append(f"{printable(name)}: no limit is beaten beyond noise; nothing was changed")
    if found.shared:
        lines.append(f"left, as their number is written for several places: {_some(found.shared)}")
    if found.composites:
        lines.append(f"left, as they are no shares of examples: {_some(found.composites)}")
    return lines


def _some(ids: Sequence[str]) -> str:
    return joined([printable(name) for name in ids], _SHOWN)

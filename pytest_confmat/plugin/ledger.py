"""The ledger: declared limits compared with verdicts received. A missing verdict never passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import ConfmatError
from pytest_confmat.evaluation import Evaluation, Fault
from pytest_confmat.evaluation_set import class_fault
from pytest_confmat.manifest import digest
from pytest_confmat.plugin.agreed_set import notes_on_set
from pytest_confmat.plugin.evaluator import SHARED_NAME
from pytest_confmat.plugin.findings import Evaluated, Findings, FixtureFindings, ItemFindings
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.result import GateOutcome, GateResult
from pytest_confmat.verdict import Verdict

_NO_PARTS = "the shard wrote no parts: the item that evaluates was not run"
_JUDGED_LATER = "a shard judges nothing: --confmat-merge does, where the parts of all shards are"


@dataclass
class Entry:
    """What items reported for one gate."""

    verdicts: dict[str, Verdict]
    error: str | None = None
    key: str | None = None
    cached: str | None = None
    notes: tuple[str, ...] = ()
    likely_causes: tuple[LikelyCause, ...] = ()
    faults: tuple[Fault, ...] = ()
    partial: str | None = None


class Ledger:
    """Receives what items report, in this process or in workers."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = {str(gate.path): gate for gate in gates}
        self._entries = {path: Entry({}) for path in self._gates}
        self._keys: set[str] = set()
        self._own: dict[str, str] = {}
        # Whether a test evaluated anything; told only where there is no policy.
        self.evaluated = False

    def receive(self, findings: Findings) -> None:
        """Enter what one item or test found out."""
        match findings:
            case Evaluated():
                self.evaluated = True
            case FixtureFindings(test, key):
                self._own[test] = key
            case ItemFindings():
                self._receive(findings, self._entries[findings.policy])

    def _receive(self, findings: ItemFindings, entry: Entry) -> None:
        if findings.key:
            entry.key = findings.key
            self._keys.add(findings.key)
        entry.cached = findings.cached or entry.cached
        entry.error = findings.error or entry.error
        entry.notes = findings.notes or entry.notes
        entry.faults = findings.faults or entry.faults
        entry.partial = findings.partial or entry.partial
        # Every process that judges says the same.
        entry.likely_causes = findings.likely_causes or entry.likely_causes
        entry.verdicts |= {verdict.limit.id: verdict for verdict in findings.verdicts}

    def refuse(self, reason: str) -> None:
        """Enter that no test was run, and why."""
        for entry in self._entries.values():
            entry.error = entry.error or reason

    def judged_elsewhere(self) -> list[str]:
        """Return node ids of tests whose `confmat` was none of a policy's evaluations.

        What only one process can see is told apart only where there is one process.
        """
        if any(key.startswith(SHARED_NAME) for key in self._keys):
            return []
        return [test for test, key in self._own.items() if key not in self._keys]

    def results(
        self,
        recall: Callable[[str], Evaluation],
        left_out: Callable[[Gate], frozenset[str]],
        why_unchecked: Callable[[Gate, Sequence[str]], Iterable[str]],
        *,
        interrupted: bool,
        comparison_of: Callable[[Gate, Evaluation], Comparison | None] = lambda *_: None,
        not_chosen: Collection[Path] = (),
    ) -> tuple[GateResult, ...]:
        """Return the result of each gate.

        Parameters
        ----------
        recall
            Returns the evaluation that is remembered under a key.
        left_out
            Returns the ids of a gate's limits that the user left out by name.
        why_unchecked
            Returns sentences that say how some of a gate's limits came to have no verdict.
        interrupted
            Whether the session ended before its time.
        comparison_of
            Compares an evaluation with its gate's baseline.
        not_chosen
            Policies whose gates were not asked for, and of which nothing was run.
        """
        found = []
        for path, gate in self._gates.items():
            excused = interrupted or gate.path in not_chosen
            result = _result(gate, self._entries[path], recall, left_out(gate), excused)
            if result.outcome == "failed" and result.unchecked:
                reasons = why_unchecked(gate, result.unchecked)
                result = replace(result, notes=(*reasons, *result.notes))
            if result.evaluation is not None:
                result = replace(result, comparison=comparison_of(gate, result.evaluation))
            found.append(result)
        return tuple(found)


def _result(
    gate: Gate,
    entry: Entry,
    recall: Callable[[str], Evaluation],
    left_out: frozenset[str],
    excused: bool,
) -> GateResult:
    evaluation, error = None, entry.error
    if entry.key is not None:
        try:
            evaluation = recall(entry.key)
            # The evaluation item says so too, but it may have been left out.
            error = error or class_fault(evaluation)
        except ConfmatError as missing:
            error = error or str(missing)
    verdicts = tuple(
        entry.verdicts[limit.id] for limit in gate.limits if limit.id in entry.verdicts
    )
    unchecked = tuple(limit.id for limit in gate.limits if limit.id not in entry.verdicts)
    excused = excused or (bool(verdicts) and left_out.issuperset(unchecked))
    if gate.shard is not None and entry.partial is None and not excused:
        error = error or _NO_PARTS
    outcome = _outcome(error, verdicts, unchecked, excused)
    if outcome == "passed" and (gate.is_look or evaluation is None):
        outcome = "incomplete"  # nothing was declared that could be checked, or nothing evaluated
    provenance = evaluation.provenance if evaluation is not None else {}
    notes, set_digest = entry.notes, None
    partial = None
    if gate.shard is not None and outcome == "incomplete" and entry.partial:
        partial = f"shard {gate.shard}: {entry.partial}"
        notes += (_JUDGED_LATER,)
    if evaluation is not None:
        set_digest = digest(evaluation)
        notes += (*evaluation.notes, *notes_on_set(gate, evaluation, set_digest, outcome))
    return GateResult(
        policy=gate.path,
        outcome=outcome,
        model=provenance.get("model", {}),
        dataset=_dataset(evaluation, set_digest),
        evaluation=evaluation,
        cached=entry.cached,
        verdicts=verdicts,
        waiting=gate.waiting,
        unchecked=unchecked,
        exemptions=gate.exemptions,
        error=error,
        faults=entry.faults if evaluation is None else evaluation.faults,
        likely_causes=entry.likely_causes if outcome in ("failed", "error") else (),
        notes=notes,
        versions=provenance.get("versions", {}),
        timing=evaluation.timing if evaluation is not None else {},
        partial=partial,
    )


def _outcome(
    error: str | None, verdicts: Sequence[Verdict], unchecked: Sequence[str], excused: bool
) -> GateOutcome:
    if error is not None:
        return "error"
    if any(verdict.blocks for verdict in verdicts):
        return "failed"
    if unchecked:
        return "incomplete" if excused else "failed"
    return "passed"


def _dataset(evaluation: Evaluation | None, set_digest: str | None) -> dict[str, Any]:
    if evaluation is None:
        return {}
    said = evaluation.provenance.get("dataset", {})
    return {
        "source": said.get("source"),
        "input": said.get("input"),
        "examples": len(evaluation),
        "digest": set_digest,
    }

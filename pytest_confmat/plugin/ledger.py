"""The ledger: declared limits held against verdicts received. What is missing is never green."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import ConfmatError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.result import GateOutcome, GateResult
from pytest_confmat.verdict import Verdict

# Options that rerun a part of the tests by themselves: whoever gives one has not chosen limits.
RERUNNING = ("lf", "stepwise")


@dataclass
class Entry:
    """What came in for one gate."""

    verdicts: dict[str, Verdict]
    error: str | None = None
    key: str | None = None


class Ledger:
    """Takes what items found out, from this process or from workers."""

    def __init__(self, gates: Sequence[Gate], fault_of: Callable[[Evaluation], str | None]) -> None:
        self._entries = {str(gate.path): Entry({}) for gate in gates}
        self._gates = tuple(gates)
        self._fault_of = fault_of
        self.keys: set[str] = set()
        self.elsewhere: dict[str, str] = {}

    def receive(self, found: Mapping[str, Any]) -> None:
        """Enter what one item found out."""
        if "own" in found:
            self.elsewhere[found["own"]] = found["key"]
            return
        entry = self._entries[found["policy"]]
        if key := found.get("key"):
            entry.key = key
            self.keys.add(key)
        entry.error = found.get("error") or entry.error
        gate = next(gate for gate in self._gates if str(gate.path) == found["policy"])
        for plain in found.get("verdicts", ()):
            verdict = Verdict.from_plain(plain, gate.by_id)
            entry.verdicts[verdict.limit.id] = verdict

    def results(
        self,
        recall: Callable[[str], Evaluation],
        chosen: Callable[[Gate], bool],
        interrupted: bool,
    ) -> tuple[GateResult, ...]:
        """Close the books: one result a gate.

        Parameters
        ----------
        recall
            Returns the evaluation that is remembered under a key.
        chosen
            Whether the user left limits of a gate out, by name.
        interrupted
            Whether the session ended before its time.
        """
        return tuple(
            self._result(gate, self._entries[str(gate.path)], recall, chosen(gate), interrupted)
            for gate in self._gates
        )

    def _result(
        self,
        gate: Gate,
        entry: Entry,
        recall: Callable[[str], Evaluation],
        chosen: bool,
        interrupted: bool,
    ) -> GateResult:
        evaluation, error = None, entry.error
        if entry.key is not None:
            try:
                evaluation = recall(entry.key)
                # The evaluation item says so too, but it may have been left out.
                error = error or self._fault_of(evaluation)
            except ConfmatError as missing:
                error = error or str(missing)
        verdicts = tuple(
            entry.verdicts[limit.id] for limit in gate.limits if limit.id in entry.verdicts
        )
        unchecked = tuple(limit.id for limit in gate.limits if limit.id not in entry.verdicts)
        outcome: GateOutcome = "passed"
        if error is not None:
            outcome = "error"
        elif any(verdict.outcome != "passed" for verdict in verdicts):
            outcome = "failed"
        elif unchecked:
            excused = interrupted or (chosen and verdicts)
            outcome = "incomplete" if excused else "failed"
        provenance = evaluation.provenance if evaluation is not None else {}
        return GateResult(
            policy=gate.path,
            outcome=outcome,
            model=provenance.get("model", {}),
            dataset=_dataset(evaluation),
            evaluation=evaluation,
            verdicts=verdicts,
            unchecked=unchecked,
            exemptions=gate.exemptions,
            error=error,
            notes=evaluation.notes if evaluation is not None else (),
            versions=provenance.get("versions", {}),
            timing=evaluation.timing if evaluation is not None else {},
        )


def _dataset(evaluation: Evaluation | None) -> dict[str, Any]:
    if evaluation is None:
        return {}
    source = evaluation.provenance.get("dataset", {}).get("source")
    return {"source": source, "examples": len(evaluation)}


def left_out_by_name(config: pytest.Config, gate: Gate) -> bool:
    """Whether the command line chooses among the limits of `gate`: -k, -m, --deselect, an id."""
    option = config.option
    if any(getattr(option, name, None) for name in RERUNNING):
        return False
    named = any(
        separator and _same_file(config, Path(path), gate.path)
        for path, separator, _ in (str(arg).partition("::") for arg in config.args)
    )
    return bool(named or option.keyword or option.markexpr or option.deselect)


def is_named(config: pytest.Config, gate: Gate) -> bool:
    """Whether an argument names the thresholds file of `gate`, or items in it."""
    return any(
        _same_file(config, Path(str(arg).partition("::")[0]), gate.path) for arg in config.args
    )


def _same_file(config: pytest.Config, given: Path, path: Path) -> bool:
    return (config.invocation_params.dir / given).resolve() == path

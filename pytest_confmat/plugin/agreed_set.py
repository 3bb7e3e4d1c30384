"""Whether the evaluation set is the one that was agreed on, and what to say of it."""

from __future__ import annotations

from pathlib import Path

from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.evaluation_set import set_fault
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.result import GateOutcome


def require_agreed(gate: Gate, evaluation: Evaluation, manifest: Path | None) -> None:
    """Compare a set with the count and digest of its policy, and its manifest if there is one.

    Raises
    ------
    DataError
        If it is another set; the text says in what, where a manifest can tell.
    """
    fault = set_fault(evaluation, gate.expected_examples, gate.policy.digest, manifest)
    if fault is not None:
        raise DataError(fault)


def notes_on_set(
    gate: Gate, evaluation: Evaluation, digest: str, outcome: GateOutcome
) -> tuple[str, ...]:
    """Return the set's digest in words, and what would close a gap in what is known of it."""
    said = f"digest of the evaluation set: {digest}"
    stated = evaluation.provenance.get("dataset", {}).get("states_count", True)
    if outcome != "passed" or gate.dataset is None or stated:
        return (said,)
    if gate.expected_examples is not None or gate.policy.digest is not None:
        return (said,)
    return said, (
        "the data do not say how many examples there must be; to notice when some are missing, "
        f"say expected_examples: {len(evaluation)} in dataset"
    )

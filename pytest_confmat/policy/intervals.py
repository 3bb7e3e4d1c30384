"""``proven`` and ``not_refuted`` need an interval, which not every number has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_confmat.limits import Against, EvidenceRule, Weighting, has_interval
from pytest_confmat.policy.policy_faults import Problem
from pytest_confmat.policy.yaml_document import Document

METRIC_KEYS: Final[tuple[tuple[str, Against], ...]] = (
    ("at_least", "value"),
    ("max_drop", "baseline"),
)


@dataclass(frozen=True)
class Claim:
    """How bounds are to be judged.

    Attributes
    ----------
    bounds
        The keys of the bounds: those that the rule goes for.
    way
        Keys below ``thresholds`` to the mapping that they stand in.
    is_own
        Whether the rule stands there too; it is that of the policy's evidence otherwise.
    """

    rule: EvidenceRule
    bounds: Sequence[str]
    way: tuple[str, ...]
    is_own: bool


def without_interval(
    claim: Claim, metric: str, weighting: Weighting | None, document: Document
) -> Problem | None:
    """Return what is wrong with a rule that needs an interval, if a bound of `metric` has none."""
    if claim.rule == "estimate":
        return None
    for key, against in METRIC_KEYS:
        if key in claim.bounds and not has_interval(metric, weighting, against):
            break
    else:
        return None
    subject = metric if weighting is None else f"{metric} with these weights"
    remedy = "write rule: estimate"
    if not claim.is_own:
        remedy += " for this limit"
    if against == "baseline":
        subject = f"a drop of {subject}"
        if "at_least" in claim.bounds:
            remedy += ", which then goes for at_least too, or leave max_drop out"
    rule: str = claim.rule
    location, where = document.place(
        ["thresholds", *claim.way, "rule" if claim.is_own else key],
    )
    if not claim.is_own:
        line = document.place(["evidence", "rule"])[0].line
        rule = f"evidence says {claim.rule} on line {line}, which"
    return Problem(
        location,
        f"{where}: {rule} needs an interval, and {subject} has an estimate only; {remedy}",
    )

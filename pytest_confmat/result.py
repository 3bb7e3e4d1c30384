"""The result of one policy, as the plain value that every report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.baseline.comparison import Changes, Comparison, Other
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.evaluation import Evaluation, Fault
from pytest_confmat.limits import Exemption
from pytest_confmat.sprites import Thumbnails
from pytest_confmat.verdict import Verdict

GateOutcome = Literal["passed", "failed", "error", "incomplete"]


@dataclass(frozen=True)
class GateResult:
    """The result of one policy.

    Attributes
    ----------
    policy
        Path of the thresholds file.
    outcome
        ``passed``: all declared limits were checked and passed. ``failed``: one did not pass, or
        was not checked although the user left none out. ``error``: the evaluation could not be
        done or found a fault. ``incomplete``: what was checked passed, but the user left limits
        out.
    model
        ``path``, ``format``, ``sha256``; values may be ``None``.
    dataset
        ``source`` and ``input``, what the model was given (both in words), ``examples``.
    evaluation
        ``None`` if there is none.
    cached
        When it was computed, as ISO 8601, if it came out of the cache.
    verdicts
        In the order of the policy.
    waiting
        How many limits are not checked because this run saves the first baseline.
    unchecked
        Ids of declared limits without a verdict.
    error
        Why the evaluation could not be done, or what it found; text of one or more lines.
    faults
        Examples that could not be used: those that count as misclassified, or those for which
        there is no evaluation.
    likely_causes
        Where a limit failed: patterns of wiring mistakes in the matrix.
    comparison
        With the baseline or the reference, example by example; ``None``: there is none.
    thumbnails
        Pictures of misclassified examples; ``None``: nobody asked for any.
    partial
        What a shard has evaluated and written, in a sentence; ``None``: this is no shard.
    """

    policy: Path
    outcome: GateOutcome
    model: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    verdicts: tuple[Verdict, ...] = ()
    waiting: int = 0
    unchecked: tuple[str, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()
    likely_causes: tuple[LikelyCause, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    cached: str | None = None
    faults: tuple[Fault, ...] = ()
    comparison: Comparison | None = None
    thumbnails: Thumbnails | None = None
    partial: str | None = None

    @cached_property
    def changes(self) -> Changes | None:
        """How accuracy and recall changed since the baseline."""
        return None if self.comparison is None else self.comparison.changes

    @property
    def other(self) -> Other:
        """What it is compared with, if it is: ``baseline``, or ``reference``."""
        return "baseline" if self.comparison is None else self.comparison.other

    @cached_property
    def newly_wrong(self) -> NDArray[np.int64] | None:
        """Places of what the baseline had right and this model has wrong; ``None``: no baseline."""
        found = self.comparison
        return None if found is None else found.places[found.newly_wrong]

    @property
    def examples_per_second(self) -> float | None:
        """How fast the evaluation was; ``None`` where none was computed."""
        seconds = self.timing.get("evaluate", 0)
        return len(self.evaluation) / seconds if self.evaluation and seconds > 0 else None

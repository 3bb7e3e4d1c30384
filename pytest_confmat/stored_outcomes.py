"""Outcomes of a part as bytes: a stored evaluation of that part alone, and what faults are known.

Nothing in it is code, and what is read is looked at before it is believed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.source import ExampleFault
from pytest_confmat.errors import EvaluationError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.part_validity import is_part

_KEY = "outcomes"


@dataclass(frozen=True, eq=False)
class StoredOutcomes:
    """The outcomes of one part, as they are stored.

    Attributes
    ----------
    classes
        Names, in the order of the model's outputs.
    about
        JSON values of whoever stored them.
    """

    outcomes: PartOutcomes
    classes: tuple[str, ...]
    about: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        outcomes, traits = self.outcomes, self.outcomes.traits
        places = () if traits is None else np.flatnonzero(traits).tolist()
        known = {
            "faults": [
                [place, str(fault), fault.label, fault.check, fault.weight, fault.stray]
                for place, fault in sorted(outcomes.faults.items())
            ],
            "traits": [[place, int(traits[place])] for place in places if traits is not None],
            "late": outcomes.late,
            "about": dict(self.about),
        }
        return Evaluation(self.classes, (outcomes.part,), {_KEY: known}).to_bytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> StoredOutcomes:
        """Read what `to_bytes` returned.

        Raises
        ------
        EvaluationError
            If it holds what no part of an evaluation holds.
        """
        found = Evaluation.load(io.BytesIO(content))
        try:
            (part,), known = found.parts, found.provenance[_KEY]
            faults = {place: _fault(*rest) for place, *rest in known["faults"]}
            if not is_part(part, len(found.classes), faults):
                raise EvaluationError("a part holds what no part holds")
            traits = _traits(known["traits"], len(part))
            outcomes = PartOutcomes(part, faults, traits, int(known["late"]))
            return cls(outcomes, found.classes, dict(known["about"]))
        except EvaluationError:
            raise
        except Exception as error:  # damage takes many forms
            raise EvaluationError(f"the stored part is not what was written: {error}") from error


def _fault(
    reason: str, label: int | None, check: int, weight: float | None, stray: int | None
) -> ExampleFault:
    return ExampleFault(str(reason), label, int(check), weight, stray)


def _traits(stored: list[list[int]], n: int) -> NDArray[np.uint8] | None:
    if not stored:
        return None
    found = np.zeros(n, np.uint8)
    for place, value in stored:
        found[place] = value
    return found

"""Outcomes of all parts of a set -> Evaluation, wherever the parts were evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pytest_confmat.data.source import Described
from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import Evaluation, Fault
from pytest_confmat.example_ids import JoinedIds, NumberedIds
from pytest_confmat.faults import Care, FaultySet
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.remarks import misclassified_note, trait_notes


def assembled(
    source: Described,
    classes: tuple[str, ...],
    outcomes: Sequence[PartOutcomes],
    *,
    care: Care,
    provenance: Mapping[str, Any],
    notes: Sequence[str],
    timing: Mapping[str, float],
) -> Evaluation:
    """Return the evaluation that the parts of a set make up.

    Parameters
    ----------
    outcomes
        Of every part, in any order.
    care
        What is done about examples at fault.

    Raises
    ------
    DataError
        If examples are at fault that cannot be counted as wrong, or there are none at all.
    """
    ordered = sorted(outcomes, key=lambda each: each.part.position)
    parts = tuple(each.part for each in ordered)
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    faults = {
        start + place: fault
        for start, each in zip(starts, ordered, strict=False)
        for place, fault in each.faults.items()
    }
    ids = JoinedIds(tuple(part.ids for part in parts))
    found = FaultySet(
        source=source,
        classes=classes,
        name=ids.__getitem__,
        care=care,
        extent=starts[-1],
        is_weighted=any(part.weight is not None for part in parts),
        present=_present(ordered),
    )
    if any(found.is_error(fault, len(faults)) for fault in faults.values()):
        raise found.error(faults)
    if not starts[-1]:
        raise DataError(f"{source.description} holds no examples to judge a model by")
    listed = tuple(found.listed(faults))
    return Evaluation(
        classes,
        parts,
        provenance,
        (*notes, *_remarks(ordered, ids, source), *_misclassified(listed)),
        timing,
        listed,
    )


def _misclassified(faults: Sequence[Fault]) -> tuple[str, ...]:
    return (misclassified_note(faults),) if faults else ()


def _present(outcomes: Sequence[PartOutcomes]) -> frozenset[int]:
    """Return the true classes of the examples whose class is known."""
    present: set[int] = set()
    for each in outcomes:
        unknown = [place for place, fault in each.faults.items() if fault.label is None]
        present |= set(np.delete(each.part.true, unknown).tolist())
    return frozenset(present)


def _remarks(outcomes: Sequence[PartOutcomes], ids: JoinedIds, source: Described) -> Iterator[str]:
    traits = [
        np.zeros(len(each.part), np.uint8) if each.traits is None else each.traits
        for each in outcomes
    ]
    if any(each.traits is not None for each in outcomes):
        pieces = JoinedIds.of(ids.pieces).pieces
        numbered = any(isinstance(piece, NumberedIds) for piece in pieces)
        noun = "example" if source.parts is None else "record" if numbered else "file"
        yield from trait_notes(np.concatenate(traits), ids, noun)

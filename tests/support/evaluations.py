"""Evaluations made by hand: of each example a true and a predicted class, the rest filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytest_confmat.evaluation import UNPREDICTED
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.parts import Part


def part(true: Sequence[int], predicted: Sequence[int], position: int = 0, **given: Any) -> Part:
    """Return a part; what is not among `given` is as it would be of a model with two tries.

    The true class has rank 0 where it was predicted, otherwise 1, and contents differ.
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    n, none = len(true), predicted == UNPREDICTED
    filled = {
        "id": f"part-{position}",
        "ids": NumberedIds(f"part-{position}", n),
        "score": np.where(none, np.nan, 1),
        "rank": np.where(true == predicted, 0, 1),
        "check": np.arange(n),
    } | given
    filled["score"] = np.asarray(filled["score"], np.float32)
    filled["check"] = np.asarray(filled["check"], np.uint64)
    return Part(position=position, true=true, predicted=predicted, **filled)

"""Whether a part that was read from a file can be one: stored parts are not trusted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.example_ids import NumberedIds, pieces_of
from pytest_confmat.parts import ARRAYS, CLOSE, NO_VALUE, UNPREDICTED, Column, Part


def is_part(part: Part, k: int, faulty: Collection[int] = ()) -> bool:
    """Whether all that is in a part is of the types and in the ranges that it must be.

    Parameters
    ----------
    k
        The number of classes.
    faulty
        Places of examples that could not be used.
    """
    if faulty and not _is_unpredicted(part, k, list(faulty)):
        return False
    sound = _without(part, list(faulty)) if faulty else part
    return (
        all(map(_is_piece, pieces_of(part.ids)))
        and isinstance(part.id, str)
        and type(part.position) is int
        and all(_is_index(array, k) for array in (sound.true, sound.predicted, sound.rank))
        and _is_row(sound.score, np.float32)
        and _is_row(sound.check, np.uint64)
        and (sound.weight is None or _is_row(sound.weight, np.float64))
        and bool(np.isfinite(sound.score).all())
        and (sound.weight is None or _is_weight(sound.weight))
        # What was predicted has no class above it.
        and not sound.rank[sound.true == sound.predicted].any()
        and _is_index(sound.runner_up, k, UNPREDICTED)
        and _is_row(sound.runner_up_score, np.float32)
        and _is_index(sound.tied, k + 1)
        and _is_row(sound.true_tied, np.bool_)
        and all(map(_is_column, part.columns.values()))
    )


def _is_unpredicted(part: Part, k: int, places: list[int]) -> bool:
    n = len(part)
    if not all(type(place) is int and 0 <= place < n for place in places):
        return False
    return _is_index(part.true, k) and bool((part.predicted[places] == UNPREDICTED).all())


def _without(part: Part, places: list[int]) -> Part:
    """Return the examples that could be used; their ids are not looked at."""
    weight = None if part.weight is None else np.delete(part.weight, places)
    arrays: dict[str, Any] = {
        name: np.delete(getattr(part, name), places) for name in (*ARRAYS, *CLOSE)
    }
    ids = NumberedIds("", len(part) - len(set(places)))
    return replace(part, ids=ids, weight=weight, columns={}, **arrays)


def _is_weight(weight: NDArray[np.float64]) -> bool:
    return bool((np.isfinite(weight) & (weight >= 0)).all())


def _is_column(column: Column) -> bool:
    return _is_index(column.codes, len(column.values), NO_VALUE) and all(
        isinstance(value, str) for value in column.values
    )


def _is_piece(ids: Sequence[str]) -> bool:
    if isinstance(ids, NumberedIds):
        return isinstance(ids.prefix, str) and {type(ids.length), type(ids.start)} == {int}
    return all(isinstance(example, str) for example in ids)


def _is_index(array: NDArray[Any], k: int, lowest: int = 0) -> bool:
    """Whether an array holds numbers from `lowest` to `k` - 1."""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        return False
    return not len(array) or bool(array.min() >= lowest and array.max() < k)


def _is_row(array: NDArray[Any], dtype: type[np.generic]) -> bool:
    return array.ndim == 1 and array.dtype == dtype

"""Small evaluations, and how the tests of baselines say what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import strategies as st

from pytest_confmat.evaluation import UNPREDICTED, Evaluation
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.parts import Part
from tests.support.evaluations import part

CLASSES = ("cat", "dog", "fox")
# id, check word, true class, predicted class
Row = tuple[str, int, int, int]


def part_of(
    rows: Sequence[Row], position: int = 0, k: int = 3, numbered: str | None = None
) -> Part:
    ids, check, true, predicted = zip(*rows, strict=True) if rows else ((), (), (), ())
    rank = [k if p == UNPREDICTED else int(t != p) for t, p in zip(true, predicted, strict=True)]
    return part(
        np.array(true, np.int16),
        np.array(predicted, np.int16),
        position,
        ids=ids if numbered is None else NumberedIds(numbered, len(rows)),
        score=np.ones(len(rows)),
        rank=np.array(rank, np.int16),
        check=check,
    )


def evaluation_of(rows: Iterable[Row], classes: tuple[str, ...] = CLASSES, **others) -> Evaluation:
    return Evaluation(classes, (part_of(tuple(rows), k=len(classes)),), **others)


def predicted_right(n: int, prefix: str = "f", start: int = 0) -> list[Row]:
    return [(f"{prefix}{i}", i + 1, i % 3, i % 3) for i in range(start, start + n)]


@st.composite
def rows(draw: st.DrawFn, k: int = 3, checks: int = 6, ids: int = 12) -> list[Row]:
    """Rows of few ids, contents and classes, so that everything coincides now and then."""
    names = draw(st.lists(st.integers(0, ids - 1), unique=True, max_size=ids))
    return [
        (
            f"i{name}",
            draw(st.integers(0, checks)),
            draw(st.integers(0, k - 1)),
            draw(st.integers(-1, k - 1)),
        )
        for name in names
    ]

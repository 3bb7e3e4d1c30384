"""Hypothesis strategies shared by tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from pytest_confmat.evaluation import Evaluation, Part
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.matrix import ConfusionMatrix

names = st.text(min_size=1, max_size=8)


def class_names(k: int) -> tuple[str, ...]:
    return tuple(f"c{i}" for i in range(k))


@st.composite
def matrices(draw: st.DrawFn, min_classes: int = 2, max_classes: int = 6) -> ConfusionMatrix:
    k = draw(st.integers(min_classes, max_classes))
    cells = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 3000))
    counts = draw(st.lists(cells, min_size=k * k, max_size=k * k))
    return ConfusionMatrix(np.array(counts).reshape(k, k), class_names(k))


@st.composite
def parts(draw: st.DrawFn, k: int, position: int, weighted: bool = False) -> Part:
    n = draw(st.integers(0, 12))
    classes = st.lists(st.integers(0, k - 1), min_size=n, max_size=n)
    true, predicted = np.array(draw(classes), np.int16), np.array(draw(classes), np.int16)
    scores = draw(st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n))
    ranks = np.array(draw(classes), np.int16)
    ranks[true == predicted] = 0
    weights = draw(st.lists(st.floats(0, 100), min_size=n, max_size=n)) if weighted else None
    return Part(
        id=f"part-{position}",
        position=position,
        ids=draw(
            st.sampled_from(
                [NumberedIds(f"s{position}", n), tuple(f"{position}/{i}" for i in range(n))]
            )
        ),
        true=true,
        predicted=predicted,
        score=np.array(scores, np.float32),
        rank=ranks,
        check=np.array(
            draw(st.lists(st.integers(0, 2**64 - 1), min_size=n, max_size=n)), np.uint64
        ),
        weight=None if weights is None else np.array(weights, np.float64),
    )


@st.composite
def evaluations(draw: st.DrawFn, k: int = 3, weighted: bool = False) -> Evaluation:
    several = [draw(parts(k, position, weighted)) for position in range(draw(st.integers(1, 5)))]
    return Evaluation(class_names(k), tuple(several), {"model": "m"}, ("note",))

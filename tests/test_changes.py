from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.changes import Changes
from pytest_confmat.evidence.proof import Pairs
from tests.support.verdicts import TwoModels, pairs_of_models, two_models


def rows(models: TwoModels) -> list[tuple[int, int, int, int, int]]:
    columns = (models.true, models.before, models.now, models.rank_before, models.rank_now)
    return list(zip(*(column[models.common].tolist() for column in columns), strict=True))


def counted(right: list[tuple[bool, bool]]) -> Pairs:
    """Count what was right and is not, and what is right and was not."""
    return Pairs(right.count((True, False)), right.count((False, True)), len(right))


@given(pairs_of_models())
def test_pairs_are_those_of_counting_example_by_example(models):
    changes = Changes(models.comparison)
    examples = rows(models)
    assert changes.total == len(examples)
    for i in range(models.k):
        own = [row for row in examples if row[0] == i]
        others = [row for row in examples if row[0] != i]
        assert changes.support[i] == len(own)
        assert changes.recall(i) == counted([(r[1] == i, r[2] == i) for r in own])
        not_taken = counted([(r[1] != i, r[2] != i) for r in others])
        assert changes.specificity(i) == not_taken
        for j in range(models.k):
            if i != j:
                not_confused = counted([(r[1] != j, r[2] != j) for r in own])
                assert changes.confusion(i, j) == not_confused


@given(pairs_of_models(), st.integers(1, 4))
def test_pairs_of_the_whole_set(models, k):
    changes = Changes(models.comparison)
    examples = rows(models)
    right = counted([(r[1] == r[0], r[2] == r[0]) for r in examples])
    assert changes.accuracy() == right
    among_first = [(r[3] < k and r[1] >= 0, r[4] < k and r[2] >= 0) for r in examples]
    assert changes.top_k(k) == counted(among_first)
    assert changes.top_k(1) == right


def test_what_stays_in_its_cell_did_not_change():
    models = two_models([0, 0, 1, 1, 1], [1, 0, 1, -1, -1], [1, 0, 1, -1, 0], k=2)
    changes = Changes(models.comparison)
    assert (changes.came, changes.left) == ({(1, 0): 1}, {})
    assert changes.recall(1) == Pairs(0, 0, 3)
    assert changes.specificity(0) == Pairs(1, 0, 3)


def test_counts_are_whole_numbers_of_python():
    models = two_models([0, 1, 1], [0, 1, 0], [1, 1, 1], k=2)
    changes = Changes(models.comparison)
    found = [changes.recall(0), changes.specificity(1), changes.accuracy(), changes.top_k(1)]
    numbers = [number for pair in found for number in vars(pair).values()]
    numbers += [*changes.support, *changes.came.values(), *changes.left.values()]
    assert {type(number) for number in numbers} == {int}


def test_examples_of_one_set_alone_do_not_count():
    models = two_models([0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1], k=2, whose=[0, 1, 2, 0])
    changes = Changes(models.comparison)
    assert changes.recall(0) == Pairs(0, 0, 1)
    assert np.array_equal(models.comparison.true, [0, 1])

"""Which misclassified examples a page lists."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.evaluation import UNPREDICTED, Evaluation
from pytest_confmat.report.page.examples import shown_examples
from tests.support.evaluations import part

K = 4
outcomes = st.lists(
    st.tuples(st.integers(0, K - 1), st.integers(-1, K - 1), st.integers(0, 9), st.booleans()),
    max_size=80,
)


@given(outcomes, st.integers(1, 4), st.integers(1, 30))
def test_choice_is_that_of_a_plain_loop(found, per_cell, most):
    true, predicted, score, new = (np.array([row[at] for row in found], int) for at in range(4))
    is_known = predicted != UNPREDICTED
    classes = tuple("abcd")
    made = part(true, predicted, score=np.where(is_known, score / 10, np.nan))
    evaluation = Evaluation(classes, (made,) if found else ())
    newly = np.flatnonzero((new == 1) & (true != predicted))
    shown = shown_examples(evaluation, newly, per_cell, most)

    cells = defaultdict(list)
    for place, (t, p, s, is_new) in enumerate(found):
        if t != p and p != UNPREDICTED:
            cells[t, p].append((not is_new, -s, place))
    chosen = [
        (rank, one[1], cell, one[2])
        for cell, entries in cells.items()
        for rank, one in enumerate(sorted(entries)[:per_cell])
    ]
    assert shown.total == sum(map(len, cells.values()))
    expected = {place for *_, place in chosen}
    places = shown.places.tolist()
    assert len(places) == len(set(places)) == min(len(expected), most)
    assert set(places) <= expected
    ranks = {place: rank for rank, _, _, place in chosen}
    left_out = [ranks[place] for place in expected - set(places)]
    assert max((ranks[place] for place in places), default=0) <= min(left_out, default=per_cell)
    assert [bool(new[place]) for place in places] == shown.newly.tolist()
    by_cell = defaultdict(list)
    for place in places:
        by_cell[true[place], predicted[place]].append(place)
    for cell, listed in by_cell.items():
        assert listed == [place for *_, place in sorted(cells[cell])][: len(listed)]


def test_without_a_baseline_nothing_is_new():
    evaluation = Evaluation(("a", "b"), (part([0, 1], [1, 1]),))
    assert shown_examples(evaluation, None).newly is None

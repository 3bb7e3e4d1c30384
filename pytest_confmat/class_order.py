"""The order of the classes in which a model's outputs seem to come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.evidence.chance import CHANCE, ln_tail
from pytest_confmat.matrix import ConfusionMatrix

# The column in which each class seems to be found, int64 (K,).
Order = NDArray[np.int64]

_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
# By how much the labels would have to change.
SHIFTED = {
    -1: "every label were one lower, as where labels count from 1 and outputs from 0",
    1: "every label were one higher, as where 1 is subtracted from labels that count from 0",
}


def fitting_order(matrix: ConfusionMatrix) -> tuple[str | None, Order] | None:
    """Return the order that fits far better than the declared one, and its name if it has one.

    An order with a name is one of a handful, the best of all orders one of K!, so that it takes
    more evidence.
    """
    counts = matrix.cells
    if (counts.values <= matrix.correct[counts.rows]).all():
        return None  # no class is found more often elsewhere than in its own place
    declared = np.arange(len(matrix.classes))
    best = _best_order(matrix)
    named = _named_orders(matrix.classes)
    fitting = {
        order: name
        for order, name in named.items()
        if _fits_better(matrix, np.array(order), declared, log(len(named)))
    }
    if fitting:
        likely = max(fitting, key=lambda order: int(counts.at(declared, order).sum()))
        order = np.array(likely)
        if not _fits_better(matrix, best, order, _ln_orders(best, order)):
            return fitting[likely], order
    if _fits_better(matrix, best, declared, _ln_orders(best, declared)):
        return None, best
    return None


def _best_order(matrix: ConfusionMatrix) -> Order:
    """Return the order with the highest accuracy, that leaves in place what it can.

    Of very many classes, for which that would take hours, the declared one.
    """
    if matrix.is_large:
        return np.arange(len(matrix.classes))
    # Costs a quarter of a CPU-second, which a run with limits that hold need not pay.
    from scipy.optimize import linear_sum_assignment

    k = len(matrix.classes)
    # All places together weigh half an example, and so decide between equals alone.
    values = matrix.counts + np.eye(k) / (2 * k)
    _, columns = linear_sum_assignment(values, maximize=True)
    return np.asarray(columns, dtype=np.int64)


def _fits_better(matrix: ConfusionMatrix, order: Order, rival: Order, ln_tries: float) -> bool:
    """Whether `order` explains the classes that it moves, and `rival` does not.

    It must find at least half of their examples and twice as many as `rival`, counting examples
    and also counting every class alike, so that one large class cannot speak for all. And
    neither of these would show as much by chance, to the best of ``exp(ln_tries)`` orders:

    - a model that names each class at least as often by `rival` as by `order`: of the examples
      found by either, a coin would give `order` no more (`ln_tail`);
    - a model whose predictions have nothing to do with the class: whichever way it prefers some
      classes, the recalls by any order have a sum of at most one (Hoeffding's inequality).
    """
    moved = np.flatnonzero((order != rival) & (matrix.support > 0))
    if not moved.size:
        return False
    support = matrix.support[moved]
    found = matrix.cells.at(moved, order[moved])
    before = matrix.cells.at(moved, rival[moved])
    each_class = 1 / support
    for weight in (np.ones(len(moved)), each_class):
        if weight @ found < max(weight @ support / 2, 2 * (weight @ before)):
            return False
    excess = max(0.0, float(each_class @ found) - 1)
    ln_guessed = -2 * excess**2 / float(each_class.sum())
    ln_weak = ln_tail(int(found.sum()), int((found + before).sum()), 0.5)
    return max(ln_weak, ln_guessed) + ln_tries <= log(CHANCE)


def _ln_orders(order: Order, rival: Order) -> float:
    """Return ln of how many orders move as many classes from `rival` as `order` does, or more."""
    moved = int(np.count_nonzero(order != rival))
    return lgamma(len(order) + 1) - lgamma(len(order) - moved + 1)


def _named_orders(classes: tuple[str, ...]) -> dict[tuple[int, ...], str]:
    """Return the orders in which outputs are likely to come, other than the declared, by name."""
    k = len(classes)
    lists: dict[str, Sequence[str]] = {}
    if all(_WHOLE_NUMBER.fullmatch(name) for name in classes):
        lists["the numeric order of the names"] = sorted(classes, key=int)
    lists["the names sorted as text, as Keras sorts class directories"] = sorted(classes)
    lists["the names sorted without regard to case"] = sorted(
        classes, key=lambda name: (name.casefold(), name)
    )
    lists["the names sorted with 2 before 10"] = sorted(classes, key=_natural)
    lists["the declared order backwards"] = classes[::-1]
    if k > 2:
        lists[SHIFTED[-1]] = (*classes[1:], classes[0])
        lists[SHIFTED[1]] = (classes[-1], *classes[:-1])
    found: dict[tuple[int, ...], str] = {}
    for name, outputs in lists.items():
        place = {output: column for column, output in enumerate(outputs)}
        found.setdefault(tuple(place[actual] for actual in classes), name)
    found.pop(tuple(range(k)), None)
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    pieces = re.split(r"([0-9]+)", name.casefold())
    # Odd pieces are the numbers; each stands in the same place in every name.
    return [(int(piece), "") if i % 2 else (0, piece) for i, piece in enumerate(pieces)]

"""Patterns of wiring mistakes in a confusion matrix: suspicions with evidence, never verdicts.

A suspicion is told only where the innocent explanations fail: a model that is healthy but weak,
one that guesses, one that says the same whatever it sees. Each of them would show such a matrix
in less than one of 10,000 evaluations (`CHANCE`), by bounds that hold for any number of examples
and classes, however unbalanced. ``docs/diagnosis.md`` derives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import comb, lgamma, log
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.decimals import decimal_text
from pytest_confmat.kinds import kind_of
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.spec import (
    Argmax,
    DatasetSpec,
    Decision,
    Threshold,
)
from pytest_confmat.text import joined, one_line, plural, quoted

Kind = Literal["permuted", "shifted", "collapsed", "never_predicted", "preprocessing", "none"]
# The column in which each class seems to be found, int64 (K,).
Order = NDArray[np.int64]

_ARGMAX = Argmax()
CHANCE = 1e-4
# Collapsed: this share of all predictions, and of the predictions for examples of other classes,
# falls on one or two classes, and this share of the examples are of other classes.
NEARLY_ALL = 0.9
OTHERS = 0.4
# A class is missed in the predictions if a model that recognizes this share would name it.
RECOGNISED = 1 / 3

_NAMES_SHOWN = 10
_MOVES_SHOWN = 6
_LONGEST_LINE = 500
# What YAML, and a reader, take for one plain word.
_PLAIN = re.compile(r"[^\W_](?:[\w +-]*\w)?")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class Suspicion:
    """What a result looks like, and why.

    Attributes
    ----------
    kind
        The pattern. ``none``: the search for patterns itself failed.
    text
        One or more lines. Class names in it are on one line, and not yet fit for a terminal.
    evidence
        The numbers and names behind it, as JSON values.
    """

    kind: Kind
    text: str
    evidence: Mapping[str, Any]

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def suspicions(
    matrix: ConfusionMatrix,
    dataset: DatasetSpec | None = None,
    decision: Decision = _ARGMAX,
) -> tuple[Suspicion, ...]:
    """Look for the pattern of a wiring mistake.

    Parameters
    ----------
    matrix
        What was counted. That the model fails is the caller's to know.
    dataset
        The policy's data, which decide what to write there; ``None``: data of the user's own,
        whose labels are numbers.
    decision
        How classes were predicted.
    """
    if found := _reordered(matrix):
        name, order = found
        return (_told_order(matrix, name, order, dataset, decision),)
    if classes := _collapsed(matrix):
        return (_collapse(matrix, classes),)
    return tuple(_never_predicted(matrix))


def ln_tail(hits: int, trials: int, share: float) -> float:
    """Return a bound on ln P(at least `hits` of `trials`), each a hit with probability `share`.

    Chernoff's: never too low, and it does not underflow.
    """
    if hits <= share * trials:
        return 0.0
    found = hits / trials
    missed = (1 - found) * log((1 - found) / (1 - share)) if hits < trials else 0.0
    return -trials * (found * log(found / share) + missed)


def coin_tail(heads: int, tosses: int) -> Fraction:
    """Return P(at least `heads` of `tosses`) of a coin, exactly."""
    return Fraction(sum(comb(tosses, k) for k in range(heads, tosses + 1)), 2**tosses)


# Classes in another order.


def _reordered(matrix: ConfusionMatrix) -> tuple[str | None, Order] | None:
    """Return the order that fits far better than the declared one, and its name if it has one.

    An order with a name was chosen from a handful; the best of all orders from K!, and it takes
    accordingly more to believe it.
    """
    counts = matrix.entries
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
    found = matrix.entries.at(moved, order[moved])
    before = matrix.entries.at(moved, rival[moved])
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
        lists[_SHIFTED[-1]] = (*classes[1:], classes[0])
        lists[_SHIFTED[1]] = (classes[-1], *classes[:-1])
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


# By how much the labels would have to change.
_SHIFTED = {
    -1: "every label were one lower, as where labels count from 1 and outputs from 0",
    1: "every label were one higher, as where 1 is subtracted from labels that count from 0",
}


def _told_order(
    matrix: ConfusionMatrix,
    name: str | None,
    order: Order,
    dataset: DatasetSpec | None,
    decision: Decision,
) -> Suspicion:
    classes = matrix.classes
    outputs = [classes[i] for i in np.argsort(order)]
    found = int(matrix.entries.at(np.arange(len(order)), order).sum())
    accuracy, fitting = (Fraction(n, matrix.total) for n in (int(matrix.correct.sum()), found))
    step = next((step for step, shift in _SHIFTED.items() if shift == name), None)
    numbers = f"accuracy {decimal_text(accuracy)} as declared, {decimal_text(fitting)} if"
    evidence = {
        "accuracy": float(accuracy),
        "accuracy_if": float(fitting),
        "outputs": outputs,
        "order": name,
    }
    kind = None if dataset is None else kind_of(dataset)
    has_numbers = kind is None or kind.has_numbers
    if step is not None and has_numbers:
        text = f"labels may be shifted by one: {numbers} {name}"
        text += _offset_advice(dataset, step)
        return Suspicion("shifted", text, {**evidence, "shift": step})
    text = (
        f"the model's outputs may be in another order than `classes`: {numbers} "
        f"{_moves(classes, outputs, name)}"
    )
    if step is not None:
        text += ", the declared order shifted by one"
        evidence["shift"] = step
    elif name is not None:
        text += f" ({name})"
    # Of two outputs, `classes` says which is which; of one, `positive` alone.
    by_name = decision if isinstance(decision, Threshold) and decision.positive else None
    if by_name:
        text += "; if the model has one output, `positive` names the wrong class"
    if dataset is not None:
        text += f"\n{_classes_line(outputs)}"
    if by_name:
        text += f"\nor, for one output, {_decision_line(by_name, classes)}"
    if has_numbers:
        where = "if so" if dataset is None else "where labels are numbers"
        text += f"\n{where}, they are to be numbered in that order"
    return Suspicion("permuted" if step is None else "shifted", text, evidence)


def _moves(classes: Sequence[str], outputs: Sequence[str], name: str | None) -> str:
    moved = [(old, new) for old, new in zip(classes, outputs, strict=True) if old != new]
    if name is None and len(moved) <= min(_MOVES_SHOWN, len(classes) // 2):
        called, were = (", ".join(one_line(pair[i]) for pair in moved) for i in (0, 1))
        return f"the outputs called {called} were {were}"
    shown = ", ".join(map(one_line, outputs[:_NAMES_SHOWN]))
    return f"the outputs were {shown}{', ...' if len(outputs) > _NAMES_SHOWN else ''}"


def _classes_line(outputs: Sequence[str]) -> str:
    """Return the line of a policy that lists `outputs`, if it is short enough to be pasted."""
    line = f"classes: [{', '.join(map(_yaml, outputs))}]"
    # What is not printable will be escaped.
    if sum(1 if character.isprintable() else 10 for character in line) <= _LONGEST_LINE:
        return line
    return "the whole order stands in confmat.json, under suspicions"


def _decision_line(decision: Threshold, classes: Sequence[str]) -> str:
    """Return the line of a policy that takes the score for one of the other class."""
    other = next(name for name in classes if name != decision.positive)
    return f"decision: {{threshold: {float(decision.threshold):g}, positive: {_yaml(other)}}}"


def _yaml(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _offset_advice(dataset: DatasetSpec | None, step: int) -> str:
    offset = None if dataset is None else kind_of(dataset).offset(dataset)
    if offset is None:
        return ""
    return f"; `offset` in dataset.label is {offset}, and would then be {offset - step}"


# Predictions that fall on few classes, or never on one.


def _collapsed(matrix: ConfusionMatrix) -> tuple[int, ...]:
    """Return the one or two classes that nearly all predictions name; empty: there are none.

    It must be so for the examples of all other classes too, and they must be many, whatever the
    share of the two among the examples. A model that names each class rightly at least as often
    as it takes it for either of two sends at most 2 of 3 examples there, to one class 1 of 2.
    """
    counts, k = matrix.entries, len(matrix.classes)
    examples, total = counts.row_sums, counts.values.sum()
    ranked = np.argsort(-matrix.predicted, kind="stable")
    for size in range(1, 3 if k > 3 else 2):
        few, others = ranked[:size], ranked[size:]
        elsewhere = int(examples[others].sum())
        taken = sum(int(counts.column(i)[1].sum()) for i in few)
        taken -= int(counts.at(*np.meshgrid(few, few)).sum())
        if (
            matrix.predicted[few].sum() >= NEARLY_ALL * total
            and taken >= NEARLY_ALL * elsewhere
            and elsewhere >= OTHERS * total
            and ln_tail(taken, elsewhere, size / (size + 1)) + log(comb(k, size)) <= log(CHANCE)
        ):
            return tuple(int(i) for i in few)
    return ()


def _collapse(matrix: ConfusionMatrix, few: tuple[int, ...]) -> Suspicion:
    evidence = {
        "classes": [matrix.classes[i] for i in few],
        "predictions": int(matrix.predicted[list(few)].sum()),
        "support": int(matrix.entries.row_sums[list(few)].sum()),
        "examples": int(matrix.entries.values.sum()),
    }
    return Suspicion("collapsed", f"{_told_collapse(evidence)}: {_ANY_CAUSE}", evidence)


def _told_collapse(evidence: Mapping[str, Any]) -> str:
    classes = " or ".join(map(quoted, evidence["classes"]))
    return (
        f"{evidence['predictions']} of {evidence['examples']} predictions are {classes}, as "
        f"{evidence['support']} of the examples are"
    )


_ANY_CAUSE = (
    "preprocessing may be missing or done twice, or the weights may not be the trained ones"
)
_PREPROCESSING = "preprocessing may be missing, or done twice"
_NOT_PREPROCESSING = (
    "no usual rescaling helps, so it is likely not preprocessing: the weights may not be the "
    "trained ones (never loaded, or from another checkpoint)"
)
_STATISTICS = "the moving statistics of its batch normalization may not fit the data"


def with_cause(
    collapsed: Suspicion, *, rescaling_helps: bool | None, has_statistics: bool
) -> Suspicion:
    """Return a suspicion of the kind ``collapsed`` with what its cause may be.

    Parameters
    ----------
    rescaling_helps
        Whether another rescaling of the inputs changes the picture; ``None``: not known.
    has_statistics
        Whether the model may have layers that normalize by statistics of its training.
    """
    if rescaling_helps is None:
        return collapsed
    cause = _PREPROCESSING if rescaling_helps else _NOT_PREPROCESSING
    if not rescaling_helps and has_statistics:
        cause += f", or {_STATISTICS}"
    return replace(collapsed, text=f"{_told_collapse(collapsed.evidence)}: {cause}")


def _never_predicted(matrix: ConfusionMatrix) -> list[Suspicion]:
    """Tell of classes that a model which recognizes a third of their examples would have named."""
    examples = matrix.entries.row_sums
    ln_missed = examples * log(1 - RECOGNISED) + log(len(matrix.classes))
    missing = np.flatnonzero((matrix.predicted == 0) & (ln_missed <= log(CHANCE)))
    if not missing.size:
        return []
    names = [matrix.classes[i] for i in missing]
    support = examples[missing].tolist()
    shown = [
        f"{quoted(name)} ({plural(n, 'example')})" for name, n in zip(names, support, strict=True)
    ]
    outputs = "its output may stand" if len(names) == 1 else "their outputs may stand"
    text = (
        f"never predicted: {joined(shown, _MOVES_SHOWN)}; {outputs} for something else, or "
        "never have been trained"
    )
    return [Suspicion("never_predicted", text, {"classes": names, "support": support})]

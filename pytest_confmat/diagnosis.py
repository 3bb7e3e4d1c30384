"""Likely causes of a failed gate: patterns of wiring mistakes in a confusion matrix.

They come with evidence and never change a verdict. One is reported only where the harmless
explanations are ruled out: a model that is healthy but weak, one that guesses, one that predicts
the same whatever it sees. Each of them would show such a matrix in less than one of 10,000
evaluations (`CHANCE`), by bounds that hold for any number of examples and classes, however
unbalanced. ``docs/diagnosis.md`` derives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import comb, log
from typing import Any, Literal

import numpy as np

from pytest_confmat.class_order import SHIFTED, Order, fitting_order
from pytest_confmat.decimals import decimal_text
from pytest_confmat.evidence.chance import CHANCE, ln_tail
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
_ARGMAX = Argmax()
# Collapsed: this share of all predictions, and of the predictions for examples of other classes,
# falls on one or two classes, and this share of the examples are of other classes.
NEARLY_ALL = 0.9
OTHERS = 0.4
# A class is missed in the predictions if a model that recognizes this share would name it.
RECOGNIZED = 1 / 3

_NAMES_SHOWN = 10
_MOVES_SHOWN = 6
_LONGEST_LINE = 500
# What YAML, and a reader, take for one plain word.
_PLAIN = re.compile(r"[^\W_](?:[\w +-]*\w)?")


@dataclass(frozen=True)
class LikelyCause:
    """A likely cause of a failed gate.

    Attributes
    ----------
    kind
        The pattern. ``none``: the search for patterns itself failed.
    text
        One or more lines, with class names as they are.
    evidence
        The numbers and names behind it, as JSON values.
    """

    kind: Kind
    text: str
    evidence: Mapping[str, Any]

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def likely_causes(
    matrix: ConfusionMatrix,
    dataset: DatasetSpec | None = None,
    decision: Decision = _ARGMAX,
) -> tuple[LikelyCause, ...]:
    """Return the patterns of wiring mistakes that the matrix shows.

    Parameters
    ----------
    matrix
        Of a model that failed a limit.
    dataset
        The policy's data, which decide what to change in the policy; ``None``: data of the
        user's own, whose labels are numbers.
    decision
        How classes were predicted.
    """
    if found := fitting_order(matrix):
        name, order = found
        return (_of_order(matrix, name, order, dataset, decision),)
    if classes := _collapsed(matrix):
        return (_collapse(matrix, classes),)
    return tuple(_never_predicted(matrix))


def _of_order(
    matrix: ConfusionMatrix,
    name: str | None,
    order: Order,
    dataset: DatasetSpec | None,
    decision: Decision,
) -> LikelyCause:
    classes = matrix.classes
    outputs = [classes[i] for i in np.argsort(order)]
    found = int(matrix.cells.at(np.arange(len(order)), order).sum())
    accuracy, fitting = (Fraction(n, matrix.total) for n in (int(matrix.correct.sum()), found))
    step = next((step for step, shift in SHIFTED.items() if shift == name), None)
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
        return LikelyCause("shifted", text, {**evidence, "shift": step})
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
    return LikelyCause("permuted" if step is None else "shifted", text, evidence)


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
    """Return the line of a policy that makes the score one of the other class."""
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
    """Return the one or two classes that nearly all predictions are; empty: there are none.

    It must be so for the examples of all other classes too, and they must be many, whatever the
    share of the two among the examples. A model that predicts each class rightly at least as often
    as either of two others predicts at most 2 of 3 examples as those, and 1 of 2 as one class.
    """
    counts, k = matrix.cells, len(matrix.classes)
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


def _collapse(matrix: ConfusionMatrix, few: tuple[int, ...]) -> LikelyCause:
    evidence = {
        "classes": [matrix.classes[i] for i in few],
        "predictions": int(matrix.predicted[list(few)].sum()),
        "support": int(matrix.cells.row_sums[list(few)].sum()),
        "examples": int(matrix.cells.values.sum()),
    }
    return LikelyCause("collapsed", f"{_predictions_on(evidence)}: {_ANY_CAUSE}", evidence)


def _predictions_on(evidence: Mapping[str, Any]) -> str:
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
    collapsed: LikelyCause, *, rescaling_helps: bool | None, has_statistics: bool
) -> LikelyCause:
    """Return a cause of the kind ``collapsed`` with what may be behind it.

    Parameters
    ----------
    rescaling_helps
        Whether another rescaling of the inputs changes the picture; ``None``: not known.
    has_statistics
        Whether the model may have layers that normalize by statistics of its training.
    """
    if rescaling_helps is None:
        return collapsed
    behind = _PREPROCESSING if rescaling_helps else _NOT_PREPROCESSING
    if not rescaling_helps and has_statistics:
        behind += f", or {_STATISTICS}"
    return replace(collapsed, text=f"{_predictions_on(collapsed.evidence)}: {behind}")


def _never_predicted(matrix: ConfusionMatrix) -> list[LikelyCause]:
    """Return the classes that a model would have predicted if it recognized a third of each."""
    examples = matrix.cells.row_sums
    ln_missed = examples * log(1 - RECOGNIZED) + log(len(matrix.classes))
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
    return [LikelyCause("never_predicted", text, {"classes": names, "support": support})]

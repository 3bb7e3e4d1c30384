"""Named metrics of a confusion matrix, exact, under scikit-learn's names.

Every value is a `fractions.Fraction` of counts, so that comparing it with a bound cannot depend
on rounding. A metric without a value says why: undefined is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain
from math import isfinite, isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.limits import Weighting
from pytest_confmat.matrix import ConfusionMatrix, Floats
from pytest_confmat.metric import METRICS, TOP_K, Metric
from pytest_confmat.sparse_counts import SparseCounts

NO_EXAMPLES = "it has no examples"
NEVER_PREDICTED = "it was never predicted"
# Decimal places to which an irrational value is known; bounds are written with far fewer.
_PLACES = 10**40


@dataclass(frozen=True)
class Measured:
    """A metric's value, or why there is none.

    Attributes
    ----------
    value
        Exact (`matthews_corrcoef`, where irrational, to 40 places); ``None`` if undefined.
    hits, trials
        The counts whose ratio `value` is, where it is one.
    undefined
        Why there is no value.
    """

    value: Fraction | None
    hits: int | None = None
    trials: int | None = None
    undefined: str | None = None


@dataclass(frozen=True, eq=False)
class MetricCounts:
    """The counts that every metric here is made of, as Python integers that cannot overflow.

    Parameters
    ----------
    matrix
        The counts.
    rank_counts
        How many examples have their true class at rank 0, 1 ...; for ``top_K_accuracy``.
    sample_weighted
        The matrix with each example counted by its own weight; for weights ``sample``.
    sample_unpredicted
        The weights of the examples of each class that were predicted as none; likewise.
    """

    matrix: ConfusionMatrix
    rank_counts: NDArray[np.int64] | None = None
    sample_weighted: SparseCounts | None = None
    sample_unpredicted: Floats | None = None

    @cached_property
    def correct(self) -> list[int]:
        """Examples of each class predicted as that class."""
        return [int(n) for n in self.matrix.correct]

    @cached_property
    def support(self) -> list[int]:
        """Examples of each class."""
        return [int(n) for n in self.matrix.support]

    @cached_property
    def predicted(self) -> list[int]:
        """Predictions of each class."""
        return [int(n) for n in self.matrix.predicted]

    @cached_property
    def total(self) -> int:
        """Examples."""
        return self.matrix.total

    def per_class(self, metric: str, index: int) -> Measured:
        """Return a metric of each class for the class at `index`."""
        return as_measured(METRICS.by_key[metric].compute(self, index))

    def overall(self, metric: str) -> Measured:
        """Return a metric of the whole, or ``top_K_accuracy``."""
        if top := TOP_K.fullmatch(metric):
            return self._top_k(int(top.group(1)))
        return as_measured(METRICS.by_key[metric].compute(self))

    def weighted_diagonal(self, weighting: Weighting) -> list[Measured]:
        """Return the diagonal of the weighted matrix, a value for each class.

        With inverse-frequency weights and nothing else each row of the weighted matrix sums to
        one, and its diagonal is recall.
        """
        classes = range(len(self.support))
        if weighting.weights == "inverse_frequency" and weighting.normalize is None:
            return [_recall(self, i) for i in classes]
        if weighting.weights == "sample":
            return self._sample_diagonal(weighting)
        weights = self._class_weights(weighting)
        whole = exact_sum([w * n for w, n in zip(weights, self.support, strict=True)])
        return [
            self._class_diagonal(weights, whole if weighting.normalize == "all" else None, i)
            for i in classes
        ]

    def _class_weights(self, weighting: Weighting) -> list[Fraction]:
        if isinstance(weighting.weights, tuple):
            given = dict(weighting.weights)
            # Only a class without examples may have none, and there it changes nothing.
            return [given.get(name, Fraction(0)) for name in self.matrix.classes]
        scale = Fraction(1)
        if weighting.weights == "balanced":
            scale = Fraction(self.total, max(sum(n > 0 for n in self.support), 1))
        return [scale / n if n else Fraction(0) for n in self.support]

    def _class_diagonal(
        self, weights: Sequence[Fraction], whole: Fraction | None, index: int
    ) -> Measured:
        if not self.support[index]:
            return Measured(None, undefined=NO_EXAMPLES)
        cell = weights[index] * self.correct[index]
        if whole is not None:
            return Measured(cell / whole)
        if not self.predicted[index]:
            return Measured(None, undefined=NEVER_PREDICTED)
        rows, counts = (cells.tolist() for cells in self.matrix.cells.column(index))
        terms = [weights[i] * n for i, n in zip(rows, counts, strict=True)]
        return Measured(cell / exact_sum(terms))

    def _sample_diagonal(self, weighting: Weighting) -> list[Measured]:
        sums, beside = self.sample_weighted, self.sample_unpredicted
        k = len(self.support)
        if sums is None:
            return [Measured(None, undefined="the evaluation set states no weights")] * k
        if beside is None:
            beside = np.zeros(k)
        if weighting.normalize == "pred":
            wholes = [_exact(sums.column(i)[1]) for i in range(k)]
            nothing = "what was predicted as it weighs nothing"
        else:
            wholes = [_exact(np.append(sums.row(i)[1], beside[i])) for i in range(k)]
            nothing = "its examples weigh nothing"
        if weighting.normalize == "all":
            wholes = [exact_sum(wholes)] * k
            nothing = "the examples weigh nothing"
        return [
            Measured(None, undefined=NO_EXAMPLES)
            if not self.support[i]
            else Measured(None, undefined=nothing)
            if not whole
            else Measured(Fraction(float(sums.diagonal[i])) / whole)
            for i, whole in enumerate(wholes)
        ]

    def _top_k(self, k: int) -> Measured:
        if self.rank_counts is None:
            return Measured(None, undefined="a matrix alone does not tell the ranks of the classes")
        return _ratio(int(self.rank_counts[:k].sum()), self.total, "there are no examples")

    def macro(self, metric: str) -> Measured:
        """Return the mean of a metric over the classes that are to have examples."""
        return self._mean(metric, dict.fromkeys(self.matrix.judged, 1))

    def weighted(self, metric: str) -> Measured:
        """Return the mean of a metric over the classes, weighted by support."""
        # A class without examples weighs nothing here, whatever its value.
        return self._mean(metric, {i: n for i, n in enumerate(self.support) if n})

    def _mean(self, metric: str, weights: Mapping[int, int]) -> Measured:
        terms = []
        for i, weight in weights.items():
            measured = self.per_class(metric, i)
            if measured.value is None:
                name = self.matrix.classes[i]
                reason = f"{metric} of {name!r} is undefined: {measured.undefined}"
                return Measured(None, undefined=reason)
            terms.append(measured.value * weight)
        if not terms:
            return Measured(None, undefined="there are no examples")
        return Measured(exact_sum(terms) / sum(weights.values()))


def exact_sum(values: Sequence[Fraction]) -> Fraction:
    """Return the exact sum; halves are added first, which keeps denominators small for longer."""
    if len(values) < 3:
        return sum(values, Fraction(0))
    half = len(values) // 2
    return exact_sum(values[:half]) + exact_sum(values[half:])


def _exact(weights: Floats) -> Fraction:
    return exact_sum([Fraction(weight) for weight in weights.tolist() if weight])


def _ratio(hits: int, trials: int, undefined: str) -> Measured:
    if not trials:
        return Measured(None, undefined=undefined)
    return Measured(Fraction(hits, trials), hits, trials)


def _recall(t: MetricCounts, i: int) -> Measured:
    return _ratio(t.correct[i], t.support[i], NO_EXAMPLES)


def _precision(t: MetricCounts, i: int) -> Measured:
    return _ratio(t.correct[i], t.predicted[i], NEVER_PREDICTED)


def _f1(t: MetricCounts, i: int) -> Measured:
    # 2 TP / (2 TP + FP + FN), which is defined where precision alone is not.
    nothing = "it has no examples and was never predicted"
    return _ratio(2 * t.correct[i], t.support[i] + t.predicted[i], nothing)


def _jaccard(t: MetricCounts, i: int) -> Measured:
    nothing = "it has no examples and was never predicted"
    return _ratio(t.correct[i], t.support[i] + t.predicted[i] - t.correct[i], nothing)


def _specificity(t: MetricCounts, i: int) -> Measured:
    others = t.total - t.support[i]
    false_positives = t.predicted[i] - t.correct[i]
    return _ratio(others - false_positives, others, "no other class has examples")


def _accuracy(t: MetricCounts) -> Measured:
    return _ratio(sum(t.correct), t.total, "there are no examples")


def _matthews_corrcoef(t: MetricCounts) -> Measured:
    # Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation
    # coefficient", in the form that scikit-learn documents.
    n = t.total
    numerator = sum(t.correct) * n - sum(p * s for p, s in zip(t.predicted, t.support, strict=True))
    # What was predicted as none is a prediction of its own kind, which is never right.
    predictions = (*t.predicted, n - sum(t.predicted))
    radicand = (n * n - sum(p * p for p in predictions)) * (n * n - sum(s * s for s in t.support))
    if not radicand:
        return Measured(None, undefined="all examples, or all predictions, are of one class")
    root = isqrt(radicand)
    if root * root == radicand:
        return Measured(Fraction(numerator, root))
    # Irrational, so that it never equals a bound: 40 places decide on which side it stands.
    magnitude = Fraction(isqrt(numerator**2 * _PLACES**2 // radicand), _PLACES)
    return Measured(magnitude if numerator >= 0 else -magnitude)


def _cohen_kappa(t: MetricCounts) -> Measured:
    n = t.total
    by_chance = sum(p * s for p, s in zip(t.predicted, t.support, strict=True))
    if n * n == by_chance:
        return Measured(None, undefined="all examples and all predictions are of one class")
    return Measured(Fraction(sum(t.correct) * n - by_chance, n * n - by_chance))


def as_measured(value: Any) -> Measured:
    """Return a metric's result as a `Measured`; a plain number is kept exactly."""
    if isinstance(value, Measured):
        return value
    if isinstance(value, Fraction | int):
        return Measured(Fraction(value))
    if value is None or not isfinite(value):
        return Measured(None, undefined="it is undefined")
    return Measured(Fraction(float(value)))


_CONDITION = "given how many are of it or were predicted as it"


def _of_class(key: str, description: str, compute: Callable[..., Any], **more: Any) -> Metric:
    return Metric(key, description, compute, "class", **more)


def _averages(metric: str) -> Iterator[Metric]:
    yield Metric(
        f"{metric}_macro", f"Mean of {metric} over the classes.", lambda t: t.macro(metric)
    )
    yield Metric(
        f"{metric}_weighted",
        f"Mean of {metric}, weighted by support.",
        lambda t: t.weighted(metric),
    )


# In the order in which messages list them.
BUILT_IN = (
    _of_class(
        "recall",
        "Share of a class's examples that are recognized.",
        _recall,
        share_of="examples",
        counts="{hits} of {trials} recognized",
    ),
    _of_class(
        "precision",
        "Share of what is predicted as a class that is of it.",
        _precision,
        share_of="predictions",
        condition="given how often it was predicted",
        counts="{hits} of {trials} predicted as {actual} are right",
        lowered_by="predicted_as_it",
    ),
    _of_class(
        "f1",
        "Harmonic mean of recall and precision.",
        _f1,
        share_of="predictions",
        condition=_CONDITION,
        counts="{right} right, among {examples} of {actual} and {predictions} of it",
        counting="twice",
    ),
    _of_class(
        "specificity",
        "Share of other classes' examples not predicted as the class.",
        _specificity,
        share_of="examples",
        of_others=True,
        counts="{hits} of {trials} of other classes were not predicted as {actual}",
        lowered_by="predicted_as_it",
    ),
    _of_class(
        "jaccard",
        "Hits among examples of the class or predicted as it.",
        _jaccard,
        share_of="predictions",
        condition=_CONDITION,
        counting="union",
        counts="{hits} right, among {trials} that are {actual} or were predicted as it",
    ),
    Metric(
        "accuracy",
        "Share of all examples that are recognized.",
        _accuracy,
        share_of="examples",
        counts="{hits} of {trials} right",
    ),
    Metric("balanced_accuracy", "Mean of recall over the classes.", lambda t: t.macro("recall")),
    *chain.from_iterable(map(_averages, ("f1", "precision", "recall", "jaccard"))),
    Metric(
        "matthews_corrcoef", "Matthews' correlation coefficient.", _matthews_corrcoef, lowest=-1
    ),
    Metric("cohen_kappa", "Cohen's kappa.", _cohen_kappa, lowest=-1),
)

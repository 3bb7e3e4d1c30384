"""Assertion helpers for tests in Python; they judge as policies are judged.

Each takes an `Evaluation`, a `ConfusionMatrix` or a plain square array of counts (classes are
then called "0", "1", ... unless named by `classes`), and fails with every class that does not meet
its bound in one message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from numpy.typing import ArrayLike

from pytest_confmat.errors import LimitError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.judging import judge
from pytest_confmat.limits import (
    Bound,
    Kind,
    Limit,
    Weighting,
    is_overall,
    limit_id,
    metric_range,
)
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.metric import metric_keys
from pytest_confmat.report.wording import describe
from pytest_confmat.spec import Normalize
from pytest_confmat.text import nearest_or_all

Number: TypeAlias = float | Decimal | Fraction | str
Subject: TypeAlias = Evaluation | ConfusionMatrix | ArrayLike
Weights: TypeAlias = Literal["inverse_frequency", "balanced", "sample"] | Mapping[str, Number]


def assert_recall(
    subject: Subject,
    at_least: Number | Mapping[str, Number],
    *,
    classes: Sequence[str] | None = None,
) -> None:
    """Fail unless the recall of every class, or of each class named, is at least its bound.

    Parameters
    ----------
    subject
        An evaluation, a confusion matrix, or an array of counts (K, K), rows = true classes.
    at_least
        One bound for all classes, or class names to bounds; between 0 and 1, compared exactly as
        written: 0.9 is nine tenths.
    classes
        Names for the rows of a plain array.

    Raises
    ------
    LimitError
        An `AssertionError` with every failing class.
    RequestError
        If a class is unknown or a bound is no share.
    """
    __tracebackhide__ = True
    assert_metric(subject, "recall", at_least, classes=classes)


def assert_precision(
    subject: Subject,
    at_least: Number | Mapping[str, Number],
    *,
    classes: Sequence[str] | None = None,
) -> None:
    """Fail unless the precision of every class, or of each class named, is at least its bound.

    Parameters and errors are those of `assert_recall`.
    """
    __tracebackhide__ = True
    assert_metric(subject, "precision", at_least, classes=classes)


def assert_metric(
    subject: Subject,
    metric: str,
    at_least: Number | Mapping[str, Number],
    *,
    classes: Sequence[str] | None = None,
) -> None:
    """Fail unless `metric` is at least its bound, for the whole or for each class.

    Parameters
    ----------
    metric
        ``recall``, ``precision``, ``f1``, ``specificity``, ``jaccard`` (per class, bound as for
        `assert_recall`); or one for the whole, with one bound: ``accuracy``,
        ``balanced_accuracy``, ``f1_macro`` and its kin, ``matthews_corrcoef``, ``cohen_kappa``,
        ``top_5_accuracy`` (needs an evaluation).
    subject, at_least, classes
        As for `assert_recall`.
    """
    __tracebackhide__ = True
    given = _subject(subject, classes)
    if metric in metric_keys("class"):
        _check(given, _class_limits(metric, given.classes, at_least, None))
    elif not is_overall(metric):
        known = (*metric_keys("class"), *metric_keys("overall"), "top_5_accuracy")
        raise RequestError(f"there is no metric {metric!r}{nearest_or_all(metric, known)}")
    elif isinstance(at_least, Mapping):
        raise RequestError(f"{metric} is one number for all classes: give one bound")
    else:
        _check(given, [Limit(metric, metric, _bound("at_least", at_least, metric))])


def assert_weighted_diagonal(
    subject: Subject,
    at_least: Number | Mapping[str, Number],
    *,
    weights: Weights = "inverse_frequency",
    normalize: Normalize | None = None,
    classes: Sequence[str] | None = None,
) -> None:
    """Fail unless the diagonal of the weighted matrix is at least its bound in every class.

    Parameters
    ----------
    weights
        ``inverse_frequency`` (each row sums to one, the diagonal is recall), ``balanced``
        (scikit-learn's class weights), ``sample`` (the weights the data bring), or class names
        to weights.
    normalize
        ``true``, ``pred`` or ``all``, as in ``sklearn.metrics.confusion_matrix``. Needed with
        all weights but ``inverse_frequency``; ``true`` only with ``sample``, since class weights
        cancel within a row and leave plain recall.
    subject, at_least, classes
        As for `assert_recall`.
    """
    __tracebackhide__ = True
    given = _subject(subject, classes)
    weighting = _weighting(weights, normalize, given.classes)
    _check(given, _class_limits("weighted_diagonal", given.classes, at_least, weighting))


def assert_confusion(
    subject: Subject,
    at_most: Number | Mapping[tuple[str, str], Number],
    *,
    classes: Sequence[str] | None = None,
) -> None:
    """Fail if a larger share of a class than `at_most` is predicted as another class.

    Parameters
    ----------
    at_most
        One bound for every pair of classes, or ``{(actual, predicted): bound}``.
    subject, classes
        As for `assert_recall`.
    """
    __tracebackhide__ = True
    given = _subject(subject, classes)
    if not isinstance(at_most, Mapping):
        bound = _bound("at_most", at_most, "confusion")
        _check(given, [Limit("confusions[*]", "confusions", bound)])
        return
    _refuse_nothing(at_most)
    limits = []
    for pair, value in at_most.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise RequestError(f"a confusion is a pair (actual, predicted), not {pair!r}")
        actual, predicted = pair
        _known((actual, predicted), given.classes)
        if actual == predicted:
            raise RequestError(f"{actual!r} predicted as {predicted!r} is no confusion")
        limits.append(
            Limit(
                limit_id("confusion", actual, predicted),
                "confusion",
                _bound("at_most", value, "confusion"),
                actual=actual,
                predicted=predicted,
            )
        )
    _check(given, limits)


def _check(subject: Evaluation | ConfusionMatrix, limits: Sequence[Limit]) -> None:
    __tracebackhide__ = True
    failed = [verdict for verdict in judge(limits, subject) if verdict.blocks]
    if failed:
        raise LimitError("\n".join(describe(verdict) for verdict in failed))


def _subject(subject: Subject, classes: Sequence[str] | None) -> Evaluation | ConfusionMatrix:
    __tracebackhide__ = True
    if isinstance(subject, Evaluation | ConfusionMatrix):
        if classes is not None:
            raise RequestError("an evaluation or a ConfusionMatrix brings its own class names")
        return subject
    counts: Any = subject
    names = classes
    if names is None:
        names = [str(i) for i in range(len(counts) if hasattr(counts, "__len__") else 0)]
    return ConfusionMatrix(counts, tuple(names))


def _class_limits(
    metric: str,
    classes: Sequence[str],
    at_least: Number | Mapping[str, Number],
    weighting: Weighting | None,
) -> list[Limit]:
    __tracebackhide__ = True
    if isinstance(at_least, Mapping):
        _refuse_nothing(at_least)
        _known(at_least, classes)
        bounds = dict(at_least)
    else:
        bounds = dict.fromkeys(classes, at_least)
    return [
        Limit(
            limit_id(metric, name),
            metric,
            _bound("at_least", value, metric),
            actual=name,
            weighting=weighting,
        )
        for name, value in bounds.items()
    ]


def _refuse_nothing(bounds: Mapping[Any, Number]) -> None:
    __tracebackhide__ = True
    if not bounds:
        raise RequestError("no bound is given, so that nothing would be checked")


def _known(names: Iterable[str], classes: Sequence[str]) -> None:
    __tracebackhide__ = True
    for name in names:
        if name not in classes:
            raise RequestError(f"there is no class {name!r}{nearest_or_all(str(name), classes)}")


def _bound(kind: Kind, value: Number, metric: str) -> Bound:
    __tracebackhide__ = True
    text = str(value)  # the shortest text of a float is what its author wrote
    try:
        exact = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise RequestError(f"a bound is a number; {value!r} is none") from None
    lowest, highest = metric_range(metric)
    if not lowest <= exact <= highest:
        raise RequestError(f"a bound on {metric} lies between {lowest} and {highest}, not {text}")
    return Bound(kind, exact, text)


def _weighting(weights: Weights, normalize: Normalize | None, classes: Sequence[str]) -> Weighting:
    __tracebackhide__ = True
    if normalize not in (None, "true", "pred", "all"):
        raise RequestError(f"normalize is 'true', 'pred' or 'all', not {normalize!r}")
    if isinstance(weights, Mapping):
        _known(weights, classes)
        if missing := [name for name in classes if name not in weights]:
            raise RequestError(f"weights name no weight for {missing}")
        try:
            exact = tuple((name, Fraction(str(weights[name]))) for name in classes)
        except (ValueError, ZeroDivisionError):
            raise RequestError(f"class weights are numbers; {dict(weights)} holds others") from None
        if min(weight for _, weight in exact) <= 0:
            raise RequestError("class weights are greater than zero")
        weighting = Weighting(exact, normalize)
    elif weights in ("inverse_frequency", "balanced", "sample"):
        weighting = Weighting(weights, normalize)
    else:
        raise RequestError(
            f"weights is 'inverse_frequency', 'balanced', 'sample' or a mapping, not {weights!r}"
        )
    if weights != "sample" and normalize == "true":
        raise RequestError(
            "class weights cancel within a row, so that normalize='true' leaves plain recall: "
            "use assert_recall, or normalize='pred' or 'all'"
        )
    if weights != "inverse_frequency" and normalize is None:
        raise RequestError("these weights need normalize='pred' or 'all' to give shares")
    return weighting

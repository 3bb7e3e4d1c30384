"""Metrics that limits can be put on: what each of them is, and which there are.

Grammar and JSON Schema of the policy, measuring, evidence and wording follow from these values. How
the built-in ones are computed is in `metrics`; a project adds its own by the hook
``pytest_confmat_metrics``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Literal

from pytest_confmat.registry import Registry

Scope = Literal["class", "overall"]
ShareOf = Literal["examples", "predictions"]
Counting = Literal["once", "twice", "union"]
TOP_K = re.compile(r"top_([1-9][0-9]*)_accuracy")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    key
        Its name in a policy.
    description
        One sentence, for the JSON Schema.
    compute
        Takes a `metrics.MetricCounts`, and of a metric of each class the class's index. Returns a
        `metrics.Measured`, or a number; ``None`` or NaN: it is undefined.
    scope
        ``class``: a number for each class; ``overall``: one for the whole matrix.
    lowest
        The lowest value that it can take, 0 or -1; the highest is 1.
    share_of
        What it is a share of, if it is one: then it has an exact interval, and ``proven`` and
        ``not_refuted`` can be asked of it. ``examples``: of examples that count whatever the model
        says, so that a drop has a paired test. ``predictions``: of what the model predicted, so
        that it has an interval given these. ``None``: there is an estimate only.
    condition
        What an interval takes as given, for ``predictions``.
    of_others
        Whether a metric of a class and of ``examples`` is a share of all examples but the class's
        own, as specificity is.
    counting
        What one more right example does to the counts. ``once``: one more hit of the same trials.
        ``twice``: it is counted among the examples and among the predictions, as F1 does.
        ``union``: one more hit and one trial fewer, as in Jaccard's index.
    counts
        The counts behind it in words. It may name ``{hits}``, ``{trials}``, ``{right}`` (hits,
        each counted once), ``{examples}`` and ``{predictions}`` of the class, and ``{actual}``.
    lowered_by
        Which wrong predictions lower a metric of a class: those of its own examples, or those of
        other classes' examples as it.
    """

    key: str
    description: str
    compute: Callable[..., Any]
    scope: Scope = "overall"
    lowest: Literal[0, -1] = 0
    share_of: ShareOf | None = None
    condition: str = ""
    counts: str | None = None
    lowered_by: Literal["missed", "predicted_as_it"] = "missed"
    of_others: bool = False
    counting: Counting = "once"


# Other limits of a policy have these names, as their parts have in reports.
_RESERVED = ("confusion", "confusions", "flips", "top_k", "weighted_diagonal")
METRICS: Registry[Metric] = Registry(
    Metric, "metric", lambda: resolve_name("pytest_confmat.metrics:BUILT_IN"), _RESERVED
)


def metric_called(key: str) -> Metric | None:
    """Return the metric of a name; ``None``: it is another kind of limit, or none at all."""
    return METRICS.by_key.get(key)


def counting_of(key: str) -> Counting:
    """Return what a right example does to the counts of a metric, built in or not."""
    metric = metric_called(key)
    return "once" if metric is None else metric.counting


def metric_keys(scope: Scope) -> tuple[str, ...]:
    """Return the names of the metrics of each class, or of the whole."""
    return tuple(metric.key for metric in METRICS if metric.scope == scope)

"""Limits that no model could pass, said before anything is evaluated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from pytest_confmat.errors import DataError
from pytest_confmat.evidence.proof import Share
from pytest_confmat.kinds import kind_of
from pytest_confmat.limits import Limit
from pytest_confmat.metric import metric_called
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.text import first_lines

SHOWN = 5
_OTHERS = "limits that no model could pass"


def unprovable_limits(gate: Gate) -> Iterator[str]:
    """Yield a sentence for each limit that asks for more proof than its examples can give.

    Where the data tell how many there are of each class before they are read: in directories.
    Elsewhere the verdicts say it.
    """
    asked = [limit for limit in gate.limits if _can_be_foreseen(limit)]
    if not asked or gate.dataset is None or gate.merges:
        return
    try:
        labels = kind_of(gate.dataset).labels(gate.dataset, gate.classes)
    except DataError:
        return  # which the evaluation will tell
    if labels is None:
        return
    support = {gate.classes[label]: count for label, count in Counter(labels).items()}
    found = [told for limit in asked if (told := _told(limit, support)) is not None]
    yield from first_lines(found, SHOWN, "limit that no model could pass", _OTHERS)


def _can_be_foreseen(limit: Limit) -> bool:
    # How often a class will be predicted, and how many examples a baseline shares, is not known.
    metric = metric_called(limit.metric)
    counted = metric is None or metric.share_of == "examples"
    return limit.evidence.rule == "proven" and limit.against == "value" and counted


def _told(limit: Limit, support: Mapping[str, int]) -> str | None:
    trials = _trials(limit, support)
    if not trials:
        return None
    confidence = float(limit.evidence.confidence)
    least = Share(0, trials).least_trials(limit.bound, confidence)
    if least is None:
        return f"no model could pass {limit.id}: no number of examples shows {limit.bound.text}"
    if least <= trials:
        return None
    return (
        f"no model could pass {limit.id}: to show {limit.bound.text} takes {least:,} examples even "
        f"if nothing goes wrong on them, and there are {trials:,}"
    )


def _trials(limit: Limit, support: Mapping[str, int]) -> int:
    if limit.metric == "confusions":
        return min(support.values(), default=0)
    if limit.actual is None:
        return sum(support.values())
    metric = metric_called(limit.metric)
    if metric is not None and metric.of_others:
        return sum(support.values()) - support.get(limit.actual, 0)
    return support.get(limit.actual, 0)

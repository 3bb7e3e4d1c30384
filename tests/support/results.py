"""Results made by hand for the tests of the reports."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from pytest_confmat.errors import Location
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.judging import judge
from pytest_confmat.limits import Bound, Limit, Weighting, limit_id
from pytest_confmat.result import GateResult
from pytest_confmat.verdict import Verdict
from tests.support.evaluations import part
from tests.support.verdicts import TwoModels

POLICY = Path("thresholds.yaml")


def bound(text: str, kind: str = "at_least") -> Bound:
    return Bound(kind, Fraction(text), text)


def limit(
    metric: str,
    text: str = "0.95",
    kind: str = "at_least",
    actual: str | None = None,
    predicted: str | None = None,
    line: int | None = 14,
    weighting: Weighting | None = None,
) -> Limit:
    location = None if line is None else Location(POLICY, line)
    name = "confusions[*]" if metric == "confusions" else limit_id(metric, actual, predicted)
    return Limit(name, metric, bound(text, kind), location, actual, predicted, weighting)


def evaluation(counts, classes, weighted: bool = False, notes: tuple[str, ...] = ()) -> Evaluation:
    counts = np.asarray(counts)
    k = len(counts)
    true, predicted = np.divmod(np.repeat(np.arange(k * k), counts.ravel()), k)
    n = len(true)
    found = part(
        true,
        predicted,
        ids=NumberedIds("val", n),
        score=np.linspace(0.5, 1, n),
        check=np.zeros(n),
        weight=np.linspace(1, 2, n) if weighted else None,
    )
    return Evaluation(tuple(classes), (found,), {}, notes)


def gate(
    counts, classes, limits=(), outcome: str | None = None, weighted: bool = False, **more
) -> GateResult:
    found = evaluation(counts, classes, weighted)
    verdicts = judge(limits, found)
    failed = any(verdict.outcome == "failed" for verdict in verdicts)
    known = {
        "model": {"path": "m.keras", "format": "keras", "sha256": "ab" * 32},
        "dataset": {
            "source": "directory data/test",
            "input": "8 x 8 rgb, pixels 0..255 as stored, no rescale",
            "examples": len(found),
        },
        "evaluation": found,
        "verdicts": verdicts,
    }
    return GateResult(POLICY, outcome or ("failed" if failed else "passed"), **{**known, **more})


def compared(models: TwoModels, limits) -> GateResult:
    """Return the result of a gate on the second of two models, the first being the baseline's."""
    verdicts = judge(limits, models.evaluation, models.comparison)
    blocks = any(verdict.blocks for verdict in verdicts)
    return GateResult(
        POLICY,
        "failed" if blocks else "passed",
        evaluation=models.evaluation,
        verdicts=verdicts,
        comparison=models.comparison,
    )


def failed(metric: str, observed: str | None, **more) -> Verdict:
    keys = ("text", "kind", "actual", "predicted", "line", "weighting")
    of_limit = {key: more.pop(key) for key in keys if key in more}
    value = None if observed is None else Fraction(observed)
    return Verdict(limit(metric, **of_limit), "failed", value, **more)


def random_counts(k: int, each: int, right: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = np.zeros((k, k), int)
    for i in range(k):
        p = rng.dirichlet(np.full(k, 0.08)) * (1 - right) if k > 1 else np.zeros(1)
        p[i] += 1 - p.sum()
        counts[i] = rng.multinomial(int(each * rng.uniform(0.5, 1.5)), np.maximum(p, 0) / p.sum())
    return counts

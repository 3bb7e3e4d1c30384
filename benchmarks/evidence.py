"""How often the gate is wrong, by simulation: what its rules promise, compared with what they do.

Thousands of models whose true quality is known exactly are judged by the gate itself. Each sits
where a wrong verdict is likeliest: exactly at its limit, exactly at the margin, exactly as good as
the model before it. Run as ``python -m benchmarks.evidence``: it prints the tables that stand in
docs/evidence.md. With ``--json PATH`` the figures are written down, with ``--docs PATH`` the tables
are put in their place in that file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.special import betainc
from scipy.stats import binom

from benchmarks.evidence_tables import Row, needed_tables, put, tables
from pytest_confmat.authoring.proposal import propose
from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.evidence.paired import (
    score_interval,
    tango_p_drop_above,
    tango_p_drop_below,
)
from pytest_confmat.evidence.second_set import prediction_lower_bound
from pytest_confmat.evidence.shares import clopper_pearson, p_at_least
from pytest_confmat.judging import judge
from pytest_confmat.limits import Bound, Evidence, EvidenceRule, Family, Limit
from pytest_confmat.matrix import ConfusionMatrix

SEED = 20260101
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def recall_limits(bounds: Iterable[Fraction], evidence: Evidence) -> list[Limit]:
    """Return a limit on each class's recall; classes are called 0, 1, ..."""
    return [
        Limit(f"recall[{index}]", "recall", _at_least(value), actual=str(index), evidence=evidence)
        for index, value in enumerate(bounds)
    ]


def matrix_of(hits: Sequence[int], supports: Sequence[int]) -> ConfusionMatrix:
    """Return a matrix with these hits; misses are predicted as the next class."""
    k = len(hits)
    counts = np.zeros((k, k), np.int64)
    for index, (right, support) in enumerate(zip(hits, supports, strict=True)):
        counts[index, index] = right
        counts[index, (index + 1) % k] += support - right
    return ConfusionMatrix(counts, tuple(map(str, range(k))))


def proven_at_the_limit(rng: np.random.Generator, models: int) -> Iterator[Row]:
    """Count the models with a true recall exactly at the limit that ``proven`` passes."""
    evidence = Evidence(rule="proven")
    for text in ("0.8", "0.9", "0.95", "0.99"):
        limits = recall_limits([Fraction(text)], evidence)
        for support in (25, 100, 400, 2000):
            drawn = rng.binomial(support, float(text), models)
            passed = {
                hits: judge(limits, matrix_of([hits, 1], [support, 1]))[0].outcome == "passed"
                for hits in map(int, np.unique(drawn))
            }
            every = np.arange(support + 1)
            shown = [p_at_least(int(h), support, float(text)) <= 0.05 for h in every]
            yield {
                "limit": text,
                "examples": support,
                "models": models,
                "passed": float(np.mean([passed[int(h)] for h in drawn])),
                "passed_exactly": float(binom.pmf(every, support, float(text)) @ shown),
            }


def refuted_at_the_limit(rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """Count the runs, of 50 classes exactly at their limits, that ``not_refuted`` blocks."""
    cases = {
        "200 each": ([200] * 50, [Fraction(9, 10)] * 50),
        "30 to 1,500": (
            [round(n) for n in np.geomspace(30, 1500, 50)],
            [Fraction(str(round(p, 3))) for p in np.linspace(0.7, 0.98, 50)],
        ),
    }
    for name, (supports, values) in cases.items():
        drawn = [rng.binomial(supports, [float(v) for v in values]) for _ in range(runs)]
        matrices = [matrix_of([int(h) for h in hits], supports) for hits in drawn]
        row: Row = {"examples": name, "classes": len(supports), "runs": runs}
        families: tuple[Family, Family] = ("none", "holm")
        for family in families:
            limits = recall_limits(values, Evidence(rule="not_refuted", family=family))
            blocked = (any(verdict.blocks for verdict in judge(limits, m)) for m in matrices)
            row[family] = sum(blocked) / runs
        yield row


def comparison_of(newly_wrong: int, newly_right: int, n: int) -> Comparison:
    """Return two models on `n` examples of one class, of two."""
    before, now = np.zeros(n, np.int64), np.zeros(n, np.int64)
    now[:newly_wrong] = 1
    before[newly_wrong : newly_wrong + newly_right] = 1
    true = np.zeros(n, np.int64)
    return Comparison(("0", "1"), true, before, now, before, now, np.arange(n))


def drop_outcomes(newly_wrong: int, newly_right: int, n: int, margin: str) -> tuple[str, str]:
    """Return what the gate says of a drop, by ``proven`` and by ``not_refuted``."""
    pair = comparison_of(newly_wrong, newly_right, n)
    limits = [_drop_limit(margin, "proven"), _drop_limit(margin, "not_refuted")]
    proven, refuted = judge(limits, pair.matrix_now, pair)
    return proven.outcome, refuted.outcome


def inferior_at_the_margin(rng: np.random.Generator, models: int) -> Iterator[Row]:
    """Count the models worse by exactly the margin that are passed, and that are blocked."""
    for margin in ("0.01", "0.02"):
        for n in (100, 300, 1000, 3000):
            for both in (0.0, 0.01, 0.05):
                shares = [both + float(margin), both, 1 - 2 * both - float(margin)]
                drawn = rng.multinomial(n, shares, models)[:, :2]
                pairs, counts = np.unique(drawn, axis=0, return_counts=True)
                row: Row = {"margin": margin, "examples": n, "changed_both_ways": both}
                row |= {"models": models, "passed": 0.0, "blocked": 0.0, "passed_as_published": 0.0}
                for (worse, better), count in zip(pairs.tolist(), counts.tolist(), strict=True):
                    share = count / models
                    proven, refuted = drop_outcomes(worse, better, n, margin)
                    published = score_interval(worse, better, n, 0.95)[1] < float(margin)
                    row["passed"] += share * (proven == "passed")
                    row["blocked"] += share * (refuted == "failed")
                    row["passed_as_published"] += share * published
                yield row


def worst_at_the_margin(changed: float) -> Iterator[Row]:
    """Add up, over all outcomes, how often a model exactly at the margin is misjudged.

    The highest of 60 rates at which examples change both ways, from none to so many that `changed`
    of all examples come out differently.
    """
    for n in (20, 50, 100, 149, 200, 300, 500, 1000, 5000):
        for margin in (0.005, 0.01, 0.02, 0.05, 0.1):
            rates = np.concatenate([[0.0], np.geomspace(0.01 / n, (changed - margin) / 2, 59)])
            row: Row = {"examples": n, "margin": margin, "changed": changed}
            yield row | worst_of(n, margin, rates)


def worst_of(n: int, margin: float, rates: Floats, level: float = 0.05) -> dict[str, float]:
    """Return the highest probabilities of a wrong answer over rates at which examples change."""
    below = _staircase(n, lambda w, b: tango_p_drop_below(w, b, n, margin) <= level)
    above = _staircase(n, lambda b, w: tango_p_drop_above(w, b, n, margin) <= level)
    published = _staircase(n, lambda w, b: score_interval(w, b, n, 1 - level)[1] < margin)
    return {
        "passed": max(_mass(below, n, q + margin, q) for q in rates),
        "blocked": max(_mass(above, n, q, q + margin) for q in rates),
        "passed_as_published": max(_mass(published, n, q + margin, q) for q in rates),
    }


def equally_good(rng: np.random.Generator, pairs: int) -> Iterator[Row]:
    """Write a policy for one model, and judge an independent one, equally good, by it.

    The limits are those that ``--confmat-init`` writes: recall of each class, and accuracy. For
    contrast: limits exactly at their simultaneous bounds, not rounded and without a general limit
    for most classes; and limits at each class's own Clopper-Pearson bound.
    """
    cases = {
        "2 classes of 500, recall 0.90": ([500] * 2, [0.9] * 2),
        "10 classes of 50, recall 0.90": ([50] * 10, [0.9] * 10),
        "10 classes of 200, recall 0.90": ([200] * 10, [0.9] * 10),
        "10 classes of 200, recall 0.60 to 0.99": ([200] * 10, list(np.linspace(0.6, 0.99, 10))),
        "10 classes of 2,000, recall 0.90": ([2000] * 10, [0.9] * 10),
        "50 classes of 200, recall 0.90": ([200] * 50, [0.9] * 50),
        "43 classes of 30 to 1,500, recall 0.80 to 0.99": (
            [round(n) for n in np.geomspace(30, 1500, 43)],
            list(np.linspace(0.8, 0.99, 43)),
        ),
    }
    for name, (supports, recalls) in cases.items():
        first = rng.binomial(supports, recalls, (pairs, len(supports)))
        second = rng.binomial(supports, recalls, (pairs, len(supports)))
        written, together, single = 0, 0, 0
        for hits, again in zip(first.tolist(), second.tolist(), strict=True):
            matrix = matrix_of(again, supports)
            written += _all_pass(propose(matrix_of(hits, supports)), matrix)
            together += _all_pass(_at_the_bounds(hits, supports), matrix)
            single += all(
                later / n >= clopper_pearson(h, n, 0.95)[0]
                for h, n, later in zip(hits, supports, again, strict=True)
            )
        yield {
            "set": name,
            "pairs": pairs,
            "passed": written / pairs,
            "passed_at_the_bounds": together / pairs,
            "passed_by_single_bounds": single / pairs,
        }


def _at_least(value: Fraction) -> Bound:
    return Bound("at_least", value, str(value))


@lru_cache
def _drop_limit(margin: str, rule: EvidenceRule) -> Limit:
    bound = Bound("at_most", Fraction(margin), margin)
    evidence = Evidence(rule=rule)
    return Limit(
        "recall_drop[0]", "recall", bound, None, "0", evidence=evidence, against="baseline"
    )


def _at_the_bounds(hits: Sequence[int], supports: Sequence[int]) -> list[Limit]:
    level = 0.05 / (len(hits) + 1)
    sums = [*zip(hits, supports, strict=True), (sum(hits), sum(supports))]
    *recalls, accuracy = (Fraction(prediction_lower_bound(h, n, n, 1 - level), n) for h, n in sums)
    return [*recall_limits(recalls, Evidence()), Limit("accuracy", "accuracy", _at_least(accuracy))]


def _all_pass(limits: Sequence[Limit], matrix: ConfusionMatrix) -> bool:
    return not any(verdict.blocks for verdict in judge(limits, matrix))


def _staircase(n: int, shown: Callable[[int, int], bool]) -> Floats:
    """Return for each first count the least second one with which something is shown.

    The more the one, the more of the other it takes; the array ends where none would do.
    """
    steps: list[int] = []
    second = 0
    for first in range(n + 1):
        while second <= n - first and not shown(first, second):
            second += 1
        if second > n - first:
            break
        steps.append(second)
    return np.asarray(steps, np.float64)


def _mass(steps: Floats, n: int, p_first: float, p_second: float) -> float:
    """Return the probability of all outcomes at or beyond a staircase, of `n` examples."""
    first = np.arange(len(steps), dtype=np.float64)
    given = min(1.0, p_second / (1 - p_first))
    rest = n - first
    beyond = np.where(
        steps > 0, betainc(np.maximum(steps, 1), np.maximum(rest - steps + 1, 1), given), 1.0
    )
    return float(binom.pmf(first, n, p_first) @ beyond)


def simulate(scale: float) -> dict[str, list[Row]]:
    """Return all figures; `scale` 1 takes about a minute and a half."""
    rng = np.random.default_rng(SEED)
    return {
        "proven_at_the_limit": list(proven_at_the_limit(rng, round(50_000 * scale))),
        "refuted_at_the_limit": list(refuted_at_the_limit(rng, round(1_500 * scale))),
        "inferior_at_the_margin": list(inferior_at_the_margin(rng, round(20_000 * scale))),
        "worst_at_the_margin": [*worst_at_the_margin(0.5), *worst_at_the_margin(1.0)],
        "equally_good": list(equally_good(rng, round(2_000 * scale))),
    }


def main() -> None:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--docs", type=Path, help="put the tables into this Markdown file")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the models to draw")
    options = parser.parse_args()
    figures = simulate(options.scale)
    named = tables(figures) | needed_tables()
    for name, content in named.items():
        print(f"{name}\n\n{content}\n")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.docs is not None:
        page = options.docs.read_text(encoding="utf-8")
        options.docs.write_text(put(page, named), encoding="utf-8")


if __name__ == "__main__":
    main()

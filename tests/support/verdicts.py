"""Limits that ask for proof, and pairs of models, for the tests of verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from hypothesis import strategies as st

from pytest_confmat.baseline import Baseline
from pytest_confmat.baseline.comparison import Comparison, compare
from pytest_confmat.evaluation import Evaluation, Part
from pytest_confmat.judging import judge
from pytest_confmat.limits import Bound, Evidence, Limit, limit_id
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.verdict import Verdict
from tests.support.strategies import class_names

RULES = ("estimate", "proven", "not_refuted")
CONFIDENCES = ("0.9", "0.95", "0.99")
_EVIDENCE = ("confidence", "rule", "undecided", "min_support", "family")


def limit(
    metric: str,
    text: str,
    kind: str = "at_least",
    *,
    against: str = "value",
    **others,
) -> Limit:
    """Make a limit; what belongs to its evidence is given among the others."""
    evidence = {key: others.pop(key) for key in _EVIDENCE if key in others}
    if "confidence" in evidence:
        evidence["confidence"] = Fraction(evidence["confidence"])
    if against == "baseline":
        kind = "at_most"
    name = limit_id(metric, others.get("actual"), others.get("predicted"), against)
    bound = Bound(kind, Fraction(text), text)
    return Limit(name, metric, bound, evidence=Evidence(**evidence), against=against, **others)


def drop(metric: str, text: str, **others) -> Limit:
    return limit(metric, text, against="baseline", **others)


def one(declared: Limit, subject, comparison: Comparison | None = None) -> Verdict:
    (verdict,) = judge([declared], subject, comparison)
    return verdict


def of_two(hits: int, trials: int, others: int = 1) -> ConfusionMatrix:
    """Return a matrix of the classes a and b in which a has this recall."""
    return ConfusionMatrix(np.array([[hits, trials - hits], [0, others]]), ("a", "b"))


def recalls(*of_classes: tuple[int, int]) -> ConfusionMatrix:
    """Return a matrix with these hits and trials on its rows."""
    k = len(of_classes)
    counts = np.zeros((k, k), int)
    for i, (hits, trials) in enumerate(of_classes):
        counts[i, i] = hits
        counts[i, (i + 1) % k] = trials - hits
    return ConfusionMatrix(counts, class_names(k))


@dataclass(frozen=True)
class TwoModels:
    """Raw outcomes of two models: on common examples, and on those of the one set alone."""

    k: int
    true: np.ndarray
    before: np.ndarray
    now: np.ndarray
    rank_before: np.ndarray
    rank_now: np.ndarray
    score: np.ndarray
    weight: np.ndarray | None
    # Of each example: 0 is common, 1 only the baseline's, 2 only the new model's.
    whose: np.ndarray

    @property
    def classes(self) -> tuple[str, ...]:
        return class_names(self.k)

    @property
    def common(self) -> np.ndarray:
        return self.whose == 0

    def ids(self, chosen: np.ndarray) -> list[str]:
        return [f"e{place}" for place in np.flatnonzero(chosen)]

    @cached_property
    def evaluation(self) -> Evaluation:
        return self._evaluation(self.whose != 1, self.now, self.rank_now)

    @cached_property
    def comparison(self) -> Comparison:
        # The baseline holds the examples in another order.
        old = self._evaluation(self.whose != 2, self.before, self.rank_before, backwards=True)
        return compare(Baseline.of(old), self.evaluation, Fraction(0))

    def _evaluation(self, chosen, predicted, rank, backwards: bool = False) -> Evaluation:
        places = np.flatnonzero(chosen)[:: -1 if backwards else 1]
        half = len(places) // 2
        return Evaluation(
            self.classes,
            tuple(
                Part(
                    f"part-{number}",
                    number,
                    tuple(f"e{place}" for place in own),
                    self.true[own],
                    predicted[own],
                    self.score[own],
                    rank[own],
                    own.astype(np.uint64) + 1,
                    None if self.weight is None else self.weight[own],
                )
                for number, own in enumerate((places[:half], places[half:]))
            ),
        )


def two_models(
    true, before, now, k: int, rank_before=None, rank_now=None, weight=None, whose=None
) -> TwoModels:
    true, before, now = (np.asarray(values, np.int64) for values in (true, before, now))
    n = len(true)
    scores = np.random.default_rng(n).permutation(n).astype(np.float32) / max(n, 1)
    return TwoModels(
        k,
        true,
        before,
        now,
        _ranks(true, before, k) if rank_before is None else np.asarray(rank_before),
        _ranks(true, now, k) if rank_now is None else np.asarray(rank_now),
        scores,
        None if weight is None else np.asarray(weight, np.float64),
        np.zeros(n, np.int64) if whose is None else np.asarray(whose),
    )


def _ranks(true, predicted, k: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).integers(1, k, len(true))
    found[predicted == true] = 0
    found[predicted < 0] = k
    return found


@st.composite
def pairs_of_models(
    draw: st.DrawFn, max_classes: int = 4, weighted: bool = False, most: int = 9
) -> TwoModels:
    """Draw two models; either may leave an example unpredicted, and each set has its own."""
    k = draw(st.integers(2, max_classes))
    cells = draw(
        st.lists(
            st.tuples(
                st.integers(0, k - 1),
                st.integers(-1, k - 1),
                st.integers(-1, k - 1),
                st.sampled_from([0, 0, 0, 0, 1, 2]),
                st.integers(1, most),
            ),
            min_size=1,
            max_size=14,
        )
    )
    # Every class is there once at least, right by both, so that few numbers are undefined.
    cells += [(i, i, i, 0, draw(st.integers(1, 4 * most))) for i in range(k)]
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    rows = np.array([cell[:4] for cell in cells for _ in range(cell[4])])
    true, before, now, whose = rng.permutation(rows).T
    return two_models(
        true,
        before,
        now,
        k,
        _ranks(true, before, k, seed),
        _ranks(true, now, k, seed + 1),
        rng.integers(0, 5, len(true)) / 4 if weighted else None,
        whose,
    )

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from pytest_confmat.evidence.paired import mcnemar_exact, tango_p_drop_above, tango_p_drop_below
from pytest_confmat.judging import judge
from pytest_confmat.limits import FLIPS, Limit, Weighting
from pytest_confmat.metric import metric_keys
from pytest_confmat.verdict import Verdict
from tests.support.verdicts import RULES, TwoModels, drop, one, pairs_of_models, two_models

PLAIN = Weighting("inverse_frequency")
WEIGHTINGS = (
    PLAIN,
    Weighting("inverse_frequency", "all"),
    Weighting("inverse_frequency", "pred"),
    Weighting("balanced", "all"),
    Weighting("balanced", "pred"),
    Weighting("sample", "true"),
    Weighting("sample", "pred"),
    Weighting("sample", "all"),
)
PER_CLASS = ("recall", "precision", "f1", "specificity", "jaccard")
PAIRED = ("recall", "specificity", "accuracy", "top_1_accuracy", "top_2_accuracy", "confusion")


@dataclass(frozen=True)
class Raw:
    """What one model made of the common examples, for scikit-learn."""

    k: int
    true: np.ndarray
    predicted: np.ndarray
    rank: np.ndarray
    weight: np.ndarray | None

    @classmethod
    def both(cls, models: TwoModels) -> tuple[Raw, Raw]:
        chosen = models.common
        weight = None if models.weight is None else models.weight[chosen]
        return (
            cls(models.k, models.true[chosen], models.before[chosen],
                models.rank_before[chosen], weight),
            cls(models.k, models.true[chosen], models.now[chosen],
                models.rank_now[chosen], weight),
        )  # fmt: skip

    def per_class(self, metric: str) -> np.ndarray:
        labels = range(self.k)
        if metric == "specificity":
            others = [self.true != i for i in labels]
            return np.array([np.mean(self.predicted[other] != i) for i, other in enumerate(others)])
        score = getattr(sk, f"{metric}_score")
        # Every class has examples, so that the overlap alone is never undefined.
        none = 0 if metric == "jaccard" else np.nan
        return score(self.true, self.predicted, labels=labels, average=None, zero_division=none)

    def among_first(self, metric: str) -> np.ndarray:
        return (self.rank < int(metric.split("_")[1])) & (self.predicted >= 0)

    def overall(self, metric: str) -> float:
        if metric.startswith("top_"):
            return float(np.mean(self.among_first(metric)))
        if metric == "matthews_corrcoef":
            if len(set(self.true)) < 2 or len(set(self.predicted)) < 2:
                return math.nan
            return sk.matthews_corrcoef(self.true, self.predicted)
        if metric in ("accuracy", "cohen_kappa"):
            return getattr(sk, f"{metric}_score")(self.true, self.predicted)
        name, average = ("recall", "macro") if metric == "balanced_accuracy" else (
            metric.rsplit("_", 1)
        )  # fmt: skip
        values = self.per_class(name)
        weights = None if average == "macro" else np.bincount(self.true, minlength=self.k)
        return float(np.average(values, weights=weights))

    def diagonal(self, weighting: Weighting) -> np.ndarray:
        support = np.bincount(self.true, minlength=self.k)
        weight = {
            "inverse_frequency": (1 / support)[self.true],
            "balanced": (len(self.true) / self.k / support)[self.true],
            "sample": self.weight,
        }[weighting.weights]
        if not weight.any():  # which scikit-learn refuses
            return np.full(self.k, np.nan)
        # As scikit-learn does it, with what was predicted as none in a column of its own.
        labels = [*range(self.k), -1]
        sums = sk.confusion_matrix(self.true, self.predicted, labels=labels, sample_weight=weight)
        whole = {
            "true": sums.sum(1), "pred": sums.sum(0), "all": np.full(len(labels), sums.sum()),
            None: np.ones(len(labels)),
        }[weighting.normalize]  # fmt: skip
        with np.errstate(invalid="ignore"):
            return (np.diag(sums) / whole)[: self.k]


def judged(declared: Limit, models: TwoModels) -> Verdict:
    return one(declared, models.evaluation, models.comparison)


def require_drop(verdict: Verdict, before: float, now: float) -> None:
    if math.isnan(before) or math.isnan(now):
        assert (verdict.observed, verdict.outcome) == (None, "failed")
        who = "the baseline" if math.isnan(before) else "this model"
        assert verdict.undefined.endswith(f", for {who} on the common examples")
        return
    assert float(verdict.observed) == pytest.approx(before - now, abs=1e-12)
    assert float(verdict.change.before) == pytest.approx(before, abs=1e-12)
    assert float(verdict.change.now) == pytest.approx(now, abs=1e-12)
    assert verdict.outcome == (
        "passed" if verdict.observed <= verdict.limit.bound.value else "failed"
    )


@given(pairs_of_models(), st.sampled_from(PER_CLASS), st.sampled_from(["0", "0.1", "0.5"]))
def test_the_drop_of_each_class_is_that_of_scikit_learn(models, metric, text):
    before, now = (raw.per_class(metric) for raw in Raw.both(models))
    for i, name in enumerate(models.classes):
        verdict = judged(drop(metric, text, actual=name), models)
        require_drop(verdict, before[i], now[i])
        assert verdict.change.common == int(models.common.sum())


@given(
    pairs_of_models(),
    st.sampled_from(
        [*metric_keys("overall"), "top_1_accuracy", "top_2_accuracy", "top_3_accuracy"]
    ),
)
def test_the_drop_of_the_whole_is_that_of_scikit_learn(models, metric):
    before, now = (raw.overall(metric) for raw in Raw.both(models))
    require_drop(judged(drop(metric, "0.05"), models), before, now)


@given(pairs_of_models(weighted=True), st.sampled_from(WEIGHTINGS))
def test_the_drop_of_a_weighted_diagonal_is_that_of_scikit_learn(models, weighting):
    before, now = (raw.diagonal(weighting) for raw in Raw.both(models))
    for i, name in enumerate(models.classes):
        declared = drop("weighted_diagonal", "0.1", actual=name, weighting=weighting)
        require_drop(judged(declared, models), before[i], now[i])


@given(pairs_of_models(), st.sampled_from(["0", "0.1"]))
def test_the_rise_of_a_confusion_is_counted(models, text):
    before, now = Raw.both(models)
    i, j = 0, models.k - 1
    own = before.true == i
    shares = [float(np.mean(raw.predicted[own] == j)) for raw in (before, now)]
    declared = drop("confusion", text, actual=models.classes[i], predicted=models.classes[j])
    verdict = judged(declared, models)
    assert float(verdict.observed) == pytest.approx(shares[1] - shares[0], abs=1e-12)
    assert (float(verdict.change.before), float(verdict.change.now)) == pytest.approx(shares)
    assert verdict.outcome == ("passed" if verdict.observed <= Fraction(text) else "failed")


@given(pairs_of_models(), st.sampled_from(["0", "0.3", "1"]))
def test_flips_are_the_examples_on_which_the_models_differ(models, text):
    before, now = Raw.both(models)
    verdict = judged(drop(FLIPS, text), models)
    share = Fraction(int(np.sum(before.predicted != now.predicted)), len(before.true))
    assert verdict.observed == share == Fraction(verdict.hits, verdict.trials)
    assert verdict.outcome == ("passed" if share <= Fraction(text) else "failed")
    assert (verdict.change.common, verdict.change.newly_wrong) == (len(before.true), None)


def paired(metric: str, models: TwoModels, text: str, **more) -> Limit:
    names: dict = {}
    if metric in ("recall", "specificity", "confusion", "weighted_diagonal"):
        names["actual"] = models.classes[0]
    if metric == "confusion":
        names["predicted"] = models.classes[1]
    if metric == "weighted_diagonal":
        names["weighting"] = PLAIN
    return drop(metric, text, **names, **more)


def right(metric: str, raw: Raw) -> np.ndarray:
    """Whether each example that the metric is about is as it should be."""
    if metric.startswith("top_"):
        return raw.among_first(metric)
    own = raw.true == 0
    return {
        "accuracy": raw.predicted == raw.true,
        "recall": raw.predicted[own] == 0,
        "weighted_diagonal": raw.predicted[own] == 0,
        "specificity": raw.predicted[~own] != 0,
        "confusion": raw.predicted[own] != 1,
    }[metric]


@given(
    pairs_of_models(most=40),
    st.sampled_from([*PAIRED, "weighted_diagonal"]),
    st.sampled_from(["0", "0.02", "0.1", "0.4", "1"]),
    st.sampled_from(RULES),
    st.sampled_from(["0.9", "0.95"]),
)
def test_a_paired_drop_is_judged_by_what_changed(models, metric, text, rule, confidence):
    declared = paired(metric, models, text, rule=rule, confidence=confidence)
    verdict = judged(declared, models)
    was, is_now = (right(metric, raw) for raw in Raw.both(models))
    worse, better = int(np.sum(was & ~is_now)), int(np.sum(is_now & ~was))
    assert (verdict.change.newly_wrong, verdict.change.newly_right) == (worse, better)
    assert verdict.change.p_value == mcnemar_exact(worse, better)
    assert verdict.denominator == verdict.support == len(was)
    assert verdict.observed == Fraction(worse - better, len(was))
    level = 1 - float(confidence)
    counts = (worse, better, len(was), float(text))
    shown_kept = text == "1" or tango_p_drop_below(*counts) <= level
    shown_broken = text != "1" and tango_p_drop_above(*counts) <= level
    expected = {
        "estimate": "passed" if verdict.observed <= Fraction(text) else "failed",
        "proven": "passed" if shown_kept else "failed" if shown_broken else "undecided",
        "not_refuted": "failed" if shown_broken else "passed",
    }[rule]
    assert verdict.outcome == expected
    if text != "1":
        lower, upper = verdict.interval
        assert lower <= float(verdict.observed) <= upper
        assert (upper < float(text)) == shown_kept
        assert (lower > float(text)) == shown_broken


@given(pairs_of_models(most=30), st.sampled_from(["0", "0.05", "0.3"]), st.sampled_from(RULES))
def test_the_highest_rise_is_judged_by_all_cells(models, text, rule):
    before, now = Raw.both(models)
    verdict = judged(drop("confusions", text, rule=rule), models)
    kept, broken, rises = [], [], {}
    cells = [(i, j) for i in range(models.k) for j in range(models.k) if i != j]
    for i, j in cells:
        own = before.true == i
        was, is_now = before.predicted[own] == j, now.predicted[own] == j
        worse, better = int(np.sum(is_now & ~was)), int(np.sum(was & ~is_now))
        counts = (worse, better, int(own.sum()), float(text))
        kept.append(tango_p_drop_below(*counts) <= 1 - 0.95)
        broken.append(len(cells) * tango_p_drop_above(*counts) <= 1 - 0.95)
        if worse > better:
            rises[i, j] = Fraction(worse - better, int(own.sum()))
    highest = max(rises.values(), default=Fraction(0))
    assert verdict.observed == highest
    assert (
        verdict.outcome
        == {
            "estimate": "passed" if highest <= Fraction(text) else "failed",
            "proven": "passed" if all(kept) else "failed" if any(broken) else "undecided",
            "not_refuted": "failed" if any(broken) else "passed",
        }[rule]
    )
    assert verdict.interval is None
    told = {(a, p): Fraction(n, of) for a, p, n, of in verdict.cells}
    breaking = {
        (models.classes[i], models.classes[j]): rise
        for (i, j), rise in rises.items()
        if rise > Fraction(text)
    }
    if breaking:
        assert told == breaking
    else:
        assert len(told) == bool(rises)
    assert list(told.values()) == sorted(told.values(), reverse=True)


@given(pairs_of_models())
def test_what_a_class_is_taken_for_now_is_counted_on_the_common_examples(models):
    _, now = Raw.both(models)
    for i, name in enumerate(models.classes):
        for metric, chosen, of in (
            ("recall", now.true == i, now.predicted),
            ("precision", now.predicted == i, now.true),
        ):
            counts = np.bincount(of[chosen & (of >= 0)], minlength=models.k)
            counts[i] = 0
            verdict = judged(drop(metric, "0.1", actual=name), models)
            assert dict(verdict.confused_with) == {
                models.classes[j]: int(n) for j, n in enumerate(counts) if n
            }
            if metric == "recall":
                assert sum(n for _, n in verdict.confused_with) <= verdict.support


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "declared",
    [("recall", {"actual": "c0"}), ("accuracy", {}), ("f1_macro", {}), ("confusions", {}),
     (FLIPS, {})],
    ids=lambda declared: declared[0],
)  # fmt: skip
def test_without_a_baseline_a_drop_has_failed(declared, rule):
    metric, more = declared
    models = two_models([0, 1], [0, 1], [0, 1], k=2)
    limits = [drop(metric, "0.5", rule=rule, undecided="warn", **more)]
    (verdict,) = judge(limits, models.evaluation)
    assert (verdict.outcome, verdict.blocks, verdict.observed) == ("failed", True, None)
    assert verdict.undefined == "there is no baseline to compare with"
    assert (verdict.mistakes, verdict.change.common) == ((), 0)


@pytest.mark.parametrize(
    ("before", "now", "who"),
    [
        ([1, 1], [0, 1], "the baseline"),
        ([0, 1], [1, 1], "this model"),
        ([1, 1], [1, 1], "the baseline"),
    ],
)
def test_a_drop_is_undefined_where_either_value_is(before, now, who):
    models = two_models([0, 1], before, now, k=2)
    verdict = judged(drop("precision", "0.5", actual="c0"), models)
    assert (verdict.outcome, verdict.observed, verdict.change.before) == ("failed", None, None)
    assert verdict.undefined == f"it was never predicted, for {who} on the common examples"
    macro = judged(drop("precision_macro", "0.5"), models)
    assert macro.undefined == (
        f"precision of 'c0' is undefined: it was never predicted, for {who} on the common examples"
    )


def test_weights_are_those_of_the_common_examples():
    # The first of the evaluation, which weighs most, is not in the baseline.
    models = two_models(
        [0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1], k=2, weight=[100, 1, 3, 2], whose=[2, 0, 0, 0]
    )
    declared = drop("weighted_diagonal", "0", actual="c0", weighting=Weighting("sample", "true"))
    verdict = judged(declared, models)
    assert (verdict.change.before, verdict.change.now) == (Fraction(1, 4), Fraction(1, 4))
    assert verdict.outcome == "passed"


def test_without_weights_a_drop_weighted_by_them_is_undefined():
    models = two_models([0, 1], [0, 1], [0, 1], k=2)
    declared = drop("weighted_diagonal", "0", actual="c0", weighting=Weighting("sample", "true"))
    assert judged(declared, models).undefined == (
        "the evaluation set states no weights, for the baseline on the common examples"
    )

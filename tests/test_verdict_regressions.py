from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.judging import judge
from pytest_confmat.limits import FLIPS, Limit, Weighting
from pytest_confmat.verdict import Verdict
from tests.support.verdicts import RULES, TwoModels, drop, limit, one, pairs_of_models, two_models

METRICS = (
    "recall",
    "f1",
    "weighted_diagonal",
    "precision",
    "specificity",
    "confusion",
    "confusions",
    "accuracy",
    "balanced_accuracy",
    "top_1_accuracy",
    "top_2_accuracy",
    FLIPS,
)


def declared(metric: str, models: TwoModels, text: str, **more) -> Limit:
    names: dict = {}
    if metric in ("recall", "f1", "weighted_diagonal", "precision", "specificity", "confusion"):
        names["actual"] = models.classes[0]
    if metric == "confusion":
        names["predicted"] = models.classes[1]
    if metric == "weighted_diagonal":
        names["weighting"] = Weighting("inverse_frequency")
    return drop(metric, text, **names, **more)


def regressions(metric: str, models: TwoModels, verdict: Verdict) -> np.ndarray:
    """Return whether each example was as it should be for the baseline and is not any more."""
    true, before, now = models.true, models.before, models.now
    if metric in ("precision", "specificity"):
        chosen = (true != 0) & (before != 0) & (now == 0)
    elif metric == "confusion":
        chosen = (true == 0) & (before != 1) & (now == 1)
    elif metric == "confusions":
        if not verdict.cells:
            return np.zeros(len(true), bool)
        i, j = (models.classes.index(name) for name in verdict.cells[0][:2])
        chosen = (true == i) & (before != j) & (now == j)
    elif metric.startswith("top_"):
        k = int(metric.split("_")[1])
        chosen = (models.rank_before < k) & (models.rank_now >= k)
    else:
        chosen = (before == true) & (now != true)
        if metric in ("recall", "f1", "weighted_diagonal"):
            chosen &= true == 0
    # What was not predicted at all is listed among the faults.
    return chosen & models.common & (now >= 0)


@given(pairs_of_models(max_classes=3), st.sampled_from(METRICS))
def test_a_failure_lists_what_the_baseline_had_right_surest_first(models, metric):
    # No drop of this size is to be had, so that every limit fails.
    text = "-1" if metric != FLIPS else "0"
    verdict = one(declared(metric, models, text), models.evaluation, models.comparison)
    if verdict.outcome == "passed":
        assert metric == FLIPS
        assert verdict.mistakes == ()
        return
    chosen = np.flatnonzero(regressions(metric, models, verdict))
    by_score = chosen[np.argsort(-models.score[chosen], kind="stable")][:3]
    assert [mistake.id for mistake in verdict.mistakes] == [f"e{place}" for place in by_score]
    for mistake, place in zip(verdict.mistakes, by_score, strict=True):
        assert mistake.actual == models.classes[models.true[place]]
        assert mistake.predicted == models.classes[models.now[place]]
        assert mistake.score == models.score[place]


@pytest.mark.parametrize("rule", RULES)
def test_what_does_not_pass_lists_them_under_every_rule(rule):
    models = two_models([0] * 30 + [1], [0] * 30 + [1], [1] * 20 + [0] * 10 + [1], k=2)
    verdict = one(declared("recall", models, "0.1", rule=rule), models.evaluation,
                  models.comparison)  # fmt: skip
    assert verdict.outcome == "failed"
    assert len(verdict.mistakes) == 3
    undecided = one(
        declared("recall", models, "0.7", rule="proven"), models.evaluation, models.comparison
    )
    assert (undecided.outcome, len(undecided.mistakes)) == ("undecided", 3)
    held = one(declared("recall", models, "0.9"), models.evaluation, models.comparison)
    assert (held.outcome, held.mistakes) == ("passed", ())


def test_what_left_the_first_k_is_listed_though_it_was_never_right():
    models = two_models(
        [0, 0, 1, 2], [1, 1, 1, 2], [1, 1, 1, 2], k=3,
        rank_before=[1, 1, 0, 0], rank_now=[2, 1, 0, 0],
    )  # fmt: skip
    verdict = one(drop("top_2_accuracy", "0"), models.evaluation, models.comparison)
    assert (verdict.change.newly_wrong, verdict.change.newly_right) == (1, 0)
    assert [mistake.id for mistake in verdict.mistakes] == ["e0"]


def texts() -> st.SearchStrategy[str]:
    return st.sampled_from(["0", "0.1", "0.9"])


@given(
    pairs_of_models(max_classes=3, weighted=True),
    st.sampled_from(RULES),
    texts(),
    st.sampled_from([1, 10, 10_000]),
    st.sampled_from(["none", "holm"]),
)
def test_every_verdict_survives_the_way_through_json(models, rule, text, min_support, family):
    more = {"rule": rule, "min_support": min_support, "family": family}
    plain = {"min_support": min_support}
    sample = Weighting("sample", "all")
    limits = [
        *(declared(metric, models, text, **more) for metric in METRICS if metric not in
          ("f1", "precision", "balanced_accuracy")),
        *(declared(metric, models, text, **plain) for metric in
          ("f1", "precision", "balanced_accuracy")),
        limit("weighted_diagonal", text, actual="c0", weighting=sample, **plain),
        limit("recall", text, actual="c1", **more),
        limit("f1", text, actual="c1", **more),
        limit("precision", text, actual="c0", **more),
        limit("confusions", text, "at_most", **more),
        limit("cohen_kappa", text, **plain),
    ]  # fmt: skip
    by_id = {each.id: each for each in limits}
    assert len(by_id) == len(limits)
    for verdict in judge(limits, models.evaluation, models.comparison):
        text_of = json.dumps(verdict.to_plain(), allow_nan=False)
        back = Verdict.from_plain(json.loads(text_of), by_id)
        assert back == verdict
        assert type(back.observed) is type(verdict.observed)
        assert back.blocks == verdict.blocks


def test_a_verdict_without_a_baseline_survives_too():
    models = two_models([0, 1], [0, 1], [0, 1], k=2)
    asked = drop("recall", "0.1", actual="c0", rule="proven")
    verdict = one(asked, models.evaluation)
    plain = json.loads(json.dumps(verdict.to_plain()))
    assert Verdict.from_plain(plain, {asked.id: asked}) == verdict

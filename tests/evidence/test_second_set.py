from __future__ import annotations

from math import floor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom, hypergeom

from pytest_confmat.errors import EvidenceError
from pytest_confmat.evidence.second_set import prediction_lower_bound, prediction_upper_bound
from pytest_confmat.evidence.shares import clopper_pearson
from tests.evidence.strategies import confidences, counts


@given(counts(150), st.integers(1, 150), confidences)
def test_prediction_bound_is_the_first_that_fishers_test_lets_pass(
    hits_trials, new_trials, confidence
):
    hits, trials = hits_trials
    bound = prediction_lower_bound(hits, trials, new_trials, confidence)

    def tail(new_hits):
        return hypergeom.sf(hits - 1, trials + new_trials, trials, hits + new_hits)

    assert 0 <= bound <= new_trials
    assert tail(bound) > (1 - confidence) * (1 - 1e-9)
    assert bound == 0 or tail(bound - 1) <= (1 - confidence) * (1 + 1e-9)


@given(counts(3000), st.integers(1, 3000))
def test_prediction_bound_is_a_quantile_of_the_beta_binomial(hits_trials, new_trials):
    hits, trials = hits_trials
    assume(hits > 0)
    bound = prediction_lower_bound(hits, trials, new_trials, 0.999)
    second = betabinom(new_trials, hits, trials - hits + 1)
    assert second.cdf(bound) > 0.001 * (1 - 1e-7)
    assert bound == 0 or second.cdf(bound - 1) <= 0.001 * (1 + 1e-7)


# Added up over all outcomes of both sets, and not simulated.
@pytest.mark.parametrize(("trials", "new_trials"), [(20, 20), (20, 50), (60, 15)])
def test_an_equally_good_model_falls_below_the_bound_as_seldom_as_is_said(trials, new_trials):
    bounds = [prediction_lower_bound(h, trials, new_trials, 0.95) for h in range(trials + 1)]
    for share in (0.0, 0.05, 0.3, 0.5, 0.77, 0.9, 0.95, 0.99, 1.0):
        first = binom.pmf(np.arange(trials + 1), trials, share)
        below = binom.cdf(np.array(bounds) - 1, new_trials, share)
        assert first @ below <= 0.05 * (1 + 1e-12)


@given(counts(400), confidences)
def test_a_second_set_may_fall_lower_than_the_first_sets_own_bound(hits_trials, confidence):
    hits, trials = hits_trials
    assume(confidence >= 0.8)
    lower, _ = clopper_pearson(hits, trials, confidence)
    bound = prediction_lower_bound(hits, trials, trials, confidence)
    assert bound <= floor(lower * trials) + 1
    assert bound <= hits


# Of one hit in one trial and none in another Fisher's tail is one half to the last bit.
def test_a_tail_equal_to_the_level_is_ruled_out():
    assert prediction_lower_bound(1, 1, 1, 0.5) == 1
    assert prediction_lower_bound(1, 1, 1, 0.51) == 0


def test_prediction_bounds_of_hits_and_of_misses_mirror_each_other():
    assert prediction_upper_bound(3, 200, 500, 0.99) == 500 - prediction_lower_bound(
        197, 200, 500, 0.99
    )
    assert prediction_upper_bound(200, 200, 100, 0.99) == 100
    assert prediction_lower_bound(0, 200, 100, 0.99) == 0


def test_prediction_bound_of_large_sets_is_about_the_normal_approximations():
    trials, share = 10**7, 0.9
    bound = prediction_lower_bound(9 * 10**6, trials, trials, 0.95)
    deviation = (2 * trials * share * (1 - share)) ** 0.5
    assert bound == pytest.approx(9 * 10**6 - 1.6448536 * deviation, abs=3)


def test_nonsense_is_refused_with_a_reason():
    with pytest.raises(EvidenceError, match="a share of 0 examples is no number; there"):
        prediction_lower_bound(1, 2, 0, 0.95)

from __future__ import annotations

import subprocess
import sys
from itertools import product
from math import nextafter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from pytest_confmat.errors import ConfmatError, EvidenceError
from pytest_confmat.evidence.shares import (
    clopper_pearson,
    f1_bounds,
    flawless_trials,
    p_at_least,
    p_at_most,
    trials_needed,
)
from tests.evidence.strategies import confidences, counts

# Between 0 and 1e-300 it is the oracle that fails.
shares = st.floats(1e-300, 1.0) | st.just(0.0)
decimals = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


CORNERS = [(0, 1), (1, 1), (0, 25), (23, 25), (25, 25), (1, 1000), (999, 1000), (9_500_000, 10**7)]


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("hits", "trials"), CORNERS)
def test_bounds_are_those_of_scipy(hits, trials, confidence):
    # SciPy's interval is two-sided: at 2c - 1 it leaves 1 - c on each side.
    interval = binomtest(hits, trials).proportion_ci(2 * confidence - 1, method="exact")
    found = clopper_pearson(hits, trials, confidence)
    assert found == pytest.approx((interval.low, interval.high), rel=1e-10)


@given(counts(), confidences)
def test_bounds_are_those_of_scipy_everywhere(hits_trials, confidence):
    hits, trials = hits_trials
    assume(confidence > 0.5)
    interval = binomtest(hits, trials).proportion_ci(2 * confidence - 1, method="exact")
    found = clopper_pearson(hits, trials, confidence)
    assert found == pytest.approx((interval.low, interval.high), rel=1e-9)


# The example of the paper's own kind: 30 of 30, two-sided 95 %.
def test_a_flawless_result_has_a_lower_bound():
    lower, upper = clopper_pearson(30, 30, 0.975)
    assert lower == pytest.approx(0.025 ** (1 / 30))
    assert upper == 1.0


@given(counts(), shares)
def test_tails_are_those_of_scipy(hits_trials, share):
    hits, trials = hits_trials
    assert p_at_least(hits, trials, share) == pytest.approx(
        binom.sf(hits - 1, trials, share), rel=1e-9, abs=1e-300
    )
    assert p_at_most(hits, trials, share) == pytest.approx(
        binom.cdf(hits, trials, share), rel=1e-9, abs=1e-300
    )


@given(counts(), shares)
def test_tails_are_probabilities_that_overlap_in_the_outcome_itself(hits_trials, share):
    hits, trials = hits_trials
    above, below = p_at_least(hits, trials, share), p_at_most(hits, trials, share)
    assert 0 <= above <= 1
    assert 0 <= below <= 1
    assert above + below == pytest.approx(1 + binom.pmf(hits, trials, share), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (3, 5), (5, 5)])
def test_tails_at_the_ends_of_the_scale(hits, trials, share):
    assert p_at_least(hits, trials, share) == binom.sf(hits - 1, trials, share)
    assert p_at_most(hits, trials, share) == binom.cdf(hits, trials, share)


def agree(hits, trials, confidence, share):
    lower, upper = clopper_pearson(hits, trials, confidence)
    shown_above = p_at_least(hits, trials, share) <= 1 - confidence
    shown_below = p_at_most(hits, trials, share) <= 1 - confidence
    return (lower > share) == shown_above and (upper < share) == shown_below


@given(counts(10_000), confidences, decimals | shares)
@example((1, 1), 0.95, 0.05)
@example((2, 2), 0.99, 0.1)
@example((2, 2), 0.5, 0.5**0.5)
@example((0, 1), 0.95, 0.95)
def test_bounds_and_decisions_never_contradict_each_other(hits_trials, confidence, share):
    assert agree(*hits_trials, confidence, share)


# A confidence of 3/4 and two of two against one half: the p-value is the level to the last bit.
@pytest.mark.parametrize(
    ("hits", "trials", "confidence", "share"),
    [(2, 2, 0.75, 0.5), (0, 2, 0.75, 0.5), (1, 1, 0.5, 0.5), (0, 1, 0.5, 0.5), (3, 3, 0.875, 0.5)],
)
def test_a_p_value_equal_to_the_level_is_shown_and_outside_the_bounds(
    hits, trials, confidence, share
):
    assert min(p_at_least(hits, trials, share), p_at_most(hits, trials, share)) == 1 - confidence
    assert agree(hits, trials, confidence, share)
    lower, upper = clopper_pearson(hits, trials, confidence)
    assert lower > share or upper < share


@given(counts(300), confidences)
def test_decisions_turn_at_a_bound(hits_trials, confidence):
    for bound in clopper_pearson(*hits_trials, confidence):
        for share in (bound * (1 - 1e-12), bound, min(1.0, bound * (1 + 1e-12))):
            assert agree(*hits_trials, confidence, share)


@given(counts(), confidences)
def test_an_interval_contains_the_estimate(hits_trials, confidence):
    hits, trials = hits_trials
    assume(confidence > 0.5)
    lower, upper = clopper_pearson(hits, trials, confidence)
    assert 0 <= lower <= hits / trials <= upper <= 1
    assert (lower == 0) == (hits == 0)
    assert (upper == 1) == (hits == trials)


@given(counts(), confidences)
def test_bounds_rise_with_each_hit(hits_trials, confidence):
    hits, trials = hits_trials
    assume(hits < trials)
    fewer, more = (clopper_pearson(h, trials, confidence) for h in (hits, hits + 1))
    assert fewer[0] < more[0]
    assert fewer[1] < more[1]


@given(counts(200), st.integers(2, 50))
def test_an_interval_shrinks_with_more_of_the_same(hits_trials, times):
    hits, trials = hits_trials
    lower, upper = clopper_pearson(hits, trials, 0.95)
    closer = clopper_pearson(hits * times, trials * times, 0.95)
    assert closer[0] - lower >= (1e-12 if hits else 0)
    assert upper - closer[1] >= (1e-12 if hits < trials else 0)


@given(counts())
def test_a_higher_confidence_has_a_wider_interval(hits_trials):
    narrow, wide = clopper_pearson(*hits_trials, 0.9), clopper_pearson(*hits_trials, 0.99)
    assert wide[0] <= narrow[0] < narrow[1] <= wide[1]


@given(counts(), confidences)
def test_bounds_of_the_misses_mirror_those_of_the_hits(hits_trials, confidence):
    hits, trials = hits_trials
    lower, upper = clopper_pearson(hits, trials, confidence)
    mirrored = clopper_pearson(trials - hits, trials, confidence)
    assert (1 - upper, 1 - lower) == pytest.approx(mirrored, abs=1e-12)


@pytest.mark.parametrize(("hits", "trials"), [(0, 20), (13, 20), (20, 20)])
def test_f1_has_the_bounds_of_the_jaccard_index_it_belongs_to(hits, trials):
    jaccard = clopper_pearson(hits, trials, 0.95)
    lower, upper = f1_bounds(jaccard)
    # F1 = 2 TP / (2 TP + wrong) where J = TP / (TP + wrong).
    estimate = 2 * hits / (2 * hits + (trials - hits))
    assert lower <= estimate <= upper
    assert (lower / (2 - lower), upper / (2 - upper)) == pytest.approx(jaccard)


@given(shares)
def test_f1_and_jaccard_undo_each_other(share):
    (f1, _) = f1_bounds((share, share))
    assert 0 <= f1 <= 1
    assert f1 / (2 - f1) == pytest.approx(share)


# 0.05 ** (1 / 29) is the first root of its kind above 0.90, 0.05 ** (1 / 299) above 0.99.
@pytest.mark.parametrize(
    ("share", "confidence", "trials"),
    [(0.9, 0.95, 29), (0.99, 0.95, 299), (0.95, 0.95, 59), (0.0, 0.95, 1), (0.5, 0.5, 1)],
)
def test_flawless_trials(share, confidence, trials):
    assert flawless_trials(share, confidence) == trials


@given(st.integers(0, 9999).map(lambda n: n / 10_000), confidences)
def test_with_one_flawless_trial_fewer_nothing_is_shown(share, confidence):
    trials = flawless_trials(share, confidence)
    assert p_at_least(trials, trials, share) <= 1 - confidence
    assert trials == 1 or p_at_least(trials - 1, trials - 1, share) > 1 - confidence


def test_perfection_is_never_shown():
    assert flawless_trials(1.0, 0.95) is None


def test_trials_needed_says_where_a_whole_number_of_hits_begins_to_show_it():
    # 0.92 against 0.90, in sets of 25 so that 0.92 of them is whole.
    needed = trials_needed(0.92, 0.9, 0.95, "above")
    shown = [
        n for n in range(25, 2000, 25) if p_at_least(n * 23 // 25, n, 0.9) <= 0.05
    ]  # fmt: skip
    assert shown[0] - 25 < needed <= shown[0]
    assert shown == list(range(shown[0], 2000, 25))


@given(counts(500), decimals, confidences)
def test_trials_needed_is_more_than_there_were_exactly_if_nothing_was_shown(
    hits_trials, share, confidence
):
    hits, trials = hits_trials
    level = 1 - confidence
    above = trials_needed(hits / trials, share, confidence, "above")
    below = trials_needed(hits / trials, share, confidence, "below")
    assert above is None or below is None
    # Where the p-value is the level itself, the last digit of hits / trials may decide.
    if above is not None and p_at_least(hits, trials, share) != pytest.approx(level):
        assert (above > trials) == (p_at_least(hits, trials, share) > level)
    if below is not None and p_at_most(hits, trials, share) != pytest.approx(level):
        assert (below > trials) == (p_at_most(hits, trials, share) > level)


@pytest.mark.parametrize("estimate", [0.0, 0.3, 0.9, 1.0])
def test_an_estimate_equal_to_the_limit_shows_nothing_however_often(estimate):
    assert trials_needed(estimate, estimate, 0.95, "above") is None
    assert trials_needed(estimate, estimate, 0.95, "below") is None


def test_an_estimate_next_to_the_limit_takes_more_examples_than_there_are():
    assert trials_needed(nextafter(0.9, 1.0), 0.9, 0.95, "above") is None
    assert trials_needed(0.9001, 0.9, 0.95, "above") > 10**7


def test_trials_needed_is_the_same_seen_from_the_misses():
    above = trials_needed(0.75, 0.5, 0.95, "above")
    assert above == trials_needed(0.25, 0.5, 0.95, "below")


NONSENSE = [
    (lambda: clopper_pearson(0, 0, 0.95), "a share of 0 examples is no number; there must be one"),
    (lambda: clopper_pearson(3, 2, 0.95), "3 of 2 examples is no share"),
    (lambda: p_at_least(-1, 2, 0.5), "-1 of 2 examples is no share"),
    (lambda: p_at_most(1, 2, 1.5), "a share is a number from 0 to 1, not 1.5"),
    (lambda: p_at_least(1, 2, float("nan")), "a share is a number from 0 to 1, not nan"),
    (lambda: clopper_pearson(1, 2, 95), "a confidence is a number between 0 and 1, not 95"),
    (lambda: flawless_trials(0.9, 1.0), "a confidence is a number between 0 and 1, not 1.0"),
    (lambda: trials_needed(1.2, 0.9, 0.95, "above"), "a share is a number from 0 to 1, not 1.2"),
]


@pytest.mark.parametrize(("call", "message"), NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_with_a_reason(call, message):
    with pytest.raises(EvidenceError) as error:
        call()
    assert str(error.value).startswith(message)
    assert isinstance(error.value, ConfmatError)
    assert isinstance(error.value, ValueError)


def test_no_answer_is_ever_nan():
    for hits, trials in CORNERS:
        for confidence, share in product((0.5, 0.95, 1 - 1e-12), (0.0, 1e-12, 0.5, 1.0)):
            answers = (
                *clopper_pearson(hits, trials, confidence),
                p_at_least(hits, trials, share),
                p_at_most(hits, trials, share),
            )
            assert all(0 <= answer <= 1 for answer in answers)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, pytest_confmat.evidence.proof, pytest_confmat.evidence.second_set\n"
        "heavy = ('scipy.stats', 'scipy.optimize', 'tensorflow', 'keras', 'pytest', 'sklearn')\n"
        "print([name for name in sys.modules if name in heavy])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

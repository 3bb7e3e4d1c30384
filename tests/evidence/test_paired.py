from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, xlogy
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar

from pytest_confmat.errors import EvidenceError
from pytest_confmat.evidence.paired import (
    mcnemar_exact,
    pairs_needed,
    score_interval,
    tango_interval,
    tango_p_drop_above,
    tango_p_drop_below,
    unchanged_pairs,
)
from pytest_confmat.evidence.shares import flawless_trials, p_at_most

confidences = st.sampled_from([0.3, 0.8, 0.9, 0.95, 0.99, 0.999])
margins = st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000)


@st.composite
def changes(draw, most=2000):
    n = draw(st.integers(1, most))
    worse = draw(st.integers(0, n))
    return worse, draw(st.integers(0, n - worse)), n


# Two-sided confidence; the difference is that of the first count and the second.
PUBLISHED = [
    # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014), 2850-2875: airway
    # hyper-responsiveness (Bentur et al. 2009) and complete response (Cavo et al. 2012).
    (1, 7, 21, 0.95, -0.517, -0.026, 3),
    (6, 16, 161, 0.95, -0.124, -0.005, 3),
    # Chang et al., Journal of Applied Statistics 51 (2024), 139-152: floppy eyelid syndrome
    # (Ezra et al. 2010).
    (25, 2, 102, 0.95, 0.139, 0.321, 3),
    # scoreci.mp(25, 28, 618, 0.90) of the R package PropCIs; its difference is the second count
    # less the first.
    (28, 25, 618, 0.90, -0.0148, 0.0247, 4),
]


@pytest.mark.parametrize(("worse", "better", "n", "confidence", "low", "high", "digits"), PUBLISHED)
def test_score_interval_is_the_published_one(worse, better, n, confidence, low, high, digits):
    found = score_interval(worse, better, n, (1 + confidence) / 2)
    assert found == pytest.approx((low, high), abs=0.51 * 10**-digits)


def score_by_search(worse, better, n, margin):
    """Tango's statistic, with the likeliest shares found by a search and not by the formula."""
    same = n - worse - better

    def unlikely(q):
        return -(xlogy(worse, q + margin) + xlogy(better, q) + xlogy(same, 1 - 2 * q - margin))

    low, high = max(0.0, -margin), (1 - margin) / 2
    q = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    variance = n * (2 * q + margin * (1 - margin))
    return (worse - better - n * margin) / variance**0.5


@given(changes(300).filter(lambda c: c[0] and c[1] and c[0] + c[1] < c[2]), confidences)
def test_score_interval_solves_the_score_equation(worse_better_n, confidence):
    z = norm.ppf(confidence)
    low, high = score_interval(*worse_better_n, confidence)
    assert score_by_search(*worse_better_n, low) == pytest.approx(z, abs=1e-4)
    assert score_by_search(*worse_better_n, high) == pytest.approx(-z, abs=1e-4)


# Yang, Sun and Hardin, Statistics in Medicine 32 (2013), 1336-1342, after squaring the equation:
# its ends are two of the roots of a polynomial of the fourth degree.
@pytest.mark.parametrize(("worse", "better", "n"), [(40, 20, 160), (5, 9, 60), (3, 1, 1000)])
def test_score_interval_is_a_root_of_the_quartic(worse, better, n):
    g, d, s = norm.ppf(0.975) ** 2, worse - better, worse + better
    ratio = n / g
    quartic = [
        n**2 * (ratio + 1) ** 2,
        -n * d * (ratio + 1) * (4 * ratio + 1),
        2 * n * d**2 * (3 * ratio + 2) / g - n**2 * (s / g + 1),
        n * d * (2 * s / g + 1) - d**3 * (4 * ratio + 1) / g,
        d**2 * (d**2 / g - s) / g,
    ]
    roots = np.sort(np.roots(quartic).real)
    for end in score_interval(worse, better, n, 0.975):
        assert np.min(np.abs(roots - end)) < 1e-7


def test_at_a_margin_of_zero_the_test_is_mcnemars_with_edwards_correction():
    for worse, better in [(12, 5), (20, 8), (3, 9)]:
        table = [[50, worse], [better, 30]]
        expected = mcnemar(table, exact=False, correction=True).pvalue / 2
        shown = tango_p_drop_above if worse > better else tango_p_drop_below
        assert shown(worse, better, 80 + worse + better, 0.0) == pytest.approx(expected)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_that_of_statsmodels(worse, better):
    expected = mcnemar([[10, worse], [better, 10]], exact=True).pvalue if worse + better else 1.0
    assert mcnemar_exact(worse, better) == pytest.approx(expected)


def test_mcnemar_by_hand():
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(4, 4) == 1.0
    assert mcnemar_exact(5, 0) == mcnemar_exact(0, 5) == pytest.approx(2 / 32)


def agree(changes, confidence, margin):
    lower, upper = tango_interval(*changes, confidence)
    below = tango_p_drop_below(*changes, margin) <= 1 - confidence
    above = tango_p_drop_above(*changes, margin) <= 1 - confidence
    return (upper < margin) == below and (lower > margin) == above


@given(changes(5000), confidences, margins)
@example((0, 0, 149), 0.95, 0.02)
@example((0, 0, 148), 0.95, 0.02)
@example((0, 0, 1), 0.95, 0.0)
@example((1, 0, 1), 0.95, 1.0)
@example((0, 1, 1), 0.95, -1.0)
@example((4, 4, 8), 0.95, 0.0)
def test_bounds_and_decisions_never_contradict_each_other(worse_better_n, confidence, margin):
    assert agree(worse_better_n, confidence, margin)


@given(changes(200), confidences)
def test_decisions_turn_at_a_bound(worse_better_n, confidence):
    for bound in tango_interval(*worse_better_n, confidence):
        for margin in (bound * (1 - 1e-12), bound, bound * (1 + 1e-12)):
            assert agree(worse_better_n, confidence, margin)


@given(changes(), confidences)
def test_an_interval_contains_the_drop_that_was_seen(worse_better_n, confidence):
    worse, better, n = worse_better_n
    assume(confidence > 0.5)
    lower, upper = tango_interval(worse, better, n, confidence)
    assert -1 <= lower <= (worse - better) / n <= upper <= 1


@given(changes(), confidences)
def test_the_models_in_each_others_place_have_the_interval_in_a_mirror(worse_better_n, confidence):
    worse, better, n = worse_better_n
    lower, upper = tango_interval(worse, better, n, confidence)
    assert tango_interval(better, worse, n, confidence) == (-upper, -lower)


@given(changes(), margins)
def test_p_values_are_probabilities_and_one_of_them_is_large(worse_better_n, margin):
    below = tango_p_drop_below(*worse_better_n, margin)
    above = tango_p_drop_above(*worse_better_n, margin)
    assert 0 <= below <= 1
    assert 0 <= above <= 1
    assert max(below, above) > 0.4


@given(changes(), margins, margins)
@example((0, 1, 1), -0.801, 0.0)
def test_a_wider_margin_is_shown_no_later(worse_better_n, margin, other):
    narrow, wide = sorted((margin, other))
    early, late = (tango_p_drop_below(*worse_better_n, each) for each in (narrow, wide))
    # Above one half nothing is shown, in whatever order p-values lie there.
    assert min(late, 0.5) <= early
    early, late = (tango_p_drop_above(*worse_better_n, each) for each in (narrow, wide))
    assert min(early, 0.5) <= late


@given(changes(), margins)
def test_one_example_more_that_is_newly_wrong_makes_it_worse(worse_better_n, margin):
    worse, better, n = worse_better_n
    assume(worse + better < n)
    before, after = (tango_p_drop_below(w, better, n, margin) for w in (worse, worse + 1))
    assert min(before, 0.5) <= after + 1e-12
    before, after = (tango_p_drop_above(w, better, n, margin) for w in (worse, worse + 1))
    assert before >= min(after, 0.5) - 1e-12


@given(changes(100).filter(lambda c: c[0] + c[1]), st.integers(2, 20))
def test_an_interval_shrinks_with_more_of_the_same(worse_better_n, times):
    worse, better, n = worse_better_n
    lower, upper = tango_interval(worse, better, n, 0.95)
    closer = tango_interval(worse * times, better * times, n * times, 0.95)
    assert lower <= closer[0]
    assert closer[1] <= upper


def test_with_nothing_changed_a_margin_takes_as_many_examples_as_a_flawless_result():
    # (1 - 0.02) ** 149 is the first power of its kind below 0.05.
    assert unchanged_pairs(0.02, 0.95) == 149 == flawless_trials(0.98, 0.95)
    assert tango_p_drop_below(0, 0, 149, 0.02) <= 0.05 < tango_p_drop_below(0, 0, 148, 0.02)
    # As published, the score test asks for 133, on which 0.98 ** 133 = 6.8 % pass at the margin.
    assert score_interval(0, 0, 133, 0.95)[1] < 0.02 < score_interval(0, 0, 132, 0.95)[1]
    assert pytest.approx(0.068, abs=5e-4) == 0.98**133


def test_two_models_cannot_be_shown_to_be_equal():
    assert unchanged_pairs(0.0, 0.95) is None


def test_few_newly_wrong_examples_show_a_small_drop_whatever_was_mended():
    assert tango_p_drop_below(1, 0, 300, 0.02) == pytest.approx(p_at_most(1, 300, 0.02))
    assert tango_p_drop_below(1, 3, 300, 0.02) <= p_at_most(1, 300, 0.02)


@pytest.mark.parametrize(
    ("changes", "confidence", "interval"),
    [
        ((100, 0, 100), 0.95, (0.9292169645950784, 1.0)),
        ((0, 100, 100), 0.95, (-1.0, -0.9292169645950784)),
        ((0, 0, 1), 0.95, (-0.95, 0.95)),
    ],
)
def test_intervals_at_the_corners(changes, confidence, interval):
    assert tango_interval(*changes, confidence) == pytest.approx(interval)


@pytest.mark.parametrize("changes", [(0, 0, 1), (0, 0, 50), (7, 3, 50), (50, 0, 50), (0, 50, 50)])
@pytest.mark.parametrize("margin", [1.0, 1.5, inf])
def test_no_drop_exceeds_the_whole(changes, margin):
    certain = changes[0] < changes[2] or margin > 1
    assert tango_p_drop_below(*changes, margin) == (0.0 if certain else 1.0)
    assert tango_p_drop_above(*changes, margin) == 1.0
    assert tango_p_drop_below(*changes, -margin) == 1.0


def test_without_a_change_nothing_is_shown_at_a_margin_of_zero():
    assert tango_p_drop_below(0, 0, 10**7, 0.0) == 1.0
    assert tango_p_drop_above(0, 0, 10**7, 0.0) == 1.0


def size(n, margin, confidence, both, worst):
    """Greatest probability of a wrong answer at the margin, over how much changes both ways."""
    worse, better = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = worse + better <= n
    wrong = np.zeros_like(possible)
    test = tango_p_drop_below if worst == "below" else tango_p_drop_above
    for w, b in np.argwhere(possible):
        wrong[w, b] = test(int(w), int(b), n, margin) <= 1 - confidence
    w, b = worse[wrong], better[wrong]
    rest = n - w - b
    choose = gammaln(n + 1) - gammaln(w + 1) - gammaln(b + 1) - gammaln(rest + 1)
    return max(
        np.exp(choose + xlogy(w, q + margin) + xlogy(b, q) + xlogy(rest, 1 - 2 * q - margin)).sum()
        for q in both
        if 2 * q + margin < 1
    )


# Added up over all outcomes, and not simulated; the whole table is in docs/evidence.md.
@pytest.mark.parametrize("worst", ["below", "above"])
@pytest.mark.parametrize("margin", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("n", [10, 30, 60])
def test_a_model_exactly_at_the_margin_is_misjudged_as_seldom_as_is_said(n, margin, worst):
    assert size(n, margin, 0.95, np.linspace(0, 0.45, 40), worst) <= 0.05


def test_pairs_needed_is_where_the_same_proportions_begin_to_show_it():
    needed = pairs_needed(10, 10, 500, 0.02, 0.95, "below")
    shown = [
        n for n in range(50, 3000, 50) if tango_p_drop_below(n // 50, n // 50, n, 0.02) <= 0.05
    ]
    assert shown[0] - 50 < needed <= shown[0]
    assert shown == list(range(shown[0], 3000, 50))


def test_pairs_needed_to_show_that_a_drop_is_too_large():
    needed = pairs_needed(8, 2, 100, 0.02, 0.95, "above")
    assert tango_p_drop_above(8, 2, 100, 0.02) > 0.05
    whole = -(-needed // 50) * 50
    assert tango_p_drop_above(whole * 8 // 100, whole * 2 // 100, whole, 0.02) <= 0.05
    assert pairs_needed(8, 2, 100, 0.06, 0.95, "above") is None
    assert pairs_needed(8, 2, 100, 0.06, 0.95, "below") is None


NONSENSE = [
    (lambda: tango_interval(0, 0, 0, 0.95), "two models cannot be compared on 0 examples"),
    (lambda: tango_interval(3, 3, 5, 0.95), "3 and 3 changes of 5 examples are no counts"),
    (lambda: tango_interval(-1, 3, 5, 0.95), "-1 and 3 changes of 5 examples are no counts"),
    (lambda: tango_interval(1, 1, 5, 0), "a confidence is a number between 0 and 1, not 0"),
    (lambda: tango_p_drop_below(1, 1, 5, nan), "a margin is a number, not NaN"),
    (lambda: mcnemar_exact(-1, 0), "-1 and 0 changes are no counts"),
    (lambda: unchanged_pairs(0.1, 1.0), "a confidence is a number between 0 and 1, not 1.0"),
]


@pytest.mark.parametrize(("call", "message"), NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_with_a_reason(call, message):
    with pytest.raises(EvidenceError) as error:
        call()
    assert str(error.value) == message

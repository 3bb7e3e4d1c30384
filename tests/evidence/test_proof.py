from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_confmat.evidence.paired import tango_p_drop_above, tango_p_drop_below
from pytest_confmat.evidence.proof import Cells, F1Share, Pairs, Share, trivial
from pytest_confmat.limits import Bound

CONFIDENCES = st.sampled_from([0.5, 0.9, 0.95, 0.99])
KINDS = st.sampled_from(["at_least", "at_most"])


def bound(value, kind: str = "at_least") -> Bound:
    exact = Fraction(value)
    return Bound(kind, exact, str(float(exact)))


@st.composite
def shares(draw: st.DrawFn, most: int = 300) -> Share:
    trials = draw(st.integers(1, most))
    return Share(draw(st.integers(0, trials)), trials)


@st.composite
def pairs(draw: st.DrawFn, most: int = 200) -> Pairs:
    worse, better, same = (draw(st.integers(0, most)) for _ in range(3))
    assume(worse + better + same)
    return Pairs(worse, better, worse + better + same)


def inner(low: str = "0.01", high: str = "0.99") -> st.SearchStrategy[Fraction]:
    return st.fractions(Fraction(low), Fraction(high), max_denominator=500)


@given(shares(), inner(), KINDS)
def test_a_share_is_tested_as_scipy_tests_it(share, value, kind):
    found = {shown: share.p(bound(value, kind), shown) for shown in ("holds", "breaks")}
    tails = {
        side: binomtest(share.hits, share.trials, float(value), alternative=side).pvalue
        for side in ("greater", "less")
    }
    kept, broken = ("greater", "less") if kind == "at_least" else ("less", "greater")
    assert found["holds"] == pytest.approx(tails[kept], rel=1e-9, abs=1e-300)
    assert found["breaks"] == pytest.approx(tails[broken], rel=1e-9, abs=1e-300)


@given(shares(), CONFIDENCES, CONFIDENCES)
def test_each_end_of_an_interval_has_its_own_confidence(share, lower, upper):
    found = share.interval(lower, upper)
    low = binomtest(share.hits, share.trials, alternative="greater").proportion_ci(lower)
    high = binomtest(share.hits, share.trials, alternative="less").proportion_ci(upper)
    assert found == pytest.approx((low.low, high.high), rel=1e-9)


@given(shares(), inner())
def test_f1_is_tested_through_jaccard(share, value):
    f1 = F1Share(share.hits, share.trials)
    jaccard = value / (2 - value)
    for kind in ("at_least", "at_most"):
        for shown in ("holds", "breaks"):
            assert f1.p(bound(value, kind), shown) == share.p(bound(jaccard, kind), shown)
    ends = [2 * end / (1 + end) for end in share.interval(0.9, 0.95)]
    assert f1.interval(0.9, 0.95) == pytest.approx(ends)
    # The estimates are one and the same: h of u is J, and F1 = 2 h / (u + h).
    assert Fraction(2 * f1.hits, f1.trials + f1.hits) == 2 * Fraction(f1.hits, f1.trials) / (
        1 + Fraction(f1.hits, f1.trials)
    )


@given(pairs(), st.fractions(0, Fraction(99, 100), max_denominator=200))
def test_a_drop_is_tested_by_tango(pair, value):
    counts = (pair.newly_wrong, pair.newly_right, pair.trials, float(value))
    limit = bound(value, "at_most")
    assert pair.p(limit, "holds") == tango_p_drop_below(*counts)
    assert pair.p(limit, "breaks") == tango_p_drop_above(*counts)


@given(
    st.one_of(shares(), shares().map(lambda s: F1Share(s.hits, s.trials)), pairs()),
    inner(),
    KINDS,
    CONFIDENCES,
)
def test_bounds_and_decisions_never_contradict_each_other(test, value, kind, confidence):
    if isinstance(test, Pairs):
        kind = "at_most"
    lower, upper = test.interval(confidence, confidence)
    holds, breaks = (
        test.p(bound(value, kind), shown) <= 1 - confidence for shown in ("holds", "breaks")
    )
    assume(min(abs(lower - value), abs(upper - value)) > 1e-11)
    above, below = lower > value, upper < value
    assert (holds, breaks) == ((above, below) if kind == "at_least" else (below, above))


@pytest.mark.parametrize(("kind", "value"), [("at_least", 0), ("at_most", 1)])
@pytest.mark.parametrize("test", [Share(0, 3), Share(3, 3), F1Share(0, 3), Cells([Share(1, 3)], 6)])
def test_what_no_value_can_break_is_shown_to_hold(test, kind, value):
    limit = bound(value, kind)
    assert trivial(limit)
    assert (test.p(limit, "holds"), test.p(limit, "breaks")) == (0, 1)
    assert test.least_trials(limit, 0.95) == 1


@pytest.mark.parametrize("value", [1, 2])
def test_a_drop_of_everything_is_allowed_to_every_model(value):
    limit = bound(value, "at_most")
    for pair in (Pairs(0, 0, 4), Pairs(4, 0, 4)):
        assert (pair.p(limit, "holds"), pair.p(limit, "breaks")) == (0, 1)
        assert pair.least_trials(limit, 0.95) == 1


@pytest.mark.parametrize(("value", "kind"), [("1", "at_least"), ("0", "at_most")])
def test_perfection_is_refuted_by_one_mistake_and_never_shown(value, kind):
    limit = bound(value, kind)
    perfect = 9 if kind == "at_least" else 0
    flawless, flawed = Share(perfect, 9), Share(abs(perfect - 1), 9)
    assert not trivial(limit)
    assert (flawless.p(limit, "holds"), flawless.p(limit, "breaks")) == (1, 1)
    assert flawed.p(limit, "breaks") == 0
    assert flawless.least_trials(limit, 0.95) is None
    assert flawless.trials_needed(limit, 0.95, "holds") is None


@given(
    st.one_of(shares(40), shares(40).map(lambda s: F1Share(s.hits, s.trials)), pairs(20)),
    inner("0.05", "0.95"),
    KINDS,
    st.sampled_from([0.9, 0.95]),
    st.sampled_from(["holds", "breaks"]),
)
def test_the_same_estimate_decides_from_the_needed_trials_on(test, value, kind, level, shown):
    limit = bound(value, "at_most" if isinstance(test, Pairs) else kind)
    needed = test.trials_needed(limit, level, shown)

    def decides(times: int) -> bool:
        counts = [count * times for count in vars(test).values()]
        return type(test)(*counts).p(limit, shown) <= 1 - level

    if needed is None:
        assert not any(decides(times) for times in (1, 10, 100))
        return
    enough = -(-needed // test.trials)
    assert decides(enough)
    assert decides(enough + 3)
    before = (needed - 1) // test.trials
    assert not before or not decides(before)
    assert not decides(1) or needed <= test.trials


@given(inner("0.02", "0.98"), KINDS, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_least_trials_are_those_of_a_flawless_result(value, kind, confidence):
    limit = bound(value, kind)

    def shows(test, n: int) -> bool:
        flawless = test(n if kind == "at_least" else 0, n)
        return flawless.p(limit, "holds") <= 1 - confidence

    for test in (Share, F1Share):
        least = test(0, 1).least_trials(limit, confidence)
        assert shows(test, least)
        assert least == 1 or not shows(test, least - 1)
        # With fewer not even one of all the results does.
        few = min(least - 1, 25)
        assert not any(
            test(hits, few).p(limit, "holds") <= 1 - confidence for hits in range(few + 1) if few
        )


@pytest.mark.parametrize(("share", "least"), [("0.9", 29), ("0.99", 299), ("0.95", 59)])
def test_the_least_trials_that_tables_tell(share, least):
    assert Share(1, 2).least_trials(bound(share), 0.95) == least
    assert Share(1, 2).least_trials(bound(1 - Fraction(share), "at_most"), 0.95) == least
    assert Pairs(3, 0, 9).least_trials(bound(1 - Fraction(share), "at_most"), 0.95) == least
    assert Cells([Share(1, 2)], 6).least_trials(bound(share), 0.95) == least


def test_an_unchanged_model_never_shows_a_margin_of_nothing():
    assert Pairs(0, 0, 9).least_trials(bound(0, "at_most"), 0.95) is None


@given(st.lists(shares(), min_size=1, max_size=6), inner(), st.integers(0, 20))
def test_many_cells_hold_together_and_break_alone(tests, value, more):
    count = len(tests) + more
    cells = Cells(tests, count)
    limit = bound(value, "at_most")
    for level in (0.01, 0.05, 0.1):
        assert (cells.p(limit, "holds") <= level) == all(
            t.p(limit, "holds") <= level for t in tests
        )
    least = min(test.p(limit, "breaks") for test in tests)
    assert cells.p(limit, "breaks") == min(1, least * count)
    assert cells.trials == min(test.trials for test in tests)
    assert cells.interval(0.95, 0.95) is None


@given(st.lists(shares(30), min_size=1, max_size=4), inner("0.05", "0.9"), st.integers(0, 6))
def test_many_cells_need_as_many_as_the_slowest_to_hold(tests, value, more):
    cells = Cells(tests, len(tests) + more)
    limit = bound(value, "at_most")
    needed = cells.trials_needed(limit, 0.95, "holds")
    each = [test.trials_needed(limit, 0.95, "holds") for test in tests]
    assert needed == (None if None in each else max(each))
    # One that breaks is enough, at the level that is shared out among all.
    confidence = 1 - 0.05 / cells.count
    each = [test.trials_needed(limit, confidence, "breaks") for test in tests]
    known = [n for n in each if n is not None]
    assert cells.trials_needed(limit, 0.95, "breaks") == (min(known) if known else None)

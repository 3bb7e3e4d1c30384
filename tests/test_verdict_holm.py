from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests

from pytest_confmat.judging import judge
from pytest_confmat.matrix import ConfusionMatrix
from tests.support.verdicts import limit, of_two, one, recalls

ROWS = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2,
    max_size=8,
)


def holm(count: int, text: str = "0.8", rule: str = "not_refuted", **more) -> list:
    more = {"family": "holm", **more}
    return [limit("recall", text, actual=f"c{i}", rule=rule, **more) for i in range(count)]


def refuted(values, level: float = 0.05) -> list[bool]:
    """Step down as Holm (1979) writes it."""
    found = [False] * len(values)
    # At a level itself the last digits decide, which scipy's are not ours.
    levels = [level / left for left in range(1, len(values) + 1)]
    assume(all(abs(value - each) > 1e-12 for value in values for each in levels))
    for done, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        if values[place] > level / (len(values) - done):
            break
        found[place] = True
    return found


def refutations(rows, text: str = "0.8") -> list[float]:
    return [binomtest(h, n, float(text), "less").pvalue for h, n in rows]


@settings(max_examples=settings().max_examples // 5)  # statsmodels collects garbage in every call
@given(ROWS, st.sampled_from(["0.9", "0.95", "0.99"]))
def test_refutations_are_adjusted_as_statsmodels_adjusts_them(rows, confidence):
    verdicts = judge(holm(len(rows), confidence=confidence), recalls(*rows))
    level = 1 - float(confidence)
    values = refutations(rows)
    found, *_ = multipletests(values, level, "holm")
    assert refuted(values, level) == found.tolist()
    assert [verdict.outcome == "failed" for verdict in verdicts] == found.tolist()


@given(ROWS, st.sampled_from(["0.5", "0.8", "0.95"]), st.sampled_from(["0.9", "0.95", "0.99"]))
def test_refutations_step_down(rows, text, confidence):
    verdicts = judge(holm(len(rows), text, confidence=confidence), recalls(*rows))
    found = refuted(refutations(rows, text), 1 - float(confidence))
    assert [verdict.outcome == "failed" for verdict in verdicts] == found


@given(ROWS)
def test_each_verdict_shows_the_level_it_was_judged_at(rows):
    verdicts = judge(holm(len(rows)), recalls(*rows))
    found = refutations(rows)
    remaining = len(rows)
    for place in sorted(range(len(rows)), key=found.__getitem__):
        lower, upper = verdicts[place].confidence
        assert lower == 0.95
        assert upper == pytest.approx(1 - 0.05 / remaining)
        assert verdicts[place].interval[1] == pytest.approx(
            binomtest(*rows[place], alternative="less").proportion_ci(upper).high
        )
        if found[place] <= 1 - upper:
            remaining -= 1


@given(ROWS)
def test_proof_is_not_adjusted(rows):
    matrix = recalls(*rows)
    together = judge(holm(len(rows), rule="proven"), matrix)
    alone = [one(each, matrix) for each in holm(len(rows), rule="proven", family="none")]
    passed = [verdict.outcome == "passed" for verdict in together]
    assert passed == [verdict.outcome == "passed" for verdict in alone]
    assert [verdict.interval[0] for verdict in together] == [v.interval[0] for v in alone]
    assert [verdict.outcome == "failed" for verdict in together] == refuted(refutations(rows))


def test_from_the_first_that_is_not_refuted_on_none_is():
    rows = [(11, 20), (9, 20), (45, 70), (10, 20)]
    assert refutations(rows, "0.75") == pytest.approx([0.0409, 0.0039, 0.0299, 0.0139], abs=6e-5)
    # Held against 0.05 / 4, 0.05 / 3 and 0.05 / 2, where it ends: 0.05 is not reached.
    verdicts = judge(holm(4, "0.75"), recalls(*rows))
    assert [verdict.outcome for verdict in verdicts] == ["passed", "failed", "passed", "failed"]
    alone = judge(holm(4, "0.75", family="none"), recalls(*rows))
    assert {verdict.outcome for verdict in alone} == {"failed"}


def test_estimates_and_undecided_supports_are_no_part_of_the_family():
    rows = [(14, 20)] * 3
    weak = holm(3, "0.9")
    alone = [one(each, recalls(*rows)).outcome for each in weak]
    others = [
        limit("recall", "0.9", actual="c1", family="holm"),
        limit("recall", "0.9", actual="c2", rule="not_refuted", family="holm", min_support=21),
        limit("f1_macro", "0.9", rule="not_refuted", family="holm"),
    ]
    first, *_ = judge([weak[0], *others], recalls(*rows))
    assert (first.outcome, first.confidence) == ("failed", (0.95, 0.95))
    assert alone[0] == "failed"
    # Of six such limits none is refuted, as each p-value is 0.011.
    both = judge([*weak, *weak], recalls(*rows))
    assert {verdict.outcome for verdict in both} == {"passed"}
    assert first.confidence != both[0].confidence


def test_an_undefined_value_takes_no_level_from_the_others():
    empty = recalls((14, 20), (0, 0), (5, 5))
    first, second, _ = judge(holm(3, "0.9"), empty)
    assert second.outcome == "failed"
    assert first.confidence == (0.95, 0.975)


@given(st.lists(st.integers(0, 12), min_size=9, max_size=9), st.sampled_from(["0.05", "0.2"]))
def test_limits_from_above_are_adjusted_too(cells, text):
    counts = [[12 + cells[0], cells[1], cells[2]], [cells[3], 9, cells[4]], [cells[5], cells[6], 4]]
    matrix = ConfusionMatrix(counts, ("a", "b", "c"))
    pairs = [(a, b) for a in "abc" for b in "abc" if a != b]
    limits = [
        limit("confusion", text, "at_most", actual=a, predicted=b, rule="not_refuted",
              family="holm")
        for a, b in pairs
    ]  # fmt: skip
    verdicts = judge(limits, matrix)
    values = [
        binomtest(int(counts["abc".index(a)]["abc".index(b)]), int(matrix.support["abc".index(a)]),
                  float(text), "greater").pvalue
        for a, b in pairs
    ]  # fmt: skip
    assert [verdict.outcome == "failed" for verdict in verdicts] == refuted(values)
    # From above, what refutes is the lower bound.
    assert {verdict.confidence[1] for verdict in verdicts} == {0.95}
    for verdict in verdicts:
        assert (verdict.interval[0] > float(text)) == (verdict.outcome == "failed")


def test_all_confusions_are_one_limit_of_the_family():
    # Of 6 cells the highest has a p-value of 0.0033 by itself, and of 0.0197 as one of six.
    matrix = ConfusionMatrix([[24, 6, 0], [0, 30, 0], [0, 0, 30]], ("a", "b", "c"))
    value = 6 * binomtest(6, 30, 0.05, "greater").pvalue
    assert 0.05 / 3 < value < 0.05 / 2
    every = limit("confusions", "0.05", "at_most", rule="not_refuted", family="holm")
    held = [limit("recall", "0.1", actual=name, rule="not_refuted", family="holm")
            for name in ("b", "c")]  # fmt: skip
    assert judge([every, held[0]], matrix)[0].outcome == "failed"
    assert judge([every, *held], matrix)[0].outcome == "passed"


def test_fifty_classes_at_their_limits_are_not_blocked_by_chance_alone():
    # The least share among 50 that all have 0.9 lies low; alone it would be refuted.
    rows = [(90, 100)] * 49 + [(84, 100)]
    plain = judge(holm(50, "0.9", family="none"), recalls(*rows))
    assert [verdict.outcome for verdict in plain].count("failed") == 1
    assert {v.outcome for v in judge(holm(50, "0.9"), recalls(*rows))} == {"passed"}


def test_a_family_of_one_is_judged_at_its_own_level():
    limits = [limit("recall", "0.9", actual="a", rule="not_refuted", family="holm")]
    (verdict,) = judge(limits, of_two(84, 100))
    assert (verdict.outcome, verdict.confidence) == ("failed", (0.95, 0.95))
    assert verdict.observed == Fraction(84, 100)

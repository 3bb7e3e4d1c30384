from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from scipy.stats import fisher_exact

from pytest_confmat.evidence.guesses import chance_of_a_guess, moments


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [("aabbcc", "abbbca"), ("aaab", "baaa"), ("abcd", "dcba"), ("aab", "ccc")],
)
def test_it_counts_all_permutations(truth, predicted):
    names = sorted({*truth, *predicted})
    counts = [[text.count(name) for name in names] for text in (truth, predicted)]
    dealt = Counter(
        sum(a == b for a, b in zip(truth, deal, strict=True))
        for deal in itertools.permutations(predicted)
    )
    for right in range(len(truth) + 1):
        ways = sum(n for found, n in dealt.items() if found >= right)
        assert chance_of_a_guess(*counts, right) == Fraction(ways, dealt.total())
    mean, variance = moments(*counts)
    assert mean == Fraction(sum(k * n for k, n in dealt.items()), dealt.total())
    assert variance == Fraction(sum(k * k * n for k, n in dealt.items()), dealt.total()) - mean**2


@pytest.mark.parametrize("table", [[[10, 0], [1, 9]], [[95, 5], [3, 7]], [[30, 20], [20, 30]]])
def test_with_two_classes_it_is_fishers_exact_test(table):
    (a, b), (c, d) = table
    found = chance_of_a_guess([a + b, c + d], [a + c, b + d], a + d)
    assert float(found) == pytest.approx(fisher_exact(table, alternative="greater").pvalue)

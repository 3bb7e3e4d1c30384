from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evidence import SEED, proven_at_the_limit, simulate, worst_of
from benchmarks.evidence_tables import BEGIN, END, needed_tables, put, tables, worst_by_examples

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence.md"


@pytest.fixture(scope="module")
def figures():
    return json.loads((ROOT / "benchmarks" / "evidence.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def few():
    return simulate(scale=0.02)


def deviation(share, drawn):
    return (share * (1 - share) / drawn) ** 0.5


def test_the_page_shows_the_figures_that_were_simulated(figures):
    page = PAGE.read_text(encoding="utf-8")
    for name, content in (tables(figures) | needed_tables()).items():
        assert f"{BEGIN.format(name)}\n\n{content}\n\n{END.format(name)}" in page


# The figures on the page, of thousands of models, and a few drawn now.
@pytest.mark.parametrize("source", ["figures", "few"])
def test_proven_passes_at_most_5_percent_of_models_at_the_limit(source, request):
    rows = request.getfixturevalue(source)["proven_at_the_limit"]
    assert len(rows) == 16
    for row in rows:
        assert row["passed_exactly"] <= 0.05
        assert abs(row["passed"] - row["passed_exactly"]) <= 5 * deviation(0.05, row["models"])


@pytest.mark.parametrize("source", ["figures", "few"])
def test_holm_blocks_at_most_5_percent_of_runs_with_50_classes_at_their_limits(source, request):
    for row in request.getfixturevalue(source)["refuted_at_the_limit"]:
        assert row["classes"] == 50
        assert row["holm"] <= 0.05 + 3 * deviation(0.05, row["runs"])
        assert row["none"] > 0.6


@pytest.mark.parametrize("source", ["figures", "few"])
def test_a_model_exactly_at_the_margin_is_misjudged_in_at_most_5_percent(source, request):
    for row in request.getfixturevalue(source)["inferior_at_the_margin"]:
        most = 0.05 + 4 * deviation(0.05, row["models"])
        assert row["passed"] <= most
        assert row["blocked"] <= most


def test_added_up_over_all_outcomes_a_model_at_the_margin_is_misjudged_in_at_most_5_percent(few):
    rows = few["worst_at_the_margin"]
    for worst in worst_by_examples(rows, changed=0.5).values():
        assert worst["passed"] <= 0.05
        assert worst["blocked"] <= 0.05
        # As published the test does not keep it, and there is a reason for another.
        assert worst["passed_as_published"] > 0.05
    # Where every example comes out differently: as the page says, a trifle more.
    assert max(w["passed"] for w in worst_by_examples(rows, changed=1.0).values()) <= 0.051


# Few changes against a wide margin, and the other way round: where blocks are wrong most often.
@pytest.mark.parametrize(("n", "margin"), [(3000, 0.0075), (700, 0.05), (3000, 0.03)])
def test_at_a_confidence_of_999_wrong_blocks_exceed_it_by_at_most_a_tenth(n, margin):
    worst = worst_of(n, margin, np.linspace(0, 8 / n, 60), level=0.001)
    assert worst["passed"] <= 0.001
    assert 0.001 < worst["blocked"] <= 0.0011


@pytest.mark.parametrize("source", ["figures", "few"])
def test_a_written_policy_passes_an_equally_good_model(source, request):
    for row in request.getfixturevalue(source)["equally_good"]:
        assert row["passed"] >= 0.95 - 3 * deviation(0.05, row["pairs"])


def test_written_policies_are_not_needlessly_low(figures):
    assert all(0.94 <= row["passed_at_the_bounds"] <= 0.985 for row in figures["equally_good"])
    assert all(row["pairs"] >= 2000 for row in figures["equally_good"])
    # Each limit at its own class's bound: what simultaneous bounds are for.
    assert all(row["passed_by_single_bounds"] < 0.85 for row in figures["equally_good"])


def test_a_simulation_can_be_repeated(few):
    again = list(proven_at_the_limit(np.random.default_rng(SEED), 1000))
    assert again == few["proven_at_the_limit"]


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(SystemExit, match="there is no place for the table 'needed'"):
        put("# Evidence", needed_tables())

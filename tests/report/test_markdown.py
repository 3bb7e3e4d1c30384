"""summary.md and the summary of a step: what they say, what names do in them, and their size."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.escaping import printable
from pytest_confmat.report.folder import MARKDOWN
from pytest_confmat.report.markdown import COMMENT_BYTES, markdown, refusal, write_markdown
from pytest_confmat.report.markdown_text import code, code_block, comment, table_head, table_row
from pytest_confmat.result import GateResult
from tests.support.gates import RED
from tests.support.markdown import rendered
from tests.support.results import POLICY, compared, gate, limit, random_counts
from tests.support.verdicts import drop, two_models

CLASSES = ("cat", "dog", "fox")
LIMITS = [
    limit("recall", "0.9", actual="cat", line=5),
    limit("accuracy", "0.8", line=9),
    limit("confusion", "0.1", "at_most", "cat", "dog", line=7),
]
MIB = 1024 * 1024


def tables(text: str) -> list[list[list[str]]]:
    return list(rendered(text).tables.values())


def test_a_blocked_gate():
    text = markdown(gate(RED, CLASSES, LIMITS), COMMENT_BYTES)
    assert text.splitlines()[:6] == [
        "<!-- pytest-confmat summary: thresholds.yaml -->",
        "### ❌ BLOCKED: 2 of 3 limits failed",
        "",
        "Policy `thresholds.yaml`, model `m.keras`, data `directory data/test`, 50 examples",
        "",
        "Accuracy 0.8800",
    ]
    limits, classes, confusions, matrix = tables(text)
    assert limits == [
        ["", "limit", "observed", "bound", "true value", "support", "policy"],
        ["❌", "recall[cat]", "0.8000", ">= 0.9", "0.598 - 0.929", "20", "thresholds.yaml:5"],
        ["❌", LIMITS[2].id, "0.2000", "<= 0.1", "0.071 - 0.402", "20", "thresholds.yaml:7"],
    ]
    assert classes == [
        ["", "class", "support", "recall", "true recall", "precision", "f1", "bound"],
        ["❌", "cat", "20", "0.8000", "0.598 - 0.929", "0.8889", "0.8421", ">= 0.9"],
        ["", "dog", "20", "0.9000", "", "0.8182", "0.8571", ""],
        ["", "fox", "10", "1.0000", "", "1.0000", "1.0000", ""],
    ]
    assert confusions == [
        ["", "true class", "predicted", "count", "share"],
        ["❌", "cat", "dog", "4", "20.0 %"],
        ["", "dog", "cat", "2", "10.0 %"],
    ]
    assert matrix == [
        ["", "cat", "dog", "fox"],
        ["cat", "16", "❌ 4", "·"],
        ["dog", "2", "18", "·"],
        ["fox", "·", "·", "10"],
    ]
    assert "16 of 20 recognized; 18 were needed" in text
    assert "model sha256: " + "ab" * 32 in text


def test_a_gate_that_passes_says_so_and_no_more():
    text = markdown(gate(RED, CLASSES, LIMITS[1:2]), COMMENT_BYTES)
    assert "### ✅ Passed: 1 limit on 50 examples\n" in text
    assert "Failed limits" not in text
    assert "What is behind" not in text


def test_a_comparison_shows_what_changed():
    models = two_models([0] * 20 + [1] * 20, [0] * 20 + [1] * 20, [1] * 4 + [0] * 16 + [1] * 20, 2)
    text = markdown(compared(models, [drop("recall", "0.1", actual="c0")]), COMMENT_BYTES)
    since = "accuracy 1.0000 before, 0.9000 now (-0.1000), on 40 common examples"
    assert f"Since the baseline: {since}\n" in text
    limits, classes, *_ = tables(text)
    assert limits[1][1:4] == ["recall_drop[c0]", "0.2000", "<= 0.1"]
    assert [row[4] for row in classes] == ["change", "-0.2000", "0.0000"]


def test_what_is_undecided_or_not_checked():
    undecided = limit("recall", "0.7", actual="cat")
    models = two_models([0] * 9 + [1] * 9, [0] * 9 + [1] * 9, [1] + [0] * 8 + [1] * 9, 2)
    limits = [
        drop("recall", "0.3", actual="c0", rule="proven"),
        drop("recall", "0.3", actual="c1", rule="proven", undecided="warn", min_support=20),
    ]
    text = markdown(compared(models, limits), COMMENT_BYTES)
    failed, let_pass, *_ = tables(text)
    assert [row[:2] for row in failed[1:]] == [["❓", "recall_drop[c0]"]]
    assert [row[:2] for row in let_pass[1:]] == [["❓", "recall_drop[c1]"]]
    assert "**Undecided limits, let pass**" in text
    left_out = gate(RED, CLASSES, LIMITS[1:2], "incomplete", unchecked=(undecided.id,))
    text = markdown(left_out, COMMENT_BYTES)
    assert "### ⚠️ Incomplete: 1 of 2 limits passed, 1 left out\n" in text
    assert "**Not checked**\n\n- `recall[cat]`\n" in text


def test_an_error_without_an_evaluation():
    error = "2 of 9 examples cannot be used:\n  a.png: ```empty```\n  b.png: <b>gone</b>"
    text = markdown(GateResult(POLICY, "error", error=error), COMMENT_BYTES)
    assert "### ❌ ERROR\n" in text
    assert "````text\n2 of 9 examples cannot be used:\n  a.png: ```empty```\n" in text
    assert "<b>gone</b>" in rendered(text).text


def test_a_run_that_was_refused():
    text = refusal("thresholds.yaml:3: no such key", 2000)
    assert text.startswith("<!-- pytest-confmat summary -->\n### ❌ ERROR: nothing was checked\n")
    assert "```text\nthresholds.yaml:3: no such key\n```\n" in text


HOSTILE = [
    "a|b",
    "a`b",
    "``",
    "\\",
    "a\\|b",
    " a ",
    "<script>alert(1)</script>",
    "<!-- x -->",
    "-->",
    "@octocat",
    "#1",
    "https://example.com",
    "www.example.com",
    "![x](y)",
    "**b**",
    "&lt;",
    "\u202egnp.exe",
    "a\nb\x1b[31m",
    "\udcff",
    "::error::x",
    "##[error]x",
    "| --- |",
    "```",
    "x" * 500,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are(name):
    counts = [[5, 3], [0, 5]]
    limits = [limit("recall", "0.9", actual=name), limit("confusion", "0", "at_most", name, "dog")]
    result = gate(counts, (name, "dog"), limits, notes=(name,), error=name, unchecked=(name,))
    text = markdown(result, COMMENT_BYTES)
    text.encode("utf-8")
    plain = rendered(text)
    assert plain.open == []
    # Alignment of tables, the language of code: no other attribute, so no link and no picture.
    assert {(tag, key) for tag, key, _ in plain.attributes} == {
        ("th", "style"), ("td", "style"), ("code", "class"),
    }  # fmt: skip
    limits, classes, confusions, matrix = plain.tables.values()
    shown = " ".join(printable(name).split())
    assert [row[1] for row in classes] == ["class", shown, "dog"]
    assert confusions[1][1:3] == [shown, "dog"]
    assert [len(row) for row in limits] == [7, 7, 7]
    assert limits[1][1] == " ".join(printable(result.verdicts[0].limit.id).split())
    assert matrix[1][1:] == ["5", "❌ 3"]


@given(st.text(st.characters(codec=None), min_size=1, max_size=30))
def test_code_in_a_table_is_the_text_and_nothing_else(name):
    table = "\n".join([*table_head(["a", "b"]), table_row([code(name), "end"])])
    plain = rendered(table)
    (found,) = plain.tables.values()
    assert found[1] == [" ".join(printable(name).split()), "end"]
    assert {tag for tag, *_ in plain.attributes} <= {"th", "td"}


@given(st.lists(st.text("`~ab\n <", max_size=12), max_size=4))
def test_a_block_of_code_ends_where_it_should(texts):
    begin, lines, end = code_block(texts)
    html = rendered("\n".join([begin, *lines, end, "", "| a |", "| --- |", "| after |"]))
    assert list(html.tables.values()) == [[["a"], ["after"]]]


@given(st.text(st.sampled_from("-->!< a"), max_size=20))
def test_a_comment_ends_where_it_should(text):
    assert rendered(comment(text) + "\n\nafter").text == "after"


def many(k: int, name: str = "class-{}") -> GateResult:
    counts = random_counts(k, each=20, right=0.5)
    names = [name.format(i) for i in range(k)]
    limits = [limit("recall", "1", actual=each) for each in names]
    limits += [limit("precision", "1", actual=each) for each in names]
    return gate(counts, names, limits)


@pytest.mark.parametrize("name", ["class-{}", "|`{}" + "\u202e" * 30, "{}" + "é|" * 200])
def test_a_thousand_failing_limits_fit(name):
    result = many(500, name)
    failed = sum(verdict.blocks for verdict in result.verdicts)
    assert failed > 950
    for room in (COMMENT_BYTES, MIB):
        text = markdown(result, room)
        assert room / 4 < len(text.encode("utf-8")) <= room
        plain = rendered(text)
        assert plain.open == []
        limits, classes, confusions = plain.tables.values()
        assert {len(row) for row in limits} == {7}
        assert f"BLOCKED: {failed:,} of 1,000 limits failed" in text
        hidden = failed - (len(limits) - 1)
        assert hidden >= 0
        said = f"and {hidden:,} more limits: `report.html` and `confmat.json` of the report folder"
        assert (said in text) == (hidden > 0)
        # Longer names find less room in a comment.
        assert 20 < len(classes) <= 41
        assert f"and {500 - (len(classes) - 1)} more classes: " in text
        assert text.count("more classes") == 1
        assert 5 < len(confusions) <= 11


@given(st.integers(0, 9000))
def test_it_never_takes_more_room_than_there_is(room):
    text = markdown(gate(RED, CLASSES, LIMITS, notes=("n" * 300,)), room)
    assert len(text.encode("utf-8")) <= room
    assert rendered(text).open == []


def test_where_not_even_the_verdict_fits_there_is_nothing():
    assert markdown(gate(RED, CLASSES, LIMITS), 100) == ""


def test_a_matrix_is_whole_or_not_there():
    counts = random_counts(21, each=50, right=0.9)
    assert "Confusion matrix" not in markdown(gate(counts, map(str, range(21))), MIB)
    counts = random_counts(20, each=50, right=0.9)
    result = gate(counts, list(map(str, range(20))))
    whole = markdown(result, MIB)
    assert tables(whole)[-1][0] == ["", *map(str, range(20))]
    rooms = range(1500, 2 * len(whole), 500)
    texts = [markdown(result, room) for room in rooms]
    assert {"Confusion matrix" in text for text in texts} == {True, False}
    for text in texts:
        last = tables(text)[-1]
        assert (len(last) == len(last[0]) == 21) == ("Confusion matrix" in text)


def test_the_file_is_known_as_ours(tmp_path):
    path = tmp_path / "summary.md"
    write_markdown(gate(RED, CLASSES, LIMITS), path)
    assert MARKDOWN.is_ours(path)
    assert not re.search(r"\r", path.read_bytes().decode())
    path.write_text("# Summary\n")
    assert not MARKDOWN.is_ours(path)


def test_numbers_are_never_rounded_across_their_bounds():
    result = gate([[9999, 1], [0, 1]], ("a", "b"), [limit("recall", "0.99995", actual="a")])
    assert result.verdicts[0].observed == Fraction(9999, 10000)
    assert tables(markdown(result, MIB))[0][1][2] == "0.9999"
    assert np.all(result.evaluation.matrix.support == [10000, 1])

"""The page as it is without a browser: what it says, and that nothing in it can act."""

from __future__ import annotations

import base64
import gzip
import json
import re
from fractions import Fraction
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.decimals import signed_text
from pytest_confmat.evaluation import Fault
from pytest_confmat.report.folder import PAGE
from pytest_confmat.report.json import overview_document
from pytest_confmat.report.page import shades
from pytest_confmat.report.page.page import page, write_overview, write_page
from pytest_confmat.result import GateResult
from tests.support.gates import RED
from tests.support.html import Plain
from tests.support.results import POLICY, gate, limit, random_counts

CLASSES = ("cat", "dog", "fox")
LIMITS = [limit("recall", "0.9", actual=name) for name in CLASSES]
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "]]></script><!--",
    "\u202egnp.exe",
    "</table></div>",
    "x" * 500,
    "{{ 7 * 7 }}",
    "a\nb\x00\x1b[31m",
    "\udcff",
]


def data_of(text: str) -> dict:
    found = re.search(r'<script type="application/octet-stream" id="data">(.*?)</script>', text)
    return json.loads(gzip.decompress(base64.b64decode(found.group(1))))


def test_a_reader_without_styles_and_scripts_sees_what_matters():
    plain = Plain(page(gate(RED, CLASSES, [*LIMITS, limit("accuracy", "0.95")])))
    assert plain.open == []
    assert "BLOCKED: 2 of 4 limits failed: recall[cat], accuracy" in plain.text
    assert "recall of 'cat' is 0.8000, below 0.9 thresholds.yaml:14" in plain.text
    assert "16 of 20 recognized; 18 were needed" in plain.text
    assert plain.tables["matrix-table"] == [
        ["", "cat", "dog", "fox"],
        ["cat", "16", "4", "·"],
        ["dog", "2", "18", "·"],
        ["fox", "·", "·", "10"],
    ]
    head, cat, *_ = plain.tables["class-table"]
    assert dict(zip(head, cat, strict=True)) == {
        "Class": "! cat",
        "Support": "20",
        "Recall": "0.8000",
        "Precision": "0.8889",
        "F1": "0.8421",
        "True recall": "0.598 - 0.929",
        "Limit on recall": ">= 0.9",
        "Recall, drawn": "",
    }
    assert [row[:4] for row in plain.tables["limit-table"][1:]] == [
        ["recall[cat]", "failed", "0.8000", ">= 0.9"],
        ["accuracy", "failed", "0.8800", ">= 0.95"],
        ["recall[dog]", "passed", "0.9000", ">= 0.9"],
        ["recall[fox]", "passed", "1.0000", ">= 0.9"],
    ]


def test_cells_are_colored_without_styles():
    plain = Plain(page(gate(RED, CLASSES)))
    colors = [value for tag, name, value in plain.attributes if (tag, name) == ("td", "bgcolor")]
    assert len(colors) == 9
    assert colors[1] == shades.LIGHT.bad[shades.LEVELS]  # the most frequent error
    assert colors[8] == shades.LIGHT.good[shades.LEVELS]
    assert colors[2] == "#ffffff"


def test_nothing_needs_what_jenkins_forbids():
    text = page(gate(RED, CLASSES, LIMITS))
    names = {name for _, name, _ in Plain(text).attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert "data:" not in text
    assert "http://" not in text
    assert "https://" not in text


def test_the_page_allows_its_own_style_and_script_alone():
    text = page(gate(RED, CLASSES, LIMITS))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "blob:"
    for rule, tag in (("script-src", "script"), ("style-src", "style")):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)
        digest = base64.b64encode(sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


@pytest.mark.parametrize("outcome", ["passed", "incomplete", "error"])
def test_results_without_an_evaluation_have_a_page(outcome):
    result = GateResult(
        POLICY, outcome, error="no <model>\nat all", unchecked=("recall[<b>]",), notes=("a & b",),
        faults=(Fault("a", "b", "c"),),
    )  # fmt: skip
    plain = Plain(page(result))
    assert plain.open == []
    assert "no <model> at all" in plain.text
    assert "recall[<b>]" in plain.text
    assert "a & b" in plain.text


def test_hostile_names_do_nothing():
    k = len(HOSTILE)
    counts = np.eye(k, dtype=int) * 9 + 1
    limits = [limit("recall", "0.99", actual=name) for name in HOSTILE]
    text = page(gate(counts, HOSTILE, limits, notes=tuple(HOSTILE), error=HOSTILE[0]))
    plain = Plain(text)
    assert plain.open == []
    assert not [tag for tag, *_ in plain.attributes if tag == "img"]
    # Its own script, and the data; the markup of names is text.
    assert len(re.findall(r"<script", text)) == 2
    assert "\u202e" not in text
    assert "\\u202egnp.exe" in plain.text
    assert "\x1b" not in text
    text.encode("utf-8")


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=4, unique=True))
def test_any_names_leave_the_page_whole(names):
    k = len(names)
    plain = Plain(page(gate(np.ones((k, k), int), names, [limit("recall", "1", actual=names[0])])))
    assert plain.open == []
    assert len(plain.tables["matrix-table"]) == k + 1


def test_many_classes_stay_small():
    names = [f"class {i}" for i in range(1000)]
    limits = [limit("recall", "0.99", actual=name) for name in names]
    text = page(gate(random_counts(1000, 1000, 0.9), names, limits))
    assert len(text.encode()) < 5_000_000
    plain = Plain(text)
    assert len(plain.tables["matrix-table"]) == 32
    assert plain.tables["matrix-table"][0][-1] == "(other)"
    assert len(plain.tables["class-table"]) == 1001
    assert "and 950 more: see all limits" in plain.text or "more: see all limits" in plain.text


def test_very_many_classes_are_listed_as_far_as_they_matter(monkeypatch):
    monkeypatch.setattr("pytest_confmat.report.page.page.CLASSES_SHOWN", 4)
    counts = np.diag([10, 10, 9, 10, 10, 8, 10])
    counts[2, 0] = counts[5, 0] = 1
    counts[5, 1] = 1
    names = list("abcdefg")
    plain = Plain(page(gate(counts, names, [limit("recall", "1", actual="f")])))
    listed = [row[0].removeprefix("! ") for row in plain.tables["class-table"][1:]]
    assert listed == ["a", "b", "c", "f"]
    assert "4 of 7 classes are listed, those that fail and those of the lowest recall" in plain.text


def test_the_script_gets_the_numbers():
    counts = random_counts(40, 50, 0.8)
    names = [f"c{i}" for i in range(40)]
    data = data_of(page(gate(counts, names, [limit("recall", "0.9", actual="c3")])))
    rows = np.zeros((40, 40), int)
    for i, flat in enumerate(data["counts"]):
        rows[i, flat[::2]] = flat[1::2]
    assert np.array_equal(rows, counts)
    assert data["support"] == counts.sum(axis=1).tolist()
    assert data["mistakes"] == counts.sum() - np.trace(counts)
    assert sorted(data["similar"]) == list(range(40))
    shown = data["examples"]
    assert all(t != p for t, p in zip(shown["true"], shown["predicted"], strict=True))
    assert shown["newly"] is None
    assert len(shown["id"]) == len(set(shown["id"])) > 100


def test_change_since_the_baseline_is_of_the_common_examples():
    from pytest_confmat.baseline.comparison import Comparison

    true = np.array([0, 0, 0, 0, 1, 1])
    before, now = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1, 0])
    comparison = Comparison(
        CLASSES[:2], true, before, now, (before != true) * 1, (now != true) * 1, np.arange(6)
    )
    counts = [[1, 3], [1, 1]]
    data = data_of(page(gate(counts, CLASSES[:2], comparison=comparison)))
    (difference,) = (other for other in data["others"] if other["key"] == "difference")
    half = signed_text(Fraction(1, 2))
    assert difference["cells"] == [[0, "-0.5000", 1, half], [0, half, 1, "-0.5000"]]
    assert set(data["examples"]["newly"]) <= {0, 1}


def test_texts_stand_out_from_their_shades():
    for scheme in (shades.LIGHT, shades.DARK):
        for side in (scheme.good, scheme.bad):
            assert len(side) == shades.LEVELS + 1
            for at, color in enumerate(side):
                assert contrast(color, scheme.text_on(at)) >= 4.5, (color, at)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_a_page_is_known_as_ours(tmp_path):
    path = tmp_path / "report.html"
    write_page(gate(RED, CLASSES), path)
    assert PAGE.is_ours(path)
    path.write_text("<!DOCTYPE html><html></html>")
    assert not PAGE.is_ours(path)


def test_the_same_result_gives_the_same_data():
    result = gate(RED, CLASSES, LIMITS)
    first, second = (re.sub(r"report written [^.]*", "", page(result)) for _ in range(2))
    assert first == second


def test_several_gates_have_a_page_that_leads_to_theirs(tmp_path):
    reports = [
        {"path": "a b/#1/confmat.json", "policy": "<a>.yaml", "outcome": "failed"},
        {"path": "c/confmat.json", "policy": "c.yaml", "outcome": "passed"},
    ]
    path = tmp_path / "report.html"
    write_overview(overview_document(reports, "a <reason>"), path)
    plain = Plain(path.read_text("utf-8"))
    assert plain.open == []
    assert plain.text.startswith("BLOCKED: 1 of 2 gates passed")
    assert "a <reason>" in plain.text
    assert plain.tables["gates"] == [
        ["Policy", "Outcome"],
        ["<a>.yaml", "BLOCKED"],
        ["c.yaml", "passed"],
    ]
    links = [value for tag, name, value in plain.attributes if (tag, name) == ("a", "href")]
    assert links == ["a%20b/%231/report.html", "c/report.html"]
    assert PAGE.is_ours(path)

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_confmat.errors import Location
from pytest_confmat.evaluation import Evaluation, Mistake
from pytest_confmat.limits import Exemption
from pytest_confmat.report.github import annotation_commands
from pytest_confmat.report.heatmap import draw
from pytest_confmat.report.json import document, write_json
from pytest_confmat.report.markdown import COMMENT_BYTES, markdown
from pytest_confmat.report.openmetrics import openmetrics
from pytest_confmat.report.picture import write_picture
from pytest_confmat.report.summary import summary
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateResult
from tests.support.markdown import rendered
from tests.support.results import gate, limit

NASTY = {
    "escape": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "c1": "\x9b31mred",
    "newline": "cat\n::error::owned",
    "return": "cat\r::error::owned",
    "leading": "::error file=x::owned",
    "blank": "   ::warning::owned",
    "bracket": "##[error]owned",
    "inner": "a b ##[group]owned",
    "azure": "##vso[task.setvariable variable=x]y",
    "markup": "dog[/x]",
    "bold": "[bold red]cat[/bold red]",
    "emoji code": ":smile:",
    "bidi": "cat\u202egpj.exe",
    "isolate": "\u2066cat\u2069",
    "invisible": "c\u200bat\ufeff",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "null": "a\x00b",
    "surrogate": "caf\udce9",
    "math": "$\\frac{x$ $x^2$",
    "tex": "%\\input{/etc/passwd}",
    "wide": "猫" * 60,
    "long": "x" * 10_000,
    "long escapes": "\n" * 10_000,
    "combining": "e" + "\u0301" * 300,
    "joined": "👨\u200d👩\u200d👧",
    "unassigned": "\u0378\uffff\U0010ffff",
    "percent": "%s %(x)d {0} {actual}",
    "quote": 'it\'s "quoted" \\',
    "html": "</script><script>alert(1)</script>",
    "empty": "",
    "space": " ",
}


def result_with(name: str) -> GateResult:
    classes = ("cat", name, "dog")
    limits = [
        limit("recall", "0.95", actual=name),
        limit("precision", "0.95", actual=name),
        limit("f1", "0.95", actual="cat"),
        limit("confusion", "0.01", "at_most", "cat", name),
        limit("confusions", "0.01", "at_most"),
    ]
    result = gate(
        [[5, 3, 0], [2, 5, 1], [0, 9, 9]],
        classes,
        limits,
        model={"path": f"/models/{name}", "format": name, "sha256": None},
        dataset={"source": name, "examples": 34},
        unchecked=(f"recall[{name}]",),
        exemptions=(Exemption("recall", name, Location(Path(f"{name}.yaml"), 3)),),
        error=f"first\n{name}",
        notes=(name, f"a note on {name}"),
    )
    mistake = Mistake(f"{name}/{name}.jpg", name, "cat", 0.5)
    location = Location(Path(f"x/{name}.yaml"), 3)
    verdicts = tuple(
        replace(v, mistakes=(mistake,), limit=replace(v.limit, location=location))
        for v in result.verdicts
    )
    assert all(verdict.outcome == "failed" for verdict in verdicts)
    return replace(result, verdicts=verdicts, policy=Path(f"x/{name}.yaml"))


def check_text(text: str, color: bool = False) -> None:
    if color:
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for line in text.split("\n"):
        assert line.isprintable(), line
        assert not line.lstrip().startswith(("::", "##["))
        assert "##[" not in line
        assert "##vso[" not in line
        assert len(line) < 2000
    text.encode("utf-8")


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_a_terminal_shows_it_and_does_not_obey(name, outcome):
    result = replace(result_with(name), outcome=outcome)
    for verdict in result.verdicts:
        check_text(describe(verdict))
    for width in (40, 57, 200):
        check_text(summary(result, width, color=False))
        check_text(summary(result, width, color=True), color=True)


def test_an_undefined_metric_of_a_nasty_name():
    for name in NASTY.values():
        result = gate([[1, 0], [1, 0]], ("cat", name), [limit("precision", actual=name)])
        verdict = replace(result.verdicts[0], undefined=f"{name} is not there")
        check_text(describe(verdict))


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY.keys())
def test_json_gives_the_name_back(name, tmp_path):
    result = result_with(name)
    path = tmp_path / "confmat.json"
    write_json(result, path)
    content = path.read_bytes()
    assert content.isascii()
    found = json.loads(content)
    assert found == document(result)
    assert found["dataset"]["classes"] == ["cat", name, "dog"]
    assert found["verdicts"][0]["class"] == name
    assert found["verdicts"][0]["mistakes"][0]["id"] == f"{name}/{name}.jpg"
    assert found["notes"] == [name, f"a note on {name}"]


def test_a_picture_is_drawn(tmp_path, recwarn):
    names = list(NASTY.values())[:30]
    limits = [limit("recall", "1", actual=name) for name in names]
    result = gate(np.ones((30, 30), int), names, limits, model={"path": "/m/" + "".join(names)})
    write_picture(result, tmp_path / "confmat.png")
    height, width, _ = imread(tmp_path / "confmat.png").shape
    assert 1000 < height < 2500
    assert 1000 < width < 2500
    assert not recwarn.list
    figure = draw(result)
    labels = figure.axes[0].get_yticklabels()
    assert len({label.get_text() for label in labels}) == 30
    for text in (*labels, *figure.texts):
        check_text(text.get_text())
        assert not text.get_parse_math()


@pytest.mark.parametrize("name", ["surrogate", "math", "long escapes", "empty"])
def test_a_picture_is_drawn_without_an_evaluation(name, tmp_path):
    result = replace(result_with(NASTY[name]), evaluation=None, outcome="error")
    write_picture(result, tmp_path / "confmat.png")
    assert imread(tmp_path / "confmat.png").shape[1] < 3000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters()), min_size=2, max_size=5, unique=True), st.integers(1, 120))
def test_any_names_at_all(names, width):
    counts = np.ones((len(names), len(names)), int)
    result = gate(counts, names, [limit("recall", actual=name) for name in names])
    check_text(summary(result, width, color=False))
    for verdict in result.verdicts:
        check_text(describe(verdict))


def test_wrapping_makes_no_command():
    note = "word " * 6 + "::error::owned " * 9
    for width in range(40, 60):
        check_text(summary(GateResult(Path("a.yaml"), "passed", notes=(note,)), width, False))


def test_an_evaluation_without_examples():
    empty = Evaluation(("cat", "dog"), ())
    check_text(summary(GateResult(Path("a.yaml"), "error", evaluation=empty), 80, False))


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_files_for_ci_servers(name):
    result = result_with(name)
    text = markdown(result, COMMENT_BYTES)
    assert all(line.isprintable() for line in text.encode("utf-8").decode("utf-8").split("\n"))
    assert rendered(text).open == []
    for line in annotation_commands([result], None):
        assert line.isprintable()
        assert line.startswith("::error file=")
        assert "##[" not in line
    metrics = openmetrics(result).encode("utf-8").decode("utf-8")
    assert len(list(text_string_to_metric_families(metrics))) > 8

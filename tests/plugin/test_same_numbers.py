"""Each number of a result is one text, wherever a reader finds it."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.support.html import Plain
from tests.support.markdown import rendered

CONFTEST = """
import json

import numpy as np
import pytest

COUNTS = {
    "before": [[19, 1, 0], [2, 18, 0], [0, 0, 10]],
    "now": [[14, 6, 0], [1, 19, 0], [0, 1, 9]],
}


@pytest.fixture(scope="session")
def confmat_dataset():
    support = np.sum(COUNTS["now"], axis=1)
    return [(np.arange(support.sum())[:, None], np.repeat(np.arange(len(support)), support))]


@pytest.fixture(scope="session")
def confmat_model():
    counts = np.array(COUNTS[json.load(open("which.json"))])
    predicted = np.concatenate([np.repeat(np.arange(3), row) for row in counts])
    return lambda numbers: 0.2 + 0.6 * np.eye(3)[predicted[np.asarray(numbers, int)[:, 0]]]
"""
POLICY = """\
version: 1
classes: [cat, dog, fox]
thresholds:
  accuracy: {at_least: 0.84001, max_drop: 0.02}
  recall: {at_least: 0.7001, max_drop: 0.1}
  precision: {classes: {dog: 0.7308}}
  f1: {classes: {cat: 0.8}}
  confusions:
    - {actual: cat, predicted: dog, at_most: 0.2999}
    - {at_most: 0.05}
"""
IDS = {
    "accuracy", "accuracy_drop", "recall[cat]", "recall[dog]", "recall[fox]", "recall_drop[cat]",
    "recall_drop[dog]", "recall_drop[fox]", "precision[dog]", "f1[cat]", "confusion[cat:dog]",
    "confusions[*]",
}  # fmt: skip


@pytest.fixture
def run(project):
    """Run a red gate with a baseline; return the folder of its report and what it printed."""
    (project.path / "conftest.py").write_text(CONFTEST)
    project.policy("version: 1\nclasses: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n")
    (project.path / "which.json").write_text('"before"')
    assert project.run("--confmat-save-baseline=base").ret == 0
    project.policy(POLICY)
    (project.path / "which.json").write_text('"now"')
    options = "--confmat-baseline=base", "--confmat-report=report", "--junitxml=report/junit.xml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        result = project.run(*options)
    assert result.ret == 1
    return project.path / "report", result.outlines


def metrics_of(folder):
    """Texts of all samples: by name, then by the label that says whose they are."""
    found = {}
    for line in (folder / "metrics.txt").read_text().splitlines():
        if sample := re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', sample[2]))
            whose = labels.get("limit") or labels.get("class") or ""
            found.setdefault(sample[1], {})[whose] = sample[3]
    return found


def rows_of(table, key):
    head, *rows = table
    return {row[key]: dict(zip(head, row, strict=True)) for row in rows}


def test_limits_read_the_same_everywhere(run):
    folder, printed = run
    document = json.loads((folder / "confmat.json").read_text())
    told = {verdict["id"]: verdict for verdict in document["verdicts"]}
    assert set(told) == IDS
    texts = {name: verdict["texts"] for name, verdict in told.items()}
    # Rounded to four digits this one would seem to pass.
    assert texts["precision[dog]"]["observed"] == "0.73077"

    cases = ET.parse(folder / "junit.xml").iter("testcase")
    junit = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    metrics = metrics_of(folder)
    page = rows_of(Plain((folder / "report.html").read_text()).tables["limit-table"], 0)
    failed, *_ = rendered((folder / "summary.md").read_text()).tables.values()
    markdown = rows_of(failed, 1)
    assert set(markdown) == {name for name, verdict in told.items() if verdict["blocks"]}
    terminal = "\n".join(printed)

    for name, text in texts.items():
        observed, bound, interval = text["observed"], text["bound"], text["interval"]
        signed = f"{text['sign']} {bound}"
        support = str(told[name]["support"])
        assert float(observed) == pytest.approx(told[name]["observed"], abs=5e-5)

        assert junit[name]["confmat_observed"] == observed
        assert junit[name]["confmat_bound"] == bound
        assert junit[name]["confmat_support"] == support
        assert junit[name].get("confmat_interval", "") == interval

        assert metrics["confmat_limit_observed"][name] == observed
        assert metrics["confmat_limit_bound"][name] == bound

        row = page[name]
        found = row["Observed"], row["Bound"], row["True value"], row["Support"]
        assert found == (observed, signed, interval, support)
        if name in markdown:
            row = markdown[name]
            found = row["observed"], row["bound"], row["true value"], row["support"]
            assert found == (observed, signed, interval, support)
            # A headline, or the line of the overall numbers.
            assert re.search(rf" {re.escape(observed)},? (\(at|below|above).*{bound}", terminal)


def test_classes_and_accuracy_read_the_same_everywhere(run):
    folder, printed = run
    document = json.loads((folder / "confmat.json").read_text())
    metrics = metrics_of(folder)
    page = Plain((folder / "report.html").read_text())
    of_page = rows_of(page.tables["class-table"], 0)
    markdown = rendered((folder / "summary.md").read_text())
    of_markdown = rows_of(list(markdown.tables.values())[1], 1)
    lines = [line.lstrip("! ") for line in printed]
    start = next(at for at, line in enumerate(lines) if line.startswith("class "))
    head = lines[start].replace("true recall", "true_recall").split()

    for row in document["per_class"]:
        name, texts = row["class"], row["texts"]
        support = str(row["support"])
        numbers = {key: texts[key] for key in ("recall", "precision", "f1")}
        assert {k: metrics[f"confmat_class_{k}"][name] for k in numbers} == numbers
        assert metrics["confmat_class_support"][name] == support
        assert metrics["confmat_class_recall_change"][name] == texts["change"]

        whole = {
            "support": support, "change": texts["change"], "true recall": texts["interval"],
            "bound": texts["bound"], **numbers,
        }  # fmt: skip
        assert {key: of_markdown[name][key] for key in whole} == whole
        html = next(cells for shown, cells in of_page.items() if shown.lstrip("! ") == name)
        assert [html[key.capitalize()] for key in numbers] == list(numbers.values())
        assert (html["Support"], html["Change"]) == (support, texts["change"])
        assert (html["True recall"], html["Limit on recall"]) == (texts["interval"], texts["bound"])

        (line,) = (line for line in lines[start:] if re.match(rf"{name} +\d+ +\d\.", line))
        cells = re.split(r"  +", line)
        shown = dict(zip(head, cells, strict=True))
        assert shown == {
            "class": name, **{key.replace(" ", "_"): text for key, text in whole.items()},
        }  # fmt: skip

    accuracy = document["accuracy"]["text"]
    assert accuracy == "0.8400"
    assert metrics["confmat_accuracy"][""] == accuracy
    assert f"Accuracy {accuracy}" in markdown.text
    assert f"Accuracy {accuracy}" in page.text
    assert any(
        line.startswith(f"overall: accuracy {accuracy} (at least 0.84001)") for line in printed
    )

    texts = document["baseline"]["accuracy"]["texts"]
    assert metrics["confmat_accuracy_change"][""] == texts["difference"] == "-0.1000"
    since = f"accuracy {texts['before']} before, {texts['now']} now ({texts['difference']}), on 50"
    assert since in markdown.text
    assert since in page.text
    assert since in "\n".join(printed)

"""metrics.txt, read by the parser of Prometheus' own client."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_confmat.report.folder import METRICS
from pytest_confmat.report.openmetrics import openmetrics, write_metrics
from pytest_confmat.result import GateResult
from tests.support.gates import RED
from tests.support.results import POLICY, compared, gate, limit, random_counts
from tests.support.verdicts import drop, two_models

CLASSES = ("cat", "dog", "fox")
LIMITS = [
    limit("recall", "0.9", actual="cat"),
    limit("accuracy", "0.8"),
    limit("confusion", "0.1", "at_most", "cat", "dog"),
]


def samples(text: str) -> dict:
    """Values by family, then by the labels other than the policy."""
    found: dict = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("policy") == "thresholds.yaml"
            of_family = found.setdefault((family.name, family.type), {})
            assert frozenset(labels.items()) not in of_family
            of_family[frozenset(labels.items())] = sample.value
    return found


def by(labels: dict, name: str) -> dict:
    return {dict(key).get(name): value for key, value in labels.items()}


def test_a_blocked_gate():
    text = openmetrics(gate(RED, CLASSES, LIMITS))
    assert text.endswith("\n# EOF\n")
    found = samples(text)
    assert set(found) == {
        ("confmat_gate", "info"), ("confmat_gate_outcome", "stateset"),
        ("confmat_examples", "gauge"), ("confmat_accuracy", "gauge"),
        ("confmat_limit_observed", "gauge"), ("confmat_limit_bound", "gauge"),
        ("confmat_limit_outcome", "stateset"), ("confmat_class_support", "gauge"),
        ("confmat_class_recall", "gauge"), ("confmat_class_precision", "gauge"),
        ("confmat_class_f1", "gauge"),
    }  # fmt: skip
    (info,) = found["confmat_gate", "info"]
    assert dict(info) == {"model": "m.keras", "model_sha256": "ab" * 32}
    outcomes = by(found["confmat_gate_outcome", "stateset"], "confmat_gate_outcome")
    assert outcomes == {"passed": 0, "failed": 1, "error": 0, "incomplete": 0}
    assert found["confmat_examples", "gauge"] == {frozenset(): 50}
    assert found["confmat_accuracy", "gauge"] == {frozenset(): 0.88}
    assert by(found["confmat_limit_observed", "gauge"], "limit") == {
        "recall[cat]": 0.8, "accuracy": 0.88, "confusion[cat:dog]": 0.2,
    }  # fmt: skip
    assert by(found["confmat_limit_bound", "gauge"], "sign") == {">=": 0.8, "<=": 0.1}
    confusion = {"limit": LIMITS[2].id, "metric": "confusion", "class": "cat", "predicted": "dog"}
    assert found["confmat_limit_observed", "gauge"][frozenset(confusion.items())] == 0.2
    states = found["confmat_limit_outcome", "stateset"]
    assert {
        (dict(key)["limit"], dict(key)["confmat_limit_outcome"])
        for key, value in states.items()
        if value
    } == {("recall[cat]", "failed"), ("accuracy", "passed"), ("confusion[cat:dog]", "failed")}
    assert len(states) == 9
    assert by(found["confmat_class_support", "gauge"], "class") == {"cat": 20, "dog": 20, "fox": 10}
    assert by(found["confmat_class_recall", "gauge"], "class") == {"cat": 0.8, "dog": 0.9, "fox": 1}


def test_a_comparison():
    models = two_models([0] * 20 + [1] * 20, [0] * 20 + [1] * 20, [1] * 4 + [0] * 16 + [1] * 20, 2)
    found = samples(openmetrics(compared(models, [drop("recall", "0.1", actual="c0")])))
    assert found["confmat_accuracy_change", "gauge"] == {frozenset(): -0.1}
    changes = by(found["confmat_class_recall_change", "gauge"], "class")
    assert changes == {"c0": -0.2, "c1": 0}


def test_what_is_undefined_is_no_number():
    limits = [limit("precision", "0.5", actual="fox")]
    found = samples(openmetrics(gate([[5, 0], [2, 0]], ("cat", "fox"), limits)))
    (observed,) = found["confmat_limit_observed", "gauge"].values()
    assert math.isnan(observed)
    assert math.isnan(by(found["confmat_class_precision", "gauge"], "class")["fox"])


def test_without_an_evaluation_the_outcome_is_left():
    found = samples(openmetrics(GateResult(POLICY, "error", error="no data")))
    assert [name for name, _ in found] == ["confmat_gate", "confmat_gate_outcome"]
    assert by(found["confmat_gate_outcome", "stateset"], "confmat_gate_outcome")["error"] == 1


@given(
    st.lists(
        st.text(st.characters(codec=None), min_size=1, max_size=20),
        min_size=2,
        max_size=4,
        unique_by=lambda name: name.encode("utf-8", "backslashreplace"),
    )
)
def test_any_names_are_labels(names):
    counts = random_counts(len(names), each=20, right=0.5)
    text = openmetrics(gate(counts, names, [limit("recall", "0.9", actual=n) for n in names]))
    found = samples(text.encode("utf-8").decode("utf-8"))
    spelled = {name.encode("utf-8", "backslashreplace").decode("utf-8") for name in names}
    assert set(by(found["confmat_class_recall", "gauge"], "class")) == spelled


def test_the_file_is_known_as_ours(tmp_path):
    path = tmp_path / "metrics.txt"
    write_metrics(gate(RED, CLASSES, LIMITS), path)
    assert METRICS.is_ours(path)
    path.write_text("# HELP other_gate Somebody else's.\n")
    assert not METRICS.is_ours(path)


@pytest.mark.parametrize("line", openmetrics(gate(RED, CLASSES, LIMITS)).splitlines())
def test_lines_have_one_form(line):
    assert re.fullmatch(
        r'# (HELP|TYPE) confmat_\w+ .+|confmat_\w+\{(\w+="[^"]*",?)+\} \S+|# EOF', line
    )

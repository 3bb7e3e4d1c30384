from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.errors import EvaluationError, Location
from pytest_confmat.judging import judge
from pytest_confmat.limits import Exemption, Weighting
from pytest_confmat.report.json import document, incomplete_document, write_json
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateResult
from pytest_confmat.weighting import weighted_matrix
from tests.support.results import POLICY, evaluation, gate, limit
from tests.support.verdicts import drop, two_models

ANIMALS = ("cat", "dog", "fox")
COUNTS = [[15, 2, 0], [1, 20, 0], [0, 0, 0]]
DOCS = Path(__file__).parents[2] / "docs" / "confmat-json.md"


def written(result, tmp_path: Path):
    path = tmp_path / "report" / "confmat.json"
    write_json(result, path)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(path.read_bytes(), parse_constant=refuse)


def test_a_result_as_json(tmp_path):
    result = gate(
        COUNTS,
        ANIMALS,
        [
            limit("recall", "0.95", actual="cat"),
            limit("precision", "0.5", actual="fox", line=16),
            limit("confusion", "0.2", "at_most", "cat", "dog", line=None),
        ],
        unchecked=("accuracy",),
        exemptions=(Exemption("recall", "dog", Location(POLICY, 15)),),
        notes=("a note",),
        versions={"numpy": "2.4"},
        timing={"evaluate": 1.5, "load": float("nan")},
    )
    recall, precision, confusion = result.verdicts
    found = written(result, tmp_path)
    assert found == {
        "schema_version": 1,
        "outcome": "failed",
        "policy": "thresholds.yaml",
        "model": {"path": "m.keras", "format": "keras", "sha256": "ab" * 32, "runtime": None},
        "dataset": {
            "source": "directory data/test",
            "input": "8 x 8 rgb, pixels 0..255 as stored, no rescale",
            "examples": 38,
            "classes": ["cat", "dog", "fox"],
            "support": [17, 21, 0],
            "digest": None,
            "unpredicted": [0, 0, 0],
            "without_examples": [],
        },
        "accuracy": {"value": 35 / 38, "text": "0.9211"},
        "per_class": [
            {
                "class": "cat",
                "support": 17,
                "recall": 15 / 17,
                "precision": 15 / 16,
                "f1": 30 / 33,
                "change": None,
                "interval": list(recall.interval),
                "fails": True,
                "texts": {
                    "recall": "0.8824",
                    "precision": "0.9375",
                    "f1": "0.9091",
                    "change": "",
                    "interval": "0.673 - 0.979",
                    "bound": ">= 0.95",
                },
            },
            {
                "class": "dog",
                "support": 21,
                "recall": 20 / 21,
                "precision": 20 / 22,
                "f1": 40 / 43,
                "change": None,
                "interval": None,
                "fails": False,
                "texts": {
                    "recall": "0.9524",
                    "precision": "0.9091",
                    "f1": "0.9302",
                    "change": "",
                    "interval": "",
                    "bound": "exempt",
                },
            },
            {
                "class": "fox",
                "support": 0,
                "recall": None,
                "precision": None,
                "f1": None,
                "change": None,
                "interval": None,
                "fails": True,
                "texts": {
                    "recall": "-",
                    "precision": "-",
                    "f1": "-",
                    "change": "",
                    "interval": "",
                    "bound": "",
                },
            },
        ],
        "matrix": COUNTS,
        "matrix_entries": None,
        "weighted_matrix": [],
        "faults": [],
        "verdicts": [
            {
                "id": "recall[cat]",
                "metric": "recall",
                "class": "cat",
                "predicted": None,
                "observed": 15 / 17,
                "bound": 0.95,
                "kind": "at_least",
                "support": 17,
                "outcome": "failed",
                "undefined": None,
                "hits": 15,
                "trials": 17,
                "needed": 17,
                "against": "value",
                "rule": "estimate",
                "blocks": True,
                "interval": list(recall.interval),
                "confidence": [0.95, 0.95],
                "denominator": 17,
                "examples_needed": None,
                "unprovable": False,
                "least_trials": None,
                "change": None,
                "mistakes": [
                    {"id": "val#16", "actual": "cat", "predicted": "dog", "score": found_score(16)},
                    {"id": "val#15", "actual": "cat", "predicted": "dog", "score": found_score(15)},
                ],
                "texts": {
                    "observed": "0.8824",
                    "sign": ">=",
                    "bound": "0.95",
                    "interval": "0.673 - 0.979",
                },
                "message": describe(recall),
                "location": "thresholds.yaml:14",
            },
            {
                "id": "precision[fox]",
                "metric": "precision",
                "class": "fox",
                "predicted": None,
                "observed": None,
                "bound": 0.5,
                "kind": "at_least",
                "support": 0,
                "outcome": "failed",
                "undefined": precision.undefined,
                "hits": None,
                "trials": None,
                "needed": None,
                "against": "value",
                "rule": "estimate",
                "blocks": True,
                "interval": None,
                "confidence": None,
                "denominator": 0,
                "examples_needed": None,
                "unprovable": False,
                "least_trials": None,
                "change": None,
                "mistakes": [],
                "texts": {
                    "observed": "undefined",
                    "sign": ">=",
                    "bound": "0.5",
                    "interval": "",
                },
                "message": describe(precision),
                "location": "thresholds.yaml:16",
            },
            {
                "id": "confusion[cat:dog]",
                "metric": "confusion",
                "class": "cat",
                "predicted": "dog",
                "observed": 2 / 17,
                "bound": 0.2,
                "kind": "at_most",
                "support": 17,
                "outcome": "passed",
                "undefined": None,
                "hits": 2,
                "trials": 17,
                "needed": 3,
                "against": "value",
                "rule": "estimate",
                "blocks": False,
                "interval": list(confusion.interval),
                "confidence": [0.95, 0.95],
                "denominator": 17,
                "examples_needed": None,
                "unprovable": False,
                "least_trials": None,
                "change": None,
                "mistakes": [],
                "texts": {
                    "observed": "0.1176",
                    "sign": "<=",
                    "bound": "0.2",
                    "interval": "0.021 - 0.327",
                },
                "message": "share of 'cat' predicted as 'dog' is 0.1176, at most 0.2",
                "location": None,
            },
        ],
        "waiting": 0,
        "unchecked": ["accuracy"],
        "exemptions": [{"metric": "recall", "class": "dog", "location": "thresholds.yaml:15"}],
        "error": None,
        "suspicions": [],
        "notes": ["a note"],
        "versions": {"numpy": "2.4"},
        "timing": {"evaluate": 1.5, "load": None, "examples_per_second": 38 / 1.5},
        "cached": None,
        "baseline": None,
    }
    assert list(found) == list(document(result))
    assert precision.undefined
    # As scipy.stats.binomtest(15, 17) has it, each bound one-sided.
    assert recall.interval == pytest.approx((0.67381, 0.97868), abs=1e-5)


def test_a_comparison_as_json(tmp_path):
    models = two_models(
        [0] * 20 + [1] * 20, [0] * 20 + [1] * 19 + [0], [1] * 4 + [0] * 16 + [1] * 20, k=2
    )
    limits = [
        drop("recall", "0.1", actual="c0", rule="proven"),
        drop("recall", "0.3", actual="c0", rule="proven", undecided="warn"),
        drop("f1", "0", actual="c0"),
        drop("flips", "0.03"),
    ]
    verdicts = judge(limits, models.evaluation, models.comparison)
    result = GateResult(POLICY, "failed", evaluation=models.evaluation, verdicts=verdicts)
    recall, let_pass, f1, flips = written(result, tmp_path)["verdicts"]
    assert {key: recall[key] for key in ("id", "against", "rule", "outcome", "blocks")} == {
        "id": "recall_drop[c0]", "against": "baseline", "rule": "proven", "outcome": "undecided",
        "blocks": True,
    }  # fmt: skip
    assert (let_pass["outcome"], let_pass["blocks"]) == ("undecided", False)
    assert recall["change"] == {
        "common": 40, "before": 1.0, "now": 0.8, "newly_wrong": 4, "newly_right": 0,
        "p_value": 0.125,
    }  # fmt: skip
    assert (recall["observed"], recall["hits"], recall["trials"]) == (0.2, None, None)
    assert recall["interval"] == list(verdicts[0].interval)
    assert recall["examples_needed"] == verdicts[0].examples_needed > 20
    assert recall["denominator"] == 20
    # An unchanged model shows a drop below 0.1 on 29 examples, and one below 0.3 on 9.
    assert (recall["unprovable"], recall["least_trials"]) == (True, 29)
    assert (let_pass["unprovable"], let_pass["least_trials"]) == (False, None)
    assert f1["change"] == {
        "common": 40, "before": 40 / 41, "now": 32 / 36, "newly_wrong": None,
        "newly_right": None, "p_value": None,
    }  # fmt: skip
    assert (f1["interval"], f1["confidence"]) == (None, None)
    assert flips["change"] == {
        "common": 40, "before": None, "now": None, "newly_wrong": None, "newly_right": None,
        "p_value": None,
    }  # fmt: skip
    assert (flips["hits"], flips["trials"], flips["needed"]) == (5, 40, 1)


def found_score(index: int) -> float:
    return float(evaluation(COUNTS, ANIMALS).parts[0].score[index])


def test_without_an_evaluation_there_is_no_matrix(tmp_path):
    result = GateResult(POLICY, "error", error="no data", dataset={"source": "directory x"})
    found = written(result, tmp_path)
    assert (found["matrix"], found["weighted_matrix"]) == (None, [])
    assert found["error"] == "no data"
    assert found["dataset"] == {
        "source": "directory x", "input": None, "examples": None, "digest": None, "classes": None,
        "support": None, "unpredicted": None, "without_examples": None,
    }  # fmt: skip


def test_a_report_of_a_run_that_has_not_ended(tmp_path):
    found = written(incomplete_document(POLICY), tmp_path)
    assert found["outcome"] == "incomplete"
    assert found["notes"] == ["the run that this report belongs to has not ended, or was cut off"]
    assert set(found) == set(document(gate(COUNTS, ANIMALS)))


def test_every_weighting_has_its_matrix(tmp_path):
    plain = Weighting("inverse_frequency")
    own = Weighting((("cat", Fraction(3)), ("dog", Fraction(1, 2)), ("fox", Fraction(1))), "all")
    limits = [
        limit("weighted_diagonal", "0", actual=name, weighting=weighting)
        for weighting in (plain, own, Weighting("sample", "pred"))
        for name in ("cat", "dog")
    ]
    found = written(gate(COUNTS, ANIMALS, limits), tmp_path)["weighted_matrix"]
    assert [(entry["weights"], entry["normalize"]) for entry in found] == [
        ("inverse_frequency", None),
        ({"cat": 3.0, "dog": 0.5, "fox": 1.0}, "all"),
    ]
    assert found[0]["matrix"] == [[15 / 17, 2 / 17, 0], [1 / 21, 20 / 21, 0], [None] * 3]
    whole = 3 * 17 + 21 / 2
    assert np.allclose(found[1]["matrix"][:2], [[45 / whole, 6 / whole, 0],
                                                [0.5 / whole, 10 / whole, 0]])  # fmt: skip
    assert found[1]["matrix"][2] == [None] * 3
    found = written(gate(COUNTS, ANIMALS, limits, weighted=True), tmp_path)["weighted_matrix"]
    assert [entry["weights"] for entry in found][2] == "sample"
    assert np.allclose(np.nansum(np.array(found[2]["matrix"], float), axis=0), [1, 1, 0])


def test_the_weighted_matrix_agrees_with_scikit_learn():
    from sklearn.metrics import confusion_matrix
    from sklearn.utils.class_weight import compute_class_weight

    found = evaluation([[15, 2, 0], [1, 20, 3], [0, 4, 6]], ANIMALS, weighted=True)
    part = found.parts[0]
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=part.true)[part.true]
    inverse = (1 / found.matrix.support)[part.true]
    own = np.array([3, 0.5, 1])[part.true]
    weights = {
        "balanced": balanced,
        "inverse_frequency": inverse,
        "sample": part.weight,
        (("cat", Fraction(3)), ("dog", Fraction(1, 2)), ("fox", Fraction(1))): own,
    }
    for (name, each), normalize in (
        (entry, normalize) for entry in weights.items() for normalize in ("true", "pred", "all")
    ):
        expected = confusion_matrix(
            part.true, part.predicted, sample_weight=each, normalize=normalize
        )
        assert np.allclose(weighted_matrix(found, Weighting(name, normalize)), expected)
    shares = weighted_matrix(found, Weighting("inverse_frequency"))
    assert np.array_equal(shares, found.matrix.counts / found.matrix.support[:, None])
    unscaled = weighted_matrix(found, Weighting("balanced"))
    assert np.allclose(
        unscaled, confusion_matrix(part.true, part.predicted, sample_weight=balanced)
    )


def test_a_weighting_that_the_evaluation_does_not_allow():
    found = evaluation(COUNTS, ANIMALS)
    with pytest.raises(EvaluationError) as caught:
        weighted_matrix(found, Weighting("sample", "all"))
    assert str(caught.value) == "a matrix weighted by sample needs weights of the examples"
    with pytest.raises(EvaluationError) as caught:
        weighted_matrix(found, Weighting((("cat", Fraction(1)),), "all"))
    assert str(caught.value) == "these classes have no weight: ['dog', 'fox']"


def test_values_that_json_has_no_form_for(tmp_path):
    result = GateResult(
        POLICY,
        "passed",
        model={"path": Path("m.keras"), "size": np.int64(3), "scale": np.float32(0.5)},
        dataset={"digest": b"ab", "parts": (1, float("inf"), Fraction(1, 4), True)},
    )
    found = written(result, tmp_path)
    assert found["model"] == {
        "path": "m.keras", "format": None, "sha256": None, "runtime": None, "size": 3, "scale": 0.5,
    }  # fmt: skip
    assert found["dataset"]["parts"] == [1, None, 0.25, True]
    assert found["dataset"]["digest"] == "b'ab'"
    (tmp_path / "report" / "confmat.json").unlink()  # no gate makes such a one


def test_rows_and_verdicts_have_a_line_each(tmp_path):
    path = tmp_path / "confmat.json"
    write_json(gate(COUNTS, ANIMALS, [limit("recall", actual=n) for n in ANIMALS]), path)
    text = path.read_text()
    assert "    [15, 2, 0],\n    [1, 20, 0],\n    [0, 0, 0]\n  ],\n" in text
    assert len(re.findall(r'^    \{"id": "recall\[', text, re.MULTILINE)) == 3
    assert text.endswith("}\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["confmat.json"]


def test_every_key_is_documented():
    weighting = Weighting("inverse_frequency")
    limits = [
        limit("weighted_diagonal", "1", actual="cat", weighting=weighting),
        drop("recall", "0.1", actual="cat"),
    ]
    exempt = (Exemption("recall", "dog", Location(POLICY, 15)),)
    found = document(gate(COUNTS, ANIMALS, limits, exemptions=exempt))
    text = DOCS.read_text("utf-8")

    def keys(value):
        if isinstance(value, dict):
            for key, entry in value.items():
                yield key
                yield from keys(entry)
        elif isinstance(value, list):
            for entry in value:
                yield from keys(entry)

    assert [key for key in keys(found) if f"`{key}`" not in text] == []

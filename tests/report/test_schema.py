"""The schema of confmat.json describes every shape of it, and refuses what is none."""

from __future__ import annotations

import copy
import json

import pytest

from pytest_confmat.errors import Location
from pytest_confmat.limits import Exemption, Weighting
from pytest_confmat.parts import Fault
from pytest_confmat.report.json import (
    document,
    error_document,
    incomplete_document,
    overview_document,
)
from tests.support.results import POLICY, compared, gate, limit
from tests.support.schema import problems, problems_below, shipped
from tests.support.verdicts import drop, two_models

WHOLE = gate(
    [[15, 2, 0], [1, 20, 0], [0, 0, 4]],
    ("cat", "dog", "fox"),
    [
        limit("recall", "0.95", actual="cat"),
        limit("confusion", "0.2", "at_most", "cat", "dog", line=None),
        limit("weighted_diagonal", "0.1", actual="cat", weighting=Weighting("balanced", "all")),
    ],
    faults=(Fault("cat/1.png", "empty", "cat"), Fault("x", "gone", None)),
    exemptions=(Exemption("recall", "dog", Location(POLICY, 15)),),
    versions={"numpy": "2.4"},
    timing={"evaluate": 1.5},
    cached="2026-11-22T01:10:00+00:00",
)
MODELS = two_models([0] * 20 + [1] * 20, [0] * 20 + [1] * 20, [1] * 4 + [0] * 16 + [1] * 20, k=2)
COMPARED = compared(MODELS, [drop("recall", "0.1", actual="c0"), drop("flips", "0.03")])
SHAPES = {
    "whole": document(WHOLE),
    "compared": document(COMPARED),
    "incomplete": incomplete_document(None),
    "error": error_document(POLICY, "no data"),
    "overview": overview_document(
        [{"path": "a/confmat.json", "policy": "a.yaml", "outcome": "failed"}], None
    ),
}


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "shipped"])
@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_described(name, strict):
    assert problems(json.loads(json.dumps(SHAPES[name])), strict) == []


def places(value, path=()):
    """Every object of a document, with the keys that lead to it."""
    if isinstance(value, dict):
        yield path, value
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(entry, dict | list):
            yield from places(entry, (*path, key))


# Whose keys are names, or depend on the kind of suspicion.
FREE = ("versions", "timing", "evidence", "weights")
KEYS = sorted(
    {
        (name, path, key)
        for name in ("whole", "compared", "overview")
        for path, value in places(SHAPES[name])
        if not set(path) & set(FREE)
        for key in value
    },
    key=str,
)


def changed(name, path, key, change):
    found = copy.deepcopy(SHAPES[name])
    holder = found
    for step in path:
        holder = holder[step]
    change(holder, key)
    return found


def test_no_key_may_be_missing():
    def remove(holder, key):
        del holder[key]

    passed = [
        (name, path, key)
        for name, path, key in KEYS
        if not problems(changed(name, path, key, remove), strict=False)
    ]
    # What only an overview has is no key of the others.
    assert passed == [("overview", (), "reports")]
    assert len(KEYS) > 100


def test_no_value_may_be_of_another_type():
    def mistype(holder, key):
        holder[key] = [[{"no": "such"}]]

    passed = [
        (name, path, key)
        for name, path, key in KEYS
        if not problems(changed(name, path, key, mistype), strict=False)
    ]
    assert passed == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("outcome",), "green"),
        (("schema_version",), 2),
        (("verdicts", 0, "outcome"), "error"),
        (("verdicts", 0, "kind"), "atleast"),
        (("verdicts", 0, "support"), 1.5),
        (("verdicts", 0, "interval"), [0.5]),
        (("matrix", 0, 0), -1),
        (("dataset", "digest"), "sha256:12"),
        (("per_class", 0, "texts", "recall"), 0.5),
    ],
)
def test_values_that_no_report_has(path, value):
    def put(holder, key):
        holder[key] = value

    *before, key = path
    assert problems(changed("whole", before, key, put), strict=False)


def test_a_key_that_was_added_is_accepted_by_the_shipped_schema_alone():
    added = SHAPES["whole"] | {"new": 1}
    assert problems(added, strict=False) == []
    assert problems(added) == [
        "$: Additional properties are not allowed ('new' was unexpected)",
    ]


def test_reports_that_a_test_leaves_are_looked_at(tmp_path):
    path = tmp_path / "a" / "confmat.json"
    path.parent.mkdir()
    path.write_text('{\n  "schema_version": 1,\n  "outcome": "green"\n}\n')
    found = list(problems_below(tmp_path))
    assert len(found) > 10
    assert any("'green' is not one of" in line for line in found)
    path.unlink()


def test_the_schema_ships_with_the_package():
    assert shipped()["$schema"] == "https://json-schema.org/draft/2020-12/schema"

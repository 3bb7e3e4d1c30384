from __future__ import annotations

import json

import pytest

from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.parts import Fault
from pytest_confmat.plugin.findings import (
    Evaluated,
    FixtureFindings,
    ItemFindings,
    read_findings,
)
from tests.support.verdicts import limit, of_two, one

RECALL = limit("recall", "0.9", actual="a")
FULL = ItemFindings(
    "/p/thresholds.yaml",
    key="job-1",
    error="no",
    cached="2026-01-01T00:00:00+00:00",
    notes=("one", "two"),
    faults=(Fault("a.png", "is no image", "cat"), Fault("b.png", "is empty", None)),
    likely_causes=(LikelyCause("shifted", "by one", {"by": 1, "classes": ["a", "b"]}),),
    verdicts=(one(RECALL, of_two(3, 4)),),
    reason="recall of 'a' is 0.75",
    see="evaluation",
)


@pytest.mark.parametrize(
    "findings",
    [FULL, ItemFindings("/p/thresholds.yaml"), FixtureFindings("t.py::test", "k"), Evaluated()],
)
def test_findings_survive_the_way_to_the_controller(findings):
    plain = json.loads(json.dumps(findings.to_plain()))
    assert read_findings(plain, {"/p/thresholds.yaml": {RECALL.id: RECALL}}.__getitem__) == findings


def test_what_was_not_found_takes_no_room_in_a_report():
    assert ItemFindings("p", key="k").to_plain() == {"policy": "p", "key": "k"}

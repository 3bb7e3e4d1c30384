"""The rows of the table of faults that need ai-edge-litert; `make test` may lack it."""

from __future__ import annotations

import pytest

from tests.faults import test_faults as faults
from tests.faults.litert_files import SECTION


@pytest.mark.parametrize(
    "name", [n for n, (section, _) in faults.ROWS.items() if section is SECTION]
)
def test_fault(name, pytester, monkeypatch):
    faults.test_fault(name, pytester, monkeypatch)


def test_without_a_fault_the_gate_is_green(pytester, monkeypatch):
    faults.test_without_a_fault_the_gate_is_green(SECTION, pytester, monkeypatch)

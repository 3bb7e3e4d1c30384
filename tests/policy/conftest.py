from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_confmat.errors import PolicyError
from pytest_confmat.policy import Policy, read_policy
from tests.support.refusals import refusal

Read = Callable[[str], Policy]
Refused = Callable[[str], str]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str) -> Policy:
        path = tmp_path / "thresholds.yaml"
        path.write_bytes(text.encode())
        return read_policy(path)

    return read


@pytest.fixture
def refused(read: Read, tmp_path: Path) -> Refused:
    """The message of a refusal, its path without the folder."""

    def refused(text: str) -> str:
        return refusal(PolicyError, read, text).replace(f"{tmp_path}/", "")

    return refused

"""Named pipes, where the system has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def make_fifo(path: Path) -> None:
    """Make a named pipe; where there are none, the test is skipped."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes")
    os.mkfifo(path)

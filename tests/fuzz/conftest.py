from __future__ import annotations

import faulthandler
import sys
from collections.abc import Iterator

import pytest

# Targets stop by themselves what hangs in Python; this is for what hangs in C. No test takes long.
PATIENCE = 600


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    faulthandler.dump_traceback_later(PATIENCE, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings

from tests.support.schema import problems_below

with suppress(ImportError):
    # It cannot be imported twice, and pytester forgets what a test imported first.
    import onnx  # noqa: F401

# How long an example takes says nothing on a shared machine, and no test here is about time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# For `make quick`: the same properties on fewer examples. The whole suite keeps their number.
settings.register_profile("quick", settings.get_profile("untimed"), max_examples=10)

# Many tests start processes of their own, which need not compile each module anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Gates that tests run are not those of the CI job that runs the tests.
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    # Bytes make poor names, and those of a record or of gzip differ from process to process,
    # where xdist needs the same names in each.
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def every_report_keeps_to_its_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Look at every confmat.json that a test of this process has left, whatever it was about."""
    yield
    assert list(problems_below(tmp_path_factory.getbasetemp())) == []

"""How an evaluation ended that did not finish: remembered, so that no limit begins it again."""

from __future__ import annotations

from unittest import SkipTest

import pytest

from pytest_confmat.errors import EvaluationError
from pytest_confmat.relaying import without_advice

# What pytest shows in another color than red; a limit that is not checked must be red.
SKIPS = (pytest.skip.Exception, pytest.xfail.Exception, SkipTest)


def ended_by(error: BaseException) -> EvaluationError | None:
    """Return what the limits fail with once `error` has ended their evaluation.

    ``None`` if the whole session ends with it. A time-out of pytest-timeout, `pytest.skip` and
    `pytest.xfail` are no `Exception`, and `sys.exit` is none either.
    """
    if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
        return None
    said = without_advice(str(error))
    if isinstance(error, pytest.xfail.Exception):
        return EvaluationError(
            f"the evaluation ended in pytest.xfail: {said}; so no limit was checked"
        )
    if isinstance(error, SKIPS):
        return EvaluationError(f"the evaluation was skipped: {said}; so no limit was checked")
    if not isinstance(error, pytest.fail.Exception):
        said = f"{type(error).__name__}: {said}"
    return EvaluationError(f"the evaluation did not finish: {said}")

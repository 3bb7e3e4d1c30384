"""Kinds of data that a project's conftests register."""

from __future__ import annotations

import pytest

from pytest_confmat.errors import RequestError
from pytest_confmat.kinds import KINDS

_HOOK = "pytest_confmat_data_kinds"


def register_data_kinds(config: pytest.Config) -> None:
    """Call the hook of the project's, for as long as pytest is configured.

    Raises
    ------
    pytest.UsageError
        If an implementation fails, or registers what is no kind.
    """
    KINDS.clear()  # of an earlier session in this process
    config.add_cleanup(KINDS.clear)
    try:
        config.hook.pytest_confmat_data_kinds(registry=KINDS)
    except RequestError as error:
        raise pytest.UsageError(f"the hook {_HOOK}: {error}") from error
    except Exception as error:
        raise pytest.UsageError(
            f"the hook {_HOOK} failed: {type(error).__name__}: {error}"
        ) from error

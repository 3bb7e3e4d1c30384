"""What a project's conftests add: kinds of data, formats of models, metrics."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_confmat.errors import RequestError
from pytest_confmat.kinds import KINDS
from pytest_confmat.metric import METRICS
from pytest_confmat.models.formats import FORMATS
from pytest_confmat.registry import Registry

_HOOKS: dict[str, Registry[Any]] = {
    "pytest_confmat_data_kinds": KINDS,
    "pytest_confmat_metrics": METRICS,
    "pytest_confmat_model_formats": FORMATS,
}


def register_own(config: pytest.Config) -> None:
    """Call the hooks by which a project registers, for as long as pytest is configured.

    Raises
    ------
    pytest.UsageError
        If an implementation fails, or registers what cannot be registered.
    """
    for name, registry in _HOOKS.items():
        registry.clear()  # of an earlier session in this process
        config.add_cleanup(registry.clear)
        call_hook(config, name, registry=registry)


def call_hook(config: pytest.Config, name: str, /, **arguments: Any) -> None:
    """Call a hook by which a project registers.

    Raises
    ------
    pytest.UsageError
        If an implementation fails, or registers what cannot be registered.
    """
    try:
        getattr(config.hook, name)(**arguments)
    except RequestError as error:
        raise pytest.UsageError(f"the hook {name}: {error}") from error
    except Exception as error:
        raise pytest.UsageError(
            f"the hook {name} failed: {type(error).__name__}: {error}"
        ) from error

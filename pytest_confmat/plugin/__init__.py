"""The pytest plugin. Everything that knows pytest lives below; this module only routes.

It is imported by every pytest run of every project that has this package installed, so that it
imports nothing until a gate is asked for.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_confmat.plugin.fixtures import (
    confmat,
    confmat_dataset,
    confmat_directory_dataset,
    confmat_evaluator,
    confmat_model,
    confmat_tfrecord_dataset,
)
from pytest_confmat.plugin.options import add_options, asks_for_gate

__all__ = [
    "confmat",
    "confmat_dataset",
    "confmat_directory_dataset",
    "confmat_evaluator",
    "confmat_model",
    "confmat_tfrecord_dataset",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Start a gate where one is asked for; a wrong request ends here, with exit status 4."""
    config.addinivalue_line("markers", "confmat: a limit of a confusion-matrix policy")
    if asks_for_gate(config):
        from pytest_confmat.plugin.session import start

        start(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where it shares results with the others."""
    from pytest_confmat.plugin.workers import tell_worker

    tell_worker(node)

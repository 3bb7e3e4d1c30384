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
    confmat_fingerprint,
    confmat_model,
    confmat_tfrecord_dataset,
)
from pytest_confmat.plugin.options import add_options, asks_for_gate, has_no_session

__all__ = [
    "confmat",
    "confmat_dataset",
    "confmat_directory_dataset",
    "confmat_evaluator",
    "confmat_fingerprint",
    "confmat_model",
    "confmat_tfrecord_dataset",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a project may implement."""
    from pytest_confmat.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Keep pytest's cache out of folders that only an option of ours names."""
    if any(str(arg).startswith("--confmat-") for arg in args):
        from pytest_confmat.plugin.rootdir import keep_cache_at_home

        keep_cache_at_home(early_config, parser, args)


def pytest_configure(config: pytest.Config) -> None:
    """Start a gate where one is asked for; a wrong request ends here, with exit status 4."""
    config.addinivalue_line("markers", "confmat: a limit of a confusion-matrix policy")
    if has_no_session(config) or config.getoption("confmat_init") is not None:
        return
    if asks_for_gate(config):
        from pytest_confmat.plugin.session import start

        start(config)
        if config.getoption("confmat_tighten") is not None:
            from pytest_confmat.plugin.tightening import prepare

            prepare(config)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Write a policy in place of a test run, where that is asked for."""
    if config.getoption("confmat_init") is None or has_no_session(config):
        return None
    from pytest_confmat.plugin.authoring import write_policy

    return write_policy(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where it shares results with the others."""
    from pytest_confmat.plugin.workers import tell_worker

    tell_worker(node)

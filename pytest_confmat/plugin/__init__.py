"""The pytest plugin. Everything that knows pytest lives below; this module only routes.

It is imported by every pytest run of every project that has this package installed, so that it
imports nothing until a gate is asked for.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Generator
from typing import Any

import pytest

from pytest_confmat.plugin.byte_code import import_from_byte_code

import_from_byte_code()  # before any other module of ours is imported

from pytest_confmat.plugin.fixtures import (  # noqa: E402
    confmat,
    confmat_dataset,
    confmat_directory_dataset,
    confmat_evaluator,
    confmat_fingerprint,
    confmat_model,
    confmat_tfrecord_dataset,
)
from pytest_confmat.plugin.options import (  # noqa: E402
    ASKED,
    NO_MODEL,
    add_options,
    asks_for_gate,
    has_no_session,
    report_in,
    runs_tests,
)

__all__ = [
    "confmat",
    "confmat_dataset",
    "confmat_directory_dataset",
    "confmat_evaluator",
    "confmat_fingerprint",
    "confmat_model",
    "confmat_tfrecord_dataset",
]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the options and their ini twins."""
    add_options(parser)
    config: Any = pluginmanager.get_plugin("pytestconfig")
    args = [str(arg) for arg in config.invocation_params.args]
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker and (given := report_in(args)):
        # A wrong option of anybody's ends the run before any other hook of ours.
        from pytest_confmat.plugin.report_files import ReportFiles

        ReportFiles(config.invocation_params.dir / given).remove_stale()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a project may implement."""
    from pytest_confmat.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, object, object]:
    """Act before anything of the project's can end this run.

    Where a path of ours led pytest to another root directory, it starts over; elsewhere the report
    of an earlier run is removed.
    """
    if not _starts_over(early_config, args):
        options = early_config.known_args_namespace
        # In a worker of xdist there is no other sign yet; the report is the controller's.
        is_worker = "PYTEST_XDIST_WORKER" in os.environ
        if not is_worker and runs_tests(options) and asks_for_gate(early_config, options):
            _begin_record(early_config, options)
    return (yield)


def _begin_record(config: pytest.Config, options: Namespace) -> None:
    from pytest_confmat.plugin.aim import is_aside
    from pytest_confmat.plugin.record import record_of

    if not is_aside(config, options):
        record_of(config, options)


def _starts_over(config: pytest.Config, args: list[str]) -> bool:
    # A file of arguments may hold ours.
    if not any(str(arg).startswith(("--confmat-", "@")) for arg in args):
        return False
    from pytest_confmat.plugin.rootdir import starts_over

    return starts_over(config, args)


def pytest_configure(config: pytest.Config) -> None:
    """Start a gate where one is asked for; a wrong request ends here, with exit status 4."""
    config.addinivalue_line("markers", "confmat: a limit of a confusion-matrix policy")
    if has_no_session(config.option) or config.getoption("confmat_init") is not None:
        return
    if config.getoption("confmat_model") == NO_MODEL:
        from pytest_confmat.plugin.aim import require_off

        require_off(config)
    elif asks_for_gate(config):
        config.stash[ASKED] = True
        from pytest_confmat.plugin.session import start

        start(config)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Start over, or write a policy in place of a test run, where that is asked for."""
    if "pytest_confmat.plugin.rootdir" in sys.modules:
        from pytest_confmat.plugin.rootdir import run_again

        if (status := run_again(config)) is not None:
            return status
    if config.getoption("confmat_init") is None or has_no_session(config.option):
        return None
    from pytest_confmat.plugin.authoring import write_policy

    return write_policy(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where it shares results with the others."""
    from pytest_confmat.plugin.workers import tell_worker

    tell_worker(node)

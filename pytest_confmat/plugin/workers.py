"""What the controller of xdist and its workers tell each other."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.plugin.aim import tell_aim

_INPUT = "confmat_shared_folder"
_OUTPUT = "confmat_selection"
_FOLDER = pytest.StashKey[Path]()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def shared_folder(config: pytest.Config) -> Path | None:
    """Return the folder that the processes of this session share; ``None`` if there is one."""
    if is_worker(config):
        told: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
        return Path(told[_INPUT]) if _INPUT in told else None
    if not _distributes(config):
        return None
    if _FOLDER not in config.stash:
        folder = Path(tempfile.mkdtemp(prefix="pytest-confmat-"))
        config.stash[_FOLDER] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    return config.stash[_FOLDER]


def tell_worker(node: Any) -> None:
    """Tell a worker the folder, and what is gated; `node` is xdist's WorkerController."""
    tell_aim(node)
    if folder := shared_folder(node.config):
        node.workerinput[_INPUT] = str(folder)


def tell_controller(config: pytest.Config, selection: dict[str, Any]) -> None:
    """Send the controller what this worker selected; does nothing if there is one process."""
    if is_worker(config):
        config.workeroutput[_OUTPUT] = selection  # type: ignore[attr-defined]


def told_by(node: Any) -> dict[str, Any] | None:
    """Return what a worker selected, or ``None`` if it died."""
    output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
    return output.get(_OUTPUT)


def _distributes(config: pytest.Config) -> bool:
    return getattr(config.option, "dist", "no") != "no" and bool(getattr(config.option, "tx", None))

"""Where paths that options and the ini file name begin."""

from __future__ import annotations

from pathlib import Path

import pytest


def absolute(folder: Path, text: str) -> Path:
    """Return a path that is relative to a folder, links resolved, as pytest's own collection."""
    return (folder / Path(text).expanduser()).resolve()


def ini_folder(config: pytest.Config) -> Path:
    """Return the folder that paths in the configuration are relative to."""
    return config.inipath.parent if config.inipath else config.rootpath


def ini_name(config: pytest.Config) -> str:
    """Return what messages call the configuration."""
    return config.inipath.name if config.inipath else "-o"

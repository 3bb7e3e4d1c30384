"""What of the project's code may have changed Keras or TensorFlow in this process.

A conftest may put a function of its own in the place of Keras's. That cannot be seen in Keras, but
it takes an import of Keras: where nobody but this plugin imported it, nobody changed it.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_confmat.models import runtime

_CHANGEABLE = ("keras", "tensorflow")
# The code of these is told by their version, or by a digest of its own; how pytest was started
# makes no difference.
_NOT_THEIRS = ("__main__", "_pytest", "pytest_confmat")
# TensorFlow's translations of functions whose own files count; each process names them anew.
_TRANSLATED = "__autograph_generated_file"


def loaded_code(config: pytest.Config) -> dict[str, Any] | None:
    """Return, as JSON values, what code has been loaded; ``None``: it changed nothing.

    Modules that are no installed library's, conftests first of all, and plugins that are single
    modules are told by their contents, other plugins by their versions. Test files count only if
    they mention what they might have changed.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    if not any(sys.modules.get(name) is not None for name in _CHANGEABLE):
        return None
    modules, mentioned = [], False
    tests = [str(pattern) for pattern in config.getini("python_files")]
    for name, path in sorted(_files(config)):
        content = path.read_bytes()
        mentions = any(changeable.encode() in content for changeable in _CHANGEABLE)
        if not mentions and any(fnmatch(path.name, pattern) for pattern in tests):
            continue
        modules.append([name, blake2b(content, digest_size=16).hexdigest()])
        mentioned |= mentions
    # Whether an earlier evaluation of this session was computed, and so imported them, or recalled
    # makes no difference, unless there is code that may have gone on from there.
    if runtime.imported_first and not mentioned:
        return None
    plugins = {
        f"{distribution.project_name} {distribution.version}"
        for _, distribution in config.pluginmanager.list_plugin_distinfo()
    }
    return {"modules": modules, "plugins": sorted(plugins)}


def _files(config: pytest.Config) -> Iterator[tuple[str, Path]]:
    """Yield the code in question: where it lies, as other machines would say it, and its file."""
    plugins = {_file(plugin) for plugin in config.pluginmanager.get_plugins()}
    libraries = {
        Path(sysconfig.get_path(name)).resolve()
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    for path in plugins | {_file(module) for module in list(sys.modules.values())}:
        if path is None:
            continue
        if path not in plugins and any(path.is_relative_to(library) for library in libraries):
            continue
        of_project = path.is_relative_to(config.rootpath)
        name = path.relative_to(config.rootpath).as_posix() if of_project else path.name
        yield name, path


def _file(module: object) -> Path | None:
    """Return the file of a module that is none of ours; ``None``: it has none, or is no module."""
    if not issubclass(type(module), ModuleType):
        return None
    # Asking one that is loaded only when needed would load it.
    values = object.__getattribute__(module, "__dict__")
    name, file = values.get("__name__"), values.get("__file__")
    if not isinstance(file, str) or str(name).partition(".")[0] in _NOT_THEIRS:
        return None
    if str(name).startswith(_TRANSLATED):
        return None
    path = Path(file)
    return path if path.is_file() else None

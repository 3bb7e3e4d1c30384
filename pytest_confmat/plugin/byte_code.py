"""Imports of our own modules from the byte code that was made when the package was installed.

pytest rewrites the ``assert`` statements of every module in a distribution that has a plugin. It
keeps the result beside the ordinary byte code, so that in each fresh environment all modules that
a gate imports are compiled once more. (``PYTEST_DONT_REWRITE`` leaves the statements as they are,
and has the module compiled all the same.) None of ours has an ``assert`` to show to a user.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_OWN = "pytest_confmat."


class _OwnModules(MetaPathFinder):
    """Finds the modules of this package as Python does, and leaves all others to the next."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith(_OWN) else None


def import_from_byte_code() -> None:
    """Have the modules of this package imported as Python imports them, from here on."""
    sys.meta_path.insert(0, _OwnModules())

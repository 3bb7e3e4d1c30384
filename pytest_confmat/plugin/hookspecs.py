"""The hooks that a project may implement. Loaded by every pytest run: it imports nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def pytest_confmat_custom_objects() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Return the classes and functions of the project's that a saved model names.

    Implemented in a ``conftest.py``; called once, before the first model file is loaded::

        def pytest_confmat_custom_objects():
            from net import Doubled
            return {"Doubled": Doubled}

    Names are those that Keras looks for, which the refusal to load the file tells: the class's
    own, or ``package>name`` where it is registered.
    """

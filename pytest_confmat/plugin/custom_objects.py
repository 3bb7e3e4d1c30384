"""What a project's conftests say of the classes and functions that its model files name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_confmat.errors import RequestError
from pytest_confmat.relaying import without_advice

_HOOK = "pytest_confmat_custom_objects"


def custom_objects(config: pytest.Config) -> dict[str, Any]:
    """Return what all implementations of the hook return, as one mapping.

    Raises
    ------
    RequestError
        If one of them fails or returns no mapping of names, or two mean different objects by
        one name.
    """
    try:
        returned = config.hook.pytest_confmat_custom_objects()
    except Exception as error:
        said = without_advice(str(error))
        raise RequestError(f"the hook {_HOOK} failed: {type(error).__name__}: {said}") from error
    found: dict[str, Any] = {}
    for objects in returned:
        for name, value in _named(objects).items():
            if found.setdefault(name, value) is not value:
                raise RequestError(f"two hooks {_HOOK} name different objects {name!r}")
    return found


def _named(objects: Any) -> Mapping[str, Any]:
    if not isinstance(objects, Mapping) or not all(isinstance(name, str) for name in objects):
        raise RequestError(
            f"the hook {_HOOK} returned {objects!r}: return a dict of names and what they stand "
            'for, such as {"Doubled": Doubled}'
        )
    if nothing := [name for name, value in objects.items() if not callable(value)]:
        raise RequestError(
            f"the hook {_HOOK} says that {nothing[0]!r} is {objects[nothing[0]]!r}: give the class "
            "or function itself"
        )
    return objects

"""The classes and functions of a project that its model files name, as its conftests give them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import RequestError
from pytest_confmat.filenames import short_path
from pytest_confmat.relaying import without_advice

_HOOK = "pytest_confmat_custom_objects"


class CustomObjects:
    """Calls the implementations of the hook that count for what is judged.

    Those of plugins always count, those of a ``conftest.py`` only for policies and tests beside
    or below it: two folders may each have a class of the same name.

    Parameters
    ----------
    policy
        The policy that is judged; ``None``: what the running test evaluates.
    """

    def __init__(self, config: pytest.Config, policy: Path | None = None) -> None:
        self._config = config
        self._place = policy

    @contextmanager
    def judging(self, policy: Path) -> Iterator[None]:
        """Let the conftests beside and above a policy count, whichever test is run."""
        before, self._place = self._place, policy
        try:
            yield
        finally:
            self._place = before

    def sources(self) -> tuple[str, ...]:
        """Return the plugins and conftests whose implementations count, sorted."""
        place = self._place or _running_test(self._config)
        return tuple(sorted(_file_of(plugin) for plugin in self._plugins(place)))

    def __call__(self) -> dict[str, Any]:
        """Return what all implementations that count return, as one mapping.

        Raises
        ------
        RequestError
            If one of them fails or returns no mapping of names, or two mean different objects by
            one name.
        """
        place = self._place or _running_test(self._config)
        found: dict[str, tuple[Any, str]] = {}
        for plugin in self._plugins(place):
            where = _file_of(plugin)
            for objects in self._returned_by(plugin):
                for name, value in _named(objects).items():
                    other, first = found.setdefault(name, (value, where))
                    if other is not value:
                        one, another = sorted((first, where))
                        raise RequestError(
                            f"two hooks {_HOOK} name different objects {name!r}: one in {one}, "
                            f"one in {another}"
                        )
        return {name: value for name, (value, _) in found.items()}

    def _plugins(self, place: Path | None) -> list[object]:
        """Return the plugins and conftests with an implementation that counts."""
        hook = self._config.hook.pytest_confmat_custom_objects
        found = dict.fromkeys(each.plugin for each in hook.get_hookimpls())
        return [plugin for plugin in found if place is None or _counts(plugin, place)]

    def _returned_by(self, plugin: object) -> list[Any]:
        hook = self._config.hook.pytest_confmat_custom_objects
        others = {each.plugin for each in hook.get_hookimpls()} - {plugin}
        alone = self._config.pluginmanager.subset_hook_caller(_HOOK, others)
        try:
            returned: list[Any] = alone()
        except Exception as error:
            said = without_advice(str(error))
            raise RequestError(
                f"the hook {_HOOK} failed: {type(error).__name__}: {said}"
            ) from error
        return returned


def _running_test(config: pytest.Config) -> Path | None:
    """Return the file of the test that is run, as pytest's variable tells it."""
    told = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    return config.rootpath / told if told else None


def _counts(plugin: object, place: Path) -> bool:
    file = getattr(plugin, "__file__", None)
    if not isinstance(file, str) or Path(file).name != "conftest.py":
        return True
    return place.resolve().is_relative_to(Path(file).resolve().parent)


def _file_of(plugin: object) -> str:
    file = getattr(plugin, "__file__", None)
    return short_path(file) if isinstance(file, str) else type(plugin).__qualname__


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

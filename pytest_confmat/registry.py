"""Lists of what there is of one thing: built in, and registered by a project through a hook."""

from __future__ import annotations

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import Any, Generic, Protocol, TypeVar

from pytest_confmat.errors import RequestError


class Keyed(Protocol):
    """What is registered under a key."""

    @property
    def key(self) -> str:
        """Names it in policies and messages."""


Thing = TypeVar("Thing", bound=Keyed)


class Registry(Generic[Thing]):
    """Objects of one base class, in the order in which messages list them.

    Parameters
    ----------
    base
        Their base class, which `pytest_confmat` exports.
    what
        What one is called: ``kind of data``.
    built_in
        Classes as ``module:name``, so that nothing is imported early.
    """

    def __init__(self, base: type[Any], what: str, built_in: tuple[str, ...]) -> None:
        self._base = base
        self._what = what
        self._names = built_in
        self._built_in: tuple[Thing, ...] = ()
        self._own: list[Thing] = []

    def __iter__(self) -> Iterator[Thing]:
        return iter((*self.built_in, *self._own))

    @property
    def built_in(self) -> tuple[Thing, ...]:
        """Those that nobody need register."""
        if not self._built_in:
            self._built_in = tuple(resolve_name(name)() for name in self._names)
        return self._built_in

    def register(self, thing: Thing) -> None:
        """Add one of the project's own.

        Raises
        ------
        RequestError
            If it is not of the base class, or there is one of its key.
        """
        if not isinstance(thing, self._base):
            raise RequestError(
                f"{thing!r} is no {self._what}: register an object of a subclass of "
                f"pytest_confmat.{self._base.__name__}"
            )
        if any(each.key == thing.key for each in self):
            raise RequestError(f"there is a {self._what} {thing.key!r} already")
        self._own.append(thing)

    def clear(self) -> None:
        """Forget those of the project's own."""
        self._own.clear()

"""Lists of what there is of one thing: built in, and registered by a project through a hook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        Gives those that need nobody to register them; called once, when it is first needed, so
        that nothing is imported early.
    reserved
        Keys that nothing may have.
    """

    def __init__(
        self,
        base: type[Any],
        what: str,
        built_in: Callable[[], Sequence[Thing]] = tuple,
        reserved: Sequence[str] = (),
    ) -> None:
        self._base = base
        self._what = what
        self._make = built_in
        self._reserved = frozenset(reserved)
        self._built_in: tuple[Thing, ...] = ()
        self._own: list[Thing] = []
        self._by_key: dict[str, Thing] = {}

    def __iter__(self) -> Iterator[Thing]:
        return iter((*self.built_in, *self._own))

    @property
    def built_in(self) -> tuple[Thing, ...]:
        """Those that nobody need register."""
        if not self._built_in:
            self._built_in = tuple(self._make())
        return self._built_in

    @property
    def by_key(self) -> Mapping[str, Thing]:
        """Each under its key."""
        if not self._by_key:
            self._by_key = {thing.key: thing for thing in self}
        return self._by_key

    def register(self, thing: Thing) -> None:
        """Add one of the project's own.

        Raises
        ------
        RequestError
            If it is not of the base class, or there is one of its key.
        """
        if not isinstance(thing, self._base):
            raise RequestError(
                f"{thing!r} is no {self._what}: register an object of pytest_confmat."
                f"{self._base.__name__}, or of a subclass"
            )
        if thing.key in self._reserved or thing.key in self.by_key:
            raise RequestError(f"there is a {self._what} {thing.key!r} already")
        self._own.append(thing)
        self._by_key = {}

    def is_own(self, key: str) -> bool:
        """Whether what has a key is the project's own, whose code can change unseen."""
        return not any(each.key == key for each in self.built_in)

    def clear(self) -> None:
        """Forget those of the project's own."""
        self._own.clear()
        self._by_key = {}


def made(*names: str) -> Callable[[], tuple[Any, ...]]:
    """Return what makes an object of each class that is named, as ``module:name``."""
    return lambda: tuple(resolve_name(name)() for name in names)

"""Whether names that data state agree with `classes`, place by place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from pytest_confmat.errors import DataError
from pytest_confmat.text import listed

_SEPARATORS = re.compile(r"[\s_-]+")
_FOLDERS = re.compile(r"[/\\]+")
_ABSOLUTE = re.compile(r"/|\\\\|[A-Za-z]:[/\\]")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{2,5}$")


class Matcher:
    """Finds the classes that a text of the data can mean.

    A text that is the name of a class to the letter means that one. Else letter case, ``_``, ``-``
    and spaces make no difference, and a list such as ``tench, Tinca tinca`` means every class
    that shares a part with it, or is spelled like the whole.

    Parameters
    ----------
    classes
        Names in the order of the labels.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._exact = {name: place for place, name in enumerate(classes)}
        self._parts: Mapping[str, set[int]] = defaultdict(set)
        for place, name in enumerate(classes):
            for part in _parts(name):
                self._parts[part].add(place)

    def places(self, text: str) -> frozenset[int]:
        """Return the places of the classes that `text` can mean; none: it is no class's name."""
        text = text.strip()
        if text in self._exact:
            return frozenset([self._exact[text]])
        return frozenset().union(*(self._parts.get(part, ()) for part in _parts(text)))


def extends(name: str, other: str) -> bool:
    """Whether `name` holds all words of `other` and more: ``crane (machine)`` and ``crane``."""
    return _words(other) < _words(name)


def disagreement(given: Sequence[str], classes: Sequence[str]) -> str | None:
    """Return how two lists of names contradict each other, to follow the names of both.

    ``None``: they are the same, or have not one name in common, as where ``n01440764`` stands
    for ``tench``, which proves nothing.
    """
    if len(given) != len(classes):
        return f"differ in number, {len(given):,} and {len(classes):,}"
    if same_names(given, classes):
        return None
    matcher = Matcher(classes)
    found = [matcher.places(name) for name in given]
    if not any(found):
        return None
    return "list the same names in different orders" if all(found) else "differ"


def same_names(given: Sequence[str], classes: Sequence[str]) -> bool:
    """Whether two lists of names are the same, but for letter case and separators."""
    matcher = Matcher(classes)
    return len(given) == len(classes) and all(
        matcher.places(name) == {place} for place, name in enumerate(given)
    )


def require_same_names(
    whose: str, given: Sequence[str], classes: Sequence[str], advice: str
) -> str | None:
    """Compare names that data state with `classes`.

    Parameters
    ----------
    whose
        What states them, such as ``labels.txt``.
    advice
        What to do, as a line of its own.

    Returns
    -------
    str or None
        A note, where the two have no name in common.

    Raises
    ------
    DataError
        If they contradict each other; it shows both.
    """
    if how := disagreement(given, classes):
        raise DataError(
            f"{whose} and classes {how}\n"
            f"  {whose}: {listed(given, 20)}\n"
            f"  classes: {listed(classes, 20)}\n"
            f"{advice}"
        )
    if same_names(given, classes):
        return None
    return (
        f"{whose} and classes have no name in common, so they are not compared: "
        f"{listed(given, 3)}, and in classes {listed(classes, 3)}"
    )


def path_remark(text: str, classes: Sequence[str]) -> str | None:
    """Return what to say of a label that is a path in place of a name, to follow the label.

    ``None``: it does not look like one.
    """
    steps = [step for step in _FOLDERS.split(text.strip()) if step]
    if not steps:
        return None
    steps[-1], suffixes = _SUFFIX.subn("", steps[-1])
    inside = [step for step in reversed(steps) if step in classes]
    is_path = _FOLDERS.search(text) and (suffixes or inside or _ABSOLUTE.match(text))
    if not is_path and not (suffixes and inside):
        return None
    if inside:
        return f"looks like a path that holds the class {inside[0]!r}"
    return f"looks like a path, and holds none of the {len(classes):,} classes"


def _parts(name: str) -> set[str]:
    return {_plain(part) for part in (name, *name.split(",")) if part.strip()}


def _plain(name: str) -> str:
    return _SEPARATORS.sub(" ", name).strip().casefold()


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", _plain(name)))


def at_least_two(names: tuple[str, ...], found: str) -> tuple[str, ...]:
    """Return `names`; with less than two, raise that `found` is too little.

    Raises
    ------
    DataError
        If there are less.
    """
    if len(names) < 2:
        raise DataError(f"{found}; a confusion matrix needs at least two classes")
    return names

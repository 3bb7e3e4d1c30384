"""Which limits were to be run, and which the user left out by name.

Only `-k`, `-m`, `--deselect` and node ids excuse a limit, and only the one that they leave out:
an item that was to be run and gave no verdict is never excused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.plugin.collection import ConfmatItem
from pytest_confmat.plugin.gate import Gate

# Options that choose tests by what happened before: whoever gives one has not chosen limits.
_RERUNNING = ("lf", "stepwise")


class Selection:
    """Items to be run and items deselected, by policy; from this process or from workers."""

    def __init__(self) -> None:
        self.selected: dict[str, set[str]] = {}
        self.deselected: dict[str, set[str]] = {}

    def select(self, items: Iterable[pytest.Item]) -> None:
        """Enter what is to be run."""
        _enter(self.selected, items)

    def deselect(self, items: Iterable[pytest.Item]) -> None:
        """Enter what is not to be run."""
        _enter(self.deselected, items)

    def to_plain(self) -> dict[str, Any]:
        """Return builtin values, for the way to the controller."""
        return {
            name: {policy: sorted(items) for policy, items in getattr(self, name).items()}
            for name in ("selected", "deselected")
        }

    def merge(self, plain: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """Enter what `to_plain` told of another process."""
        for name, entries in plain.items():
            mine = getattr(self, name)
            for policy, items in entries.items():
                mine.setdefault(policy, set()).update(items)

    def left_out(self, config: pytest.Config, gate: Gate) -> frozenset[str]:
        """Return ids of the limits of `gate` that the user left out by name."""
        option = config.option
        if any(getattr(option, name, None) for name in _RERUNNING):
            return frozenset()
        chosen = bool(option.keyword or option.markexpr or option.deselect)
        policy = str(gate.path)
        selected = self.selected.get(policy, set())
        deselected = self.deselected.get(policy, set()) if chosen else set()
        named = named_items(config, gate)
        not_named = set() if named is None else set(gate.items) - named
        items = (deselected | (not_named - self.deselected.get(policy, set()))) - selected
        return frozenset(limit.id for item in items for limit in gate.items.get(item, ()))


def named_items(config: pytest.Config, gate: Gate) -> set[str] | None:
    """Return the items of `gate` that arguments name by node id; ``None``: it is run whole."""
    names = set()
    for arg in config.args:
        _, separator, name = str(arg).partition("::")
        if _resolved(config, arg) == gate.path:
            if not separator:
                return None
            names.add(name)
    return names or None


def is_covered(config: pytest.Config, gate: Gate) -> bool:
    """Whether an argument names the thresholds file of `gate`, items in it, or a folder above.

    A file beside a folder that holds it would be collected twice by some versions of pytest, and
    would stand in for the whole folder in others.
    """
    return any(
        gate.path == path or (gate.path.is_relative_to(path) and path.is_dir())
        for path in (_resolved(config, arg) for arg in config.args)
    )


def _enter(entries: dict[str, set[str]], items: Iterable[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, ConfmatItem):
            entries.setdefault(str(item.gate.path), set()).add(item.name)


def _resolved(config: pytest.Config, arg: str) -> Path:
    return (config.invocation_params.dir / str(arg).partition("::")[0]).resolve()

"""Which limits a run checks, and which the user left out by name.

Only `-k`, `-m`, `--deselect` and node ids excuse a limit, and only the one that they leave out.
An item that a plugin removed, or that was run without a verdict, is never excused.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.escaping import printable
from pytest_confmat.plugin.collection import ConfmatItem
from pytest_confmat.plugin.gate import EVALUATION, Gate
from pytest_confmat.text import plural

# What calls pytest_deselected for -k and -m, and for --deselect. pytest says nowhere who did.
_BY_CHOICE = "_pytest.mark"
_BY_NAME = (_BY_CHOICE, "_pytest.main")
_RERUNS = {"_pytest.cacheprovider": "--lf", "_pytest.stepwise": "--stepwise"}
_ONE_SHARD = "keep the gate in one shard"


class Selection:
    """The items of each policy that were collected, selected or removed, here or in workers.

    Attributes
    ----------
    collected, selected
        What pytest found, and what of it is run.
    deselected
        What the user left out by `-k`, `-m` or `--deselect`.
    unmatched
        What of it by `-k` or `-m`.
    taken
        What a plugin, a conftest or `--lf` deselected.
    takers
        The modules that did so.
    """

    def __init__(self) -> None:
        self.collected: dict[str, set[str]] = {}
        self.selected: dict[str, set[str]] = {}
        self.deselected: dict[str, set[str]] = {}
        self.unmatched: dict[str, set[str]] = {}
        self.taken: dict[str, set[str]] = {}
        self.takers: dict[str, set[str]] = {}
        # Whether collection ended, here or in a worker that told of it.
        self.complete = False

    def collect(self, item: pytest.Item) -> None:
        """Enter what pytest found."""
        _enter(self.collected, [item])

    def select(self, items: Iterable[pytest.Item]) -> None:
        """Enter what is run; collection has ended."""
        _enter(self.selected, items)
        self.complete = True

    def deselect(self, items: Sequence[pytest.Item], by: str | None) -> None:
        """Enter what is not run; `by`: the module that deselected it."""
        if by in _BY_NAME:
            _enter(self.deselected, items)
            if by == _BY_CHOICE:
                _enter(self.unmatched, items)
            return
        _enter(self.taken, items)
        for item in items:
            if isinstance(item, ConfmatItem):
                self.takers.setdefault(str(item.gate.path), set()).add(by or "unknown")

    def to_plain(self) -> dict[str, Any]:
        """Return builtin values, to be sent to the controller."""
        return {
            name: {policy: sorted(items) for policy, items in entries.items()}
            for name, entries in vars(self).items()
            if isinstance(entries, dict)
        }

    def merge(self, plain: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """Enter what `to_plain` returned in another process."""
        self.complete = True
        for name, entries in plain.items():
            mine = getattr(self, name)
            for policy, items in entries.items():
                mine.setdefault(policy, set()).update(items)

    def left_out(self, config: pytest.Config, gate: Gate) -> frozenset[str]:
        """Return ids of the limits of `gate` that the user left out by name."""
        collected, selected, deselected, taken = self._of(gate)
        if not _as_asked(config):
            deselected = set()
        named = named_items(config, gate)
        # A node id may stand for several items: of these, each that was collected was asked for.
        not_named = set() if named is None else set(gate.items) - named - collected
        return _limits(gate, (deselected | not_named) - taken - selected)

    def not_chosen(self, config: pytest.Config, gates: Iterable[Gate]) -> frozenset[Path]:
        """Return the policies of which `-k` and `-m` leave nothing to run, not even the evaluation.

        Only if nothing else took an item away, and the user gave these options.
        """
        if not self.complete or not _as_asked(config):
            return frozenset()
        every = {gate.path: {EVALUATION, *gate.items} for gate in gates}
        return frozenset(
            path for path, items in every.items() if self.unmatched.get(str(path)) == items
        )

    def why_unchecked(
        self, config: pytest.Config, gate: Gate, unchecked: Collection[str]
    ) -> Iterator[str]:
        """Yield why limits have no verdict, a sentence for each reason."""
        if not self.complete:
            return
        collected, selected, _, taken = self._of(gate)
        by_name = self.left_out(config, gate)
        deselected = _limits(gate, taken - selected)
        removed = _limits(gate, collected - selected) - deselected - by_name
        missing = _limits(gate, set(gate.items) - collected) - by_name
        for limits, reason in (
            (deselected, self._taken_by(gate)),
            (removed, f"taken off the list of tests by a plugin or conftest: {_ONE_SHARD}"),
            (missing, "not collected, as with --ignore, --lf or a plugin"),
            (
                _limits(gate, selected),
                "no verdict: skipped, not reached, or run by a plugin in another way",
            ),
            (by_name, "left out by -k, -m, --deselect or node ids, which left no limit to check"),
        ):
            if found := limits.intersection(unchecked):
                yield f"{plural(len(found), 'limit')} not checked: {reason}"

    def _of(self, gate: Gate) -> tuple[set[str], set[str], set[str], set[str]]:
        stages = (self.collected, self.selected, self.deselected, self.taken)
        collected, selected, deselected, taken = (
            stage.get(str(gate.path), set()) for stage in stages
        )
        return collected, selected, deselected, taken

    def _taken_by(self, gate: Gate) -> str:
        takers = sorted(self.takers.get(str(gate.path), ()))
        if all(taker in _RERUNS for taker in takers):
            options = " and ".join(_RERUNS[taker] for taker in takers)
            return f"deselected by {options}, which runs what failed before: leave it out"
        named = printable(", ".join(takers))
        return f"deselected by a plugin or conftest ({named}): {_ONE_SHARD}"


def chooses_by_name(config: pytest.Config) -> bool:
    """Whether the user chose tests by `-k` or `-m`."""
    asked = config.known_args_namespace
    return bool(asked.keyword or asked.markexpr)


def _as_asked(config: pytest.Config) -> bool:
    """Whether -k, -m and --deselect are as the user gave them: a conftest may set them too."""
    asked, used = config.known_args_namespace, config.option
    names = ("keyword", "markexpr", "deselect")
    return all(getattr(asked, name, None) == getattr(used, name, None) for name in names)


def deselector() -> str | None:
    """Return the name of the module that called the hook that this is called in.

    Nothing that pytest hands to `pytest_deselected` tells who did it; between caller and hook
    stands pluggy alone.
    """
    frame, seen = inspect.currentframe(), False
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        inside = name.partition(".")[0] == "pluggy"
        if seen and not inside:
            return name
        seen, frame = seen or inside, frame.f_back
    return None


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


def _limits(gate: Gate, items: Iterable[str]) -> frozenset[str]:
    return frozenset(limit.id for item in items for limit in gate.items.get(item, ()))


def _resolved(config: pytest.Config, arg: str) -> Path:
    return (config.invocation_params.dir / str(arg).partition("::")[0]).resolve()

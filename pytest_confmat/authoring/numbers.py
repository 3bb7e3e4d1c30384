"""Where the numbers of a policy stand in its text, and which of them stand for several places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_MERGE = "<<"

Step = str | int


@dataclass(frozen=True)
class Number:
    """A scalar in a text.

    Attributes
    ----------
    start, end
        Its place, in characters.
    shared
        Whether it stands for more than its own place: it lies below an anchor that an alias names
        too, or came by a merge key.
    """

    start: int
    end: int
    shared: bool


class Numbers:
    """The scalars of a YAML text, by the way that leads to each.

    Parameters
    ----------
    text
        One document that has been read before, and so is known to be valid.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._root: Node = YAML(typ="safe", pure=True).compose(text)
        self._references: dict[int, int] = {}
        # Of each mapping, by its identity: policies of thousands of classes are looked up often.
        self._entries: dict[int, dict[Step, tuple[Node, bool]]] = {}
        self._count(self._root)

    def find(self, way: Sequence[Step]) -> Number | None:
        """Return the number at `way`; ``None`` if that leads to no plain scalar."""
        node, shared = self._walk(way)
        if not isinstance(node, ScalarNode):
            return None
        start, end = node.start_mark.index, node.end_mark.index
        # What is replaced must be what was read, to the character.
        if node.style is not None or self._text[start:end] != node.value:
            return None
        return Number(start, end, shared)

    def items(self, way: Sequence[Step]) -> int:
        """Return how many items the sequence at `way` has; 0 if there is none."""
        node, _ = self._walk(way)
        return len(node.value) if isinstance(node, SequenceNode) else 0

    def text(self, way: Sequence[Step]) -> str | None:
        """Return the text of the scalar at `way`, if there is one."""
        node, _ = self._walk(way)
        return str(node.value) if isinstance(node, ScalarNode) else None

    def _walk(self, way: Sequence[Step]) -> tuple[Node | None, bool]:
        node: Node | None = self._root
        shared = False
        for step in way:
            node, merged = self._step(node, step)
            if node is None:
                return None, shared
            shared = shared or merged or self._references[id(node)] > 1
        return node, shared

    def _step(self, node: Any, step: Step) -> tuple[Node | None, bool]:
        """Return what `step` leads to, and whether by a merge key."""
        if isinstance(node, SequenceNode) and isinstance(step, int):
            return (node.value[step] if step < len(node.value) else None), False
        if not isinstance(node, MappingNode):
            return None, False
        if id(node) not in self._entries:
            self._entries[id(node)] = _entries(node)
        return self._entries[id(node)].get(step, (None, False))

    def _count(self, node: Node) -> None:
        """Count how often each node is referred to; what is in it once, however often that is."""
        times = self._references.get(id(node), 0)
        self._references[id(node)] = times + 1
        if not times:
            for child in _children(node):
                self._count(child)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for _, value in node.value:
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _entries(node: MappingNode) -> dict[Step, tuple[Node, bool]]:
    """Return what stands under each key, and whether by a merge; own keys win, then the first."""
    own: dict[Step, tuple[Node, bool]] = {}
    merged: dict[Step, tuple[Node, bool]] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            continue
        if key.value == _MERGE and key.style is None:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                for name, (found, _) in _entries(source).items():
                    merged.setdefault(name, (found, True))
        else:
            own[key.value] = value, False
    return merged | own

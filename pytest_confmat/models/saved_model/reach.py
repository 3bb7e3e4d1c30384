"""What of a graph is run when some of its operations are: these, and all that they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pytest_confmat.models.saved_model.reading import op_name


@dataclass(frozen=True)
class Reach:
    """Part of a graph.

    Attributes
    ----------
    nodes, functions
        Names of nodes of the graph, and of functions of its library. Of a function, all is part.
    kinds
        The operations in either.
    """

    nodes: frozenset[str]
    functions: frozenset[str]
    kinds: frozenset[str]


class Graph:
    """A ``GraphDef``, its nodes and functions by name."""

    def __init__(self, definition: Any) -> None:
        self.definition = definition

    @cached_property
    def nodes(self) -> Mapping[str, Any]:
        """Nodes by name."""
        return {node.name: node for node in self.definition.node}

    @cached_property
    def functions(self) -> Mapping[str, Any]:
        """Functions by name."""
        return {each.signature.name: each for each in self.definition.library.function}

    def reach(self, targets: Iterable[str]) -> Reach:
        """Return what runs when the operations or tensors named `targets` are run."""
        nodes: set[str] = set()
        called: set[str] = set()
        waiting = [op_name(each) for each in targets]
        while waiting:
            name = waiting.pop()
            if name in nodes or name not in self.nodes:
                continue  # importing an incomplete graph is what fails
            nodes.add(name)
            waiting += map(op_name, self.nodes[name].input)
            called.update(self._called(self.nodes[name]))
        functions = self._functions(called)
        inside = [node for name in functions for node in self.functions[name].node_def]
        own = [self.nodes[name] for name in nodes]
        kinds = frozenset(node.op for node in (*own, *inside)) - functions
        return Reach(frozenset(nodes), functions, kinds)

    def _functions(self, called: Iterable[str]) -> frozenset[str]:
        found: set[str] = set()
        waiting = list(called)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += (f for node in self.functions[name].node_def for f in self._called(node))
        return frozenset(found)

    def _called(self, node: Any) -> Iterator[str]:
        """Yield the functions of the library that a node names in any way."""
        if node.op in self.functions:
            yield node.op
        for value in node.attr.values():
            for function in (value.func, *value.list.func):
                # A function may be handed others, as its own attributes.
                yield from self._named(function)

    def _named(self, function: Any) -> Iterator[str]:
        waiting = [function]
        while waiting:
            each = waiting.pop()
            if each.name in self.functions:
                yield each.name
            for value in each.attr.values():
                waiting += (value.func, *value.list.func)

"""Strict YAML: a file becomes a tree of text, lists and mappings that know their lines.

Only the syntax is YAML's. No scalar is ever turned into a number, a boolean or a date, so that a
class called ``no``, ``1`` or ``12:30`` stays itself; what a text means is for the grammar to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.policy.graph import (
    DEEPEST,
    Branch,
    Counter,
    Leaf,
    Raw,
    SyntaxFault,
    compose,
    fail,
)
from pytest_confmat.policy.text import lines_of, read_text, shown

OWN_KEY = "x-"
_MERGE = "<<"
_SIMPLE = re.compile(r"[\w-]+")
# What an escape can write and neither a file name nor a report can hold.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class Scalar(str):
    """A scalar's text. `plain`: it was written without quotes."""

    line: int
    plain: bool

    def __new__(cls, text: str, line: int, plain: bool = True) -> Scalar:
        """Return the text that stands on `line`."""
        scalar = super().__new__(cls, text)
        scalar.line = line
        scalar.plain = plain
        return scalar


class Items(list["Node"]):
    """A sequence."""

    def __init__(self, items: Sequence[Node], line: int) -> None:
        super().__init__(items)
        self.line = line


class Block(dict[str, "Node"]):
    """A mapping; `lines` says where each key stands."""

    def __init__(self, entries: Mapping[str, Node], lines: Mapping[str, int], line: int) -> None:
        super().__init__(entries)
        self.lines = dict(lines)
        self.line = line


Node = Scalar | Items | Block


@dataclass(frozen=True)
class Document:
    """A thresholds file as it was written, the user's own ``x-`` keys left out."""

    path: Path
    root: Block
    last_line: int

    def place(self, keys: Sequence[str | int]) -> tuple[Location, str]:
        """Find where `keys` lead to, and say the way in words; what is not there is passed over.

        The words are empty for the document itself.
        """
        node: Node = self.root
        line = node.line
        words = ""
        for key in keys:
            if isinstance(node, Block) and isinstance(key, str) and key in node:
                line = node.lines[key]
                node = node[key]
                words += _step(key) if words else key
            elif isinstance(node, Items) and isinstance(key, int) and key < len(node):
                node = node[key]
                line = node.line
                words += f"[{key}]"
        return Location(self.path, min(line, self.last_line)), words


def _step(key: str) -> str:
    return f".{key}" if _SIMPLE.fullmatch(key) else f"[{key!r}]"


def read_document(path: Path) -> Document:
    """Read a file that holds one mapping.

    Raises
    ------
    PolicyError
        If it is no text file, no YAML, more than one document, no mapping, or uses what is not
        read here: tags, keys that are no text, the same key twice, aliases that never end.
    """
    text = read_text(path, "the file", Location(path, 1))
    lines = lines_of(text)
    last_line = max(1, len(lines) - (not lines[-1]))
    try:
        return Document(path, _root(compose(text)), last_line)
    except SyntaxFault as fault:
        location = Location(path, min(fault.line, last_line))
        raise PolicyError(fault.message, location) from None


def _root(raw: Raw | None) -> Block:
    if raw is None or (isinstance(raw, Leaf) and raw.plain and not raw.text):
        fail("the file is empty; it needs version, thresholds, and dataset or classes", 1)
    _refuse_tag(raw)
    if not (isinstance(raw, Branch) and raw.is_mapping):
        fail("expected the keys of a policy: version, dataset, thresholds", raw.line)
    tree = _Tree()
    pairs = tree.pairs(raw, ())
    ours = {key: pair for key, pair in pairs.items() if not key.startswith(OWN_KEY)}
    return tree.block(raw, ours, ())


_Pairs = dict[str, tuple[int, Raw]]


class _Tree:
    """From the graph to the tree it stands for: aliases copied out, ``<<`` merged.

    Tags, keys and cycles are judged here, on what is read, and so not in the user's own keys.
    """

    def __init__(self) -> None:
        self._counter = Counter()

    def node(self, raw: Raw, above: tuple[Branch, ...]) -> Node:
        self._counter.count(raw.line)
        _refuse_tag(raw)
        if isinstance(raw, Leaf):
            return Scalar(_text(raw), raw.line, raw.plain)
        if raw.is_mapping:
            return self.block(raw, self.pairs(raw, above), above)
        inside = _enter(raw, above)
        return Items([self.node(child, inside) for child in raw.children], raw.line)

    def block(self, raw: Branch, pairs: _Pairs, above: tuple[Branch, ...]) -> Block:
        inside = _enter(raw, above)
        entries = {key: self.node(value, inside) for key, (_, value) in pairs.items()}
        return Block(entries, {key: line for key, (line, _) in pairs.items()}, raw.line)

    def pairs(self, raw: Branch, above: tuple[Branch, ...]) -> _Pairs:
        """Return key, line and value: what ``<<`` brings in, then the mapping's own, which win."""
        inside = _enter(raw, above)
        own: _Pairs = {}
        merge: tuple[int, Raw] | None = None
        for key, value in zip(raw.children[::2], raw.children[1::2], strict=True):
            self._counter.count(key.line)
            _refuse_tag(key)
            if not isinstance(key, Leaf):
                fail("a key must be text, and this one is a list or a mapping", key.line)
            text = _text(key)
            is_merge = text == _MERGE and key.plain
            first = merge if is_merge else own.get(text)
            if first is not None:
                fail(f"key {shown(text)} is already on line {first[0]}", key.line)
            if is_merge:
                merge = (key.line, value)
            else:
                own[text] = (key.line, value)
        return own if merge is None else {**self._merged(*merge, inside), **own}

    def _merged(self, line: int, raw: Raw, inside: tuple[Branch, ...]) -> _Pairs:
        several = isinstance(raw, Branch) and not raw.is_mapping
        merged: _Pairs = {}
        for source in raw.children if isinstance(raw, Branch) and several else [raw]:
            self._counter.count(line)
            _refuse_tag(source)
            if not (isinstance(source, Branch) and source.is_mapping):
                fail("<< takes a mapping, or a list of mappings", line)
            for key, pair in self.pairs(source, inside).items():
                merged.setdefault(key, pair)
        return merged


def _enter(raw: Branch, above: tuple[Branch, ...]) -> tuple[Branch, ...]:
    if any(raw is branch for branch in above):
        fail("this value contains itself, by an alias", raw.line)
    if len(above) >= DEEPEST:
        fail(f"nested more than {DEEPEST} levels deep, counting aliases", raw.line)
    return (*above, raw)


def _refuse_tag(raw: Raw) -> None:
    if raw.tag is not None:
        fail(f"tag {shown(raw.tag)} is not read; write the value without it", raw.line)


def _text(leaf: Leaf) -> str:
    if escaped := _NO_TEXT.search(leaf.text):
        code = ord(escaped.group())
        fail(f"the escape for U+{code:04X} writes what is no text", leaf.line)
    return leaf.text

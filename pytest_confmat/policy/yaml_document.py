"""Strict YAML: a file becomes a tree of text, lists and mappings that know their lines.

Only the syntax is YAML's. No scalar is ever turned into a number, a boolean or a date, so that a
class called ``no``, ``1`` or ``12:30`` stays itself; what a text means is for the grammar to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.policy.text_files import lines_of, read_text, shown
from pytest_confmat.policy.yaml_graph import (
    DEEPEST,
    Counter,
    Raw,
    RawCollection,
    RawScalar,
    SyntaxFault,
    compose,
    fail,
)

OWN_KEY = "x-"
_MERGE = "<<"
_SIMPLE = re.compile(r"[\w-]+")
# What an escape can write and neither a file name nor a report can hold.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class ScalarNode(str):
    """A scalar's text.

    Attributes
    ----------
    plain
        It was written without quotes.
    span
        Its first character in the file's text, and the one after its last.
    is_shared
        Whether it also stands for other places: an alias names it or a value around it, or it was
        merged in by ``<<``.
    """

    line: int
    plain: bool
    span: tuple[int, int]
    is_shared: bool

    def __new__(
        cls,
        text: str,
        line: int,
        plain: bool = True,
        span: tuple[int, int] = (0, 0),
        is_shared: bool = False,
    ) -> ScalarNode:
        """Return the text that stands on `line`."""
        scalar = super().__new__(cls, text)
        scalar.line = line
        scalar.plain = plain
        scalar.span = span
        scalar.is_shared = is_shared
        return scalar


class SequenceNode(list["Node"]):
    """A sequence."""

    def __init__(self, items: Sequence[Node], line: int) -> None:
        super().__init__(items)
        self.line = line


class MappingNode(dict[str, "Node"]):
    """A mapping; `lines` says where each key stands."""

    def __init__(self, entries: Mapping[str, Node], lines: Mapping[str, int], line: int) -> None:
        super().__init__(entries)
        self.lines = dict(lines)
        self.line = line


Node = ScalarNode | SequenceNode | MappingNode


@dataclass(frozen=True)
class Document:
    """A thresholds file as it was written, the user's own ``x-`` keys left out."""

    path: Path
    root: MappingNode
    last_line: int

    def place(self, keys: Sequence[str | int]) -> tuple[Location, str]:
        """Find where `keys` lead to, and say the way in words; what is not there is passed over.

        The words are empty for the document itself.
        """
        node: Node = self.root
        line = node.line
        words = ""
        for key in keys:
            child = _child(node, key)
            if child is None:
                continue
            if isinstance(node, MappingNode) and isinstance(key, str):
                line = node.lines[key]
                words += _step(key) if words else key
            else:
                line = child.line
                words += f"[{key}]"
            node = child
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
        return Document(path, parse(text), last_line)
    except SyntaxFault as fault:
        location = Location(path, min(fault.line, last_line))
        raise PolicyError(fault.message, location) from None


def find(root: Node, keys: Sequence[str | int]) -> Node | None:
    """Return the node that `keys` lead to; ``None`` if there is none."""
    node: Node | None = root
    for key in keys:
        node = _child(node, key)
    return node


def _child(node: Node | None, key: str | int) -> Node | None:
    if isinstance(node, MappingNode) and isinstance(key, str):
        return node.get(key)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node):
        return node[key]
    return None


def parse(text: str) -> MappingNode:
    """Return the mapping that a text holds, without the keys that start with ``x-``.

    Raises
    ------
    SyntaxFault
        If it is not YAML, or not what `read_document` reads.
    """
    raw = compose(text)
    if raw is None or (isinstance(raw, RawScalar) and raw.plain and not raw.text):
        fail("the file is empty; it needs version, thresholds, and dataset or classes", 1)
    _refuse_tag(raw)
    if not (isinstance(raw, RawCollection) and raw.is_mapping):
        fail("expected the keys of a policy: version, dataset, thresholds", raw.line)
    tree = _Tree()
    pairs = tree.pairs(raw, ())
    ours = {key: pair for key, pair in pairs.items() if not key.startswith(OWN_KEY)}
    return tree.mapping(raw, ours, (), is_shared=False)


@dataclass(frozen=True)
class _Pair:
    """What stands under a key: the key's line, the value, and whether ``<<`` brought it in."""

    line: int
    value: Raw
    is_merged: bool = False


_Pairs = dict[str, _Pair]


class _Tree:
    """From the graph to the tree it stands for: aliases copied out, ``<<`` merged.

    Tags, keys and cycles are judged here, on what is read, and so not in the user's own keys.
    """

    def __init__(self) -> None:
        self._counter = Counter()

    def node(self, raw: Raw, above: tuple[RawCollection, ...], *, is_shared: bool) -> Node:
        self._counter.count(raw.line)
        _refuse_tag(raw)
        is_shared = is_shared or raw.has_alias
        if isinstance(raw, RawScalar):
            return ScalarNode(_text(raw), raw.line, raw.plain, raw.span, is_shared)
        if raw.is_mapping:
            return self.mapping(raw, self.pairs(raw, above), above, is_shared=is_shared)
        inside = _enter(raw, above)
        nodes = [self.node(child, inside, is_shared=is_shared) for child in raw.children]
        return SequenceNode(nodes, raw.line)

    def mapping(
        self,
        raw: RawCollection,
        pairs: _Pairs,
        above: tuple[RawCollection, ...],
        *,
        is_shared: bool,
    ) -> MappingNode:
        inside = _enter(raw, above)
        entries = {
            key: self.node(pair.value, inside, is_shared=is_shared or pair.is_merged)
            for key, pair in pairs.items()
        }
        return MappingNode(entries, {key: pair.line for key, pair in pairs.items()}, raw.line)

    def pairs(self, raw: RawCollection, above: tuple[RawCollection, ...]) -> _Pairs:
        """Return what stands under each key: from ``<<``, and the mapping's own, which win."""
        inside = _enter(raw, above)
        own: _Pairs = {}
        merge: _Pair | None = None
        for key, value in zip(raw.children[::2], raw.children[1::2], strict=True):
            self._counter.count(key.line)
            _refuse_tag(key)
            if not isinstance(key, RawScalar):
                fail("a key must be text, and this one is a list or a mapping", key.line)
            text = _text(key)
            is_merge = text == _MERGE and key.plain
            first = merge if is_merge else own.get(text)
            if first is not None:
                fail(f"key {shown(text)} is already on line {first.line}", key.line)
            if is_merge:
                merge = _Pair(key.line, value)
            else:
                own[text] = _Pair(key.line, value)
        return own if merge is None else {**self._merged(merge, inside), **own}

    def _merged(self, merge: _Pair, inside: tuple[RawCollection, ...]) -> _Pairs:
        line, raw = merge.line, merge.value
        several = isinstance(raw, RawCollection) and not raw.is_mapping
        merged: _Pairs = {}
        for source in raw.children if isinstance(raw, RawCollection) and several else [raw]:
            self._counter.count(line)
            _refuse_tag(source)
            if not (isinstance(source, RawCollection) and source.is_mapping):
                fail("<< takes a mapping, or a list of mappings", line)
            for key, pair in self.pairs(source, inside).items():
                merged.setdefault(key, replace(pair, is_merged=True))
        return merged


def _enter(raw: RawCollection, above: tuple[RawCollection, ...]) -> tuple[RawCollection, ...]:
    if any(raw is branch for branch in above):
        fail("this value contains itself, by an alias", raw.line)
    if len(above) >= DEEPEST:
        fail(f"nested more than {DEEPEST} levels deep, counting aliases", raw.line)
    return (*above, raw)


def _refuse_tag(raw: Raw) -> None:
    if raw.tag is not None:
        fail(f"tag {shown(raw.tag)} is not read; write the value without it", raw.line)


def _text(leaf: RawScalar) -> str:
    if escaped := _NO_TEXT.search(leaf.text):
        code = ord(escaped.group())
        fail(f"the escape for U+{code:04X} writes what is no text", leaf.line)
    return leaf.text

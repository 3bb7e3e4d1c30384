"""The graph of nodes that a YAML text describes: syntax and anchors, no meaning yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError

from pytest_confmat.policy.text_files import shown

DEEPEST = 64
MOST_VALUES = 500_000


class SyntaxFault(Exception):  # noqa: N818 - never seen by a user: it becomes a PolicyError
    """What is wrong, and the line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line


@dataclass(eq=False)
class RawScalar:
    """A scalar.

    Attributes
    ----------
    plain
        It was written without quotes.
    span
        Its first character in the text, and the one after its last.
    has_alias
        Whether an alias names it.
    """

    line: int
    tag: str | None
    text: str
    plain: bool
    span: tuple[int, int]
    has_alias: bool = False


@dataclass(eq=False)
class RawCollection:
    """A sequence, or a mapping, whose `children` are keys and values in turn."""

    line: int
    tag: str | None
    is_mapping: bool
    children: list[RawScalar | RawCollection] = field(default_factory=list)
    has_alias: bool = False


Raw = RawScalar | RawCollection


class Counter:
    """How many values were met: few bytes of aliases can stand for billions."""

    def __init__(self) -> None:
        self._values = 0

    def count(self, line: int) -> None:
        """Count one more, or raise SyntaxFault."""
        self._values += 1
        if self._values > MOST_VALUES:
            fail(f"the file stands for more than {MOST_VALUES:,} values", line)


def fail(message: str, line: int) -> NoReturn:
    """Raise SyntaxFault."""
    raise SyntaxFault(message, line)


def compose(text: str) -> Raw | None:
    """Return the root of the one document in `text`, or ``None`` if there is none.

    An alias is the very node that it names, so that the graph may hold cycles.

    Raises
    ------
    SyntaxFault
        If `text` is no YAML, holds a second document, is too large or too deep, or names an
        anchor that is not there.
    """
    root: Raw | None = None
    open_branches: list[RawCollection] = []
    anchors: dict[str, Raw] = {}
    counter = Counter()
    for event in _events(text):
        line = event.start_mark.line + 1
        if isinstance(event, events.DocumentStartEvent) and root is not None:
            fail("a second YAML document starts here; one file is one policy", line)
        if isinstance(event, events.CollectionEndEvent):
            open_branches.pop()
        if not isinstance(event, events.NodeEvent):
            continue
        counter.count(line)
        node = _node(event, line, anchors)
        if open_branches:
            open_branches[-1].children.append(node)
        else:
            root = node
        if isinstance(event, events.CollectionStartEvent) and isinstance(node, RawCollection):
            open_branches.append(node)
            if len(open_branches) > DEEPEST:
                fail(f"nested more than {DEEPEST} levels deep", line)
    return root


def _node(event: Any, line: int, anchors: dict[str, Raw]) -> Raw:
    if isinstance(event, events.AliasEvent):
        if event.anchor not in anchors:
            fail(f"alias {shown(event.anchor)} has no anchor of that name above it", line)
        anchors[event.anchor].has_alias = True
        return anchors[event.anchor]
    node: Raw
    if isinstance(event, events.ScalarEvent):
        span = event.start_mark.index, event.end_mark.index
        node = RawScalar(line, event.tag, event.value, event.style is None, span)
    else:
        node = RawCollection(line, event.tag, isinstance(event, events.MappingStartEvent))
    if event.anchor is not None:
        if first := anchors.get(event.anchor):
            fail(f"anchor {shown(event.anchor)} is already on line {first.line}", line)
        anchors[event.anchor] = node
    return node


def _events(text: str) -> Iterator[Any]:
    line = 1
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            line = event.start_mark.line + 1
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        fail(f"not valid YAML: {_in_words(error)}", mark.line + 1 if mark else line)
    except (OverflowError, ValueError):
        # "\UFFFFFFFF", or a version of 5,000 digits.
        fail("not valid YAML: an escape or a directive with an impossible number", line)
    except Exception as error:
        # Nothing else is known to come through, and nothing shall.
        fail(f"not valid YAML: the parser gave up here, with {type(error).__name__}", line)


def _in_words(error: MarkedYAMLError) -> str:
    context = str(error.context or "")
    begun, found = error.context_mark, error.problem_mark
    if context and begun and found and begun.line != found.line:
        context += f" that starts on line {begun.line + 1}"
    words = ", ".join(part for part in (context, str(error.problem or "")) if part)
    return " ".join(words.split()).replace("'\\x00'", "the end of the file")

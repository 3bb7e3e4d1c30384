"""Texts as the reader of policies takes them back: names in quotes where they need some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

WIDTH = 100
# What every reader of YAML, and every person, takes for a text. The words are YAML 1.1's.
_PLAIN = re.compile(r"[^\W\d_](?:[\w.+/-]| (?=[\w+(]))*", re.UNICODE)
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"])
# A longer entry does not push the comments of the others to the right.
_COLUMN = 40
_BREAKS = re.compile(r"\s+")


def name(text: str) -> str:
    """Write a class name or a key."""
    if _PLAIN.fullmatch(text) and text.isprintable() and text.lower() not in _WORDS:
        return text
    return quoted(text)


def path(text: str) -> str:
    """Write a path."""
    plain = re.fullmatch(r"[\w./+-]+", text) and not text.startswith("-")
    return text if plain and text.isprintable() and _looks_textual(text) else quoted(text)


def quoted(text: str) -> str:
    """Write a text in double quotes; what cannot be seen is escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


def flow(items: Iterable[str], head: str, indent: int) -> list[str]:
    """Return the lines of ``head: [a, b, c]``, broken where they are long.

    Parameters
    ----------
    items
        As they are to be written.
    indent
        Of every line after the first.
    """
    written = list(items)
    one = f"{head}: [{', '.join(written)}]"
    if len(one) <= WIDTH - 40:
        return [one]
    lines, line = [f"{head}: ["], " " * indent
    for item in written:
        if len(line) + len(item) + 2 > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * indent
        line += f"{item}, "
    return [*lines, line.rstrip(), "]"]


def aligned(entries: Sequence[tuple[str, str]], indent: int) -> Iterator[str]:
    """Yield lines with their comments below each other, as far as they are not too long."""
    width = max((len(text) for text, _ in entries if len(text) <= _COLUMN), default=0)
    for text, remark in entries:
        line = f"{' ' * indent}{text}"
        yield f"{line:{indent + width}}   # {remark}" if remark else line


def comment(text: str, indent: int = 0) -> list[str]:
    """Return a comment's lines, wrapped; it stays one whatever `text` holds."""
    plain = _BREAKS.sub(" ", "".join(c if c.isprintable() else " " for c in text))
    return [
        f"{' ' * indent}# {line}"
        for line in wrap(plain, WIDTH - indent - 2, break_on_hyphens=False, break_long_words=False)
    ]


def _looks_textual(text: str) -> bool:
    return any(c.isalpha() or c == "/" for c in text) and text.lower() not in _WORDS


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

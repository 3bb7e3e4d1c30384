"""Words for messages about data: names, lists and paths fit to be read."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable
from pathlib import Path


def listed(names: Collection[str], limit: int = 10) -> str:
    """Return the first `limit` names, quoted, and how many more there are."""
    first = ", ".join(repr(name) for _, name in zip(range(limit), names, strict=False))
    more = len(names) - limit
    return f"{first} and {more:,} more" if more > 0 else first


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 file``, ``2 files``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def hint(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'cat'?`` for the nearest of `names`, or nothing."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def shown(path: str | Path) -> str:
    """Return a path as a person would write it: relative where it lies below the working folder."""
    text = os.fspath(path)
    try:
        relative = os.path.relpath(text)
    except ValueError:
        return escaped(text)
    return escaped(text if relative.startswith(os.pardir) else relative)


def escaped(name: str) -> str:
    r"""Return a file name with what cannot be printed, or is no UTF-8, as ``\xNN``."""
    data = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in data)


def start_of(data: bytes) -> str:
    """Return the first bytes of a content, to be recognized by."""
    return repr(bytes(data[:12]))

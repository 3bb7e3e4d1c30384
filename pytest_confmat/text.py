"""Words for messages: numbers with their nouns, long lists cut short, names in quotes.

Names stay as they are, but for their line breaks: what a terminal must not obey is escaped where
the message is shown (`escaping`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

_LONGEST_NAME = 120
# What `str.splitlines` takes for the end of a line.
_LINE_BREAK = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``1 limit`` or ``2,000 limits``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def one_line(name: str, most: int = _LONGEST_NAME) -> str:
    r"""Return a name with its line breaks as ``\n``, and without its middle if it is very long.

    No name begins a line of a message, or fills it.
    """
    if len(name) > most:
        name = f"{name[: most // 2]}...{name[-(most // 2) :]}"
    return _LINE_BREAK.sub(lambda found: repr(found.group())[1:-1], name)


def quoted(name: str) -> str:
    """Return ``'cat'``."""
    return f"'{one_line(name)}'"


def and_more(hidden: int, one: str = "", many: str | None = None) -> str:
    """Return ``and 3 more`` or ``and 3 more limits``."""
    noun = one if hidden == 1 or not one else many or f"{one}s"
    return f"and {hidden:,} more {noun}".rstrip()


def joined(texts: Collection[str], most: int = 10) -> str:
    """Return ``a, b and 3 more``: the first `most` of the texts as they are."""
    first, hidden = ", ".join(islice(texts, most)), len(texts) - most
    return f"{first} {and_more(hidden)}" if hidden > 0 else first


def listed(names: Collection[str], most: int = 10) -> str:
    """Return ``'cat', 'dog' and 3 more``: the first `most` names in quotes."""
    first, hidden = ", ".join(map(quoted, islice(names, most))), len(names) - most
    return f"{first} {and_more(hidden)}" if hidden > 0 else first


def first_lines(
    lines: Sequence[str], most: int, one: str = "", many: str | None = None
) -> list[str]:
    """Return the first `most` lines and, where there are others, a last one that counts them."""
    hidden = len(lines) - most
    return [*lines[:most], *([and_more(hidden, one, many)] if hidden > 0 else [])]


def shortened(text: str, most: int) -> str:
    """Return `text`, cut after `most` characters."""
    return text if len(text) <= most else f"{text[:most]}..."


def brief(value: object) -> str:
    """Return how Python writes a value of a file's, cut after 100 characters."""
    return shortened(repr(value), 100)


def near(name: str, known: Iterable[str], most: int = 1, likeness: float = 0.6) -> list[str]:
    """Return the known names that are most like `name`, whatever their case, the nearest first."""
    by_fold = {candidate.casefold(): candidate for candidate in reversed(list(known))}
    return [by_fold[fold] for fold in get_close_matches(name.casefold(), by_fold, most, likeness)]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'dog'?``, or nothing where no known name is near."""
    return "".join(f"; did you mean {quoted(found)}?" for found in near(name, known))


def nearest_or_all(name: str, known: Iterable[str], most: int = 12) -> str:
    """Return ``; did you mean 'dog'?``, or else the known names, at most `most` of them."""
    names = list(known)
    there_are = f"; there are {listed(names, most)}" if names else ""
    return nearest(name, names) or there_are

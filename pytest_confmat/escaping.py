"""Text for a terminal and a log: what cannot be seen is shown, what would be obeyed is not.

Messages carry names as they are. Whatever shows one to a person escapes it here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

ELLIPSIS = "..."
# What build servers take for commands of theirs: `##[error]` and `##vso[...]` anywhere in a line,
# `::error::` where it begins, after blanks.
_BRACKET_COMMAND = re.compile(r"##\w*\[")
_COLON_COMMAND = re.compile(r"^([ \t]*):(?=:)", re.MULTILINE)

_LONGEST_LINE = 4000


def printable(
    text: str, limit: int = 120, is_shown: Callable[[str], bool] = str.isprintable
) -> str:
    r"""Return `text` as one line that a terminal or a build server shows and does not obey.

    Control and format characters, line and paragraph separators, blanks other than the space,
    lone surrogates, private and unassigned characters are written as Python writes them
    (``\x1b``, ``\u202e``), a byte of a file name that is no UTF-8 as ``\xff``. So are joiners,
    without which an emoji falls into its pieces, because two names that differ by one alone would
    look the same. ``##[`` and a leading ``::`` lose their meaning. Backslashes stay, so that
    what was escaped before stays as it is.

    Parameters
    ----------
    text
        A class or file name, an id, a sentence.
    limit
        Characters at most; what is longer loses its middle.
    is_shown
        Which characters may stay as they are; for a picture, those that its fonts have.
    """
    if len(text) > 2 * limit:
        # Nothing between is shown, however long it is.
        text = text[:limit] + text[-limit:]
    obeyed = {found.end() - 1 for found in _BRACKET_COMMAND.finditer(text)}
    if leading := _COLON_COMMAND.match(text):
        obeyed.add(leading.end() - 1)
    shown = [
        _escaped(character)
        if position in obeyed
        else character
        if is_shown(character)
        else _spelled(character)
        for position, character in enumerate(text)
    ]
    return _shortened(shown, limit)


def printable_quoted(name: str) -> str:
    """Return a class name in quotes, fit to be printed."""
    return f"'{printable(name)}'"


def printable_lines(text: str) -> str:
    """Return a message of several lines with each of them fit to be printed."""
    return defused("\n".join(printable(line, _LONGEST_LINE) for line in text.splitlines()))


def defused(block: str) -> str:
    """Return lines that were put together or wrapped, with no command for a build server in them.

    Names are escaped one by one; this is for what their neighbors make of them.
    """
    block = _BRACKET_COMMAND.sub(lambda found: found.group()[:-1] + _escaped("["), block)
    return _COLON_COMMAND.sub(lambda found: found.group(1) + _escaped(":"), block)


def _spelled(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte, as Python decodes file names
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _escaped(character: str) -> str:
    return f"\\x{ord(character):02x}"


def _shortened(shown: list[str], limit: int) -> str:
    """Join `shown`, cut in the middle, never inside an escape."""
    whole = "".join(shown)
    if len(whole) <= limit:
        return whole
    room = max(limit - len(ELLIPSIS), 0)
    head = _fitting(shown, room - room // 2)
    tail = _fitting(shown[::-1], room // 2)[::-1]
    return "".join((*head, ELLIPSIS, *tail))[:limit]


def _fitting(shown: list[str], room: int) -> list[str]:
    taken: list[str] = []
    for piece in shown:
        room -= len(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken

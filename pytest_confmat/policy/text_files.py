"""Text files that the user wrote, read whole; every fault has its line."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.files import irregular, open_file
from pytest_confmat.text import shortened

# A policy for ImageNet's 21,841 classes with a bound for each is below 1 MB.
LARGEST = 4 * 2**20
_LONGEST_SHOWN = 80
_BOM = b"\xef\xbb\xbf"
_BREAK = re.compile(r"\r\n|\r|\n")
# Control characters, and what some programs take for a line break and others do not.
_UNFIT = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def shown(text: str) -> str:
    """Return `text` in quotes, one line, cut where it is long."""
    return repr(shortened(text, _LONGEST_SHOWN))


def lines_of(text: str) -> list[str]:
    """Split at line breaks as editors count them: LF, CR LF, CR."""
    return _BREAK.split(text)


def line_at(text: str, position: int) -> int:
    """Return the number of the line, from 1, that `position` stands on."""
    return 1 + len(_BREAK.findall(text, 0, position))


def read_text(path: Path, subject: str, named_at: Location) -> str:
    """Read a UTF-8 file, a byte order mark left out.

    Parameters
    ----------
    subject
        What the file is called in messages.
    named_at
        Who is to blame when there is no such file.

    Raises
    ------
    PolicyError
        If there is no such file, or it is no text, with the line that is not.
    """
    content = _read_bytes(path, subject, named_at).removeprefix(_BOM)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        raise PolicyError(
            f"{subject} is not UTF-8: byte 0x{content[error.start]:02x} cannot stand here",
            Location(path, line_at(before, len(before))),
        ) from None
    if unfit := _UNFIT.search(text):
        raise PolicyError(
            f"{subject} holds the character U+{ord(unfit.group()):04X}, which has no place in a "
            "text file; remove it",
            Location(path, line_at(text, unfit.start())),
        )
    return text


def _read_bytes(path: Path, subject: str, named_at: Location) -> bytes:
    try:
        path.stat()
        kind = irregular(path)
        if kind is None:
            with open_file(path) as stream:
                content = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PolicyError(f"{subject} cannot be read: {reason}", named_at) from None
    if kind is not None:
        raise PolicyError(f"{subject} is {kind}; name a text file", named_at)
    if len(content) > LARGEST:
        raise PolicyError(
            f"{subject} is larger than {LARGEST // 2**20} MiB, which no such file needs to be",
            named_at,
        )
    return content

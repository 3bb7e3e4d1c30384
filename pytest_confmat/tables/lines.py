"""Lines of a text file in UTF-8, with their numbers, none of them longer than can be meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.files import open_file

LONGEST = 1 << 22
_BOM = b"\xef\xbb\xbf"


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each line, with its end and without the file's BOM.

    Raises
    ------
    DataError
        If the file cannot be read, or a line is longer than 4 MiB.
    """
    try:
        with open_file(path) as stream:
            number = 0
            while line := stream.readline(LONGEST + 1):
                number += 1
                if len(line) > LONGEST:
                    raise DataError(
                        f"{short_path(path)}:{number} is longer than 4 MiB, so it is hardly a line "
                        "of a table"
                    )
                yield number, line.removeprefix(_BOM) if number == 1 else line
    except OSError as error:
        raise DataError(f"{short_path(path)} cannot be read: {error.strerror}") from error


def utf8_fault(line: bytes) -> str | None:
    """Return why a line cannot be read as text, to follow its place; ``None``: it can."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return (
            f"is not UTF-8: byte {line[error.start]:#04x} after "
            f"{len(line[: error.start].decode()):,} characters; save the file as UTF-8"
        )
    if b"\0" in line:
        return "holds a NUL character, so it is no text in UTF-8"
    return None

"""Class names in a text file, a name a line."""

from __future__ import annotations

from pathlib import Path

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.policy.scalars import first_repeated
from pytest_confmat.policy.text_files import lines_of, read_text, shown


def read_names(path: Path, named_at: Location) -> tuple[str, ...]:
    """Read class names; empty lines may end the file.

    Raises
    ------
    PolicyError
        If there is no such file (at `named_at`), or a line of it is no name.
    """
    lines = lines_of(read_text(path, f"the label file {str(path)!r}", named_at))
    while lines and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, 1):
        _check(line, Location(path, number))
    if repeated := first_repeated(lines):
        index, first, message = repeated
        raise PolicyError(message.format(line=first + 1), Location(path, index + 1))
    if len(lines) < 2:
        raise PolicyError(
            f"a classifier has at least two classes, and here is {len(lines)}", Location(path, 1)
        )
    return tuple(lines)


def _check(line: str, location: Location) -> None:
    if not line.strip():
        raise PolicyError("an empty line between class names; remove it", location)
    if "\t" in line:
        raise PolicyError(
            f"{shown(line)} holds a tab; a line is a class name and nothing else", location
        )
    if line != line.strip():
        raise PolicyError(f"{shown(line)} has blanks around the class name; remove them", location)

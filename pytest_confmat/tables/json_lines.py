"""JSONL: an object a line."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.tables.lines import lines, utf8_fault
from pytest_confmat.tables.table import ROWS, Chunk, RowFault, Table
from pytest_confmat.text import quoted, shortened

_SAMPLE = 100  # lines whose keys are the columns


class JsonLinesTable(Table):
    """An object a line; its keys are the columns, and a key that is not there is no value.

    Raises
    ------
    DataError
        If none of the first 100 lines is an object.
    """

    def __init__(self, path: Path) -> None:
        names: dict[str, None] = {}
        fault: RowFault | None = None
        for line, row in islice(_rows(path), _SAMPLE):
            if isinstance(row, str):
                fault = fault or RowFault(line, row)
            else:
                names.update(dict.fromkeys(row))
        if not names and fault is not None:
            raise DataError(f"{short_path(path)}:{fault.line} {fault.reason}")
        if not names:
            raise DataError(f"{short_path(path)} holds no objects; JSONL is one a line")
        super().__init__(path, tuple(names))

    def chunks(self, columns: Sequence[str]) -> Generator[Chunk]:
        """See `Table.chunks`."""
        self.require(*columns)
        rows = _rows(self.path)
        while some := list(islice(rows, ROWS)):
            good = [(line, row) for line, row in some if not isinstance(row, str)]
            yield Chunk(
                [line for line, _ in good],
                {name: [row.get(name) for _, row in good] for name in columns},
                [RowFault(line, row) for line, row in some if isinstance(row, str)],
            )


def _rows(path: Path) -> Generator[tuple[int, dict[str, Any] | str]]:
    """Yield each object with its line; in place of one that cannot be read, the reason."""
    for number, line in lines(path):
        if not line.strip():
            continue
        yield number, utf8_fault(line) or _object(line)


def _object(line: bytes) -> dict[str, Any] | str:
    try:
        found = json.loads(line.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        text = shortened(error.doc.strip(), 40)
        return f"is no JSON: {error.msg} at column {error.colno} ({quoted(text)})"
    except ValueError as error:  # a key twice, a number without end
        return str(error) if isinstance(error, _Refused) else "holds a number that is too long"
    except RecursionError:
        return "is nested too deeply"
    if not isinstance(found, dict):
        return f"is no JSON object, but {_kind(found)}; write one object a line"
    return found


class _Refused(ValueError):  # noqa: N818 (it never leaves this module)
    """What JSON allows, and a table does not."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"holds the key {quoted(twice)} more than once")
    return found


def _no_number(word: str) -> Any:
    raise _Refused(f"holds {word}, which is no JSON; write null where there is no value")


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "an array"
    return "a text" if isinstance(value, str) else "a single value"

"""CSV and TSV, by Python's csv."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path

from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.tables.lines import lines, utf8_fault
from pytest_confmat.tables.table import ROWS, Chunk, RowFault, Table
from pytest_confmat.text import listed, plural

_TABS = (".tsv", ".tab")
_NOT_OURS = ";|"


class DelimitedTable(Table):
    """Fields between delimiters, quoted as Excel and pandas do; the first line names the columns.

    Parameters
    ----------
    delimiter
        One character; ``None``: the comma or the tab, whichever the first line holds.

    Raises
    ------
    DataError
        If the first line names no columns, or one twice, or leaves the delimiter open.
    """

    def __init__(self, path: Path, delimiter: str | None = None) -> None:
        self._delimiter = delimiter or _delimiter_of(path)
        rows = _rows(path, self._delimiter)
        header = next((row for row in rows if row[1]), None)
        rows.close()
        if header is None:
            raise DataError(f"{short_path(path)} is empty; its first line must name the columns")
        line, found = header
        if isinstance(found, str):
            raise DataError(f"{short_path(path)}:{line} {found}")
        super().__init__(path, found, line)
        self._refuse_twice()

    def _refuse_twice(self) -> None:
        twice = sorted({name for name in self.names if name and self.names.count(name) > 1})
        if twice:
            raise DataError(
                f"{self.place(self.header or 1)} names {listed(twice)} more than once; a column "
                "has a name of its own"
            )

    def chunks(self, columns: Sequence[str]) -> Generator[Chunk]:
        """See `Table.chunks`."""
        self.require(*columns)
        places = [self.names.index(name) for name in columns]
        width = len(self.names)
        rows = (row for row in _rows(self.path, self._delimiter) if row[1])
        next(rows, None)
        while some := list(islice(rows, ROWS)):
            good: list[tuple[int, list[str]]] = []
            faults: list[RowFault] = []
            for line, row in some:
                if isinstance(row, str):
                    faults.append(RowFault(line, row))
                elif len(row) != width:
                    faults.append(RowFault(line, _width_fault(row, width, self._delimiter)))
                else:
                    good.append((line, row))
            by_place = list(zip(*(row for _, row in good), strict=True)) or [()] * width
            yield Chunk(
                [line for line, _ in good],
                {name: by_place[at] for name, at in zip(columns, places, strict=True)},
                faults,
            )


def _width_fault(row: Sequence[str], width: int, delimiter: str) -> str:
    if len(row) > width:
        cure = f"put a field that holds {delimiter!r} in quotes"
    else:
        cure = "fill in what is missing"
    return f"has {plural(len(row), 'field')}, and the first line names {width:,} columns; {cure}"


def _rows(path: Path, delimiter: str) -> Generator[tuple[int, list[str] | str]]:
    """Yield each row with the line it begins in; in place of one that is no text, the reason."""
    bad: list[tuple[int, str]] = []
    begins: int | None = None  # the first line of the row that is being read
    at = 0

    def texts() -> Iterator[str]:
        nonlocal at, begins
        for at, line in lines(path):
            if fault := None if _is_plain(line) else utf8_fault(line):
                bad.append((at, fault))
                continue
            begins = begins or at
            yield line.decode()

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            start = begins or at
            yield from bad
            # A row that lacks a line of its own is not the row that was written.
            if not any(start < line for line, _ in bad):
                yield start, row
            bad.clear()
            begins = None
        yield from bad
    except csv.Error as error:
        raise DataError(
            f"{short_path(path)}:{begins or at} cannot be read as a table with the delimiter "
            f"{delimiter!r}: {_reason(str(error))}"
        ) from error


def _is_plain(line: bytes) -> bool:
    return line.isascii() and b"\0" not in line


def _reason(said: str) -> str:
    if "unexpected end" in said:
        return "a field's quotes are never closed"
    if "field larger" in said:
        return "a field holds more than 131,072 characters, as if its quotes were never closed"
    if "new-line" in said:
        return "it holds a carriage return alone; end lines with LF or CRLF"
    if "expected after" in said:
        return "after closing quotes comes neither a delimiter nor the line's end"
    return said


def _delimiter_of(path: Path) -> str:
    """Tell the comma and the tab apart, by the first line."""
    first = next((line for _, line in lines(path) if line.strip()), b"")
    if fault := utf8_fault(first):
        raise DataError(f"{short_path(path)}:1 {fault}")
    bare = "".join(first.decode().split('"')[::2])  # what stands in quotes delimits nothing
    tab = "\t" in bare
    if tab and "," in bare:
        if path.suffix.lower() in _TABS:
            return "\t"
        if path.suffix.lower() == ".csv":
            return ","
        raise DataError(
            f"{short_path(path)}:1 holds commas and tabs; say which of them stands between "
            'fields, by delimiter: "," or delimiter: "\\t"'
        )
    if not tab and "," not in bare:
        for other in _NOT_OURS:
            if other in bare:
                raise DataError(
                    f"{short_path(path)}:1 holds neither a comma nor a tab, but {other!r}; if that "
                    f'stands between fields, say delimiter: "{other}"'
                )
    return "\t" if tab else ","

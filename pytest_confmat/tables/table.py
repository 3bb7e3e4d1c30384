"""The contract of a table: named columns, and rows in chunks, so that memory stays bounded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.text import listed, nearest

ROWS = 4096  # of a chunk


@dataclass(frozen=True)
class RowFault:
    """A row that cannot be read, and why, to follow its place: ``has 3 fields``."""

    line: int
    reason: str


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows, by columns.

    Attributes
    ----------
    lines
        Where each row begins: a line counted from 1, or the row's number in a format that has no
        lines.
    columns
        The values of the columns that were asked for. Texts in CSV; what JSON or Parquet hold
        else. ``None``: the row has no value.
    faults
        Rows among these that cannot be read, and are left out of `lines` and `columns`.
    """

    lines: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    faults: Sequence[RowFault] = field(default=())

    def __len__(self) -> int:
        return len(self.lines)


class Table(ABC):
    """A table in a file.

    Attributes
    ----------
    path
        The file.
    names
        The columns, in their order.
    header
        Where the names stand; ``None``: in no line of their own.
    """

    unit: ClassVar[str] = "line"

    def __init__(self, path: Path, names: Sequence[str], header: int | None = None) -> None:
        self.path = path
        self.names = tuple(names)
        self.header = header

    @abstractmethod
    def chunks(self, columns: Sequence[str]) -> Generator[Chunk]:
        """Read the rows once, from the first to the last.

        Raises
        ------
        DataError
            If there is no such column, or the file cannot be read on.
        """

    def place(self, line: int) -> str:
        """Return where a row is, for messages: ``test.csv:7``, ``row 7 of test.parquet``."""
        if self.unit == "line":
            return f"{short_path(self.path)}:{line}"
        return f"{self.unit} {line:,} of {short_path(self.path)}"

    def require(self, *columns: str) -> None:
        """Hold that there are columns of these names.

        Raises
        ------
        DataError
            If there is one not; the nearest name is shown.
        """
        for name in columns:
            if name not in self.names:
                where = short_path(self.path) if self.header is None else self.place(self.header)
                raise DataError(
                    f"{where} has no column {name!r}{nearest(name, self.names)}; its columns are "
                    f"{listed(self.names, 20)}"
                )

"""Parquet, by pyarrow."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from pytest_confmat.errors import DataError, MissingDependencyError
from pytest_confmat.filenames import short_path
from pytest_confmat.tables.table import ROWS, Chunk, Table
from pytest_confmat.text import listed, one_line


class ParquetTable(Table):
    """A Parquet file; rows have numbers in place of lines, from 1.

    Raises
    ------
    DataError
        If it cannot be read, or names a column twice.
    MissingDependencyError
        If pyarrow is not installed.
    """

    unit: ClassVar[str] = "row"

    def __init__(self, path: Path) -> None:
        parquet = _pyarrow(path).parquet
        with _readable(path), parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            self.rows: int = file.metadata.num_rows
            self.metadata: dict[bytes, bytes] = dict(file.schema_arrow.metadata or {})
        super().__init__(path, names)
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(
                f"{short_path(path)} names {listed(twice)} more than once; a column has a name of "
                "its own"
            )

    def chunks(self, columns: Sequence[str]) -> Generator[Chunk]:
        """See `Table.chunks`."""
        self.require(*columns)
        parquet = _pyarrow(self.path).parquet
        at = 1
        with _readable(self.path), parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(ROWS, columns=list(columns)):
                found = {name: batch.column(name).to_pylist() for name in columns}
                yield Chunk(range(at, at + batch.num_rows), found)
                at += batch.num_rows


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what pyarrow and the system raise into an error of ours."""
    pyarrow = _pyarrow(path)
    try:
        yield
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise DataError(
            f"{short_path(path)} cannot be read as Parquet: {one_line(lines[0])}"
        ) from error


def _pyarrow(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependencyError(
            f"{short_path(path)} is a Parquet file, and pyarrow, which reads them, is not "
            "installed; pip install 'pytest-confmat[parquet]'"
        ) from None
    return pyarrow

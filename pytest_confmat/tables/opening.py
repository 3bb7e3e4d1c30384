"""Of which format a table is."""

from __future__ import annotations

from pathlib import Path

from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path, text_of
from pytest_confmat.files import is_lfs_pointer, open_file
from pytest_confmat.tables.delimited import DelimitedTable
from pytest_confmat.tables.json_lines import JsonLinesTable
from pytest_confmat.tables.parquet import ParquetTable
from pytest_confmat.tables.table import Table
from pytest_confmat.text import nearest

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
JSON_LINES = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*DELIMITED, *JSON_LINES, *PARQUET)
_MAGIC = b"PAR1"
_OTHERS = (
    (b"\x1f\x8b", "a gzip file; unpack it"),
    (b"BZh", "a bzip2 file; unpack it"),
    (b"\xfd7zXZ\x00", "an xz file; unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it"),
    (b"PK\x03\x04", "a zip archive, such as an Excel workbook; save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV"),
    (b"ARROW1", "an Arrow file; write Parquet"),
    (b"\xff\xfe", "UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16; save it as UTF-8"),
    (b"SQLite format 3\x00", "an SQLite database; export a table as CSV"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file; save it as CSV"),
)


def open_table(path: Path, delimiter: str | None = None) -> Table:
    """Open a table; its columns are known then, and no row is read.

    Parameters
    ----------
    path
        The file. Its content tells Parquet, its name JSONL from CSV.
    delimiter
        What stands between the fields of CSV, if that is said.

    Raises
    ------
    DataError
        If there is no such file, or it is no table.
    MissingDependencyError
        If it is Parquet, and pyarrow is not installed.
    """
    head = _head(path)
    name = short_path(path)
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise DataError(f"{name} is empty")
    if is_lfs_pointer(head):
        raise DataError(f"{name} is a git-LFS pointer; run `git lfs pull`")
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise DataError(f"{name} is {what}; a table is CSV, TSV, JSONL or Parquet")
    is_parquet = head.startswith(_MAGIC)
    suffix = path.suffix.lower()
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    is_json = suffix in JSON_LINES or (suffix not in DELIMITED and begins == b"{")
    if is_parquet or suffix in PARQUET or is_json:
        if delimiter is not None:
            what = "JSONL" if is_json and not is_parquet else "Parquet"
            raise DataError(f"{name} is {what}, which has no delimiter; leave it out")
        if is_parquet or not is_json:
            return ParquetTable(path)
        if begins == b"[":
            raise DataError(
                f"{name} is one JSON array; write one object a line (JSONL), as pandas does by "
                'to_json(..., orient="records", lines=True)'
            )
        return JsonLinesTable(path)
    return DelimitedTable(path, delimiter)


def _head(path: Path) -> bytes:
    try:
        with open_file(path) as stream:
            return stream.read(64)
    except FileNotFoundError:
        raise DataError(
            f"the table {short_path(path)} does not exist{_nearest_sibling(path)}; a policy's "
            "paths are relative to its file"
        ) from None
    except OSError as error:
        raise DataError(f"{short_path(path)} cannot be read: {error.strerror}") from error


def _nearest_sibling(path: Path) -> str:
    try:
        siblings = [text_of(each.name) for each in path.parent.iterdir() if each.is_file()]
    except OSError:
        return ""
    return nearest(text_of(path.name), siblings)

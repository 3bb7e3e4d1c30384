"""Tables: CSV, TSV, JSONL and Parquet, read a chunk of rows at a time, each row with its line."""

from pytest_confmat.tables.opening import open_table
from pytest_confmat.tables.table import Chunk, RowFault, Table

__all__ = ["Chunk", "RowFault", "Table", "open_table"]

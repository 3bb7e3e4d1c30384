"""Parquet as a table, beside pandas."""

from __future__ import annotations

import pandas as pd
import pytest

from pytest_confmat.errors import DataError
from pytest_confmat.tables import open_table
from tests.tables.test_delimited import rows_of

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[parquet]'")


def test_rows_are_what_pandas_wrote(tmp_path):
    frame = pd.DataFrame(
        {
            "file": [f"{n}.png" for n in range(10_000)],
            "label": [n % 3 for n in range(10_000)],
            "weight": [None if n % 7 == 0 else n / 8 for n in range(10_000)],
            "unread": [b"x" * 9] * 10_000,
        }
    )
    path = tmp_path / "t.parquet"
    frame.to_parquet(path, row_group_size=1234)
    rows, lines, faults = rows_of(path, "label", "file", "weight")
    assert [row[:2] for row in rows] == list(zip(frame.label, frame.file, strict=True))
    weights = pd.Series([row[2] for row in rows], dtype=float)
    assert weights.equals(frame.weight.rename(None))
    assert (lines, faults) == (list(range(1, 10_001)), [])


def test_the_content_tells_parquet_whatever_the_name(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    assert rows_of(path, "a")[0] == [(1,)]


def test_what_is_damaged_ends_in_our_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(1000)}).to_parquet(path)
    whole = path.read_bytes()
    for cut in (5, 100, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=r"^t\.parquet cannot be read as Parquet: "):
            rows_of(path)
    damaged = bytearray(whole)
    damaged[4:40] = bytes(36)
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"^t\.parquet cannot be read as Parquet: "):
        rows_of(path)


def test_a_column_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.parquet"
    pd.DataFrame({"species": ["cat"]}).to_parquet(path)
    with pytest.raises(DataError) as caught:
        open_table(path).require("specie")
    assert caught.value.text == (
        "t.parquet has no column 'specie'; did you mean 'species'?; its columns are 'species'"
    )

"""CSV and TSV, beside pandas and Python's csv."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import DataError
from pytest_confmat.tables import open_table

# What a cell may hold: not what is no text in UTF-8, nor a carriage return, which pandas and csv
# take for the line's end.
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x85\u2028\u2029"), max_size=9)


def rows_of(path, *columns, **options):
    """All rows as tuples, their lines, and the faults as (line, reason)."""
    table = open_table(path, **options)
    columns = columns or table.names
    rows, lines, faults = [], [], []
    for chunk in table.chunks(columns):
        rows += zip(*(chunk.columns[name] for name in columns), strict=True)
        lines += chunk.lines
        faults += [(fault.line, fault.reason) for fault in chunk.faults]
    assert len(rows) == len(lines)
    return rows, lines, faults


def put(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_what_csv_writes_is_read_and_pandas_reads_the_same(folder, rows, end):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator=end)
    writer.writerows([("a", "b", "c"), *rows])
    path = put(folder, stream.getvalue())
    found, lines, faults = rows_of(path)
    assert (found, faults) == (rows, [])
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert found == list(frame.itertuples(index=False, name=None))
    # Each row begins after all line ends of those before it.
    newlines = [sum(cell.count("\n") for cell in row) + 1 for row in rows]
    assert lines == [2 + sum(newlines[:at]) for at in range(len(rows))]


@given(st.binary(max_size=200), st.sampled_from([None, ",", "\t", ";"]))
def test_any_bytes_are_rows_or_an_error_of_ours(folder, content, delimiter):
    path = put(folder, b"a,b\n" + content)
    try:
        _, lines, faults = rows_of(path, delimiter=delimiter)
    except DataError:
        return
    assert lines == sorted(set(lines))
    most = content.count(b"\n") + 2
    assert all(1 < line <= most for line in [*lines, *(line for line, _ in faults)])


def test_a_bom_and_crlf_are_no_part_of_a_name_or_value(tmp_path):
    path = put(tmp_path, b"\xef\xbb\xbffile,label\r\na.png,cat\r\n")
    assert rows_of(path, "file", "label")[0] == [("a.png", "cat")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "a,b\n1,2\n"),
        ("t.tsv", "a\tb\n1\t2\n"),
        ("t.csv", "a\tb\n1\t2\n"),
        ("t.txt", "a\tb\n1\t2\n"),
        ("t.csv", '"a",b\n1,2\n'),
        ("t.tsv", "a,b\n1,2\n"),
    ],
)
def test_comma_and_tab_are_told_apart(tmp_path, name, content):
    assert rows_of(put(tmp_path, content, name), "a", "b")[0] == [("1", "2")]


def test_a_delimiter_that_is_declared_is_used(tmp_path):
    path = put(tmp_path, "a;b\n1,5;2\n")
    assert rows_of(path, "b", "a", delimiter=";")[0] == [("2", "1,5")]


def test_blank_lines_are_no_rows_and_lines_are_counted_through_them(tmp_path):
    path = put(tmp_path, 'a,b\n\n1,2\n\n"3\n",4\n5,6\n\n')
    assert rows_of(path)[:2] == ([("1", "2"), ("3\n", "4"), ("5", "6")], [3, 5, 7])


def test_rows_at_fault_are_told_with_their_lines_and_leave_the_others(tmp_path):
    path = put(tmp_path, b"a,b\n1\n2,3\ncaf\xe9,4\n5,6,7\n8,\0\n9,10\n")
    rows, lines, faults = rows_of(path)
    assert rows == [("2", "3"), ("9", "10")]
    assert lines == [3, 7]
    assert faults == [
        (2, "has 1 field, and the first line names 2 columns; fill in what is missing"),
        (4, "is not UTF-8: byte 0xe9 after 3 characters; save the file as UTF-8"),
        (
            5,
            "has 3 fields, and the first line names 2 columns; put a field that holds ',' in "
            "quotes",
        ),
        (6, "holds a NUL character, so it is no text in UTF-8"),
    ]


def test_a_row_that_lacks_a_line_of_its_own_is_no_row(tmp_path):
    path = put(tmp_path, b'a,b\n"1\n\xe9\n2",3\n4,5\n')
    rows, lines, faults = rows_of(path)
    assert (rows, lines, [line for line, _ in faults]) == ([("4", "5")], [5], [3])


REFUSALS = [
    ("t.csv", "", "{} is empty"),
    ("t.csv", "\n\n", "{} is empty"),
    ("t.csv", "a,b,a\n1,2,3\n", "{}:1 names 'a' more than once; a column has a name of its own"),
    (
        "t.csv",
        "a;b\n1;2\n",
        "{}:1 holds neither a comma nor a tab, but ';'; if that stands between fields, say "
        'delimiter: ";"',
    ),
    (
        "t.txt",
        "a,b\tc\n",
        "{}:1 holds commas and tabs; say which of them stands between fields, by "
        'delimiter: "," or delimiter: "\\t"',
    ),
    (
        "t.csv",
        'a,b\n1,2\n3,"4\n5,6\n',
        "{}:3 cannot be read as a table with the delimiter ',': a field's quotes are never closed",
    ),
    (
        "t.csv",
        'a,b\n1,"2"3\n',
        "{}:2 cannot be read as a table with the delimiter ',': after closing quotes comes neither "
        "a delimiter nor the line's end",
    ),
    (
        "t.csv",
        "a,b\r1,2\r",
        "{}:1 cannot be read as a table with the delimiter ',': it holds a carriage return alone; "
        "end lines with LF or CRLF",
    ),
    (
        "t.csv",
        'a,b\n1,"' + "x" * 140_000,
        "{}:2 cannot be read as a table with the delimiter ',': a field holds more than 131,072 "
        "characters, as if its quotes were never closed",
    ),
    (
        "t.csv",
        b"\xff\xfea\0,\0b\0",
        "{} is UTF-16; save it as UTF-8; a table is CSV, TSV, JSONL or Parquet",
    ),
    (
        "t.csv",
        b"PK\x03\x04x",
        "{} is a zip archive, such as an Excel workbook; save it as CSV; a table is CSV, TSV, "
        "JSONL or Parquet",
    ),
    (
        "t.csv",
        "version https://git-lfs.github.com/spec/v1\n",
        "{} is a git-LFS pointer; run `git lfs pull`",
    ),
    (
        "t.csv",
        "caf\u00e9,b\n".encode("latin-1"),
        "{}:1 is not UTF-8: byte 0xe9 after 3 characters; save the file as UTF-8",
    ),
]


@pytest.mark.parametrize(("name", "content", "says"), REFUSALS)
def test_what_is_no_table_is_refused(tmp_path, monkeypatch, name, content, says):
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path, content, name)
    with pytest.raises(DataError) as caught:
        rows_of(path)
    assert caught.value.text == says.format(name)


def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path, "file,species\na,cat\n")
    with pytest.raises(DataError) as caught:
        rows_of(path, "file", "specie")
    assert caught.value.text == (
        "t.csv:1 has no column 'specie'; did you mean 'species'?; its columns are 'file', 'species'"
    )


def test_a_table_that_is_not_there_is_told_with_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a,b\n", "test.csv")
    with pytest.raises(DataError) as caught:
        open_table(tmp_path / "tset.csv")
    assert caught.value.text == (
        "the table tset.csv does not exist; did you mean 'test.csv'?; a policy's paths are "
        "relative to its file"
    )


def test_memory_does_not_grow_with_the_rows(tmp_path):
    path = tmp_path / "t.csv"
    taken = []
    for count in (20_000, 100_000):
        path.write_text("a,b\n" + "".join(f"{n}.png,cat\n" for n in range(count)))
        tracemalloc.start()
        assert sum(len(chunk) for chunk in open_table(path).chunks(["a", "b"])) == count
        taken.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert taken[1] < 1.2 * taken[0]

"""JSONL, beside Python's json."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import DataError
from pytest_confmat.tables import open_table
from tests.tables.test_delimited import put, rows_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20))
def test_what_json_writes_is_read(folder, rows):
    text = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in rows)
    found, lines, faults = rows_of(put(folder, text, "t.jsonl"), "b", "a")
    assert found == [(b, a) for a, b in rows]
    assert lines == list(range(1, len(rows) + 1))
    assert faults == []


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_an_error_of_ours(folder, content):
    path = put(folder, b'{"a": 1}\n' + content, "t.jsonl")
    _, lines, faults = rows_of(path)
    told = [*lines, *(line for line, _ in faults)]
    written = [line for line in content.split(b"\n") if line.strip()]
    assert len(told) == len(set(told)) == len(written) + 1


def test_a_key_that_a_line_lacks_is_no_value(tmp_path):
    path = put(tmp_path, '{"a": 1}\n\n{"b": 2}\n', "t.jsonl")
    assert rows_of(path, "a", "b")[:2] == ([(1, None), (None, 2)], [1, 3])


def test_lines_at_fault_are_told_and_leave_the_others(tmp_path):
    content = (
        b'{"a": 1}\n{"a": 2\n[1]\n{"a": 3, "a": 4}\n{"a": NaN}\n{"a": "caf\xe9"}\n"x"\n7\n'
        b'{"a": ' + b"9" * 5000 + b"}\n" + b"[" * 100_000 + b'\n{"a": 5}\n'
    )
    rows, lines, faults = rows_of(put(tmp_path, content, "t.jsonl"))
    assert (rows, lines) == ([(1,), (5,)], [1, 11])
    assert faults == [
        (2, "is no JSON: Expecting ',' delimiter at column 1 ('{\"a\": 2')"),
        (3, "is no JSON object, but an array; write one object a line"),
        (4, "holds the key 'a' more than once"),
        (5, "holds NaN, which is no JSON; write null where there is no value"),
        (6, "is not UTF-8: byte 0xe9 after 10 characters; save the file as UTF-8"),
        (7, "is no JSON object, but a text; write one object a line"),
        (8, "is no JSON object, but a single value; write one object a line"),
        (9, "holds a number that is too long"),
        (10, "is nested too deeply"),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("x\n", "t.jsonl:1 is no JSON: Expecting value at column 1 ('x')"),
        ("{}\n", "t.jsonl holds no objects; JSONL is one a line"),
        (
            '[{"a": 1}]',
            "t.jsonl is one JSON array; write one object a line (JSONL), as pandas does by "
            'to_json(..., orient="records", lines=True)',
        ),
    ],
)
def test_what_is_no_jsonl_is_refused(tmp_path, monkeypatch, content, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        rows_of(put(tmp_path, content, "t.jsonl"))
    assert caught.value.text == says


def test_a_delimiter_is_for_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path, '{"a": 1}\n', "t.jsonl")
    with pytest.raises(DataError) as caught:
        open_table(path, ",")
    assert caught.value.text == "t.jsonl is JSONL, which has no delimiter; leave it out"

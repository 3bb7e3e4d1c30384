from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_confmat.data.tfrecord.shard_names import resolve, short_names, stated_lengths
from pytest_confmat.errors import DataError
from tests.support.makers import tree
from tests.support.refusals import refusal


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(here: Path, *names: str) -> None:
    tree(here, dict.fromkeys(names, b"x"))


def resolved(here: Path, *patterns: str) -> list[str]:
    return [str(path.relative_to(here)) for path in resolve([str(here / p) for p in patterns])]


def refused(here: Path, *patterns: str) -> str:
    return refusal(DataError, resolve, [str(here / pattern) for pattern in patterns])


def test_patterns_in_their_order_and_each_sorted(here):
    files(here, "b/2.rec", "b/10.rec", "a/1.rec", "c.rec")
    assert resolved(here, "b/*.rec", "c.rec", "a/?.rec") == [
        *("b/10.rec", "b/2.rec"),
        "c.rec",
        "a/1.rec",
    ]


def test_a_path_that_reads_like_a_pattern_is_a_path(here):
    files(here, "data[1]/x*.rec")
    assert resolved(here, "data[1]/x*.rec") == ["data[1]/x*.rec"]


def test_folders_below_are_matched_by_two_stars(here):
    files(here, "a/b/1.rec", "a/2.rec")
    assert resolved(here, "a/**/*.rec") == ["a/2.rec", "a/b/1.rec"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "data/tset-*.rec",
            "the shard pattern data/tset-*.rec matches no file; did you mean 'test-1.rec'?",
        ),
        (
            "data/*.tfrecord",
            "the shard pattern data/*.tfrecord matches no file; data holds 'a', 'b', 'c' and 2 "
            "more",
        ),
        ("data/test-2.rec", "the shard data/test-2.rec does not exist; did you mean 'test-1.rec'?"),
        (
            "dta/*.rec",
            "the shard pattern dta/*.rec matches no file; there is no directory dta",
        ),
        ("empty/*.rec", "the shard pattern empty/*.rec matches no file; empty holds no files"),
        ("*/x*.rec", "the shard pattern */x*.rec matches no file"),
        (
            "data",
            "dataset.tfrecord names the directory data; it takes shards, such as data/*.tfrecord*",
        ),
    ],
)
def test_patterns_that_name_no_shards(here, pattern, message):
    files(here, "data/test-1.rec", "data/a", "data/b", "data/c", "data/d")
    (here / "empty").mkdir()
    assert refused(here, pattern) == message


def test_a_shard_named_twice(here):
    files(here, "1.rec", "2.rec")
    (here / "link.rec").symlink_to("2.rec")
    assert refused(here, "?.rec", "link.rec") == (
        "dataset.tfrecord names the shard link.rec twice, by ?.rec and by link.rec: its examples "
        "would count twice"
    )


@pytest.mark.parametrize("form", ["test-{}-of-00010.tfrecord", "mnist-test.tfrecord-{}-of-00010"])
def test_numbered_shards_are_complete(here, form):
    files(here, *(form.format(f"{number:05}") for number in range(10)))
    assert len(resolved(here, "*-of-*")) == 10
    (here / form.format("00003")).unlink()
    assert refused(here, "*-of-*") == (
        f"1 of 10 shards is missing, by the names of the others: {form.format('00003')}; "
        "fetch them, or let dataset.tfrecord name all of them"
    )


def test_many_missing_shards(here):
    files(here, "t-00007-of-99999")
    assert refused(here, "t-00007-of-99999") == (
        "99,998 of 99,999 shards are missing, by the names of the others: t-00000-of-99999, "
        "t-00001-of-99999, t-00002-of-99999, t-00003-of-99999, t-00004-of-99999 and 99,993 more; "
        "fetch them, or let dataset.tfrecord name all of them"
    )


def test_sets_in_one_folder_are_complete_each_by_itself(here):
    files(here, "a-00000-of-00001", "b-00000-of-00002", "b-00001-of-00002", "sub/a-00000-of-00001")
    assert len(resolved(here, "**/*-of-*")) == 4


def test_short_names_tell_shards_apart(here):
    def names(*paths):
        return short_names([here / path for path in paths])

    assert names("a/1.rec", "b/2.rec") == ("1.rec", "2.rec")
    assert names("x/a/1.rec", "x/b/1.rec") == ("a/1.rec", "b/1.rec")
    assert names("x/1.rec", "x/b/1.rec") == ("1.rec", "b/1.rec")


def info(**split) -> bytes:
    return json.dumps({"name": "mnist", "splits": [{"name": "test", **split}]}).encode()


def test_lengths_that_tfds_states(here):
    paths = [here / f"d/mnist-test.tfrecord-0000{n}-of-00002" for n in range(2)]
    tree(here, {"d/dataset_info.json": info(shardLengths=["3", "4"])})
    assert stated_lengths(paths) == (
        dict(zip(paths, (3, 4), strict=True)),
        ("records of 2 shards compared with dataset_info.json",),
    )


def test_lengths_by_the_template_that_tfds_states(here):
    path = here / "d/test_0.rec"
    template = "{SPLIT}_{SHARD_INDEX}.rec"
    tree(here, {"d/dataset_info.json": info(shardLengths=["3"], filepathTemplate=template)})
    assert stated_lengths([path])[0] == {}
    tree(here, {"d/test_00000.rec": b""})
    assert stated_lengths([here / "d/test_00000.rec"])[0] == {here / "d/test_00000.rec": 3}


@pytest.mark.parametrize(
    "content",
    [
        *(b"{", b"[]", b"{}", b"\xff", b'{"splits": [1], "name": ""}'),
        info(shardLengths=["x"]),
        info(shardLengths=["1"], filepathTemplate="{NEW}"),
    ],
)
def test_a_statement_that_is_not_understood_is_said_so(here, content):
    tree(here, {"d/dataset_info.json": content})
    assert stated_lengths([here / "d/mnist-test.tfrecord-00000-of-00001"]) == (
        {},
        ("dataset_info.json is not understood: shard lengths are not checked by it",),
    )


def test_no_statement_no_note(here):
    tree(here, {"d/dataset_info.json": info(shardLengths=["3"])})
    assert stated_lengths([here / "d/other.rec", here / "e/x.rec"]) == ({}, ())

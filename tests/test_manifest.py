from __future__ import annotations

import hashlib
import subprocess
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import Evaluation, Part
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.manifest import (
    Difference,
    ListedExample,
    Move,
    compare,
    digest,
    lines,
    problem,
    read_manifest,
    require_manifest,
    write_manifest,
)
from tests.support.evaluations import part

CLASSES = ("cat", "dog")
HEADER = "# pytest-confmat manifest 1\n"


def evaluation(ids, true=None, check=None, classes=CLASSES) -> Evaluation:
    n = len(ids)
    true = np.arange(n) % 2 if true is None else np.array(true, np.int64)
    check = np.arange(n) if check is None else check
    ids = ids if isinstance(ids, NumberedIds) else tuple(ids)
    return Evaluation(tuple(classes), (part(true, true, ids=ids, check=check),))


FOUR = evaluation(["cat/a.png", "dog/b.png", "cat/c.png", "dog/d.png"], check=[1, 2, 3, 2**64 - 1])


def test_a_manifest_is_a_line_an_example(tmp_path):
    path = tmp_path / "new" / "set.manifest"
    write_manifest(FOUR, path)
    assert path.read_text() == HEADER + (
        "cat/a.png\tcat\t0000000000000001\n"
        "dog/b.png\tdog\t0000000000000002\n"
        "cat/c.png\tcat\t0000000000000003\n"
        "dog/d.png\tdog\tffffffffffffffff\n"
    )
    assert read_manifest(path) == (
        {
            "cat/a.png": ListedExample("cat", "0000000000000001"),
            "dog/b.png": ListedExample("dog", "0000000000000002"),
            "cat/c.png": ListedExample("cat", "0000000000000003"),
            "dog/d.png": ListedExample("dog", "ffffffffffffffff"),
        },
        digest(FOUR),
    )


def test_the_digest_is_that_of_other_tools(tmp_path):
    write_manifest(FOUR, tmp_path / "m")
    text = (tmp_path / "m").read_bytes().partition(b"\n")[2]
    assert digest(FOUR) == f"sha256:{hashlib.sha256(text).hexdigest()}"
    told = subprocess.run(
        "sed 1d m | sha256sum", shell=True, cwd=tmp_path, capture_output=True, check=True
    )
    assert told.stdout.decode().split()[0] == digest(FOUR).removeprefix("sha256:")


@pytest.mark.parametrize(
    "other",
    [
        evaluation(["cat/a.png", "dog/b.png", "cat/c.png"], check=[1, 2, 3]),
        evaluation(["cat/a.png", "dog/b.png", "cat/c.png", "e"], check=[1, 2, 3, 2**64 - 1]),
        evaluation(["cat/a.png", "dog/b.png", "cat/c.png", "dog/d.png"], check=[1, 2, 3, 4]),
        evaluation(FOUR.parts[0].ids, [0, 1, 0, 0], [1, 2, 3, 2**64 - 1]),
        evaluation(["dog/b.png", "cat/a.png", "cat/c.png", "dog/d.png"], [1, 0, 0, 1],
                   [2, 1, 3, 2**64 - 1]),
    ],
)  # fmt: skip
def test_any_change_changes_the_digest(other):
    assert digest(other) != digest(FOUR)


def test_parts_make_no_difference():
    ids = ["a", "b", "c"]
    whole = evaluation(ids, [0, 1, 0], [7, 8, 9])
    parts = [
        Part(str(n), n, (ids[n],), *(np.array([v]) for v in (true, true, 0.5, 0)),
             np.array([7 + n], np.uint64))
        for n, true in enumerate([0, 1, 0])
    ]  # fmt: skip
    assert digest(Evaluation(CLASSES, tuple(reversed(parts)))) == digest(whole)


HOSTILE = [
    "a\tb",
    "a\nb",
    "a\r\nb",
    "back\\slash",
    "\\u0009",
    "\x1b[31mred",
    "\u2028line",
    "\u202egnp.tac",
    "caf\u00e9",
    "cafe\u0301",
    "\udcff.png",
    "# pytest-confmat manifest 1",
    "",
    " ",
    "\ufeffbom",
    "\U0001f408",
]


def test_hostile_ids_and_names_come_back_as_they_were(tmp_path):
    hostile = evaluation(HOSTILE, classes=("a\tb", "c\nd"))
    write_manifest(hostile, tmp_path / "m")
    assert len((tmp_path / "m").read_bytes().splitlines()) == len(HOSTILE) + 1
    entries, found = read_manifest(tmp_path / "m")
    assert list(entries) == HOSTILE
    assert {entry.actual for entry in entries.values()} == {"a\tb", "c\nd"}
    assert found == digest(hostile)
    assert problem(hostile, None, tmp_path / "m") is None


@given(st.lists(st.text(st.characters(), max_size=6), unique=True, max_size=6))
def test_any_ids_come_back_as_they_were(tmp_path_factory, ids):
    path = tmp_path_factory.getbasetemp() / "any"
    write_manifest(evaluation(ids), path)
    entries, found = read_manifest(path)
    assert list(entries) == ids
    assert found == digest(evaluation(ids))


def test_numbered_ids():
    assert list(lines(evaluation(NumberedIds("s", 2)))) == [
        "s#0\tcat\t0000000000000000",
        "s#1\tdog\t0000000000000001",
    ]


def test_ends_of_lines_that_an_editor_changed(tmp_path):
    path = tmp_path / "m"
    write_manifest(FOUR, path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_manifest(path)[1] == digest(FOUR)


def test_what_differs(tmp_path):
    write_manifest(FOUR, tmp_path / "m")
    entries, _ = read_manifest(tmp_path / "m")
    ids = ["cat/a.png", "cat/new.png", "cat/c.png", "dog/d.png"]
    found = compare(evaluation(ids, [1, 0, 0, 0], [1, 7, 9, 2**64 - 1]), entries)
    assert found.added == ("cat/new.png",)
    assert found.removed == ("dog/b.png",)
    assert found.changed == ("cat/c.png",)
    assert found.relabeled == ("cat/a.png", "dog/d.png")
    assert found.moved == ()
    assert not found.reordered
    reverse = evaluation(FOUR.parts[0].ids[::-1], [1, 0, 1, 0], [2**64 - 1, 3, 2, 1])
    assert compare(reverse, entries) == Difference((), (), (), (), (), True)


def differing(now, before):
    """Compare sets that are given as {id: (class, content)}."""
    names = {"cat": 0, "dog": 1}
    entries = {e: ListedExample(name, f"{word:016x}") for e, (name, word) in before.items()}
    true = [names[name] for name, _ in now.values()]
    return compare(evaluation(list(now), true, [word for _, word in now.values()]), entries)


def test_what_was_moved_is_recognized_by_its_content():
    before = {"cat/a": ("cat", 1), "cat/b": ("cat", 2), "dog/c": ("dog", 3)}
    now = {"cat/a": ("cat", 1), "cat/new": ("cat", 2), "cat/c": ("cat", 3)}
    assert differing(now, before) == Difference(
        (),
        (),
        (Move("cat/b", "cat/new", "cat", "cat"), Move("dog/c", "cat/c", "dog", "cat")),
        (),
        (),
        False,
    )


def test_a_record_that_is_gone_moves_the_others():
    before = {f"s#{n}": ("cat", n + 1) for n in range(5)}
    now = {f"s#{n}": ("cat", n + 2) for n in range(4)}
    found = differing(now, before)
    assert (found.added, found.removed, found.changed) == ((), ("s#0",), ())
    assert [(move.before, move.now) for move in found.moved] == [
        (f"s#{n + 1}", f"s#{n}") for n in range(4)
    ]


def test_contents_that_changed_places():
    before = {"a": ("cat", 1), "b": ("cat", 2)}
    found = differing({"a": ("cat", 2), "b": ("cat", 1)}, before)
    assert [(move.before, move.now) for move in found.moved] == [("b", "a"), ("a", "b")]
    # Another content where one was moved away from is a new example.
    found = differing({"a": ("cat", 9), "b": ("cat", 2), "c": ("cat", 1)}, before)
    assert (found.added, found.removed, found.changed) == (("a",), (), ())


def test_what_could_not_be_read_is_not_recognized():
    found = differing({"b": ("cat", 0)}, {"a": ("cat", 0)})
    assert (found.added, found.removed, found.moved) == (("b",), ("a",), ())


SETS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.tuples(st.sampled_from(CLASSES), st.integers(0, 4)),
    max_size=8,
)


@given(SETS, SETS)
def test_every_example_is_in_one_of_the_groups(now, before):
    found = differing(now, before)
    kept = {e for e in now if e in before and now[e][1] == before[e][1]}
    groups = [*kept, *found.changed]
    assert Counter([*groups, *found.added, *(m.now for m in found.moved)]) == Counter(list(now))
    assert Counter([*groups, *found.removed, *(m.before for m in found.moved)]) == Counter(
        list(before)
    )
    for move in found.moved:
        assert now[move.now] == (move.actual, before[move.before][1])
        assert before[move.before][0] == move.was
    # No content is both gone and new, but what could not be read.
    left = {before[e][1] for e in (*found.removed, *found.changed)}
    assert not left & {now[e][1] for e in (*found.added, *found.changed)} - {0}
    assert set(found.relabeled) == {e for e in groups if now[e][0] != before[e][0]}


def test_a_set_that_was_agreed_on_is_no_problem(tmp_path):
    manifest = tmp_path / "m"
    assert problem(FOUR, None, None) is None
    assert problem(FOUR, digest(FOUR), None) is None
    assert problem(FOUR, None, manifest) is None
    write_manifest(FOUR, manifest)
    assert problem(FOUR, None, manifest) is None
    # What the policy demands goes before a manifest of an older set.
    write_manifest(evaluation(["x"]), manifest)
    assert problem(FOUR, digest(FOUR), manifest) is None


def test_a_set_that_changed_without_a_manifest():
    pinned = f"sha256:{'0' * 64}"
    assert problem(FOUR, pinned, None) == (
        f"the evaluation set changed: its digest is {digest(FOUR)}, and dataset.digest is "
        f"{pinned}\n"
        "  a manifest of the set as it was shows which examples differ: "
        "--confmat-manifest FILE"
    )


def test_a_set_that_changed_with_a_manifest(tmp_path):
    manifest = tmp_path / "m"
    before = evaluation([f"cat/{n:02}.png" for n in range(30)], [0] * 30)
    write_manifest(before, manifest)
    after = evaluation(["cat/00.png", "new/\x1b.png"], [1, 0], [0, 99])
    told = problem(after, None, manifest)
    assert told.splitlines()[:4] == [
        f"the evaluation set changed: its digest is {digest(after)}",
        f"  against {manifest}: 1 added, 29 removed, 1 relabeled",
        "  added        new/\x1b.png",
        "  removed      cat/01.png",
    ]
    assert told.splitlines()[-2:] == ["  removed      and 9 more", "  relabeled    cat/00.png"]
    assert problem(after, digest(before), manifest).startswith(
        f"the evaluation set changed: its digest is {digest(after)}, and dataset.digest is "
    )
    third = f"sha256:{'0' * 64}"
    assert problem(after, third, manifest).endswith(
        f"\n  the manifest is of a third set: its digest is {digest(before)}"
    )


def test_another_order_is_said_to_be_that(tmp_path):
    write_manifest(evaluation(["a", "b"], [0, 0], [1, 2]), tmp_path / "m")
    told = problem(evaluation(["b", "a"], [0, 0], [2, 1]), None, tmp_path / "m")
    assert told.splitlines()[1] == f"  against {tmp_path / 'm'}: in another order"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "{} is no manifest: its first line is '', and should be "
         "'# pytest-confmat manifest 1'"),
        (b"a,b\n", "{} is no manifest: its first line is 'a,b', and should be "
         "'# pytest-confmat manifest 1'"),
        (b"# pytest-confmat manifest 2\n",
         "the manifest {} is of version 2, and this release reads 1"),
        (HEADER.encode() + b"a\tb\n", "{}:2: 'a\\tb' is no line of a manifest; expected an id, a "
         "class and 16 hexadecimal digits, with tabs between"),
        (HEADER.encode() + b"a\tb\t12\n", "{}:2: 'a\\tb\\t12' is no line of a manifest; expected "
         "an id, a class and 16 hexadecimal digits, with tabs between"),
        (HEADER.encode() + b"a\tb\t0000000000000001\n" * 2, "{}:3: 'a' is there twice"),
        (HEADER.encode() + b"\xff", "the manifest {} cannot be read: 'utf-8' codec can't decode "
         "byte 0xff in position 28: invalid start byte"),
    ],
)  # fmt: skip
def test_what_is_no_manifest(tmp_path, text, message):
    path = tmp_path / "m"
    path.write_bytes(text)
    with pytest.raises(DataError) as refused:
        read_manifest(path)
    assert str(refused.value) == message.format(path)


def test_a_folder_is_no_manifest(tmp_path):
    with pytest.raises(DataError) as refused:
        require_manifest(tmp_path)
    assert str(refused.value) == (
        f"the manifest {tmp_path} cannot be read: it is a directory, and only regular files are "
        "read"
    )

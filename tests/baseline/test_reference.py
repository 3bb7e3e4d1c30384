from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.baseline import Baseline, load_baseline, save_baseline
from pytest_confmat.baseline.comparison import compare
from pytest_confmat.errors import BaselineError, ConfmatError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.job import Job, run
from pytest_confmat.parts import Part
from pytest_confmat.spec import Argmax
from tests.support.baselines import evaluation_of, part_of, predicted_right, rows
from tests.support.refusals import refusal
from tests.support.strategies import class_names

PROVENANCE = {
    "model": {"path": "m.keras", "format": "keras", "sha256": "ab" * 32},
    "dataset": {"source": "directory data", "states_count": True, "unfixed": None},
    "versions": {"python": "3.11.9", "pytest-confmat": "0.1.0"},
    "batch_size": 32,
}
SAVE = "pytest --confmat-model MODEL_IN_PRODUCTION --confmat-save-baseline"
ARRAYS = ("check", "true", "predicted", "rank")


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def binary(folder: Path) -> Path:
    [path] = folder.glob("*.bin")
    return path


def refused(path: Path) -> str:
    return refusal(BaselineError, load_baseline, path)


def assert_same(one: Baseline, other: Baseline) -> None:
    assert one.classes == other.classes
    assert list(one.ids) == list(other.ids)
    for name in ARRAYS:
        assert np.array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    assert one.provenance == other.provenance
    assert one.path == other.path
    assert one.matrix == other.matrix


@st.composite
def sets(draw: st.DrawFn) -> Evaluation:
    k = draw(st.sampled_from([1, 2, 3, 255, 256]))
    parts = []
    for position in range(draw(st.integers(1, 4))):
        numbered = draw(st.one_of(st.none(), st.just(f"s\ud800{position}")))
        part = part_of(draw(rows(k=k, checks=2**64 - 1)), position, k=k, numbered=numbered)
        if numbered is None:
            text = draw(st.text(st.characters(exclude_characters="\0"), max_size=30))
            part = replace(part, ids=tuple(f"{position}{text}{name}" for name in part.ids))
        parts.append(part)
    return Evaluation(class_names(k), tuple(parts), {**PROVENANCE, "of": draw(st.text())})


@given(sets().filter(len))
def test_saving_and_loading_is_identity(evaluation):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "base", "line")
        saved = save_baseline(evaluation, path)
        loaded = load_baseline(path)
        digest = sha256(binary(path.parent).read_bytes()).hexdigest()
        assert files_in(path.parent) == [f"line.{digest[:12]}.bin", "line.json"]
    assert_same(loaded, saved)
    assert loaded.matrix == evaluation.matrix
    assert not compare(loaded, evaluation).flipped.any()
    assert [type(one) for one in loaded.ids.pieces] == [type(one) for one in saved.ids.pieces]


def test_the_text_is_for_a_person(tmp_path):
    evaluation = evaluation_of(
        [("a", 1, 0, 0), ("b", 2, 0, 2), ("c", 3, 0, -1), ("d", 4, 1, 1)],
        ("cat", "猫\u202e", "fox"),
        provenance=PROVENANCE,
    )
    save_baseline(evaluation, tmp_path / "production")
    content = binary(tmp_path).read_bytes()
    assert (tmp_path / "production.json").read_text("utf-8") == (
        """\
{
  "format": "pytest-confmat baseline",
  "version": 1,
  "examples": 4,
  "accuracy": 0.5,
  "classes": [
    "cat",
    "猫\\u202e",
    "fox"
  ],
  "support": {
    "cat": 3,
    "猫\\u202e": 1,
    "fox": 0
  },
  "recall": {
    "cat": 0.333333,
    "猫\\u202e": 1.0,
    "fox": null
  },
  "matrix": {
    "cat": {"cat": 1, "fox": 1},
    "猫\\u202e": {"猫\\u202e": 1},
    "fox": {}
  },
  "matrix_beyond": {},
  "unpredicted": {
    "cat": 1
  },
  "provenance": {
    "batch_size": 32,
    "dataset": {
      "source": "directory data",
      "states_count": true,
      "unfixed": null
    },
    "model": {
      "format": "keras",
      "path": "m.keras",
      "sha256": "MODEL"
    },
    "versions": {
      "pytest-confmat": "0.1.0",
      "python": "3.11.9"
    }
  },
  "outcomes": {
    "bytes": LENGTH,
    "sha256": "DIGEST"
  }
}
""".replace("MODEL", "ab" * 32)
        .replace("LENGTH", str(len(content)))
        .replace("DIGEST", sha256(content).hexdigest())
    )


def test_of_many_confusions_the_most_frequent_stand_in_the_text(tmp_path):
    rows = [(f"{n}", n + 1, 0, n % 30) for n in range(40)]
    save_baseline(evaluation_of(rows, class_names(30)), tmp_path / "b")
    said = json.loads((tmp_path / "b.json").read_text())
    assert list(said["matrix"]["c0"].items()) == [(f"c{n}", 2 if n < 10 else 1) for n in range(20)]
    assert said["matrix_beyond"] == {"c0": 10}
    assert load_baseline(tmp_path / "b").matrix.counts[0].tolist() == [2] * 10 + [1] * 20


def test_the_same_evaluation_is_the_same_to_the_byte(tmp_path):
    evaluation = evaluation_of(predicted_right(5000), provenance=PROVENANCE)
    contents = []
    for name in ("one", "other"):
        save_baseline(evaluation, tmp_path / name / "b")
        contents.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert contents[0] == contents[1]


def test_a_text_that_was_formatted_anew_is_the_same_text(tmp_path):
    saved = save_baseline(evaluation_of(predicted_right(9)), tmp_path / "b")
    text = tmp_path / "b.json"
    values = json.loads(text.read_text())
    again = json.dumps(values, indent=8, sort_keys=True).replace("\n", "\r\n")
    text.write_bytes(b"\xef\xbb\xbf" + again.encode())
    assert_same(load_baseline(tmp_path / "b"), saved)


def test_the_path_may_be_that_of_the_text(tmp_path):
    saved = save_baseline(evaluation_of(predicted_right(3)), tmp_path / "v1.2.json")
    assert saved.path == tmp_path / "v1.2"
    assert (tmp_path / "v1.2.json").exists()
    assert_same(load_baseline(tmp_path / "v1.2"), load_baseline(tmp_path / "v1.2.json"))


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", ".json", "a/.json", "/", "a\0b"])
def test_what_names_no_file_is_no_path(path):
    for call in (load_baseline, lambda p: save_baseline(evaluation_of(predicted_right(3)), p)):
        with pytest.raises(BaselineError, match="is no path of a baseline; give a name in a"):
            call(Path(path))


def test_saving_again_leaves_one_baseline_and_no_other_file_alone(tmp_path):
    others = ["b.txt", "b.2.json", "b.2.0123456789ab.bin", "b.0123.bin", "ab.0123456789ab.bin"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    leftovers = [".b.json.x_1.part", ".b.0123456789ab.bin.abc.part", "b.0123456789ab.bin"]
    for name in leftovers:
        (tmp_path / name).write_bytes(b"left behind")
    for n in (3, 6):
        save_baseline(evaluation_of(predicted_right(n)), tmp_path / "b")
        assert len(load_baseline(tmp_path / "b")) == n
        mine = [path.name for path in tmp_path.iterdir() if path.name not in others]
        assert len(mine) == 2
        assert all((tmp_path / name).read_bytes() == b"mine" for name in others)


def test_a_file_that_is_no_baseline_is_not_replaced(tmp_path):
    path = tmp_path / "package.json"
    path.write_text('{"name": "mine"}')
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    for name in ("package", "folder", "link"):
        with pytest.raises(BaselineError, match=f"{name}.json is no baseline, and would be overw"):
            save_baseline(evaluation_of(predicted_right(3)), tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before
    assert path.read_text() == '{"name": "mine"}'
    # A damaged baseline is one, however it is formatted.
    path.write_text('{"version": 1, "format":"pytest-confmat baseline", ')
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "package")
    assert len(load_baseline(tmp_path / "package")) == 3


def test_a_baseline_may_be_renamed_with_both_its_files(tmp_path):
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace("b.", "old.", 1)))
    assert len(load_baseline(tmp_path / "old")) == 3


def damaged(tmp_path, path: str, reason: str) -> str:
    return (
        f"{tmp_path / path} {reason}; restore b.json and its binary part together from version "
        f"control, or save the baseline again: {SAVE} {tmp_path / 'b'}"
    )


def test_a_missing_baseline_is_told_with_the_command_that_makes_one(tmp_path):
    assert refused(tmp_path / "my base") == (
        f"there is no baseline {tmp_path / 'my base'}.json; let the model in production save "
        f"one: {SAVE} '{tmp_path / 'my base'}'"
    )
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    (tmp_path / "b.json").unlink()
    assert refused(tmp_path / "b") == (
        f"there is no baseline {tmp_path / 'b.json'}; {binary(tmp_path).name} beside it has lost "
        f"its text; let the model in production save one: {SAVE} {tmp_path / 'b'}"
    )


def test_a_text_without_its_binary_part_is_refused(tmp_path):
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    lost = binary(tmp_path)
    lost.unlink()
    reason = f"has lost its binary part: there is no {lost.name}"
    assert refused(tmp_path / "b") == damaged(tmp_path, "b.json", reason)
    save_baseline(evaluation_of(predicted_right(6)), tmp_path / "c" / "b")
    other = binary(tmp_path / "c")
    other.rename(tmp_path / other.name)
    reason += f"; {other.name} belongs to another text"
    assert refused(tmp_path / "b") == damaged(tmp_path, "b.json", reason)


def test_a_binary_part_of_another_text_is_refused(tmp_path):
    save_baseline(evaluation_of(predicted_right(30)), tmp_path / "b")
    whole = binary(tmp_path).read_bytes()
    name = binary(tmp_path).name
    for content, reason in (
        (whole[:-1], f"is cut off: it has {len(whole) - 1:,} of {len(whole):,} bytes"),
        (b"", f"is cut off: it has 0 of {len(whole):,} bytes"),
        (whole[:-1] + bytes([whole[-1] ^ 1]), "is not what b.json was written with"),
        (whole + b"\n", "is not what b.json was written with"),
    ):
        (tmp_path / name).write_bytes(content)
        assert refused(tmp_path / "b") == damaged(tmp_path, name, reason)


def test_pointers_of_git_lfs_are_known(tmp_path):
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    for path in (binary(tmp_path), tmp_path / "b.json"):
        path.write_text(pointer)
        assert refused(tmp_path / "b") == (
            f"{path} is only git-lfs's pointer to it; fetch it: git lfs pull"
        )


def test_marks_of_a_merge_conflict_are_known(tmp_path):
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    text = tmp_path / "b.json"
    whole = text.read_text()
    line = '  "examples": 3,\n'
    text.write_text(
        whole.replace(line, f"<<<<<<< HEAD\n{line}=======\n{line}>>>>>>> other\n").replace(
            "\n", "\r\n"
        )
    )
    assert refused(tmp_path / "b") == (
        f"{text} holds the marks of a merge conflict, and a baseline cannot be merged by hand; "
        f"take text and binary part of one side, or save it again: {SAVE} {tmp_path / 'b'}"
    )


@pytest.mark.parametrize(
    ("writer", "by"), [({"pytest-confmat": "3.1"}, " by pytest-confmat 3.1"), (None, "")]
)
def test_a_newer_format_is_refused(tmp_path, writer, by):
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    text = tmp_path / "b.json"
    newer = json.loads(text.read_text()) | {"version": 2, "provenance": {"versions": writer}}
    text.write_text(json.dumps(newer))
    assert refused(tmp_path / "b") == (
        f"{text} was written{by} in format 2, and this release reads 1; update pytest-confmat, "
        f"or save it again: {SAVE} {tmp_path / 'b'}"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no baseline, as it is no JSON (Expecting value: line 1 column 1 (char 0))"),
        (b"\xff\xfe", "is no baseline, as it is no text in UTF-8"),
        (b"[1]", 'is no baseline, as it does not say "format": "pytest-confmat baseline"'),
        (b'{"model": 1}', 'is no baseline, as it does not say "format": "pytest-confmat baseline"'),
        (b"[" * 100_000, "is no baseline, as it is no JSON"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path, content, reason):
    (tmp_path / "b.json").write_bytes(content)
    told = refused(tmp_path / "b")
    assert told.startswith(f"{tmp_path / 'b.json'} {reason}")
    assert told.endswith(
        f"; restore its files from version control, or save it again: {SAVE} {tmp_path / 'b'}"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 0}, "is of no version there was: 0; save it again"),
        ({"version": True}, "is of no version there was: True; save it again"),
        ({"version": None}, "is of no version there was: None; save it again"),
        ({"outcomes": None}, "does not say which binary part belongs to it"),
        ({"outcomes": {"sha256": "../" + "a" * 61, "bytes": 1}}, "does not say which binary part"),
        ({"outcomes": {"sha256": "a" * 64, "bytes": "1"}}, "does not say which binary part"),
        ({"provenance": []}, "has no provenance"),
        (
            {"accuracy": 0.99, "recall": {}},
            "does not say what its outcomes say, in accuracy, recall: it was edited; restore",
        ),
        ({"classes": ["dog", "cat", "fox"]}, "does not say what its outcomes say, in classes: it"),
    ],
)
def test_a_text_that_was_changed_is_refused(tmp_path, change, reason):
    save_baseline(evaluation_of(predicted_right(3)), tmp_path / "b")
    text = tmp_path / "b.json"
    text.write_text(json.dumps(json.loads(text.read_text()) | change))
    told = refused(tmp_path / "b")
    assert told.startswith(f"{text} {reason}")
    assert told.endswith(f": {SAVE} {tmp_path / 'b'}")


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "b.json").mkdir()
    assert refused(tmp_path / "b") == (
        f"the baseline {tmp_path / 'b.json'} cannot be read: it is a directory, and only "
        "regular files are read; make it readable, "
        f"or save it again: {SAVE} {tmp_path / 'b'}"
    )


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BaselineError) as caught:
        save_baseline(evaluation_of(predicted_right(3)), tmp_path / "file" / "b")
    assert re.fullmatch(
        r"the baseline \S+/file/b\.json cannot be written: \w.*; if there was one before, it is "
        "as it was",
        str(caught.value),
    )


@pytest.mark.skipif(os.name == "nt", reason="a NUL is all that cannot stand in a name")
def test_names_of_files_may_be_anything(tmp_path):
    ids = ("a/\n.jpg", "b/\udcff.jpg", "", "c/" + "long" * 1000, "d/\\0", "猫/\U0001f408.png")
    rows = [(name, n, 0, 0) for n, name in enumerate(ids, 1)]
    save_baseline(evaluation_of(rows), tmp_path / "b")
    assert tuple(load_baseline(tmp_path / "b").ids) == ids


def cannot(evaluation: Evaluation, path: Path) -> str:
    with pytest.raises(BaselineError) as caught:
        save_baseline(evaluation, path / "b")
    assert files_in(path) == []
    return str(caught.value)


def test_what_cannot_be_kept_is_refused(tmp_path):
    told = "this evaluation cannot be a baseline: "
    one = ("a", 1, 0, 0)
    assert cannot(evaluation_of([]), tmp_path) == f"{told}it holds no examples"
    assert cannot(evaluation_of([one, ("b", 2, 0, 0), one]), tmp_path) == (
        f"{told}two examples share the id 'a'"
    )
    assert cannot(evaluation_of([("a\0", 1, 0, 0)]), tmp_path) == (
        f"{told}the id b'a\\x00' has a NUL character"
    )
    assert cannot(evaluation_of([("é" * 2049, 1, 0, 0)]), tmp_path).endswith(
        " has more than 4,096 bytes"
    )
    assert (
        cannot(evaluation_of([("a", 1, 0, 3)]), tmp_path) == f"{told}its predicted leaves -1 to 2"
    )
    assert cannot(evaluation_of([("a", 1, -1, 0)]), tmp_path) == f"{told}its true leaves 0 to 2"
    part = replace(part_of([one]), rank=np.array([4]))
    assert cannot(Evaluation(("x", "y", "z"), (part,)), tmp_path) == f"{told}its rank leaves 0 to 3"


def test_a_shuffled_dataset_is_no_baseline(tmp_path):
    import tensorflow as tf

    inputs, labels = np.eye(3, dtype=np.float32), np.arange(3)
    plain = tf.data.Dataset.from_tensor_slices((inputs, labels))
    for dataset, reason in (
        (plain.shuffle(3).batch(2), "it shuffles (ShuffleDataset)"),
        (
            iter([(inputs, labels)]),
            "it can be read only once, so that nothing shows that it stays the same",
        ),
    ):
        found = run(Job(lambda batch: batch, dataset, ("a", "b", "c"), Argmax()))
        assert cannot(found, tmp_path) == (
            "this evaluation cannot be a baseline, as its dataset does not promise the same "
            f"examples in the same order: {reason}; hand in one that yields the same in every run"
        )
    for dataset in ([(inputs, labels)], (inputs, labels), plain.batch(2)):
        evaluation = run(Job(lambda batch: batch, dataset, ("a", "b", "c"), Argmax()))
        assert len(save_baseline(evaluation, tmp_path / "b")) == 3


def test_a_baseline_error_is_one_of_ours():
    assert issubclass(BaselineError, ConfmatError)


def large(ids: list, n: int, k: int) -> Evaluation:
    rng = np.random.default_rng(0)
    true = np.sort(rng.integers(0, k, n))
    predicted = np.where(rng.random(n) < 0.25, rng.integers(0, k, n), true)
    rank = np.where(predicted == true, 0, np.minimum(rng.geometric(0.2, n), k - 1))
    check = rng.integers(1, 2**64, n, dtype=np.uint64)
    parts, start = [], 0
    for at, piece in enumerate(ids):
        cut = slice(start, start + len(piece))
        arrays = (true[cut], predicted[cut], np.ones(len(piece), np.float32), rank[cut], check[cut])
        parts.append(Part(str(at), at, piece, *arrays))
        start += len(piece)
    return Evaluation(class_names(k), tuple(parts))


@pytest.mark.parametrize("kind", ["numbered", "paths"])
def test_a_million_examples_take_at_most_16_megabytes(tmp_path, kind):
    n, k = 1_000_000, 1000
    if kind == "numbered":
        ids = [NumberedIds(f"val-{at:05d}-of-00100.tfrecord", n // 100) for at in range(100)]
    else:
        numbers = np.sort(np.random.default_rng(1).choice(10**8, n, replace=False))
        names = (f"class_{i // 1000:03d}/img_{at:08d}.jpg" for i, at in enumerate(numbers))
        ids = [tuple(names)]
    evaluation = large(ids, n, k)
    save_baseline(evaluation, tmp_path / "b")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 16_000_000
    loaded = load_baseline(tmp_path / "b")
    assert loaded.matrix == evaluation.matrix
    assert loaded.ids[n - 1] == ids[-1][-1]
    assert len(compare(loaded, evaluation)) == n

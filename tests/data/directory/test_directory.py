from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.data import open_source, part_plan
from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.data.directory.names import names_of_directory
from pytest_confmat.errors import DataError
from pytest_confmat.spec import DirectorySpec, ModelInput
from tests.support.makers import (
    CLASSES,
    TAKES_8X6,
    cats_and_dogs,
    collect,
    encoded,
    png,
    rebatched,
    tree,
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return cats_and_dogs(tmp_path / "test")


def opened(root, classes=CLASSES, model=TAKES_8X6, **spec):
    return open_source(DirectorySpec(root, **spec), classes, model)


def test_every_example_comes_once_with_its_place_and_class(root):
    source = opened(root)
    found = collect(source)
    assert found["index"].tolist() == [0, 1, 2, 3, 4]
    assert found["labels"].tolist() == [0, 0, 0, 1, 1]
    assert found["labels"].dtype == found["index"].dtype == np.int64
    assert found["check"].dtype == np.uint64
    assert len(set(found["check"].tolist())) == 5
    assert source.shape == found["inputs"].shape[1:] == (8, 6, 3)
    assert source.description == "directory test"
    assert source.notes == ()


def test_labels_follow_the_declared_order_and_the_set_does_not(root):
    there, back = opened(root), opened(root, ("dog", "cat"))
    assert [list(part.ids) for part in there.parts] == [list(part.ids) for part in back.parts]
    assert collect(back)["labels"].tolist() == [1, 1, 1, 0, 0]


def test_batches_are_full_whatever_the_chunks(root):
    assert [len(batch.labels) for batch in rebatched(opened(root), 2)] == [2, 2, 1]
    assert [len(batch.labels) for batch in rebatched(opened(root), 100)] == [5]


def test_batch_size_changes_nothing_but_the_batches(root):
    one, many = collect(opened(root), 1), collect(opened(root), 3)
    for name, array in one.items():
        np.testing.assert_array_equal(array, many[name])


def test_a_source_can_be_passed_over_again(root):
    source = opened(root)
    assert collect(source)["check"].tolist() == collect(source)["check"].tolist()


def test_parts_are_runs_of_files(root, monkeypatch):
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 2)
    parts = opened(root).parts
    assert [part.ids for part in parts] == [
        ("cat/0000.png", "cat/0001.png"),
        ("cat/0002.png", "dog/0000.png"),
        ("dog/0001.png",),
    ]
    sizes = [(name, (root / name).stat().st_size) for name in parts[1].ids]
    assert parts[1].id == part_plan.part_id(1, sizes)
    (root / "dog" / "0000.png").write_bytes(b"another size")
    changed = opened(root).parts
    assert [one.id == other.id for one, other in zip(parts, changed, strict=True)] == [
        True,
        False,
        True,
    ]


def test_the_word_is_of_the_content_alone(root):
    tree(root, {"dog/0001.png": (root / "cat" / "0000.png").read_bytes()})
    check = collect(opened(root))["check"]
    assert check[0] == check[4]
    assert len(set(check.tolist())) == 4


GOOD = png(1)
JPEG = encoded(np.full((9, 9, 3), 77, np.uint8), "JPEG")
FAULTS = [
    ("empty.png", b"", "is empty (0 bytes)"),
    (
        "pointer.png",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        "is a git-LFS pointer; run `git lfs pull`",
    ),
    (
        "text.jpg",
        b"hello there, world",
        "is no image that can be read: it starts with b'hello there,'",
    ),
    ("page.jpg", b"<!DOCTYPE html>", "is no image that can be read: it is an HTML page"),
    (
        "really.png",
        encoded(np.zeros((5, 5), np.uint8), "TIFF"),
        "is no image that can be read: it is a TIFF image",
    ),
    (
        "cut.jpg",
        JPEG[:-40],
        "cannot be decoded as JPEG: it does not end with its end-of-image marker, so it seems cut",
    ),
    (
        "cut.png",
        GOOD[:-30],
        "cannot be decoded as PNG: it does not end with its IEND chunk, so it seems cut",
    ),
    (
        "damaged.png",
        GOOD[:60] + b"\0" * 40 + GOOD[100:],
        "cannot be decoded as PNG: its data are damaged",
    ),
    ("header.gif", b"GIF89a", "cannot be decoded as GIF: its data are damaged"),
    ("header.bmp", b"BM", "cannot be decoded as BMP: its data are damaged"),
]


@pytest.mark.parametrize(("name", "content", "reason"), FAULTS)
def test_an_example_at_fault_says_why(root, name, content, reason):
    tree(root, {f"cat/{name}": content})
    source = opened(root)
    assert source.parts[0].ids[3] == f"cat/{name}"
    with pytest.raises(DataError) as caught:
        source.example(3)
    assert str(caught.value) == reason


def test_examples_at_fault_cost_no_other(root):
    # Everything fits in one chunk here: those beside the faults are read one by one.
    tree(root, {f"cat/{name}": content for name, content, _ in FAULTS})
    source = opened(root)
    came = {int(place) for batch in source.batches(4) for place in batch.index}
    (part,) = source.parts
    fine = set()
    for place in set(range(len(part))) - came:
        try:
            assert source.example(place).index.tolist() == [place]
        except DataError:
            continue
        fine.add(place)
    readable = {place for place, name in enumerate(part.ids) if name[4:8].isdigit()}
    assert came | fine == readable
    assert len(readable) == 5


def test_a_fault_costs_its_chunk_and_not_its_batch(tmp_path):
    root = cats_and_dogs(tmp_path, cats=70, dogs=70)
    tree(root, {"cat/0003.png": b"damaged"})
    source = opened(root, model=ModelInput((2, 2, 3)))
    batches = rebatched(source, 100)
    assert [len(batch.labels) for batch in batches] == [4, 40]
    assert batches[0].index.tolist() == list(range(96, 100))


def test_links_that_lead_nowhere_and_files_that_have_gone(root):
    (root / "cat" / "gone.png").symlink_to("nothing.png")
    source = opened(root)
    (root / "dog" / "0001.png").unlink()
    reasons = []
    for place in (3, 5):
        with pytest.raises(DataError) as caught:
            source.example(place)
        reasons.append(str(caught.value))
    assert reasons == [
        "is a link to 'nothing.png', which leads nowhere",
        "is not there any more",
    ]
    assert {int(place) for batch in source.batches(1) for place in batch.index} == set()


def test_a_directory_whose_own_path_is_no_utf8(tmp_path):
    root = cats_and_dogs(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    assert collect(opened(root))["index"].tolist() == list(range(5))


def test_tensorflow_is_missing(root):
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from pathlib import Path\n"
        "from pytest_confmat.data import open_source\n"
        "from pytest_confmat.errors import MissingDependencyError\n"
        "from pytest_confmat.spec import DirectorySpec, ModelInput\n"
        "try: open_source(DirectorySpec(Path('test')), ('cat', 'dog'), ModelInput((8, 6, 3)))\n"
        "except MissingDependencyError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "reading images and TFRecords needs TensorFlow: pip install 'pytest-confmat[cpu]', or "
        "'pytest-confmat[tensorflow]' for a GPU\n"
    )


@pytest.mark.parametrize(
    ("expected", "differing"), [(6, "1 example missing"), (3, "2 examples too many")]
)
def test_another_number_of_examples_than_expected(root, expected, differing):
    with pytest.raises(DataError) as caught:
        opened(root, expected_examples=expected)
    assert str(caught.value) == (
        f"{differing}: directory test holds 5 examples, and dataset.expected_examples is {expected}"
    )


def test_the_expected_number_of_examples(root):
    assert len(collect(opened(root, expected_examples=5))["index"]) == 5


def test_a_directory_that_changed_since_the_classes_were_read(root):
    (root / "fox").mkdir()
    with pytest.raises(DataError) as caught:
        opened(root)
    assert str(caught.value) == (
        "classes and the directories in test differ\n"
        "  not in classes: 'fox'; a directory that is no class belongs in ignore\n"
        "  classes: 'cat', 'dog'\n"
        "  directories: 'cat', 'dog', 'fox'"
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_nothing_but_our_error_comes_out_of_any_image(root, form):
    random = np.random.default_rng(3)
    whole = encoded(random.integers(0, 256, (9, 9, 3), np.uint8), form)
    for number in range(40):
        content = bytearray(whole)
        for place in random.integers(20, len(content), random.integers(1, 5)):
            content[place] = random.integers(256)
        end = random.integers(1, len(content) + 1) if number % 2 else len(content)
        tree(root, {f"cat/{number}.png": bytes(content[:end])})
    source = opened(root)
    came = {int(place) for batch in source.batches(4) for place in batch.index}
    for place in range(45):
        try:
            assert source.example(place).index.tolist() == [place]
        except DataError:
            assert place not in came


def test_folders_of_classes_without_examples_may_be_missing_or_empty(tmp_path):
    root = cats_and_dogs(tmp_path / "data")
    (root / "fox").mkdir()
    names = ("cat", "dog", "fox", "whale")
    spec = DirectorySpec(root, without_examples=("fox", "whale"))
    assert names_of_directory(spec, names) == names
    assert len(list_directory(spec, names).ids) == 5
    with pytest.raises(DataError, match="without a directory: 'whale'; if the set lacks them on"):
        names_of_directory(replace(spec, without_examples=("fox",)), names)
    with pytest.raises(DataError, match="holds no image: 'fox'"):
        list_directory(replace(spec, without_examples=("whale",)), names)

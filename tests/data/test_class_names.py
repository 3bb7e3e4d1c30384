from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_confmat.data import class_names
from pytest_confmat.errors import DataError
from pytest_confmat.spec import DirectorySpec, LabelFeature, TFRecordSpec
from tests.support.makers import tree
from tests.support.refusals import refusal


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def folders(here: Path, *names: str) -> DirectorySpec:
    for name in names:
        (here / "test" / name).mkdir(parents=True)
    return DirectorySpec(here / "test")


def shards(here: Path, files: dict[str, str], label: str | None = None) -> TFRecordSpec:
    tree(here / "data", {"test.tfrecord": b"not read"})
    tree(here / "data", {name: text.encode() for name, text in files.items()})
    feature = None if label is None else LabelFeature(label)
    return TFRecordSpec((str(here / "data" / "*.tfrecord"),), label=feature)


def refused(spec, declared=None) -> str:
    return refusal(DataError, class_names, spec, declared)


def test_directory_names_come_sorted_by_code_point(here):
    names = class_names(folders(here, "b", "Z", "a", "B1", "é", ".ipynb_checkpoints"), None)
    assert names == ("B1", "Z", "a", "b", "é")


def test_declared_names_keep_their_order(here):
    assert class_names(folders(here, "cat", "dog"), ("dog", "cat")) == ("dog", "cat")


def test_files_beside_the_directories_are_no_classes(here):
    spec = folders(here, "cat", "dog")
    tree(here / "test", {"stray.jpg": b""})
    assert class_names(spec, None) == ("cat", "dog")


def test_a_link_to_a_directory_is_a_class(here):
    spec = folders(here, "cat", "dog")
    (here / "test" / "fox").symlink_to(here / "test" / "dog")
    assert class_names(spec, None) == ("cat", "dog", "fox")


def test_ignored_directories_are_no_classes(here):
    folders(here, "cat", "dog", "__MACOSX")
    assert class_names(DirectorySpec(here / "test", ignore=("__MACOSX",)), None) == ("cat", "dog")


def test_numbers_whose_text_order_is_their_order_are_taken(here):
    assert class_names(folders(here, "00", "01", "10"), None) == ("00", "01", "10")


DIRECTORY_FAULTS = [
    (
        ("cat", "dgo", "fox"),
        ("cat", "dog", "bird"),
        "classes and the directories in test differ\n"
        "  without a directory: 'dog', 'bird'; did you mean 'dgo'?\n"
        "  not in classes: 'dgo', 'fox'; a directory that is no class belongs in ignore\n"
        "  classes: 'cat', 'dog', 'bird'\n"
        "  directories: 'cat', 'dgo', 'fox'",
    ),
    (
        ("cat",),
        ("cat", "dog"),
        "classes and the directories in test differ\n"
        "  without a directory: 'dog'; if the set lacks them on purpose: "
        "classes: {names: ..., without_examples: [...]}\n"
        "  classes: 'cat', 'dog'\n"
        "  directories: 'cat'",
    ),
    (
        ("cat", "dog", "__MACOSX"),
        ("cat", "dog"),
        "classes and the directories in test differ\n"
        "  not in classes: '__MACOSX'; a directory that is no class belongs in ignore\n"
        "  classes: 'cat', 'dog'\n"
        "  directories: '__MACOSX', 'cat', 'dog'",
    ),
    (
        ("cat", "dog"),
        ("cat", "dog", "cat"),
        "classes names 'cat' more than once; each class has one place",
    ),
    (
        ("cat", "dog"),
        ("cat",),
        "classes names 'cat'; a confusion matrix needs at least two classes",
    ),
    (
        ("0", "1", "10", "2"),
        None,
        "the class directories of test are numbers, and sorted as text they come as 0, 1, 10, 2 "
        "...; say which order the model's outputs have, by one of these lines\n"
        "classes: [0, 1, 2, 10]   # the order of numbers\n"
        "classes: [0, 1, 10, 2]   # the order of image_dataset_from_directory",
    ),
    (
        ("cat",),
        None,
        "test holds one class directory, 'cat'; a confusion matrix needs at least two classes",
    ),
    (
        ("Cat", "cat", "dog"),
        None,
        "the class directories 'Cat' and 'cat' in test differ only in case; merge them, or list "
        "both in classes",
    ),
    (
        ("caf\u00e9", "cafe\u0301", "dog"),
        None,
        "the class directories 'cafe\\u0301' and 'caf\\xe9' in test differ only in how Unicode "
        "spells them; merge them",
    ),
    (
        ("caf\u00e9", "cafe\u0301"),
        ("caf\u00e9", "cafe\u0301"),
        "the class directories 'cafe\\u0301' and 'caf\\xe9' in test differ only in how Unicode "
        "spells them; merge them",
    ),
]


@pytest.mark.parametrize(("names", "declared", "message"), DIRECTORY_FAULTS)
def test_directories_that_prove_no_classes(here, names, declared, message):
    assert refused(folders(here, *names), declared) == message


def test_names_that_differ_in_case_may_be_declared(here):
    assert class_names(folders(here, "A", "a"), ("a", "A")) == ("a", "A")


def test_no_class_directories_but_files(here):
    (here / "test").mkdir()
    assert refused(DirectorySpec(here / "test")) == (
        "test holds no class directories; a confusion matrix needs at least two classes"
    )
    tree(here / "test", dict.fromkeys(("a.jpg", "b.jpg", "c.jpg", "d.jpg"), b""))
    assert refused(DirectorySpec(here / "test")) == (
        "test holds no class directories, but 4 files ('a.jpg', 'b.jpg', 'c.jpg' and 1 more); a "
        "confusion matrix needs at least two classes"
    )


def test_a_directory_that_is_not_there(here):
    folders(here)
    (here / "tests").mkdir()
    assert refused(DirectorySpec(here / "test")) == (
        "the data directory test does not exist; did you mean 'tests'?; a policy's paths "
        "are relative to its file"
    )
    assert refused(DirectorySpec(here / "elsewhere" / "data")) == (
        "the data directory elsewhere/data does not exist; a policy's paths are relative to its "
        "file"
    )


def test_a_file_in_place_of_the_directory(here):
    tree(here, {"test.tfrecord": b""})
    assert refused(DirectorySpec(here / "test.tfrecord")) == (
        "test.tfrecord is a file, and dataset.directory is a folder that holds one folder per "
        "class; for TFRecord shards say tfrecord: in place of directory:"
    )


def test_an_ignored_name_that_is_not_there(here):
    folders(here, "cat", "dog", "__MACOSX")
    assert refused(DirectorySpec(here / "test", ignore=("_MACOSX",))) == (
        "dataset.ignore names '_MACOSX', and test holds no such directory; did you mean '__MACOSX'?"
    )


def test_a_directory_name_that_is_no_utf8(here):
    folders(here, "cat")
    Path(os.fsdecode(os.fsencode(here / "test") + b"/caf\xe9\n")).mkdir()
    assert refused(DirectorySpec(here / "test")) == (
        "the name of the class directory test/caf\\xe9\\n is not UTF-8; rename it"
    )


def test_declared_names_need_no_shards(here):
    assert class_names(TFRecordSpec((str(here / "none"),)), CLASSES) == CLASSES


CLASSES = ("cat", "dog", "wild cat")


@pytest.mark.parametrize(
    ("file", "label", "content"),
    [
        ("labels.txt", None, "cat\ndog\nwild cat\n"),
        ("label.labels.txt", None, "\ufeffcat\r\ndog\r\nwild cat\r\n\r\n"),
        ("fine.labels.txt", "fine", "cat\ndog\nwild cat"),
        ("labels.txt", "image/class/label", "0:cat\n1:dog\n2:wild cat\n"),
    ],
)
def test_names_from_a_label_file(here, file, label, content):
    assert class_names(shards(here, {file: content}, label), None) == CLASSES


def test_a_numbered_label_file_that_does_not_start_at_0_is_left_as_it_is(here):
    spec = shards(here, {"labels.txt": "1:cat\n2:dog"})
    assert class_names(spec, None) == ("1:cat", "2:dog")


LABEL_FILE_FAULTS = [
    (
        {},
        "the names of the classes are not known: TFRecords hold labels without names or order, "
        "and there is no label.labels.txt or labels.txt beside the shards; say classes: [...] in "
        "the order of the model's outputs, or name a text file with one class a line",
    ),
    (
        {"labels.txt": "cat\n\ndog\n"},
        "data/labels.txt:2: an empty line between class names; remove it",
    ),
    ({"labels.txt": "cat\ndog\ncat\n"}, "data/labels.txt:3: 'cat' is already on line 1"),
    (
        {"labels.txt": "cat\n"},
        "data/labels.txt:1: a classifier has at least two classes, and here is 1",
    ),
    (
        {"labels.txt": "\n"},
        "data/labels.txt:1: a classifier has at least two classes, and here is 0",
    ),
    (
        {"labels.txt": "cat\ndog", "label.labels.txt": "dog\ncat"},
        "data/label.labels.txt and data/labels.txt name different classes: 'dog', 'cat' and "
        "'cat', 'dog'; say which in classes",
    ),
]


@pytest.mark.parametrize(("files", "message"), LABEL_FILE_FAULTS)
def test_label_files_that_prove_no_classes(here, files, message):
    assert refused(shards(here, files)) == message


def test_a_label_file_that_is_no_text(here):
    spec = shards(here, {})
    tree(here / "data", {"labels.txt": b"\xff\xfe\xff"})
    assert refused(spec) == (
        "data/labels.txt:1: the label file is not UTF-8: byte 0xff cannot stand here"
    )


def test_it_costs_no_heavy_import(here):
    folders(here, "cat", "dog")
    shards(here, {"labels.txt": "cat\ndog"})
    code = (
        "import sys; from pathlib import Path\n"
        "from pytest_confmat.data import class_names\n"
        "from pytest_confmat.spec import DirectorySpec, TFRecordSpec\n"
        "class_names(DirectorySpec(Path('test')), None)\n"
        "class_names(TFRecordSpec(('data/*.tfrecord',)), None)\n"
        "print([name for name in ('numpy', 'tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

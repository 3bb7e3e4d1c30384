from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.errors import DataError
from pytest_confmat.spec import DirectorySpec
from tests.support.fifos import make_fifo
from tests.support.makers import tree
from tests.support.refusals import refusal

CLASSES = ("dog", "cat")


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tree(tmp_path / "test", {"cat/1.jpg": b"", "dog/1.jpg": b""})
    return tmp_path / "test"


def refused(root) -> str:
    return refusal(DataError, list_directory, DirectorySpec(root), CLASSES)


def test_files_come_in_the_order_of_keras_with_their_class(root):
    keras = pytest.importorskip("keras")
    cats = ("cat/a/9.png", "cat/b.jpeg", "cat/a b/1.bmp", "cat/Z.gif", "cat/a/deep/0.JPG")
    dogs = ("dog/10.jpg", "dog/2.jpg", "dog/\u00e9.png")
    tree(root, dict.fromkeys((*cats, *dogs), b""))
    theirs = keras.utils.image_dataset_from_directory(root, shuffle=False, verbose=False)
    listing = list_directory(DirectorySpec(root), CLASSES)
    assert [str(root / name) for name in listing.ids] == theirs.file_paths
    assert listing.ids[:3] == ("cat/1.jpg", "cat/Z.gif", "cat/b.jpeg")
    assert listing.labels == (1,) * 6 + (0,) * 4
    assert listing.notes == ()


def test_formats_that_keras_would_skip_are_read(root):
    tree(root, {"cat/2.jfif": b"", "cat/3.WebP": b""})
    listing = list_directory(DirectorySpec(root), CLASSES)
    assert listing.ids == ("cat/1.jpg", "cat/2.jfif", "cat/3.WebP", "dog/1.jpg")


def test_what_is_skipped_is_counted_and_named(root):
    skipped = ("cat/.DS_Store", "cat/._1.jpg", "cat/Thumbs.db", "dog/DESKTOP.INI", "dog/.x.png")
    tree(root, dict.fromkeys((*skipped, "dog/.ipynb_checkpoints/1.jpg"), b""))
    tree(root, {"README.md": b"", ".git/config": b"", "stray.jpg": b""})
    listing = list_directory(DirectorySpec(root), CLASSES)
    assert listing.ids == ("cat/1.jpg", "dog/1.jpg")
    assert listing.notes == (
        "6 hidden or system files skipped: 'cat/.DS_Store', 'cat/._1.jpg', 'cat/Thumbs.db' and 3 "
        "more",
        "3 entries beside the class directories not read: '.git', 'README.md', 'stray.jpg'",
    )


def test_an_ignored_directory_is_not_looked_into(root):
    tree(root, {"__MACOSX/notes.txt": b""})
    listing = list_directory(DirectorySpec(root, ignore=("__MACOSX",)), CLASSES)
    assert listing.ids == ("cat/1.jpg", "dog/1.jpg")
    assert listing.notes == ("directories ignored: '__MACOSX'",)


READ = ".bmp, .gif, .jpeg, .jpg, .png, .jfif, .webp"


def test_files_that_would_not_be_read(root):
    tree(root, {f"cat/sub/{n}.tiff": b"" for n in range(6)} | {"dog/notes": b""})
    assert refused(root) == (
        "test holds files that would not be read: cat/sub/0.tiff, cat/sub/1.tiff, cat/sub/2.tiff, "
        "cat/sub/3.tiff, cat/sub/4.tiff and 2 more; move, remove or convert them; what is read is "
        f"{READ}"
    )


def test_classes_without_an_image(root):
    (root / "cat" / "1.jpg").unlink()
    assert refused(root) == (
        "1 class directory in test holds no image: 'cat'; a class without examples cannot be judged"
    )
    (root / "dog" / "1.jpg").unlink()
    tree(root, {"dog/.hidden.jpg": b""})
    assert refused(root) == (
        "2 class directories in test hold no image: 'cat', 'dog'; a class without examples cannot "
        "be judged"
    )


def test_links_within_the_directory_are_followed(root):
    (root / "cat" / "2.jpg").symlink_to("1.jpg")
    (root / "cat" / "3.jpg").symlink_to("nowhere.jpg")
    listing = list_directory(DirectorySpec(root), CLASSES)
    assert listing.ids == ("cat/1.jpg", "cat/2.jpg", "cat/3.jpg", "dog/1.jpg")


def test_a_directory_may_itself_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    (root / "cat" / "2.jpg").symlink_to("1.jpg")
    listing = list_directory(DirectorySpec(tmp_path / "link"), CLASSES)
    assert listing.ids == ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg")


def test_links_that_leave_the_directory(root, tmp_path):
    tree(tmp_path / "test-2", {"1.jpg": b""})  # its path starts as the root's does
    (root / "cat" / "2.jpg").symlink_to(tmp_path / "test-2" / "1.jpg")
    (root / "fox").symlink_to(tmp_path / "test-2")
    with pytest.raises(DataError) as caught:
        list_directory(DirectorySpec(root), ("cat", "dog", "fox"))
    assert str(caught.value) == (
        f"test holds links that lead out of it: cat/2.jpg -> {tmp_path}/test-2/1.jpg, fox -> "
        f"{tmp_path}/test-2; copy what they lead to, or allow such links by "
        "links: follow in dataset"
    )


def test_links_to_folders_within(root):
    (root / "cat" / "more").symlink_to(root / "dog")
    assert refused(root) == (
        "test holds links to folders, which Keras does not follow: cat/more; move the folders "
        "here, link their files, or say links: follow in dataset"
    )


def follows(root, *classes):
    return list_directory(DirectorySpec(root, links="follow"), classes)


def test_links_are_followed_wherever_they_lead(root, tmp_path):
    tree(tmp_path / "store", {"1.jpg": b"", "more/2.jpg": b"", "blob": b""})
    (root / "cat" / "2.jpg").symlink_to(tmp_path / "store" / "blob")
    (root / "cat" / "more").symlink_to(tmp_path / "store" / "more")
    (root / "fox").symlink_to(tmp_path / "store" / "more")
    (root / "cat" / "gone.jpg").symlink_to(tmp_path / "store" / "gone")
    listing = follows(root, "cat", "dog", "fox")
    assert listing.ids == (
        *("cat/1.jpg", "cat/2.jpg", "cat/gone.jpg", "cat/more/2.jpg"),
        *("dog/1.jpg", "fox/2.jpg"),
    )
    assert listing.labels == (0, 0, 0, 0, 1, 2)
    assert listing.notes == (
        "4 links out of the directory followed: 'cat/2.jpg', 'cat/gone.jpg', 'cat/more' and 1 more",
    )


def test_links_in_circles_are_refused(root, tmp_path):
    tree(tmp_path / "store", {"1.jpg": b""})
    (tmp_path / "store" / "back").symlink_to(root / "cat")
    (root / "cat" / "store").symlink_to(tmp_path / "store")
    with pytest.raises(DataError) as caught:
        follows(root, "cat", "dog")
    assert str(caught.value) == (
        "test holds links to folders that hold them: cat/store/back; remove them"
    )


def test_what_is_no_regular_file(root):
    make_fifo(root / "cat" / "pipe.jpg")
    assert refused(root) == (
        "test holds entries that are no regular files: cat/pipe.jpg is a FIFO (named pipe); "
        "remove them"
    )


def test_a_file_name_that_is_no_utf8(root):
    Path(os.fsdecode(os.fsencode(root) + b"/cat/caf\xe9.jpg")).write_bytes(b"")
    assert refused(root) == (
        "test holds file names that are not UTF-8: cat/caf\\xe9.jpg; rename them"
    )


def test_file_names_that_look_alike(root):
    tree(root, {"cat/caf\u00e9.jpg": b"", "cat/cafe\u0301.jpg": b"", "dog/caf\u00e9.jpg": b""})
    assert refused(root) == (
        "test holds file names that differ only in how Unicode spells them: "
        "'cat/cafe\\u0301.jpg' and 'cat/caf\\xe9.jpg'; remove one of the two"
    )


def test_a_name_with_control_characters_is_escaped(root):
    tree(root, {"cat/\x1b[31m\n::error.txt": b""})
    assert refused(root) == (
        "test holds files that would not be read: cat/\\x1b[31m\\n::error.txt; move, remove or "
        f"convert them; what is read is {READ}"
    )

"""The digest of a model: the file's own, or that of a list of all its files."""

import hashlib
import subprocess

import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.models.digest import files_of, sha256_of_model
from pytest_confmat.models.formats import FORMATS, ModelFormat
from pytest_confmat.spec import Argmax, ModelSpec


class Folders(ModelFormat):
    key, suffixes, noun = "folders", (), "a folder of weights"

    def recognizes(self, head):  # noqa: ARG002
        return False

    def holds(self, folder):
        return (folder / "net.json").is_file()

    def files(self, path):
        return tuple(each for each in path.rglob("*") if each.is_file())

    def look(self, path):  # noqa: ARG002
        return None

    def load(self, file, classes, decision, *, safe_mode, custom_objects):
        raise NotImplementedError


@pytest.fixture
def folder(tmp_path):
    FORMATS.register(Folders())
    path = tmp_path / "net"
    (path / "weights").mkdir(parents=True)
    (path / "net.json").write_bytes(b"{}")
    (path / "weights" / "a").write_bytes(b"1")
    (path / "weights-b").write_bytes(b"2")
    yield path
    FORMATS.clear()


@pytest.fixture
def file(tmp_path, nets):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    return path


def test_of_a_file_it_is_the_files_own(file):
    assert files_of(file) == (file,)
    assert sha256_of_model(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_of_a_folder_it_is_what_the_shell_computes(folder):
    command = "find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    printed = subprocess.check_output(command, shell=True, cwd=folder, text=True)
    assert sha256_of_model(folder) == printed.split()[0]


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_whatever_changes_in_a_folder_changes_it(folder, change):
    before = sha256_of_model(folder)
    if change == "content":
        (folder / "weights" / "a").write_bytes(b"3")
    elif change == "name":
        (folder / "weights" / "a").rename(folder / "weights" / "c")
    else:
        (folder / "more").write_bytes(b"")
    assert sha256_of_model(folder) != before


def test_a_folder_that_no_format_knows_has_none(tmp_path):
    with pytest.raises(ModelError, match="is a directory"):
        sha256_of_model(tmp_path)


def test_a_signature_of_a_format_that_has_none_is_an_error(file):
    spec = ModelSpec(file, signature="serve")
    with pytest.raises(ModelError) as caught:
        load(spec, ("cat", "dog", "bird"), Argmax())
    assert str(caught.value) == (
        f"{file} is a Keras 3 zip file, which has no signatures, and the policy asks for 'serve': "
        "take signature out of its model"
    )

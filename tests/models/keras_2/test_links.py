"""HDF5 files whose parts lie in other files are refused before tf-keras follows them."""

import io
import zipfile

import h5py
import numpy as np
import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.keras_2.links import require_whole


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["secret"] = np.arange(5.0)
    (tmp_path / "raw.bin").write_bytes(bytes(40))
    return path


def external_link(file, other):
    file["model_weights/dense/kernel"] = h5py.ExternalLink(str(other), "/secret")


def external_storage(file, other):
    group = file.create_group("model_weights/dense")
    raw = str(other.parent / "raw.bin")
    group.create_dataset("kernel", (5,), "f8", external=[(raw, 0, 40)])


def virtual(file, other):
    layout = h5py.VirtualLayout((5,), "f8")
    layout[:] = h5py.VirtualSource(str(other), "secret", (5,))
    file.create_group("model_weights/dense").create_virtual_dataset("kernel", layout)


MAKERS = [external_link, external_storage, virtual]


def said(path, kind):
    with pytest.raises(ModelError) as caught:
        require_whole(ModelFile(path, kind))
    return str(caught.value)


@pytest.mark.parametrize("make", MAKERS)
def test_a_part_in_another_file_is_refused(tmp_path, other, make):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        make(file, other)
    assert said(path, "hdf5") == (
        f"{path} is not loaded: '/model_weights/dense/kernel' in it lies in another file. No file "
        "that model.save() writes refers to others: do not trust it, and find out where it comes "
        "from"
    )


@pytest.mark.parametrize("make", MAKERS)
def test_also_in_a_zip_file(tmp_path, other, make):
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        make(file, other)
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", weights.getvalue())
    assert "in it lies in another file" in said(path, "keras")


def test_links_within_a_file_are_its_own(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["a/kernel"] = np.arange(5.0)
        file["b/again"] = h5py.SoftLink("/a/kernel")
        file["b/dead"] = h5py.SoftLink("/nowhere")
    require_whole(ModelFile(path, "hdf5"))


def test_a_group_that_holds_itself_comes_to_an_end(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["self"] = group
    assert "in it lies in another file" in said(path, "hdf5")


def test_a_damaged_file_is_an_error_of_ours(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    assert said(path, "hdf5").startswith(f"{path} is cut off or damaged (")

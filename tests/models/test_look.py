import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.models.formats import ModelFile, choice
from pytest_confmat.models.look import look_at
from pytest_confmat.spec import Argmax, ModelSpec

WHOLE = {
    "metadata.json": json.dumps({"keras_version": "3.9.2"}),
    "config.json": json.dumps({"class_name": "Sequential"}),
    "model.weights.h5": "w" * 2000,
}


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def without(*names):
    return zipped({name: content for name, content in WHOLE.items() if name not in names})


def hdf5(**attributes):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("numbers", data=list(range(1000)))
        file.attrs.update(attributes)
    return buffer.getvalue()


WHOLE_HDF5 = hdf5(model_config="{}", keras_version="2.11.0")
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 1234567\n"
)


@pytest.mark.parametrize(
    ("name", "content", "format_", "saved_by"),
    [
        ("m.keras", zipped(WHOLE), "keras", "3.9.2"),
        ("m.keras", without("metadata.json"), "keras", None),
        ("m.keras", zipped(WHOLE | {"metadata.json": "{"}), "keras", None),
        ("m.keras", zipped(WHOLE | {"metadata.json": "[]"}), "keras", None),
        ("m.h5", WHOLE_HDF5, "hdf5", "2.11.0"),
        ("m.hdf5", hdf5(model_config="{}", keras_version=b"2.4.0"), "hdf5", "2.4.0"),
        ("m.h5", hdf5(model_config="{}"), "hdf5", None),
    ],
)
def test_a_whole_model_is_told_by_format_and_version(tmp_path, name, content, format_, saved_by):
    path = tmp_path / name
    path.write_bytes(content)
    assert look_at(path) == ModelFile(path, format_, saved_by)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "m.keras",
            b"",
            "{path} is empty (0 bytes): its export or download was cut off; make it again",
        ),
        (
            "m.keras",
            POINTER,
            "{path} is a git-LFS pointer to a file of 1,234,567 bytes, not the file itself: "
            "fetch it with git lfs pull --include='m.keras'",
        ),
        (
            "m.h5",
            b"\n<!DOCTYPE html><html><title>Sign in</title>",
            "{path} is a web page, not a model: its download was answered by a page, such as one "
            "to log in",
        ),
        (
            "m.hdf5",
            zipped(WHOLE),
            "{path} is a Keras 3 zip file named .hdf5: rename it to m.keras",
        ),
        (
            "m.keras",
            zipped(WHOLE)[:600],
            "{path} begins as a .keras (zip) file and is cut off or damaged (File is not a zip "
            "file): copy or export it again",
        ),
        (
            "m.keras",
            without("config.json"),
            "{path} is a zip file without config.json, so no Keras model (it holds metadata.json, "
            "model.weights.h5): give a file written by model.save('model.keras')",
        ),
        (
            "m.keras",
            zipped({"archive/data.pkl": "", "archive/version": "3"}),
            "{path} is a zip file without config.json, so no Keras model (it holds "
            "archive/data.pkl, archive/version, as a PyTorch file does): give a file written by "
            "model.save('model.keras')",
        ),
        (
            "m.keras",
            zipped({}),
            "{path} is a zip file without config.json, so no Keras model (it is empty): give a "
            "file written by model.save('model.keras')",
        ),
        (
            "m.keras",
            without("model.weights.h5"),
            "{path} holds a model's architecture without its weights (there is no "
            "model.weights.h5 in it): export it again with model.save('model.keras')",
        ),
        (
            "m.keras",
            zipped(WHOLE | {"config.json": "{nope"}),
            "{path} is a zip file whose config.json cannot be read (Expecting property name "
            "enclosed in double quotes: line 1 column 2 (char 1)): export the model again with "
            "model.save('model.keras')",
        ),
        (
            "m.keras",
            b"garbage, but plenty of it",
            "{path} is no model: a .keras file is a zip file, and this one begins with "
            "b'garbage,'; export it again with model.save('model.keras')",
        ),
        (
            "m.h5",
            b"garbage, but plenty of it",
            "{path} is no model: .h5 means HDF5, and this one begins with b'garbage,'; export it "
            "again with model.save('model.keras')",
        ),
        (
            "m.weights.h5",
            hdf5(keras_version="3.9.2"),
            "{path} holds weights only, without the model they belong to: save the whole model "
            "with model.save('model.keras'), or build it, load these weights and pass it as a "
            "function by overriding the fixture confmat_model",
        ),
        (
            "m.keras",
            hdf5(),
            "{path} holds weights only, without the model they belong to: save the whole model "
            "with model.save('model.keras'), or build it, load these weights and pass it as a "
            "function by overriding the fixture confmat_model",
        ),
        (
            "m.xyz",
            b"something",
            "{path} cannot be loaded: models are .keras, .h5, .hdf5, .tflite or .onnx files, and "
            "'.xyz' is none of them; pass it as a function by overriding the fixture confmat_model",
        ),
        (
            "m",
            b"something",
            "{path} cannot be loaded: models are .keras, .h5, .hdf5, .tflite or .onnx files, and "
            "it has no extension; pass it as a function by overriding the fixture confmat_model",
        ),
        (
            "m.zip",
            zipped(WHOLE),
            "{path} has no extension that tells its format (models are .keras, .h5, .hdf5, .tflite "
            "or .onnx files), and begins like a .keras file: if it is one, rename it to m.keras",
        ),
        (
            "m.H5",
            WHOLE_HDF5,
            "{path} has no extension that tells its format (models are .keras, .h5, .hdf5, .tflite "
            "or .onnx files), and begins like a .h5 file: if it is one, rename it to m.h5",
        ),
    ],
)
def test_what_is_no_whole_model_is_said_to_be_what_it_is(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        look_at(path)
    assert str(caught.value) == message.format(path=path)


def test_a_cut_hdf5_file_is_said_to_be_cut(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(WHOLE_HDF5[:4000])
    with pytest.raises(ModelError) as caught:
        look_at(path)
    message = str(caught.value)
    assert message.startswith(f"{path} begins as an HDF5 file and is cut off or damaged (")
    assert message.endswith("): copy or export it again")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_is_an_error_of_ours_or_none(tmp_path, suffix, data):
    whole = {".keras": zipped(WHOLE), ".h5": WHOLE_HDF5}[suffix]
    content = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=6)):
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content[: data.draw(st.integers(0, len(whole)))])
    try:
        said = look_at(path)
    except ModelError as error:
        said = error
    assert str(path) in str(said)


def test_a_missing_file_names_its_nearest_neighbors(tmp_path):
    for name in ("digits.keras", "digits-old.keras", "notes.txt", "thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError) as caught:
        look_at(tmp_path / "digit.keras")
    assert str(caught.value) == (
        f"there is no model {tmp_path}/digit.keras; in that folder there is digits.keras and "
        "digits-old.keras"
    )


def test_a_missing_file_without_a_neighbor_of_its_kind_says_so(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"x")
    with pytest.raises(ModelError) as caught:
        look_at(tmp_path / "digits.keras")
    assert str(caught.value) == (
        f"there is no model {tmp_path}/digits.keras, and no .keras, .h5, .hdf5, .tflite or .onnx "
        "file in that folder"
    )


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError) as caught:
        look_at(tmp_path / "gone" / "m.keras")
    assert str(caught.value) == (
        f"there is no model {tmp_path}/gone/m.keras: the folder {tmp_path}/gone does not exist"
    )


def test_a_dangling_link_is_named(tmp_path):
    (tmp_path / "m.keras").symlink_to("elsewhere.keras")
    with pytest.raises(ModelError) as caught:
        look_at(tmp_path / "m.keras")
    assert str(caught.value) == (
        f"{tmp_path}/m.keras is a link to 'elsewhere.keras', which does not exist"
    )


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("hf://keras/mobilenet", "hf://keras/mobilenet"),
        ("/home/ci/https:/example.org/m.keras", "https://example.org/m.keras"),
        ("gs://bucket/m.keras", "gs://bucket/m.keras"),
        ("s3://bucket/m.keras", "s3://bucket/m.keras"),
    ],
)
def test_a_remote_address_is_refused(address, shown):
    with pytest.raises(ModelError) as caught:
        load(ModelSpec(Path(address)), ("a", "b"), Argmax())
    assert str(caught.value) == (
        f"{shown} is a remote address, and models are loaded from local files only: download it "
        "first and give the file's path"
    )


def test_a_saved_model_is_a_directory(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "saved_model.pb").write_bytes(b"x")
    found = look_at(tmp_path / "export")
    assert (found.format, found.saved_by) == ("saved_model", None)


def test_an_unpacked_model_is_recognized(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"is a directory that holds an unpacked \.keras file"):
        look_at(tmp_path)


def test_another_directory_shows_the_models_in_it(tmp_path):
    with pytest.raises(ModelError) as caught:
        look_at(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is a directory without a saved_model.pb, and other models are {choice()} "
        "files: there is no model in it"
    )
    (tmp_path / "m.keras").write_bytes(b"x")
    with pytest.raises(ModelError, match=rf"it holds {tmp_path}/m\.keras$"):
        look_at(tmp_path)


def test_a_device_is_refused():
    with pytest.raises(ModelError) as caught:
        look_at(Path("/dev/null"))
    assert (
        str(caught.value)
        == "/dev/null is a device: give a .keras, .h5, .hdf5, .tflite or .onnx file"
    )


def test_a_name_too_long_for_the_file_system_is_an_error_of_ours(tmp_path):
    with pytest.raises(ModelError, match="cannot be read: File name too long"):
        look_at(tmp_path / ("m" * 300 + ".keras"))


def test_looking_imports_no_tensorflow(tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(b"")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pytest_confmat.errors import ModelError\n"
        "from pytest_confmat.models import load\n"
        "from pytest_confmat.spec import Argmax, ModelSpec\n"
        "try:\n"
        "    load(ModelSpec(Path(sys.argv[1])), ('a', 'b'), Argmax())\n"
        "except ModelError as error:\n"
        "    print(error)\n"
        "print(sorted({'tensorflow', 'keras', 'h5py'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == [
        f"{path} is empty (0 bytes): its export or download was cut off; make it again",
        "[]",
    ]

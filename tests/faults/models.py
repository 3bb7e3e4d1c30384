"""Model files that are no models, or cannot be loaded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

from pytest_confmat.models.formats import choice
from tests.faults.directories import folder, link
from tests.faults.images import LFS
from tests.faults.project import Project, saved
from tests.faults.table import Content, Fault, Make, Section, all_of, file

MODEL = "m.keras"
Members = dict[str, bytes]


def members() -> Members:
    with zipfile.ZipFile(io.BytesIO(saved("plain", ".keras"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(change: Callable[[Members], Members]) -> Make:
    """Return what writes the model with other files in its zip."""

    def make(project: Project) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in change(members()).items():
                archive.writestr(name, content)
        project.write(MODEL, buffer.getvalue())

    return make


def without(*names: str) -> Make:
    return zipped(lambda all_: {name: all_[name] for name in all_ if name not in names})


def named(name: str) -> Make:
    def make(project: Project) -> None:
        project.options = [f"--confmat-model={name}"]

    return make


def other(name: str, content: Content) -> Make:
    return all_of(file(name, content), named(name))


def kind(name: str, of: str = MODEL) -> Make:
    return all_of(lambda project: project.model(name, of), named(of))


def weights_alone(project: Project) -> None:
    from tests.faults import nets

    nets.plain().save_weights(project.path / "m.weights.h5")
    named("m.weights.h5")(project)


def only_in_hdf5(project: Project) -> None:
    project.write(MODEL, saved("plain", ".h5"))


def gone(project: Project) -> None:
    (project.path / MODEL).unlink()


def unpacked(project: Project) -> None:
    gone(project)
    for name, content in members().items():
        project.write(f"{MODEL}/{name}", content)


PYTORCH = {"archive/data.pkl": b"", "archive/version": b"3"}

SECTION = Section(
    "Model files",
    "In place of a small Keras model; the six images that it is compared with are fine.",
    Project.images,
    [
        Fault(
            "a model that is not there",
            all_of(gone, file("n.keras", b"")),
            "--confmat-model: there is no model m.keras; in that folder there is n.keras",
            "refused",
        ),
        Fault(
            "a model in a folder that is not there",
            named("models/m.keras"),
            "--confmat-model: there is no model models/m.keras: the folder models does not exist",
            "refused",
        ),
        Fault(
            "a link that leads nowhere",
            all_of(gone, link(MODEL, "best.keras")),
            "--confmat-model: m.keras is a link to 'best.keras', which does not exist",
            "refused",
        ),
        Fault(
            "a model on Hugging Face",
            named("hf://team/model"),
            "--confmat-model: hf://team/model is a remote address, and only local "
            "paths are read: download it first and give the path of the copy",
            "refused",
        ),
        Fault(
            "a model behind https",
            named("https://example.org/m.keras"),
            "--confmat-model: https://example.org/m.keras is a remote address, and "
            "only local paths are read: download it first and give the path of the "
            "copy",
            "refused",
        ),
        Fault(
            "a model in a bucket",
            named("gs://models/m.keras"),
            "--confmat-model: gs://models/m.keras is a remote address, and only "
            "local paths are read: download it first and give the path of the copy",
            "refused",
        ),
        Fault(
            "an empty file",
            file(MODEL, b""),
            "m.keras is empty (0 bytes): its export or download was cut off; make it again",
        ),
        Fault(
            "a folder of models",
            all_of(kind("plain", "models/m.keras"), named("models")),
            f"models is a directory without a saved_model.pb, and other models are {choice()} "
            "files: it holds models/m.keras",
        ),
        Fault(
            "an empty folder",
            all_of(gone, folder(MODEL)),
            f"m.keras is a directory without a saved_model.pb, and other models are {choice()} "
            "files: there is no model in it",
        ),
        Fault(
            "a .keras file that was unpacked",
            unpacked,
            "m.keras is a directory that holds an unpacked .keras file: give the "
            ".keras file itself, or pack the directory's content as a zip file of "
            "that name",
        ),
        Fault(
            "a git-LFS pointer",
            file(MODEL, LFS),
            "m.keras is a git-LFS pointer to a file of 1,234,567 bytes, not the "
            "file itself: fetch it with git lfs pull --include='m.keras'",
        ),
        Fault(
            "a web page",
            file(MODEL, "<!DOCTYPE html><title>Sign in</title>"),
            "m.keras is a web page, not a model: its download was answered by a "
            "page, such as one to log in",
        ),
        Fault(
            "something else",
            file(MODEL, b"garbage, and plenty of it"),
            "m.keras is no model: a .keras file is a zip file, and this one begins "
            "with b'garbage,'; export it again with model.save('model.keras')",
        ),
        Fault(
            "an HDF5 file named .keras, as Keras 2 once wrote it",
            only_in_hdf5,
            "confmat: passed",
            "works",
        ),
        Fault(
            "a .keras file named .h5",
            other("m.h5", lambda: saved("plain", ".keras")),
            "m.h5 is a Keras 3 zip file named .h5: rename it to m.keras",
        ),
        Fault(
            "a .keras file cut in the middle",
            file(MODEL, lambda: saved("plain", ".keras")[:2000]),
            "m.keras begins as a .keras (zip) file and is cut off or damaged (File "
            "is not a zip file): copy or export it again",
        ),
        Fault(
            "an HDF5 file cut in the middle",
            other("m.h5", lambda: saved("plain", ".h5")[:4000]),
            "m.h5 begins as an HDF5 file and is cut off or damaged ([...]): copy "
            "or export it again",
        ),
        Fault(
            "a zip file without config.json",
            without("config.json"),
            "m.keras is a zip file without config.json, so no Keras model (it "
            "holds metadata.json, model.weights.h5): give a file written by "
            "model.save('model.keras')",
        ),
        Fault(
            "an empty zip file",
            zipped(lambda _: {}),
            "m.keras is a zip file without config.json, so no Keras model (it is "
            "empty): give a file written by model.save('model.keras')",
        ),
        Fault(
            "a PyTorch file named .keras",
            zipped(lambda _: PYTORCH),
            "m.keras is a zip file without config.json, so no Keras model (it "
            "holds archive/data.pkl, archive/version, as a PyTorch file does): "
            "give a file written by model.save('model.keras')",
        ),
        Fault(
            "an architecture without weights",
            without("model.weights.h5"),
            "m.keras holds a model's architecture without its weights (there is no "
            "model.weights.h5 in it): export it again with "
            "model.save('model.keras')",
        ),
        Fault(
            "a config.json that is cut",
            zipped(lambda all_: {**all_, "config.json": all_["config.json"][:99]}),
            "m.keras is a zip file whose config.json cannot be read ([...]): "
            "export the model again with model.save('model.keras')",
        ),
        Fault(
            "weights alone",
            weights_alone,
            "m.weights.h5 holds weights only, without the model they belong to: "
            "save the whole model with model.save('model.keras'), or build it, "
            "load these weights and pass it as a function by overriding the "
            "fixture confmat_model",
        ),
        Fault(
            "weights alone, named as a model",
            other(MODEL, lambda: members()["model.weights.h5"]),
            "m.keras holds weights only, without the model they belong to: save "
            "the whole model with model.save('model.keras'), or build it, load "
            "these weights and pass it as a function by overriding the fixture "
            "confmat_model",
        ),
        Fault(
            "a PyTorch model",
            other("m.pt", b"\x80\x02"),
            "m.pt cannot be loaded: models are .keras, .h5, .hdf5, .tflite or .onnx files, and "
            "'.pt' is PyTorch; pass it as a function by overriding the fixture "
            "confmat_model",
        ),
        Fault(
            "a Python pickle",
            other("m.pkl", b"\x80\x04"),
            "m.pkl cannot be loaded: models are .keras, .h5, .hdf5, .tflite or .onnx files, and "
            "'.pkl' is a Python pickle; pass it as a function by overriding the "
            "fixture confmat_model",
        ),
        Fault(
            "an architecture as JSON",
            other("m.json", json.dumps({"class_name": "Sequential"})),
            "m.json cannot be loaded: models are .keras, .h5, .hdf5, .tflite or .onnx files, and "
            "'.json' is JSON; pass it as a function by overriding the fixture "
            "confmat_model",
        ),
        Fault(
            "a model without an extension",
            other("model", lambda: saved("plain", ".keras")),
            "model has no extension that tells its format (models are .keras, .h5, "
            ".hdf5, .tflite or .onnx files), and begins like a .keras file: if it is one, rename "
            "it to model.keras",
        ),
    ],
)

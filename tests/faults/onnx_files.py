"""ONNX files that are broken, hostile or unfit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.loading import apart
from tests.faults.models import named
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of

MODEL = "m.onnx"
DISTRUST = "Do not trust it, and do not load it in another way; find out where it comes from"
FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"
WITHOUT = """\
import importlib.util as util

real = util.find_spec
util.find_spec = lambda name, *more: None if "onnx" in name else real(name, *more)
"""


def put(make: Callable[[Any], Any]) -> Make:
    """Return what writes the model that `make` makes, given the module that makes such graphs."""

    def write(project: Project) -> None:
        from tests.extras.onnx import graphs

        graphs.write(project.path / MODEL, make(graphs))

    return write


def base(project: Project) -> None:
    project.images()
    (project.path / "m.keras").unlink()
    put(lambda graphs: graphs.last(units=2))(project)
    named(MODEL)(project)


def cut_off(project: Project) -> None:
    path = project.path / MODEL
    path.write_bytes(path.read_bytes()[:-40])


def called_keras(project: Project) -> None:
    (project.path / MODEL).rename(project.path / "m.keras")
    named("m.keras")(project)


def behind_a_link(project: Project) -> None:
    put(lambda graphs: graphs.outside(graphs.last(units=2), "m.data"))(project)
    project.write("elsewhere/m.data", bytes(10_000))
    (project.path / "m.data").symlink_to("elsewhere/m.data")


def of_somebody_else(graphs: Any) -> Any:
    return graphs.beside(graphs.last(units=2), "Tokenize", "t", domain="ai.onnx.contrib")


def two_outputs(graphs: Any) -> Any:
    made = graphs.beside(graphs.last(units=2), "Log", "z")
    made.graph.output.append(graphs.value("z", "N", 2))
    return made


def classes_alone(graphs: Any) -> Any:
    made = graphs.beside(graphs.last(units=2), "ArgMax", "z", axis=1)
    made.graph.output[0].CopyFrom(graphs.value("z", "N", 1, dtype=graphs.TensorProto.INT64))
    return made


def threshold(project: Project) -> None:
    project.policy("directory: data", "decision: {threshold: 0.5}\n")


SECTION = Section(
    "ONNX files",
    "In place of a file `m.onnx` that takes images channels last; the six images are fine.",
    base,
    [
        Fault(
            "no onnxruntime",
            apart(WITHOUT),
            "onnxruntime and onnx are not installed, and loading m.onnx needs them: "
            'pip install "pytest-confmat[onnx]"',
        ),
        Fault(
            "a file that is cut off",
            cut_off,
            "m.onnx begins as an ONNX file and is cut off or damaged ([...]): copy or export it "
            "again",
        ),
        Fault(
            "an ONNX file under another name",
            called_keras,
            "m.keras is an ONNX file named .keras: rename it to m.onnx",
        ),
        Fault(
            "weights in a file outside its folder",
            put(lambda graphs: graphs.outside(graphs.last(units=2), "../m.data")),
            "m.onnx is not loaded: it names '../m.data' as a file that holds its weights, and "
            f"these lie beside it, in its folder. {DISTRUST}",
        ),
        Fault(
            "weights in a file behind a link",
            behind_a_link,
            "m.onnx is not loaded: m.data, which holds its weights or leads to them, is a link, "
            "and links may lead out of its folder: put the file itself there (cp -L)",
        ),
        Fault(
            "weights in a file that is not there",
            put(lambda graphs: graphs.outside(graphs.last(units=2), "m.data")),
            "m.onnx lacks the file m.data, which holds its weights: copy it beside the model, or "
            "export the model again",
        ),
        Fault(
            "an opset that onnxruntime does not know yet",
            put(lambda graphs: graphs.last(units=2, opset=99)),
            "m.onnx is of opset 99 (written by tests 1.2), and onnxruntime [...] knows them up to "
            "[...]: install a newer onnxruntime, or export the model with an older opset",
        ),
        Fault(
            "operators of another library",
            put(of_somebody_else),
            "m.onnx is not loaded: it holds operators that onnxruntime does not compute by itself "
            f"(Tokenize of ai.onnx.contrib): export it without them, or {FIXTURE}",
        ),
        Fault(
            "two outputs that may be the scores, of ONNX",
            put(two_outputs),
            "m.onnx gives 2 outputs that may be the scores (y (N, 2) float32, z (N, 2) float32), "
            "and one is judged: export it with that one alone (onnx.utils.extract_model), or "
            f"{FIXTURE}",
        ),
        Fault(
            "the class in place of scores",
            put(classes_alone),
            "m.onnx gives z (N, 1) int64, and none of that is an array of scores: export it so "
            "that it ends in the scores of the classes, which are floats",
        ),
        Fault(
            "logits under a threshold, of ONNX",
            all_of(put(lambda graphs: graphs.conv(units=1, end="Identity")), threshold),
            "the model m.onnx gave the score [...], and a threshold of 0.5 needs scores between 0 "
            "and 1: these look like logits; end the model in a sigmoid (one output) or a softmax "
            "(two), or put one behind it in a confmat_model fixture",
        ),
        Fault(
            "a model that takes channels first",
            put(lambda graphs: graphs.conv(units=2)),
            "the model m.onnx takes images channels first, (N, 3, 8, 8): they are turned before "
            "they go into it",
            "noted",
        ),
    ],
    needs=("onnx", "onnxruntime"),
)

"""LiteRT files that are broken, hostile or unfit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.loading import apart
from tests.faults.models import named
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of

MODEL = "m.tflite"
FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"
WITHOUT = """\
import importlib.util as util

real = util.find_spec
gone = ("ai_edge_litert", "tensorflow")
util.find_spec = lambda name, *more: None if name in gone else real(name, *more)
"""


def put(make: Callable[[Any], Any]) -> Make:
    """Return what writes the model that `make` makes, given the module that makes such files."""

    def write(project: Project) -> None:
        from tests.extras.litert import buffers

        buffers.write(project.path / MODEL, make(buffers))

    return write


def base(project: Project) -> None:
    project.images()
    (project.path / "m.keras").unlink()
    put(lambda buffers: buffers.net(2))(project)
    named(MODEL)(project)


def cut_off(project: Project) -> None:
    path = project.path / MODEL
    path.write_bytes(path.read_bytes()[:200])


def broken_inside(project: Project) -> None:
    """Have the weights begin behind the end of the file: what is looked at before is in order."""
    path = project.path / MODEL
    data = path.read_bytes()
    weights = (2 * 8 * 8 * 3 * 4).to_bytes(4, "little")
    at = data.index(weights + data[data.index(weights) + 4 :][:1])
    path.write_bytes(data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :])


def called_keras(project: Project) -> None:
    (project.path / MODEL).rename(project.path / "m.keras")
    named("m.keras")(project)


def newer_operator(buffers: Any) -> Any:
    made = buffers.net(2)
    made.operatorCodes[1].version = 99
    return made


def several_signatures(buffers: Any) -> Any:
    made = buffers.net(2)
    made.signatureDefs = [buffers.signature(name, scores=4) for name in ("day", "night")]
    return made


def two_outputs(buffers: Any) -> Any:
    made = buffers.net(2)
    made.subgraphs[0].outputs = [3, 4]
    return made


def classes_alone(buffers: Any) -> Any:
    made = buffers.net(2)
    made.subgraphs[0].tensors.append(buffers.tensor("z", -1, dtype="INT64"))
    made.subgraphs[0].outputs = [5]
    return made


def threshold(project: Project) -> None:
    project.policy("directory: data", "decision: {threshold: 0.5}\n")


SECTION = Section(
    "LiteRT files",
    "In place of a file `m.tflite` that takes floats; the six images are fine.",
    base,
    [
        Fault(
            "no runtime for LiteRT",
            apart(WITHOUT),
            "ai-edge-litert is not installed, and loading m.tflite needs it: "
            'pip install "pytest-confmat[litert]"',
        ),
        Fault(
            "a LiteRT file that is cut off",
            cut_off,
            "m.tflite begins as a LiteRT file and is cut off or damaged ([...]): copy or convert "
            "it again",
        ),
        Fault(
            "a LiteRT file that is damaged inside",
            broken_inside,
            "m.tflite is cut off or damaged: copy or convert it again",
        ),
        Fault(
            "a LiteRT file under another name",
            called_keras,
            "m.keras is a LiteRT file named .keras: rename it to m.tflite",
        ),
        Fault(
            "an operator in a version of the future",
            put(newer_operator),
            "m.tflite holds the operator 'SOFTMAX' in version 99 (written by tests 1.2), which "
            "LiteRT [...] does not know: install a newer ai-edge-litert, or convert the model for "
            "an older one",
        ),
        Fault(
            "operations of TensorFlow",
            put(lambda buffers: buffers.with_custom(buffers.net(2), "FlexWriteFile")),
            "m.tflite is not loaded: it holds operations of TensorFlow (FlexWriteFile), which "
            "LiteRT does not compute by itself: convert it without SELECT_TF_OPS, or gate the "
            "model that it was converted from",
        ),
        Fault(
            "operators of one's own",
            put(lambda buffers: buffers.with_custom(buffers.net(2), "Tokenize")),
            "m.tflite is not loaded: it holds operators that LiteRT does not compute by itself "
            f"(Tokenize): convert it without them, or {FIXTURE}",
        ),
        Fault(
            "several signatures, of LiteRT",
            put(several_signatures),
            "m.tflite has the signatures 'day', 'night', and none of them is serving_default or "
            "serve: say which is judged, as `model: {signature: NAME}` in the policy",
        ),
        Fault(
            "two outputs that may be the scores, of LiteRT",
            put(two_outputs),
            "m.tflite gives 2 outputs that may be the scores (logits (N, 2) float32, y (N, 2) "
            f"float32), and one is judged: convert it with that one alone, or {FIXTURE}",
        ),
        Fault(
            "the class in place of scores, of LiteRT",
            put(classes_alone),
            "m.tflite gives z (N,) int64, and none of that is an array of scores: convert it so "
            "that it ends in the scores of the classes",
        ),
        Fault(
            "logits under a threshold, of LiteRT",
            all_of(put(lambda buffers: buffers.net(1, end="NEG")), threshold),
            "the model m.tflite gave the score [...], and a threshold of 0.5 needs scores between "
            "0 and 1: these look like logits; end the model in a sigmoid (one output) or a softmax "
            "(two), or put one behind it in a confmat_model fixture",
        ),
        Fault(
            "pixels that a quantized input cuts off",
            put(lambda buffers: buffers.quantized(2)),
            "the model m.tflite takes numbers from 0 to 1, as int8, and [...]% of those in the "
            "first batch lie outside and are cut off: see whether `rescale` fits the model",
            "noted",
        ),
    ],
    needs=("ai_edge_litert",),
)

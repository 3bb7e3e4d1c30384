"""SavedModels that are broken, unfit or do more than compute."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.models import named
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of, file

MODEL = "m"
WHOLE = "copy the whole directory, or export it again with model.export(path)"


def export(path: Path, change: Callable[[Any, Any], Any] | None = None, **spec: Any) -> None:
    """Write a module whose scores `change` makes of its input and its own scores."""
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable(tf.random.stateless_normal((3, 2), (1, 2)))

    def call(x: Any) -> Any:
        numbers = tf.cast(x, tf.float32) if x.dtype != tf.string else tf.io.decode_raw(x, "float")
        found = tf.nn.softmax(tf.reduce_mean(numbers, [1, 2]) @ module.kernel)
        return found if change is None else change(x, found)

    taken = tf.TensorSpec(**{"shape": (None, 8, 8, 3), "dtype": tf.float32, "name": "x", **spec})
    made = tf.function(call, input_signature=[taken], autograph=False)
    tf.saved_model.save(module, str(path), signatures=made.get_concrete_function())


def base(project: Project) -> None:
    project.images()
    (project.path / "m.keras").unlink()
    export(project.path / MODEL)
    named(MODEL)(project)


def exported(change: Callable[[Any, Any], Any] | None = None, **spec: Any) -> Make:
    def make(project: Project) -> None:
        shutil.rmtree(project.path / MODEL)
        export(project.path / MODEL, change, **spec)

    return make


def without(name: str) -> Make:
    return lambda project: shutil.rmtree(project.path / MODEL / name)


def version_folder(project: Project) -> None:
    (project.path / MODEL).rename(project.path / "1")
    (project.path / MODEL).mkdir()
    (project.path / "1").rename(project.path / MODEL / "1")


def asks_for(name: str) -> Make:
    return lambda project: project.policy("directory: data", f"model: {{signature: {name}}}\n")


def writing(x: Any, found: Any) -> Any:
    import tensorflow as tf

    with tf.control_dependencies([tf.io.write_file("written.txt", "x")]):
        return tf.identity(found)


def two(x: Any, found: Any) -> Any:
    return {"scores": found, "logits": found * 2}


def picked(x: Any, found: Any) -> Any:
    import tensorflow as tf

    return {"scores": found, "label": tf.argmax(found, 1)}


def keras_file_with_signature(project: Project) -> None:
    project.model()
    named("m.keras")(project)
    asks_for("serve")(project)


SECTION = Section(
    "SavedModels",
    "In place of a directory `m` with a signature `serving_default`; the six images are fine.",
    base,
    [
        Fault(
            "the graph's file alone",
            named("m/saved_model.pb"),
            "m/saved_model.pb is the graph of a SavedModel, which is its whole directory: give m",
        ),
        Fault(
            "a folder of versions",
            version_folder,
            "m is a directory without a saved_model.pb, and other models are [...] files: it holds "
            "m/1",
        ),
        Fault(
            "a graph that is none",
            file("m/saved_model.pb", b"garbage"),
            f"m/saved_model.pb is no graph, or cut off or damaged: {WHOLE}",
        ),
        Fault(
            "an empty graph",
            file("m/saved_model.pb", b""),
            "m/saved_model.pb is empty (0 bytes): its export or download was cut off; make it "
            "again",
        ),
        Fault(
            "no variables",
            without("variables"),
            "m lacks its folder variables, which holds the weights: copy the whole directory, or "
            "export it again",
        ),
        Fault(
            "variables that are damaged",
            file("m/variables/variables.index", b"garbage" * 20),
            "the model m cannot be loaded: its variables and tables do not fit its graph, or are "
            "damaged ([...]); copy the whole directory, or export it again",
        ),
        Fault(
            "a graph that writes a file",
            exported(writing),
            "m is not loaded: it would run the operation WriteFile, which is not known to do "
            "nothing but compute: such a graph may read and write files or run code. Export it "
            "without, or say --confmat-unsafe-model if you trust it",
        ),
        Fault(
            "a signature that is not there",
            asks_for("pixels"),
            "m has no signature 'pixels', which the policy asks for: it has 'serving_default'",
        ),
        Fault(
            "a signature of a file that has none",
            keras_file_with_signature,
            "m.keras is a Keras 3 zip file, which has no signatures, and the policy asks for "
            "'serve': take signature out of its model",
        ),
        Fault(
            "text as input",
            exported(shape=(None, 8, 8), dtype="string"),
            "the signature 'serving_default' of m takes text or encoded examples ('x' is of dtype "
            "string), and batches of numbers are supported: export a signature that takes the "
            "numbers themselves",
        ),
        Fault(
            "two outputs that may be the scores",
            exported(two),
            "the signature 'serving_default' of m gives 2 outputs that may be the scores (logits "
            "(N, 2) float32, scores (N, 2) float32), and one is judged: export a signature with "
            "that one alone, and name it as `model: {signature: NAME}` in the policy",
        ),
        Fault(
            "another output beside the scores",
            exported(picked),
            "of the model m the output 'scores' is judged, and 'label' is not",
            "noted",
        ),
        Fault(
            "a signature that the policy names",
            all_of(exported(), asks_for("serving_default")),
            "confmat: passed",
            "works",
        ),
    ],
)

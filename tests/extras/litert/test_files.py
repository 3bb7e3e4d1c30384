"""LiteRT files that are broken, hostile or unfit, and what the predictor makes of odd ones."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import version

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load, trial
from pytest_confmat.models.litert import loading, predictor
from pytest_confmat.models.look import look_at
from pytest_confmat.spec import Argmax, ModelSpec, Threshold
from tests.extras.litert import buffers, nets
from tests.extras.litert.buffers import CLASSES, SIDE, signature, tensor, write

RUNTIME = f"LiteRT {version('ai-edge-litert')}"
FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"


def batch(n=45, *shape):
    return np.random.default_rng(5).random((n, *(shape or (SIDE, SIDE, 3))), np.float32)


def opened(path, decision=None, classes=CLASSES, asked=None):
    own = load(ModelSpec(path, signature=asked), classes, decision or Argmax())
    own.check_stated()
    return own


def predicted(path, images=None, **more):
    images = batch() if images is None else images
    own = opened(path, **more)
    own.check(images)
    return own.predict(images, np.zeros(len(images), np.int64))


def refusal(path, **more):
    with pytest.raises(ModelError) as caught:
        opened(path, **more)
    return str(caught.value).replace(f"{path.parent}/", "")


def one_by_one(path, images, output=0):
    interpreter = Interpreter(str(path))
    index = interpreter.get_input_details()[0]["index"]
    found = []
    for image in images:
        interpreter.resize_tensor_input(index, (1, *image.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, image[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[output]["index"])[0])
    return np.stack(found)


def test_truncation_anywhere_is_an_error(tmp_path):
    whole = buffers.packed(buffers.net())
    path = tmp_path / "m.tflite"
    for size in [0, 1, 4, 7, 8, 12, 40, 200, 500, len(whole) // 2, len(whole) - 4]:
        path.write_bytes(whole[:size])
        assert re.search("empty|is no model|damaged|cannot be loaded|holds no", refusal(path)), size


def test_offsets_anywhere_end_in_an_error_or_in_scores(tmp_path):
    """Each field of the file's tables is set to numbers that lead out of it, or astray in it."""
    whole = buffers.packed(buffers.net())
    path, random = tmp_path / "m.tflite", np.random.default_rng(3)
    told = set()
    for at in random.choice(len(whole) // 4, 60, replace=False) * 4:
        value = random.choice([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 4, len(whole)])
        path.write_bytes(whole[:at] + int(value).to_bytes(4, "little") + whole[at + 4 :])
        try:
            opened(path).check(batch(4))
        except ModelError as error:
            told.add(str(error)[:60])
        else:
            told.add("scores")
    assert len(told) > 2


@pytest.mark.parametrize("content", [b"garbage" * 50, b"\x1c\0\0\0TFL2" + bytes(99)])
def test_what_is_no_model(tmp_path, content):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    assert refusal(path) == (
        f"m.tflite is no model: .tflite means a LiteRT file, and this one begins with "
        f"{content[:8]!r}; export it again with "
        "tf.lite.TFLiteConverter.from_keras_model(model).convert()"
    )


def test_who_wrote_it_is_known(tmp_path):
    assert look_at(write(tmp_path / "m.tflite", buffers.net())).saved_by == "tests 1.2"
    path = nets.write(tmp_path / "n.tflite")
    assert look_at(path).saved_by == f"TensorFlow {tf.__version__}"


def net(change):
    made = buffers.net()
    change(made, made.subgraphs[0])
    return made


def with_output(*more):
    def change(made, graph):
        graph.tensors += more
        graph.outputs = [*range(5, 5 + len(more))]

    return net(change)


def with_input(**more):
    def change(made, graph):
        graph.tensors[0] = tensor("x", -1, SIDE, SIDE, 3, **more)

    return net(change)


def settled(**fields):
    def change(made, graph):
        for name, value in fields.items():
            setattr(made, name, value)

    return net(change)


def grouped():
    group = buffers.schema().ExternalBufferGroupT()
    group.name = "../weights.bin"
    return settled(externalBufferGroups=[group])


UNFIT = {
    "another version": (
        settled(version=2),
        "m.tflite is of version 2 of its format, and runtimes know version 3: it is damaged, or of "
        "another time; convert the model again",
    ),
    "weights in another file": (
        grouped(),
        "m.tflite is not loaded: it keeps weights in other files, and a model of one file is "
        "supported: convert it with its weights inside",
    ),
    "no graph": (
        settled(subgraphs=[]),
        "m.tflite holds no graph, so no model, or is cut off: copy or convert it again",
    ),
    "a signature of a graph that is not there": (
        settled(signatureDefs=[signature("serve", 7, scores=4)]),
        "m.tflite begins as a LiteRT file and is cut off or damaged (number 7 of 1): copy or "
        "convert it again",
    ),
    "two inputs": (
        net(lambda made, graph: setattr(graph, "inputs", [0, 3])),
        "m.tflite takes 2 inputs (x (N, 8, 8, 3) float32, logits (N, 3) float32), and one batch "
        f"is supported: convert it with one input, or {FIXTURE}",
    ),
    "no input": (
        net(lambda made, graph: setattr(graph, "inputs", [])),
        "m.tflite takes no input, and one batch is supported: convert it with one input, or "
        f"{FIXTURE}",
    ),
    "text": (
        with_input(dtype="STRING"),
        "m.tflite takes text ('x' is of strings), and batches of numbers are supported: convert "
        "the part that takes the numbers",
    ),
    "complex numbers": (
        with_input(dtype="COMPLEX64"),
        "m.tflite takes 'x' as (N, 8, 8, 3) complex64, and batches of numbers that NumPy knows "
        f"are supported: convert it with a float32 input, or {FIXTURE}",
    ),
    "a scale for each channel": (
        with_input(dtype="INT8", scale=[0.1, 0.2, 0.3]),
        "m.tflite has several scales for 'x', one for each place along an axis, and one for all "
        "is supported: convert the model again",
    ),
    "a scale below zero": (
        with_input(dtype="INT8", scale=-1.0),
        "m.tflite is damaged: it quantizes 'x' as int8 by a scale of -1.0: copy or convert it "
        "again",
    ),
    "a zero point from far away": (
        with_input(dtype="INT8", scale=1.0, point=1 << 40),
        f"m.tflite is damaged: the zero point of 'x' is {1 << 40}: copy or convert it again",
    ),
    "whole numbers without a scale": (
        with_output(tensor("z", -1, 3, dtype="INT32")),
        "m.tflite gives z (N, 3) int32, and none of that is an array of scores: convert it so that "
        "it ends in the scores of the classes",
    ),
    "other classes": (
        buffers.net(4),
        "the model m.tflite has 4 outputs, and there are 3 classes: 'bird', 'cat', 'dog'; "
        "`classes` must name every output, in the model's order, and of those without examples in "
        "the set say so: `classes: {names: [...], without_examples: [...]}`",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_cannot_be_gated_has_its_sentence(tmp_path, name):
    made, expected = UNFIT[name]
    assert refusal(write(tmp_path / "m.tflite", made)) == expected


def test_operations_of_tensorflow_are_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "require_harmless", None)
    said = refusal(
        write(tmp_path / "m.tflite", buffers.with_custom(buffers.net(), "FlexWriteFile"))
    )
    assert said.startswith("m.tflite is not loaded: it holds operations of TensorFlow (FlexWriteF")


def test_a_file_that_crashes_the_runtime_does_not_crash_the_run(tmp_path, monkeypatch):
    """With a script that dies as a runtime would of a hostile file."""
    script = tmp_path / "attempt.py"
    script.write_text(
        "import os, signal\n\n\ndef attempt(request):\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    seen = []

    def outcome_of(asked):
        seen.append(asked.request)
        return trial.outcome_of(trial.Trial(script, {}, asked.path, asked.runtime))

    monkeypatch.setattr("pytest_confmat.models.litert.interpreter.outcome_of", outcome_of)
    path = write(tmp_path / "m.tflite", buffers.net())
    assert f"m.tflite is not loaded: {RUNTIME}, which opened it and ran it" in refusal(path)
    assert seen == [
        {
            "library": "ai_edge_litert", "model": os.fspath(path), "signature": None, "input": "x",
            "index": 0, "shape": [1, SIDE, SIDE, 3], "is_known": True, "batch": 4,
            "dtype": "float32",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("way", nets.WAYS)
def test_several_at_once_are_the_same_as_one_by_one(tmp_path, way):
    path = nets.write(tmp_path / "m.tflite", way)
    own = opened(path)
    own.check(batch())
    together = own._scores(own._fit(batch()))
    assert own._size == 45
    assert together.tobytes() == one_by_one(path, own._fit(batch())).tobytes()
    for step in (1, 7, 44):
        parts = [own._scores(own._fit(batch()[at : at + step])) for at in range(0, 45, step)]
        assert np.concatenate(parts).tobytes() == together.tobytes()


FIXED = {
    # Made for one example: a batch comes out as one row, or does not fit at all.
    "does not fit": lambda x: tf.nn.softmax(tf.reshape(x, (1, -1))[:, :3]),
    # Comes out in rows, and each depends on the others.
    "takes the mean": lambda x: tf.reshape(x, (-1, 192))[:, :3] / tf.reduce_mean(x),
}


@pytest.mark.parametrize("name", FIXED)
def test_a_model_that_computes_another_thing_of_a_batch_is_run_one_by_one(tmp_path, name):
    function = tf.function(
        FIXED[name], input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), name="x")]
    )
    path = nets.of_functions(tmp_path / "m.tflite", serving_default=function)
    own = opened(path)
    own.check(batch())
    assert own._size == 1
    found = own.predict(batch(), np.zeros(45, np.int64))
    assert found.predicted.tolist() == one_by_one(path, batch()).argmax(axis=1).tolist()


def test_sizes_that_the_file_leaves_open(tmp_path):
    function = tf.function(
        lambda x: tf.nn.softmax(tf.reduce_mean(x, (1, 2))),
        input_signature=[tf.TensorSpec((None, None, None, 3), name="x")],
    )
    path = nets.of_functions(tmp_path / "m.tflite", serving_default=function)
    assert opened(path).input.shape == (None, None, 3)
    for shape in ((5, 9, 3), (64, 2, 3)):
        images = batch(20, *shape)
        found = predicted(path, images)
        assert found.predicted.tolist() == one_by_one(path, images).argmax(axis=1).tolist()


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    def taken(name):
        return [tf.TensorSpec((None, 4), name=name)]

    day = tf.function(lambda x: {"p": tf.nn.softmax(x[:, :3])}, input_signature=taken("x"))
    night = tf.function(
        lambda x: {"q": tf.nn.softmax(-x[:, :3]), "all": x}, input_signature=taken("x")
    )
    path = tmp_path_factory.mktemp("several") / "m.tflite"
    return nets.of_functions(path, day=day, night=night)


def test_the_signature_that_is_asked_for_is_judged(several):
    rows = batch(30, 4)
    assert refusal(several).startswith("m.tflite has the signatures 'day', 'night', and none of")
    assert refusal(several, asked="dusk") == (
        "m.tflite has no signature 'dusk', which the policy asks for: it has 'day', 'night'"
    )
    day, night = (predicted(several, rows, asked=name) for name in ("day", "night"))
    assert day.predicted.tolist() == rows[:, :3].argmax(axis=1).tolist()
    assert night.predicted.tolist() == rows[:, :3].argmin(axis=1).tolist()
    assert opened(several, asked="night").notes == (
        "of the model m.tflite the output 'q' is judged, and 'all' is not",
    )


def test_a_file_without_signatures_has_none_to_ask_for(tmp_path):
    path = write(tmp_path / "m.tflite", buffers.net())
    assert refusal(path, asked="dusk") == (
        "m.tflite has no signature 'dusk', which the policy asks for: it has none"
    )


@pytest.mark.parametrize("dtype", ["INT8", "UINT8", "INT16"])
def test_decisions_and_ties_are_those_of_the_whole_numbers(tmp_path, dtype):
    made = buffers.quantized(dtype=dtype)
    # So coarse that many scores are the same.
    made.subgraphs[0].tensors[6].quantization.scale = [0.2]
    path = write(tmp_path / "m.tflite", made)
    images, true = batch(200), np.arange(200) % 3
    own = opened(path)
    own.check(images)
    found = own.predict(images, true)
    whole = own._fit(images)
    scores = one_by_one(path, whole)
    assert whole.dtype.name == dtype.lower()
    assert found.predicted.tolist() == scores.argmax(axis=1).tolist()
    top = scores.max(axis=1)
    tied = (scores == top[:, None]).sum(axis=1)
    assert (tied > 1).sum() > 3
    assert found.tied.tolist() == tied.tolist()
    assert found.true_tied.tolist() == (scores[np.arange(200), true] == top).tolist()
    point = {"INT8": -128, "UINT8": 0, "INT16": 0}[dtype]
    real = (top.astype(np.float32) - np.float32(point)) * np.float32(0.2)
    assert found.score.tolist() == real.tolist()


def test_quantized_by_scale_and_zero_point_and_cut_off(tmp_path):
    own = opened(write(tmp_path / "m.tflite", buffers.quantized(scale=0.5)))
    given = np.zeros((1, SIDE, SIDE, 3), np.float32)
    given.flat[:6] = [0.24, 0.26, 0.75, 63.5, 1000, -3]
    assert own._fit(given).flat[:6].tolist() == [-128, -127, -126, -1, 127, -128]


def test_what_is_not_finite_is_no_whole_number(tmp_path):
    path = write(tmp_path / "m.tflite", buffers.quantized())
    images = batch(10)
    images[3, 0, 0, 0], images[5, 1, 1, 1] = np.nan, np.inf
    own = opened(path)
    own.check(batch(10))
    valid = own.predict(images, np.zeros(10, np.int64)).valid
    assert np.flatnonzero(~valid).tolist() == [3, 5]


def test_a_threshold_is_held_against_real_scores(tmp_path):
    path = nets.write(tmp_path / "m.tflite", "int8", units=1, end="sigmoid")
    own = opened(path, Threshold(0.4), CLASSES[:2])
    own.check(batch())
    assert own.notes[-1] == "the model m.tflite has one output, read as the score of 'cat'"
    whole = one_by_one(path, own._fit(batch()))[:, 0]
    real = (whole.astype(np.float32) + 128) / 256
    found = own.predict(batch(), np.zeros(45, np.int64))
    assert found.predicted.tolist() == (real >= np.float32(0.4)).astype(int).tolist()


def counting(path):
    """A model whose scores depend on all examples before."""

    class Counting(tf.Module):
        def __init__(self):
            self.seen = tf.Variable(tf.zeros((1, 3)))

        @tf.function(input_signature=[tf.TensorSpec((1, 3), name="x")])
        def call(self, x):
            self.seen.assign_add(x)
            return {"p": tf.nn.softmax(self.seen[:, ::-1] - 3 * x)}

    net = Counting()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [net.call.get_concrete_function()], net
    )
    converter.experimental_enable_resource_variables = True
    path.write_bytes(converter.convert())
    return path


def test_a_state_goes_from_example_to_example_and_is_put_back(tmp_path):
    path = counting(tmp_path / "m.tflite")
    own, rows = opened(path), batch(30, 3)
    assert own.is_stateful
    assert own.is_pure is False
    own.check(rows[:7])
    found = [own.predict(rows[at : at + 10], np.zeros(10, np.int64)) for at in (0, 10, 20)]
    seen = np.cumsum(rows, axis=0)
    expected = (seen[:, ::-1] - 3 * rows).argmax(axis=1)
    assert np.concatenate([each.predicted for each in found]).tolist() == expected.tolist()


def test_large_examples_go_into_it_a_few_at_a_time(tmp_path, monkeypatch):
    whole = predicted(nets.write(tmp_path / "m.tflite"))
    monkeypatch.setattr(predictor, "_AT_ONCE", 4 * SIDE * SIDE * 3)
    own = opened(tmp_path / "m.tflite")
    own.check(batch())
    assert own._size == 4
    found = own.predict(batch(), np.zeros(45, np.int64))
    assert np.array_equal(found.score, whole.score)


def test_a_batch_of_another_shape_is_an_error(tmp_path):
    own = opened(write(tmp_path / "m.tflite", buffers.net()))
    with pytest.raises(ModelError, match=r"takes inputs of shape \(N, 8, 8, 3\), and this batch"):
        own.check(batch(4, 9, 9, 3))


def test_other_models_are_not_taken_for_one(tmp_path):
    nets.net().save(tmp_path / "m.keras")
    shutil.copy(tmp_path / "m.keras", tmp_path / "m.tflite")
    assert refusal(tmp_path / "m.tflite") == (
        "m.tflite is a Keras 3 zip file named .tflite: rename it to m.keras"
    )

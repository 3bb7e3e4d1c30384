"""ONNX files that are broken, hostile or unfit: each ends in an error of ours, and runs nothing."""

from __future__ import annotations

import os
import re
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load, trial
from pytest_confmat.models.digest import sha256_of_model
from pytest_confmat.models.formats import format_of
from pytest_confmat.models.look import look_at
from pytest_confmat.models.onnx import loading, predictor
from pytest_confmat.spec import Argmax, ModelSpec, Threshold
from tests.extras.onnx import graphs
from tests.extras.onnx.graphs import CLASSES, SIDE, conv, last, model, node, outside, value, write

RUNTIME = f"onnxruntime {onnxruntime.__version__}"
DISTRUST = "Do not trust it, and do not load it in another way; find out where it comes from"
FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"


def batch(n=45):
    return np.random.default_rng(5).random((n, SIDE, SIDE, 3), np.float32)


def opened(path, decision=None, classes=CLASSES):
    own = load(ModelSpec(path), classes, decision or Argmax())
    own.check_stated()
    return own


def predicted(path, n=45):
    own = opened(path)
    own.check(batch(n))
    return own.predict(batch(n), np.zeros(n, np.int64))


def refusal(path, **more):
    with pytest.raises(ModelError) as caught:
        opened(path, **more)
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("location", ["../out.bin", "a/../../out.bin", "/etc/passwd", "..", "."])
def test_weights_outside_its_folder_are_not_read(tmp_path, location, monkeypatch):
    monkeypatch.setattr(loading, "require_harmless", None)
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "out.bin").write_bytes(bytes(10_000))
    path = write(folder / "m.onnx", outside(conv(), location))
    expected = (
        f"m.onnx is not loaded: it names {location!r} as a file that holds its weights, and these "
        f"lie beside it, in its folder. {DISTRUST}"
    )
    assert refusal(path) == expected
    with pytest.raises(ModelError, match="as a file that holds its weights"):
        look_at(path)
    with pytest.raises(ModelError, match="as a file that holds its weights"):
        sha256_of_model(path)


@pytest.mark.parametrize("location", ["C:/x", "..\\x", "*/_ORT_MEM_ADDR_/*", "a\0b"])
def test_names_that_only_some_systems_mean_elsewhere_by(tmp_path, location):
    path = write(tmp_path / "m.onnx", outside(conv(), location))
    assert "as a file that holds its weights, and these lie beside it" in refusal(path)


@pytest.mark.parametrize("link", ["file", "folder"])
def test_weights_behind_a_link_are_not_read(tmp_path, link):
    folder, away = tmp_path / "in", tmp_path / "away"
    folder.mkdir()
    away.mkdir()
    path = folder / "m.onnx"
    write(path, conv(), save_as_external_data=True, location="m.data", size_threshold=0)
    (folder / "m.data").rename(away / "m.data")
    if link == "file":
        (folder / "m.data").symlink_to(away / "m.data")
    else:
        made = onnx.load(path, load_external_data=False)
        for each in made.graph.initializer:
            each.external_data[0].value = "w/m.data"
        write(path, made)
        (folder / "w").symlink_to(away)
    name = "m.data" if link == "file" else "w"
    assert refusal(path) == (
        f"m.onnx is not loaded: {name}, which holds its weights or leads to them, is a link, and "
        "links may lead out of its folder: put the file itself there (cp -L)"
    )


def test_weights_of_a_constant_at_any_depth_are_found(tmp_path):
    made = conv()
    inner = graphs.node("Constant", "", "k", value=graphs.numpy_helper.from_array(np.float32([1])))
    tensor = inner.attribute[0].t
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    branch = helper.make_graph([inner], "b", [], [value("k", 1)])
    made.graph.node.append(node("If", "q", "z", then_branch=branch, else_branch=branch))
    assert "it names '/etc/passwd' as a file" in refusal(write(tmp_path / "m.onnx", made))


def test_a_file_that_lacks_its_weights_says_so(tmp_path):
    path = write(tmp_path / "m.onnx", outside(conv(), "m.data"))
    assert refusal(path) == (
        "m.onnx lacks the file m.data, which holds its weights: copy it beside the model, or "
        "export the model again"
    )


def test_a_name_that_is_no_text_is_damage(tmp_path):
    whole = outside(conv(), "m.data").SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(whole.replace(b"m.data", b"m.dat\xff"))
    assert refusal(path).startswith("m.onnx begins as an ONNX file and is cut off or damaged ('utf")


def test_a_name_that_is_too_long_is_no_crash(tmp_path):
    said = refusal(write(tmp_path / "m.onnx", outside(conv(), "x" * 5000)))
    assert (
        said
        == f"m.onnx is not loaded: its file 'xx{'x' * 97}... cannot be read: File name too long"
    )


def test_weights_that_are_a_pointer_of_git_lfs(tmp_path):
    path = write(tmp_path / "m.onnx", outside(conv(), "m.data"))
    (tmp_path / "m.data").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 999\n"
    )
    assert "m.data is a git-LFS pointer to a file of 999 bytes" in refusal(path)


def test_weights_that_are_cut_off(tmp_path):
    path = write(tmp_path / "m.onnx", outside(conv(), "m.data"))
    (tmp_path / "m.data").write_bytes(bytes(8))
    assert f"m.onnx cannot be loaded (written by tests 1.2): {RUNTIME} says: " in refusal(path)


def test_a_link_to_the_file_itself_is_followed(tmp_path):
    path = write(tmp_path / "m.onnx", conv())
    (tmp_path / "n.onnx").symlink_to(path)
    assert (predicted(tmp_path / "n.onnx").predicted == predicted(path).predicted).all()


def test_truncation_anywhere_is_an_error(tmp_path):
    whole = conv().SerializeToString()
    path = tmp_path / "m.onnx"
    for size in [0, 1, 2, 3, 5, 40, 100, 500, len(whole) // 2, len(whole) - 1, len(whole) - 3]:
        path.write_bytes(whole[:size])
        assert re.search("empty|is no model|cut off or damaged", refusal(path)), size


@pytest.mark.parametrize(
    "content", [b"garbage" * 50, b"PK\3\4" + bytes(99), b"\x08\x07\x12\x02\xff1:\0"]
)
def test_what_is_no_model(tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    assert re.match("m.onnx (is|begins as)", refusal(path))


def test_its_message_names_what_exports_one(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"garbage" * 50)
    assert refusal(tmp_path / "m.onnx") == (
        "m.onnx is no model: .onnx means an ONNX file, and this one begins with b'garbageg'; "
        "export it again with model.export('model.onnx', format='onnx'), or torch.onnx.export"
    )


def test_other_models_are_not_taken_for_one(tmp_path):
    import keras

    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    net.save(tmp_path / "m.keras")
    net.export(tmp_path / "m", verbose=False)
    for each in (tmp_path / "m.keras", tmp_path / "m" / "saved_model.pb"):
        assert getattr(format_of(each.read_bytes()[:1024]), "key", None) != "onnx"
    shutil.copy(tmp_path / "m" / "saved_model.pb", tmp_path / "m.onnx")
    assert refusal(tmp_path / "m.onnx").startswith("m.onnx is no model: ")
    shutil.copy(tmp_path / "m.keras", tmp_path / "m.onnx")
    assert refusal(tmp_path / "m.onnx") == (
        "m.onnx is a Keras 3 zip file named .onnx: rename it to m.keras"
    )
    write(tmp_path / "n.keras", conv())
    assert refusal(tmp_path / "n.keras") == (
        "n.keras is an ONNX file named .keras: rename it to n.onnx"
    )


def test_who_wrote_it_is_known(tmp_path):
    assert look_at(write(tmp_path / "m.onnx", conv())).saved_by == "tests 1.2"


X, Y = value("x", "N", SIDE, SIDE, 3), value("y", "N", 3)
RELU = node("Relu", "x", "y")


def flat(x=X, *outputs, extra=(), **more):
    """A net of one product, with other inputs, outputs and operators beside it."""
    nodes = [node("Flatten", "x", "f"), node("MatMul", "f W", "y"), *extra]
    return model(nodes, [x], list(outputs) or [Y], W=graphs.weights(SIDE * SIDE * 3, 3), **more)


UNFIT = {
    "an opset of the future": (
        flat(opset=99),
        rf"m.onnx is of opset 99 \(written by tests 1.2\), and {RUNTIME} knows them up to \d+: "
        "install a newer onnxruntime, or export the model with an older opset",
    ),
    "an IR version of the future": (
        flat(ir=99),
        rf"m.onnx is of IR version 99 \(written by tests 1.2\), and {RUNTIME} knows them up to "
        r"\d+: install a newer onnxruntime, or export the model with an older IR version",
    ),
    "an operator of somebody else's": (
        flat(extra=[helper.make_node("Tokenize", ["x"], ["t"], domain="ai.onnx.contrib")],
             domains=("ai.onnx.contrib",)),
        "m.onnx is not loaded: it holds operators that onnxruntime does not compute by itself "
        rf"\(Tokenize of ai.onnx.contrib\): export it without them, or {FIXTURE}",
    ),
    "an operator that is not in its opset": (
        flat(extra=[node("Nonesuch", "x", "t")]),
        rf"m.onnx holds the operator 'Nonesuch', which {RUNTIME} does not know in opset 17 "
        r"\(written by tests 1.2\): install a newer onnxruntime, or export the model again",
    ),
    "numbers that the CPU does not compute with": (
        flat(extra=[node("Cast", "x", "b", to=TensorProto.BFLOAT16), node("Relu", "b", "t")]),
        rf"m.onnx holds the operator 'Relu' for a type of numbers that {RUNTIME} does not compute "
        r"with on the CPU \(written by tests 1.2\): export it with float32 numbers",
    ),
    "a graph that does not hold together": (
        flat(extra=[node("Relu", "missing", "t")]),
        rf"m.onnx cannot be loaded \(written by tests 1.2\): {RUNTIME} says: Invalid model. Node "
        "input 'missing' is not a graph input, initializer, or output of a previous node.",
    ),
    "two inputs": (
        model([node("Add", "x q", "y")], [value("x", "N", 3), value("q", 1)], [Y]),
        r"m.onnx takes 2 inputs \(x \(N, 3\) float32, q \(N,\) float32\), and one batch is "
        f"supported: export it with one input, or {FIXTURE}",
    ),
    "no input": (
        model([node("Identity", "W", "y")], [], [Y], W=graphs.weights(2, 3)),
        "m.onnx takes no input, and one batch is supported: export it with one input, or "
        f"{FIXTURE}",
    ),
    "text": (
        model([node("Identity", "x", "y")], [value("x", "N", dtype=TensorProto.STRING)], [Y]),
        r"m.onnx takes text \('x' is of strings\), and batches of numbers are supported: export "
        "the part that takes the numbers",
    ),
    "bfloat16": (
        model([RELU], [value("x", "N", 3, dtype=TensorProto.BFLOAT16)], [Y]),
        r"m.onnx takes 'x' as \(N, 3\) bfloat16, and batches of numbers that NumPy knows are "
        f"supported: export it with a float32 input, or {FIXTURE}",
    ),
    "a single number": (
        model([RELU], [value("x")], [Y]),
        r"m.onnx takes a single number \('x'\), and a batch is given to it",
    ),
    "two outputs that may be the scores": (
        flat(X, Y, value("z", "N", 3), extra=[node("Softmax", "y", "z")]),
        r"m.onnx gives 2 outputs that may be the scores \(y \(N, 3\) float32, z \(N, 3\) "
        r"float32\), and one is judged: export it with that one alone "
        rf"\(onnx.utils.extract_model\), or {FIXTURE}",
    ),
    "classes instead of scores": (
        flat(X, value("c", "N", dtype=TensorProto.INT64), extra=[node("ArgMax", "y", "c", axis=1)]),
        r"m.onnx gives c \(N,\) int64, and none of that is an array of scores: export it so that "
        "it ends in the scores of the classes, which are floats",
    ),
    "other classes": (
        flat(X, value("y", "N", 4)),
        "the model m.onnx has 4 outputs, and there are 3 classes: .*",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_what_cannot_be_gated_has_its_sentence(tmp_path, name):
    made, expected = UNFIT[name]
    said = refusal(write(tmp_path / "m.onnx", made))
    assert re.fullmatch(expected, said), said


@pytest.mark.parametrize("defined", [False, True], ids=["as it is", "defined by the file too"])
@pytest.mark.parametrize("kind", ["ATen", "EPContext", "PythonOp"])
def test_operators_that_reach_out_of_the_graph_are_not_loaded(tmp_path, monkeypatch, kind, defined):
    monkeypatch.setattr(loading, "require_harmless", None)
    domain = "com.microsoft"
    made = flat(extra=[helper.make_node(kind, ["x"], ["t"], domain=domain)], domains=(domain,))
    if defined:
        opsets = [helper.make_opsetid("", 17)]
        made.functions.append(
            helper.make_function(domain, kind, ["a"], ["b"], [node("Relu", "a", "b")], opsets)
        )
    assert refusal(write(tmp_path / "m.onnx", made)) == (
        "m.onnx is not loaded: it holds operators that onnxruntime does not compute by itself "
        f"({kind} of com.microsoft): export it without them, or {FIXTURE}"
    )


def test_functions_of_the_file_itself_are_computed(tmp_path):
    domain = "net.layers"
    made = flat(extra=[helper.make_node("Twice", ["f"], ["t"], domain=domain)], domains=(domain,))
    opsets = [helper.make_opsetid("", 17)]
    made.functions.append(
        helper.make_function(domain, "Twice", ["a"], ["b"], [node("Add", "a a", "b")], opsets)
    )
    assert set(predicted(write(tmp_path / "m.onnx", made)).predicted) == {0, 1, 2}


def test_an_input_that_has_a_value_need_not_be_given(tmp_path):
    made = flat()
    made.graph.input.append(value("W", SIDE * SIDE * 3, 3))
    assert set(predicted(write(tmp_path / "m.onnx", made)).predicted) == {0, 1, 2}


def test_the_output_that_fits_the_classes_is_judged(tmp_path):
    labels = value("c", "N", dtype=TensorProto.INT64)
    features = value("f", "N", SIDE * SIDE * 3)
    made = flat(X, labels, features, Y, extra=[node("ArgMax", "y", "c", axis=1)])
    own = opened(write(tmp_path / "m.onnx", made))
    assert own.notes == ("of the model m.onnx the output 'y' is judged, and 'c', 'f' is not",)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    expected = session.run(["c"], {"x": batch()})[0]
    assert (
        own.predict(batch(), np.zeros(45, np.int64)).predicted.tolist() == expected[:, 0].tolist()
    )


def test_scores_that_are_whole_numbers(tmp_path):
    made = flat(X, value("q", "N", 3, dtype=TensorProto.UINT8),
                extra=[node("QuantizeLinear", "y S Z", "q")])  # fmt: skip
    made.graph.initializer.extend([
        graphs.numpy_helper.from_array(np.float32(0.2), "S"),
        graphs.numpy_helper.from_array(np.uint8(128), "Z"),
    ])  # fmt: skip
    path = write(tmp_path / "m.onnx", made)
    found = predicted(path)
    scores = onnxruntime.InferenceSession(path).run(None, {"x": batch()})[0]
    assert scores.dtype == np.uint8
    assert found.predicted.tolist() == scores.argmax(1).tolist()
    assert found.score.tolist() == scores.max(1).tolist()


LAYOUTS = {
    "by its first operator": (conv(), True),
    "by its first operator, though its sizes say otherwise": (conv(channels=8), True),
    "turned at once": (last(), False),
    "by its sizes": (flat(value("x", "N", 3, SIDE, SIDE)), True),
    "by its sizes, channels last": (flat(), False),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_where_the_channels_are_is_told_by_the_graph(tmp_path, name):
    made, first = LAYOUTS[name]
    own = opened(write(tmp_path / "m.onnx", made))
    shape = [each.dim_value for each in made.graph.input[0].type.tensor_type.shape.dim][1:]
    assert own.input.channels_first == (tuple(shape) if first else None)
    assert own.input.shape == ((*shape[1:], shape[0]) if first else tuple(shape))


@pytest.mark.parametrize("size", [None, 1, 4, 7, 45, 100])
def test_scores_do_not_depend_on_the_batch(tmp_path, size):
    whole = predicted(write(tmp_path / "m.onnx", conv()))
    own = opened(write(tmp_path / "n.onnx", conv(size or "N")))
    for step in (1, 7, 45):
        found = [
            own.predict(batch()[at : at + step], np.zeros(min(step, 45 - at), np.int64))
            for at in range(0, 45, step)
        ]
        assert np.concatenate([each.predicted for each in found]).tolist() == (
            whole.predicted.tolist()
        )
        scores = np.concatenate([each.score for each in found])
        assert np.allclose(scores, whole.score, atol=1e-6)


@pytest.mark.parametrize("large", [True, False])
def test_large_examples_go_into_it_one_by_one(tmp_path, monkeypatch, large):
    whole = predicted(write(tmp_path / "m.onnx", conv()))
    numbers = SIDE * SIDE * 3
    monkeypatch.setattr(predictor, "LARGE", numbers if large else numbers + 1)
    own, seen = opened(tmp_path / "m.onnx"), []
    run = own._run
    monkeypatch.setattr(own, "_run", lambda batch, n: (seen.append(len(batch)), run(batch, n))[1])
    found = own.predict(batch(), np.zeros(45, np.int64))
    assert seen == ([1] * 45 if large else [45])
    assert found.predicted.tolist() == whole.predicted.tolist()
    assert np.allclose(found.score, whole.score, atol=1e-6)


def test_what_draws_at_random_draws_the_same_again(tmp_path):
    made = flat(X, value("z", "N", 3), extra=[node("RandomNormalLike", "y", "n", scale=9.0),
                                              node("Add", "y n", "z")])  # fmt: skip
    path = write(tmp_path / "m.onnx", made)
    first, second = opened(path), opened(path)
    assert first.is_pure is False
    assert first.is_stateful
    first.check(batch())
    scores = [each.predict(batch(), np.zeros(45, np.int64)).score for each in (first, second)]
    assert np.array_equal(*scores)
    assert not np.array_equal(scores[0], first.predict(batch(), np.zeros(45, np.int64)).score)


def test_a_threshold_takes_one_unit(tmp_path):
    own = opened(
        write(tmp_path / "m.onnx", conv(units=1, end="Sigmoid")), Threshold(1 / 2), CLASSES[:2]
    )
    own.check(batch())
    assert own.notes[-1] == "the model m.onnx has one output, read as the score of 'cat'"


def child(tmp_path, code):
    script = tmp_path / "attempt.py"
    script.write_text(f"import os, signal, sys, time\n\n\ndef attempt(request):\n    {code}\n")
    return trial.Trial(script, {"given": 1}, tmp_path / "m.onnx", "a runtime 1.0")


DEATHS = {
    "os.kill(os.getpid(), signal.SIGSEGV)": "crashed (SIGSEGV)",
    "os.abort()": "crashed (SIGABRT)",
    "os._exit(7)": "crashed (exit status 7)",
    "os._exit(0)": "crashed (exit status 0)",
    "time.sleep(60)": "did not come to an end within 2 seconds",
}


@pytest.mark.parametrize("code", DEATHS)
def test_the_death_of_the_child_is_an_error_of_ours(tmp_path, code):
    with pytest.raises(ModelError) as caught:
        trial.outcome_of(child(tmp_path, code), seconds=2)
    assert str(caught.value) == (
        f"{tmp_path}/m.onnx is not loaded: a runtime 1.0, which opened it and ran it once in a "
        f"process of its own, {DEATHS[code]}. The file is damaged, or made to do harm, or the "
        "machine has too little memory for it: export it again, and do not load it in another way"
    )


def test_what_the_child_prints_is_no_answer_and_no_noise(tmp_path, capfd):
    code = "print('x'); os.write(1, b'y'); os.write(2, b'z'); return [request, sys.path]"
    request, path = trial.outcome_of(child(tmp_path, code))
    assert request == {"given": 1}
    assert path == sys.path
    assert capfd.readouterr() == ("", "")


def test_the_child_imports_the_runtime_alone(tmp_path):
    code = "import onnxruntime; return sorted(sys.modules)"
    found = trial.outcome_of(child(tmp_path, code))
    assert "onnxruntime" in found
    assert {"pytest_confmat", "tensorflow", "keras", "pytest", "site"}.isdisjoint(found)


def test_what_the_child_raises_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"in a process of its own \(ZeroDivisionError: division"):
        trial.outcome_of(child(tmp_path, "1 / 0"))


def test_a_file_that_crashes_the_runtime_does_not_crash_the_run(tmp_path, monkeypatch):
    """With a script that dies as a runtime would of a hostile file."""
    path = write(tmp_path / "m.onnx", conv())
    seen = []

    def outcome_of(asked):
        seen.append(asked.request)
        return trial.outcome_of(child(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)"))

    monkeypatch.setattr("pytest_confmat.models.onnx.session.outcome_of", outcome_of)
    assert "crashed (SIGSEGV)" in refusal(path)
    shape = [1, 3, SIDE, SIDE]
    assert seen == [
        {"model": os.fspath(path), "input": "x", "shape": shape, "dtype": "float32"}
    ]  # fmt: skip

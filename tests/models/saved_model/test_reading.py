"""SavedModels that are broken or unfit: each has its sentence."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.models.digest import files_of
from pytest_confmat.models.formats import choice
from pytest_confmat.models.look import look_at
from pytest_confmat.spec import Argmax, ModelSpec
from tests.models.saved_model.exports import (
    CLASSES,
    SHAPE,
    Net,
    edited,
    functions,
    images,
    module,
    of_tensorflow_1,
    scores,
    spec,
)

WHOLE = "copy the whole directory, or export it again with model.export(path)"


def said(path, signature=None):
    with pytest.raises(ModelError) as caught:
        load(ModelSpec(path, signature=signature), CLASSES, Argmax())
    return str(caught.value)


@pytest.fixture
def saved(tmp_path):
    return module(tmp_path / "m")


def test_all_its_files_are_part_of_it(saved):
    names = [path.relative_to(saved).as_posix() for path in files_of(saved)]
    assert names == [
        "fingerprint.pb",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]
    assert look_at(saved).format == "saved_model"


def test_a_graph_as_text_is_read(saved):
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((saved / "saved_model.pb").read_bytes())
    expected = load(ModelSpec(saved), CLASSES, Argmax()).predict(images(), np.zeros(45, np.int64))
    (saved / "saved_model.pbtxt").write_text(text_format.MessageToString(stored))
    (saved / "saved_model.pb").unlink()
    found = load(ModelSpec(saved), CLASSES, Argmax()).predict(images(), np.zeros(45, np.int64))
    assert found.score.tolist() == expected.score.tolist()


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt"])
@pytest.mark.parametrize("content", [b"garbage", b"\xff" * 99])
def test_a_graph_that_is_none(saved, name, content):
    (saved / "saved_model.pb").unlink()
    (saved / name).write_bytes(content)
    assert said(saved) == f"{saved}/{name} is no graph, or cut off or damaged: {WHOLE}"


def test_a_graph_cut_in_the_middle(saved):
    graph = saved / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:-999])
    assert said(saved) == f"{graph} is no graph, or cut off or damaged: {WHOLE}"


def test_a_file_without_graphs(saved):
    (saved / "saved_model.pb").write_bytes(b"\x08\x01")
    assert said(saved) == f"{saved}/saved_model.pb holds no graph: {WHOLE}"


def test_an_empty_graph_file(saved):
    (saved / "saved_model.pb").write_bytes(b"")
    assert said(saved) == (
        f"{saved}/saved_model.pb is empty (0 bytes): its export or download was cut off; make it "
        "again"
    )


def test_variables_that_are_a_git_lfs_pointer(saved):
    name = "variables.data-00000-of-00001"
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1234567\n"
    (saved / "variables" / name).write_text(pointer)
    assert said(saved) == (
        f"{saved}/variables/{name} is a git-LFS pointer to a file of 1,234,567 bytes, not the file "
        f"itself: fetch it with git lfs pull --include='{name}'"
    )


def test_a_graph_without_its_variables(saved):
    shutil.rmtree(saved / "variables")
    assert said(saved) == (
        f"{saved} lacks its folder variables, which holds the weights: copy the whole directory, "
        "or export it again"
    )


def test_variables_of_another_model(saved, tmp_path):
    other = functions(tmp_path / "other", serve=(lambda net, x: x, [spec()]))
    shutil.rmtree(saved / "variables")
    shutil.copytree(other / "variables", saved / "variables")
    index = saved / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:-30])
    assert said(saved).startswith(
        "the model m cannot be loaded: its variables and tables do not fit its graph, or are "
        "damaged ("
    )


def test_an_asset_that_is_missing(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\nbird\n")
    path = of_tensorflow_1(tmp_path / "m", labels)
    (path / "assets" / "labels.txt").unlink()
    assert said(path) == (
        f"{path} lacks the file assets/labels.txt, which its graph reads: copy the whole "
        "directory, or export it again"
    )


def test_a_graph_that_tensorflow_does_not_take(saved):
    def change(meta):
        (read,) = (each for each in meta.graph_def.node if each.name == "serving_default_x")
        read.op = "Conv2D"

    assert said(edited(saved, change)).startswith(
        "the model m cannot be loaded: TensorFlow does not take its graph ("
    )


def test_an_operation_of_somebody_elses_is_refused(saved):
    def change(meta):
        (read,) = (each for each in meta.graph_def.node if each.name == "serving_default_x")
        read.op = "TheirOwnOp"

    assert "it would run the operation TheirOwnOp, which is not known" in said(
        edited(saved, change)
    )


@pytest.mark.parametrize(("tags", "works"), [(["serve"], True), (["serve", "gpu"], True)])
def test_the_only_graph_is_taken_whatever_its_tags(saved, tags, works):
    def change(meta):
        meta.meta_info_def.tags[:] = tags

    assert load(ModelSpec(edited(saved, change)), CLASSES, Argmax())


def test_several_graphs_of_which_none_is_for_servers(saved):
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((saved / "saved_model.pb").read_bytes())
    stored.meta_graphs.add().CopyFrom(stored.meta_graphs[0])
    stored.meta_graphs[0].meta_info_def.tags[:] = ["train"]
    stored.meta_graphs[1].meta_info_def.tags[:] = ["serve", "gpu"]
    (saved / "saved_model.pb").write_bytes(stored.SerializeToString())
    assert said(saved) == (
        f"{saved} holds 2 graphs, with the tags [train], [gpu, serve], and none with the tag "
        "'serve' alone, which is the one that servers run: export the model again with that tag"
    )


def test_a_module_without_a_signature(tmp_path):
    tf.saved_model.save(Net(), str(tmp_path / "m"))
    assert said(tmp_path / "m") == (
        f"{tmp_path}/m has no signature, so that nothing says what goes into it: export it with "
        "model.export(path), or with tf.saved_model.save(module, path, signatures=...)"
    )


def judged(net, x):
    return scores(x, net.kernel)


def test_a_signature_that_is_not_there(tmp_path):
    path = functions(tmp_path / "m", serve=(judged, [spec()]), pixels=(judged, [spec()]))
    assert said(path, "Serve") == (
        f"{path} has no signature 'Serve', which the policy asks for: it has 'pixels', 'serve'"
    )


def test_several_signatures_and_none_of_the_usual(tmp_path):
    path = functions(tmp_path / "m", a=(judged, [spec()]), b=(judged, [spec()]))
    assert said(path) == (
        f"{path} has the signatures 'a', 'b', and none of them is serving_default or serve: say "
        "which is judged, as `model: {signature: NAME}` in the policy"
    )
    assert load(ModelSpec(path, signature="b"), CLASSES, Argmax())


def test_two_inputs(tmp_path):
    path = functions(
        tmp_path / "m", serve=(lambda net, x, y: scores(x + y, net.kernel), [spec(), spec("y")])
    )
    assert said(path) == (
        f"the signature 'serve' of {path} takes 2 inputs (x (N, 6, 5, 1) float32, y (N, 6, 5, 1) "
        "float32), and one is supported: export a signature of one batch, or hand in a function "
        "that calls the model, by overriding the fixture confmat_model"
    )


def test_text(tmp_path):
    path = functions(
        tmp_path / "m",
        serve=(
            lambda net, x: scores(tf.io.decode_raw(x, tf.float32), net.kernel),
            [tf.TensorSpec((None,), tf.string, name="examples")],
        ),
    )
    assert said(path) == (
        f"the signature 'serve' of {path} takes text or encoded examples ('examples' is of dtype "
        "string), and batches of numbers are supported: export a signature that takes the numbers "
        "themselves"
    )


def test_a_ragged_input(saved):
    def change(meta):
        info = meta.signature_def["serving_default"].inputs["x"]
        info.composite_tensor.components.add().name = "x:0"

    assert said(edited(saved, change)) == (
        f"the signature 'serving_default' of {saved} takes 'x' as a ragged or sparse tensor, and "
        "dense batches are supported: export a signature that takes a dense one"
    )


def test_outputs_that_are_no_scores(tmp_path):
    path = functions(
        tmp_path / "m", serve=(lambda net, x: tf.argmax(scores(x, net.kernel), 1), [spec()])
    )
    assert said(path) == (
        f"the signature 'serve' of {path} gives output_0 (N,) int64, and none of that is scores, "
        "which are floats: export a signature that gives the scores of the classes"
    )


def test_two_outputs_that_may_be_scores(tmp_path):
    def both(net, x):
        return {"scores": scores(x, net.kernel), "size": tf.reshape(x, (-1, 30))[:, :1]}

    path = functions(tmp_path / "m", serve=(both, [spec()]))
    assert said(path) == (
        f"the signature 'serve' of {path} gives 2 outputs that may be the scores (scores (N, 3) "
        "float32, size (N, 1) float32), and one is judged: export a signature with that one alone, "
        "and name it as `model: {signature: NAME}` in the policy"
    )


def test_scores_that_are_not_a_row_an_example(tmp_path):
    path = functions(tmp_path / "m", serve=(lambda net, x: tf.reduce_sum(x, axis=[0, 3]), [spec()]))
    own = load(ModelSpec(path), CLASSES, Argmax())
    with pytest.raises(ModelError, match=r"gives an output of shape \(N, 5\) for a batch of 45"):
        own.predict(images(), np.zeros(45, np.int64))


def test_a_folder_of_versions_shows_them(tmp_path):
    module(tmp_path / "1")
    assert said(tmp_path) == (
        f"{tmp_path} is a directory without a saved_model.pb, and other models are {choice()} "
        f"files: it holds {tmp_path}/1"
    )


def test_the_graph_file_alone_is_not_the_model(saved):
    assert said(saved / "saved_model.pb") == (
        f"{saved}/saved_model.pb is the graph of a SavedModel, which is its whole directory: give "
        f"{saved}"
    )


def test_its_shape_is_known(saved):
    assert load(ModelSpec(saved), CLASSES, Argmax()).input.shape == SHAPE

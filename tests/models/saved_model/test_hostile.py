"""A SavedModel that does anything but compute runs nothing, and ends in our error."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.models.saved_model.operations import COMPUTING
from pytest_confmat.spec import Argmax, ModelSpec
from tests.models.saved_model.exports import (
    CLASSES,
    edited,
    functions,
    images,
    module,
    of_tensorflow_1,
    scores,
    spec,
)


def refusal(path):
    with pytest.raises(ModelError) as caught:
        load(ModelSpec(path), CLASSES, Argmax())
    return str(caught.value)


def said_of(path, *kinds):
    one = len(kinds) == 1
    return (
        f"{path} is not loaded: it would run the operation{'' if one else 's'} {', '.join(kinds)}, "
        f"which {'is' if one else 'are'} not known to do nothing but compute: such a graph may "
        "read and write files or run code. Export it without, or say --confmat-unsafe-model if you "
        "trust it"
    )


@pytest.fixture
def written(tmp_path):
    """A file that nothing may make."""
    path = tmp_path / "written"
    yield str(path)
    assert not path.exists()


def after(operation, net, x):
    with tf.control_dependencies([operation]):
        return tf.zeros((1, 3))


@pytest.mark.parametrize(
    ("kind", "does"),
    [
        ("WriteFile", lambda to: tf.io.write_file(to, "x")),
        ("PrintV2", lambda to: tf.print("x", output_stream=f"file://{to}")),
        ("ReadFile", lambda to: tf.io.read_file("/etc/hostname")),
        ("MatchingFiles", lambda to: tf.io.matching_files("/etc/*")),
        ("SaveV2", lambda to: tf.raw_ops.SaveV2(
            prefix=to, tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1)])),
        ("RestoreV2", lambda to: tf.raw_ops.RestoreV2(
            prefix="/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0]),
        ("DebugIdentityV2", lambda to: tf.raw_ops.DebugIdentityV2(
            input=tf.constant(1.0), debug_urls=[f"file://{to}"])),
        ("Abort", lambda to: tf.raw_ops.Abort(error_msg="x")),
    ],
)  # fmt: skip
def test_an_operation_that_reaches_out_is_refused_by_name(tmp_path, written, kind, does):
    path = module(tmp_path / "m", lambda net, x: after(does(written), net, x))
    assert refusal(path) == said_of(path, kind)


def test_python_is_refused(tmp_path):
    def python(net, x):
        return tf.ensure_shape(tf.py_function(lambda y: 0 * y, [x], tf.float32), None)[:, 0, 0]

    path = module(tmp_path / "m", python)
    assert refusal(path) == said_of(path, "EagerPyFunc")


def hidden(written, net, x):
    """In a function that a branch of a condition calls, in the body of a loop."""

    @tf.function(autograph=False)
    def inner():
        tf.io.write_file(written, "x")
        return tf.constant(1)

    def body(i):
        return (i + tf.cond(i > 0, inner, lambda: tf.constant(1)),)

    (last,) = tf.while_loop(lambda i: i < 3, body, (tf.constant(0),))
    return tf.cast(last, tf.float32) * 0.0


def test_it_is_found_however_deep_it_lies(tmp_path, written):
    path = module(tmp_path / "m", lambda net, x: hidden(written, net, x))
    assert refusal(path) == said_of(path, "WriteFile")


def test_several_are_named(tmp_path, written):
    def both(net, x):
        with tf.control_dependencies([tf.io.write_file(written, "x")]):
            return tf.zeros((1, 3)) * tf.strings.to_number(tf.io.read_file("/etc/hostname"))

    path = module(tmp_path / "m", both)
    assert refusal(path) == said_of(path, "ReadFile", "WriteFile")


def test_a_signature_that_is_not_judged_is_not_run(tmp_path, written):
    def writing(net, x):
        with tf.control_dependencies([tf.io.write_file(written, "x")]):
            return scores(x, net.kernel)

    plain = (lambda net, x: scores(x, net.kernel), [spec()])
    path = functions(tmp_path / "m", serving_default=plain, write=(writing, [spec()]))
    own = load(ModelSpec(path), CLASSES, Argmax())
    own.check(images())
    with pytest.raises(ModelError) as caught:
        load(ModelSpec(path, signature="write"), CLASSES, Argmax())
    assert str(caught.value) == said_of(path, "WriteFile")


def node(graph, kind, name, *inputs, **texts):
    made = graph.node.add()
    made.op, made.name = kind, name
    made.input.extend(inputs)
    for text in texts.values():
        made.attr["dtype"].type = tf.string.as_datatype_enum
        made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(text))
    return name


def writes_at(step, written):
    """Have a step of the loader's write a file besides."""

    def change(meta):
        graph = meta.graph_def
        node(graph, "Const", "where", text=written)
        node(graph, "WriteFile", "write", "where", "where")
        (found,) = (each for each in graph.node if each.name == step(meta))
        found.input.append("^write")

    return change


STEPS = {
    "initializer": lambda meta: (
        meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name
    ),
    "restoring": lambda meta: meta.saver_def.restore_op_name,
}


@pytest.mark.parametrize("step", STEPS)
def test_what_the_loader_runs_is_judged_too(tmp_path, written, step):
    path = edited(module(tmp_path / "m"), writes_at(STEPS[step], written))
    assert refusal(path) == said_of(path, "WriteFile")


def test_so_are_the_steps_of_tensorflow_1(tmp_path, written):
    path = edited(
        of_tensorflow_1(tmp_path / "m"),
        writes_at(lambda meta: meta.collection_def["saved_model_main_op"].node_list.value[0],
                  written),
    )  # fmt: skip
    assert refusal(path) == said_of(path, "WriteFile")


def test_what_nobody_runs_is_not_imported(tmp_path, written):
    def change(meta):
        node(meta.graph_def, "Const", "where", text=written)
        node(meta.graph_def, "WriteFile", "write", "where", "where")

    own = load(ModelSpec(edited(module(tmp_path / "m"), change)), CLASSES, Argmax())
    assert not [each.name for each in own._graph.get_operations() if each.type == "WriteFile"]


def test_variables_are_restored_from_the_models_own_files_alone(tmp_path):
    path, other = module(tmp_path / "m"), tmp_path / "other"
    module(other, lambda net, x: tf.zeros((1, 3)))
    expected = load(ModelSpec(path), CLASSES, Argmax()).predict(images(), np.zeros(45, np.int64))

    def change(meta):
        for function in meta.graph_def.library.function:
            for each in function.node_def:
                if each.op == "RestoreV2":
                    each.input[0] = "elsewhere:output:0"
                    where = function.node_def.add()
                    text = str(other / "variables" / "variables")
                    node_into(where, text)

    def node_into(where, text):
        where.op, where.name = "Const", "elsewhere"
        where.attr["dtype"].type = tf.string.as_datatype_enum
        where.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(text))

    edited(path, change)
    (other / "variables" / "variables.index").unlink()  # reading it would fail
    found = load(ModelSpec(path), CLASSES, Argmax()).predict(images(), np.zeros(45, np.int64))
    assert found.score.tolist() == expected.score.tolist()


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("cat\ndog\nbird\n")
    return path


@pytest.mark.parametrize("name", ["../../labels.txt", "/labels.txt", "C:labels.txt", "..\\\\l.txt"])
def test_an_asset_outside_its_folder_is_refused(tmp_path, labels, name):
    def change(meta):
        asset = meta.asset_file_def.add()
        asset.filename, asset.tensor_info.name = name, "Const:0"

    path = edited(of_tensorflow_1(tmp_path / "m", labels), change)
    assert refusal(path) == (
        f"{path} is not loaded: it names the asset {name!r}, and assets lie in its "
        "folder assets. Do not trust it, and do not load it in another way; find out where it "
        "comes from"
    )


def table_from(name):
    """Have the table filled from another tensor."""

    def change(meta):
        graph = meta.graph_def
        node(graph, "Const", "elsewhere", text="/etc/passwd")
        made = graph.node.add()
        made.op, made.name = "Identity", "passed"
        made.input.append("elsewhere")
        made.attr["T"].type = tf.string.as_datatype_enum
        (table,) = (each for each in graph.node if each.op.startswith("InitializeTableFromText"))
        table.input[1] = name

    return change


@pytest.mark.parametrize("name", ["elsewhere", "passed", "not there"])
def test_a_table_from_another_file_is_refused(tmp_path, labels, name):
    path = edited(of_tensorflow_1(tmp_path / "m", labels), table_from(name))
    assert "fills a table from a file that need not be one of its assets" in refusal(path)


class Labeled(tf.Module):
    def __init__(self, labels):
        super().__init__()
        lines = tf.lookup.TextFileIndex
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(labels), tf.string, lines.WHOLE_LINE, tf.int64, lines.LINE_NUMBER
            ),
            0,
        )
        self.kernel = tf.Variable(tf.ones((30, 3)))

    @tf.function(input_signature=[spec("x")], autograph=False)
    def call(self, x):
        shift = tf.cast(self.table.lookup(tf.constant("dog")), tf.int32)
        return tf.roll(scores(x, self.kernel), shift, 1)


def assigned_elsewhere(meta):
    """Have the variable that holds the asset's path hold another one."""
    graph = meta.graph_def
    node(graph, "Const", "elsewhere", text="/etc/passwd")
    (assign,) = (each for each in graph.node if each.op == "AssignVariableOp")
    assign.input[1] = "elsewhere"


def assigned_twice(meta):
    graph = meta.graph_def
    node(graph, "Const", "elsewhere", text="/etc/passwd")
    (assign,) = (each for each in graph.node if each.op == "AssignVariableOp")
    again = graph.node.add()
    again.CopyFrom(assign)
    again.name, again.input[1] = "again", "elsewhere"
    start = meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name
    (step,) = (each for each in graph.node if each.name == start)
    step.input.append("^again")


def restored(meta):
    """Have the variable be one that the checkpoint may give another value."""
    (assign,) = (each for each in meta.graph_def.node if each.op == "AssignVariableOp")
    (step,) = (e for e in meta.graph_def.node if e.name == meta.saver_def.restore_op_name)
    step.input.append(f"^{assign.input[0]}")


def assigned_in_a_function(meta):
    """Have a function that the initializer calls write variables."""
    function = next(
        each
        for each in meta.graph_def.library.function
        if any(node.op.startswith("InitializeTable") for node in each.node_def)
    )
    added = function.node_def.add()
    added.op, added.name = "AssignVariableOp", "written"
    added.input.extend([function.signature.input_arg[0].name] * 2)


@pytest.mark.parametrize(
    "change", [assigned_elsewhere, assigned_twice, restored, assigned_in_a_function]
)
def test_so_it_is_by_way_of_a_variable_and_a_function(tmp_path, labels, change):
    net, path = Labeled(labels), tmp_path / "m"
    tf.saved_model.save(net, str(path), signatures=net.call)
    load(ModelSpec(path), CLASSES, Argmax()).check(images())
    assert "fills a table from a file that need not be" in refusal(edited(path, change))


def test_who_trusts_it_may_run_it(tmp_path):
    path, to = tmp_path / "m", tmp_path / "written"
    module(path, lambda net, x: after(tf.io.write_file(str(to), "x"), net, x))
    own = load(ModelSpec(path, safe_mode=False), CLASSES, Argmax())
    assert own.notes == (
        "m was loaded without looking at what its graph does: --confmat-unsafe-model asks for that",
    )
    own.check(images())
    assert to.read_text() == "x"


def test_nothing_on_the_list_is_known_to_reach_out():
    reaching = ("File", "PyFunc", "Print", "Save", "Restore", "Reader", "Dataset", "Iterator",
                "Queue", "Barrier", "Send", "Recv", "Rpc", "Debug", "Summary", "Abort", "Remote",
                "Collective", "Xla", "TPU", "TRT", "Stage", "LoadAnd", "Vocab", "ImmutableConst",
                "Merge2", "Timestamp", "Sleep")  # fmt: skip
    assert not [kind for kind in COMPUTING if any(word in kind for word in reaching)]


def test_all_on_the_list_are_operations_of_tensorflow():
    assert not [kind for kind in COMPUTING if op_def_registry.get(kind) is None]


def test_a_link_that_leads_back_is_not_followed(tmp_path):
    path = module(tmp_path / "m")
    (path / "assets" / "again").symlink_to(path, target_is_directory=True)
    load(ModelSpec(path), CLASSES, Argmax()).check(images())

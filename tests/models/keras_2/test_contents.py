"""What tf-keras would run is refused before it sees a file; tf-keras need not be there.

Keras 3 stands in for it: it has namespaces of the same names.
"""

import copy
from pathlib import Path

import keras
import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.keras_2.contents import require_own

FILE = ModelFile(Path("m.h5"), "hdf5", "2.11.0")
SAID = "m.h5 is not loaded (saved by Keras 2.11.0): "
LAMBDA = (
    f"{SAID}it holds Python code in a Lambda layer, which tf-keras runs as it loads it, also in "
    "safe mode: replace the Lambda by a layer of your own and save again, or say "
    "--confmat-unsafe-model if you trust the file"
)


def layer(name, **config):
    return {"class_name": name, "config": {"name": name.lower(), **config}}


def model(*layers):
    return {"class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}}


def operation(function, kind="TFOpLambda"):
    return layer(kind, function=function)


def refused(stored, known=()):
    with pytest.raises(ModelError) as caught:
        require_own(FILE, stored, keras, known)
    return str(caught.value)


DENSE = layer(
    "Dense",
    activation="softmax",
    kernel_initializer={
        "module": "keras.initializers",
        "class_name": "GlorotUniform",
        "config": {"seed": None},
        "registered_name": None,
    },
)


@pytest.mark.parametrize(
    "stored",
    [
        model(layer("InputLayer"), DENSE),
        {"module": "tf_keras.src.engine.functional", "class_name": "Functional", "config": {}},
        {"module": "keras.src.engine.functional", "class_name": "Functional", "config": {}},
        model(layer("Bidirectional", layer=layer("LSTM"))),
        model(operation("__operators__.getitem", "SlicingOpLambda")),
        model(layer("Activation", activation={
            "module": "builtins", "class_name": "function", "config": "relu6",
            "registered_name": "function"})),
        {**model(DENSE), "compile_config": {"loss": {"class_name": "Theirs", "config": {}}}},
    ],
)  # fmt: skip
def test_what_is_keras_own_is_let_through(stored):
    before = copy.deepcopy(stored)
    require_own(FILE, stored, keras, ())
    assert stored == before


@pytest.mark.parametrize("name", ["Lambda", "__lambda__"])
@pytest.mark.parametrize(
    "around",
    [
        model,
        lambda inner: model(layer("TimeDistributed", layer=inner)),
        lambda inner: model(model(model(layer("Bidirectional", layer=inner)))),
        lambda inner: model({**DENSE, "inbound_nodes": [[["x", 0, 0, {"y": [inner]}]]]}),
        lambda inner: model(layer("Dense", kernel_regularizer=inner)),
    ],
)
def test_code_is_refused_at_any_depth(name, around):
    stored = around({"class_name": name, "config": {"function": ["4wEAAAAA", None, None]}})
    assert refused(stored) == LAMBDA


@pytest.mark.parametrize(
    "stored",
    [
        layer("Theirs"),
        {**layer("Dense"), "module": "theirs.layers"},
        {**layer("Dense"), "registered_name": "theirs>Dense"},
        layer("Dense", kernel_constraint=layer("Theirs")),
        {"class_name": "TFSMLayer", "config": {"filepath": "elsewhere"}, "module": "keras.layersx"},
        {"class_name": ["Dense"], "config": {}},
        {"class_name": "__typespec__", "config": ["x"], "module": "os", "spec_name": "system"},
        {"class_name": "get_file", "module": "keras.utils", "config": {}},
        {"class_name": "deserialize", "module": "keras.layers", "config": {}},
        {"class_name": "function", "module": "keras.utils", "config": "get_file"},
        {"class_name": "function", "module": "builtins", "config": "exec"},
        {"class_name": "function", "module": "theirs", "config": "relu"},
        {"class_name": "function", "module": "builtins", "config": {"x": 1}},
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": "op: 'WriteFile'"}},
        {"class_name": "ClassMethod", "config": {"cls_symbol": "RaggedTensor"}},
    ],
)
def test_a_class_or_function_of_somebody_elses_is_refused(stored):
    said = refused(model(stored))
    assert said.startswith((SAID, "m.h5 is not loaded: it names "))


def test_how_to_hand_in_the_projects_own_is_said():
    assert refused(model(layer("Swish2"))) == (
        f"{SAID}the class 'Swish2' in it is not tf-keras's own and not known here: if it is your "
        "project's, return it from the hook pytest_confmat_custom_objects in a conftest.py beside "
        "the policy or above it"
    )
    require_own(FILE, model(layer("Swish2")), keras, {"Swish2"})


def test_the_standard_library_is_no_part_of_a_model():
    stored = {"class_name": "function", "module": "os", "config": "system"}
    assert refused(model(layer("Dense", activation=stored))).startswith(
        "m.h5 is not loaded: it names os.system, which belongs to Python's standard library"
    )


@pytest.mark.parametrize(
    "function",
    [
        *("math.multiply", "nn.relu", "image.resize", "__operators__.add", "reshape", "cast"),
        *("compat.v1.nn.conv2d", "linalg.matmul", "strings.length", "reduce_mean", "concat"),
    ],
)
@pytest.mark.parametrize("kind", ["TFOpLambda", "SlicingOpLambda"])
def test_operations_that_compute_are_let_through(function, kind):
    require_own(FILE, model(operation(function, kind)), keras, ())


@pytest.mark.parametrize(
    "function",
    [
        *("io.write_file", "io.read_file", "py_function", "numpy_function", "raw_ops.WriteFile"),
        *("load_op_library", "saved_model.load", "keras.utils.get_file", "function", "map_fn"),
        *("compat.v1.py_func", "compat.v1.gfile.Remove", "compat.v1.write_file", "print", "", "."),
        *("debugging.experimental.enable_dump_debug_info", "data.Dataset.from_generator"),
    ],
)
@pytest.mark.parametrize("kind", ["TFOpLambda", "SlicingOpLambda"])
def test_operations_that_reach_out_are_refused_by_name(function, kind):
    assert refused(model(operation(function, kind))) == (
        f"{SAID}it would call the operation tf.{function}, which is not known to do nothing but "
        "compute: save the model without it, or say --confmat-unsafe-model if you trust it"
    )


@pytest.mark.parametrize("config", [None, {}, {"function": 1}, {"function": None}, "x"])
def test_an_operation_without_a_name_is_refused(config):
    said = refused(model({"class_name": "TFOpLambda", "config": config}))
    assert said.startswith(f"{SAID}the operation ")


def test_a_vocabulary_outside_the_file_is_refused():
    stored = model(layer("StringLookup", vocabulary="/etc/passwd"))
    assert refused(stored) == (
        f"{SAID}it holds a layer that reads a vocabulary from outside the file ('/etc/passwd'): "
        "save it with the vocabulary itself"
    )
    require_own(FILE, model(layer("StringLookup", vocabulary=["a", "b"])), keras, ())

"""Targets: model files before they are loaded, evaluations and baselines that were stored."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np

from fuzz.place import folder, put
from pytest_confmat.baseline import binary_part, text_part
from pytest_confmat.errors import ModelError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.models.configuration import objects, rescaling_layer
from pytest_confmat.models.formats import ModelFile, format_called
from pytest_confmat.models.keras_2.contents import require_own
from pytest_confmat.models.litert import reading as litert_reading
from pytest_confmat.models.litert.interface import interface_of as litert_interface_of
from pytest_confmat.models.litert.interpreter import require_own as require_own_litert
from pytest_confmat.models.look import look_at, require_content
from pytest_confmat.models.onnx import reading
from pytest_confmat.models.onnx.interface import interface_of
from pytest_confmat.models.onnx.session import DOMAINS
from pytest_confmat.models.onnx.session import require_own as require_own_operators
from pytest_confmat.models.saved_model.operations import COMPUTING, RESTORING, TABLE_FILES
from pytest_confmat.models.saved_model.plan import planned
from pytest_confmat.models.saved_model.reading import read_graph
from pytest_confmat.models.saved_model.signatures import signature_of
from pytest_confmat.spec import ModelSpec


def keras(data: bytes) -> None:
    """Look at a zip file under every name that models have."""
    fault: ModelError | None = None
    for name in ("model.keras", "model.h5", "model"):
        path = put(folder("model") / name, data)
        try:
            found = look_at(path)
        except ModelError as error:
            fault = fault or error
            continue
        assert found.saved_by is None or isinstance(found.saved_by, str)
        # Whatever it raises, nothing depends on the answer; but an answer must come.
        with contextlib.suppress(Exception):
            rescaling_layer(ModelSpec(path))
        return
    if fault is not None:
        raise fault


def keras_2(data: bytes) -> None:
    """Look at what the configuration of a file of Keras 2 names.

    Keras 3 stands in for tf-keras: it has namespaces of the same names.
    """
    import keras

    try:
        stored = json.loads(data)
    except (RecursionError, ValueError):
        return
    require_own(ModelFile(Path("m.h5"), "hdf5", "2.15.0"), stored, keras, ())
    judged = {key: each for key, each in stored.items() if key != "compile_config"} if isinstance(
        stored, dict) else stored  # fmt: skip
    assert not any(each.get("class_name") in ("Lambda", "__lambda__") for each in objects(judged))


def saved_model(data: bytes) -> None:
    """Read the graph of a SavedModel, choose a signature, and cut out what it runs."""
    place = folder("saved_model")
    put(place / "variables" / "variables.index", b"")
    path = put(place / "saved_model.pb", data).parent
    require_content(path / "saved_model.pb", data[:1024])
    meta = read_graph(path)
    signature = signature_of(meta, path, None)
    plan = planned(meta, signature, path, safe_mode=True)
    allowed = COMPUTING | RESTORING | TABLE_FILES
    functions = {each.signature.name for each in plan.graph.library.function}
    nodes = [*plan.graph.node, *(n for f in plan.graph.library.function for n in f.node_def)]
    assert {node.op for node in nodes} - functions <= allowed


def onnx(data: bytes) -> None:
    """Look at an ONNX file, and choose what is fed and judged; a file of weights lies beside it."""
    place = folder("onnx")
    put(place / "m.data", bytes(64))
    path = put(place / "model.onnx", data)
    # What was read before has the same name, and perhaps the same time and size.
    reading.forget()
    found = look_at(path)
    contents = reading.read(path)
    for each in format_called(found.format).files(path):
        assert each.resolve().is_relative_to(place.resolve())
        assert each.is_file()
    require_own_operators(path, contents)
    assert {domain for domain, _ in contents.operators - contents.functions} <= DOMAINS
    taken = interface_of(contents, path, (2,))
    assert taken.input.shape is None or len(taken.own_shape or ()) == len(taken.input.shape)


def litert(data: bytes) -> None:
    """Look at a LiteRT file, and choose what is fed and judged."""
    path = put(folder("litert") / "model.tflite", data)
    litert_reading.forget()
    look_at(path)
    contents = litert_reading.read(path)
    require_own_litert(path, contents)
    assert not any(name.startswith("Flex") for name in contents.custom)
    taken = litert_interface_of(contents, path, (3,))
    if taken.quantization is not None:
        low, high = taken.quantization.range
        assert low < high
        assert (
            taken.quantization.quantized(np.array([low, high], np.float32)).dtype.name
            == taken.dtype
        )


def evaluation(data: bytes) -> None:
    """Load an evaluation."""
    found = Evaluation.load(put(folder("evaluation") / "stored.npz", data))
    assert len(found) == sum(map(len, found.parts))


def baseline(data: bytes) -> None:
    """Read one of the two parts of a baseline."""
    if not data.startswith(binary_part.MAGIC[:8]):
        values = text_part.parse(data, "pytest --confmat-save-baseline FILE")
        assert values["outcomes"]["sha256"]
        return
    found = binary_part.decode(data)
    k = len(found.classes)
    arrays = (found.check, found.true, found.predicted, found.rank)
    assert {len(array) for array in arrays} == {len(found.ids)}
    for array, lowest, highest in (
        (found.true, 0, k - 1),
        (found.predicted, -1, k - 1),
        (found.rank, 0, k),
    ):
        assert not len(array) or lowest <= array.min() <= array.max() <= highest
    assert sum(1 for _ in zip(found.ids, range(1000), strict=False)) <= len(found.ids)

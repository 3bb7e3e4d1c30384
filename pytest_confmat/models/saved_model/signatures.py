"""Which signature of a SavedModel is judged, and which of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.decision import with_n
from pytest_confmat.spec import ModelInput
from pytest_confmat.text import brief, joined, shortened

# The names under which exporters put what servers call.
_USUAL = ("serving_default", "serve")
# Not a signature, only stored like one.
INIT = "__saved_model_init_op"
_ALONE = "export a signature with that one alone"


@dataclass(frozen=True)
class Signature:
    """An entry point with one input and one output of scores.

    Attributes
    ----------
    name, output_name
        As the file calls them.
    feed, fetch
        The tensors behind them in the graph.
    input
        What the model takes.
    shape
        Of the output, the batch axis first; ``None``: not stated.
    unused
        Names of outputs that are not scores.
    tensors
        Of all outputs, for what the signature can run.
    """

    name: str
    output_name: str
    feed: str
    fetch: str
    input: ModelInput
    shape: tuple[int | None, ...] | None
    unused: tuple[str, ...]
    tensors: tuple[str, ...]


def signature_of(graph: Any, folder: Path, asked: str | None) -> Signature:
    """Return the signature to judge; `graph` is a ``MetaGraphDef``.

    Raises
    ------
    ModelError
        If there is none, none of the name `asked`, or it does not take one batch and give scores.
    """
    found = {name: graph.signature_def[name] for name in sorted(graph.signature_def)}
    found.pop(INIT, None)
    for each in found.values():
        _require_readable(each, folder)
    name = _chosen(tuple(found), folder, asked)
    inputs, outputs = dict(found[name].inputs), dict(found[name].outputs)
    where = f"the signature {brief(name)} of {folder}"
    input_name, taken = _input(inputs, where)
    output_name = _output(outputs, where)
    return Signature(
        name=name,
        output_name=output_name,
        feed=inputs[input_name].name,
        fetch=outputs[output_name].name,
        input=taken,
        shape=_shape(outputs[output_name]),
        unused=tuple(each for each in sorted(outputs) if each != output_name),
        tensors=tuple(outputs[each].name for each in sorted(outputs)),
    )


def _require_readable(signature: Any, folder: Path) -> None:
    import tensorflow as tf

    for name, info in (*signature.inputs.items(), *signature.outputs.items()):
        try:
            tf.as_dtype(info.dtype)
        except TypeError as error:
            raise ModelError(
                f"{folder} cannot be loaded: the type of {brief(name)} in its signatures is none "
                "that TensorFlow knows: export it again, or install the TensorFlow that wrote it"
            ) from error


def _chosen(names: tuple[str, ...], folder: Path, asked: str | None) -> str:
    if not names:
        raise ModelError(
            f"{folder} has no signature, so that nothing says what goes into it: export it with "
            "model.export(path), or with tf.saved_model.save(module, path, signatures=...)"
        )
    if asked is not None and asked not in names:
        raise ModelError(
            f"{folder} has no signature {asked!r}, which the policy asks for: it has "
            f"{joined(list(map(brief, names)), 10)}"
        )
    usual = [name for name in _USUAL if name in names]
    if chosen := asked or next(iter(usual), None):
        return chosen
    if len(names) == 1:
        return names[0]
    raise ModelError(
        f"{folder} has the signatures {joined(list(map(brief, names)), 10)}, and none of them is "
        "serving_default or serve: say which is judged, as `model: {signature: NAME}` in the policy"
    )


def _input(inputs: Mapping[str, Any], where: str) -> tuple[str, ModelInput]:
    import tensorflow as tf

    if len(inputs) != 1:
        found = f"{len(inputs)} inputs ({_described(inputs)})" if inputs else "no input"
        raise ModelError(
            f"{where} takes {found}, and one is supported: export a signature of one batch, or "
            "hand in a function that calls the model, by overriding the fixture confmat_model"
        )
    ((name, info),) = inputs.items()
    if info.WhichOneof("encoding") != "name":
        raise ModelError(
            f"{where} takes {brief(name)} as a ragged or sparse tensor, and dense batches are "
            "supported: export a signature that takes a dense one"
        )
    dtype = tf.as_dtype(info.dtype)
    if dtype == tf.string:
        raise ModelError(
            f"{where} takes text or encoded examples ({brief(name)} is of dtype string), and "
            "batches of numbers are supported: export a signature that takes the numbers themselves"
        )
    shape = _shape(info)
    if shape is None:
        return name, ModelInput(None, dtype.name)
    if not shape:
        raise ModelError(
            f"{where} takes a single number ({brief(name)}), and a batch is given to it"
        )
    return name, ModelInput(shape[1:], dtype.name, shape[0])


def _output(outputs: Mapping[str, Any], where: str) -> str:
    import tensorflow as tf

    scores = [
        name
        for name, info in sorted(outputs.items())
        if info.WhichOneof("encoding") == "name" and tf.as_dtype(info.dtype).is_floating
    ]
    if len(scores) == 1:
        return scores[0]
    listing = _described(outputs)
    if not scores:
        raise ModelError(
            f"{where} gives {listing or 'nothing'}, and none of that is scores, which are floats: "
            "export a signature that gives the scores of the classes"
        )
    raise ModelError(
        f"{where} gives {len(scores)} outputs that may be the scores ({listing}), and one is "
        f"judged: {_ALONE}, and name it as `model: {{signature: NAME}}` in the policy"
    )


def _described(tensors: Mapping[str, Any]) -> str:
    import tensorflow as tf

    found = []
    for name, info in sorted(tensors.items()):
        shape = _shape(info)
        size = "(N, ...)" if shape is None else with_n(shape)
        found.append(f"{shortened(name, 100)} {size} {tf.as_dtype(info.dtype).name}")
    return joined(found, 10)


def _shape(info: Any) -> tuple[int | None, ...] | None:
    stated = info.tensor_shape
    if stated.unknown_rank:
        return None
    return tuple(None if each.size < 0 else int(each.size) for each in stated.dim)

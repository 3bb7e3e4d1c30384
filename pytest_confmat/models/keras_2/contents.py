"""What a file of Keras 2 names, looked at before tf-keras loads anything of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.configuration import objects
from pytest_confmat.models.contents import distrusted, owner_of
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.text import brief, shortened

_HOLDERS = ("layers", "models", "initializers", "regularizers", "constraints", "mixed_precision")
# Layers of ConvNeXt, which tf-keras finds in no namespace.
APPLICATIONS = ("LayerScale", "StochasticDepth")
_FUNCTIONS = ("activations", "initializers", "regularizers", "constraints")
# In the namespaces of layers, and yet not what Keras calls them, or by another name.
_ALSO = frozenset(
    {"Functional", "Sequential", "Model", "TFOpLambda", "SlicingOpLambda", *APPLICATIONS}
)
# TensorFlow's own initializers, which EfficientNetV2 is built with, stand in the last two.
_OWN_MODULES = frozenset(
    {"builtins", "keras", "tf_keras", "tensorflow.python.ops.init_ops_v2"}
    | {"tensorflow.python.ops.init_ops"}
)
# Forms of plain values.
_VALUES = frozenset(
    {"TensorShape", "__tensor__", "__tuple__", "__numpy__", "__bytes__", "__ellipsis__"}
    | {"__slice__", "__keras_tensor__"}
)
# They run code, or what other files hold; or make an object of what they are given.
_OUTWARD = frozenset(
    {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TensorFlowOpLayer"}
    | {"clone_model", "deserialize", "get", "load_model", "model_from_config", "model_from_json"}
    | {"model_from_yaml", "save_model", "serialize"}
)
_OPERATIONS = frozenset({"TFOpLambda", "SlicingOpLambda"})
# Of TensorFlow, namespaces in which all functions do nothing but compute.
_COMPUTING = frozenset(
    {"__operators__", "bitwise", "image", "linalg", "math", "nn", "quantization", "random"}
    | {"signal", "sparse", "strings"}
)
# And of those at its top, these; among the others are `py_function` and `load_op_library`.
_TOP_TEXT = """
abs acos acosh add add_n argmax argmin argsort as_string asin asinh atan atan2 atanh batch_to_space
bitcast boolean_mask broadcast_to cast ceil clip_by_norm clip_by_value complex concat cos cosh
cumsum divide edit_distance einsum ensure_shape equal exp expand_dims eye fill fingerprint floor
gather gather_nd greater greater_equal histogram_fixed_width identity identity_n less less_equal
linspace logical_and logical_not logical_or matmul matrix_square_root maximum meshgrid minimum
multiply negative no_op norm not_equal one_hot ones ones_like pad parallel_stack pow range rank
realdiv real reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod
reduce_sum repeat reshape reverse reverse_sequence roll round saturate_cast scalar_mul scatter_nd
searchsorted sequence_mask shape shape_n sigmoid sign sin sinh size slice sort space_to_batch
space_to_batch_nd split sqrt square squeeze stack stop_gradient strided_slice subtract tan tanh
tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub
tensor_scatter_nd_update tensordot tile transpose truediv truncatediv truncatemod unique
unique_with_counts unravel_index unstack where zeros zeros_like
floordiv floormod mod to_float to_int32 to_int64 to_double log log1p log_sigmoid rsqrt softplus
expm1 erf reciprocal squared_difference extract_image_patches
"""
_TOP = frozenset(_TOP_TEXT.split())


def require_own(file: ModelFile, stored: Any, tf_keras: Any, known: Collection[str]) -> None:
    """Refuse a configuration that names anything but what tf-keras and the project have.

    Parameters
    ----------
    stored
        The file's configuration, as it was read from JSON.
    known
        Names that the project gives classes and functions of its own.

    Raises
    ------
    ModelError
        If it holds code, or names a class, a function or an operation of somebody else's.
    """
    classes, functions = _own(tf_keras, _HOLDERS, type), _own(tf_keras, _FUNCTIONS, object)
    for found in _judged(stored):
        name, module = found["class_name"], found.get("module")
        config = found.get("config")
        if name == "function":
            _require_function(file, config, module, functions | classes, known)
            continue
        key = found.get("registered_name") or name
        if not isinstance(name, str) or not isinstance(key, str):
            raise _unknown(file, "class", name)
        if key in known or name in known or name in _VALUES:
            continue
        if name in ("Lambda", "__lambda__"):
            raise _refused(
                file,
                "it holds Python code in a Lambda layer, which tf-keras runs as it loads it, also "
                "in safe mode: replace the Lambda by a layer of your own and save again, or say "
                "--confmat-unsafe-model if you trust the file",
            )
        if name not in classes | _ALSO or key != name or not _is_own(module):
            raise _foreign(file, "class", name, module)
        if name in _OPERATIONS:
            _require_computing(file, config)
        if isinstance(config, Mapping) and isinstance(config.get("vocabulary"), str):
            raise _refused(
                file,
                "it holds a layer that reads a vocabulary from outside the file "
                f"({brief(config['vocabulary'])}): save it with the vocabulary itself",
            )


def _judged(stored: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what is deserialized, at any depth; loading leaves out how a model was compiled."""
    if isinstance(stored, Mapping):
        stored = {key: value for key, value in stored.items() if key != "compile_config"}
    return (found for found in objects(stored) if "class_name" in found)


def _own(tf_keras: Any, names: Collection[str], kind: type) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        values = vars(getattr(tf_keras, name))
        found |= {
            key
            for key, value in values.items()
            if isinstance(value, kind) and callable(value) and not key.startswith("_")
        }
    return frozenset(found - _OUTWARD)


def _is_own(module: Any) -> bool:
    return module is None or (
        isinstance(module, str)
        and (module in _OWN_MODULES or module.startswith(("keras.", "tf_keras.")))
    )


def _require_function(
    file: ModelFile, name: Any, module: Any, own: Collection[str], known: Collection[str]
) -> None:
    if not isinstance(name, str):
        raise _unknown(file, "function", name)
    if name not in known and (name not in own or not _is_own(module)):
        raise _foreign(file, "function", name, module)


def _require_computing(file: ModelFile, config: Any) -> None:
    function = config.get("function") if isinstance(config, Mapping) else None
    if not isinstance(function, str):
        raise _unknown(file, "operation", function)
    space, dot, _ = function.removeprefix("compat.v1.").partition(".")
    if space not in (_COMPUTING if dot else _TOP):
        raise _refused(
            file,
            f"it would call the operation tf.{shortened(function, 100)}, which is not known to do "
            "nothing but compute: save the model without it, or say --confmat-unsafe-model if you "
            "trust it",
        )


def _foreign(file: ModelFile, kind: str, name: str, module: Any) -> ModelError:
    if isinstance(module, str) and (owner := owner_of(module, name)):
        return distrusted(file, shortened(f"{module}.{name}", 100), owner)
    return _unknown(file, kind, name)


def _unknown(file: ModelFile, kind: str, name: object) -> ModelError:
    return _refused(
        file,
        f"the {kind} {brief(name)} in it is not tf-keras's own and not known here: if it is your "
        "project's, return it from the hook pytest_confmat_custom_objects in a conftest.py beside "
        "the policy or above it",
    )


def _refused(file: ModelFile, said: str) -> ModelError:
    origin = f" (saved by Keras {file.saved_by})" if file.saved_by else ""
    return ModelError(f"{file.path} is not loaded{origin}: {said}")

"""What a model file names, looked at before Keras loads anything of it.

A model is made of layers, functions and classes of models. Versions of Keras have imported
whatever module a file named; a file that names another kind of thing was made to do harm.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.configuration import objects
from pytest_confmat.models.formats import ModelFile

# Of Python's own functions those that run, read or reach what they are given; a project may well
# have an activation called round, and older versions of Keras say "builtins" of that too.
_HARMFUL_TEXT = """
__build_class__ __import__ breakpoint compile delattr dir eval exec exit getattr globals help
input locals memoryview open print quit setattr type vars
"""
# Libraries that are installed nearly everywhere and hold no part of a Keras model.
_LIBRARIES_TEXT = """
PIL _pytest cloudpickle dill h5py joblib matplotlib numpy pandas pip pkg_resources pytest requests
rich scipy setuptools sklearn yaml
"""
# What of TensorFlow reaches beyond the graph: files, Python code and other models.
_OUTWARD_TEXT = """
file_io gen_io_ops gfile io io_ops load_library load_op_library numpy_function py_func py_function
raw_ops saved_model script_ops
"""
_OUTWARD = frozenset(_OUTWARD_TEXT.split())
_HARMFUL = frozenset(_HARMFUL_TEXT.split())
_LIBRARIES = frozenset(_LIBRARIES_TEXT.split())
_OF_JAX = frozenset({"JaxLayer", "FlaxLayer"})
_ENGINES = ("keras.engine.", "keras.src.engine.", "tf_keras.")


def require_harmless(file: ModelFile, stored: Any, known: Collection[str] = ()) -> None:
    """Refuse a configuration that names what is no part of a model.

    Parameters
    ----------
    stored
        The file's configuration, as it was read from JSON.
    known
        Names that the project gives classes and functions of its own.

    Raises
    ------
    ModelError
        If it names the standard library, or a library that has no layers.
    """
    for module, name in _named(stored, known):
        if owner := owner_of(module, name):
            raise distrusted(file, f"{module}.{name}", owner)


def require_unbound(file: ModelFile, stored: Any, known: Collection[str] = ()) -> None:
    """Refuse a configuration with a layer that runs on JAX alone, where there is no JAX.

    Raises
    ------
    ModelError
        If it has one. `stored` and `known` are as above.
    """
    for found in objects(stored):
        name = found.get("class_name")
        if name in _OF_JAX and name not in known and find_spec("jax") is None:
            raise ModelError(
                f"{file.path} cannot be loaded: it holds a layer of the kind {name}, which runs "
                "JAX, and JAX is not installed: install it (on TensorFlow it is called by way of "
                "jax2tf), or hand in a function that calls the model by overriding the fixture "
                "confmat_model"
            )


def distrusted(file: ModelFile, name: str, owner: str) -> ModelError:
    """Return the error for a file that names something of `owner` that is no part of a model."""
    return ModelError(
        f"{file.path} is not loaded: it names {name}, which belongs to {owner} and is no layer, "
        "function or class of a model. Do not trust this file, and do not load it in another way; "
        "find out where it comes from"
    )


def needs_keras_2(stored: Any, known: Collection[str] = ()) -> bool:
    """Whether a configuration names modules that only Keras 2 has; `known` as above."""
    return any(f"{module}.".startswith(_ENGINES) for module, _ in _named(stored, known))


def _named(stored: Any, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield module and name of each object that is named with its module and is not known."""
    for found in objects(stored):
        module, name = found.get("module"), found.get("class_name")
        is_function = name == "function"
        if is_function:
            name = found.get("config")
        if not isinstance(module, str) or not isinstance(name, str):
            continue
        # As Keras looks a thing up before it goes by its module.
        key = name if is_function else found.get("registered_name", name)
        if key not in known:
            yield module, name


def owner_of(module: str, name: str) -> str | None:
    """Return whose a thing is that is no part of a model; ``None``: it may well be one."""
    top, _, below = module.partition(".")
    outward = top == "tensorflow" and not _OUTWARD.isdisjoint((*below.split("."), name))
    if top in _LIBRARIES or outward:
        return f"the library {top}"
    if top == "builtins":
        return "Python itself" if name in _HARMFUL else None
    # A project may have a folder of tests, or one called code, of which Python has a module.
    if top not in sys.stdlib_module_names or top == "test":
        return None
    if below and module not in sys.modules and not _is_package(top):
        return None
    return "Python's standard library"


def _is_package(top: str) -> bool:
    spec = find_spec(top)
    return spec is not None and spec.submodule_search_locations is not None

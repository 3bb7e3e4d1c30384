"""What decides an evaluation besides model and data: libraries, their settings, the machine.

Nothing is imported for it. Libraries are those that an import would find; what a process has
already set in Keras and TensorFlow is asked of them if they are there.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest_confmat
from pytest_confmat.errors import UndeterminedError
from pytest_confmat.threads import cores

# Under these names a distribution provides the package, or is a plug-in of it.
_PROVIDERS = {
    "tensorflow": (
        "tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel", "tensorflow-macos",
        "tensorflow-rocm", "tensorflow-cpu-aws", "tensorflow-aarch64", "intel-tensorflow",
        "tf-nightly", "tf-nightly-cpu", "tf-nightly-gpu",
    ),
    "keras": ("keras", "keras-nightly"),
}  # fmt: skip
_ALSO = (
    "pytest-confmat", "numpy", "h5py", "ml-dtypes", "tf-keras", "tensorflow-metal",
    "tensorflow-directml-plugin",
    "intel-extension-for-tensorflow", "nvidia-cudnn-cu12", "nvidia-cublas-cu12",
    "ai-edge-litert", "onnx", "onnxruntime", "onnxruntime-directml", "onnxruntime-gpu",
    "onnxruntime-openvino", "ort-nightly",
)  # fmt: skip
_VARIABLES = (
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "KERAS_BACKEND", "KERAS_FLOATX",
    "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "TF_CUDNN_DETERMINISTIC",
    "TF_CUDNN_USE_AUTOTUNE", "TF_DETERMINISTIC_OPS", "TF_DISABLE_MKL", "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_ONEDNN_USE_SYSTEM_ALLOCATOR",
    "TF_SET_ONEDNN_FPMATH_MODE", "TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT",
    "TF_USE_LEGACY_KERAS", "TF_XLA_FLAGS", "XLA_FLAGS",
)  # fmt: skip
_KERAS_DEFAULTS = {
    "backend": "tensorflow",
    "epsilon": 1e-07,
    "floatx": "float32",
    "image_data_format": "channels_last",
}


def environment() -> dict[str, Any]:
    """Return, as JSON values, what an evaluation depends on that is neither model nor data.

    Raises
    ------
    UndeterminedError
        If the TensorFlow or Keras that an import would find is not the one that is installed.
    """
    packages = {name: version for name in _ALSO if (version := _version(name))}
    return {
        "python": [platform.python_implementation(), platform.python_version()],
        "own": own_code(),
        "packages": packages | _provided("tensorflow") | _provided("keras"),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "keras": [_keras_file(), _set_in_process()],
        "machine": _machine(),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _provided(package: str) -> dict[str, str]:
    """Return names and versions of the distributions behind a package, found but not imported."""
    try:
        spec = find_spec(package)
    except ValueError:
        raise UndeterminedError(f"the module {package} in this process is none") from None
    if spec is None or spec.origin is None:
        return {}  # that it is missing is for the evaluation to tell
    found = {name: version for name in _PROVIDERS[package] if (version := _version(name))}
    places = {
        os.path.realpath(str(importlib.metadata.distribution(name).locate_file(package)))
        for name in found
    }
    if os.path.realpath(Path(spec.origin).parent) not in places:
        raise UndeterminedError(
            f"{package} is imported from {Path(spec.origin).parent}, where no distribution that "
            "is known to hold it was installed, so that its version says nothing"
        )
    return found


@cache
def own_code() -> str:
    """Return a digest of this project's own code.

    Its version stays the same while it is developed, or when an installed copy is patched.
    """
    root = Path(pytest_confmat.__file__).parent
    digest = blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _keras_file() -> dict[str, Any] | str:
    """Return what the configuration file of Keras sets, such as its backend and number type.

    Keras writes one with its defaults when it finds none, so that a default says as much as no
    file. One that is no JSON object is returned as it stands.
    """
    folder = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # noqa: PTH111
    try:
        text = Path(folder, "keras.json").read_text("utf-8", "replace")
    except OSError:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text
    return {key: value for key, value in found.items() if value != _KERAS_DEFAULTS.get(key)}


def _set_in_process() -> dict[str, Any]:
    """Return what code of the project's has set in this process; nothing where nothing is."""
    keras, tensorflow = sys.modules.get("keras"), sys.modules.get("tensorflow")
    found: dict[str, Any] = {}
    # Either may be half imported, or another thing of the same name.
    with suppress(AttributeError):
        if keras is not None:
            found["floatx"] = _unless(keras.config.floatx(), "float32")
            found["epsilon"] = _unless(keras.config.epsilon(), 1e-07)
            found["data_format"] = _unless(keras.config.image_data_format(), "channels_last")
            found["dtype_policy"] = _unless(keras.config.dtype_policy().name, "float32")
            found["custom_objects"] = sorted(keras.saving.get_custom_objects())
    with suppress(AttributeError):
        if tensorflow is not None:
            threads = tensorflow.config.threading
            found["intra_op"] = threads.get_intra_op_parallelism_threads()
            found["inter_op"] = threads.get_inter_op_parallelism_threads()
            optimizer = tensorflow.config.optimizer
            found["jit"] = optimizer.get_jit()
            found["optimizer"] = {
                name: value
                for name, value in optimizer.get_experimental_options().items()
                if value or not name.startswith("disable_")  # these are always listed
            }
            exact = not tensorflow.config.experimental.tensor_float_32_execution_enabled()
            found["no_tensor_float_32"] = exact
            found["hidden_devices"] = _hidden_devices(tensorflow.config)
    return {name: value for name, value in found.items() if value}


def _hidden_devices(config: Any) -> list[str]:
    visible = set(config.get_visible_devices())
    return [device.name for device in config.list_physical_devices() if device not in visible]


def _unless(value: Any, default: Any) -> Any:
    return None if value == default else value


def hardware() -> dict[str, Any]:
    """Return what moves scores in their last digits, where libraries are the same."""
    found = {**_machine(), **{name: os.environ[name] for name in _VARIABLES if name in os.environ}}
    return {name: value for name, value in found.items() if value}


def _machine() -> dict[str, Any]:
    """Return what moves scores in their last digits: instruction set, cores, graphics cards."""
    return {
        "system": [platform.system(), platform.machine()],
        "cores": cores(),
        "instructions": _instructions(),
        "graphics": _graphics(),
    }


def _instructions() -> str:
    with suppress(OSError), Path("/proc/cpuinfo").open("rb") as stream:
        for line in stream:
            # "flags" on x86, "Features" on ARM; the same for every core.
            if line.lower().startswith((b"flags", b"features")):
                return blake2b(b" ".join(sorted(line.split())), digest_size=16).hexdigest()
    return platform.processor()


def _graphics() -> list[str]:
    """Return driver and models of NVIDIA's cards; packages identify those of others."""
    root = Path("/proc/driver/nvidia")
    found = []
    for path in (root / "version", *sorted(root.glob("gpus/*/information"))):
        with suppress(OSError):
            lines = path.read_text("utf-8", "replace").splitlines()
            found += [line for line in lines if line.startswith(("NVRM", "Model"))]
    return found

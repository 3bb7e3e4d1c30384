"""What a run of the gate imports, so that the runs in this process need not do it again.

pytester takes away what a run imports. TensorFlow does not survive that, and the rest costs time.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import h5py  # noqa: F401
import keras  # noqa: F401
import matplotlib.backends.backend_agg
import matplotlib.pyplot  # noqa: F401
import sklearn.metrics  # noqa: F401
import tensorflow  # noqa: F401

import pytest_confmat.job
import pytest_confmat.probing
import pytest_confmat.streaming  # noqa: F401

for _name in ("data", "models", "plugin", "policy", "report"):
    _package = import_module(f"pytest_confmat.{_name}")
    for _module in pkgutil.iter_modules(_package.__path__, f"{_package.__name__}."):
        import_module(_module.name)

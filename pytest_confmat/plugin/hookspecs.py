"""The hooks that a project may implement. Loaded by every pytest run: it imports nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from pytest_confmat.kinds import DataKind
    from pytest_confmat.metric import Metric
    from pytest_confmat.models.formats import ModelFormat
    from pytest_confmat.output import Output
    from pytest_confmat.registry import Registry


def pytest_confmat_custom_objects() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Return the classes and functions of the project's that a saved model names.

    Implemented in a ``conftest.py`` beside the policy or above it (for `confmat_evaluator`: beside
    the test or above it); called before a model file is loaded::

        def pytest_confmat_custom_objects():
            from net import Doubled
            return {"Doubled": Doubled}

    Names are those that Keras looks for, which the refusal to load the file tells: the class's
    own, or ``package>name`` where it is registered.
    """


def pytest_confmat_data_kinds(registry: Registry[DataKind[Any]]) -> None:
    """Register kinds of data of the project's own, for a policy's ``dataset`` to name.

    Implemented in a ``conftest.py`` that pytest loads at its start; called before a policy is
    read::

        def pytest_confmat_data_kinds(registry):
            from tables import ParquetKind
            registry.register(ParquetKind())

    A kind is an object of a subclass of `pytest_confmat.DataKind`.
    """


def pytest_confmat_model_formats(registry: Registry[ModelFormat]) -> None:
    """Register formats of model files of the project's own.

    Implemented in a ``conftest.py`` that pytest loads at its start; called before a model file is
    looked at::

        def pytest_confmat_model_formats(registry):
            from forests import ForestFormat
            registry.register(ForestFormat())

    A format is an object of a subclass of `pytest_confmat.ModelFormat`.
    """


def pytest_confmat_outputs(registry: Registry[Output], config: pytest.Config) -> None:
    """Register what a run is to leave behind besides the files of this plugin.

    Implemented in a ``conftest.py`` that pytest loads at its start; called in the process that
    closes the session, once the policies are read::

        def pytest_confmat_outputs(registry, config):
            from dashboards import PostedVerdict
            registry.register(PostedVerdict(config.getoption("--dashboard")))

    An output is an object of a subclass of `pytest_confmat.Output`.
    """


def pytest_confmat_metrics(registry: Registry[Metric]) -> None:
    """Register metrics of the project's own, for limits in a policy.

    Implemented in a ``conftest.py`` that pytest loads at its start; called before a policy is
    read::

        def pytest_confmat_metrics(registry):
            registry.register(
                Metric("recall_min", "The lowest recall of any class.", lowest_recall)
            )

    A metric is a `pytest_confmat.Metric`. There is an estimate of it alone, unless it says what it
    is a share of.
    """

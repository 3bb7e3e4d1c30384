"""Gate the release of a classifier on its confusion matrix.

The public names are resolved when they are first used, so that importing this package imports
nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_confmat.assertions import (
        assert_confusion,
        assert_metric,
        assert_precision,
        assert_recall,
        assert_weighted_diagonal,
    )
    from pytest_confmat.errors import ConfmatError, LimitError
    from pytest_confmat.evaluation import Evaluation
    from pytest_confmat.kinds import DataKind
    from pytest_confmat.matrix import ConfusionMatrix
    from pytest_confmat.metric import Metric
    from pytest_confmat.metrics import Measured
    from pytest_confmat.models.formats import ModelFormat
    from pytest_confmat.notebook import compare, evaluate, judge, load_report
    from pytest_confmat.output import Output

    __version__: str

__all__ = [
    "ConfmatError",
    "ConfusionMatrix",
    "DataKind",
    "Evaluation",
    "LimitError",
    "Measured",
    "Metric",
    "ModelFormat",
    "Output",
    "assert_confusion",
    "assert_metric",
    "assert_precision",
    "assert_recall",
    "assert_weighted_diagonal",
    "compare",
    "evaluate",
    "judge",
    "load_report",
]

_MODULES = {
    "assertions": [name for name in __all__ if name.startswith("assert_")],
    "errors": ["ConfmatError", "LimitError"],
    "evaluation": ["Evaluation"],
    "kinds": ["DataKind"],
    "matrix": ["ConfusionMatrix"],
    "metric": ["Metric"],
    "metrics": ["Measured"],
    "models.formats": ["ModelFormat"],
    "notebook": ["compare", "evaluate", "judge", "load_report"],
    "output": ["Output"],
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-confmat")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

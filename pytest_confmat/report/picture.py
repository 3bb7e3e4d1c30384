"""A result as a picture: the confusion matrix as a heatmap, and the weighted one beside it."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.result import GateResult
from pytest_confmat.writing import write_atomically


def write_picture(result: GateResult, path: Path) -> None:
    """Write `result` to `path` as a PNG, atomically.

    Without an evaluation the picture says so in words, so that none of an earlier run stays.

    Raises
    ------
    MissingDependencyError
        If matplotlib or scikit-learn are not installed.
    """
    try:
        import matplotlib.style
        import sklearn.metrics  # noqa: F401
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        missing = (error.name or "one of them").partition(".")[0]
        raise MissingDependencyError(
            f"{path.name} is drawn by matplotlib and scikit-learn, and {missing} is not "
            "installed; pip install 'pytest-confmat[plot]', or leave the picture out"
        ) from error
    from pytest_confmat.report.heatmap import draw

    # The look is ours, whatever a matplotlibrc says; a warning is no reason to lose the picture.
    with matplotlib.style.context("default"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = draw(result)
        buffer = io.BytesIO()
        # By its mark a later run knows that it may replace the file.
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": "pytest-confmat"})
    write_atomically(path, buffer.getvalue())

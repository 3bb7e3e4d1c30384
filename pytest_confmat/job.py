"""One evaluation to be done: which model over which data, and doing it.

A job whose model and data are files is a plain value: equal jobs have equal results, in this
process or another.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pytest_confmat.evaluation import Evaluation
from pytest_confmat.filenames import text_of
from pytest_confmat.fingerprint import sha256_of
from pytest_confmat.spec import DatasetSpec, Decision, Feed, ModelSpec

if TYPE_CHECKING:
    from pytest_confmat.data.source import Source
    from pytest_confmat.models.predictor import Predictor
    from pytest_confmat.streaming import ProgressCallback


@dataclass(frozen=True)
class Job:
    """A model, an evaluation set, and how outputs become classes.

    Attributes
    ----------
    model
        A `ModelSpec`, a Keras model, or anything callable on a batch.
    dataset
        A spec, a ``tf.data.Dataset``, or any iterable of batches (inputs, labels[, weights]).
    classes
        Names, in the order of the model's outputs.
    batch_size
        ``None``: the rule of `streaming.batch_size_for`.
    expected_examples
        Where data of the project's own are given up, which may never end; ``None``: nowhere.
    """

    model: Any
    dataset: Any
    classes: tuple[str, ...]
    decision: Decision
    batch_size: int | None = None
    expected_examples: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether model and data are files, so that equal jobs are the same job."""
        return isinstance(self.model, ModelSpec) and isinstance(self.dataset, DatasetSpec)


def run(
    job: Job,
    progress: ProgressCallback | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Stream the data through the model once.

    Parameters
    ----------
    progress
        See `streaming.evaluate`.
    custom_objects
        Classes and functions of the project's that a model file may name.

    Raises
    ------
    ConfmatError
        If model or data are not what they should be.
    """
    from pytest_confmat import streaming

    timing: dict[str, float] = {}
    predictor = _load(job, custom_objects, timing)
    started = perf_counter()
    source = _open(job, predictor)
    timing["open"] = perf_counter() - started
    # What is wrong with the layout of the data is said first: it may be why the numbers differ.
    predictor.check_stated()
    care: dict[str, Any] = {}
    if isinstance(job.dataset, DatasetSpec):
        care = {"on_fault": job.dataset.on_fault, "max_faults": job.dataset.max_faults}
    dataset = {
        "source": source.description,
        "states_count": source.states_count,
        "unfixed": source.unfixed,
    }
    provenance = {
        "model": describe_model(job.model),
        "dataset": dataset,
        "versions": versions(),
    }
    started = perf_counter()
    try:
        evaluation = streaming.evaluate(
            source,
            predictor,
            job.classes,
            batch_size=job.batch_size,
            provenance=provenance,
            progress=progress,
            **care,
        )
    finally:
        predictor.rewind()
    timing["evaluate"] = perf_counter() - started
    feed = source.feed  # of a dataset of the project's own known only now
    return replace(
        evaluation,
        provenance={**evaluation.provenance, "dataset": {**dataset, "input": feed.text}},
        notes=(*evaluation.notes, *filter(None, [_doubt(feed, job.model)])),
        timing={**timing, **evaluation.timing},
    )


def _load(
    job: Job, custom_objects: Mapping[str, Any] | None, timing: dict[str, float]
) -> Predictor:
    """Return the model behind a predictor; enter in `timing` how long it took."""
    from pytest_confmat import models
    from pytest_confmat.models import runtime

    started, imported = perf_counter(), runtime.import_seconds
    if isinstance(job.model, ModelSpec):
        predictor = models.load(job.model, job.classes, job.decision, custom_objects)
    else:
        predictor = models.wrap(job.model, job.classes, job.decision)
    took = perf_counter() - started
    timing["import"] = min(took, runtime.import_seconds - imported)
    timing["load"] = took - timing["import"]
    return predictor


def _open(job: Job, predictor: Predictor) -> Source:
    from pytest_confmat import data

    if isinstance(job.dataset, DatasetSpec):
        return data.open_source(job.dataset, job.classes, predictor.input)
    return data.open_batches(job.dataset, job.classes, predictor.input, job.expected_examples)


def _doubt(feed: Feed, model: Any) -> str | None:
    from pytest_confmat.doubt import doubt
    from pytest_confmat.models.configuration import first_layer

    try:
        return doubt(feed, first_layer(model))
    except Exception:
        return None  # an aside, and models may be anything


def describe_model(model: Any) -> dict[str, Any]:
    """Return path, format and sha256 of a model file, or what kind of object a model is."""
    if isinstance(model, ModelSpec):
        return {
            "path": text_of(str(from_here(model.path))),
            "format": model.path.suffix.lstrip("."),
            "sha256": sha256_of(model.path),
        }
    kind = type(model)
    return {"path": None, "format": f"{kind.__module__}.{kind.__qualname__}", "sha256": None}


def from_here(path: Path) -> Path:
    """Return a path relative to the current folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def versions() -> Mapping[str, str]:
    """Return the versions of Python, this project, and what it computed with."""
    found = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "pytest-confmat": version("pytest-confmat"),
    }
    # Asked of the modules: what is installed may be called tensorflow-cpu.
    for name in ("numpy", "keras", "tensorflow"):
        module = sys.modules.get(name)
        if module is not None and hasattr(module, "__version__"):
            found[name] = str(module.__version__)
    return found

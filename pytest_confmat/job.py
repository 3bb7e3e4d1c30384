"""An evaluation to be done: which model over which data; and doing it.

A job whose model and data are files is a plain value: equal jobs have equal results, in this
process or another.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pytest_confmat.errors import ConfmatError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.filenames import text_of
from pytest_confmat.spec import DatasetSpec, Decision, Feed, ModelSpec

if TYPE_CHECKING:
    from pytest_confmat.data.part_plan import PlannedPart
    from pytest_confmat.data.source import SharedSource, Source
    from pytest_confmat.faults import Care
    from pytest_confmat.models.predictor import Predictor
    from pytest_confmat.outcomes import PartOutcomes
    from pytest_confmat.resuming import Kept, ProgressCallback


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
    without_examples
        Classes that the set is known to have no examples of.
    """

    model: Any
    dataset: Any
    classes: tuple[str, ...]
    decision: Decision
    batch_size: int | None = None
    expected_examples: int | None = None
    without_examples: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether model and data are files, so that equal jobs are the same job."""
        return isinstance(self.model, ModelSpec) and isinstance(self.dataset, DatasetSpec)


def run(
    job: Job,
    progress: ProgressCallback | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    kept: Kept | None = None,
) -> Evaluation:
    """Stream the data through the model once.

    Parameters
    ----------
    progress
        See `streaming.evaluate`.
    custom_objects
        Classes and functions of the project's that a model file may name.
    kept
        See `streaming.evaluate_all`.

    Raises
    ------
    ConfmatError
        If model or data are not what they should be.
    """
    (found,) = run_all([job], progress, custom_objects, kept)
    if isinstance(found, ConfmatError):
        raise found
    return found


def run_all(
    jobs: Sequence[Job],
    progress: ProgressCallback | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    kept: Kept | None = None,
) -> tuple[Evaluation | ConfmatError, ...]:
    """Stream the data through several models in one pass; see `run`.

    Each evaluation is equal to that of its job alone, but for the seconds that it took: they are
    those of all together.

    Parameters
    ----------
    jobs
        On one data set, with the same classes.

    Returns
    -------
    For each job its evaluation, or the error that is its own.

    Raises
    ------
    ConfmatError
        What is wrong with the data as a whole, or with every model.
    """
    from pytest_confmat import streaming

    opened = _open(jobs, custom_objects)
    started = perf_counter()
    try:
        found = streaming.evaluate_all(
            opened.shared,
            opened.predictors,
            jobs[0].classes,
            batch_sizes=[job.batch_size for job in jobs],
            provenances=opened.provenances,
            care=opened.care,
            progress=progress,
            kept=kept,
        )
    finally:
        opened.rewind()
    # What others have done is no measure of speed.
    stage = "evaluate" if kept is None or not kept.resumed else "evaluate_rest"
    timing = {**opened.timing, stage: perf_counter() - started}
    return tuple(
        each if isinstance(each, ConfmatError) else _told_of(each, job, source, timing)
        for each, job, source in zip(found, jobs, opened.shared.sources, strict=True)
    )


@dataclass(frozen=True)
class Divided:
    """A job that was opened once, to evaluate parts of its data by themselves.

    Attributes
    ----------
    parts
        All that there are, in their order.
    """

    job: Job
    parts: tuple[PlannedPart, ...]
    _opened: _Opened

    @property
    def source(self) -> Source:
        """The data as the model sees them."""
        return self._opened.shared.sources[0]

    @property
    def care(self) -> Care:
        """What is done about examples at fault."""
        return self._opened.care

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences of data and model for the reader, as far as they are known by now."""
        return (*self.source.notes, *self._opened.predictors[0].notes)

    @property
    def is_pure(self) -> bool | None:
        """Whether batches do not influence each other; ``None``: not known before the first."""
        return self._opened.predictors[0].is_pure

    def provenance(self) -> dict[str, Any]:
        """Return what an evaluation of the whole set says of model, data and versions."""
        from pytest_confmat.streaming import size_of

        size = size_of(self.source, self._opened.predictors[0], self.job.batch_size)
        return _with_input({**self._opened.provenances[0], "batch_size": size}, self.source.feed)

    def doubt(self) -> str | None:
        """Return a note if the input is likely not what the model was trained on."""
        return _doubt(self.source.feed, self.job.model)

    def outcomes(
        self, parts: Collection[str], progress: ProgressCallback | None = None
    ) -> Generator[PartOutcomes]:
        """Evaluate parts by their ids, and yield the outcomes of each when it is done.

        This is the pass that `run` makes over all parts: wherever a part is evaluated, its
        outcomes are the same.

        Raises
        ------
        ConfmatError
            If model or data are not what they should be, there is no such part, or the model must
            see the whole set in its order.
        """
        from pytest_confmat.streaming import Pass

        opened = self._opened
        try:
            made = Pass(
                opened.shared,
                opened.predictors,
                self.job.classes,
                batch_sizes=[self.job.batch_size],
                care=opened.care,
                progress=progress,
                parts=parts,
            )
            with closing(made.outcomes()) as outcomes:
                yield from (part for _, part in outcomes)
        finally:
            opened.rewind()


def divided(job: Job, custom_objects: Mapping[str, Any] | None = None) -> Divided:
    """Open a job whose parts are to be evaluated by themselves.

    Raises
    ------
    ConfmatError
        If model or data are not what they should be, or the data have no parts.
    """
    opened = _open([job], custom_objects)
    source = opened.shared.sources[0]
    if source.parts is None:
        raise RequestError(
            f"{source.description} has no parts that could be evaluated by themselves: only a "
            "pass over all of it tells what it holds"
        )
    return Divided(job, tuple(source.parts), opened)


@contextmanager
def open_source(job: Job, custom_objects: Mapping[str, Any] | None = None) -> Iterator[Source]:
    """Open the data of a job as its model wants them, for another look at single examples.

    Raises
    ------
    ConfmatError
        If model or data are not what they should be.
    """
    opened = _open([job], custom_objects)
    try:
        yield opened.shared.sources[0]
    finally:
        opened.rewind()


@dataclass(frozen=True)
class _Opened:
    """Models and data of jobs, ready for a pass."""

    shared: SharedSource
    predictors: tuple[Predictor, ...]
    provenances: tuple[Mapping[str, Any], ...]
    care: Care
    timing: Mapping[str, float]

    def rewind(self) -> None:
        for predictor in self.predictors:
            predictor.rewind()


def _open(jobs: Sequence[Job], custom_objects: Mapping[str, Any] | None) -> _Opened:
    from pytest_confmat import data
    from pytest_confmat.faults import Care

    first = jobs[0]
    timing: dict[str, float] = {}
    predictors = tuple(_load(job, custom_objects, timing) for job in jobs)
    started = perf_counter()
    inputs = [predictor.input for predictor in predictors]
    shared = data.open_shared(first.dataset, first.classes, inputs, first.expected_examples)
    timing["open"] = perf_counter() - started
    # What is wrong with the layout of the data is said first: it may be why the numbers differ.
    for predictor in predictors:
        predictor.check_stated()
    care = Care()
    if isinstance(first.dataset, DatasetSpec):
        care = Care(first.dataset.on_fault, first.dataset.max_faults)
    provenances = tuple(
        {
            # A predictor of a project's own format may not tell what runs it.
            "model": {**describe_model(job.model), "runtime": getattr(predictor, "runtime", None)},
            "dataset": {
                "source": source.description,
                "states_count": source.states_count,
                "unfixed": source.nondeterminism,
            },
            "versions": versions(),
        }
        for job, source, predictor in zip(jobs, shared.sources, predictors, strict=True)
    )
    return _Opened(shared, predictors, provenances, care, timing)


def _told_of(
    evaluation: Evaluation, job: Job, source: Source, timing: Mapping[str, float]
) -> Evaluation:
    """Add to an evaluation what is known after the pass."""
    feed = source.feed  # of a dataset of the project's own known only now
    return replace(
        evaluation,
        provenance=_with_input(evaluation.provenance, feed),
        notes=(*evaluation.notes, *filter(None, [_doubt(feed, job.model)])),
        timing={**timing, **evaluation.timing},
        without_examples=frozenset(job.without_examples),
    )


def _with_input(provenance: Mapping[str, Any], feed: Feed) -> dict[str, Any]:
    return {**provenance, "dataset": {**provenance["dataset"], "input": feed.text}}


def seen_from_here(evaluation: Evaluation, job: Job) -> Evaluation:
    """Return an evaluation that says where model and data lie, as one made now would."""
    from pytest_confmat.kinds import kind_of

    provenance = dict(evaluation.provenance)
    if isinstance(job.model, ModelSpec):
        path = text_of(str(from_here(job.model.path)))
        provenance["model"] = {**provenance["model"], "path": path}
    if isinstance(job.dataset, DatasetSpec):
        dataset = provenance.get("dataset", {})
        provenance["dataset"] = {**dataset, "source": kind_of(job.dataset).describe(job.dataset)}
    return replace(evaluation, provenance=provenance)


def _load(
    job: Job, custom_objects: Mapping[str, Any] | None, timing: dict[str, float]
) -> Predictor:
    """Return the model behind a predictor; add to `timing` how long it took."""
    from pytest_confmat import models
    from pytest_confmat.models import runtime

    started, imported = perf_counter(), runtime.import_seconds
    if isinstance(job.model, ModelSpec):
        predictor = models.load(job.model, job.classes, job.decision, custom_objects)
    else:
        predictor = models.wrap(job.model, job.classes, job.decision)
    took = perf_counter() - started
    importing = min(took, runtime.import_seconds - imported)
    timing["import"] = timing.get("import", 0.0) + importing
    timing["load"] = timing.get("load", 0.0) + took - importing
    return predictor


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
        from pytest_confmat.models.digest import sha256_of_model
        from pytest_confmat.models.look import look_at

        return {
            "path": text_of(str(from_here(model.path))),
            "format": look_at(model.path).format,
            "sha256": sha256_of_model(model.path),
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
    for name in ("numpy", "keras", "tensorflow", "tf_keras"):
        module = sys.modules.get(name)
        if module is not None and hasattr(module, "__version__"):
            found[name] = str(module.__version__)
    return found

"""The evaluator: streams any model over any data once a session, and remembers."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_confmat.cache.evaluation_cache import CacheInfo, EvaluationCache
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import ConfmatError, EvaluationError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.job import Job, run, run_all
from pytest_confmat.plugin.endings import ended_by
from pytest_confmat.plugin.job_identity import identity_of, name_of, stat_of, tells_changes
from pytest_confmat.plugin.shards import ShardRequest
from pytest_confmat.relaying import without_advice
from pytest_confmat.shards.evaluating import evaluate_shard
from pytest_confmat.shards.merging import common_plan, merged, without_probing
from pytest_confmat.spec import (
    DatasetSpec,
    Decision,
    ModelSpec,
    decision_from,
)
from pytest_confmat.sprites import Thumbnails

if TYPE_CHECKING:
    from pytest_confmat.plugin.shared_results import SharedResults
    from pytest_confmat.resuming import Kept, ProgressCallback

T = TypeVar("T")
# How keys begin of what all workers know by a name, since each has objects of its own.
SHARED_NAME = "name-"
# And of what only one process can see.
_OBJECTS = "objects-"


@dataclass(frozen=True)
class Asked:
    """A job that is to be done, and what is known of it besides.

    Attributes
    ----------
    name, stated
        See `Evaluator.key`.
    fingerprint
        What the project states of objects and code of its own; see `identify`.
    """

    job: Job
    name: str | None = None
    fingerprint: str | None = None
    stated: str | None = None


class Evaluator:
    """Evaluates jobs, each once.

    Parameters
    ----------
    folder
        Where workers of one session share results; ``None``: there is one process.
    batch_size
        For jobs that do not state their own.
    custom_objects
        Tells the project's classes and functions that model files name; asked when one is loaded.
    code_sources
        Tells where these come from: for two policies they may differ.
    watch
        Opens the watch over one evaluation, and tells what to call as it goes on.
    cache
        Recalls evaluations of earlier sessions, where a caller allows; ``None``: there are none.
    merge
        Folders of the parts that what policies judge is put together from; empty: it is evaluated.
    """

    def __init__(
        self,
        folder: Path | None = None,
        batch_size: int | None = None,
        custom_objects: Callable[[], Mapping[str, Any]] = dict,
        cache: EvaluationCache | None = None,
        watch: Callable[[], AbstractContextManager[ProgressCallback | None]] = nullcontext,
        *,
        code_sources: Callable[[], tuple[str, ...]] = tuple,
        merge: Sequence[Path] = (),
    ) -> None:
        self._shared: SharedResults | None = None
        if folder is not None:
            from pytest_confmat.plugin.shared_results import SharedResults

            self._shared = SharedResults(folder)
        self._batch_size = batch_size
        self._custom_objects = custom_objects
        self._code_sources = code_sources
        self._cache = cache
        self._watch = watch
        self._merge = tuple(merge)
        self._infos: dict[str, CacheInfo] = {}
        self._memory: dict[str, Evaluation | ConfmatError] = {}
        # Objects are remembered by identity, so that they must outlive what is remembered.
        self._alive: list[Job] = []
        self._has_evaluated = False

    def __call__(
        self,
        model: Any,
        dataset: Any,
        *,
        classes: Sequence[str] | None = None,
        decision: Decision | Mapping[str, Any] | str = "argmax",
        batch_size: int | None = None,
        fingerprint: str | None = None,
        without_examples: Sequence[str] = (),
    ) -> Evaluation:
        """Evaluate `model` on `dataset`, or return what an equal call returned before.

        Calls are equal by the model's file, or by a Keras model's own weights. What a function
        computes nobody can tell, so that it is evaluated each time, unless `fingerprint` is given.

        Parameters
        ----------
        model
            Path of a saved model, a Keras model, or anything callable on a batch.
        dataset
            What a dataset factory returned, a ``tf.data.Dataset``, or any iterable of batches
            (inputs, labels) or (inputs, labels, weights).
        classes
            Names in the order of the model's outputs; may be left out where the data state them:
            class directories, a label file beside shards, or an object with ``class_names``,
            ``class_indices`` or the like.
        decision
            ``"argmax"``, or ``{"threshold": 0.3, "positive": "malignant"}``.
        batch_size
            Examples a batch; default: the session's, or a rule of the input's size.
        fingerprint
            A text that says which model a function is: another one whenever it predicts
            differently, as after a refit.
        without_examples
            Classes that the data are known to have no examples of.

        Raises
        ------
        ConfmatError
            If the request, the model or the data are not what they should be.
        """
        if isinstance(model, str | Path):
            model = ModelSpec(Path(model).resolve())
        names = None if classes is None else tuple(classes)
        without = tuple(without_examples)
        if isinstance(dataset, DatasetSpec):
            if without:
                dataset = replace(dataset, without_examples=without)
            from pytest_confmat.data import class_names

            names = class_names(dataset, names)
        elif names is None:
            from pytest_confmat.data import names_of

            names = names_of(dataset)
        if names is None:
            raise RequestError("these data do not name their classes: pass classes=[...]")
        if not isinstance(fingerprint, str | None) or fingerprint == "":
            raise RequestError(f"fingerprint is a text that names the model, not {fingerprint!r}")
        job = self.job(
            model, dataset, names, decision_from(decision), batch_size, without_examples=without
        )
        if fingerprint is None and not tells_changes(model):
            self._has_evaluated = True
            return self._compute(job)
        return self.evaluate(job, stated=fingerprint)

    def job(
        self,
        model: Any,
        dataset: Any,
        classes: tuple[str, ...],
        decision: Decision,
        batch_size: int | None = None,
        *,
        expected_examples: int | None = None,
        without_examples: tuple[str, ...] = (),
    ) -> Job:
        """Return a job, with the session's batch size unless it states its own."""
        batch_size = batch_size or self._batch_size
        if isinstance(dataset, DatasetSpec):
            without_examples = without_examples or dataset.without_examples
        return Job(
            model, dataset, classes, decision, batch_size, expected_examples, without_examples
        )

    def key(self, job: Job, name: str | None = None, stated: str | None = None) -> str:
        """Return what the result of `job` is remembered under.

        `name` stands for objects that only this process can see, where all workers use it for
        the same ones. `stated` tells the model from others, and a function from itself.
        """
        if job.is_plain:
            plain = repr((job, stat_of(job.model.path), stated, self._code_sources()))
            return f"job-{hashlib.sha256(plain.encode()).hexdigest()[:32]}"
        if name is not None and self._shared is not None:
            return f"{SHARED_NAME}{hashlib.sha256(name.encode()).hexdigest()[:32]}"
        model = identity_of(job.model)
        if stated is not None:
            model = f"{model if tells_changes(job.model) else name_of(job.model)} {stated!r}"
        seen = [model, identity_of(job.dataset), *self._code_sources()]
        asked = job.classes, job.decision, job.batch_size, job.without_examples
        return f"{_OBJECTS}{seen}-{asked}"

    def evaluate(
        self,
        job: Job,
        name: str | None = None,
        *,
        keep: bool = False,
        fingerprint: str | None = None,
        stated: str | None = None,
    ) -> Evaluation:
        """Do `job`, or recall its result; an error is remembered as well.

        Parameters
        ----------
        name
            See `key`.
        keep
            Whether it may come from an earlier session, and is kept for a later one; `info`
            tells. Of objects only under a `name`.
        fingerprint, stated
            See `Asked`.
        """
        (key,) = self.evaluate_all([Asked(job, name, fingerprint, stated)], keep=keep)
        return self.recall(key)

    def evaluate_all(self, asked: Sequence[Asked], *, keep: bool = False) -> tuple[str, ...]:
        """Do jobs on one data set, in one pass; return the keys under which `recall` has them.

        Those that are remembered, or that an earlier session kept, take no part in the pass.
        """
        self._has_evaluated = True
        # A model that is built by its first batch has another key after the pass.
        keys = tuple(self.key(each.job, each.name, each.stated) for each in asked)
        keyed = dict(zip(keys, asked, strict=True))
        missing = {key: each for key, each in keyed.items() if key not in self._memory}
        if missing:
            self._remember(missing, keep)
        return keys

    def _remember(self, missing: Mapping[str, Asked], keep: bool) -> None:
        self._alive += [each.job for each in missing.values()]
        try:
            self._memory |= self._obtain(missing, keep)
        except ConfmatError as error:
            self._memory |= dict.fromkeys(missing, error)
        except BaseException as error:
            if (ended := ended_by(error)) is not None:
                self._memory |= dict.fromkeys(missing, ended)
            raise

    @property
    def has_evaluated(self) -> bool:
        """Whether anything was evaluated, or was to be, in this process."""
        return self._has_evaluated

    def cache_info(self, key: str) -> CacheInfo:
        """Return where the evaluation that is remembered under `key` came from."""
        shared = self._shared_of(key)
        if key not in self._infos and shared and (info := shared.cache_info(key)):
            self._infos[key] = info
        return self._infos.get(key, CacheInfo())

    def diagnose(self, job: Job, name: str | None = None) -> tuple[LikelyCause, ...]:
        """Say what the result of `job`, evaluated before, looks like; one process for all."""
        key = self.key(job, name)
        shared = self._shared_of(key)
        if shared is None:
            return self._diagnose(key, job)
        return shared.likely_causes(key, lambda: self._diagnose(key, job))

    def _diagnose(self, key: str, job: Job) -> tuple[LikelyCause, ...]:
        evaluation, info = self.recall(key), self.cache_info(key)
        if self._merge:
            return without_probing(job, evaluation)
        if self._cache is not None:
            kept = self._cache.likely_causes(info)
            if kept is not None:
                return kept
        from pytest_confmat.probing import diagnose

        found = diagnose(job, evaluation, self._custom_objects())
        if self._cache is not None:
            self._cache.keep_likely_causes(info, found)
        return found

    def thumbnails(self, job: Job, places: Sequence[int], name: str | None = None) -> Thumbnails:
        """Return pictures of some examples of `job`, evaluated before; kept beside it.

        Raises
        ------
        ConfmatError
            If model or data cannot be opened once more.
        """

        def make() -> bytes:
            from pytest_confmat.thumbnails import thumbnails

            return thumbnails(job, places, self._custom_objects()).to_bytes()

        if self._cache is None:
            return Thumbnails.from_bytes(make())
        chosen = hashlib.sha256(repr(list(places)).encode()).hexdigest()[:16]
        info = self.cache_info(self.key(job, name))
        return Thumbnails.from_bytes(self._cache.beside(info, f"thumbnails-{chosen}", make))

    def recall(self, key: str) -> Evaluation:
        """Return what is remembered under `key`, here or in the shared folder."""
        if key not in self._memory:
            shared = self._shared_of(key)
            found = shared.read(key) if shared else None
            self._memory[key] = found or EvaluationError("the evaluation was not done")
        remembered = self._memory[key]
        if isinstance(remembered, ConfmatError):
            # A fresh object: raising the same one again would grow its traceback.
            raise type(remembered)(*remembered.args) from remembered.__cause__
        return remembered

    def _shared_of(self, key: str) -> SharedResults | None:
        """Return where workers share what is remembered under `key`; ``None``: nowhere."""
        return None if key.startswith(_OBJECTS) else self._shared

    def _obtain(
        self, missing: Mapping[str, Asked], keep: bool
    ) -> Mapping[str, Evaluation | ConfmatError]:
        # What the project states holds for all its objects: which they are, only the policy that
        # they belong to can tell.
        keep = keep and all(each.job.is_plain or each.name is not None for each in missing.values())

        def evaluate(keys: Sequence[str]) -> list[tuple[Evaluation, CacheInfo] | ConfmatError]:
            asked = [missing[key] for key in keys]
            if len(asked) == 1:
                return [self._obtain_one(asked[0], keep)]
            jobs = [each.job for each in asked]
            if self._cache is None or not keep:
                return [
                    found if isinstance(found, ConfmatError) else (found, CacheInfo())
                    for found in self._compute_all(jobs)
                ]
            stated = [each.fingerprint for each in asked]
            return self._cache.obtain_all(jobs, self._compute_all, stated)

        if self._shared is not None and all(map(self._shared_of, missing)):
            return self._shared.evaluations(list(missing), evaluate)
        results: dict[str, Evaluation | ConfmatError] = {}
        for key, found in zip(missing, evaluate(list(missing)), strict=True):
            if isinstance(found, ConfmatError):
                results[key] = found
            else:
                results[key], self._infos[key] = found
        return results

    def _obtain_one(self, asked: Asked, keep: bool) -> tuple[Evaluation, CacheInfo]:
        job = asked.job
        if self._merge and (keep or self._is_merged(job)):
            return self._guarded(lambda _: merged(job, self._merge)), CacheInfo()
        if self._cache is None or not keep:
            return self._compute(job), CacheInfo()
        # Objects are not the same in another process, so that parts of theirs are not kept.
        resume = partial(self._compute, job) if job.is_plain else None
        return self._cache.obtain(job, lambda: self._compute(job), asked.fingerprint, resume)

    def _is_merged(self, job: Job) -> bool:
        """Whether a test of the project's asks for what the policy's parts are of."""
        return job.is_plain and not common_plan(self._merge).foreign_to(job)

    def write_shard(self, job: Job, asked: ShardRequest, fingerprint: str | None) -> str:
        """Evaluate parts of `job`, and write them; see `evaluate_shard`."""
        self._has_evaluated = True
        cache = self._cache if job.is_plain else None
        kept = None if cache is None else cache.parts_of(job, fingerprint)
        own = self._custom_objects
        return self._guarded(
            lambda progress: evaluate_shard(
                job, asked.shard, asked.folder, own(), progress=progress, kept=kept
            )
        )

    def _compute(self, job: Job, kept: Kept | None = None) -> Evaluation:
        return self._guarded(lambda progress: run(job, progress, self._custom_objects(), kept))

    def _compute_all(self, jobs: Sequence[Job]) -> Sequence[Evaluation | ConfmatError]:
        return self._guarded(lambda progress: run_all(jobs, progress, self._custom_objects()))

    def _guarded(self, do: Callable[[ProgressCallback | None], T]) -> T:
        try:
            with self._watch() as progress:
                return do(progress)
        except ConfmatError:
            raise
        except Exception as error:
            # Nothing of ours may look like a verdict, nor be tried again for every limit.
            raise EvaluationError(
                f"the evaluation ended in an unforeseen {type(error).__name__}: "
                f"{without_advice(str(error))}\n{without_advice(traceback.format_exc())}"
            ) from error

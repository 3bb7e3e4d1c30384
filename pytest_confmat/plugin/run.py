"""One gate in this process: its evaluation, comparison and verdicts, each computed once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_confmat.baseline import load_baseline
from pytest_confmat.baseline.comparison import Comparison, compare, compare_with_reference
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import BaselineError, ConfmatError, ModelError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.filenames import relative_path, short_path
from pytest_confmat.job import Job, from_here
from pytest_confmat.judging import judge
from pytest_confmat.plugin.agreed_set import require_agreed
from pytest_confmat.plugin.attempts import attempt
from pytest_confmat.plugin.baselines import waiting_note, without_comparison
from pytest_confmat.plugin.endings import SKIPS, ended_by
from pytest_confmat.plugin.evaluator import Asked
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.shards import ShardRequest
from pytest_confmat.report.page.examples import shown_examples
from pytest_confmat.spec import DatasetSpec, ModelSpec
from pytest_confmat.sprites import Thumbnails
from pytest_confmat.verdict import Verdict

if TYPE_CHECKING:
    from pytest_confmat.plugin.state import GateState
    from pytest_confmat.result import GateResult


_NOT_MERGED = "there are no thumbnails: --confmat-merge reads no data, and so no pictures"
_NO_PICTURES = (
    "there are no thumbnails: model or data come from fixtures, and only the worker that ran them "
    "could show them; without -n there are some"
)


class GateRun:
    """Evaluates and judges for the test items of one gate.

    Parameters
    ----------
    gate
        The gate.
    session
        The gates of the session, with the evaluator that they share.

    Attributes
    ----------
    told_by
        The first item in this process whose evaluation failed; it reports the error.
    """

    def __init__(self, gate: Gate, session: GateState) -> None:
        self.gate = gate
        self.told_by: str | None = None
        self._session = session
        self._evaluated: tuple[Evaluation, str] | ConfmatError | None = None
        self._job: Job | None = None
        self._key = ""
        self._reference_key: str | None = None
        self._comparison: Comparison | None = None
        self._verdicts: dict[str, Verdict] | None = None
        self._is_diagnosed = False

    def evaluation(self, request: pytest.FixtureRequest) -> tuple[Evaluation, str]:
        """Return the evaluation, and the key under which the evaluator remembers it.

        It is computed once, with the model and data of the gate's items; an error is remembered
        too.
        """
        __tracebackhide__ = True
        if self._evaluated is None:
            name = f"gate-{hashlib.sha256(bytes(self.gate.path)).hexdigest()[:32]}"
            try:
                with attempt(self._session.folder, name):
                    self._evaluated = self._evaluate(request)
            except ConfmatError as error:
                self._evaluated = error
            except BaseException as error:
                ended = ended_by(error)
                if ended is None:
                    raise
                self._evaluated = ended
                if not isinstance(error, SKIPS):
                    raise  # with the traceback, which leads to the cause
        found = self._evaluated
        if isinstance(found, ConfmatError):
            raise type(found)(*found.args)
        return found

    @property
    def error(self) -> str | None:
        """Why there is no evaluation; ``None``: there is one, or none was asked for."""
        return str(self._evaluated) if isinstance(self._evaluated, ConfmatError) else None

    def write_shard(self, request: pytest.FixtureRequest, asked: ShardRequest) -> str:
        """Evaluate the parts of a shard and write them; return in a sentence what was done.

        Raises
        ------
        ConfmatError
            If that could not be done.
        """
        __tracebackhide__ = True
        name = f"shard-{hashlib.sha256(bytes(self.gate.path)).hexdigest()[:32]}"
        with attempt(self._session.folder, name):
            job = self._asked_for(request)
            with self._session.custom_objects.judging(self.gate.path):
                return self._session.evaluator.write_shard(job, asked, self._stated(job, request))

    def _asked_for(self, request: pytest.FixtureRequest) -> Job:
        """Return the job of model and data as fixtures give them."""
        __tracebackhide__ = True
        gate, session = self.gate, self._session
        model = session.as_model(request.getfixturevalue("confmat_model"))
        dataset = request.getfixturevalue("confmat_dataset")
        if dataset is not gate.dataset and session.data_were_named:
            raise RequestError(
                "--confmat-data names the data, and a fixture confmat_dataset of the project's "
                "overrides it: leave one of them out"
            )
        if dataset is None:
            raise RequestError(
                f"{gate.path.name} names no data: write directory or tfrecord below dataset, or "
                "override the fixture confmat_dataset in a conftest.py beside it"
            )
        job = self._job = self.job(model, dataset)
        if gate.policy.model_sha256 is not None:
            _require_pinned(gate, model, _digest_of(model))
        return job

    def _evaluate(self, request: pytest.FixtureRequest) -> tuple[Evaluation, str]:
        __tracebackhide__ = True
        gate, session = self.gate, self._session
        job = self._asked_for(request)
        with session.custom_objects.judging(gate.path):
            asked = [Asked(job, str(gate.path), self._stated(job, request))]
            if gate.reference is not None:
                other = self._reference_job(job.dataset)
                asked.append(Asked(other, self._reference_name, self._stated(other, request)))
            key, *others = session.evaluator.evaluate_all(asked, keep=True)
            self._key, self._reference_key = key, next(iter(others), None)
            evaluation = session.evaluator.recall(key)
        # The file was read again since, or the evaluation is that of another process.
        _require_pinned(gate, job.model, evaluation.provenance.get("model", {}).get("sha256"))
        require_agreed(gate, evaluation, session.manifest)
        self.comparison(evaluation)
        return evaluation, key

    def job(self, model: Any, dataset: Any) -> Job:
        """Return the job of evaluating a model on data, with classes and decision of the policy."""
        expected, without = self.gate.expected_examples, self.gate.policy.without_examples
        if isinstance(dataset, DatasetSpec):
            expected = None  # files are counted before the pass; other data may never end
            if dataset.without_examples != without:
                dataset = replace(dataset, without_examples=without)
        return self._session.evaluator.job(
            model,
            dataset,
            self.gate.classes,
            self.gate.policy.decision,
            expected_examples=expected,
            without_examples=without,
        )

    def _stated(self, job: Job, request: pytest.FixtureRequest) -> str | None:
        """Return the project's fingerprint, with what identifies the objects that are judged.

        The digest of the model's file is part of it, as a model that overrides it may have been
        read from that file. The path of the policy is, as one fingerprint covers all objects.
        """
        stated, asked = fingerprint_of(request), self.gate.model
        if stated is None:
            return None
        if asked is not None and job.model != asked.spec:
            stated = f"{stated}, --confmat-model {_digest_of(asked.spec)}"
        if not job.is_plain:
            stated = f"{stated} in {relative_path(self.gate.path, request.config.rootpath)}"
        return stated

    def thumbnails(self, result: GateResult, most: int) -> Thumbnails:
        """Return pictures of `most` misclassified examples of the gate's result.

        Never raises: the report stands without them.
        """
        assert result.evaluation is not None
        if self.gate.merges:
            return Thumbnails(notes=(_NOT_MERGED,))
        try:
            job = self._job or self._plain_job()
            if job is None:
                return Thumbnails(notes=(_NO_PICTURES,))
            newly = result.newly_wrong
            places = shown_examples(result.evaluation, newly, most=most).places.tolist()
            with self._session.custom_objects.judging(self.gate.path):
                evaluator = self._session.evaluator
                return evaluator.thumbnails(job, places, name=str(self.gate.path))
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return Thumbnails(notes=(f"there are no thumbnails: {said}",))

    def _plain_job(self) -> Job | None:
        """Return the job that another process has done, if it is of files alone."""
        model, dataset = self.gate.model, self.gate.dataset
        return None if model is None or dataset is None else self.job(model.spec, dataset)

    def comparison(self, evaluation: Evaluation) -> Comparison | None:
        """Compare the gate's evaluation with baseline or reference, once; ``None``: it has none."""
        baseline = self.gate.baseline
        if self._comparison is None and self.gate.reference is not None:
            self._comparison = self._beside_reference(evaluation)
        if baseline is not None and self._comparison is None:
            stored = load_baseline(baseline.path)
            self._comparison = compare(stored, evaluation, baseline.min_overlap)
        return self._comparison

    @property
    def _reference_name(self) -> str:
        return f"{self.gate.path} reference"

    def _reference_job(self, dataset: Any) -> Job:
        assert self.gate.reference is not None
        return self.job(self.gate.reference.spec, dataset)

    def _beside_reference(self, evaluation: Evaluation) -> Comparison:
        assert self.gate.reference is not None
        path = short_path(self.gate.reference.spec.path)
        evaluator = self._session.evaluator
        try:
            key = self._reference_key
            if key is None:  # another process has evaluated it
                job = self._reference_job(self.gate.dataset)
                with self._session.custom_objects.judging(self.gate.path):
                    key = evaluator.key(job, name=self._reference_name)
            reference = evaluator.recall(key)
        except ConfmatError as error:
            raise BaselineError(f"the reference {path} could not be evaluated: {error}") from error
        return compare_with_reference(reference, evaluation, path)

    def compared(self, evaluation: Evaluation) -> Comparison | None:
        """Return the comparison with the gate's baseline, if it can be compared with one."""
        try:
            return self.comparison(evaluation)
        except ConfmatError:
            return None  # the evaluation's item says why

    def _overrides(self) -> list[str]:
        """Return notes on the model and data that fixtures put in place of the named ones."""
        job, asked, dataset = self._job, self.gate.model, self.gate.dataset
        found = []
        if job is not None and asked is not None and job.model != asked.spec:
            found.append(
                f"the model judged came from a fixture confmat_model of the project's, which "
                f"overrides {asked.origin}: {_kind(job.model)}"
            )
        if job is not None and dataset is not None and job.dataset is not dataset:
            found.append(
                "the data came from a fixture confmat_dataset of the project's, which overrides "
                f"the policy's dataset: {_kind(job.dataset)}"
            )
        return found

    @property
    def cached(self) -> str | None:
        """When the evaluation was computed, if it was recalled; see `CacheInfo`."""
        return self._session.evaluator.cache_info(self._key).computed

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be reported of the evaluation besides its numbers."""
        notes = [*self._overrides(), *self._session.evaluator.cache_info(self._key).remarks]
        if self._comparison is not None:
            notes += self._comparison.notes
            if without_comparison(self.gate.limits) == self.gate.limits:
                notes.append(
                    f"the {self._comparison.other} is not used, as no limit compares with it: "
                    "max_drop, max_rise or flips would"
                )
        if self.gate.waiting:
            notes.append(waiting_note(self.gate.waiting))
        return tuple(notes)

    def verdicts(self, request: pytest.FixtureRequest) -> dict[str, Verdict]:
        """Judge all limits of the gate, once; verdicts by limit id."""
        if self._verdicts is None:
            evaluation, _ = self.evaluation(request)
            verdicts = judge(self.gate.limits, evaluation, self._comparison)
            self._verdicts = {verdict.limit.id: verdict for verdict in verdicts}
        return self._verdicts

    def likely_causes(self, request: pytest.FixtureRequest) -> tuple[LikelyCause, ...]:
        """Say what the result looks like, where a limit fails; once, then nothing.

        Never raises: verdicts stand without it.
        """
        if self._is_diagnosed:
            return ()
        self._is_diagnosed = True
        try:
            if not any(verdict.blocks for verdict in self.verdicts(request).values()):
                return ()
            assert self._job is not None
            with self._session.custom_objects.judging(self.gate.path):
                return self._session.evaluator.diagnose(self._job, name=str(self.gate.path))
        except Exception as error:
            text = f"the search for likely causes failed: {type(error).__name__}: {error}"
            return (LikelyCause("none", " ".join(text.split()), {}),)


def fingerprint_of(request: pytest.FixtureRequest) -> str | None:
    """Return the value of the fixture `confmat_fingerprint`.

    Raises
    ------
    RequestError
        If it is neither a text nor ``None``.
    """
    stated = request.getfixturevalue("confmat_fingerprint")
    if stated is None or (isinstance(stated, str) and stated):
        return stated
    raise RequestError(
        f"the fixture confmat_fingerprint returned {stated!r}: return a text that changes whenever "
        "objects or code of the project's that the evaluation depends on do, or None"
    )


def _digest_of(model: Any) -> str | None:
    if not isinstance(model, ModelSpec):
        return None
    from pytest_confmat.models.digest import files_of_any, sha256_of_files

    try:
        return sha256_of_files(model.path, files_of_any(model.path))
    except (ModelError, OSError):
        return None  # loading says more about it


def _require_pinned(gate: Gate, model: Any, found: str | None) -> None:
    """Compare a model with the digest that the policy pins.

    Raises
    ------
    ModelError
        If it is another one, or has no file.
    """
    pinned = gate.policy.model_sha256
    if pinned is None:
        return
    where = gate.policy.where("model_sha256")
    if not isinstance(model, ModelSpec):
        raise ModelError(
            f"{where} pins model_sha256, and the model comes from a fixture confmat_model of the "
            f"project's ({_kind(model)}), which has no file to compare with it: take the pin out, "
            "or name the file with --confmat-model"
        )
    if found is not None and found != pinned:
        raise ModelError(
            f"{model.path.name} is not the model that the policy is for: its SHA-256 is {found}, "
            f"and {where} pins {pinned}; name the other file, or pin this one"
        )


def _kind(value: Any) -> str:
    if isinstance(value, ModelSpec):
        return str(from_here(value.path))
    return f"{type(value).__module__}.{type(value).__qualname__}"

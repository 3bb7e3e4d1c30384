"""What items ask of this process: evaluations, verdicts, suspicions; each made once."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.baseline import load_baseline
from pytest_confmat.baseline.comparison import Changes, Comparison, compare
from pytest_confmat.diagnosis import Suspicion
from pytest_confmat.errors import ConfmatError, ModelError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.fingerprint import sha256_of
from pytest_confmat.job import Job
from pytest_confmat.plugin import workers
from pytest_confmat.plugin.attempts import attempt
from pytest_confmat.plugin.baselines import waiting_note, without_comparison
from pytest_confmat.plugin.caching import keeper
from pytest_confmat.plugin.custom_objects import custom_objects
from pytest_confmat.plugin.endings import SKIPS, ended_by
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.plugin.gate import Gate, open_gate
from pytest_confmat.plugin.progress import watch
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.plugin.setwatch import require_agreed
from pytest_confmat.spec import DatasetSpec, ModelSpec
from pytest_confmat.verdict import Verdict, judge


class GateState:
    """The gates of a session, and what this process has found out about them.

    Parameters
    ----------
    config, settings
        The session's.

    Raises
    ------
    pytest.UsageError
        If a policy cannot be honoured.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.gates = tuple(open_gate(path, settings) for path in settings.policies)
        self.by_path = {gate.path: gate for gate in self.gates}
        self.model = None
        if settings.model is not None:
            self.model = ModelSpec(settings.model, settings.safe_mode)
        self._data_were_named = settings.data is not None
        self._manifest = settings.manifest
        self.watch = watch(config)
        self._folder = workers.shared_folder(config)
        self.evaluator = Evaluator(
            self._folder,
            settings.batch_size,
            partial(custom_objects, config),
            keeper(config, settings),
            self.watch.evaluation,
        )
        # Gates whose evaluation item is to be run; it reports what is wrong with the evaluation.
        self.reported: frozenset[Path] = frozenset()
        # The first item of each gate, in this process, that met an error in place of an evaluation.
        self.told_by: dict[Path, str] = {}
        self._evaluated: dict[Path, tuple[Evaluation, str] | ConfmatError] = {}
        self._jobs: dict[Path, Job] = {}
        self._keys: dict[Path, str] = {}
        self._comparisons: dict[Path, Comparison] = {}
        self._judged: dict[Path, dict[str, Verdict]] = {}
        self._diagnosed: set[Path] = set()

    @property
    def default_dataset(self) -> Any:
        """What the fixture confmat_dataset returns unless it is overridden."""
        return self.gates[0].dataset if self.gates else None

    def evaluation_of(self, gate: Gate, request: pytest.FixtureRequest) -> tuple[Evaluation, str]:
        """Evaluate `gate` with the model and data that its items see; once, errors included.

        Returns the evaluation, and what it is remembered under.
        """
        __tracebackhide__ = True
        if gate.path not in self._evaluated:
            name = f"gate-{hashlib.sha256(bytes(gate.path)).hexdigest()[:32]}"
            try:
                with attempt(self._folder, name):
                    self._evaluated[gate.path] = self._evaluate(gate, request)
            except ConfmatError as error:
                self._evaluated[gate.path] = error
            except BaseException as error:
                ended = ended_by(error)
                if ended is None:
                    raise
                self._evaluated[gate.path] = ended
                if not isinstance(error, SKIPS):
                    raise  # with the traceback, which leads to the cause
        found = self._evaluated[gate.path]
        if isinstance(found, ConfmatError):
            raise type(found)(*found.args)
        return found

    def error_of(self, gate: Gate) -> str | None:
        """Return why `gate` has no evaluation; ``None``: it has one, or none was asked for."""
        found = self._evaluated.get(gate.path)
        return str(found) if isinstance(found, ConfmatError) else None

    def _evaluate(self, gate: Gate, request: pytest.FixtureRequest) -> tuple[Evaluation, str]:
        __tracebackhide__ = True
        model = request.getfixturevalue("confmat_model")
        dataset = request.getfixturevalue("confmat_dataset")
        if dataset is self.default_dataset:
            # The fixture knows one data set; each policy has its own.
            dataset = gate.dataset
        elif self._data_were_named:
            raise RequestError(
                "--confmat-data names the data, and a fixture confmat_dataset of the project's "
                "overrides it: leave one of them out"
            )
        if dataset is None:
            raise RequestError(
                f"{gate.path.name} names no data: write directory or tfrecord below dataset, or "
                "override the fixture confmat_dataset in a conftest.py beside it"
            )
        job = self.job(gate, model, dataset)
        self._jobs[gate.path] = job
        if gate.policy.model_sha256 is not None:
            _require_pinned(gate, model, _digest_of(model))
        key = self._keys[gate.path] = self.evaluator.key(job, name=str(gate.path))
        evaluation = self.evaluator.evaluate(
            job, str(gate.path), keep=True, fingerprint=self._stated(gate, job, request)
        )
        # It was read again since then, or is another evaluation's.
        _require_pinned(gate, model, evaluation.provenance.get("model", {}).get("sha256"))
        require_agreed(gate, evaluation, self._manifest)
        self.comparison_of(gate, evaluation)
        return evaluation, key

    def job(self, gate: Gate, model: Any, dataset: Any) -> Job:
        """Return the evaluation of a model on data, judged as the policy of `gate` says."""
        expected = gate.expected_examples
        if isinstance(dataset, DatasetSpec):
            expected = None  # files are counted before the pass; other data may never end
        decision = gate.policy.decision
        return self.evaluator.job(
            model, dataset, gate.classes, decision, expected_examples=expected
        )

    def _stated(self, gate: Gate, job: Job, request: pytest.FixtureRequest) -> str | None:
        """Return what the project states of its objects, and which of them are judged.

        With it goes the file of the option: a model that overrides it may well have been read from
        it. The policy tells objects apart, wherever pytest is called.
        """
        stated = fingerprint_of(request)
        if stated is None:
            return None
        if job.model is not self.model and self.model is not None:
            stated = f"{stated}, --confmat-model {_digest_of(self.model)}"
        if not job.is_plain:
            stated = f"{stated} in {os.path.relpath(gate.path, request.config.rootpath)}"
        return stated

    def comparison_of(self, gate: Gate, evaluation: Evaluation) -> Comparison | None:
        """Compare the evaluation of `gate` with its baseline, once; ``None``: it has none."""
        if gate.baseline is not None and gate.path not in self._comparisons:
            baseline = load_baseline(gate.baseline.path)
            overlap = gate.baseline.min_overlap
            self._comparisons[gate.path] = compare(baseline, evaluation, overlap)
        return self._comparisons.get(gate.path)

    def changes_of(self, gate: Gate, evaluation: Evaluation) -> Changes | None:
        """Return what changed since the baseline of `gate`, if it can be compared with one."""
        try:
            comparison = self.comparison_of(gate, evaluation)
        except ConfmatError:
            return None  # the evaluation's item says why
        return None if comparison is None else comparison.changes

    def overrides(self, gate: Gate) -> tuple[str, ...]:
        """Say what was judged in place of what options and policy name."""
        job = self._jobs.get(gate.path)
        said = []
        if job is not None and self.model is not None and job.model is not self.model:
            said.append(
                f"the model judged came from a fixture confmat_model of the project's, which "
                f"overrides --confmat-model: {_kind(job.model)}"
            )
        if job is not None and gate.dataset is not None and job.dataset is not gate.dataset:
            said.append(
                "the data came from a fixture confmat_dataset of the project's, which overrides "
                f"the policy's dataset: {_kind(job.dataset)}"
            )
        return tuple(said)

    def told_of(self, gate: Gate) -> dict[str, Any]:
        """Return what is to be told of the evaluation of `gate` besides its numbers."""
        origin = self.evaluator.origin(self._keys.get(gate.path, ""))
        notes = [*self.overrides(gate), *origin.remarks]
        comparison = self._comparisons.get(gate.path)
        if comparison is not None:
            notes += comparison.notes
            if without_comparison(gate.limits) == gate.limits:
                notes.append(
                    "the baseline decides nothing here, as no limit compares with it: max_drop, "
                    "max_rise or flips would"
                )
        if gate.waiting:
            notes.append(waiting_note(gate.waiting))
        return {"notes": notes, "cached": origin.computed}

    def verdicts_of(self, gate: Gate, request: pytest.FixtureRequest) -> dict[str, Verdict]:
        """Hold all limits of `gate` against its evaluation, once; verdicts by limit id."""
        if gate.path not in self._judged:
            evaluation, _ = self.evaluation_of(gate, request)
            verdicts = judge(gate.limits, evaluation, self._comparisons.get(gate.path))
            self._judged[gate.path] = {verdict.limit.id: verdict for verdict in verdicts}
        return self._judged[gate.path]

    def suspicions_of(self, gate: Gate, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
        """Say what the result looks like, where a limit of `gate` fails; once, then nothing.

        Never raises: verdicts stand without it.
        """
        if gate.path in self._diagnosed:
            return []
        self._diagnosed.add(gate.path)
        try:
            judged = self.verdicts_of(gate, request).values()
            if not any(verdict.blocks for verdict in judged):
                return []
            found = self.evaluator.diagnose(self._jobs[gate.path], name=str(gate.path))
        except Exception as error:
            text = f"no pattern could be looked for: {type(error).__name__}: {error}"
            found = (Suspicion("none", " ".join(text.split()), {}),)
        return [suspicion.to_plain() for suspicion in found]


def fingerprint_of(request: pytest.FixtureRequest) -> str | None:
    """Return what the project states of its own objects and code.

    Raises
    ------
    RequestError
        If that is no text.
    """
    stated = request.getfixturevalue("confmat_fingerprint")
    if stated is None or (isinstance(stated, str) and stated):
        return stated
    raise RequestError(
        f"the fixture confmat_fingerprint returned {stated!r}: return a text that changes whenever "
        "objects or code of the project's that the evaluation depends on do, or None"
    )


def fault_of(evaluation: Evaluation) -> str | None:
    """Return what makes an evaluation unfit for release although its numbers are right."""
    matrix = evaluation.matrix
    empty = [name for name, n in zip(matrix.classes, matrix.support, strict=True) if not n]
    if not empty:
        return None
    named = ", ".join(repr(name) for name in empty[:10])
    more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
    return (
        f"{len(empty)} of {len(matrix.classes)} classes have no example among "
        f"{matrix.total}: {named}{more}; nothing can be said about them"
    )


def _digest_of(model: Any) -> str | None:
    # What is no file is told with more words where it is loaded.
    is_file = isinstance(model, ModelSpec) and model.path.is_file()
    return sha256_of(model.path) if is_file else None


def _require_pinned(gate: Gate, model: Any, found: str | None) -> None:
    """Hold a model against the digest that the policy pins.

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
            f"project's ({_kind(model)}), which has no file to hold against it: take the pin out, "
            "or name the file with --confmat-model"
        )
    if found is not None and found != pinned:
        raise ModelError(
            f"{model.path.name} is not the model that the policy is for: its SHA-256 is {found}, "
            f"and {where} pins {pinned}; name the other file, or pin this one"
        )


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"

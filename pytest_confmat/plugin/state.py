"""What items ask of this process: evaluations, verdicts, suspicions; each made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.data.counts import expect
from pytest_confmat.diagnosis import Suspicion
from pytest_confmat.errors import ConfmatError, EvaluationError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.job import Job
from pytest_confmat.plugin import workers
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.plugin.gate import Gate, open_gate
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.plugin.setwatch import require_agreed
from pytest_confmat.spec import ModelSpec
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
        self.gates = tuple(open_gate(path, settings.data) for path in settings.policies)
        self.by_path = {gate.path: gate for gate in self.gates}
        self.model = ModelSpec(settings.model) if settings.model is not None else None
        self._data_were_named = settings.data is not None
        self._manifest = settings.manifest
        self.evaluator = Evaluator(workers.shared_folder(config), settings.batch_size)
        # Gates whose evaluation item is to be run; it reports what is wrong with the evaluation.
        self.reported: frozenset[Path] = frozenset()
        self._evaluated: dict[Path, tuple[Evaluation, str] | ConfmatError] = {}
        self._jobs: dict[Path, Job] = {}
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
            try:
                self._evaluated[gate.path] = self._evaluate(gate, request)
            except ConfmatError as error:
                self._evaluated[gate.path] = error
            except Exception as error:
                # A fixture of the project's failed: limits must not run it again and again.
                self._evaluated[gate.path] = EvaluationError(
                    f"model or data could not be had: {type(error).__name__}: {error}"
                )
                raise
        found = self._evaluated[gate.path]
        if isinstance(found, ConfmatError):
            raise type(found)(*found.args)
        return found

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
                f"{gate.path.name} has no dataset: write one there, or override the fixture "
                "confmat_dataset in a conftest.py beside it"
            )
        job = self.evaluator.job(model, dataset, gate.classes, gate.policy.decision)
        self._jobs[gate.path] = job
        key = self.evaluator.key(job, name=str(gate.path))
        evaluation = self.evaluator.evaluate(job, name=str(gate.path))
        if gate.dataset is not None:
            # Of the policy's own data the source has seen to it before the pass.
            expect(gate.dataset.expected_examples, len(evaluation), "the evaluation set")
        require_agreed(gate, evaluation, self._manifest)
        return evaluation, key

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

    def verdicts_of(self, gate: Gate, request: pytest.FixtureRequest) -> dict[str, Verdict]:
        """Hold all limits of `gate` against its evaluation, once; verdicts by limit id."""
        if gate.path not in self._judged:
            evaluation, _ = self.evaluation_of(gate, request)
            verdicts = judge(gate.limits, evaluation)
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
            if all(verdict.outcome == "passed" for verdict in judged):
                return []
            found = self.evaluator.diagnose(self._jobs[gate.path], name=str(gate.path))
        except Exception as error:
            text = f"no pattern could be looked for: {type(error).__name__}: {error}"
            found = (Suspicion("none", " ".join(text.split()), {}),)
        return [suspicion.to_plain() for suspicion in found]


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


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"

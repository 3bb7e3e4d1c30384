"""What the gates of a session share in this process: the settings and the evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.errors import RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.filenames import short_path
from pytest_confmat.limits import Limit
from pytest_confmat.plugin import workers
from pytest_confmat.plugin.aim import Aim
from pytest_confmat.plugin.caching import evaluation_cache
from pytest_confmat.plugin.custom_objects import CustomObjects
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.plugin.gate import Gate, open_gate, policy_at
from pytest_confmat.plugin.judged import as_model, judged_model
from pytest_confmat.plugin.progress import watch
from pytest_confmat.plugin.run import GateRun
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy
from pytest_confmat.result import GateResult
from pytest_confmat.spec import ModelSpec
from pytest_confmat.text import joined, plural


class GateState:
    """The gates of a session, each with its run.

    Parameters
    ----------
    config, settings, aim
        The session's.

    Attributes
    ----------
    without_policy
        The model of a run without policies.
    without_model
        Policies that were found, and are not gated as they name no model.
    data_were_named
        Whether the command line names the data.
    shard
        The parts that are evaluated, and where they are written; ``None``: all, and nowhere.
    folder
        What workers share; ``None``: there are none.
    reported
        Gates whose evaluation item is to be run; it reports what is wrong with the evaluation.

    Raises
    ------
    pytest.UsageError
        If a policy cannot be honored.
    """

    def __init__(self, config: pytest.Config, settings: Settings, aim: Aim) -> None:
        self.aim = aim
        paths = aim.policies or aim.left_out
        policies = [policy_at(path, look=settings.look) for path in paths]
        self.without_model: tuple[Path, ...] = ()
        if aim.is_search and settings.model is None:
            self.without_model = tuple(p.path for p in policies if p.model is None)
            policies = [policy for policy in policies if policy.model is not None]
            _require_any(policies, self.without_model)
        self.gates = tuple(open_gate(policy, settings) for policy in policies)
        self.data_were_named = settings.data is not None
        self.manifest = settings.manifest
        self.shard = settings.shard
        self.watch = watch(config)
        self.folder = workers.shared_folder(config)
        self.custom_objects = CustomObjects(config)
        self.evaluator = Evaluator(
            self.folder,
            settings.batch_size,
            self.custom_objects,
            evaluation_cache(config, settings),
            self.watch.evaluation,
            code_sources=self.custom_objects.sources,
            merge=settings.merge,
        )
        self.reported: frozenset[Path] = frozenset()
        self.runs = {gate.path: GateRun(gate, self) for gate in self.gates}
        self._here = config.invocation_params.dir
        self._safe_mode = settings.safe_mode
        self._thumbnails = settings.thumbnails
        self.without_policy = None if self.gates else judged_model(None, settings)

    @property
    def models(self) -> frozenset[ModelSpec | None]:
        """The models that options, policies and the ini file name, each once."""
        found = [gate.model for gate in self.gates] or [self.without_policy]
        return frozenset(None if model is None else model.spec for model in found)

    def model_for(self, test: Path) -> ModelSpec | None:
        """Return the model that a test in a file sees, unless a fixture overrides it.

        Raises
        ------
        RequestError
            If gates judge several models, and the test belongs to no gate.
        """
        if len(self.models) == 1:
            return next(iter(self.models))
        model = self.gate_for(test).model
        return None if model is None else model.spec

    def gate_for(self, test: Path) -> Gate:
        """Return the gate that a test belongs to: the only one, or that of the nearest folder.

        Raises
        ------
        RequestError
            If there is none, or it is not clear which.
        """
        if len(self.gates) == 1:
            return self.gates[0]
        test = test.resolve()
        if test in self.runs:
            return self.runs[test].gate
        above = [gate for gate in self.gates if test.is_relative_to(gate.path.parent)]
        deepest = max((len(gate.path.parts) for gate in above), default=0)
        nearest = [gate for gate in above if len(gate.path.parts) == deepest]
        if len(nearest) == 1:
            return nearest[0]
        where = "the folder of several of them" if nearest else "no folder of theirs"
        named = joined([short_path(gate.path) for gate in nearest or self.gates])
        raise RequestError(
            f"there are {plural(len(self.gates), 'policy', 'policies')}, and "
            f"{short_path(test)} lies in {where}: {named}; put the test into the "
            "folder of one policy, name one policy on the command line, or use confmat_evaluator"
        )

    def as_model(self, model: Any) -> Any:
        """Return a model as a fixture gave it, or the file that it names."""
        return as_model(model, self._here, safe_mode=self._safe_mode)

    def limits_of(self, policy: str) -> Mapping[str, Limit]:
        """Return the limits of the policy at a path, by id."""
        return self.runs[Path(policy)].gate.by_id

    def illustrated(self, result: GateResult) -> GateResult:
        """Return a result with the thumbnails that options or its policy ask for."""
        run = self.runs[result.policy]
        asked = self._thumbnails if self._thumbnails is not None else run.gate.policy.thumbnails
        if not asked or result.evaluation is None:
            return result
        found = run.thumbnails(result, asked)
        return replace(result, thumbnails=found, notes=(*result.notes, *found.notes))

    def comparison_of(self, gate: Gate, evaluation: Evaluation) -> Comparison | None:
        """Compare an evaluation with its gate's baseline; see `GateRun.compared`."""
        return self.runs[gate.path].compared(evaluation)


def _require_any(policies: Sequence[Policy], without: tuple[Path, ...]) -> None:
    if not policies:
        named = joined([short_path(path) for path in without])
        raise pytest.UsageError(
            f"--confmat gates policies that name a model, and there is none in {named}: write "
            "model: PATH there, or pass --confmat-model PATH"
        )

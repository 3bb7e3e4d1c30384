"""A gate: one policy with its class names and limits, known before anything is collected."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest

from pytest_confmat.data import class_names
from pytest_confmat.errors import ConfmatError, PolicyError
from pytest_confmat.escaping import printable_lines
from pytest_confmat.kinds import kind_of
from pytest_confmat.limits import Exemption, Limit, limit_id
from pytest_confmat.plugin.baselines import compared_with, without_comparison
from pytest_confmat.plugin.judged import Judged, judged_model
from pytest_confmat.plugin.references import against_reference, reference_of
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy, read_policy
from pytest_confmat.shards.merging import common_plan
from pytest_confmat.shards.shard import Shard
from pytest_confmat.spec import BaselineSpec, DatasetSpec
from pytest_confmat.text import listed

# Items cost pytest 0.6 ms each; from here on a whole rule is one item.
MANY_CLASSES = 2000
EVALUATION = "evaluation"


@dataclass(frozen=True)
class Gate:
    """A policy, ready to be compared with a model.

    Attributes
    ----------
    dataset
        The evaluation set. With a manifest, the number of examples is compared after the pass.
    limits
        All that are to be checked.
    model
        The model to judge; ``None``: the fixture `confmat_model` brings it.
    baseline
        What limits against a baseline are compared with.
    reference
        The model that they are compared with in its place.
    waiting
        How many limits against a baseline are not checked, as this run saves the first one.
    is_look
        Whether nothing is judged.
    shard
        Which parts are evaluated, so that nothing is judged either; ``None``: all.
    merges
        Whether the evaluation comes from parts that shards wrote, so that no data are read.
    """

    policy: Policy
    dataset: DatasetSpec | None
    classes: tuple[str, ...]
    limits: tuple[Limit, ...]
    exemptions: tuple[Exemption, ...]
    model: Judged | None = None
    baseline: BaselineSpec | None = None
    waiting: int = 0
    is_look: bool = False
    shard: Shard | None = None
    merges: bool = False
    reference: Judged | None = None

    @property
    def path(self) -> Path:
        """The thresholds file."""
        return self.policy.path

    @property
    def expected_examples(self) -> int | None:
        """How many examples there must be, if the policy says so."""
        return self.policy.expected_examples

    @property
    def data_folders(self) -> frozenset[Path]:
        """Folders full of images, which pytest need not walk through in search of tests."""
        if self.dataset is None or self.merges:
            return frozenset()
        return kind_of(self.dataset).folders(self.dataset, self.classes)

    @cached_property
    def by_id(self) -> dict[str, Limit]:
        """Each limit under its id."""
        return {limit.id: limit for limit in self.limits}

    @cached_property
    def items(self) -> dict[str, tuple[Limit, ...]]:
        """The limits that each test item checks, under the item's name."""
        if len(self.classes) <= MANY_CLASSES:
            return {node_name(limit.id): (limit,) for limit in self.limits}
        grouped: dict[str, list[Limit]] = {}
        for limit in self.limits:
            many = limit.actual is not None and limit.metric != "confusion"
            rule = limit_id(limit.metric, against=limit.against)
            name = f"{rule}[*]" if many else node_name(limit.id)
            grouped.setdefault(name, []).append(limit)
        return {name: tuple(limits) for name, limits in grouped.items()}


def node_name(limit: str) -> str:
    """Return a limit's id as the name of a pytest item, which pytest puts into the environment.

    Where that takes ASCII only, other characters are escaped, as pytest does with parameters.
    """
    encoding = sys.getfilesystemencoding()
    return limit.encode(encoding, "backslashreplace").decode(encoding)


def policy_at(path: Path, *, look: bool = False) -> Policy:
    """Read a policy; to `look`, without its limits.

    Raises
    ------
    pytest.UsageError
        If it cannot be read, or is wrong.
    """
    try:
        return read_policy(path, with_limits=not look)
    except ConfmatError as error:
        raise pytest.UsageError(printable_lines(str(error))) from error


def open_gate(policy: Policy, settings: Settings) -> Gate:
    """Find out the class names and the model of a policy, with what the command line overrides.

    Raises
    ------
    pytest.UsageError
        If the policy cannot be honored, or its class names cannot be known.
    """
    try:
        model = judged_model(policy, settings)
        dataset, data = policy.dataset, settings.data
        if data is not None:
            if dataset is None:
                raise pytest.UsageError(
                    f"--confmat-data: {policy.path} has no dataset that could lie elsewhere; its "
                    "data come from the fixture confmat_dataset"
                )
            dataset = kind_of(dataset).moved(dataset, data)
        if dataset is not None and settings.manifest is not None:
            # A wrong number would end the evaluation before anything could be compared with the
            # manifest, which tells the examples that it comes from: `agreed_set` sees to both.
            dataset = replace(dataset, expected_examples=None)
        classes = _merged_classes(policy, settings) or _classes(policy, dataset)
        if settings.look:
            policy.require_fitting(classes)
            return Gate(policy, dataset, classes, (), (), model, is_look=True)
        declared, exemptions = policy.limits_for(classes)
        reference = reference_of(policy, settings, model)
        if settings.shard is not None:
            return Gate(policy, dataset, classes, (), (), model, shard=settings.shard.shard)
        baseline = None if reference is not None else compared_with(policy, settings)
    except ConfmatError as error:
        raise pytest.UsageError(printable_lines(str(error))) from error
    limits = declared
    if reference is not None:
        limits = against_reference(declared)
    elif baseline is None:
        limits = without_comparison(declared)
    waiting = len(declared) - len(limits)
    return Gate(
        policy,
        dataset,
        classes,
        limits,
        exemptions,
        model,
        baseline,
        waiting,
        merges=bool(settings.merge),
        reference=reference,
    )


def _merged_classes(policy: Policy, settings: Settings) -> tuple[str, ...] | None:
    """Return the classes of the parts that are merged, whose data need not be here.

    ``None``: nothing is merged.
    """
    if not settings.merge:
        return None
    planned = common_plan(settings.merge).classes
    if policy.classes is not None and policy.classes != planned:
        raise PolicyError(
            f"the parts are of other classes than the policy: {listed(planned)}, and "
            f"{listed(policy.classes)} here",
            policy.dataset_location,
        )
    return planned


def _classes(policy: Policy, dataset: DatasetSpec | None) -> tuple[str, ...]:
    if dataset is None:
        if policy.classes is None:
            raise PolicyError(
                "without a dataset the policy must name its classes", policy.dataset_location
            )
        return policy.classes
    try:
        return class_names(dataset, policy.classes)
    except ConfmatError as error:
        raise PolicyError(str(error), policy.dataset_location) from error

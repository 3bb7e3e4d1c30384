"""Which model a gate's model is compared with, in one pass over the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_confmat.errors import PolicyError
from pytest_confmat.filenames import short_path
from pytest_confmat.limits import Limit
from pytest_confmat.plugin.judged import Judged, why_missing
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy
from pytest_confmat.spec import ModelSpec


def reference_of(policy: Policy, settings: Settings, model: Judged | None) -> Judged | None:
    """Return the model that a policy's limits compare with; ``None``: nothing names one.

    Raises
    ------
    PolicyError
        If the policy names one that is not there, or that is the model itself.
    pytest.UsageError
        If the command line or the ini file does, or a baseline is named as well.
    """
    own = policy.reference
    if settings.reference is None and own is None:
        return None
    origin = settings.origins.get("reference", f"reference in {policy.path.name}")
    if settings.shard is not None or settings.merge:
        apart = "--confmat-shard" if settings.shard is not None else "--confmat-merge"
        raise pytest.UsageError(
            f"{origin} is evaluated in the same pass as the model, and {apart} is about parts of "
            "one model alone: leave one of them out"
        )
    if settings.reference is not None:
        _require_alone(policy, settings, origin)
        spec = ModelSpec(settings.reference, settings.safe_mode)
    else:
        assert own is not None
        if settings.baseline is not None:
            _refuse_both(settings.origins["baseline"], origin)
        spec = replace(own, path=own.path.resolve(), safe_mode=settings.safe_mode)
    fault = None
    if not spec.path.exists():
        fault = why_missing(spec.path)
    elif model is not None and (model.spec.path, model.spec.signature) == (
        spec.path,
        spec.signature,
    ):
        fault = (
            f"{short_path(spec.path)} is the model that is judged ({model.origin}): name the "
            "model that it is to be compared with"
        )
    if fault is None:
        return Judged(spec, origin)
    if settings.reference is not None:
        raise pytest.UsageError(f"{origin}: {fault}")
    raise PolicyError(f"reference: {fault}", policy.where("reference", "path"))


def against_reference(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """Return the limits with those against a baseline held against the reference instead."""
    return tuple(
        limit if limit.against == "value" else replace(limit, against="reference")
        for limit in limits
    )


def _require_alone(policy: Policy, settings: Settings, origin: str) -> None:
    if settings.baseline is not None:
        _refuse_both(settings.origins["baseline"], origin)
    if policy.baseline is not None:
        _refuse_both(f"baseline in {policy.path.name}", origin)


def _refuse_both(baseline: str, reference: str) -> None:
    raise pytest.UsageError(
        f"{baseline} and {reference} both say what max_drop, max_rise and flips compare with: "
        "leave one of them out"
    )

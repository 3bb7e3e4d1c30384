"""What a gate is compared with, and the evaluation that it leaves to be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_confmat.baseline import save_baseline
from pytest_confmat.baseline_files import BaselineFiles
from pytest_confmat.errors import BaselineError, PolicyError
from pytest_confmat.limits import Limit
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy
from pytest_confmat.report.wording import plural
from pytest_confmat.result import GateResult
from pytest_confmat.spec import MIN_OVERLAP, BaselineSpec


def compared_with(policy: Policy, settings: Settings) -> BaselineSpec | None:
    """Return the baseline of a policy; ``None``: there is none, or this run saves the first one.

    Raises
    ------
    PolicyError
        If limits ask for a baseline that nothing names, or the policy names one that is not
        there.
    pytest.UsageError
        If the command line names one that is not there.
    """
    spec = policy.baseline
    if settings.baseline is not None:
        overlap = MIN_OVERLAP if spec is None else spec.min_overlap
        spec = BaselineSpec(settings.baseline, overlap)
    if spec is None:
        if settings.save_baseline is None:
            policy.require_baseline()
        return None
    text = _text(spec.path)
    if text.is_file():
        return spec
    if settings.save_baseline is not None and _text(settings.save_baseline) == text:
        return None
    said = (
        f"there is no baseline {text}: let the model in production save it, by pytest "
        f"--confmat-model PRODUCTION.keras --confmat-save-baseline {spec.path}"
    )
    if settings.baseline is not None:
        raise pytest.UsageError(f"{settings.origins['baseline']}: {said}")
    raise PolicyError(said, policy.baseline_location)


def without_comparison(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """Return the limits that can be checked on the run that saves the first baseline."""
    return tuple(limit for limit in limits if limit.against == "value")


def waiting_note(count: int) -> str:
    """Say that limits are not checked before there is a baseline."""
    return (
        f"{plural(count, 'limit is', 'limits are')} held against a baseline, and this run saves "
        "the first one: from the next run on"
    )


def keep_baseline(path: Path, results: Sequence[GateResult]) -> tuple[str, bool]:
    """Store the evaluation of the one gate that there is, if it passed.

    Returns what to say of it, and whether it was stored.
    """
    (result,) = results
    text = _text(path)
    if result.evaluation is None or result.outcome != "passed":
        accept = ""
        if text.is_file() and result.outcome == "failed":
            accept = (
                f"; if only the comparison fails and this model is to be accepted as it is, "
                f"remove {text.name} first"
            )
        return f"no baseline was saved to {text}: the gate did not pass{accept}", False
    try:
        saved = save_baseline(result.evaluation, path)
    except BaselineError as error:
        return str(error), False
    return (
        f"baseline of {plural(len(saved), 'example')} saved to {text} and the binary part beside "
        "it: keep both under version control",
        True,
    )


def _text(path: Path) -> Path:
    return BaselineFiles(path).text

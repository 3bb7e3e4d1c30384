"""What a gate is compared with, and the evaluation that it leaves to be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from pytest_confmat.baseline import Baseline, load_baseline, save_baseline
from pytest_confmat.baseline.files import BaselineFiles, how_to_save
from pytest_confmat.errors import BaselineError, PolicyError
from pytest_confmat.limits import Limit, one_line
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy
from pytest_confmat.report.text import decimal_text
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
    first = settings.save_baseline is not None and not _text(settings.save_baseline).is_file()
    if spec is None:
        if not first:
            # One that is saved again and again, and compared with by nothing, is no baseline.
            policy.require_baseline()
        return None
    text = _text(spec.path)
    if text.exists():  # or is what `load_baseline` refuses
        return spec
    own = policy.baseline is not None and _text(policy.baseline.path).is_file()
    # A name on the command line must not take the place of a baseline that is there.
    if first and not own and settings.save_baseline and _text(settings.save_baseline) == text:
        return None
    said = (
        f"there is no baseline {one_line(str(text), None)}: let the model in production save it: "
        f"{one_line(how_to_save(spec.path), None)}"
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


def keep_baseline(path: Path, results: Sequence[GateResult], exitstatus: int) -> tuple[str, bool]:
    """Store the evaluation of the one gate that there is, if it passed, and all else did.

    Returns what to say of it, and whether it was stored.
    """
    (result,) = results
    text = _text(path)
    if result.outcome == "incomplete":
        return f"no baseline was saved to {text}: limits were left out, or not run", False
    if result.evaluation is None or result.outcome != "passed":
        accept = ""
        if text.is_file() and result.outcome == "failed":
            accept = (
                f"; if only the comparison fails and this model is to be accepted as it is, "
                f"remove {text.name} first"
            )
        return f"no baseline was saved to {text}: the gate did not pass{accept}", False
    if exitstatus:
        return f"no baseline was saved to {text}: the gate passed, and the run did not", False
    replaced = _replaced(path)
    try:
        saved = save_baseline(result.evaluation, path)
    except BaselineError as error:
        return str(error), False
    return (
        f"baseline of {_size(saved)} saved to {text} and the binary part beside it"
        f"{replaced}: keep both under version control",
        True,
    )


def _size(baseline: Baseline) -> str:
    right = Fraction(int(baseline.matrix.correct.sum()), len(baseline))
    return f"{plural(len(baseline), 'example')}, accuracy {decimal_text(right)},"


def _replaced(path: Path) -> str:
    """Say what a new baseline takes the place of."""
    if not _text(path).is_file():
        return ""
    try:
        return f", in the place of one of {_size(load_baseline(path)).rstrip(',')}"
    except BaselineError:
        return ", in the place of one that could not be read"


def _text(path: Path) -> Path:
    return BaselineFiles(path.resolve()).text

"""What a gate is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_confmat.baseline.file_pair import BaselineFiles, how_to_save
from pytest_confmat.errors import PolicyError
from pytest_confmat.escaping import printable_lines
from pytest_confmat.limits import Limit
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy
from pytest_confmat.spec import MIN_OVERLAP, BaselineSpec
from pytest_confmat.text import one_line, plural

_LONGEST = 4000  # a path to open, and a command to run


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
        f"there is no baseline {one_line(str(text), _LONGEST)}: let the model in production save "
        f"it: {one_line(how_to_save(spec.path), _LONGEST)}"
    )
    if settings.baseline is not None:
        raise pytest.UsageError(printable_lines(f"{settings.origins['baseline']}: {said}"))
    raise PolicyError(said, policy.baseline_location)


def without_comparison(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """Return the limits that can be checked on the run that saves the first baseline."""
    return tuple(limit for limit in limits if limit.against == "value")


def waiting_note(count: int) -> str:
    """Say that limits are not checked before there is a baseline."""
    return (
        f"{plural(count, 'limit is', 'limits are')} compared with a baseline, and this run saves "
        "the first one: from the next run on"
    )


def _text(path: Path) -> Path:
    return BaselineFiles(path.resolve()).text

"""Which model a gate judges: the command line's, else its policy's, else the ini file's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import ModelError, PolicyError
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.policy import Policy
from pytest_confmat.spec import ModelSpec


@dataclass(frozen=True)
class Judged:
    """A model, and who named it: ``--confmat-model``, ``model in thresholds.yaml``."""

    spec: ModelSpec
    origin: str


def judged_model(policy: Policy | None, settings: Settings) -> Judged | None:
    """Return the model that a policy's gate judges; ``None``: only a fixture can say.

    Without a policy it is that of the command line or the ini file.

    Raises
    ------
    PolicyError
        If the policy names a model that is not there.
    pytest.UsageError
        If the command line or the ini file does.
    """
    origin = settings.origins.get("model", "")
    signature = None if policy is None else policy.signature
    if policy is not None and policy.model is not None and not origin.startswith("--"):
        path = policy.model.path
        if not path.exists():
            raise PolicyError(f"model: {why_missing(path)}", policy.where("model"))
        origin = f"model in {policy.path.name}"
        return Judged(ModelSpec(path.resolve(), settings.safe_mode, signature), origin)
    if settings.model is None:
        return None
    if not settings.model.exists():
        written = settings.model_as_written or settings.model
        raise pytest.UsageError(f"{origin}: {why_missing(written)}")
    return Judged(ModelSpec(settings.model, settings.safe_mode, signature), origin)


def as_model(model: Any, folder: Path, *, safe_mode: bool) -> Any:
    """Return what a fixture handed over, a path as the model file that it names."""
    if isinstance(model, str | Path):
        return ModelSpec((folder / Path(model).expanduser()).resolve(), safe_mode)
    return model


def why_missing(path: Path) -> str:
    """Say it in the loader's words, of the path as it was written: resolved, a link is none."""
    from pytest_confmat.models.look import look_at

    try:
        look_at(path)
    except ModelError as error:
        return str(error)
    return f"there was no model {path}"

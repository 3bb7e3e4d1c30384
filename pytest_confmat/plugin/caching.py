"""Where evaluations are kept between sessions: in pytest's own cache directory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_confmat.cache.evaluation_cache import EvaluationCache
from pytest_confmat.plugin.loaded import loaded_code
from pytest_confmat.plugin.settings import Settings

_NAME = "confmat"


def evaluation_cache(config: pytest.Config, settings: Settings) -> EvaluationCache | None:
    """Return what recalls and keeps evaluations as ``--confmat-cache`` says; ``None``: nothing."""
    if settings.cache == "off":
        return None
    return EvaluationCache(
        lambda: _folder(config),
        verify=settings.cache == "verify",
        talkative="cache" in settings.origins,
        own_code=lambda: _brings_classes(config),
        loaded=lambda: loaded_code(config),
    )


def evaluation_cache_before_configuring(
    config: pytest.Config, settings: Settings
) -> EvaluationCache | None:
    """Return the cache of a run that ends before pytest configures its plugins.

    Its cache plugin sets itself up then, and does so here.
    """
    plugin = config.pluginmanager.get_plugin("cacheprovider")
    if plugin is not None and _cache(config) is None:
        plugin.pytest_configure(config)
    return evaluation_cache(config, settings)


def _brings_classes(config: pytest.Config) -> bool:
    """Whether the project hands in classes of its own, by our hook or by Keras's registry."""
    # Which they are need not be known, and asking for them may import what is heavy.
    if config.hook.pytest_confmat_custom_objects.get_hookimpls():
        return True
    # Half imported, it is no registry yet.
    saving = getattr(sys.modules.get("keras"), "saving", None)
    registry = getattr(saving, "get_custom_objects", dict)
    # What is registered with its package, as "lab>Mine", cannot be taken for Keras's own.
    return any(">" not in name for name in registry())


def remarks(config: pytest.Config, settings: Settings) -> list[str]:
    """Return a line for the header if what was asked for is not possible."""
    if "cache" not in settings.origins or settings.cache == "off" or _cache(config) is not None:
        return []
    return ["confmat: no evaluation is kept: pytest has no cache directory (-p no:cacheprovider)"]


def _cache(config: pytest.Config) -> pytest.Cache | None:
    # Its plugin may be blocked, and the attribute is the plugin's.
    return getattr(config, "cache", None)


def _folder(config: pytest.Config) -> Path | None:
    cache = _cache(config)
    if cache is None:
        return None
    try:
        return Path(cache.mkdir(_NAME))
    except OSError:
        return None  # pytest says so itself

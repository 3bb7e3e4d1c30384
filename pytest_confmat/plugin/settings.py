"""What the user asked for, and where: the command line goes before the ini file."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import pytest

from pytest_confmat.plugin.arguments import require_single
from pytest_confmat.plugin.options import NO_MODEL, NO_POLICY
from pytest_confmat.plugin.places import absolute, ini_folder, ini_name
from pytest_confmat.plugin.shards import ShardRequest, merge_folders, shard_request
from pytest_confmat.sprites import MAX_THUMBNAILS

CacheUse = Literal["on", "verify", "off"]
CACHE_USES: tuple[CacheUse, ...] = get_args(CacheUse)


@dataclass(frozen=True)
class Settings:
    """Options as resolved; `origins` says where each that was given came from.

    Attributes
    ----------
    model, data, report, manifest, baseline, save_baseline, reference
        Absolute paths.
    model_as_written
        As `model`, links not resolved, for messages.
    safe_mode
        Whether code that a model file holds is refused instead of run.
    cache
        Whether an evaluation may be recalled, and only after all files were read.
    thumbnails
        How many pictures of examples the report may hold; ``None``: as many as the policy says.
    look
        Whether nothing is judged.
    shard
        Which parts are evaluated, and where they are written; ``None``: all, and nowhere.
    merge
        Folders of the parts that are judged; empty: the set is evaluated.
    """

    model: Path | None
    data: Path | None
    batch_size: int | None
    report: Path | None
    origins: dict[str, str]
    manifest: Path | None = None
    baseline: Path | None = None
    save_baseline: Path | None = None
    model_as_written: Path | None = None
    safe_mode: bool = True
    cache: CacheUse = "on"
    thumbnails: int | None = None
    look: bool = False
    shard: ShardRequest | None = None
    merge: tuple[Path, ...] = ()
    reference: Path | None = None


def read_settings(config: pytest.Config) -> Settings:
    """Resolve all options but those that say which policies are gated.

    Raises
    ------
    pytest.UsageError
        If a value makes no sense.
    """
    require_single(config)
    origins: dict[str, str] = {}
    model = _path(config, "model", origins)
    report = _path(config, "report", origins)
    if report is not None and report.is_file():
        raise pytest.UsageError(f"{origins['report']}: {report} is a file, not a folder")
    return Settings(
        model=model,
        data=_path(config, "data", origins, ini=False),
        batch_size=_batch_size(config, origins),
        report=report,
        origins=origins,
        manifest=_path(config, "manifest", origins),
        baseline=_path(config, "baseline", origins),
        save_baseline=_path(config, "save_baseline", origins, ini=False),
        model_as_written=_as_written(config, "model") if model is not None else None,
        # By hand alone: a line in a file would undo it for good, and unseen.
        safe_mode=not config.getoption("confmat_unsafe_model"),
        cache=_cache(config, origins),
        thumbnails=_thumbnails(config, origins),
        look=_look(config),
        shard=shard_request(config),
        merge=merge_folders(config),
        reference=_path(config, "reference", origins),
    )


def report_folder(config: pytest.Config, options: Namespace) -> Path | None:
    """Return the folder of ``--confmat-report``, if it names one that may be written to.

    `options` may be those that pytest knows of before it has read ``conftest.py``; what is wrong
    with the value, `read_settings` says.
    """
    given = options.confmat_report
    folder = config.invocation_params.dir if given is not None else ini_folder(config)
    text = given if given is not None else config.getini("confmat_report")
    if not text or "://" in text:
        return None
    try:
        path = absolute(folder, text)
        return None if path.is_file() else path
    except (OSError, RuntimeError):
        return None


def fitted(settings: Settings, policies: int) -> Settings:
    """Return the settings of a run with a number of policies.

    What an ini file says for policies is left out where there are none.

    Raises
    ------
    pytest.UsageError
        If options do not go with that number.
    """
    origins = settings.origins
    if not policies:
        settings = replace(
            settings,
            report=_unless_by_ini(settings.report, origins.get("report")),
            manifest=_unless_by_ini(settings.manifest, origins.get("manifest")),
            baseline=_unless_by_ini(settings.baseline, origins.get("baseline")),
            reference=_unless_by_ini(settings.reference, origins.get("reference")),
        )
    if not policies and settings.report is not None:
        raise pytest.UsageError(
            f"{origins['report']} writes what policies come to, and --confmat-thresholds "
            f"{NO_POLICY} asks for none"
        )
    if not policies and settings.reference is not None:
        raise pytest.UsageError(
            f"{origins['reference']} is what limits of policies compare with, and "
            f"--confmat-thresholds {NO_POLICY} asks for none"
        )
    if settings.data is not None and policies != 1:
        raise pytest.UsageError(
            f"--confmat-data says where one policy's data are, and there are {policies} policies: "
            "write the location into each policy"
        )
    apart = "shard" if settings.shard is not None else "merge"
    if (settings.shard is not None or settings.merge) and policies != 1:
        raise pytest.UsageError(
            f"--confmat-{apart} is of one policy's data, and there are {policies} policies: run "
            "pytest once for each, with folders of their own"
        )
    for name in ("manifest", "baseline", "save_baseline"):
        if getattr(settings, name) is not None and policies != 1:
            raise pytest.UsageError(
                f"{origins[name]} is of one policy's data, and there are {policies} policies"
            )
    return settings


def _unless_by_ini(path: Path | None, origin: str | None) -> Path | None:
    return path if origin is not None and origin.startswith("--") else None


def _given(
    config: pytest.Config, name: str, origins: dict[str, str], ini: bool = True
) -> tuple[str | None, Path]:
    """Return a setting's text and the folder that its paths are relative to."""
    value = config.getoption(f"confmat_{name}")
    if value is not None:
        origins[name] = f"--confmat-{name.replace('_', '-')}"
        return str(value), config.invocation_params.dir
    written = config.getini(f"confmat_{name}") if ini else None
    if written is not None:
        origins[name] = f"confmat_{name} in {ini_name(config)}"
        return str(written), ini_folder(config)
    return None, config.invocation_params.dir


def _path(
    config: pytest.Config, name: str, origins: dict[str, str], ini: bool = True
) -> Path | None:
    text, folder = _given(config, name, origins, ini)
    if text is None or (name == "model" and text == NO_MODEL):
        return None
    if not text:
        raise pytest.UsageError(f"{origins[name]} is empty: give a path")
    if "://" in text:
        raise pytest.UsageError(
            f"{origins[name]}: {text} is a remote address, and only local paths are read: "
            "download it first and give the path of the copy"
        )
    return absolute(folder, text)


def _as_written(config: pytest.Config, name: str) -> Path:
    text, folder = _given(config, name, {})
    return folder / Path(str(text)).expanduser()


def _batch_size(config: pytest.Config, origins: dict[str, str]) -> int | None:
    text, _ = _given(config, "batch_size", origins)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise pytest.UsageError(f"{origins['batch_size']}: {text!r} is no number of examples")
    return int(text)


def _thumbnails(config: pytest.Config, origins: dict[str, str]) -> int | None:
    text, _ = _given(config, "thumbnails", origins)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:9]) > MAX_THUMBNAILS:
        raise pytest.UsageError(
            f"{origins['thumbnails']}: {text!r} is no number of examples from 0 to "
            f"{MAX_THUMBNAILS:,}"
        )
    return int(text)


def _look(config: pytest.Config) -> bool:
    if not config.getoption("confmat_look"):
        return False
    for name in ("save_baseline", "tighten", "init"):
        if config.getoption(f"confmat_{name}") is not None:
            option = f"--confmat-{name.replace('_', '-')}"
            raise pytest.UsageError(
                f"--confmat-look judges nothing, and {option} needs verdicts: leave one of them out"
            )
    return True


def _cache(config: pytest.Config, origins: dict[str, str]) -> CacheUse:
    text, _ = _given(config, "cache", origins)
    if text is None:
        return "on"
    for use in CACHE_USES:
        if text == use:
            return use
    raise pytest.UsageError(f"{origins['cache']}: {text!r} is none of {', '.join(CACHE_USES)}")

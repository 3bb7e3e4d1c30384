"""What the user asked for, and where: command line over ini over default."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.plugin.arguments import require_single
from pytest_confmat.plugin.options import DEFAULT_POLICY, NO_POLICY

CacheUse = Literal["on", "verify", "off"]
CACHE_USES: tuple[CacheUse, ...] = get_args(CacheUse)


@dataclass(frozen=True)
class Settings:
    """Options as resolved; `origins` says where each that was given came from.

    Attributes
    ----------
    model, data, report, manifest, baseline, save_baseline
        Absolute paths.
    policies
        Absolute paths, as `read_policies` finds them; empty if the project asked for none.
    safe_mode
        Whether code that a model file holds is refused instead of run.
    cache
        Whether an evaluation may be recalled, and only after all files were read.
    """

    model: Path | None
    policies: tuple[Path, ...]
    data: Path | None
    batch_size: int | None
    report: Path | None
    origins: dict[str, str]
    manifest: Path | None = None
    baseline: Path | None = None
    save_baseline: Path | None = None
    safe_mode: bool = True
    cache: CacheUse = "on"


def read_settings(config: pytest.Config) -> Settings:
    """Resolve all options but the policies.

    Raises
    ------
    pytest.UsageError
        If a value makes no sense.
    """
    require_single(config)
    origins: dict[str, str] = {}
    model = _path(config, "model", origins)
    if model is not None and not model.exists():
        raise pytest.UsageError(f"{origins['model']}: {_why_missing(config, origins, model)}")
    report = _path(config, "report", origins)
    if report is not None and report.is_file():
        raise pytest.UsageError(f"{origins['report']}: {report} is a file, not a folder")
    return Settings(
        model=model,
        policies=(),
        data=_path(config, "data", origins, ini=False),
        batch_size=_batch_size(config, origins),
        report=report,
        origins=origins,
        manifest=_path(config, "manifest", origins),
        baseline=_path(config, "baseline", origins),
        save_baseline=_path(config, "save_baseline", origins, ini=False),
        # By hand alone: a line in a file would undo it for good, and unseen.
        safe_mode=not config.getoption("confmat_unsafe_model"),
        cache=_cache(config, origins),
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
        path = _absolute(folder, text)
        return None if path.is_file() else path
    except (OSError, RuntimeError):
        return None


def read_policies(config: pytest.Config, settings: Settings) -> Settings:
    """Find the policies.

    Raises
    ------
    pytest.UsageError
        If there is none, or other options do not go with them.
    """
    origins = settings.origins
    policies = _policies(config, origins)
    if not policies and settings.report is not None:
        raise pytest.UsageError(
            f"{origins['report']} writes what policies come to, and --confmat-thresholds "
            f"{NO_POLICY} asks for none"
        )
    if settings.data is not None and len(policies) != 1:
        raise pytest.UsageError(
            f"--confmat-data says where one policy's data are, and there are "
            f"{len(policies)} policies: write the location into each policy"
        )
    for name in ("manifest", "baseline", "save_baseline"):
        if getattr(settings, name) is not None and len(policies) != 1:
            raise pytest.UsageError(
                f"{origins[name]} is of one policy's data, and there are {len(policies)} policies"
            )
    return replace(settings, policies=policies)


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
        origins[name] = f"confmat_{name} in {_ini_name(config)}"
        return str(written), ini_folder(config)
    return None, config.invocation_params.dir


def _path(
    config: pytest.Config, name: str, origins: dict[str, str], ini: bool = True
) -> Path | None:
    text, folder = _given(config, name, origins, ini)
    if text is None:
        return None
    if not text:
        raise pytest.UsageError(f"{origins[name]} is empty: give a path")
    if "://" in text:
        raise pytest.UsageError(
            f"{origins[name]}: {text} is a remote address, and only local paths are read: "
            "download it first and give the path of the copy"
        )
    return _absolute(folder, text)


def _why_missing(config: pytest.Config, origins: dict[str, str], model: Path) -> str:
    """Say it in the loader's words, of the path as it was given: resolved, a link is none."""
    from pytest_confmat.models.look import look_at

    text, folder = _given(config, "model", origins)
    try:
        look_at(folder / Path(str(text)).expanduser())
    except ModelError as error:
        return str(error)
    return f"there was no model {model}"


def _batch_size(config: pytest.Config, origins: dict[str, str]) -> int | None:
    text, _ = _given(config, "batch_size", origins)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise pytest.UsageError(f"{origins['batch_size']}: {text!r} is no number of examples")
    return int(text)


def _cache(config: pytest.Config, origins: dict[str, str]) -> CacheUse:
    text, _ = _given(config, "cache", origins)
    if text is None:
        return "on"
    for use in CACHE_USES:
        if text == use:
            return use
    raise pytest.UsageError(f"{origins['cache']}: {text!r} is none of {', '.join(CACHE_USES)}")


def _policies(config: pytest.Config, origins: dict[str, str]) -> tuple[Path, ...]:
    given: Sequence[str] = config.getoption("confmat_thresholds") or ()
    folder, origins["thresholds"] = config.invocation_params.dir, "--confmat-thresholds"
    if not given:
        given = config.getini("confmat_thresholds")
        folder = ini_folder(config)
        origins["thresholds"] = f"confmat_thresholds in {_ini_name(config)}"
    if list(given) == [NO_POLICY]:
        return ()
    if given:
        paths = [_absolute(folder, text) for text in given]
        missing = [path for path in paths if not path.exists()]
        if missing:
            raise pytest.UsageError(
                f"{origins['thresholds']}: there is no thresholds file {missing[0]}; "
                "--confmat-init --confmat-data PATH writes one from what the model does"
            )
        return tuple(dict.fromkeys(paths))
    origins["thresholds"] = "default"
    folders = dict.fromkeys((config.invocation_params.dir, config.rootpath))
    for candidate in folders:
        if (candidate / DEFAULT_POLICY).exists():
            return (_absolute(candidate, DEFAULT_POLICY),)
    looked = " nor ".join(str(candidate / DEFAULT_POLICY) for candidate in folders)
    raise pytest.UsageError(
        f"a gate needs a policy, and there is no {looked}: let --confmat-init --confmat-data PATH "
        "write one from what the model does, write one yourself, name one with "
        f"--confmat-thresholds FILE, or say --confmat-thresholds {NO_POLICY} if the project's "
        "own tests are the gate"
    )


def _absolute(folder: Path, text: str) -> Path:
    # resolve() also makes one file of two spellings, as pytest's own collection does.
    return (folder / Path(text).expanduser()).resolve()


def ini_folder(config: pytest.Config) -> Path:
    """Return the folder that paths in the configuration are relative to."""
    return config.inipath.parent if config.inipath else config.rootpath


def _ini_name(config: pytest.Config) -> str:
    return config.inipath.name if config.inipath else "-o"

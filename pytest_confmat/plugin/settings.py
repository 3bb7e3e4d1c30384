"""What the user asked for, and where: command line over ini over default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_confmat.plugin.options import DEFAULT_POLICY, NO_POLICY


@dataclass(frozen=True)
class Settings:
    """Options as resolved; `origins` says where each that was given came from.

    Attributes
    ----------
    model, data, report
        Absolute paths.
    policies
        Absolute paths; empty if the project asked for none.
    """

    model: Path | None
    policies: tuple[Path, ...]
    data: Path | None
    batch_size: int | None
    report: Path | None
    origins: dict[str, str]


def read_settings(config: pytest.Config) -> Settings:
    """Resolve all options.

    Raises
    ------
    pytest.UsageError
        If a value makes no sense, or no policy is found.
    """
    origins: dict[str, str] = {}
    model = _path(config, "model", origins)
    settings = Settings(
        model=model,
        policies=_policies(config, origins),
        data=_path(config, "data", origins, ini=False),
        batch_size=_batch_size(config, origins),
        report=_path(config, "report", origins),
        origins=origins,
    )
    if model is not None and not model.exists():
        raise pytest.UsageError(f"{origins['model']}: there is no model {model}")
    if settings.report is not None and settings.report.is_file():
        raise pytest.UsageError(f"{origins['report']}: {settings.report} is a file, not a folder")
    if settings.data is not None and len(settings.policies) != 1:
        raise pytest.UsageError(
            f"--confmat-data says where one policy's data are, and there are "
            f"{len(settings.policies)} policies: write the location into each policy"
        )
    return settings


def _given(
    config: pytest.Config, name: str, origins: dict[str, str], ini: bool = True
) -> tuple[str | None, Path]:
    """Return a setting's text and the folder that its paths are relative to."""
    value = config.getoption(f"confmat_{name}")
    if value is not None:
        origins[name] = f"--confmat-{name.replace('_', '-')}"
        return str(value), config.invocation_params.dir
    written = str(config.getini(f"confmat_{name}")) if ini else ""
    if written:
        origins[name] = f"confmat_{name} in {_ini_name(config)}"
        return written, _ini_folder(config)
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


def _batch_size(config: pytest.Config, origins: dict[str, str]) -> int | None:
    text, _ = _given(config, "batch_size", origins)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise pytest.UsageError(f"{origins['batch_size']}: {text!r} is no number of examples")
    return int(text)


def _policies(config: pytest.Config, origins: dict[str, str]) -> tuple[Path, ...]:
    given: Sequence[str] = config.getoption("confmat_thresholds") or ()
    folder, origins["thresholds"] = config.invocation_params.dir, "--confmat-thresholds"
    if not given:
        given = config.getini("confmat_thresholds")
        folder = _ini_folder(config)
        origins["thresholds"] = f"confmat_thresholds in {_ini_name(config)}"
    if list(given) == [NO_POLICY]:
        return ()
    if given:
        paths = [_absolute(folder, text) for text in given]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise pytest.UsageError(
                f"{origins['thresholds']}: there is no thresholds file {missing[0]}"
            )
        return tuple(dict.fromkeys(paths))
    origins["thresholds"] = "default"
    folders = dict.fromkeys((config.invocation_params.dir, config.rootpath))
    for candidate in folders:
        if (candidate / DEFAULT_POLICY).is_file():
            return (_absolute(candidate, DEFAULT_POLICY),)
    looked = " nor ".join(str(candidate / DEFAULT_POLICY) for candidate in folders)
    raise pytest.UsageError(
        f"--confmat-model needs a policy, and there is no {looked}: write one, name one with "
        f"--confmat-thresholds FILE, or say --confmat-thresholds {NO_POLICY} if the project's "
        "own tests are the gate"
    )


def _absolute(folder: Path, text: str) -> Path:
    # resolve() also makes one file of two spellings, as pytest's own collection does.
    return (folder / Path(text).expanduser()).resolve()


def _ini_folder(config: pytest.Config) -> Path:
    return config.inipath.parent if config.inipath else config.rootpath


def _ini_name(config: pytest.Config) -> str:
    return config.inipath.name if config.inipath else "-o"

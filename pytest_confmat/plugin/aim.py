"""Which policies a run gates: those that it names, those it finds, or the default one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.filenames import short_path
from pytest_confmat.plugin.arguments import of_command_line
from pytest_confmat.plugin.options import DEFAULT_POLICY, NO_MODEL, NO_POLICY
from pytest_confmat.plugin.places import absolute, ini_folder, ini_name
from pytest_confmat.plugin.policies import (
    named_folders,
    named_policies,
    path_of,
    policies_below,
    policy_in,
)
from pytest_confmat.text import joined

_AIM = pytest.StashKey["Aim"]()
_EVERY = "--confmat"


@dataclass(frozen=True)
class Aim:
    """What a run gates.

    Attributes
    ----------
    policies
        Absolute paths, each with who named it, as the header says it.
    left_out
        Policies that the ini file's model would be gated by, if this run did not name other
        tests.
    is_ordered
        Whether the command line asks for the gate, and not an ini file alone.
    is_search
        Whether the policies were found, so that those without a model are left out.
    names_tests
        Whether the command line names paths or ids.
    """

    policies: Mapping[Path, str] = field(default_factory=dict)
    left_out: tuple[Path, ...] = ()
    is_ordered: bool = True
    is_search: bool = False
    names_tests: bool = False

    @property
    def is_aside(self) -> bool:
        """Whether the run is about other tests, and gates nothing."""
        return not self.is_ordered and self.names_tests and not self.policies

    def to_plain(self) -> dict[str, Any]:
        """Return builtin values, for the way to a worker."""
        return {
            **vars(self),
            "policies": {str(path): origin for path, origin in self.policies.items()},
            "left_out": [str(path) for path in self.left_out],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Aim:
        """Return what `to_plain` told of."""
        policies = {Path(path): origin for path, origin in plain["policies"].items()}
        return cls(
            **{**plain, "policies": policies, "left_out": tuple(map(Path, plain["left_out"]))}
        )


def aim_of(config: pytest.Config) -> Aim:
    """Return what a run gates, decided once: under xdist by the controller.

    Raises
    ------
    pytest.UsageError
        If there is no policy, or it is not clear which is meant.
    """
    if _AIM not in config.stash:
        told = getattr(config, "workerinput", {}).get(_EVERY)
        config.stash[_AIM] = (
            take_aim(config, config.option) if told is None else Aim.from_plain(told)
        )
    return config.stash[_AIM]


def tell_aim(node: Any) -> None:
    """Tell a worker what is gated; `node` is xdist's WorkerController."""
    if aim := node.config.stash.get(_AIM, None):
        node.workerinput[_EVERY] = aim.to_plain()


def require_off(config: pytest.Config) -> None:
    """Refuse a command line that turns the gate off and asks for one.

    Raises
    ------
    pytest.UsageError
        If there is another option of ours, or the name of a policy.
    """
    options = (argument.partition("=")[0] for argument in of_command_line(config))
    asked = [name for name in options if name.startswith("--confmat") and name != "--confmat-model"]
    chosen = _chosen(config, config.option)
    policies = named_policies(chosen, config.invocation_params.dir)
    if asked := [*asked, *map(short_path, policies)]:
        raise pytest.UsageError(
            f"--confmat-model {NO_MODEL} turns the gate off, and {asked[0]} is of one: leave one "
            "of them out"
        )


def is_aside(config: pytest.Config, options: Namespace) -> bool:
    """Whether a run seems to be about other tests, before pytest has read ``conftest.py``."""
    if is_ordered(config):
        return False
    try:
        return take_aim(config, options).is_aside
    except pytest.UsageError:
        return False  # `aim_of` tells it


def is_ordered(config: pytest.Config) -> bool:
    """Whether the command line has an option of ours, so that the run gates in any case."""
    return any(argument.startswith("--confmat") for argument in of_command_line(config))


def take_aim(config: pytest.Config, options: Namespace) -> Aim:
    """Find the policies that `options`, arguments and the ini file ask for; see `aim_of`."""
    aim = _aim(config, options)
    for path, origin in aim.policies.items():
        if not path.exists():
            raise pytest.UsageError(
                f"{origin}: there is no thresholds file {path}; --confmat-init --confmat-data "
                "PATH writes one from what the model does"
            )
    return aim


def _aim(config: pytest.Config, options: Namespace) -> Aim:
    here = config.invocation_params.dir
    chosen = _chosen(config, options)
    named = dict.fromkeys(named_policies(chosen, here), "named")
    given = list(options.confmat_thresholds or ())
    ordered = bool(named) or is_ordered(config)
    if given == [NO_POLICY] and not named:
        return Aim(is_ordered=ordered, names_tests=bool(chosen))
    if NO_POLICY in given:
        other = next((text for text in given if text != NO_POLICY), None) or next(iter(named))
        raise pytest.UsageError(
            f"--confmat-thresholds {NO_POLICY} asks for no policy, and {other} is named: leave "
            "one of them out"
        )
    if given or named:
        origin = "--confmat-thresholds"
        return Aim({**named, **dict.fromkeys((absolute(here, text) for text in given), origin)})
    configured, folders = _configured(config), named_folders(chosen, here)
    if options.confmat_every:
        return Aim(configured) if configured else _search(config, folders)
    direct = {path.resolve(): "named" for folder in folders if (path := policy_in(folder))}
    usual = _default(config) if configured is None else configured
    if configured is None and not usual and not direct and (ordered or not chosen):
        raise _without_policy(config)
    if ordered:
        _require_one_meaning(usual, direct)
        return Aim(direct or usual)
    return _unordered(usual or direct, [path_of(each, here).resolve() for each in chosen])


def _chosen(config: pytest.Config, options: Namespace) -> list[str]:
    """Return the paths and ids of the command line, and not what `addopts` of an ini file has."""
    fixed = {str(argument) for argument in config.getini("addopts")}
    return [str(name) for name in options.file_or_dir if str(name) not in fixed]


def _configured(config: pytest.Config) -> dict[Path, str] | None:
    """Return the policies of the ini file; ``None``: it names none."""
    given: Sequence[str] = config.getini("confmat_thresholds")
    if not given:
        return None
    if list(given) == [NO_POLICY]:
        return {}
    origin = f"confmat_thresholds in {ini_name(config)}"
    return dict.fromkeys((absolute(ini_folder(config), text) for text in given), origin)


def _default(config: pytest.Config) -> dict[Path, str]:
    """Return the policy of the current folder, or else of the root directory, if there is one."""
    for folder in _default_folders(config):
        if found := policy_in(folder):
            return {found.resolve(): "default"}
    return {}


def _default_folders(config: pytest.Config) -> list[Path]:
    return list(dict.fromkeys((config.invocation_params.dir, config.rootpath)))


def _without_policy(config: pytest.Config) -> pytest.UsageError:
    looked = " nor ".join(str(folder / DEFAULT_POLICY) for folder in _default_folders(config))
    return pytest.UsageError(
        f"a gate needs a policy, and there is no {looked}: let --confmat-init --confmat-data PATH "
        "write one from what the model does, write one yourself, name one as an argument or with "
        f"--confmat-thresholds FILE, or say --confmat-thresholds {NO_POLICY} if the project's "
        "own tests are the gate"
    )


def _require_one_meaning(usual: Collection[Path], direct: Collection[Path]) -> None:
    """Refuse a folder that holds a policy where the run has others without it."""
    if usual and direct and set(usual) != set(direct):
        held, instead = (joined([short_path(path) for path in each]) for each in (direct, usual))
        raise pytest.UsageError(
            f"it is not clear which policy is meant: a folder on the command line holds {held}, "
            f"and a run that names none is gated by {instead}: name the policy itself"
        )


def _unordered(policies: Mapping[Path, str], paths: Sequence[Path]) -> Aim:
    """Return what a run gates that only an ini file's model asks for: what its paths cover."""
    covered = {
        policy: origin
        for policy, origin in policies.items()
        if not paths
        or any(policy == path or (policy.is_relative_to(path) and path.is_dir()) for path in paths)
    }
    left_out = tuple(policy for policy in policies if policy not in covered)
    return Aim(covered, left_out, is_ordered=False, names_tests=bool(paths))


def _search(config: pytest.Config, folders: Sequence[Path]) -> Aim:
    """Return the policies below the folders that are named, or else below the root directory."""
    unwanted = [str(pattern) for pattern in config.getini("norecursedirs")]
    for places in (folders, [config.rootpath]):
        found = [path.resolve() for place in places for path in policies_below(place, unwanted)]
        if found:
            return Aim(dict.fromkeys(found, "found"), is_search=True)
    raise pytest.UsageError(
        f"{_EVERY} gates every policy below {config.rootpath}, and there is no {DEFAULT_POLICY}: "
        "name one as an argument, or with --confmat-thresholds FILE"
    )

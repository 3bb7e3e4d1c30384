"""The options and their ini twins. Loaded by every pytest run, so that it imports nothing."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import pytest

# Whether a gate is asked for, once pytest is configured.
ASKED = pytest.StashKey[bool]()
NO_POLICY = NO_MODEL = "none"
DEFAULT_POLICY = "thresholds.yaml"
# Options of one value, and all that take one.
SINGLE = (
    *("--confmat-model", "--confmat-data", "--confmat-batch-size", "--confmat-report"),
    *("--confmat-manifest", "--confmat-baseline", "--confmat-save-baseline", "--confmat-cache"),
    *("--confmat-thumbnails", "--confmat-shard", "--confmat-parts", "--confmat-reference"),
)
WITH_VALUE = (
    *(*SINGLE, "--confmat-thresholds", "--confmat-init", "--confmat-tighten", "--confmat-merge"),
)
# Options by which pytest shows something and runs no test; the first start no session of ours.
_NO_SESSION = ("help", "version", "markers", "cacheshow")
_SHOWING = {
    "collectonly": "--collect-only",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "setupplan": "--setup-plan",
    "setuponly": "--setup-only",
}
_SHOWING_ARGS = frozenset(
    {*_SHOWING.values(), "-h", "--help", "-V", "--version", "--markers", "--cache-show"}
    | {"--co", "--collectonly", "--funcargs", "--setuponly", "--setupplan"}
)


def add_options(parser: pytest.Parser) -> None:
    """Declare options and their ini twins. Defaults stay ``None``, so that ini values count."""
    group = parser.getgroup("confmat", "gate a classifier on its confusion matrix")
    group.addoption(
        "--confmat",
        dest="confmat_every",
        action="store_true",
        default=None,
        help="gate every policy that is named, or found below the root directory, by its own model",
    )
    group.addoption(
        "--confmat-model",
        metavar="PATH",
        help="gate this model (.keras, .h5, SavedModel), whatever policy and ini file name; "
        f"'{NO_MODEL}': no gate",
    )
    group.addoption(
        "--confmat-unsafe-model",
        action="store_true",
        default=None,
        help="run what code the model file holds (Lambda layers, operations that reach out of a "
        "graph): only for a file you trust",
    )
    group.addoption(
        "--confmat-thresholds",
        metavar="FILE",
        action="append",
        help="the policy: which data, which classes, which limits; repeatable, one a data set; "
        f"default: {DEFAULT_POLICY} here or in the root directory; '{NO_POLICY}': tests in "
        "Python alone; a policy may also be named as an argument, as a test file is",
    )
    group.addoption(
        "--confmat-data",
        metavar="PATH",
        help="where the evaluation set is, instead of where the policy says",
    )
    group.addoption(
        "--confmat-batch-size",
        metavar="N",
        help="examples a batch; default: a rule of the input's size",
    )
    group.addoption(
        "--confmat-report",
        metavar="DIR",
        help="write report.html, confmat.json and what else shows the result there",
    )
    group.addoption(
        "--confmat-look",
        action="store_true",
        default=None,
        help="evaluate and report, and judge nothing: the policy needs no thresholds, and its own "
        "are left out",
    )
    group.addoption(
        "--confmat-thumbnails",
        metavar="N",
        help="put pictures of at most N misclassified examples into the report: whoever gets the "
        "report gets them; 0 (default): none, unless the policy asks for some",
    )
    group.addoption(
        "--confmat-manifest",
        metavar="FILE",
        help="compare the evaluation set with this manifest; written by the first run",
    )
    group.addoption(
        "--confmat-baseline",
        metavar="PATH",
        help="compare with this stored evaluation; default: what the policy names",
    )
    group.addoption(
        "--confmat-reference",
        metavar="PATH",
        help="compare with this model, evaluated in the same pass: what a conversion costs; "
        "default: what the policy names",
    )
    group.addoption(
        "--confmat-save-baseline",
        metavar="PATH",
        help="store the evaluation of a model that passes there, as what later ones are "
        "compared with",
    )
    group.addoption(
        "--confmat-cache",
        metavar="HOW",
        help="on (default): an evaluation is recalled if nothing it depends on changed; verify: "
        "and every file is read to be sure; off: it is computed anew",
    )
    group.addoption(
        "--confmat-shard",
        metavar="I/N",
        help="evaluate the I-th of N shares of the set's parts, write them to --confmat-parts, and "
        "judge nothing",
    )
    group.addoption(
        "--confmat-parts",
        metavar="DIR",
        help="where --confmat-shard writes its parts",
    )
    group.addoption(
        "--confmat-merge",
        metavar="DIR",
        action="append",
        help="judge the parts that all shards wrote there, and evaluate nothing; repeatable",
    )
    group.addoption(
        "--confmat-init",
        nargs="?",
        const="",
        action="append",
        metavar="KEYS",
        help=f"write a {DEFAULT_POLICY} for --confmat-model and --confmat-data, in place of a test "
        "run; KEYS: what the data cannot say, as in a policy's dataset, such as 'rescale: 1/255' "
        "or 'rescale: 1/255, color_mode: rgb'; repeatable",
    )
    group.addoption(
        "--confmat-tighten",
        nargs="?",
        const="",
        metavar="force",
        help="after a gate that passed, raise the limits that the model beats beyond noise; not in "
        "CI, unless forced",
    )
    parser.addini("confmat_model", "as --confmat-model, relative to this file", default=None)
    parser.addini("confmat_thresholds", "as --confmat-thresholds, one a line", type="linelist")
    parser.addini("confmat_batch_size", "as --confmat-batch-size", default=None)
    parser.addini("confmat_report", "as --confmat-report, relative to this file", default=None)
    parser.addini("confmat_thumbnails", "as --confmat-thumbnails", default=None)
    parser.addini("confmat_manifest", "as --confmat-manifest, relative to this file", default=None)
    parser.addini("confmat_baseline", "as --confmat-baseline, relative to this file", default=None)
    parser.addini(
        "confmat_reference", "as --confmat-reference, relative to this file", default=None
    )
    parser.addini("confmat_cache", "as --confmat-cache", default=None)


def asks_for_gate(config: pytest.Config, options: Namespace | None = None) -> bool:
    """Whether the run asks for a gate. Cheap: runs in every pytest of every project.

    An option or an ini line counts even if its value is empty, as a CI variable that is not set
    leaves it: settings.py then says what is wrong. `options` are those of `config`, which has none
    yet while pytest starts.
    """
    options = config.option if options is None else options
    if options.confmat_model == NO_MODEL:
        return False
    names = (
        *("every", "model", "unsafe_model", "thresholds", "data", "batch_size", "report"),
        *("manifest", "baseline", "save_baseline", "cache", "tighten", "thumbnails", "look"),
        *("shard", "parts", "merge", "reference"),
    )
    if any(getattr(options, f"confmat_{name}") is not None for name in names):
        return True
    return config.getini("confmat_model") not in (None, NO_MODEL) or _names_policy(config, options)


def _names_policy(config: pytest.Config, options: Namespace) -> bool:
    """Whether an argument is the path of a policy, or the id of an item in one."""
    paths = (str(argument).partition("::")[0] for argument in options.file_or_dir)
    if not any(path.endswith((".yaml", ".yml")) for path in paths):
        return False
    from pytest_confmat.plugin.policies import named_policies

    return bool(named_policies(map(str, options.file_or_dir), config.invocation_params.dir))


def report_in(args: Sequence[str]) -> str | None:
    """Return the folder that arguments name for the report, if they ask pytest to run tests.

    To be called before pytest parses them, which may fail.
    """
    if any(arg in _SHOWING_ARGS or arg.startswith("--confmat-init") for arg in args):
        return None
    given = option_values(args)
    return next((value for option, value in given if option == "--confmat-report"), None)


def option_values(args: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each argument that may be an option, with the value it has then."""
    for arg, following in pairwise((*args, "")):
        option, is_joined, value = arg.partition("=")
        yield option, value if is_joined else following


def has_no_session(options: Namespace) -> bool:
    """Whether pytest shows something in place of a session, such as its help."""
    return any(getattr(options, name, None) for name in _NO_SESSION)


def only_shows(options: Namespace) -> str | None:
    """Return the option by which pytest shows something and runs no test; ``None``: it runs."""
    shown = (option for name, option in _SHOWING.items() if getattr(options, name, None))
    return next(shown, None)


def runs_tests(options: Namespace) -> bool:
    """Whether pytest runs tests, rather than showing something or writing a policy."""
    writes = options.confmat_init is not None
    return not (writes or has_no_session(options) or only_shows(options))

"""A repository with two models, three policies, ordinary tests and an ini file: what a call gates.

Every row of the table is a command line, with the exit status and what the run must say.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.makers import png, tree

POLICIES = {
    "thresholds.yaml": "accuracy: 0.5",
    "gates/shapes/thresholds.yaml": "recall: 0.5",
    "gates/colors/thresholds.yml": "accuracy: 0.5",
}
MODELS = {"gates/shapes/thresholds.yaml": "a", "gates/colors/thresholds.yml": "b"}
INI = "[pytest]\nconfmat_model = models/a.keras\ntestpaths = tests\nmarkers = slow: takes long\n"
TESTS = {
    "tests/test_own.py": "def test_own(confmat): assert confmat.matrix.total == 6\n",
    "tests/unit/test_add.py": "def test_add(): assert 1 + 1 == 2\n",
    "tests/test_evaluates.py": "def test_evaluates(confmat_evaluator):\n"
    "    data = [([[0.9, 0.1]], [0])]\n"
    "    confmat_evaluator(lambda scores: scores, data, classes=['a', 'b'])\n",
    "gates/shapes/test_near.py": "def test_near(confmat): assert confmat.classes[0] == 'circle'\n",
}
# What a gate comes to: models predict one class alone, a the first one and b the second.
ROOT = "thresholds.yaml  models/{}.keras  passed  1 limit on 6 examples"
SHAPES = "gates/shapes/thresholds.yaml  models/{}.keras  BLOCKED  1 of 2 limits failed: recall[{}]"
COLORS = "gates/colors/thresholds.yml  models/{}.keras  passed  1 limit on 6 examples"


@dataclass(frozen=True)
class Call:
    """A command line, and what must come of it."""

    args: str
    status: int
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ("Traceback",)
    ini: bool = True
    place: str = "."


PASSED, BLOCKED = "confmat: passed  1 limit on 6 examples", "confmat: BLOCKED  1 of 2 limits failed"
NOT_GATED = "confmat: thresholds.yaml is not gated: "
NAMES_OTHERS = f"{NOT_GATED}this run names other tests; to gate it, name it or add"
CHOOSES_OTHERS = f"{NOT_GATED}-k or -m select none of its limits; to gate it"
NO_GATE = ("confmat:", "Traceback")
CALLS = (
    # The ini file's model gates a run of everything, and of what covers the policy.
    Call("", 0, ("confmat: model models/a.keras (confmat_model in pytest.ini)", PASSED)),
    Call(".", 1, (PASSED, "test_near")),
    Call("-n 2", 0, (PASSED,)),
    Call("thresholds.yaml", 0, (PASSED, "2 passed")),
    Call("thresholds.yaml::accuracy", 0, (PASSED, "1 passed")),
    Call("-m 'not slow'", 0, (PASSED,)),
    Call("-k 'add or accuracy'", 0, (PASSED,)),
    Call("", 0, (PASSED,), place="sub"),
    # It is no order to gate a run of other tests.
    Call("tests/unit/test_add.py", 0, (NAMES_OTHERS, "1 passed"), ("limit on",)),
    Call("tests/unit/test_add.py::test_add", 0, (NAMES_OTHERS, "1 passed"), ("limit on",)),
    Call("tests/unit -n 2", 0, (NAMES_OTHERS, "1 passed"), ("limit on",)),
    Call("-q tests/unit", 0, (NAMES_OTHERS,), ("limit on",)),
    Call("-k add", 0, (CHOOSES_OTHERS, "1 passed"), ("BLOCKED", "INCOMPLETE")),
    Call("-k add -n 2", 0, (CHOOSES_OTHERS, "1 passed"), ("BLOCKED", "INCOMPLETE")),
    Call("-m slow", 5, (CHOOSES_OTHERS,), ("BLOCKED",)),
    Call("tests/test_own.py", 0, (NAMES_OTHERS, "1 passed"), ("limit on",)),
    Call("../tests/unit", 0, ("is not gated: this run names other tests",), place="sub"),
    Call("gates/shapes/test_near.py", 1, (NAMES_OTHERS, "1 failed")),
    Call("--deselect thresholds.yaml", 1, ("confmat: BLOCKED  1 of 1 limit not checked",)),
    # On the command line it is.
    Call("tests/unit --confmat-model models/b.keras", 0, ("model models/b.keras", PASSED)),
    Call("tests/unit --confmat-cache=on", 0, (PASSED,)),
    Call("-k add --confmat-model=models/a.keras", 1, ("confmat: BLOCKED  1 of 1 limit not",)),
    # A policy that is named is the policy, and its model goes before the ini file's.
    Call("gates/shapes/thresholds.yaml", 1, ("models/a.keras (model in thresh", BLOCKED)),
    Call("gates/shapes/thresholds.yaml::recall[circle]", 0, ("INCOMPLETE  1 of 2 limits passed",)),
    Call("shapes/thresholds.yaml::recall[square]", 1, ("recall[square]",), place="gates"),
    Call("gates/colors/thresholds.yml", 0, ("models/b.keras (model in thresholds.yml)", PASSED)),
    Call("gates/colors/thresholds.yml -n 2", 0, (PASSED,)),
    Call("gates/colors/thresholds.yml tests/unit", 0, (PASSED, "3 passed")),
    Call(
        "gates/colors/thresholds.yml --confmat-model=models/a.keras", 0, ("a.keras (--conf", PASSED)
    ),
    Call(
        "gates/colors/thresholds.yml gates/shapes/thresholds.yaml",
        1,
        (SHAPES.format("a", "square"), COLORS.format("b")),
    ),
    Call("thresholds.yml", 0, (PASSED,), place="gates/colors"),
    # A folder stands for a policy only if it holds one directly.
    Call(
        "gates/colors --confmat-model=models/b.keras",
        4,
        (
            "it is not clear which policy is meant: a folder on the command line holds "
            "gates/colors/thresholds.yml, and a run that names none is gated by thresholds.yaml",
        ),
    ),
    Call("gates --confmat-model=models/b.keras", 1, ("confmat: policy thresholds.yaml (default)",)),
    Call("colors --confmat-model=../models/b.keras", 4, ("not clear which policy",), place="gates"),
    Call("gates/colors", 5, (NAMES_OTHERS,)),
    # All of them, each by its own model.
    Call("--confmat", 1, (ROOT.format("a"), SHAPES.format("a", "square"), COLORS.format("b"))),
    Call("--confmat -n 2", 1, (ROOT.format("a"), SHAPES.format("a", "square"), COLORS.format("b"))),
    Call(
        "--confmat --confmat-model models/b.keras",
        1,
        (ROOT.format("b"), SHAPES.format("b", "circle"), COLORS.format("b")),
    ),
    Call("--confmat gates/colors", 0, (PASSED,), ("shapes", "gates\n")),
    Call("--confmat tests/unit", 1, (ROOT.format("a"),)),
    Call("--confmat --confmat-manifest m.tsv", 4, ("of one policy's data, and there are 3 pol",)),
    # A test belongs to the policy of its folder, or of the nearest one above.
    Call(
        "gates/shapes/thresholds.yaml gates/colors/thresholds.yml tests/test_own.py",
        1,
        (
            "there are 2 policies, and tests/test_own.py lies in no folder of theirs: "
            "gates/shapes/thresholds.yaml, gates/colors/thresholds.yml; put the test into the "
            "folder of one policy, name one policy on the command line, or use confmat_evaluator",
        ),
    ),
    Call(
        "gates/colors/thresholds.yml gates/shapes/thresholds.yaml::recall[circle] "
        "gates/shapes/test_near.py",
        0,
        ("4 passed",),
    ),
    Call("--confmat tests/test_own.py gates/shapes/test_near.py", 1, ("1 failed, 8 passed",)),
    Call("--confmat tests/test_own.py gates/shapes -n 2", 1, ("1 failed, 4 passed",)),
    # Turned off.
    Call("--confmat-model none", 0, ("2 passed, 1 skipped",), NO_GATE),
    Call("-o confmat_model=none", 0, ("2 passed, 1 skipped",), NO_GATE),
    Call(
        "--confmat-model=none --confmat-report=out",
        4,
        ("--confmat-model none turns the gate off, and --confmat-report is of one: leave one",),
    ),
    Call("--confmat-model none thresholds.yaml", 4, ("and thresholds.yaml is of one: leave one",)),
    Call("--confmat-thresholds none tests/test_evaluates.py", 0, ("1 passed",), ini=False),
    Call("--confmat-thresholds none tests/unit", 1, ("ERROR nothing was evaluated",)),
    Call("-o confmat_thresholds=none tests/unit", 0, ("1 passed",), ("nothing was",)),
    Call("-o confmat_thresholds=none -k add", 0, ("1 passed",), ("nothing was",)),
    Call("-o confmat_report=out --confmat-thresholds none -k evaluates", 0, ("1 passed",)),
    # Without an ini file.
    Call("", 0, ("2 passed, 2 skipped",), NO_GATE, ini=False),
    Call("gates/colors", 5, (), NO_GATE, ini=False),
    Call("gates/colors/thresholds.yml::accuracy", 0, (PASSED,), ini=False),
    Call("thresholds.yaml", 1, ("there is no model to judge: pass --confmat-model",), ini=False),
    Call(
        "--confmat",
        1,
        (
            SHAPES.format("a", "square"),
            COLORS.format("b"),
            "confmat: policy thresholds.yaml (found) is not gated: it names no model; write",
        ),
        ini=False,
    ),
    Call(
        "--confmat -q",
        1,
        ("confmat: policy thresholds.yaml (found) is not gated: it names no model; write",),
        ini=False,
    ),
    Call("--confmat --confmat-report=out", 1, (), ini=False),
    Call("--confmat", 4, ("no thresholds.yaml: name one",), ini=False, place="tests"),
)


class Repository:
    """The repository, with or without its ini file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, args: str, place: str = ".") -> tuple[int, str]:
        """Run pytest as its user does; return the exit status and what was said."""
        command = [sys.executable, "-m", "pytest", "-p", "no:hypothesispytest", *shlex.split(args)]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTEST_") and name != "CI"
        }
        environment["COLUMNS"] = "120"
        ended = subprocess.run(
            command,
            cwd=self.path / place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr


def build(path: Path) -> None:
    """Write the repository."""
    import keras

    for policy, limits in POLICIES.items():
        model = f"model: ../../models/{MODELS[policy]}.keras\n" if policy in MODELS else ""
        classes = ("circle", "square") if "shapes" in policy else ("cat", "dog")
        images = {f"{name}/{n}.png": png(n, (8, 8, 3)) for name in classes for n in range(3)}
        tree(path / Path(policy).parent / "data", images)
        text = f"version: 1\n{model}dataset: {{directory: data}}\nthresholds: {{{limits}}}\n"
        (path / policy).write_text(text)
    for name, code in TESTS.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
    (path / "models").mkdir()
    (path / "sub").mkdir()
    for name, favorite in (("a", [1.0, 0.0]), ("b", [0.0, 1.0])):
        layers = (
            keras.layers.Flatten(),
            keras.layers.Dense(2, "softmax", kernel_initializer="zeros"),
        )
        model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
        model.layers[-1].bias.assign(favorite)
        model.save(path / f"models/{name}.keras")


@pytest.fixture(scope="session")
def repositories(tmp_path_factory) -> dict[bool, Repository]:
    """The repository with its ini file and without, each evaluation of it in the cache."""
    path = tmp_path_factory.mktemp("aim") / "with"
    path.mkdir()
    build(path)
    (path / "pytest.ini").write_text(INI)
    found = Repository(path)
    for args in ("", " --confmat-model=models/a.keras", " --confmat-model=models/b.keras"):
        found.run(f"--confmat{args}")
    without = path.with_name("without")
    shutil.copytree(path, without, copy_function=shutil.copy2)
    (without / "pytest.ini").unlink()
    return {True: found, False: Repository(without)}


@pytest.mark.parametrize(
    "call",
    CALLS,
    ids=lambda call: f"{call.args}{'' if call.ini else ' (no ini file)'} {call.place}",
)
def test_a_command_line(repositories, call):
    status, said = repositories[call.ini].run(call.args, call.place)
    assert status == call.status, said
    shown = " ".join(said.split())
    for text in call.says:
        assert " ".join(text.split()) in shown
    for text in call.never:
        assert text not in said


def test_each_gate_has_a_report_of_its_own(repositories):
    repository = repositories[True]
    repository.run("--confmat --confmat-report=reports")
    found = sorted(
        path.relative_to(repository.path / "reports").parent.as_posix()
        for path in (repository.path / "reports").rglob("confmat.json")
    )
    assert found == [".", "gates/colors/thresholds", "gates/shapes/thresholds", "thresholds"]


def test_a_run_of_other_tests_leaves_the_report_alone(repositories):
    repository = repositories[True]
    (repository.path / "pytest.ini").write_text(f"{INI}confmat_report = kept\n")
    try:
        repository.run("")
        report = (repository.path / "kept/confmat.json").read_bytes()
        assert repository.run("tests/unit")[0] == 0
        assert (repository.path / "kept/confmat.json").read_bytes() == report
    finally:
        (repository.path / "pytest.ini").write_text(INI)


def test_a_model_that_is_not_there_stops_no_other_test(repositories):
    repository = repositories[True]
    args = "-o confmat_model=models/none.keras"
    assert repository.run(f"{args} tests/unit")[0] == 0
    status, said = repository.run(args)
    assert status == 4
    assert "ERROR: confmat_model in pytest.ini: there is no model " in said

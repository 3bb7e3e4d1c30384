from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = [
    *("tensorflow", "keras", "numpy", "scipy", "scipy.stats", "sklearn"),
    *("pydantic", "ruamel", "rich"),
]
SCRIPT = f"""
import pytest, sys
status = pytest.main(sys.argv[1:])
print("status", int(status), "imported", [name for name in {HEAVY} if name in sys.modules])
"""

# Of our own modules, those that pytest compiled anew to rewrite their asserts, and the others.
OURS = """
import pytest, sys
pytest.main(sys.argv[1:])
print(*sorted(
    name for name, module in sys.modules.items()
    if name.partition(".")[0] == "pytest_confmat"
    and "rewrite" in type(module.__loader__).__module__
))
print(sum(name.startswith("pytest_confmat.") for name in sys.modules))
"""


def run_script(project, script: str, *args: str) -> list[str]:
    command = [sys.executable, "-c", script, "-p", "no:hypothesispytest", *args]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def imported(project, *args: str) -> str:
    return run_script(project, SCRIPT, *args)[-1]


def test_a_run_that_asks_for_no_gate_imports_nothing_heavy(project):
    (project.path / "conftest.py").unlink()
    project.pytester.makepyfile("def test_plain(): pass")
    # After the summary, by which time everything that will be imported has been.
    assert imported(project) == "status 0 imported []"


def test_neither_does_asking_for_help(project):
    (project.path / "conftest.py").unlink()
    assert imported(project, "--help") == "status 0 imported []"


def test_a_gate_of_the_projects_own_objects_needs_no_tensorflow(project):
    line = imported(project, "--confmat-thresholds=thresholds.yaml")
    assert line.startswith("status 0")
    for name in ("tensorflow", "keras", "sklearn", "scipy.stats"):
        assert f"'{name}'" not in line


@pytest.mark.parametrize(("limit", "uses_scipy"), [("balanced_accuracy", False), ("recall", True)])
def test_scipy_is_imported_where_there_is_an_interval(project, limit, uses_scipy):
    project.policy(f"version: 1\nclasses: [cat, dog, fox]\nthresholds: {{{limit}: 0.1}}\n")
    line = imported(project, "--confmat-thresholds=thresholds.yaml")
    assert line.startswith("status 0")
    assert ("'scipy'" in line) == uses_scipy


def test_a_gate_imports_our_modules_from_their_byte_code(project):
    *_, rewritten, number = run_script(project, OURS, "--confmat-thresholds=thresholds.yaml")
    # In a fresh environment each of these is compiled once more; there were over a hundred.
    assert rewritten.split() == [
        *("pytest_confmat", "pytest_confmat.plugin", "pytest_confmat.plugin.byte_code")
    ]
    assert int(number) > 50

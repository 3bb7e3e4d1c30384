from __future__ import annotations

import subprocess
import sys

HEAVY = [
    *("tensorflow", "keras", "numpy", "scipy", "scipy.stats", "sklearn"),
    *("pydantic", "ruamel", "rich"),
]
SCRIPT = f"""
import pytest, sys
status = pytest.main(sys.argv[1:])
print("status", int(status), "imported", [name for name in {HEAVY} if name in sys.modules])
"""


def imported(project, *args: str) -> str:
    command = [sys.executable, "-c", SCRIPT, "-p", "no:hypothesispytest", *args]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


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

"""Damaged JPEGs among many stop the gate by name, however pytest is run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.faults.project import Project
from tests.support import jpegs

WARNING = "Corrupt JPEG data: premature end of data segment"
RUNS = {
    "no capture": ("-s",),
    "sys": ("--capture=sys",),
    "fd": ("--capture=fd",),
    "workers": ("-n2",),
    # pytest's own handler of crashes needs that stream, and without it pytest says nothing at all.
    "stderr closed": ("-s", "-p", "no:faulthandler"),
}


@pytest.mark.parametrize("name", RUNS)
def test_damaged_among_many(pytester, name):
    project = Project(pytester.path)
    project.images()
    for n in range(100):
        project.write(f"data/{('cat', 'dog')[n % 2]}/p{n:03}.jpg", jpegs.whole())
    project.write("data/cat/p030.jpg", jpegs.cut_short())
    project.write("data/dog/p071.jpg", jpegs.zeroed())
    command = [sys.executable, "-m", "pytest", "--confmat-model=m.keras", *RUNS[name]]
    closed = "2>&-" if name == "stderr closed" else ""
    found = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command, "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
        cwd=project.path,
    )
    assert found.returncode == 1, found.stdout + found.stderr
    said = " ".join(found.stdout.split())
    assert "2 of 106 examples cannot be used: fix them, or take them out of the set" in said
    for where in ("cat/p030.jpg", "dog/p071.jpg"):
        assert f"{where} is a damaged JPEG, and TensorFlow makes up some of its pixels: " in said
    lines = (found.stdout + found.stderr).splitlines()
    assert WARNING not in [line.strip() for line in lines]

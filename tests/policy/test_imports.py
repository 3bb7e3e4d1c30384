from __future__ import annotations

import subprocess
import sys


def test_reading_a_policy_imports_nothing_heavy() -> None:
    code = (
        "import sys, pytest_confmat.policy; "
        "heavy = {'tensorflow', 'keras', 'numpy', 'scipy', 'sklearn', 'pytest', '_pytest', "
        "'matplotlib'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_schema_is_printed_as_it_is_shipped() -> None:
    from pytest_confmat.policy import schema

    command = [sys.executable, "-W", "error", "-m", "pytest_confmat.policy.schema"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (schema.as_text(), "")

"""Attempts to walk around the gate: all end red, or green and said to be incomplete."""

from __future__ import annotations

import pytest

from tests.plugin.test_gate import WORKERS

# Command line -> exit status, and what the summary says where it is not red.
ATTEMPTS = {
    "--ignore=thresholds.yaml": 1,
    "--ignore-glob=*.yaml": 1,
    "--deselect=thresholds.yaml": 1,
    "--deselect=thresholds.yaml::recall[cat]": "INCOMPLETE",
    "-k=nothing_like_it": 1,
    "-k=evaluation": 1,
    "-k=accuracy": "INCOMPLETE",
    "-k=not recall": "INCOMPLETE",
    "-m=not confmat": 1,
    "-m=confmat": 0,
    "thresholds.yaml::evaluation": 1,
    "thresholds.yaml::accuracy": "INCOMPLETE",
    "tests": 0,
    "tests/test_a.py::test_a": 0,
    "--lf -k=accuracy": 1,
    "--lf": 1,
    "--ff": 0,
    "--sw": 1,
    "-x": 1,
    "--maxfail=1": 1,
    "--setup-plan": 1,
    "--setup-only": 1,
    "--noconftest": 1,
    "--rootdir=tests": 0,
    "--confcutdir=tests": 0,
    "-p=hides_items": 1,
    "-p=ignores_policies": 1,
    "-p=skips_items": 1,
    "-p=expects_failure": 1,
    "-p=kills_items": 1,
    "--collect-only": "nothing ran",
}
NEEDS_FAILURE = ("--lf", "--lf -k=accuracy", "--sw", "-x", "--maxfail=1")
NO_XDIST = ("--setup-plan", "--setup-only", "--collect-only", "--sw")
PLUGINS = {
    "hides_items": """
        def pytest_collection_modifyitems(items):
            items[:] = [i for i in items if "recall" not in i.name]
    """,
    "ignores_policies": """
        def pytest_ignore_collect(collection_path):
            return True if collection_path.suffix == ".yaml" else None
    """,
    "skips_items": """
        import pytest
        def pytest_runtest_setup(item):
            if "recall" in item.name:
                pytest.skip("not today")
    """,
    "expects_failure": """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.xfail(strict=False))
    """,
    "kills_items": """
        def pytest_pyfunc_call(pyfuncitem):
            return True if "recall" in pyfuncitem.name else None
    """,
}


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_ends_red_or_incomplete(project, attempt, workers):
    if workers and attempt in NO_XDIST:
        pytest.skip("xdist does not distribute such a run")
    for name, source in PLUGINS.items():
        project.pytester.makepyfile(**{name: source})
    tests = project.path / "tests"
    tests.mkdir()
    tests.joinpath("test_a.py").write_text(
        "import os\ndef test_a(): assert not os.path.exists('fail')\ndef test_b(): pass\n"
    )
    options = ["-p", "cacheprovider", *attempt.split(" ", 1)]
    if attempt.startswith(("-k=", "-m=")):
        options = ["-p", "cacheprovider", *attempt.split("=", 1)]
    if attempt == "--lf -k=accuracy":
        options = ["-p", "cacheprovider", "--lf", "-k", "accuracy or test_a"]
    run = ["--confmat-thresholds=thresholds.yaml", "-p", "no:hypothesispytest", *workers]
    if attempt == "-p=expects_failure":
        project.scores([[10, 10, 0], [2, 18, 0], [0, 0, 10]])
    if attempt in NEEDS_FAILURE:
        (project.path / "fail").touch()
        project.pytester.runpytest_subprocess(*run)
    if attempt in ("--lf", "--lf -k=accuracy"):
        (project.path / "fail").unlink()
    result = project.pytester.runpytest_subprocess(*run, *options)
    expected = ATTEMPTS[attempt]
    text = result.stdout.str()
    if expected == 1:
        assert result.ret != 0, text
        assert "confmat: passed" not in text
    elif expected == 0:
        assert result.ret == 0, text
        assert "confmat: passed" in text
    elif expected == "nothing ran":
        assert "confmat: passed" not in text
    else:
        assert result.ret == 0, text
        assert f"confmat: {expected}" in text

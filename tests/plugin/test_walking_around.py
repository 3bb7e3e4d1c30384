"""Attempts to walk around the gate: all end red, or green and said to be incomplete."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.gates import WORKERS

# What is tried -> what the summary says; "refused" is exit status 4, before anything is run.
ATTEMPTS = {
    "--ignore=thresholds.yaml": "BLOCKED",
    "--ignore-glob=*.yaml": "BLOCKED",
    "--deselect=thresholds.yaml": "BLOCKED",
    "--deselect=thresholds.yaml::recall[cat]": "INCOMPLETE",
    "-k nothing_like_it": "BLOCKED",
    "-k evaluation": "BLOCKED",
    "-k accuracy": "INCOMPLETE",
    "-k not recall": "INCOMPLETE",
    "-m not confmat": "BLOCKED",
    "-m confmat": "passed",
    "-m not slow": "passed",
    "thresholds.yaml::evaluation": "BLOCKED",
    "thresholds.yaml::accuracy": "INCOMPLETE",
    "tests": "passed",
    "tests/test_a.py::test_a": "passed",
    "--lf": "BLOCKED",
    "--lf -k accuracy or test_a": "BLOCKED",
    "--ff": "passed",
    "--sw": "INCOMPLETE, interrupted",
    "-x": "BLOCKED",
    "--maxfail=1": "BLOCKED",
    "--noconftest": "ERROR",
    "--confcutdir=tests": "ERROR",
    "-p hides_items": "BLOCKED",
    "-p hides_items -m not slow": "BLOCKED",
    "-p deselects_items": "BLOCKED",
    "-p deselects_items -m not slow": "BLOCKED",
    "-p deselects_items -k not test_a": "BLOCKED",
    "-p deselects_items --deselect=tests/test_a.py::test_a": "BLOCKED",
    "-p deselects_items -k not recall": "INCOMPLETE",
    "-p deselects_items thresholds.yaml::accuracy": "INCOMPLETE",
    "-p deselects_items thresholds.yaml::recall thresholds.yaml::accuracy": "BLOCKED",
    "-p hides_items thresholds.yaml::recall thresholds.yaml::accuracy": "BLOCKED",
    "-p ignores_policies": "BLOCKED",
    "-p sets_keyword": "BLOCKED",
    "-p sets_keyword -m not slow": "BLOCKED",
    "-p skips_items": "BLOCKED",
    "-p skips_items -m not slow": "BLOCKED",
    "-p skips_items -k not test_a": "BLOCKED",
    "-p expects_failure": "BLOCKED",
    "-p swallows_calls": "BLOCKED",
    "-p swallows_calls --deselect=tests/test_a.py::test_a": "BLOCKED",
    "-p no:confmat-session": "refused",
    "--confmat-model=": "refused",
    "--collect-only": "nothing ran",
    "--setup-plan": "nothing ran",
    "--setup-only": "nothing ran",
    "--fixtures": "nothing ran",
    "--fixtures-per-test": "nothing ran",
}
NEEDS_FAILURE = ("--lf", "--lf -k accuracy or test_a", "--sw", "-x", "--maxfail=1")
NO_XDIST = (*(attempt for attempt, said in ATTEMPTS.items() if said == "nothing ran"), "--sw")
PLUGINS = {
    "hides_items": """
        def pytest_collection_modifyitems(items):
            items[:] = [i for i in items if "recall" not in i.name]
    """,
    "deselects_items": """
        import pytest
        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(items, config):
            config.hook.pytest_deselected(items=[i for i in items if "recall" in i.name])
            items[:] = [i for i in items if "recall" not in i.name]
    """,
    "ignores_policies": """
        def pytest_ignore_collect(collection_path):
            return True if collection_path.suffix == ".yaml" else None
    """,
    "sets_keyword": """
        def pytest_configure(config):
            config.option.keyword = "not recall"
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
    "swallows_calls": """
        def pytest_pyfunc_call(pyfuncitem):
            return True if "recall" in pyfuncitem.name else None
    """,
}


def arguments(attempt: str) -> list[str]:
    """Split a command line where an option that takes a value begins."""
    return re.split(r"(?<=^-[kmp]) | (?=-)|(?<= -[kmp]) | (?=thresholds)", attempt)


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_ends_red_or_incomplete(project, attempt, workers):
    if workers and attempt in NO_XDIST:
        pytest.skip("xdist does not distribute such a run")
    project.pytester.makeini("[pytest]\nmarkers = slow: takes its time\n")
    for name, source in PLUGINS.items():
        project.pytester.makepyfile(**{name: source})
    tests = project.path / "tests"
    tests.mkdir()
    tests.joinpath("test_a.py").write_text(
        "import os\ndef test_a(): assert not os.path.exists('fail')\ndef test_b(): pass\n"
    )
    if "expects_failure" in attempt:
        project.scores([[10, 10, 0], [2, 18, 0], [0, 0, 10]])
    run = ["--confmat-thresholds=thresholds.yaml", "-p", "no:hypothesispytest", *workers]
    if attempt in NEEDS_FAILURE:
        (project.path / "fail").touch()
        project.pytester.runpytest_subprocess(*run)
    if attempt.startswith("--lf"):
        (project.path / "fail").unlink()
    result = project.pytester.runpytest_subprocess(*run, *arguments(attempt))
    text, expected = result.stdout.str(), ATTEMPTS[attempt]
    if workers and attempt in ("-x", "--maxfail=1"):
        expected = "INCOMPLETE, interrupted"  # as xdist ends such a run
    if expected in ("passed", "INCOMPLETE"):
        assert result.ret == 0, text
    elif expected == "refused":
        assert result.ret == 4, text
    elif expected != "nothing ran":
        assert result.ret in (1, 2), text
    else:
        assert f"confmat: no limit is checked: {attempt} runs no test" in text
    said = re.findall(r"^confmat: (passed|BLOCKED|INCOMPLETE|ERROR)", text, re.MULTILINE)
    if expected.endswith("interrupted") and said == ["passed"]:
        expected = "passed"  # the other worker was done before the run was
    assert said == ([] if expected in ("refused", "nothing ran") else [expected.split(",")[0]]), (
        text
    )


def test_a_folder_that_is_no_class_is_still_searched_for_tests(project):
    for name in ("cat", "dog", "fox", "tests"):
        (project.path / "set" / name).mkdir(parents=True)
    (project.path / "set/tests/test_fails.py").write_text("def test_fails(): assert False\n")
    (project.path / "set/cat/test_cat.py").write_text("def test_cat(): pass\n")
    project.policy(
        "version: 1\ndataset: {directory: set, ignore: [tests]}\nthresholds: {accuracy: 0.5}\n"
    )
    result = project.run()
    assert result.ret == 1
    result.assert_outcomes(passed=2, failed=1)
    # Of the folders of a class, those that were asked for.
    project.run("set/cat").assert_outcomes(passed=3)


def test_an_id_beside_a_folder_excuses_nothing_that_the_folder_holds(project):
    project.pytester.makepyfile(swallows_calls=PLUGINS["swallows_calls"])
    result = project.run(".", "thresholds.yaml::accuracy", "-p", "swallows_calls")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["confmat: BLOCKED  3 of 5 limits not checked*"])


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("attempt", "said"),
    {
        "-p deselects_items": "3 limits not checked: deselected by a plugin or conftest "
        "(deselects_items): keep the gate in one shard",
        "-p hides_items": "3 limits not checked: taken off the list of tests by a plugin or "
        "conftest: keep the gate in one shard",
        "-p swallows_calls": "3 limits not checked: no verdict: skipped, not reached, or run by a "
        "plugin in another way",
        "--ignore=thresholds.yaml": "5 limits not checked: not collected, as with --ignore, --lf "
        "or a plugin",
        "-k nothing_like_it": "5 limits not checked: left out by -k, -m, --deselect or node ids, "
        "which left no limit to check",
    }.items(),
)
def test_a_blocked_run_says_how_limits_came_to_be_unchecked(project, attempt, said, workers):
    for name, source in PLUGINS.items():
        project.pytester.makepyfile(**{name: source})
    result = project.run(*arguments(attempt), "--confmat-report=out", *workers)
    assert result.ret == 1
    document = json.loads((project.path / "out/confmat.json").read_text())
    assert said in document["notes"]
    assert f"note: {said}" in " ".join(result.stdout.str().split())


def test_what_ran_last_time_is_no_choice_of_limits(project):
    (project.path / "test_a.py").write_text("def test_a(): assert False\n")
    run = ["--confmat-thresholds=thresholds.yaml", "-p", "no:hypothesispytest"]
    project.pytester.runpytest_subprocess(*run, "-k", "test_a or accuracy")
    result = project.pytester.runpytest_subprocess(*run, "--lf", "-k", "test_a or accuracy")
    assert result.ret == 1
    assert "confmat: BLOCKED  5 of 5 limits not checked" in result.stdout.str()

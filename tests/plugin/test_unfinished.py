"""An evaluation that does not finish: begun once, told with its reason, and never green."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.support.gates import RED, WORKERS

# In the place of the first batch of the data, or of what a fixture returns.
ENDS = {
    "a time-out": (
        "import time; time.sleep(600)",
        "the evaluation did not finish: Timeout (>5.0s) from pytest-timeout.",
    ),
    "pytest.fail": (
        "import pytest; pytest.fail('no batch')",
        "the evaluation did not finish: no batch",
    ),
    "pytest.skip": (
        "import pytest; pytest.skip('no GPU')",
        "the evaluation was skipped: no GPU; so no limit was checked",
    ),
    "SkipTest": (
        "import unittest; raise unittest.SkipTest('no GPU')",
        "the evaluation was skipped: no GPU; so no limit was checked",
    ),
    "pytest.xfail": (
        "import pytest; pytest.xfail('slow')",
        "the evaluation ended in pytest.xfail: slow; so no limit was checked",
    ),
    "sys.exit": (
        "import sys; sys.exit(0)",
        "the evaluation did not finish: SystemExit: 0",
    ),
}
PLACES = {"data": "        for actual, row", "fixture": "    return Recorded()"}


def broken(project, place: str, code: str) -> None:
    """Have `code` run while the data are read, or before a fixture returns; count how often."""
    conftest = project.path / "conftest.py"
    begin = PLACES[place]
    indent = begin[: len(begin) - len(begin.lstrip())]
    text = conftest.read_text()
    assert text.count(begin) == 1
    code = f"{indent}open('begun', 'a').write('x')\n{indent}{code}\n"
    conftest.write_text(text.replace(begin, code + begin))


def report(project, folder: str = "out") -> dict:
    return json.loads((project.path / folder / "confmat.json").read_text())


def times_begun(project) -> int:
    return len((project.path / "begun").read_text())


CASES = [
    *((end, "data", ()) for end in ENDS if end != "SkipTest"),
    *((end, "fixture", ()) for end in ENDS if end not in ("pytest.fail", "sys.exit")),
    ("a time-out", "data", ("-n", "2")),
    ("pytest.skip", "fixture", ("-n", "2")),
]


def unchecked(result) -> int:
    """Return how many items failed, most of them because something else did."""
    counts = result.parseoutcomes()
    assert "passed" not in counts
    return counts["failed"] + counts["not"]  # "5 not checked"


@pytest.mark.parametrize(("end", "place", "workers"), CASES)
def test_an_end_is_remembered_with_its_reason(project, end, place, workers):
    code, reason = ENDS[end]
    broken(project, place, code)
    timeout = ["--timeout=5"] if end == "a time-out" else []
    result = project.run("--confmat-report=out", *timeout, *workers)
    assert result.ret == 1
    assert unchecked(result) == 6
    # Workers share an evaluation, and have fixtures of their own.
    assert times_begun(project) <= (2 if workers and place == "fixture" else 1)
    document = report(project)
    assert (document["outcome"], document["error"]) == ("error", reason)
    assert len(document["unchecked"]) == 5
    result.stdout.fnmatch_lines(["confmat: ERROR*"])


def test_a_limit_run_alone_tells_the_end_too(project):
    broken(project, "fixture", "1 / 0")
    result = project.run("--confmat-report=out", "thresholds.yaml::accuracy")
    assert result.ret == 1
    # The project's own code is to blame, so that its traceback is shown.
    result.stdout.fnmatch_lines(["conftest.py:*: ZeroDivisionError"])
    assert report(project)["error"] == (
        "the evaluation did not finish: ZeroDivisionError: division by zero"
    )


def test_a_test_in_python_does_not_begin_it_again(project):
    project.pytester.makepyfile("def test_a(confmat): pass\ndef test_b(confmat): pass")
    broken(project, "data", "import pytest; pytest.fail('no batch')")
    result = project.run()
    assert unchecked(result) == 6
    assert result.parseoutcomes()["errors"] == 2
    assert times_begun(project) == 1


@pytest.mark.parametrize("end", ["KeyboardInterrupt", "pytest.exit('enough', 0)"])
def test_what_ends_the_session_is_no_result(project, end):
    broken(project, "data", f"import pytest; raise {end}")
    result = project.run("--confmat-report=out")
    assert result.ret != 0
    assert times_begun(project) == 1
    assert report(project)["outcome"] != "passed"


def test_a_process_that_is_gone_at_once_leaves_no_report_that_passed(project):
    assert project.run("--confmat-report=out").ret == 0
    broken(project, "data", "import time; time.sleep(600)")
    result = project.run("--confmat-report=out", "--timeout=5", "--timeout-method=thread")
    assert result.ret == 1
    assert report(project)["outcome"] == "incomplete"
    assert not (project.path / "out/confmat.png").exists()


@pytest.mark.parametrize(
    ("death", "place"),
    [("os._exit(3)", "data"), ("os.kill(os.getpid(), signal.SIGKILL)", "fixture")],
    ids=["exit", "kill"],
)
def test_workers_that_die_are_replaced_once(project, death, place):
    broken(project, place, f"import os, signal; {death}")
    result = project.run("-n", "1", "--confmat-report=out")
    assert result.ret == 1
    assert times_begun(project) == 2
    document = report(project)
    assert document["outcome"] == "error"
    assert document["error"].startswith("the worker died twice during the evaluation")
    assert len(document["unchecked"]) == 5


def test_a_worker_that_dies_once_costs_one_item(project):
    broken(project, "data", "import os; len(open('begun').read()) > 1 or os._exit(3)")
    result = project.run("-n", "1", "--confmat-report=out")
    assert result.ret == 1
    assert times_begun(project) == 2
    result.assert_outcomes(passed=5, failed=1)
    assert report(project)["error"] is None


def test_a_model_that_kills_its_workers(project):
    conftest = project.path / "conftest.py"
    text = conftest.read_text().replace(
        "return lambda scores: scores",
        "import os\n    return lambda scores: open('begun', 'a').write('x') and os._exit(3)",
    )
    conftest.write_text(text)
    result = project.run("-n", "2", "--confmat-report=out")
    assert result.ret == 1
    assert times_begun(project) == 2
    assert report(project)["error"].startswith("the worker died twice during the evaluation")


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_limits_are_not_forked(project, workers):
    project.scores(RED)
    result = project.run("--forked", "--confmat-report=out", *workers)
    assert result.ret == 1
    result.assert_outcomes(passed=4, failed=2)
    assert project.passes == 1
    assert report(project)["outcome"] == "failed"
    assert report(project)["unchecked"] == []


@pytest.mark.parametrize("reruns", ["--reruns=2", "--force-reruns=2"])
def test_limits_are_not_run_again(project, reruns):
    project.scores(RED)
    project.pytester.makepyfile(
        """
        from pathlib import Path

        def test_flaky():
            Path("tried").open("a").write("x")
            assert Path("tried").read_text() == "xx"
        """
    )
    result = project.run(reruns, "--junitxml=out.xml", "-o", "junit_family=xunit1")
    result.assert_outcomes(passed=5, failed=2)
    assert "1 rerun" in result.stdout.str()
    names: list[str | None] = []
    for case in ET.parse(project.path / "out.xml").iter("testcase"):
        names.append(case.get("name"))
        properties = [entry.get("name") for entry in case.iter("property")]
        assert len(properties) == len(set(properties))
    assert names.count("recall[cat]") == 1


UNDECIDED = """\
version: 1
classes: [cat, dog, fox]
evidence: {rule: proven, undecided: warn}
thresholds:
  recall: 0.9
"""


@pytest.mark.parametrize(
    ("option", "shown", "workers"),
    [("-Werror", True, ()), ("-Werror", True, ("-n", "2")), ("-Wignore", False, ())],
)
def test_what_a_policy_warns_of_fails_no_limit(project, option, shown, workers):
    project.policy(UNDECIDED)
    result = project.run(option, "--confmat-report=out", *workers)
    assert result.ret == 0, result.stdout.str()
    assert result.parseoutcomes() == {"passed": 4, **({"warnings": 3} if shown else {})}
    document = report(project)
    assert document["outcome"] == "passed"
    assert {verdict["outcome"] for verdict in document["verdicts"]} == {"undecided"}
    assert ("PytestWarning: " in result.stdout.str()) == shown


def test_warnings_that_are_errors_in_the_ini_file(project):
    project.pytester.makeini("[pytest]\nfilterwarnings = error\n")
    project.policy(UNDECIDED)
    assert project.run().ret == 0

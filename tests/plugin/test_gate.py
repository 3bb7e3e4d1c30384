from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from pytest_confmat.report.folder import REPORT_FILES
from tests.support.gates import RED, WORKERS


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_limits_that_hold_end_green(project, workers):
    result = project.run("-v", *workers)
    result.assert_outcomes(passed=6)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*confmat: passed*"])
    assert project.passes == 1


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_limit_that_does_not_hold_ends_red_and_says_why(project, workers):
    project.scores(RED)
    result = project.run(*workers)
    assert result.ret == 1
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "recall of 'cat' is 0.8000, below 0.9      thresholds.yaml:6",
            "  16 of 20 recognized; 18 were needed",
            "  predicted as   dog 4 (20.0 %)",
            "  highest-confidence errors   [#]*",
        ]
    )
    result.stdout.fnmatch_lines(["*confmat: BLOCKED*"])
    # No traceback, nothing of the plugin's own code.
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*collection.py*")
    assert project.passes == 1


def test_items_are_named_by_limit_and_come_last(project):
    project.pytester.makepyfile(test_zebra="def test_z(): pass")
    result = project.run("-v")
    ran = [line.split(" ")[0] for line in result.outlines if " PASSED " in line]
    assert ran == [
        "test_zebra.py::test_z",
        "thresholds.yaml::evaluation",
        "thresholds.yaml::accuracy",
        "thresholds.yaml::recall[cat]",
        "thresholds.yaml::recall[dog]",
        "thresholds.yaml::recall[fox]",
        "thresholds.yaml::confusions[*]",
    ]


def test_without_being_asked_nothing_is_collected(project):
    project.pytester.makepyfile("def test_plain(): pass")
    result = project.run("-v", gate=False)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*thresholds.yaml*")


def test_limits_are_collected_whatever_paths_are_named(project):
    project.pytester.mkpydir("tests").joinpath("test_a.py").write_text("def test_a(): pass")
    result = project.run("tests")
    result.assert_outcomes(passed=7)
    assert project.run("tests/test_a.py", "thresholds.yaml").parseoutcomes() == {"passed": 7}
    assert project.run(".", "tests").parseoutcomes() == {"passed": 7}


def test_one_limit_alone_is_evaluated_and_said_to_be_incomplete(project):
    result = project.run("-v", "thresholds.yaml::recall[cat]")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*confmat: INCOMPLETE*"])
    assert project.passes == 1


def test_marker_and_strict_markers(project):
    result = project.run("--strict-markers", "-m", "confmat")
    assert result.ret == 0
    result.assert_outcomes(passed=6)
    assert "confmat" in project.pytester.runpytest_subprocess("--markers").stdout.str()


def test_collect_only_evaluates_nothing(project):
    result = project.run("--collect-only", "-q")
    assert result.ret == 0
    assert project.passes == 0
    result.stdout.fnmatch_lines(["thresholds.yaml::recall?cat?"])


def test_the_header_says_what_and_from_where(project):
    result = project.run("--collect-only", "--confmat-batch-size=7")
    result.stdout.fnmatch_lines(
        [
            "confmat: model from the fixture confmat_model",
            "confmat: policy thresholds.yaml (--confmat-thresholds), 5 limits, 3 classes, "
            "data from the fixture confmat_dataset",
            "confmat: batch size 7 (--confmat-batch-size)",
        ]
    )


def test_a_class_without_examples_is_never_green(project):
    project.policy("version: 1\nclasses: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n")
    project.scores([[19, 1, 0], [2, 18, 0], [0, 0, 0]])
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["1 of 3 classes have no example among 40: 'fox'; nothing can be said about them. *"]
    )
    # Neither does leaving the item out that would say so.
    result = project.run("-k", "accuracy")
    assert result.ret == 1


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_behind_a_failed_evaluation_limits_say_not_checked(project, workers):
    project.scores([[19, 1, 0], [2, 18, 0], [0, 0, 10], [0, 0, 1]])
    result = project.run("-v", "--junitxml=out.xml", *workers)
    assert result.ret == 1
    text = result.stdout.str()
    assert text.count("NOT CHECKED") == 5
    assert "1 failed, 5 not checked in " in text
    # Told by the item that evaluates, and by no limit.
    failures = text[text.index("= FAILURES =") : text.index("confmat thresholds.yaml")]
    assert failures.count("label 3 is none of the 3 classes (0 to 2)") == 1
    assert "see evaluation" not in text
    # pytest cuts the line, but not where CI is set.
    (failed,) = [line for line in result.outlines if line.startswith("FAILED")]
    assert failed.startswith(
        "FAILED thresholds.yaml::evaluation - 1 of 51 examples cannot be used:"
    )
    assert "During handling" not in text
    result.stdout.fnmatch_lines(["*confmat: ERROR*"])
    assert project.passes == 1
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").iter("testcase")}
    told = {name: case.find("failure").get("message") for name, case in cases.items()}
    assert told.pop("evaluation").startswith("1 of 51 examples cannot be used: ")
    assert set(told.values()) == {"not checked: see evaluation"}
    assert len(told) == 5


def test_where_no_item_evaluates_one_limit_tells_the_fault(project):
    project.scores([[19, 1, 0], [2, 18, 0], [0, 0, 10], [0, 0, 1]])
    result = project.run("-k", "recall", "--junitxml=out.xml")
    assert result.ret == 1
    text = result.stdout.str()
    assert "1 failed, 3 deselected, 2 not checked in " in text
    failures = text[text.index("= FAILURES =") : text.index("confmat thresholds.yaml")]
    assert failures.count("label 3 is none of the 3 classes (0 to 2)") == 1
    messages = [failure.get("message") for failure in ET.parse("out.xml").iter("failure")]
    assert messages[1:] == ["not checked: see recall[cat]"] * 2


@pytest.mark.parametrize("chosen", [(), ("-k", "recall")], ids=["all", "limits"])
@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_the_report_lists_all_examples_that_cannot_be_used(project, workers, chosen):
    project.scores([[19, 1, 0], [2, 18, 0], [0, 0, 10], [0, 0, 25]])
    result = project.run("--confmat-report=out", *workers, *chosen)
    assert result.ret == 1
    document = json.loads((project.path / "out/confmat.json").read_text())
    assert document["outcome"] == "error"
    reason = "label 3 is none of the 3 classes (0 to 2)"
    assert document["faults"] == [
        {"id": f"#{n}", "reason": reason, "class": None} for n in range(50, 75)
    ]
    result.stdout.fnmatch_lines(
        ["  and 5 more", "  confmat.json lists all 25 of them: --confmat-report DIR"]
    )


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_line_of_the_short_summary_begins_with_the_numbers(project, workers, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    folder = "policies/of/the/team"
    project.policy((project.path / "thresholds.yaml").read_text(), f"{folder}/limits.yaml")
    (project.path / "thresholds.yaml").unlink()
    project.scores(RED)
    path = f"{folder}/limits.yaml"
    result = project.run(f"--confmat-thresholds={path}", "--junitxml=out.xml", *workers, gate=False)
    assert sorted(line for line in result.outlines if line.startswith("FAILED")) == [
        f"FAILED {path}::accuracy - 0.8800, below 0.9: accuracy",
        f"FAILED {path}::recall[cat] - 0.8000, below 0.9: rec...",
    ]
    # The block says it in full, with the policy's folder.
    located = f"recall of 'cat' is 0.8000, below 0.9      {path}:6"
    result.stdout.fnmatch_lines([located])
    failures = {
        f.get("message"): f.text for f in ET.parse(project.path / "out.xml").iter("failure")
    }
    assert failures["0.8000, below 0.9: recall of 'cat'"].splitlines()[0] == located


def test_a_limit_run_alone_tells_the_fault_itself(project):
    project.scores([[19, 1, 0], [2, 18, 0], [0, 0, 10], [0, 0, 1]])
    result = project.run("thresholds.yaml::accuracy")
    assert result.ret == 1
    assert "label 3 is none of the 3 classes (0 to 2)" in result.stdout.str()


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_crash_in_the_projects_own_fixture_is_told_once(project, workers):
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace("return Recorded()", "open('calls', 'a').write('x'); 1 / 0")
    )
    result = project.run(*workers)
    assert result.ret == 1
    assert "ZeroDivisionError" in result.stdout.str()
    # Each worker has fixtures of its own.
    assert re.search("2 failed, 4|1 failed, 5", result.outlines[-1])
    assert " not checked in " in result.outlines[-1]
    assert len((project.path / "calls").read_text()) <= (2 if workers else 1)


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_the_report_is_written_by_one_and_tells_the_outcome(project, workers):
    project.scores(RED)
    project.run("--confmat-report=out", *workers)
    document = json.loads((project.path / "out/confmat.json").read_text())
    assert document["outcome"] == "failed"
    assert document["matrix"] == RED
    outcomes = {verdict["id"]: verdict["outcome"] for verdict in document["verdicts"]}
    assert outcomes == {
        "accuracy": "failed",
        "recall[cat]": "failed",
        "recall[dog]": "passed",
        "recall[fox]": "passed",
        "confusions[*]": "passed",
    }
    assert (project.path / "out/confmat.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in (project.path / "out").iterdir()) == sorted(
        file.name for file in REPORT_FILES
    )


def test_no_report_of_an_earlier_run_survives(project):
    project.run("--confmat-report=out")
    assert json.loads((project.path / "out/confmat.json").read_text())["outcome"] == "passed"
    project.pytester.makepyfile("import os\ndef test_dies(): os._exit(9)")
    project.run("--confmat-report=out")
    assert json.loads((project.path / "out/confmat.json").read_text())["outcome"] == "incomplete"
    assert not (project.path / "out/confmat.png").exists()


def test_no_report_of_an_earlier_run_survives_a_wrong_request(project):
    project.run("--confmat-report=out")
    project.policy("version: 2\n")
    assert project.run("--confmat-report=out").ret == 4
    assert json.loads((project.path / "out/confmat.json").read_text())["outcome"] == "error"


def test_a_report_that_cannot_be_written_is_red_and_told(project):
    project.pytester.makepyfile(
        """
        import pathlib, shutil
        def test_breaks_it():
            shutil.rmtree("out")
            pathlib.Path("out").touch()
        """
    )
    result = project.run("--confmat-report=out")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["note: the report could not be written to *"])
    result.stdout.fnmatch_lines(["*confmat: passed*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_what_overrides_the_command_line_is_said(project):
    (project.path / "m.keras").touch()
    result = project.run("--confmat-model=m.keras", "-W", "error")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "note: the model judged came from a fixture confmat_model of the project's,*",
            "*--confmat-model: builtins.function*",
        ]
    )


# In a policy that names other data, and in one that names none.
FORMS = {"overridden": "directory: data, ", "own": ""}


@pytest.mark.parametrize("form", FORMS)
def test_expected_examples_hold_for_data_of_the_projects_own(project, form):
    for name in ("cat", "dog", "fox"):
        (project.path / "data" / name).mkdir(parents=True)
    project.policy(
        f"version: 1\ndataset: {{{FORMS[form]}expected_examples: 51}}\n"
        "classes: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n"
    )
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "1 example missing: *dataset of the project's own (Recorded) holds 50 examples, and "
            "dataset.expected_examples is 51",
        ]
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("by", ["policy", "manifest", "test"])
def test_data_that_never_end_are_given_up_after_the_expected_examples(project, by, form):
    if by == "test":
        (project.path / "test_own.py").write_text("def test_own(confmat): pass\n")
    conftest = project.path / "conftest.py"
    endless = conftest.read_text().replace(
        "        for actual, row", "        while True:\n         for actual, row"
    )
    assert "while True" in endless
    conftest.write_text(endless)
    for name in ("cat", "dog", "fox"):
        (project.path / "data" / name).mkdir(parents=True)
    project.policy(
        f"version: 1\ndataset: {{{FORMS[form]}expected_examples: 50}}\n"
        "classes: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n"
    )
    options = {"policy": (), "manifest": ("--confmat-manifest=q.tsv",), "test": ("test_own.py",)}
    result = project.run(*options[by], "thresholds.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "the dataset of the project's own (Recorded) goes on after 50 examples, which is what "
            "dataset.expected_examples says: let it end there, or correct the number",
        ]
    )
    assert project.passes == 1


def test_a_set_of_the_projects_own_is_the_one_that_was_agreed_on(project):
    policy = (
        "version: 1\ndataset: {expected_examples: 50%s}\n"
        "classes: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n"
    )
    project.policy(policy % "")
    result = project.run()
    assert result.ret == 0
    digest = re.search(r"sha256:[0-9a-f]{64}", result.stdout.str())[0]
    project.policy(policy % f", digest: {digest}")
    assert project.run().ret == 0
    project.policy(policy % f", digest: sha256:{'0' * 64}")
    result = project.run()
    assert result.ret == 1
    assert f"digest {digest}" in result.stdout.str() or digest in result.stdout.str()


def test_a_policy_without_data_needs_the_fixture(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("def confmat_dataset", "def something_else"))
    project.policy(
        "version: 1\ndataset: {expected_examples: 50}\n"
        "classes: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n"
    )
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "thresholds.yaml names no data: write directory or tfrecord below dataset, or override "
            "the fixture confmat_dataset in a conftest.py beside it"
        ]
    )


def test_several_policies_each_have_items_and_a_report(project):
    project.policy("version: 1\nclasses: [cat, dog, fox]\nthresholds: {accuracy: 0.99}\n", "b.yaml")
    result = project.run("--confmat-thresholds=b.yaml", "--confmat-report=out", "-v")
    result.assert_outcomes(passed=7, failed=1)
    assert project.passes == 1
    outcomes = {
        path.parent.name: json.loads(path.read_text())["outcome"]
        for path in (project.path / "out").rglob("confmat.json")
    }
    assert outcomes == {"out": "failed", "thresholds": "passed", "b": "failed"}


def test_a_conftest_beside_a_policy_serves_that_policy_alone(project):
    project.policy(
        "version: 1\nclasses: [cat, dog, fox]\nthresholds: {accuracy: 0.99}\n", "sub/other.yaml"
    )
    project.scores([[5, 0, 0], [0, 5, 0], [0, 0, 5]], folder="sub")
    result = project.run("--confmat-thresholds=sub/other.yaml")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["*passed*50 examples*", "*passed*15 examples*"])


def test_many_classes_are_one_item_a_rule(project):
    names = ", ".join(f"c{i}" for i in range(2001))
    project.policy(f"version: 1\nclasses: [{names}]\nthresholds: {{recall: 0.9, accuracy: 0.9}}\n")
    conftest = project.path / "conftest.py"
    text = conftest.read_text()
    conftest.write_text(
        text[: text.index("class Recorded")]
        + """
class Recorded:
    def __iter__(self):
        scores = np.eye(2001, dtype=np.float32)
        scores[7] = scores[8]
        yield scores, np.arange(2001)
"""
        + text[text.index("\n\n@pytest.fixture") :]
    )
    result = project.run("-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*recall of 'c7' is 0.0000, below 0.9*"])
    result.stdout.fnmatch_lines(["*confmat: BLOCKED*1 of 2,002 limits*"])

"""The report and the JUnit file that stand there after a run are of that run, however it ended."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_confmat.report.folder import REPORT_FILES
from pytest_confmat.report.json import overview_document, write_json
from pytest_confmat.result import GateResult
from tests.support.fifos import make_fifo

OTHER = "version: 1\nclasses: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n"


OUT = "out/confmat.json"


def touch(name: str, text: str = ""):
    return lambda project: (project.path / name).write_text(text)


def nothing(project) -> None:
    pass


# What is wrong -> what makes it so, options, the exit status, and what the report says of it.
ENDS = {
    "a model that is not there": (
        nothing,
        ["--confmat-model=nope.keras"],
        4,
        "--confmat-model: there is no model HERE/nope.keras, and no .keras, .h5, .hdf5, .tflite or "
        ".onnx file in that folder",
    ),
    "an option of ours": (
        nothing,
        ["--confmat-batch-size=0"],
        4,
        "--confmat-batch-size: '0' is no number of examples",
    ),
    "an option of nobody's": (nothing, ["--no-such-option"], 4, "unrecognized arguments: "),
    "an option without its value": (nothing, ["--confmat-data"], 4, None),
    "a plugin that is required and not there": (nothing, ["-orequired_plugins=nosuch"], 4, None),
    "a path that is not there": (
        nothing,
        ["nope"],
        4,
        "no test was run: file or directory not found: nope",
    ),
    "a broken policy": (
        touch("thresholds.yaml", "version: 2\n"),
        [],
        4,
        "HERE/thresholds.yaml:1: ",
    ),
    "a broken conftest": (
        touch("conftest.py", "import not_there"),
        [],
        4,
        "ConftestImportFailure: ModuleNotFoundError: No module named 'not_there'",
    ),
    "a test that cannot be collected": (
        touch("test_a.py", "import not_there"),
        [],
        2,
        "no test was run: 1 error during collection",
    ),
    "a conftest that refuses": (
        touch("conftest.py", "import pytest\ndef pytest_sessionstart(): pytest.exit('no', 3)"),
        [],
        3,
        "no",
    ),
    "a plugin that crashes": (
        touch("conftest.py", "def pytest_sessionstart(): 1 / 0"),
        [],
        3,
        "ZeroDivisionError: division by zero",
    ),
    "a plugin that crashes later": (
        touch("conftest.py", "def pytest_collection(): 1 / 0"),
        [],
        3,
        "no test was run: ZeroDivisionError: division by zero",
    ),
}


@pytest.fixture
def green(project, monkeypatch):
    # As the outermost pytest, even where this one is a worker.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    # What a green run leaves, without the time that it takes.
    write_json(GateResult(project.path / "thresholds.yaml", "passed"), project.path / OUT)
    (project.path / "out/confmat.png").write_bytes(b"\x89PNG...pytest-confmat")
    (project.path / "out.xml").write_text("<testsuites/>")
    return project


def report(project, folder: str = "out") -> dict:
    return json.loads((project.path / folder / "confmat.json").read_text())


def outcome(project, folder: str = "out") -> str:
    return report(project, folder)["outcome"]


def errors(path: Path) -> list[str]:
    return [error.get("message", "") for error in ET.parse(path).iter("error")]


def test_what_a_green_run_has_left_is_replaced(project):
    assert project.run("--confmat-report=out").ret == 0
    assert outcome(project) == "passed"
    assert (project.path / "out/confmat.png").exists()
    assert project.run("--confmat-report=out", "--confmat-model=nope.keras").ret == 4
    assert outcome(project) == "error"
    assert not (project.path / "out/confmat.png").exists()


@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_ends_early_replaces_the_report(green, end):
    make, options, status, reason = ENDS[end]
    make(green)
    result = green.run("--confmat-report=out", "--junitxml=out.xml", *options)
    assert result.ret == status, result.stdout.str()
    if reason is None:
        # pytest lets no hook of ours write after such an end.
        assert not (green.path / OUT).exists()
        return
    found = report(green)
    assert found["outcome"] == "error"
    told = (found["error"] or "").replace(str(green.path), "HERE")
    assert reason in told
    assert told
    assert not (green.path / "out/confmat.png").exists()
    # Where a session came about, the file is pytest's own.
    if "no test was run" not in told:
        assert errors(green.path / "out.xml") == [found["error"].partition("\n")[0]]


def test_the_ini_file_names_a_report_too(green):
    green.pytester.makeini("[pytest]\nconfmat_report = out\naddopts = --junitxml=out.xml\n")
    assert green.run("--confmat-model=nope.keras", "-n", "2").ret == 4
    assert outcome(green) == "error"
    assert len(errors(green.path / "out.xml")) == 1


def test_a_junit_file_is_replaced_without_a_report_too(green):
    assert green.run("--confmat-model=nope.keras", "--junitxml=out.xml").ret == 4
    assert len(errors(green.path / "out.xml")) == 1
    assert outcome(green) == "passed"  # nobody asked for it this time


@pytest.mark.parametrize("shows", ["--collect-only", "--fixtures", "--markers", "--version"])
def test_what_runs_no_test_leaves_the_report_alone(green, shows):
    green.run("--confmat-report=out", "--junitxml=out.xml", shows)
    assert outcome(green) == "passed"
    assert green.run("--confmat-report=out", shows, "--confmat-model=nope.keras").ret in (0, 4)
    assert outcome(green) == "passed"


def test_without_a_gate_nothing_is_touched(green):
    green.pytester.makeini("[pytest]\nconfmat_report = out\n")
    (green.path / "conftest.py").write_text("import not_there")
    assert green.run(gate=False).ret == 4
    assert outcome(green) == "passed"


def test_a_killed_run_leaves_none_that_passed(green):
    green.pytester.makepyfile("import os\ndef test_dies(): os.kill(os.getppid(), 9)")
    green.run("--confmat-report=out", "-n", "1")
    assert outcome(green) == "incomplete"


def test_not_even_in_a_conftest_nor_does_that_find_numpy_imported(green):
    code = "import os, sys; 'numpy' in sys.modules or os._exit(9)"
    (green.path / "conftest.py").write_text(code)
    assert green.run("--confmat-report=out").ret == 9
    assert not (green.path / "out/confmat.json").exists()
    assert not (green.path / "out/confmat.png").exists()


def test_interrupted_is_incomplete(green):
    green.pytester.makepyfile("raise KeyboardInterrupt")
    assert green.run("--confmat-report=out").ret == 2
    assert outcome(green) == "incomplete"


@pytest.fixture
def two(project):
    project.policy(OTHER, "b.yaml")
    # What a green run of both leaves, without the time that it takes.
    reports = [
        {"path": f"{name}/confmat.json", "policy": f"{name}.yaml", "outcome": "passed"}
        for name in ("thresholds", "b")
    ]
    write_json(overview_document(reports, None), project.path / OUT)
    for report in reports:
        result = GateResult(Path(report["policy"]), "passed")
        write_json(result, project.path / "out" / report["path"])
    return project


def outcomes(project) -> dict[str, str]:
    root = project.path / "out"
    return {
        path.parent.relative_to(root).as_posix(): json.loads(path.read_text())["outcome"]
        for path in root.rglob("confmat.json")
    }


def test_an_overview_of_several_policies(two):
    two.policy(OTHER.replace("0.5", "0.99"), "b.yaml")
    two.run("--confmat-thresholds=b.yaml", "--confmat-report=out")
    assert outcomes(two) == {".": "failed", "thresholds": "passed", "b": "failed"}
    overview = report(two)
    assert overview["policy"] is None
    assert overview["reports"] == [
        {
            "path": "thresholds/confmat.json",
            "policy": str(two.path / "thresholds.yaml"),
            "outcome": "passed",
        },
        {"path": "b/confmat.json", "policy": str(two.path / "b.yaml"), "outcome": "failed"},
    ]


def test_reports_of_several_policies_do_not_outlive_them(two):
    two.run("--confmat-report=out", "--confmat-thresholds=b.yaml", "--confmat-model=nope.keras")
    assert outcomes(two) == {".": "error"}
    two.run("--confmat-report=out", "--confmat-thresholds=b.yaml", "nope")
    assert outcomes(two) == {".": "error", "thresholds": "error", "b": "error"}
    two.run("--confmat-report=out")
    assert outcomes(two) == {".": "passed"}
    assert sorted(path.name for path in (two.path / "out").iterdir()) == sorted(
        file.name for file in REPORT_FILES
    )


def test_an_overview_leads_to_nothing_outside_and_nothing_foreign(two):
    overview = report(two)
    (two.path / "mine").mkdir()
    ours = (two.path / "out/b/confmat.json").read_text()
    (two.path / "mine/confmat.json").write_text(ours)
    (two.path / "out/b/confmat.json").write_text('{"mine": 1}')
    overview["reports"] += [{"path": "../mine/confmat.json"}, {"path": "b/other.json"}, 7]
    overview["reports"][-1] = {"path": str(two.path / "mine/confmat.json")}
    (two.path / "out/confmat.json").write_text(json.dumps(overview))
    two.run("--confmat-report=out")
    assert (two.path / "mine/confmat.json").read_text() == ours
    assert (two.path / "out/b/confmat.json").read_text() == '{"mine": 1}'


def test_a_named_pipe_in_its_place_is_refused_and_not_opened(project):
    (project.path / "out").mkdir()
    make_fifo(project.path / OUT)
    result = project.run("--confmat-report=out")
    assert result.ret == 4
    assert f"the report would replace {project.path}/{OUT}, which " in result.stderr.str()


@pytest.mark.parametrize("name", [file.name for file in REPORT_FILES])
def test_what_is_no_report_is_not_replaced(project, name):
    (project.path / "out").mkdir()
    (project.path / "out" / name).write_bytes(b'{"outcome": "mine"}')
    result = project.run("--confmat-report=out")
    assert result.ret == 4
    assert result.stderr.str().strip() == (
        f"ERROR: the report would replace {project.path}/out/{name}, which this plugin has not "
        "written: move that file, or name another folder for the report"
    )
    assert (project.path / "out" / name).read_bytes() == b'{"outcome": "mine"}'
    assert len(list((project.path / "out").iterdir())) == 1

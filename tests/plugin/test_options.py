from __future__ import annotations

import pytest

from tests.support.gates import WORKERS


def refused(project, *args: str, gate: bool = False) -> str:
    """Run, expect exit status 4 alone and under xdist, and return the message."""
    messages = set()
    for workers in WORKERS:
        result = project.run(*args, *workers, gate=gate)
        assert result.ret == 4, result.stdout.str()
        said = result.stderr.str().strip()
        assert said.startswith("ERROR: ")
        messages.add(said.removeprefix("ERROR: "))
    (message,) = messages
    return message.replace(str(project.path), "HERE")


def test_no_policy_is_a_wrong_request(project):
    (project.path / "thresholds.yaml").unlink()
    (project.path / "m.keras").touch()
    assert refused(project, "--confmat-model=m.keras") == (
        "a gate needs a policy, and there is no HERE/thresholds.yaml: let --confmat-init "
        "--confmat-data PATH write one from what the model does, write one yourself, "
        "name one as an argument or with --confmat-thresholds FILE, or say --confmat-thresholds "
        "none if the project's own tests are the gate"
    )


def test_a_policy_that_is_not_there(project):
    assert refused(project, "--confmat-thresholds=limits.yaml") == (
        "--confmat-thresholds: there is no thresholds file HERE/limits.yaml; --confmat-init "
        "--confmat-data PATH writes one from what the model does"
    )


def test_a_broken_policy_is_told_with_its_line(project):
    project.policy("version: 1\nclasses: [cat, dog]\nthresholds:\n  recal: 0.9\n")
    assert "HERE/thresholds.yaml:4: " in refused(project, gate=True)


def test_an_empty_model_is_a_wrong_request_and_no_wish_for_no_gate(project):
    assert refused(project, "--confmat-model=") == "--confmat-model is empty: give a path"


@pytest.mark.parametrize("option", ["--confmat-report=out", "--confmat-batch-size=3"])
def test_an_option_of_a_gate_asks_for_one(project, option):
    (project.path / "conftest.py").unlink()
    result = project.run(option, gate=False)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*there is no model to judge: pass --confmat-model PATH*"])


@pytest.mark.parametrize("line", ["confmat_model =", "confmat_report =", "confmat_cache ="])
def test_an_empty_line_of_the_ini_file_is_no_wish_for_no_gate(project, line):
    project.pytester.makeini(f"[pytest]\n{line}\n")
    name = line.split()[0]
    if name == "confmat_cache":
        said = "confmat_cache in tox.ini: '' is none of on, verify, off"
    else:
        said = f"{name} in tox.ini is empty: give a path"
    assert refused(project, gate=name != "confmat_model") == said


def test_an_ini_value_that_a_variable_leaves_empty_is_no_wish_for_no_gate(project):
    (project.path / "m.keras").touch()
    project.pytester.makeini("[pytest]\nconfmat_model = m.keras\n")
    assert (
        refused(project, "-o", "confmat_model=") == "confmat_model in tox.ini is empty: give a path"
    )


@pytest.mark.parametrize(
    ("option", "values"),
    {
        "--confmat-model": ("a.keras", "b.keras"),
        "--confmat-data": ("a", "b"),
        "--confmat-batch-size": ("3", "4"),
        "--confmat-report": ("a", "b"),
        "--confmat-manifest": ("a", "b"),
        "--confmat-baseline": ("a", "b"),
        "--confmat-reference": ("a.keras", "b.keras"),
        "--confmat-save-baseline": ("a", "b"),
        "--confmat-cache": ("on", "off"),
    }.items(),
)
def test_an_option_with_two_values(project, option, values):
    one, other = values
    said = refused(project, f"{option}={one}", option, other, gate=True)
    assert said == (
        f"{option} is given twice, as {one!r} and as {other!r}, and takes one value: leave one of "
        "them out, or run pytest once for each"
    )


def test_a_value_may_come_from_a_file_of_arguments(project):
    (project.path / "args.txt").write_text("--confmat-model=a.keras\n--confmat-model\nb.keras\n")
    assert refused(project, "@args.txt").startswith(
        "--confmat-model is given twice, as 'a.keras' and as 'b.keras', and takes one value: "
    )


def test_the_command_line_goes_before_addopts(project):
    project.pytester.makeini("[pytest]\naddopts = --confmat-batch-size=5\n")
    result = project.run("--confmat-batch-size=6", "--confmat-batch-size=6", "--collect-only")
    result.stdout.fnmatch_lines(["confmat: batch size 6 (--confmat-batch-size)"])
    project.pytester.makeini("[pytest]\naddopts = --confmat-batch-size=5 --confmat-batch-size=6\n")
    assert "is given twice, as '5' and as '6'" in refused(project, gate=True)


@pytest.mark.parametrize("option", ["--help", "--markers", "--cache-show=*"])
def test_what_shows_in_place_of_a_session_asks_nothing_of_a_gate(project, option):
    (project.path / "thresholds.yaml").unlink()
    result = project.pytester.runpytest_subprocess("--confmat-model=nope.keras", option)
    assert result.ret == 0, result.stderr.str()


def test_a_plugin_that_is_required_cannot_be_left_out(project, monkeypatch):
    (project.path / "m.keras").touch()
    project.pytester.makepyfile("def test_one(): pass")
    ini = "[pytest]\nconfmat_model = m.keras\nrequired_plugins = pytest-confmat\n"
    project.pytester.makeini(ini)
    assert project.run().ret == 0
    said = "ERROR: Missing required plugins: pytest-confmat"
    result = project.run("-p", "no:confmat", gate=False)
    assert result.ret == 4
    assert said in result.stderr.str()
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = project.pytester.runpytest_subprocess()
    assert result.ret == 4
    assert said in result.stderr.str()
    assert project.pytester.runpytest_subprocess("-p", "confmat").ret == 0


def test_a_report_of_no_policy(project):
    assert refused(project, "--confmat-thresholds=none", "--confmat-report=out") == (
        "--confmat-report writes what policies come to, and --confmat-thresholds none asks for none"
    )


def test_the_hooks_cannot_be_blocked(project):
    assert refused(project, "-p", "no:confmat-session", gate=True) == (
        "-p no:confmat-session takes the gate away that the command line asks for"
    )


DATASET = """\
version: 1
dataset:
  directory: {directory}
{classes}thresholds:
  recall: 0.5
"""


@pytest.mark.parametrize(
    ("folders", "classes", "message"),
    [
        (None, "", "does not exist"),
        (["cat"], "", "cat"),
        (["cat", "dog"], "classes: [cat, fox]\n", "fox"),
        (["0", "1", "2", "10"], "", "classes: [0, 1, 2, 10]"),
    ],
)
def test_class_names_are_known_or_the_request_is_wrong(project, folders, classes, message):
    for name in folders or ():
        (project.path / "data" / name).mkdir(parents=True)
    project.policy(DATASET.format(directory="data", classes=classes))
    said = refused(project, gate=True)
    assert said.startswith("HERE/thresholds.yaml:2: ")
    assert message in said


def test_a_remote_model_is_refused(project):
    assert refused(project, "--confmat-model=hf://team/model") == (
        "--confmat-model: hf://team/model is a remote address, and only local paths are read: "
        "download it first and give the path of the copy"
    )


def test_a_model_that_is_not_there(project):
    assert refused(project, "--confmat-model=m.keras", gate=True) == (
        "--confmat-model: there is no model HERE/m.keras, and no .keras, .h5, .hdf5, .tflite or "
        ".onnx file in that folder"
    )


def test_a_model_behind_a_link_that_leads_nowhere(project):
    (project.path / "m.keras").symlink_to("best.keras")
    assert refused(project, "--confmat-model=m.keras", gate=True) == (
        "--confmat-model: HERE/m.keras is a link to 'best.keras', which does not exist"
    )


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5", "²"])
def test_a_batch_size_is_a_number_of_examples(project, size):
    assert refused(project, f"--confmat-batch-size={size}", gate=True) == (
        f"--confmat-batch-size: {size!r} is no number of examples"
    )


def test_data_cannot_be_moved_for_several_policies(project):
    project.policy(name="b.yaml")
    assert refused(project, "--confmat-thresholds=b.yaml", "--confmat-data=d", gate=True) == (
        "--confmat-data says where one policy's data are, and there are 2 policies: write the "
        "location into each policy"
    )


def test_data_of_a_fixture_cannot_be_moved(project):
    assert refused(project, "--confmat-data=d", gate=True) == (
        "--confmat-data: HERE/thresholds.yaml has no dataset that could lie elsewhere; its data "
        "come from the fixture confmat_dataset"
    )


def test_a_report_folder_that_is_a_file(project):
    (project.path / "out").touch()
    assert refused(project, "--confmat-report=out", gate=True) == (
        "--confmat-report: HERE/out is a file, not a folder"
    )


def test_ini_twins_are_relative_to_their_file(project):
    (project.path / "limits").mkdir()
    project.policy(name="limits/a.yaml")
    project.pytester.makeini(
        "[pytest]\nconfmat_thresholds =\n    limits/a.yaml\nconfmat_batch_size = 5\n"
        "confmat_report = out\nconfmat_model = m.keras\n"
    )
    (project.path / "m.keras").touch()
    sub = project.path / "sub"
    sub.mkdir()
    project.pytester.chdir()
    result = project.run("--rootdir=.", "-c", "tox.ini", gate=False)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "confmat: model m.keras (confmat_model in tox.ini)",
            "confmat: policy limits/a.yaml (confmat_thresholds in tox.ini), 5 limits*",
            "confmat: batch size 5 (confmat_batch_size in tox.ini), "
            "report *out (confmat_report in tox.ini)",
        ]
    )
    assert (project.path / "out/confmat.json").exists()


def test_the_command_line_wins_over_ini(project):
    project.pytester.makeini("[pytest]\nconfmat_batch_size = 5\n")
    result = project.run("--confmat-batch-size=6", "--collect-only")
    result.stdout.fnmatch_lines(["confmat: batch size 6 (--confmat-batch-size)"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_no_policy_and_nothing_evaluated_is_red(project, workers):
    project.pytester.makepyfile(
        test_one="def test_one(): pass",
        test_two="import pytest\ndef test_two(confmat_evaluator): pytest.skip('no GPU')",
    )
    (project.path / "m.keras").touch()
    result = project.run("--confmat-thresholds=none", *workers, gate=False)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "confmat: ERROR  nothing was evaluated: with --confmat-thresholds none the project's "
            "tests are the gate, and none that was run called confmat_evaluator"
        ]
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_no_policy_on_purpose(project, workers):
    project.pytester.makepyfile(
        """
        from pytest_confmat import assert_recall

        def test_own(confmat_evaluator, confmat_model, confmat_dataset):
            evaluation = confmat_evaluator(confmat_model, [
                ([[0.9, 0.1], [0.2, 0.8]], [0, 1])
            ], classes=["a", "b"])
            assert_recall(evaluation, 1)
        """
    )
    (project.path / "m.keras").touch()
    result = project.run("--confmat-thresholds=none", *workers, gate=False)
    assert result.ret == 0, result.stdout.str()
    result.assert_outcomes(passed=1)

"""pytest looks for its configuration beside a path that stands apart from its option."""

import pytest


@pytest.fixture
def elsewhere(project):
    model = project.path / "models" / "m.keras"
    model.parent.mkdir()
    model.write_bytes(b"")
    here = project.path / "project"
    here.mkdir()
    (here / "test_one.py").write_text(
        "def test_one(confmat_evaluator):\n"
        "    data = [([[0.9, 0.1]], [0])]\n"
        "    confmat_evaluator(lambda scores: scores, data, classes=['a', 'b'])\n"
    )
    project.pytester.chdir()
    return here, model


def run(pytester, monkeypatch, here, *args):
    monkeypatch.chdir(here)
    without = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    return pytester.runpytest_subprocess(*without, "--confmat-thresholds=none", *args)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytest.ini", "[pytest]\n"),
        ("tox.ini", "[pytest]\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
    ],
)
def test_a_configuration_that_is_passed_over_is_said(
    elsewhere, pytester, monkeypatch, name, content
):
    here, model = elsewhere
    (here / name).write_text(content)
    result = run(pytester, monkeypatch, here, "--confmat-model", str(model))
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            f"confmat: pytest passed over the configuration {here / name} and took none, led "
            f"there by '--confmat-model {model}': write '--confmat-model={model}'"
        ]
    )
    result = run(pytester, monkeypatch, here, f"--confmat-model={model}")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*passed over*")


@pytest.mark.parametrize("name", ["tox.ini", "pyproject.toml", None])
def test_where_there_is_none_of_the_project_nothing_is_said(elsewhere, pytester, monkeypatch, name):
    here, model = elsewhere
    if name:
        (here / name).write_text("[other]\n")
    result = run(pytester, monkeypatch, here, "--confmat-model", str(model))
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*passed over*")

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


CONFIGURATIONS = {
    "pytest.ini": "[pytest]\n",
    ".pytest.ini": "[pytest]\n",
    "pytest.toml": "[pytest]\n",
    "tox.ini": "[pytest]\n",
    "setup.cfg": "[tool:pytest]\n",
    "pyproject.toml": "[tool.pytest.ini_options]\n",
}


@pytest.mark.parametrize(("name", "content"), CONFIGURATIONS.items())
def test_a_configuration_that_is_passed_over_is_refused(
    elsewhere, pytester, monkeypatch, name, content
):
    here, model = elsewhere
    (here / name).write_text(content)
    result = run(pytester, monkeypatch, here, "--confmat-model", str(model))
    assert result.ret == 4
    assert result.stderr.str().strip() == (
        f"ERROR: pytest passed over the configuration {here / name} and took none, led "
        f"there by '--confmat-model {model}': write '--confmat-model={model}'"
    )
    for args in ([f"--confmat-model={model}"], ["test_one.py", "--confmat-model", str(model)]):
        assert run(pytester, monkeypatch, here, *args).ret == 0


@pytest.mark.parametrize(("name", "content"), list(CONFIGURATIONS.items())[-2:])
def test_a_configuration_of_somebody_else_is_refused(
    elsewhere, pytester, monkeypatch, name, content
):
    here, model = elsewhere
    (model.parent / name).write_text(content)
    result = run(pytester, monkeypatch, here, "--confmat-model", str(model))
    assert result.ret == 4
    assert result.stderr.str().strip() == (
        f"ERROR: pytest took {model.parent / name}, led there by '--confmat-model {model}': "
        f"write '--confmat-model={model}'"
    )
    assert run(pytester, monkeypatch, here, f"--confmat-model={model}").ret == 0


@pytest.mark.parametrize("name", ["tox.ini", "pyproject.toml", "setup.cfg", None])
def test_where_there_is_none_nothing_is_said(elsewhere, pytester, monkeypatch, name):
    here, model = elsewhere
    if name:
        (here / name).write_text("[other]\n")
        (model.parent / name).write_text("[other]\n")
    result = run(pytester, monkeypatch, here, "--confmat-model", str(model))
    assert result.ret == 0, result.stderr.str()


@pytest.mark.parametrize("project_file", ["pyproject.toml", "setup.py", None])
@pytest.mark.parametrize("tests", [(), ("test_one.py",), ("sub",)])
def test_nothing_is_written_beside_a_model(elsewhere, pytester, monkeypatch, tests, project_file):
    here, model = elsewhere
    (here / "sub").mkdir()
    (here / "sub/test_two.py").write_text((here / "test_one.py").read_text())
    if project_file:
        (here / project_file).touch()
    for place in (model.parent, here.parent):
        path = model.replace(place / model.name)
        args = ["-p", "no:hypothesispytest", "--confmat-thresholds=none", *tests]
        monkeypatch.chdir(here)
        result = pytester.runpytest_subprocess(*args, "--confmat-model", str(path))
        assert result.ret == 0, result.stderr.str()
        assert not (place / ".pytest_cache").exists()
        model = path
    assert (here / ".pytest_cache/v/cache/nodeids").exists()

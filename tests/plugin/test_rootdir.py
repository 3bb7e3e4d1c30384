"""pytest looks for its root beside a path that stands apart; both spellings mean the same."""

from __future__ import annotations

import re

import pytest

POLICY = "version: 1\nclasses: [a, b]\nthresholds: {{accuracy: {accuracy}}}\n"
CONFTEST = """
import pytest


def pytest_addoption(parser):
    parser.addoption("--own")


@pytest.fixture(scope="session")
def confmat_model():
    return lambda scores: scores


@pytest.fixture(scope="session")
def confmat_dataset():
    return [([[0.9, 0.1], [0.2, 0.8]], [0, 1])]
"""
CONFIGURATIONS = {
    "pytest.ini": "[pytest]\n{lines}",
    ".pytest.ini": "[pytest]\n{lines}",
    "pytest.toml": "[pytest]\n{toml}",
    "tox.ini": "[pytest]\n{lines}",
    "setup.cfg": "[tool:pytest]\n{lines}",
    "pyproject.toml": "[tool.pytest.ini_options]\n{toml}",
}
OWN = {
    "lines": "confmat_batch_size = 5\nmarkers = mine: one of ours\n",
    "toml": 'confmat_batch_size = "5"\nmarkers = ["mine: one of ours"]\n',
}
_TIMES = re.compile(r"^time: | in \d+\.\d+s")
FOREIGN = {"lines": "confmat_batch_size = 9\n", "toml": 'confmat_batch_size = "9"\n'}


class Elsewhere:
    """A project, and a model outside of it; the folder of the model may be a project as well."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester, self.monkeypatch = pytester, monkeypatch
        self.here, self.other = pytester.path / "project", pytester.path / "models"
        for folder in (self.here, self.other):
            folder.mkdir()
        self.model = self.other / "m.keras"
        self.model.write_bytes(b"")
        (self.here / "sub").mkdir()
        (self.here / "conftest.py").write_text(CONFTEST)
        (self.here / "thresholds.yaml").write_text(POLICY.format(accuracy=1))
        (self.other / "thresholds.yaml").write_text(POLICY.format(accuracy=0))
        (self.here / "test_one.py").write_text("def test_one(): pass\n")

    def run(self, *args: str, place: str = ".") -> tuple[int, list[str]]:
        """Run, and return exit status and what was said: in any order, and without times."""
        self.monkeypatch.chdir(self.here / place)
        result = self.pytester.runpytest_subprocess("-p", "no:hypothesispytest", *args)
        said = [*result.stdout.lines, *result.stderr.lines]
        return int(result.ret), sorted(line for line in said if not _TIMES.search(line))

    def alike(self, *args: str, place: str = ".") -> tuple[int, list[str]]:
        """Run with each spelling; hold that they come out the same, and return how."""
        apart = self.run("--confmat-model", str(self.model), *args, place=place)
        together = self.run(f"--confmat-model={self.model}", *args, place=place)
        assert apart == together
        return together


@pytest.fixture
def elsewhere(pytester, monkeypatch):
    return Elsewhere(pytester, monkeypatch)


@pytest.mark.parametrize(("name", "content"), CONFIGURATIONS.items())
@pytest.mark.parametrize("place", [".", "sub"])
def test_the_configuration_is_that_of_the_project(elsewhere, name, content, place):
    (elsewhere.here / name).write_text(content.format(**OWN))
    (elsewhere.other / "pytest.ini").write_text("[pytest]\nconfmat_batch_size = 9\n")
    status, said = elsewhere.alike("--strict-markers", place=place)
    assert status == 0, said
    assert f"configfile: {name}" in "\n".join(said)
    assert f"confmat: batch size 5 (confmat_batch_size in {name})" in said
    assert any("thresholds.yaml (default), 1 limit" in line for line in said)


@pytest.mark.parametrize(("name", "content"), CONFIGURATIONS.items())
def test_the_configuration_of_somebody_else_is_not_taken(elsewhere, name, content):
    (elsewhere.other / name).write_text(content.format(**FOREIGN))
    status, said = elsewhere.alike()
    assert status == 0, said
    assert f"rootdir: {elsewhere.here}" in said
    assert not any("configfile" in line or "batch size" in line for line in said)


@pytest.mark.parametrize("project_file", ["pyproject.toml", "setup.py", None])
@pytest.mark.parametrize("tests", [(), ("test_one.py",), ("sub",)])
def test_nothing_is_written_beside_a_model(elsewhere, tests, project_file):
    if project_file:
        (elsewhere.here / project_file).touch()
    before = sorted(elsewhere.other.iterdir())
    status, said = elsewhere.alike(*tests)
    assert status in (0, 5), said
    assert sorted(elsewhere.other.iterdir()) == before
    assert (elsewhere.here / ".pytest_cache/v/cache/nodeids").exists()


def test_whatever_else_is_asked_for_still_counts(elsewhere):
    (elsewhere.other / "pytest.ini").write_text("[pytest]\n")
    status, said = elsewhere.alike("--own=x", "-k", "test_one or accuracy", "-rA", "-n", "2")
    assert status == 0, said
    assert "PASSED test_one.py::test_one" in said
    assert elsewhere.run("--confmat-model", str(elsewhere.model), "--nonsense")[0] == 4
    status, said = elsewhere.run("--confmat-model", str(elsewhere.model), "--help")
    assert status == 0
    assert any("--confmat-save-baseline" in line for line in said)


def test_a_limit_that_fails_fails_in_either_spelling(elsewhere):
    (elsewhere.other / "pytest.ini").write_text("[pytest]\n")
    code = CONFTEST.replace("[0, 1])]", "[0, 0])]")
    (elsewhere.here / "conftest.py").write_text(code)
    status, said = elsewhere.alike("-p", "no:cacheprovider")
    assert status == 1
    assert any(line.startswith("confmat: ") for line in said)


def test_a_path_may_come_from_the_environment_or_a_file(elsewhere):
    (elsewhere.other / "pytest.ini").write_text("[pytest]\nconfmat_batch_size = 9\n")
    expected = elsewhere.run(f"--confmat-model={elsewhere.model}")
    (elsewhere.here / "args.txt").write_text(f"--confmat-model\n{elsewhere.model}\n")
    assert elsewhere.run("@args.txt") == expected
    elsewhere.monkeypatch.setenv("PYTEST_ADDOPTS", f"--confmat-model {elsewhere.model}")
    assert elsewhere.run() == expected


def test_other_paths_of_ours_lead_nowhere_else(elsewhere):
    (elsewhere.other / "pytest.ini").write_text("[pytest]\nconfmat_batch_size = 9\n")
    policy = elsewhere.other / "thresholds.yaml"
    together = elsewhere.run(f"--confmat-thresholds={policy}", "--confmat-unsafe-model", ".")
    apart = elsewhere.run("--confmat-thresholds", str(policy), "--confmat-unsafe-model", ".")
    assert apart == together
    assert apart[0] == 0
    assert f"rootdir: {elsewhere.here}" in apart[1]


def test_a_configuration_that_is_named_is_taken(elsewhere):
    (elsewhere.here / "pytest.ini").write_text("[pytest]\nconfmat_batch_size = 5\n")
    named = elsewhere.other / "own.ini"
    named.write_text("[pytest]\nconfmat_batch_size = 9\n")
    status, said = elsewhere.alike("-c", str(named), f"--rootdir={elsewhere.here}")
    assert status == 0, said
    assert "confmat: batch size 9 (confmat_batch_size in own.ini)" in said


@pytest.mark.parametrize("name", ["tox.ini", "pyproject.toml", "setup.cfg"])
def test_a_file_without_a_section_of_pytests_is_no_configuration(elsewhere, name):
    for folder in (elsewhere.here, elsewhere.other):
        (folder / name).write_text("[other]\n")
    assert elsewhere.alike()[0] == 0

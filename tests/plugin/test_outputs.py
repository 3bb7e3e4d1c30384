"""An output that a project adds from outside: one file, one registration."""

from __future__ import annotations

import pytest

OUTPUT = """
from pathlib import Path

from pytest_confmat import Output


class Verdicts(Output):
    key = "verdicts"
    origin = "--verdicts"

    def __init__(self, path, section=None):
        self.path = Path(path)
        self.section = section

    @property
    def files(self):
        return (self.path,)

    def begin(self, gates):
        self.path.write_text("nothing is known yet")

    def finish(self, results, *, green):
        said = [f"{result.policy.name} {result.outcome} {green}" for result in results]
        self.path.write_text("\\n".join(said))
        return [f"verdicts written to {self.path.name}"]
"""
CONFTEST = """
from verdicts import Verdicts


def pytest_confmat_outputs(registry, config):
    registry.register(Verdicts(config.rootpath / "v.txt"))
"""


@pytest.fixture
def reported(project):
    project.pytester.makepyfile(verdicts=OUTPUT)
    project.pytester.syspathinsert()
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + CONFTEST)
    return project


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2")])
def test_it_is_written_with_the_results(reported, options):
    result = reported.run(*options)
    assert result.ret == 0, result.stdout.str()
    assert (reported.path / "v.txt").read_text() == "thresholds.yaml passed True"
    result.stdout.fnmatch_lines(["note: verdicts written to v.txt"])


def test_it_is_told_what_went_wrong_before(reported):
    (reported.path / "test_red.py").write_text("def test_red(): assert False\n")
    assert reported.run("test_red.py", "thresholds.yaml").ret == 1
    assert (reported.path / "v.txt").read_text() == "thresholds.yaml passed False"


def test_a_section_of_its_own(reported):
    conftest = reported.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace('"v.txt")', '"v.txt", "my verdicts")'))
    result = reported.run()
    result.stdout.fnmatch_lines(["*= my verdicts =*", "verdicts written to v.txt"])
    assert "note: verdicts" not in result.stdout.str()


def test_its_file_is_nobody_elses(reported):
    result = reported.run("--confmat-manifest=v.txt")
    assert result.ret == 4
    assert "--confmat-manifest and --verdicts lead to one file" in result.stderr.str()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise OutputError('it is full', 'try later')", "note: it is full"),
        ("1 / 0", "note: the output 'verdicts' failed: ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_written_turns_the_run_red(reported, code, message):
    module = reported.path / "verdicts.py"
    text = module.read_text().replace("        said = ", f"        {code}\n        said = ")
    module.write_text("from pytest_confmat.errors import OutputError\n" + text)
    result = reported.run("--confmat-report=r")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["confmat: passed  *", message])
    assert (reported.path / "r" / "confmat.json").exists()


def test_one_that_cannot_begin_ends_the_run(reported):
    module = reported.path / "verdicts.py"
    text = module.read_text().replace(
        '        self.path.write_text("nothing',
        ("        raise RequestError('no verdicts today')\n        self.path.write_text(\"nothing"),
    )
    module.write_text("from pytest_confmat.errors import RequestError\n" + text)
    result = reported.run()
    assert result.ret == 4
    assert "no verdicts today" in result.stderr.str()


def test_what_is_no_output_cannot_be_registered(reported):
    conftest = reported.path / "conftest.py"
    text = conftest.read_text()
    conftest.write_text(text.replace('Verdicts(config.rootpath / "v.txt")', "Verdicts"))
    result = reported.run()
    assert result.ret == 4
    assert "is no output: register an object of pytest_confmat.Output, or of a subclass" in (
        result.stderr.str()
    )

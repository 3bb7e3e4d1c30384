"""The recipes for CI servers are parsed, their commands run, and the files they name are there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from pytest_confmat.report.folder import REPORT_FILES
from tests.report.test_openmetrics import samples

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/ci.md").read_text()
BLOCK = re.compile(r"^```(yaml|groovy)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = {
    title.partition("\n")[0]: block
    for title in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    for block in BLOCK.findall(title)
}


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from texts(entry)


def commands(kind: str, block: str) -> list[str]:
    if kind == "groovy":
        found = re.findall(r"^\s*sh '(.*?)'\s*(?://.*)?$", block, re.MULTILINE)
    else:
        found = list(texts(YAML(typ="safe").load(block)))
    return [text for text in found if text.startswith("pytest ")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return what runs a command in a checkout, each once, and returns the checkout."""
    done: dict[str, Path] = {}

    def run(command: str) -> Path:
        if command not in done:
            folder = tmp_path_factory.mktemp("checkout")
            shutil.copytree(ROOT / "examples", folder / "examples")
            shutil.copy(ROOT / "thresholds.yaml", folder)
            program = [sys.executable, "-m", *command.split()]
            ended = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stdout + ended.stderr
            done[command] = folder
        return done[command]

    return run


def test_there_is_a_recipe_for_each_server():
    assert set(RECIPES) == {"GitHub Actions", "GitLab", "Jenkins", "Azure Pipelines"}


@pytest.mark.parametrize("server", RECIPES)
def test_a_recipe_runs_and_names_files_that_are_there(server, run):
    kind, block = RECIPES[server]
    (command,) = commands(kind, block)
    folder = run(command)
    named = set(re.findall(r"report/[\w.]+\w", block))
    assert named >= {"report/junit.xml"}
    assert [name for name in named if not (folder / name).is_file()] == []


def test_the_page_names_the_files_of_a_report(run):
    kind, block = RECIPES["GitLab"]
    folder = run(*commands(kind, block))
    there = {path.name for path in (folder / "report").iterdir()}
    assert there == {"junit.xml", *(file.name for file in REPORT_FILES)}
    table = PAGE.partition("| file |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`report/(\S+)`", table))
    assert there - {"confmat.png"} == named


def test_properties_and_metrics_are_all_described(run):
    kind, block = RECIPES["GitLab"]
    folder = run(*commands(kind, block))
    tree = ET.parse(folder / "report/junit.xml")
    names = {p.get("name") for p in tree.iter("property")}
    text = (folder / "report/metrics.txt").read_text()
    names |= {f"{name}_info" if kind == "info" else name for name, kind in samples(text)}
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_schema_is_used_as_its_page_shows(run, monkeypatch):
    kind, block = RECIPES["GitLab"]
    monkeypatch.chdir(run(*commands(kind, block)))
    page = (ROOT / "docs/confmat-json.md").read_text()
    (example,) = re.findall(r"<!-- example: schema -->\n```python\n(.*?)^```", page, re.M | re.S)
    exec(example, {})
    report = Path("report/confmat.json")
    kept = report.read_text()
    report.write_text(kept.replace('"outcome": "passed"', '"outcome": "green"', 1))
    with pytest.raises(Exception, match="'green' is not one of"):
        exec(example, {})
    report.write_text(kept)

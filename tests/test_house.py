"""The files for contributors say what is so: targets, extras, versions and files that are there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split())
PAGES = ("CONTRIBUTING.md", "RELEASING.md", "SECURITY.md")
SYSTEMS = {"ubuntu-latest", "windows-latest", "macos-latest"}


def read(path: Path):
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def jobs():
    return [(path.stem, *job) for path in WORKFLOWS for job in read(path)["jobs"].items()]


def steps(job) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_help_tells_of_each_target():
    told = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))
    assert told == TARGETS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow) <= {"name", "on", "permissions", "concurrency", "env", "jobs"}


@pytest.mark.parametrize(("workflow", "name", "job"), jobs())
def test_a_job_runs_what_is_there(workflow, name, job):
    for step in job["steps"]:
        assert len({"run", "uses"} & set(step)) == 1
        assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step["uses"])
    for command in steps(job):
        words = command.split()
        if words[0] == "make":
            assert set(words[1:]) <= TARGETS
        for extras in re.findall(r"\.\[([\w,]+)\]|--extras (\S+)", command):
            named = set("".join(extras).split(","))
            assert named <= set(PROJECT["project"]["optional-dependencies"])
        for script in re.findall(r"\S+\.py\b", command):
            assert (ROOT / script).is_file()


def test_the_suite_and_the_wheel_are_tried_on_all_systems_and_pythons():
    found = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    suite, wheel = (found[name]["strategy"]["matrix"] for name in ("suite", "wheel"))
    stated = {
        line.rpartition(" :: ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", line)
    }
    assert set(suite["os"]) == set(wheel["os"]) == SYSTEMS
    assert set(suite["python"]) == stated == {"3.11", "3.12", "3.13"}
    assert set(wheel["python"]) == {min(stated), max(stated)}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_each_thing_once(path):
    form = read(path)
    if path.name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    ids = [field["id"] for field in fields]
    assert len(set(ids)) == len(ids) > 2


def test_what_is_kept_up_to_date_is_there():
    updates = read(ROOT / ".github/dependabot.yml")["updates"]
    assert {entry["package-ecosystem"] for entry in updates} == {"github-actions", "pip", "npm"}
    assert all((ROOT / name).is_file() for name in ("pyproject.toml", "package.json"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_what_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.M)) <= TARGETS
    named = re.findall(r"`((?:tests|changelog\.d|fuzz|docs|\.ci)/[\w./-]*)`", text)
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [name for name in named + links if not (ROOT / name).exists()] == []


def test_fragments_are_called_as_the_changelog_needs_them():
    kinds = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}
    files = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    wrong = [
        name
        for name in files
        if not re.fullmatch(rf"(\d+|\+[\w-]+)\.({'|'.join(kinds)})\.md", name)
    ]
    assert wrong == []
    begin = PROJECT["tool"]["towncrier"]["start_string"]
    assert (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").count(begin) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="it takes the shell that git brings along")
@pytest.mark.parametrize("folder", [".venv/bin", ".venv/Scripts"])
def test_hooks_of_git_find_the_tools_of_the_environment(folder, tmp_path):
    (hooks,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    (tmp_path / folder).mkdir(parents=True)
    for tool in ("ruff", "mypy"):
        program = tmp_path / folder / tool
        program.write_text(f'#!/bin/sh\necho {tool} "$@"\n')
        program.chmod(0o755)
    shell = re.compile(r"sh -c '(.*)' --")
    told = []
    for hook in hooks["hooks"]:
        command = ["sh", "-c", shell.fullmatch(hook["entry"])[1], "--", "a b.py"]
        told.append(subprocess.check_output(command, cwd=tmp_path, text=True))
    assert told == [
        "ruff check --force-exclude a b.py\n",
        "ruff format --force-exclude a b.py\n",
        "mypy\n",
    ]

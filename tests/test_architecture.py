"""What the pages on the architecture say is there, is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = (ROOT, ROOT / "pytest_confmat", ROOT / "tests" / "plugin")


@pytest.mark.parametrize("page", ["architecture", "glossary"])
def test_files_that_are_named_exist(page):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_./]+(?:\.py|/))`", text)
    assert len(named) > 20
    missing = [name for name in named if not any((place / name).exists() for place in PLACES)]
    assert missing == []


def test_the_table_of_layers_is_the_import_contract():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Who may know whom")[2].partition("## ")[0]
    rows = [line.split("|")[2] for line in section.splitlines() if line.startswith("|")][2:]
    named = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    assert named == [set(layer.split(" : ")) for layer in layers]

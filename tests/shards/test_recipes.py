"""The recipes are what they say: YAML that parses, with commands that pytest takes."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pytest_confmat.plugin.options import SINGLE, WITH_VALUE
from pytest_confmat.shards.shard import Shard

PAGE = (Path(__file__).parents[2] / "docs/shards.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NUMBERS = {
    "${{ matrix.shard }}": "2",
    "$CI_NODE_INDEX": "2",
    "$CI_NODE_TOTAL": "7",
    "$SLURM_ARRAY_TASK_ID": "2",
    "$((JOB_COMPLETION_INDEX + 1))": "2",
}


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from texts(entry)


def commands():
    for kind, block in BLOCKS:
        found = texts(YAML(typ="safe").load(block)) if kind == "yaml" else block.splitlines()
        yield from (text.strip(' "') for text in found if text.strip(' "').startswith("pytest "))


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_has_options_that_there_are_and_a_shard(command):
    for name, number in NUMBERS.items():
        command = command.replace(name, number)
    parser = ArgumentParser()
    parser.add_argument("policy", nargs="?")
    for option in dict.fromkeys((*SINGLE, *WITH_VALUE)):
        parser.add_argument(option)
    given = parser.parse_args(shlex.split(command)[1:])
    assert (given.confmat_shard is None) == (given.confmat_merge is not None)
    if given.confmat_shard is not None:
        assert Shard.of(given.confmat_shard) == Shard(2, 7)
        assert given.confmat_parts


def test_there_are_recipes_for_all():
    assert len(list(commands())) == 2 + 2 + 2 + 2 + 1

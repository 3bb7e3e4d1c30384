from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.plugin.conftest import POLICY, Project
from tests.support.makers import example, shard

WORKERS = [(), ("-n", "2")]
ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"

SWAPPED = [[1, 49, 0], [48, 2, 0], [0, 0, 50]]
COLLAPSED = [[0, 50, 0], [0, 50, 0], [0, 50, 0]]
PERMUTED = (
    "likely cause: the model's outputs may be in another order than `classes`: accuracy 0.3533 as "
    "declared, 0.9800 if the outputs were dog, cat, fox"
)


def block(result: pytest.RunResult, title: str = "confmat thresholds.yaml") -> list[str]:
    """The summary of one policy, its wrapped paragraphs joined."""
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if f" {title} ===" in line)
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("===")), len(lines))
    joined: list[str] = []
    for line in lines[start + 1 + (not lines[start + 1]) : end]:
        if joined and joined[-1].startswith("likely cause: ") and line.startswith("  "):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
    return joined


def likely_causes(project: Project) -> list[dict]:
    return json.loads((project.path / "out/confmat.json").read_text())["suspicions"]


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_likely_cause_stands_under_the_verdict_line(project, workers):
    project.scores(SWAPPED)
    result = project.run("--confmat-report=out", *workers)
    assert result.ret == 1
    text = block(result)
    assert text[0].startswith("confmat: BLOCKED  4 of 5 limits failed: ")
    assert text[1] == ""
    assert text[2] == PERMUTED
    assert text[3] == "if so, they are to be numbered in that order"
    assert [found["kind"] for found in likely_causes(project)] == ["permuted"]
    assert likely_causes(project)[0]["evidence"]["outputs"] == ["dog", "cat", "fox"]
    assert project.passes == 1


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_collapsed_matrix_is_probed_once(project, workers):
    project.scores(COLLAPSED)
    result = project.run("--confmat-report=out", *workers)
    assert result.ret == 1
    text = block(result)
    assert text[2] == (
        "likely cause: 150 of 150 predictions are 'dog', as 50 of the examples are: no usual "
        "rescaling helps, so it is likely not preprocessing: the weights may not be the trained "
        "ones (never loaded, or from another checkpoint), or the moving statistics of its batch "
        "normalization may not fit the data"
    )
    # The scores are the data here, and another scale leaves their order as it is.
    assert text[3] == (
        "likely cause: preprocessing, tried on 63 examples: accuracy 0.3333 as declared, "
        "at most 0.3333 with "
        "`rescale: {scale: 2, offset: -1}`, `rescale: {scale: 1, offset: -0.5}` or `rescale: 255`"
    )
    assert [found["kind"] for found in likely_causes(project)] == ["collapsed", "preprocessing"]
    assert project.passes == 2


def test_where_limits_hold_nothing_is_looked_for(project):
    project.policy("version: 1\nclasses: [cat, dog, fox]\nthresholds: {recall: 0}\n")
    project.scores(COLLAPSED)
    result = project.run("--confmat-report=out")
    assert result.ret == 0
    assert "likely cause: " not in result.stdout.str()
    assert likely_causes(project) == []
    assert project.passes == 1


def test_a_failed_limit_that_was_left_out_makes_no_likely_cause(project):
    project.scores(SWAPPED)
    result = project.run("-k", "evaluation or fox")
    result.stdout.fnmatch_lines(["*confmat: INCOMPLETE*"])
    assert "likely cause: " not in result.stdout.str()
    result = project.run("thresholds.yaml::recall[cat]")
    assert result.ret == 1
    assert PERMUTED in block(result)


def test_the_first_failure_tells_it(project):
    project.scores(SWAPPED)
    assert PERMUTED in block(project.run("-x"))


def test_a_weak_model_is_not_suspected(project):
    project.scores([[30, 15, 5], [10, 35, 5], [2, 3, 45]])
    result = project.run()
    assert result.ret == 1
    assert "likely cause: " not in result.stdout.str()


CRASHES = """
import pytest_confmat.{module}


def crash(*args):
    raise {error}("lost")


pytest_confmat.{module}.{function} = crash
"""


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("module", "function", "told"),
    [
        ("probing", "likely_causes",
         "likely cause: the search for likely causes failed: ZeroDivisionError: lost"),
        ("probing", "probe_preprocessing",
         "likely cause: the usual rescalings could not be tried: lost"),
    ],
)  # fmt: skip
def test_a_crash_in_the_search_changes_no_verdict(project, workers, module, function, told):
    project.scores(COLLAPSED)
    path = project.path / "conftest.py"
    crash = CRASHES.format(module=module, function=function, error="ZeroDivisionError")
    path.write_text(crash + path.read_text())
    result = project.run("--confmat-report=out", *workers)
    assert result.ret == 1
    result.assert_outcomes(passed=2, failed=4)
    assert told in block(result)
    document = json.loads((project.path / "out/confmat.json").read_text())
    assert document["outcome"] == "failed"
    assert [verdict["outcome"] for verdict in document["verdicts"]].count("failed") == 4


def test_hostile_names_are_shown_and_not_obeyed(project):
    name = '"\\e[31mred\\n::error::x ##[group]y \\u202e"'
    project.policy(
        POLICY.replace("[cat, dog, fox]", f"[{name}, dog, fox]").replace("{dog: 0.8}", "{}")
    )
    project.scores(SWAPPED)
    result = project.run("--confmat-report=out")
    text = "\n".join(block(result)[:6])
    assert "likely cause: the model's outputs may be" in text
    assert "\x1b[31m" not in result.stdout.str()
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::error") for line in result.outlines)
    assert (
        likely_causes(project)[0]["evidence"]["outputs"][1]
        == "\x1b[31mred\n::error::x ##[group]y \u202e"
    )


# The digits, with each mistake made on purpose.

HEAD = "version: 1\ndataset:\n  color_mode: grayscale\n"
TEN = "classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']\n"
EVENS_FIRST = "classes: ['0', '2', '4', '6', '8', '1', '3', '5', '7', '9']\n"
LIMITS = "thresholds: {accuracy: 0.95, recall: 0.9}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A model that rescales itself; the digits but for the zeros, each labeled by itself.

    Made before any pytester, which would have TensorFlow imported a second time.
    """
    import keras

    folder = tmp_path_factory.mktemp("made")
    rescaling = keras.layers.Rescaling(1 / 255, name="to_unit")
    digits = keras.models.load_model(DIGITS / "digits.keras")
    keras.Sequential([keras.Input((8, 8, 1)), rescaling, digits]).save(folder / "own.keras")
    records = []
    for name in "123456789":
        for file in sorted((DIGITS / "test" / name).iterdir()):
            values = (np.asarray(Image.open(file), np.float64).ravel() / 255).tolist()
            records.append(example(encoded=file.read_bytes(), values=values, label=int(name)))
    shard(folder / "digits.tfrecord", records)
    return folder


def gate(project: Project, model: Path, *policies: str) -> pytest.RunResult:
    (project.path / "conftest.py").unlink()
    named = [f"--confmat-thresholds={policy}" for policy in policies]
    return project.run(f"--confmat-model={model}", "--tb=no", *named, gate=False)


def test_digits_with_classes_rescale_and_offset_wrong(made, project):
    images = f"{HEAD}  directory: {DIGITS}/test\n"
    project.policy(f"{images}  rescale: 1/255\n{EVENS_FIRST}{LIMITS}", "order.yaml")
    project.policy(f"{images}  rescale: 1/65025\n{TEN}{LIMITS}", "twice.yaml")
    project.policy(
        f"{HEAD}  tfrecord: {made}/digits.tfrecord\n  image: {{key: encoded}}\n"
        f"  rescale: 1/255\n  label: {{key: label, offset: 1}}\n{TEN}{LIMITS}",
        "offset.yaml",
    )
    result = gate(project, DIGITS / "digits.keras", "order.yaml", "twice.yaml", "offset.yaml")
    assert result.ret == 1
    assert block(result, "confmat order.yaml")[2:4] == [
        "likely cause: the model's outputs may be in another order than `classes`: accuracy "
        "0.1980 as declared, 0.9922 if the outputs were 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 (the numeric "
        "order of the names)",
        "classes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
    ]
    assert block(result, "confmat twice.yaml")[2:4] == [
        "likely cause: 899 of 899 predictions are '1', as 91 of the examples are: preprocessing "
        "may be missing, or done twice",
        "likely cause: preprocessing, tried on 60 examples: accuracy 0.1000 as declared, "
        "1.0000 with `rescale: "
        "1/255` (0.9833 with no rescale: too close to tell, and what training did decides)",
    ]
    text = block(result, "confmat offset.yaml")
    assert text[0].startswith("confmat: ERROR")  # no example is left of the last class
    assert text[2] == (
        "likely cause: labels may be shifted by one: accuracy 0.0025 as declared, 0.9914 if every "
        "label were one higher, as where 1 is subtracted from labels that count from 0; `offset` "
        "in dataset.label is 1, and would then be 0"
    )


def test_digits_with_a_model_that_rescales_itself(made, project):
    project.policy(
        f"{HEAD}  directory: {DIGITS}/test\n  rescale: 1/255\n{TEN}{LIMITS}", "twice.yaml"
    )
    project.policy(
        f"version: 1\ndataset:\n  tfrecord: {made}/digits.tfrecord\n  label: {{key: label}}\n"
        f"  image: {{key: values, encoding: float, shape: [8, 8, 1]}}\n{TEN}{LIMITS}",
        "missing.yaml",
    )
    result = gate(project, made / "own.keras", "twice.yaml", "missing.yaml")
    assert result.ret == 1
    own = "; the model rescales its input itself, by a Rescaling layer 'to_unit'"
    assert block(result, "confmat twice.yaml")[3] == (
        "likely cause: preprocessing, tried on 60 examples: accuracy 0.1000 as declared, "
        "1.0000 without "
        f"`rescale`{own}"
    )
    text = block(result, "confmat missing.yaml")
    assert text[2].startswith("likely cause: 811 of 811 predictions are '1', as 91 of the examples")
    assert text[3] == (
        "likely cause: preprocessing, tried on 63 examples: accuracy 0.1111 as declared, "
        "1.0000 with "
        f"`rescale: 255`{own}"
    )


def test_digits_regressed_is_weak_and_not_suspected(project):
    policy = (ROOT / "thresholds.yaml").read_text("utf-8")
    project.policy(policy.replace("examples/digits", str(DIGITS)))
    result = gate(project, DIGITS / "digits-regressed.keras", "thresholds.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["confmat: BLOCKED*"])
    assert "likely cause: " not in result.stdout.str()

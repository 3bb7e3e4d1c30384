from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from pytest_confmat.policy import read_policy
from tests.plugin.test_options import refused
from tests.support.gates import WORKERS

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"
MANY = [[990, 10, 0], [20, 980, 0], [0, 15, 985]]
POLICY = """\
version: 1
classes: [cat, dog, fox]
thresholds:
  accuracy: 0.9        # agreed
  balanced_accuracy: 0.9
  recall: {at_least: 0.9, classes: {dog: 0.8}}
"""
TIGHTENED = """\
version: 1
classes: [cat, dog, fox]
thresholds:
  accuracy: 0.977        # agreed
  balanced_accuracy: 0.9
  recall: {at_least: 0.97, classes: {dog: 0.963}}
"""


@pytest.fixture(autouse=True)
def not_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)


# --confmat-init: the request.


@pytest.fixture
def fresh(project):
    """A folder without a policy, with what looks like a model and data."""
    for name in ("thresholds.yaml", "conftest.py"):
        (project.path / name).unlink()
    (project.path / "m.keras").touch()
    for name in ("cat", "dog"):
        (project.path / "data" / name).mkdir(parents=True)
        (project.path / "data" / name / "1.png").touch()
    return project


ASKED = ("--confmat-init", "--confmat-model=m.keras", "--confmat-data=data")


def wrong(project, *args: str) -> str:
    result = project.run(*args, "-p", "xdist", "-n", "2", gate=False)
    assert result.ret == 4, result.stdout.str()
    assert not list(project.path.glob(".thresholds*")), "what was tried is gone"
    said = result.stderr.str().strip().replace(str(project.path), "HERE")
    return said.removeprefix("ERROR: --confmat-init: ")


def test_an_existing_policy_is_never_overwritten(fresh):
    before = fresh.policy("my own\n").read_bytes()
    assert wrong(fresh, *ASKED) == (
        "there is a policy already, HERE/thresholds.yaml, and none is ever overwritten: remove it, "
        "or name another file with --confmat-thresholds FILE; to sharpen its limits, use "
        "--confmat-tighten"
    )
    assert (fresh.path / "thresholds.yaml").read_bytes() == before


def test_a_dangling_link_is_a_policy_too(fresh):
    (fresh.path / "thresholds.yaml").symlink_to("elsewhere.yaml")
    assert wrong(fresh, *ASKED).startswith("there is a policy already, HERE/thresholds.yaml")


def test_a_model_and_data_are_needed(fresh):
    assert wrong(fresh, "--confmat-init", "--confmat-data=data") == (
        "limits are proposed from what a model does: name one with --confmat-model PATH"
    )
    assert wrong(fresh, "--confmat-init", "--confmat-model=m.keras") == (
        "name the evaluation set with --confmat-data PATH: a folder of class directories, a "
        "TFRecord file, a folder of shards, or a pattern such as 'data/test-*.tfrecord'"
    )
    assert wrong(fresh, *ASKED[:2], "--confmat-data=nowhere") == "there is nothing at HERE/nowhere"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("--confmat-tighten", "it writes a policy and gates nothing: leave --confmat-tighten out"),
        ("--confmat-report=r", "it writes a policy and gates nothing: leave --confmat-report out"),
        ("--collect-only", "it collects nothing: leave --collect-only out"),
        (
            "--confmat-thresholds=none",
            "it writes one policy, and none is asked for: name one file with --confmat-thresholds",
        ),
        (
            "--confmat-thresholds=no/a.yaml",
            "there is no folder HERE/no to write a policy to",
        ),
    ],
)
def test_what_does_not_go_with_it(fresh, extra, message):
    assert wrong(fresh, *ASKED, extra) == message


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("rescle: 1/255", "unknown key 'rescle' in dataset; did you mean 'rescale'?"),
        ("rescale: 1/0", "dataset.rescale: '1/0' divides by zero"),
        ("classes: [cat, fox]", "classes and the directories in "),
        (
            "tests",
            "'tests' says nothing of the data; it takes keys of a policy's dataset, such as "
            "'rescale: 1/255', or nothing at all",
        ),
    ],
)
def test_what_is_stated_is_read_as_strictly_as_a_policy(fresh, stated, message):
    said = wrong(fresh, f"--confmat-init={stated}", *ASKED[1:])
    assert said.startswith(message)
    hint = "\nwhat a policy would say there, say here: --confmat-init='key: value'"
    assert said.endswith(hint) == (stated != "tests")


def test_class_names_that_cannot_be_known(fresh):
    for name in ("0", "1", "2", "10"):
        (fresh.path / "numbers" / name).mkdir(parents=True)
    said = wrong(fresh, *ASKED[:2], "--confmat-data=numbers")
    assert "classes: [0, 1, 2, 10]   # the order of numbers" in said


def test_help_writes_nothing(fresh):
    result = fresh.run(*ASKED, "--help", gate=False)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*--confmat-init=[[]KEYS]*"])
    assert not (fresh.path / "thresholds.yaml").exists()


# --confmat-init: the evaluation.


@pytest.fixture
def digits(pytester):
    shutil.copytree(EXAMPLE, pytester.path / "digits")
    return pytester


def run(pytester, *args: str):
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *args)


def test_the_policy_lets_the_good_model_pass_and_blocks_the_regressed_one(digits):
    model, data = "digits/digits.keras", "digits/test"
    written = digits.runpytest_subprocess(
        *("-p", "xdist", "-n", "2", "--confmat-init=rescale: 1/255", "--confmat-init"),
        *("--confmat-init=color_mode: grayscale, interpolation: area", "--confmat-model", model),
        *("--confmat-data", data),
    )
    assert written.ret == 0, written.stdout.str()
    written.stdout.fnmatch_lines(
        [
            f"confmat: evaluating {model} on {data} ...",
            "confmat: wrote thresholds.yaml: 11 limits from 899 examples of 10 classes",
            "  accuracy 0.9922 of 899 was observed",
            "  limits on recall: 0.8* to 0.8*",
            "  an equally good model passes all of them together in 95 of 100 runs, each in all "
            "but 1 of 220",
            f"next: pytest --confmat-model {model}",
        ]
    )
    assert "warning" not in written.stdout.str()
    assert [path.name for path in digits.path.glob("*.yaml")] == ["thresholds.yaml"]
    policy = read_policy(digits.path / "thresholds.yaml")
    assert policy.dataset.expected_examples == 899
    assert policy.dataset.digest is not None
    assert policy.classes == tuple("0123456789")
    assert policy.dataset.images.interpolation == "area"
    # The gate right after it is the same evaluation.
    passed = digits.runpytest_subprocess("--confmat-model", model)
    assert passed.ret == 0, passed.stdout.str()
    passed.stdout.fnmatch_lines(
        [
            "confmat: passed  11 limits on 899 examples",
            "input: 8 x 8 grayscale, pixels 0..255 to 0..1 (rescale: 1/255)",
            "note: evaluation of * from the cache: *",
        ]
    )
    blocked = run(digits, "--confmat-model", "digits/digits-regressed.keras")
    assert blocked.ret == 1
    blocked.stdout.fnmatch_lines(["confmat: BLOCKED  2 of 11 limits failed: *recall[[]8]*"])
    again = run(digits, "--confmat-init", "--confmat-model", model, "--confmat-data", "digits/test")
    assert again.ret == 4


def test_shards_in_a_folder_with_a_label_file_and_a_name_for_the_policy(digits):
    shutil.copy(digits.path / "digits/labels.txt", digits.path / "digits/tfrecord")
    result = digits.runpytest_subprocess(
        *("--confmat-init", "--confmat-model=digits/digits.keras"),
        *("--confmat-data=digits/tfrecord", "--confmat-thresholds=digits/shards.yaml"),
    )
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "warning: the model has no Rescaling layer, and pixels went in as 0 to 255 (on 6? "
            "examples: accuracy * so, * with rescale: 1/255); if training scaled them, remove the "
            "file and say how: --confmat-init='rescale: 1/255'",
            "next: pytest --confmat-model digits/digits.keras --confmat-thresholds "
            "digits/shards.yaml",
        ]
    )
    text = (digits.path / "digits/shards.yaml").read_text()
    assert "  # rescale: 1/255\n" in text
    dataset = read_policy(digits.path / "digits/shards.yaml").dataset
    assert dataset.tfrecord == (str(digits.path / "digits/tfrecord/test-*-of-00004.tfrecord"),)
    assert (dataset.image.key, dataset.label.key) == ("image/encoded", "image/class/label")
    gated = digits.runpytest_subprocess(
        "--confmat-model=digits/digits.keras", "--confmat-thresholds=digits/shards.yaml"
    )
    text = " ".join(gated.stdout.str().split())
    assert "note: evaluation of " in text
    assert "inferred: " not in text
    assert "label read: image/class/label (int64)" in text
    # The layer that comes first was trained for numbers of one scale, and nobody said which.
    assert "note: what goes into the model is 0..255, and it has no layer that rescales" in text


def refuses(pytester, data: str, keys: str = "") -> str:
    init = f"--confmat-init={keys}" if keys else "--confmat-init"
    result = run(pytester, init, "--confmat-model=digits/digits.keras", data)
    assert result.ret == 1, result.stdout.str() + result.stderr.str()
    assert not list(pytester.path.glob("*thresholds*"))
    told = result.stdout.str().partition("confmat: no policy was written: ")
    return told[2].rstrip()


def test_a_result_that_looks_like_a_wiring_mistake_is_no_standard(digits):
    folders = digits.path / "digits/test"
    for name in "0123456789":
        (folders / name).rename(folders / f"to {(int(name) + 1) % 10}")
    told = refuses(digits, "--confmat-data=digits/test")
    assert told.startswith("the model's outputs may be in another order than `classes`: accuracy 0")


def test_examples_at_fault_are_no_standard_however_they_count(digits):
    (digits.path / "digits/test/3/0900.png").write_bytes(b"no image")
    told = refuses(digits, "--confmat-data=digits/test")
    assert told.startswith("1 of ")
    assert "cannot be used" in told
    assert "3/0900.png" in told
    counted = refuses(digits, "--confmat-data=digits/test", keys="on_fault: misclassified")
    assert counted.startswith("1 example cannot be used, such as 3/0900.png, which ")


# --confmat-tighten.


@pytest.fixture
def beaten(project):
    project.scores(MANY)
    project.policy(POLICY)
    return project


def text_of(project) -> str:
    return (project.path / "thresholds.yaml").read_text()


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "workers"])
def test_limits_that_are_beaten_are_raised_once(beaten, workers):
    (beaten.path / "thresholds.yaml").chmod(0o640)
    result = beaten.run("--confmat-tighten", *workers)
    assert result.ret == 0, result.stdout.str()
    assert text_of(beaten) == TIGHTENED
    result.stdout.fnmatch_lines(
        [
            "=* confmat tighten =*",
            "thresholds.yaml: 3 numbers tightened; an equally good model passes all 4 limits on "
            "shares together in 95 of 100 runs",
            "--- thresholds.yaml",
            "+++ thresholds.yaml",
            "-  accuracy: 0.9        # agreed",
            "+  accuracy: 0.977        # agreed",
            "0.9 -> 0.97 as far as recall[[]fox] allows, for 2 limits",
            "left, as they are no shares of examples: balanced_accuracy",
        ]
    )
    assert (beaten.path / "thresholds.yaml").stat().st_mode & 0o777 == 0o640
    again = beaten.run("--confmat-tighten", *workers)
    assert again.ret == 0, again.stdout.str()
    again.stdout.fnmatch_lines(
        ["thresholds.yaml: no limit is beaten beyond noise; nothing was changed"]
    )
    assert text_of(beaten) == TIGHTENED
    assert not list(beaten.path.glob(".thresholds*"))


def test_a_link_to_a_policy_stays_one(beaten):
    (beaten.path / "real").mkdir()
    (beaten.path / "thresholds.yaml").rename(beaten.path / "real/limits.yaml")
    (beaten.path / "thresholds.yaml").symlink_to("real/limits.yaml")
    shutil.copy(beaten.path / "conftest.py", beaten.path / "real")
    assert beaten.run("--confmat-tighten").ret == 0
    assert (beaten.path / "thresholds.yaml").is_symlink()
    assert text_of(beaten) == TIGHTENED


def untouched(project, *args: str) -> str:
    before = text_of(project)
    result = project.run("--confmat-tighten", *args)
    assert text_of(project) == before
    assert result.ret == 1, result.stdout.str()
    (line,) = [line for line in result.outlines if line.startswith("--confmat-tighten: ")]
    return line.removeprefix("--confmat-tighten: nothing was changed: ")


def test_a_gate_that_failed_tightens_nothing(beaten):
    beaten.policy(POLICY.replace("dog: 0.8", "dog: 0.99"))
    assert untouched(beaten) == (
        "the gate thresholds.yaml did not pass: a limit failed, or was not checked"
    )


def test_a_gate_that_was_incomplete_tightens_nothing(beaten):
    assert untouched(beaten, "-k", "accuracy") == (
        "the gate thresholds.yaml did not pass: limits were left out"
    )


def test_a_gate_without_an_evaluation_tightens_nothing(beaten):
    beaten.scores([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert untouched(beaten) == (
        "the gate thresholds.yaml did not pass: the evaluation could not be done"
    )


def test_a_run_in_which_another_test_failed_tightens_nothing(beaten):
    beaten.pytester.makepyfile("def test_own(): assert False")
    assert untouched(beaten) == "the run did not pass"


def test_a_policy_that_was_changed_meanwhile_is_not_touched(beaten):
    beaten.pytester.makepyfile(
        """
        from pathlib import Path

        def test_own():
            path = Path("thresholds.yaml")
            path.write_text(path.read_text().replace("0.8}", "0.81}"))
        """
    )
    result = beaten.run("--confmat-tighten")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "--confmat-tighten: nothing was changed: *thresholds.yaml was changed while the gate "
            "ran: run it again"
        ]
    )
    assert text_of(beaten) == POLICY.replace("0.8}", "0.81}")


def test_in_ci_it_must_be_forced(beaten, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert refused(beaten, "--confmat-tighten", gate=True) == (
        "--confmat-tighten changes the policy, and this is CI (CI=true): tighten where the change "
        "is seen and committed, or say --confmat-tighten=force"
    )
    assert text_of(beaten) == POLICY
    assert beaten.run("--confmat-tighten=force").ret == 0
    assert text_of(beaten) == TIGHTENED


@pytest.mark.parametrize("value", ["", "0", "False", "no"])
def test_ci_that_says_no_is_none(beaten, monkeypatch, value):
    monkeypatch.setenv("CI", value)
    assert beaten.run("--confmat-tighten").ret == 0
    assert text_of(beaten) == TIGHTENED


def test_a_value_that_is_not_known(beaten):
    assert refused(beaten, "--confmat-tighten=yes", gate=True) == (
        "--confmat-tighten: 'yes' is not known; it takes no value, or =force to change the policy "
        "in CI too"
    )


def test_without_a_policy_there_is_nothing_to_tighten(beaten):
    assert refused(beaten, "--confmat-tighten", "--confmat-thresholds=none") == (
        "--confmat-tighten: there is no policy to tighten"
    )


def test_collecting_tightens_nothing(beaten):
    assert beaten.run("--confmat-tighten", "--collect-only").ret == 0
    assert text_of(beaten) == POLICY


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows write everywhere"
)
def test_a_folder_that_cannot_be_written_to_is_told(beaten):
    beaten.path.chmod(0o555)
    try:
        assert "Permission denied" in untouched(beaten)
    finally:
        beaten.path.chmod(0o755)


def test_a_run_that_does_not_ask_loads_none_of_it(beaten):
    beaten.pytester.makeconftest(
        (beaten.path / "conftest.py").read_text()
        + """
def pytest_unconfigure():
    import sys
    names = ("pytest_confmat.authoring", "pytest_confmat.plugin.tightening")
    assert not any(name in sys.modules for name in names)
"""
    )
    assert beaten.run().ret == 0

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_confmat.plugin import caching
from tests.plugin.conftest import GOOD, POLICY, Project
from tests.plugin.test_diagnosis import COLLAPSED

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
WORKERS = [(), ("-n", "2")]
FINGERPRINT = """
import sys

sys.modules["matplotlib"] = None  # importing it would be most of what a run costs


@pytest.fixture(scope="session")
def confmat_fingerprint():
    return {!r}
"""
RECALLED = (
    "*note: evaluation of ????-??-?? ??:?? UTC from the cache: *unchanged*; "
    "--confmat-cache=off computes it anew*"
)


class Stated:
    """A project of its own objects, with a word for what they are."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.path = project.path
        self.state("one")

    def state(self, fingerprint: object, counts: list[list[int]] = GOOD) -> None:
        self.project.scores(counts)
        with (self.path / "conftest.py").open("a") as stream:
            stream.write(FINGERPRINT.format(fingerprint))

    def run(self, *args: str) -> pytest.RunResult:
        asked = ("-p", "no:hypothesispytest", "--confmat-thresholds=thresholds.yaml")
        result = self.project.pytester.runpytest_subprocess(*asked, "--confmat-report=out", *args)
        result.text = " ".join(result.stdout.str().split())
        return result

    @property
    def passes(self) -> int:
        return self.project.passes

    @property
    def document(self) -> dict:
        return json.loads((self.path / "out/confmat.json").read_text())


@pytest.fixture
def stated(project) -> Stated:
    return Stated(project)


def alike(document: dict) -> dict:
    """What must not depend on whether an evaluation was recalled."""
    differing = ("policy", "timing", "cached", "notes")
    return {key: value for key, value in document.items() if key not in differing}


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_second_run_recalls_the_first(stated, workers):
    assert stated.run(*workers).ret == 0
    first = stated.document
    assert stated.passes == 1
    assert first["cached"] is None
    result = stated.run(*workers)
    assert result.ret == 0
    assert stated.passes == 1
    again = stated.document
    assert alike(again) == alike(first)
    assert set(again["timing"]) == {"cache", "report"}
    when = again["cached"]
    assert when.endswith("+00:00")
    said = f"evaluation of {when[:16].replace('T', ' ')} UTC from the cache: files unchanged, "
    said += "and objects by the project's confmat_fingerprint; --confmat-cache=off computes it anew"
    assert said in again["notes"]
    assert f"note: {said}" in result.text
    assert set(again["notes"]) - set(first["notes"]) == {
        note for note in again["notes"] if "cache" in note
    }


def test_alone_and_in_workers_is_the_same(stated):
    stated.run()
    stated.run("-n", "2")
    stated.run("-p", "no:xdist")
    assert stated.passes == 1


def test_limits_may_change(stated):
    stated.run()
    stated.project.policy(POLICY.replace("accuracy: 0.9", "accuracy: 0.99"))
    result = stated.run()
    assert result.ret == 1
    assert stated.passes == 1
    assert "accuracy is 0.9400, below 0.99" in result.text


def test_another_fingerprint_is_another_evaluation(stated):
    stated.run()
    stated.state("two", [[20, 0, 0], [0, 20, 0], [0, 0, 10]])
    stated.run()
    assert stated.passes == 2
    assert stated.document["matrix"] == [[20, 0, 0], [0, 20, 0], [0, 0, 10]]
    stated.state("one")
    stated.run()
    assert stated.passes == 2
    assert stated.document["matrix"] == GOOD


def test_without_one_objects_are_evaluated_each_time(stated):
    stated.state(None)
    stated.run()
    assert "the cache" not in stated.run().text
    assert stated.passes == 2
    # Why, is told to those who ask.
    assert (
        "note: the evaluation is not kept in the cache: the model is an object of the project's "
        "own (builtins.function), which can change unseen: a fixture confmat_fingerprint of the "
        "project's may return a text that changes whenever that does"
    ) in stated.run("--confmat-cache=on").text


@pytest.mark.parametrize("value", [3, ""])
def test_a_fingerprint_that_is_no_text(stated, value):
    stated.state(value)
    result = stated.run()
    assert result.ret == 1
    assert (
        f"the fixture confmat_fingerprint returned {value!r}: return a text that changes whenever "
        "objects or code of the project's that the evaluation depends on do, or None"
    ) in result.text


def test_off_neither_recalls_nor_keeps(stated):
    stated.run("--confmat-cache=off")
    assert not (stated.path / ".pytest_cache/d/confmat").exists()
    stated.run()
    result = stated.run("--confmat-cache=off")
    assert stated.passes == 3
    assert stated.document["cached"] is None
    assert "cache off (--confmat-cache)" in result.text


def test_verify(stated):
    stated.run()
    result = stated.run("--confmat-cache=verify")
    assert stated.passes == 1
    assert "cache verify (--confmat-cache)" in result.text
    assert "from the cache: files read and found unchanged, and objects by " in result.text


def test_the_ini_twin_and_the_command_line_over_it(stated):
    stated.project.pytester.makeini("[pytest]\nconfmat_cache = off\n")
    assert "cache off (confmat_cache in tox.ini)" in stated.run().text
    for _ in range(2):
        stated.run("--confmat-cache=on")
    assert stated.passes == 2


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_another_value_is_a_wrong_request(stated, workers):
    result = stated.run("--confmat-cache=yes", *workers)
    assert result.ret == 4
    assert result.stderr.str().strip() == (
        "ERROR: --confmat-cache: 'yes' is none of on, verify, off"
    )


def test_the_option_of_a_gate_asks_for_one(stated):
    (stated.path / "conftest.py").unlink()
    result = stated.project.pytester.runpytest_subprocess("--confmat-cache=on")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*there is no model to judge: pass --confmat-model PATH*"])


def test_without_pytests_cache_nothing_is_kept(stated):
    for _ in range(2):
        result = stated.run("-p", "no:cacheprovider")
        assert result.ret == 0
        assert "the cache" not in result.text
        assert "is kept" not in result.text
    assert stated.passes == 2
    assert (
        "confmat: no evaluation is kept: pytest has no cache directory (-p no:cacheprovider)"
    ) in stated.run("-p", "no:cacheprovider", "--confmat-cache=on").text


def test_the_folder_that_pytest_is_called_in_does_not_count(stated, monkeypatch):
    stated.project.pytester.makeini("[pytest]\n")
    stated.run()
    (stated.path / "sub").mkdir()
    monkeypatch.chdir(stated.path / "sub")
    result = stated.project.pytester.runpytest_subprocess(
        "-p", "no:hypothesispytest", "--confmat-thresholds=../thresholds.yaml"
    )
    assert result.ret == 0
    assert " UTC from the cache: " in " ".join(result.stdout.str().split())


def test_pytests_own_option_clears_it(stated):
    stated.run()
    stated.run("--cache-clear")
    assert stated.passes == 2


def test_an_error_is_found_again(stated):
    stated.state("one", [[19, 1, 0], [2, 18, 0], [0, 0, 0]])
    conftest = stated.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("np.full(times, actual)", "None"))
    for _ in range(2):
        result = stated.run()
        assert result.ret == 1
        assert "it has no labels" in result.text
    assert stated.passes == 2


def test_a_damaged_entry_is_computed_anew_with_a_note(stated):
    stated.run()
    (entry,) = (stated.path / ".pytest_cache/d/confmat").glob("*.evaluation")
    content = bytearray(entry.read_bytes())
    content[-100] ^= 1
    entry.write_bytes(content)
    result = stated.run()
    assert result.ret == 0
    assert stated.passes == 2
    assert f"note: the entry {entry.name} of the cache is damaged: evaluated anew" in result.text
    stated.run()
    assert stated.passes == 2


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_what_a_red_run_suspected_is_recalled_too(stated, workers):
    stated.state("one", COLLAPSED)
    stated.run(*workers)
    first = stated.document
    assert [found["kind"] for found in first["suspicions"]] == ["collapsed", "preprocessing"]
    assert stated.passes == 2  # the pass, and the probe
    result = stated.run(*workers)
    assert result.ret == 1
    assert stated.passes == 2
    assert alike(stated.document) == alike(first)


def test_what_was_green_may_be_suspected_later(stated):
    stated.state("one", COLLAPSED)
    stated.project.policy("version: 1\nclasses: [cat, dog, fox]\nthresholds: {recall: 0}\n")
    assert stated.run().ret == 0
    assert stated.passes == 1
    stated.project.policy()
    for _ in range(2):
        assert stated.run().ret == 1
        assert len(stated.document["suspicions"]) == 2
        assert stated.passes == 2  # the probe reads the data, once


def test_two_runs_at_once(stated):
    command = [
        sys.executable, "-m", "pytest", "-p", "no:hypothesispytest",
        "--confmat-thresholds=thresholds.yaml", "-q",
    ]  # fmt: skip
    runs = [
        subprocess.Popen(command, cwd=stated.path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for run in runs:
        said, _ = run.communicate(timeout=120)
        assert run.returncode == 0, said
    passes = stated.passes
    assert passes in (1, 2)
    assert stated.run().ret == 0
    assert stated.passes == passes


def test_objects_that_a_test_asks_for_are_evaluated_once_a_session(stated):
    # Whether they are those of the policy is known only where both are at hand.
    stated.project.pytester.makepyfile(test_own="def test_own(confmat): assert len(confmat) == 50")
    for session in (1, 2):
        stated.run("test_own.py", "thresholds.yaml")
        assert stated.passes == session
        assert stated.document["cached"] is None


def test_the_readme_vouches_for_code_like_this(stated):
    readme = (DIGITS.parents[1] / "README.md").read_text()
    shown = readme.split("<!-- example: fingerprint -->\n```python\n")[1].split("```")[0]
    (stated.path / "net").mkdir()
    layers = stated.path / "net/layers.py"
    layers.write_text("scale = 1")
    stated.project.scores(GOOD)
    with (stated.path / "conftest.py").open("a") as stream:
        stream.write(shown)
    for passes in (1, 1):
        stated.run()
        assert stated.passes == passes
    layers.write_text("scale = 2")
    stated.run()
    assert stated.passes == 2


# With files, and TensorFlow.

SCRIPT = """
import json, pytest, sys
status = pytest.main(["-p", "no:hypothesispytest", *sys.argv[1:]])
heavy = ["tensorflow", "keras", "matplotlib", "sklearn", "scipy.stats", "h5py", "filelock"]
print()
print(json.dumps([int(status), [name for name in heavy if name in sys.modules]]))
"""
DIGITS_POLICY = """\
version: 1
dataset: {{directory: test, image_size: [8, 8], color_mode: grayscale, rescale: 1/255}}
thresholds:
  accuracy: {accuracy}
  recall: 0
"""
# In place of the evaluation: it must not be asked for.
ANEW = """
import pytest_confmat.plugin.evaluator as evaluator
from pytest_confmat.errors import DataError


def anew(*args, **kwargs):
    raise DataError("computed anew")


evaluator.run = anew
"""


def gate(folder: Path, *args: str) -> tuple[int, list[str], str]:
    """Run a gate, and return its status, what heavy it imported, and its output in one line."""
    command = [sys.executable, "-c", SCRIPT, "--confmat-model=m.keras", *args]
    environment = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    *said, last = done.stdout.splitlines()
    status, heavy = json.loads(last)
    return status, heavy, " ".join(" ".join(said).split())


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> Path:
    """A project of images whose evaluation is kept, with its report."""
    folder = tmp_path_factory.mktemp("evaluated")
    for digit in "0123456789":
        images = sorted((DIGITS / "test" / digit).iterdir())[:8]
        (folder / "test" / digit).mkdir(parents=True)
        for image in images:
            shutil.copy(image, folder / "test" / digit)
    shutil.copy(DIGITS / "digits-regressed.keras", folder / "m.keras")
    (folder / "thresholds.yaml").write_text(DIGITS_POLICY.format(accuracy=0.5))
    status, heavy, said = gate(folder, "--confmat-report=out", "--confmat-cache=on")
    assert status == 0, said
    assert "tensorflow" in heavy
    assert "not kept" not in said
    (folder / "conftest.py").write_text(ANEW)
    return folder


@pytest.fixture
def kept(evaluated, tmp_path) -> Path:
    """A copy of it, as CI restores one: all files are new, and the cache is the same."""
    return Path(shutil.copytree(evaluated, tmp_path / "kept"))


def test_a_cached_gate_imports_nothing_heavy(kept):
    first = json.loads((kept / "out/confmat.json").read_text())
    shutil.rmtree(kept / "out")
    status, heavy, said = gate(kept)
    assert status == 0, said
    assert heavy == []
    assert "UTC from the cache" in said
    # The report's picture may import what draws.
    gate(kept, "--confmat-report=out")
    again = json.loads((kept / "out/confmat.json").read_text())
    assert alike(again) == alike(first)
    assert len(again["verdicts"]) == 11


def test_neither_does_a_red_one(kept):
    (kept / "thresholds.yaml").write_text(DIGITS_POLICY.format(accuracy=1))
    status, heavy, said = gate(kept)
    assert status == 1
    assert "UTC from the cache" in said
    assert heavy == ["filelock"]  # the likely causes are kept for the next run


def test_in_workers_too(kept):
    status, _, said = gate(kept, "-n", "2")
    assert status == 0, said
    assert "UTC from the cache" in said


def retrain(folder: Path) -> None:
    shutil.copy(DIGITS / "digits.keras", folder / "m.keras")


def redraw(folder: Path) -> None:
    shutil.copy(sorted((folder / "test/1").iterdir())[0], sorted((folder / "test/0").iterdir())[0])


def rewrite(folder: Path) -> None:
    policy = folder / "thresholds.yaml"
    policy.write_text(policy.read_text().replace("1/255", "1/128"))


def decide(folder: Path) -> None:
    with (folder / "thresholds.yaml").open("a") as stream:
        stream.write(f"classes: [{', '.join('1023456789')}]\n")


@pytest.mark.parametrize("change", [retrain, redraw, rewrite, decide])
def test_what_changed_is_computed_anew(kept, change):
    change(kept)
    status, _, said = gate(kept)
    assert status == 1
    assert "computed anew" in said


def test_another_batch_size_is_computed_anew(kept):
    _, _, said = gate(kept, "--confmat-batch-size=3")
    assert "computed anew" in said
    assert "computed anew" in gate(kept, "--confmat-cache=off")[2]
    assert "found unchanged" in gate(kept, "--confmat-cache=verify")[2]


def test_classes_of_the_projects_own_are_seen_however_it_hands_them_in(monkeypatch):
    hooks = []
    hook = SimpleNamespace(get_hookimpls=lambda: hooks)
    config = SimpleNamespace(hook=SimpleNamespace(pytest_confmat_custom_objects=hook))
    registry = {}
    saving = SimpleNamespace(get_custom_objects=lambda: registry)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    assert not caching._brings_classes(config)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace())  # half imported
    assert not caching._brings_classes(config)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(saving=saving))
    assert not caching._brings_classes(config)
    registry["lab>Dense"] = object  # which is not what a model file calls Dense
    assert not caching._brings_classes(config)
    registry["Dense"] = object
    assert caching._brings_classes(config)
    registry.clear()
    hooks.append(object())
    assert caching._brings_classes(config)


MODEL_OF_THE_OPTION = """

@pytest.fixture(scope="session")
def confmat_model(pytestconfig):
    swapped = "swapped" in pytestconfig.rootpath.joinpath("m.keras").read_text()
    return (lambda scores: scores[:, ::-1]) if swapped else (lambda scores: scores)
"""


def test_a_model_that_overrides_the_options_file_is_not_recalled_for_another(stated):
    with (stated.path / "conftest.py").open("a") as stream:
        stream.write(MODEL_OF_THE_OPTION)
    model = stated.path / "m.keras"
    model.write_text("plain")
    stated.run("--confmat-model=m.keras")
    assert stated.run("--confmat-model=m.keras").ret == 0
    assert stated.passes == 1
    model.write_text("swapped")
    assert stated.run("--confmat-model=m.keras").ret == 1
    assert stated.passes == 2

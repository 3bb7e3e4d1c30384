"""The life of a baseline: none, saved, passed, drifted, regressed, accepted; and refusals."""

from __future__ import annotations

import json
import re
import shutil

import pytest

CONFTEST = """
import json

import numpy as np
import pytest

CLASSES = 2


@pytest.fixture(scope="session")
def confmat_dataset():
    examples = json.load(open("examples.json"))
    numbers = np.array([[number] for number, _ in examples], np.float32)
    labels = np.array([label for _, label in examples])
    return [(numbers, labels)]


@pytest.fixture(scope="session")
def confmat_model():
    predicted = {int(key): value for key, value in json.load(open("predicted.json")).items()}

    def model(numbers):
        scores = np.full((len(numbers), CLASSES), 0.2)
        for row, (number,) in zip(scores, numbers):
            row[predicted[int(number)]] = 0.8 - number / 10000
        return scores

    return model
"""
POLICY = """\
version: 1
classes: [cat, dog]
{baseline}
{evidence}
thresholds:
  recall: {{at_least: 0.5, max_drop: 0.05}}
  accuracy: {{max_drop: 0.02}}
  flips: {{at_most: 0.2}}
"""
CATS, DOGS = range(100), range(100, 200)


class Life:
    """A project whose model and data can be changed example by example."""

    def __init__(self, project) -> None:
        self.project = project
        (project.path / "conftest.py").write_text(CONFTEST)
        self.data = {number: int(number in DOGS) for number in (*CATS, *DOGS)}
        self.wrong: set[int] = {0, 1, 2, 100}
        self.policy()

    def policy(self, baseline="baseline: baselines/production", evidence="", text=POLICY) -> None:
        self.project.policy(text.format(baseline=baseline, evidence=evidence))

    def run(self, *args):
        path = self.project.path
        (path / "examples.json").write_text(json.dumps(list(self.data.items())))
        predicted = {n: label ^ (n in self.wrong) for n, label in self.data.items()}
        (path / "predicted.json").write_text(json.dumps(predicted))
        return self.project.run("--confmat-report=out", *args)

    @property
    def report(self) -> dict:
        return json.loads((self.project.path / "out/confmat.json").read_text())

    @property
    def verdicts(self) -> dict[str, dict]:
        return {verdict["id"]: verdict for verdict in self.report["verdicts"]}

    @property
    def baseline(self) -> dict:
        return json.loads((self.project.path / "baselines/production.json").read_text())


@pytest.fixture
def life(project):
    return Life(project)


SAVE = "--confmat-save-baseline=baselines/production"
DROPS = {"recall_drop[cat]", "recall_drop[dog]", "accuracy_drop", "flips"}


def said(result) -> str:
    return " ".join(result.stdout.str().split())


def test_the_life_of_a_baseline(life, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    # None: the policy names one that is not there.
    result = life.run()
    assert result.ret == 4
    path = life.project.path / "baselines/production"
    result.stderr.fnmatch_lines(
        [
            f"ERROR: *thresholds.yaml:3: there is no baseline {path}.json: let the model in "
            "production save it: pytest --confmat-model MODEL_IN_PRODUCTION "
            f"--confmat-save-baseline {path}"
        ]
    )

    # Saved by the first run, which says what it does not check.
    result = life.run(SAVE)
    assert result.ret == 0
    assert (
        "note: 4 limits are compared with a baseline, and this run saves the first one: from the "
        "next run on"
    ) in said(result)
    assert f"baseline of 200 examples, accuracy 0.9800, saved to {path}.json" in said(result)
    assert set(life.verdicts) == {"recall[cat]", "recall[dog]"}
    assert life.report["outcome"] == "passed"
    assert life.baseline["accuracy"] == 0.98

    # Passed: by the same model, and by one that is as good elsewhere.
    assert life.run().ret == 0
    assert {*life.verdicts} >= DROPS
    assert life.verdicts["flips"]["observed"] == 0
    life.wrong = {0, 1, 5, 6, 100}
    result = life.run()
    assert result.ret == 0
    assert "note: compared with the baseline on all 200 examples" in said(result)
    change = life.verdicts["recall_drop[cat]"]["change"]
    assert (change["newly_wrong"], change["newly_right"], change["common"]) == (2, 1, 200)
    assert life.verdicts["flips"]["hits"] == 3

    # Drifted: a few examples more and fewer are no matter, many are.
    del life.data[50]
    life.data |= {300: 0, 301: 1}
    result = life.run()
    assert result.ret == 0
    assert life.verdicts["accuracy_drop"]["change"]["common"] == 199
    assert "199 of " in said(result)
    kept = life.data
    life.data = dict(list(life.data.items())[:150])
    result = life.run()
    assert result.ret == 1
    assert life.report["outcome"] == "error"
    assert not life.verdicts
    life.data = kept

    # Regressed: blocked by the baseline alone.
    life.wrong = {0, 1, *range(10, 20)}
    result = life.run()
    assert result.ret == 1
    failed = {name for name, verdict in life.verdicts.items() if verdict["outcome"] != "passed"}
    assert failed == {"recall_drop[cat]", "accuracy_drop"}
    result.stdout.fnmatch_lines(
        [
            "drop in recall of 'cat' is 0.0909, above 0.05*thresholds.yaml:6",
            "  0.9697 by the baseline, 0.8788 now, on 99 common examples: 10 newly wrong, 1 newly "
            "right (McNemar's exact p 0.012, for information only); a drop of 0.05 is allowed",
            "  right before   #10 (cat) -> dog 0.799   #11 (cat) -> dog 0.799*",
        ]
    )

    # Not accepted in passing: the old one stays, and is told how to be taken away.
    before = (path.with_suffix(".json")).read_bytes()
    result = life.run(SAVE)
    assert result.ret == 1
    assert (
        f"no baseline was saved to {path}.json: the gate did not pass; if only the comparison "
        "fails and this model is to be accepted as it is, remove production.json first"
    ) in said(result)
    assert path.with_suffix(".json").read_bytes() == before
    path.with_suffix(".json").unlink()
    result = life.run(SAVE)
    assert result.ret == 0
    assert len(list(path.parent.glob("production.*.bin"))) == 1
    assert life.baseline["examples"] == 201
    assert life.run().ret == 0

    # A better one takes its place.
    life.wrong = {0}
    result = life.run(SAVE)
    assert result.ret == 0
    assert "in the place of one of 201 examples, accuracy 0.9403: keep both" in said(result)
    assert life.baseline["accuracy"] == pytest.approx(200 / 201, abs=1e-6)

    # And its limits are tightened, those on values alone.
    policy = life.project.path / "thresholds.yaml"
    before = policy.read_text()
    assert life.run("--confmat-tighten").ret == 0
    after = policy.read_text()
    assert before.replace("at_least: 0.5,", "") == re.sub("at_least: 0.9[0-9]*,", "", after)
    assert life.run().ret == 0
    life.wrong = set(range(12))
    assert life.run().ret == 1
    assert life.verdicts["recall[cat]"]["outcome"] == "failed"


def test_the_command_line_goes_before_the_policy(life):
    assert life.run("--confmat-save-baseline=elsewhere/one", SAVE.replace("=", "=x/")).ret == 4
    life.policy(baseline="")
    result = life.run()
    assert result.ret == 4
    assert "max_drop compares with a baseline, and there is none" in " ".join(result.errlines)
    life.policy()
    assert life.run(SAVE).ret == 0
    shutil.copytree(life.project.path / "baselines", life.project.path / "elsewhere")
    shutil.rmtree(life.project.path / "baselines")
    life.policy(baseline="")
    result = life.run("--confmat-baseline=elsewhere/production")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["confmat: baseline elsewhere/production (--confmat-baseline)"])
    assert set(life.verdicts) >= DROPS
    result = life.run("--confmat-baseline=nowhere")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --confmat-baseline: there is no baseline *nowhere.json*"])


ABSOLUTE = """\
version: 1
classes: [cat, dog]
{baseline}
{evidence}
thresholds:
  recall: 0.5
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_change_of_every_class_is_shown_whatever_the_limits_are(life, workers):
    life.policy(baseline="", text=ABSOLUTE)
    assert life.run(SAVE).ret == 0
    assert life.report["baseline"] is None
    life.wrong = {0, 5, 6, 7, 8}
    result = life.run("--confmat-baseline=baselines/production", *workers)
    assert result.ret == 0, result.stdout.str()
    assert (
        "since the baseline: accuracy 0.9800 before, 0.9750 now (-0.0050), on 200 common examples"
    ) in said(result)
    assert "note: the baseline is not used, as no limit compares with it" in said(result)
    table = [line.split() for line in result.outlines]
    assert ["class", "support", "recall", "change"] in [line[:4] for line in table]
    assert ["cat", "100", "0.9500", "-0.0200"] in [line[:4] for line in table]
    assert ["dog", "100", "1.0000", "+0.0100"] in [line[:4] for line in table]
    assert life.report["baseline"] == {
        "examples": 200,
        "accuracy": {
            "before": 0.98,
            "now": 0.975,
            "texts": {"before": "0.9800", "now": "0.9750", "difference": "-0.0050"},
        },
        "recall": [{"before": 0.97, "now": 0.95}, {"before": 0.99, "now": 1.0}],
        "against": "baseline",
        "model": None,
    }


def test_a_class_without_common_examples_has_no_change(life):
    life.policy(baseline="baseline: {path: baselines/production, min_overlap: 0}", text=ABSOLUTE)
    assert life.run(SAVE).ret == 0
    life.data = {number: int(number > 300) for number in (*CATS, *range(301, 400))}
    result = life.run()
    assert result.ret == 0, result.stdout.str()
    assert ["dog", "99", "1.0000", "-"] in [line.split()[:4] for line in result.outlines]
    assert life.report["baseline"]["recall"][1] is None


def test_an_ini_file_may_name_it(life):
    assert life.run(SAVE).ret == 0
    life.policy(baseline="")
    (life.project.path / "pytest.ini").write_text(
        "[pytest]\nconfmat_baseline = baselines/production\n"
    )
    result = life.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*baseline baselines/production (confmat_baseline in pytest.ini)"])


@pytest.mark.parametrize("option", ["--confmat-baseline=b", "--confmat-save-baseline=b"])
def test_it_belongs_to_one_policy(life, option):
    shutil.copy(life.project.path / "thresholds.yaml", life.project.path / "other.yaml")
    result = life.run("--confmat-thresholds=other.yaml", option)
    assert result.ret == 4
    name = option.partition("=")[0]
    result.stderr.fnmatch_lines([f"*{name} is of one policy's data, and there are 2 policies"])


def test_a_damaged_baseline_is_an_error_and_no_verdict(life):
    assert life.run(SAVE).ret == 0
    (binary,) = (life.project.path / "baselines").glob("*.bin")
    content = bytearray(binary.read_bytes())
    content[len(content) // 2] ^= 1
    binary.write_bytes(content)
    result = life.run()
    assert result.ret == 1
    assert life.report["outcome"] == "error"
    assert binary.name in life.report["error"]
    assert not life.verdicts
    result.stdout.fnmatch_lines(["FAILED thresholds.yaml::evaluation*"])


def test_a_failing_or_partial_run_leaves_no_baseline(life):
    life.wrong = set(CATS)
    result = life.run(SAVE)
    assert result.ret == 1
    assert "no baseline was saved" in said(result)
    life.wrong = set()
    result = life.run(SAVE, "-k", "evaluation or dog")
    assert result.ret == 1
    assert "limits were left out, or not run" in said(result)
    assert not (life.project.path / "baselines").exists()


def test_a_set_that_shuffles_can_be_none(life):
    pytest.importorskip("tensorflow")
    text = CONFTEST.replace(
        "return [(numbers, labels)]",
        "import tensorflow as tf\n"
        "    return tf.data.Dataset.from_tensor_slices((numbers, labels)).shuffle(9).batch(50)",
    )
    (life.project.path / "conftest.py").write_text(text)
    result = life.run(SAVE)
    assert result.ret == 1
    assert "does not promise the same examples in the same order: it shuffles" in said(result)
    assert not (life.project.path / "baselines").exists()


def test_a_policy_that_compares_is_not_let_off_again_and_again(life):
    life.policy(baseline="")
    assert life.run(SAVE).ret == 0
    result = life.run(SAVE)
    assert result.ret == 4
    assert "max_drop compares with a baseline, and there is none" in " ".join(result.errlines)
    life.policy(baseline="", text=POLICY.replace(", max_drop: 0.05", "").partition("  acc")[0])
    assert life.run(SAVE).ret == 0  # nothing compares: it may be saved anew


def test_a_name_on_the_command_line_does_not_take_the_place_of_a_baseline_that_is_there(life):
    assert life.run(SAVE).ret == 0
    life.wrong = set(range(10, 60))
    result = life.run("--confmat-baseline=b/new", "--confmat-save-baseline=b/new")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --confmat-baseline: there is no baseline *b/new.json*"])
    assert not (life.project.path / "b").exists()


def test_a_first_run_says_in_its_first_line_what_it_does_not_check(life):
    result = life.run(SAVE)
    assert ("confmat: passed 2 limits, 4 not compared with the baseline on 200 examples") in said(
        result
    )
    assert life.report["waiting"] == 4
    life.policy(baseline="baseline: other", text=POLICY.partition("  recall")[0] + "  flips: 0.2\n")
    result = life.run("--confmat-save-baseline=other")
    assert "confmat: passed no limit is checked yet, 1 not compared with the baseline" in said(
        result
    )


def test_a_run_that_fails_elsewhere_leaves_no_baseline(life):
    (life.project.path / "test_other.py").write_text("def test_other():\n    assert False\n")
    result = life.run("test_other.py", SAVE)
    assert result.ret == 1
    assert life.report["outcome"] == "passed"
    assert "the gate passed, and the run did not" in said(result)
    assert not (life.project.path / "baselines").exists()


def test_the_first_one_may_lie_beside_the_folder_of_the_policy(life):
    folder = life.project.path / "ci"
    folder.mkdir()
    text = POLICY.format(baseline="baseline: ../baselines/production", evidence="")
    (folder / "thresholds.yaml").write_text(text)
    life.policy(baseline="")
    result = life.run("--confmat-thresholds=ci/thresholds.yaml", SAVE)
    assert result.ret == 4  # two policies, by the project's own option
    shutil.copy(folder / "thresholds.yaml", life.project.path / "thresholds.yaml")
    text = text.replace("../baselines", "ci/../baselines")
    (life.project.path / "thresholds.yaml").write_text(text)
    assert life.run(SAVE).ret == 0
    assert life.run().ret == 0


def test_where_nothing_can_be_checked_yet_and_nothing_is_run_it_is_incomplete(life):
    life.policy(text=POLICY.partition("  recall")[0] + "  flips: 0.2\n")
    (life.project.path / "test_other.py").write_text("def test_mine():\n    pass\n")
    result = life.run("test_other.py", SAVE, "-k", "mine")
    assert result.ret == 1
    assert life.report["outcome"] == "incomplete"
    result = life.run(SAVE)
    assert result.ret == 0


def test_a_hostile_path_is_told_on_one_line(life):
    life.policy(baseline='baseline: "x\\n::error::y"')
    result = life.run()
    assert result.ret == 4
    assert not [line for line in result.errlines if line.startswith("::error")]
    assert "\\n::error::y" in " ".join(result.errlines)


def test_workers_compare_and_the_controller_saves(life):
    pytest.importorskip("xdist")
    assert life.run(SAVE, "-n2").ret == 0
    life.wrong = {0, 1, *range(10, 20)}
    result = life.run("-n2")
    assert result.ret == 1
    assert life.verdicts["accuracy_drop"]["outcome"] == "failed"
    assert life.verdicts["accuracy_drop"]["change"]["newly_wrong"] == 10


def test_undecided_blocks_or_warns_as_the_policy_says(life):
    life.wrong = set(range(10, 15))
    text = POLICY.replace("recall: {{at_least: 0.5", "recall: {{at_least: 0.9")
    proven = "evidence: {rule: proven, undecided: %s}"
    life.policy(evidence=proven % "fail", text=text)
    assert life.run(SAVE).ret == 1
    cats = life.verdicts["recall[cat]"]
    assert (cats["outcome"], cats["blocks"]) == ("undecided", True)
    assert cats["examples_needed"] > 100
    life.policy(evidence=proven % "warn", text=text)
    result = life.run(SAVE)
    assert result.ret == 0
    assert (
        "confmat: passed 1 of 2 limits, 1 undecided, 4 not compared with the baseline "
        "on 200 examples"
    ) in said(result)
    result.stdout.fnmatch_lines(
        [
            "*PytestWarning: recall of 'cat' is 0.9500, not shown to be at least 0.9",
            "undecided limits, let pass",
            "  recall of 'cat' is 0.9500, not shown to be at least 0.9*thresholds.yaml:6",
        ]
    )
    cats = life.verdicts["recall[cat]"]
    assert (cats["outcome"], cats["blocks"]) == ("undecided", False)


DIRECTORY = """\
version: 1
dataset: {{directory: data, image_size: [2, 2]}}
evidence: {{rule: proven}}
thresholds:
  recall: {{at_least: {bound}}}
"""


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ("0.5", None),
        (
            "0.9",
            "no model could pass recall[[]cat]: to show 0.9 takes 29 examples even if nothing goes "
            "wrong on them, and there are 5",
        ),
        ("1.0", "no model could pass recall[[]cat]: no number of examples shows 1.0"),
    ],
)
def test_what_no_model_could_pass_is_said_at_the_start(project, bound, said):
    from PIL import Image

    for name in ("cat", "dog"):
        (project.path / "data" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (2, 2)).save(project.path / "data" / name / f"{number}.png")
    project.policy(DIRECTORY.format(bound=bound))
    result = project.run("--collect-only")
    assert result.ret == 0
    if said is None:
        result.stdout.no_fnmatch_line("*no model could pass*")
    else:
        result.stdout.fnmatch_lines([f"confmat: {said}"])

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.evaluation import Mistake
from pytest_confmat.judging import holds
from pytest_confmat.limits import Weighting
from pytest_confmat.report.wording import describe
from pytest_confmat.verdict import Verdict
from tests.support.results import failed, limit


def test_a_failed_recall_reads_as_promised():
    verdict = failed(
        "recall",
        "159/189",
        actual="cat",
        hits=159,
        trials=189,
        needed=180,
        support=189,
        confused_with=(("dog", 21), ("fox", 9)),
        mistakes=(
            Mistake("cat/0042.jpg", "cat", "dog", 0.9981),
            Mistake("cat/0107.jpg", "cat", "dog", 0.9912),
            Mistake("cat/0009.jpg", "cat", "fox", 0.9839),
        ),
    )
    assert describe(verdict) == (
        "recall of 'cat' is 0.8413, below 0.95      thresholds.yaml:14\n"
        "  159 of 189 recognized; 180 were needed\n"
        "  predicted as   dog 21 (11.1 %)   fox 9 (4.8 %)\n"
        "  highest-confidence errors   cat/0042.jpg -> dog 0.998   cat/0107.jpg -> dog 0.991"
        "   cat/0009.jpg -> fox 0.984"
    )


def test_a_failed_precision_tells_what_was_taken_for_the_class():
    verdict = failed(
        "precision",
        "412/460",
        actual="cat",
        hits=412,
        trials=460,
        needed=437,
        support=430,
        confused_with=(("dog", 21),),
        mistakes=(
            Mistake("dog/1.jpg", "dog", "cat", 0.75),
            Mistake("val.tfrecord#417", "dog", "cat", 0.5),
        ),
    )
    assert describe(verdict) == (
        "precision of 'cat' is 0.8957, below 0.95      thresholds.yaml:14\n"
        "  412 of 460 predicted as 'cat' are right; 437 were needed\n"
        "  predicted as it   dog 21 (4.6 %)\n"
        "  highest-confidence errors   dog/1.jpg -> cat 0.750   val.tfrecord#417 (dog) -> cat 0.500"
    )


@pytest.mark.parametrize(
    ("verdict", "lines"),
    [
        (
            failed("accuracy", "830/899", text="0.93", hits=830, trials=899, needed=837),
            [
                "accuracy is 0.9232, below 0.93      thresholds.yaml:14",
                "  830 of 899 right; 837 were needed",
            ],
        ),
        (
            failed("top_5_accuracy", "880/899", text="0.99", hits=880, trials=899, needed=891),
            [
                "top_5_accuracy is 0.9789, below 0.99      thresholds.yaml:14",
                "  880 of 899 have their class among the first 5; 891 were needed",
            ],
        ),
        (
            failed(
                "confusion", "14/189", text="0.01", kind="at_most",
                actual="cat", predicted="dog", hits=14, trials=189, needed=1,
            ),
            [
                "share of 'cat' predicted as 'dog' is 0.0741, above 0.01      thresholds.yaml:14",
                "  14 of 189 'cat' predicted as 'dog'; at most 1 allowed",
            ],
        ),
        (
            failed("specificity", "1700/1720", text="0.99", actual="cat",
                   hits=1700, trials=1720, needed=1703, confused_with=(("dog", 20),)),
            [
                "specificity of 'cat' is 0.9884, below 0.99      thresholds.yaml:14",
                "  1700 of 1720 of other classes were not predicted as 'cat'; 1703 were needed",
                "  predicted as it   dog 20 (1.2 %)",
            ],
        ),
        (
            failed("jaccard", "140/175", text="0.9", actual="cat",
                   hits=140, trials=175, needed=158),
            [
                "jaccard of 'cat' is 0.8000, below 0.9      thresholds.yaml:14",
                "  140 right, among 175 that are 'cat' or were predicted as it; 158 were needed",
            ],
        ),
        (
            # Twice the right ones is what F1 counts: 284 of 315 are 142 right.
            failed("f1", "280/315", text="0.9", actual="cat",
                   hits=280, trials=315, needed=283, support=151),
            [
                "f1 of 'cat' is 0.8889, below 0.9      thresholds.yaml:14",
                "  140 right, among 151 examples of 'cat' and 164 predictions of it; "
                "142 were needed",
            ],
        ),
        (
            failed("f1", "280/315", text="0.8", kind="at_most", actual="cat",
                   hits=280, trials=315, needed=251, support=151),
            [
                "f1 of 'cat' is 0.8889, above 0.8      thresholds.yaml:14",
                "  140 right, among 151 examples of 'cat' and 164 predictions of it; "
                "at most 125 allowed",
            ],
        ),
        (
            failed("recall", "0", text="0.5", actual="cat", hits=0, trials=1, needed=1),
            [
                "recall of 'cat' is 0.0000, below 0.5      thresholds.yaml:14",
                "  0 of 1 recognized; 1 was needed",
            ],
        ),
        (
            failed("balanced_accuracy", "0.94999996", support=899),
            ["balanced_accuracy is 0.94999996, below 0.95      thresholds.yaml:14"],
        ),
        (
            failed("recall", "0.5", actual="cat", line=None),
            ["recall of 'cat' is 0.5000, below 0.95"],
        ),
        (
            failed("precision", None, actual="dog", undefined="it was never predicted"),
            ["precision of 'dog' is undefined: it was never predicted      thresholds.yaml:14"],
        ),
        (
            failed("weighted_diagonal", "0.5", actual="cat",
                   weighting=Weighting("inverse_frequency"), hits=1, trials=2, needed=2),
            [
                "weighted_diagonal of 'cat' is 0.5000, below 0.95      thresholds.yaml:14",
                "  1 of 2 recognized; 2 were needed",
            ],
        ),
        (
            failed("weighted_diagonal", "0.09", text="0.1", actual="cat",
                   weighting=Weighting((("cat", Fraction(3)),), "all")),
            [
                "weighted_diagonal of 'cat' (own weights, normalize: all) is 0.0900, below 0.1"
                "      thresholds.yaml:14"
            ],
        ),
    ],
    ids=lambda value: value.limit.metric if isinstance(value, Verdict) else "",
)  # fmt: skip
def test_every_metric_has_its_counts_in_words(verdict, lines):
    assert describe(verdict).split("\n") == lines


def test_confusions_are_listed_worst_first_ten_at_most():
    cells = tuple((f"c{i}", "dog", 21 - i, 189) for i in range(12))
    verdict = failed("confusions", "21/189", text="0.05", kind="at_most", cells=cells, support=899)
    lines = describe(verdict).split("\n")
    assert lines[:3] == [
        "highest confusion, 'c0' predicted as 'dog', is 0.1111, above 0.05      thresholds.yaml:14",
        "  12 confusions are above 0.05",
        "    c0 -> dog   21 of 189 (11.1 %)",
    ]
    assert lines[11:] == ["    c9 -> dog   12 of 189 (6.3 %)", "    and 2 more"]


def test_one_confusion_is_one():
    verdict = failed(
        "confusions", "1/9", text="0.1", kind="at_most", cells=(("a", "b", 1, 9),), line=None
    )
    assert describe(verdict) == (
        "highest confusion, 'a' predicted as 'b', is 0.1111, above 0.1\n"
        "  1 confusion is above 0.1\n"
        "    a -> b   1 of 9 (11.1 %)"
    )


@pytest.mark.parametrize(
    ("metric", "actual", "mistake", "text"),
    [
        ("recall", "cat", Mistake("val#3", "cat", "dog", 0.5), "val#3 -> dog 0.500"),
        ("precision", "dog", Mistake("val#3", "cat", "dog", 0.5), "val#3 (cat) -> dog 0.500"),
        ("precision", "dog", Mistake("cat/3", "cat", "dog", 0.5), "cat/3 -> dog 0.500"),
        ("accuracy", None, Mistake("cats/3", "cat", "dog", 0.5), "cats/3 (cat) -> dog 0.500"),
    ],
)
def test_the_class_of_a_mistake_is_told_where_nothing_else_tells_it(metric, actual, mistake, text):
    verdict = failed(metric, "0", actual=actual, mistakes=(mistake,))
    assert describe(verdict).endswith(f"  highest-confidence errors   {text}")


def test_more_than_five_classes_are_counted():
    taken = tuple((f"c{i}", 9 - i) for i in range(8))
    verdict = failed("recall", "0", actual="cat", support=42, confused_with=taken)
    assert describe(verdict).endswith("c4 5 (11.9 %)   and 3 more")


@pytest.mark.parametrize(
    ("metric", "kind", "more", "text"),
    [
        ("recall", "at_least", {"actual": "cat"}, "recall of 'cat' is 0.9534, at least 0.95"),
        ("accuracy", "at_most", {}, "accuracy is 0.9534, at most 0.95"),
        ("confusions", "at_most", {}, "highest confusion is 0.9534, at most 0.95"),
    ],
)
def test_what_holds_is_one_line(metric, kind, more, text):
    verdict = Verdict(limit(metric, kind=kind, **more), "passed", Fraction("0.9534"), hits=1)
    assert describe(verdict) == text


def test_the_highest_confusion_that_holds_is_named():
    verdict = Verdict(
        limit("confusions", "0.05", "at_most"),
        "passed",
        Fraction(1, 50),
        cells=(("cat", "dog", 1, 50),),
    )
    assert describe(verdict) == (
        "highest confusion, 'cat' predicted as 'dog', is 0.0200, at most 0.05"
    )


@given(
    st.fractions(0, 1, max_denominator=10**8),
    st.integers(0, 10**8).map(lambda n: f"{n / 10**8:.8f}"),
    st.sampled_from(["at_least", "at_most"]),
)
def test_no_message_contradicts_itself(value, text, kind):
    declared = limit("accuracy", text, kind, line=None)
    outcome = "passed" if holds(declared.bound, value) else "failed"
    said = describe(Verdict(declared, outcome, value))
    observed, relation = said.removeprefix("accuracy is ").split(", ")
    word, bound = relation.rsplit(" ", 1)
    shown, against = Fraction(observed), Fraction(bound)
    assert bound == text
    assert {
        "below": shown < against,
        "above": shown > against,
        "at least": shown >= against,
        "at most": shown <= against,
    }[word]


def test_long_names_stay_readable():
    verdict = failed("recall", "0", actual="c" * 10_000, confused_with=(("d" * 10_000, 1),))
    assert len(describe(verdict)) < 400
    path = "/".join(["deep"] * 40) + "/0042.jpg"
    verdict = replace(verdict, mistakes=(Mistake(path, "x", "y", 0.5),))
    assert path in describe(verdict)


def test_importing_the_words_imports_nothing_heavy():
    heavy = ["matplotlib", "sklearn", "scipy.stats", "tensorflow", "keras", "rich", "pytest"]
    code = (
        "import sys, pytest_confmat.report.summary, pytest_confmat.report.json\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"

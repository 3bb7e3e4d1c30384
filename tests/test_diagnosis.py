from __future__ import annotations

import json
from fractions import Fraction
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.diagnosis import LikelyCause, likely_causes
from pytest_confmat.escaping import printable, printable_lines
from pytest_confmat.evidence.chance import ln_tail
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.policy import read_policy
from pytest_confmat.report.summary import summary
from pytest_confmat.spec import Argmax, DirectorySpec, LabelFeature, TFRecordSpec, Threshold
from tests.support.results import gate, limit

DIRECTORY = DirectorySpec(Path("data"))
ANIMALS = ("cat", "dog", "fox", "hen", "owl")


def found(counts, classes=None, dataset=None) -> tuple[LikelyCause, ...]:
    counts = np.asarray(counts)
    names = tuple(classes or (f"c{i}" for i in range(len(counts))))
    return likely_causes(ConfusionMatrix(counts, names), dataset)


def kinds(counts) -> list[str]:
    return [cause.kind for cause in found(counts)]


def told(counts, classes=None, dataset=None) -> str:
    (cause,) = found(counts, classes, dataset)
    return cause.text


def healthy(k: int, each: int = 100, right: float = 0.9) -> np.ndarray:
    """A good model: `right` of each class, its other predictions on the next class."""
    counts = np.diag([round(each * right)] * k)
    counts[np.arange(k), (np.arange(k) + 1) % k] += each - round(each * right)
    return counts


def outputs_in(declared, true_outputs, counts=None) -> np.ndarray:
    """The matrix of a good model whose outputs are `true_outputs`, but called `declared`."""
    counts = healthy(len(declared)) if counts is None else counts
    moved = np.zeros_like(counts)
    moved[:, [true_outputs.index(name) for name in declared]] = counts
    return moved


# What is innocent.


@st.composite
def supports(draw: st.DrawFn, rng: np.random.Generator, most: int = 12) -> np.ndarray:
    """Examples of each class: from none to thousands, from equal to very unequal."""
    k = draw(st.integers(2, most))
    unequal = draw(st.sampled_from([0.2, 1.0, 5.0, 100.0]))
    each = draw(st.sampled_from([0, 1, 3, 10, 30, 100, 1000]))
    return np.maximum(1, rng.dirichlet(np.full(k, unequal)) * k * each).astype(int)


def counted(rng: np.random.Generator, support: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return np.array(
        [rng.multinomial(n, row / row.sum()) for n, row in zip(support, shares, strict=True)]
    )


@st.composite
def weak_models(draw: st.DrawFn) -> np.ndarray:
    """Recalls of 0.5 to 0.95, mistakes spread or all on few classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    support = draw(supports(rng))
    k = len(support)
    recalls = rng.uniform(0.5, 0.95, k)
    shares = rng.dirichlet(np.full(k, draw(st.sampled_from([0.05, 0.3, 1.0]))), k)
    shares *= (1 - recalls)[:, np.newaxis]
    shares[np.arange(k), np.arange(k)] += recalls
    return counted(rng, support, shares)


@st.composite
def barely_healthy_models(draw: st.DrawFn) -> np.ndarray:
    """Each class is predicted as itself more often than as any other, and no more is known."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    support = draw(supports(rng))
    k = len(support)
    shares = rng.dirichlet(np.full(k, 1.0), k)
    for i, highest in enumerate(shares.argmax(axis=1)):
        shares[i, [i, highest]] = shares[i, [highest, i]]
    return counted(rng, support, shares)


@st.composite
def guessing_models(draw: st.DrawFn) -> np.ndarray:
    """Predictions that have nothing to do with the class, from even to nearly constant."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    support = draw(supports(rng))
    k = len(support)
    preference = rng.dirichlet(np.full(k, draw(st.sampled_from([0.05, 0.3, 1.0, 10.0]))))
    return counted(rng, support, np.tile(preference, (k, 1)))


@st.composite
def constant_models(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    support = draw(supports(rng))
    counts = np.zeros((len(support), len(support)), int)
    counts[:, draw(st.integers(0, len(support) - 1))] = support
    return counts


@settings(max_examples=300, deadline=None)
@given(weak_models())
def test_a_weak_model_is_not_suspected(counts):
    assert kinds(counts) == []


@settings(max_examples=300, deadline=None)
@given(barely_healthy_models())
def test_a_barely_healthy_model_is_not_suspected_of_another_order(counts):
    assert {"permuted", "shifted", "collapsed"}.isdisjoint(kinds(counts))


@settings(max_examples=300, deadline=None)
@given(guessing_models())
def test_a_guessing_model_is_not_suspected_of_another_order(counts):
    assert {"permuted", "shifted"}.isdisjoint(kinds(counts))


@settings(max_examples=300, deadline=None)
@given(constant_models())
def test_a_constant_model_is_not_suspected_of_another_order(counts):
    assert {"permuted", "shifted"}.isdisjoint(kinds(counts))


@pytest.mark.parametrize(
    ("why", "counts"),
    [
        ("nothing", [[0, 0], [0, 0]]),
        ("four examples", [[0, 2], [2, 0]]),
        ("one example a class", np.eye(10, dtype=int)[::-1]),
        ("a majority of 95 %", [[950, 0], [50, 0]]),
        ("a majority that is never said", [[0, 950], [0, 50]][::-1]),
        ("a minority said too often, as with a wrong cut", [[20, 70], [0, 10]]),
        ("a minority said too often, and two examples", [[100, 900], [2, 0]]),
        ("one class predicted as another", [[100, 0, 0], [0, 5, 95], [0, 0, 100]]),
        ("a large class predicted as a small one", [[100, 800, 0], [0, 10, 0], [0, 0, 500]]),
        ("two classes confused as by a coin", [[50, 51, 0], [52, 49, 0], [0, 0, 90]]),
        ("worse than a coin, not far", [[400, 600], [600, 400]]),
        ("no examples of a class", [[90, 10, 0], [5, 95, 0], [0, 0, 0]]),
        ("a weak and unequal model", [[97, 3, 0], [30, 60, 10], [20, 20, 50]]),
        ("a set of which nine in ten are two classes, and so the predictions",
         np.diag([450, 450, 50, 50])),
        ("a large class that no order finds",
         [[50, 250, 350, 350], [95, 5, 0, 0], [0, 0, 5, 95], [0, 0, 95, 5]]),
        ("an order that finds two in five", np.roll(np.eye(10, dtype=int) * 33, 2, axis=1) + 7),
        ("a class of which little is known", [[500, 0, 0], [0, 500, 0], [5, 5, 0]]),
    ],
)  # fmt: skip
def test_what_is_not_suspected(why, counts):
    order = {"permuted", "shifted"}
    assert order.isdisjoint(kinds(counts)), why
    if "majority" not in why:
        assert kinds(counts) == [], why


# Another order.


@st.composite
def permuted_models(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...]]:
    """A good model, its columns in another order; every class has 100 examples at least."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    k = draw(st.integers(2, 12))
    order = draw(st.permutations(range(k)).filter(lambda order: list(order) != list(range(k))))
    support = 100 + draw(st.sampled_from([0, 20, 2000])) * rng.dirichlet(np.full(k, 0.5)) * k
    recalls = rng.uniform(0.85, 1, k)
    shares = rng.dirichlet(np.full(k, 0.5), k) * (1 - recalls)[:, np.newaxis]
    shares[np.arange(k), np.arange(k)] += recalls
    counts = counted(rng, support.astype(int), shares)
    moved = np.zeros_like(counts)
    moved[:, list(order)] = counts
    return moved, tuple(order)


@settings(max_examples=300, deadline=None)
@given(permuted_models())
def test_a_good_model_in_another_order_is_always_found_out(model):
    counts, order = model
    (cause,) = found(counts)
    assert cause.kind in ("permuted", "shifted")
    names = [f"c{i}" for i in range(len(counts))]
    evidence = cause.evidence
    assert [evidence["outputs"].index(name) for name in names] == list(order)
    correct, total = counts[np.arange(len(counts)), list(order)].sum(), counts.sum()
    assert evidence["accuracy_if"] == correct / total > evidence["accuracy"]
    assert json.loads(json.dumps(cause.to_plain())) == cause.to_plain()


def test_the_order_is_told_with_the_line_to_paste():
    declared = ["fox", "cat", "owl", "dog", "hen"]
    outputs = ["dog", "owl", "hen", "fox", "cat"]
    assert told(outputs_in(declared, outputs), declared, DIRECTORY) == (
        "the model's outputs may be in another order than `classes`: accuracy 0.0200 as declared, "
        "0.9000 if the outputs were dog, owl, hen, fox, cat\n"
        "classes: [dog, owl, hen, fox, cat]"
    )


NUMBERS = sorted(map(str, range(12)))


@pytest.mark.parametrize(
    ("declared", "outputs", "name"),
    [
        (NUMBERS, sorted(NUMBERS, key=int), "the numeric order of the names"),
        (sorted(NUMBERS, key=int), NUMBERS,
         "the names sorted as text, as Keras sorts class directories"),
        (["dog", "cat", "owl", "Bee", "Zebu"], ["Bee", "Zebu", "cat", "dog", "owl"],
         "the names sorted as text, as Keras sorts class directories"),
        (["Bee", "Zebu", "cat", "dog", "owl"], ["Bee", "cat", "dog", "owl", "Zebu"],
         "the names sorted without regard to case"),
        (["a1", "a10", "a11", "a2", "a3"], ["a1", "a2", "a3", "a10", "a11"],
         "the names sorted with 2 before 10"),
        (["dog", "cat", "owl", "bee", "fox"], ["fox", "bee", "owl", "cat", "dog"],
         "the declared order backwards"),
    ],
)  # fmt: skip
def test_an_order_that_has_a_name_is_named(declared, outputs, name):
    (cause,) = found(outputs_in(declared, outputs), declared, DIRECTORY)
    assert cause.evidence["outputs"] == outputs
    assert cause.evidence["order"] == name
    assert f"({name})\n" in cause.text


def test_an_order_with_a_name_needs_few_examples():
    assert kinds(np.fliplr(np.eye(10, dtype=int)) * 3) == ["permuted"]
    assert kinds(np.roll(np.eye(10, dtype=int) * 3, 2, axis=1)) == []
    names = [str(i) for i in range(100)]
    counts = outputs_in(sorted(names), names, healthy(100, 1, 1.0))
    assert "(the numeric order of the names)" in told(counts, sorted(names))
    shuffled = [names[i] for i in np.random.default_rng(0).permutation(100)]
    assert kinds(outputs_in(names, shuffled, healthy(100, 1, 1.0))) == []
    assert kinds(outputs_in(names, shuffled, healthy(100, 10, 1.0))) == ["permuted"]


def test_the_named_order_gives_way_to_one_that_fits_much_better():
    declared = ["10", "2", "3", "1", "4", "0"]
    (cause,) = found(outputs_in(declared, ["0", "1", "2", "3", "10", "4"]), declared)
    assert cause.evidence["outputs"] == ["0", "1", "2", "3", "10", "4"]
    assert cause.evidence["order"] is None


def test_what_no_example_speaks_for_stays_in_its_place():
    (cause,) = found([[0, 100, 0, 0], [100, 0, 0, 0], [5, 0, 0, 5], [5, 0, 0, 5]])
    assert cause.evidence["outputs"] == ["c1", "c0", "c2", "c3"]


def test_a_few_that_changed_places_are_told_alone():
    declared = list(ANIMALS)
    text = told(outputs_in(declared, ["cat", "owl", "fox", "hen", "dog"]), declared, DIRECTORY)
    assert text == (
        "the model's outputs may be in another order than `classes`: accuracy 0.5400 as declared, "
        "0.9000 if the outputs called dog, owl were owl, dog\n"
        "classes: [cat, owl, fox, hen, dog]"
    )


def test_two_classes_may_be_a_matter_of_what_one_output_means():
    matrix = ConfusionMatrix(np.array([[2, 98], [95, 5]]), ("ill", "well"))
    text = (
        "the model's outputs may be in another order than `classes`: accuracy 0.0350 as declared, "
        "0.9650 if the outputs were well, ill (the declared order backwards)"
    )
    line = "\nclasses: [well, ill]"
    for decision in (Argmax(), Threshold(Fraction(1, 2))):
        assert likely_causes(matrix, DIRECTORY, decision)[0].text == text + line
    assert likely_causes(matrix, DIRECTORY, Threshold(Fraction("0.35"), "ill"))[0].text == (
        f"{text}; if the model has one output, `positive` names the wrong class{line}\n"
        "or, for one output, decision: {threshold: 0.35, positive: well}"
    )


def test_labels_that_are_numbers_cannot_be_mended_by_names():
    declared, outputs = ["fox", "cat", "owl"], ["cat", "fox", "owl"]
    counts = outputs_in(declared, outputs)
    assert told(counts, declared, TFRecordSpec(("a",))).split("\n")[1:] == [
        "classes: [cat, fox, owl]",
        "where labels are numbers, they are to be numbered in that order",
    ]
    assert told(counts, declared).split("\n")[1:] == [
        "if so, they are to be numbered in that order"
    ]


SHIFTED = np.roll(healthy(5), -1, axis=1)  # each class is found one column to the left


@pytest.mark.parametrize(
    ("counts", "dataset", "text"),
    [
        (SHIFTED, None,
         "labels may be shifted by one: accuracy 0.1000 as declared, 0.9000 if every label were "
         "one lower, as where labels count from 1 and outputs from 0"),
        (SHIFTED, TFRecordSpec(("a",)),
         "labels may be shifted by one: accuracy 0.1000 as declared, 0.9000 if every label were "
         "one lower, as where labels count from 1 and outputs from 0; `offset` in dataset.label is "
         "0, and would then be 1"),
        (SHIFTED.T, TFRecordSpec(("a",), label=LabelFeature("label", 1)),
         "labels may be shifted by one: accuracy 0.1000 as declared, 0.9000 if every label were "
         "one higher, as where 1 is subtracted from labels that count from 0; `offset` in "
         "dataset.label is 1, and would then be 0"),
        (SHIFTED, DIRECTORY,
         "the model's outputs may be in another order than `classes`: accuracy 0.1000 as declared, "
         "0.9000 if the outputs were dog, fox, hen, owl, cat, the declared order shifted by one\n"
         "classes: [dog, fox, hen, owl, cat]"),
    ],
    ids=["own data", "numbers", "offset", "directories"],
)  # fmt: skip
def test_labels_shifted_by_one(counts, dataset, text):
    (cause,) = found(counts, ANIMALS, dataset)
    assert (cause.kind, cause.text) == ("shifted", text)


def test_a_thousand_classes_shifted_by_one():
    k = 1000
    counts = np.roll(healthy(k, 3, 0.7), -1, axis=1)
    counts[0] = 0  # no example has the label that would be out of range
    (cause,) = found(counts)
    assert (cause.kind, cause.evidence["shift"]) == ("shifted", -1)


def test_many_classes_do_not_fill_the_page():
    k = 300
    names = [f"class {i:03}" for i in range(k)]
    outputs = [names[i] for i in np.random.default_rng(0).permutation(k)]
    (cause,) = found(outputs_in(names, outputs), names, DIRECTORY)
    first, second = cause.text.split("\n")
    assert first.endswith(f"0.9000 if the outputs were {', '.join(outputs[:10])}, ...")
    assert second == "the whole order stands in confmat.json, under suspicions"
    assert cause.evidence["outputs"] == outputs


# Predictions on few classes.


def test_predictions_on_one_class():
    (cause,) = found([[2, 98, 0], [0, 100, 0], [1, 97, 2]], ["cat", "dog", "fox"])
    assert cause.kind == "collapsed"
    assert cause.text == (
        "295 of 300 predictions are 'dog', as 100 of the examples are: preprocessing may be "
        "missing or done twice, or the weights may not be the trained ones"
    )
    assert cause.evidence == {
        "classes": ["dog"], "predictions": 295, "support": 100, "examples": 300,
    }  # fmt: skip


def test_predictions_on_two_classes():
    counts = np.tile([1, 50, 0, 0, 49], (5, 1))
    assert told(counts, ANIMALS) == (
        "495 of 500 predictions are 'dog' or 'owl', as 200 of the examples are: preprocessing "
        "may be missing or done twice, or the weights may not be the trained ones"
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[0, 50], [0, 50]], ["collapsed"]),
        ([[0, 600], [0, 400]], ["collapsed"]),
        ([[0, 6], [0, 4]], []),
        ([[0, 300], [0, 700]], ["never_predicted"]),
        ([[45, 455], [20, 480]], ["collapsed"]),
        ([[60, 440], [20, 480]], []),
        ([[200, 300], [20, 480]], []),
        (np.tile([34, 33, 33], (3, 1)), []),
        (np.tile([48, 47, 5], (3, 1)), []),
        ([[0, 14], [0, 9]], []),
        ([[0, 15], [0, 10]], ["collapsed"]),
        ([[20, 20, 2], [20, 20, 2], [100, 95, 10]], []),
        ([[0, 0, 500, 0], [0, 0, 0, 500], [0, 0, 50, 0], [0, 0, 0, 50]], ["collapsed"]),
    ],
)
def test_what_counts_as_collapsed(counts, expected):
    assert kinds(counts) == expected


def test_a_swap_of_unequal_classes_is_no_collapse():
    assert kinds([[5, 945], [48, 2]]) == ["permuted"]


# Never predicted.


def test_a_class_that_is_never_predicted():
    counts = healthy(5)
    counts[2] = [20, 30, 0, 30, 20]
    counts[:, 2] = 0
    (cause,) = found(counts, ANIMALS)
    assert cause.kind == "never_predicted"
    assert cause.text == (
        "never predicted: 'fox' (100 examples); its output may stand for something else, or "
        "never have been trained"
    )
    assert cause.evidence == {"classes": ["fox"], "support": [100]}


def test_several_classes_that_are_never_predicted():
    k = 20
    counts = healthy(k)
    counts[8:, :8] = 6
    counts[8:, 8:] = 0
    counts[7, 7:9] = [100, 0]
    text = told(counts)
    assert text.startswith("never predicted: 'c8' (48 examples), 'c9' (48 examples), ")
    assert text.endswith(
        "'c13' (48 examples) and 6 more; their outputs may stand for something else, or never "
        "have been trained"
    )


@pytest.mark.parametrize(("n", "expected"), [(27, []), (28, ["never_predicted"])])
def test_a_rare_class_may_never_be_predicted(n, expected):
    counts = np.diag([100, 100, 100, 100, 100, 0])
    counts[5, 0] = n
    assert kinds(counts) == expected
    assert ((2 / 3) ** n * 6 <= 1e-4) == bool(expected)


# Bounds, names.


@given(st.integers(1, 400), st.data())
def test_the_bound_is_never_too_low(trials, data):
    from scipy.special import bdtrc

    hits = data.draw(st.integers(0, trials))
    share = data.draw(st.sampled_from([0.5, 2 / 3]))
    exact = bdtrc(hits - 1, trials, share) if hits else 1.0
    assert exact <= exp(ln_tail(hits, trials, share)) * (1 + 1e-9)


def test_the_bound_does_not_underflow():
    assert ln_tail(50_000, 50_000, 0.5) == pytest.approx(50_000 * log(0.5))
    assert ln_tail(0, 0, 0.5) == 0


HOSTILE = [
    *("no", "null", "~", "1e3", "0x10", "1_0", "12:30", "-", "- a", "a: b", "a #b", "#a", "[x]"),
    *("{x}", "a, b", "'", '"', "\\", "it's", "&a", "*a", "!a", "%a", "@a", "`a`", "?", "? a"),
    *(
        " a",
        "a ",
        "a  b",
        "naïve",
        "猫 犬",
        "a\u2028b",
        "a\x1b[0m",
        "a\u202eb",
        "👨\u200d👩",
        "a-b",
    ),
    *("##[error]x", "::error::x", "true", "Off", "2024-01-01", ".5", "a.b", "x/y", "a\ufeffb"),
]


def test_the_line_can_be_pasted_whatever_the_names(tmp_path):
    path = tmp_path / "thresholds.yaml"
    for name in HOSTILE:
        text = told([[0, 100], [100, 0]], ["other", name], DIRECTORY)
        line = printable(text.split("\n")[1], 600)
        path.write_text(f"version: 1\n{line}\nthresholds: {{accuracy: 0.5}}\n", encoding="utf-8")
        assert read_policy(path).classes == (name, "other")


@pytest.mark.parametrize("name", ["a\n::error::b", "x" * 10_000, "\x1b[31m", "a\r\nb", "a\u2028b"])
def test_names_stay_on_one_line(name):
    swapped = told([[0, 100], [100, 0]], [name, "other"])
    collapsed = told([[100, 0], [100, 0]], [name, "other"])
    missing = np.diag([0, 100, 100])
    missing[0] = [0, 50, 50]
    never = told(missing, [name, "b", "c"])
    for text, lines in ((swapped, 2), (collapsed, 1), (never, 1)):
        assert len(text.splitlines()) == lines
        assert len(text) < 1000
        assert "\x1b" not in printable_lines(text)


# In the summary.


def test_likely_causes_stand_under_the_verdict_line():
    counts = outputs_in(list(ANIMALS), ["owl", "hen", "fox", "dog", "cat"])
    result = gate(
        counts,
        ANIMALS,
        [limit("accuracy", "0.9")],
        likely_causes=(
            *found(counts, ANIMALS, DIRECTORY),
            LikelyCause("preprocessing", "tried", {}),
        ),
    )
    assert summary(result, 80, color=False).startswith(
        "confmat: BLOCKED  1 of 1 limit failed: accuracy\n"
        "\n"
        "likely cause: the model's outputs may be in another order than `classes`:\n"
        "  accuracy 0.2000 as declared, 0.9000 if the outputs were owl, hen, fox, dog,\n"
        "  cat (the declared order backwards)\n"
        "classes: [owl, hen, fox, dog, cat]\n"
        "likely cause: tried\n"
        "\n"
        "model m.keras, "
    )


@settings(deadline=None)
@given(st.text(max_size=2000), st.sampled_from([40, 80, 200]))
def test_no_text_of_a_likely_cause_is_obeyed(text, width):
    result = gate([[1, 1], [1, 1]], ("a", "b"), likely_causes=(LikelyCause("permuted", text, {}),))
    shown = summary(result, width, color=False)
    assert all(c.isprintable() for c in shown.replace("\n", ""))
    assert "##[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))

"""Numbers and texts of records against classes: the rule, and what a pass says."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.data import open_source
from pytest_confmat.data.tfrecord.texts import Pair, compare, text_keys
from pytest_confmat.errors import DataError
from pytest_confmat.models import wrap
from pytest_confmat.spec import Argmax, ImageFeature, LabelFeature, TFRecordSpec
from pytest_confmat.streaming import evaluate
from tests.support.makers import example, shard
from tests.support.refusals import refusal

ANIMALS = ("cat", "dog", "hot dog", "great_white_shark", "crane", "crane (machine)")


def compared(*pairs, classes=ANIMALS):
    """Return which pairs of a number and a text are wrong, excused and unknown."""
    found = compare([Pair(*pair) for pair in pairs], classes)
    return tuple(
        [(pair.label, pair.text) for pair in each]
        for each in (found.wrong, found.excused, found.unknown)
    )


@pytest.mark.parametrize(
    "pair",
    [
        (0, "cat"),
        (0, " Cat "),
        (0, "cat, true cat"),
        (0, "Felis catus, CAT"),
        (3, "great white shark, white shark, man-eater"),
        (3, "Great-White-Shark"),
        (4, "crane"),
        (5, "crane (machine)"),
    ],
)
def test_texts_that_name_the_class_of_their_number(pair):
    assert compared(pair) == ([], [], [])


@pytest.mark.parametrize(
    "pair",
    [
        (1, "cat"),
        (0, "dog, domestic dog, Canis familiaris"),
        (0, "great white shark, man-eater"),
        (1, "hot dog"),
        (6, "cat"),  # beyond the classes
        (-1, "cat"),
    ],
)
def test_texts_that_name_another_class(pair):
    assert compared(pair) == ([pair], [], [])


@pytest.mark.parametrize("text", ["n02123045", "tabby", "cats", "a cat on a mat", "kat"])
def test_texts_that_name_no_class(text):
    assert compared((0, text)) == ([], [], [(0, text)])


def test_one_name_for_two_classes_of_which_one_extends_the_other():
    # ImageNet calls two of its classes crane, and two maillot.
    assert compared((4, "crane"), (5, "crane")) == ([], [(5, "crane")], [])
    # Where a number has a text of its own, the shorter one is an error.
    both = [(5, "crane (machine)"), (5, "crane")]
    assert compared(*both) == ([(5, "crane")], [], [])


def test_a_swap_of_two_such_names_is_seen():
    assert compared((1, "hot dog"), (2, "dog"))[0] == [(1, "hot dog")]


def test_a_name_to_the_letter_goes_before_its_spelling():
    classes = ("cardigan", "Cardigan")
    assert compared((0, "cardigan"), (1, "Cardigan"), classes=classes) == ([], [], [])
    assert compared((1, "cardigan"), classes=classes)[0] == [(1, "cardigan")]


NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True)


@given(NAMES, st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abcdefghxyz")), max_size=20))
def test_against_brute_force(classes, pairs):
    wrong, excused, unknown = compared(*pairs, classes=classes)
    assert wrong == [(n, t) for n, t in pairs if t in classes and classes[n : n + 1] != [t]]
    assert unknown == [(n, t) for n, t in pairs if t not in classes]
    assert excused == []


@given(st.permutations(range(5)))
def test_every_order_but_the_right_one_is_an_error(order):
    classes = ("ant", "bee", "cat", "dog", "eel")
    wrong, _, unknown = compared(*((n, classes[p]) for n, p in enumerate(order)), classes=classes)
    assert unknown == []
    assert [number for number, _ in wrong] == [n for n, p in enumerate(order) if n != p]


def test_keys_that_may_hold_the_text():
    assert list(text_keys("image/class/label"))[:3] == [
        *("image/class/text", "image/class/name", "image/class/synset")
    ]
    assert "text" not in set(text_keys("label"))  # which may be the input
    assert {"label_text", "label_name", "class_name"} <= set(text_keys("label"))


# What a pass says.

FLOAT = ImageFeature("x", "float", None, (2,))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def records(here, pairs, keys=("image__class__label", "image__class__text"), name="a.tfrecord"):
    made = []
    for number, text in pairs:
        given = {} if text is None else {keys[1]: text.encode()}
        made.append(example(x=[0.5, 0.1], **{keys[0]: number}, **given))
    shard(here / name, made)


def evaluated(here, classes=("cat", "dog"), key="image/class/label", offset=0, **spec):
    paths = (str(here / "*.tfrecord"),)
    spec = TFRecordSpec(paths, FLOAT, LabelFeature(key, offset), **spec)
    predictor = wrap(lambda batch: [[0.8] + [0.1] * (len(classes) - 1)] * len(batch), classes,
                     Argmax())  # fmt: skip
    return evaluate(open_source(spec, classes, predictor.input), predictor, classes, batch_size=4,
                    on_fault=spec.on_fault, max_faults=spec.max_faults)  # fmt: skip


def refused(here, *arguments, **spec) -> str:
    return refusal(DataError, evaluated, here, *arguments, **spec)


def test_pairs_that_agree(here):
    records(here, [(0, "cat"), (1, "dog, Canis familiaris"), (0, None), (1, "Dog")])
    assert evaluated(here).notes == (
        "label read: image/class/label (int64), compared with image/class/text",
    )


def test_swapped_names_show_numbers_texts_and_classes(here):
    records(here, [(0, "dog"), (1, "cat"), (0, "dog")] * 20)
    assert refused(here) == (
        "the numbers in 'image/class/label' and the texts in 'image/class/text' contradict "
        "classes\n"
        "  0 is 'dog' in 40 records, such as a.tfrecord#0; in classes it is 'cat'\n"
        "  1 is 'cat' in 20 records, such as a.tfrecord#1; in classes it is 'dog'\n"
        "  classes: 'cat', 'dog'\n"
        "the numbers stand for 'dog', 'cat': write classes in that order if the model's outputs "
        "have it, and write the records again if they have not"
    )


@pytest.mark.parametrize("given", [0, 2])
def test_shifted_numbers_are_shown_as_the_file_holds_them(here, given):
    three = ("ant", "bee", "cat")
    records(here, [(1 + n % 3, three[n % 3]) for n in range(9)])
    told = refused(here, three, offset=given).splitlines()
    if given == 0:
        assert told[1:] == [
            "  1 is 'ant' in 3 records, such as a.tfrecord#0; in classes it is 'bee'",
            "  2 is 'bee' in 3 records, such as a.tfrecord#1; in classes it is 'cat'",
            "  3 is 'cat' in 3 records, such as a.tfrecord#2; in classes it is none of the 3",
            "  classes: 'ant', 'bee', 'cat'",
            "every number is 1 higher than the place of its text in classes: offset: 1 in "
            "dataset.label would make them agree",
        ]
    else:
        assert told[1] == (
            "  1 is 'ant' in 3 records, such as a.tfrecord#0; in classes it is none of the 3"
        )
        assert told[-1].endswith("offset: 1 in dataset.label would make them agree")
    assert evaluated(here, three, offset=1).matrix.support.tolist() == [3, 3, 3]


def test_a_single_record_of_many_is_found(here):
    records(here, [(n % 2, ("cat", "dog")[n % 2]) for n in range(50)])
    records(here, [(0, "cat")] * 30 + [(1, "cat")] + [(1, "dog")] * 3, name="b.tfrecord")
    told = refused(here).splitlines()
    assert told[1:] == [
        "  1 is 'cat' in 1 record, such as b.tfrecord#30; in classes it is 'dog'",
        "  classes: 'cat', 'dog'",
        "correct the numbers or texts of these records, or the order of classes",
    ]


def test_one_hot_labels_are_compared_too(here):
    keys = ("label", "label_text")
    records(here, [([1, 0], "dog"), ([0, 1], "cat")], keys)
    assert "0 is 'dog' in 1 record" in refused(here, key="label")


def test_texts_that_are_no_names_are_noted(here):
    records(here, [(0, "cat"), (1, "n02084071"), (1, "n02084072"), (0, "kitten"), (0, "tom")])
    assert evaluated(here).notes[1:] == (
        "4 of 5 texts in 'image/class/text' are no names of classes, so they are not compared: "
        "'kitten' for 'cat', 'tom' for 'cat', 'n02084071' for 'dog' and 1 more",
    )


def test_texts_as_many_as_examples_are_given_up(here, monkeypatch):
    monkeypatch.setattr("pytest_confmat.data.tfrecord.texts._MOST", 6)
    records(here, [(n % 2, f"caption {n}") for n in range(20)])
    notes = evaluated(here).notes[1:]
    assert notes[0] == (
        "'image/class/text' holds more than 6 different texts, so the rest is not compared with "
        "classes"
    )
    assert notes[1].startswith("8 of 8 texts in 'image/class/text' are no names of classes")


def test_several_texts_are_synonyms(here):
    made = [
        example(x=[0.5, 0.1], image__class__label=n, image__class__text=texts)
        for n, texts in enumerate([[b"dog"], [b"Felis catus", b"cat"]])
    ]
    shard(here / "a.tfrecord", made)
    assert "  1 is 'Felis catus, cat' in 1 record, such as a.tfrecord#1; in classes it is" in (
        refused(here)
    )


def test_texts_of_one_name_for_two_classes_are_noted(here):
    records(here, [(0, "crane"), (1, "crane")])
    assert evaluated(here, ("crane", "crane 2")).notes[1:] == (
        "1 of 2 texts in 'image/class/text' are the names of other classes, which theirs extend: "
        "'crane' for 'crane 2'",
    )


def test_a_feature_that_names_classes_goes_before_one_that_does_not(here):
    made = [
        example(x=[0.5, 0.1], image__class__label=n, image__class__text=b"tabby",
                image__class__synset=name)
        for n, name in enumerate((b"n2", b"n1"))
    ]  # fmt: skip
    shard(here / "a.tfrecord", made)
    assert "in 'image/class/label' and the texts in 'image/class/synset' contradict" in refused(
        here, ("n1", "n2")
    )


def test_a_pass_ends_early_where_most_records_are_wrong(here):
    records(here, [(0, "dog"), (1, "cat")] * 50)
    told = refused(here, max_faults=5)
    assert "0 is 'dog' in 4 records" in told  # of 50


def test_a_contradiction_is_no_misclassification(here):
    records(here, [(0, "dog"), (1, "cat")])
    assert "contradict classes" in refused(here, on_fault="misclassified")


def test_a_text_of_another_kind_is_a_fault_of_its_record(here):
    good = example(x=[0.5, 0.1], image__class__label=0, image__class__text=b"cat")
    odd = example(x=[0.5, 0.1], image__class__label=1, image__class__text=3)
    shard(here / "a.tfrecord", [good, good, odd])
    assert "a.tfrecord#2   feature 'image/class/text' is an int64, expected a string" in refused(
        here
    )


def test_a_record_that_is_read_by_itself_is_compared_too(here):
    # Its neighbor cannot be parsed, which costs the others of its chunk their place in a batch.
    good = example(x=[0.5, 0.1], image__class__label=0, image__class__text=b"cat")
    swapped = example(x=[0.5, 0.1], image__class__label=1, image__class__text=b"cat")
    odd = example(x=[0.5, 0.1], image__class__label=1, image__class__text=3)
    shard(here / "a.tfrecord", [good, swapped, odd])
    told = refused(here)
    assert (
        "a.tfrecord#1   has 1 in 'image/class/label', in classes 'dog', and 'cat' in "
        "'image/class/text'"
    ) in told
    assert told.startswith("2 of 3 examples cannot be used: ")


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "", "x"])), min_size=1))
def test_every_pair_is_counted(pairs):
    import numpy as np
    import tensorflow as tf

    from pytest_confmat.data.tfrecord.texts import Texts

    texts = Texts(("a", "b"), "label", "label_text", 0)
    for at in range(0, len(pairs), 7):
        labels, words = zip(*pairs[at : at + 7], strict=True)
        texts.add(np.array(labels), tf.constant(words), np.arange(at, at + len(labels)))
    wrong = {
        (n, t): c for (n, t), c in Counter(pairs).items() if t in "ab" and t and n != "ab".find(t)
    }
    told = texts.contradiction(str)
    assert texts.wrong == sum(wrong.values())
    assert (told is None) == (not wrong)
    for (number, text), count in wrong.items():
        noun = "record" if count == 1 else "records"
        assert (
            f"  {number} is {text!r} in {count} {noun}, such as {pairs.index((number, text))};"
            in told
        )

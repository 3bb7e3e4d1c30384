from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.baseline import Baseline
from pytest_confmat.baseline.comparison import Relabeled, compare
from pytest_confmat.errors import BaselineError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.matrix import ConfusionMatrix
from tests.support.baselines import CLASSES, evaluation_of, part_of, predicted_right, rows
from tests.support.refusals import refusal
from tests.support.strategies import evaluations

SAVE = "pytest --confmat-model MODEL_IN_PRODUCTION --confmat-save-baseline baselines/production"
PATH = Path("baselines/production")


def compared(before, now, min_overlap=Fraction(0)):
    baseline = Baseline.of(evaluation_of(before), PATH)
    return compare(baseline, evaluation_of(now), min_overlap)


def refused(before, now, min_overlap=Fraction(9, 10), **others) -> str:
    return refusal(
        BaselineError,
        compare,
        Baseline.of(evaluation_of(before), PATH),
        evaluation_of(now, **others),
        min_overlap,
    )


def matched_slowly(before, now):
    """Align by dictionaries, one example at a time; what stands in the module in words."""
    there, here = {row[0]: row for row in before}, {row[0]: row for row in now}
    pairs: dict[str, str] = {}
    free = [row[0] for row in before]

    def take(rule):
        for name, row in here.items():
            if name in pairs:
                continue
            other = next((o for o in free if rule(there[o], row)), None)
            if other is not None:
                pairs[name] = other
                free.remove(other)

    take(lambda a, b: a[:3] == b[:3])
    take(lambda a, b: a[1] != 0 and a[1:3] == b[1:3])
    common = dict(pairs)
    take(lambda a, b: a[:2] == b[:2])
    take(lambda a, b: a[1] != 0 and a[1] == b[1])
    changed = [name for name in here if name not in pairs and name in free]
    return {
        "pairs": [(common[name], name) for name in here if name in common],
        "relabeled": [
            Relabeled(name, CLASSES[there[pairs[name]][2]], CLASSES[here[name][2]])
            for name in here
            if name in pairs and name not in common
        ],
        "changed": changed,
        "added": [name for name in here if name not in pairs and name not in changed],
        "removed": [name for name in free if name not in changed],
    }


@given(rows(), rows())
def test_examples_are_matched_as_a_slow_search_matches_them(before, now):
    found = compared(before, now)
    slow = matched_slowly(before, now)
    there, here = {row[0]: row for row in before}, {row[0]: row for row in now}
    names = [row[0] for row in now]
    assert [names[place] for place in found.places] == [new for _, new in slow["pairs"]]
    assert found.true.tolist() == [here[new][2] for _, new in slow["pairs"]]
    assert found.before.tolist() == [there[old][3] for old, _ in slow["pairs"]]
    assert found.now.tolist() == [here[new][3] for _, new in slow["pairs"]]
    for kind in ("added", "removed", "changed", "relabeled"):
        assert getattr(found, kind) == tuple(slow[kind])
    assert found.renamed == sum(old != new for old, new in slow["pairs"])


@given(rows(), rows())
def test_every_example_is_counted_once(before, now):
    found = compared(before, now)
    assert found.examples == len(now)
    assert found.baseline_examples == len(before)
    # As many as can be: no order of the rules loses an example that the sets share.
    known = [Counter(row[1:3] for row in side if row[1]) for side in (before, now)]
    unknown = {row[:3] for row in before if not row[1]} & {row[:3] for row in now}
    assert len(found) == (known[0] & known[1]).total() + len(unknown)


@given(rows(), rows())
def test_the_differences_are_those_of_the_two_models(before, now):
    found = compared(before, now)
    right_before, right_now = found.before == found.true, found.now == found.true
    assert found.newly_wrong.sum() - found.newly_right.sum() == right_before.sum() - right_now.sum()
    assert not (found.newly_wrong & found.newly_right).any()
    assert (found.flipped >= (found.newly_wrong | found.newly_right)).all()
    assert found.matrix_before.total == found.matrix_now.total == len(found)
    assert np.array_equal(found.matrix_before.support, found.matrix_now.support)


@given(evaluations())
def test_an_evaluation_does_not_differ_from_its_own_baseline(evaluation):
    found = compare(Baseline.of(evaluation), evaluation)
    assert found.places.tolist() == list(range(len(evaluation)))
    assert not found.flipped.any()
    assert found.matrix_now == found.matrix_before == evaluation.matrix
    assert (found.added, found.removed, found.changed, found.relabeled) == ((), (), (), ())
    assert (found.renamed, found.reordered) == (0, False)
    assert found.notes == (
        f"compared with the baseline on all {len(evaluation)} "
        f"example{'' if len(evaluation) == 1 else 's'}",
    )


@given(evaluations(), st.randoms())
def test_parts_in_another_order_are_the_same_examples(evaluation, random):
    order = list(range(len(evaluation.parts)))
    random.shuffle(order)
    moved = tuple(
        replace(part, position=at) for part, at in zip(evaluation.parts, order, strict=True)
    )
    found = compare(Baseline.of(replace(evaluation, parts=moved)), evaluation)
    assert found.places.tolist() == list(range(len(evaluation)))
    assert found.matrix_before == found.matrix_now == evaluation.matrix
    assert np.array_equal(found.rank_before, found.rank_now)
    assert found.renamed == 0


@given(st.lists(rows(ids=5), min_size=1, max_size=3), st.lists(rows(ids=5), max_size=3))
def test_numbered_ids_are_those_that_are_written_out(before, now):
    def sides(pieces):
        numbered = [part_of(each, at, numbered=f"s{at}") for at, each in enumerate(pieces)]
        explicit = [replace(part, ids=tuple(part.ids)) for part in numbered]
        return Evaluation(CLASSES, tuple(numbered)), Evaluation(CLASSES, tuple(explicit))

    one, other = (
        compare(Baseline.of(there), here, Fraction(0))
        for there, here in zip(sides(before), sides(now), strict=True)
    )
    for name in ("places", "before", "now"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    for name in ("added", "removed", "changed", "relabeled", "renamed", "notes"):
        assert getattr(one, name) == getattr(other, name)


def test_ranks_and_unpredicted_examples_stay_with_their_examples():
    before = [("a", 1, 0, 0), ("b", 2, 1, -1), ("c", 3, 2, 0)]
    now = [("c", 3, 2, 2), ("b", 2, 1, 1), ("a", 1, 0, -1)]
    found = compared(before, now)
    assert found.before.tolist() == [0, -1, 0]
    assert found.now.tolist() == [2, 1, -1]
    assert found.rank_before.tolist() == [1, 3, 0]
    assert found.rank_now.tolist() == [0, 0, 3]
    assert found.newly_wrong.tolist() == [False, False, True]
    assert found.newly_right.tolist() == [True, True, False]
    assert found.flipped.all()
    assert found.matrix_before == ConfusionMatrix(
        [[1, 0, 0], [0, 0, 0], [1, 0, 0]], CLASSES, [0, 1, 0]
    )


def test_regenerated_shards_are_other_examples():
    before = predicted_right(1200)
    assert refused(before, [(i, check + 5000, t, p) for i, check, t, p in before]) == (
        "too few examples are the same as in the baseline baselines/production to compare with "
        "it; min_overlap is 0.9 of both sets, overall and in each class\n"
        "  0 of the baseline's 1,200 and of the 1,200 here\n"
        "  'cat': 0 of the baseline's 400 and of the 400 here\n"
        "  'dog': 0 of the baseline's 400 and of the 400 here\n"
        "  'fox': 0 of the baseline's 400 and of the 400 here\n"
        "  1,200 changed\n"
        "  ids are the same and contents are not, as where shards were written anew\n"
        "  a changed set cannot show a regression: let the model in production save a new "
        f"baseline on this one: {SAVE}"
    )


def test_shards_cut_anew_hold_the_same_examples():
    examples = [(f"{i}", i + 1, i % 3, i % 3) for i in range(100)]
    two = [part_of(examples[:50], 0, numbered="x-00000-of-00002"),
           part_of(examples[50:], 1, numbered="x-00001-of-00002")]  # fmt: skip
    one = [part_of(examples, 0, numbered="x-00000-of-00001")]
    found = compare(Baseline.of(Evaluation(CLASSES, tuple(two))), Evaluation(CLASSES, tuple(one)))
    assert len(found) == found.renamed == 100
    assert found.notes == (
        "compared with the baseline on all 100 examples",
        "100 examples have another id than in the baseline, and the same content",
    )


def test_an_example_that_moved_to_another_class_is_relabeled_and_not_compared():
    before = [("cat/1.jpg", 1, 0, 0), ("dog/2.jpg", 2, 1, 1), ("r#0", 3, 2, 2)]
    now = [("dog/1.jpg", 1, 1, 1), ("dog/2.jpg", 2, 1, 1), ("r#0", 3, 0, 0)]
    found = compared(before, now)
    assert found.relabeled == (
        Relabeled("dog/1.jpg", "cat", "dog"),
        Relabeled("r#0", "fox", "cat"),
    )
    assert found.places.tolist() == [1]
    assert found.notes == (
        "compared with the baseline on 1 of 3 examples: since then, 2 were relabeled",
        "relabeled since the baseline, and not compared: dog/1.jpg ('cat' before, now 'dog'), "
        "r#0 ('fox' before, now 'cat')",
    )


def test_a_content_that_is_not_known_is_told_by_its_id_alone():
    found = compared(
        [("a", 0, 0, -1), ("b", 0, 0, -1), ("c", 7, 0, 0), ("d", 0, 0, -1)],
        [("a", 0, 0, -1), ("z", 0, 0, -1), ("c", 0, 0, -1), ("d", 0, 1, -1)],
    )
    assert found.places.tolist() == [0]
    assert found.added == ("z",)
    assert found.removed == ("b",)
    assert found.changed == ("c",)
    assert found.relabeled == (Relabeled("d", "cat", "dog"),)


def test_equal_contents_are_matched_one_by_one():
    before = [("a", 7, 0, 0), ("b", 7, 0, 1), ("c", 7, 1, 1)]
    # a is gone, one of the cats is now a dog, and there is one dog more.
    now = [("b", 7, 0, 0), ("c", 7, 1, 1), ("d", 7, 1, 0), ("e", 7, 1, 2)]
    found = compared(before, now)
    assert found.places.tolist() == [0, 1]
    assert found.before.tolist() == [1, 1]
    assert found.relabeled == (Relabeled("d", "cat", "dog"),)
    assert found.added == ("e",)


def test_what_became_of_examples_is_told_in_one_sentence():
    before = predicted_right(3000)
    now = [*predicted_right(2990), *predicted_right(1, "new", 5000)]
    assert compared(before, now).notes == (
        "compared with the baseline on 2,990 of 2,991 examples: since then, 1 was added, 10 were "
        "removed",
    )
    moved = [("f0", 1, 1, 1), ("f1", 9000, 1, 1), *before[2:]]
    assert compared(before, moved).notes[0] == (
        "compared with the baseline on 2,998 of 3,000 examples: since then, 1 changed, 1 was "
        "relabeled"
    )


def test_of_many_relabeled_examples_some_are_named():
    before = [(f"i{n}", n + 1, 0, 0) for n in range(2000)]
    now = [(name, check, 1, 1) for name, check, _, _ in before]
    note = compared(before, now).notes[1]
    assert note.startswith("relabeled since the baseline, and not compared: i0 ('cat' before, ")
    assert note.endswith("i9 ('cat' before, now 'dog') and 1,990 more")


@pytest.mark.parametrize(("kept", "is_enough"), [(90, True), (89, False)])
def test_enough_in_common_is_an_exact_share(kept, is_enough):
    before = [(f"i{n}", n + 1, 0, 0) for n in range(100)]
    if is_enough:
        assert len(compared(before, before[:kept], Fraction(9, 10))) == kept
        # The same of the new set: what was added weighs as what was removed.
        assert len(compared(before[:kept], before, Fraction(9, 10))) == kept
    else:
        for one, other in ((before, before[:kept]), (before[:kept], before)):
            shared = f"89 of the baseline's {len(one)} and of the {len(other)} here"
            assert refused(one, other).splitlines()[1:3] == [f"  {shared}", f"  'cat': {shared}"]


def test_a_class_with_too_little_in_common_is_named_though_the_whole_has_enough():
    before = [(f"i{n}", n + 1, 0, 0) for n in range(1000)] + [
        (f"j{n}", 5000 + n, 1, 1) for n in range(10)
    ]
    assert refused(before, before[:1002]) == (
        "too few examples are the same as in the baseline baselines/production to compare with "
        "it; min_overlap is 0.9 of both sets, overall and in each class\n"
        "  'dog': 2 of the baseline's 10 and of the 2 here\n"
        "  8 were removed\n"
        "  a changed set cannot show a regression: let the model in production save a new "
        f"baseline on this one: {SAVE}"
    )


def test_of_many_classes_with_too_little_the_worst_are_named():
    classes = tuple(f"c{n}" for n in range(30))
    before = [(f"i{n}", n + 1, n % 30, 0) for n in range(300)]
    now = [row for row in before if not 0 < row[2] < 20 or int(row[0][1:]) < 30 * (row[2] // 2)]
    with pytest.raises(BaselineError) as caught:
        compare(Baseline.of(evaluation_of(before, classes)), evaluation_of(now, classes))
    lines = str(caught.value).splitlines()
    assert lines[2] == "  'c1': 0 of the baseline's 10 and of the 0 here"
    assert lines[3] == "  'c2': 1 of the baseline's 10 and of the 1 here"
    assert lines[12] == "  and 7 more classes"


def test_a_class_that_is_empty_in_both_sets_has_nothing_to_lose():
    before = [("a", 1, 0, 0), ("b", 2, 1, 1)]
    assert len(compared(before, before, Fraction(1))) == 2
    assert "  'fox': 0 of the baseline's 0 and of the 1 here" in refused(
        before * 1, [*before, ("c", 3, 2, 2)]
    )


def test_classes_in_another_order_are_matched_by_name():
    before = evaluation_of([("a", 1, 0, 1), ("b", 2, 2, 2), ("c", 3, 1, -1)])
    # fox, cat, dog
    now = evaluation_of([("a", 1, 1, 1), ("b", 2, 0, 0), ("c", 3, 2, 2)], ("fox", "cat", "dog"))
    found = compare(Baseline.of(before), now)
    assert found.classes == ("fox", "cat", "dog")
    assert found.true.tolist() == [1, 0, 2]
    assert found.before.tolist() == [2, 0, -1]
    assert found.now.tolist() == [1, 0, 2]
    assert found.reordered
    assert found.notes == (
        "compared with the baseline on all 3 examples",
        "the baseline's classes stand in another order, and are matched by name",
    )


def test_other_classes_are_refused_with_both_lists():
    now = evaluation_of([("a", 1, 0, 0)], ("cat", "dog", "wolf", "\x1b[31m"))
    with pytest.raises(BaselineError) as caught:
        compare(Baseline.of(evaluation_of([("a", 1, 0, 0)]), PATH), now)
    assert str(caught.value) == (
        "the baseline baselines/production is of other classes than this evaluation; only in the "
        "baseline: 'fox'; only here: 'wolf', '\\x1b[31m'\n"
        "  the baseline's 3: 'cat', 'dog', 'fox'\n"
        "  the 4 here: 'cat', 'dog', 'wolf', '\\x1b[31m'\n"
        "  if classes were renamed, added or removed on purpose, save a new baseline: " + SAVE
    )


def test_a_class_that_is_gone_is_an_error_though_nothing_is_new():
    told = refused(predicted_right(9), [("f0", 1, 0, 0)], classes=("cat", "dog"))
    assert "only in the baseline: 'fox'; only here: none\n" in told


def test_long_lists_of_classes_are_cut():
    many = tuple(f"c{n}" for n in range(1500))
    with pytest.raises(BaselineError) as caught:
        compare(Baseline.of(evaluation_of([("a", 1, 0, 0)])), evaluation_of([], many))
    assert "'c48', 'c49' and 1,450 more\n" in str(caught.value)


@pytest.mark.parametrize("which", ["there", "here"])
def test_ids_that_stand_twice_cannot_be_told_apart(which):
    twice = [("a", 1, 0, 0), ("b", 2, 0, 0), ("a", 3, 0, 0)]
    once = [("a", 1, 0, 0), ("b", 2, 0, 0)]
    told = refused(twice, once) if which == "there" else refused(once, twice)
    assert told == (
        "two examples share the id 'a', so that they cannot be told apart; give each example an "
        "id of its own"
    )

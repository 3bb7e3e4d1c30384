from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import EvaluationError
from pytest_confmat.evaluation import Evaluation, Mistake, Part
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.matrix import ConfusionMatrix
from tests.support.strategies import evaluations


def part(position=0, true=(0, 1), predicted=(0, 0), score=(0.9, 0.8), **others) -> Part:
    n = len(true)
    given = {
        "id": f"part-{position}",
        "position": position,
        "ids": NumberedIds(f"s{position}", n),
        "true": np.array(true),
        "predicted": np.array(predicted),
        "score": np.array(score, np.float32),
        "rank": (np.array(true) != np.array(predicted)).astype(int),
        "check": np.arange(n, dtype=np.uint64),
    }
    return Part(**{**given, **others})


def singles(evaluation: Evaluation) -> list[Evaluation]:
    return [replace(evaluation, parts=(each,)) for each in evaluation.parts]


@given(st.booleans().flatmap(lambda weighted: evaluations(weighted=weighted)), st.randoms())
def test_merging_parts_in_any_order_gives_the_whole(whole, random):
    pieces = singles(whole)
    random.shuffle(pieces)
    twice = [*pieces, pieces[0]]
    merged = reduce(Evaluation.merge, twice)
    assert merged == whole
    assert merged.matrix == whole.matrix
    assert len(merged) == len(whole)
    if whole.sample_weighted is not None:
        # To the bit: parts are summed in the set's order, not in that of their arrival.
        assert merged.sample_weighted == whole.sample_weighted


@given(evaluations())
def test_merging_is_associative(whole):
    pieces = (singles(whole) * 3)[:3]
    a, b, c = pieces
    assert (a + b) + c == a + (b + c)


@given(st.booleans().flatmap(lambda weighted: evaluations(weighted=weighted)))
def test_saving_and_loading_is_identity(evaluation):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "evaluation.npz")
        evaluation = replace(evaluation, timing={"load": 1.5})
        evaluation.save(path)
        loaded = Evaluation.load(path)
        assert [p.name for p in Path(folder).iterdir()] == ["evaluation.npz"]
    assert loaded == evaluation
    assert loaded.timing == {"load": 1.5}
    assert [p.true.dtype for p in loaded.parts] == [p.true.dtype for p in evaluation.parts]


@given(evaluations())
def test_the_matrix_counts_every_example_once(evaluation):
    true = np.concatenate([p.true for p in evaluation.parts])
    predicted = np.concatenate([p.predicted for p in evaluation.parts])
    assert evaluation.matrix == ConfusionMatrix.from_labels(true, predicted, evaluation.classes)
    assert evaluation.rank_counts.sum() == evaluation.matrix.total == len(evaluation)


def test_strange_names_survive_saving(tmp_path):
    ids = ("a/\ud800.jpg", "b/\x1b[31m猫.png")
    evaluation = Evaluation(("a\n", "b"), (part(ids=ids),))
    evaluation.save(tmp_path / "e.npz")
    assert Evaluation.load(tmp_path / "e.npz") == evaluation


def test_the_same_part_with_other_outcomes_is_refused():
    a, b = Evaluation(("a", "b"), (part(),)), Evaluation(("a", "b"), (part(predicted=(1, 0)),))
    with pytest.raises(EvaluationError, match=r"^two evaluations of part 'part-0' differ$"):
        a + b


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            Evaluation(("b", "a"), ()),
            "evaluations of different classes cannot be merged: ['a', 'b'] and ['b', 'a']",
        ),
        (
            Evaluation(("a", "b"), (), {"model": "other"}),
            "evaluations of different models or data cannot be merged",
        ),
    ],
)
def test_what_does_not_belong_together_is_not_merged(other, message):
    with pytest.raises(EvaluationError) as refused:
        Evaluation(("a", "b"), (part(),)) + other
    assert str(refused.value) == message


def test_parts_must_not_share_their_place():
    with pytest.raises(EvaluationError, match="share their position"):
        Evaluation(("a", "b"), (part(0), replace(part(1), position=0)))
    with pytest.raises(EvaluationError, match="share their id"):
        Evaluation(("a", "b"), (part(0), replace(part(1), id="part-0")))


def test_arrays_of_a_part_have_one_length():
    with pytest.raises(EvaluationError, match="part 'part-0' holds arrays of different lengths"):
        part(score=(0.5,))


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "truncated", "newer", "pickle"])
def test_a_damaged_file_is_refused_with_a_reason(tmp_path, damage, monkeypatch):
    path = tmp_path / "e.npz"
    Evaluation(("a", "b"), (part(),)).save(path)
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "pickle":
        np.savez(path, header=np.array([object()], dtype=object))
    elif damage == "newer":
        monkeypatch.setattr("pytest_confmat.evaluation.FORMAT", 0)
    else:
        contents = {"empty": b"", "text": b"hello", "truncated": whole[: len(whole) // 2]}
        path.write_bytes(contents[damage])
    with pytest.raises(EvaluationError) as refused:
        Evaluation.load(path)
    assert str(path) in str(refused.value)


def test_mistakes_come_surest_first_and_ties_in_order():
    first = part(0, (0, 0, 1), (1, 1, 1), (0.5, 0.9, 0.99))
    second = part(1, (0, 1), (1, 0), (0.9, 0.7))
    evaluation = Evaluation(("cat", "dog"), (second, first))
    assert evaluation.mistakes() == (
        Mistake("s0#1", "cat", "dog", pytest.approx(0.9)),
        Mistake("s1#0", "cat", "dog", pytest.approx(0.9)),
        Mistake("s1#1", "dog", "cat", pytest.approx(0.7)),
    )
    assert [m.id for m in evaluation.mistakes("cat", limit=1)] == ["s0#1"]
    assert [m.id for m in evaluation.mistakes(predicted="cat")] == ["s1#1"]
    assert evaluation.mistakes("cat", "cat") == ()


def test_numbered_ids_are_a_sequence():
    ids = NumberedIds("test-00000-of-00002.tfrecord", 3)
    assert list(ids) == [f"test-00000-of-00002.tfrecord#{i}" for i in range(3)]
    assert ids[-1] == "test-00000-of-00002.tfrecord#2"
    assert ids[1:] == tuple(ids)[1:]
    with pytest.raises(IndexError):
        ids[3]

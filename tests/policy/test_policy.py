from __future__ import annotations

import glob
from fractions import Fraction
from pathlib import Path

import pytest

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.limits import Bound, ClassRule, Exemption, Limit, OverallRule, Weighting
from pytest_confmat.policy import Policy, read_policy
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    Rescale,
    TFRecordSpec,
    Threshold,
    WeightFeature,
)

from .conftest import Read
from .documents import DIAGONAL, data, images, limits, records, top

# The example, with the classes that its limits name.
EXAMPLE = """\
version: 1
dataset:
  directory: data/test            # class directories; paths are relative to this file
  image_size: [96, 96]            # height, width; default: the model's input
  color_mode: rgb                 # rgb | grayscale | rgba; default: the model's channels
  interpolation: bilinear         # any of Keras's
  aspect: stretch                 # stretch | crop | pad
  rescale: 1/255                  # or {scale: 1/127.5, offset: -1}
  # preprocess: tf
  ignore: [__MACOSX]              # directories that are no class
  expected_examples: 1797         # optional: any other count is an error
classes: [cat, dog, bird, fox, owl, other]
decision: argmax
thresholds:
  accuracy: 0.93
  balanced_accuracy: 0.90
  f1_macro: 0.90                  # overall metrics carry scikit-learn's names
  top_5_accuracy: 0.99
  recall: 0.90                    # every class; short for {at_least: 0.90}
  precision:
    at_least: 0.85
    classes: {cat: 0.95, other: none}
  f1: {classes: {dog: 0.90}}      # limits for single classes alone
  weighted_diagonal:
    weights: inverse_frequency
    at_least: 0.90
  confusions:
    - {actual: cat, predicted: dog, at_most: 0.01}   # share of the actual class
    - {at_most: 0.05}                                # every other off-diagonal cell
x-anything: [{a: &a 1}, !tag 2, *a]
"""
CLASSES = ("cat", "dog", "bird", "fox", "owl", "other")


def at_least(text: str) -> Bound:
    return Bound("at_least", Fraction(text), text)


def test_the_example(read: Read, tmp_path: Path) -> None:
    policy = read(EXAMPLE)
    assert policy.path == tmp_path / "thresholds.yaml"
    assert policy.dataset == DirectorySpec(
        tmp_path / "data/test",
        ("__MACOSX",),
        images=ImageSpec((96, 96), "rgb", "bilinear", "stretch", Rescale(Fraction(1, 255))),
        expected_examples=1797,
    )
    assert policy.classes == CLASSES
    assert policy.decision == Argmax()
    found, exemptions = policy.limits_for(CLASSES)
    by_id = {limit.id: (limit.bound.text, limit.location.line) for limit in found if limit.location}
    assert by_id == {
        "accuracy": ("0.93", 15),
        "balanced_accuracy": ("0.90", 16),
        "f1_macro": ("0.90", 17),
        "top_5_accuracy": ("0.99", 18),
        **{f"recall[{name}]": ("0.90", 19) for name in CLASSES},
        "precision[cat]": ("0.95", 22),
        **{f"precision[{name}]": ("0.85", 21) for name in CLASSES[1:-1]},
        "f1[dog]": ("0.90", 23),
        **{f"weighted_diagonal[{name}]": ("0.90", 26) for name in CLASSES},
        "confusion[cat:dog]": ("0.01", 28),
        "confusions[*]": ("0.05", 29),
    }
    assert [limit.id for limit in found] == list(by_id)
    assert exemptions == (Exemption("precision", "other", Location(policy.path, 22)),)
    assert (policy.dataset_location.line, policy.classes_location.line) == (2, 12)
    assert (policy.decision_location.line, policy.thresholds_location.line) == (13, 14)


def test_the_example_for_tfrecord(read: Read, tmp_path: Path) -> None:
    before, _, after = EXAMPLE.partition("  directory:")
    tfrecord = """\
  tfrecord: data/test-*.tfrecord          # path, glob or list
  image: {key: image/encoded}             # encoded JPEG/PNG/GIF/BMP/WebP
  # image: {key: image, encoding: raw, dtype: uint8, shape: [28, 28, 1]}
  # image: {key: image_floats, encoding: float, shape: [784]}
  label: {key: image/class/label, offset: 1}   # offset is subtracted
  weight: {key: weight}                   # optional, one float an example
"""
    after = after[after.index("\n") + 1 :].replace("  ignore: [__MACOSX]", "  # none to ignore")
    assert read(before + tfrecord + after).dataset == TFRecordSpec(
        (f"{tmp_path}/data/test-*.tfrecord",),
        ImageFeature("image/encoded"),
        LabelFeature("image/class/label", 1),
        WeightFeature("weight"),
        images=ImageSpec((96, 96), "rgb", rescale=Rescale(Fraction(1, 255))),
        expected_examples=1797,
    )


@pytest.mark.parametrize(
    ("keys", "feature"),
    [
        (
            "{key: image, encoding: raw, dtype: uint8, shape: [28, 28, 1]}",
            ImageFeature("image", "raw", "uint8", (28, 28, 1)),
        ),
        (
            "{key: image, encoding: raw, dtype: half, shape: [2]}",
            ImageFeature("image", "raw", "float16", (2,)),
        ),
        (
            "{key: image_floats, encoding: float, shape: [784]}",
            ImageFeature("image_floats", "float", None, (784,)),
        ),
    ],
)
def test_image_features(keys: str, feature: ImageFeature, read: Read) -> None:
    dataset = read(records(f"image: {keys}")).dataset
    assert isinstance(dataset, TFRecordSpec)
    assert dataset.image == feature


def test_everything_else_about_images(read: Read) -> None:
    dataset = read(
        images(
            """
            color_mode: grayscale
            interpolation: area
            aspect: pad
            rescale: {scale: 1/127.5, offset: -1}
            reshape: [16, 2]
            """
        )
    ).dataset
    assert isinstance(dataset, DirectorySpec)
    rescale = Rescale(Fraction(2, 255), Fraction(-1))
    assert dataset.images == ImageSpec(
        None, "grayscale", "area", "pad", rescale, None, reshape=(16, 2)
    )


def test_preprocess(read: Read) -> None:
    dataset = read(images("preprocess: torch")).dataset
    assert isinstance(dataset, DirectorySpec)
    assert dataset.images == ImageSpec(preprocess="torch")


def test_brackets_in_the_policys_own_folder_are_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "run[1]*"
    folder.mkdir()
    (folder / "a-1.tfrecord").touch()
    (folder / "t.yaml").write_text(data(f"tfrecord: ['a-*.tfrecord', {tmp_path}/b.tfrecord]"))
    dataset = read_policy(folder / "t.yaml").dataset
    assert isinstance(dataset, TFRecordSpec)
    assert glob.glob(dataset.tfrecord[0]) == [str(folder / "a-1.tfrecord")]  # noqa: PTH207
    assert dataset.tfrecord[1] == f"{tmp_path}/b.tfrecord"


def test_data_are_found_from_anywhere(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(data("directory: ../data"))
    monkeypatch.chdir(tmp_path)
    policy = read_policy(Path("thresholds.yaml"))
    assert policy.path == Path("thresholds.yaml")
    assert policy.dataset == DirectorySpec(tmp_path.parent / "data")


def test_decision(read: Read) -> None:
    assert read(top("classes: [a, b]\ndecision: {threshold: 0.30}")).decision == Threshold(
        Fraction(3, 10)
    )
    assert read(top("classes: [a, b]\ndecision: {threshold: 1e-2, positive: a}")).decision == (
        Threshold(Fraction(1, 100), "a")
    )


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("inverse_frequency", Weighting("inverse_frequency")),
        ("balanced, normalize: pred", Weighting("balanced", "pred")),
        ("sample, normalize: true", Weighting("sample", "true")),
        (
            "{bird: .5, cat: 3.0, dog: 1}, normalize: all",
            Weighting(
                (("bird", Fraction(1, 2)), ("cat", Fraction(3)), ("dog", Fraction(1))), "all"
            ),
        ),
    ],
)
def test_weights(weights: str, expected: Weighting, read: Read) -> None:
    found, _ = read(limits(DIAGONAL.format(weights))).limits_for(["cat", "dog", "bird"])
    assert [(limit.id, limit.weighting) for limit in found] == [
        (f"weighted_diagonal[{name}]", expected) for name in ("cat", "dog", "bird")
    ]


def test_bounds_keep_their_spelling(read: Read) -> None:
    (rule,) = read(limits("accuracy: 90e-2")).rules
    assert isinstance(rule, OverallRule)
    assert rule.bound == Bound("at_least", Fraction(9, 10), "90e-2")


def test_rules_stand_in_the_order_of_the_file(read: Read) -> None:
    rules = read(limits("top_2_accuracy: 1\nf1: 1\nconfusions: [{at_most: 0}]\naccuracy: 1")).rules
    assert [getattr(rule, "metric", "confusions") for rule in rules] == [
        "top_2_accuracy",
        "f1",
        "confusions",
        "accuracy",
    ]


def test_limits_point_to_the_line_that_holds_their_bound(read: Read) -> None:
    text = """\
x-strict: &strict
  cat:
    at_least: 0.95
version: 1
classes: [cat, dog, bird]
thresholds:
  recall:
    at_least:
      0.9
    classes:
      <<: *strict
      dog: 0.8
  confusions:
    - actual: cat
      predicted: dog
      at_most: 0.1
"""
    found, _ = read(text).limits_for(["cat", "dog", "bird"])
    assert {limit.id: limit.location and limit.location.line for limit in found} == {
        "recall[cat]": 3,
        "recall[dog]": 12,
        "recall[bird]": 8,
        "confusion[cat:dog]": 16,
    }


def test_odd_class_names_stay_themselves(read: Read) -> None:
    text = """\
version: 1
classes: [no, true, 12:30, 1_0, ~, 010, ' x', "a: b", none]
thresholds:
  recall: {at_least: 0.5, classes: {no: 0.9, true: none, 12:30: 0.8, ~: 0.7, none: none}}
"""
    policy = read(text)
    names = ("no", "true", "12:30", "1_0", "~", "010", " x", "a: b", "none")
    assert policy.classes == names
    found, exemptions = policy.limits_for(names)
    assert {limit.actual: limit.bound.text for limit in found} == {
        "no": "0.9",
        "12:30": "0.8",
        "1_0": "0.5",
        "~": "0.7",
        "010": "0.5",
        " x": "0.5",
        "a: b": "0.5",
    }
    assert [exemption.actual for exemption in exemptions] == ["true", "none"]


@pytest.mark.parametrize(
    "content", ["cat\ndog\n", "cat\r\ndog", "\ufeffcat\rdog\r\r", "cat\ndog\n\n \n"]
)
def test_label_file(content: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(content.encode())
    (tmp_path / "t.yaml").write_text(top("classes: names.txt"))
    assert read_policy(tmp_path / "t.yaml").classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "0 cat\n1 wild dog\n"),
        ("names.txt", "0: cat\n1: wild dog\n"),
        ("names.txt", "0:cat\n1:wild dog\n"),
        ("names.txt", "0,cat\r\n1,wild dog\r\n"),
        ("names.txt", "00\tcat\n01\twild dog\n"),
        ("names.txt", '["cat", "wild dog"]'),
        ("class_indices.json", '{"wild dog": 1, "cat": 0}'),
        ("id2label.json", '{"0": "cat", "1": "wild dog"}'),
    ],
)
def test_forms_of_label_files(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    (tmp_path / "t.yaml").write_text(top(f"classes: {name}"))
    assert read_policy(tmp_path / "t.yaml").classes == ("cat", "wild dog")


@pytest.mark.parametrize(
    "names",
    [
        ["1 cat", "2 dog"],
        ["0 cat", "2 dog"],
        ["0", "1", "2"],
        ["[unk]", "[pad]"],
        ["tench, Tinca tinca", "goldfish, Carassius auratus"],
        ["tool: hammer", "tool: saw"],
        ["hammerhead, hammerhead shark", "great white shark, white shark, man-eater, killer"],
    ],
)
def test_names_in_a_label_file_stay_as_they_are(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join(names))
    (tmp_path / "t.yaml").write_text(top("classes: names.txt"))
    assert read_policy(tmp_path / "t.yaml").classes == tuple(names)


def test_classes_that_only_the_data_know_are_judged_when_they_are_known(read: Read) -> None:
    policy = read(data("directory: d").replace("0.9", "{classes: {dgo: 0.9}}"))
    assert policy.classes is None
    with pytest.raises(PolicyError) as caught:
        policy.limits_for(["cat", "dog"])
    assert caught.value.location == Location(policy.path, 4)
    assert caught.value.message == (
        "thresholds.recall.classes: there is no class 'dgo'; did you mean 'dog'?"
    )


def test_sample_weights_may_come_from_a_fixture(read: Read) -> None:
    (rule,) = read(limits(DIAGONAL.format("sample, normalize: pred"))).rules
    assert isinstance(rule, ClassRule)
    assert rule.weighting == Weighting("sample", "pred")


ACCURACY = OverallRule("accuracy", at_least("0.9"), Location(Path("t.yaml"), 7))


def test_policies_can_be_made_by_hand() -> None:
    policy = Policy(Path("t.yaml"), rules=(ACCURACY,))
    assert policy.dataset_location == Location(Path("t.yaml"), 1)
    found, exemptions = policy.limits_for(["a", "b"])
    assert found == (Limit("accuracy", "accuracy", at_least("0.9"), Location(Path("t.yaml"), 7)),)
    assert exemptions == ()


def test_two_limits_of_one_id_are_refused() -> None:
    policy = Policy(Path("t.yaml"), rules=(ACCURACY, ACCURACY))
    with pytest.raises(PolicyError) as caught:
        policy.limits_for(["a", "b"])
    assert str(caught.value) == "t.yaml:7: limit accuracy is already declared on line 7"


def test_a_policy_without_rules_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(Path("t.yaml")).limits_for(["a", "b"])
    assert str(caught.value) == "t.yaml:1: the policy makes no limit; write one below thresholds"


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a"], "a classifier has at least two classes, and here is 1"),
        ([], "a classifier has at least two classes, and here is 0"),
        (["a", "b", "a"], "class 'a' is there twice"),
    ],
)
def test_classes_that_are_none(classes: list[str], message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(Path("t.yaml"), rules=(ACCURACY,)).limits_for(classes)
    assert caught.value.message == message


def test_paths_are_normalized_unless_a_link_makes_a_difference(tmp_path):
    policy = tmp_path / "policies" / "limits.yaml"
    policy.parent.mkdir()
    head = "version: 1\nbaseline: ../base/../b\nclasses: [a, b]\n"
    head += "thresholds: {accuracy: {max_drop: 0}}\n"
    policy.write_text(head + "dataset: {directory: ../data/./test/}\n")
    read = read_policy(policy)
    assert isinstance(read.dataset, DirectorySpec)
    assert read.dataset.directory == tmp_path / "data/test"
    assert read.baseline is not None
    assert read.baseline.path == tmp_path / "b"
    policy.write_text(head + "dataset: {tfrecord: [../a-*.tfrecord, x/../b.tfrecord]}\n")
    read = read_policy(policy)
    assert isinstance(read.dataset, TFRecordSpec)
    assert [Path(pattern) for pattern in read.dataset.tfrecord] == [
        tmp_path / "a-*.tfrecord",
        tmp_path / "policies/b.tfrecord",
    ]
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "policies/link").symlink_to(tmp_path / "far/away")
    policy.write_text(head + "dataset: {directory: link/../data}\n")
    read = read_policy(policy)
    assert isinstance(read.dataset, DirectorySpec)
    assert read.dataset.directory.resolve() == tmp_path / "far/data"


def test_a_location_names_the_folder_below_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(Location(tmp_path / "cats/limits.yaml", 3)) == "cats/limits.yaml:3"
    assert str(Location(tmp_path / "cats/../limits.yaml", 3)) == "limits.yaml:3"
    assert str(Location(Path("limits.yaml"), 3)) == "limits.yaml:3"
    assert str(Location(tmp_path.parent / "limits.yaml", 3)) == f"{tmp_path.parent}/limits.yaml:3"

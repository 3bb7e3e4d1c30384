from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import zipfile
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pytest_confmat.cache import digest_index
from pytest_confmat.cache import evaluation_cache as module
from pytest_confmat.cache.evaluation_cache import CacheInfo, EvaluationCache
from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.data.tfrecord.shard_names import resolve
from pytest_confmat.data.tfrecord.shards import scan_shard
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import DataError, ModelError
from pytest_confmat.evaluation import Evaluation, Fault, Part
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.job import Job, describe_model
from pytest_confmat.kinds import kind_of
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageSpec,
    ModelSpec,
    Rescale,
    TFRecordSpec,
    Threshold,
)
from tests.support.makers import shard

CAT_DOG = ("cat", "dog")
FINGERPRINT = (
    "a fixture confmat_fingerprint of the project's may return a text that changes whenever that "
    "does"
)


def write_model(path: Path, weights: bytes = b"w", **config: Any) -> None:
    config = {"module": "keras", "class_name": "Sequential", "config": {}, **config}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)


@dataclass
class World:
    """A model, data and a cache in a folder, and evaluations that tell what they depend on."""

    root: Path
    job: Job = field(init=False)
    computed: int = 0

    def __post_init__(self) -> None:
        write_model(self.root / "m.keras")
        for name in ("cat/1", "cat/2", "dog/1"):
            path = self.root / f"data/{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"one " + name.encode())
        spec = DirectorySpec(self.root / "data")
        self.job = Job(ModelSpec(self.root / "m.keras"), spec, CAT_DOG, Argmax())

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def truth(self) -> Evaluation:
        """An evaluation that differs whenever anything that it is made from does."""
        job, seen = self.job, hashlib.sha256()
        spec = job.dataset
        if isinstance(spec, DirectorySpec):
            listing = list_directory(spec, job.classes)
            paths, ids = [spec.directory / name for name in listing.ids], listing.ids
            labels = listing.labels
            pieces: list[tuple[str, Any]] = [("all", ids)]
        else:
            paths = list(resolve(spec.tfrecord))
            counts = [scan_shard(path).records for path in paths]
            labels = (0,) * sum(counts)
            pieces = [(p.name, NumberedIds(p.name, n)) for p, n in zip(paths, counts, strict=True)]
            beside = spec.tfrecord and [paths[0].parent / "labels.txt"]
            paths += [path for path in beside if path.exists()]
        for path in (job.model.path, *paths):
            content = path.read_bytes()
            seen.update(len(content).to_bytes(8, "little") + content)
        plain = replace(spec, digest=None, expected_examples=None)
        seen.update(repr((plain, job.classes, job.decision, job.batch_size, pieces)).encode())
        word = np.frombuffer(seen.digest()[:8], np.uint64)
        parts, rest = [], np.array(labels, np.int64)
        for position, (name, ids) in enumerate(pieces):
            n = len(ids)
            true, rest = rest[:n], rest[n:]
            score, rank = np.ones(n, np.float32), np.zeros(n, int)
            parts.append(Part(name, position, ids, true, true, score, rank, np.repeat(word, n)))
        provenance = {
            "model": describe_model(job.model),
            "dataset": {
                "source": kind_of(spec).describe(spec),
                "states_count": False,
                "unfixed": None,
            },
            "versions": {"python": "3"},
            "batch_size": 32,
        }
        return Evaluation(job.classes, tuple(parts), provenance, ("a note",))

    def compute(self) -> Evaluation:
        self.computed += 1
        return self.truth()

    def keeper(self, **how: Any) -> EvaluationCache:
        return EvaluationCache(lambda: self.cache, talkative=True, **how)

    def obtain(self, fingerprint: str | None = None, **how: Any) -> tuple[Evaluation, CacheInfo]:
        return self.keeper(**how).obtain(self.job, self.compute, fingerprint)

    def is_kept(self, fingerprint: str | None = None, **how: Any) -> bool:
        before = self.computed
        self.obtain(fingerprint, **how)
        return self.computed == before

    def change(self, **changes: Any) -> None:
        self.job = replace(self.job, **changes)


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "environment", lambda: {"python": "3"})
    return World(tmp_path)


def test_nothing_changed(world):
    first, origin = world.obtain()
    assert world.computed == 1
    assert origin.computed is None
    assert origin.remarks == ()
    again, recalled = world.obtain()
    assert world.computed == 1
    assert again == first
    assert again.notes == ("a note",)
    assert set(again.timing) == {"cache"}
    assert recalled.key == origin.key
    when = recalled.computed[:16].replace("T", " ")
    assert recalled.remarks == (
        f"evaluation of {when} UTC from the cache: model and data unchanged; "
        "--confmat-cache=off computes it anew",
    )
    assert CacheInfo.from_plain(json.loads(json.dumps(recalled.to_plain()))) == recalled


def test_verify_says_that_it_has_read_all(world):
    world.obtain()
    _, origin = world.obtain(verify=True)
    assert " model and data read and found unchanged; " in origin.remarks[0]


@pytest.fixture
def blind(monkeypatch):
    """An image of fixed times: `stat` says of another file what it said of the one before."""
    kept: dict[str, Any] = {}
    stats = digest_index._stats

    def fixed(paths):
        found = stats(paths)
        return np.array([kept.setdefault(p, r) for p, r in zip(paths, found, strict=True)])

    clock = SimpleNamespace(time_ns=lambda: time.time_ns() + 10**10)
    monkeypatch.setattr(digest_index, "time", clock)
    monkeypatch.setattr(digest_index, "_stats", fixed)


def test_a_model_is_read_in_every_run(world, blind):
    first, _ = world.obtain()
    write_model(world.root / "m.keras", b"v")
    found, origin = world.obtain()
    assert origin.computed is None
    assert found == world.truth()
    assert found.provenance["model"]["sha256"] != first.provenance["model"]["sha256"]


def test_data_are_read_in_every_run_where_their_times_say_nothing(world, blind, monkeypatch):
    monkeypatch.setattr(digest_index, "untrusted_times", lambda _: "squashfs")
    world.obtain()
    _, origin = world.obtain()
    assert (
        " from the cache: model and data unchanged (data on squashfs were read again: file times "
        "say nothing there); "
    ) in origin.remarks[0]
    path = world.root / "data/cat/1.png"
    path.write_bytes(path.read_bytes().upper())
    found, origin = world.obtain()
    assert origin.computed is None
    assert found == world.truth()
    # Not told unless someone asks about the cache, nor where everything is read anyway.
    for quiet in (EvaluationCache(lambda: world.cache), world.keeper(verify=True)):
        assert "squashfs" not in quiet.obtain(world.job, world.compute)[1].remarks[0]


def test_what_is_loaded_counts(world):
    world.obtain()
    assert not world.is_kept(loaded=lambda: {"modules": [["conftest.py", "ab"]]})
    assert world.is_kept(loaded=lambda: {"modules": [["conftest.py", "ab"]]})
    assert not world.is_kept(loaded=lambda: {"modules": [["conftest.py", "cd"]]})


def test_a_cache_that_is_not_there(world):
    _, origin = EvaluationCache(lambda: None).obtain(world.job, world.compute)
    assert origin == CacheInfo()
    assert not world.cache.exists()


def test_what_the_set_must_be_is_held_against_it_each_time(world):
    # A digest or a count that was pinned after the first run costs no second one.
    world.obtain()
    world.change(dataset=replace(world.job.dataset, digest=f"sha256:{'0' * 64}"))
    assert world.is_kept()
    world.change(dataset=replace(world.job.dataset, expected_examples=3))
    assert world.is_kept()


def test_what_is_known_to_be_the_result_of_another_job_is_kept_for_that_too(world):
    keeper = world.keeper()
    evaluation, origin = keeper.obtain(world.job, world.compute)
    other = replace(world.job, dataset=replace(world.job.dataset, max_faults=7))
    keeper.keep_as(origin, other, replace(evaluation, notes=("another note",)))
    recalled, its = world.keeper().obtain(other, world.compute)
    assert world.computed == 1
    assert (recalled.notes, its.key == origin.key) == (("another note",), False)
    # One that is there stays, and of one that was not kept nothing is known.
    keeper.keep_as(origin, world.job, replace(evaluation, notes=("wrong",)))
    assert world.obtain()[0].notes == ("a note",)
    world.keeper().keep_as(origin, replace(other, batch_size=3), evaluation)
    keeper.keep_as(CacheInfo(), replace(other, batch_size=3), evaluation)
    world.change(batch_size=3)
    assert not world.is_kept()


SPECS = {
    "image_size": lambda spec: replace(spec, images=ImageSpec((4, 4))),
    "rescale": lambda spec: replace(spec, images=ImageSpec(rescale=Rescale(Fraction(1, 255)))),
    "preprocess": lambda spec: replace(spec, images=ImageSpec(preprocess="tf")),
    "jpeg": lambda spec: replace(spec, images=ImageSpec(jpeg="accurate")),
    "on_fault": lambda spec: replace(spec, on_fault="misclassified"),
    "max_faults": lambda spec: replace(spec, max_faults=1),
}


@pytest.mark.parametrize("name", SPECS)
def test_the_dataset_as_written(world, name):
    world.obtain()
    world.change(dataset=SPECS[name](world.job.dataset))
    assert not world.is_kept()
    assert world.is_kept()


def test_classes_decision_batch_size_and_safe_mode(world):
    world.obtain()
    for changes in (
        {"classes": ("dog", "cat")},
        {"decision": Threshold(Fraction(1, 2))},
        {"decision": Threshold(Fraction(1, 2), "dog")},
        {"batch_size": 7},
        {"model": replace(world.job.model, safe_mode=False)},
    ):
        world.change(**changes)
        assert not world.is_kept(), changes
        assert world.is_kept(), changes


def test_the_libraries(world, monkeypatch):
    world.obtain()
    monkeypatch.setattr(module, "environment", lambda: {"python": "4"})
    assert not world.is_kept()


def test_what_a_process_sets_while_it_computes_is_not_what_it_began_with(world, monkeypatch):
    surroundings = {"python": "3"}
    monkeypatch.setattr(module, "environment", lambda: dict(surroundings))

    def compute():
        surroundings["keras"] = "imported"
        return world.compute()

    world.keeper().obtain(world.job, compute)
    surroundings.pop("keras")
    assert world.is_kept()


def test_a_hidden_file_beside_the_images_is_told_in_a_note(world):
    world.obtain()
    (world.root / "data/cat/.DS_Store").touch()
    assert not world.is_kept()


def test_an_added_removed_renamed_or_moved_image(world):
    world.obtain()
    cat = world.root / "data/cat"
    for change in (
        lambda: (cat / "3.png").write_bytes(b"three"),
        lambda: (cat / "3.png").rename(cat / "4.png"),
        lambda: (cat / "4.png").rename(world.root / "data/dog/4.png"),
        (world.root / "data/dog/4.png").unlink,
    ):
        before = world.truth()
        change()
        assert world.truth() != before
        evaluation, _ = world.obtain()
        assert evaluation == world.truth()
    assert world.computed == 4  # the last one is the first again


def test_a_moved_project_is_the_same(world, monkeypatch):
    world.obtain()
    there = world.root.parent / f"{world.root.name}-moved"
    shutil.move(world.root, there)
    monkeypatch.chdir(there)
    moved = World.__new__(World)
    moved.root, moved.computed = there, 0
    model, spec = ModelSpec(there / "m.keras"), DirectorySpec(there / "data")
    moved.job = Job(model, spec, CAT_DOG, Argmax())
    assert moved.is_kept()


def test_the_folder_that_it_is_called_in_counts_only_for_what_is_shown(world, monkeypatch):
    (world.root / "sub").mkdir()
    kinds = (world.job.dataset, shards(world))
    for spec in kinds:
        monkeypatch.chdir(world.root)
        world.change(dataset=spec)
        first, _ = world.obtain()
        assert first.provenance["model"]["path"] == "m.keras"
        for folder in (world.root / "sub", world.root.parent):
            monkeypatch.chdir(folder)
            assert world.is_kept()
            found, _ = world.obtain()
            # What an evaluation made here would say.
            assert found == world.truth()
            assert found.provenance["model"]["path"] != "m.keras"
            assert found.provenance["dataset"] != first.provenance["dataset"]


def test_the_same_files_elsewhere(world):
    world.obtain()
    shutil.copytree(world.root / "data", world.root / "copy")
    shutil.copytree(world.root, world.root / "old", ignore=shutil.ignore_patterns("cache"))
    world.change(
        model=ModelSpec(world.root / "old/m.keras"), dataset=DirectorySpec(world.root / "copy")
    )
    found, _ = world.obtain()
    assert world.computed == 1
    assert found.provenance["model"]["path"] == "old/m.keras"
    assert found.provenance["dataset"]["source"] == "directory copy"
    # Notes speak of the model by the name of its file.
    (world.root / "m.keras").rename(world.root / "n.keras")
    world.change(model=ModelSpec(world.root / "n.keras"))
    assert not world.is_kept()


def shards(world: World) -> TFRecordSpec:
    for number in range(2):
        shard(world.root / f"s-{number}.tfrecord", [b"record %d" % number] * 3)
    world.change(dataset=TFRecordSpec((f"{world.root}/s-*.tfrecord",)))
    return world.job.dataset


def test_shards_and_what_lies_beside_them(world):
    shards(world)
    world.obtain()
    for content in (b"changed", b"changed again"):
        shard(world.root / "s-1.tfrecord", [content])
        assert not world.is_kept()
        assert world.is_kept()
    for name in ("labels.txt", "label.labels.txt", "dataset_info.json"):
        (world.root / name).write_text(f"changed {name}")
        assert not world.is_kept(), name
        assert world.is_kept(), name
        (world.root / name).write_text(f"changed {name} again")
        assert not world.is_kept(), name
    shard(world.root / "s-2.tfrecord", [b"one more"])
    assert not world.is_kept()
    (world.root / "README.txt").write_text("read by nobody")
    assert world.is_kept()


def test_an_error_is_not_kept(world):
    def fail() -> Evaluation:
        raise DataError("no")

    for _ in range(2):
        with pytest.raises(DataError, match=r"^no$"):
            world.keeper().obtain(world.job, fail)
    assert not world.is_kept()


def test_faults_that_were_counted_may_be_fixed(world):
    faulty = replace(world.truth(), faults=(Fault("cat/1.png", "cannot be read: I/O", "cat"),))
    evaluation, origin = world.keeper().obtain(world.job, lambda: faulty)
    assert evaluation == faulty
    assert origin.remarks == (
        "the evaluation is not kept in the cache: examples are at fault, and may be fixed",
    )
    assert not world.is_kept()


def test_what_changes_while_it_is_read_is_not_kept(world):
    def compute() -> Evaluation:
        found = world.compute()
        (world.root / "data/cat/1.png").write_bytes(b"while it was read")
        return found

    _, origin = world.keeper().obtain(world.job, compute)
    assert origin.remarks == (
        "the evaluation is not kept in the cache: model or data changed while it was made",
    )
    assert not world.is_kept()
    assert world.is_kept()


def test_data_that_are_not_there_are_for_the_evaluation_to_tell(world):
    shutil.rmtree(world.root / "data")
    with pytest.raises(DataError, match="does not exist"):
        world.obtain()


def test_a_damaged_entry_is_computed_anew_with_a_note(world):
    _, origin = world.obtain()
    path = world.cache / f"{origin.key}.evaluation"
    path.write_bytes(path.read_bytes()[:-1])
    evaluation, again = world.obtain()
    assert evaluation == world.truth()
    assert world.computed == 2
    assert again.remarks == (f"the entry {path.name} of the cache is damaged: evaluated anew",)
    assert world.is_kept()


def test_a_cache_that_cannot_be_written_to(world):
    world.cache.write_text("a file")
    evaluation, origin = world.obtain()
    assert evaluation == world.truth()
    assert origin.key is None
    assert origin.remarks[0].startswith("the evaluation is not kept in the cache: ")


def test_why_it_is_not_kept_is_told_to_those_who_asked(world):
    world.cache.write_text("a file")
    _, origin = EvaluationCache(lambda: world.cache).obtain(world.job, world.compute)
    assert origin.remarks == ()


def test_models_that_name_code_of_the_projects_own(world):
    write_model(world.root / "m.keras", module="net", class_name="Net")
    _, origin = world.obtain()
    assert origin.remarks == (
        "the evaluation is not kept in the cache: the model names 'Net', which is not Keras's "
        f"own, and its code can change while the file does not: {FINGERPRINT}",
    )
    assert not world.is_kept()
    world.obtain("net 1")
    assert world.is_kept("net 1")
    assert not world.is_kept("net 2")


def test_objects_of_the_projects_own(world):
    def scores(batch):
        return batch

    world.job = Job(scores, [([[0.9, 0.1]], [0])], CAT_DOG, Argmax())
    found = replace(World.truth(World(world.root)), provenance={})
    keeper = world.keeper()
    _, origin = keeper.obtain(world.job, lambda: found)
    assert origin.remarks == (
        "the evaluation is not kept in the cache: the model is an object of the project's own "
        f"(builtins.function), which can change unseen: {FINGERPRINT}",
    )
    assert keeper.obtain(world.job, lambda: found, "v1")[1].computed is None
    assert keeper.obtain(world.job, lambda: found, "v1")[1].computed is not None
    assert keeper.obtain(world.job, lambda: found, "v2")[1].computed is None


def test_a_dataset_of_the_projects_own_needs_a_fingerprint_too(world):
    world.change(dataset=[([[0.9, 0.1]], [0])])
    found = World.truth(World(world.root))
    _, origin = world.keeper().obtain(world.job, lambda: found)
    assert "the dataset is an object of the project's own (builtins.list)" in origin.remarks[0]


def test_likely_causes_are_kept_with_it(world):
    keeper = world.keeper()
    _, origin = world.obtain()
    assert keeper.likely_causes(origin) is None
    found = (LikelyCause("permuted", "text", {"accuracy": 0.5}),)
    keeper.keep_likely_causes(origin, found)
    assert world.keeper().likely_causes(origin) == found
    evaluation, again = world.obtain()
    assert evaluation == world.truth()
    assert world.computed == 1
    assert again.computed is not None
    # What could not be looked for today may be found tomorrow.
    keeper.keep_likely_causes(origin, (LikelyCause("preprocessing", "text", {"error": "lost"}),))
    assert world.keeper().likely_causes(origin) == found
    assert keeper.likely_causes(CacheInfo()) is None


def decisions() -> st.SearchStrategy:
    cuts = st.sampled_from([Fraction(1, 2), Fraction(1, 3), Fraction(3, 10)])
    names = st.sampled_from([None, "cat", "dog"])
    return st.one_of(st.just(Argmax()), st.builds(Threshold, cuts, names))


class Changes(RuleBasedStateMachine):
    """Whatever changes, what is obtained is what would be computed."""

    @initialize(ahead=st.booleans())
    def begin(self, ahead: bool) -> None:
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp()).resolve()
        self.patch.chdir(self.folder)
        self.patch.setattr(module, "environment", lambda: {"python": "3"})
        if ahead:  # nothing is racy, and the index is trusted
            clock = SimpleNamespace(time_ns=lambda: time.time_ns() + 10**10)
            self.patch.setattr(digest_index, "time", clock)
        self.world = World(self.folder)
        self.seen: list[Evaluation] = []

    @rule(name=st.sampled_from(["cat/1", "cat/2", "dog/1", "dog/9"]), content=st.binary(max_size=3))
    def write(self, name: str, content: bytes) -> None:
        (self.folder / f"data/{name}.png").write_bytes(content)

    @rule(content=st.sampled_from([b"1", b"2"]))
    def in_place(self, content: bytes) -> None:
        path = self.folder / "data/cat/1.png"
        before = path.stat()
        path.write_bytes(content * before.st_size)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule()
    def remove(self) -> None:
        (self.folder / "data/dog/9.png").unlink(missing_ok=True)

    @rule()
    def swap(self) -> None:
        one, other = (self.folder / f"data/cat/{name}.png" for name in "12")
        aside = self.folder / "aside"
        for source, target in ((one, aside), (other, one), (aside, other)):
            source.rename(target)

    @rule(weights=st.sampled_from([b"a", b"b", b"longer"]))
    def train(self, weights: bytes) -> None:
        write_model(self.folder / "m.keras", weights)

    @rule(
        size=st.sampled_from([None, (4, 4), (5, 4)]),
        rescale=st.sampled_from([None, Fraction(1, 255), Fraction(1, 128)]),
        mode=st.sampled_from([None, "rgb", "grayscale"]),
    )
    def preprocess(self, size: Any, rescale: Any, mode: Any) -> None:
        scale = None if rescale is None else Rescale(rescale)
        images = ImageSpec(size, mode, rescale=scale)
        self.world.change(dataset=replace(self.world.job.dataset, images=images))

    @rule(classes=st.permutations(CAT_DOG))
    def order(self, classes: list[str]) -> None:
        self.world.change(classes=tuple(classes))

    @rule(decision=decisions(), batch_size=st.sampled_from([None, 1, 64]))
    def decide(self, decision: Any, batch_size: int | None) -> None:
        self.world.change(decision=decision, batch_size=batch_size)

    @rule()
    def nothing(self) -> None:
        """Look again."""

    @invariant()
    def what_is_obtained_is_what_would_be_computed(self) -> None:
        time.sleep(0.005)  # a tick of the kernel's clock
        truth, before = self.world.truth(), self.world.computed
        found, _ = self.world.obtain()
        assert found == truth
        # And nothing is computed twice.
        assert (self.world.computed == before) == (truth in self.seen)
        self.seen.append(truth)

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()
            shutil.rmtree(self.folder)


Changes.TestCase.settings = settings(
    max_examples=15, stateful_step_count=12, suppress_health_check=list(HealthCheck), deadline=None
)
TestChanges = Changes.TestCase


def test_of_several_jobs_only_those_that_are_not_kept_are_computed(world):
    kept = world.job
    world.obtain()
    other = replace(kept, batch_size=7)
    asked = []

    def compute(jobs):
        asked.append(list(jobs))
        return [replace(world.truth(), notes=("another",)) for _ in jobs]

    found = world.keeper().obtain_all([kept, other], compute, [None, None])
    assert asked == [[other]]
    assert [each[0].notes for each in found] == [("a note",), ("another",)]
    assert found[0][1].computed is not None
    assert found[1][1].computed is None


def test_the_error_of_one_of_several_jobs_is_its_own_and_is_not_kept(world):
    other = replace(world.job, batch_size=7)
    error = ModelError("this model alone")
    found = world.keeper().obtain_all(
        [world.job, other], lambda _: [world.truth(), error], [None, None]
    )
    assert found[1] is error
    assert world.is_kept()
    world.change(batch_size=7)
    assert not world.is_kept()

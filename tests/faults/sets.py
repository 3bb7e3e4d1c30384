"""Evaluation sets that are not the one that was agreed on."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.directories import classes
from tests.faults.images import dataset
from tests.faults.project import Project, picture
from tests.faults.table import Fault, Make, Section, all_of, file, options


def manifest(*lines: Callable[[str, str, str], str]) -> Make:
    """Return what writes the manifest of the set, each line as one of `lines` changes it."""

    def make(project: Project) -> None:
        from pytest_confmat.data.pipeline import words

        listed = ["# pytest-confmat manifest 1"]
        names = [f"{name}/{n}.png" for name in ("cat", "dog") for n in range(3)]
        changes = [*lines, *[entry] * (len(names) - len(lines))]
        for name, change in zip(names, changes, strict=True):
            word = int(words([(project.path / "data" / name).read_bytes()])[0])
            listed += [change(name, name[:3], f"{word:016x}")]
        project.write("set.tsv", "\n".join(filter(None, listed)) + "\n")
        project.options.append("--confmat-manifest=set.tsv")

    return make


def entry(example: str, name: str, word: str) -> str:
    return "\t".join((example, name, word))


def unlisted(*_: str) -> str:
    return ""


def relabeled(example: str, _: str, word: str) -> str:
    return entry(example, "dog", word)


def changed(example: str, name: str, _: str) -> str:
    return entry(example, name, "0" * 16)


def twice(_: str, name: str, word: str) -> str:
    return entry("cat/0.png", name, word)


def renamed(example: str, name: str, word: str) -> str:
    return entry(f"{example}.bak", name, word)


def moved(_: str, __: str, word: str) -> str:
    return entry("dog/old.png", "dog", word)


def gone(example: str, name: str, word: str) -> str:
    return f"{entry(example, name, word)}\n{entry('dog/3.png', 'dog', '1' * 16)}"


SECTION = Section(
    "The set itself",
    "Six images in class directories, each of which can be read.",
    Project.images,
    [
        Fault(
            "a set of which nothing says how large it must be",
            lambda _: None,
            "the data do not say how many examples there must be; to notice when some are missing, "
            "say expected_examples: 6 in dataset",
            "noted",
        ),
        Fault(
            "an image fewer than `expected_examples`",
            all_of(dataset("expected_examples: 7")),
            "1 example missing: directory data holds 6 examples, and "
            "dataset.expected_examples is 7",
        ),
        Fault(
            "an image more than `expected_examples`",
            dataset("expected_examples: 5"),
            "1 example too many: directory data holds 6 examples, and "
            "dataset.expected_examples is 5",
        ),
        Fault(
            "another `digest` than the set's",
            dataset(f"digest: sha256:{'0' * 64}"),
            "the evaluation set changed: its digest is sha256:[...], and "
            "dataset.digest is "
            "sha256:0000000000000000000000000000000000000000000000000000000000000000\n"
            "a manifest of the set as it was shows which examples differ: "
            "--confmat-manifest FILE",
        ),
        Fault(
            "an image that the manifest does not list",
            manifest(unlisted),
            "the evaluation set changed: its digest is sha256:[...]\n"
            "against set.tsv: 1 added\n"
            "added cat/0.png",
        ),
        Fault(
            "an image that was renamed since the manifest was written",
            manifest(renamed),
            "the evaluation set changed: its digest is sha256:[...]\n"
            "against set.tsv: 1 moved\n"
            "moved cat/0.png.bak -> cat/0.png",
        ),
        Fault(
            "an image that was moved to the folder of another class",
            manifest(moved),
            "the evaluation set changed: its digest is sha256:[...]\n"
            "against set.tsv: 1 moved\n"
            "moved dog/old.png -> cat/0.png, from class 'dog' to 'cat'",
        ),
        Fault(
            "another number than `expected_examples`, and a manifest that tells why",
            all_of(dataset("expected_examples: 7"), manifest(entry, changed, unlisted, gone)),
            "1 example missing: directory data holds 6 examples, and "
            "dataset.expected_examples is 7\n"
            "the evaluation set changed: its digest is sha256:[...]\n"
            "against set.tsv: 1 added, 1 removed, 1 changed\n"
            "added cat/2.png\n"
            "removed dog/3.png\n"
            "changed cat/1.png",
        ),
        Fault(
            "another number than `expected_examples`, and a manifest of the set as it is",
            all_of(dataset("expected_examples: 7"), manifest()),
            "1 example missing: directory data holds 6 examples, and "
            "dataset.expected_examples is 7\n"
            "it is the set that set.tsv lists: correct expected_examples",
        ),
        Fault(
            "an image that was given another class",
            manifest(relabeled),
            "the evaluation set changed: its digest is sha256:[...]\n"
            "against set.tsv: 1 relabeled\n"
            "relabeled cat/0.png",
        ),
        Fault(
            "an image that is another than the manifest's",
            manifest(changed),
            "the evaluation set changed: its digest is sha256:[...]\n"
            "against set.tsv: 1 changed\n"
            "changed cat/0.png",
        ),
        Fault(
            "a manifest that is none",
            all_of(file("set.tsv", "id,label\n"), options("--confmat-manifest=set.tsv")),
            "--confmat-manifest: set.tsv is no manifest: its first line is "
            "'id,label', and should be '# pytest-confmat manifest 1'",
            "refused",
        ),
        Fault(
            "a manifest that lists an image twice",
            manifest(entry, twice),
            "set.tsv:3: 'cat/0.png' is there twice",
        ),
        Fault(
            "a --confmat-data whose classes are others than the policy's",
            all_of(
                classes("cat", "dog"), file("new/cat/0.png", picture), options("--confmat-data=new")
            ),
            "thresholds.yaml:2: classes and the directories in new differ\n"
            "without a directory: 'dog'; if the set lacks them on purpose: classes: {names: ..., "
            "without_examples: [...]}\n"
            "classes: 'cat', 'dog'\n"
            "directories: 'cat'",
            "refused",
        ),
        Fault(
            "a --confmat-data that is not there",
            options("--confmat-data=test"),
            "thresholds.yaml:2: the data directory test does not exist; a policy's "
            "paths are relative to its file",
            "refused",
        ),
    ],
)

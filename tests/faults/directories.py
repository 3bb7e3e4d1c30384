"""Class directories that are not what they seem."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from tests.faults.images import dataset
from tests.faults.project import Project, picture
from tests.faults.table import Fault, Make, Section, all_of, file

CAFE = "café"


def moved(old: str, new: str) -> Make:
    def make(project: Project) -> None:
        to = project.path / new
        to.parent.mkdir(parents=True, exist_ok=True)
        (project.path / old).rename(to)

    return make


def removed(*names: str) -> Make:
    def make(project: Project) -> None:
        for name in names:
            path = project.path / name
            if path.is_dir():
                for each in sorted(path.iterdir()):
                    each.unlink()
                path.rmdir()
            else:
                path.unlink()

    return make


def beyond_ascii(project: Project) -> None:
    project.plain_locale()
    project.policy("directory: données")
    for old, new in (("data/cat/0.png", "data/cat/ü.png"), ("data/cat", f"données/{CAFE}")):
        moved(old, new)(project)
    moved("data/dog", "données/dog")(project)


def folder(name: str) -> Make:
    return lambda project: (project.path / name).mkdir(parents=True)


def link(name: str, target: str) -> Make:
    def make(project: Project) -> None:
        (project.path / name).symlink_to(target)

    return make


def classes(*names: str) -> Make:
    return lambda project: project.policy("directory: data", f"classes: [{', '.join(names)}]\n")


def undecodable(name: bytes) -> Make:
    def make(project: Project) -> None:
        path = os.fsencode(project.path / "data") + b"/" + name
        Path(os.fsdecode(path)).mkdir() if b"." not in name else Path(
            os.fsdecode(path)
        ).write_bytes(picture())

    return make


def numbers(project: Project) -> None:
    removed("data/cat", "data/dog")(project)
    for n in (0, 1, 2, 10):
        project.write(f"data/{n}/a.png", picture(n))


EXTRA = file("data/fox/0.png", picture)
SECTION = Section(
    "Class directories",
    "A set of six images in two class directories.",
    Project.images,
    [
        Fault(
            "a data directory that is not there",
            moved("data", "date"),
            "thresholds.yaml:2: the data directory data does not exist; did you "
            "mean 'date'?; a policy's paths are relative to its file",
            "refused",
        ),
        Fault(
            "a data directory that is a file",
            all_of(moved("data", "other"), file("data", "x")),
            "thresholds.yaml:2: data is a file, and dataset.directory is a folder "
            "that holds one folder per class; for TFRecord shards say tfrecord: in "
            "place of directory:",
            "refused",
        ),
        Fault(
            "an empty data directory",
            all_of(moved("data", "other"), folder("data")),
            "thresholds.yaml:2: data holds no class directories; a confusion "
            "matrix needs at least two classes",
            "refused",
        ),
        Fault(
            "images without class directories",
            all_of(removed("data/cat", "data/dog"), file("data/0.png", picture)),
            "thresholds.yaml:2: data holds no class directories, but 1 file "
            "('0.png'); a confusion matrix needs at least two classes",
            "refused",
        ),
        Fault(
            "a single class directory",
            removed("data/dog"),
            "thresholds.yaml:2: data holds one class directory, 'cat'; a confusion "
            "matrix needs at least two classes",
            "refused",
        ),
        Fault(
            "a class directory that is empty",
            folder("data/fox"),
            "1 class directory in data holds no image: 'fox'; a class without "
            "examples cannot be judged",
        ),
        Fault(
            "a class directory with nothing but hidden files",
            file("data/__MACOSX/._0.png", b"x"),
            "1 class directory in data holds no image: '__MACOSX'; a class without "
            "examples cannot be judged",
        ),
        Fault(
            "a class of the policy without a directory",
            classes("cat", "dog", "fox"),
            "thresholds.yaml:2: classes and the directories in data differ\n"
            "without a directory: 'fox'; if the set lacks them on purpose: classes: {names: ..., "
            "without_examples: [...]}\n"
            "classes: 'cat', 'dog', 'fox'\n"
            "directories: 'cat', 'dog'",
            "refused",
        ),
        Fault(
            "a directory that is no class of the policy",
            all_of(classes("cat", "dog"), EXTRA),
            "thresholds.yaml:2: classes and the directories in data differ\n"
            "not in classes: 'fox'; a directory that is no class belongs in ignore\n"
            "classes: 'cat', 'dog'\n"
            "directories: 'cat', 'dog', 'fox'",
            "refused",
        ),
        Fault(
            "a class of the policy in another case",
            classes("Cat", "dog"),
            "thresholds.yaml:2: classes and the directories in data differ\n"
            "without a directory: 'Cat'; did you mean 'cat'?\n"
            "not in classes: 'cat'; a directory that is no class belongs in ignore\n"
            "classes: 'Cat', 'dog'\n"
            "directories: 'cat', 'dog'",
            "refused",
        ),
        Fault(
            "class directories that differ only in case",
            file("data/Cat/0.png", picture),
            "thresholds.yaml:2: the class directories 'Cat' and 'cat' in data "
            "differ only in case; merge them, or list both in classes",
            "refused",
        ),
        Fault(
            "class directories that differ only in their Unicode form",
            all_of(
                *(
                    file(f"data/{unicodedata.normalize(form, CAFE)}/0.png", picture)
                    for form in ("NFC", "NFD")
                )
            ),
            "thresholds.yaml:2: the class directories 'cafe\\u0301' and 'caf\\xe9' "
            "in data differ only in how Unicode spells them; merge them",
            "refused",
        ),
        Fault(
            "files that differ only in their Unicode form",
            all_of(
                *(
                    file(f"data/cat/{unicodedata.normalize(form, CAFE)}.png", picture)
                    for form in ("NFC", "NFD")
                )
            ),
            "data holds file names that differ only in how Unicode spells them: "
            "'cat/cafe\\u0301.png' and 'cat/caf\\xe9.png'; remove one of the two",
        ),
        Fault(
            "a class directory whose name is not UTF-8",
            undecodable(b"caf\xe9"),
            "thresholds.yaml:2: the name of the class directory data/caf\\xe9 is "
            "not UTF-8; rename it",
            "refused",
        ),
        Fault(
            "a file whose name is not UTF-8",
            undecodable(b"cat/caf\xe9.png"),
            "data holds file names that are not UTF-8: cat/caf\\xe9.png; rename them",
        ),
        Fault(
            "class directories that are numbers",
            numbers,
            "thresholds.yaml:2: the class directories of data are numbers, and "
            "sorted as text they come as 0, 1, 10, 2 ...; say which order the "
            "model's outputs have, by one of these lines\n"
            "classes: [0, 1, 2, 10] # the order of numbers\n"
            "classes: [0, 1, 10, 2] # the order of image_dataset_from_directory",
            "refused",
        ),
        Fault(
            "more class directories than the model has outputs",
            EXTRA,
            "the model m.keras has 2 outputs, and there are 3 classes: 'cat', "
            "'dog', 'fox'; `classes` must name every output, in the model's order",
        ),
        Fault(
            "a file of an extension that is not read",
            file("data/cat/3.tiff", b"II*\0"),
            "data holds files that would not be read: cat/3.tiff; move, remove or "
            "convert them; what is read is .bmp, .gif, .jpeg, .jpg, .png, .jfif, "
            ".webp",
        ),
        Fault(
            "a file without an extension",
            file("data/cat/IMG_0001", picture),
            "data holds files that would not be read: cat/IMG_0001; move, remove "
            "or convert them; what is read is .bmp, .gif, .jpeg, .jpg, .png, "
            ".jfif, .webp",
        ),
        Fault(
            "TFRecord shards in a class directory",
            file("data/cat/test.tfrecord", b"x"),
            "data holds files that would not be read: cat/test.tfrecord; move, "
            "remove or convert them; what is read is .bmp, .gif, .jpeg, .jpg, "
            ".png, .jfif, .webp",
        ),
        Fault(
            "a link to an image outside",
            all_of(file("other/3.png", picture), link("data/cat/3.png", "../../other/3.png")),
            "data holds links that lead out of it: cat/3.png -> other/3.png; copy "
            "what they lead to, or allow such links by links: follow in dataset",
        ),
        Fault(
            "a link to an image outside, with `links: follow`",
            all_of(
                file("other/3.png", picture),
                removed("data/cat/0.png"),
                link("data/cat/0.png", "../../other/3.png"),
                dataset("links: follow"),
            ),
            "1 link out of the directory followed: 'cat/0.png'",
            "noted",
        ),
        Fault(
            "a link to a folder that holds it, with `links: follow`",
            all_of(
                link("data/cat/again", ".."),
                dataset("links: follow"),
            ),
            "data holds links to folders that hold them: cat/again; remove them",
        ),
        Fault(
            "a way to treat links that is not known",
            dataset("links: yes"),
            "thresholds.yaml:4: dataset.links: 'yes' is none of its values; there are 'inside', "
            "'follow'",
            "refused",
        ),
        Fault(
            "a class directory that is a link to the outside",
            all_of(moved("data/dog", "other"), link("data/dog", "../other")),
            "data holds links that lead out of it: dog -> other; copy what they lead to, or "
            "allow such links by links: follow in dataset",
        ),
        Fault(
            "a class directory that is a link to nowhere",
            all_of(
                file("data/fox/0.png", picture), removed("data/fox"), link("data/fox", "../gone")
            ),
            "thresholds.yaml:2: data/fox is a link to '../gone', which leads "
            "nowhere; bring back what it leads to, or remove it",
            "refused",
        ),
        Fault(
            "a class directory that is a link to another",
            link("data/fox", "cat"),
            "the class directories 'cat' and 'fox' in data are one folder, by a link: each of its "
            "images would be an example of both",
        ),
        Fault(
            "a link to a folder inside",
            link("data/cat/more", "../dog"),
            "data holds links to folders, which Keras does not follow: cat/more; "
            "move the folders here, link their files, or say links: follow in dataset",
        ),
        Fault(
            "an `ignore` that names no directory",
            dataset("ignore: [__MACOS]"),
            "thresholds.yaml:2: dataset.ignore names '__MACOS', and data holds no such directory",
            "refused",
        ),
        Fault(
            "a directory that `ignore` leaves out",
            all_of(dataset("ignore: [fox]"), EXTRA),
            "directories ignored: 'fox'",
            "noted",
        ),
        Fault(
            "a hidden file",
            file("data/cat/.3.png", picture),
            "1 hidden or system file skipped: 'cat/.3.png'",
            "noted",
        ),
        Fault(
            "a macOS shadow file",
            file("data/cat/._0.png", b"\0\5\x16\7"),
            "1 hidden or system file skipped: 'cat/._0.png'",
            "noted",
        ),
        Fault(
            "images in .ipynb_checkpoints",
            file("data/cat/.ipynb_checkpoints/0-checkpoint.png", picture),
            "1 hidden or system file skipped: 'cat/.ipynb_checkpoints'",
            "noted",
        ),
        Fault(
            "a Thumbs.db",
            file("data/dog/Thumbs.db", b"x"),
            "1 hidden or system file skipped: 'dog/Thumbs.db'",
            "noted",
        ),
        Fault(
            "an image beside the class directories",
            file("data/stray.png", picture),
            "1 entry beside the class directories not read: 'stray.png'",
            "noted",
        ),
        Fault(
            "names that are not ASCII under `LC_ALL=C`, without Python's UTF-8 mode",
            beyond_ascii,
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a class directory that is not UTF-8 under `LC_ALL=C`",
            all_of(Project.plain_locale, undecodable(b"caf\xe9")),
            r"the name of the class directory data/caf\xe9 is not UTF-8; rename it",
            "refused",
        ),
        Fault(
            "a hidden class directory",
            file("data/.fox/0.png", picture),
            "1 entry beside the class directories not read: '.fox'",
            "noted",
        ),
    ],
)

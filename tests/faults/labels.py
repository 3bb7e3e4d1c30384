"""Labels of records, and the names that stand for them."""

from __future__ import annotations

from tests.faults.project import Project, picture, record
from tests.faults.records import all_as, last
from tests.faults.table import Fault, Make, Section, all_of, file
from tests.support.fifos import make_fifo
from tests.support.makers import example


def policy(dataset: str = "", classes: str = "") -> Make:
    return lambda project: project.policy(f"tfrecord: test.tfrecord\n{dataset}", classes)


def names(content: str | bytes, name: str = "labels.txt") -> Make:
    """Return what leaves the class names to a file beside the shards."""
    return all_of(policy(), file(name, content))


def pipe(name: str, classes: str = "") -> Make:
    """Return what makes the file of class names a named pipe, to which nobody ever writes."""
    return all_of(policy("", classes), lambda project: make_fifo(project.path / name))


def one_hot(last_: list[int]) -> Make:
    return all_as(lambda n: record(n, label=last_ if n == 5 else [[1, 0], [0, 1]][n % 2]))


def text(last_: bytes) -> Make:
    return all_as(lambda n: record(n, label=last_ if n == 5 else [b"cat", b"dog"][n % 2]))


def named(number: int, text: bytes, label: int | None = None) -> bytes:
    """A record with keys as ImageNet's, whose text names its class."""
    label = number % 2 if label is None else label
    content = {"image__encoded": picture(number), "image__class__text": text}
    return example(image__class__label=label, **content)


SECTION = Section(
    "Labels of records",
    "Six records of two classes. Where one label is at fault, it is the last.",
    Project.shards,
    [
        Fault(
            "names in a named pipe beside the shards",
            pipe("labels.txt"),
            "labels.txt:1: the label file is a FIFO (named pipe); name a text file",
            "refused",
        ),
        Fault(
            "names in a named pipe that the policy names",
            pipe("names.txt", "classes: names.txt\n"),
            "the label file 'names.txt' is a FIFO (named pipe); name a text file",
            "refused",
        ),
        Fault(
            "names beside the shards that look the same",
            names("cat\n\u0441at\n"),
            "labels.txt:2: '\\u0441at' looks the same as 'cat' on line 1",
            "refused",
        ),
        Fault(
            "a label map beside the shards",
            names("item {\n  id: 1\n  name: 'cat'\n}\n"),
            "labels.txt:1: the label file is a label map in protobuf text format (.pbtxt); write "
            "one class name per line, in the order of the model's outputs",
            "refused",
        ),
        Fault(
            "no label",
            last(label=None),
            "test.tfrecord#4 has no feature 'label'; it has 'image'",
            faulty=1,
        ),
        Fault(
            "a label beyond the classes",
            last(label=2),
            "test.tfrecord#4 label 2 is none of the 2 classes (0 to 1)",
            faulty=1,
        ),
        Fault(
            "a negative label",
            last(label=-1),
            "test.tfrecord#4 label -1 is none of the 2 classes (0 to 1)",
            faulty=1,
        ),
        Fault(
            "a label beyond 32 bits",
            last(label=2**40),
            "test.tfrecord#4 label 1099511627776 is none of the 2 classes (0 to 1)",
            faulty=1,
        ),
        Fault(
            "a label that is text where others are numbers",
            last(label=b"cat"),
            "test.tfrecord#4 label 'label' is a string, expected int64",
            faulty=1,
        ),
        Fault(
            "a label that is a float where others are whole",
            last(label=1.0),
            "test.tfrecord#4 label 'label' is a float, expected int64",
            faulty=1,
        ),
        Fault(
            "two labels in one record",
            last(label=[0, 1]),
            "test.tfrecord#4 label 'label' is 2 int64, expected int64",
            faulty=1,
        ),
        Fault(
            "labels that are fractions in all records",
            all_as(lambda n: record(n, label=0.25 + n % 2)),
            "test.tfrecord#0 holds 0.25 in 'label'; a label is one whole number, one "
            "class name, or one-hot of the 2 classes",
        ),
        Fault(
            "labels from 1 without an `offset`",
            all_as(lambda n: record(n, label=1 + n % 2)),
            "test.tfrecord#1 label 2 is none of the 2 classes (0 to 1)\n[...]\n"
            "no label is 0, as if they were counted from 1: offset: 1 in dataset.label would "
            "make them fit",
            faulty=3,
        ),
        Fault(
            "labels from 0 with `offset: 1`",
            all_as(lambda n: record(n, label=n % 2), "label: {key: label, offset: 1}"),
            "test.tfrecord#0 label 0 minus offset 1 is -1, which is none of the 2 classes (0 to "
            "1)\n[...]\n"
            "no label is 2, as if they were counted from 0: offset: 0 in dataset.label would make "
            "them fit",
            faulty=3,
        ),
        Fault(
            "a label of 0 among those with `offset: 1`",
            all_as(lambda n: record(n, label=n % 3), "label: {key: label, offset: 1}"),
            "test.tfrecord#0 label 0 minus offset 1 is -1, which is none of the 2 classes (0 to 1)",
            faulty=2,
        ),
        Fault(
            "an `offset` for labels that are names",
            all_as(lambda n: record(n, label=b"cat"), "label: {key: label, offset: 1}"),
            "test.tfrecord#0 holds a string in 'label'; dataset.label.offset is for integer labels",
        ),
        Fault(
            "a name that is no class",
            text(b"bird"),
            "test.tfrecord#5 label 'bird' is none of the 2 classes",
            faulty=1,
        ),
        Fault(
            "a name in another case",
            text(b"Dog"),
            "test.tfrecord#5 label 'Dog' is none of the 2 classes; did you mean 'dog'?",
            faulty=1,
        ),
        Fault(
            "a path in place of a name",
            text(b"/data/test/dog/5.jpg"),
            "test.tfrecord#5 label '/data/test/dog/5.jpg' looks like a path that holds the class "
            "'dog'; a label is the name of a class alone, so write the records with that",
            faulty=1,
        ),
        Fault(
            "texts beside the numbers that swap two classes",
            all_as(lambda n: named(n, (b"dog", b"cat")[n % 2])),
            "the numbers in 'image/class/label' and the texts in 'image/class/text' contradict "
            "classes\n"
            "0 is 'dog' in 3 records, such as test.tfrecord#0; in classes it is 'cat'\n"
            "1 is 'cat' in 3 records, such as test.tfrecord#1; in classes it is 'dog'\n"
            "classes: 'cat', 'dog'\n"
            "the numbers stand for 'dog', 'cat': write classes in that order if the model's "
            "outputs have it, and write the records again if they have not",
        ),
        Fault(
            "texts beside numbers that are one too high",
            all_as(lambda n: named(n, (b"cat", b"dog")[n % 2], 1 + n % 2)),
            "1 is 'cat' in 3 records, such as test.tfrecord#0; in classes it is 'dog'\n"
            "2 is 'dog' in 3 records, such as test.tfrecord#1; in classes it is none of the 2\n"
            "classes: 'cat', 'dog'\n"
            "every number is 1 higher than the place of its text in classes: offset: 1 in "
            "dataset.label would make them agree",
        ),
        Fault(
            "one record whose text is that of another class",
            all_as(lambda n: named(n, (b"cat", b"dog")[n % 2 if n else 1])),
            "0 is 'dog' in 1 record, such as test.tfrecord#0; in classes it is 'cat'\n"
            "classes: 'cat', 'dog'\n"
            "correct the numbers or texts of these records, or the order of classes",
        ),
        Fault(
            "texts that are no names of classes",
            all_as(lambda n: named(n, (b"n02123045", b"n02084071")[n % 2])),
            "2 of 2 texts in 'image/class/text' are no names of classes, so they are not "
            "compared: 'n02123045' for 'cat', 'n02084071' for 'dog'",
            "noted",
        ),
        Fault(
            "texts that list synonyms of the classes",
            all_as(lambda n: named(n, (b"Cat, true cat", b"domestic dog, dog")[n % 2])),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "an empty name",
            text(b""),
            "test.tfrecord#5 label '' is none of the 2 classes",
            faulty=1,
        ),
        Fault(
            "a name that is not UTF-8",
            text(b"d\xf6g"),
            "test.tfrecord#5 label 'd\\\\xf6g' is none of the 2 classes",
            faulty=1,
        ),
        Fault(
            "one-hot of two classes",
            one_hot([1, 1]),
            "test.tfrecord#5 label 'label' is not one-hot: [1, 1]",
            faulty=1,
        ),
        Fault(
            "one-hot of no class",
            one_hot([0, 0]),
            "test.tfrecord#5 label 'label' is not one-hot: [0, 0]",
            faulty=1,
        ),
        Fault(
            "one-hot with a share",
            one_hot([0, 2]),
            "test.tfrecord#5 label 'label' is not one-hot: [0, 2]",
            faulty=1,
        ),
        Fault(
            "one-hot of too many classes",
            one_hot([0, 0, 1]),
            "test.tfrecord#5 label 'label' is 3 int64, expected one-hot",
            faulty=1,
        ),
        Fault(
            "soft labels in all records",
            all_as(lambda n: record(n, label=[0.25, 0.75])),
            "test.tfrecord#0 label 'label' is not one-hot: [0.25, 0.75]",
            faulty=6,
        ),
        Fault(
            "one-hot of three classes in all records",
            all_as(lambda n: record(n, label=[0, 1, 0])),
            "test.tfrecord#0 holds 3 int64 in 'label'; a label is one whole number, one "
            "class name, or one-hot of the 2 classes",
        ),
        Fault(
            "a class without an example",
            all_as(lambda n: record(n, label=0)),
            "1 of 2 classes have no example among 6: 'dog'; nothing can be said about them. If "
            "the set lacks them on purpose, name them in classes: {names: ..., without_examples: "
            "[...]}",
        ),
        Fault(
            "an example of a class that is said to have none",
            policy("", "classes: {names: [cat, dog], without_examples: [dog]}\n"),
            "classes.without_examples names 'dog', and the set has 3 examples of it, such as "
            "'test.tfrecord#1', 'test.tfrecord#3', 'test.tfrecord#5'; take it "
            "out there, so that it is judged",
        ),
        Fault(
            "classes that nothing names",
            policy(),
            "thresholds.yaml:2: the names of the classes are not known: TFRecords "
            "hold labels without names or order, and there is no label.labels.txt "
            "or labels.txt beside the shards; say classes: [...] in the order of "
            "the model's outputs, or name a text file with one class a line",
            "refused",
        ),
        Fault(
            "a label file that names one class",
            names("cat\n"),
            "thresholds.yaml:2: labels.txt:1: a classifier has at least two classes, and here is 1",
            "refused",
        ),
        Fault(
            "a label file with an empty line",
            names("cat\n\ndog\n"),
            "thresholds.yaml:2: labels.txt:2: an empty line between class names; remove it",
            "refused",
        ),
        Fault(
            "a label file that names a class twice",
            names("cat\ndog\ncat\n"),
            "thresholds.yaml:2: labels.txt:3: 'cat' is already on line 1",
            "refused",
        ),
        Fault(
            "a label file that is not UTF-8",
            names(b"cat\nd\xf6g\n"),
            "thresholds.yaml:2: labels.txt:2: the label file is not UTF-8: byte 0xf6 cannot stand "
            "here",
            "refused",
        ),
        Fault(
            "two label files that disagree",
            all_of(names("cat\ndog\n"), file("label.labels.txt", "dog\ncat\n")),
            "thresholds.yaml:2: label.labels.txt and labels.txt name different "
            "classes: 'dog', 'cat' and 'cat', 'dog'; say which in classes",
            "refused",
        ),
        Fault(
            "a label file in another order than the policy's classes",
            file("labels.txt", "dog\ncat\n"),
            "labels.txt and classes list the same names in different orders\n"
            "labels.txt: 'dog', 'cat'\n"
            "classes: 'cat', 'dog'\n"
            "labels are numbers that count the lines of labels.txt: if the model's outputs have "
            "that order, write classes so; if not, write the records again in the order of the "
            "model's outputs",
        ),
        Fault(
            "a features.json of TFDS with more classes than the policy",
            file(
                "features.json",
                '{"featuresDict": {"features": {"label": {"classLabel": {"numClasses": "3"}}}}}',
            ),
            "features.json says that 'label' has 3 classes, and classes names 2; name them all, "
            "in the order of the numbers",
        ),
    ],
)

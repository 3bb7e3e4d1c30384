"""thresholds.yaml as it should not be written."""

from __future__ import annotations

from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, file

HEAD = "version: 1\ndataset:\n  directory: data\n"


# Each level is ten of the one above it: a thousand million in thirty lines.
MULTIPLYING = (
    HEAD
    + "thresholds:\n  a0: &a0 [x]\n"
    + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
)


def text(content: str | bytes) -> Make:
    return file("thresholds.yaml", content)


def limits(body: str, classes: str = "") -> Make:
    """Return what writes a policy whose limits begin on line 5."""
    lines = "".join(f"  {line}\n" for line in body.splitlines())
    return text(f"{HEAD}{classes}thresholds:\n{lines}")


def top(*lines: str) -> Make:
    """Return what writes a policy with these lines at its top, from line 6 on."""
    body = "".join(f"{line}\n" for line in lines)
    return text(f"{HEAD}thresholds:\n  accuracy: 0\n{body}")


SECTION = Section(
    "The policy file",
    "All are found before anything is collected.",
    Project.images,
    [
        Fault(
            "an empty file",
            text(""),
            "thresholds.yaml:1: the file is empty; it needs version, thresholds, "
            "and dataset or classes",
            "refused",
        ),
        Fault(
            "a list in place of keys",
            text("- recall\n"),
            "thresholds.yaml:1: expected the keys of a policy: version, dataset, thresholds",
            "refused",
        ),
        Fault(
            "a bracket that is not closed",
            text(f"{HEAD}thresholds: {{recall: 0.9\n"),
            "thresholds.yaml:4: not valid YAML: while parsing a flow mapping that "
            "starts on line 4, expected ',' or '}', but got '<stream end>'",
            "refused",
        ),
        Fault(
            "a tab for indentation",
            text(f"{HEAD}thresholds:\n\trecall: 0.9\n"),
            "thresholds.yaml:5: not valid YAML: [...] found character '\\t' that "
            "cannot start any token",
            "refused",
        ),
        Fault(
            "a file that is not UTF-8",
            text(HEAD.encode() + b"  # caf\xe9\n"),
            "thresholds.yaml:4: the file is not UTF-8: byte 0xe9 cannot stand here",
            "refused",
        ),
        Fault(
            "a control character",
            text(f"{HEAD}thresholds:\n  accuracy: 0 # \x1b[31m\n"),
            "thresholds.yaml:5: the file holds the character U+001B, which has no "
            "place in a text file; remove it",
            "refused",
        ),
        Fault(
            "two documents in one file",
            text(f"{HEAD}thresholds: {{accuracy: 0}}\n---\nversion: 1\n"),
            "thresholds.yaml:5: a second YAML document starts here; one file is one policy",
            "refused",
        ),
        Fault(
            "a tag",
            limits("accuracy: !!float 0.9"),
            "thresholds.yaml:5: tag 'tag:yaml.org,2002:float' is not read; write "
            "the value without it",
            "refused",
        ),
        Fault(
            "an alias that contains itself",
            limits("accuracy: &a {at_least: *a}"),
            "thresholds.yaml:5: this value contains itself, by an alias",
            "refused",
        ),
        Fault(
            "an alias of nothing",
            limits("accuracy: *none"),
            "thresholds.yaml:5: alias 'none' has no anchor of that name above it",
            "refused",
        ),
        Fault(
            "aliases that multiply without end",
            text(MULTIPLYING),
            "thresholds.yaml:5: the file stands for more than 500,000 values",
            "refused",
        ),
        Fault(
            "a key that stands twice",
            limits("recall: 0.9\nrecall: 0.5"),
            "thresholds.yaml:6: key 'recall' is already on line 5",
            "refused",
        ),
        Fault(
            "a class that stands twice",
            limits("recall:\n  classes:\n    cat: 0.9\n    cat: 0.1"),
            "thresholds.yaml:8: key 'cat' is already on line 7",
            "refused",
        ),
        Fault(
            "no `version`",
            text("dataset: {directory: data}\nthresholds: {accuracy: 0}\n"),
            "thresholds.yaml:1: version is missing: the first line of a policy is version: 1",
            "refused",
        ),
        Fault(
            "a `version` of the future",
            text("version: 2\ndataset: {directory: data}\nthresholds: {accuracy: 0}\n"),
            "thresholds.yaml:1: version: 2 is not known to this release, which reads version 1",
            "refused",
        ),
        Fault(
            "no `thresholds`",
            text(HEAD),
            "thresholds.yaml:1: thresholds is missing: it holds the limits, such as recall: 0.9",
            "refused",
        ),
        Fault(
            "no limits below `thresholds`",
            text(f"{HEAD}thresholds: {{}}\n"),
            "thresholds.yaml:4: thresholds: no limits here; a policy needs at "
            "least one, such as recall: 0.9",
            "refused",
        ),
        Fault(
            "no data and no classes",
            text("version: 1\nthresholds: {accuracy: 0}\n"),
            "thresholds.yaml:1: without a directory or tfrecord, classes must name the classes",
            "refused",
        ),
        Fault(
            "a metric in a wrong spelling",
            limits("recal: 0.9"),
            "thresholds.yaml:5: unknown key 'recal' in thresholds; did you mean 'recall'?",
            "refused",
        ),
        Fault(
            "a metric that is not known",
            limits("loss: 0.9"),
            "thresholds.yaml:5: unknown key 'loss' in thresholds; there are "
            "'recall', 'precision', [...]",
            "refused",
        ),
        Fault(
            "a key in a wrong spelling",
            limits("recall: {at_leest: 0.9}"),
            "thresholds.yaml:5: unknown key 'at_leest' in thresholds.recall; did "
            "you mean 'at_least'?",
            "refused",
        ),
        Fault(
            "a limit at the wrong level",
            top("recall: 0.9"),
            "thresholds.yaml:6: recall belongs below thresholds",
            "refused",
        ),
        Fault(
            "a key that is reserved",
            top("slices: {}"),
            "thresholds.yaml:6: 'slices' is reserved for a later version",
            "refused",
        ),
        Fault(
            "a class in a wrong spelling",
            limits("recall: {classes: {cats: 0.9}}"),
            "thresholds.yaml:5: thresholds.recall.classes: there is no class "
            "'cats'; did you mean 'cat'?",
            "refused",
        ),
        Fault(
            "a class that is not there",
            limits("recall: {classes: {zebra: 0.9}}"),
            "thresholds.yaml:5: thresholds.recall.classes: there is no class "
            "'zebra'; there are 'cat', 'dog'",
            "refused",
        ),
        Fault(
            "a confusion of a class that is not there",
            limits("confusions:\n  - {actual: cat, predicted: fox, at_most: 0.1}"),
            "thresholds.yaml:6: thresholds.confusions, predicted: there is no "
            "class 'fox'; there are 'cat', 'dog'",
            "refused",
        ),
        Fault(
            "a confusion of a class with itself",
            limits("confusions:\n  - {actual: cat, predicted: cat, at_most: 0.1}"),
            "thresholds.yaml:6: thresholds.confusions[0].predicted: actual and "
            "predicted are the same class; being right is no confusion, put a "
            "limit on recall",
            "refused",
        ),
        Fault(
            "a confusion that stands twice",
            limits(
                "confusions:\n"
                "  - {actual: cat, predicted: dog, at_most: 0.1}\n"
                "  - {actual: cat, predicted: dog, at_most: 0.9}"
            ),
            "thresholds.yaml:7: thresholds.confusions[1]: this pair has a limit already, on line 6",
            "refused",
        ),
        Fault(
            "a bound in percent, without the sign",
            limits("recall: 95"),
            "thresholds.yaml:5: thresholds.recall: 95 is out of range; bounds are "
            "shares between 0 and 1; did you mean 0.95?",
            "refused",
        ),
        Fault(
            "a bound in percent",
            limits("recall: 95 %"),
            "thresholds.yaml:5: thresholds.recall: '95 %' is a percentage; write the share: 0.95",
            "refused",
        ),
        Fault(
            "a bound below zero",
            limits("recall: -0.1"),
            "thresholds.yaml:5: thresholds.recall: -0.1 is out of range; bounds "
            "are shares between 0 and 1",
            "refused",
        ),
        Fault(
            "a bound with a comma",
            limits("recall: 0,9"),
            "thresholds.yaml:5: thresholds.recall: '0,9' is no number; did you mean 0.9?",
            "refused",
        ),
        Fault(
            "a bound in quotes",
            limits("recall: '0.9'"),
            "thresholds.yaml:5: thresholds.recall: '0.9' is text, by its quotes; a "
            "number stands without them",
            "refused",
        ),
        Fault(
            "a bound that is NaN",
            limits("recall: .nan"),
            "thresholds.yaml:5: thresholds.recall: '.nan' is not a finite number",
            "refused",
        ),
        Fault(
            "a bound that is a boolean",
            limits("recall: true"),
            "thresholds.yaml:5: thresholds.recall: 'true' is no number",
            "refused",
        ),
        Fault(
            "a bound that is missing",
            limits("recall:"),
            "thresholds.yaml:5: thresholds.recall: expected a number, or a mapping "
            "with at_least and classes, found nothing",
            "refused",
        ),
        Fault(
            "a number in base 60 for YAML 1.1",
            limits("recall: 0:54"),
            "thresholds.yaml:5: thresholds.recall: '0:54' is no number",
            "refused",
        ),
        Fault(
            "a number with an underscore, as YAML 1.1 reads them",
            limits("recall: 0.9_0"),
            "thresholds.yaml:5: thresholds.recall: '0.9_0' is no number",
            "refused",
        ),
        Fault(
            "`at_most` for a metric",
            limits("recall: {at_most: 0.9}"),
            "thresholds.yaml:5: thresholds.recall: it takes at_least; at_most is for confusions",
            "refused",
        ),
        Fault(
            "a metric that can only be 1",
            limits("top_2_accuracy: 0.9"),
            "thresholds.yaml:5: thresholds: top_2_accuracy is 1 whatever the model "
            "does, with 2 classes; its number must be below theirs",
            "refused",
        ),
        Fault(
            "every class exempt",
            limits("recall: {at_least: 0.9, classes: {cat: none, dog: none}}"),
            "thresholds.yaml:4: no limit is left: every class that has one is exempt",
            "refused",
        ),
        Fault(
            "a key that YAML 1.1 takes for a boolean",
            limits("recall: {classes: {yes: 0.9}}"),
            "thresholds.yaml:5: thresholds.recall.classes: there is no class "
            "'yes'; there are 'cat', 'dog'",
            "refused",
        ),
        Fault(
            "a key that is a list",
            limits("recall: {classes: {[cat]: 0.9}}"),
            "thresholds.yaml:5: a key must be text, and this one is a list or a mapping",
            "refused",
        ),
        Fault(
            "weights that cancel",
            limits(
                "weighted_diagonal: {weights: {cat: 1, dog: 2}, normalize: true, at_least: 0.5}"
            ),
            "thresholds.yaml:5: thresholds.weighted_diagonal.normalize: class "
            "weights with normalize: true cancel: each row is divided by its own "
            "sum, and what is left is plain recall; put the limit on recall, or "
            "write pred or all",
            "refused",
        ),
        Fault(
            "a weight missing",
            limits("weighted_diagonal: {weights: {cat: 1}, normalize: all, at_least: 0.5}"),
            "thresholds.yaml:5: thresholds.weighted_diagonal.weights: no weight for 'dog'",
            "refused",
        ),
        Fault(
            "weights of single images",
            limits("weighted_diagonal: {weights: sample, normalize: all, at_least: 0.5}"),
            "thresholds.yaml:5: thresholds.weighted_diagonal.weights: images in "
            "directories have no weights of their own; use balanced, "
            "inverse_frequency or a weight a class, or data from tfrecord",
            "refused",
        ),
        Fault(
            "several faults in one file",
            text("version: 1\ndataset: {directory: data}\nthresholds:\n  recal: 0.9\n  f1: 95\n"),
            "thresholds.yaml:4: unknown key 'recal' in thresholds; did you mean "
            "'recall'?\n"
            "and 1 more:\n"
            "line 5: thresholds.f1: 95 is out of range; bounds are shares between "
            "0 and 1; did you mean 0.95?",
            "refused",
        ),
    ],
)

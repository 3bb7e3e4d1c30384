"""What thresholds.yaml says of data and model, as it should not."""

from __future__ import annotations

from tests.faults.policies import HEAD, text, top
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of, file, options

POLICY = "thresholds.yaml"


def data(*lines: str) -> Make:
    """Return what writes a policy whose `dataset` goes on with these lines, from line 4 on."""
    body = "".join(f"  {line}\n" for line in lines)
    return text(f"{HEAD}{body}thresholds:\n  accuracy: 0\n")


def classes(content: str | bytes) -> Make:
    return all_of(top("classes: names.txt"), file("names.txt", content))


NAMES = "thresholds.yaml:6: the label file 'names.txt'"
ONE_PER_LINE = "write one class name per line, in the order of the model's outputs"
A_MAPPING = (
    'expected a list of names, or a mapping such as {"cat": 0, "dog": 1} whose numbers count from 0'
)

SECTION = Section(
    "Data and model in the policy file",
    "All are found before anything is collected.",
    Project.images,
    [
        Fault(
            "a key of `dataset` in a wrong spelling",
            data("colour_mode: rgb"),
            "thresholds.yaml:4: unknown key 'colour_mode' in dataset; did you mean 'color_mode'?",
            "refused",
        ),
        Fault(
            "a class twice in `classes`",
            top("classes: [cat, dog, cat]"),
            "thresholds.yaml:6: classes[2]: 'cat' is already on line 6",
            "refused",
        ),
        Fault(
            "two classes that look the same",
            top('classes: ["caf\\u00e9", "cafe\\u0301"]'),
            "thresholds.yaml:6: classes[1]: 'cafe\\u0301' looks the same as 'caf\\xe9' on line 6",
            "refused",
        ),
        Fault(
            "one class alone",
            top("classes: [cat]"),
            "thresholds.yaml:6: classes: a classifier has at least two classes, and here is 1",
            "refused",
        ),
        Fault(
            "a label file that is not there",
            top("classes: names.txt"),
            "thresholds.yaml:6: the label file 'names.txt' cannot be read: No such "
            "file or directory",
            "refused",
        ),
        Fault(
            "a label file with an empty line",
            classes("cat\n\ndog\n"),
            "names.txt:2: an empty line between class names; remove it",
            "refused",
        ),
        Fault(
            "a label file with a blank after a name",
            classes("cat\ndog \n"),
            "names.txt:2: 'dog ' has blanks around the class name; remove them",
            "refused",
        ),
        Fault(
            "a label file that is not UTF-8",
            classes(b"cat\nd\xf6g\n"),
            "names.txt:2: the label file 'names.txt' is not UTF-8: byte 0xf6 cannot stand here",
            "refused",
        ),
        Fault(
            "classes that differ by a blank",
            top("classes: [cat, 'cat ']"),
            "thresholds.yaml:6: classes[1]: 'cat ' looks the same as 'cat' on line 6",
            "refused",
        ),
        Fault(
            "classes that differ by a Cyrillic letter",
            top('classes: ["cat", "\\u0441at"]'),
            "thresholds.yaml:6: classes[1]: '\\u0441at' looks the same as 'cat' on line 6",
            "refused",
        ),
        Fault(
            "a label map in place of a label file",
            classes("item {\n  id: 1\n  name: 'cat'\n}\n"),
            f"{NAMES} is a label map in protobuf text format (.pbtxt); {ONE_PER_LINE}",
            "refused",
        ),
        Fault(
            "CSV with a header in place of a label file",
            classes("id,name\n0,cat\n1,dog\n"),
            f"{NAMES} is CSV with a header and 2 columns; {ONE_PER_LINE}",
            "refused",
        ),
        Fault(
            "a text that is no list of names",
            classes("user:x:0:0:root\ndaemon:x:1:1:\n"),
            f"{NAMES} does not look like a list of class names, and nothing of it is shown; "
            f"{ONE_PER_LINE}, or name the right file",
            "refused",
        ),
        Fault(
            "JSON that holds no class names",
            classes('{"0": ["n01440764", "tench"]}'),
            f"{NAMES} is JSON, and holds a mapping that is not of names and numbers; {A_MAPPING}",
            "refused",
        ),
        Fault(
            "JSON whose numbers do not count from 0",
            classes('{"cat": 1, "dog": 2}'),
            f"{NAMES} is JSON, and holds numbers that do not count from 0, each once; {A_MAPPING}",
            "refused",
        ),
        Fault(
            "a decision that is not known",
            top("decision: softmax"),
            "thresholds.yaml:6: decision: expected argmax or {threshold: 0.5}, found 'softmax'",
            "refused",
        ),
        Fault(
            "a threshold in percent",
            top("decision: {threshold: 30}"),
            "thresholds.yaml:6: decision.threshold: 30 is out of range; scores lie "
            "between 0 and 1; did you mean 0.3?",
            "refused",
        ),
        Fault(
            "a directory and shards",
            data("tfrecord: a.tfrecord"),
            "thresholds.yaml:4: dataset.tfrecord: it is either a directory or tfrecord; keep one",
            "refused",
        ),
        Fault(
            "neither a directory nor shards",
            text("version: 1\ndataset: {path: data}\nthresholds: {accuracy: 0}\n"),
            "thresholds.yaml:2: dataset: it needs directory or tfrecord, and has 'path'",
            "refused",
        ),
        Fault(
            "data in a bucket",
            text("version: 1\ndataset: {directory: gs://b/data}\nthresholds: {accuracy: 0}\n"),
            "thresholds.yaml:2: dataset.directory: 'gs://b/data' is no local path; "
            "fetch the data first and name the copy",
            "refused",
        ),
        Fault(
            "a key of shards for a directory",
            data("label: {key: label}"),
            "thresholds.yaml:4: dataset: label is for tfrecord, and this dataset is a directory",
            "refused",
        ),
        Fault(
            "`rescale` and `preprocess`",
            data("rescale: 1/255", "preprocess: tf"),
            "thresholds.yaml:5: dataset.preprocess: rescale and preprocess both "
            "scale pixels; keep one",
            "refused",
        ),
        Fault(
            "a `rescale` that divides by zero",
            data("rescale: 1/0"),
            "thresholds.yaml:4: dataset.rescale: '1/0' divides by zero",
            "refused",
        ),
        Fault(
            "an `image_size` of one number",
            data("image_size: 96"),
            "thresholds.yaml:4: dataset.image_size: expected [height, width] such "
            "as [96, 96], found '96'",
            "refused",
        ),
        Fault(
            "an interpolation that Keras cannot crop with",
            data("aspect: crop", "interpolation: gaussian"),
            "thresholds.yaml:5: dataset.interpolation: Keras has no gaussian with "
            "aspect: crop; choose another of the two",
            "refused",
        ),
        Fault(
            "`expected_examples` that is no whole number",
            data("expected_examples: 1e3"),
            "thresholds.yaml:4: dataset.expected_examples: '1e3' is no whole number",
            "refused",
        ),
        Fault(
            "an `on_fault` that would drop examples",
            data("on_fault: ignore"),
            "thresholds.yaml:4: dataset.on_fault: 'ignore' is none of its values; "
            "there are 'error', 'misclassified'",
            "refused",
        ),
        Fault(
            "a `model` that is not there",
            all_of(top("model: none.keras"), options(POLICY, model=False)),
            "thresholds.yaml:6: model: there is no model none.keras[...]m.keras",
            "refused",
        ),
        Fault(
            "a remote `model`",
            top("model: hf://team/m.keras"),
            "thresholds.yaml:6: model: 'hf://team/m.keras' is no local path; fetch[...]",
            "refused",
        ),
        Fault(
            "a `model` that is a list",
            top("model: [m.keras]"),
            "thresholds.yaml:6: model: expected a path, or a mapping such as {path: "
            "models/shapes.keras}, found a list",
            "refused",
        ),
        Fault(
            "a key of `model` in a wrong spelling",
            top("model: {pth: m.keras}"),
            "thresholds.yaml:6: unknown key 'pth' in model; did you mean 'path'?",
            "refused",
        ),
        Fault(
            "a `model_sha256` that is none",
            top("model_sha256: 12"),
            "thresholds.yaml:6: model_sha256: '12' is no SHA-256; expected 64 "
            "hexadecimal digits, as sha256sum prints them",
            "refused",
        ),
        Fault(
            "a `digest` that is none",
            data("digest: sha256:12"),
            "thresholds.yaml:4: dataset.digest: 'sha256:12' is no digest; expected "
            "sha256: and 64 digits, as every run shows it",
            "refused",
        ),
    ],
)

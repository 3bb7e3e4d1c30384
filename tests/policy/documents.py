"""Policies that are right, that are wrong, and that only the reader can tell are wrong."""

from __future__ import annotations

import textwrap

HEAD = "version: 1\nclasses: [cat, dog, bird]\n"


def limits(body: str) -> str:
    return f"{HEAD}thresholds:\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "  ") + "\n"


def data(body: str, *more: str) -> str:
    body = textwrap.indent(textwrap.dedent(body).strip("\n"), "  ")
    return "\n".join(["version: 1", "dataset:", body, *more, "thresholds: {recall: 0.9}", ""])


def images(body: str) -> str:
    return data(f"directory: data\n{textwrap.dedent(body)}")


def records(body: str) -> str:
    return data(f"tfrecord: data/*.tfrecord\n{textwrap.dedent(body)}")


def top(body: str) -> str:
    return f"version: 1\nthresholds: {{recall: 0.9}}\n{textwrap.dedent(body)}\n"


def extended(head: str, body: str = "recall: 0.9") -> str:
    """Limits, `head` on line 3 above them; they begin on line 5."""
    return limits(body).replace("thresholds:", f"{head}\nthresholds:", 1)


SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DIAGONAL = "weighted_diagonal: {{weights: {}, at_least: 0.9}}"

ACCEPTED = {
    "accuracy": limits("accuracy: 0.93"),
    "zero": limits("accuracy: 0"),
    "one": limits("accuracy: 1"),
    "one as a decimal": limits("accuracy: 1.0"),
    "exponent": limits("accuracy: 90e-2"),
    "no leading zero": limits("accuracy: .9"),
    "long form": limits("accuracy: {at_least: 0.9}"),
    "negative correlation": limits("matthews_corrcoef: -0.2"),
    "kappa": limits("cohen_kappa: {at_least: -1}"),
    "averages": limits("f1_macro: 0.9\njaccard_weighted: 0.9\nrecall_weighted: 0.9"),
    "top k": limits("top_1_accuracy: 0.9\ntop_2_accuracy: {at_least: 0.9}"),
    "every per-class metric": limits(
        "recall: 0.9\nprecision: 0.9\nf1: 0.9\nspecificity: 0.9\njaccard: 0.9"
    ),
    "overrides": limits(
        "recall: {at_least: 0.9, classes: {cat: 0.95, dog: {at_least: 0.8}, bird: none}}"
    ),
    "single classes": limits("f1: {classes: {dog: 0.9}}"),
    "no overrides": limits("f1: {at_least: 0.9, classes: {}}"),
    "inverse frequency": limits(DIAGONAL.format("inverse_frequency")),
    "inverse frequency by column": limits(DIAGONAL.format("inverse_frequency, normalize: pred")),
    "inverse frequency of all": limits(DIAGONAL.format("inverse_frequency, normalize: all")),
    "balanced": limits(DIAGONAL.format("balanced, normalize: pred")),
    "a weight a class": limits(DIAGONAL.format("{cat: 3.0, dog: 1, bird: .5}, normalize: all")),
    "sample": limits(DIAGONAL.format("sample, normalize: true")),
    "sample by column": limits(DIAGONAL.format("sample, normalize: 'pred'")),
    "diagonal of single classes": limits(
        "weighted_diagonal: {weights: inverse_frequency, classes: {cat: 0.9}}"
    ),
    "confusions": limits(
        """
        confusions:
          - {actual: cat, predicted: dog, at_most: 0.01}
          - {actual: dog, predicted: cat, at_most: 0}
          - {at_most: 0.05}
        """
    ),
    "everything of evidence": extended(
        "evidence: {confidence: 0.95, rule: proven, undecided: warn, min_support: 30, family: holm}"
    ),
    "evidence of nothing": extended("evidence: {}"),
    "evidence not refuted": extended("evidence: {rule: not_refuted, family: none}"),
    "confidence close to one half": extended("evidence: {confidence: 0.501}"),
    "confidence close to one": extended("evidence: {confidence: 0.9999, undecided: fail}"),
    "estimate where the policy wants more": extended(
        "evidence: {rule: proven}", "f1_macro: {at_least: 0.9, rule: estimate}"
    ),
    "rule and support of single limits": limits(
        """
        accuracy: {at_least: 0.9, rule: not_refuted, min_support: 100}
        recall: {at_least: 0.9, rule: proven, min_support: 20}
        precision: {at_least: 0.9, rule: proven}
        f1: {at_least: 0.9, classes: {cat: {at_least: 0.8, rule: proven}}}
        top_2_accuracy: {at_least: 0.9, rule: proven}
        cohen_kappa: {at_least: 0.9, rule: estimate, min_support: 5}
        weighted_diagonal: {weights: inverse_frequency, at_least: 0.9, rule: proven}
        confusions: [{at_most: 0.1, rule: proven, min_support: 7}]
        flips: {at_most: 0.1, rule: not_refuted, min_support: 7}
        """
    ),
    "baseline as a path": extended("baseline: baselines/production"),
    "baseline as a number": extended("baseline: 2024"),
    "baseline in full": extended("baseline: {path: ../production, min_overlap: 0.5}"),
    "overlap of all": extended("baseline: {path: a, min_overlap: 1}"),
    "drops": limits(
        """
        accuracy: {max_drop: 0.005}
        top_2_accuracy: {max_drop: 0}
        recall: {at_least: 0.9, max_drop: 0.02, rule: proven}
        f1: {max_drop: 1}
        balanced_accuracy: {max_drop: 0.1, rule: estimate}
        matthews_corrcoef: {max_drop: 2}
        cohen_kappa: {at_least: -0.5, max_drop: 1.5}
        weighted_diagonal: {weights: balanced, normalize: pred, max_drop: 0.1}
        """
    ),
    "rises": limits(
        """
        confusions:
          - {actual: cat, predicted: dog, max_rise: 0.01}
          - {at_most: 0.05, max_rise: 0, rule: proven}
        """
    ),
    "flips": limits("flips: 0.03"),
    "flips in full": limits("flips: {at_most: 0.03}"),
    "classes that differ in anything": limits(
        """
        recall:
          at_least: 0.9
          classes: {cat: {max_drop: 0.1}, dog: {rule: proven}, bird: {min_support: 5}}
        """
    ),
    "drops of single classes": limits("recall: {classes: {cat: {max_drop: 0.1}, dog: 0.9}}"),
    "exempt from a drop": limits("recall: {max_drop: 0.1, classes: {cat: none}}"),
    "model by its path": extended("model: models/m.keras"),
    "model in a mapping": extended("model: {path: models/m.keras}"),
    "model with a signature": extended("model: {path: models/m, signature: serve}"),
    "signature of a model named elsewhere": extended("model: {signature: serve}"),
    "model": extended(f"model_sha256: {SHA256}"),
    "model with the kind of its digest": extended(f"model_sha256: sha256:{SHA256}"),
    "model in capitals": extended(f"model_sha256: {SHA256.upper()}"),
    "keys of the user's own": HEAD + "x-y: [1, {a: 2}]\nx-: {}\nthresholds: {recall: 0.9}\n",
    "merge": f"{HEAD}x-a: &a {{recall: 0.9, f1: 0.1}}\nthresholds: {{<<: *a, f1: 0.8}}\n",
    "names that YAML turns into other things": "version: 1\nclasses: [no, true, 7, 1.50, 2e3]\n"
    "thresholds: {recall: {classes: {no: 0.9, true: 0.9, 7: 0.9, 1.50: 0.9}}}\n",
    "argmax": limits("recall: 0.9") + "decision: argmax\n",
    "threshold": "version: 1\nclasses: [benign, malignant]\nthresholds: {recall: 0.9}\n"
    "decision: {threshold: 0.3, positive: malignant}\n",
    "threshold alone": top("classes: [a, b]\ndecision: {threshold: 1}"),
    "directory": data("directory: data/test"),
    "everything of a directory": data(
        """
        directory: 2024
        image_size: [96, 64]
        color_mode: grayscale
        interpolation: lanczos3
        jpeg: accurate
        aspect: pad
        rescale: {scale: 1/127.5, offset: -1}
        reshape: [6144]
        ignore: [__MACOSX, 1]
        expected_examples: 1797
        on_fault: misclassified
        max_faults: 20
        max_pixels: 1000000
        digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        """,
        "classes: [a, b]",
    ),
    "rescale by a number": images("rescale: 0.5"),
    "rescale by a fraction": images("rescale: 1 / 255"),
    "rescale by a fraction in quotes": images("rescale: '1/255'"),
    "preprocess": images("preprocess: caffe\ncolor_mode: rgb"),
    "preprocess tf takes any colors": images("preprocess: tf\ncolor_mode: grayscale"),
    "gaussian with pad": images("interpolation: gaussian\naspect: pad"),
    "data of one's own": data("expected_examples: 5", "classes: [a, b]"),
    "data of one's own, pinned": data(f"digest: sha256:{'0' * 64}", "classes: [a, b]"),
    "tfrecord": data("tfrecord: data/test-*.tfrecord"),
    "several patterns": data("tfrecord: [a.tfrecord, b-*.tfrecord]"),
    "tensor": records("image: {key: a, encoding: tensor}"),
    "base64": records("image: {key: a, encoding: base64}"),
    "int64": records("image: {key: a, encoding: int64, shape: [28, 28, 1]}"),
    "size in features": records(
        "image: {key: a, encoding: raw, dtype: uint8, shape: {height: h, width: w, channels: d}}"
    ),
    "size in features, three channels": records(
        "image: {key: a, encoding: int64, shape: {height: h, width: w, channels: 3}}"
    ),
    "label offset alone": records("label: {offset: 1}"),
    "everything of tfrecord": records(
        """
        image_size: [32, 32]
        image: {key: image/encoded, encoding: encoded}
        label: {key: image/class/label, offset: 1}
        weight: {key: weight}
        expected_examples: 5
        on_fault: error
        """
    ),
    "raw": records("image: {key: image, encoding: raw, dtype: uint8, shape: [28, 28, 1]}"),
    "float": records("image: {key: image_floats, encoding: float, shape: [784]}"),
    "sample weights from tfrecord": records("weight: {key: w}").replace(
        "{recall: 0.9}", "{weighted_diagonal: {weights: sample, normalize: all, at_least: 0.5}}"
    ),
}

REFUSED = {
    "no version": "classes: [a, b]\nthresholds: {recall: 0.9}\n",
    "another version": "version: 2\nclasses: [a, b]\nthresholds: {recall: 0.9}\n",
    "version in words": "version: one\nclasses: [a, b]\nthresholds: {recall: 0.9}\n",
    "no thresholds": HEAD,
    "empty thresholds": HEAD + "thresholds: {}\n",
    "thresholds of nothing": HEAD + "thresholds:\n",
    "list of thresholds": HEAD + "thresholds: [recall]\n",
    "neither data nor classes": "version: 1\nthresholds: {recall: 0.9}\n",
    "unknown key": limits("recall: 0.9") + "threshold: 0.9\n",
    "unknown metric": limits("recal: 0.9"),
    "top 0": limits("top_0_accuracy: 0.9"),
    "top 05": limits("top_05_accuracy: 0.9"),
    "user's own key among limits": limits("x-mine: 0.9"),
    "user's own key in data": images("x-mine: 1"),
    "slices": limits("recall: 0.9") + "slices: {}\n",
    "costs": limits("recall: 0.9") + "costs: {}\n",
    "evidence as a word": extended("evidence: proven"),
    "evidence as nothing": extended("evidence:"),
    "unknown key in evidence": extended("evidence: {level: 0.95}"),
    "unknown rule": extended("evidence: {rule: certain}"),
    "unknown undecided": extended("evidence: {undecided: pass}"),
    "unknown family": extended("evidence: {family: bonferroni}"),
    "confidence of one half": extended("evidence: {confidence: 0.5}"),
    "confidence of one": extended("evidence: {confidence: 1}"),
    "confidence in percents": extended("evidence: {confidence: 95}"),
    "confidence in words": extended("evidence: {confidence: high}"),
    "support of none": extended("evidence: {min_support: 0}"),
    "half a support": extended("evidence: {min_support: 0.5}"),
    "unknown rule of a limit": limits("recall: {at_least: 0.9, rule: certain}"),
    "no rule of a limit": limits("recall: {at_least: 0.9, rule: none}"),
    "no support of a limit": limits("recall: {at_least: 0.9, min_support: 0}"),
    "confidence of a limit": limits("recall: {at_least: 0.9, confidence: 0.9}"),
    "undecided of a confusion": limits("confusions: [{at_most: 0.1, undecided: warn}]"),
    "rule without a bound": limits("recall: {rule: proven}"),
    "rule without a bound for the whole": limits("accuracy: {rule: proven}"),
    "rule without a bound for a confusion": limits("confusions: [{rule: proven}]"),
    "rule of a class without a bound": limits("recall: {classes: {cat: {rule: proven}}}"),
    "rule without a bound for flips": limits("flips: {rule: proven}"),
    "proven composite": limits("f1_macro: {at_least: 0.9, rule: proven}"),
    "composite not refuted": limits("balanced_accuracy: {max_drop: 0.1, rule: not_refuted}"),
    "proven correlation": limits("cohen_kappa: {at_least: 0.9, rule: proven}"),
    "drop below zero": limits("recall: {max_drop: -0.1}"),
    "drop above one": limits("recall: {max_drop: 1.1}"),
    "drop in words": limits("recall: {max_drop: none}"),
    "drop of a correlation above two": limits("cohen_kappa: {max_drop: 2.5}"),
    "drop of a confusion": limits("confusions: [{max_drop: 0.1}]"),
    "rise of a metric": limits("recall: {max_rise: 0.1}"),
    "rise of a class": limits("recall: {at_least: 0.9, classes: {cat: {max_rise: 0.1}}}"),
    "rise above one": limits("confusions: [{max_rise: 2}]"),
    "drop of a class out of range": limits("recall: {classes: {cat: {max_drop: 9}}}"),
    "no flips": limits("flips: none"),
    "flips above one": limits("flips: 3"),
    "flips at_least": limits("flips: {at_least: 0.9}"),
    "drop of flips": limits("flips: {at_most: 0.1, max_drop: 0.1}"),
    "flips of a class": limits("flips: {at_most: 0.1, classes: {cat: 0.1}}"),
    "flips as a list": limits("flips: [0.1]"),
    "baseline of nothing": extended("baseline:"),
    "baseline as a list": extended("baseline: [a, b]"),
    "baseline without a path": extended("baseline: {min_overlap: 0.9}"),
    "unknown key in baseline": extended("baseline: {path: a, overlap: 0.9}"),
    "overlap above one": extended("baseline: {path: a, min_overlap: 90}"),
    "model that is a list": extended("model: [m.keras]"),
    "model without a path": extended("model: {}"),
    "model with a signature without a name": extended("model: {path: m, signature: }"),
    "model with a key that is not known": extended("model: {path: m.keras, kind: keras}"),
    "model as a path": extended("model_sha256: m.keras"),
    "model by another digest": extended(f"model_sha256: md5:{SHA256}"),
    "model of 63 digits": extended(f"model_sha256: {SHA256[1:]}"),
    "model as a list": extended(f"model_sha256: [{SHA256}]"),
    "empty override beside a bound": limits("recall: {at_least: 0.9, classes: {cat: {}}}"),
    "percents": limits("recall: 95"),
    "percent sign": limits("recall: 95 %"),
    "above one": limits("recall: 1.0001"),
    "below zero": limits("recall: -0.1"),
    "correlation out of range": limits("cohen_kappa: -1.5"),
    "text": limits("recall: high"),
    "version number": limits("recall: 0.9.0"),
    "comma": limits("recall: 0,9"),
    "quotes": limits("recall: '0.9'"),
    "true": limits("accuracy: true"),
    "nothing": limits("accuracy:"),
    "list": limits("accuracy: [0.9]"),
    "none for all": limits("recall: none"),
    "none for the whole": limits("accuracy: none"),
    "fraction": limits("recall: 9/10"),
    "recall at_most": limits("recall: {at_most: 0.9}"),
    "accuracy at_most": limits("accuracy: {at_most: 0.9}"),
    "override at_most": limits("recall: {classes: {cat: {at_most: 0.9}}}"),
    "classes of accuracy": limits("accuracy: {at_least: 0.9, classes: {cat: 0.9}}"),
    "empty limit": limits("recall: {}"),
    "empty classes alone": limits("recall: {classes: {}}"),
    "exempt from nothing": limits("recall: {classes: {cat: none, dog: 0.9}}"),
    "empty override": limits("recall: {classes: {cat: {}}}"),
    "none within an override": limits("recall: {at_least: 0.9, classes: {cat: {at_least: none}}}"),
    "override of a list": limits("recall: {classes: {cat: [0.9]}}"),
    "override out of range": limits("recall: {classes: {cat: 9}}"),
    "classes as a list": limits("recall: {at_least: 0.9, classes: [cat]}"),
    "diagonal as a number": limits("weighted_diagonal: 0.9"),
    "diagonal without weights": limits("weighted_diagonal: {at_least: 0.9}"),
    "diagonal without bound": limits("weighted_diagonal: {weights: inverse_frequency}"),
    "unknown weights": limits(DIAGONAL.format("inverse")),
    "inverse frequency by row": limits(DIAGONAL.format("inverse_frequency, normalize: true")),
    "balanced, not normalized": limits(DIAGONAL.format("balanced")),
    "balanced by row": limits(DIAGONAL.format("balanced, normalize: true")),
    "a weight a class, not normalized": limits(DIAGONAL.format("{cat: 1, dog: 1, bird: 2}")),
    "a weight a class by row": limits(
        DIAGONAL.format("{cat: 1, dog: 1, bird: 2}, normalize: 'true'")
    ),
    "sample, not normalized": limits(DIAGONAL.format("sample")),
    "unknown normalize": limits(DIAGONAL.format("sample, normalize: rows")),
    "weight of zero": limits(DIAGONAL.format("{cat: 0, dog: 1, bird: 2}, normalize: pred")),
    "weight in words": limits(DIAGONAL.format("{cat: x, dog: 1, bird: 2}, normalize: pred")),
    "no weights": limits(DIAGONAL.format("{}, normalize: pred")),
    "confusions as a number": limits("confusions: 0.05"),
    "confusions as a mapping": limits("confusions: {at_most: 0.05}"),
    "no confusions": limits("confusions: []"),
    "confusion as a number": limits("confusions: [0.05]"),
    "confusion at_least": limits("confusions: [{at_least: 0.05}]"),
    "confusion without bound": limits("confusions: [{actual: cat, predicted: dog}]"),
    "confusion of one class": limits("confusions: [{actual: cat, at_most: 0.1}]"),
    "confusion by one class": limits("confusions: [{predicted: cat, at_most: 0.1}]"),
    "confusion above one": limits("confusions: [{at_most: 5}]"),
    "one class": top("classes: [a]"),
    "no classes": top("classes: []"),
    "class twice": top("classes: [a, b, a]"),
    "nested classes": top("classes: [[a], b]"),
    "empty class": top("classes: [a, '']"),
    "mapping of classes": top("classes: {a: 0, b: 1}"),
    "unknown decision": limits("recall: 0.9") + "decision: softmax\n",
    "decision as a number": limits("recall: 0.9") + "decision: 0.5\n",
    "threshold of nothing": top("classes: [a, b]\ndecision: {positive: b}"),
    "threshold above one": top("classes: [a, b]\ndecision: {threshold: 1.5}"),
    "threshold below zero": top("classes: [a, b]\ndecision: {threshold: -0.5}"),
    "unknown key in decision": top("classes: [a, b]\ndecision: {threshold: 0.5, negative: a}"),
    "empty dataset": data("{}"),
    "dataset as a path": top("dataset: data/test"),
    "neither form": data("image_size: [9, 9]"),
    "both forms": data("directory: a\ntfrecord: b"),
    "label of a directory": images("label: {key: label}"),
    "ignore of tfrecord": records("ignore: [a]"),
    "unknown key in dataset": images("colour_mode: rgb"),
    "one side": images("image_size: 96"),
    "three sides": images("image_size: [96, 96, 3]"),
    "no side": images("image_size: [0, 96]"),
    "half a pixel": images("image_size: [0.5, 96]"),
    "too large": images("image_size: [65536, 96]"),
    "unknown colors": images("color_mode: RGB"),
    "unknown interpolation": images("interpolation: linear"),
    "label without a key or an offset": records("label: {}"),
    "tensor with a shape": records("image: {key: a, encoding: tensor, shape: [2]}"),
    "tensor with a dtype": records("image: {key: a, encoding: tensor, dtype: uint8}"),
    "base64 with a shape": records("image: {key: a, encoding: base64, shape: [2]}"),
    "int64 without a shape": records("image: {key: a, encoding: int64}"),
    "int64 with a dtype": records("image: {key: a, encoding: int64, dtype: uint8, shape: [2]}"),
    "size without a width": records(
        "image: {key: a, encoding: raw, dtype: uint8, shape: {height: h}}"
    ),
    "unknown jpeg": images("jpeg: islow"),
    "unknown aspect": images("aspect: keep"),
    "gaussian with crop": images("interpolation: gaussian\naspect: crop"),
    "rescale and preprocess": images("rescale: 1/255\npreprocess: tf"),
    "torch in gray": images("preprocess: torch\ncolor_mode: grayscale"),
    "rescale in words": images("rescale: yes please"),
    "rescale without scale": images("rescale: {offset: -1}"),
    "rescale with more": images("rescale: {scale: 1, bias: 2}"),
    "empty reshape": images("reshape: []"),
    "unknown dimension": images("reshape: [-1]"),
    "reshape as a number": images("reshape: 784"),
    "ignore as a text": images("ignore: __MACOSX"),
    "data of one's own without classes": data("expected_examples: 5"),
    "data of one's own, rescaled": data("expected_examples: 5\nrescale: 1/255", "classes: [a, b]"),
    "no examples": images("expected_examples: 0"),
    "half an example": images("expected_examples: 1.5"),
    "faults ignored": images("on_fault: ignore"),
    "no faults": images("max_faults: 0"),
    "no pixels": images("max_pixels: 0"),
    "half a pixel at most": images("max_pixels: 0.5"),
    "digest without its kind": images(f"digest: {'0' * 64}"),
    "digest in capitals": images(f"digest: sha256:{'A' * 64}"),
    "digest cut": images(f"digest: sha256:{'0' * 63}"),
    "no patterns": data("tfrecord: []"),
    "pattern twice": data("tfrecord: [a, a]"),
    "mapping of patterns": data("tfrecord: {train: a}"),
    "label as a text": records("label: label"),
    "half an offset": records("label: {key: label, offset: 0.5}"),
    "image without key": records("image: {encoding: encoded}"),
    "unknown encoding": records("image: {key: image, encoding: jpeg}"),
    "encoded with dtype": records("image: {key: image, dtype: uint8}"),
    "encoded with shape": records("image: {key: image, encoding: encoded, shape: [2]}"),
    "raw without dtype": records("image: {key: image, encoding: raw, shape: [2]}"),
    "raw without shape": records("image: {key: image, encoding: raw, dtype: uint8}"),
    "raw of an unknown dtype": records(
        "image: {key: image, encoding: raw, dtype: uint32, shape: [2]}"
    ),
    "float without shape": records("image: {key: image, encoding: float}"),
    "float with dtype": records("image: {key: image, encoding: float, dtype: float32, shape: [2]}"),
    "weight with more": records("weight: {key: w, scale: 2}"),
}

# What a JSON Schema cannot say, or an editor does not see.
REFUSED_BY_READER = {
    "proven drop of precision": limits("precision: {at_least: 0.9, max_drop: 0.1, rule: proven}"),
    "proven drop of a class's f1": limits(
        "f1: {at_least: 0.9, classes: {cat: {max_drop: 0.1, rule: proven}}}"
    ),
    "proven drop of jaccard, said twice": limits(
        "jaccard: {max_drop: 0.1, classes: {cat: {rule: not_refuted}}}"
    ),
    "proven diagonal by column": limits(
        DIAGONAL.format("inverse_frequency, normalize: pred, rule: proven")
    ),
    "proven balanced diagonal": limits(DIAGONAL.format("balanced, normalize: all, rule: proven")),
    "composite where the policy wants more": extended("evidence: {rule: proven}", "f1_macro: 0.9"),
    "drop of precision where the policy wants more": extended(
        "evidence: {rule: not_refuted}", "precision: {max_drop: 0.1}"
    ),
    "remote baseline": extended("baseline: s3://bucket/production"),
    "not a number": limits("recall: .nan"),
    "infinite": images("rescale: .inf"),
    "infinite bound": limits("recall: -.inf"),
    "huge exponent": limits("recall: 1e-999999999"),
    "thousands of digits": limits(f"recall: 0.{'9' * 5000}"),
    "scale of zero": images("rescale: 0"),
    "divided by zero": images("rescale: 1/0"),
    "divided twice": images("rescale: 1/2/3"),
    "octal": images("expected_examples: 010"),
    "hexadecimal": images("expected_examples: 0x10"),
    "number in quotes": images("expected_examples: '12'"),
    "unknown class": limits("recall: {classes: {cow: 0.9}}"),
    "unknown class exempt": limits("recall: {at_least: 0.9, classes: {cow: none}}"),
    "unknown actual": limits("confusions: [{actual: cow, predicted: cat, at_most: 0.1}]"),
    "unknown predicted": limits("confusions: [{actual: cat, predicted: cow, at_most: 0.1}]"),
    "same class": limits("confusions: [{actual: cat, predicted: cat, at_most: 0.1}]"),
    "same pair": limits(
        """
        confusions:
          - {actual: cat, predicted: dog, at_most: 0.1}
          - {actual: cat, predicted: dog, at_most: 0.2}
        """
    ),
    "two for all other pairs": limits("confusions: [{at_most: 0.1}, {at_most: 0.2}]"),
    "unknown class with weight": limits(
        DIAGONAL.format("{cat: 1, dog: 1, bird: 1, cow: 1}, normalize: pred")
    ),
    "class without weight": limits(DIAGONAL.format("{cat: 1, dog: 1}, normalize: pred")),
    "top k of k": limits("top_3_accuracy: 0.9"),
    "top of thousands of digits": limits(f"? top_{'9' * 5000}_accuracy\n: 0.9"),
    "threshold on three classes": limits("recall: 0.9") + "decision: {threshold: 0.5}\n",
    "unknown positive": top("classes: [a, b]\ndecision: {threshold: 0.5, positive: c}"),
    "all exempt": limits("recall: {at_least: 0.9, classes: {cat: none, dog: none, bird: none}}"),
    "two spellings of one name": top('classes: ["\\u00e9", "e\\u0301"]'),
    "blank class": top("classes: [a, ' ']"),
    "remote directory": data("directory: gs://bucket/data"),
    "remote shards": data("tfrecord: [hf://datasets/a]"),
    "remote label file": top("classes: https://example.com/labels.txt"),
    "label file that is not there": top("classes: labels.txt"),
    "path to ignore": images("ignore: [data/junk]"),
    "sample weights of a directory": images("").replace(
        "{recall: 0.9}", "{weighted_diagonal: {weights: sample, normalize: all, at_least: 0.5}}"
    ),
    "sample weights that are nowhere": records("").replace(
        "{recall: 0.9}", "{weighted_diagonal: {weights: sample, normalize: all, at_least: 0.5}}"
    ),
}

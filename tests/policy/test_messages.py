"""Every message as its reader sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_confmat.errors import PolicyError
from pytest_confmat.policy import read_policy
from tests.support.refusals import refusal

from .conftest import Refused
from .documents import DIAGONAL, data, extended, images, limits, records, top

# The limits of `limits` begin on line 4, the keys of `images` and `records` on line 4 too.
MESSAGES = {
    limits("recal: 0.9"): "4: unknown key 'recal' in thresholds; did you mean 'recall'?",
    limits("top_3_acuracy: 0.9"): "4: unknown key 'top_3_acuracy' in thresholds; "
    "did you mean 'top_5_accuracy'?",
    limits("recall: {at_leest: 0.9}"): "4: unknown key 'at_leest' in thresholds.recall; "
    "did you mean 'at_least'?",
    limits("recall: {cat: 0.9}"): "4: unknown key 'cat' in thresholds.recall; "
    "there are 'at_least', 'max_drop', 'rule', 'min_support', 'classes'",
    limits("recall: 95"): "4: thresholds.recall: 95 is out of range; bounds are shares between 0 "
    "and 1; did you mean 0.95?",
    limits("recall: 99.50"): "4: thresholds.recall: 99.50 is out of range; bounds are shares "
    "between 0 and 1; did you mean 0.995?",
    limits("recall: 100"): "4: thresholds.recall: 100 is out of range; bounds are shares between "
    "0 and 1; did you mean 1?",
    limits("recall: -0.1"): "4: thresholds.recall: -0.1 is out of range; bounds are shares between "
    "0 and 1",
    limits("recall: 950"): "4: thresholds.recall: 950 is out of range; bounds are shares between 0 "
    "and 1",
    limits("cohen_kappa: 2"): "4: thresholds.cohen_kappa: 2 is out of range; this metric lies "
    "between -1 and 1",
    limits("recall: 0.9.0"): "4: thresholds.recall: '0.9.0' is no number",
    limits("accuracy: true"): "4: thresholds.accuracy: 'true' is no number",
    limits("accuracy: '0.9'"): "4: thresholds.accuracy: '0.9' is text, by its quotes; a number "
    "stands without them",
    limits("accuracy: 92.5 %"): "4: thresholds.accuracy: '92.5 %' is a percentage; write the "
    "share: 0.925",
    limits("accuracy: 0,9"): "4: thresholds.accuracy: '0,9' is no number; did you mean 0.9?",
    limits("accuracy: .NaN"): "4: thresholds.accuracy: '.NaN' is not a finite number",
    limits("accuracy: 9/10"): "4: thresholds.accuracy: '9/10' is a fraction; only rescale takes "
    "one, write a decimal number here",
    limits("accuracy: 1e999999999"): "4: thresholds.accuracy: the exponent of 1e999999999 is "
    "beyond 99",
    limits(f"accuracy: 0.{'9' * 99}"): "4: thresholds.accuracy: a number of 101 characters; 60 are "
    "read at most",
    limits("accuracy:"): "4: thresholds.accuracy: expected a number or {at_least: number}, found "
    "nothing",
    limits("accuracy: [0.9]"): "4: thresholds.accuracy: expected a number or {at_least: number}, "
    "found a list",
    limits("accuracy: {at_least: {a: 1}}"): "4: thresholds.accuracy.at_least: expected a share "
    "between 0 and 1, found a mapping",
    limits("recall: none"): "4: thresholds.recall: none exempts one class, below classes; for no "
    "limit at all leave this out",
    limits("recall:\n  at_most: 0.9"): "5: thresholds.recall: it takes at_least; at_most is for "
    "confusions",
    limits("accuracy: {at_least: 1, classes: {}}"): "4: thresholds.accuracy: it is one number for "
    "all classes, and has no limits for single ones",
    limits("f1: {}"): "4: thresholds.f1: it says no bound; write at_least or max_drop, or classes "
    "with a bound for each",
    limits("f1:\n  classes: {}"): "4: thresholds.f1: it says no bound; write at_least or "
    "max_drop, or classes with a bound for each",
    limits("f1:\n  classes:\n    dog: 0.9\n    cat: none"): "7: thresholds.f1.classes.cat: there "
    "is nothing to be exempt from; none needs an at_least or a max_drop for the others",
    limits("f1:\n  classes:\n    dog: 0.9\n    cat: {}"): "7: thresholds.f1.classes.cat: it says "
    "nothing; write at_least, max_drop, rule or min_support",
    limits("f1:\n  classes: [cat]"): "5: thresholds.f1.classes: expected a mapping, found a list",
    limits("f1:\n  classes:\n    dgo: 0.9"): "6: thresholds.f1.classes: there is no class 'dgo'; "
    "did you mean 'dog'?",
    limits("f1: {classes: {zebra: 0.9}}"): "4: thresholds.f1.classes: there is no class 'zebra'; "
    "there are 'cat', 'dog', 'bird'",
    limits("f1: 0.9") + "slices: {}\n": "5: 'slices' is reserved for a later version",
    limits("f1: 0.9") + "threshold: {}\n": "5: unknown key 'threshold'; did you mean 'thresholds'?",
    limits("f1: 0.9") + "recall: 0.9\n": "5: recall belongs below thresholds",
    limits("f1: 0.9") + "image_size: [9, 9]\n": "5: image_size belongs below dataset",
    limits("x-mine: 0.9"): "4: thresholds: 'x-mine': keys of your own stand at the top of the file",
    limits("weighted_diagonal: 0.9"): "4: thresholds.weighted_diagonal: expected a mapping such as "
    "{weights: inverse_frequency, at_least: 0.9}, found '0.9'",
    limits("weighted_diagonal: {at_least: 0.9}"): "4: thresholds.weighted_diagonal: weights is "
    "missing: one of inverse_frequency, balanced, sample, or a weight a class",
    limits(DIAGONAL.format("balance")): "4: thresholds.weighted_diagonal.weights: 'balance' is "
    "none of its values; did you mean 'balanced'?",
    limits(DIAGONAL.format("balanced")): "4: thresholds.weighted_diagonal.weights: with these "
    "weights the diagonal is no share between 0 and 1; say by normalize what it is divided by: "
    "pred or all",
    limits(DIAGONAL.format("sample")): "4: thresholds.weighted_diagonal.weights: with these "
    "weights the diagonal is no share between 0 and 1; say by normalize what it is divided by: "
    "true, pred or all",
    limits("weighted_diagonal:\n  at_least: 0.9\n  weights: balanced\n  normalize: true"): "7: "
    "thresholds.weighted_diagonal.normalize: class weights with normalize: true cancel: each row "
    "is divided by its own sum, and what is left is plain recall; put the limit on recall, or "
    "write pred or all",
    limits(DIAGONAL.format("{cat: 1, dog: 2, bird: 3}, normalize: true")): "4: "
    "thresholds.weighted_diagonal.normalize: class weights with normalize: true cancel: each row "
    "is divided by its own sum, and what is left is plain recall; put the limit on recall, or "
    "write pred or all",
    limits(DIAGONAL.format("inverse_frequency, normalize: true")): "4: "
    "thresholds.weighted_diagonal.normalize: with inverse_frequency each row sums to one already; "
    "leave normalize out, or write pred or all",
    limits(DIAGONAL.format("{cat: 1, dog: 2}, normalize: all")): "4: "
    "thresholds.weighted_diagonal.weights: no weight for 'bird'",
    limits(DIAGONAL.format("{cat: 1, dog: 2, bird: -1}, normalize: all")): "4: "
    "thresholds.weighted_diagonal.weights.bird: -1 is out of range; weights are positive numbers",
    limits(DIAGONAL.format("{}, normalize: all")): "4: thresholds.weighted_diagonal.weights: it is "
    "empty",
    limits("confusions: {at_most: 0.05}"): "4: thresholds.confusions: expected a list of mappings "
    "such as {actual: cat, predicted: dog, at_most: 0.01}, found a mapping",
    limits("confusions:\n- 0.05"): "5: thresholds.confusions[0]: expected a mapping such as "
    "{actual: cat, predicted: dog, at_most: 0.01}, found '0.05'",
    limits("confusions:\n- {at_least: 0.05, at_most: 1}"): "5: thresholds.confusions[0]: "
    "confusions takes at_most; at_least is for the metrics",
    limits("confusions:\n- at_most: 1\n- actual: cat\n  at_most: 1"): "6: "
    "thresholds.confusions[1].actual: actual needs predicted beside it, or leave both out",
    limits("confusions:\n- {at_most: 1}\n- {actual: cat, predicted: cat, at_most: 1}"): "6: "
    "thresholds.confusions[1].predicted: actual and predicted are the same class; being right is "
    "no confusion, put a limit on recall",
    limits(
        "confusions:\n- {actual: cat, predicted: dog, at_most: 1}\n"
        "- {actual: cat, predicted: dog, at_most: 0.1}"
    ): "6: thresholds.confusions[1]: this pair has a limit already, on line 5",
    limits("confusions:\n- at_most: 1\n- at_most: 0.1"): "6: thresholds.confusions[1]: every other "
    "pair has a limit already, on line 5",
    limits("confusions:\n- {actual: Cat, predicted: dog, at_most: 1}"): "5: "
    "thresholds.confusions, actual: there is no class 'Cat'; did you mean 'cat'?",
    limits("top_3_accuracy: 0.9"): "4: thresholds: top_3_accuracy is 1 whatever the model does, "
    "with 3 classes; its number must be below theirs",
    limits("recall: {at_least: 1, classes: {cat: none, dog: none, bird: none}}"): "3: no limit is "
    "left: every class that has one is exempt",
    "version: 1\nclasses: [a, b]\n": "1: thresholds is missing: it holds the limits, such as "
    "recall: 0.9",
    "\nclasses: [a, b]\nthresholds: {f1: 1}\n": "2: version is missing: the first line of a policy "
    "is version: 1",
    "classes: [a, b]\nversion: 3\nthresholds: {f1: 1}\n": "2: version: 3 is not known to this "
    "release, which reads version 1",
    "version: 1\nclasses: [a, b]\nthresholds: {}\n": "3: thresholds: no limits here; a policy "
    "needs at least one, such as recall: 0.9",
    "version: 1\nthresholds: {f1: 1}\n": "1: without a directory or tfrecord, classes must name "
    "the classes",
    top("classes:\n- a\n- b\n- a"): "6: classes[2]: 'a' is already on line 4",
    top('classes: ["\\u00e9", "e\\u0301"]'): "3: classes[1]: 'e\\u0301' looks the same as '\\xe9' "
    "on line 3",
    top("classes: [a]"): "3: classes: a classifier has at least two classes, and here is 1",
    top("classes: [a, ' ']"): "3: classes[1]: a name needs a character that can be seen",
    top("classes: {a: 1}"): "3: classes: expected a list of names, a text file, or "
    "{names: ..., without_examples: ...}, found a mapping of other keys",
    top("classes: [a, b]\ndecision: softmax"): "4: decision: expected argmax or {threshold: 0.5}, "
    "found 'softmax'",
    top("classes: [a, b]\ndecision: {positive: a}"): "4: decision: threshold is missing: a score "
    "between 0 and 1",
    top("classes: [a, b]\ndecision: {threshold: 30}"): "4: decision.threshold: 30 is out of range; "
    "scores lie between 0 and 1; did you mean 0.3?",
    top("classes: [a, b, c]\ndecision: {threshold: 0.5}"): "4: decision: a threshold decides "
    "between two classes, and there are 3",
    top("classes: [cat, dog]\ndecision:\n  threshold: 0.5\n  positive: dogs"): "6: "
    "decision.positive: there is no class 'dogs'; did you mean 'dog'?",
    extended(
        "evidence: proven"
    ): "3: evidence: expected a mapping such as {confidence: 0.95, rule: proven}, found 'proven'",
    extended(
        "evidence:"
    ): "3: evidence: expected a mapping such as {confidence: 0.95, rule: proven}, found nothing",
    extended(
        "evidence: {level: 0.95}"
    ): "3: unknown key 'level' in evidence; there are 'confidence', 'rule', 'undecided', "
    "'min_support', 'family'",
    extended(
        "evidence: {rule: prooven}"
    ): "3: evidence.rule: 'prooven' is none of its values; did you mean 'proven'?",
    extended(
        "evidence: {undecided: pass}"
    ): "3: evidence.undecided: 'pass' is none of its values; there are 'fail', 'warn'",
    extended(
        "evidence: {family: bonferroni}"
    ): "3: evidence.family: 'bonferroni' is none of its values; there are 'none', 'holm'",
    extended(
        "evidence: {confidence: 0.5}"
    ): "3: evidence.confidence: 0.5 is out of range; a confidence lies between 0.5 and 1",
    extended(
        "evidence: {confidence: 95}"
    ): "3: evidence.confidence: 95 is out of range; a confidence lies between 0.5 and 1; did "
    "you mean 0.95?",
    extended("evidence: {confidence: high}"): "3: evidence.confidence: 'high' is no number",
    extended(
        "evidence: {confidence: }"
    ): "3: evidence.confidence: expected a confidence such as 0.95, found nothing",
    extended(
        "evidence: {min_support: 0}"
    ): "3: evidence.min_support: 0 is out of range; expected at least 1",
    limits("f1: 0.9") + "rule: proven\n": "5: rule belongs below evidence",
    limits("f1: 0.9") + "min_overlap: 0.9\n": "5: min_overlap belongs below baseline",
    limits("f1: 0.9") + "flips: 0.9\n": "5: flips belongs below thresholds",
    limits("f1: 0.9") + "costs: {}\n": "5: 'costs' is reserved for a later version",
    limits(
        "recall: {at_least: 0.9, confidence: 0.9}"
    ): "4: thresholds.recall: confidence is said once, below evidence at the top of the file",
    limits(
        "confusions: [{at_most: 0.1, undecided: warn}]"
    ): "4: thresholds.confusions[0]: undecided is said once, below evidence at the top of the file",
    limits(
        "flips: {at_most: 0.1, family: holm}"
    ): "4: thresholds.flips: family is said once, below evidence at the top of the file",
    limits(
        "recall: {at_least: 0.9, rule: none}"
    ): "4: thresholds.recall.rule: 'none' is none of its values; there are 'estimate', "
    "'proven', 'not_refuted'",
    limits(
        "recall: {at_least: 0.9, min_support: 1.5}"
    ): "4: thresholds.recall.min_support: '1.5' is no whole number",
    limits(
        "recall:\n  rule: proven"
    ): "4: thresholds.recall: it says no bound; write at_least or max_drop, or classes with a "
    "bound for each",
    limits(
        "accuracy: {rule: proven}"
    ): "4: thresholds.accuracy: it says no bound; write at_least or max_drop",
    limits(
        "confusions:\n- rule: proven"
    ): "5: thresholds.confusions[0]: it says no bound; write at_most or max_rise",
    limits(
        "flips: {rule: proven}"
    ): "4: thresholds.flips: at_most is missing: the highest share that passes",
    limits("flips: none"): "4: thresholds.flips: for no limit at all leave this out",
    limits("flips:"): "4: thresholds.flips: expected a number or {at_most: number}, found nothing",
    limits(
        "flips: 3"
    ): "4: thresholds.flips: 3 is out of range; bounds are shares between 0 and 1; did you "
    "mean 0.03?",
    limits(
        "flips: {at_most: 0.1, max_rise: 0.1}"
    ): "4: thresholds.flips: flips takes at_most; it compares with the baseline as it is",
    limits(
        "f1:\n  classes:\n    dog: 0.9\n    cat: {rule: proven}"
    ): "7: thresholds.f1.classes.cat: there is no bound, here or for the other classes; write "
    "at_least or max_drop",
    limits(
        "f1:\n  at_least: 0.9\n  classes:\n    cat: {}"
    ): "7: thresholds.f1.classes.cat: it says nothing; write at_least, max_drop, rule or "
    "min_support",
    limits(
        "recall: {max_drop: -0.1}"
    ): "4: thresholds.recall.max_drop: -0.1 is out of range; bounds are shares between 0 and 1",
    limits(
        "recall: {max_drop: 2}"
    ): "4: thresholds.recall.max_drop: 2 is out of range; bounds are shares between 0 and 1; "
    "did you mean 0.02?",
    limits(
        "recall: {max_drop: 2 %}"
    ): "4: thresholds.recall.max_drop: '2 %' is a percentage; write the share: 0.02",
    limits(
        "cohen_kappa: {max_drop: 3}"
    ): "4: thresholds.cohen_kappa.max_drop: 3 is out of range; expected a drop between 0 and 2",
    limits(
        "cohen_kappa: {max_drop: -1}"
    ): "4: thresholds.cohen_kappa.max_drop: -1 is out of range; expected a drop between 0 and 2",
    limits(
        "recall: {at_least: 0.9, max_rise: 0.1}"
    ): "4: thresholds.recall: it takes max_drop; max_rise is for confusions",
    limits(
        "confusions: [{max_drop: 0.1}]"
    ): "4: thresholds.confusions[0]: confusions takes max_rise; max_drop is for the metrics",
    limits(
        "f1_macro:\n  at_least: 0.9\n  rule: proven"
    ): "6: thresholds.f1_macro.rule: proven needs an interval, and f1_macro has an estimate "
    "only; write rule: estimate",
    limits(
        "f1_macro:\n  max_drop: 0.1\n  rule: not_refuted"
    ): "6: thresholds.f1_macro.rule: not_refuted needs an interval, and a drop of f1_macro "
    "has an estimate only; write rule: estimate",
    limits(
        "cohen_kappa:\n  at_least: 0.9\n  max_drop: 0.1\n  rule: proven"
    ): "7: thresholds.cohen_kappa.rule: proven needs an interval, and cohen_kappa has an "
    "estimate only; write rule: estimate",
    limits(
        "precision:\n  at_least: 0.9\n  max_drop: 0.1\n  rule: proven"
    ): "7: thresholds.precision.rule: proven needs an interval, and a drop of precision has "
    "an estimate only; write rule: estimate, which then goes for at_least too, or leave "
    "max_drop out",
    limits(
        "f1:\n  at_least: 0.9\n  classes:\n    cat:\n      max_drop: 0.1\n      rule: proven"
    ): "9: thresholds.f1.classes.cat.rule: proven needs an interval, and a drop of f1 has an "
    "estimate only; write rule: estimate, which then goes for at_least too, or leave "
    "max_drop out",
    limits(
        "jaccard:\n  max_drop: 0.1\n  classes:\n    cat: {rule: not_refuted}"
    ): "7: thresholds.jaccard.classes.cat.rule: not_refuted needs an interval, and a drop of "
    "jaccard has an estimate only; write rule: estimate",
    limits(
        "jaccard:\n  at_least: 0.1\n  rule: proven\n  classes:\n    cat: {max_drop: 0.1}"
    ): "6: thresholds.jaccard.rule: proven needs an interval, and a drop of jaccard has an "
    "estimate only; write rule: estimate, which then goes for at_least too, or leave "
    "max_drop out",
    limits(
        DIAGONAL.format("balanced, normalize: all, rule: proven")
    ): "4: thresholds.weighted_diagonal.rule: proven needs an interval, and weighted_diagonal "
    "with these weights has an estimate only; write rule: estimate",
    limits(
        "weighted_diagonal: {weights: balanced, normalize: all, max_drop: 0.1, rule: proven}"
    ): "4: thresholds.weighted_diagonal.rule: proven needs an interval, and a drop of "
    "weighted_diagonal with these weights has an estimate only; write rule: estimate",
    extended(
        "evidence: {rule: proven}", "f1_macro: 0.9"
    ): "5: thresholds.f1_macro: evidence says proven on line 3, which needs an interval, and "
    "f1_macro has an estimate only; write rule: estimate for this limit",
    extended(
        "evidence:\n  rule: proven", "f1_macro:\n  at_least: 0.9"
    ): "7: thresholds.f1_macro.at_least: evidence says proven on line 4, which needs an "
    "interval, and f1_macro has an estimate only; write rule: estimate for this limit",
    extended(
        "evidence: {rule: not_refuted}", "precision:\n  at_least: 0.9\n  max_drop: 0.1"
    ): "7: thresholds.precision.max_drop: evidence says not_refuted on line 3, which needs an "
    "interval, and a drop of precision has an estimate only; write rule: estimate for this "
    "limit, which then goes for at_least too, or leave max_drop out",
    extended(
        "evidence: {rule: not_refuted}", "precision:\n  max_drop: 0.1"
    ): "6: thresholds.precision.max_drop: evidence says not_refuted on line 3, which needs an "
    "interval, and a drop of precision has an estimate only; write rule: estimate for this "
    "limit",
    extended(
        "baseline:"
    ): "3: baseline: expected a path, or a mapping such as {path: baselines/production}, "
    "found nothing",
    extended(
        "baseline: [a]"
    ): "3: baseline: expected a path, or a mapping such as {path: baselines/production}, "
    "found a list",
    extended(
        "baseline: {min_overlap: 0.9}"
    ): "3: baseline: path is missing: where the baseline was saved",
    extended(
        "baseline: {path: a, min_overlap: 90}"
    ): "3: baseline.min_overlap: 90 is out of range; expected a share between 0 and 1; did "
    "you mean 0.9?",
    extended(
        "baseline: {path: a, overlap: 1}"
    ): "3: unknown key 'overlap' in baseline; did you mean 'min_overlap'?",
    extended(
        "baseline: s3://bucket/a"
    ): "3: baseline: 's3://bucket/a' is no local path; fetch the data first and name the copy",
    extended(
        "model_sha256: m.keras"
    ): "3: model_sha256: 'm.keras' is no SHA-256; expected 64 hexadecimal digits, as "
    "sha256sum prints them",
    extended(
        "model_sha256: [a]"
    ): "3: model_sha256: expected 64 hexadecimal digits, as sha256sum prints them, found a list",
    extended(
        "model_sha256:"
    ): "3: model_sha256: expected 64 hexadecimal digits, as sha256sum prints them, found nothing",
    limits(
        "recall:\n  at_least: 0.9\n  max_drop: 0.1\n"
        "  classes:\n    dgo:\n      at_least: 0.8\n      max_drop: 0.1"
    ): "8: thresholds.recall.classes: there is no class 'dgo'; did you mean 'dog'?",
    limits(
        "top_3_accuracy:\n  at_least: 0.9\n  max_drop: 0.1"
    ): "5: thresholds: top_3_accuracy is 1 whatever the model does, with 3 classes; its "
    "number must be below theirs",
    limits(
        "confusions:\n- actual: cow\n  predicted: cat\n  at_most: 0.1\n  max_rise: 0.1"
    ): "7: thresholds.confusions, actual: there is no class 'cow'; there are 'cat', 'dog', 'bird'",
    limits(
        "weighted_diagonal: {weights: {cat: 1, dog: 1}, "
        "normalize: pred, at_least: 0.1, max_drop: 0.1}"
    ): "4: thresholds.weighted_diagonal.weights: no weight for 'bird'",
    data("{}"): "2: dataset: it needs directory or tfrecord, and has nothing",
    data("expected_examples: 5\nrescale: 1/255"): "2: dataset: it needs directory or tfrecord, and "
    "has 'expected_examples', 'rescale'; without them, it takes expected_examples and digest alone",
    "version: 1\ndataset: {expected_examples: 5}\nthresholds: {f1: 1}\n": "1: without a directory "
    "or tfrecord, classes must name the classes",
    data("dir: a"): "2: dataset: it needs directory or tfrecord, and has 'dir'",
    data("directory: a\ntfrecord: b"): "4: dataset.tfrecord: it is either a directory or tfrecord; "
    "keep one",
    top("dataset: data/test"): "3: dataset: expected a mapping with directory or tfrecord, found "
    "'data/test'",
    data("directory: gs://a/b"): "3: dataset.directory: 'gs://a/b' is no local path; fetch the "
    "data first and name the copy",
    data("directory:"): "3: dataset.directory: expected a path, found nothing",
    images("label: {key: a}"): "4: dataset: label is for tfrecord, and this dataset is a directory",
    records("ignore: [a]"): "4: dataset: ignore is for a directory, and this dataset is tfrecord",
    images("colour_mode: rgb"): "4: unknown key 'colour_mode' in dataset; did you mean "
    "'color_mode'?",
    images("zzz: 1"): "4: unknown key 'zzz' in dataset; there are 'directory', "
    "'expected_examples', 'digest', 'image_size', 'color_mode', 'interpolation', 'aspect', "
    "'jpeg', 'rescale', 'preprocess', 'reshape', 'on_fault', 'max_faults', 'max_pixels', "
    "'ignore', 'links'",
    images("color_mode: RGB"): "4: dataset.color_mode: 'RGB' is none of its values; did you mean "
    "'rgb'?",
    images("color_mode: 3"): "4: dataset.color_mode: '3' is none of its values; there are 'rgb', "
    "'grayscale', 'rgba'",
    images("image_size: 96"): "4: dataset.image_size: expected [height, width] such as [96, 96], "
    "found '96'",
    images("image_size: [96]"): "4: dataset.image_size: expected [height, width] such as [96, 96], "
    "found a list of 1",
    images("image_size:\n- 96\n- 0"): "6: dataset.image_size[1]: 0 is out of range; expected at "
    "least 1",
    images("image_size: [70000, 1]"): "4: dataset.image_size[0]: 70000 is out of range; expected "
    "at most 65,535",
    images("expected_examples: 1e3"): "4: dataset.expected_examples: '1e3' is no whole number",
    images("on_fault: ignore"): "4: dataset.on_fault: 'ignore' is none of its values; there are "
    "'error', 'misclassified'",
    images("max_faults: 0"): "4: dataset.max_faults: 0 is out of range; expected at least 1",
    images("max_pixels: -1"): "4: dataset.max_pixels: -1 is out of range; expected at least 1",
    images("digest: sha256:12"): "4: dataset.digest: 'sha256:12' is no digest; expected sha256: "
    "and 64 digits, as every run shows it",
    images("digest: [a]"): "4: dataset.digest: expected sha256: and 64 digits, as every run shows "
    "it, found a list",
    images("reshape: -1"): "4: dataset.reshape: expected a list of dimensions such as [28, 28, 1], "
    "found '-1'",
    images("rescale: x"): "4: dataset.rescale: 'x' is no number",
    images("rescale: 1/0"): "4: dataset.rescale: '1/0' divides by zero",
    images("rescale: 1/2/3"): "4: dataset.rescale: '1/2/3' is no number",
    images("rescale: 0"): "4: dataset.rescale: a scale of 0 makes all pixels equal",
    images("rescale: {offset: -1}"): "4: dataset.rescale: scale is missing: what pixels are "
    "multiplied by",
    images("rescale: []"): "4: dataset.rescale: expected a number such as 1/255, or {scale: "
    "1/127.5, offset: -1}, found a list",
    images("rescale: 1/255\npreprocess: tf"): "5: dataset.preprocess: rescale and preprocess both "
    "scale pixels; keep one",
    images("preprocess: caffe\ncolor_mode: rgba"): "4: dataset.preprocess: caffe is made for "
    "color_mode: rgb, not rgba",
    images("aspect: crop\ninterpolation: mitchellcubic"): "5: dataset.interpolation: Keras has no "
    "mitchellcubic with aspect: crop; choose another of the two",
    images("ignore: __MACOSX"): "4: dataset.ignore: expected a list of names, found '__MACOSX'",
    images("ignore: [a, b/c]"): "4: dataset.ignore[1]: 'b/c' is a path; it takes names of class "
    "directories",
    data("tfrecord: {a: 1}"): "3: dataset.tfrecord: expected a path, a glob pattern or a list of "
    "them, found a mapping",
    data("tfrecord: []"): "3: dataset.tfrecord: it is empty",
    data("tfrecord:\n- a\n- a"): "5: dataset.tfrecord[1]: 'a' is already on line 4, and its "
    "examples would count twice",
    records("label: label"): "4: dataset.label: expected a mapping such as {key: "
    "image/class/label, offset: 1}, found 'label'",
    records("image: {encoding: raw}"): "4: dataset.image: key is missing: the name of the feature",
    records("image: {key: a, dtype: uint8}"): "4: dataset.image.dtype: an encoded image brings its "
    "own dtype; leave it out, or say encoding: raw, int64 or float",
    records("image: {key: a, encoding: raw}"): "4: dataset.image.encoding: raw bytes need a dtype, "
    "such as dtype: uint8",
    records("image: {key: a, encoding: raw, dtype: uint8}"): "4: dataset.image.encoding: raw data "
    "need a shape, such as [28, 28, 1]",
    records("image: {key: a, encoding: float}"): "4: dataset.image.encoding: float data need a "
    "shape, such as [28, 28, 1]",
    records("image: {key: a, encoding: float, dtype: half, shape: [1]}"): "4: dataset.image.dtype: "
    "a list of numbers has no dtype; leave it out",
    images("").replace(
        "{recall: 0.9}", "{weighted_diagonal: {weights: sample, normalize: all, at_least: 0.5}}"
    ): "4: thresholds.weighted_diagonal.weights: images in directories have no weights of their "
    "own; use balanced, inverse_frequency or a weight a class, or data from tfrecord",
    records("").replace(
        "{recall: 0.9}", "{weighted_diagonal: {weights: sample, normalize: all, at_least: 0.5}}"
    ): "4: thresholds.weighted_diagonal.weights: sample weights need to know where they are; add "
    "weight: {key: ...} to dataset",
}


@pytest.mark.parametrize(("text", "expected"), MESSAGES.items(), ids=MESSAGES.values())
def test_message(text: str, expected: str, refused: Refused) -> None:
    assert refused(text) == f"thresholds.yaml:{expected}"


def test_the_lowest_line_comes_first_and_the_others_below_it(refused: Refused) -> None:
    text = """\
version: 1
thresholds:
  recall:
    at_least: 0.9
    classes:
      cat: 9
      dog: x
  acuracy: 0.9
classes: [cat, dog]
decision: softmax
"""
    assert (
        refused(text)
        == """\
thresholds.yaml:6: thresholds.recall.classes.cat: 9 is out of range; bounds are shares between 0 \
and 1; did you mean 0.09?
and 3 more:
  line 7: thresholds.recall.classes.dog: 'x' is no number
  line 8: unknown key 'acuracy' in thresholds; did you mean 'accuracy'?
  line 10: decision: expected argmax or {threshold: 0.5}, found 'softmax'"""
    )


def test_every_limit_that_has_no_interval_is_told(refused: Refused) -> None:
    text = extended("evidence: {rule: proven}", "f1_macro: 0.9\nrecall: 0.9\ncohen_kappa: 0.9")
    assert (
        refused(text)
        == """\
thresholds.yaml:5: thresholds.f1_macro: evidence says proven on line 3, which needs an interval, \
and f1_macro has an estimate only; write rule: estimate for this limit
and 1 more:
  line 7: thresholds.cohen_kappa: evidence says proven on line 3, which needs an interval, and \
cohen_kappa has an estimate only; write rule: estimate for this limit"""
    )


def test_a_long_list_of_faults_is_cut(refused: Refused) -> None:
    text = limits("\n".join(f"metric_{number}: 1" for number in range(30)))
    first, more, *others = refused(text).splitlines()
    assert first.startswith("thresholds.yaml:4: unknown key 'metric_0'")
    assert more == "and 29 more:"
    assert len(others) == 11
    assert others[-1] == "  ..."


def test_hostile_text_is_escaped_and_cut(refused: Refused) -> None:
    text = limits('"\\e[31m\\n::error::' + "x" * 500 + '": 0.9')
    first = refused(text).split("; there are")[0]
    assert first == (
        "thresholds.yaml:4: unknown key '\\x1b[31m\\n::error::" + "x" * 65 + "...' in thresholds"
    )


def test_a_fault_in_a_merged_key_is_where_it_is_written(refused: Refused) -> None:
    text = """\
x-strict: &strict
  cat: 2
version: 1
classes: [cat, dog]
thresholds:
  recall: {classes: {<<: *strict}}
"""
    assert refused(text) == (
        "thresholds.yaml:2: thresholds.recall.classes.cat: 2 is out of range; bounds are shares "
        "between 0 and 1; did you mean 0.02?"
    )


def label_file(folder: Path, content: bytes) -> str:
    (folder / "thresholds.yaml").write_text(
        "version: 1\nthresholds: {recall: 0.9}\nclasses: labels/names.txt\n"
    )
    (folder / "labels").mkdir()
    (folder / "labels" / "names.txt").write_bytes(content)
    return refusal(PolicyError, read_policy, folder / "thresholds.yaml").replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"cat\n\ndog\n", "2: an empty line between class names; remove it"),
        (b"\ncat\ndog\n", "1: an empty line between class names; remove it"),
        (b"cat\ndog\ncat\n", "3: 'cat' is already on line 1"),
        (b"cat\r\ndog \r\n", "2: 'dog ' has blanks around the class name; remove them"),
        (b"0\tcat\n2\tdog\n", "1: '0\\tcat' holds a tab; a line is a class name and nothing else"),
        (b"cat\n", "1: a classifier has at least two classes, and here is 1"),
        (b"\n\n", "1: a classifier has at least two classes, and here is 0"),
        (b"", "1: a classifier has at least two classes, and here is 0"),
    ],
)
def test_label_file(content: bytes, expected: str, tmp_path: Path) -> None:
    assert label_file(tmp_path, content) == f"labels/names.txt:{expected}"


def test_label_file_that_is_no_text(tmp_path: Path) -> None:
    assert label_file(tmp_path, b"cat\ndo\xe9\n") == (
        "labels/names.txt:2: the label file 'labels/names.txt' is not UTF-8: byte 0xe9 cannot "
        "stand here"
    )


def test_label_file_that_is_not_there(refused: Refused) -> None:
    assert refused(top("classes: names.txt")) == (
        "thresholds.yaml:3: the label file 'names.txt' cannot be read: No such file or directory"
    )

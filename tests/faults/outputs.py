"""Models that do not fit the data or the classes, and scores that cannot be used."""

from __future__ import annotations

import numpy as np

from tests.faults.directories import EXTRA
from tests.faults.images import dataset
from tests.faults.models import kind
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of, file
from tests.support.makers import encoded

DATA = "directory: data\n"


def decided(decision: str, classes: str = "") -> Make:
    return lambda project: project.policy("directory: data", f"{classes}decision: {decision}\n")


def function(model: str, code: str = "") -> Make:
    """Return what hands a function over as the model; the data are six arrays."""

    def make(project: Project) -> None:
        project.batches()
        project.conftest("[(images, labels)]", model, code)
        project.options = ["--confmat-thresholds=thresholds.yaml"]

    return make


def fed(net: str, data: str) -> Make:
    """Return what feeds a model from a file with data of the project's own."""

    def make(project: Project) -> None:
        project.batches()
        project.conftest(data)
        project.model(net)

    return make


BLACK = file("data/cat/1.png", lambda: encoded(np.zeros((8, 8, 3), np.uint8)))
SUBCLASSED = """\
import keras

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.head = keras.layers.Dense({units}, activation="softmax")

    def call(self, x):
        {before}
        return self.head(self.pool(x))
"""
ROWS = "np.full((len(x), 2), 0.5)"

SECTION = Section(
    "Inputs and scores",
    "A model that can be loaded, or called.",
    Project.images,
    [
        Fault(
            "more outputs than classes",
            kind("three"),
            "the model m.keras has 3 outputs, and there are 2 classes: 'cat', "
            "'dog'; `classes` must name every output, in the model's order, and of those without "
            "examples in the set say so: `classes: {names: [...], without_examples: [...]}`",
        ),
        Fault(
            "fewer outputs than classes",
            EXTRA,
            "the model m.keras has 2 outputs, and there are 3 classes: 'cat', "
            "'dog', 'fox'; `classes` must name every output, in the model's order",
        ),
        Fault(
            "one output under argmax",
            kind("unit"),
            "the model m.keras has one output, and argmax over one output is "
            "always 0, that is 'cat': write `decision: {threshold: 0.5}` if its "
            "score is that of 'dog', or `decision: {threshold: 0.5, positive: "
            "'cat'}` if it is that of 'cat'",
        ),
        Fault(
            "one output and three classes",
            all_of(kind("unit"), EXTRA),
            "the model m.keras has one output, which can tell two classes apart, "
            "and there are 3: 'cat', 'dog', 'fox'",
        ),
        Fault(
            "one output, read as the second class",
            all_of(kind("unit"), decided("{threshold: 0.5}")),
            "the model m.keras has one output, read as the score of 'dog'",
            "noted",
        ),
        Fault(
            "a threshold for three classes",
            all_of(EXTRA, decided("{threshold: 0.5}")),
            "thresholds.yaml:4: decision: a threshold decides between two classes, and there are 3",
            "refused",
        ),
        Fault(
            "a threshold for a class that is not there",
            decided("{threshold: 0.5, positive: fox}"),
            "thresholds.yaml:4: decision.positive: there is no class 'fox'; there are 'cat', 'dog'",
            "refused",
        ),
        Fault(
            "logits under a threshold",
            all_of(kind("logits"), decided("{threshold: 0.5}")),
            "the model m.keras gave the score [...], and a threshold of 0.5 needs "
            "scores between 0 and 1: these look like logits; end the model in a "
            "sigmoid (one output) or a softmax (two), or put one behind it in a "
            "confmat_model fixture",
        ),
        Fault(
            "maps of scores",
            kind("maps"),
            "the model m.keras gives an output of shape (N, 6, 6, 2): supported is "
            "one row of scores an example, (N, 2)",
        ),
        Fault(
            "scores that are whole numbers",
            kind("whole"),
            "the model m.keras gives an output of dtype int32, and scores are floats: let it end "
            "in the scores, not in the class",
        ),
        Fault(
            "several outputs",
            kind("two_outputs"),
            "the model m.keras gives 2 outputs (0 (N, 2), 1 (N, 1)), and one "
            "output of scores is supported: hand in a function that returns the "
            "one to judge, by overriding the fixture confmat_model",
        ),
        Fault(
            "several named outputs",
            kind("named_outputs"),
            "the model m.keras gives 2 outputs (kind (N, 2), size (N, 1)), and one "
            "output of scores is supported: hand in a function that returns the "
            "one to judge, by overriding the fixture confmat_model",
        ),
        Fault(
            "one output in a dict",
            kind("named_output"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "one input in a dict",
            kind("named_input"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "scores among axes of length 1",
            kind("one_place"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a state that all examples share, in batches of four",
            kind("shared_state"),
            "the model m.keras takes batches of 4, and one has 2, which cannot be filled up: the "
            "examples of a batch share a state (learning/moving_mean) that the filling would "
            "change; give a multiple of 4 examples, or save the model without a fixed batch size",
        ),
        Fault(
            "a state, and an example at fault that is counted as misclassified",
            all_of(
                kind("stateful"),
                file("data/cat/1.png", b"no image"),
                dataset("on_fault: misclassified"),
            ),
            "the model keeps a state from batch to batch, so that all examples must come in their "
            "order, and 6 of directory data did not come with their batch: replace what is at "
            "fault, or take it out of the set",
        ),
        Fault(
            "several inputs",
            kind("two_inputs"),
            "the model m.keras takes 2 inputs (image (N, 8, 8, 3), age (N, 1)), "
            "and one is supported: hand in a function of one batch that calls it, "
            "by overriding the fixture confmat_model",
        ),
        Fault(
            "weights that are NaN",
            kind("nan"),
            "cat/0.png has a score from the model that is NaN or infinite",
            faulty=6,
        ),
        Fault(
            "scores that are infinite",
            kind("infinite"),
            "cat/0.png has a score from the model that is NaN or infinite",
            faulty=6,
        ),
        Fault(
            "NaN for one image",
            all_of(kind("divides"), BLACK),
            "cat/1.png has a score from the model that is NaN or infinite",
            faulty=1,
        ),
        Fault(
            "NaN for one image, counted as misclassified",
            all_of(kind("divides"), BLACK, dataset("on_fault: misclassified")),
            "1 example at fault counted as misclassified: cat/1.png has a score "
            "from the model that is NaN or infinite",
            "noted",
        ),
        Fault("mixed precision", kind("half"), "confmat: passed 1 limit on 6 examples", "works"),
        Fault(
            "an `image_size` that is not the model's",
            dataset("image_size: [16, 16]"),
            "dataset.image_size is [16, 16], and the model takes [8, 8], its input "
            "being (8, 8, 3); leave image_size out to take the model's",
        ),
        Fault(
            "a `color_mode` that is not the model's",
            dataset("color_mode: grayscale"),
            "dataset.color_mode is grayscale, 1 channel, and the model takes 3, "
            "its input being (8, 8, 3); leave color_mode out to take the model's",
        ),
        Fault(
            "a model of any size, and no `image_size`",
            kind("any_size"),
            "the model takes images of any size, (None, None, 3); say image_size: "
            "[height, width] in dataset",
        ),
        Fault(
            "a model that takes channels first",
            kind("channels_first"),
            "the model takes (3, 8, 8), channels first; images are read channels "
            "last, and a reshape would scramble them: save the model with "
            "data_format='channels_last', or put a Permute layer in front of it",
        ),
        Fault(
            "a model that takes vectors, and no `reshape`",
            kind("flat"),
            "the model takes (192,), which is no image of 1, 3 or 4 channels; if "
            "it takes the pixels of one, say image_size: [height, width] and "
            "reshape: [192] in dataset",
        ),
        Fault(
            "a `reshape` of another size",
            all_of(kind("vector"), dataset("image_size: [8, 8]", "reshape: [100]")),
            "dataset.reshape (100,) holds 100 numbers, and images of shape (8, 8, 3) have 192",
        ),
        Fault(
            "a `rescale` for a model that takes whole numbers",
            all_of(kind("bytes_"), dataset("rescale: 1/255")),
            "dataset.rescale makes fractions, and the model takes uint8, which "
            "would cut them to whole numbers; leave rescale out",
        ),
        Fault(
            "fractions for a model that takes whole numbers",
            fed("bytes_", "[(images, labels)]"),
            "batch #0 of the dataset: inputs hold [...], and the model takes uint8",
        ),
        Fault(
            "a model that pools any size, fed with another",
            fed("plain", "[(images[:, :4, :4], labels)]"),
            "batch #0 of the dataset: inputs have shape (4, 4, 3), and the model "
            "takes (8, 8, 3); only axes of length 1 are added or dropped",
        ),
        Fault(
            "a single image without its batch axis",
            fed("plain", "[(images[0], labels)]"),
            "batch #0 of the dataset: it is a single example; batch the dataset, "
            "as by dataset.batch(256)",
        ),
        Fault(
            "no model at all",
            function("None"),
            "confmat_model gave nothing: give a keras.Model, or a function that "
            "takes a NumPy batch and returns one row of scores an example",
        ),
        Fault(
            "a class in place of a model",
            function("dict"),
            "confmat_model gave the class dict: give a keras.Model, or a function "
            "that takes a NumPy batch and returns one row of scores an example",
        ),
        Fault(
            "something that cannot be called",
            function("[0.5, 0.5]"),
            "confmat_model gave an object of type list: give a keras.Model, or a "
            "function that takes a NumPy batch and returns one row of scores an "
            "example",
        ),
        Fault(
            "a function that raises",
            function("lambda x: x.reshape(7)"),
            "the project's own model ([...]) fails on a batch of shape (6, 8, 8, "
            "3): ValueError: cannot reshape array of size 1152 into shape (7,)",
        ),
        Fault(
            "a function that returns nothing",
            function("lambda x: None"),
            "the project's own model ([...]) returned a NoneType of dtype object, "
            "and scores are numbers: return one array of shape (N, number of "
            "classes)",
        ),
        Fault(
            "a function of two outputs",
            function("lambda x: {'kind': np.ones((len(x), 2)), 'size': np.ones((len(x), 1))}"),
            "the project's own model ([...]) returned 2 outputs (kind (N, 2), size (N, 1)), and "
            "one output of scores is supported: return the one to judge",
        ),
        Fault(
            "a function of one output in a list",
            function("lambda x: [np.ones((len(x), 1, 1, 2))]"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a function that returns names",
            function("lambda x: ['cat'] * len(x)"),
            "the project's own model ([...]) returned a list of dtype <U3, and "
            "scores are numbers: return one array of shape (N, number of classes)",
        ),
        Fault(
            "a function that returns classes, not scores",
            function("lambda x: np.zeros(len(x), int)"),
            "the project's own model ([...]) gives an output of shape (N,): "
            "supported is one row of scores an example, (N, 2)",
        ),
        Fault(
            "a function that returns one row for all",
            function("lambda x: np.array([[0.5, 0.5]])"),
            "the project's own model ([...]) returned scores of shape (1, 2) for a "
            "batch of 6: return one row an example",
        ),
        Fault(
            "a function of three scores",
            function("lambda x: np.ones((len(x), 3))"),
            "the project's own model ([...]) has 3 outputs, and there are 2 "
            "classes: 'cat', 'dog'; `classes` must name every output, in the "
            "model's order, and of those without examples in the set say so: `classes: "
            "{names: [...], without_examples: [...]}`",
        ),
        Fault(
            "a function that gives NaN for one",
            function(f"lambda x: np.where(np.arange(len(x))[:, None] == 4, np.nan, {ROWS})"),
            "#4 has a score from the model that is NaN or infinite",
            faulty=1,
        ),
        Fault(
            "a subclassed model of three outputs",
            function("Net()", SUBCLASSED.format(units=3, before="")),
            "the project's own model ([...]) has 3 outputs, and there are 2 "
            "classes: 'cat', 'dog'; `classes` must name every output, in the "
            "model's order, and of those without examples in the set say so: `classes: "
            "{names: [...], without_examples: [...]}`",
        ),
        Fault(
            "a subclassed model that needs Python in its graph",
            function(
                "Net()",
                SUBCLASSED.format(
                    units=2, before="x = x if float(keras.ops.max(x)) > 1 else x * 2"
                ),
            ),
            "the project's own model ([...]) cannot run as a TensorFlow graph "
            "(TypeError: float() argument must be a string or a real number, not "
            "'SymbolicTensor'): override the fixture confmat_model and return a "
            "function, such as lambda batch: model(batch, training=False)",
        ),
        Fault(
            "a subclassed model, which does not tell its input",
            function("Net()", SUBCLASSED.format(units=2, before="")),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
    ],
)

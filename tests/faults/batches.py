"""Data sets that a fixture of the project's hands over."""

from __future__ import annotations

from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section

TF = "import tensorflow as tf"


def data(dataset: str, code: str = "", examples: int = 6) -> Make:
    """Return what hands over the value of an expression, after some code."""

    def make(project: Project) -> None:
        project.conftest(dataset, code=code)
        project.examples = examples

    return make


def generator(body: str) -> str:
    return f"def batches():\n    {body}"


RAGGED = "tf.ragged.constant([[1, 2], [3]])"
SLICES = "tf.data.Dataset.from_tensor_slices((images, labels))"
NO_LENGTH = """\
import keras

class Sequence(keras.utils.PyDataset):
    def __getitem__(self, index):
        return images, labels
"""
PLAIN_GETITEM = """\
class Batches:
    def __len__(self):
        return 2
    def __getitem__(self, index):
        return images[3 * index:][:3], labels[3 * index:][:3]
"""
LOADER = """\
class Loader:
    drop_last = True
    def __iter__(self):
        yield images, labels
"""
NAMED = """\
import tensorflow as tf

named = tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)
named.class_names = ["dog", "cat"]  # as image_dataset_from_directory does
named = named.map(lambda x, y: (x / 255, y)).prefetch(1)
"""
ITERATOR = """\
class Iterator:
    class_indices = {"dog": 0, "cat": 1}  # as flow_from_directory has them
    def __iter__(self):
        yield images, labels
"""
OTHER_NAMES = """\
class Named(list):
    classes = ["n02123045", "n02084071"]
    def __iter__(self):
        yield images, labels
"""
FAILING = generator("yield images[:3], labels[:3]\n    raise OSError('the network share is gone')")
BROKEN_FILES = """\
import tensorflow as tf

def read(path, label):
    return tf.io.decode_png(tf.io.read_file(path)), label

files = tf.data.Dataset.from_tensor_slices((["a.png", "b.png"], [0, 1])).map(read).batch(2)
"""
ENDLESS = generator("while True:\n        yield images, labels")

SECTION = Section(
    "Data sets of the project's own",
    "What a fixture `confmat_dataset` returns in place of six images and labels.",
    Project.batches,
    [
        Fault(
            "nothing",
            data("None"),
            "thresholds.yaml names no data: write directory or tfrecord below dataset, or override "
            "the fixture confmat_dataset in a conftest.py beside it",
        ),
        Fault(
            "a path",
            data("'data/test'"),
            "the dataset is a str; a dataset yields batches of (inputs, labels) or "
            "(inputs, labels, weights)",
        ),
        Fault(
            "a dict",
            data("{'x': images, 'y': labels}"),
            "the dataset is a dict; a dataset yields batches of (inputs, labels) "
            "or (inputs, labels, weights)",
        ),
        Fault(
            "a number",
            data("0.5"),
            "the dataset is a float, which cannot be iterated; a dataset yields "
            "batches of (inputs, labels) or (inputs, labels, weights)",
        ),
        Fault(
            "a function that makes the data set",
            data("batches", generator("yield images, labels")),
            "the dataset is a function; hand in what it returns",
        ),
        Fault(
            "no examples",
            data("[]"),
            "the dataset yields no examples; a generator that was read before "
            "yields nothing a second time",
        ),
        Fault(
            "batches without an example",
            data("[(images[:0], labels[:0])]"),
            "the dataset yields no examples; a generator that was read before "
            "yields nothing a second time",
        ),
        Fault(
            "a generator that was read before",
            data("used", generator("yield images, labels") + "\nused = batches()\nlist(used)"),
            "the dataset yields no examples; a generator that was read before "
            "yields nothing a second time",
        ),
        Fault(
            "a generator that can be read once",
            data("batches()", generator("yield images, labels")),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "batches of differing lengths",
            data("[(images[:1], labels[:1]), (images[1:], labels[1:])]"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "examples in place of batches",
            data("list(zip(images, labels))"),
            "batch #0 of the dataset: it is a single example; batch the dataset, "
            "as by dataset.batch(256)",
        ),
        Fault(
            "a `tf.data.Dataset` without batches",
            data(SLICES, TF),
            "batch #0 of the dataset: it is a single example; batch the dataset, "
            "as by dataset.batch(256)",
        ),
        Fault(
            "a `tf.data.Dataset` that never ends",
            data(f"{SLICES}.batch(3).repeat()", TF),
            "the dataset never ends; leave out its repeat()",
        ),
        Fault(
            "a `tf.data.Dataset` that shuffles",
            data(f"{SLICES}.shuffle(6).batch(3)", TF),
            "the dataset shuffles (ShuffleDataset): ids are places in its order, "
            "so that in another run they may name other examples, and the digest "
            "differ; pass it without shuffling",
            "noted",
        ),
        Fault(
            "a `tf.data.Dataset` that ignores errors",
            data(f"{SLICES}.batch(3).ignore_errors()", TF),
            "the dataset passes over what cannot be read (ignore_errors), a whole batch at a time, "
            "and nothing tells how many examples are lost: leave it out",
        ),
        Fault(
            "a `tf.data.Dataset` whose last batch is left out",
            data(f"{SLICES}.batch(4, drop_remainder=True)", TF),
            "the dataset leaves out 2 examples of 6, those that fill no batch of 4 "
            "(drop_remainder=True): leave that out",
        ),
        Fault(
            "a `tf.data.Dataset` whose last batch may be left out",
            data(f"{SLICES}.filter(lambda *_: True).batch(3, drop_remainder=True)", TF),
            "the dataset leaves out the examples at its end that fill no batch "
            "(drop_remainder=True), and does not tell how many",
            "noted",
        ),
        Fault(
            "a `tf.data.Dataset` whose batches are all full, and have to be",
            data(f"{SLICES}.batch(3, drop_remainder=True)", TF),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a loader that leaves out its last batch",
            data("Loader()", LOADER),
            "the dataset leaves out the examples at its end that fill no batch (drop_last=True), "
            "and does not tell how many",
            "noted",
        ),
        Fault(
            "a `PyDataset` without a number of batches",
            data("Sequence()", NO_LENGTH),
            "the dataset does not say how many batches it has",
        ),
        Fault(
            "an object with `__len__` and `__getitem__` alone",
            data("Batches()", PLAIN_GETITEM),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "inputs without labels",
            data("[images]"),
            "batch #0 of the dataset: it is of type ndarray; a dataset yields "
            "batches of (inputs, labels) or (inputs, labels, weights)",
        ),
        Fault(
            "batches of one part",
            data("[(images,)]"),
            "batch #0 of the dataset: it has 1 part; a dataset yields batches of "
            "(inputs, labels) or (inputs, labels, weights)",
        ),
        Fault(
            "batches of four parts",
            data("[(images, labels, labels, labels)]"),
            "batch #0 of the dataset: it has 4 parts; a dataset yields batches of "
            "(inputs, labels) or (inputs, labels, weights)",
        ),
        Fault(
            "inputs that are missing",
            data("[(None, labels)]"),
            "batch #0 of the dataset: it has no inputs; a dataset yields batches "
            "of (inputs, labels) or (inputs, labels, weights)",
        ),
        Fault(
            "labels that are missing",
            data("[(images, None)]"),
            "batch #0 of the dataset: it has no labels; a dataset yields batches "
            "of (inputs, labels) or (inputs, labels, weights)",
        ),
        Fault(
            "more inputs than labels",
            data("[(images, labels[:5])]"),
            "batch #0 of the dataset: it has 6 inputs and 5 labels",
        ),
        Fault(
            "inputs in a dict of several",
            data("[({'image': images, 'mask': images}, labels)]"),
            "batch #0 of the dataset: inputs are a dict of 'image', 'mask'; models of several "
            "inputs are not supported, so yield the one that the model takes",
        ),
        Fault(
            "inputs and labels in a dict of one",
            data("[({'image': images}, {'class': labels})]"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "inputs in a list of one",
            data("[([images], labels)]"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a `tf.data.Dataset` whose `class_names` have another order than `classes`",
            data("named", NAMED),
            "the dataset's class_names and classes list the same names in different orders\n"
            "the dataset's class_names: 'dog', 'cat'\n"
            "classes: 'cat', 'dog'\n"
            "its labels count the names of class_names: if the model's outputs have that order, "
            "write classes so; if not, make the dataset in the order of the model's outputs",
        ),
        Fault(
            "an iterator whose `class_indices` have another order than `classes`",
            data("Iterator()", ITERATOR),
            "the dataset's class_indices and classes list the same names in different orders\n"
            "the dataset's class_indices: 'dog', 'cat'\n"
            "classes: 'cat', 'dog'\n"
            "its labels count the names of class_indices: [...]",
        ),
        Fault(
            "a data set whose `classes` have no name in common with the policy's",
            data("Named()", OTHER_NAMES),
            "the dataset's classes and classes have no name in common, so they are not compared: "
            "'n02123045', 'n02084071', and in classes 'cat', 'dog'",
            "noted",
        ),
        Fault(
            "inputs as a list of arrays",
            data("[([images, images], labels)]"),
            "batch #0 of the dataset: inputs are a list of arrays; stack them into "
            "one, as models of several inputs are not supported",
        ),
        Fault(
            "ragged inputs",
            data(f"[({RAGGED}, labels[:2])]", TF),
            "batch #0 of the dataset: inputs are a RaggedTensor; its rows differ "
            "in shape: bring them to one, as by to_tensor() or resizing",
        ),
        Fault(
            "sparse inputs",
            data("[(tf.sparse.from_dense(images), labels)]", TF),
            "batch #0 of the dataset: inputs are a SparseTensor; make it dense, as "
            "by tf.sparse.to_dense",
        ),
        Fault(
            "rows of differing lengths",
            data("[([[1, 2], [3]], [0, 1])]"),
            "batch #0 of the dataset: inputs are no array: [...]",
        ),
        Fault(
            "inputs that are objects",
            data("[([object()] * 6, labels)]"),
            "batch #0 of the dataset: inputs are of type list, and no array of numbers",
        ),
        Fault(
            "inputs that are NaN",
            data("[(np.where(images > 0.99, np.nan, images), labels)]"),
            "#0 has a score from the model that is NaN or infinite",
            faulty=5,
        ),
        Fault(
            "inputs that are text",
            data("[(images.astype(str), labels)]"),
            "batch #0 of the dataset: inputs are <U32, and the model takes float32",
        ),
        Fault(
            "inputs of another shape than the model takes",
            data("[(images[:, :7], labels)]"),
            "batch #0 of the dataset: inputs have shape (7, 8, 3), and the model "
            "takes (8, 8, 3); only axes of length 1 are added or dropped",
        ),
        Fault(
            "batches of differing rank",
            data("[(images[:3], labels[:3]), (images[3:, ..., 0], labels[3:])]"),
            "batch #1 of the dataset: inputs have shape (8, 8), and the model "
            "takes (8, 8, 3); only axes of length 1 are added or dropped",
        ),
        Fault(
            "batches of differing shape",
            data("[(images[:3], labels[:3]), (images[3:, 1:], labels[3:])]"),
            "batch #1 of the dataset: inputs have shape (7, 8, 3), and the model "
            "takes (8, 8, 3); only axes of length 1 are added or dropped",
        ),
        Fault(
            "a label beyond the classes",
            data("[(images, [0, 1, 0, 2, 0, 1])]"),
            "#3 label 2 is none of the 2 classes (0 to 1)",
            faulty=1,
        ),
        Fault(
            "a negative label",
            data("[(images, [0, 1, 0, 1, 0, -1])]"),
            "#5 label -1 is none of the 2 classes (0 to 1)",
            faulty=1,
        ),
        Fault(
            "a label that is a fraction",
            data("[(images, labels / 2)]"),
            "batch #0 of the dataset: the label 0.5 is no whole number",
        ),
        Fault(
            "a label that is NaN",
            data("[(images, np.where(labels, np.nan, 0))]"),
            "batch #0 of the dataset: the label nan is no whole number",
        ),
        Fault(
            "labels that are whole, and floats",
            data("[(images, labels.astype(np.float32))]"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "labels that are one-hot",
            data("[(images, np.eye(2)[labels])]"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "labels that are text",
            data("[(images, np.array(['cat', 'dog'] * 3))]"),
            "batch #0 of the dataset: labels are strings; they must be numbers, counted from 0",
        ),
        Fault(
            "one-hot labels of three classes",
            data("[(images, np.eye(3)[labels])]"),
            "batch #0 of the dataset: labels have shape (6, 3), and there are 2 classes",
        ),
        Fault(
            "one-hot labels of two classes at once",
            data("[(images, np.ones((6, 2)))]"),
            "batch #0 of the dataset: the label [1.0, 1.0] is not one-hot",
        ),
        Fault(
            "smoothed labels",
            data("[(images, np.eye(2)[labels] * 0.9 + 0.05)]"),
            "batch #0 of the dataset: the label [0.9500000000000001, 0.05] is not one-hot",
        ),
        Fault(
            "a mask in place of labels",
            data("[(images, images)]"),
            "batch #0 of the dataset: labels have shape (6, 8, 8, 3); they must be "
            "(n,), (n, 1) or, one-hot, (n, 2)",
        ),
        Fault(
            "a class without an example",
            data("[(images, labels * 0)]"),
            "1 of 2 classes have no example among 6: 'dog'; nothing can be said about them. If "
            "the set lacks them on purpose, name them in classes: {names: ..., without_examples: "
            "[...]}",
        ),
        Fault(
            "a weight that is NaN",
            data("[(images, labels, [1, 1, 1, 1, 1, np.nan])]"),
            "batch #0 of the dataset: the weight nan is not finite and at least 0",
        ),
        Fault(
            "a weight below zero",
            data("[(images, labels, [1, 1, 1, 1, 1, -0.5])]"),
            "batch #0 of the dataset: the weight -0.5 is not finite and at least 0",
        ),
        Fault(
            "too few weights",
            data("[(images, labels, [1, 1])]"),
            "batch #0 of the dataset: weights have shape (2,) for 6 examples",
        ),
        Fault(
            "weights that are text",
            data("[(images, labels, ['1'] * 6)]"),
            "batch #0 of the dataset: weights are no numbers",
        ),
        Fault(
            "weights in some batches alone",
            data("[(images[:3], labels[:3], [1, 1, 1]), (images[3:], labels[3:])]"),
            "batch #1 of the dataset: it has no weights, unlike those before",
        ),
        Fault(
            "an exception in the middle",
            data("batches()", FAILING),
            "the dataset raised OSError in batch #1: the network share is gone",
        ),
        Fault(
            "files that TensorFlow cannot read",
            data("files", BROKEN_FILES),
            "the dataset raised NotFoundError in batch #0: a.png; No such file or directory",
        ),
        Fault(
            "a fixture that skips",
            data("pytest.skip('no GPU')"),
            "the evaluation was skipped: no GPU; so no limit was checked",
        ),
        Fault(
            "a fixture that expects to fail",
            data("pytest.xfail('slow')"),
            "the evaluation ended in pytest.xfail: slow; so no limit was checked",
        ),
        Fault(
            "a fixture that ends in sys.exit",
            data("sys.exit(3)", "import sys"),
            "the evaluation did not finish: SystemExit: 3",
        ),
        Fault(
            "a fixture that raises",
            data("open('held-out.npz')"),
            "the evaluation did not finish: FileNotFoundError: [Errno 2] No such "
            "file or directory: 'held-out.npz'",
        ),
    ],
)

"""What libraries recommend, and what of it we repeat."""

import pytest

from pytest_confmat.data import elements
from pytest_confmat.models import runtime
from pytest_confmat.relaying import recommends_unsafe, without_advice

KERAS = (
    "If you trust the source of the artifact, you can override this error by passing "
    "`safe_mode=False` to the loading function, or calling "
    "`keras.config.enable_unsafe_deserialization()."
)
RISK = (
    "This carries a potential risk of arbitrary code execution and thus it is disallowed by "
    "default."
)
# What Keras 3.15, NumPy 2.4, PyTorch 2.6 and scikit-learn's skops say, and what is left of it.
SENTENCES = [
    (
        "Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda. "
        f"{RISK} {KERAS}",
        "Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda. "
        f"{RISK}",
    ),
    (
        "Requested the deserialization of a `TFSMLayer`, which loads an external SavedModel. "
        f"{RISK} {KERAS}",
        "Requested the deserialization of a `TFSMLayer`, which loads an external SavedModel. "
        f"{RISK}",
    ),
    (
        f"Requested the loading of a vocabulary file outside of the model archive. {KERAS} "
        "Vocabulary file: '/etc/passwd'",
        "Requested the loading of a vocabulary file outside of the model archive. "
        "Vocabulary file: '/etc/passwd'",
    ),
    (
        "Could not locate function 'makedirs'. Make sure custom classes and functions are "
        "decorated with `@keras.saving.register_keras_serializable()`. If they are already "
        "decorated, make sure they are all imported so that the decorator is run before trying "
        "to load them. Full object config: {'module': 'os'}",
        "Could not locate function 'makedirs'. Full object config: {'module': 'os'}",
    ),
    (
        "Unknown layer: 'Doubled'. Please ensure you are using a "
        "`keras.utils.custom_object_scope` and that this object is included in the scope. See "
        "https://www.tensorflow.org/guide/keras/save_and_serialize for details.",
        "Unknown layer: 'Doubled'. See "
        "https://www.tensorflow.org/guide/keras/save_and_serialize for details.",
    ),
    (
        "This file contains pickled (object) data. If you trust the file you can load it unsafely "
        "using the `allow_pickle=` keyword argument or `pickle.load()`.",
        "This file contains pickled (object) data.",
    ),
    ("Object arrays cannot be loaded when allow_pickle=False", "Object arrays cannot be loaded"),
    (
        "Header info length (70000) is large and may not be safe to load securely.\n"
        "To allow loading, adjust `max_header_size` or fully trust the `.npy` file using "
        "`allow_pickle=True`.",
        "Header info length (70000) is large and may not be safe to load securely.",
    ),
    (
        "Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it "
        "can result in arbitrary code execution. Do it only if you got the file from a trusted "
        "source.",
        "no reason that would be safe to repeat",
    ),
    (
        "Untrusted types found in the file: ['os.system']. Pass `trusted=['os.system']` to load.",
        "Untrusted types found in the file: ['os.system'].",
    ),
]


@pytest.mark.parametrize(("said", "left"), SENTENCES)
def test_advice_that_is_unsafe_is_not_repeated(said, left):
    assert without_advice(said) == left
    assert not recommends_unsafe(left)
    for first_line in (runtime.first_line, elements.first_line):
        assert first_line(ValueError(said)) == left.splitlines()[0]


@pytest.mark.parametrize(
    "said",
    [
        "Unable to synchronously open file (file signature not found)",
        "Bad CRC-32 for file 'model.weights.h5'",
        "unknown class 'unsafe': one of 'safe', 'trust'",
        "",
    ],
)
def test_what_recommends_nothing_is_repeated_as_it_is(said):
    assert without_advice(said) == said

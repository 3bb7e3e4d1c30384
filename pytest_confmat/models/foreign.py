"""Whether a model file is all that decides what the model computes.

A custom layer's class stands in a file of the project's, which can change while the model's bytes
do not. Found out without TensorFlow, and carefully: what is not known to be Keras's own is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_confmat.models.configuration import configuration, objects
from pytest_confmat.spec import ModelSpec

# Keras's own, and yet not: they run code or read files that are not in the model's.
_OUTWARD = frozenset({"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
# Forms of plain values.
_VALUES = frozenset(
    {"__tensor__", "__tuple__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
    | {"__keras_tensor__"}
)
# HDF5 files name classes without their modules.
_NAMES_TEXT = """
Functional Model Sequential SlicingOpLambda TFOpLambda
Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional
CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense
DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Flatten
GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell LayerNormalization
LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention
Multiply Normalization PReLU Permute RNN RandomBrightness RandomContrast RandomCrop RandomFlip
RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom ReLU RepeatVector
Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax
SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells
Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
ZeroPadding1D ZeroPadding2D ZeroPadding3D
Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones
Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
L1 L1L2 L2 MaxNorm MinMaxNorm NonNeg UnitNorm
"""
_ACTIVATIONS_TEXT = """
celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh
tanh_shrink threshold
"""
_NAMES = frozenset(_NAMES_TEXT.split())
_ACTIVATIONS = frozenset(_ACTIVATIONS_TEXT.split())


def foreign_code(model: ModelSpec, *, own_code: bool = False) -> str | None:
    """Return what in a model file stands for code or files outside it, or ``None``.

    Parameters
    ----------
    own_code
        Whether the project hands in classes of its own, by names that may be Keras's.

    Raises
    ------
    Exception
        What reading the file raises; nothing is known of it then.
    """
    stored = configuration(model)
    if isinstance(stored, Mapping):
        # Loading leaves out how the model was compiled.
        stored = {key: value for key, value in stored.items() if key != "compile_config"}
    return next(_foreign(stored, own_code), None)


def _foreign(stored: Any, own_code: bool) -> Iterator[str]:
    for found in objects(stored):
        if "class_name" in found and not _is_own(found, own_code):
            # A function's name is its configuration.
            name = found.get("config") if found["class_name"] == "function" else None
            yield name if isinstance(name, str) else str(found["class_name"])
        for key, value in found.items():
            if "activation" in str(key) and isinstance(value, str) and value not in _ACTIVATIONS:
                yield value
            if key == "vocabulary" and isinstance(value, str):
                yield value


def _is_own(found: Mapping[str, Any], own_code: bool) -> bool:
    name, module = found["class_name"], found.get("module")
    # Keras looks a registered name up among the project's classes first.
    registered = (None,) if own_code else (None, name)
    if name in _OUTWARD or found.get("registered_name") not in registered:
        return False
    if module is None:
        return name in _VALUES or (name in _NAMES and not own_code)
    return module == "keras" or str(module).startswith(("keras.", "tf_keras."))

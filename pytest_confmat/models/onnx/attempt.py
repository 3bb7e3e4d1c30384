"""Open an ONNX file and run it once; run by `trial` in a process without this project."""

from contextlib import suppress
from typing import Any


def attempt(request: dict[str, Any]) -> dict[str, Any]:
    """Return what onnxruntime raised while it loaded a file, if it did.

    What it raises as it runs is not told: a size that the file leaves open is guessed here.
    """
    import numpy as np
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            request["model"], options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        return {"kind": type(error).__name__, "said": str(error)}
    with suppress(Exception):
        session.run(None, {request["input"]: np.zeros(request["shape"], request["dtype"])})
    return {}

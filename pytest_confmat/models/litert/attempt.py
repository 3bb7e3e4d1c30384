"""Open a LiteRT file and run it; run by `trial` in a process without this project."""

import warnings
from contextlib import suppress
from typing import Any


def attempt(request: dict[str, Any]) -> dict[str, Any]:
    """Return what the runtime raised while it loaded a file, if it did.

    The file is run with one example, or as many as it fixes, and then with `batch`. What is raised
    then is not told: a size that the file leaves open is guessed here, and not all models take
    more examples than they state.
    """
    import numpy as np

    warnings.simplefilter("ignore")
    if request["library"] == "ai_edge_litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tensorflow.lite.python.interpreter import Interpreter
    first, *rest = request["shape"]
    try:
        interpreter = Interpreter(request["model"], num_threads=1)
        if request["is_known"]:
            interpreter.allocate_tensors()
    except Exception as error:
        return {"kind": type(error).__name__, "said": str(error)}
    for number in (first, request["batch"]):
        if not number:
            continue
        given = np.zeros((number, *rest), request["dtype"])
        with suppress(Exception):
            if request["signature"] is not None:
                interpreter.get_signature_runner(request["signature"])(**{request["input"]: given})
                continue
            interpreter.resize_tensor_input(request["index"], given.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(request["index"], given)
            interpreter.invoke()
    return {}

"""The graph of a SavedModel, read from its file; nothing of it is imported or run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.files import read_file
from pytest_confmat.models.saved_model.format import AGAIN
from pytest_confmat.text import joined, shortened

_TAG = "serve"


def read_graph(folder: Path) -> Any:
    """Return the ``MetaGraphDef`` with the tag ``serve``, or the only one there is.

    Raises
    ------
    ModelError
        If the file cannot be read, or there is no such graph in it.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    # In the order of TensorFlow's own loader.
    path = folder / "saved_model.pb"
    is_text = not path.exists()
    path = folder / "saved_model.pbtxt" if is_text else path
    try:
        content = read_file(path)
        if is_text:
            from google.protobuf import text_format

            text_format.Parse(content.decode(), stored)
        else:
            stored.ParseFromString(content)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # protobuf's, and of text whatever decoding it raises
        raise ModelError(f"{path} is no graph, or cut off or damaged: {AGAIN}") from error
    graphs = list(stored.meta_graphs)
    tags = [sorted(graph.meta_info_def.tags) for graph in graphs]
    if not graphs:
        raise ModelError(f"{path} holds no graph: {AGAIN}")
    if [_TAG] in tags:
        return graphs[tags.index([_TAG])]
    if len(graphs) == 1:
        return graphs[0]
    named = joined([shortened(f"[{', '.join(each)}]", 100) for each in tags], 5)
    raise ModelError(
        f"{folder} holds {len(graphs)} graphs, with the tags {named}, and none with the tag "
        f"{_TAG!r} alone, which is the one that servers run: export the model again with that tag"
    )


def op_name(tensor: str) -> str:
    """Return which operation a tensor comes from, or a control input is: ``a`` of ``^a``."""
    return tensor.removeprefix("^").partition(":")[0]

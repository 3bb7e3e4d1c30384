"""What the page's script works with, as JSON, compressed.

Numbers are whole, or texts that were made where all reports take theirs: the script shows them and
computes shares of counts, nothing else.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.decimals import decimal_text, signed_text
from pytest_confmat.escaping import printable
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.report.class_view import ClassView, weightings
from pytest_confmat.report.page.examples import shown_examples
from pytest_confmat.report.page.matrix_view import MatrixView, similarity_order
from pytest_confmat.report.rows import score_text
from pytest_confmat.result import GateResult
from pytest_confmat.sparse_counts import SparseCounts
from pytest_confmat.sprites import Thumbnails
from pytest_confmat.weighting import weighted_entries

NAME = 200
ID = 400
Cells = list[list[Any]]


def payload(result: GateResult, view: ClassView, shown: MatrixView) -> dict[str, Any]:
    """Return the data of a page as JSON values.

    Rows of matrices are flat: column, value, column, value, and so on, zeros left out.
    """
    evaluation = result.evaluation
    assert evaluation is not None
    matrix = evaluation.matrix
    return {
        "classes": [printable(name, NAME) for name in matrix.classes],
        "support": matrix.support.tolist(),
        "unpredicted": matrix.unpredicted.tolist(),
        "counts": _flat(matrix.cells, matrix.cells.values.tolist()),
        "others": [*_weighted(result, evaluation), *_difference(result.comparison)],
        "shown": list(shown.indices),
        "similar": similarity_order(matrix),
        "failing": sorted(view.failed),
        "broken": sorted(view.cells),
        **_examples(result, evaluation),
    }


def encoded(values: Mapping[str, Any]) -> str:
    """Return JSON values as text for a page: compressed, then base64.

    The same values give the same text: no time stands in the compressed form.
    """
    plain = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(plain.encode("ascii"), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _weighted(result: GateResult, evaluation: Evaluation) -> Iterable[dict[str, Any]]:
    for weighting in weightings(result):
        entries = weighted_entries(evaluation, weighting)
        weights = weighting.weights if isinstance(weighting.weights, str) else "the policy's"
        by = f", normalize: {weighting.normalize}" if weighting.normalize else ""
        texts = [decimal_text(Fraction(v)) if isfinite(v) else "" for v in entries.values.tolist()]
        yield {
            "key": "weighted",
            "title": f"Weighted ({weights}{by})",
            "cells": _flat(entries, texts),
        }


def _difference(comparison: Comparison | None) -> Iterable[dict[str, Any]]:
    """Yield by how much the share of each row is above the other model's, on common examples."""
    if comparison is None or not len(comparison):
        return
    before, now = comparison.matrix_before.cells, comparison.matrix_now.cells
    negative = SparseCounts(before.rows, before.columns, -before.values, before.k)
    change = now + negative
    moved = change.values != 0
    change = SparseCounts(change.rows[moved], change.columns[moved], change.values[moved], change.k)
    support = comparison.matrix_now.support[change.rows].tolist()
    texts = [
        signed_text(Fraction(n, of)) for n, of in zip(change.values.tolist(), support, strict=True)
    ]
    yield {
        "key": "difference",
        "title": "Change since the baseline"
        if comparison.other == "baseline"
        else "Beside the reference",
        "cells": _flat(change, texts),
    }


def _flat(cells: SparseCounts, values: Sequence[Any]) -> Cells:
    rows: Cells = [[] for _ in range(cells.k)]
    for row, column, value in zip(cells.rows.tolist(), cells.columns.tolist(), values, strict=True):
        rows[row] += column, value
    return rows


def _examples(result: GateResult, evaluation: Evaluation) -> dict[str, Any]:
    """Return the columns of the table of examples."""
    shown = shown_examples(evaluation, result.newly_wrong)
    places = shown.places

    def column(name: str) -> NDArray[Any]:
        return evaluation.array(name)[places]

    newly = None if shown.newly is None else shown.newly.astype(np.int8).tolist()
    return {
        "mistakes": shown.total,
        "examples": {
            "id": [printable(evaluation.ids[place], ID) for place in places.tolist()],
            "place": places.tolist(),
            "true": column("true").tolist(),
            "predicted": column("predicted").tolist(),
            "score": [score_text(value) for value in column("score").tolist()],
            "runner_up": column("runner_up").tolist(),
            "runner_up_score": [score_text(v) for v in column("runner_up_score").tolist()],
            "newly": newly,
        },
        "pictures": _pictures(result.thumbnails, places.tolist()),
    }


def _pictures(found: Thumbnails | None, places: Sequence[int]) -> dict[str, Any] | None:
    """Return the sheets, and where each example's pictures are on them."""
    if found is None or not found.shown:
        return None
    at = {thumbnail.place: thumbnail for thumbnail in found.shown}
    thumbnails = [at.get(place) for place in places]
    return {
        "sheets": [base64.b64encode(sheet).decode("ascii") for sheet in found.sheets],
        "mime": found.mime,
        "sheet": [None if each is None else each.sheet for each in thumbnails],
        "seen": [None if each is None else each.seen for each in thumbnails],
        "original": [None if each is None else each.original for each in thumbnails],
    }

"""Properties of JUnit XML: the numbers of a limit on its item, the digests on the evaluation's.

They go through pytest's own `user_properties`, which xdist carries to the controller.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_confmat.escaping import printable
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.filenames import short_path
from pytest_confmat.files import sha256_of
from pytest_confmat.manifest import digest
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.report.rows import verdict_row
from pytest_confmat.verdict import Verdict

# Names are whole, since programs compare them.
_LONGEST = 10_000

Properties = list[tuple[str, object]]


def properties_of(verdicts: Sequence[Verdict]) -> Properties:
    """Return the properties of an item: of its limit, or how many limits there are of each outcome.

    All are texts, as every reader of JUnit XML has them.
    """
    if len(verdicts) == 1:
        return _of_one(verdicts[0])
    outcomes = [verdict.outcome for verdict in verdicts]
    counts: dict[str, int] = {"limits": len(verdicts)}
    counts |= {name: outcomes.count(name) for name in ("passed", "failed", "undecided")}
    return [(f"confmat_{name}", str(count)) for name, count in counts.items()]


def _of_one(verdict: Verdict) -> Properties:
    row = verdict_row(verdict)
    values = {
        "metric": row.metric,
        "class": row.actual,
        "predicted": row.predicted,
        "outcome": row.outcome,
        "observed": row.observed,
        "kind": verdict.limit.bound.kind,
        "bound": row.bound,
        "support": str(row.support),
        "interval": row.interval,
    }
    return [(f"confmat_{name}", _shown(value)) for name, value in values.items() if value]


def _shown(text: str) -> str:
    # A lone surrogate has no form in XML, nor in what xdist sends.
    return printable(text, _LONGEST)


def add_digests(
    request: pytest.FixtureRequest, gate: Gate, evaluation: Evaluation, *, is_only: bool
) -> None:
    """Add what was judged to the item of `request`, and to the suite where there is one process.

    Parameters
    ----------
    is_only
        Whether no other gate adds to the same suite; else the names there say whose they are.
    """
    known = {
        "model_sha256": evaluation.provenance.get("model", {}).get("sha256"),
        "dataset_digest": digest(evaluation),
        "policy_sha256": sha256_of(gate.path),
    }
    found = [(f"confmat_{name}", str(value)) for name, value in known.items() if value]
    request.node.user_properties += found
    # Does nothing in a worker of xdist, nor where no JUnit file is written.
    record = request.getfixturevalue("record_testsuite_property")
    whose = "" if is_only else f"[{_shown(short_path(gate.path))}]"
    for name, value in found:
        record(f"{name}{whose}", value)

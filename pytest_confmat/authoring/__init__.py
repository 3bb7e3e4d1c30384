"""Writing a policy from what a model did, and tightening one that it beats."""

from __future__ import annotations

from pytest_confmat.authoring.proposal import Proposal, proposal_for, propose
from pytest_confmat.authoring.tighten import Sharpened, Tightened, tighten

__all__ = ["Proposal", "Sharpened", "Tightened", "proposal_for", "propose", "tighten"]

"""Writing a policy from what a model did, and tightening one that it beats."""

from __future__ import annotations

from pytest_confmat.authoring.proposal import Proposal, proposal_for, propose
from pytest_confmat.authoring.tighten import Change, Tightened, tighten

__all__ = ["Change", "Proposal", "Tightened", "proposal_for", "propose", "tighten"]

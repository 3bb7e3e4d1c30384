"""What is skipped without the library, and said so."""

from __future__ import annotations

import pytest

pytest.importorskip(
    "ai_edge_litert",
    reason='ai-edge-litert is not installed: pip install "pytest-confmat[litert]"',
)

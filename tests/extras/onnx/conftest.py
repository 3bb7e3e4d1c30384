"""What is skipped without the libraries, and said so."""

from __future__ import annotations

import pytest

HOW = 'is not installed: pip install "pytest-confmat[onnx]"'
pytest.importorskip("onnx", reason=f"onnx {HOW}")
pytest.importorskip("onnxruntime", reason=f"onnxruntime {HOW}")

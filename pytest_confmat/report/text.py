"""Results as plain text, for a terminal or a log."""

from __future__ import annotations

from pytest_confmat.decimals import decimal_text
from pytest_confmat.report.names import printable, printable_lines, short_path
from pytest_confmat.report.summary import summary
from pytest_confmat.report.wording import describe, headline

__all__ = [
    "decimal_text",
    "describe",
    "headline",
    "printable",
    "printable_lines",
    "short_path",
    "summary",
]

"""Markdown as a reader sees it, by a CommonMark parser with tables and HTML."""

from __future__ import annotations

from markdown_it import MarkdownIt

from tests.support.html import Plain


def rendered(text: str) -> Plain:
    return Plain(MarkdownIt("commonmark").enable("table").render(text))

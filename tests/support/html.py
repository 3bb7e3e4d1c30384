"""What a page says to a reader whose browser runs no script and applies no style."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "img", "input", "line", "rect", "circle", "polyline"}
_INLINE = {"a", "b", "font", "small", "span"}  # which part no words
_UNSEEN = {"script", "style", "title"}


class Plain(HTMLParser):
    """Texts, tables and attributes of a page.

    Attributes
    ----------
    text
        All that is shown, with single blanks.
    tables
        Rows of cells as texts, by the table's id, or its place where it has none.
    attributes
        (tag, name, value) of every attribute.
    open
        Tags that were never closed, or closed twice.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str | int, list[list[str]]] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self._texts: list[str] = []
        self._table: list[list[str]] | None = None
        self._cell: list[str] | None = None
        self.feed(page)
        self.close()
        self.text = " ".join("".join(self._texts).split())

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)
            self._texts.append("" if tag in _INLINE else " ")
        if tag == "table":
            self._table = self.tables[dict(attrs).get("id", len(self.tables))] = []
        if tag == "tr":
            self._table.append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag):
        if tag in _VOID:
            return
        assert self.open, tag
        assert self.open.pop() == tag
        self._texts.append("" if tag in _INLINE else " ")
        if tag in ("td", "th"):
            self._table[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data):
        if _UNSEEN.isdisjoint(self.open):
            self._texts.append(data)
            if self._cell is not None:
                self._cell.append(data)

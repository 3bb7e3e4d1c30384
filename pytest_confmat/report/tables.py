"""Tables of a confusion matrix for a terminal, framed in ASCII, laid out by rich."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import Box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from pytest_confmat.decimals import percent
from pytest_confmat.escaping import ELLIPSIS, printable
from pytest_confmat.report.class_view import ClassView, confusions
from pytest_confmat.report.rows import CLASS_METRICS, class_rows
from pytest_confmat.text import and_more

# Up to so many classes all stand in the table; of more, those that fail and the worst.
CLASSES_SHOWN = 40
WORST_SHOWN = 10
CONFUSIONS_SHOWN = 10
BAD = "bold red"
MARK = "!"
_NAME = 40
_HEAD = 24
_BOUND = 23
_LEAST_NAME = 8
# Names get so much before the last columns do: classes that cannot be told apart say nothing.
_GOOD_NAME = 24
_DISPENSABLE = 4
_GAP = 2
# A rule below the head and nothing else: it survives any log.
_RULE = Box(
    "    \n"  # top
    "    \n"  # head
    " ---\n"  # below the head
    "    \n"
    "    \n"
    "    \n"
    "    \n"
    "    \n",
    ascii=True,
)


@dataclass(frozen=True)
class _Column:
    """A column of right-aligned cells; those with the highest `rank` go first for want of room."""

    head: str
    cells: Sequence[str]
    rank: int

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.head, *self.cells)))


def class_table(class_view: ClassView, width: int) -> tuple[Table, str | None]:
    """Return the table of the classes, and a line on those that it does not show.

    Columns that find no room in `width` are left out: the bounds of the true recall first, then
    f1, precision, support, the change since the baseline, bound. The first two also give way to
    names of up to 24 columns.
    """
    shown = chosen(class_view)
    rows = class_rows(class_view, shown)
    columns = [_Column("support", [f"{row.support:,}" for row in rows], 2)]
    for at, (metric, rank) in enumerate(zip(CLASS_METRICS, (0, 3, 4), strict=True)):
        columns.append(_Column(metric, [row.metrics[at] for row in rows], rank))
    if class_view.changes:
        columns.insert(2, _Column("change", [row.change for row in rows], 1))
    if any(row.interval for row in rows):
        columns.insert(len(columns) - 2, _Column("true recall", [r.interval for r in rows], 5))
    if any(row.bound for row in rows):
        columns.append(_Column("bound", [printable(row.bound, _BOUND) for row in rows], 1))
    mark = len(MARK) + _GAP if class_view.failed else 0
    longest = max(cell_len(printable(row.name, _NAME)) for row in rows)
    while len(columns) > 1:
        last = max(columns, key=lambda column: column.rank)
        wanted = min(longest, _GOOD_NAME) if last.rank >= _DISPENSABLE else _LEAST_NAME
        if mark + max(wanted, _LEAST_NAME) + _extent(columns) <= width:
            break
        columns.remove(last)
    names = _names(class_view, shown, width - mark - _extent(columns))
    table = _table()
    if mark:
        table.add_column("", no_wrap=True)
    table.add_column("class", no_wrap=True)
    for column in columns:
        table.add_column(column.head, justify="right", no_wrap=True)
    for at, row in enumerate(rows):
        style = BAD if row.fails else ""
        marks = [Text(MARK if row.fails else "", style)] if mark else []
        cells = [Text(column.cells[at]) for column in columns]
        table.add_row(*marks, Text(names[at], style), *cells)
    return table, _hidden(class_view, shown)


def matrix_table(class_view: ClassView, width: int) -> Table | None:
    """Return the confusion matrix, columns headed by names or numbers; ``None`` for want of room.

    Zeros are points, the diagonal and confusions that break a limit are emphasized.
    """
    if len(class_view.matrix.classes) * (1 + _GAP) > width:
        return None
    counts = class_view.matrix.counts
    everything = range(len(counts))
    digits = [len(str(int(counts[:, j].max()))) for j in everything]
    if sum(digits) + _GAP * len(digits) > width:
        return None
    names = _names(class_view, everything, _HEAD)
    numbers = [str(j + 1) for j in everything]
    longest = max(map(cell_len, names))
    prefix = len(numbers[-1]) + 1
    # Columns under names where there is room, otherwise under the numbers of their rows.
    for heads, before in ((names, 0), (numbers, prefix)):
        taken = sum(_GAP + max(cell_len(h), d) for h, d in zip(heads, digits, strict=True))
        room = width - taken - before
        if room >= min(longest, _LEAST_NAME):
            break
    else:
        return None
    rows = _names(class_view, everything, min(room, _HEAD))
    if before:
        rows = [f"{n:>{prefix - 1}} {row}" for n, row in zip(numbers, rows, strict=True)]
    table = _table()
    table.add_column("", no_wrap=True)
    for head in heads:
        table.add_column(Text(head), justify="right", no_wrap=True)
    for i in everything:
        table.add_row(Text(rows[i]), *(_cell(class_view, i, j) for j in everything))
    return table


def confusion_table(class_view: ClassView, width: int) -> tuple[Table, str | None] | None:
    """Return the confusions with most examples and a line on the rest; ``None`` without any."""
    cells = confusions(class_view.matrix)
    if not cells:
        return None
    shown = cells[:CONFUSIONS_SHOWN]
    matrix = class_view.matrix
    counts = matrix.cells.at(*zip(*shown, strict=True)).tolist()
    columns = [
        _Column("count", [str(count) for count in counts], 0),
        _Column(
            "share",
            [percent(n, int(matrix.support[i])) for n, (i, _) in zip(counts, shown, strict=True)],
            1,
        ),
    ]
    arrow = 2 + 2 * _GAP
    room = (width - arrow - _extent(columns)) // 2
    table = _table()
    table.add_column("true class", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("predicted", no_wrap=True)
    for column in columns:
        table.add_column(column.head, justify="right", no_wrap=True)
    names = [_names(class_view, [i for i, _ in shown], room)]
    names.append(_names(class_view, [j for _, j in shown], room))
    for row, cell in enumerate(shown):
        style = BAD if cell in class_view.cells else ""
        table.add_row(
            Text(names[0][row], style),
            Text("->"),
            Text(names[1][row], style),
            *(Text(column.cells[row]) for column in columns),
        )
    hidden = len(cells) - len(shown)
    return table, and_more(hidden) if hidden else None


def fitted(name: str, room: int) -> str:
    """Return `name`, its middle left out where it takes more than `room` columns."""
    if cell_len(name) <= room:
        return name
    room -= len(ELLIPSIS)
    if room < 2:
        return _head(name, room + len(ELLIPSIS))
    return _head(name, room - room // 2) + ELLIPSIS + _head(name[::-1], room // 2)[::-1]


def _head(text: str, room: int) -> str:
    end = len(text)
    while end and cell_len(text[:end]) > room:
        end -= 1
    return text[:end]


def _table() -> Table:
    return Table(
        box=_RULE,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )


def _extent(columns: Sequence[_Column]) -> int:
    return sum(_GAP + column.width for column in columns)


def chosen(class_view: ClassView) -> list[int]:
    """Return the classes that a table shows: all, or those that fail and the worst by recall."""
    everything = range(len(class_view.matrix.classes))
    if len(everything) <= CLASSES_SHOWN:
        return list(everything)
    recall = [class_view.value("recall", i) for i in everything]

    def worst_first(index: int) -> tuple[bool, float, int]:
        value = recall[index]
        return value is not None, 0.0 if value is None else float(value), index

    failed = sorted(class_view.failed, key=worst_first)[:CLASSES_SHOWN]
    others = sorted(set(everything) - class_view.failed, key=worst_first)
    return failed + others[: max(WORST_SHOWN - len(failed), 0)]


def _hidden(class_view: ClassView, shown: Sequence[int]) -> str | None:
    hidden = len(class_view.matrix.classes) - len(shown)
    if not hidden:
        return None
    failed = len(class_view.failed - set(shown))
    text = f"{hidden:,} of {len(class_view.matrix.classes):,} classes are not shown"
    return f"{text}, {failed:,} of which fail" if failed else text


def _names(class_view: ClassView, indices: Sequence[int], room: int) -> list[str]:
    classes = class_view.matrix.classes
    return [fitted(printable(classes[i], _NAME), max(room, _LEAST_NAME)) for i in indices]


def _cell(class_view: ClassView, i: int, j: int) -> Text:
    count = int(class_view.matrix.counts[i, j])
    if (i, j) in class_view.cells:
        return Text(str(count), BAD)
    if not count:
        return Text(".", "dim")
    return Text(str(count), "bold" if i == j else "")

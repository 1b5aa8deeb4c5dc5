"""Tables of text: with lines and colors on a terminal, else aligned for programs and mails."""

import sys
from collections.abc import Mapping, Sequence

from specdet.spec.problems import printable


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Mapping[str, str] | None = None
) -> None:
    """Print a table.

    Args:
        columns: Their heads.
        rows: Cells by row; what could move a terminal's cursor is shown as an escape.
        styles: How a cell with this very text looks, in words of rich ("red", "dim").
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_rich(columns, shown, styles or {})
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *shown, strict=True)]
    for row in (columns, *shown):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=not number, overflow="fold")  # the first names the row: it can be copied
    for row in rows:
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    Console().print(table)

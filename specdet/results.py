"""Metrics as tables that people read."""

import re
from collections.abc import Mapping

from rich.table import Column, Table

NAME = re.compile(r"(?P<column>.+?)(?:_(?P<row>[^_/]+))?$")


def results_table(metrics: Mapping[str, float]) -> Table:
    """Final metrics: a column for each measure, a row for each size of objects ("all" where a name says none).

    Args:
        metrics: By names such as "proposal/AR@100" and "proposal/AR@100_small".
    """
    cells: dict[str, dict[str, float]] = {}
    columns: list[str] = []
    for name, value in metrics.items():
        match = NAME.match(name)
        assert match is not None, name
        column = match["column"]
        if column not in columns:
            columns.append(column)
        cells.setdefault(match["row"] or "all", {})[column] = value
    table = Table("objects", *(Column(column, overflow="fold") for column in columns))
    for row, values in cells.items():
        table.add_row(row, *(f"{values[column]:.3f}" if column in values else "-" for column in columns))
    return table

from io import StringIO

from rich.console import Console

from specdet.results import results_table


def test_measures_are_columns_and_sizes_are_rows():
    table = results_table(
        {"proposal/AR@100": 0.5, "proposal/AR@100_small": 0.25, "proposal/AR@300": 0.75, "bbox/AP50": 1.0}
    )
    console = Console(width=200, file=StringIO())
    console.print(table)
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in console.file.getvalue().splitlines() if "│" in line
    ]
    assert [column.header for column in table.columns] == ["objects", "proposal/AR@100", "proposal/AR@300", "bbox/AP50"]
    assert rows == [["all", "0.500", "0.750", "1.000"], ["small", "0.250", "-", "-"]]

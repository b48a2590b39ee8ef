"""Format Markdown tables, and lists in sentences."""

import re
from collections.abc import Iterable, Sequence

from mnist_tools.cards.escape import Markdown, escape_text
from mnist_tools.cards.figures import show_figure
from mnist_tools.lists import name_some

Cell = str | int | float | None  # None is left empty

SHOWN = 10  # entries of a list in a sentence
SHOWN_NUMBER = re.compile(r"[\d,.]+( %|\*| [kMGT]B| bytes)?")
TEXT_COLUMNS = ("class name", "mistaken for")  # left-aligned even where all names are digits


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Markdown:
    """Return a Markdown table; columns of numbers are aligned to the right."""
    cells = [[_show_cell(cell) for cell in row] for row in rows]
    numeric = [
        name not in TEXT_COLUMNS and _is_numeric([row[number] for row in cells])
        for number, name in enumerate(columns)
    ]
    rule = ["---:" if each else "---" for each in numeric]
    heading: list[str] = [escape_text(name) for name in columns]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in [heading, rule, *cells]))


def _show_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Markdown):
        return re.sub(r"(?<!\\)\|", r"\|", cell)
    return escape_text(show_figure(cell))


def _is_numeric(column: Iterable[str]) -> bool:
    cells = [cell.replace("\\", "") for cell in column if cell]
    return bool(cells) and all(SHOWN_NUMBER.fullmatch(cell) for cell in cells)


def cut(names: Sequence[object], separator: str = ", ") -> str:
    """Join the first ten entries of a list, and add how many more there are."""
    return name_some(names, SHOWN, separator)

"""Choose the rows that a card shows as pictures: those that facts name, and the closest pairs."""

from collections.abc import Iterator

from mnist_tools.cards.dataset import Dataset
from mnist_tools.cards.neighbours import Pair
from mnist_tools.cards.pictures import ChosenRows, ChosenTile, Picture, Row
from mnist_tools.cards.statements import FactsTable, Statement

CLOSEST_SHEET = "closest"  # the subject of the sheet with the closest pairs


def chosen_rows(dataset: Dataset) -> list[ChosenRows]:
    """Return a sheet for each table of facts whose first column has rows, and one of pairs."""
    return [*_named_rows(dataset), *_closest_pairs(dataset)]


def picture_of(dataset: Dataset, statement: Statement) -> Picture | None:
    """Return the picture of the rows in a table of facts, if a build has drawn it."""
    tables = [*_tables_of_rows(dataset)]
    if statement not in tables:
        return None
    return dataset.pictures.chosen.get(_subject(tables.index(statement)))


def _tables_of_rows(dataset: Dataset) -> Iterator[Statement]:
    for statements in dataset.facts.topics.values():
        yield from (each for each in statements if each.table and each.table.rows_of)


def _subject(number: int) -> str:
    return f"table-{number}"


def _named_rows(dataset: Dataset) -> Iterator[ChosenRows]:
    for number, statement in enumerate(_tables_of_rows(dataset)):
        table = statement.table
        assert table is not None
        yield ChosenRows(_subject(number), table.title, tuple(_tiles(table)))


def _tiles(table: FactsTable) -> Iterator[ChosenTile]:
    for cells in table.rows:
        lines = [f"{column} {cell}" for column, cell in zip(table.columns, cells, strict=True)]
        yield ChosenTile((Row(str(table.rows_of), int(cells[0])),), tuple(lines))


def _closest_pairs(dataset: Dataset) -> Iterator[ChosenRows]:
    if dataset.measurements is None or dataset.measurements.neighbours is None:
        return
    tiles = tuple(_pair(pair) for pair in dataset.measurements.neighbours.closest)
    text = f"{len(tiles)} test images, each beside the training image that it resembles most"
    yield ChosenRows(CLOSEST_SHEET, text, tiles)


def _pair(pair: Pair) -> ChosenTile:
    rows = Row("test", pair.test), Row("train", pair.train)
    return ChosenTile(rows, tuple(f"{row.split} row {row.number}" for row in rows))

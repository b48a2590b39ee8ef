"""Write the pictures of a dataset's card: its classes, its first rows, and rows worth a look."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image

from mnist_family import fault
from mnist_tools.cards.sheets import (
    Tile,
    TilesLayout,
    caption_classes,
    draw_examples,
    draw_means,
    draw_tiles,
    enlarge,
    mean_images,
)
from mnist_tools.shards.tally import Tally

FOLDER = "pictures"
MEANS_FILE = "means.png"  # the class means of a published dataset, beside its facts
SHOWN_ROWS = 5
ROW_SCALE = 3
NAMED_CLASSES = 20  # in an alternative text


class Picture(NamedTuple):
    """A picture of a dataset: its path relative to the card, and its alternative text."""

    file: str
    text: str


class RowPicture(NamedTuple):
    """A picture of one row: its split and number, and its path relative to the card."""

    split: str
    row: int
    file: str


class Row(NamedTuple):
    """The number of a row in a split."""

    split: str
    number: int


class ChosenTile(NamedTuple):
    """Rows to be drawn side by side, and the lines of their caption."""

    rows: tuple[Row, ...]
    lines: tuple[str, ...]


class ChosenRows(NamedTuple):
    """Rows to be drawn on a sheet; `subject` identifies the sheet, and ends its file name."""

    subject: str
    text: str  # the alternative text, without the title of the dataset
    tiles: tuple[ChosenTile, ...]


class OverviewLayout(NamedTuple):
    """The layout of the picture at the top of a card, for up to `classes` classes."""

    classes: int
    images: int  # of each class
    tiles: TilesLayout


OVERVIEW_LAYOUTS = (
    OverviewLayout(20, 2, TilesLayout(across=5, scale=2, text_size=18)),
    OverviewLayout(40, 1, TilesLayout(across=8, scale=2, text_size=14)),
)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The pictures on a card; without labels, only those of rows.

    `overview` is for the top of the card. `chosen` has the sheets of chosen rows by subject.
    """

    overview: tuple[Picture, ...] = ()
    examples: tuple[Picture, ...] = ()
    means: tuple[Picture, ...] = ()
    rows: tuple[RowPicture, ...] = ()
    chosen: Mapping[str, Picture] = dataclasses.field(default_factory=dict)


class PicturedSplit(NamedTuple):
    """A split as pictures show it: class names, totals, and a function that reads single rows.

    `read_images` returns images, uint8 (28, 28), by row.
    """

    class_names: Sequence[str]
    tally: Tally
    read_images: Callable[[Sequence[int]], Mapping[int, np.ndarray]]


def write_pictures(
    folder: Path,
    name: str,
    title: str,
    splits: Mapping[str, PicturedSplit],
    chosen: Sequence[ChosenRows] = (),
) -> Pictures:
    """Draw the first split that has labels, and `chosen` rows, to PNG files in folder/pictures/.

    Equal rows give equal pixels. Chosen rows are left out if one of their splits is missing;
    ValueError if a split has no such row.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    split = _choose_split(splits)
    start = f"{FOLDER}/{name}"
    pictures = Pictures(
        rows=_write_rows(folder, f"{start}-{split}", split, splits[split]),
        chosen=_write_chosen(folder, start, title, splits, chosen),
    )
    class_names, tally, read_images = splits[split]
    if not tally.class_counts.any():
        return pictures

    images = read_images(sorted(itertools.chain(*tally.first_rows)))
    first = [[images[row] for row in rows] for rows in tally.first_rows]
    overview = Picture(f"{start}-overview.png", f"{title}: {_describe_overview(class_names)}")
    examples = Picture(f"{start}-examples.png", f"{title}: the first {split} images of each class")
    means = Picture(f"{start}-means.png", describe_means(title, split, class_names))
    _draw_overview(class_names, first).save(folder / overview.file)
    draw_examples(class_names, first).save(folder / examples.file)
    draw_means(class_names, mean_images(tally)).save(folder / means.file)
    return dataclasses.replace(pictures, overview=(overview,), examples=(examples,), means=(means,))


def _choose_split(splits: Mapping[str, PicturedSplit]) -> str:
    """Return the first split that has a labelled row, or else the first split."""
    labelled = (split for split, each in splits.items() if each.tally.class_counts.any())
    return next(labelled, next(iter(splits)))


def _draw_overview(
    class_names: Sequence[str], first: Sequence[Sequence[np.ndarray]]
) -> PIL.Image.Image:
    layout = _overview_layout(class_names)
    captions = caption_classes(class_names)
    tiles = [
        Tile(images[: layout.images], [caption])
        for images, caption in zip(first, captions, strict=True)
    ]
    return draw_tiles(tiles[: layout.classes], layout.tiles)


def _overview_layout(class_names: Sequence[str]) -> OverviewLayout:
    fitting = (each for each in OVERVIEW_LAYOUTS if len(class_names) <= each.classes)
    return next(fitting, OVERVIEW_LAYOUTS[-1])


def _describe_overview(class_names: Sequence[str]) -> str:
    shown = class_names[: _overview_layout(class_names).classes]
    whole = "" if len(shown) == len(class_names) else f" of {len(class_names)}"
    return f"images of the classes {_name_classes(shown)}{whole}"


def describe_means(title: str, split: str, class_names: Sequence[str]) -> str:
    """Return the alternative text of a sheet of means."""
    return f"{title}: the mean of all {split} images of each class, {_name_classes(class_names)}"


def _name_classes(class_names: Sequence[str]) -> str:
    """Return the names, or the first and the last if there are many."""
    if len(class_names) > NAMED_CLASSES:
        return f"{class_names[0]} to {class_names[-1]}"
    return ", ".join(class_names)


def _write_rows(
    folder: Path, start: str, split: str, pictured: PicturedSplit
) -> tuple[RowPicture, ...]:
    """Write a picture of each of the first rows, to `start`-<row>.png in `folder`."""
    numbers = range(min(SHOWN_ROWS, pictured.tally.rows))
    pictures = tuple(RowPicture(split, row, f"{start}-{row}.png") for row in numbers)
    images = pictured.read_images(numbers)
    for picture in pictures:
        enlarge(images[picture.row], ROW_SCALE).save(folder / picture.file)
    return pictures


def _write_chosen(
    folder: Path,
    start: str,
    title: str,
    splits: Mapping[str, PicturedSplit],
    chosen: Sequence[ChosenRows],
) -> dict[str, Picture]:
    """Write a sheet of each selection whose splits are there, to `start`-<subject>.png."""
    pictures = {}
    for each in chosen:
        if {row.split for tile in each.tiles for row in tile.rows} <= {*splits}:
            picture = Picture(f"{start}-{each.subject}.png", f"{title}: {each.text}")
            tiles = [Tile(_read_tile(splits, tile), tile.lines) for tile in each.tiles]
            draw_tiles(tiles).save(folder / picture.file)
            pictures[each.subject] = picture
    return pictures


def _read_tile(splits: Mapping[str, PicturedSplit], tile: ChosenTile) -> list[np.ndarray]:
    images = []
    for row in tile.rows:
        _, tally, read_images = splits[row.split]
        if row.number >= tally.rows:
            found, expected = f"no row {row.number}", f"one below {tally.rows}"
            raise fault(f"pictures of {row.split}", found, expected, "correct the facts")
        images.append(read_images([row.number])[row.number])
    return images

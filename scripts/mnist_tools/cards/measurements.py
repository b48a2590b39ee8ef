"""Measure archives: row counts, pixels, duplicates and nearest neighbours.

The measurements of the published archives are in cards/<name>/measurements.json.
"""

import dataclasses
import datetime
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

import mnist_family
from mnist_family import IMAGE_SHAPE, Chunk, DiskSplit, PartedSplit
from mnist_tools.cards.facts import CARDS
from mnist_tools.cards.neighbours import Neighbours, find_neighbours
from mnist_tools.cards.typed_json import parse
from mnist_tools.command_line import command_line
from mnist_tools.shards.digests import EqualCounts, digest_rows, find_equal_rows, sort_digests
from mnist_tools.shards.tally import Tally, empty_tally, tally_chunk
from mnist_tools.whole_file import write_whole

MEASUREMENTS_FILE = "measurements.json"
ROWS_PER_FILE = 100_000  # of digests


@dataclasses.dataclass(frozen=True)
class MeasuredArchive:
    """An archive on disk.

    `file` is the published name of a published archive, otherwise the name on disk. `dated` is the
    date in the header of a .gz, as in "1996-11-18", or None.
    """

    file: str
    bytes: int
    sha256: str
    dated: str | None
    uncompressed_bytes: int


@dataclasses.dataclass(frozen=True)
class SideCount:
    """The number of rows in which the longer side of the bounding box has `pixels` pixels."""

    pixels: int
    rows: int


@dataclasses.dataclass(frozen=True)
class SplitFigures:
    """Figures of one split.

    `class_counts` is the number of rows in each class. `first_labels` are the labels of the first
    ten rows, -1 for no label. `min` and `max` are grey levels, 0 to 255. `mean` and
    `standard_deviation` (of the population) are of pixels scaled to 0 to 1, rounded to five
    decimals. `zero_percent` is the share of zeros among all pixels, rounded to two decimals.
    `constant_pixels` counts the positions that have the same value in all rows. `longer_side`
    counts rows by the longer side of the bounding box of their non-zero pixels. `bright_borders`
    counts the rows that seem to be dark on white; it is None in files from earlier releases.
    """

    rows: int
    class_counts: tuple[int, ...]
    unlabelled: int
    first_labels: tuple[int, ...]
    shape: tuple[int, ...]
    min: int
    max: int
    mean: float
    standard_deviation: float
    zero_percent: float
    constant_pixels: int
    longer_side: tuple[SideCount, ...]
    bright_borders: int | None = None


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """Groups of rows with identical images; rows are in ascending order.

    `within` has the groups inside each split, `across` those that span several splits, each as
    {split: rows}. If more than 100,000 rows are in groups, none is listed, and `counts` says how
    many there are; otherwise it is None.
    """

    within: dict[str, tuple[tuple[int, ...], ...]]
    across: tuple[dict[str, tuple[int, ...]], ...]
    counts: EqualCounts | None = None


@dataclasses.dataclass(frozen=True)
class Measurements:
    """Everything that was measured in the archives of a dataset, by split.

    `archives` has the images file, then the labels file; for a split in parts, those of each part.
    `whole` is not saved; it has the figures of all published splits, which facts may refer to, even
    if `splits` has only some of them.
    """

    archives: dict[str, tuple[MeasuredArchive, ...]]
    splits: dict[str, SplitFigures]
    duplicates: Duplicates
    neighbours: Neighbours | None = None
    whole: dict[str, SplitFigures] | None = None


# --- Measure --------------------------------------------------------------------------------------


def measure_splits(
    name: str, splits: Mapping[str, DiskSplit | PartedSplit], neighbours: bool = False
) -> Measurements:
    """Measure verified splits; with `neighbours`, also compare test images with training images.

    Each split is read once, in chunks; digests of the images are kept in a temporary folder, 24
    bytes per row. The comparison needs the splits train and test, and holds all their pixels.
    ValueError if a file is broken.
    """
    tallies, digests = {}, {}
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        for number, (split, files) in enumerate(splits.items()):
            folder = Path(temporary, str(number))
            folder.mkdir()
            tallies[split] = _measure_rows(name, files, folder)
            digests[split] = sorted(folder.iterdir())
        duplicates = find_duplicates(digests)
    found = find_neighbours(splits["train"], splits["test"]) if neighbours else None
    return Measurements(
        archives={split: measure_archives(files) for split, files in splits.items()},
        splits={split: figures_of(tally) for split, tally in tallies.items()},
        duplicates=duplicates,
        neighbours=found,
    )


def _measure_rows(name: str, split: DiskSplit | PartedSplit, folder: Path) -> Tally:
    """Add up the rows of a split, and write their digests to files in `folder`."""
    tally = empty_tally(split.num_classes)
    digests: list[np.ndarray] = []
    written = 0
    for chunk in _with_progress(name, split):
        digests.append(digest_rows(chunk.images, tally.rows))
        tally += tally_chunk(chunk, split.num_classes, tally.rows)
        if tally.rows - written >= ROWS_PER_FILE or tally.rows == split.rows:
            np.save(folder / f"{written:012}.npy", sort_digests(np.concatenate(digests)))
            digests = []
            written = tally.rows
    return tally


def _with_progress(name: str, split: DiskSplit | PartedSplit) -> Iterator[Chunk]:
    with tqdm(
        desc=f"Measuring {name} {split.name}", total=split.rows, unit=" rows", leave=False
    ) as progress:
        for chunk in mnist_family.read_chunks(split):
            yield chunk
            progress.update(len(chunk.labels))


def measure_archives(split: DiskSplit | PartedSplit) -> tuple[MeasuredArchive, ...]:
    """Measure the files of a split: images, then labels, of each part."""
    return tuple(
        _measure_archive(path) for part in split.parts for path in (part.images, part.labels)
    )


def _measure_archive(path: str) -> MeasuredArchive:
    digest = mnist_family.digest_archive(path)
    published = mnist_family.find_published(digest.sha256)
    return MeasuredArchive(
        file=published.archive.file if published else Path(path).name,
        bytes=digest.bytes,
        sha256=digest.sha256,
        dated=_date_in_gzip(path),
        uncompressed_bytes=digest.uncompressed_bytes,
    )


def _date_in_gzip(path: str) -> str | None:
    """Return the UTC date in the header of a .gz; None if there is none, or it is not a .gz."""
    with open(path, "rb") as file:
        header = file.read(8)
    seconds = int.from_bytes(header[4:8], "little")
    if not header.startswith(b"\x1f\x8b") or not seconds:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()


def figures_of(tally: Tally) -> SplitFigures:
    """Return the figures of a split from its totals."""
    levels = tally.levels.tolist()
    pixels = sum(levels)
    total = sum(count * level for level, count in enumerate(levels))
    squares = sum(count * level**2 for level, count in enumerate(levels))
    seen = np.flatnonzero(tally.levels)
    sides = np.flatnonzero(tally.sides)
    return SplitFigures(
        rows=tally.rows,
        class_counts=tuple(tally.class_counts.tolist()),
        unlabelled=tally.unlabelled,
        first_labels=tally.first_labels,
        shape=IMAGE_SHAPE,
        min=int(seen[0]),
        max=int(seen[-1]),
        mean=round(total / pixels / 255, 5),
        standard_deviation=round((pixels * squares - total**2) ** 0.5 / pixels / 255, 5),
        zero_percent=round(100 * levels[0] / pixels, 2),
        constant_pixels=int((tally.lowest == tally.highest).sum()),
        longer_side=tuple(SideCount(side, int(tally.sides[side])) for side in sides.tolist()),
        bright_borders=tally.bright_borders,
    )


def find_duplicates(digests: Mapping[str, Sequence[Path]]) -> Duplicates:
    """Group rows with equal images; `digests` are files of sorted digests, by split."""
    found = find_equal_rows(digests)
    groups = found.groups
    if groups is None:
        return Duplicates(within=dict.fromkeys(digests, ()), across=(), counts=found.counts)
    return Duplicates(
        within={
            split: tuple(group[split] for group in groups if len(group.get(split, ())) > 1)
            for split in digests
        },
        across=tuple(group for group in groups if len(group) > 1),
    )


# --- Files ----------------------------------------------------------------------------------------


def write_measurements(path: Path, measurements: Measurements) -> None:
    """Write measurements as JSON; equal measurements give equal bytes.

    Each list of numbers is on one line.
    """
    figures = dataclasses.asdict(dataclasses.replace(measurements, whole=None))
    if measurements.duplicates.counts is None:
        del figures["duplicates"]["counts"]
    present = {key: value for key, value in figures.items() if value is not None}
    text = json.dumps(present, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^][{}]*\]", lambda numbers: _on_one_line(numbers[0]), text)
    write_whole(path, f"{text}\n".encode())


def _on_one_line(numbers: str) -> str:
    return re.sub(r"\s+", " ", numbers).replace("[ ", "[").replace(" ]", "]")


def read_measurements(
    path: Path, *, remedy: str = "remove it and run measure again"
) -> Measurements:
    """Read a file that `write_measurements` wrote; ValueError with `remedy` for any other file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        measurements: Measurements = parse(Measurements, content)
        _refuse_unpaired(measurements)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise mnist_family.fault(
            str(path),
            f"not a file of measurements ({reason})",
            "a file that this release of measure writes",
            remedy,
        ) from None
    return measurements


def _refuse_unpaired(measurements: Measurements) -> None:
    """Raise ValueError unless each split has files of images and labels."""
    for split, files in measurements.archives.items():
        if not files or len(files) % 2:
            raise ValueError(f"archives.{split}: {len(files)} files instead of pairs")


def committed(name: str, splits: Iterable[str] | None = None) -> Measurements | None:
    """Read the committed measurements of a published dataset; None if there are none.

    `splits` selects archives and figures; default: all. ValueError if other archives than those in
    `CONFIGS` were measured.
    """
    path = CARDS / name / MEASUREMENTS_FILE
    if not path.exists():
        return None
    measurements = read_measurements(path)
    config = mnist_family.find_config(name)
    if not {*config.archives} == {*measurements.archives} == {*measurements.splits}:
        raise mnist_family.fault(
            str(path),
            f"splits {', '.join(measurements.splits)}",
            ", ".join(config.archives),
            f"run {command_line('measure', name)}",
        )
    for split, pair in config.archives.items():
        for measured, fact in zip(measurements.archives[split], pair, strict=True):
            _refuse_other_archive(path, name, measured, fact)
    kept = [*(splits or config.archives)]
    return dataclasses.replace(
        measurements,
        archives={split: measurements.archives[split] for split in kept},
        splits={split: measurements.splits[split] for split in kept},
        whole=measurements.splits,
    )


def _refuse_other_archive(
    path: Path, name: str, measured: MeasuredArchive, fact: mnist_family.Archive
) -> None:
    for key in ("file", "bytes", "sha256"):
        found, stated = getattr(measured, key), getattr(fact, key)
        if found != stated:
            raise mnist_family.fault(
                str(path),
                f"{key} {found}",
                f"{stated} as in mnist_family.py",
                f"run {command_line('measure', name)}",
            )

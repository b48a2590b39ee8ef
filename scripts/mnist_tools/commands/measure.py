"""Measure the archives of a dataset and write the figures for its card."""

import contextlib
import dataclasses
import io
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import mnist_family
from mnist_family import DiskSplit, PartedSplit
from mnist_tools.cards.facts import clone_cards
from mnist_tools.cards.measurements import (
    MEASUREMENTS_FILE,
    Measurements,
    measure_splits,
    read_measurements,
    write_measurements,
)
from mnist_tools.cards.neighbours import refuse_many_pairs
from mnist_tools.cards.pictures import MEANS_FILE
from mnist_tools.cards.sheets import draw_means, mean_images
from mnist_tools.sample import write_sample_archives
from mnist_tools.shards.tally import tally_chunks
from mnist_tools.whole_file import write_whole


@dataclasses.dataclass(frozen=True)
class Measured:
    """Measurements, and where they were written.

    `means` is the picture of the class means; it is drawn only for the cards of a clone.
    `kept_neighbours` is True if the neighbours are those of an earlier run.
    """

    out: Path
    measurements: Measurements
    means: Path | None = None
    kept_neighbours: bool = False


class _Subject(NamedTuple):
    """What to measure: a config or a folder.

    `name` is the config, or with `by_path` the path of the folder. `config` lends its class names
    to a folder that has none of its own. `folder` is None for the mirrors and for a sample.
    """

    name: str
    config: str
    folder: Path | None
    sample: bool = False
    by_path: bool = False


def measure(
    name: str,
    *,
    archives: Path | None = None,
    sample: bool = False,
    out: Path | None = None,
    neighbours: bool = False,
) -> Measured:
    """Measure a dataset and write its figures to `out`.

    `name` is a config or a folder of archives. The archives of a config come from `archives`/NAME
    or `archives`, from a synthetic `sample`, or else from the mirrors.

    For a folder, `out` defaults to its measurements.json. For a config it defaults to
    cards/NAME/measurements.json in the clone, where the class means are drawn too; only published
    archives may be measured for that.

    `neighbours` also compares all test images with all training images. Without it, the neighbours
    in `out` are kept if they were measured in the same archives.

    ValueError for a wrong argument, broken archives, or if `out` is some other file.
    """
    subject = _find_subject(name, archives, sample)
    target = out or _default_out(subject)
    before = _read_earlier(target)
    with _drawn_if_sample(subject) as folder:
        splits = mnist_family.verified_splits(subject.config, folder)
        for_card = out is None and not subject.by_path
        if for_card:
            _refuse_unpublished(subject, splits)
        if neighbours:
            _refuse_other_splits(subject, splits)
            refuse_many_pairs(splits["train"], splits["test"])
        measurements = measure_splits(subject.name, splits, neighbours)
        means = _draw_means(subject, splits) if for_card else None
    kept = None
    if not neighbours and before and before.archives == measurements.archives:
        kept = before.neighbours
        measurements = dataclasses.replace(measurements, neighbours=kept)
    write_measurements(target, measurements)
    measured = Measured(target, measurements, kept_neighbours=kept is not None)
    if means is None:
        return measured
    picture = target.with_name(MEANS_FILE)
    write_whole(picture, means)
    return dataclasses.replace(measured, means=picture)


def run(
    name: str,
    archives: Path | None,
    sample: bool,
    out: Path | None,
    neighbours: bool,
) -> int:
    """Measure a dataset, then print what was written."""
    measured = measure(name, archives=archives, sample=sample, out=out, neighbours=neighbours)
    splits = measured.measurements.splits.items()
    rows = ", ".join(f"{figures.rows:,} {split} rows" for split, figures in splits)
    print(f"{measured.out}: written, {rows}")
    if measured.kept_neighbours:
        print("neighbours: kept from the last run, as the archives are the same")
    if measured.means:
        print(f"{measured.means}: written, the mean image of each class")
    return 0


# --- What to measure ------------------------------------------------------------------------------


def _find_subject(name: str, archives: Path | None, sample: bool) -> _Subject:
    names = [config.name for config in mnist_family.CONFIGS]
    if name not in names:
        return _find_folder(name, names, archives, sample)
    if archives is None:
        return _Subject(name, name, None, sample)
    if sample:
        found = "both --sample and --archives"
        raise mnist_family.fault(name, found, "one of the two", "leave one out")
    folder = archives.expanduser()
    inside = folder / name
    return _Subject(name, name, inside if inside.is_dir() else folder)


def _find_folder(name: str, names: list[str], archives: Path | None, sample: bool) -> _Subject:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        expected = f"{', '.join(names)}, or a folder of archives"
        raise mnist_family.fault(name, "no such dataset or folder", expected, "correct the name")
    if archives is not None or sample:
        option = "--sample" if sample else "--archives"
        expected = f"one of {', '.join(names)}"
        raise mnist_family.fault(name, f"a folder, with {option}", expected, f"leave {option} out")
    return _Subject(str(folder), _config_of(folder), folder, by_path=True)


def _config_of(folder: Path) -> str:
    """Return the config whose published archives are in a folder, or else the first config.

    For other archives, the config only lends its class names to a folder that has none; those of
    the first config are digits.
    """
    for split in mnist_family.locate(folder).splits:
        _, published = mnist_family.inspect(split.parts[0])
        if published:
            return str(published.config.name)
    return str(mnist_family.CONFIGS[0].name)


@contextlib.contextmanager
def _drawn_if_sample(subject: _Subject) -> Iterator[Path | None]:
    """Yield the folder of archives; for a sample, draw them first and delete them afterwards."""
    if not subject.sample:
        yield subject.folder
        return
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        write_sample_archives(temporary, [subject.name])
        yield Path(temporary, subject.name)


def _refuse_unpublished(subject: _Subject, splits: Mapping[str, DiskSplit | PartedSplit]) -> None:
    published = mnist_family.find_config(subject.config).archives
    if splits.keys() == published.keys() and all(split.official for split in splits.values()):
        return
    raise mnist_family.fault(
        str(subject.folder),
        "not the published archives",
        f"all those of {subject.name}, for the figures in cards/",
        "give --out FILE to measure other archives",
    )


def _refuse_other_splits(subject: _Subject, splits: Mapping[str, DiskSplit | PartedSplit]) -> None:
    if {"train", "test"} <= {*splits}:
        return
    raise mnist_family.fault(
        str(subject.folder),
        f"splits {', '.join(splits)}",
        "train and test for --neighbours",
        "add the missing archives, or leave --neighbours out",
    )


# --- What to write --------------------------------------------------------------------------------


def _default_out(subject: _Subject) -> Path:
    if subject.by_path:
        return Path(subject.name, MEASUREMENTS_FILE)
    if subject.sample:
        raise mnist_family.fault(
            subject.name, "a synthetic sample", "--out FILE with it", "add --out"
        )
    return clone_cards() / subject.name / MEASUREMENTS_FILE


def _read_earlier(out: Path) -> Measurements | None:
    """Read the measurements in `out`, if any; ValueError if `out` cannot be written over."""
    if not out.parent.is_dir():
        raise mnist_family.fault(
            str(out.parent), "no such folder", f"a folder for {out.name}", "create it"
        )
    if not out.exists():
        return None
    if not out.is_file():
        raise mnist_family.fault(
            str(out), "not a file", "a JSON file to write", "give --out the name of a file"
        )
    remedy = "choose another file with --out, or remove this one"
    return read_measurements(out, remedy=remedy)


def _draw_means(subject: _Subject, splits: Mapping[str, DiskSplit | PartedSplit]) -> bytes:
    """Draw the class means of the first split; return a PNG file."""
    split = next(iter(splits.values()))
    class_names = mnist_family.find_config(subject.config).class_names
    picture = io.BytesIO()
    tally = tally_chunks(mnist_family.read_chunks(split), split.num_classes)
    draw_means(class_names, mean_images(tally)).save(picture, "png", optimize=True)
    return picture.getvalue()

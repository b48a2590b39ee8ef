"""Measure the archives of a dataset, and write the figures that its card shows."""

import contextlib
import dataclasses
import io
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import mnist_family
from mnist_family import DiskSplit
from mnist_tools.cards.facts import clone_cards
from mnist_tools.cards.measurements import (
    MEASUREMENTS_FILE,
    Measurements,
    measure_splits,
    read_measurements,
    write_measurements,
)
from mnist_tools.cards.pictures import draw_means
from mnist_tools.sample import write_sample_archives
from mnist_tools.whole_file import write_whole

MEANS = "means.png"  # beside the measurements of a published dataset


@dataclasses.dataclass(frozen=True)
class Measured:
    """Measurements, and where they were written.

    `means` is the picture of class means, drawn for a card of the clone only. `kept_neighbours`
    tells that the neighbours are those of an earlier run.
    """

    out: Path
    measurements: Measurements
    means: Path | None = None
    kept_neighbours: bool = False


class _Subject(NamedTuple):
    """What to measure: a config, or a folder with the class names of one.

    `folder` is None for the mirrors and for a sample.
    """

    name: str
    config: str
    folder: Path | None
    sample: bool = False


def measure(
    name: str,
    *,
    archives: Path | None = None,
    sample: bool = False,
    out: Path | None = None,
    neighbours: bool = False,
) -> Measured:
    """Measure a dataset and write its figures to `out`.

    `name` is a config or a folder of archives. A config's archives are those in `archives` or
    `archives`/NAME, a synthetic `sample`, or the published ones from the mirrors. By default `out`
    is cards/NAME/measurements.json of the clone, for published archives only, where the class means
    are drawn too; or measurements.json in the folder. `neighbours` also compares all test images
    with all training images; without it, neighbours that `out` already has of the same archives are
    kept. ValueError if `out` is there and no measurement.
    """
    subject = _find_subject(name, archives, sample)
    target = out or _default_out(subject)
    before = _read_earlier(target)
    with _drawn_if_sample(subject) as folder:
        splits = mnist_family.verified_splits(subject.config, folder)
        for_card = out is None and subject.name == subject.config
        if for_card:
            _refuse_unpublished(subject, splits)
        if neighbours:
            _refuse_other_splits(subject, splits)
        measurements = measure_splits(subject.name, splits, neighbours)
        means = _draw_means(subject, splits) if for_card else None
    kept = None
    if not neighbours and before and before.archives == measurements.archives:
        kept = before.neighbours
        measurements = dataclasses.replace(measurements, neighbours=kept)
    write_measurements(target, measurements)
    picture = target.with_name(MEANS) if means else None
    if picture and means:
        write_whole(picture, means)
    return Measured(target, measurements, picture, kept_neighbours=kept is not None)


def run(
    name: str,
    archives: Path | None,
    sample: bool,
    out: Path | None,
    neighbours: bool,
) -> int:
    """Measure a dataset and print what was written."""
    measured = measure(name, archives=archives, sample=sample, out=out, neighbours=neighbours)
    splits = measured.measurements.splits.items()
    rows = ", ".join(f"{figures.rows:,} {split} rows" for split, figures in splits)
    print(f"{measured.out}: written, {rows}")
    if measured.kept_neighbours:
        print("neighbours: kept from before, since the archives are the same")
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
        raise mnist_family.fault(
            name, "both --sample and --archives", "one of them", "leave one of them out"
        )
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
    return _Subject(str(folder), _config_of(folder), folder)


def _config_of(folder: Path) -> str:
    """Return the config whose published archives a folder has.

    For other archives any config would do: it only lends its class names to a folder without its
    own, and the first has digits.
    """
    for split in mnist_family.locate(folder).splits:
        _, published = mnist_family.inspect(split)
        if published:
            return str(published.config.name)
    return str(mnist_family.CONFIGS[0].name)


@contextlib.contextmanager
def _drawn_if_sample(subject: _Subject) -> Iterator[Path | None]:
    """Yield the folder of archives; that of a sample is drawn now and deleted in the end."""
    if not subject.sample:
        yield subject.folder
        return
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        write_sample_archives(temporary, [subject.name])
        yield Path(temporary, subject.name)


def _refuse_unpublished(subject: _Subject, splits: Mapping[str, DiskSplit]) -> None:
    published = mnist_family.find_config(subject.config).archives
    if splits.keys() == published.keys() and all(split.official for split in splits.values()):
        return
    raise mnist_family.fault(
        str(subject.folder),
        "not the published archives",
        f"all of {subject.name}'s for the figures in cards/",
        "give --out FILE for the figures of others",
    )


def _refuse_other_splits(subject: _Subject, splits: Mapping[str, DiskSplit]) -> None:
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
    if subject.name != subject.config:
        return Path(subject.name, MEASUREMENTS_FILE)
    if subject.sample:
        raise mnist_family.fault(
            subject.name, "a synthetic sample", "--out FILE for its figures", "name a file"
        )
    return clone_cards() / subject.name / MEASUREMENTS_FILE


def _read_earlier(out: Path) -> Measurements | None:
    """Read the measurements that `out` has; ValueError if it is something else, or has no place."""
    if not out.parent.is_dir():
        raise mnist_family.fault(
            str(out.parent), "no such folder", f"one to write {out.name} to", "make it"
        )
    if not out.exists():
        return None
    if not out.is_file():
        raise mnist_family.fault(
            str(out), "not a file", "a JSON file to write", "give --out a file's name"
        )
    return read_measurements(out)


def _draw_means(subject: _Subject, splits: Mapping[str, DiskSplit]) -> bytes:
    """Draw the class means of the first split, as a PNG file."""
    split = next(iter(splits.values()))
    class_names = mnist_family.find_config(subject.config).class_names
    picture = io.BytesIO()
    draw_means(class_names, mnist_family.read_chunks(split)).save(picture, "png", optimize=True)
    return picture.getvalue()

"""Verify the rows of a build: every dataset ends as splits on disk that the loader has checked."""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import datasets
from tqdm import tqdm

import mnist_family
from mnist_family import (
    CLASS_NAME_FILES,
    UNLABELLED,
    Chunk,
    DiskSplit,
    PartedSplit,
    fault,
)
from mnist_tools.cards.dataset import Kind
from mnist_tools.cards.facts import DatasetFacts
from mnist_tools.cards.measurements import (
    MEASUREMENTS_FILE,
    Measurements,
    committed,
    read_measurements,
)
from mnist_tools.causes import naming_dataset
from mnist_tools.formats.class_names import DIGITS
from mnist_tools.formats.labels import refuse_other_labels
from mnist_tools.formats.source import Reader, Source, WriteOptions, write_splits
from mnist_tools.manifest import hash_file
from mnist_tools.origin import PUBLISHED, Origin
from mnist_tools.sample import write_sample_archives
from mnist_tools.source_files import SourceFile


@dataclasses.dataclass(frozen=True)
class VerifiedDataset:
    """A dataset whose rows have been checked and wait to be written.

    `kind` is "published" only if all splits are the publisher's own. `folder` holds the archives;
    it is None for those in the download cache, and `is_temporary` if it was made for this build.
    `facts` are those of somebody's own dataset. `measurements` are None if these archives have not
    been measured yet. `files` are what the rows were converted from, if that was not archives, and
    `adjustments` are sentences on how reading them changed the images.
    `fingerprint` changes with what the dataset is made from.
    """

    name: str
    kind: Kind
    folder: Path | None
    is_temporary: bool
    splits: Mapping[str, DiskSplit | PartedSplit]
    class_names: tuple[str, ...]
    facts: DatasetFacts | None
    measurements: Measurements | None
    files: tuple[SourceFile, ...]
    adjustments: tuple[str, ...]
    fingerprint: str


@contextlib.contextmanager
def verified(
    origins: Sequence[Origin], scratch: Path, *, out: Path, sample: bool = False
) -> Iterator[list[VerifiedDataset]]:
    """Yield the datasets of a build in order.

    Rows that are drawn or converted are kept in a folder in `scratch` and deleted afterwards; an
    error that concerns them names `out`. ValueError for broken archives or data; OSError if
    something cannot be read or written, or if no mirror has an archive.
    """
    with tempfile.TemporaryDirectory(prefix=".archives-", dir=scratch) as temporary:
        ready = []
        for origin in origins:
            writing_to = out if origin.path else datasets.config.HF_DATASETS_CACHE
            with naming_dataset(origin.name, writing_to), _naming_out(out, Path(temporary)):
                ready.append(_verify(origin, Path(temporary), sample=sample))
        yield ready


@contextlib.contextmanager
def _naming_out(out: Path, temporary: Path) -> Iterator[None]:
    """Name `out` in an error of the system that names a file in a temporary folder."""
    try:
        yield
    except OSError as error:
        if error.errno and str(temporary) in str(error.filename):
            raise OSError(error.errno, os.strerror(error.errno), str(out)) from None
        raise


def _verify(origin: Origin, temporary: Path, *, sample: bool) -> VerifiedDataset:
    folder = origin.path
    if sample:
        write_sample_archives(temporary, [origin.name])
    if origin.source is not None:
        _write_archives(origin.path, origin.source, temporary / origin.name)
    if sample or origin.source is not None:
        folder = temporary / origin.name
    splits = _verified_splits(origin, folder)
    kind: Kind = "synthetic" if sample else "own"
    if all(split.official for split in splits.values()):
        kind = "published"
    return VerifiedDataset(
        name=origin.name,
        kind=kind,
        folder=folder,
        is_temporary=sample or origin.source is not None,
        splits=splits,
        class_names=_class_names(origin, folder, splits),
        facts=origin.facts,
        measurements=_known_measurements(origin, kind, splits),
        files=origin.files,
        adjustments=origin.source.fitting.changes if origin.source else (),
        fingerprint=origin.fingerprint,
    )


# --- Archives -------------------------------------------------------------------------------------


def _verified_splits(origin: Origin, folder: Path | None) -> dict[str, DiskSplit | PartedSplit]:
    """Verify the splits; errors name the source, not the archives that it was converted to."""
    try:
        return mnist_family.verified_splits(origin.name, folder)
    except ValueError as error:
        if origin.source is None:
            raise
        _, _, found = str(error).partition(": ")
        raise ValueError(f"{origin.path}: {found}") from None


def _class_names(
    origin: Origin, folder: Path | None, splits: Mapping[str, DiskSplit | PartedSplit]
) -> tuple[str, ...]:
    if folder is not None:
        located = mnist_family.locate(folder)
        if located.class_names is not None:
            return located.class_names.names
    if origin.name in PUBLISHED:
        return PUBLISHED[origin.name].class_names
    num_classes = next(iter(splits.values())).num_classes
    return tuple(str(label) for label in range(num_classes))


def _write_archives(path: Path | None, source: Source, folder: Path) -> None:
    """Convert the source at `path` to archives; ValueError for labels outside its classes.

    Without class names, the loader will number the classes.
    """
    folder.mkdir()
    names = source.class_names.names
    is_named = source.class_names != DIGITS
    num_classes = len(names) if is_named else UNLABELLED
    readers: dict[str, Reader] = {
        split: partial(_checked, f"{path}, {split}", reader, num_classes)
        for split, reader in source.splits.items()
    }
    write_splits(folder, "idx", readers, names, WriteOptions(compressed_idx=False))
    if not is_named:
        for file in CLASS_NAME_FILES:
            (folder / file).unlink(missing_ok=True)


def _checked(subject: str, reader: Reader, num_classes: int) -> Iterator[Chunk]:
    """Yield the rows of a split. ValueError for a label outside the classes, or without rows."""
    row = 0
    with tqdm(desc=f"Reading {subject}", unit=" rows", unit_scale=True, leave=False) as bar:
        for chunk in reader():
            named = "in labels.txt beside the data"
            refuse_other_labels(chunk.labels, num_classes, subject, first_row=row, named=named)
            row += len(chunk.labels)
            bar.update(len(chunk.labels))
            yield chunk
    if not row:
        raise fault(subject, "no rows", "at least one", "remove the split")


# --- Measurements ---------------------------------------------------------------------------------


def _known_measurements(
    origin: Origin, kind: Kind, splits: Mapping[str, DiskSplit | PartedSplit]
) -> Measurements | None:
    """Return what somebody has measured in these archives before, or None."""
    if kind == "published":
        return committed(origin.name, splits)
    if origin.path is None or origin.facts is None or origin.source is not None:
        return None
    path = origin.path / MEASUREMENTS_FILE
    if not path.is_file():
        return None
    measurements = read_measurements(path)
    return measurements if _are_of(measurements, splits) else None


def _are_of(measurements: Measurements, splits: Mapping[str, DiskSplit | PartedSplit]) -> bool:
    """Check whether these archives, with as many classes, were measured."""
    if measurements.archives.keys() != splits.keys() or measurements.splits.keys() != splits.keys():
        return False
    return all(
        len(measurements.splits[name].class_counts) == split.num_classes
        and [archive.sha256 for archive in measurements.archives[name]]
        == [hash_file(path) for part in split.parts for path in (part.images, part.labels)]
        for name, split in splits.items()
    )

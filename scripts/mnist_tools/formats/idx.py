"""IDX: an archive of images and one of labels for each split, as MNIST is published."""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mnist_family import (
    IMAGE_SHAPE,
    UNLABELLED,
    ClassNames,
    DiskSplit,
    LocatedSplit,
    PublishedArchive,
    fault,
    inspect,
    locate,
    read_chunks,
    write_idx,
)
from mnist_tools.formats.class_names import DIGITS, first_named, write_class_names
from mnist_tools.formats.files import is_litter, refuse_wrong_file
from mnist_tools.formats.source import Reader, Request, Source, WriteOptions
from mnist_tools.formats.split_names import SplitFile, name_splits
from mnist_tools.formats.spool import spooled

TITLE: str = "IDX"
ARCHIVE = re.compile(r"(?P<stem>.+)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")


def detect(path: Path) -> bool:
    """Tell whether a folder or file has the name of an IDX archive."""
    names = os.listdir(path) if path.is_dir() else [path.name]
    return any(ARCHIVE.fullmatch(name) for name in names if not is_litter(name))


def read(request: Request) -> Source:
    """Open the archives in a folder, including Datumaro's with their count of images × 784."""
    path = request.path
    if path.is_file():
        expected = "the folder that has both images and labels"
        raise fault(str(path), "one archive", expected, f"give {path.parent}")
    located = locate(path)
    for split in located.splits:
        refuse_wrong_file(Path(split.images), "an IDX archive")
        refuse_wrong_file(Path(split.labels), "an IDX archive")
    inspected = [inspect(split) for split in located.splits]
    names = first_named(
        option=request.class_names,
        inside=None,
        beside=located.class_names,
        default=_published_names([published for _, published in inspected]),
    )
    classes = max(UNLABELLED, len(names.names))  # labels of no class are refused by their reader
    splits = [dataclasses.replace(split, num_classes=classes) for split, _ in inspected]
    named = name_splits([_file_of(split) for split in located.splits], path)
    readers = {
        name: partial(read_chunks, split) for name, split in zip(named.names, splits, strict=True)
    }
    notes = named.notes + tuple(_datumaro_note(split) for split in splits if _is_datumaros(split))
    return Source(TITLE, readers, names, notes)


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write the two archives of each split; a label of -1 becomes 255."""
    for split, reader in splits.items():
        stem = {"test": "t10k"}.get(split, split)
        with spooled(reader, folder) as rows:
            if len(class_names) > UNLABELLED and (rows.labels < 0).any():
                found = f"a row without a label among {len(class_names)} classes"
                expected = f"none, since {UNLABELLED} is the number of a class"
                raise fault(
                    f"IDX, {split}", found, expected, "leave a class out with --only-classes"
                )
            shape = (len(rows.labels), *IMAGE_SHAPE)
            write_idx(folder / f"{stem}-images-idx3-ubyte.gz", rows.image_blocks(), shape=shape)
            labels = np.where(rows.labels < 0, UNLABELLED, rows.labels).astype(np.uint8)
            write_idx(folder / f"{stem}-labels-idx1-ubyte.gz", labels)
    write_class_names(folder, class_names)
    return ()


def _published_names(published: Sequence[PublishedArchive | None]) -> ClassNames:
    for archive in published:
        if archive is not None:
            return ClassNames(archive.config.class_names, archive.config.title)
    return DIGITS


def _file_of(split: LocatedSplit) -> SplitFile:
    name = os.path.basename(split.images)
    match = ARCHIVE.fullmatch(name)
    return SplitFile(match["stem"] if match else split.name, name)


def _is_datumaros(split: DiskSplit) -> bool:
    return split.header_images != split.rows


def _datumaro_note(split: DiskSplit) -> str:
    return (
        f"{split.images}: its header has {split.header_images:,} images, which is "
        f"{split.rows:,} × 784 as Datumaro writes it; read as {split.rows:,}"
    )

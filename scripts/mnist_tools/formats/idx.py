"""IDX: one archive of images and one of labels per split, as MNIST is published."""

import dataclasses
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_family import (
    IMAGE_SHAPE,
    UNLABELLED,
    Chunk,
    ClassNames,
    DiskSplit,
    LocatedSplit,
    PartName,
    PublishedArchive,
    digest_archive,
    fault,
    inspect,
    order_parts,
    read_chunks,
    read_part_name,
    write_idx,
)
from mnist_tools.formats.class_names import DIGITS, first_named, names_beside, write_class_names
from mnist_tools.formats.files import is_litter, refuse_wrong_file
from mnist_tools.formats.idx_foreign import Foreign, open_foreign, read_foreign
from mnist_tools.formats.images import Fitting
from mnist_tools.formats.source import Reader, Request, Source, WriteOptions, make_source
from mnist_tools.formats.split_names import SplitFile, name_splits
from mnist_tools.formats.spool import spooled
from mnist_tools.lists import name_some

TITLE: str = "IDX"
ARCHIVE = re.compile(r"(?P<stem>.+)-(?P<kind>images|labels)[-.]idx[1-3]-(ubyte|int)(\.gz)?")


class _Opened(NamedTuple):
    """A split whose headers have been read."""

    split: DiskSplit | Foreign
    published: PublishedArchive | None
    notes: tuple[str, ...]


class Pair(NamedTuple):
    """The archives of a split, and the stem of their names."""

    stem: str
    images: Path
    labels: Path


def detect(path: Path) -> bool:
    """Check whether `path` is named like an IDX archive, or is a folder with some."""
    return bool(archives_in(path))


def archives_in(path: Path) -> list[str]:
    """List the names of archives in a folder, sorted, or the name of `path` if it is one."""
    names = sorted(os.listdir(path)) if path.is_dir() else [path.name]
    return [name for name in names if ARCHIVE.fullmatch(name) and not is_litter(name)]


def read(request: Request) -> Source:
    """Open the archives in a folder; Datumaro's headers may give the number of images × 784."""
    path = request.path
    if path.is_file():
        expected = "the folder that has both images and labels"
        raise fault(str(path), "one archive", expected, f"give {path.parent}")
    splits = _find_splits(path)
    files = [SplitFile(stem, parts[0].images.name) for stem, parts in splits.items()]
    named = name_splits(files, path)
    in_parts = [
        [_open_pair(pair, name, request.resize) for pair in parts]
        for parts, name in zip(splits.values(), named.names, strict=True)
    ]
    opened = [*itertools.chain(*in_parts)]
    names = first_named(
        option=request.class_names,
        inside=None,
        beside=names_beside(path),
        default=_published_names([each.published for each in opened]),
    )
    return make_source(
        TITLE,
        named,
        [partial(_chunks_of_parts, parts, len(names.names), request.fitting) for parts in in_parts],
        names,
        resized=any(isinstance(each.split, Foreign) and each.split.resized for each in opened),
        notes=[note for each in opened for note in each.notes],
    )


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write the two archives of each split, or of each of its parts; a label of -1 becomes 255."""
    suffix = "ubyte.gz" if options.compressed_idx else "ubyte"
    for split, reader in splits.items():
        with spooled(reader, folder) as rows:
            if len(class_names) > UNLABELLED and (rows.labels < 0).any():
                found = f"a row without a label among {len(class_names)} classes"
                expected = f"none, since {UNLABELLED} is the number of a class"
                raise fault(
                    f"IDX, {split}", found, expected, "leave a class out with --only-classes"
                )
            labels = np.where(rows.labels < 0, UNLABELLED, rows.labels).astype(np.uint8)
            for stem, start, stop in _divide(split, len(labels), options.rows_per_file):
                images_name, labels_name = archive_names(stem, suffix)
                blocks, shape = rows.image_blocks(start, stop), (stop - start, *IMAGE_SHAPE)
                write_idx(folder / images_name, blocks, shape=shape)
                write_idx(folder / labels_name, labels[start:stop])
    write_class_names(folder, class_names)
    return ()


def archive_names(split: str, suffix: str = "ubyte.gz") -> tuple[str, str]:
    """Return the names of a split's archives: images, then labels."""
    stem = _stem_of(split)
    return f"{stem}-images-idx3-{suffix}", f"{stem}-labels-idx1-{suffix}"


def _stem_of(split: str) -> str:
    return "t10k" if split == "test" else split


def _divide(split: str, rows: int, rows_per_file: int | None) -> Iterator[tuple[str, int, int]]:
    """Yield (stem, start, stop) for each pair of archives of a split; a single one is whole."""
    if rows_per_file is None or rows <= rows_per_file:
        yield split, 0, rows
        return
    stem = _stem_of(split)
    count = -(-rows // rows_per_file)
    for number in range(count):
        start = number * rows_per_file
        yield f"{stem}-{number:05}-of-{count:05}", start, min(start + rows_per_file, rows)


def _published_names(published: Sequence[PublishedArchive | None]) -> ClassNames:
    for archive in published:
        if archive is not None:
            return ClassNames(archive.config.class_names, archive.config.title)
    return DIGITS


def _find_splits(folder: Path) -> dict[str, tuple[Pair, ...]]:
    """Return the parts of each split, of which most have one, by the stem of their names."""
    found: dict[str, dict[PartName, Pair]] = {}
    for pair in _find_pairs(folder):
        part = read_part_name(pair.stem)
        found.setdefault(part.split, {})[part] = pair
    return {stem: order_parts(folder, parts) for stem, parts in found.items()}


def _find_pairs(folder: Path) -> list[Pair]:
    """Match images and labels. ValueError unless each split has both; equal copies are fine."""
    found: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(folder.iterdir()):
        match = ARCHIVE.fullmatch(file.name)
        if match and not is_litter(file.name) and not file.is_dir():
            found.setdefault((match["stem"], match["kind"]), []).append(file)
    pairs = []
    for stem in dict.fromkeys(stem for stem, _ in found):
        images, labels = found.get((stem, "images"), []), found.get((stem, "labels"), [])
        if not images or not labels:
            present = name_some([file.name for file in images or labels])
            expected = "images and labels of each split"
            raise fault(str(folder), f"{present} alone", expected, "add the missing file")
        pairs.append(Pair(stem, _only_copy(images), _only_copy(labels)))
    return pairs


def _only_copy(files: Sequence[Path]) -> Path:
    """Return one of several equal files, such as the .gz and raw file that torchvision keeps."""
    for file in files:
        refuse_wrong_file(file, "an IDX archive")
    if len(files) > 1 and len({digest_archive(file).md5 for file in files}) > 1:
        found = f"{name_some([file.name for file in files])} with different content"
        raise fault(str(files[0].parent), found, "one of them", "move the others elsewhere")
    return files[0]


def _open_pair(pair: Pair, name: str, resize: bool) -> _Opened:
    foreign = open_foreign(pair.images, pair.labels, resize=resize)
    if foreign is not None:
        return _Opened(foreign, None, foreign.notes)
    split, published = inspect(LocatedSplit(name, str(pair.images), str(pair.labels)))
    notes = (_datumaro_note(split),) if split.header_images != split.rows else ()
    return _Opened(split, published, notes)


def _chunks_of_parts(
    parts: Sequence[_Opened], num_classes: int, fitting: Fitting
) -> Iterator[Chunk]:
    for part in parts:
        yield from _chunks(part.split, num_classes, fitting)


def _chunks(split: DiskSplit | Foreign, num_classes: int, fitting: Fitting) -> Iterator[Chunk]:
    classes = max(UNLABELLED, num_classes)  # convert checks labels against the classes
    if isinstance(split, Foreign):
        return read_foreign(split, classes, fitting)
    return read_chunks(dataclasses.replace(split, num_classes=classes))


def _datumaro_note(split: DiskSplit) -> str:
    return (
        f"{split.images}: its header has {split.header_images:,} images, which is "
        f"{split.rows:,} × 784 as Datumaro writes it; read as {split.rows:,}"
    )

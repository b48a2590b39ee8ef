"""IDX: one archive of images and one of labels per split, as MNIST is published."""

import contextlib
import dataclasses
import gzip
import os
import re
import struct
import zlib
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
    PublishedArchive,
    digest_archive,
    fault,
    inspect,
    read_chunks,
    read_idx,
    write_idx,
)
from mnist_tools.formats.class_names import DIGITS, first_named, names_beside, write_class_names
from mnist_tools.formats.files import is_litter, refuse_wrong_file, some
from mnist_tools.formats.images import PASS_RESIZE, RESIZED, fit_arrays, sizes
from mnist_tools.formats.source import ROWS_PER_CHUNK, Reader, Request, Source, WriteOptions
from mnist_tools.formats.split_names import SplitFile, name_splits
from mnist_tools.formats.spool import spooled

TITLE: str = "IDX"
ARCHIVE = re.compile(r"(?P<stem>.+)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
IMAGES_START = b"\0\0\x08\x03"


class _Opened(NamedTuple):
    """A split whose headers have been read; `split` is None if its images need scaling."""

    located: LocatedSplit
    split: DiskSplit | None
    published: PublishedArchive | None
    notes: tuple[str, ...]


class Pair(NamedTuple):
    """The archives of a split, and the stem of their names."""

    stem: str
    images: Path
    labels: Path


def detect(path: Path) -> bool:
    """Check whether `path` is named like an IDX archive, or is a folder with some."""
    names = os.listdir(path) if path.is_dir() else [path.name]
    return any(ARCHIVE.fullmatch(name) for name in names if not is_litter(name))


def read(request: Request) -> Source:
    """Open the archives in a folder; Datumaro's headers may give the number of images × 784."""
    path = request.path
    if path.is_file():
        expected = "the folder that has both images and labels"
        raise fault(str(path), "one archive", expected, f"give {path.parent}")
    pairs = _find_pairs(path)
    named = name_splits([SplitFile(pair.stem, pair.images.name) for pair in pairs], path)
    opened = [
        _open_pair(pair, name, request.resize)
        for pair, name in zip(pairs, named.names, strict=True)
    ]
    names = first_named(
        option=request.class_names,
        inside=None,
        beside=names_beside(path),
        default=_published_names([each.published for each in opened]),
    )
    readers = {
        name: partial(_chunks, each, len(names.names))
        for name, each in zip(named.names, opened, strict=True)
    }
    notes = [note for each in opened for note in each.notes]
    return Source(TITLE, readers, names, named.notes + tuple(notes))


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write the two archives of each split; a label of -1 becomes 255."""
    for split, reader in splits.items():
        images, numbers = (folder / name for name in archive_names(split))
        with spooled(reader, folder) as rows:
            if len(class_names) > UNLABELLED and (rows.labels < 0).any():
                found = f"a row without a label among {len(class_names)} classes"
                expected = f"none, since {UNLABELLED} is the number of a class"
                raise fault(
                    f"IDX, {split}", found, expected, "leave a class out with --only-classes"
                )
            shape = (len(rows.labels), *IMAGE_SHAPE)
            write_idx(images, rows.image_blocks(), shape=shape)
            labels = np.where(rows.labels < 0, UNLABELLED, rows.labels).astype(np.uint8)
            write_idx(numbers, labels)
    write_class_names(folder, class_names)
    return ()


def archive_names(split: str) -> tuple[str, str]:
    """Return the names of a split's archives: images, then labels."""
    stem = {"test": "t10k"}.get(split, split)
    return f"{stem}-images-idx3-ubyte.gz", f"{stem}-labels-idx1-ubyte.gz"


def _published_names(published: Sequence[PublishedArchive | None]) -> ClassNames:
    for archive in published:
        if archive is not None:
            return ClassNames(archive.config.class_names, archive.config.title)
    return DIGITS


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
            present = some([file.name for file in images or labels])
            expected = "images and labels of each split"
            raise fault(str(folder), f"{present} alone", expected, "add the missing file")
        pairs.append(Pair(stem, _only_copy(images), _only_copy(labels)))
    return pairs


def _only_copy(files: Sequence[Path]) -> Path:
    """Return one of several equal files, such as the .gz and raw file that torchvision keeps."""
    for file in files:
        refuse_wrong_file(file, "an IDX archive")
    if len(files) > 1 and len({digest_archive(file).md5 for file in files}) > 1:
        found = f"{some([file.name for file in files])} with different content"
        raise fault(str(files[0].parent), found, "one of them", "move the others elsewhere")
    return files[0]


def _open_pair(pair: Pair, name: str, resize: bool) -> _Opened:
    located = LocatedSplit(name, str(pair.images), str(pair.labels))
    size = _image_size(pair.images)
    if size != IMAGE_SHAPE:
        if not resize:
            raise fault(str(pair.images), f"images of {sizes(size)}", "28 × 28", PASS_RESIZE)
        return _Opened(located, None, None, (RESIZED,))
    split, published = inspect(located)
    notes = (_datumaro_note(split),) if split.header_images != split.rows else ()
    return _Opened(located, split, published, notes)


def _image_size(path: Path) -> tuple[int, ...]:
    """Return the height and width from a header of uint8 images; 28 × 28 for any other file."""
    with open(path, "rb") as raw, contextlib.suppress(OSError, EOFError, zlib.error):
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        head = gzip.GzipFile(fileobj=raw).read(16) if packed else raw.read(16)
        if head.startswith(IMAGES_START) and len(head) == 16:
            return struct.unpack(">2I", head[8:])
    return IMAGE_SHAPE


def _chunks(opened: _Opened, num_classes: int) -> Iterator[Chunk]:
    classes = max(UNLABELLED, num_classes)  # convert checks labels against the classes
    if opened.split is not None:
        yield from read_chunks(dataclasses.replace(opened.split, num_classes=classes))
        return
    path = opened.located.images
    images, labels = read_idx(path), read_idx(opened.located.labels)
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        found = f"labels of {labels.dtype} {sizes(labels.shape)}"
        remedy = "put files that belong together there"
        raise fault(opened.located.labels, found, f"uint8 {len(images):,}", remedy)
    for start in range(0, len(images), ROWS_PER_CHUNK):
        numbers = labels[start : start + ROWS_PER_CHUNK].astype(np.int64)
        if classes == UNLABELLED:
            numbers[numbers == UNLABELLED] = -1
        yield Chunk(fit_arrays(images[start : start + ROWS_PER_CHUNK], path, resize=True), numbers)


def _datumaro_note(split: DiskSplit) -> str:
    return (
        f"{split.images}: its header has {split.header_images:,} images, which is "
        f"{split.rows:,} × 784 as Datumaro writes it; read as {split.rows:,}"
    )

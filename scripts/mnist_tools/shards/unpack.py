"""Unpack large .gz archives once, because a reader of a .gz has to start at its beginning."""

import dataclasses
from pathlib import Path

from tqdm import tqdm

from mnist_family import (
    IMAGE_SHAPE,
    DiskSplit,
    LocatedSplit,
    PartedSplit,
    inspect,
    read_chunks,
    write_idx,
)


def unpack_large(
    split: DiskSplit | PartedSplit, folder: Path, most_rows: int
) -> DiskSplit | PartedSplit:
    """Unpack images that are in a .gz of more than `most_rows` rows; return the split to read.

    The unpacked files are written to `folder`. Labels stay packed: they are read 784 times as fast.
    """
    parts = tuple(
        _unpack(part, folder / f"{split.name}-{number:05}-images-idx3-ubyte", most_rows)
        for number, part in enumerate(split.parts)
    )
    return PartedSplit(split.name, parts) if isinstance(split, PartedSplit) else parts[0]


def _unpack(split: DiskSplit, images: Path, most_rows: int) -> DiskSplit:
    if not split.gzipped or split.rows <= most_rows:
        return split
    images.parent.mkdir(parents=True, exist_ok=True)
    with tqdm(
        (chunk.images for chunk in read_chunks(split)),
        desc=f"Unpacking {Path(split.images).name}",
        unit="k rows",
        leave=False,
    ) as chunks:
        write_idx(images, chunks, shape=(split.rows, *IMAGE_SHAPE))
    unpacked, _ = inspect(LocatedSplit(split.name, str(images), split.labels))
    return dataclasses.replace(unpacked, num_classes=split.num_classes)

"""Make archives of any number of rows from a few, with no two images equal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import mnist_family
from mnist_family import IMAGE_SHAPE, Chunk, DiskSplit, PartedSplit
from mnist_tools.shards.tally import LEVELS


def write_many_rows(split: DiskSplit | PartedSplit, rows: int, folder: Path) -> None:
    """Write raw archives of the split train with the rows of `split`, over and over.

    The first two pixels of an image, which are background, number the round that it belongs to.
    """
    labels = np.concatenate([chunk.labels for chunk in mnist_family.read_chunks(split)])
    folder.mkdir()
    images = (chunk.images for chunk in _repeat(split, rows))
    shape = (rows, *IMAGE_SHAPE)
    mnist_family.write_idx(folder / "train-images-idx3-ubyte", images, shape=shape)
    repeated = np.resize(labels.astype(np.uint8), rows)
    mnist_family.write_idx(folder / "train-labels-idx1-ubyte", repeated)


def _repeat(split: DiskSplit | PartedSplit, rows: int) -> Iterator[Chunk]:
    written = number = 0
    while written < rows:
        stop = min(split.rows, rows - written)
        for chunk in mnist_family.read_chunks(split, 0, stop):
            images = chunk.images.copy()
            images[:, 0, 0], images[:, 0, 1] = number % LEVELS, number // LEVELS
            yield Chunk(images, chunk.labels)
        written += stop
        number += 1

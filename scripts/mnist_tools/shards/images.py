"""Read the images of single rows back from shards."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
import PIL.Image
import pyarrow.parquet

from mnist_tools.shards.sidecar import Shard


def read_images(shards: Sequence[Shard], rows: Sequence[int]) -> dict[int, np.ndarray]:
    """Return the images of rows of a split, uint8 (28, 28), by row.

    Only the groups of rows that they are in are read.
    """
    images: dict[int, np.ndarray] = {}
    for shard in shards:
        inside = [row for row in rows if shard.task.start <= row < shard.task.stop]
        if inside:
            images.update(_read_from(shard, inside))
    return images


def _read_from(shard: Shard, rows: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    first = shard.task.start
    with pyarrow.parquet.ParquetFile(shard.task.path) as file:
        for group in range(file.num_row_groups):
            stop = first + file.metadata.row_group(group).num_rows
            inside = [row for row in rows if first <= row < stop]
            if inside:
                column = file.read_row_group(group, columns=["image"])["image"]
                found = column.take([row - first for row in inside]).to_pylist()
                for row, image in zip(inside, found, strict=True):
                    yield row, np.asarray(PIL.Image.open(io.BytesIO(image["bytes"])))
            first = stop

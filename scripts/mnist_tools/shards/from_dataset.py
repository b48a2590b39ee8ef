"""Write the rows of a loaded Dataset to Parquet files of a limited size."""

import math
from pathlib import Path

import datasets
import numpy as np
import pyarrow.compute

from mnist_family import fault
from mnist_tools.shards.rows_file import ROWS_PER_GROUP
from mnist_tools.shards.size import SplitSize

# Upper bounds of what Parquet adds, twice what was measured with `datasets` 2.19 to 5.2.
BYTES_PER_ROW = 30
BYTES_PER_FILE = 12_000
COPIES_OF_SCHEMA = 5  # it is stored several times, once as base64


def write_shards(folder: Path, split: str, rows: datasets.Dataset, max_bytes: int) -> SplitSize:
    """Write a split to as few shards as possible, each of at most `max_bytes`.

    The files are named `<split>-<number>-of-<count>.parquet`. Rows keep their order; the shards
    differ by at most one row.
    """
    count = _count_shards(rows, max_bytes)
    files = [folder / f"{split}-{number:05}-of-{count:05}.parquet" for number in range(count)]
    for number, file in enumerate(files):
        shard = rows.shard(count, number, contiguous=True)
        shard.to_parquet(str(file), batch_size=ROWS_PER_GROUP)
    return SplitSize(
        num_bytes=rows.info.splits[split].num_bytes,
        num_examples=len(rows),
        parquet_bytes=sum(file.stat().st_size for file in files),
    )


def _count_shards(rows: datasets.Dataset, max_bytes: int) -> int:
    """Return the smallest number of shards such that none can exceed `max_bytes`."""
    files = pyarrow.compute.struct_field(rows.data.column("image"), "bytes")
    sizes = np.asarray(pyarrow.compute.binary_length(files)) + BYTES_PER_ROW
    room = max_bytes - BYTES_PER_FILE - COPIES_OF_SCHEMA * len(str(rows.features).encode())
    if room < sizes.max():
        least = max_bytes - room + int(sizes.max())
        given = f"--max-shard-size of {max_bytes:,} bytes"
        raise fault(given, "too small for the class names", f"{least:,} or more", "correct it")
    ends = np.concatenate([[0], np.cumsum(sizes)])  # bytes before each row
    for count in range(math.ceil(ends[-1] / room), len(sizes)):
        rows_per_shard, longer = divmod(len(sizes), count)  # as Dataset.shard divides them
        lengths = [rows_per_shard + 1] * longer + [rows_per_shard] * (count - longer)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        if np.diff(ends[bounds]).max() <= room:
            return count
    return len(sizes)

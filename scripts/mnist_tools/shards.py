"""Split the rows of a dataset over Parquet files of a bounded size."""

import dataclasses
import math
from pathlib import Path

import datasets
import numpy as np
import pyarrow.compute
from datasets.utils.py_utils import convert_file_size_to_int

from mnist_family import fault

SMALLEST_SHARD = 100_000  # bytes
ROWS_PER_GROUP = 1000
# What Parquet adds, at the most, on `datasets` 2.19 to 5.2: half of that was seen.
BYTES_PER_ROW = 30
BYTES_PER_FILE = 12_000
COPIES_OF_SCHEMA = 5  # class names stand in it several times, once as base64


@dataclasses.dataclass(frozen=True)
class SplitSize:
    """The size of a built split: `num_bytes` is that of its Arrow table, without compression."""

    num_bytes: int
    num_examples: int
    parquet_bytes: int


def parse_shard_size(text: str) -> int:
    """Return the bytes that a size such as 500MB stands for; ValueError below 100KB."""
    try:
        size: int = convert_file_size_to_int(text)
    except ValueError:
        size = 0
    if size < SMALLEST_SHARD:
        given = f"--max-shard-size {text}"
        raise fault(given, "no such size", "100KB or more, such as 2MB or 500MB", "correct it")
    return size


def write_shards(folder: Path, split: str, rows: datasets.Dataset, max_bytes: int) -> SplitSize:
    """Write a split to as few `<split>-<number>-of-<count>.parquet` files as fit `max_bytes` each.

    The shards have the same number of rows, to within one, and keep their order.
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
    """Return the smallest number of shards of which none can be larger than `max_bytes`."""
    files = pyarrow.compute.struct_field(rows.data.column("image"), "bytes")
    sizes = np.asarray(pyarrow.compute.binary_length(files)) + BYTES_PER_ROW
    room = max_bytes - BYTES_PER_FILE - COPIES_OF_SCHEMA * len(str(rows.features).encode())
    if room < sizes.max():
        least = max_bytes - room + int(sizes.max())
        given = f"--max-shard-size of {max_bytes:,} bytes"
        raise fault(given, "too small for its class names", f"{least:,} or more", "correct it")
    ends = np.concatenate([[0], np.cumsum(sizes)])  # bytes up to each row
    for count in range(math.ceil(ends[-1] / room), len(sizes)):
        rows_per_shard, longer = divmod(len(sizes), count)
        lengths = [rows_per_shard + 1] * longer + [rows_per_shard] * (count - longer)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        if np.diff(ends[bounds]).max() <= room:
            return count
    return len(sizes)

"""The size of shards: how it is given, and how many rows it leaves room for."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from datasets.utils.py_utils import convert_file_size_to_int

from mnist_family import IMAGE_SHAPE, Chunk, DiskSplit, PartedSplit, fault
from mnist_tools.shards.rows_file import measure_rows_file, read_groups, schema_of, table_of

DEFAULT_SHARD_SIZE = "64MB"  # larger ones would leave cores without work below a million rows
SMALLEST_SHARD = 100_000  # bytes
LARGEST_ROW = 1_000  # bytes; the PNG file of an image that does not compress has 884
ADDED_TO_ROW = 30  # bytes, twice what Parquet adds to a PNG file at most
SAMPLE_BLOCKS = 16
ROWS_PER_BLOCK = 250


@dataclasses.dataclass(frozen=True)
class SplitSize:
    """The size of a built split; `num_bytes` is that of its Arrow table, uncompressed."""

    num_bytes: int
    num_examples: int
    parquet_bytes: int


@dataclasses.dataclass(frozen=True)
class Capacity:
    """The bytes of a shard that are left for rows."""

    max_bytes: int
    room: int

    def rows(self, bytes_per_row: float) -> int:
        """Return the number of rows that fit, at least 1."""
        return max(1, int(self.room / bytes_per_row))


def parse_shard_size(text: str) -> int:
    """Convert a size such as "64MB" to bytes; ValueError below 100KB."""
    try:
        size: int = convert_file_size_to_int(text)
    except ValueError:
        size = 0
    if size < SMALLEST_SHARD:
        given = f"--max-shard-size {text}"
        raise fault(given, "not a valid size", "at least 100KB, as in 2MB or 500MB", "correct it")
    return size


def measure_capacity(max_bytes: int, class_names: Sequence[str]) -> Capacity:
    """Measure the room that class names leave for rows; ValueError if it is not enough for one.

    Every file holds the class names several times.
    """
    room = max_bytes - _overhead(class_names)
    if room < LARGEST_ROW:
        given = f"--max-shard-size of {max_bytes:,} bytes"
        least = f"{max_bytes - room + LARGEST_ROW:,} or more"
        raise fault(given, "too small for the class names", least, "correct it")
    return Capacity(max_bytes, room)


def estimate_row_bytes(split: DiskSplit | PartedSplit, class_names: Sequence[str]) -> float:
    """Estimate how many bytes a row takes where the split is heaviest.

    Blocks of rows, spread evenly over the split, are written to files of their own. Images of some
    classes take more bytes, and rows may be sorted by class, so a mean would not do.
    """
    schema = schema_of(class_names)
    overhead = _overhead(class_names)
    heaviest = 0.0
    for start in _block_starts(split.rows):
        stop = min(start + ROWS_PER_BLOCK, split.rows)
        tables = [table_of(chunk, schema) for chunk in read_groups(split, start, stop)]
        size = measure_rows_file(tables, schema) - overhead
        heaviest = max(heaviest, size / (stop - start))
    return heaviest


def divide_rows(rows: int, count: int) -> list[int]:
    """Return the bounds of `count` ranges, which differ by at most one row: count + 1 numbers."""
    return [rows * number // count for number in range(count + 1)]


def count_shards(row_bytes: np.ndarray, room: int) -> int:
    """Return the smallest number of even shards none of which takes more than `room` bytes."""
    ends = np.concatenate([[0], np.cumsum(row_bytes)])  # bytes before each row
    for count in range(max(1, math.ceil(ends[-1] / room)), len(row_bytes)):
        if np.diff(ends[divide_rows(len(row_bytes), count)]).max() <= room:
            return count
    return len(row_bytes)


def _overhead(class_names: Sequence[str]) -> int:
    """Return the size of a file with a single row, which is blank."""
    blank = Chunk(np.zeros((1, *IMAGE_SHAPE), np.uint8), np.zeros(1, np.int64))
    schema = schema_of(class_names)
    return measure_rows_file([table_of(blank, schema)], schema)


def _block_starts(rows: int) -> list[int]:
    """Return the first row of each block; blocks overlap in a small split."""
    last = max(0, rows - ROWS_PER_BLOCK)
    starts = {last * block // (SAMPLE_BLOCKS - 1) for block in range(SAMPLE_BLOCKS)}
    return sorted(starts)

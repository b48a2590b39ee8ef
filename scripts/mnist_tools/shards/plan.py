"""Plan the shards of a dataset: which rows go into which file."""

import dataclasses
import functools
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import datasets
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet

import mnist_family
from mnist_family import DiskSplit, PartedSplit
from mnist_tools.shards.sidecar import Shard
from mnist_tools.shards.size import (
    ADDED_TO_ROW,
    LARGEST_ROW,
    count_shards,
    divide_rows,
    estimate_row_bytes,
    measure_capacity,
)
from mnist_tools.shards.task import UNPACKED, ShardTask
from mnist_tools.shards.unpack import unpack_large


@dataclasses.dataclass(frozen=True)
class RowSource:
    """A dataset to write: verified splits, their class names, and a digest of the input."""

    config: str
    splits: Mapping[str, DiskSplit | PartedSplit]
    class_names: tuple[str, ...]
    fingerprint: str


def plan_shards(folder: Path, source: RowSource, max_bytes: int) -> list[ShardTask]:
    """Divide each split into as few shards of at most `max_bytes` as a sample of its rows says.

    The plan depends on nothing but the rows, the class names and `max_bytes`. Rows keep their
    order; the shards of a split differ by at most one row. A .gz that several shards will be read
    from is unpacked in `folder`. ValueError if the class names leave no room for rows.
    """
    capacity = measure_capacity(max_bytes, source.class_names)
    tasks = []
    for split in source.splits.values():
        row_bytes: float = LARGEST_ROW
        if split.rows > capacity.rows(LARGEST_ROW):
            place = folder / UNPACKED / source.config
            split = unpack_large(split, place, capacity.rows(LARGEST_ROW))
            row_bytes = estimate_row_bytes(split, source.class_names)
        count = -(-split.rows // capacity.rows(row_bytes))
        tasks += _divide(folder, source, split, count)
    return tasks


def plan_smaller(shards: Sequence[Shard], source: RowSource, max_bytes: int) -> list[ShardTask]:
    """Divide a split again, as one of its `shards` is larger than `max_bytes`.

    The new plan has more shards, and the files show how large each row is.
    """
    first = shards[0].task
    room = measure_capacity(max_bytes, source.class_names).room
    count = max(len(shards) + 1, count_shards(_read_row_bytes(shards), room))
    return _divide(Path(first.folder), source, first.split, count)


def _read_row_bytes(shards: Sequence[Shard]) -> np.ndarray:
    """Return upper bounds of the bytes that each row takes, int64 (rows,)."""
    lengths = []
    for shard in shards:
        images = pyarrow.parquet.read_table(shard.task.path, columns=["image"])["image"]
        files = pyarrow.compute.struct_field(images, "bytes")
        lengths.append(np.asarray(pyarrow.compute.binary_length(files), np.int64))
    return np.concatenate(lengths) + ADDED_TO_ROW


def _divide(
    folder: Path, source: RowSource, split: DiskSplit | PartedSplit, count: int
) -> list[ShardTask]:
    bounds = divide_rows(split.rows, count)
    return [
        ShardTask(
            folder=str(folder),
            config=source.config,
            split=split,
            class_names=source.class_names,
            number=number,
            count=count,
            start=bounds[number],
            stop=bounds[number + 1],
            fingerprint=_fingerprint(source, split.name, bounds[number], bounds[number + 1]),
        )
        for number in range(count)
    ]


def _fingerprint(source: RowSource, split: str, start: int, stop: int) -> str:
    """Return a digest of everything that the bytes of a shard depend on."""
    made_of = _environment(), source.fingerprint, source.class_names, split, start, stop
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


@functools.cache
def _environment() -> str:
    """Return a digest of the code and the releases that write shards."""
    code = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    releases = (
        datasets.__version__,
        pyarrow.__version__,
        np.__version__,
        zlib.ZLIB_RUNTIME_VERSION,
    )
    made_of = mnist_family.SOURCE_DIGEST, code, releases
    return hashlib.sha256(repr(made_of).encode()).hexdigest()

"""Digests of images, and the groups of rows whose images are equal."""

import bisect
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mnist_family import IMAGE_SHAPE

DIGEST_BYTES = 16  # per image; with 128 bits, equal digests mean equal images
ROW_DIGEST = np.dtype([("high", np.uint64), ("low", np.uint64), ("row", np.int64)])
WORKING_BYTES = 80  # per row that is being compared: its digest, a sorted copy, and the order
COMPARING_BYTES = 64 << 20  # the memory for comparing; more rows are compared in several rounds

EqualRows = dict[str, tuple[int, ...]]
"""Rows with the same image, in ascending order, by split."""


def digest_rows(images: np.ndarray, first_row: int) -> np.ndarray:
    """Return a ROW_DIGEST for each image: the halves of its digest, and its row in the split."""
    size = math.prod(IMAGE_SHAPE)
    pixels = images.reshape(-1).data  # its slices take less time than those of an array
    together = b"".join(
        hashlib.blake2b(pixels[start : start + size], digest_size=DIGEST_BYTES).digest()
        for start in range(0, len(pixels), size)
    )
    halves = np.frombuffer(together, ">u8").reshape(-1, 2)
    digests = np.empty(len(images), ROW_DIGEST)
    digests["high"] = halves[:, 0]
    digests["low"] = halves[:, 1]
    digests["row"] = np.arange(first_row, first_row + len(images))
    return digests


def sort_digests(digests: np.ndarray) -> np.ndarray:
    """Sort digests by their first half, so that any range of it can be cut out."""
    ordered: np.ndarray = digests[np.argsort(digests["high"], kind="stable")]
    return ordered


def find_equal_rows(
    files: Mapping[str, Sequence[Path]], memory: int = COMPARING_BYTES
) -> list[EqualRows]:
    """Find rows with equal images within and across splits; groups are in order of first rows.

    `files` has the sorted digests of each split, in .npy files. They are compared in as many rounds
    as it takes to hold at most `memory` bytes, besides the groups.
    """
    splits = [*files]
    paths = [(number, path) for number, split in enumerate(splits) for path in files[split]]
    rows = sum(len(np.load(path, mmap_mode="r")) for _, path in paths)
    rounds = max(1, math.ceil(rows * WORKING_BYTES / memory))
    groups: list[list[tuple[int, int]]] = []
    for number in range(rounds):
        start, stop = (number << 64) // rounds, ((number + 1) << 64) // rounds
        groups += _find_groups([(split, _cut(path, start, stop)) for split, path in paths])
    return [_by_split(group, splits) for group in sorted(groups)]


def _cut(path: Path, start: int, stop: int) -> np.ndarray:
    """Return the digests in a file whose first half is from `start` up to, not including, `stop`.

    The file is open only for this: a process may not hold thousands of files open.
    """
    digests = np.load(path, mmap_mode="r")
    first, last = (bisect.bisect_left(digests["high"], bound) for bound in (start, stop))
    return np.array(digests[first:last])


def _find_groups(cuts: Sequence[tuple[int, np.ndarray]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the (split, row) pairs of each group of equal digests, in ascending order."""
    digests = np.concatenate([digests for _, digests in cuts])
    splits = np.concatenate([np.full(len(digests), split, np.int16) for split, digests in cuts])
    order = np.lexsort((digests["row"], splits, digests["low"], digests["high"]))
    digests, splits = digests[order], splits[order]
    same = (digests["high"][1:] == digests["high"][:-1]) & (
        digests["low"][1:] == digests["low"][:-1]
    )
    edges = np.diff(np.concatenate([[False], same, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + 1
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        rows = digests["row"][start:stop].tolist()
        yield [*zip(splits[start:stop].tolist(), rows, strict=True)]


def _by_split(group: Sequence[tuple[int, int]], splits: Sequence[str]) -> EqualRows:
    rows: dict[str, list[int]] = {}
    for split, row in group:
        rows.setdefault(splits[split], []).append(row)
    return {split: tuple(each) for split, each in rows.items()}

"""Digests of images, and the groups of rows whose images are equal."""

import bisect
import dataclasses
import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_family import IMAGE_SHAPE

DIGEST_BYTES = 16  # per image; with 128 bits, equal digests mean equal images
ROW_DIGEST = np.dtype([("high", np.uint64), ("low", np.uint64), ("row", np.int64)])
WORKING_BYTES = 120  # per row that is being compared: its digest, a sorted copy, and the order
COMPARING_BYTES = 64 << 20  # the memory for comparing; more rows are compared in several rounds
MOST_EQUAL_ROWS = 100_000  # more are counted, not listed

EqualRows = dict[str, tuple[int, ...]]
"""Rows with the same image, in ascending order, by split."""


@dataclasses.dataclass(frozen=True)
class EqualCount:
    """The number of different images that occur more than once, and of rows that have them."""

    images: int = 0
    rows: int = 0

    def __add__(self, other: "EqualCount") -> "EqualCount":
        """Add the counts of other images."""
        return EqualCount(self.images + other.images, self.rows + other.rows)


@dataclasses.dataclass(frozen=True)
class EqualCounts:
    """How many images occur more than once within each split, and in more than one split."""

    within: dict[str, EqualCount]
    across: EqualCount


@dataclasses.dataclass(frozen=True)
class EqualImages:
    """The images that occur more than once.

    `groups` has the rows of each, in order of first rows; it is None if there are too many to list.
    """

    counts: EqualCounts
    groups: list[EqualRows] | None


class _Span(NamedTuple):
    """Rows `first` to `stop` of a file of sorted digests; `split` is the number of its split."""

    split: int
    path: Path
    first: int
    stop: int


class _Members(NamedTuple):
    """Rows whose images occur more than once: group by group, and in ascending order in each.

    `times` says how many rows an entry stands for. `is_first` is True for the first one of a group.
    """

    splits: np.ndarray
    rows: np.ndarray
    times: np.ndarray
    is_first: np.ndarray


def digest_rows(images: np.ndarray, first_row: int) -> np.ndarray:
    """Return a ROW_DIGEST for each image: the halves of its digest, and its row in the split."""
    size = math.prod(IMAGE_SHAPE)
    pixels = images.reshape(-1).data  # slicing this is faster than slicing an array
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
    files: Mapping[str, Sequence[Path]],
    memory: int = COMPARING_BYTES,
    most_listed: int = MOST_EQUAL_ROWS,
) -> EqualImages:
    """Find rows with equal images within and across splits.

    `files` has the sorted digests of each split, in .npy files. They are compared in as many rounds
    as it takes to hold about `memory` bytes, besides the groups, of at most `most_listed` rows.
    """
    splits = [*files]
    paths = [(number, path) for number, split in enumerate(splits) for path in files[split]]
    rows = sum(len(np.load(path, mmap_mode="r")) for _, path in paths)
    rounds = max(1, math.ceil(rows * WORKING_BYTES / memory))
    counts = EqualCounts(dict.fromkeys(splits, EqualCount()), EqualCount())
    found: list[_Members] | None = []
    for number in range(rounds):
        start, stop = (number << 64) // rounds, ((number + 1) << 64) // rounds
        spans = [_find_span(split, path, start, stop) for split, path in paths]
        # Digests are spread evenly, so twice as many as in other rounds are of equal images.
        if sum(span.stop - span.first for span in spans) > 2 * rows / rounds + most_listed:
            found = None
        members = _find_members(spans, are_listed=found is not None)
        counts = _add_counts(counts, members)
        if found is not None:
            found.append(members)
            if sum(len(each.rows) for each in found) > most_listed:
                found = None
    groups = None if found is None else _list_groups(found, splits)
    return EqualImages(counts, groups)


def _find_span(split: int, path: Path, start: int, stop: int) -> _Span:
    """Find the digests whose first half is from `start` up to, not including, `stop`.

    The file is open only for this: a process may not hold thousands of files open.
    """
    halves = np.load(path, mmap_mode="r")["high"]
    return _Span(split, path, *(bisect.bisect_left(halves, bound) for bound in (start, stop)))


def _find_members(spans: Sequence[_Span], *, are_listed: bool) -> _Members:
    """Return the rows whose digest occurs more than once.

    Unless they `are_listed`, equal rows of a file are one entry, so that it does not matter how
    many they are.
    """
    kept, times = [], []
    for span in spans:
        digests = np.array(np.load(span.path, mmap_mode="r")[span.first : span.stop])
        if not are_listed:
            digests = digests[np.lexsort((digests["row"], digests["low"], digests["high"]))]
        places = np.arange(len(digests)) if are_listed else np.flatnonzero(_differ(digests))
        kept.append(digests[places])
        times.append(np.diff(places, append=len(digests)))
    digests, lengths = np.concatenate(kept), np.concatenate(times)
    numbers = np.array([span.split for span in spans], np.int16)
    splits = np.repeat(numbers, [len(each) for each in kept])
    order = np.lexsort((digests["row"], splits, digests["low"], digests["high"]))
    digests, lengths, splits = digests[order], lengths[order], splits[order]
    is_first = _differ(digests)
    is_member = ~(is_first & np.append(is_first[1:], True)[: len(digests)]) | (lengths > 1)
    return _Members(
        splits[is_member], digests["row"][is_member], lengths[is_member], is_first[is_member]
    )


def _differ(digests: np.ndarray) -> np.ndarray:
    """Check which digests differ from the one before them, bool (n,); the first one does."""
    differ = np.ones(len(digests), bool)
    for half in ("high", "low"):
        differ[1:] &= digests[half][1:] == digests[half][:-1]
    differ[1:] = ~differ[1:]
    return differ


def _add_counts(counts: EqualCounts, members: _Members) -> EqualCounts:
    """Add the images of these groups, none of which has been counted."""
    starts = members.is_first.copy()  # of runs: the rows of a group that are in one split
    starts[1:] |= members.splits[1:] != members.splits[:-1]
    places = np.flatnonzero(starts)
    lengths = np.add.reduceat(members.times, places) if len(places) else members.times
    split_of_run = members.splits[places]
    within = {}
    for number, split in enumerate(counts.within):
        repeated = lengths[(split_of_run == number) & (lengths > 1)]
        within[split] = counts.within[split] + EqualCount(len(repeated), int(repeated.sum()))
    group_of_run = np.cumsum(members.is_first[places]) - 1
    runs, rows = np.bincount(group_of_run), np.bincount(group_of_run, lengths)
    spanning = EqualCount(int((runs > 1).sum()), int(rows[runs > 1].sum()))
    return EqualCounts(within, counts.across + spanning)


def _list_groups(found: Sequence[_Members], splits: Sequence[str]) -> list[EqualRows]:
    groups: list[list[tuple[int, int]]] = []
    for members in found:
        pairs = [*zip(members.splits.tolist(), members.rows.tolist(), strict=True)]
        bounds = [*np.flatnonzero(members.is_first).tolist(), len(pairs)]
        groups += [pairs[start:stop] for start, stop in itertools.pairwise(bounds)]
    return [_by_split(group, splits) for group in sorted(groups)]


def _by_split(group: Sequence[tuple[int, int]], splits: Sequence[str]) -> EqualRows:
    rows: dict[str, list[int]] = {}
    for split, row in group:
        rows.setdefault(splits[split], []).append(row)
    return {split: tuple(each) for split, each in rows.items()}

"""The data files of a card: which files its configs read, and how many fit into a commit."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from mnist_family import fault
from mnist_tools.hub.shared_card import entries, name_of

MEGABYTE = 10**6


class DataFiles(NamedTuple):
    """What one entry of `data_files` says: files that match `pattern` are rows of a split."""

    config: str
    split: str
    pattern: str


def read_data_files(card: Path, front_matter: Mapping[str, Any]) -> tuple[DataFiles, ...]:
    """Return every pattern in the configs of a card; ValueError if one leaves the card's folder."""
    found = []
    for config in entries(front_matter, "configs"):
        listed = config.get("data_files", [])
        if not listed:
            name = name_of(config)
            raise fault(f"{card}: config {name}", "no data_files", "patterns of files", "add them")
        for each in [listed] if isinstance(listed, str) else listed:
            split = each["split"] if isinstance(each, dict) else "train"
            patterns = each["path"] if isinstance(each, dict) else each
            for pattern in [patterns] if isinstance(patterns, str) else patterns:
                _refuse_outside(card, pattern)
                found.append(DataFiles(name_of(config), split, pattern))
    if not found:
        raise fault(str(card), "no configs", "one for each dataset", "build the folder again")
    return tuple(found)


def _refuse_outside(card: Path, pattern: str) -> None:
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or "\\" in pattern or ":" in pattern:
        expected = "a path inside the folder"
        raise fault(f"{card}: data_files", repr(pattern), expected, "name files of the folder")


def find_shards(
    card: Path, data_files: Sequence[DataFiles], paths: Sequence[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the files of each config and split, in the order in which `datasets` reads them."""
    shards: dict[str, dict[str, tuple[str, ...]]] = {}
    for config, split, pattern in data_files:
        found = matching(paths, [pattern])
        if not found:
            remedy = "correct it"
            raise fault(f"{card}: data_files", repr(pattern), "the name of a file", remedy)
        splits = shards.setdefault(config, {})
        splits[split] = tuple(sorted({*splits.get(split, ()), *found}))
    return shards


def matching(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Keep the paths that match a pattern; `*` also matches a slash."""
    return [
        path for path in paths if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
    ]


def fitting_shard_size(front_matter: Mapping[str, Any], most_shards: int) -> int | None:
    """Return a --max-shard-size in MB that gives at most so many shards, or None if none does."""
    sizes = [
        split["num_bytes"]
        for info in entries(front_matter, "dataset_info")
        for split in info.get("splits", [])
    ]
    if not sizes or len(sizes) > most_shards:
        return None
    megabytes = 1
    while sum(-(-size // (megabytes * MEGABYTE)) for size in sizes) > most_shards:
        megabytes *= 2
    return megabytes

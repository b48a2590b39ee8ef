"""Find the data files of a card's configs, and a shard size that fits into one commit."""

import fnmatch
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

from mnist_family import fault
from mnist_tools.lint.declared import DeclaredFiles, declared_configs, declared_infos
from mnist_tools.lint.patterns import expand

MEGABYTE = 10**6

ShardPaths = dict[str, dict[str, tuple[str, ...]]]  # by config and split, in the order of rows


def find_shards(card: Path, front_matter: dict[Hashable, Any]) -> ShardPaths:
    """Return the files of each config and split; ValueError for a config that names none."""
    shards: ShardPaths = {}
    for config in declared_configs(front_matter):
        if config.files is None:
            found = "no data_files"
            remedy = "name the files of each split"
            raise fault(f"{card}: config {config.name}", found, "patterns of files", remedy)
        shards[config.name] = {
            files.split: _expand_all(card.parent, files) for files in config.files
        }
    if not shards:
        raise fault(str(card), "no configs", "one for each dataset", "build the folder again")
    return shards


def _expand_all(folder: Path, files: DeclaredFiles) -> tuple[str, ...]:
    found = {path for pattern in files.patterns for path in expand(folder, pattern.text)}
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def patterns_of(front_matter: dict[Hashable, Any]) -> tuple[str, ...]:
    """Return every pattern that the card's configs read as data."""
    return tuple(
        pattern.text
        for config in declared_configs(front_matter)
        for files in config.files or ()
        for pattern in files.patterns
    )


def matching(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Keep paths that match a pattern; `*` also matches slashes, and `**/` also matches nothing."""
    every = [*patterns, *(pattern.replace("**/", "") for pattern in patterns)]
    return [path for path in paths if any(fnmatch.fnmatchcase(path, pattern) for pattern in every)]


def fitting_shard_size(front_matter: dict[Hashable, Any], most_shards: int) -> int | None:
    """Return a --max-shard-size in MB that gives at most `most_shards` shards, or None."""
    splits = [split for info in declared_infos(front_matter) for split in info.splits]
    sizes = [split.num_bytes or 0 for split in splits]
    if not sizes or len(sizes) > most_shards:
        return None
    megabytes = 1
    while sum(max(1, -(-size // (megabytes * MEGABYTE))) for size in sizes) > most_shards:
        megabytes *= 2
    return megabytes

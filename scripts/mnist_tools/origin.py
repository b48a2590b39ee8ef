"""Where the rows of a dataset come from, as `origins` finds it and `verified` reads it."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

import mnist_family
from mnist_tools.cards.facts import DatasetFacts
from mnist_tools.causes import naming_dataset
from mnist_tools.formats.source import Source
from mnist_tools.source_files import SourceFile

PUBLISHED = {str(config.name): config for config in mnist_family.CONFIGS}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the rows of a dataset come from; none of them has been read.

    `path` is a folder or file; it is None for the mirrors, and for a sample not yet drawn.
    `source` is what is there, unless it is archives that the loader reads as they are.
    `facts` are None for a published dataset, and for archives that stand in for one.
    `notes` tell the user how the data was read. `files` are the data files of `source`. `stamps`,
    by file, show whether what was found has changed; there are none for the mirrors, whose archives
    cannot change.
    """

    name: str
    title: str
    splits: tuple[str, ...]
    path: Path | None = None
    source: Source | None = None
    facts: DatasetFacts | None = None
    notes: tuple[str, ...] = ()
    files: tuple[SourceFile, ...] = ()
    stamps: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return a digest of everything that was found."""
        found = (self.name, self.splits, self.path is None, sorted(self.stamps.items()))
        return hashlib.sha256(repr(found).encode()).hexdigest()

    @property
    def paths(self) -> list[Path]:
        """Return the path and what is in it, each of which may be a link to another place."""
        if self.path is None:
            return []
        return [self.path, *self.path.iterdir()] if self.path.is_dir() else [self.path]


def from_archives(name: str, title: str, folder: Path) -> Origin:
    with naming_dataset(name, writing_to=folder):
        located = mnist_family.locate(folder)
    splits = tuple(split.name for split in located.splits)
    return Origin(name, title, splits, folder, stamps=located.stamps)

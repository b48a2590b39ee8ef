"""A shard as a task: which rows of which split go into which file."""

import dataclasses
from pathlib import Path

from mnist_family import DiskSplit, PartedSplit

INCOMPLETE = ".incomplete"  # how the name of a file that is being written ends
UNPACKED = ".unpacked"  # a folder beside those of the configs; no config has such a name


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """One shard to write: rows `start` to `stop` of a split.

    `folder` is where the shards of a build are written, each in the subfolder of its config; it has
    to have the same path on every machine that works on the build. `fingerprint` changes with
    everything that the bytes of the shard depend on.
    """

    folder: str
    config: str
    split: DiskSplit | PartedSplit
    class_names: tuple[str, ...]
    number: int
    count: int
    start: int
    stop: int
    fingerprint: str

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return f"{self.split.name}-{self.number:05}-of-{self.count:05}.parquet"

    @property
    def path(self) -> Path:
        """Return the path of the file."""
        return Path(self.folder, self.config, self.name)

    @property
    def sidecar(self) -> Path:
        """Return the path of the file that says what the shard holds; it is written last."""
        return self.path.with_suffix(".json")

    @property
    def digests(self) -> Path:
        """Return the path of the digests of the shard's images."""
        return self.path.with_suffix(".npy")

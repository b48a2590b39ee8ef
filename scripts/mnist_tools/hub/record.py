"""The record of a push: a file in the repository that lists what pushes of this project put there.

A build's own manifest is not enough: it does not list the configs that earlier pushes left in the
repository, or the entries that other people added to the card. The record is JSON with the keys
`about`, `format`, `card`, `shared` and `configs`. In a repository without one (never pushed to, or
pushed to by version 1.0.0), all files count as written by others.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass

from mnist_tools.cards.card import own_card_path
from mnist_tools.class_names_file import class_names_path
from mnist_tools.hub.content import Digest, RemoteFile

RECORD = ".mnist_family.push.json"
ABOUT = "What mnist_family pushed here; its next push changes and deletes nothing else."
FORMAT = 1


@dataclass(frozen=True)
class PushRecord:
    """The files that pushes of this project put into a repository."""

    card: str  # own_digest of README.md, to which other people may add configs
    shared: Mapping[str, Digest]  # by path: LICENSE.md, croissant.json and the like
    configs: Mapping[str, Mapping[str, Digest]]  # by config: its Parquet files, pictures, …

    def files(self) -> Iterator[tuple[str, Digest]]:
        """Yield every recorded file except the card."""
        yield from self.shared.items()
        for files in self.configs.values():
            yield from files.items()

    def to_json(self) -> bytes:
        """Return the record as JSON; equal records give equal bytes."""
        content = {"about": ABOUT, "format": FORMAT, **asdict(self)}
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def parse_record(content: bytes) -> PushRecord | None:
    """Parse the record in a file; None if it is not in the format of this version."""
    try:
        values = json.loads(content)
        if values["format"] != FORMAT:
            return None
        configs = {name: _digests(files) for name, files in values["configs"].items()}
        return PushRecord(str(values["card"]), _digests(values["shared"]), configs)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digests(files: Mapping[str, Mapping[str, object]]) -> dict[str, Digest]:
    digests = {}
    for path, values in files.items():
        size = values["size"]
        if not isinstance(size, int):
            raise TypeError(f"{path}: size {size!r}")
        digests[path] = Digest(size, str(values["blob_id"]), str(values["sha256"]))
    return digests


def unchanged_files(
    digests: Mapping[str, Digest], files: Mapping[str, RemoteFile]
) -> dict[str, Digest]:
    """Keep the files that are in the repository and unchanged since they were recorded."""
    return {path: digest for path, digest in digests.items() if digest.matches(files.get(path))}


def config_of(path: str, configs: Collection[str]) -> str | None:
    """Return the config that a file of a built folder belongs to; None if all configs share it."""
    owners = [
        name
        for name in configs
        if path.startswith((f"{name}/", f"pictures/{name}-"))
        or path in (class_names_path(name), own_card_path(name))
    ]
    return max(owners, key=len, default=None)

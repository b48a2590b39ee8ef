"""Find where the rows of a build come from: the mirrors, or folders of archives."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import mnist_family
from mnist_family import fault
from mnist_tools.causes import naming_dataset

TITLES = {config.name: config.title for config in mnist_family.CONFIGS}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the rows of a dataset come from.

    `folder` holds its archives; it is None for the mirrors, and for a sample not yet drawn.
    `stamps`, by file name, show whether the files in `folder` have changed.
    """

    name: str
    folder: Path | None
    splits: tuple[str, ...]
    stamps: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def paths(self) -> list[Path]:
        """Return the folder and its files, each of which may be a link to another place."""
        if self.folder is None:
            return []
        return [self.folder, *(self.folder / file for file in self.stamps)]


def find_origins(names: Sequence[str], archives: str | os.PathLike[str] | None) -> list[Origin]:
    """Return the origin of each dataset to build, in the order of CONFIGS."""
    for name in names:
        if name not in TITLES:
            expected = f"one or more of {', '.join(TITLES)}"
            raise fault(name, "no such dataset", expected, "correct the name")
    wanted = names or TITLES
    chosen = [name for name in TITLES if name in wanted]
    if archives is None:
        return [
            Origin(name, None, tuple(mnist_family.find_config(name).archives)) for name in chosen
        ]
    folders = _find_folders(chosen, Path(archives).expanduser(), named=bool(names))
    origins = []
    for name, folder in folders.items():
        with naming_dataset(name, writing_to=folder):
            located = mnist_family.locate(folder)
        splits = tuple(split.name for split in located.splits)
        origins.append(Origin(name, folder, splits, located.stamps))
    return origins


def _find_folders(names: Sequence[str], archives: Path, *, named: bool) -> dict[str, Path]:
    """Return the folder of archives for each of `names`.

    Datasets without a folder are left out unless the user `named` them.
    """
    if not archives.is_dir():
        raise fault(str(archives), "no such folder", "a folder of archives", "correct --archives")
    if len(names) == 1 and not (archives / names[0]).is_dir():
        return {names[0]: archives}
    folders = {name: archives / name for name in names}
    if not named:
        folders = {name: folder for name, folder in folders.items() if folder.is_dir()}
    if not folders:
        expected = f"one or more of {', '.join(TITLES)} in it"
        remedy = "give a NAME if the archives are in this folder itself"
        raise fault(str(archives), "no folder named after a dataset", expected, remedy)
    return folders

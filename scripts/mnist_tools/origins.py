"""Where the rows of the datasets to build come from: the mirrors, or folders of archives."""

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

    `folder` holds its archives; None stands for the mirrors, or for a sample that is yet to be
    drawn. `stamps` tell whether the files in it have changed.
    """

    name: str
    folder: Path | None
    splits: tuple[str, ...]
    stamps: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def paths(self) -> list[Path]:
        """The folder and the files that are read, which links may have elsewhere."""
        if self.folder is None:
            return []
        return [self.folder, *(self.folder / file for file in self.stamps)]


def find_origins(names: Sequence[str], archives: str | os.PathLike[str] | None) -> list[Origin]:
    """Return the origin of each dataset to build, in the order of CONFIGS."""
    for name in names:
        if name not in TITLES:
            expected = f"some of {', '.join(TITLES)}"
            raise fault(name, "no such dataset", expected, "correct the name")
    chosen = [name for name in TITLES if name in (names or TITLES)]
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
    """Return the folder of archives of each name, of those that are there if none was `named`."""
    if not archives.is_dir():
        expected = "one that holds archives"
        raise fault(str(archives), "no such folder", expected, "correct --archives")
    if len(names) == 1 and not (archives / names[0]).is_dir():
        return {names[0]: archives}
    folders = {name: archives / name for name in names}
    if not named:
        folders = {name: folder for name, folder in folders.items() if folder.is_dir()}
    if not folders:
        expected = f"one or more of the folders {', '.join(TITLES)}"
        remedy = "give a NAME if it holds archives itself"
        raise fault(str(archives), "none of its folders is a dataset's", expected, remedy)
    return folders

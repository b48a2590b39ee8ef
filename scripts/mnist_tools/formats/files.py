"""Find the data files of a source, and group the shards of each split."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_family import fault
from mnist_tools.formats.split_names import SplitFile
from mnist_tools.lists import name_some

LITTER = ("__macosx", "thumbs.db", "desktop.ini")
SHARD = re.compile(r"(?P<stem>.*?)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?")
LFS_POINTER = b"version https://git-lfs"


class Shards(NamedTuple):
    """The files of one split, in order."""

    stem: str
    files: tuple[Path, ...]

    @property
    def split_file(self) -> SplitFile:
        """Return the part of the names for the split, and the name of the first file."""
        return SplitFile(self.stem, name_some([file.name for file in self.files], 1))


def is_litter(name: str) -> bool:
    """Check whether a file is hidden or left behind by an operating system, so never data."""
    return name.startswith(".") or name.lower() in LITTER


def folders_in(path: Path) -> list[Path]:
    """List the folders in a folder, sorted."""
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not is_litter(entry.name))


def files_in(path: Path, *suffixes: str) -> list[Path]:
    """List the files in a folder with one of the suffixes, sorted, or `path` if it is one."""
    if not path.is_dir():
        return [path] if path.is_file() and path.name.lower().endswith(suffixes) else []
    return sorted(
        entry
        for entry in path.iterdir()
        if entry.name.lower().endswith(suffixes) and entry.is_file() and not is_litter(entry.name)
    )


def data_files(path: Path, *suffixes: str) -> list[Path]:
    """List the files with one of the suffixes in a folder, or in its only subfolder with any.

    ValueError if several folders have some, as these may be different datasets.
    """
    found = {path: files_in(path, *suffixes)}
    if path.is_dir():
        found |= {folder: files_in(folder, *suffixes) for folder in folders_in(path)}
    found = {folder: files for folder, files in found.items() if files}
    if len(found) > 1:
        places = name_some(["itself" if folder == path else folder.name for folder in found])
        remedy = f"give {[*found][-1]} or another"
        raise fault(str(path), f"{suffixes[0]} files in {places}", "one folder with some", remedy)
    return [file for files in found.values() for file in files]


def group_shards(files: Sequence[Path], where: Path, shorten: Callable[[str], str]) -> list[Shards]:
    """Group files by split. ValueError unless each is one file or a complete set of shards.

    `shorten` removes the suffix from a file name.
    """
    groups: dict[str, list[Path]] = {}
    for file in files:
        stem = shorten(file.name)
        match = SHARD.fullmatch(stem)
        groups.setdefault(match["stem"] if match else stem, []).append(file)
    for stem, group in groups.items():
        _refuse_partial_shards(stem, group, [shorten(file.name) for file in group], where)
    return [Shards(stem, tuple(group)) for stem, group in groups.items()]


def _refuse_partial_shards(
    stem: str, files: Sequence[Path], names: Sequence[str], where: Path
) -> None:
    matches = [SHARD.fullmatch(name) for name in names]
    if matches == [None]:
        return
    numbers = [int(match["number"]) for match in matches if match]
    counts = {int(match["count"]) for match in matches if match}
    if len(numbers) == len(names) and len(counts) == 1 and numbers == [*range(counts.pop())]:
        return
    found = f"{name_some([file.name for file in files])} for the split {stem or 'train'}"
    expected = "one file, or all shards of one count"
    raise fault(
        str(where), found, expected, "add what is missing, or move what is left over elsewhere"
    )


def refuse_wrong_file(path: Path, expected: str) -> None:
    """Raise ValueError for a Git LFS pointer, a web page, and anything but a regular file."""
    if not path.is_file():
        found = "a broken link, a pipe or a device"
        raise fault(str(path), found, expected, "put the file itself there")
    with open(path, "rb") as file:
        head = file.read(512).lstrip()
    if head.startswith(LFS_POINTER):
        raise fault(str(path), "a Git LFS pointer, not the file", expected, "run git lfs pull")
    if head[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise fault(str(path), "an HTML page", expected, "download the file again")

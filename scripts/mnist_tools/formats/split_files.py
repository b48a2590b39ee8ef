"""Find the files of each split, whether named after it, numbered, or in a folder of its name."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_family import fault
from mnist_tools.formats.files import files_in, folders_in
from mnist_tools.formats.split_names import USUAL_NAMES, SplitFile
from mnist_tools.lists import name_some

NUMBERED_OF = re.compile(r"(?P<stem>.*?)-(?P<number>\d+)-of-(?P<total>\d+)(-[0-9a-f]{16})?")


class ShardName(NamedTuple):
    """The parts of a file's name: `stem` is for the split; only shards have a number."""

    stem: str
    number: int | None
    total: int | None


class Shards(NamedTuple):
    """The files of one split, in order; `stem` is the part of their names for the split."""

    stem: str
    files: tuple[Path, ...]

    @property
    def split_file(self) -> SplitFile:
        """Return the part of the names for the split, and the name of the first file."""
        return SplitFile(self.stem, name_some([file.name for file in self.files], 1))


def has_files(path: Path, *suffixes: str) -> bool:
    """Check whether `path` is a file with one of the suffixes, or has some two levels down."""
    return any(files_in(folder, *suffixes) for folder in _folders(path))


def refuse_files_inside(path: Path, suffix: str) -> None:
    """Raise ValueError if subfolders have files with the suffix, whose rows would be missed."""
    inside = [folder for folder in _folders(path) if folder != path and files_in(folder, suffix)]
    if inside:
        raise _several_folders(path, [suffix], [path, *inside])


def find_shards(
    path: Path, suffixes: Sequence[str], shorten: Callable[[str], str], numbered: re.Pattern[str]
) -> list[Shards]:
    """Find the files of each split in a folder or its subfolders; `path` may also be a file.

    A file's name without its suffix, as `shorten` returns it, matches `numbered` if it has a number
    but no total. Files that have only numbers are in a folder of the split's name. ValueError for
    files of several datasets, and unless each split is one file or a complete set of shards.
    """
    found = {folder: files_in(folder, *suffixes) for folder in _folders(path)}
    places = {folder: files for folder, files in found.items() if files}
    names = {
        file: _shard_name(shorten(file.name), numbered)
        for files in places.values()
        for file in files
    }
    if any(name.stem for name in names.values()):
        if len(places) > 1:
            raise _several_folders(path, suffixes, [*places])
        _refuse_nameless(path, names)
        stems = {file: name.stem for file, name in names.items()}
    else:
        stems = _stems_of_folders(path, suffixes, places)
    groups: dict[str, dict[Path, ShardName]] = {}
    for file, stem in stems.items():
        groups.setdefault(stem, {})[file] = names[file]
    return [_in_order(stem, group, path) for stem, group in groups.items()]


def _folders(path: Path) -> list[Path]:
    """List a folder, its subfolders and theirs; for a file, only the file."""
    if not path.is_dir():
        return [path]
    inside = folders_in(path)
    return [path, *inside, *(each for folder in inside for each in folders_in(folder))]


def _shard_name(name: str, numbered: re.Pattern[str]) -> ShardName:
    if match := NUMBERED_OF.fullmatch(name):
        return ShardName(match["stem"], int(match["number"]), int(match["total"]))
    if match := numbered.fullmatch(name):
        return ShardName(match["stem"], int(match["number"]), None)
    return ShardName(name, None, None)


def _stems_of_folders(
    path: Path, suffixes: Sequence[str], places: Mapping[Path, Sequence[Path]]
) -> dict[Path, str]:
    """Name files after their folder; a single folder only if its name is usual for a split."""
    folders = [*places]
    if len(folders) > 1 and (path in folders or len({folder.parent for folder in folders}) > 1):
        raise _several_folders(path, suffixes, folders)
    stems: dict[Path, str] = {}
    for folder, files in places.items():
        name = (files[0].parent if folder.is_file() else folder).resolve().name
        stem = name if len(folders) > 1 or name.lower() in USUAL_NAMES else ""
        stems |= dict.fromkeys(files, stem)
    return stems


def _several_folders(path: Path, suffixes: Sequence[str], folders: Sequence[Path]) -> ValueError:
    places = ["itself" if each == path else str(each.relative_to(path)) for each in folders]
    remedy = f"give {folders[-1]} or another"
    if path in folders:
        remedy = f"give {folders[-1]}, or move those in subfolders elsewhere"
    found = f"{suffixes[0]} files in {name_some(places)}"
    return fault(str(path), found, "them in one folder", remedy)


def _refuse_nameless(path: Path, names: Mapping[Path, ShardName]) -> None:
    nameless = [file.name for file, name in names.items() if not name.stem]
    if nameless:
        named = next(file.name for file, name in names.items() if name.stem)
        found = f"{name_some(nameless)} beside {named}"
        expected = "the name of a split in all of them or none"
        raise fault(str(path), found, expected, "move what does not belong there elsewhere")


def _in_order(stem: str, group: Mapping[Path, ShardName], path: Path) -> Shards:
    """Sort the files of a split by number. ValueError unless none is missing or left over."""
    files = sorted(group, key=lambda file: (group[file].number or 0, file.name))
    numbers = [group[file].number for file in files]
    totals = {group[file].total for file in files}
    first = 0 if totals != {None} else numbers[0] or 0
    whole = numbers == [*range(first, first + len(numbers))] and first < 2
    if numbers == [None] or (whole and totals in ({None}, {len(numbers)})):
        return Shards(stem, tuple(files))
    found = f"{name_some([file.name for file in files])} for the split {stem or 'train'}"
    remedy = "add what is missing, or move what is left over elsewhere"
    raise fault(str(path), found, "one file, or all shards of one count", remedy)

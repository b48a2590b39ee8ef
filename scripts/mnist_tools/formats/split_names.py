"""Derive the names of splits from file names, and refuse ambiguous ones."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_family import fault

USUAL_NAMES = {
    "": "train",
    "t10k": "test",
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "validation",
    "validation": "validation",
}
"""Lower-case words for splits in file names, and the names that those splits get."""

SET_BEFORE_SPLIT = re.compile(r".*(?:mnist|k49).*[-_ ](?P<word>[a-z0-9]+)", re.IGNORECASE)
"""A dataset's name before the split's, as in fashion-mnist_train or emnist-letters-train."""

AFTER_DATASET = re.compile(
    rf"(?P<dataset>.+)[._](?P<word>{'|'.join(filter(None, USUAL_NAMES))})", re.IGNORECASE
)
"""Any dataset's name before the split's, as in letters_train."""

VALID = re.compile(r"\w+(\.\w+)*")


class SplitFile(NamedTuple):
    """A file or folder of a split: the part of its name for the split, and its name in errors."""

    stem: str
    name: str


class SplitNames(NamedTuple):
    """The split of each file, in the order of the files, and a note for each renamed one."""

    names: tuple[str, ...]
    notes: tuple[str, ...]


def name_splits(files: Sequence[SplitFile], where: Path) -> SplitNames:
    """Name the split of each file. ValueError if a name is invalid or shared by two files."""
    names = tuple(split_name(file.stem) for file in files)
    notes = []
    for file, name in zip(files, names, strict=True):
        refuse_bad_name(name, f"{where}: {file.name}")
        if name != _plain_name(file.stem) and file.stem not in ("", "t10k"):
            notes.append(f"{file.name}: read as the split {name}")
    refuse_shared_names(zip(names, (file.name for file in files), strict=True), where)
    return SplitNames(names, tuple(notes))


def split_name(stem: str) -> str:
    """Return the name of the split that a file's stem stands for."""
    word = stem.lower()
    if match := SET_BEFORE_SPLIT.fullmatch(stem):
        word = match["word"].lower()
    if word in USUAL_NAMES:
        return USUAL_NAMES[word]
    return _plain_name(stem)


def usual_names(names: Sequence[str]) -> dict[str, str]:
    """Map split names to the usual ones: letters_test to test, and a single letters to train."""
    usual = {*USUAL_NAMES.values()}
    words = [AFTER_DATASET.fullmatch(name) for name in names]
    if len({match["dataset"] for match in words if match}) == 1 and all(words):
        found = {match[0]: USUAL_NAMES[match["word"].lower()] for match in words if match}
        if len({*found.values()}) == len(names):
            return found
    if len(names) == 1 and names[0] not in usual:
        return {names[0]: "train"}
    return {name: name for name in names}


def _plain_name(stem: str) -> str:
    """Replace characters that split names may not have by underscores."""
    name = re.sub(r"[^\w.]", "_", stem)
    return name if VALID.fullmatch(name) else name.replace(".", "_")


def refuse_bad_name(name: str, where: str) -> None:
    """Raise ValueError for a name that `datasets` would not accept for a single split."""
    if name.lower() == "all" or not VALID.fullmatch(name):
        expected = "letters, digits and _, and not 'all', which means every split"
        raise fault(where, f"the split {name!a}", expected, "rename it")


def refuse_shared_names(named: Iterable[tuple[str, str]], where: Path | str) -> None:
    """Raise ValueError if two of the (split, file) pairs have the same split."""
    files: dict[str, str] = {}
    for name, file in named:
        if name in files:
            found = f"{files[name]} and {file} are both the split {name}"
            raise fault(str(where), found, "one of each", "rename one, or move it elsewhere")
        files[name] = file

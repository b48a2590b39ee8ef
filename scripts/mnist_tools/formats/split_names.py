"""Names of splits: what a file's name stands for, and that no two files stand for one split."""

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
"""Lower-case words that stand for a split in the names of files, with the split's name here."""

SET_BEFORE_SPLIT = re.compile(r".*(?:mnist|k49).*[-_ ](?P<word>[a-z0-9]+)", re.IGNORECASE)
"""A data set's name before the split's, as in fashion-mnist_train or emnist-letters-train."""

VALID = re.compile(r"\w+(\.\w+)*")


class SplitFile(NamedTuple):
    """A file or folder of a split: what its name says of the split, and the name itself."""

    stem: str
    name: str


class SplitNames(NamedTuple):
    """The split of each file, in the files' order, and a sentence on each that got a usual name."""

    names: tuple[str, ...]
    notes: tuple[str, ...]


def name_splits(files: Sequence[SplitFile], where: Path) -> SplitNames:
    """Name the split of each file. ValueError if two have the same one, or one has none."""
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


def _plain_name(stem: str) -> str:
    """Replace what no split's name may have by underscores."""
    name = re.sub(r"[^\w.]", "_", stem)
    return name if VALID.fullmatch(name) else name.replace(".", "_")


def refuse_bad_name(name: str, where: str) -> None:
    """Raise ValueError for a name that `datasets` would not take for one split."""
    if name.lower() == "all" or not VALID.fullmatch(name):
        expected = "letters, digits and _, and not 'all', which means every split"
        raise fault(where, f"the split {name!a}", expected, "rename it")


def refuse_shared_names(named: Iterable[tuple[str, str]], where: Path | str) -> None:
    """Raise ValueError if two of the (split, file) pairs are of the same split."""
    files: dict[str, str] = {}
    for name, file in named:
        if name in files:
            found = f"{files[name]} and {file} are both the split {name}"
            raise fault(str(where), found, "one of each", "rename one, or move it elsewhere")
        files[name] = file

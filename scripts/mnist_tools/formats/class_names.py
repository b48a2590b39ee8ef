"""Class names: where they come from, and the files that keep them."""

import json
from collections.abc import Sequence
from pathlib import Path

from mnist_family import ClassNames, read_class_names
from mnist_tools.formats.files import some

CLASS_LIMIT = 256
"""The largest number of classes, in every format, read or written."""

DIGITS = ClassNames(tuple("0123456789"), "digits")
NAME_FILES = ("dataset_meta.json", "labels.txt")


def first_named(
    *,
    option: ClassNames | None,
    inside: ClassNames | None,
    beside: ClassNames | None,
    default: ClassNames,
) -> ClassNames:
    """Return the class names that go first: the user's, the data's own, a file's, a default."""
    for names in (option, inside, beside):
        if names is not None:
            return names
    return default


def names_beside(path: Path) -> ClassNames | None:
    """Read the class names in a folder, or in the folder of a file; None if there are none."""
    folder = path if path.is_dir() else path.parent
    for name in NAME_FILES:
        if (folder / name).exists():
            return read_class_names(folder / name)
    return None


def write_class_names(folder: Path, names: Sequence[str]) -> None:
    """Write dataset_meta.json, and labels.txt unless it cannot keep a name that ends in a blank."""
    text = json.dumps({"labels": [*names]}, ensure_ascii=False)
    (folder / "dataset_meta.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    if all(name == name.strip() for name in names):
        lines = "".join(f"{name}\n" for name in names)
        (folder / "labels.txt").write_text(lines, encoding="utf-8", newline="\n")


def class_count(names: Sequence[str]) -> str:
    """Say how many classes there are, and name the first of them."""
    word = "class" if len(names) == 1 else "classes"
    return f"{len(names)} {word}: {some(names, 10)}"

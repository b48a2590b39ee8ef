"""Class names: where they come from, and the files that keep them."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from mnist_family import CLASS_NAME_FILES, ClassNames, fault, read_class_names
from mnist_tools.lists import name_some

DIGITS = ClassNames(tuple("0123456789"), "digits")


def first_named(
    *,
    option: ClassNames | None,
    inside: ClassNames | None,
    beside: ClassNames | None,
    default: ClassNames,
) -> ClassNames:
    """Return the first class names that are given: option, data, file beside it, or default."""
    for names in (option, inside, beside):
        if names is not None:
            return names
    return default


def names_of_option(path: Path | None) -> ClassNames | None:
    """Read the file given with --class-names; None without the option."""
    if path is None:
        return None
    if not path.exists():
        expected = "labels.txt or dataset_meta.json"
        raise fault(str(path), "no such file", expected, "correct --class-names")
    return ClassNames(read_class_names(path).names, "--class-names")


def names_beside(path: Path) -> ClassNames | None:
    """Read the class names from a folder, or from a file's folder; None if there are none."""
    folder = path if path.is_dir() else path.parent
    for name in CLASS_NAME_FILES:
        if (folder / name).exists():
            return read_class_names(folder / name)
    return None


def notes_on_unused_names(path: Path, used: ClassNames) -> tuple[str, ...]:
    """Return a note on a labels.txt whose names differ from those of dataset_meta.json."""
    first, second = CLASS_NAME_FILES
    unused = (path if path.is_dir() else path.parent) / second
    if used.source != first or not unused.exists():
        return ()
    with contextlib.suppress(ValueError):
        if read_class_names(unused).names == used.names:
            return ()
    return (f"{unused}: not used, as {first} has other names; remove {first} to use it",)


def write_class_names(folder: Path, names: Sequence[str]) -> None:
    """Write dataset_meta.json and, if it can keep the names, labels.txt.

    labels.txt cannot keep a space at the start or end of a name.
    """
    text = json.dumps({"labels": [*names]}, ensure_ascii=False)
    (folder / "dataset_meta.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    if all(name == name.strip() for name in names):
        lines = "".join(f"{name}\n" for name in names)
        (folder / "labels.txt").write_text(lines, encoding="utf-8", newline="\n")


def class_count(names: Sequence[str]) -> str:
    """Return the number of classes and the first few names."""
    word = "class" if len(names) == 1 else "classes"
    return f"{len(names)} {word}: {name_some(names, 10)}"

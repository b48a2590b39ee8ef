"""The folders of classes: their names, and the numbers that other readers give them."""

import re
import urllib.parse
from collections.abc import Sequence

UNLABELLED_FOLDER = "_unlabelled"  # for rows without a label; no class folder starts with _


def folder_name(class_name: str) -> str:
    """Return the folder of a class; what folder names cannot have is written %XX, as in URLs."""
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*%]', _quoted, class_name)
    name = re.sub(r"^[._ ]|[. ]$", _quoted, name)
    if re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, re.IGNORECASE):
        return f"%{ord(name[0]):02X}{name[1:]}"
    return name


def class_name(folder: str) -> str:
    """Return the class name for a folder: the inverse of `folder_name`; other names stay."""
    name = urllib.parse.unquote(folder)
    return name if folder_name(name) == folder else folder


def _quoted(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def notes_for_readers(
    class_names: Sequence[str], places: Sequence[str], unlabelled: int
) -> tuple[str, ...]:
    """Describe how readers that number class folders alphabetically see this folder."""
    note = _note_on_numbers(class_names, places, [UNLABELLED_FOLDER] if unlabelled else [])
    if unlabelled:
        return note, f"other readers take the folder {UNLABELLED_FOLDER} for a class"
    return (note,)


def _note_on_numbers(
    class_names: Sequence[str], places: Sequence[str], others: Sequence[str]
) -> str:
    readers = "torchvision, Keras and datasets number class folders alphabetically"
    numbers = {folder: number for number, folder in enumerate(sorted([*places, *others]))}
    moved = [label for label, place in enumerate(places) if numbers[place] != label]
    if not moved:
        return f"{readers}, which here gives the same numbers"
    first = moved[0]
    return (
        f"{readers}, which differs from here for {len(moved)} of {len(places)} classes: "
        f"{class_names[first]} is {first} here and {numbers[places[first]]} there"
    )

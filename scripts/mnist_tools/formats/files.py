"""List the files and folders of a source, without what is never data."""

import os
import re
from pathlib import Path

from mnist_family import fault

LITTER = ("__macosx", "thumbs.db", "desktop.ini")
PACKED = re.compile(
    r"(?P<inside>.+(\.(csv|npz|parquet|tar)|-(ubyte|int)))\.(gz|bz2|xz|zst|zip)", re.IGNORECASE
)
READ_PACKED = (".tar.gz", "-ubyte.gz", "-int.gz")
LFS_POINTER = b"version https://git-lfs"


def is_litter(name: str) -> bool:
    """Check whether a file is hidden or left behind by an operating system, so never data."""
    return name.startswith(".") or name.lower() in LITTER


def folders_in(path: Path) -> list[Path]:
    """List the folders in a folder, sorted."""
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries if not is_litter(entry.name) and entry.is_dir()]
    return [path / name for name in sorted(names)]


def files_in(path: Path, *suffixes: str) -> list[Path]:
    """List the files in a folder with one of the suffixes, sorted, or `path` if it is one."""
    if not path.is_dir():
        return [path] if path.is_file() and path.name.lower().endswith(suffixes) else []
    with os.scandir(path) as entries:
        found = [entry for entry in entries if entry.name.lower().endswith(suffixes)]
        names = [entry.name for entry in found if not is_litter(entry.name) and not entry.is_dir()]
    return [path / name for name in sorted(names)]


def refuse_packed_files(path: Path) -> None:
    """Raise ValueError for packed files without an unpacked copy: their rows would be missed."""
    names = [entry.name for entry in path.iterdir()] if path.is_dir() else [path.name]
    for name in sorted(names):
        match = PACKED.fullmatch(name)
        if match and not name.lower().endswith(READ_PACKED) and match["inside"] not in names:
            place, expected = path if path.is_file() else path / name, "unpacked files"
            raise fault(str(place), "a packed file", expected, "unpack it, or move it elsewhere")


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

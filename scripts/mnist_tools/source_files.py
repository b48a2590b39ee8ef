"""List the files that rows are read from, with their sizes and digests."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mnist_tools.formats import FORMATS
from mnist_tools.formats.files import is_litter
from mnist_tools.formats.images import SUFFIXES
from mnist_tools.formats.source import load_format
from mnist_tools.manifest import hash_file

MOST_LISTED = 20  # more files are summed up by folder
DEEPEST = 2  # no format has files below <split>/<class>/


class SourceFile(NamedTuple):
    """A file that rows were read from, or a folder of `files` files.

    The path of a file is relative to the source; that of a folder ends with `/`. The sha256 of a
    folder is that of the lines that `sha256sum` prints for its files, sorted by path.
    """

    path: str
    bytes: int
    sha256: str
    files: int = 1


def list_source_files(path: Path) -> tuple[SourceFile, ...]:
    """Hash the data files in a folder, or a single file; other files in a folder are left out."""
    if path.is_file():
        return (_describe(path, path.name),)
    files = sorted(file.relative_to(path).as_posix() for file in _data_files(path))
    described = [_describe(path / file, file) for file in files]
    if len(described) <= MOST_LISTED:
        return tuple(described)
    by_folder: dict[str, list[SourceFile]] = {}
    for file in described:
        top, slash, _ = file.path.partition("/")
        by_folder.setdefault(top + slash, []).append(file)
    if len(by_folder) > MOST_LISTED:
        return (_sum_up("./", described),)
    return tuple(
        _sum_up(folder, inside) if folder.endswith("/") else inside[0]
        for folder, inside in by_folder.items()
    )


def _describe(path: Path, name: str) -> SourceFile:
    return SourceFile(name, path.stat().st_size, hash_file(path))


def _sum_up(folder: str, files: Iterable[SourceFile]) -> SourceFile:
    files = list(files)
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    digest = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    return SourceFile(folder, sum(file.bytes for file in files), digest, len(files))


def _data_files(folder: Path, deeper: int = DEEPEST) -> Iterator[Path]:
    """Yield the files that may hold rows, in any format."""
    formats = [load_format(name) for name in FORMATS]
    for entry in folder.iterdir():
        if is_litter(entry.name):
            continue
        if entry.is_dir() and deeper:
            yield from _data_files(entry, deeper - 1)
        elif entry.is_file() and (
            entry.suffix.lower() in SUFFIXES or any(each.detect(entry) for each in formats)
        ):
            yield entry

"""Judge the patterns of data files, and find the files that they match."""

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

LONGEST = 500  # characters
MOST_DOUBLE_STARS = 2  # each ** multiplies the folders to look into
DEEPEST_FOLDER = 20  # levels of folders that ** looks into


class PatternFault(NamedTuple):
    """What is wrong with a pattern, in the three parts of a finding."""

    found: str
    expected: str
    remedy: str


def judge(pattern: str) -> PatternFault | None:
    """Say what is wrong with a pattern that leaves the card's folder or takes long to expand."""
    way_out = _way_out(pattern)
    if way_out is not None:
        return PatternFault(way_out, "a path inside the card's folder", "move the files there")
    if len(pattern) > LONGEST:
        found = f"a path of {len(pattern):,} characters"
        return PatternFault(found, f"at most {LONGEST}", "shorten it")
    double_stars = pattern.count("**")
    if double_stars > MOST_DOUBLE_STARS:
        found = f"{double_stars} double stars"
        return PatternFault(found, f"at most {MOST_DOUBLE_STARS}", "name the folders")
    return None


def expand(folder: Path, pattern: str) -> list[Path]:
    """Return what matches below `folder`, sorted.

    Links are not followed: one to a folder on the way is returned itself.
    """
    segments = [segment for segment in pattern.split("/") if segment not in ("", ".")]
    return sorted(set(_matches(folder, segments, DEEPEST_FOLDER))) if segments else []


def _way_out(pattern: str) -> str | None:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", pattern):
        return "a URL"
    windows = PureWindowsPath(pattern)  # it knows both separators, and drives
    if windows.root or windows.drive:
        return "an absolute path"
    return "a path with .." if ".." in windows.parts else None


def _matches(folder: Path, segments: Sequence[str], levels: int) -> Iterator[Path]:
    with os.scandir(folder) as scan:
        entries = list(scan)
    first, rest = segments[0], segments[1:]
    if first == "**":
        yield from _below_double_star(folder, entries, rest, levels)
        return
    for entry in entries:
        if fnmatchcase(entry.name, first):
            yield from _match(folder / entry.name, entry, rest, levels)


def _below_double_star(
    folder: Path, entries: Sequence[os.DirEntry[str]], rest: Sequence[str], levels: int
) -> Iterator[Path]:
    """Match `rest` in the folder itself and in every folder below it."""
    wanted = rest or ["*"]
    yield from _matches(folder, wanted, levels)
    for entry in entries:
        if levels and entry.is_dir(follow_symlinks=False):
            yield from _matches(folder / entry.name, ["**", *wanted], levels - 1)
        elif entry.is_symlink() and entry.is_dir():
            yield folder / entry.name


def _match(path: Path, entry: os.DirEntry[str], rest: Sequence[str], levels: int) -> Iterator[Path]:
    if entry.is_symlink():
        yield path
    elif rest and entry.is_dir():
        yield from _matches(path, rest, levels)
    elif not rest:
        yield path

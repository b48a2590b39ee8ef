"""Check the patterns of data files, and find the files that match them."""

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PureWindowsPath

from mnist_tools.wording import Wording

LONGEST_PATTERN = 500  # characters
MOST_DOUBLE_STARS = 2  # each ** multiplies the number of folders to search
DEEPEST_FOLDER = 20  # levels of folders that ** searches


def find_fault(pattern: str) -> Wording | None:
    """Return what is wrong with a pattern: it leaves the card's folder or is slow to expand."""
    outside = _describe_outside(pattern)
    if outside is not None:
        return Wording(outside, "a path inside the card's folder", "move the files there")
    if len(pattern) > LONGEST_PATTERN:
        found = f"a path of {len(pattern):,} characters"
        return Wording(found, f"at most {LONGEST_PATTERN}", "shorten it")
    double_stars = pattern.count("**")
    if double_stars > MOST_DOUBLE_STARS:
        found = f"{double_stars} double stars"
        return Wording(found, f"at most {MOST_DOUBLE_STARS}", "name the folders")
    return None


def expand(folder: Path, pattern: str) -> list[Path]:
    """Return the paths below `folder` that match, sorted.

    Links are not followed: where the pattern goes through a link to a folder, the link is returned.
    """
    segments = [segment for segment in pattern.split("/") if segment not in ("", ".")]
    if not segments:
        return []
    return sorted(set(_matches(folder, segments, DEEPEST_FOLDER)))


def _describe_outside(pattern: str) -> str | None:
    """Say how a pattern leaves the card's folder, or return None."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", pattern):
        return "a URL"
    windows = PureWindowsPath(pattern)  # understands both separators, and drives
    if windows.root or windows.drive:
        return "an absolute path"
    if ".." in windows.parts:
        return "a path with .."
    return None


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
    """Match `rest` in a folder and in all folders below it."""
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

"""The folder that a user names as OUT: whether a command may write it, and what would be lost."""

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from mnist_family import fault
from mnist_tools.manifest import Changes, find_changes, list_paths, read_manifest

MOUNTS = Path("/proc/self/mountinfo")  # the fifth word of a line is where something is mounted


def check_place(
    out: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]] = ()
) -> None:
    """Raise ValueError unless a folder can be at `out`.

    Neither may it contain the `sources` that it is made of, nor they it.
    """
    place, text = resolve(out), str(out)
    remedy = "name a new folder, or delete this one yourself"
    if os.path.lexists(out) and not Path(out).is_dir():
        raise fault(text, "not a folder", "a folder", remedy)
    if Path.cwd().is_relative_to(place):
        found = "the working directory or one above it"
        raise fault(text, found, "a folder of its own", "name another")
    above = next(folder for folder in place.parents if os.path.lexists(folder))
    if not above.is_dir() or not _is_writable(above):
        found = f"{above} cannot be written to"
        raise fault(text, found, "a place where a folder can be made", "name another")
    if _is_mount_point(place):
        raise fault(text, "a mount point", "a folder that can be replaced", "name one inside it")
    _refuse_overlap(text, place, sources)


def check_replaceable(out: str | os.PathLike[str], *, command: str, force: bool = False) -> None:
    """Raise ValueError unless `command` may replace the folder at `out`, if there is one.

    It may if it wrote the folder and nothing was added or edited since. `force` allows edited files
    of ours to be replaced, but never files that a user added.
    """
    place, text = resolve(out), str(out)
    if place.is_dir():
        _refuse_loss(text, place, command=command, force=force)
        _refuse_read_only(text, place)


def _refuse_overlap(text: str, place: Path, sources: Iterable[str | os.PathLike[str]]) -> None:
    for source in sources:
        real = resolve(source)
        if place.is_relative_to(real) or real.is_relative_to(place):
            found = f"in {source}" if place.is_relative_to(real) else f"contains {source}"
            raise fault(text, found, "a folder apart from what is read", "name another")


def _refuse_read_only(text: str, place: Path) -> None:
    """Refuse to replace behind its permissions what somebody has made read-only."""
    for path in (place, *(place / name for name in [*_folders_in(place), *list_paths(place)])):
        if not path.is_symlink() and not _is_writable(path):
            remedy = "make it writable, or name another folder"
            raise fault(text, f"{path} is read-only", "what can be replaced", remedy)


def _refuse_loss(text: str, place: Path, *, command: str, force: bool) -> None:
    """Refuse a folder of which anything would be lost that `command` did not write."""
    manifest = read_manifest(place)
    if manifest is None:
        if any(place.iterdir()):
            expected = f"an empty folder or one that {command} wrote"
            raise fault(text, "holds other files", expected, "name a new folder")
        return
    if manifest.command != command:
        expected = f"an empty folder or one that {command} wrote"
        raise fault(text, f"written by {manifest.command}", expected, "name another folder")
    changes = find_changes(place, manifest)
    if changes.added:
        found = f"holds {name_some(changes.added)}, which {command} did not write"
        raise fault(text, found, "only its own files", "move away what is yours")
    _refuse_edited(text, changes, command=command, force=force)


def _refuse_edited(text: str, changes: Changes, *, command: str, force: bool) -> None:
    if not changes.edited:
        return
    expected = f"its files as {command} wrote them"
    folders = [path for path in changes.edited if path.endswith("/")]
    if folders:  # the user's files among so many cannot be told from ours
        found = f"files in {name_some(folders)} were changed, added or removed"
        raise fault(text, found, expected, "move the folder away, or name another")
    if not force:
        remedy = "move away what you want to keep, or pass --force to replace it"
        raise fault(text, f"{name_some(changes.edited)} was edited", expected, remedy)


def _folders_in(folder: Path) -> list[str]:
    """Return the relative paths of the folders that hold the files of `folder`."""
    parents = {parent for path in list_paths(folder) for parent in Path(path).parents}
    return sorted(str(parent) for parent in parents)


def _is_mount_point(place: Path) -> bool:
    """Tell whether something is mounted at `place`, which can then not be moved aside.

    `os.path.ismount` misses a folder that is mounted from the same file system. Linux lists it.
    """
    if os.path.ismount(place):
        return True
    escaped = os.fsencode(place)
    for character in b"\\ \t\n":  # the backslash first
        escaped = escaped.replace(bytes([character]), b"\\%03o" % character)
    try:
        mounts = MOUNTS.read_bytes().splitlines()
    except OSError:
        return False
    return any(mount.split(b" ")[4] == escaped for mount in mounts)


def _is_writable(path: Path) -> bool:
    """Tell whether its permissions let us change a path; root respects them, too."""
    anyone = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return os.access(path, os.W_OK) and bool(path.stat().st_mode & anyone)


def name_some(paths: Collection[str], shown: int = 3) -> str:
    """Name the first of several paths, and say how many more there are."""
    text = ", ".join([*paths][:shown])
    return f"{text} and {len(paths) - shown:,} more" if len(paths) > shown else text


def resolve(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path behind all links, also where nothing is there yet."""
    return Path(os.path.realpath(path))  # Path.resolve fails for a link to itself

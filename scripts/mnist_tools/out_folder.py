"""Check that a command may write the folder OUT without losing anything of the user's.

Also make the folders above it, and keep temporary folders out of errors.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from mnist_family import fault
from mnist_tools.lists import name_some
from mnist_tools.manifest import Changes, find_changes, list_paths, read_manifest

MOUNTS = Path("/proc/self/mountinfo")  # the fifth field of a line is a mount point


def check_place(
    out: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]] = ()
) -> None:
    """Raise ValueError unless there can be a folder at `out`.

    The folder may neither contain any of the `sources` that it is made from nor be inside one.
    """
    place, subject = resolve(out), str(out)
    if os.path.lexists(out) and not Path(out).is_dir():
        remedy = "choose a new folder, or delete this yourself"
        raise fault(subject, "not a folder", "a folder", remedy)
    if Path.cwd().is_relative_to(place):
        found = "the working directory or a folder above it"
        raise fault(subject, found, "a separate folder", "choose another folder")
    above = next(folder for folder in place.parents if os.path.lexists(folder))
    if not above.is_dir() or not _is_writable(above):
        found = f"{above} is not a writable folder"
        raise fault(subject, found, "a folder in a writable one", "choose another folder")
    if _is_mount_point(place):
        expected, remedy = "a folder that can be moved aside", "choose a folder inside it"
        raise fault(subject, "a mount point", expected, remedy)
    _refuse_overlap(subject, place, sources)


def check_replaceable(out: str | os.PathLike[str], *, command: str, force: bool = False) -> None:
    """Raise ValueError if there is a folder at `out` that `command` may not replace.

    It may replace a folder that it wrote itself and in which nothing was added or edited since.
    `force` allows files to be replaced that the user edited, but never files that the user added.
    """
    place, subject = resolve(out), str(out)
    if place.is_dir():
        _refuse_loss(subject, place, command=command, force=force)
        _refuse_read_only(subject, place)


@contextlib.contextmanager
def parents_of(place: Path) -> Iterator[None]:
    """Make the folders above `place`; remove them again if nothing was written there."""
    missing = [folder for folder in place.parents if not folder.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        if not place.exists():
            for folder in missing:  # the innermost first
                with contextlib.suppress(OSError):
                    folder.rmdir()


@contextlib.contextmanager
def naming_out(out: Path, temporary: Path) -> Iterator[None]:
    """Make errors of the system name `out`, not the temporary folder beside it."""
    try:
        yield
    except OSError as error:
        if error.errno and str(temporary) in str(error.filename or temporary):
            raise OSError(error.errno, os.strerror(error.errno), str(out)) from None
        raise


def _refuse_overlap(subject: str, place: Path, sources: Iterable[str | os.PathLike[str]]) -> None:
    expected, remedy = "a folder apart from the source", "choose another folder"
    for source in sources:
        real = resolve(source)
        if place == real:
            raise fault(subject, "the source itself", expected, remedy)
        if place.is_relative_to(real):
            raise fault(subject, f"inside {source}", expected, remedy)
        if real.is_relative_to(place):
            raise fault(subject, f"contains {source}", expected, remedy)


def _refuse_read_only(subject: str, place: Path) -> None:
    """Refuse a folder with anything read-only in it, although moving it aside would work."""
    inside = [*_folders_in(place), *list_paths(place)]
    for path in [place, *(place / name for name in inside)]:
        if not path.is_symlink() and not _is_writable(path):
            remedy = "make it writable, or choose another folder"
            raise fault(subject, f"{path} is read-only", "files that may be replaced", remedy)


def _refuse_loss(subject: str, place: Path, *, command: str, force: bool) -> None:
    """Refuse a folder if replacing it would lose anything that `command` did not write."""
    manifest = read_manifest(place)
    expected = f"an empty folder or one that {command} wrote"
    if manifest is None:
        if any(place.iterdir()):
            raise fault(subject, "holds other files", expected, "choose a new folder")
        return
    if manifest.command != command:
        found = f"written by {manifest.command}"
        raise fault(subject, found, expected, "choose another folder")
    changes = find_changes(place, manifest)
    if changes.added:
        found = f"holds {name_some(changes.added)}, which {command} did not write"
        raise fault(subject, found, "only its own files", "move your files elsewhere")
    _refuse_edited(subject, changes, command=command, force=force)


def _refuse_edited(subject: str, changes: Changes, *, command: str, force: bool) -> None:
    if not changes.edited:
        return
    expected = f"the files as {command} wrote them"
    folders = [path for path in changes.edited if path.endswith("/")]
    if folders:  # one digest covers all their files, so edited and added ones look the same
        found = f"changes in {name_some(folders)}"
        raise fault(subject, found, expected, "move the folder elsewhere, or choose another")
    if not force:
        remedy = "save your edits elsewhere, or pass --force to discard them"
        raise fault(subject, f"edits in {name_some(changes.edited)}", expected, remedy)


def _folders_in(folder: Path) -> list[str]:
    """Return the relative path of every folder that has something in it, `.` included."""
    parents = {parent for path in list_paths(folder) for parent in Path(path).parents}
    return sorted(str(parent) for parent in parents)


def _is_mount_point(place: Path) -> bool:
    """Check whether something is mounted at `place`, which cannot be moved aside then.

    `os.path.ismount` misses folders mounted from the same file system, but Linux lists those too.
    """
    if os.path.ismount(place):
        return True
    escaped = os.fsencode(place)
    for character in b"\\ \t\n":  # the backslash first, as the others add more
        escaped = escaped.replace(bytes([character]), b"\\%03o" % character)
    try:
        mounts = MOUNTS.read_bytes().splitlines()
    except OSError:
        return False
    return any(mount.split(b" ")[4] == escaped for mount in mounts)


def _is_writable(path: Path) -> bool:
    """Check the write permission of a path; root, too, has to have it."""
    anyone = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return os.access(path, os.W_OK) and bool(path.stat().st_mode & anyone)


def resolve(path: str | os.PathLike[str]) -> Path:
    """Resolve all links in a path, which need not exist."""
    return Path(os.path.realpath(path))  # Path.resolve fails on a link to itself

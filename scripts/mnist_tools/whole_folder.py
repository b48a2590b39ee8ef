"""Write a folder beside OUT, and move it to OUT once it is complete.

Nothing of the user's is lost: a folder is replaced only if one of our commands wrote it and nothing
was added or edited since. Temporary files are beside OUT, in `.OUT.mnist_family` and
`.OUT.mnist_family.lock`. If a run is killed (SIGKILL), the next command that writes OUT puts back
what had been moved aside and removes them. Files that a later run can use are in `kept`.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mnist_family import fault
from mnist_tools.folder_lock import hold_lock
from mnist_tools.lists import name_some
from mnist_tools.manifest import (
    MANIFEST,
    list_paths,
    write_manifest,
)
from mnist_tools.out_folder import check_place, check_replaceable, parents_of, resolve

WORK_NOTE = "mnist_family-work"  # this file marks a work folder as ours
MOVED_ASIDE = "moved-aside.json"  # the stamps of the files in `old` that may be deleted
LONGEST_NAME = 200  # bytes; file systems allow 255, and names of temporary files are longer

Stamps = dict[str, list[int]]  # by path: size in bytes, modification time in ns


@dataclasses.dataclass(frozen=True)
class Workplace:
    """Where a command prepares the folder `out`, while no other process does.

    `command` and `force` are those of `check_replaceable`.
    """

    out: str | os.PathLike[str]
    command: str
    force: bool
    place: Path
    work: Path

    @property
    def new(self) -> Path:
        """Return the folder that will be moved to `out`."""
        return self.work / "new"

    @property
    def kept(self) -> Path:
        """Return a folder that a command may write, and that stays until `out` is complete."""
        return self.work / "kept"


@contextlib.contextmanager
def workplace(
    out: str | os.PathLike[str],
    *,
    command: str,
    force: bool = False,
    sources: Iterable[str | os.PathLike[str]] = (),
) -> Iterator[Workplace]:
    """Lock `out` against other processes, and clean up what a killed run left beside it.

    `sources` is that of `check_place`, `force` that of `check_replaceable`. ValueError if either of
    them refuses `out`; OSError if another process is writing it.
    """
    check_place(out, sources)
    place = resolve(out)
    with parents_of(place), _lock_of(place), _work_folder(place) as work:
        check_replaceable(out, command=command, force=force)
        yield Workplace(out, command, force, place, work)


@contextlib.contextmanager
def new_folder(at: Workplace, *, made_of: str, remarks: Sequence[str] = ()) -> Iterator[Path]:
    """Yield an empty folder to fill; afterwards, add a manifest to it and move it to OUT.

    After an exception, OUT is as it was. `remarks` go into the manifest. ValueError if OUT has
    changed meanwhile and may no longer be replaced.
    """
    if at.new.exists():
        shutil.rmtree(at.new)
    at.new.mkdir()
    yield at.new
    write_manifest(at.new, command=at.command, made_of=made_of, remarks=remarks)
    stamps = _stamps(at.place)
    check_replaceable(at.out, command=at.command, force=at.force)
    with undisturbed():
        _replace(at, stamps)
        shutil.rmtree(at.kept, ignore_errors=True)


@contextlib.contextmanager
def whole_folder(
    out: str | os.PathLike[str],
    *,
    command: str,
    made_of: str,
    force: bool = False,
    sources: Iterable[str | os.PathLike[str]] = (),
) -> Iterator[Path]:
    """Yield an empty folder to fill, and move it to `out`; see `workplace` and `new_folder`."""
    with (
        workplace(out, command=command, force=force, sources=sources) as at,
        new_folder(at, made_of=made_of) as folder,
    ):
        yield folder


def clear_leftovers(out: str | os.PathLike[str]) -> None:
    """Remove what a killed run left beside a complete folder, unless a process is writing there."""
    place = resolve(out)
    work = _beside(place, "")
    if not any(os.path.lexists(path) for path in (work, _beside(place, ".lock"))):
        return
    with contextlib.suppress(OSError), _lock_of(place):
        if _is_ours(work):
            with _work_folder(place):
                shutil.rmtree(work / "kept", ignore_errors=True)


# --- Beside OUT -----------------------------------------------------------------------------------


@contextlib.contextmanager
def _lock_of(place: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:  # around the lock alone, as the body may raise a BlockingIOError of its own
            stack.enter_context(hold_lock(_beside(place, ".lock")))
        except BlockingIOError:
            found = "being written by another process"
            message = f"{place}: {found}, expected no other writer; wait until it has finished"
            raise OSError(message) from None
        yield


@contextlib.contextmanager
def _work_folder(place: Path) -> Iterator[Path]:
    """Yield a folder beside `place`, and remove it afterwards.

    What a killed run had moved aside is put back or deleted first; what it had written is still in
    the folder.
    """
    work = _beside(place, "")
    if os.path.lexists(work):
        _check_ours(work)
        _recover(place, work)
    try:
        work.mkdir(exist_ok=True)
        text = f"A command is writing {place.name} here. Do not put files of yours here.\n"
        (work / WORK_NOTE).write_text(text, encoding="utf-8", errors="backslashreplace")
        yield work
    finally:
        with undisturbed():
            _clear(work)


def _beside(place: Path, suffix: str) -> Path:
    """Return the path of a temporary file or folder; a long name is replaced by its digest."""
    name = place.name
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return place.with_name(f".{name}.mnist_family{suffix}")


def _check_ours(work: Path) -> None:
    if not _is_ours(work):
        raise fault(str(work), "not written by mnist_family", "nothing there", "move it elsewhere")


def _is_ours(work: Path) -> bool:
    """Check for our note; an empty folder is ours, too, if a run was killed before writing it."""
    is_folder = work.is_dir() and not work.is_symlink()
    return is_folder and (not any(work.iterdir()) or (work / WORK_NOTE).is_file())


def _recover(place: Path, work: Path) -> None:
    """Put back what a killed run had moved aside, or delete it if the new folder is in place."""
    old = work / "old"
    if not old.exists():
        return
    if place.exists():
        _delete_moved_aside(work)
    else:
        old.rename(place)


def _clear(work: Path) -> None:
    """Delete a run's own files from its work folder, then the folder if it is empty."""
    shutil.rmtree(work / "new", ignore_errors=True)
    if (work / "old").exists() or (work / "kept").exists():
        return
    for name in (MOVED_ASIDE, WORK_NOTE):
        (work / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        work.rmdir()


# --- Moving in ------------------------------------------------------------------------------------


def _replace(at: Workplace, stamps: Stamps) -> None:
    """Move `new` to `place` and delete what was there, or put that back if the move fails."""
    place, new, old = at.place, at.new, at.work / "old"
    if not place.exists():
        new.rename(place)
        return
    new.chmod(stat.S_IMODE(place.stat().st_mode))
    (at.work / MOVED_ASIDE).write_text(json.dumps(stamps), encoding="utf-8")
    place.rename(old)
    try:
        new.rename(place)
    except BaseException:
        old.rename(place)
        raise
    _delete_moved_aside(at.work)


def _delete_moved_aside(work: Path) -> None:
    """Delete the files in `old` that have not changed since the check; ValueError for others."""
    old = work / "old"
    checked = json.loads((work / MOVED_ASIDE).read_text(encoding="utf-8"))
    for path, stamp in _stamps(old).items():
        if checked.get(path) == stamp:
            (old / path).unlink()
    kept = [path for path in list_paths(old) if not path.endswith("/")]
    if kept:
        found = f"holds {name_some(kept)}, changed or added while the folder was replaced"
        raise fault(str(old), found, "nothing", "move it elsewhere")
    shutil.rmtree(old)


def _stamps(folder: Path) -> Stamps:
    """Return the stamps of all files in `folder`, manifest included; {} if it is missing."""
    if not folder.is_dir():
        return {}
    stamps = {}
    for path in (*list_paths(folder), MANIFEST):
        if not path.endswith("/") and os.path.lexists(folder / path):
            status = (folder / path).lstat()
            stamps[path] = [status.st_size, status.st_mtime_ns]
    return stamps


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM during the moment that moving and deleting take."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread only, and only it may set their handlers
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

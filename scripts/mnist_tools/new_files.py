"""Add files to a folder of the user's: all of them or none, and never in place of others."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from mnist_family import fault
from mnist_tools.out_folder import naming_out, parents_of


@contextlib.contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; afterwards, move its files to `folder`, made if missing.

    After an exception, `folder` is as it was. ValueError if a file of the same name is there. A
    killed process leaves `.NAME.PID.incomplete`, in `folder` or, if that is new, beside it.
    """
    place = folder.absolute()
    if os.path.lexists(place) and not place.is_dir():
        raise fault(str(folder), "not a folder", "a folder, new or not", "choose another name")
    # Inside a folder that exists, as that may be a mount point or a link to another disk.
    work = (place if place.exists() else place.parent) / f".{place.name}.{os.getpid()}.incomplete"
    with parents_of(place), naming_out(folder, work):
        work.mkdir()
        try:
            yield work
            if place.exists():
                _move(work, place, folder)
            else:
                work.rename(place)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def refuse_existing(folder: Path, names: Iterable[str]) -> None:
    """Raise ValueError if a folder has files of these names; the error lists them."""
    found = sorted({name for name in names if os.path.lexists(folder / name)})
    if found:
        remedy = "move them elsewhere, or choose another folder"
        raise fault(str(folder), f"holds {', '.join(found)}", "none of these files yet", remedy)


def _move(work: Path, place: Path, shown: Path) -> None:
    names = sorted(os.listdir(work))
    refuse_existing(shown, names)
    moved = []
    try:
        for name in names:
            (work / name).rename(place / name)
            moved.append(place / name)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        raise

"""Keep two processes from writing one folder, on one machine or on two that share a volume."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError("locked") from error

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock on an empty file at `path`, which is made for it and removed afterwards.

    A lock ends with its process, so what a killed one left at `path` stops nobody. BlockingIOError
    if another process holds it; FileExistsError if something else is at `path`.
    """
    descriptor = _open_locked(path)
    try:
        yield
    finally:
        if sys.platform == "win32":  # which does not remove a file that is open
            os.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()
        else:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _open_locked(path: Path) -> int:
    """Return the descriptor of the file at `path`, locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if os.fstat(descriptor).st_size:
                raise FileExistsError(f"{path}: holds something, expected no file; move it away")
            _lock(descriptor)
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the one who held it removed it after we had opened it: open the next


def _is_at(path: Path, descriptor: int) -> bool:
    """Tell whether the file at `path` still is the one that was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False

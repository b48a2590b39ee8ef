"""Keep the shards of a build that did not finish, so that the next run can go on."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from mnist_tools.errors import Interrupted
from mnist_tools.whole_folder import Workplace, undisturbed


@contextlib.contextmanager
def kept_shards(at: Workplace, *, fresh: bool = False) -> Iterator[Path]:
    """Yield a folder for shards; if the build ends early, finished shards stay in it.

    The error then names the folder. Shards that were moved to the new folder are moved back, even
    after a run was killed, as long as their sidecars are still here. With `fresh`, the shards of an
    earlier run are deleted first.
    """
    if fresh:
        shutil.rmtree(at.kept, ignore_errors=True)
    at.kept.mkdir(exist_ok=True)
    _move_back(at)
    try:
        yield at.kept
    except BaseException as error:
        with undisturbed():
            _move_back(at)
            count = _count_finished(at.kept)
        if count:
            _raise_with(f"{count:,} finished {_shards(count)} kept in {at.kept}", error)
        raise


def _move_back(at: Workplace) -> None:
    """Move shards from the new folder back to where they were written."""
    for sidecar in at.kept.glob("*/*.json"):
        written = sidecar.with_suffix(".parquet")
        moved = at.new / written.relative_to(at.kept)
        if moved.is_file():
            moved.replace(written)


def _count_finished(folder: Path) -> int:
    """Count the shards in a folder that have a sidecar; delete the folder if there are none."""
    sidecars = folder.glob("*/*.json")
    count = sum(path.with_suffix(".parquet").exists() for path in sidecars)
    if not count:
        shutil.rmtree(folder, ignore_errors=True)
    return count


def _shards(count: int) -> str:
    return "shard is" if count == 1 else "shards are"


def _raise_with(kept: str, error: BaseException) -> None:
    """Raise an error that adds what is kept; return for a bug, and for an error with an errno."""
    if isinstance(error, KeyboardInterrupt):
        goes_on = "run the command again to continue, or with --fresh to start over"
        raise Interrupted(f"build: interrupted, {kept}; {goes_on}") from None
    if isinstance(error, ValueError):
        raise ValueError(f"{error}; {kept}") from error
    if isinstance(error, OSError) and error.errno is None:
        raise OSError(f"{error}; {kept}") from error

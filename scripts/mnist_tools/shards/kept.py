"""Keep the shards of a build that did not finish, so that the next run can go on."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from mnist_tools.errors import Interrupted


@contextlib.contextmanager
def kept_shards(folder: Path, *, fresh: bool = False) -> Iterator[Path]:
    """Yield a folder for shards; delete it afterwards, unless another run can go on with them.

    Finished shards are kept after an interruption, and after an OSError such as a full disk; the
    error then names the folder. With `fresh`, those of an earlier run are deleted first.
    """
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    except KeyboardInterrupt:
        count = _count_finished(folder)
        if not count:
            raise
        goes_on = "run the command again to go on, or with --fresh to start anew"
        found = f"{count:,} finished {_shards(count)} kept in {folder}"
        raise Interrupted(f"build: interrupted, {found}; {goes_on}") from None
    except OSError as error:
        count = _count_finished(folder)
        if not count or error.errno is not None:
            raise
        raise OSError(f"{error}; {count:,} finished {_shards(count)} kept in {folder}") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)


def _count_finished(folder: Path) -> int:
    """Count the shards in a folder that have a sidecar; delete the folder if there are none."""
    sidecars = folder.glob("*/*.json")
    count = sum(path.with_suffix(".parquet").exists() for path in sidecars)
    if not count:
        shutil.rmtree(folder, ignore_errors=True)
    return count


def _shards(count: int) -> str:
    return "shard is" if count == 1 else "shards are"

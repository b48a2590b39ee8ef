"""Write all shards of a build with any engine, and use those that are finished already."""

import dataclasses
import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from tqdm import tqdm

from mnist_tools.causes import naming_dataset
from mnist_tools.shards.finish import find_finished, finish
from mnist_tools.shards.plan import RowSource, plan_shards, plan_smaller
from mnist_tools.shards.sidecar import Shard
from mnist_tools.shards.task import INCOMPLETE, UNPACKED, ShardTask

Engine = Callable[[Sequence[ShardTask]], Iterator[ShardTask]]
"""Runs `write_shard` with each task, anywhere, and yields the task when its shard is finished."""

SplitShards = dict[str, list[Shard]]
"""The shards of each split, in order."""

SHARD_FILE = re.compile(
    rf".+-\d{{5,}}-of-\d{{5,}}\.(parquet|json|npy)(\.[0-9a-f]+{re.escape(INCOMPLETE)})?"
)


@dataclasses.dataclass(frozen=True)
class Written:
    """The shards of all datasets, by config and split.

    `reused` is the number of those that an earlier run had finished.
    """

    shards: dict[str, SplitShards]
    reused: int


def write_datasets(
    folder: Path, sources: Sequence[RowSource], max_bytes: int, engine: Engine
) -> Written:
    """Write the shards of all datasets to `folder`/CONFIG/.

    Shards that an earlier run left there are used if the plan has them; other shards are deleted.
    ValueError if rows are wrong, or if the files in `folder` are not those that were written.
    """
    try:
        tasks = []
        for source in sources:
            with naming_dataset(source.config, folder):
                tasks += plan_shards(folder, source, max_bytes)
        reused = _write_missing(folder, tasks, engine)
        shards = _by_split(finish(tasks))
        while any(_is_too_large(each, max_bytes) for each in shards.values()):
            tasks = _plan_again(shards, sources, max_bytes)
            _write_missing(folder, tasks, engine)
            shards = _by_split(finish(tasks))
    finally:
        shutil.rmtree(folder / UNPACKED, ignore_errors=True)
    written: dict[str, SplitShards] = {source.config: {} for source in sources}
    for (config, split), each in shards.items():
        written[config][split] = each
    return Written(written, reused)


def _write_missing(folder: Path, tasks: Sequence[ShardTask], engine: Engine) -> int:
    """Write the shards that are not there yet; return the number of those that are."""
    finished = find_finished(tasks)
    _delete_other_shards(folder, finished)
    missing = [task for task in tasks if task not in finished]
    with tqdm(
        desc="Writing rows",
        total=sum(task.stop - task.start for task in tasks),
        initial=sum(task.stop - task.start for task in finished),
        unit=" rows",
        unit_scale=True,
    ) as progress:
        for task in engine(missing) if missing else ():
            progress.update(task.stop - task.start)
    return len(finished)


def _delete_other_shards(folder: Path, finished: Sequence[ShardTask]) -> None:
    """Delete shards of other inputs or settings, and files that were never completed."""
    kept = {path for task in finished for path in (task.path, task.sidecar, task.digests)}
    for path in [*folder.glob("*/*")]:
        if path not in kept and SHARD_FILE.fullmatch(path.name):
            path.unlink()


def _by_split(shards: Sequence[Shard]) -> dict[tuple[str, str], list[Shard]]:
    """Group shards by config and split."""
    key = attrgetter("task.config", "task.split.name")
    return {pair: [*group] for pair, group in itertools.groupby(shards, key)}


def _is_too_large(shards: Sequence[Shard], max_bytes: int) -> bool:
    return max(shard.bytes for shard in shards) > max_bytes


def _plan_again(
    shards: dict[tuple[str, str], list[Shard]], sources: Sequence[RowSource], max_bytes: int
) -> list[ShardTask]:
    """Plan smaller shards for the splits in which one is too large; keep the others."""
    by_config = {source.config: source for source in sources}
    tasks = []
    for (config, _), each in shards.items():
        if _is_too_large(each, max_bytes):
            tasks += plan_smaller(each, by_config[config], max_bytes)
        else:
            tasks += [shard.task for shard in each]
    return tasks

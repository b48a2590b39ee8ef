"""Check finished shards, and add up what their sidecars say."""

from collections.abc import Sequence
from pathlib import Path

from mnist_family import fault
from mnist_tools.out_folder import name_some
from mnist_tools.shards.sidecar import Shard, find_fault, read_sidecar
from mnist_tools.shards.size import SplitSize
from mnist_tools.shards.tally import Tally, empty_tally
from mnist_tools.shards.task import INCOMPLETE, ShardTask


def finish(tasks: Sequence[ShardTask]) -> list[Shard]:
    """Return the shards of all tasks, in order.

    ValueError unless the file of each is there as its sidecar says, and no other file is.
    """
    shards = []
    for task in tasks:
        shard = read_sidecar(task)
        if shard is None:
            raise _broken(task.path, "not finished")
        found = find_fault(shard)
        if found is not None:
            raise _broken(task.path, found)
        shards.append(shard)
    _refuse_others(tasks)
    return shards


def find_finished(tasks: Sequence[ShardTask]) -> list[ShardTask]:
    """Return the tasks whose shard is there already, as its sidecar says."""
    finished = []
    for task in tasks:
        shard = read_sidecar(task)
        if shard is not None and find_fault(shard) is None:
            finished.append(task)
    return finished


def _broken(path: Path, found: str) -> ValueError:
    remedy = "run the command again, which writes it anew"
    return fault(str(path), found, "the shard as it was written", remedy)


def _refuse_others(tasks: Sequence[ShardTask]) -> None:
    """Raise ValueError if there are other files among the shards."""
    expected = {path for task in tasks for path in (task.path, task.sidecar, task.digests)}
    for folder in sorted({task.path.parent for task in tasks}):
        others = sorted(
            path.name
            for path in folder.iterdir()
            if path not in expected and not path.name.endswith(INCOMPLETE)
        )
        if others:
            found = f"holds {name_some(others)}"
            raise fault(str(folder), found, "only the shards of this build", "move it elsewhere")


def total_size(shards: Sequence[Shard]) -> SplitSize:
    """Add up the sizes of a split's shards."""
    return SplitSize(
        num_bytes=sum(shard.arrow_bytes for shard in shards),
        num_examples=sum(shard.tally.rows for shard in shards),
        parquet_bytes=sum(shard.bytes for shard in shards),
    )


def total_tally(shards: Sequence[Shard]) -> Tally:
    """Add up the tallies of a split's shards."""
    return sum((shard.tally for shard in shards), empty_tally(len(shards[0].task.class_names)))

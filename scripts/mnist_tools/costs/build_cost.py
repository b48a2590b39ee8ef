"""What it costs to write many rows to Parquet, through `datasets` and as shards."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import mnist_family
from mnist_tools.cards.measurements import measure_splits
from mnist_tools.costs.rows import write_many_rows
from mnist_tools.costs.run import Cost, measure_run
from mnist_tools.shards.local import write_locally
from mnist_tools.shards.plan import RowSource
from mnist_tools.shards.run import write_datasets

SHARD_BYTES = 5_000_000  # small, so that processes share even 70,000 rows evenly
SHARD_ROWS = 20_000
BUILD = (
    "import sys; from mnist_tools.costs.build_cost import WAYS; "
    "WAYS[sys.argv[1]](sys.argv[2], sys.argv[3])"
)


def build_costs(name: str, folder: Path, rows: Sequence[int]) -> dict[int, dict[str, Cost]]:
    """Return the cost of each way to write each number of rows, made from those in `folder`."""
    if not sys.platform.startswith("linux"):
        raise mnist_family.fault("--build", f"this is {sys.platform}", "Linux", "leave it out")
    split = next(iter(mnist_family.verified_splits(name, folder).values()))
    costs: dict[int, dict[str, Cost]] = {}
    for count in rows:
        with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
            write_many_rows(split, count, Path(temporary, "archives"))
            costs[count] = {}
            for number, way in enumerate(WAYS):
                out = Path(temporary, f"out-{number}")
                out.mkdir()
                arguments = [way, str(Path(temporary, "archives")), str(out)]
                costs[count][way] = measure_run(BUILD, arguments, out)
    return costs


def _through_datasets(archives: str, out: str) -> None:
    """Load the rows into the Arrow cache with two processes, write them as Parquet, measure them.

    Shards are measured while they are written.
    """
    rows = mnist_family.load(data_dir=archives, split="train", num_proc=2, cache_dir=f"{out}/cache")
    count = -(-len(rows) // SHARD_ROWS)
    for number in range(count):
        shard = rows.shard(count, number, contiguous=True)
        shard.to_parquet(f"{out}/{number}.parquet", batch_size=1000)
    measure_splits("rows", mnist_family.verified_splits("mnist", archives))


def _as_shards(archives: str, out: str, *, num_proc: int) -> None:
    splits = mnist_family.verified_splits("mnist", archives)
    source = RowSource("rows", splits, mnist_family.find_config("mnist").class_names, "benchmark")
    write_datasets(Path(out), [source], SHARD_BYTES, partial(write_locally, num_proc=num_proc))


WAYS: dict[str, Callable[[str, str], None]] = {
    "`datasets` with num_proc=2, then Parquet, then measure": _through_datasets,
    "shards, one process": partial(_as_shards, num_proc=1),
    "shards, two processes": partial(_as_shards, num_proc=2),
}

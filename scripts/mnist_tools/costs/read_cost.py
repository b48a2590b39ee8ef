"""What it costs to read many rows back from a hundred shards, with readers that people use."""

import importlib.util
import inspect
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import mnist_family
from mnist_tools.costs.readers import (
    with_datasets,
    with_duckdb,
    with_polars,
    with_ray,
    with_two_nodes,
)
from mnist_tools.costs.rows import write_many_rows
from mnist_tools.costs.run import measure_run
from mnist_tools.shards.engines import count_cores
from mnist_tools.shards.local import write_locally
from mnist_tools.shards.plan import RowSource
from mnist_tools.shards.run import write_datasets
from mnist_tools.shards.size import SMALLEST_SHARD, estimate_row_bytes

SHARDS = 100
READ = (
    "import sys, time; from mnist_tools.costs.read_cost import READERS; start = time.perf_counter()"
    "; rows = READERS[sys.argv[1]].read(sys.argv[2]); print(rows, time.perf_counter() - start)"
)


class Reader(NamedTuple):
    """A way to read rows, and the package that it needs."""

    package: str
    read: Callable[[str], int]


class Reading(NamedTuple):
    """How a reader fared: rows per second, CPU seconds, peak memory in MB, lines of its code."""

    rows_per_second: float
    cpu_seconds: float
    memory: float
    lines: int


READERS = {
    "DuckDB": Reader("duckdb", with_duckdb),
    "Polars": Reader("polars", with_polars),
    "`datasets`, streaming": Reader("datasets", with_datasets),
    "`datasets`, two nodes in turn": Reader("datasets", with_two_nodes),
    "Ray Data": Reader("ray", with_ray),
}


def read_costs(name: str, folder: Path, rows: int) -> dict[str, Reading | None]:
    """Return how each reader decodes `rows` rows from about a hundred shards.

    The rows are made from those in `folder`. None for a reader that is not installed.
    """
    if not sys.platform.startswith("linux"):
        raise mnist_family.fault("--read", f"this is {sys.platform}", "Linux", "leave it out")
    split = next(iter(mnist_family.verified_splits(name, folder).values()))
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        archives, shards = Path(temporary, "archives"), Path(temporary, "shards")
        write_many_rows(split, rows, archives)
        shards.mkdir()
        _write_shards(archives, shards)
        return {reader: _time(reader, f"{shards}/rows/*.parquet", rows) for reader in READERS}


def _write_shards(archives: Path, folder: Path) -> None:
    splits = mnist_family.verified_splits("mnist", archives)
    names = mnist_family.find_config("mnist").class_names
    rows = splits["train"].rows * estimate_row_bytes(splits["train"], names)
    source = RowSource("rows", splits, names, "benchmark")
    engine = partial(write_locally, num_proc=count_cores())
    write_datasets(folder, [source], max(SMALLEST_SHARD, int(rows / SHARDS)), engine)


def _time(reader: str, pattern: str, rows: int) -> Reading | None:
    if importlib.util.find_spec(READERS[reader].package) is None:
        return None
    cost = measure_run(READ, [reader, pattern], Path(pattern).parent)
    *_, found, seconds = cost.output.split()  # DuckDB prints its progress before them
    if int(found) != rows:
        raise mnist_family.fault(reader, f"{found} rows", f"{rows}", "report it")
    lines = len(inspect.getsource(READERS[reader].read).splitlines()) - 3  # def, docstring, blank
    return Reading(rows / float(seconds), cost.cpu_seconds, cost.memory, lines)

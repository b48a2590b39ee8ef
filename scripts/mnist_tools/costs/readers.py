"""Ways to read the rows of Parquet shards, image by image, each as short as people write it.

Every function returns the number of rows whose image it has decoded.
"""

import io
from collections.abc import Iterable
from glob import glob

import numpy as np
import PIL.Image


def _decode(files: Iterable[bytes]) -> int:
    return sum(np.asarray(PIL.Image.open(io.BytesIO(file))).shape == (28, 28) for file in files)


def with_duckdb(pattern: str) -> int:
    """Read with DuckDB, a thousand rows at a time."""
    import duckdb

    rows = 0
    cursor = duckdb.connect().execute(f"select image.bytes from '{pattern}'")
    while batch := cursor.fetchmany(1000):
        rows += _decode(file for (file,) in batch)
    return rows


def with_polars(pattern: str) -> int:
    """Read with Polars, one shard at a time."""
    import polars

    rows = 0
    for path in sorted(glob(pattern)):
        table = polars.read_parquet(path, columns=["image"])
        rows += _decode(table["image"].struct.field("bytes"))
    return rows


def with_datasets(pattern: str) -> int:
    """Stream with `datasets`, as one node."""
    import datasets

    stream = datasets.load_dataset(
        "parquet", data_files=pattern, split="train", streaming=True
    ).cast_column("image", datasets.Image(decode=False))
    return _decode(row["image"]["bytes"] for row in stream)


def with_two_nodes(pattern: str) -> int:
    """Stream with `datasets` as two nodes, one after the other: each reads its own shards."""
    import datasets
    from datasets.distributed import split_dataset_by_node

    stream = datasets.load_dataset("parquet", data_files=pattern, split="train", streaming=True)
    stream = stream.cast_column("image", datasets.Image(decode=False))
    nodes = [split_dataset_by_node(stream, rank, 2) for rank in range(2)]
    return sum(_decode(row["image"]["bytes"] for row in node) for node in nodes)


def with_ray(pattern: str) -> int:
    """Read with Ray Data, in the processes of a cluster on this machine."""
    import ray

    ray.init(log_to_driver=False, include_dashboard=False)
    rows = ray.data.read_parquet(sorted(glob(pattern)), columns=["image"])
    counts = rows.map_batches(
        lambda batch: {"rows": [_decode(file["bytes"] for file in batch["image"])]}
    )
    return int(counts.sum("rows"))

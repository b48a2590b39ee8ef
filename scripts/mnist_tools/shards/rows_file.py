"""Parquet files of rows, as `datasets` writes them: image and label, with their features."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import datasets
import numpy as np
import pyarrow
import pyarrow.parquet

from mnist_family import Chunk, DiskSplit, PartedSplit, encode_pngs, read_chunks

ROWS_PER_GROUP = 1000  # a reader decodes at least one group; smaller ones cost 7 % more bytes
# Measured on MNIST and Fashion-MNIST: PNG files share their headers, so ZSTD saves 20 and 10 % of
# the bytes, and Snappy 16 and 6 %. Level 1 costs 3 % of the time of encoding; higher levels save
# less than 1 % more.
COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1


def schema_of(class_names: Sequence[str]) -> Any:
    """Return the Arrow schema of rows; its metadata tells `datasets` the features."""
    label = datasets.ClassLabel(names=list(class_names))
    return datasets.Features({"image": datasets.Image(), "label": label}).arrow_schema


def table_of(chunk: Chunk, schema: Any) -> Any:
    """Return rows as an Arrow table, with images as PNG files."""
    files = pyarrow.array(encode_pngs(chunk.images), pyarrow.binary(), size=len(chunk.labels))
    image_type = schema.field("image").type
    paths = pyarrow.nulls(len(files), pyarrow.string())
    columns = {"bytes": files, "path": paths}
    fields = [image_type.field(index) for index in range(image_type.num_fields)]
    images = pyarrow.StructArray.from_arrays([columns[each.name] for each in fields], fields=fields)
    return pyarrow.table([images, pyarrow.array(chunk.labels)], schema=schema)


def read_groups(split: DiskSplit | PartedSplit, start: int, stop: int) -> Iterator[Chunk]:
    """Read rows in groups of ROWS_PER_GROUP, also across parts; only the last one is smaller."""
    waiting: list[Chunk] = []
    rows = 0
    for chunk in read_chunks(split, start, stop, rows_per_chunk=ROWS_PER_GROUP):
        waiting.append(chunk)
        rows += len(chunk.labels)
        if rows >= ROWS_PER_GROUP:  # but fewer than two groups
            joined = _join(waiting)
            yield Chunk(joined.images[:ROWS_PER_GROUP], joined.labels[:ROWS_PER_GROUP])
            rows -= ROWS_PER_GROUP
            rest = Chunk(joined.images[ROWS_PER_GROUP:], joined.labels[ROWS_PER_GROUP:])
            waiting = [rest] if rows else []
    if rows:
        yield _join(waiting)


def _join(chunks: Sequence[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    return Chunk(
        np.concatenate([chunk.images for chunk in chunks]),
        np.concatenate([chunk.labels for chunk in chunks]),
    )


@contextlib.contextmanager
def open_rows_file(file: Any, schema: Any) -> Iterator[Any]:
    """Open a Parquet writer on a file open for writing; equal tables give equal bytes."""
    with pyarrow.parquet.ParquetWriter(
        file,
        schema,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=["label"],  # few images are equal, so a dictionary of them is a waste
        write_statistics=["label"],  # those of images would be two of them in each group of rows
    ) as writer:
        yield writer


def measure_rows_file(tables: Iterable[Any], schema: Any) -> int:
    """Return the size in bytes of a Parquet file of these tables, which is not written."""
    sink = pyarrow.MockOutputStream()
    with open_rows_file(sink, schema) as writer:
        for table in tables:
            writer.write_table(table)
    size: int = sink.size()
    return size

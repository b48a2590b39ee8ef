"""Read a pushed repository back, and compare what the Hub delivers with the folder."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet
from tqdm import tqdm

from mnist_family import fault
from mnist_tools.hub.content import Content
from mnist_tools.hub.folder import BuiltFolder
from mnist_tools.hub.repository import Repository

WHOLE = 1_000_000  # bytes; larger files are compared in part
FOOTER = 8  # bytes that end a Parquet file: the length of its metadata, and a magic number
PUSH_AGAIN = "delete it there and push again"


def compare_revision(
    repository: Repository, revision: str, files: Mapping[str, Content], folder: BuiltFolder
) -> None:
    """Compare a revision with what was pushed; ValueError for the first difference.

    Compares the digests that the Hub lists, the bytes that it delivers (all of a small file, the
    first row group and the footer of a large Parquet file, the start of any other), and the first
    row of each split as `load_dataset` reads it.
    """
    listed = repository.list_files(revision)
    for path, content in files.items():
        remote = listed.get(path)
        if not content.digest.matches(remote):
            found = f"{path} is not listed"
            if remote is not None:
                found = f"{path} is listed with other content, {remote.size:,} bytes"
            expected = f"the {content.digest.size:,} bytes that were pushed"
            raise fault(repository.repo_id, found, expected, PUSH_AGAIN)
    with tqdm(files.items(), desc="Reading back", unit="file") as progress:
        for path, content in progress:
            _compare_bytes(repository, revision, path, content)
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as cache:
        for config in folder.shards:
            _compare_rows(repository, revision, folder, config, cache)


def _compare_bytes(repository: Repository, revision: str, path: str, content: Content) -> None:
    for start, stop in _ranges(path, content):
        if repository.read(path, revision, start, stop) != content.read(start, stop):
            found = f"other bytes in {path}, between {start} and {stop}"
            raise fault(repository.repo_id, found, "those of the folder", PUSH_AGAIN)


def _compare_rows(
    repository: Repository, revision: str, folder: BuiltFolder, config: str, cache: str
) -> None:
    """Raise ValueError unless `load_dataset` returns the features and first row of each split."""
    with repository.asking():
        loaded = datasets.load_dataset(
            repository.repo_id, config, streaming=True, revision=revision, cache_dir=cache
        )
        rows = {split: next(iter(loaded[split])) for split in loaded}
    for split, shards in folder.shards[config].items():
        features, expected = _first_row(folder.path / shards[0])
        same_types = split in loaded and loaded[split].features == features
        if not same_types or not _same_rows(rows[split], expected):
            found = f"{config} {split} begins with another row or has other class names"
            raise fault(repository.repo_id, found, f"those of {shards[0]}", PUSH_AGAIN)


def _ranges(path: str, content: Content) -> Iterator[tuple[int, int]]:
    """Yield the parts of a file to compare, as (start, stop) in bytes."""
    size = content.digest.size
    if size == 0:
        return
    if size <= WHOLE:
        yield 0, size
    elif path.endswith(".parquet") and isinstance(content.source, Path):
        with pyarrow.parquet.ParquetFile(content.source) as file:
            group = file.metadata.row_group(0)
            columns = [group.column(number) for number in range(group.num_columns)]
            yield 0, max(_end_of(column) for column in columns)
            yield size - file.metadata.serialized_size - FOOTER, size
    else:
        yield 0, WHOLE


def _end_of(column: pyarrow.parquet.ColumnChunkMetaData) -> int:
    start = column.data_page_offset
    if column.has_dictionary_page:
        start = min(start, column.dictionary_page_offset)
    return int(start + column.total_compressed_size)


def _first_row(shard: Path) -> tuple[datasets.Features, dict[str, Any]]:
    """Return the features of a shard and its first row, decoded."""
    with pyarrow.parquet.ParquetFile(shard) as file:
        table = next(file.iter_batches(1))
    features = datasets.Features.from_arrow_schema(table.schema)
    return features, features.decode_example(table.to_pylist()[0])


def _same_rows(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    same_image = np.array_equal(np.asarray(row["image"]), np.asarray(other["image"]))
    return same_image and bool(row["label"] == other["label"])

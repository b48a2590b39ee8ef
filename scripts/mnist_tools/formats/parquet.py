"""Parquet: the columns image and label as `datasets` writes them, one or more files per split."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import datasets
import numpy as np
import pyarrow
import pyarrow.parquet

from mnist_family import IMAGE_SHAPE, Chunk, ClassNames, check_class_names, encode_pngs, fault
from mnist_tools.formats.class_names import (
    DIGITS,
    first_named,
    names_beside,
    write_class_names,
)
from mnist_tools.formats.files import refuse_wrong_file
from mnist_tools.formats.images import MAX_FILE_BYTES, Fitting, decode_image
from mnist_tools.formats.labels import (
    arrow_labels,
    is_text,
    refuse_label_type,
    refuse_mixed_labels,
    sorted_class_names,
)
from mnist_tools.formats.source import (
    ROWS_PER_CHUNK,
    Reader,
    Request,
    Source,
    WriteOptions,
    make_source,
)
from mnist_tools.formats.split_files import find_shards, has_files
from mnist_tools.formats.split_names import name_splits
from mnist_tools.lists import name_some

TITLE: str = "Parquet"
SUFFIX = ".parquet"
PARQUET_CONTENT = "a Parquet file with the columns image and label"
PART_NAME = re.compile(r"(?P<stem>)(?:part[-._]?)?(?P<number>\d+)(?:-[0-9a-f]{8}-.*)?")
"""Names of the Hub's converted files, such as 0000, and of Spark's, such as part-00000-<uuid>."""
BATCH_BYTES = 4 << 20


class Table(NamedTuple):
    """A Parquet file as described by its schema; `class_names` are those of its ClassLabel."""

    path: Path
    label_type: pyarrow.DataType
    class_names: ClassNames | None


def detect(path: Path) -> bool:
    """Check whether `path` is a .parquet file, or a folder with some at most two levels down."""
    return has_files(path, SUFFIX)


def read(request: Request) -> Source:
    """Open <split>.parquet, shards of it as `build` writes them, or <split>/0000.parquet."""
    path = request.path
    shards = find_shards(path, [SUFFIX], lambda name: name[: -len(SUFFIX)], PART_NAME)
    named = name_splits([each.split_file for each in shards], path)
    tables = {file: _read_schema(file) for each in shards for file in each.files}
    names = first_named(
        option=request.class_names,
        inside=_names_inside([*tables.values()], path),
        beside=names_beside(path),
        default=_names_in_labels([*tables.values()], path) or DIGITS,
    )
    readers = [
        partial(_chunks, [tables[file] for file in each.files], names.names, request.fitting)
        for each in shards
    ]
    return make_source(TITLE, named, readers, names, resized=request.resize)


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write data/<split>-00000-of-00001.parquet; `datasets` keeps split names if in data/."""
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=[*class_names])}
    )
    schema = features.arrow_schema
    (folder / "data").mkdir()
    for split, reader in splits.items():
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        with pyarrow.parquet.ParquetWriter(path, schema) as writer:
            for chunk in reader():
                images = [{"bytes": png, "path": None} for png in encode_pngs(chunk.images)]
                columns = [
                    pyarrow.array(images, schema.field("image").type),
                    pyarrow.array(chunk.labels, pyarrow.int64()),
                ]
                writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
    write_class_names(folder, class_names)
    return ()


def _read_schema(path: Path) -> Table:
    refuse_wrong_file(path, PARQUET_CONTENT)
    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:100]
        raise fault(
            str(path), f"unreadable ({said})", PARQUET_CONTENT, "download it again"
        ) from None
    for column in ("image", "label"):
        if schema.names.count(column) != 1:
            found = f"columns {name_some(schema.names)}"
            raise fault(str(path), found, "one named image and one named label", "rename them")
    place = f"{path}, label"
    refuse_label_type(schema.field("label").type, place)
    return Table(path, schema.field("label").type, _class_label(schema, place))


def _class_label(schema: pyarrow.Schema, place: str) -> ClassNames | None:
    try:
        label = datasets.Features.from_arrow_schema(schema)["label"]
    except Exception as error:  # other releases of `datasets` may write features unknown here
        said = f"features that datasets cannot read ({type(error).__name__})"
        raise fault(place, said, "a ClassLabel or none", "write it again without them") from None
    if not isinstance(label, datasets.ClassLabel):
        return None
    return check_class_names(label.names or [], place, source="ClassLabel")


def _names_inside(tables: Sequence[Table], path: Path) -> ClassNames | None:
    first = tables[0]
    for table in tables:
        if table.class_names != first.class_names:
            found = f"{first.path.name} and {table.path.name} with different class names"
            raise fault(str(path), found, "the same in the same order", "convert one at a time")
    return first.class_names


def _names_in_labels(tables: Sequence[Table], path: Path) -> ClassNames | None:
    """Make class names from text labels; None if no labels are text."""
    place = f"{path}, label"
    refuse_mixed_labels([is_text(table.label_type) for table in tables], place)
    texts: set[str] = set()
    for table in tables:
        if is_text(table.label_type):
            for batch in _batches(table.path, ["label"]):
                texts.update(text for text in batch["label"].to_pylist() if text is not None)
    return sorted_class_names(texts, place) if texts else None


def _chunks(
    tables: Sequence[Table], class_names: Sequence[str], fitting: Fitting
) -> Iterator[Chunk]:
    for table in tables:
        row = 0
        for batch in _batches(table.path, ["image", "label"]):
            values = batch["image"].to_pylist()
            images = [
                _decoded(value, f"{table.path}, row {number}", fitting)
                for number, value in enumerate(values, row)
            ]
            labels = arrow_labels(batch["label"], class_names, f"{table.path}, label")
            yield Chunk(np.array(images, np.uint8).reshape(-1, *IMAGE_SHAPE), labels)
            row += len(values)


def _decoded(value: object, place: str, fitting: Fitting) -> np.ndarray:
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        found = f"an image of the type {type(content).__name__}"
        if content is None:
            found = "no image in the row"
        raise fault(place, found, "the bytes of an image file", "write the images into the table")
    return decode_image(io.BytesIO(content), place, fitting)


def _batches(path: Path, columns: list[str]) -> Iterator[pyarrow.RecordBatch]:
    """Yield batches of at most 1,000 rows and about 4 MB, one row group after another.

    pyarrow holds one page of a column at a time, which may be larger. ValueError for rows so large
    that a small file could fill the memory.
    """
    try:
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as opened:
            for group in range(opened.num_row_groups):
                row_bytes = _row_bytes(opened.metadata.row_group(group), columns)
                if row_bytes > MAX_FILE_BYTES:
                    raise _too_large(path, row_bytes)
                rows = max(1, min(ROWS_PER_CHUNK, BATCH_BYTES // max(1, row_bytes)))
                yield from opened.iter_batches(rows, row_groups=[group], columns=columns)
    except (pyarrow.ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:100]
        raise fault(
            str(path), f"unreadable ({said})", PARQUET_CONTENT, "download it again"
        ) from None


def _row_bytes(group: pyarrow.parquet.RowGroupMetaData, columns: Sequence[str]) -> int:
    """Return the mean size of a row in bytes, not compressed, counting only some columns."""
    described = [group.column(number) for number in range(group.num_columns)]
    total: int = sum(
        column.total_uncompressed_size
        for column in described
        if column.path_in_schema.partition(".")[0] in columns
    )
    rows: int = group.num_rows
    return total // max(1, rows)


def _too_large(path: Path, row_bytes: int) -> ValueError:
    expected = f"at most {MAX_FILE_BYTES:,}"
    return fault(str(path), f"rows of {row_bytes:,} bytes", expected, "scale the images down")

"""CSV: one line per row, with the label and 784 grey levels."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.csv

from mnist_family import IMAGE_SHAPE, Chunk, fault
from mnist_tools.formats.class_names import DIGITS, first_named, names_beside, write_class_names
from mnist_tools.formats.csv_layout import NUMBER, Layout, read_layout
from mnist_tools.formats.files import files_in
from mnist_tools.formats.images import Fitting, fit_arrays
from mnist_tools.formats.source import (
    ROWS_PER_CHUNK,
    Reader,
    Request,
    Source,
    WriteOptions,
    make_source,
)
from mnist_tools.formats.split_files import refuse_files_inside
from mnist_tools.formats.split_names import SplitFile, name_splits

TITLE: str = "CSV"
CSV_BLOCK_BYTES = 256 << 10  # pyarrow reads about ten blocks ahead
LONGEST_NUMBER = 32  # characters; a block has to hold a whole line
HEADER = ",".join(["label", *(f"pixel{pixel}" for pixel in range(784))]) + "\n"
MAX_LABEL = 1 << 53  # float64 represents every whole number up to this one


def detect(path: Path) -> bool:
    """Check whether `path` is a .csv file or a folder with some."""
    return bool(files_in(path, ".csv"))


def read(request: Request) -> Source:
    """Open mnist_<split>.csv, <split>.csv and the like; a header, if any, names the columns."""
    refuse_files_inside(request.path, ".csv")
    found = files_in(request.path, ".csv")
    files = [file for file in found if not _is_list_of_names(file, found)]
    stems = [SplitFile(file.name[:-4].removeprefix("mnist_"), file.name) for file in files]
    named = name_splits(stems, request.path)
    layouts = [read_layout(file, resize=request.resize) for file in files]
    names = first_named(
        option=request.class_names, inside=None, beside=names_beside(request.path), default=DIGITS
    )
    readers = [
        partial(_chunks, file, layout, request.fitting)
        for file, layout in zip(files, layouts, strict=True)
    ]
    return make_source(
        TITLE,
        named,
        readers,
        names,
        resized=any(layout.side != IMAGE_SHAPE[0] for layout in layouts),
        notes=[
            *(layout.note for layout in layouts if layout.note),
            *(f"{file.name}: left out" for file in found if file not in files),
        ],
    )


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write mnist_<split>.csv; rows without a label get -1."""
    texts = [_texts(",", -1), _texts(","), _texts("\n")]
    for split, reader in splits.items():
        with open(folder / f"mnist_{split}.csv", "wb") as file:
            if options.csv_header:
                file.write(HEADER.encode())
            for chunk in reader():
                file.write(_lines(chunk, texts))
    write_class_names(folder, class_names)
    if options.csv_header:
        return ()
    return ("the CSV files have no header: read them with pandas.read_csv(…, header=None)",)


def _is_list_of_names(file: Path, files: Sequence[Path]) -> bool:
    """Check whether Datumaro wrote a file, meta_<split>.csv, to name the rows of another."""
    split = file.name.removeprefix("meta_")
    return split != file.name and file.with_name(f"mnist_{split}") in files


def _texts(end: str, *more: int) -> np.ndarray:
    """Return 0 to 255, then `more`, as texts that end in `end` and zeros: uint32 (n,)."""
    return np.array([f"{number}{end}" for number in (*range(256), *more)], "S4").view(np.uint32)


def _lines(chunk: Chunk, texts: Sequence[np.ndarray]) -> bytes:
    """Format a chunk as lines; in the label texts, index -1 is the text of label -1."""
    labels, pixels, last = texts
    values = chunk.images.reshape(len(chunk.labels), -1)
    lines = np.empty((len(values), 1 + values.shape[1]), np.uint32)
    lines[:, 0] = labels[chunk.labels]
    lines[:, 1:-1] = pixels[values[:, :-1]]
    lines[:, -1] = last[values[:, -1]]
    return lines.tobytes().translate(None, b"\0")


def _chunks(file: Path, layout: Layout, fitting: Fitting) -> Iterator[Chunk]:
    row = 0
    for labels, pixels in _values(file, layout):
        _refuse_other_pixels(pixels, file, row)
        for start in range(0, len(labels), ROWS_PER_CHUNK):
            stop = start + ROWS_PER_CHUNK
            images = pixels[start:stop].astype(np.uint8).reshape(-1, layout.side, layout.side)
            fitted = fit_arrays(images, str(file), fitting)
            yield Chunk(fitted, labels[start:stop].astype(np.int64))
        row += len(labels)


def _values(file: Path, layout: Layout) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of labels (n,) and pixels (n, side²), as numbers of any dtype."""
    done = 0
    try:
        for batch in _batches(file, layout, pyarrow.int16()):
            yield _plain_numbers(batch, layout, file, done)
            done += batch.num_rows
    except pyarrow.ArrowInvalid:
        for batch in _without(done, _batches(file, layout, pyarrow.string())):
            yield _numbers_in_text(batch, layout, file, done)
            done += batch.num_rows


def _without(rows: int, batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Yield all but the first rows; pyarrow could skip them, but would count blank lines."""
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows = max(0, rows - batch.num_rows)


def _batches(file: Path, layout: Layout, kind: pyarrow.DataType) -> Iterator[pyarrow.RecordBatch]:
    """Yield blocks of the label column, if there is one, and the pixel columns."""
    names = [str(column) for column in range(layout.columns)]
    used = [str(column) for column in _used(layout)]
    read = pyarrow.csv.ReadOptions(
        column_names=names,
        skip_rows=layout.lines_before_rows,
        block_size=max(CSV_BLOCK_BYTES, LONGEST_NUMBER * layout.columns),
        use_threads=False,  # so that errors name the row
    )
    parse = pyarrow.csv.ParseOptions(delimiter=layout.separator)
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(used, kind),
        include_columns=used,
        null_values=[""],
        strings_can_be_null=True,
    )
    try:
        with pyarrow.csv.open_csv(file, read, parse, convert) as reader:
            yield from reader
    except pyarrow.ArrowInvalid as error:
        if pyarrow.types.is_string(kind):
            raise _unparsed(file, layout, error) from None
        raise


def _unparsed(file: Path, layout: Layout, error: pyarrow.ArrowInvalid) -> ValueError:
    said = " ".join(str(error).split())
    found = said.removeprefix("CSV parse error: ")[:120]
    return fault(str(file), found, f"{layout.columns} numbers in each line", "correct the file")


def _used(layout: Layout) -> list[int]:
    return [*([] if layout.label is None else [layout.label]), *layout.pixels]


def _plain_numbers(
    batch: pyarrow.RecordBatch, layout: Layout, file: Path, row: int
) -> tuple[np.ndarray, np.ndarray]:
    columns = batch.columns
    labels = np.full(batch.num_rows, -1, np.int16)
    if layout.label is not None:
        labels = columns.pop(0).fill_null(-1).to_numpy()
    for pixel, column in enumerate(columns):
        if column.null_count:
            found = (
                f"no value for pixel {pixel} in row {row + column.is_null().index(True).as_py()}"
            )
            raise fault(str(file), found, "0 to 255", "correct the file")
    return labels, np.stack([column.to_numpy() for column in columns], axis=1)


def _numbers_in_text(
    batch: pyarrow.RecordBatch, layout: Layout, file: Path, row: int
) -> tuple[np.ndarray, np.ndarray]:
    """Read numbers that are not plain digits, such as +5, 5.0 or 1.28e+02."""
    text = pyarrow.concat_arrays(batch.columns)
    text = pyarrow.compute.utf8_trim_whitespace(text)
    text = pyarrow.compute.replace_substring_regex(text, r"^\+", "")
    places = _used(layout)
    try:
        values = text.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        raise _no_number(text, batch.num_rows, places, file, row) from None
    values = values.reshape(len(places), batch.num_rows).T
    labels = np.full(batch.num_rows, -1.0)
    if layout.label is not None:
        labels = np.where(np.isnan(values[:, 0]), -1, values[:, 0])
        values = values[:, 1:]
    _refuse_fractions(labels, file, row)
    return labels, values


def _no_number(
    text: pyarrow.Array, rows: int, places: Sequence[int], file: Path, row: int
) -> ValueError:
    for number, value in enumerate(text.to_pylist()):
        if value is not None and not (value and NUMBER.fullmatch(value)):
            column, at = places[number // rows], row + number % rows
            found = f"{value!r:.40} in column {column + 1} of row {at}"
            return fault(
                str(file), found, "a whole number", "correct the file, or number its classes"
            )
    return fault(str(file), f"text after row {row}", "whole numbers", "correct the file")


def _refuse_fractions(labels: np.ndarray, file: Path, row: int) -> None:
    wrong = (labels != np.floor(labels)) | (np.abs(labels) > MAX_LABEL)
    if wrong.any():
        at = int(wrong.argmax())
        found = f"the label {labels[at]} in row {row + at}"
        raise fault(str(file), found, "a whole number", "number the classes from 0")


def _refuse_other_pixels(pixels: np.ndarray, file: Path, row: int) -> None:
    wrong = ~((pixels >= 0) & (pixels <= 255))  # NaN fails both comparisons
    if pixels.dtype.kind == "f":
        wrong |= pixels != np.floor(pixels)
    if wrong.any():
        at, pixel = np.argwhere(wrong)[0]
        found = f"the value {pixels[at, pixel]} of pixel {pixel} in row {row + at}"
        remedy = "correct the file" if row + at else "correct the file, or its header"
        raise fault(str(file), found, "0 to 255", remedy)

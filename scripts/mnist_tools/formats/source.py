"""Open any source as chunks of rows, and write such chunks in any format."""

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from mnist_family import (
    CONFIGS,
    IMAGE_SHAPE,
    Chunk,
    ClassNames,
    fault,
    find_config,
    order_splits,
    read_chunks,
    verified_splits,
)
from mnist_tools.formats import FORMATS
from mnist_tools.formats.class_names import first_named, notes_on_unused_names
from mnist_tools.formats.files import refuse_packed_files
from mnist_tools.formats.images import RESIZED, Fitting
from mnist_tools.formats.split_names import SplitNames, usual_names
from mnist_tools.lists import name_some

ROWS_PER_CHUNK = 1000
BYTES_PER_CHUNK = 8 << 20

Reader = Callable[[], Iterator[Chunk]]
"""Yields the rows of a split, from the first, in chunks of any length."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What to read: a folder or a file, and how."""

    path: Path
    class_names: ClassNames | None = None
    fitting: Fitting = dataclasses.field(default_factory=Fitting)

    @property
    def resize(self) -> bool:
        """Check whether images may be resized."""
        return self.fitting.resize


@dataclasses.dataclass(frozen=True)
class Source:
    """A dataset in some format, opened, but its rows have not been read.

    Labels are -1 where a row has none. They have not been checked against the class names.
    `notes` tell the user how the files were interpreted. `fitting` knows how the images that have
    been read so far were changed.
    """

    format: str
    splits: Mapping[str, Reader]
    class_names: ClassNames
    notes: tuple[str, ...] = ()
    fitting: Fitting = dataclasses.field(default_factory=Fitting)


def make_source(
    title: str,
    named: SplitNames,
    readers: Sequence[Reader],
    class_names: ClassNames,
    *,
    resized: bool,
    notes: Sequence[str] = (),
) -> Source:
    """Combine the readers of the named splits, in the same order, with all notes for the user."""
    splits = dict(zip(named.names, readers, strict=True))
    return Source(
        title, splits, class_names, (*named.notes, *notes, *([RESIZED] if resized else []))
    )


@dataclasses.dataclass(frozen=True)
class WriteOptions:
    """Options of single formats."""

    csv_header: bool = False
    compressed_idx: bool = True
    rows_per_file: int | None = None  # of IDX; None for any number


class Format(Protocol):
    """The names that a format's module has."""

    TITLE: str
    """The name of the format in messages."""

    def detect(self, path: Path) -> bool:
        """Check whether a folder or file looks like this format, without opening any files."""

    def read(self, request: Request) -> Source:
        """Open a path that `detect` accepts. ValueError if rows would be misread."""

    def write(
        self,
        folder: Path,
        splits: Mapping[str, Reader],
        class_names: Sequence[str],
        options: WriteOptions,
    ) -> tuple[str, ...]:
        """Write splits into an empty folder; return notes for people who will read the files."""


def open_source(
    path: str | Path, *, class_names: ClassNames | None = None, resize: bool = False
) -> Source:
    """Detect the format of a folder or file and open it; a config's name opens the published data.

    A path object is always a path, even if a config has its name. `class_names` replaces the names
    that the source has. With `resize`, images of other sizes are scaled to 28 × 28 and colour
    images converted to grey; without it, they are a ValueError, at the latest when they are read.
    The train split comes first, and the test split last.
    """
    if is_config_name(path):
        return _open_published(str(path), class_names)
    return open_path(Request(Path(path), class_names, Fitting(resize)))


def is_config_name(source: str | Path) -> bool:
    """Check whether a source is the name of a config; a path object never is."""
    return isinstance(source, str) and source in [config.name for config in CONFIGS]


def open_path(request: Request) -> Source:
    """Detect the format of a folder or file, whatever its name, and open it; see `open_source`."""
    path = request.path
    if not path.exists():
        expected = f"a file, a folder or one of {', '.join(config.name for config in CONFIGS)}"
        raise fault(str(path), "no such file or folder", expected, "correct the path")
    refuse_packed_files(path)
    found = [module for module in map(load_format, FORMATS) if module.detect(path)]
    titles = [module.TITLE for module in found]
    if len(found) > 1:
        raise fault(
            str(path), f"holds {' and '.join(titles)}", "one format", "move the others elsewhere"
        )
    if not found:
        known = ", ".join(load_format(name).TITLE for name in FORMATS)
        raise fault(
            str(path),
            f"holds {name_some(_listing(path))}",
            f"one of {known}",
            "give the folder or file that has the data",
        )
    return read_format(found[0], request)


def read_format(module: Format, request: Request) -> Source:
    """Open a path in a format that has been detected; see `open_source`."""
    source = _in_order(module.read(request))
    notes = notes_on_unused_names(request.path, source.class_names)
    notes = (*source.notes, *notes)
    return dataclasses.replace(source, notes=notes, fitting=request.fitting)


def with_usual_splits(source: Source, path: Path) -> Source:
    """Give splits the usual names where files are named after the dataset.

    letters_train and letters_test become train and test; a single split with none of the usual
    names, such as that of letters.csv, becomes train. Notes for the user name the source's `path`.
    """
    names = usual_names([*source.splits])
    renamed = {old: new for old, new in names.items() if old != new}
    notes = [f"{old}: read as the split {new}" for old, new in renamed.items()]
    if len(names) == 1 and renamed:
        notes = [f"{path.name} holds one split, which is called {new}" for new in renamed.values()]
    splits = {names[name]: reader for name, reader in source.splits.items()}
    return _in_order(dataclasses.replace(source, splits=splits, notes=(*source.notes, *notes)))


def write_splits(
    folder: Path,
    format_name: str,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions = WriteOptions(),
) -> tuple[str, ...]:
    """Write splits into an empty folder in a format of `FORMATS`.

    Returns notes for people who will read the files.
    """
    even = {split: partial(rechunked, reader) for split, reader in splits.items()}
    return load_format(format_name).write(folder, even, class_names, options)


def rows_per_chunk(row_bytes: int) -> int:
    """Return how many rows to read at a time: at most 1,000, and about 8 MB."""
    return max(1, min(ROWS_PER_CHUNK, BYTES_PER_CHUNK // max(1, row_bytes)))


def load_format(name: str) -> Format:
    """Import the module of a format."""
    return cast(Format, importlib.import_module(FORMATS[name]))


def rechunked(reader: Reader) -> Iterator[Chunk]:
    """Yield the rows of a split in chunks of 1,000; the last one may be shorter."""
    images: np.ndarray = np.empty((0, *IMAGE_SHAPE), np.uint8)
    labels: np.ndarray = np.empty(0, np.int64)
    for chunk in reader():
        images = np.concatenate([images, chunk.images])
        labels = np.concatenate([labels, chunk.labels])
        while len(labels) >= ROWS_PER_CHUNK:
            yield Chunk(images[:ROWS_PER_CHUNK], labels[:ROWS_PER_CHUNK])
            images, labels = images[ROWS_PER_CHUNK:], labels[ROWS_PER_CHUNK:]
    if len(labels):
        yield Chunk(images, labels)


def _open_published(name: str, class_names: ClassNames | None) -> Source:
    config = find_config(name)
    names = first_named(
        option=class_names,
        inside=None,
        beside=None,
        default=ClassNames(config.class_names, config.title),
    )
    splits = {split: partial(read_chunks, disk) for split, disk in verified_splits(name).items()}
    return _in_order(Source("IDX", splits, names))


def _in_order(source: Source) -> Source:
    """Return a source with its splits in order: train first, test last."""
    ordered = {split: source.splits[split] for split in order_splits(source.splits)}
    return dataclasses.replace(source, splits=ordered)


def _listing(path: Path) -> list[str]:
    if path.is_dir():
        return sorted(entry.name for entry in path.iterdir()) or ["nothing"]
    return [path.name]

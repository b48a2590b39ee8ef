"""Convert a dataset to another format, with all or some of its splits and classes."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from mnist_family import Chunk, fault
from mnist_tools.cards.escape import printable
from mnist_tools.formats.class_names import class_count, names_of_option
from mnist_tools.formats.files import folders_in
from mnist_tools.formats.labels import refuse_other_labels
from mnist_tools.formats.source import (
    Reader,
    Source,
    WriteOptions,
    is_config_name,
    open_source,
    write_splits,
)
from mnist_tools.formats.split_names import refuse_bad_name, refuse_shared_names, split_name
from mnist_tools.lists import name_rows, name_some, name_splits
from mnist_tools.manifest import find_changes, list_paths, read_manifest
from mnist_tools.out_folder import naming_out
from mnist_tools.whole_folder import whole_folder

ROW_OR_EMPTY_CLASS = re.compile(r"/([0-9]{8}\.png)?$")


@dataclasses.dataclass(frozen=True)
class SplitCounts:
    """Row counts of a split: rows written, those of them without a label, and rows left out."""

    rows: int
    unlabelled: int
    left_out: int


@dataclasses.dataclass(frozen=True)
class Converted:
    """What a conversion read, the splits that it wrote, and notes for the user."""

    source: Source
    dest: Path
    format: str
    class_names: tuple[str, ...]
    splits: dict[str, SplitCounts]
    notes: tuple[str, ...]


def convert(  # noqa: PLR0913 - the options are keywords, and most calls pass few
    source: str | Path,
    dest: Path,
    *,
    to: str,
    splits: Sequence[str] | None = None,
    rename_splits: Mapping[str, str] | None = None,
    only_classes: Sequence[str] | None = None,
    class_names: Path | None = None,
    resize: bool = False,
    csv_header: bool = False,
    rows_per_file: int | None = None,
    force: bool = False,
) -> Converted:
    """Convert `source`, a folder, a file or a config's name, to a new folder in another format.

    `splits` selects splits; `rename_splits` then renames them. `only_classes`, by name or number,
    selects classes, which are renumbered from 0 in the order of their old numbers. `class_names`
    is a labels.txt or dataset_meta.json. With `rows_per_file`, IDX archives with more rows are
    written in parts. With `force`, `dest` may be a folder that an earlier conversion wrote and
    nobody has changed. ValueError if rows would be lost or misread; `dest` is left as it was.
    """
    _refuse_replacement(dest, force)
    if csv_header and to != "csv":
        raise fault("--csv-header", f"given with --to {to}", "--to csv", "leave it out")
    _refuse_rows_per_file(rows_per_file, to)
    choices = {"splits": splits, "rename": rename_splits, "classes": only_classes, "resize": resize}
    made_of = f"{source} to {to}: {json.dumps(choices)}"
    with (
        whole_folder(dest, command="convert", made_of=made_of, sources=_paths(source)) as folder,
        naming_out(dest, folder),
    ):
        opened = open_source(source, class_names=names_of_option(class_names), resize=resize)
        chosen = _chosen_splits(str(source), opened.splits, splits)
        new_names = _new_names(str(source), chosen, rename_splits or {})
        classes = _keep_classes(str(source), opened.class_names.names, only_classes)
        kept = {
            new_names[split]: _KeptSplit(split, reader, classes) for split, reader in chosen.items()
        }
        options = WriteOptions(csv_header, rows_per_file=rows_per_file)
        notes = write_splits(folder, to, kept, classes.names, options)
    counts = {split: each.counts for split, each in kept.items()}
    return Converted(opened, dest, to, classes.names, counts, opened.notes + notes)


def run(  # noqa: PLR0913 - one parameter for each argument of the command line
    source: str,
    dest: Path,
    to: str,
    splits: list[str] | None,
    rename_splits: list[tuple[str, str]] | None,
    only_classes: list[str] | None,
    class_names: Path | None,
    resize: bool,
    csv_header: bool,
    rows_per_file: int | None,
    force: bool,
) -> int:
    """Convert, and print what was read and what was written."""
    converted = convert(
        source,
        dest,
        to=to,
        splits=splits,
        rename_splits=dict(rename_splits or ()),
        only_classes=only_classes,
        class_names=class_names,
        resize=resize,
        csv_header=csv_header,
        rows_per_file=rows_per_file,
        force=force,
    )
    for line in summary(str(source), converted):
        print(printable(line))
    return 0


def summary(source: str, converted: Converted) -> list[str]:
    """Describe a conversion to the user, in lines."""
    read = converted.source
    names = f"{class_count(read.class_names.names)} (named by {read.class_names.source})"
    lines = [f"{source}: {read.format} with {name_splits(read.splits)} and {names}"]
    lines += converted.notes
    for split, counts in converted.splits.items():
        left_out = f", {counts.left_out:,} of other classes left out" if counts.left_out else ""
        unlabelled = f"{counts.unlabelled:,} of them without a label"
        lines.append(f"{split}: {name_rows(counts.rows)}, {unlabelled}{left_out}")
    written = class_count(converted.class_names)
    return [*lines, f"{converted.dest}: written as {converted.format}, {written}"]


class _KeptClasses(NamedTuple):
    """The classes to keep; `numbers` maps old labels to new ones, -1 for classes left out."""

    names: tuple[str, ...]
    numbers: np.ndarray | None
    old_count: int


class _KeptSplit:
    """The rows of a split in the classes to keep, counted while they are read."""

    def __init__(self, name: str, reader: Reader, classes: _KeptClasses) -> None:
        self._name = name
        self._reader = reader
        self._classes = classes
        self.counts = SplitCounts(0, 0, 0)

    def __call__(self) -> Iterator[Chunk]:
        """Yield the rows to keep. ValueError for a label without a class, or if no row is kept."""
        self.counts = SplitCounts(0, 0, 0)
        row = 0
        with tqdm(desc=f"Converting {self._name}", unit=" rows", unit_scale=True) as bar:
            for chunk in self._reader():
                refuse_other_labels(
                    chunk.labels,
                    self._classes.old_count,
                    self._name,
                    first_row=row,
                    named="with --class-names",
                )
                row += len(chunk.labels)
                bar.update(len(chunk.labels))
                kept = self._kept(chunk)
                self._count(kept, len(chunk.labels) - len(kept.labels))
                if len(kept.labels):
                    yield kept
        if not row:
            raise fault(self._name, "no rows", "at least one", "leave it out with --split")
        if not self.counts.rows:
            remedy = "keep more classes, or leave the split out with --split"
            raise fault(self._name, "no row is left", "at least one", remedy)

    def _kept(self, chunk: Chunk) -> Chunk:
        numbers = self._classes.numbers
        if numbers is None:
            return chunk
        stay = (chunk.labels >= 0) & (numbers[chunk.labels] >= 0)
        return Chunk(chunk.images[stay], numbers[chunk.labels[stay]])

    def _count(self, kept: Chunk, left_out: int) -> None:
        before = self.counts
        self.counts = SplitCounts(
            before.rows + len(kept.labels),
            before.unlabelled + int((kept.labels < 0).sum()),
            before.left_out + left_out,
        )


def _refuse_rows_per_file(rows_per_file: int | None, to: str) -> None:
    if rows_per_file is None:
        return
    subject = f"--rows-per-file {rows_per_file}"
    if to != "idx":
        raise fault(subject, f"given with --to {to}", "--to idx", "leave it out")
    if rows_per_file < 1:
        raise fault(subject, "too few", "1 or more", "correct it")


def _refuse_replacement(dest: Path, force: bool) -> None:
    """Raise ValueError if `dest` was written by a conversion and may not be replaced."""
    manifest = read_manifest(dest)
    if manifest is None or manifest.command != "convert":
        return  # whole_folder checks whether anything else may be replaced
    if not force:
        remedy = "name another, or pass --force to replace it"
        raise fault(str(dest), "an earlier conversion", "a new folder", remedy)
    edited = find_changes(dest, manifest).edited
    if edited:
        # A large folder has one digest for all its files, so name those that convert never writes.
        strange = [
            path
            for path in list_paths(dest)
            if path.partition("/")[0] + "/" in edited and not ROW_OR_EMPTY_CLASS.search(path)
        ]
        found = f"{name_some(strange or edited)} was added or edited"
        raise fault(str(dest), found, "only its files as convert wrote them", "move it elsewhere")


def _paths(source: str | Path) -> list[Path]:
    """List a source, the entries in it and the folders in those, as each may be a link."""
    if is_config_name(source):
        return []
    path = Path(source)
    if not path.is_dir():
        return [path]
    classes = [inside for folder in folders_in(path) for inside in folders_in(folder)]
    return [path, *path.iterdir(), *classes]


def _chosen_splits(
    source: str, splits: Mapping[str, Reader], wanted: Sequence[str] | None
) -> dict[str, Reader]:
    for name in wanted or ():
        if name not in splits:
            found, expected = f"no split {name!r}", f"one or more of {', '.join(splits)}"
            raise fault(source, found, expected, "correct --split")
    return {name: splits[name] for name in splits if not wanted or name in wanted}


def _new_names(
    source: str, splits: Mapping[str, Reader], renamed: Mapping[str, str]
) -> dict[str, str]:
    """Return the new name of each split; ValueError if two would be read back as one."""
    for old, new in renamed.items():
        if old not in splits:
            found, expected = f"no split {old!r} to rename", f"one of {', '.join(splits)}"
            raise fault(source, found, expected, "correct --rename-split")
        refuse_bad_name(new, "--rename-split")
    names = {name: renamed.get(name, name) for name in splits}
    read_back = ((split_name(new), old) for old, new in names.items())
    refuse_shared_names(read_back, "--rename-split")
    return names


def _keep_classes(
    source: str, names: tuple[str, ...], wanted: Sequence[str] | None
) -> _KeptClasses:
    if not wanted:
        return _KeptClasses(names, None, len(names))
    kept = sorted({_class_label(source, each, names) for each in wanted})
    numbers = np.full(len(names), -1, np.int64)
    numbers[kept] = np.arange(len(kept))
    return _KeptClasses(tuple(names[label] for label in kept), numbers, len(names))


def _class_label(source: str, wanted: str, names: tuple[str, ...]) -> int:
    """Return the label of a class, given by name or else by number."""
    if wanted in names:
        return names.index(wanted)
    if re.fullmatch("[0-9]{1,3}", wanted) and int(wanted) < len(names):
        return int(wanted)
    expected = f"a name or a number, 0 to {len(names) - 1}, of {name_some(names, 10)}"
    raise fault(source, f"no class {wanted!r}", expected, "correct --only-classes")

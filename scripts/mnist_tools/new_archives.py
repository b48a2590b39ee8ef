"""Write the rows of any source as the archives of a new dataset: checked, inverted, held out."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mnist_family import CLASS_NAME_FILES, MAX_CLASSES, Chunk, fault
from mnist_tools.background import Borders, count_bright_borders
from mnist_tools.formats.class_names import DIGITS
from mnist_tools.formats.idx import archive_names
from mnist_tools.formats.labels import refuse_other_labels
from mnist_tools.formats.source import Reader, Source, write_splits
from mnist_tools.formats.split_names import refuse_bad_name, split_name
from mnist_tools.formats.spool import Spool, spooled
from mnist_tools.hold_out import HoldOut, assign_rows
from mnist_tools.lists import name_splits

LABELS_JSON, LABELS_TEXT = CLASS_NAME_FILES
NAMED = "with --class-names"


@dataclass(frozen=True)
class Preparation:
    """What to do with rows before they are written."""

    invert: bool = False
    hold_out: tuple[HoldOut, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class NewArchives:
    """What was written: rows by split, and class names.

    `done` says in sentences how the rows differ from those of the source. `notes` are for the user.
    """

    splits: dict[str, int]
    class_names: tuple[str, ...]
    done: tuple[str, ...]
    notes: tuple[str, ...]


def write_new_archives(folder: Path, source: Source, preparation: Preparation) -> NewArchives:
    """Write two archives per split and the class names into an empty folder.

    Class names go to labels.txt, or to dataset_meta.json if labels.txt cannot keep them. ValueError
    for rows that cannot be written as they are, or hold-outs that cannot be made.
    """
    _refuse_hold_outs(source.splits, preparation.hold_out)
    prepared = {
        name: _PreparedSplit(name, reader, preparation.invert)
        for name, reader in source.splits.items()
    }
    with contextlib.ExitStack() as stack:
        spools = {
            name: stack.enter_context(spooled(split, folder)) for name, split in prepared.items()
        }
        class_names = _class_names(source, spools)
        rows, sentences = _held_out(spools, preparation)
        write_splits(folder, "idx", rows, class_names)
    if (folder / LABELS_TEXT).exists():
        (folder / LABELS_JSON).unlink()  # people edit labels.txt, which the other would overrule
    borders = Borders(
        sum(split.bright for split in prepared.values()),
        sum(split.rows for split in prepared.values()),
    )
    if preparation.invert:
        sentences = ("The images were inverted, so that 0 is background.", *sentences)
    sentences = (*source.fitting.changes, *sentences)
    return NewArchives(
        {name: split.rows for name, split in rows.items()},
        class_names,
        sentences,
        _notes_on_borders(borders, preparation.invert),
    )


def files_of(source: Source, hold_out: Sequence[HoldOut]) -> list[str]:
    """Return the names of the files that `write_new_archives` may write."""
    splits = [*source.splits, *(each.split for each in hold_out)]
    return [*CLASS_NAME_FILES, *(name for split in splits for name in archive_names(split))]


class _PreparedSplit:
    """The rows of a split, checked, and inverted if asked; counts those with a bright border."""

    def __init__(self, name: str, reader: Reader, invert: bool) -> None:
        self._name = name
        self._reader = reader
        self._invert = invert
        self.rows = 0
        self.bright = 0

    def __call__(self) -> Iterator[Chunk]:
        """Yield the rows. ValueError for a label that no class can have, or if there is no row."""
        with tqdm(desc=f"Reading {self._name}", unit=" rows", unit_scale=True, leave=False) as bar:
            for chunk in self._reader():
                refuse_other_labels(
                    chunk.labels, MAX_CLASSES, self._name, first_row=self.rows, named=NAMED
                )
                self.rows += len(chunk.labels)
                self.bright += count_bright_borders(chunk.images)
                bar.update(len(chunk.labels))
                yield Chunk(255 - chunk.images, chunk.labels) if self._invert else chunk
        if not self.rows:
            raise fault(self._name, "no rows", "at least one", "leave the split out")


class _SelectedRows:
    """Some rows of a spooled split, in their order."""

    def __init__(self, spool: Spool, selected: np.ndarray) -> None:
        self._spool = spool
        self._selected = selected
        self.rows = int(selected.sum())

    def __call__(self) -> Iterator[Chunk]:
        """Yield the rows, in chunks."""
        start = 0
        for images in self._spool.image_blocks():
            stop = start + len(images)
            selected = self._selected[start:stop]
            yield Chunk(images[selected], self._spool.labels[start:stop][selected].astype(np.int64))
            start = stop


# --- Class names ----------------------------------------------------------------------------------


def _class_names(source: Source, spools: Mapping[str, Spool]) -> tuple[str, ...]:
    """Return the class names of the source, or numbers if it has none."""
    if source.class_names == DIGITS:
        highest = max(int(spool.labels.max()) for spool in spools.values())
        return tuple(str(label) for label in range(max(highest, 0) + 1))
    names = source.class_names.names
    for name, spool in spools.items():
        refuse_other_labels(spool.labels, len(names), name, first_row=0, named=NAMED)
    return names


# --- Holding out ----------------------------------------------------------------------------------


def _refuse_hold_outs(splits: Mapping[str, Reader], hold_outs: Sequence[HoldOut]) -> None:
    taken = {split_name(name).casefold() for name in splits}
    for each in hold_outs:
        option = f"--hold-out {each.split}={each.share:g}"
        refuse_bad_name(each.split, option)
        read_back = split_name(each.split).casefold()
        if read_back in taken:
            found, expected = f"a second split {each.split}", "a new name"
            raise fault(option, found, expected, "choose another name, or leave it out")
        taken.add(read_back)
    if hold_outs and "train" not in splits:
        found, remedy = name_splits(splits), "leave --hold-out out"
        raise fault("--hold-out", found, "the split train", remedy)


def _held_out(
    spools: Mapping[str, Spool], preparation: Preparation
) -> tuple[dict[str, _SelectedRows], tuple[str, ...]]:
    """Return the rows of each split to write, and a sentence about each hold-out."""
    rows = {
        name: _SelectedRows(spool, np.ones(len(spool.labels), bool))
        for name, spool in spools.items()
    }
    if not preparation.hold_out:
        return rows, ()
    train = spools["train"]
    places = assign_rows(train.labels, preparation.hold_out, preparation.seed)
    rows["train"] = _SelectedRows(train, places == -1)
    sentences = []
    for number, each in enumerate(preparation.hold_out):
        rows[each.split] = _SelectedRows(train, places == number)
        sentences.append(
            f"{rows[each.split].rows:,} of the {len(places):,} rows of train, "
            f"{each.share * 100:.4g} % of each class, were drawn at random for {each.split} "
            f"(NumPy's RandomState, seed {preparation.seed})."
        )
    return rows, tuple(sentences)


# --- Background -----------------------------------------------------------------------------------


def _notes_on_borders(borders: Borders, inverted: bool) -> tuple[str, ...]:
    """Return a warning if most images seem to have the wrong background."""
    if borders.are_mostly_bright == inverted:
        return ()
    if inverted:
        found = f"only {borders}, so --invert may have made the others dark on white"
        return (f"warning: {found}; leave it out if it has",)
    remedy = "--invert would make the background 0, as it should be"
    return (f"warning: {borders}, so they seem to be dark on white; {remedy}",)

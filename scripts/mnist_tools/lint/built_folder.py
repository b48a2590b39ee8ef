"""Compare a card with the data files beside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import datasets
import pyarrow.parquet

from mnist_tools.lint.card_text import FrontMatter
from mnist_tools.lint.declared import (
    ClassNameList,
    DeclaredConfig,
    DeclaredFiles,
    DeclaredInfo,
    DeclaredSplit,
)
from mnist_tools.lint.finding import Finding
from mnist_tools.lint.patterns import expand, find_fault
from mnist_tools.wording import shorten, show


class Shard(NamedTuple):
    """What a Parquet file holds."""

    rows: int
    row_groups: int
    file_bytes: int
    arrow_bytes: int | None  # counted only on request, as that reads every row
    class_names: dict[str, list[str]]  # by feature


class FoundFiles(NamedTuple):
    """The files of a split, and those of them that are links to a place outside the folder."""

    files: list[Path]
    leading_out: list[Path]


def has_data_files(folder: Path, configs: Sequence[DeclaredConfig]) -> bool:
    """Check whether any file that a card declares exists beside it."""
    everything = (_find(folder, files) for config in configs for files in config.files or ())
    return any(found.files or found.leading_out for found in everything)


def check_built_folder(
    card: FrontMatter,
    folder: Path,
    configs: Sequence[DeclaredConfig],
    infos: Sequence[DeclaredInfo],
) -> Iterator[Finding]:
    """Find files that are missing or outside, and Parquet that contradicts `dataset_info`."""
    info_of = {info.config: info for info in infos}
    for config in configs:
        if config.files is None or config.data_dir is not None:
            continue
        found = {files.split: _find(folder, files) for files in config.files}
        for files in config.files:
            yield from _check_presence(card, folder, files, found[files.split])
        shards = {split: each.files for split, each in found.items()}
        if config.name in info_of and all(_may_be_read(each) for each in found.values()):
            yield from _compare(card, folder, info_of[config.name], shards)


def _find(folder: Path, files: DeclaredFiles) -> FoundFiles:
    """Expand the patterns of a split; faulty ones are left out, as they have their own finding."""
    patterns = [pattern.text for pattern in files.patterns if find_fault(pattern.text) is None]
    paths = sorted({path for pattern in patterns for path in expand(folder, pattern)})
    here = folder.resolve()
    leading_out = [path for path in paths if not path.resolve().is_relative_to(here)]
    return FoundFiles([path for path in paths if path.is_file()], leading_out)


def _check_presence(
    card: FrontMatter, folder: Path, files: DeclaredFiles, found: FoundFiles
) -> Iterator[Finding]:
    for path in found.leading_out:
        name = path.relative_to(folder).as_posix()
        text = f"{shorten(name)} is a link out of the folder"
        yield card.finding(files.place, text, "a file inside it", "copy the file")
    sound = all(find_fault(pattern.text) is None for pattern in files.patterns)
    if sound and not found.files and not found.leading_out:
        names = " or ".join(show(pattern.text) for pattern in files.patterns)
        yield card.finding(files.place, f"no file {names}", "the split's files", "add them")


def _may_be_read(found: FoundFiles) -> bool:
    """Check whether all files of a split are Parquet files inside the card's folder."""
    return not found.leading_out and all(path.suffix == ".parquet" for path in found.files)


# --- Parquet --------------------------------------------------------------------------------------


class _UnreadableShard(Exception):
    """A Parquet file that cannot be read; the message says which, and why."""


def _compare(
    card: FrontMatter, folder: Path, info: DeclaredInfo, paths: Mapping[str, Sequence[Path]]
) -> Iterator[Finding]:
    counted = {split.name for split in info.splits if split.num_bytes is not None}
    try:
        shards = {
            split: [_read_shard(folder, path, count_bytes=split in counted) for path in each]
            for split, each in paths.items()
        }
    except _UnreadableShard as error:
        yield card.finding(info.place, str(error), "Parquet files", "build the folder again")
        return
    for split in info.splits:
        if shards.get(split.name):
            yield from _compare_sizes(card, split, shards[split.name])
    every = [shard for each in shards.values() for shard in each]
    if all(shards.values()):
        yield from _compare_download_size(card, info, every)
    for class_names in info.class_names:
        yield from _compare_class_names(card, class_names, every)


def _read_shard(folder: Path, path: Path, *, count_bytes: bool) -> Shard:
    """Read a Parquet file, one row group at a time; raise _UnreadableShard if it is broken."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            features = datasets.Features.from_arrow_schema(file.schema_arrow)
            groups = range(file.num_row_groups)
            counts = (file.read_row_group(group).nbytes for group in groups)
            return Shard(
                rows=file.metadata.num_rows,
                row_groups=len(groups),
                file_bytes=path.stat().st_size,
                arrow_bytes=sum(counts) if count_bytes else None,
                class_names={
                    name: feature.names
                    for name, feature in features.items()
                    if isinstance(feature, datasets.ClassLabel)
                },
            )
    except Exception as error:  # features are JSON in the file, and can be anything
        name = path.relative_to(folder).as_posix()
        reason = shorten(str(error))
        raise _UnreadableShard(f"{shorten(name)} cannot be read ({reason})") from None


def _compare_sizes(
    card: FrontMatter, split: DeclaredSplit, shards: Sequence[Shard]
) -> Iterator[Finding]:
    rows = sum(shard.rows for shard in shards)
    if split.num_examples not in (None, rows):
        place = (*split.place, "num_examples")
        yield card.finding(place, str(split.num_examples), f"{rows} as in Parquet", "correct it")
    if split.num_bytes is None:
        return
    size = sum(shard.arrow_bytes or 0 for shard in shards)
    chunks = sum(shard.row_groups + 1 for shard in shards) + rows // 100
    slack = rows // 4 + 64 * chunks  # bitmaps and padding depend on how rows were chunked
    if abs(split.num_bytes - size) > slack:
        place = (*split.place, "num_bytes")
        yield card.finding(place, str(split.num_bytes), f"about {size} as in Parquet", "correct it")


def _compare_download_size(
    card: FrontMatter, info: DeclaredInfo, shards: Sequence[Shard]
) -> Iterator[Finding]:
    size = sum(shard.file_bytes for shard in shards)
    if info.download_size is not None and info.download_size != size:
        place = (*info.place, "download_size")
        expected = f"{size}, the bytes of the Parquet files"
        yield card.finding(place, str(info.download_size), expected, "correct it")


def _compare_class_names(
    card: FrontMatter, stated: ClassNameList, shards: Sequence[Shard]
) -> Iterator[Finding]:
    """Find the first class name that differs between the card and a shard."""
    remedy = "correct it, or every row will be relabelled"
    labels = {str(label): label for label in stated.names}  # in any order, perhaps integers
    for inside in (shard.class_names.get(stated.feature) for shard in shards):
        if inside is not None and len(inside) != len(labels):
            found = f"{len(labels)} names"
            yield card.finding(stated.place, found, f"{len(inside)} as in Parquet", remedy)
            return
        for number, right in enumerate(inside or ()):
            label = labels.get(str(number))
            if label is not None and stated.names[label] != right:
                name = show(stated.names[label])
                place = (*stated.place, label)
                yield card.finding(place, name, f"{show(right)} as in Parquet", remedy)
                return

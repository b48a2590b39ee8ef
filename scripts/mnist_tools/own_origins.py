"""Find somebody's own data at a path: its name, format, splits and facts, or published archives."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import mnist_family
from mnist_family import (
    CLASS_NAME_FILES,
    DiskSplit,
    FamilyConfig,
    PartedSplit,
    PublishedArchive,
    fault,
)
from mnist_tools.cards.facts import FACTS_FILE, DatasetFacts, no_facts, read_facts
from mnist_tools.cards.measurements import MEASUREMENTS_FILE
from mnist_tools.formats.class_names import DIGITS, class_count
from mnist_tools.formats.images import Fitting
from mnist_tools.formats.source import (
    Request,
    Source,
    load_format,
    open_path,
    read_format,
    with_usual_splits,
)
from mnist_tools.lists import name_splits
from mnist_tools.manifest import hash_file
from mnist_tools.origin import Origin, from_archives
from mnist_tools.source_files import SourceFile, list_source_files

RESERVED = ("class_names", "dataset_cards", "pictures", "readme.md", "license.md", "croissant.json")
"""What `build` itself writes in OUT, in lower case."""

Inspected = tuple[DiskSplit | PartedSplit, PublishedArchive | None]
"""A split, and its published archive if it is a published one."""

READ_BESIDE = (FACTS_FILE, MEASUREMENTS_FILE, *CLASS_NAME_FILES)


class Place(NamedTuple):
    """A source that is a path; `word` is what the user wrote, `name` is None unless given."""

    word: str
    name: str | None
    path: Path


def find_at(place: Place, *, resize: bool) -> Origin:
    """Find one's own dataset, or published archives, at a path."""
    source = _open(place.path, resize=resize)
    inspected = _inspect_plain(place.path, source)
    config = _published_in(place.path, inspected)
    if config is not None:
        _refuse_other_name(place, config)
        return from_archives(str(config.name), config.title, place.path)
    name = _name_of(place.path) if place.name is None else place.name
    _check_name(name, place)
    facts = _facts_of(place.path, name)
    files = () if inspected else list_source_files(place.path)
    return Origin(
        name=name,
        title=facts.title or name,
        splits=tuple(source.splits),
        path=place.path,
        source=None if inspected else source,
        facts=facts,
        notes=(_describe(name, source), *source.notes),
        files=files,
        stamps=_stamps(place.path, files),
    )


def _describe(name: str, source: Source) -> str:
    """Return a line on the format, the splits and the classes that were found."""
    classes = f"{class_count(source.class_names.names)} (named by {source.class_names.source})"
    if source.class_names == DIGITS:
        classes = "classes without names, which get numbers"
    return f"{name}: {source.format} with {name_splits(source.splits)} and {classes}"


def _name_of(path: Path) -> str:
    """Return the name of a folder, or that of a file without its suffix."""
    name = os.path.basename(os.path.abspath(path))
    if path.is_dir():
        return name
    return Path(name).stem.removesuffix(".tar")


def _refuse_other_name(place: Place, config: FamilyConfig) -> None:
    if place.name not in (None, config.name):
        found, expected = f"{config.title}'s published archives", f"the name {config.name}"
        raise fault(place.word, found, expected, f"give {config.name}={place.path}")


def _check_name(name: str, place: Place) -> None:
    """Raise ValueError unless a dataset of one's own may have this name."""
    remedy = f"give NAME={place.word}" if place.name is None else "choose another NAME"
    known = mnist_family.config_known_as(name)
    if known is not None:
        found = f"named {name}, but not {known.title}'s published archives"
        raise fault(place.word, found, "those, or a name of its own", remedy)
    mnist_family.check_config_name(name, place.word, remedy=remedy)
    if name.lower() in RESERVED:
        found = f"the name {name!r}, which build gives to files of its own"
        raise fault(place.word, found, "another name", remedy)


def _published_in(folder: Path, inspected: Sequence[Inspected]) -> FamilyConfig | None:
    """Return the config whose published archives a folder holds, in part or whole; or None."""
    configs = [published.config if published else None for _, published in inspected]
    if not configs or configs[0] is None or any(config is not configs[0] for config in configs):
        return None
    try:
        splits = mnist_family.verified_splits(str(configs[0].name), folder)
    except ValueError:
        return None  # only images or only labels are published
    return configs[0] if all(split.official for split in splits.values()) else None


def _open(path: Path, *, resize: bool) -> Source:
    """Open a source; beside archives, a folder may hold anything."""
    archives, request = load_format("idx"), Request(path, fitting=Fitting(resize))
    if path.is_dir() and archives.detect(path):
        return read_format(archives, request)
    return with_usual_splits(open_path(request), path)


def _inspect_plain(path: Path, source: Source) -> list[Inspected]:
    """Inspect the splits of a folder; [] unless the loader reads the same ones as `source`."""
    if source.format != load_format("idx").TITLE or not path.is_dir():
        return []
    try:
        inspected = [mnist_family.inspect(split) for split in mnist_family.locate(path).splits]
    except ValueError:
        return []
    splits = [split for split, _ in inspected]
    if [*source.splits] != [split.name for split in splits]:
        return []
    parts = [part for split in splits for part in split.parts]
    return inspected if all(part.header_images == part.rows for part in parts) else []


def _facts_of(path: Path, title: str) -> DatasetFacts:
    """Read the facts.yaml in a folder, or beside a file; without one, there is only a title."""
    file = (path if path.is_dir() else path.parent) / FACTS_FILE
    return read_facts(file) if file.exists() else no_facts(title, file)


def _stamps(path: Path, files: Sequence[SourceFile]) -> dict[str, object]:
    """Return what shows whether the data, or what is read beside it, has changed."""
    folder = path if path.is_dir() else path.parent
    data: Mapping[str, object] = {file.path: file for file in files}
    if not files:
        data = mnist_family.locate(path).stamps
    return {**data, **dict(_digests(folder))}


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for name in READ_BESIDE:
        if (folder / name).is_file():
            yield name, hash_file(folder / name)

"""Find where the rows of a build come from: mirrors, archives, or data in any format.

Names, headers and digests are looked at here, before anything is written; `verified` then reads
the rows.
"""

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import mnist_family
from mnist_family import CLASS_NAME_FILES, FamilyConfig, fault
from mnist_tools.cards.facts import FACTS_FILE, DatasetFacts, no_facts, read_facts
from mnist_tools.cards.measurements import MEASUREMENTS_FILE
from mnist_tools.causes import naming_dataset
from mnist_tools.formats.class_names import DIGITS, class_count
from mnist_tools.formats.source import (
    Request,
    Source,
    in_order,
    load_format,
    open_path,
    with_usual_splits,
)
from mnist_tools.manifest import hash_file
from mnist_tools.source_files import SourceFile, list_source_files

PUBLISHED = {str(config.name): config for config in mnist_family.CONFIGS}
# What build writes in OUT.
RESERVED = ("class_names", "pictures", "readme.md", "license.md", "croissant.json")
READ_BESIDE = (FACTS_FILE, MEASUREMENTS_FILE, *CLASS_NAME_FILES)

SourceName = str | os.PathLike[str]
"""A published name, a path, or NAME=PATH; a path object is always a path."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the rows of a dataset come from; none of them has been read.

    `path` is a folder or file; it is None for the mirrors, and for a sample not yet drawn.
    `source` is what is there, unless it is archives that the loader reads as they are.
    `facts` are None for a published dataset, and for archives that stand in for one.
    `notes` tell the user how the data was read. `files` are the data files of `source`. `stamps`,
    by file, show whether what was found has changed; there are none for the mirrors, whose archives
    cannot change.
    """

    name: str
    title: str
    splits: tuple[str, ...]
    path: Path | None = None
    source: Source | None = None
    facts: DatasetFacts | None = None
    notes: tuple[str, ...] = ()
    files: tuple[SourceFile, ...] = ()
    stamps: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return a digest of everything that was found."""
        found = (self.name, self.splits, self.path is None, sorted(self.stamps.items()))
        return hashlib.sha256(repr(found).encode()).hexdigest()

    @property
    def paths(self) -> list[Path]:
        """Return the path and what is in it, each of which may be a link to another place."""
        if self.path is None:
            return []
        return [self.path, *self.path.iterdir()] if self.path.is_dir() else [self.path]


class _Place(NamedTuple):
    """A source that is a path; `word` is what the user wrote, `name` is None unless given."""

    word: str
    name: str | None
    path: Path


def find_origins(
    sources: Sequence[SourceName],
    *,
    archives: str | os.PathLike[str] | None = None,
    sample: bool = False,
    resize: bool = False,
) -> list[Origin]:
    """Return the origin of each dataset to build, in the order given; without any, of the family.

    `archives` holds the archives of those that are given by a published name. ValueError for a word
    that is neither a name nor a path, and for two datasets of one name.
    """
    chosen = [_parse(source) for source in sources]
    places = [each for each in chosen if isinstance(each, _Place)]
    if sample and places:
        expected = f"one or more of {', '.join(PUBLISHED)}"
        raise fault(places[0].word, "a path, with --sample", expected, "leave --sample out")
    names = [each for each in chosen if isinstance(each, str)]
    if archives is not None and places and not names:
        expected = f"one or more of {', '.join(PUBLISHED)}"
        raise fault("--archives", "given with paths alone", expected, "leave it out")
    published = _find_published(names, archives, all_of_them=not sources)
    if not sources:
        return list(published.values())
    origins = [
        _find_at(each, resize=resize) if isinstance(each, _Place) else published[each]
        for each in chosen
    ]
    words = [each if isinstance(each, str) else each.word for each in chosen]
    _refuse_same_names(origins, words)
    _refuse_shared_facts(origins, words)
    return origins


# --- Words ----------------------------------------------------------------------------------------


def _parse(source: SourceName) -> str | _Place:
    """Return a published name, or the place that a word names."""
    word = os.fspath(source)
    if isinstance(source, str) and word in PUBLISHED:
        return word
    path = Path(word).expanduser()
    if word and path.exists():
        return _Place(word, None, path)
    name, equals, rest = word.partition("=")
    if not equals:
        meant = mnist_family.config_known_as(word)
        remedy = f"did you mean {meant.name!r}?" if meant else "correct it"
        expected = f"{', '.join(PUBLISHED)}, or a path"
        raise fault(word, "neither a published dataset nor a file or folder", expected, remedy)
    path = Path(rest).expanduser()
    if not rest or not path.exists():
        remedy = f"give {rest} alone" if rest in PUBLISHED else "correct the path"
        raise fault(word, f"no file or folder {rest!r}", "NAME=PATH", remedy)
    return _Place(word, name, path)


def _name_of(path: Path) -> str:
    """Return the name of a folder, or that of a file without its suffix."""
    name = os.path.basename(os.path.abspath(path))
    if path.is_dir():
        return name
    return Path(name).stem.removesuffix(".tar")


def _refuse_same_names(origins: Sequence[Origin], words: Sequence[str]) -> None:
    """Raise ValueError for names that are equal, also where a file system ignores case."""
    first: dict[str, str] = {}
    for origin, word in zip(origins, words, strict=True):
        key = origin.name.casefold()
        if key in first:
            found = f"{first[key]} and {word} are both called {origin.name}"
            raise fault("SOURCE", found, "different names", "give NAME=PATH for one of them")
        first[key] = word


def _refuse_shared_facts(origins: Sequence[Origin], words: Sequence[str]) -> None:
    """Raise ValueError if one facts.yaml would describe two files beside it."""
    described: dict[Path, tuple[str, Path | None]] = {}
    for origin, word in zip(origins, words, strict=True):
        if origin.facts is None or not origin.facts.path.exists():
            continue
        path = origin.facts.path.resolve()
        first, source = described.setdefault(path, (word, origin.path))
        if source != origin.path:
            found = f"would describe {first} and {word}"
            remedy = "put each file into a folder of its own, with its facts"
            raise fault(str(origin.facts.path), found, "one dataset", remedy)


# --- Published names ------------------------------------------------------------------------------


def _find_published(
    names: Sequence[str], archives: str | os.PathLike[str] | None, *, all_of_them: bool
) -> dict[str, Origin]:
    wanted = [*PUBLISHED] if all_of_them else names
    if archives is None:
        return {name: _from_mirrors(PUBLISHED[name]) for name in wanted}
    if not wanted:
        return {}
    folders = _find_folders(wanted, Path(archives).expanduser(), named=not all_of_them)
    return {
        name: _from_archives(name, PUBLISHED[name].title, folder)
        for name, folder in folders.items()
    }


def _from_mirrors(config: FamilyConfig) -> Origin:
    return Origin(str(config.name), config.title, tuple(config.archives))


def _from_archives(name: str, title: str, folder: Path) -> Origin:
    with naming_dataset(name, writing_to=folder):
        located = mnist_family.locate(folder)
    splits = tuple(split.name for split in located.splits)
    return Origin(name, title, splits, folder, stamps=located.stamps)


def _find_folders(names: Sequence[str], archives: Path, *, named: bool) -> dict[str, Path]:
    """Return the folder of archives for each of `names`.

    Datasets without a folder are left out unless the user `named` them.
    """
    if not archives.is_dir():
        raise fault(str(archives), "no such folder", "a folder of archives", "correct --archives")
    if len(names) == 1 and not (archives / names[0]).is_dir():
        return {names[0]: archives}
    folders = {name: archives / name for name in names}
    if not named:
        folders = {name: folder for name, folder in folders.items() if folder.is_dir()}
    if not folders:
        expected = f"one or more of {', '.join(PUBLISHED)} in it"
        remedy = "give a NAME if the archives are in this folder itself"
        raise fault(str(archives), "no folder named after a dataset", expected, remedy)
    return folders


# --- Paths ----------------------------------------------------------------------------------------


def _find_at(place: _Place, *, resize: bool) -> Origin:
    """Find one's own dataset, or published archives, at a path."""
    source = _open(place.path, resize=resize)
    plain = _is_plain(place.path, source)
    config = published_in(place.path) if plain else None
    if config is not None:
        _refuse_other_name(place, config)
        return _from_archives(str(config.name), config.title, place.path)
    name = _name_of(place.path) if place.name is None else place.name
    _check_name(name, place)
    facts = _facts_of(place.path, name)
    files = () if plain else list_source_files(place.path)
    return Origin(
        name=name,
        title=facts.title or name,
        splits=tuple(source.splits),
        path=place.path,
        source=None if plain else source,
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
    return f"{name}: {source.format} with the splits {', '.join(source.splits)} and {classes}"


def _refuse_other_name(place: _Place, config: FamilyConfig) -> None:
    if place.name not in (None, config.name):
        found, expected = f"{config.title}'s published archives", f"the name {config.name}"
        raise fault(place.word, found, expected, f"give {config.name}={place.path}")


def _check_name(name: str, place: _Place) -> None:
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


def published_in(folder: Path) -> FamilyConfig | None:
    """Return the config whose published archives a folder holds, in part or whole; or None."""
    configs = []
    for located in mnist_family.locate(folder).splits:
        _, published = mnist_family.inspect(located)
        configs.append(published.config if published else None)
    if configs[0] is None or any(config is not configs[0] for config in configs):
        return None
    try:
        splits = mnist_family.verified_splits(str(configs[0].name), folder)
    except ValueError:
        return None  # only images or only labels are published
    return configs[0] if all(split.official for split in splits.values()) else None


def _open(path: Path, *, resize: bool) -> Source:
    """Open a source; beside archives, a folder may hold anything."""
    archives, request = load_format("idx"), Request(path, resize=resize)
    if path.is_dir() and archives.detect(path):
        return in_order(archives.read(request))
    return with_usual_splits(open_path(request))


def _is_plain(path: Path, source: Source) -> bool:
    """Check whether the loader reads the same splits as `source`."""
    if source.format != load_format("idx").TITLE or not path.is_dir():
        return False
    try:
        located = mnist_family.locate(path)
        inspected = [mnist_family.inspect(split)[0] for split in located.splits]
    except ValueError:
        return False
    return [*source.splits] == [split.name for split in inspected] and all(
        part.header_images == part.rows for split in inspected for part in split.parts
    )


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

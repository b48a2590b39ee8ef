"""Find where the rows of a build come from: mirrors, archives, or data in any format.

Names, headers and digests are looked at here, before anything is written; `verified` then reads
the rows.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import mnist_family
from mnist_family import FamilyConfig, fault
from mnist_tools.origin import PUBLISHED, Origin, from_archives
from mnist_tools.own_origins import Place, find_at

SourceName = str | os.PathLike[str]
"""A published name, a path, or NAME=PATH; a path object is always a path."""


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
    places = [each for each in chosen if isinstance(each, Place)]
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
        find_at(each, resize=resize) if isinstance(each, Place) else published[each]
        for each in chosen
    ]
    words = [each if isinstance(each, str) else each.word for each in chosen]
    _refuse_same_names(origins, words)
    _refuse_shared_facts(origins, words)
    return origins


# --- Words ----------------------------------------------------------------------------------------


def _parse(source: SourceName) -> str | Place:
    """Return a published name, or the place that a word names."""
    word = os.fspath(source)
    if isinstance(source, str) and word in PUBLISHED:
        return word
    path = Path(word).expanduser()
    if word and path.exists():
        return Place(word, None, path)
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
    return Place(word, name, path)


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
        name: from_archives(name, PUBLISHED[name].title, folder) for name, folder in folders.items()
    }


def _from_mirrors(config: FamilyConfig) -> Origin:
    return Origin(str(config.name), config.title, tuple(config.archives))


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

"""Check that a built folder can be pushed: complete, valid, and as its build wrote it."""

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import pyarrow.parquet
from tqdm import tqdm

from mnist_family import fault
from mnist_tools.hub.content import Content, read_path
from mnist_tools.hub.data_files import find_shards, fitting_shard_size, matching, patterns_of
from mnist_tools.hub.record import RECORD
from mnist_tools.hub.shared_card import Card, parse_card
from mnist_tools.lint import findings
from mnist_tools.lists import name_some
from mnist_tools.manifest import MANIFEST, SAMPLE_REMARK, Manifest, list_paths, read_manifest

CARD = "README.md"
CARD_FILES = (CARD, "LICENSE.md", "croissant.json")
MOST_FILES = 100  # in one commit, as the Hub recommends
BUILD_AGAIN = "build the folder again"
COLUMNS = {"image": datasets.Image, "label": datasets.ClassLabel}


@dataclass(frozen=True)
class BuiltFolder:
    """The files to push, by their path in the repository, and what the card says about them."""

    path: Path
    files: Mapping[str, Content]
    shards: Mapping[str, Mapping[str, tuple[str, ...]]]  # by config and split
    patterns: tuple[str, ...]  # of the files that the card's configs read as data
    card: str  # the text of README.md
    card_edited: bool  # since it was built


def read_folder(
    folder: Path, *, include: Sequence[str] = (), allow_sample: bool = False
) -> BuiltFolder:
    """Check a built folder and hash its files.

    `include` has patterns of files to push although the build did not write them, or wrote them
    differently. ValueError if anything else has changed since the build, except README.md.
    """
    manifest = _read_manifest(folder)
    digests = manifest.files
    paths = _list_files(folder)
    _refuse_unknown(folder, paths, digests, include)
    found = findings(folder)
    if found:
        more = f" ({len(found) - 1} more; lint the folder to see them)" if len(found) > 1 else ""
        raise ValueError(f"{found[0]}{more}")
    text = (folder / CARD).read_bytes().decode("utf-8")
    card = parse_card(text)
    if _is_sample(manifest, card) and not allow_sample:
        remedy = "build one, or pass --allow-sample"
        raise fault(str(folder), "a synthetic sample", "a dataset", remedy)
    shards = find_shards(folder / CARD, card.front_matter)
    _refuse_many(folder, paths, card)
    files = _hash(folder, paths)
    changed = [path for path in files if files[path].digest.sha256 != digests.get(path)]
    _refuse_changed(folder, [path for path in changed if path in digests], include)
    _check_croissant(folder, files)
    _check_columns(folder, files)
    patterns = patterns_of(card.front_matter)
    return BuiltFolder(folder, files, shards, patterns, text, card_edited=CARD in changed)


# --- Find the files -------------------------------------------------------------------------------


def _is_sample(manifest: Manifest, card: Card) -> bool:
    """Check whether a build drew the rows itself; earlier versions only put a tag into the card.

    Somebody's own dataset may have that tag, too.
    """
    if manifest.remarks:
        return SAMPLE_REMARK in manifest.remarks
    return "synthetic" in card.front_matter.get("tags", ())


def _read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a built folder, with the SHA-256 of every file that the build wrote."""
    if not folder.is_dir():
        raise fault(str(folder), "no such folder", "one that build wrote", "build one")
    manifest = read_manifest(folder)
    if manifest is None:
        raise fault(str(folder), f"no {MANIFEST} in it", "a folder that build wrote", "build one")
    if manifest.command != "build":
        found = f"written by {manifest.command}"
        raise fault(str(folder), found, "a folder that build wrote", "build one")
    for name in CARD_FILES:
        if name not in manifest.files:
            raise fault(str(folder), f"built without {name}", "a built dataset", BUILD_AGAIN)
    return manifest


def _list_files(folder: Path) -> list[str]:
    """List the paths of all files except the manifest; ValueError for links, pipes and devices."""
    paths = [path for path in list_paths(folder) if not path.endswith("/")]  # an empty folder
    for path in paths:
        mode = (folder / path).lstat().st_mode
        if stat.S_ISLNK(mode):
            remedy = "remove it, or put the file itself there"
            raise fault(str(folder / path), "a symbolic link", "a file", remedy)
        if not stat.S_ISREG(mode):
            raise fault(str(folder / path), "no regular file", "a file", "remove it")
    return paths


def _refuse_unknown(
    folder: Path, paths: Sequence[str], digests: Mapping[str, str], include: Sequence[str]
) -> None:
    """Raise ValueError for missing files, and for files that the build did not write.

    The manifest of a very large build lists folders instead of files, with a slash at the end.
    """
    wholes = tuple(path for path in digests if path.endswith("/"))
    missing = sorted({*digests} - {*paths, *wholes})
    if missing:
        raise fault(str(folder), f"no {name_some(missing)}", "all that build wrote", BUILD_AGAIN)
    unused = [pattern for pattern in include if not matching(paths, [pattern])]
    if unused:
        raise fault(f"--include {unused[0]}", "no file matches it", "one that does", "correct it")
    if RECORD in paths:
        remedy = "remove it"
        raise fault(str(folder / RECORD), "the record of a push", "none in a folder", remedy)
    others = [path for path in paths if path not in digests and not path.startswith(wholes)]
    unknown = [path for path in others if not matching([path], include)]
    if unknown:
        raise fault(
            str(folder),
            f"holds {name_some(unknown)}, which build did not write",
            "only its files",
            "remove what is not for everyone, or pass --include PATTERN to push it, too",
        )


def _refuse_changed(folder: Path, changed: Sequence[str], include: Sequence[str]) -> None:
    """Raise ValueError for changed files, other than the card, which people may edit."""
    refused = [path for path in changed if path != CARD and not matching([path], include)]
    if refused:
        raise fault(
            str(folder),
            f"{name_some(refused)} changed since the build",
            "files as build wrote them",
            f"{BUILD_AGAIN}, or pass --include PATTERN to push them as they are",
        )


def _hash(folder: Path, paths: Sequence[str]) -> dict[str, Content]:
    total = sum((folder / path).stat().st_size for path in paths)
    with tqdm(desc="Hashing", total=total, unit="B", unit_scale=True) as bar:
        return {path: read_path(folder / path, bar.update) for path in paths}


# --- Check the files against each other -----------------------------------------------------------


def _refuse_many(folder: Path, paths: Sequence[str], card: Card) -> None:
    """Raise ValueError, with a shard size that fits, if there are too many files for one commit."""
    if len(paths) <= MOST_FILES:
        return
    others = [path for path in paths if not path.endswith(".parquet")]
    megabytes = fitting_shard_size(card.front_matter, MOST_FILES - len(others))
    remedy = "push fewer files"
    if megabytes is not None:
        remedy = f"build it with --max-shard-size {megabytes}MB or more"
    raise fault(str(folder), f"{len(paths)} files", f"at most {MOST_FILES} in a commit", remedy)


def _check_croissant(folder: Path, files: Mapping[str, Content]) -> None:
    """Raise ValueError if croissant.json and the Parquet files disagree."""
    path = folder / "croissant.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))["distribution"]
        digests = {
            each["contentUrl"]: each["sha256"]
            for each in described
            if each["@type"] == "cr:FileObject"
        }
    except (ValueError, TypeError, KeyError):
        expected = "the one that build writes"
        raise fault(str(path), "no Croissant description", expected, BUILD_AGAIN) from None
    parquet = {
        name: content.digest.sha256 for name, content in files.items() if name.endswith(".parquet")
    }
    for name in sorted({*digests, *parquet}):
        if digests.get(name) != parquet.get(name):
            found = f"sha256 {digests.get(name)} of {name}"
            raise fault(str(path), found, f"{parquet.get(name)}, the file's", BUILD_AGAIN)


def _check_columns(folder: Path, files: Mapping[str, Content]) -> None:
    """Raise ValueError for Parquet files without exactly the columns image and label."""
    for path in files:
        if path.endswith(".parquet"):
            with pyarrow.parquet.ParquetFile(folder / path) as file:  # opened one at a time
                features = datasets.Features.from_arrow_schema(file.schema_arrow)
            types = {name: type(feature) for name, feature in features.items()}
            if types != COLUMNS:
                found = ", ".join(f"{name} {each.__name__}" for name, each in types.items())
                expected = "image Image, label ClassLabel"
                raise fault(str(folder / path), found, expected, BUILD_AGAIN)

"""The manifest of a folder: which command wrote it, from what, and the digest of each file.

A file that is not listed belongs to the user, and so does a listed file that has been edited.
Manifests of version 1.0.0 name no command but have the same digests, so they protect a folder just
as well. A file that is listed without a digest counts as edited.
"""

import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

MANIFEST = ".mnist_family.json"
SAMPLE_REMARK = "a synthetic sample, drawn by a program"
NO_DIGEST = "not a regular file"  # of a link, or of an empty folder
FILES_PER_FOLDER = 2_000  # a top-level folder with more files is listed as one entry
# How `made_of` starts in the manifests that `convert` of version 1.0.0 wrote; they name no command.
CONVERTED = "convert "


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a folder is: the command that wrote it, a fingerprint of its sources, and its files.

    `remarks` are lines for people who check the folder, such as what its card leaves open.
    `files` maps relative paths, with `/`, to sha256 digests. A top-level folder with more than
    2,000 files, such as a split of an image folder, is a single entry: its path ends with `/`, and
    its digest covers the paths and digests of its files.
    """

    command: str
    made_of: str
    files: dict[str, str]
    remarks: tuple[str, ...] = ()


class Changes(NamedTuple):
    """How a folder differs from its manifest, as sorted paths."""

    edited: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def read_manifest(folder: str | PathLike[str]) -> Manifest | None:
    """Read the manifest of a folder; None if there is none, or if we did not write it."""
    try:
        content = json.loads(Path(folder, MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        return None
    made_of = content.get("made_of")
    if not isinstance(made_of, str):
        return None
    command_of_1_0 = "convert" if made_of.startswith(CONVERTED) else "build"
    command = content.get("command", command_of_1_0)
    files = {path: str(digest) for path, digest in content["files"].items()}
    remarks = content.get("remarks")
    lines = tuple(map(str, remarks)) if isinstance(remarks, list) else ()
    return Manifest(str(command), made_of, files, lines)


def write_manifest(
    folder: Path, *, command: str, made_of: str, remarks: Sequence[str] = ()
) -> None:
    """Write the manifest of a folder in which every file is ours."""
    manifest = Manifest(command, made_of, _summarise(_digest_files(folder)), tuple(remarks))
    fields = dataclasses.asdict(manifest)
    if not remarks:
        del fields["remarks"]
    text = json.dumps(fields, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def is_current(folder: str | PathLike[str], made_of: str) -> bool:
    """Check whether a folder was made from `made_of` and is unchanged since."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.made_of != made_of:
        return False
    try:
        return not any(find_changes(Path(folder), manifest))
    except FileNotFoundError:  # another process is replacing the folder
        return False


def find_changes(folder: Path, manifest: Manifest) -> Changes:
    """Compare the files in `folder` with the digests in its manifest.

    Links, new empty folders and anything else that our commands never write count as added, but not
    a folder whose listed files were all removed. A change inside a folder that is a single entry of
    the manifest counts as an edit of that folder.
    """
    found = _digest_files(folder)
    for folder_entry in _merged_folders(manifest):
        inside = {path: digest for path, digest in found.items() if path.startswith(folder_entry)}
        found = {path: digest for path, digest in found.items() if path not in inside}
        if inside:
            found[folder_entry] = _digest_together(inside)
    listed = manifest.files
    return Changes(
        edited=tuple(path for path in found if path in listed and found[path] != listed[path]),
        added=tuple(path for path in found if not _is_listed(path, listed)),
        removed=tuple(path for path in listed if path not in found),
    )


def _merged_folders(manifest: Manifest) -> list[str]:
    """List the folders that are a single entry; the others that end in `/` are empty."""
    return [
        path
        for path, digest in manifest.files.items()
        if path.endswith("/") and digest != NO_DIGEST
    ]


def _is_listed(path: str, listed: Mapping[str, str]) -> bool:
    """Check whether a path is listed, or something that was in the empty folder `path`."""
    return path in listed or (path.endswith("/") and any(each.startswith(path) for each in listed))


def list_paths(folder: Path, inside: str = "") -> Iterator[str]:
    """Yield the relative path of everything in `folder` except its manifest, sorted.

    A folder is yielded only if it is empty, with a `/` at the end. Links are not followed.
    """
    with os.scandir(folder / inside) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        name = f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from [*list_paths(folder, f"{name}/")] or [f"{name}/"]
        elif name != MANIFEST:
            yield name


def hash_file(path: str | PathLike[str]) -> str:
    """Hash a file in chunks; return its sha256 in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _digest_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file by path; anything else, such as a link, has no digest."""
    return {path: _digest(folder / path) for path in list_paths(folder)}


def _digest(path: Path) -> str:
    if not stat.S_ISREG(path.lstat().st_mode):
        return NO_DIGEST
    return hash_file(path)


def _summarise(digests: Mapping[str, str]) -> dict[str, str]:
    """Merge the files of each large top-level folder into one entry for the folder."""
    by_folder: dict[str, dict[str, str]] = {}
    for path, digest in digests.items():
        top, slash, _ = path.partition("/")
        by_folder.setdefault(top + slash, {})[path] = digest
    listed: dict[str, str] = {}
    for top, inside in by_folder.items():
        if len(inside) > FILES_PER_FOLDER:
            listed[top] = _digest_together(inside)
        else:
            listed |= inside
    return listed


def _digest_together(digests: Mapping[str, str]) -> str:
    """Return one digest for the paths and digests of several files."""
    return hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()

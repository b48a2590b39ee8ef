"""The manifest of a folder: which command wrote it, from what, and the digest of each file.

A file whose digest is not in the manifest belongs to the user, and so does a file of ours once it
was edited. Manifests of version 1.0.0 name no command but have the same digests, so they protect a
folder as well as those of today; a file that a manifest lists without a digest counts as edited.
"""

import dataclasses
import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple

MANIFEST = ".mnist_family.json"
FILES_PER_FOLDER = 2_000  # above this, a manifest has one digest for a folder at the top
CONVERTED = (
    "convert "  # how `made_of` starts in conversions of version 1.0.0, which name no command
)


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a folder says of itself.

    `files` maps the path of each file, relative and with `/`, to its sha256. A folder of more than
    2,000 files, such as a split of an image folder, is one entry: its path ends with `/`, and the
    digest is that of the paths and digests of its files.
    """

    command: str
    made_of: str
    files: dict[str, str]


class Changes(NamedTuple):
    """How a folder differs from its manifest, as sorted paths."""

    edited: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def read_manifest(folder: str | PathLike[str]) -> Manifest | None:
    """Read the manifest of a folder; None if it has none, or one that is not ours."""
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
    return Manifest(str(command), made_of, files)


def write_manifest(folder: Path, *, command: str, made_of: str) -> None:
    """Write the manifest of a folder that holds nothing but files of ours."""
    manifest = Manifest(command, made_of, _summarise(_digest_files(folder)))
    text = json.dumps(dataclasses.asdict(manifest), indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def is_current(folder: str | PathLike[str], made_of: str) -> bool:
    """Tell whether a folder was made of the same and nothing in it has changed since."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.made_of != made_of:
        return False
    try:
        return not any(find_changes(Path(folder), manifest))
    except FileNotFoundError:  # another process replaces it just now
        return False


def find_changes(folder: Path, manifest: Manifest) -> Changes:
    """Compare what is in `folder` with its manifest, by digests.

    Links, empty folders and other things that no command of ours writes count as added. A change
    inside a folder that is one entry of the manifest is reported as an edit of that folder.
    """
    found = _digest_files(folder)
    wholes = [path for path in manifest.files if path.endswith("/")]
    for whole in wholes:
        inside = {path: digest for path, digest in found.items() if path.startswith(whole)}
        found = {path: digest for path, digest in found.items() if path not in inside}
        if inside:
            found[whole] = _digest_together(inside)
    listed = manifest.files
    return Changes(
        edited=tuple(path for path in found if path in listed and found[path] != listed[path]),
        added=tuple(path for path in found if path not in listed),
        removed=tuple(path for path in listed if path not in found),
    )


def list_paths(folder: Path, inside: str = "") -> Iterator[str]:
    """Yield the relative path of everything in `folder` but its manifest, in sorted order.

    An empty folder is yielded with a `/` at its end; other folders only by what is in them. Links
    are not followed.
    """
    for path in sorted(Path(folder, inside).iterdir()):
        name = f"{inside}{path.name}"
        if not path.is_dir() or path.is_symlink():
            if name != MANIFEST:
                yield name
        elif any(path.iterdir()):
            yield from list_paths(folder, f"{name}/")
        else:
            yield f"{name}/"


def hash_file(path: str | PathLike[str]) -> str:
    """Hash a file in chunks and return its sha256 as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _digest_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file by its path, or what else is there, such as a link."""
    return {path: _digest(folder / path) for path in list_paths(folder)}


def _digest(path: Path) -> str:
    return hash_file(path) if stat.S_ISREG(path.lstat().st_mode) else "not a regular file"


def _summarise(digests: Mapping[str, str]) -> dict[str, str]:
    """Replace the files of each large folder at the top by one entry for the folder."""
    tops: dict[str, dict[str, str]] = {}
    for path, digest in digests.items():
        top = f"{path.partition('/')[0]}/" if "/" in path else path
        tops.setdefault(top, {})[path] = digest
    listed: dict[str, str] = {}
    for top, inside in tops.items():
        listed |= inside if len(inside) <= FILES_PER_FOLDER else {top: _digest_together(inside)}
    return listed


def _digest_together(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()

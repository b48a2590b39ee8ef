"""WebDataset: tar files of <key>.png and <key>.cls, one or more shards per split."""

import array
import contextlib
import gzip
import io
import itertools
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

import numpy as np

from mnist_family import Chunk, encode_pngs, fault
from mnist_tools.formats.class_names import DIGITS, first_named, names_beside, write_class_names
from mnist_tools.formats.files import is_litter, refuse_wrong_file
from mnist_tools.formats.images import MAX_FILE_BYTES, SUFFIXES, Fitting, decode_image
from mnist_tools.formats.source import (
    ROWS_PER_CHUNK,
    Reader,
    Request,
    Source,
    WriteOptions,
    make_source,
)
from mnist_tools.formats.split_files import find_shards, has_files
from mnist_tools.formats.split_names import name_splits
from mnist_tools.lists import name_some

TITLE: str = "WebDataset"
TARS = (".tar", ".tar.gz", ".tgz")
TAR_CONTENT = "a tar file of <key>.png and <key>.cls"
LABEL = ".cls"
GZIP_START = b"\x1f\x8b"
SHARD_NAME = re.compile(r"(?P<stem>.*?)(?:^|[-_.])(?P<number>\d+)")
ROWS_PER_SHARD = 20_000
LABEL_TEXT = re.compile(rb"\s*(-?[0-9]{1,18})\s*")


class Member(NamedTuple):
    """A file of a sample: its key, its suffix in lower case; only of images and labels, content."""

    key: str
    suffix: str
    content: bytes


class Sample(NamedTuple):
    """One row: its key, its image file and its label, -1 if there is none."""

    key: str
    image: bytes
    label: int


def detect(path: Path) -> bool:
    """Check whether `path` is a tar file, or a folder with some at most two levels down."""
    return has_files(path, *TARS)


def read(request: Request) -> Source:
    """Open <split>-000000.tar and so on; a sample without .cls has no label."""
    path = request.path
    shards = find_shards(path, TARS, _stem, SHARD_NAME)
    for file in [file for each in shards for file in each.files]:
        refuse_wrong_file(file, TAR_CONTENT)
    named = name_splits([each.split_file for each in shards], path)
    names = first_named(
        option=request.class_names, inside=None, beside=names_beside(path), default=DIGITS
    )
    readers = [partial(_chunks, each.files, request.fitting) for each in shards]
    return make_source(TITLE, named, readers, names, resized=request.resize)


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write data/<split>-00000-of-00001.tar; a row's key is its number, and -1 means no label."""
    (folder / "data").mkdir()
    unlabelled = False
    for split, reader in splits.items():
        unlabelled |= _write_split(folder / "data", split, reader)
    write_class_names(folder, class_names)
    return ("the .cls of a row without a label is -1",) if unlabelled else ()


def _stem(name: str) -> str:
    return re.sub(r"\.(tar|tar\.gz|tgz)$", "", name, flags=re.IGNORECASE)


def _chunks(files: Sequence[Path], fitting: Fitting) -> Iterator[Chunk]:
    for file in files:
        with _opened(file) as members:
            samples = _samples(members, file)
            while rows := [*itertools.islice(samples, ROWS_PER_CHUNK)]:
                images = [
                    decode_image(io.BytesIO(row.image), f"{file}, {row.key}", fitting)
                    for row in rows
                ]
                labels = np.array([row.label for row in rows], np.int64)
                yield Chunk(np.array(images, np.uint8), labels)


def _samples(members: Iterator[Member], file: Path) -> Iterator[Sample]:
    """Yield the rows. ValueError if a file is no row, or if a key comes back, as after `tar -r`."""
    keys = array.array("q")  # their hashes, as there may be a million
    for key, group in itertools.groupby(members, key=lambda member: member.key):
        place = f"{file}, {key}"
        found = [*group]
        images = [member.content for member in found if member.suffix in SUFFIXES]
        labels = [member.content for member in found if member.suffix == LABEL]
        others = [member.suffix for member in found if member.suffix not in (*SUFFIXES, LABEL)]
        if len(others) == len(found):
            continue
        if len(images) != 1 or len(labels) > 1:
            counts = f"{len(images)} images and {len(labels)} {LABEL} files"
            remedy = "pack the files of a row one after the other"
            raise fault(place, counts, "one image and at most one label", remedy)
        if others and not labels:  # the label may be in there
            found_there = f"{name_some(others)} and no {LABEL}"
            raise fault(place, found_there, f"the label in {LABEL}", "write it there, -1 for none")
        keys.append(hash(key))
        yield Sample(key, images[0], _label(labels[0], place) if labels else -1)
    _refuse_repeated_keys(np.array(keys, np.int64), file)


def _refuse_repeated_keys(hashes: np.ndarray, file: Path) -> None:
    order = hashes.argsort(kind="stable")
    again = np.flatnonzero(np.diff(hashes[order]) == 0)
    if again.size:
        first, second = order[again[0]], order[again[0] + 1]
        found = f"one key for the rows {first} and {second}"
        remedy = "pack it again, without files that were replaced"
        raise fault(str(file), found, "a key for each row", remedy)


def _label(text: bytes, place: str) -> int:
    match = LABEL_TEXT.fullmatch(text)
    if match is None:
        raise fault(
            f"{place}{LABEL}", f"{text[:40]!r}", "a whole number", "number the classes from 0"
        )
    return int(match[1])


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Iterator[Member]]:
    with open(file, "rb") as raw:
        stream: IO[bytes] = raw
        if raw.peek(2)[:2] == GZIP_START:
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw))
        yield _members(stream, file)


def _members(stream: IO[bytes], file: Path) -> Iterator[Member]:
    """Yield the files in a tar file; only images and labels are read.

    ValueError if it is broken or ends early.
    """
    with _naming(file):
        archive = tarfile.TarFile(fileobj=stream)
        is_empty = archive.offset == 0  # Python 3.10 cannot ask an empty archive for its next file
        entry = None if is_empty else archive.next()
    while entry is not None:
        archive.members.clear()  # type: ignore[attr-defined] # else it keeps all headers
        key, suffix = _key_and_suffix(entry.name)
        if not is_litter(PurePosixPath(entry.name).name):
            known = suffix in (*SUFFIXES, LABEL)
            yield Member(key, suffix, _content(archive, entry, file) if known else b"")
        with _naming(file):
            entry = archive.next()
    with _naming(file):
        stream.seek(archive.offset)
        end = stream.read(tarfile.BLOCKSIZE)
        is_end = _is_blank_to_the_end(stream)
    if end != bytes(tarfile.BLOCKSIZE):
        found = f"no further file at byte {archive.offset:,}, and no end"
        raise fault(str(file), found, "a whole tar file", "download it again")
    if not is_end:
        found = f"more after the end at byte {archive.offset:,}"
        raise fault(str(file), found, "one tar file", "split it, if it is several in one")


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo, file: Path) -> bytes:
    place = f"{file}, {entry.name}"
    if not entry.isreg():
        raise fault(place, "a link or a folder", "a file", "pack the files themselves")
    if entry.size > MAX_FILE_BYTES:
        found = f"a file of {entry.size:,} bytes"
        raise fault(place, found, f"at most {MAX_FILE_BYTES:,}", "scale the image down")
    with _naming(file):
        return cast(IO[bytes], archive.extractfile(entry)).read()


def _key_and_suffix(name: str) -> tuple[str, str]:
    """Split a path at the first dot of its file name; the suffix starts at the last dot."""
    folder, slash, own = name.rpartition("/")
    key, _, rest = own.partition(".")
    return f"{folder}{slash}{key}", f".{rest.rpartition('.')[2].lower()}"


def _is_blank_to_the_end(stream: IO[bytes]) -> bool:
    """Check that only zeros follow; reading all of a .gz also checks its checksum."""
    blank = True
    while block := stream.read(1 << 20):
        blank = blank and block.count(0) == len(block)
    return blank


def _write_split(folder: Path, split: str, reader: Reader) -> bool:
    """Write the shards of a split; return whether any row has no label."""
    shards: list[Path] = []
    unlabelled = False
    row = 0
    for chunk in reader():
        unlabelled |= bool((chunk.labels < 0).any())
        if row % ROWS_PER_SHARD == 0:
            shards.append(folder / f"{split}-{len(shards):05}.tar")
        with open(shards[-1], "ab") as shard:
            _write_rows(shard, chunk, row)
        row += len(chunk.labels)
    for number, path in enumerate(shards):
        with open(path, "ab") as shard:
            shard.write(bytes(2 * tarfile.BLOCKSIZE))
        path.rename(folder / f"{split}-{number:05}-of-{len(shards):05}.tar")
    return unlabelled


def _write_rows(shard: IO[bytes], chunk: Chunk, first: int) -> None:
    rows = zip(encode_pngs(chunk.images), chunk.labels.tolist(), strict=True)
    for row, (png, label) in enumerate(rows, first):
        _write_file(shard, f"{row:08}.png", png)
        _write_file(shard, f"{row:08}{LABEL}", str(label).encode())


def _write_file(shard: IO[bytes], name: str, content: bytes) -> None:
    """Append a file, padded to whole blocks; a TarFile would keep every header in memory."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    shard.write(entry.tobuf(tarfile.USTAR_FORMAT))
    shard.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))


@contextlib.contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Turn the exceptions of tarfile and gzip into a ValueError that names the file."""
    try:
        yield
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        said = " ".join(str(error).split())[:100] or type(error).__name__
        raise fault(str(file), f"unreadable ({said})", TAR_CONTENT, "download it again") from None

"""The arrays in an NPZ file, read block by block, so they need not fit into memory."""

import contextlib
import itertools
import math
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from mnist_family import fault
from mnist_tools.formats.files import refuse_wrong_file
from mnist_tools.formats.source import BYTES_PER_CHUNK, rows_per_chunk

NPZ_CONTENT = "an NPZ file of plain arrays"
ENCRYPTED = 1  # this bit is set in the flags of encrypted zip entries


class Member(NamedTuple):
    """An array in an NPZ file, as its header describes it."""

    file: Path
    name: str
    entry: str
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran_order: bool

    @property
    def place(self) -> str:
        """Return the name of the array in errors."""
        return f"{self.file}, {self.name}"


def list_members(file: Path) -> list[Member]:
    """Read the headers of all arrays. ValueError if one of them cannot be read."""
    refuse_wrong_file(file, NPZ_CONTENT)
    with _opened(file) as archive:
        names = sorted(archive.namelist())
        for name, following in itertools.pairwise(names):
            if name == following:
                found = f"two arrays named {name.removesuffix('.npy')!r:.80}"
                raise fault(str(file), found, "different names", "save it again without one")
        return [_read_header(archive, entry, file) for entry in archive.infolist()]


def read_blocks(member: Member, rows: int) -> Iterator[np.ndarray]:
    """Yield an array in blocks of `rows` rows. ValueError if the file is broken."""
    with _opened(member.file) as archive:
        if member.fortran_order and len(member.shape) > 1:
            yield from _blocks_on_disk(archive, member, rows)
        else:
            yield from _blocks(archive, member, rows)


def rows_per_block(member: Member) -> int:
    """Return the number of rows in a block."""
    return rows_per_chunk(_row_bytes(member))


def _row_bytes(member: Member) -> int:
    return member.dtype.itemsize * math.prod(member.shape[1:])


def _blocks(archive: zipfile.ZipFile, member: Member, rows: int) -> Iterator[np.ndarray]:
    with _naming(member.place):
        stream = archive.open(member.entry)
        _skip_header(stream)
    with stream:
        for first in range(0, member.shape[0], rows):
            count = min(rows, member.shape[0] - first)
            yield np.frombuffer(
                _read_exactly(stream, count * _row_bytes(member), member), member.dtype
            ).reshape(count, *member.shape[1:])


def _blocks_on_disk(archive: zipfile.ZipFile, member: Member, rows: int) -> Iterator[np.ndarray]:
    """Yield the rows of an array in Fortran order, unpacked to a temporary file first."""
    with tempfile.TemporaryFile() as copy:
        with _naming(member.place):
            stream = archive.open(member.entry)
            _skip_header(stream)
        with stream:
            left = _row_bytes(member) * member.shape[0]
            while left:
                left -= copy.write(_read_exactly(stream, min(left, BYTES_PER_CHUNK), member))
        copy.flush()
        array = np.memmap(copy, member.dtype, "r", shape=member.shape, order="F")
        for first in range(0, member.shape[0], rows):
            yield np.ascontiguousarray(array[first : first + rows])


def _read_exactly(stream: IO[bytes], size: int, member: Member) -> bytes:
    with _naming(member.place):
        content = stream.read(size)
    if len(content) < size:
        raise fault(
            member.place,
            "an array that ends early",
            "as many values as it promises",
            "download it again",
        )
    return content


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    with _naming(str(file)):
        archive = zipfile.ZipFile(file)
    with archive:
        yield archive


def _read_header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: Path) -> Member:
    place = f"{file}, {ascii(entry.filename)[1:-1]}"
    if not entry.filename.endswith(".npy"):
        raise fault(place, "no array", NPZ_CONTENT, "remove it from the file")
    if entry.flag_bits & ENCRYPTED:
        raise fault(place, "encrypted", NPZ_CONTENT, "save it without a password")
    with _naming(place), archive.open(entry) as stream:
        shape, fortran_order, dtype = _skip_header(stream)
        size = entry.file_size - stream.tell()
    promised = dtype.itemsize * math.prod(shape)
    if dtype.hasobject:
        raise fault(
            place, "an array of Python objects", NPZ_CONTENT, "save it with a dtype of its own"
        )
    if size != promised:
        found = f"{size:,} bytes of values"
        raise fault(place, found, f"{promised:,} as its header promises", "download it again")
    return Member(file, entry.filename[:-4], entry.filename, shape, dtype, fortran_order)


def _skip_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):  # others have headers of any length, for structured arrays
        raise ValueError(f"version {version} of the array format")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    return shape, fortran_order, dtype


@contextlib.contextmanager
def _naming(place: str) -> Iterator[None]:
    """Turn any exception of zipfile or NumPy into a ValueError that names the file or array."""
    try:
        yield
    except Exception as error:  # encryption, unknown method, truncation, wrong CRC, no header …
        said = " ".join(str(error).split())[:100] or type(error).__name__
        raise fault(
            place, f"unreadable ({said})", NPZ_CONTENT, "save it again with numpy.savez"
        ) from None

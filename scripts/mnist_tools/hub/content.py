"""Compare the contents of files on this machine and in a repository, by size and digest."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

BYTES_AT_ONCE = 1 << 20


class RemoteFile(NamedTuple):
    """A file in a repository, as the Hub lists it."""

    size: int
    blob_id: str  # git's SHA-1: of the content, or of an LFS object's pointer
    sha256: str | None  # of the content, for LFS objects only


@dataclass(frozen=True)
class Digest:
    """What identifies a file's content: its size, and git's SHA-1 and the SHA-256 in hex."""

    size: int
    blob_id: str
    sha256: str

    def matches(self, remote: RemoteFile | None) -> bool:
        """Compare size and digest with a file in the repository, as the Hub lists them."""
        if remote is None or remote.size != self.size:
            return False
        if remote.sha256 is not None:
            return remote.sha256 == self.sha256
        return remote.blob_id == self.blob_id


@dataclass(frozen=True)
class Content:
    """A file to push: its digest, and its path or its bytes."""

    digest: Digest
    source: Path | bytes

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`."""
        if isinstance(self.source, bytes):
            return self.source[start:stop]
        with open(self.source, "rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def text(self) -> str:
        """Return the whole content, which has to be UTF-8."""
        return self.read(0, self.digest.size).decode("utf-8")


def read_path(path: Path, report: Callable[[int], object]) -> Content:
    """Hash a file in chunks; `report` is called with the size of each."""
    size = path.stat().st_size
    hasher = _Hasher(size)
    with open(path, "rb") as file:
        while chunk := file.read(BYTES_AT_ONCE):
            hasher.update(chunk)
            report(len(chunk))
    return Content(hasher.digest(), path)


def from_bytes(data: bytes) -> Content:
    """Return bytes in memory as content to push."""
    hasher = _Hasher(len(data))
    hasher.update(data)
    return Content(hasher.digest(), data)


class _Hasher:
    """Computes both digests in one pass; git hashes the length before the content."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sha1 = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def update(self, chunk: bytes) -> None:
        self._sha1.update(chunk)
        self._sha256.update(chunk)

    def digest(self) -> Digest:
        return Digest(self._size, self._sha1.hexdigest(), self._sha256.hexdigest())

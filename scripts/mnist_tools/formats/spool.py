"""Keep rows on disk until their number is known, as some file headers start with it."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from mnist_family import IMAGE_SHAPE, Chunk
from mnist_tools.formats.source import ROWS_PER_CHUNK, Reader

PIXELS = IMAGE_SHAPE[0] * IMAGE_SHAPE[1]


class Spool:
    """The rows of a split: its labels in memory, its images in a temporary file."""

    def __init__(self, images: IO[bytes], labels: np.ndarray) -> None:
        self.labels = labels
        self._images = images

    def image_blocks(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """Yield the images of rows `start` to `stop` as uint8 (n, 28, 28)."""
        stop = len(self.labels) if stop is None else stop
        self._images.seek(PIXELS * start)
        for first in range(start, stop, ROWS_PER_CHUNK):
            block = self._images.read(PIXELS * min(ROWS_PER_CHUNK, stop - first))
            yield np.frombuffer(block, np.uint8).reshape(-1, *IMAGE_SHAPE)


@contextlib.contextmanager
def spooled(reader: Reader, folder: Path) -> Iterator[Spool]:
    """Read a whole split, keeping its images in a temporary file in `folder`."""
    labels = [np.empty(0, np.int64)]
    with tempfile.TemporaryFile(dir=folder) as images:
        for chunk in reader():
            images.write(chunk.images.tobytes())
            labels.append(_narrow(chunk))
        yield Spool(images, np.concatenate(labels))


def _narrow(chunk: Chunk) -> np.ndarray:
    """Return labels in 2 bytes each; they have been checked and are from -1 to 255."""
    return chunk.labels.astype(np.int16)

"""Archives that `load` does not read: images of other sizes, and the label tables of QMNIST."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_family import IMAGE_SHAPE, UNLABELLED, Chunk, fault, open_idx
from mnist_tools.formats.images import Fitting, fit_arrays, refuse_other_shapes, sizes
from mnist_tools.formats.source import rows_per_chunk

BELONG_TOGETHER = "put files that belong together there"
QMNIST_COLUMNS = 8  # of int32: the label, then where in NIST's collection the image is from


class Foreign(NamedTuple):
    """A split in archives that `load` does not read; its headers have been checked."""

    images: Path
    labels: Path
    resized: bool
    notes: tuple[str, ...]


def open_foreign(images: Path, labels: Path, *, resize: bool) -> Foreign | None:
    """Describe two archives by their headers; None if they are of the kind that `load` reads.

    ValueError unless the images fit, or `resize` can make them fit, and each has a label.
    """
    with open_idx(images) as pixels, open_idx(labels) as numbers:
        if pixels.dtype != np.uint8 or len(pixels.shape) < 3:
            return None  # the loader says what is wrong
        if pixels.shape[1:] == IMAGE_SHAPE and len(numbers.shape) == 1:
            return None
        refuse_other_shapes(pixels.shape, str(images), resize=resize)
        rows = pixels.shape[0]
        is_table = numbers.shape == (rows, QMNIST_COLUMNS) and "qmnist" in labels.name.lower()
        if numbers.dtype.kind not in "iu" or not (
            is_table or numbers.shape in ((rows,), (rows, 1))
        ):
            found = f"labels of {numbers.dtype} {sizes(numbers.shape)}"
            raise fault(str(labels), found, f"one for each of {rows:,} images", BELONG_TOGETHER)
    note = f"{labels.name}: the first of {QMNIST_COLUMNS} columns is read as the label"
    return Foreign(images, labels, pixels.shape[1:] != IMAGE_SHAPE, (note,) if is_table else ())


def read_foreign(foreign: Foreign, num_classes: int, fitting: Fitting) -> Iterator[Chunk]:
    """Yield the rows; a byte of 255 is no label if there are at most 255 classes."""
    with open_idx(foreign.images) as images, open_idx(foreign.labels) as labels:
        rows = rows_per_chunk(int(np.prod(images.shape[1:])))
        for pixels, numbers in zip(images.chunks(rows), labels.chunks(rows), strict=True):
            column = numbers.reshape(len(numbers), -1)[:, 0].astype(np.int64)
            if labels.dtype == np.uint8 and num_classes <= UNLABELLED:
                column[column == UNLABELLED] = -1
            yield Chunk(fit_arrays(pixels, str(foreign.images), fitting), column)

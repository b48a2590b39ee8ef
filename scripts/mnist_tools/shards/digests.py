"""Digests of images, and the groups of rows whose images are equal."""

import hashlib
import math

import numpy as np

from mnist_family import IMAGE_SHAPE

DIGEST_BYTES = 16  # with 128 bits, equal digests mean equal images
RECORD = np.dtype([("high", np.uint64), ("low", np.uint64), ("row", np.int64)])


def digest_rows(images: np.ndarray, first_row: int) -> np.ndarray:
    """Return a RECORD for each image: the two halves of its digest, and its row in the split."""
    size = math.prod(IMAGE_SHAPE)
    pixels = images.reshape(-1)
    together = b"".join(
        hashlib.blake2b(pixels[start : start + size].data, digest_size=DIGEST_BYTES).digest()
        for start in range(0, len(pixels), size)
    )
    halves = np.frombuffer(together, ">u8").reshape(-1, 2)
    records = np.empty(len(images), RECORD)
    records["high"] = halves[:, 0]
    records["low"] = halves[:, 1]
    records["row"] = np.arange(first_row, first_row + len(images))
    return records


def sort_digests(records: np.ndarray) -> np.ndarray:
    """Sort records by the first half of the digest, so that any range of it can be cut out."""
    ordered: np.ndarray = records[np.argsort(records["high"], kind="stable")]
    return ordered

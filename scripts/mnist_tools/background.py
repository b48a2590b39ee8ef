"""Detect images that are dark on white, although 0 should be the background."""

from typing import NamedTuple

import numpy as np

BRIGHT = 128  # a border with mostly pixels of this level or more is taken for white paper


class Borders(NamedTuple):
    """How many of `rows` images have a bright border."""

    bright: int
    rows: int

    @property
    def are_mostly_bright(self) -> bool:
        """Check whether most images seem to be dark on white."""
        return self.bright > self.rows / 2

    def __str__(self) -> str:
        """Return "the border of 3 of 4 images is bright"."""
        return f"the border of {self.bright:,} of {self.rows:,} images is bright"


def count_bright_borders(images: np.ndarray) -> int:
    """Count the images, of uint8 (n, 28, 28), whose outermost pixels are mostly bright."""
    sides = images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]
    border = np.concatenate(sides, axis=1)
    return int(((border >= BRIGHT).mean(1) > 0.5).sum())

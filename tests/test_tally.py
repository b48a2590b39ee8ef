"""Totals over rows are what plain NumPy says, whatever the images are like."""

import numpy as np
import pytest
from conftest import numbers, pictures

from mnist_family import Chunk
from mnist_tools.shards.tally import tally_chunk


def sparse(rows):
    """Return images with few pixels: most bounding boxes are wider than tall, or taller."""
    generator = np.random.default_rng(rows)
    images = np.zeros((rows, 28, 28), np.uint8)
    for image in images[1:]:
        height, width = generator.integers(1, 29, 2)
        image[:height, :width] = generator.integers(0, 2, (height, width)) * 200
    return images


def longer_side(image):
    """Measure the bounding box of one image."""
    places = np.argwhere(image)
    return int(np.ptp(places, axis=0).max()) + 1 if len(places) else 0


@pytest.mark.parametrize("images", [pictures(50, 1), sparse(200), sparse(1)])
def test_grey_levels_and_bounding_boxes_are_counted(images):
    tally = tally_chunk(Chunk(images, numbers(len(images), 1).astype(np.int64)), 10, 0)
    np.testing.assert_array_equal(tally.levels, np.bincount(images.ravel(), minlength=256))
    sides = [longer_side(image) for image in images]
    np.testing.assert_array_equal(tally.sides, np.bincount(sides, minlength=29))

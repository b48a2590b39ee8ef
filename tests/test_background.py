"""A bright border tells that an image is dark on white."""

import numpy as np
import pytest

from mnist_tools.background import Borders, count_bright_borders


@pytest.mark.parametrize(("bright", "expected"), [(0, False), (2, False), (3, True), (4, True)])
def test_most_images_are_more_than_half(bright, expected):
    assert Borders(bright, 4).are_mostly_bright == expected


def test_an_image_counts_if_most_of_its_border_is_bright():
    images = np.full((4, 28, 28), 255, np.uint8)
    images[0] = 127
    images[1, :, :] = 0
    images[1, 1:-1, 1:-1] = 255  # bright inside only
    images[2, :, 14:] = 0  # half of the border
    assert count_bright_borders(images) == 1

"""Equal images are found by their digests, in as little memory as is given."""

import numpy as np
import pytest
from conftest import pictures

from mnist_tools.shards.digests import WORKING_BYTES, digest_rows, find_equal_rows, sort_digests

IMAGES = pictures(200, 1)
IMAGES[[3, 77, 150]] = IMAGES[5]
IMAGES[[120, 199]] = IMAGES[20]
GROUPS = [
    {"train": (3, 5, 77), "test": (50,)},
    {"train": (20,), "test": (20, 99)},
]


def write_digests(folder, images, name, pieces):
    files = []
    for number, rows in enumerate(np.array_split(np.arange(len(images)), pieces)):
        path = folder / f"{name}-{number}.npy"
        np.save(path, sort_digests(digest_rows(images[rows], int(rows[0]))))
        files.append(path)
    return files


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("rows_at_a_time", [1000, 100, 7])
def test_rounds_and_files_do_not_change_what_is_found(tmp_path, pieces, rows_at_a_time):
    files = {
        "train": write_digests(tmp_path, IMAGES[:100], "train", pieces),
        "test": write_digests(tmp_path, IMAGES[100:], "test", pieces),
    }
    assert find_equal_rows(files, memory=rows_at_a_time * WORKING_BYTES) == GROUPS


def test_images_that_differ_in_a_pixel_are_not_equal(tmp_path):
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 27, 27] = 1
    assert find_equal_rows({"train": write_digests(tmp_path, images, "train", 1)}) == [
        {"train": (0, 2)}
    ]

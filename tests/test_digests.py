"""Equal images are found by their digests, in as little memory as is given."""

import tracemalloc

import numpy as np
import pytest
from conftest import pictures

from mnist_tools.shards.digests import (
    ROW_DIGEST,
    WORKING_BYTES,
    EqualCount,
    EqualCounts,
    EqualImages,
    digest_rows,
    find_equal_rows,
    sort_digests,
)

IMAGES = pictures(200, 1)
IMAGES[[3, 77, 150]] = IMAGES[5]
IMAGES[[120, 199]] = IMAGES[20]
IMAGES[91] = IMAGES[90]
GROUPS = [
    {"train": (3, 5, 77), "test": (50,)},
    {"train": (20,), "test": (20, 99)},
    {"train": (90, 91)},
]
COUNTS = EqualCounts(
    within={"train": EqualCount(2, 5), "test": EqualCount(1, 2)}, across=EqualCount(2, 7)
)


def write_digests(folder, images, name, pieces):
    files = []
    for number, rows in enumerate(np.array_split(np.arange(len(images)), pieces)):
        path = folder / f"{name}-{number}.npy"
        np.save(path, sort_digests(digest_rows(images[rows], int(rows[0]))))
        files.append(path)
    return files[::-1]  # in any order


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("rows_at_a_time", [1000, 100, 7])
def test_rounds_and_files_do_not_change_what_is_found(tmp_path, pieces, rows_at_a_time):
    files = {
        "train": write_digests(tmp_path, IMAGES[:100], "train", pieces),
        "test": write_digests(tmp_path, IMAGES[100:], "test", pieces),
    }
    found = find_equal_rows(files, memory=rows_at_a_time * WORKING_BYTES)
    assert found.groups == GROUPS
    assert found.counts == COUNTS


def test_images_that_differ_in_a_pixel_are_not_equal(tmp_path):
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 27, 27] = 1
    found = find_equal_rows({"train": write_digests(tmp_path, images, "train", 1)})
    assert found.groups == [{"train": (0, 2)}]


def test_digests_that_agree_in_one_half_are_not_equal(tmp_path):
    digests = np.array([(5, 1, 0), (5, 2, 1), (6, 2, 2), (5, 1, 3)], ROW_DIGEST)
    np.save(tmp_path / "digests.npy", sort_digests(digests))
    files = {"train": [tmp_path / "digests.npy"]}
    assert find_equal_rows(files).groups == [{"train": (0, 3)}]
    assert find_equal_rows(files, most_listed=1).counts.within == {"train": EqualCount(1, 2)}


def test_rows_that_are_too_many_to_list_are_counted(tmp_path):
    files = {
        "train": write_digests(tmp_path, IMAGES[:100], "train", 2),
        "test": write_digests(tmp_path, IMAGES[100:], "test", 2),
    }
    assert find_equal_rows(files, most_listed=9).groups == GROUPS
    assert find_equal_rows(files, most_listed=8) == EqualImages(COUNTS, None)
    in_rounds = find_equal_rows(files, memory=20 * WORKING_BYTES, most_listed=1)
    assert in_rounds == EqualImages(COUNTS, None)


def test_no_rows_have_no_equal_images(tmp_path):
    files = {"train": write_digests(tmp_path, IMAGES[:1], "train", 1)}
    empty = EqualCounts({"train": EqualCount()}, EqualCount())
    assert find_equal_rows(files, memory=1) == EqualImages(empty, [])


@pytest.mark.parametrize("images", [1, 1_000])
def test_memory_does_not_grow_with_equal_rows(tmp_path, images):
    rows, memory = 300_000, 1 << 20
    digests = np.zeros(rows, ROW_DIGEST)
    digests["high"] = np.resize(digest_rows(pictures(images, 1), 0)["high"], rows)
    digests["row"] = np.arange(rows)
    for number, piece in enumerate(np.split(digests, 20)):
        np.save(tmp_path / f"{number}.npy", sort_digests(piece))
    tracemalloc.start()
    try:
        found = find_equal_rows({"train": [*tmp_path.glob("*.npy")]}, memory, 100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.counts.within["train"] == EqualCount(images, rows)
    assert peak < 2 * memory

"""IDX archives of others, and under other names, are read or refused in one line."""

import gzip
import os
import shutil
import struct

import numpy as np
import pytest
from conftest import idx_bytes, numbers, pictures, write_split
from sources import assert_holds, memory_limit, refusal

from mnist_tools.commands.convert import convert
from mnist_tools.formats.source import open_source

IMAGES, LABELS = pictures(5, 1), numbers(5, 1)
RAW = {"pack": bytes, "suffix": ""}


@pytest.fixture
def source(tmp_path):
    return write_split(tmp_path / "source", "train", IMAGES, LABELS)


def test_archives_packed_by_others_are_read(tmp_path):
    source = write_split(tmp_path / "source", "t10k", IMAGES, LABELS, pack=gzip.compress)
    assert_holds(source, {"test": (IMAGES, LABELS)})


def test_emnists_names_are_read(tmp_path):
    source = write_split(tmp_path / "source", "emnist-letters-train", IMAGES, LABELS)
    write_split(source, "emnist-letters-test", IMAGES, LABELS)
    assert_holds(source, {"train": (IMAGES, LABELS), "test": (IMAGES, LABELS)})
    assert "emnist-letters-train-images-idx3-ubyte.gz: read as the split train" in (
        open_source(source).notes
    )


def test_two_sets_in_one_folder_are_refused(source):
    write_split(source, "emnist-letters-train", IMAGES, LABELS)
    line = (
        f"{source}: emnist-letters-train-images-idx3-ubyte.gz and train-images-idx3-ubyte.gz are "
    )
    line += "both the split train, expected one of each; rename one, or move it elsewhere"
    assert refusal(source) == line


def test_equal_archives_packed_and_raw_are_read_once(source):
    """As torchvision leaves them in MNIST/raw."""
    write_split(source, "train", IMAGES, LABELS, **RAW)
    assert_holds(source, {"train": (IMAGES, LABELS)})
    write_split(source, "train", IMAGES[::-1], LABELS, **RAW)
    line = f"{source}: train-images-idx3-ubyte, train-images-idx3-ubyte.gz with different content, "
    assert refusal(source) == f"{line}expected one of them; move the others elsewhere"


def test_a_folder_with_the_name_of_an_archive_does_not_matter(source):
    """As in Kaggle's copy, which has each archive in a folder of its name, too."""
    (source / "train-images-idx3-ubyte").mkdir()
    assert_holds(source, {"train": (IMAGES, LABELS)})


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
def test_half_a_split_is_refused(source, kind):
    (source / f"train-{kind}-ubyte.gz").unlink()
    left = next(source.iterdir()).name
    line = f"{source}: {left} alone, expected images and labels of each split; "
    assert refusal(source) == f"{line}add the missing file"


@pytest.mark.parametrize("side", [32, 20])
@pytest.mark.parametrize("pack", ["packed", "raw"])
def test_other_sizes_are_resized_when_asked(tmp_path, side, pack):
    images = np.stack([np.full((side, side), 200, np.uint8), np.full((side, side), 9, np.uint8)])
    kind = RAW if pack == "raw" else {}
    source = write_split(tmp_path / "source", "train", images, np.array([3, 255], np.uint8), **kind)
    file = next(source.glob("*images*"))
    line = (
        f"{file}: images of {side} × {side}, expected 28 × 28; pass --resize to scale images and "
    )
    assert refusal(source) == f"{line}convert colours to grey"
    scaled = np.stack([np.full((28, 28), 200), np.full((28, 28), 9)])
    assert_holds(source, {"train": (scaled, np.array([3, -1]))}, resize=True)


def test_the_label_of_a_256th_class_is_kept_with_scaled_images(tmp_path):
    names = [f"c{label:03}" for label in range(256)]
    images, labels = np.zeros((2, 32, 32), np.uint8), np.array([3, 255], np.uint8)
    source = write_split(tmp_path / "source", "train", images, labels)
    (source / "labels.txt").write_text("\n".join(names))
    scaled = np.zeros((2, 28, 28), np.uint8)
    assert_holds(source, {"train": (scaled, labels)}, names, resize=True)


def test_labels_that_do_not_belong_to_scaled_images_are_refused(tmp_path):
    images = np.zeros((2, 32, 32), np.uint8)
    source = write_split(tmp_path / "source", "train", images, np.array([1, 2, 3], np.uint8))
    file = source / "train-labels-idx1-ubyte.gz"
    rest = "expected one for each of 2 images; put files that belong together there"
    assert refusal(source, resize=True) == f"{file}: labels of uint8 3, {rest}"
    file.write_bytes(gzip.compress(idx_bytes(np.array([1.5, 2], ">f4"), code=0x0D)))
    assert refusal(source, resize=True) == f"{file}: labels of float32 2, {rest}"


def test_large_images_are_scaled_in_little_memory(tmp_path):
    image = np.tile(np.arange(250, dtype=np.uint8), (800, 4))
    source = write_split(tmp_path / "source", "train", IMAGES, np.zeros(100, np.uint8))
    (source / "train-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(idx_bytes(image[None].repeat(100, axis=0)), 1)
    )
    with memory_limit(50):
        rows = [len(chunk.labels) for chunk in open_source(source, resize=True).splits["train"]()]
    assert sum(rows) == 100


def test_images_too_large_to_scale_are_refused_unread(tmp_path):
    source = write_split(tmp_path / "source", "train", IMAGES, LABELS)
    file = source / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 5, 70_000, 90_000)))
    line = f"{file}: an image of 70,000 × 90,000, expected at most 7,000,000 pixels; "
    assert refusal(source, resize=True) == f"{line}scale it down first"


def test_qmnists_tables_of_labels_are_read(tmp_path):
    """Eight numbers for each image: the label first."""
    table = np.arange(40).reshape(5, 8).astype(">i4")
    table[:, 0] = [3, 0, 9, 5, 1]
    source = write_split(tmp_path / "source", "qmnist-train", IMAGES, LABELS)
    (source / "qmnist-train-labels-idx1-ubyte.gz").unlink()
    labels = source / "qmnist-train-labels-idx2-int.gz"
    labels.write_bytes(gzip.compress(idx_bytes(table, code=0x0C)))
    assert_holds(source, {"train": (IMAGES, table[:, 0])})
    assert f"{labels.name}: the first of 8 columns is read as the label" in (
        open_source(source).notes
    )
    labels.rename(source / "train-labels-idx2-int.gz")
    (source / "qmnist-train-images-idx3-ubyte.gz").rename(source / "train-images-idx3-ubyte.gz")
    line = f"{source / 'train-labels-idx2-int.gz'}: labels of int32 5 × 8, expected one for each "
    assert refusal(source) == f"{line}of 5 images; put files that belong together there"


def test_a_pipe_is_refused_unread(source):
    file = source / "train-images-idx3-ubyte.gz"
    file.unlink()
    os.mkfifo(file)
    line = f"{file}: a broken link, a pipe or a device, expected an IDX archive; "
    assert refusal(source) == f"{line}put the file itself there"


def test_a_truncated_archive_is_refused(source):
    file = source / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(idx_bytes(IMAGES)[:-1]))
    assert refusal(source).startswith(f"{file}: ")
    file.write_bytes(gzip.compress(idx_bytes(IMAGES))[:-1])
    assert refusal(source).startswith(f"{file}: ")


@pytest.mark.real
def test_names_of_published_archives_are_known(tmp_path, real_archives):
    for name in ("mnist", "fashion"):
        folder = tmp_path / name
        folder.mkdir()
        for file in (real_archives / name).glob("t10k*"):
            shutil.copy(file, folder)
    assert open_source(tmp_path / "fashion").class_names.source == "Fashion-MNIST"
    assert open_source(tmp_path / "fashion").class_names.names[0] == "T-shirt/top"
    converted = convert(tmp_path / "mnist", tmp_path / "out", to="idx")
    assert converted.source.class_names.source == "MNIST"

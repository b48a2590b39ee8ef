"""Parquet files of a bounded size."""

import io

import datasets
import numpy as np
import PIL.Image
import pyarrow.parquet
import pytest
from conftest import pictures

from mnist_tools.shards import SplitSize, parse_shard_size, write_shards


def rows_of(images, class_names=("a", "b")):
    """Return a Dataset like the loader's, with PNG files made by Pillow, and its size as `info`."""
    files = [{"bytes": png(image), "path": None} for image in images]
    label = datasets.ClassLabel(names=list(class_names))
    features = datasets.Features({"image": datasets.Image(), "label": label})
    columns = {"image": files, "label": [row % 2 for row in range(len(images))]}
    rows = datasets.Dataset.from_dict(columns, features=features)
    split = datasets.SplitInfo("train", num_bytes=4321, num_examples=len(images))
    rows.info.splits = datasets.SplitDict({"train": split})
    return rows


def png(image):
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def names_of(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_size_is_read_as_people_write_it():
    assert parse_shard_size("100KB") == 100_000
    assert parse_shard_size("2MB") == 2_000_000
    assert parse_shard_size("1GiB") == 2**30


@pytest.mark.parametrize("text", ["", "many", "99999", "99KB", "-2MB", "0"])
def test_other_sizes_are_refused(text):
    with pytest.raises(ValueError, match="expected") as caught:
        parse_shard_size(text)
    assert str(caught.value) == (
        f"--max-shard-size {text}: not a valid size, expected at least 100KB, as in 2MB or 500MB; "
        "correct it"
    )


def test_rows_that_fit_are_one_file(tmp_path):
    size = write_shards(tmp_path, "train", rows_of(pictures(20, 1)), 100_000)
    assert names_of(tmp_path) == ["train-00000-of-00001.parquet"]
    written = (tmp_path / "train-00000-of-00001.parquet").stat().st_size
    assert size == SplitSize(num_bytes=4321, num_examples=20, parquet_bytes=written)


@pytest.mark.release
@pytest.mark.parametrize("kind", ["random", "blank first", "blank", "one heavy"])
def test_no_file_is_larger_than_wanted_and_rows_keep_their_order(tmp_path, kind):
    """Whatever compresses how, and wherever the large rows are."""
    images = pictures(1200, 1)
    if kind == "blank first":
        images[:900] = 0
    elif kind == "blank":
        images[:] = np.arange(1200, dtype=np.uint16).astype(np.uint8)[:, None, None]
    elif kind == "one heavy":
        images[:, :, ::2] = 0
        images[600] = np.random.default_rng(1).integers(0, 256, (28, 28))
    rows = rows_of(images)
    size = write_shards(tmp_path, "train", rows, 100_000)
    files = sorted(tmp_path.iterdir())
    count = len(files)
    assert [file.name for file in files] == [
        f"train-{number:05}-of-{count:05}.parquet" for number in range(count)
    ]
    assert max(file.stat().st_size for file in files) <= 100_000
    assert size.parquet_bytes == sum(file.stat().st_size for file in files)
    tables = [pyarrow.parquet.read_table(file) for file in files]
    lengths = [len(table) for table in tables]
    assert max(lengths) - min(lengths) <= 1
    written = [row for table in tables for row in table.to_pylist()]
    assert written == rows.with_format("arrow")[:].to_pylist()


def test_there_are_no_more_files_than_needed(tmp_path):
    images = pictures(1200, 1)
    write_shards(tmp_path, "train", rows_of(images), 100_000)
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert len(names_of(tmp_path)) <= 1.5 * total / 100_000


@pytest.mark.release
def test_long_class_names_leave_less_room_for_rows(tmp_path):
    """They stand in every file, more than once."""
    rows = rows_of(pictures(300, 1), [f"{number:060}" for number in range(200)])
    write_shards(tmp_path, "train", rows, 200_000)
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 200_000


def test_class_names_that_leave_no_room_are_refused(tmp_path):
    rows = rows_of(pictures(3, 1), [f"{number:0200}" for number in range(256)])
    with pytest.raises(ValueError, match="expected") as caught:
        write_shards(tmp_path, "train", rows, 100_000)
    message = str(caught.value)
    assert message.startswith("--max-shard-size of 100,000 bytes: too small for the class names")
    least = int(message.split("expected ")[1].split(" or more")[0].replace(",", ""))
    assert message.endswith("or more; correct it")
    write_shards(tmp_path, "train", rows, least)
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= least

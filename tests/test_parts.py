"""Splits in parts: located, verified, loaded, streamed and read into arrays as one split."""

import numpy as np
import pytest
from conftest import arrays_of, assert_rows, idx_bytes, numbers, pictures, write_split
from datasets.distributed import split_dataset_by_node

import mnist_family
from mnist_tools.commands.convert import convert

IMAGES, LABELS = pictures(50, 3), numbers(50, 3)
BOUNDS = (0, 20, 21, 50)  # parts of different lengths
COUNT = len(BOUNDS) - 1


def write_parts(folder, name="train", **settings):
    for number in range(COUNT):
        rows = slice(BOUNDS[number], BOUNDS[number + 1])
        part = f"{name}-{number:05}-of-{COUNT:05}"
        write_split(folder, part, IMAGES[rows], LABELS[rows], **settings)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_parts(tmp_path / "parts")


@pytest.mark.release
@pytest.mark.parametrize("num_proc", [None, 2])
def test_parts_are_loaded_as_one_split(load, folder, num_proc):
    loaded = load(data_dir=folder, num_proc=num_proc)
    assert [*loaded] == ["train"]
    assert_rows(loaded["train"], IMAGES, LABELS)


@pytest.mark.release
def test_a_slice_may_span_parts(load, folder):
    assert_rows(load(data_dir=folder, split="train[15:30]"), IMAGES[15:30], LABELS[15:30])


@pytest.mark.release
def test_a_part_is_a_shard_of_a_stream(load, folder):
    stream = load(data_dir=folder, split="train", streaming=True)
    assert stream.n_shards == COUNT
    assert_rows(stream, IMAGES, LABELS)


def test_workers_share_the_parts_of_a_stream(tiny, folder):
    stream = tiny.module.load(data_dir=folder, split="train", streaming=True)
    shares = [arrays_of(split_dataset_by_node(stream, rank, COUNT)) for rank in range(COUNT)]
    assert [len(labels) for _, labels in shares] == [20, 1, 29]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in shares]), IMAGES)


def test_raw_parts_are_divided_further(tiny, tmp_path):
    folder = write_parts(tmp_path / "raw", pack=bytes, suffix="")
    stream = tiny.module.load(data_dir=folder, split="train", streaming=True)
    assert stream.n_shards == 10 + 1 + 10
    assert_rows(stream, IMAGES, LABELS)


def test_parts_are_read_into_arrays(folder):
    images, labels = mnist_family.arrays("mnist", "train[15:30]+train[:5]", data_dir=folder)
    np.testing.assert_array_equal(images, np.concatenate([IMAGES[15:30], IMAGES[:5]]))
    np.testing.assert_array_equal(labels, np.concatenate([LABELS[15:30], LABELS[:5]]))


def test_rows_are_numbered_across_parts(folder):
    split = mnist_family.verified_splits("mnist", folder)["train"]
    assert (split.rows, split.num_classes, split.official) == (50, 10, False)
    chunks = [*mnist_family.read_chunks(split, 18, 25, rows_per_chunk=2)]
    assert [len(chunk.labels) for chunk in chunks] == [2, 1, 2, 2]
    np.testing.assert_array_equal(np.concatenate([each.images for each in chunks]), IMAGES[18:25])


def test_t10k_parts_are_the_test_split_beside_whole_splits(tmp_path):
    folder = write_parts(tmp_path / "mixed", "t10k")
    write_split(folder, "train", IMAGES, LABELS)
    located = mnist_family.locate(folder)
    assert [split.name for split in located.splits] == ["train", "test"]
    assert [part.name for part in located.splits[1].parts] == ["test"] * COUNT
    assert len(located.stamps) == 2 + 2 * COUNT


def test_a_changed_part_is_seen(folder):
    before = mnist_family.locate(folder)
    write_split(folder, "train-00001-of-00003", IMAGES[:1], LABELS[:1])
    assert mnist_family.locate(folder) != before


@pytest.mark.parametrize("absent", [0, 2])
def test_an_incomplete_set_is_refused(folder, absent):
    for path in folder.glob(f"train-{absent:05}-*"):
        path.unlink()
    with pytest.raises(ValueError, match="expected") as caught:
        mnist_family.locate(folder)
    assert str(caught.value) == (
        f"{folder}: 2 parts of the split 'train', without {absent:05}, expected 3, numbered from "
        "00000, as their names say; add the missing files, or correct the names"
    )


def test_a_part_beyond_the_last_is_refused(folder):
    write_split(folder, "train-00003-of-00003", IMAGES[:1], LABELS[:1])
    with pytest.raises(ValueError, match="expected") as caught:
        mnist_family.locate(folder)
    assert str(caught.value) == (
        f"{folder}: 4 parts of the split 'train', expected 3, numbered from 00000, as their names "
        "say; add the missing files, or correct the names"
    )


def test_of_many_absent_parts_the_first_five_are_named(tmp_path):
    folder = write_split(tmp_path / "few", "val-00000-of-00009", IMAGES[:1], LABELS[:1])
    with pytest.raises(ValueError, match="expected") as caught:
        mnist_family.locate(folder)
    assert str(caught.value) == (
        f"{folder}: 1 part of the split 'val', without 00001, 00002, 00003, 00004, 00005, expected "
        "9, numbered from 00000, as their names say; add the missing files, or correct the names"
    )


@pytest.mark.parametrize("count", [100_000, 10**30])
def test_a_name_may_promise_any_number_of_parts(tmp_path, count):
    write_split(tmp_path / "parts", f"train-00001-of-{count}", IMAGES[:1], LABELS[:1])
    with pytest.raises(ValueError, match="expected") as caught:
        mnist_family.locate(tmp_path / "parts")
    assert str(caught.value) == (
        f"{tmp_path / 'parts'}: 1 part of the split 'train', without 00000, 00002, 00003, 00004, "
        f"00005, expected {count:,}, numbered from 00000, as their names say; add the missing "
        "files, or correct the names"
    )


def test_the_numbers_of_parts_may_have_more_than_five_digits(load, tmp_path):
    for number, rows in enumerate((slice(0, 30), slice(30, 50))):
        name = f"train-{number:06}-of-000002"
        write_split(tmp_path / "parts", name, IMAGES[rows], LABELS[rows])
    assert_rows(load(data_dir=tmp_path / "parts", split="train"), IMAGES, LABELS)


@pytest.mark.parametrize("own", ["fold-1-of-5", "one-of-two", "train-0-of-1"])
def test_other_numbers_belong_to_the_name_of_a_split(tmp_path, own):
    write_split(tmp_path / "own", own, IMAGES, LABELS)
    (split,) = mnist_family.locate(tmp_path / "own").splits
    assert split.name == own.replace("-", "_")


def test_a_part_without_labels_is_refused(folder):
    (folder / "train-00001-of-00003-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="expected") as caught:
        mnist_family.locate(folder)
    assert str(caught.value) == (
        f"{folder}: train-00001-of-00003-images-idx3-ubyte.gz for the split 'train', expected one "
        "file of images and one of labels; add the missing file or move the extra one away"
    )


@pytest.mark.parametrize(
    ("other", "kinds"),
    [
        ("train", "3 parts and one file"),
        ("train-00000-of-00002", "2 parts and 3 parts"),
        ("train-00000-of-00001", "1 part and 3 parts"),
    ],
)
def test_two_sets_of_files_for_a_split_are_refused(folder, other, kinds):
    write_split(folder, other, IMAGES, LABELS)
    with pytest.raises(ValueError, match="expected") as caught:
        mnist_family.locate(folder)
    assert str(caught.value) == (
        f"{folder}: {kinds} for the split 'train', expected one set of files; move the other away"
    )


# --- convert --------------------------------------------------------------------------------------


def names_of(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".gz"))


def test_convert_writes_parts_that_load_and_convert_read(tmp_path, cache):
    write_split(tmp_path / "whole", "train", IMAGES, LABELS)
    write_split(tmp_path / "whole", "t10k", IMAGES[:30], LABELS[:30])
    convert(tmp_path / "whole", tmp_path / "parts", to="idx", rows_per_file=30)
    pairs = ("images-idx3", "labels-idx1")
    assert names_of(tmp_path / "parts") == sorted(
        f"{stem}-{kind}-ubyte.gz"
        for stem in ("t10k", "train-00000-of-00002", "train-00001-of-00002")
        for kind in pairs
    )
    loaded = mnist_family.load(data_dir=tmp_path / "parts", cache_dir=str(cache))
    assert_rows(loaded["train"], IMAGES, LABELS)
    assert_rows(loaded["test"], IMAGES[:30], LABELS[:30])
    convert(tmp_path / "parts", tmp_path / "again", to="idx")
    for name in names_of(tmp_path / "whole"):
        whole, again = tmp_path / "whole" / name, tmp_path / "again" / name
        np.testing.assert_array_equal(mnist_family.read_idx(whole), mnist_family.read_idx(again))


def test_parts_of_a_test_split_are_named_as_it_is(tmp_path):
    write_split(tmp_path / "whole", "t10k", IMAGES[:3], LABELS[:3])
    convert(tmp_path / "whole", tmp_path / "parts", to="idx", rows_per_file=2)
    assert names_of(tmp_path / "parts")[0] == "t10k-00000-of-00002-images-idx3-ubyte.gz"
    assert [split.name for split in mnist_family.locate(tmp_path / "parts").splits] == ["test"]


def test_convert_refuses_an_incomplete_set(folder, tmp_path):
    for path in folder.glob("train-00001-*"):
        path.unlink()
    with pytest.raises(ValueError, match="expected") as caught:
        convert(folder, tmp_path / "dest", to="csv")
    assert str(caught.value) == (
        f"{folder}: 2 parts of the split 'train', without 00001, expected 3, numbered from 00000, "
        "as their names say; add the missing files, or correct the names"
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"to": "csv", "rows_per_file": 5},
            "--rows-per-file 5: given with --to csv, expected --to idx; leave it out",
        ),
        (
            {"to": "idx", "rows_per_file": 0},
            "--rows-per-file 0: too few, expected 1 or more; correct it",
        ),
    ],
)
def test_wrong_rows_per_file_are_refused(folder, tmp_path, options, line):
    with pytest.raises(ValueError, match="expected") as caught:
        convert(folder, tmp_path / "dest", **options)
    assert str(caught.value) == line


def test_a_broken_part_is_named(folder):
    path = folder / "train-00001-of-00003-labels-idx1-ubyte.gz"
    path.write_bytes(idx_bytes(np.array([10], np.uint8)))
    for read in (mnist_family.verified_splits, mnist_family.arrays):
        with pytest.raises(ValueError, match="expected") as caught:
            read("mnist", data_dir=folder)
        assert str(caught.value) == (
            f"{path}: label 10 in row 0, expected 0 to 9; name every class in labels.txt beside "
            "the archives"
        )

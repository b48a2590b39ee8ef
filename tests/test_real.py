"""The official archives themselves: every one of their rows, by every way to load them.

The rows are decoded once and compared with the archives; every other way to load them has to give
the same Arrow table.
"""

import io

import datasets
import numpy as np
import PIL.Image
import pyarrow
import pytest
from conftest import SCRIPTS_LOAD
from mirror_server import Mirror

import mnist_family

pytestmark = pytest.mark.real

NAMES = ("mnist", "fashion")
FILES = {"train": "train", "test": "t10k"}
FIRST = {
    "mnist": {"train": [5, 0, 4, 1, 9], "test": [7, 2, 1, 0, 4]},
    "fashion": {"train": [9, 0, 0, 3, 0], "test": [9, 2, 1, 1, 6]},
}
COUNTS = {
    "mnist": {
        "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    },
    "fashion": {"train": [6000] * 10, "test": [1000] * 10},
}


def table_of(dataset):
    """The Arrow table of a Dataset."""
    return dataset.data.table.combine_chunks()


def decode(table):
    """Yield the images, uint8 (28, 28), of an Arrow table."""
    for file in table["image"].to_pylist():
        yield np.asarray(PIL.Image.open(io.BytesIO(file["bytes"])))


@pytest.mark.parametrize("split", FILES)
@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_the_archives(real_loaded, real_rows, name, split):
    images, labels = real_rows[name][split]
    table = table_of(real_loaded[name][split])
    decoded = np.stack([*decode(table)])
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, images)
    np.testing.assert_array_equal(table["label"].to_numpy(), labels)
    assert np.bincount(labels).tolist() == COUNTS[name][split]
    assert labels[:5].tolist() == FIRST[name][split]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_in_the_arrays(real_archives, real_rows, name):
    arrays = mnist_family.arrays(name, data_dir=real_archives)
    assert list(arrays) == list(real_rows[name])
    for split, (images, labels) in real_rows[name].items():
        np.testing.assert_array_equal(arrays[split].images, images)
        np.testing.assert_array_equal(arrays[split].labels, labels)


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_those_of_the_archives(real_archives, real_loaded, name):
    config = mnist_family.find_config(name)
    for pair in config.archives.values():
        for archive in pair:
            digest = mnist_family.digest_archive(real_archives / name / archive.file)
            assert (digest.bytes, digest.sha256, digest.md5) == archive[1:]
            assert mnist_family.find_published(digest.md5).archive == archive
    assert real_loaded[name]["test"].info.license == config.license


def test_a_row_is_what_users_see(real_loaded, real_rows):
    row = real_loaded["fashion"]["train"][0]
    images, labels = real_rows["fashion"]["train"]
    assert (row["image"].mode, row["image"].size) == ("L", (28, 28))
    np.testing.assert_array_equal(np.asarray(row["image"]), images[0])
    assert row["label"] == labels[0]


def test_a_stream_gives_the_same_rows(real_archives, real_loaded):
    stream = mnist_family.load(
        "mnist", "test", streaming=True, data_dir=real_archives / "mnist"
    ).with_format("arrow")
    batches = list(stream.iter(1000))
    expected = table_of(real_loaded["mnist"]["test"])
    assert pyarrow.concat_tables(batches).combine_chunks().cast(expected.schema).equals(expected)


def test_slices_and_processes_give_the_same_rows(real_archives, real_loaded, tmp_path):
    settings = {"data_dir": real_archives / "mnist", "cache_dir": str(tmp_path)}
    rows = mnist_family.load("mnist", split="test[:5%]", num_proc=2, **settings)
    whole = table_of(real_loaded["mnist"]["test"])
    assert len(rows) == 500
    assert rows.with_format("arrow")[:].equals(whole.slice(0, 500))
    rows = mnist_family.load("mnist", split="test", **settings)
    assert table_of(rows).equals(whole)


@pytest.mark.release
@pytest.mark.skipif(not SCRIPTS_LOAD, reason="`datasets` 4 removed loading scripts")
def test_the_users_line(real_archives, real_loaded, tmp_path):
    loaded = datasets.load_dataset(
        mnist_family.__file__,
        "fashion",
        data_dir=str(real_archives / "fashion"),
        cache_dir=str(tmp_path),
    )
    for split, rows in real_loaded["fashion"].items():
        assert table_of(loaded[split]).equals(table_of(rows))


def test_one_member_is_not_taken_for_another(real_archives, real_rows, tmp_path):
    with pytest.raises(ValueError, match="are MNIST's train images, expected Fashion-MNIST's"):
        mnist_family.load("fashion", data_dir=real_archives / "mnist", cache_dir=str(tmp_path))
    for split, (images, labels) in real_rows["fashion"].items():
        mnist_family.write_idx(tmp_path / f"{split}-images-idx3-ubyte", images)
        mnist_family.write_idx(tmp_path / f"{split}-labels-idx1-ubyte", labels)
    with pytest.raises(ValueError, match="are Fashion-MNIST's train images, expected MNIST's"):
        mnist_family.load("mnist", data_dir=tmp_path, cache_dir=str(tmp_path))


def test_every_row_comes_from_a_mirror_too(real_archives, real_loaded, tmp_path, monkeypatch):
    """After one that has MNIST's archives under Fashion-MNIST's names, as was seen in caches."""
    wrong, right = Mirror(real_archives), Mirror(real_archives)
    wrong.behaviour = "other_member"
    config = mnist_family.find_config("fashion")
    monkeypatch.delenv("MNIST_FAMILY_MIRROR", raising=False)
    monkeypatch.setattr(config, "mirrors", (f"{wrong.url}fashion/", f"{right.url}fashion/"))
    streamed = mnist_family.load("fashion", "test", streaming=True, cache_dir=str(tmp_path))
    test = table_of(real_loaded["fashion"]["test"])
    batches = list(streamed.with_format("arrow").iter(1000))
    assert pyarrow.concat_tables(batches).combine_chunks().cast(test.schema).equals(test)
    assert all("t10k" in path for _, path in right.requests)
    downloaded = mnist_family.load("fashion", cache_dir=str(tmp_path))
    for split, rows in real_loaded["fashion"].items():
        assert table_of(downloaded[split]).equals(table_of(rows))
    assert {path for _, path in wrong.requests} == {path for _, path in right.requests}

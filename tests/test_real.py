"""The official archives themselves: every one of their rows, by every way to load them."""

import os

import numpy as np
import pytest
from conftest import SCRIPTS_LOAD, arrays_of, idx_bytes
from mirror_server import Mirror

import mnist_family

pytestmark = pytest.mark.real

FILES = {"train": "train", "test": "t10k"}
FIRST = {"mnist": {"train": [5, 0, 4, 1, 9], "test": [7, 2, 1, 0, 4]},
         "fashion": {"train": [9, 0, 0, 3, 0], "test": [9, 2, 1, 1, 6]}}  # fmt: skip
COUNTS = {"mnist": {"train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
                    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]},
          "fashion": {"train": [6000] * 10, "test": [1000] * 10}}  # fmt: skip


@pytest.fixture(scope="module")
def real_cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("real"))


@pytest.fixture
def load_real(real_archives, real_cache):
    def load(name, **settings):
        return mnist_family.load(name, data_dir=real_archives / name, cache_dir=real_cache, **settings)

    return load


def archive(real_archives, name, split):
    folder = real_archives / name
    images = mnist_family.read_idx(folder / f"{FILES[split]}-images-idx3-ubyte.gz")
    return images, mnist_family.read_idx(folder / f"{FILES[split]}-labels-idx1-ubyte.gz")


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_every_row_is_the_archives(load_real, real_archives, name, split):
    images, labels = archive(real_archives, name, split)
    assert np.bincount(labels).tolist() == COUNTS[name][split]
    loaded = load_real(name, split=split)
    assert loaded[:5]["label"] == FIRST[name][split]
    got_images, got_labels = arrays_of(loaded)
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_facts_name_these_archives(real_archives, load_real, name):
    config = next(config for config in mnist_family.CONFIGS if config.name == name)
    for split, pair in config.archives.items():
        for fact, array in zip(pair, archive(real_archives, name, split), strict=True):
            path = str(real_archives / name / fact.file)
            assert os.path.getsize(path) == fact.bytes
            assert mnist_family._published_sha256(path) == fact.sha256
            assert mnist_family.hashlib.md5(idx_bytes(array)).hexdigest() == fact.md5
    assert load_real(name, split="test").info.license == config.license


def test_streams_slices_and_processes_give_the_same_rows(load_real, real_archives, tmp_path):
    images, labels = archive(real_archives, "mnist", "test")
    assert [row["label"] for row in load_real("mnist", split="test", streaming=True)] == labels.tolist()
    batch = load_real("mnist", split="test[:5%]").with_format("numpy")[:]
    np.testing.assert_array_equal(batch["image"], images[:500])
    settings = {"data_dir": real_archives / "mnist", "split": "test", "num_proc": 2, "cache_dir": str(tmp_path)}
    got_images, got_labels = arrays_of(mnist_family.load("mnist", **settings))
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


@pytest.mark.skipif(not SCRIPTS_LOAD, reason="`datasets` 4 removed loading scripts")
def test_the_users_line(real_archives, real_cache):
    import datasets

    script = mnist_family.__file__
    settings = {"data_dir": str(real_archives / "fashion"), "cache_dir": real_cache}
    image = datasets.load_dataset(script, "fashion", **settings)["train"][0]["image"]
    assert (image.mode, image.size) == ("L", (28, 28))
    np.testing.assert_array_equal(np.asarray(image), archive(real_archives, "fashion", "train")[0][0])


def test_one_member_is_not_taken_for_another(real_archives, tmp_path):
    with pytest.raises(ValueError, match="these are MNIST's train images, not Fashion-MNIST's train images"):
        mnist_family.load("fashion", data_dir=real_archives / "mnist", cache_dir=str(tmp_path))
    for split in FILES:
        images, labels = archive(real_archives, "fashion", split)
        mnist_family.write_idx(tmp_path / f"{split}-images-idx3-ubyte", images)
        mnist_family.write_idx(tmp_path / f"{split}-labels-idx1-ubyte", labels)
    with pytest.raises(ValueError, match="these are Fashion-MNIST's train images, not MNIST's train images"):
        mnist_family.load("mnist", data_dir=tmp_path, cache_dir=str(tmp_path))


def test_every_row_comes_from_a_mirror_too(real_archives, load_real, tmp_path, monkeypatch):
    """After one that has MNIST's archives under Fashion-MNIST's names, as caches on the way have been seen to."""
    wrong, right = Mirror(real_archives), Mirror(real_archives)
    wrong.behaviour = "other_member"
    config = next(config for config in mnist_family.CONFIGS if config.name == "fashion")
    monkeypatch.delenv("MNIST_FAMILY_MIRROR", raising=False)
    monkeypatch.setattr(config, "mirrors", (f"{wrong.url}fashion/", f"{right.url}fashion/"))
    streamed = mnist_family.load("fashion", "test", streaming=True, cache_dir=str(tmp_path))
    np.testing.assert_equal(arrays_of(streamed), arrays_of(load_real("fashion", split="test")))
    assert all("t10k" in path for _, path in right.requests)
    downloaded = mnist_family.load("fashion", cache_dir=str(tmp_path))
    for split, rows in load_real("fashion").items():
        assert rows.data.table.equals(downloaded[split].data.table)
    assert {path for _, path in wrong.requests} == {path for _, path in right.requests}

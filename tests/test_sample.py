"""The sample is synthetic, the same everywhere, and its classes can be told apart."""

import hashlib

import numpy as np
import pytest
from conftest import NAMES

import mnist_family
from mnist_tools.sample import write_sample_archives

# sha256 of the pixels and labels of each dataset, the test split after the training split
DIGESTS = {
    "mnist": "1aee50136e0f4ee953aea68791f6ce9cde3c431cdd6143950209367dc4fac1d2",
    "fashion": "eb55eb03346a176be4da39804aec0032373edae3dfc8168ab7b9cb959ebd8376",
    "kmnist": "2382d04cbf4b9a316c75de0c4be878e0c21b01fd803c51c808a351dd92a50376",
}


@pytest.fixture(scope="module")
def sample_rows(tmp_path_factory):
    """{name: {split: (images, labels)}} of the sample."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample_archives(folder)
    return {
        name: {
            split: tuple(
                mnist_family.read_idx(folder / name / f"{file}-{kind}-ubyte.gz")
                for kind in ("images-idx3", "labels-idx1")
            )
            for split, file in (("train", "train"), ("test", "t10k"))
        }
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_its_rows_never_change(sample_rows, name):
    digest = hashlib.sha256()
    for images, labels in sample_rows[name].values():
        digest.update(images.tobytes() + labels.tobytes())
    assert digest.hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_has_as_many_rows_of_each_class(sample_rows, name):
    for split, each in (("train", 60), ("test", 10)):
        images, labels = sample_rows[name][split]
        assert images.shape == (10 * each, 28, 28)
        assert images.dtype == labels.dtype == np.uint8
        assert np.bincount(labels).tolist() == [each] * 10


@pytest.mark.parametrize("name", NAMES)
def test_its_images_have_a_black_background_and_differ(sample_rows, name):
    images, _ = sample_rows[name]["train"]
    assert (images[:, 0, 0] == 0).all()
    assert images.max() > 200
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


@pytest.mark.parametrize("name", NAMES)
def test_its_classes_can_be_told_apart(sample_rows, name):
    """The nearest class mean is right for most test rows, as it would not be for noise."""
    images, labels = sample_rows[name]["train"]
    means = np.stack([images[labels == label].mean(0) for label in range(10)])
    images, labels = sample_rows[name]["test"]
    distances = ((images[:, None].astype(float) - means) ** 2).sum((2, 3))
    assert (distances.argmin(1) == labels).mean() > 0.8


def test_one_dataset_alone_is_the_same_as_among_all(sample_rows, tmp_path):
    write_sample_archives(tmp_path, ["kmnist"])
    assert [path.name for path in tmp_path.iterdir()] == ["kmnist"]
    images = mnist_family.read_idx(tmp_path / "kmnist" / "t10k-images-idx3-ubyte.gz")
    np.testing.assert_array_equal(images, sample_rows["kmnist"]["test"][0])


def test_a_folder_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "mnist").mkdir()
    with pytest.raises(FileExistsError):
        write_sample_archives(tmp_path, ["mnist"])
    assert [*(tmp_path / "mnist").iterdir()] == []


@pytest.fixture
def letters(monkeypatch):
    """A fourth member of the family, which nobody drew: 47 classes in three splits."""
    archives = {
        split: mnist_family.ArchivePair(
            *(
                mnist_family.Archive(f"letters-{split}-{kind}-ubyte.gz", 0, "", "")
                for kind in ("images-idx3", "labels-idx1")
            )
        )
        for split in ("train", "validation", "test")
    }
    config = mnist_family.FamilyConfig(
        name="letters",
        class_names=tuple(f"letter {label}" for label in range(47)),
        archives=archives,
    )
    monkeypatch.setattr(mnist_family, "CONFIGS", [*mnist_family.CONFIGS, config])
    return config


def test_a_dataset_that_nobody_drew_has_scribbles_that_can_be_told_apart(letters, tmp_path):
    write_sample_archives(tmp_path, ["letters"])
    assert sorted(path.name for path in (tmp_path / "letters").iterdir()) == sorted(
        archive.file for pair in letters.archives.values() for archive in pair
    )
    rows = {
        split: [mnist_family.read_idx(tmp_path / "letters" / archive.file) for archive in pair]
        for split, pair in letters.archives.items()
    }
    assert [len(labels) for _, labels in rows.values()] == [600, 100, 100]
    images, labels = rows["train"]
    assert sorted({*np.bincount(labels)}) == [12, 13]
    means = np.stack([images[labels == label].mean(0) for label in range(47)])
    images, labels = rows["test"]
    distances = ((images[:, None].astype(float) - means) ** 2).sum((2, 3))
    assert (distances.argmin(1) == labels).mean() > 0.8
    assert not np.array_equal(rows["validation"][0], images)

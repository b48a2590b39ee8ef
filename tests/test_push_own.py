"""Datasets of one's own on the Hub: what `load_dataset` reads there is what was in the folder."""

import datasets
import numpy as np
import pytest
from conftest import assert_rows, numbers, pictures, write_split
from hub_contents import as_pushed, pushed_files

from mnist_tools.commands.build import build
from mnist_tools.commands.push import push

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.release


def write_own(folder, classes):
    """A folder of archives with as many classes; returns its splits, some rows without a label."""
    names = [f"class {chr(97 + label)}" for label in range(classes)]
    splits = {}
    for split, rows in (("train", 2 * classes), ("val", classes)):
        labels = numbers(rows, classes, classes)
        labels[0] = 255
        write_split(folder, split, pictures(rows, rows), labels)
        splits[split] = pictures(rows, rows), np.where(labels == 255, -1, labels.astype(np.int64))
    (folder / "labels.txt").write_text("\n".join(names))
    (folder / "facts.yaml").write_text("title: Ours\nlicence: cc0-1.0\n")
    return splits, names


@pytest.mark.parametrize("classes", [4, 5, 10, 26])
def test_a_dataset_of_ones_own_comes_back_as_it_was(hub, repo, tmp_path, cache, classes):
    splits, names = write_own(tmp_path / "ours", classes)
    build(tmp_path / "out", [tmp_path / "ours"])
    push(tmp_path / "out", repo)
    loaded = datasets.load_dataset(repo, "ours", cache_dir=str(cache))
    assert list(loaded) == ["train", "val"]
    for split, arrays in splits.items():
        assert_rows(loaded[split], *arrays)
        assert loaded[split].features["label"].names == names


def test_a_published_dataset_and_ones_own_come_back_together(hub, repo, tiny, tmp_path, cache):
    splits, _ = write_own(tmp_path / "ours", 5)
    build(tmp_path / "out", ["fashion", tmp_path / "ours"], archives=tiny.folder())
    push(tmp_path / "out", repo)
    for name, expected in (("ours", splits), ("fashion", tiny.arrays["fashion"])):
        loaded = datasets.load_dataset(repo, name, cache_dir=str(cache))
        for split, arrays in expected.items():
            assert_rows(loaded[split], *arrays)
    default = datasets.load_dataset(repo, split="test", cache_dir=str(cache))
    assert_rows(default, *tiny.arrays["fashion"]["test"])


def test_ones_own_dataset_may_be_called_synthetic(hub, repo, tmp_path):
    write_own(tmp_path / "ours", 4)
    with (tmp_path / "ours" / "facts.yaml").open("a") as facts:
        facts.write("tags: [synthetic]\n")
    build(tmp_path / "out", [tmp_path / "ours"])
    push(tmp_path / "out", repo)
    assert b"- synthetic" in hub.files(repo)["README.md"]


def test_ones_own_dataset_is_added_to_those_of_an_earlier_push(hub, repo, tiny, tmp_path, cache):
    splits, _ = write_own(tmp_path / "ours", 4)
    build(tmp_path / "out", ["fashion"], archives=tiny.folder())
    push(tmp_path / "out", repo)
    build(tmp_path / "own", [tmp_path / "ours"])
    push(tmp_path / "own", repo, keep_configs=True)
    for name, expected in (("ours", splits), ("fashion", tiny.arrays["fashion"])):
        loaded = datasets.load_dataset(repo, name, cache_dir=str(cache))
        for split, arrays in expected.items():
            assert_rows(loaded[split], *arrays)


def test_a_dataset_named_as_a_split_of_another_is_deleted_alone(hub, repo, tmp_path):
    """The names of its pictures begin like those of the other's split."""
    for name in ("ours", "ours-train"):
        write_own(tmp_path / name, 4)
    build(tmp_path / "both", [tmp_path / "ours", tmp_path / "ours-train"])
    build(tmp_path / "one", [tmp_path / "ours"])
    push(tmp_path / "both", repo)
    push(tmp_path / "one", repo, delete_configs=["ours-train"])
    assert pushed_files(hub, repo) == as_pushed(tmp_path / "one")

"""Measurements are what the bytes determine: against plain NumPy, on archives made here and on the official ones."""

import datetime
import gzip
import json
import shutil

import numpy as np
import pytest
from conftest import ROOT, gz, idx_bytes, numbers, pictures, write_split

from mnist_tools.commands import measure
from mnist_tools.cards import measurements
import mnist_family

ARRAYS = {"train": (pictures(60, 1), numbers(60, 1)), "test": (pictures(20, 2), numbers(20, 2))}
ARRAYS["train"][0][[3, 7, 30]] = ARRAYS["train"][0][5]  # copies within train
ARRAYS["test"][0][4] = ARRAYS["train"][0][5]  # and across
ARRAYS["test"][0][6] = ARRAYS["train"][0][9]
ARRAYS["test"][0][9] = 0  # without ink


@pytest.fixture
def archives(tmp_path):
    for split, arrays in ARRAYS.items():
        write_split(tmp_path / "archives", split, *arrays)
    return tmp_path / "archives"


def measured(archives, tmp_path, *options):
    out = tmp_path / "out.json"
    measure.main(["mnist", "--archives", str(archives), "--out", str(out), *options])
    return json.loads(out.read_text(encoding="utf-8"))


def fails(*arguments):
    with pytest.raises(SystemExit) as caught:
        measure.main([*map(str, arguments)])
    assert isinstance(caught.value.code, str)
    assert len(caught.value.code.splitlines()) == 1
    return caught.value.code


def test_figures_are_those_of_numpy(archives, tmp_path):
    found = measured(archives, tmp_path)
    for split, (images, labels) in ARRAYS.items():
        figures = found["splits"][split]
        assert figures["rows"] == len(images)
        assert figures["shape"] == [28, 28]
        assert figures["class_counts"] == [(labels == label).sum() for label in range(10)]
        assert figures["unlabelled"] == 0
        assert figures["first_labels"] == labels[:10].tolist()
        assert (figures["min"], figures["max"]) == (images.min(), images.max())
        assert figures["mean"] == round((images / 255).mean(), 5)
        assert figures["standard_deviation"] == round((images / 255).std(), 5)
        assert figures["zero_percent"] == round(100 * (images == 0).mean(), 2)
        assert figures["constant_pixels"] == (np.ptp(images, axis=0) == 0).sum()
        sides = [max(np.ptp(each, axis=0)) + 1 if len(each) else 0 for each in map(np.argwhere, images)]
        assert {each["pixels"]: each["rows"] for each in figures["longer_side"]} == {
            side: sides.count(side) for side in {*sides}
        }


def test_archives_are_described_as_they_lie(archives, tmp_path):
    """Those of the tests' encoder have no date; a file that gzip writes has one, and a raw one is not compressed."""
    images = archives / "train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(gzip.decompress(images.read_bytes()), mtime=848_275_200))
    labels = archives / "train-labels-idx1-ubyte.gz"
    raw = labels.with_suffix("")
    raw.write_bytes(gzip.decompress(labels.read_bytes()))
    labels.unlink()
    found = measured(archives, tmp_path)["archives"]["train"]
    assert [each["dated"] for each in found] == [str(datetime.date(1996, 11, 18)), None]
    assert [each["uncompressed_bytes"] for each in found] == [16 + 60 * 784, 8 + 60]
    assert [each["bytes"] for each in found] == [images.stat().st_size, 68]
    assert [each["file"] for each in found] == [images.name, raw.name]


def test_duplicates_are_listed_by_row(archives, tmp_path):
    assert measured(archives, tmp_path)["duplicates"] == {
        "within": {"train": [[3, 5, 7, 30]], "test": []},
        "across": [{"train": [3, 5, 7, 30], "test": [4]}, {"train": [9], "test": [6]}],
    }


def plain_knn(k):
    """The guesses of k-NN with weights 1 / distance, one test image after the other."""
    points, labels = ARRAYS["train"][0].reshape(-1, 784).astype(int), ARRAYS["train"][1]
    for image in ARRAYS["test"][0].reshape(-1, 784).astype(int):
        squares = ((points - image) ** 2).sum(1)
        nearest = np.argsort(squares, kind="stable")[:k]
        votes = np.zeros(10)
        for row in nearest:
            if squares[nearest[0]] == 0:
                votes[labels[row]] += squares[row] == 0
            else:
                votes[labels[row]] += 1 / np.sqrt(squares[row])
        yield votes.argmax()


def test_neighbours_are_those_of_a_plain_search(archives, tmp_path, monkeypatch):
    monkeypatch.setattr(measurements, "BLOCK_ROWS", 7)
    found = measured(archives, tmp_path, "--neighbours")["neighbours"]
    truth = ARRAYS["test"][1]
    for knn in found["knn"]:
        guesses = np.array([*plain_knn(knn["k"])])
        assert knn["accuracy_percent"] == round(100 * (guesses == truth).mean(), 2)
        assert knn["errors"] == {
            "first_half": (guesses != truth)[:10].sum(),
            "second_half": (guesses != truth)[10:].sum(),
        }
        assert knn["class_accuracy_percent"] == [
            round(100 * (guesses == truth)[truth == label].mean(), 1) for label in range(10)
        ]
        for pair in knn["confusions"]:
            assert pair["rows"] == ((truth == pair["label"]) & (guesses == pair["taken_for"])).sum() > 0
    assert [knn["k"] for knn in found["knn"]] == [1, 4]
    assert found["closest"] == [[4, 3], [6, 9]]
    points, images = (ARRAYS[split][0].reshape(-1, 784).astype(float) for split in ("train", "test"))
    with np.errstate(invalid="ignore"):
        cosines = images @ points.T / np.outer(np.linalg.norm(images, axis=1), np.linalg.norm(points, axis=1))
    for each in found["cosine"]:
        alike = np.nan_to_num(cosines).max(1) >= each["at_least"]
        other = ARRAYS["train"][1][np.nan_to_num(cosines).argmax(1)] != truth
        assert (each["rows"], each["other_label"]) == (alike.sum(), (alike & other).sum())
    assert [each["at_least"] for each in found["cosine"]] == [0.99, 0.995, 0.999]


def test_the_same_archives_give_the_same_bytes_and_keep_their_neighbours(archives, tmp_path):
    measured(archives, tmp_path, "--neighbours")
    before = (tmp_path / "out.json").read_bytes()
    assert "neighbours" in measured(archives, tmp_path)
    assert (tmp_path / "out.json").read_bytes() == before
    write_split(archives, "train", pictures(60, 3), ARRAYS["train"][1])
    assert "neighbours" not in measured(archives, tmp_path)


def test_unlabelled_rows_and_own_classes_are_counted(tmp_path):
    labels = numbers(30, 1, 3)
    labels[:4] = 255
    folder = write_split(tmp_path / "own", "val", pictures(30, 1), labels)
    (folder / "labels.txt").write_text("a\nb\nc\n")
    figures = measured(folder, tmp_path)["splits"]["val"]
    assert figures["unlabelled"] == 4
    assert figures["first_labels"] == [-1] * 4 + labels[4:10].tolist()
    assert figures["class_counts"] == [(labels == label).sum() for label in range(3)]


def test_a_sample_is_measured(tmp_path, capsys):
    measure.main(["fashion", "--sample", "--out", str(tmp_path / "sample.json")])
    found = json.loads((tmp_path / "sample.json").read_text(encoding="utf-8"))
    assert found["splits"]["train"]["class_counts"] == [60] * 10
    assert capsys.readouterr().out == f"{tmp_path / 'sample.json'}: written, 600 train rows, 100 test rows\n"


def test_mirrors_are_read_where_no_folder_is_given(tiny, mirrors, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_family, "MnistFamily", tiny.module.MnistFamily)
    monkeypatch.setattr(mnist_family, "_whose", tiny.module._whose)
    measure.main(["kmnist", "--out", str(tmp_path / "out.json")])
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["splits"]["train"]["class_counts"] == np.bincount(tiny.arrays["kmnist"]["train"][1]).tolist()
    assert found["archives"]["test"][0]["file"] == "t10k-images-idx3-ubyte.gz"


def test_users_mistakes_are_one_line(archives, tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "CARDS", tmp_path)
    (tmp_path / "mnist").mkdir()
    assert "expected --out FILE for its figures; name one" in fails("mnist", "--sample")
    assert "not the four published archives, expected --out FILE" in fails("mnist", "--archives", archives)
    assert "no such folder, expected one that holds IDX archives" in fails("mnist", "--archives", tmp_path / "no")
    assert "no such folder, expected one to write to" in fails(
        "mnist", "--archives", archives, "--out", tmp_path / "no" / "out.json"
    )
    for path in archives.glob("test*"):
        path.unlink()
    out = tmp_path / "out.json"
    assert "has train, expected train and test for --neighbours" in fails(
        "mnist", "--archives", archives, "--out", out, "--neighbours"
    )
    (archives / "train-images-idx3-ubyte.gz").write_bytes(gz(idx_bytes(ARRAYS["train"][0]))[:-9])
    assert "train-images-idx3-ubyte.gz: broken" in fails("mnist", "--archives", archives, "--out", out)
    assert not out.exists()
    assert [*tmp_path.glob("**/*.incomplete")] == []


@pytest.mark.real
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_committed_figures_are_the_archives(real_archives, tmp_path, name):
    shutil.copy(ROOT / "cards" / name / "measurements.json", tmp_path / "out.json")
    before = (tmp_path / "out.json").read_bytes()
    measure.main([name, "--archives", str(real_archives), "--out", str(tmp_path / "out.json")])
    assert (tmp_path / "out.json").read_bytes() == before


@pytest.mark.real
def test_a_part_of_the_neighbours_is_the_archives(real_archives):
    """The first test images by a search that shares no code: the whole takes a minute, as `--neighbours` does."""
    found = json.loads((ROOT / "cards" / "fashion" / "measurements.json").read_text(encoding="utf-8"))["neighbours"]
    folder = real_archives / "fashion"
    points, images = (
        mnist_family.read_idx(folder / f"{name}-images-idx3-ubyte.gz").reshape(-1, 784).astype(np.float32)
        for name in ("train", "t10k")
    )
    norms = np.linalg.norm(points, axis=1)
    for test, train in found["closest"]:
        cosines = points @ images[test] / norms / np.linalg.norm(images[test])
        assert cosines.argmax() == train
        assert cosines.max() > 0.999

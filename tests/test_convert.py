"""Conversions keep every pixel, label, class name, split and row's place, and refuse what they would have to spoil."""

import gzip
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import datasets
import hypothesis
import hypothesis.strategies as st
import numpy as np
import PIL.Image
import pyarrow.parquet
import pytest
from conftest import ROOT, arrays_of, assert_rows, gz, idx_bytes, numbers, pictures, write_split

from mnist_tools.commands import convert
from mnist_tools.formats import source as formats
import mnist_family
from mnist_tools.sample import write_sample_archives

FORMATS = ("idx", "csv", "imagefolder", "npz", "parquet")
NAMES = ["T-shirt/top", "..", "/etc/passwd", "CON", "a%2Fb", "ク", ".hidden", "_unlabelled", "x ", "Ankle boot"]


def read(path):
    """({split: (images, labels)}, class names) of what a folder holds."""
    found = formats.find(str(path))
    splits = {}
    for split, chunks in found.splits.items():
        images, labels = zip(*chunks(), strict=True)
        splits[split] = np.concatenate(images), np.concatenate(labels)
    return splits, found.class_names


def assert_same(path, splits, class_names):
    got, names = read(path)
    assert [*names] == [*class_names]
    assert [*got] == sorted(splits, key=lambda split: ["train", "val", "test"].index(split))
    for split, (images, labels) in splits.items():
        np.testing.assert_array_equal(got[split][0], images)
        np.testing.assert_array_equal(got[split][1], labels)


def run(*arguments):
    convert.main([*map(str, arguments)])


def fails(*arguments):
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert isinstance(caught.value.code, str), "the exit code is not 1"
    assert len(caught.value.code.splitlines()) == 1
    return caught.value.code


@pytest.fixture
def splits():
    """Splits of which one is of several chunks, with rows of no label in both."""
    made = {}
    for name, rows in (("train", 2300), ("val", 7), ("test", 40)):
        labels = numbers(rows, rows).astype(np.int16)
        labels[[1, 5]] = -1
        made[name] = pictures(rows, rows), labels
    return made


@pytest.fixture
def source(tmp_path, splits):
    """They as IDX, with class names that no folder may have."""
    folder = tmp_path / "source"
    for name, (images, labels) in splits.items():
        write_split(folder, {"test": "t10k"}.get(name, name), images, (labels % 256).astype(np.uint8))
    (folder / "dataset_meta.json").write_text(json.dumps({"labels": NAMES}), encoding="utf-8")
    return folder


# --- Round trips ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), itertools.product(FORMATS, FORMATS))
def test_two_conversions_keep_everything(tmp_path, source, splits, first, second, capsys):
    names = [name.strip() for name in NAMES]  # labels.txt has a name on each line
    (source / "dataset_meta.json").write_text(json.dumps({"labels": names}), encoding="utf-8")
    run(source, tmp_path / "first", "--to", first)
    assert_same(tmp_path / "first", splits, names)
    run(tmp_path / "first", tmp_path / "second", "--to", second)
    assert_same(tmp_path / "second", splits, names)
    assert "train: 2,300 rows, 2 of them without a label" in capsys.readouterr().out


@hypothesis.settings(max_examples=15, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x00"), min_size=1, max_size=20)
             .filter(lambda name: name == name.strip() and name.splitlines() == [name]),
             min_size=1, max_size=6, unique_by=str.casefold),
    st.lists(st.integers(-1, 5), min_size=1, max_size=9),
    st.permutations(FORMATS),
)  # fmt: skip
def test_any_set_survives_all_formats(tmp_path_factory, class_names, labels, order):
    hypothesis.assume(len({formats.folder_name(name).casefold() for name in class_names}) == len(class_names))
    folder = tmp_path_factory.mktemp("any")
    labels = np.array([min(label, len(class_names) - 1) for label in labels], np.int16)
    images = pictures(len(labels), 1)
    start = write_split(folder / "start", "train", images, (labels % 256).astype(np.uint8))
    (start / "dataset_meta.json").write_text(json.dumps({"labels": class_names}), encoding="utf-8")
    for format_ in order:
        run(start, folder / format_, "--to", format_)
        start = folder / format_
        assert_same(start, {"train": (images, labels)}, class_names)


@pytest.mark.real
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_official_archives_survive(real_archives, tmp_path, name):
    arrays = {
        split: tuple(
            mnist_family.read_idx(real_archives / name / f"{file}-{kind}-ubyte.gz")
            for kind in ("images-idx3", "labels-idx1")
        )
        for split, file in (("train", "train"), ("test", "t10k"))
    }
    class_names = next(config.class_names for config in mnist_family.CONFIGS if config.name == name)
    for format_ in ("csv", "npz", "parquet", "imagefolder", "idx"):
        run(real_archives / name, tmp_path / format_, "--to", format_)
        if format_ == "imagefolder":
            continue  # its way back is below, from one split
        assert_same(tmp_path / format_, arrays, class_names)
    run(tmp_path / "imagefolder", tmp_path / "back", "--to", "idx", "--split", "test")
    assert_same(tmp_path / "back", {"test": arrays["test"]}, class_names)
    loaded = mnist_family.load(name, data_dir=tmp_path / "idx", cache_dir=str(tmp_path / "cache"), split="test")
    assert loaded.info.license  # the bytes are the publisher's again


# --- What others read and write ---------------------------------------------------------------------------------------


def test_idx_is_what_write_idx_writes(tmp_path, source, splits):
    run(source, tmp_path / "idx", "--to", "idx")
    for split, (images, labels) in splits.items():
        name = {"test": "t10k"}.get(split, split)
        mnist_family.write_idx(tmp_path / "images.gz", images)
        assert (tmp_path / "idx" / f"{name}-images-idx3-ubyte.gz").read_bytes() == (tmp_path / "images.gz").read_bytes()
        written = mnist_family.read_idx(tmp_path / "idx" / f"{name}-labels-idx1-ubyte.gz")
        np.testing.assert_array_equal(written, labels % 256)
    assert json.loads((tmp_path / "idx" / "dataset_meta.json").read_text(encoding="utf-8")) == {"labels": NAMES}


def test_the_loader_loads_what_is_written(tmp_path, source, splits, cache):
    run(source, tmp_path / "idx", "--to", "idx")
    loaded = mnist_family.load(data_dir=tmp_path / "idx", cache_dir=str(cache))
    for split, arrays in splits.items():
        assert_rows(loaded[split], *arrays)
        assert loaded[split].features["label"].names == NAMES


def test_datasets_loads_parquet_and_image_folders(tmp_path, cache):
    write_sample_archives(tmp_path, ["fashion"])
    run(tmp_path / "fashion", tmp_path / "parquet", "--to", "parquet", "--class-names", class_file(tmp_path))
    loaded = datasets.load_dataset(str(tmp_path / "parquet"), split="test", cache_dir=str(cache))
    assert_rows(loaded, *read(tmp_path / "fashion")[0]["test"])
    assert loaded.features["label"].names == FASHION
    run(tmp_path / "fashion", tmp_path / "tree", "--to", "imagefolder", "--class-names", class_file(tmp_path))
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "tree"), split="test", cache_dir=str(cache))
    assert len(loaded) == 100
    assert loaded.features["label"].names == sorted(map(formats.folder_name, FASHION))


FASHION = [*mnist_family.CONFIGS[1].class_names]


def class_file(folder):
    (folder / "names.txt").write_text("\n".join(FASHION), encoding="utf-8")
    return folder / "names.txt"


def test_datasets_keeps_the_names_of_splits(tmp_path, source, splits, cache):
    run(source, tmp_path / "parquet", "--to", "parquet")
    loaded = datasets.load_dataset(str(tmp_path / "parquet"), cache_dir=str(cache))
    assert {*loaded} == {*splits}
    assert loaded["val"].features["label"].names == NAMES
    assert_rows(loaded["val"], *splits["val"])


def test_arrays_of_colours_are_resized_when_asked(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.full((2, 32, 32, 3), 200, np.uint8), y_train=np.array([1, 2]))
    line = fails(tmp_path / "a.npz", tmp_path / "out", "--to", "idx")
    assert "images of uint8 2 × 32 × 32 × 3, expected uint8 rows × 28 × 28; convert them, or pass --resize" in line
    run(tmp_path / "a.npz", tmp_path / "out", "--to", "idx", "--resize")
    assert_same(tmp_path / "out", {"train": (np.full((2, 28, 28), 200), np.array([1, 2]))}, formats.DIGITS)


def test_a_full_disk_is_one_line(tmp_path, source):
    """As far as a limit on the size of files comes near one."""
    resource = pytest.importorskip("resource")
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({10_000}, {resource.RLIM_INFINITY}))"
    ignored = "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    code = f"import resource, signal, sys; from mnist_tools.commands import convert; {ignored}; {limit}; convert.main(sys.argv[1:])"
    for to in ("csv", "idx", "parquet", "npz"):
        command = [sys.executable, "-c", code, str(source), "out", "--to", to]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert "expected" in result.stderr.splitlines()[-1], result.stderr
        assert os.listdir(tmp_path) == ["source"]


def test_datumaros_count_is_explained_and_repaired(tmp_path, capsys):
    images, labels = pictures(6, 1), numbers(6, 1)
    broken = write_split(tmp_path / "broken", "train", images, labels)
    header = idx_bytes(images)[:4] + (6 * 784).to_bytes(4, "big") + idx_bytes(images)[8:]
    (broken / "train-images-idx3-ubyte.gz").write_bytes(gz(header))
    run(broken, tmp_path / "mended", "--to", "idx")
    assert "its header has 4,704 images, which is 6 × 784 as Datumaro writes it; read as 6" in capsys.readouterr().out
    np.testing.assert_array_equal(mnist_family.read_idx(tmp_path / "mended" / "train-images-idx3-ubyte.gz"), images)
    (broken / "train-images-idx3-ubyte.gz").write_bytes(gz(header[:-784]))
    assert "bytes after the header" in fails(broken, tmp_path / "other", "--to", "idx")


def test_kaggles_and_foreign_csv_are_read(tmp_path):
    images, labels = pictures(5, 1), numbers(5, 1)
    folder = tmp_path / "kaggle"
    folder.mkdir()
    lines = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(images, labels, strict=True)]
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    (folder / "train.csv").write_text("\r\n".join([header, *lines]) + "\r\n", encoding="utf-8-sig")
    bare = [",".join(map(str, image.ravel())) for image in images]
    (folder / "test.csv").write_text("\n".join([header.removeprefix("label,"), *bare]), encoding="utf-8")
    assert_same(folder, {"train": (images, labels), "test": (images, np.full(5, -1))}, formats.DIGITS)
    assert_same(folder / "train.csv", {"train": (images, labels)}, formats.DIGITS)


def test_keras_and_kmnist_npz_are_read(tmp_path):
    images, labels = pictures(5, 1), numbers(5, 1)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images[:2], y_test=labels[:2])
    assert_same(tmp_path / "mnist.npz", {"train": (images, labels), "test": (images[:2], labels[:2])}, formats.DIGITS)
    folder = tmp_path / "kmnist"
    folder.mkdir()
    np.savez_compressed(folder / "kmnist-train-imgs.npz", images)
    np.savez_compressed(folder / "kmnist-train-labels.npz", labels)
    assert_same(folder, {"train": (images, labels)}, formats.DIGITS)
    (folder / "kmnist-train-labels.npz").unlink()
    assert "images without labels, expected both; add the missing array" in fails(
        folder, tmp_path / "out", "--to", "idx"
    )


def test_image_folders_of_others_are_read(tmp_path):
    """ImageNet's way, names that repeat in each class, and one split without a folder of its own."""
    images = pictures(6, 1)
    for row, image in enumerate(images):
        for top in ("tree/train", "tree/val", "flat"):
            folder = tmp_path / top / f"n0{row % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(image).save(folder / f"img_{row // 2}.png")
    (tmp_path / "flat" / "n00" / ".DS_Store").write_bytes(b"litter")
    order, labels = [0, 2, 4, 1, 3, 5], np.array([0, 0, 0, 1, 1, 1])
    expected = images[order], labels
    assert_same(tmp_path / "tree", {"train": expected, "val": expected}, ["n00", "n01"])
    assert_same(tmp_path / "flat", {"train": expected}, ["n00", "n01"])
    (tmp_path / "flat" / "labels.txt").write_text("n01\nn00\n")
    assert_same(tmp_path / "flat", {"train": (images[order], 1 - labels)}, ["n01", "n00"])


def test_built_folders_are_read(sample, tmp_path):
    run(sample / "fashion", tmp_path / "idx", "--to", "idx")
    assert read(tmp_path / "idx")[1] == FASHION
    assert "holds fashion, kmnist, mnist, expected one of them; give" in fails(sample, tmp_path / "no", "--to", "idx")


def test_a_config_is_read_from_its_mirrors(tiny, mirrors, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_family, "MnistFamily", tiny.module.MnistFamily)
    run("kmnist", tmp_path / "npz", "--to", "npz")
    assert_same(tmp_path / "npz", tiny.arrays["kmnist"], mnist_family.CONFIGS[2].class_names)


# --- Choice -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [["3", "7"], ["CON", "_unlabelled"], ["7", "CON"]])
def test_chosen_classes_are_renumbered_in_their_order(tmp_path, source, splits, classes, capsys):
    run(source, tmp_path / "some", "--to", "npz", "--only-classes", *classes, "--split", "val", "test")
    expected = {}
    for split in ("val", "test"):
        images, labels = splits[split]
        stay = np.isin(labels, [3, 7])
        expected[split] = images[stay], (labels[stay] == 7).astype(int)
    assert_same(tmp_path / "some", expected, ["CON", "_unlabelled"])
    left = (~np.isin(splits["test"][1], [3, 7])).sum()
    assert f"{left} of other classes left out" in capsys.readouterr().out


def test_resizing_is_asked_for_and_named(tmp_path, capsys):
    folder = tmp_path / "train" / "a"
    folder.mkdir(parents=True)
    PIL.Image.new("RGB", (56, 40), (255, 0, 0)).save(folder / "0.png")
    PIL.Image.new("L", (28, 28), 9).save(folder / "1.jpg", quality=100)
    line = fails(tmp_path / "train", tmp_path / "out", "--to", "idx")
    assert "0.png: 56 × 40 in mode RGB, expected 28 × 28 in mode L; pass --resize" in line
    run(tmp_path / "train", tmp_path / "out", "--to", "idx", "--resize")
    assert "scaled to 28 × 28 (Lanczos) and to grey (luminance)" in capsys.readouterr().out
    images = mnist_family.read_idx(tmp_path / "out" / "train-images-idx3-ubyte.gz")
    assert (images[0] == 76).all()
    assert (images[1] == 9).all()


def test_names_become_folders_and_come_back():
    for name in [*NAMES, "a" * 200, "%", "con.txt", "trailing.", "back\\slash", "colon:"]:
        folder = formats.folder_name(name)
        assert formats._class_name(folder) == name
        assert pathlib.PurePath(folder).name == folder
        assert folder not in ("", ".", "..")
        assert not re.search(r'[<>:"/\\|?*]', folder)


# --- Bad input --------------------------------------------------------------------------------------------------------


def png(folder, name="0.png", size=(28, 28)):
    folder.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("L", size).save(folder / name)


def csv(folder, text):
    folder.mkdir()
    (folder / "mnist_train.csv").write_text(text)


ROW = ",".join(["1"] * 785)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: f.mkdir(), "holds nothing, expected IDX archives, CSV files"),
        (lambda f: None, "no such file or folder, expected one to read"),
        (lambda f: png(f / "a") or png(f / "a", "1.png", (30, 28)), "1.png: 30 × 28 in mode L, expected 28 × 28"),
        (lambda f: png(f / "a") or (f / "a" / "1.png").write_text("text"), "1.png: no image (UnidentifiedImageError)"),
        (lambda f: png(f / "a") or (f / "a" / "notes.txt").write_text("text"), "notes.txt: no image"),
        (lambda f: png(f / "train" / "a") or png(f / "train"), "train: has images beside folders of classes"),
        (lambda f: png(f / "a") or (f / "labels.txt").write_text("b\n"), "a: a folder of no class, expected one of b"),
        (lambda f: csv(f, f"{ROW}\n{ROW[:-2]}\n"), "mnist_train.csv: CSV parse error"),
        (lambda f: csv(f, ROW[:-2] + "\n"), None),
        (lambda f: csv(f, "7\n"), "labels without images, expected 785 values in each line; export it with"),
        (lambda f: csv(f, ROW[:-4] + "\n"), "783 values in the first line, expected 785, or 784 without labels"),
        (lambda f: csv(f, f"{ROW}\n{ROW[:-2]},300\n"), "the value 300 of pixel 783 in row 1, expected 0 to 255"),
        (lambda f: csv(f, f"{ROW}\n{ROW[:-2]},x\n"), "CSV conversion error"),
        (lambda f: csv(f, f"12,{ROW[2:]}\n"), "label 12 in row 0, expected -1 to 9; name every class with"),
        (lambda f: csv(f, ROW) or png(f / "a"), "holds CSV and image folder, expected one of these"),
        (lambda f: write_split(f, "train", pictures(3, 1), np.array([1, 2, 77], np.uint8)), "label 77 in row 2"),
        (lambda f: write_split(f, "t", pictures(3, 1), numbers(3, 1)) and (f / "t-images-idx3-ubyte.gz").unlink(),
         "expected one file of images and one of labels"),
        (lambda f: f.mkdir() or np.savez(f / "a.npz", x_a=np.zeros((2, 28, 28)), y_a=[1, 2]), "images of float64"),
        (lambda f: f.mkdir() or np.savez(f / "a.npz", x=np.array([{}], object)), "no NPZ of plain arrays"),
        (lambda f: f.mkdir() or (f / "a.parquet").write_bytes(b"PAR1"), "no Parquet"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path, make, message):
    make(tmp_path / "source")
    if message is None:  # one value less than 785 in every line is a set without labels
        run(tmp_path / "source", tmp_path / "dest", "--to", "npz")
        return
    assert message in fails(tmp_path / "source", tmp_path / "dest", "--to", "npz")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "source") == []


def test_256_classes_are_too_many_for_idx(tmp_path):
    for label in range(256):
        png(tmp_path / "many" / f"c{label:03}")
    line = fails(tmp_path / "many", tmp_path / "idx", "--to", "idx")
    assert "256 classes, expected at most 255 in IDX, where that number means no label" in line
    run(tmp_path / "many", tmp_path / "parquet", "--to", "parquet")
    assert len(read(tmp_path / "parquet")[1]) == 256


def test_wrong_choices_are_named(tmp_path, source):
    out = tmp_path / "out"
    assert "has no split 'dev', expected some of train, val, test" in fails(
        source, out, "--to", "idx", "--split", "dev"
    )
    assert "has no class '12', expected a name or a number" in fails(source, out, "--to", "idx", "--only-classes", "12")
    (tmp_path / "names.txt").write_text("a\nb\n")
    assert "expected 0 to 1" in fails(source, out, "--to", "idx", "--class-names", tmp_path / "names.txt")
    assert "no row is left" in fails(
        source, out, "--to", "npz", "--split", "val", "--only-classes", missing_class(source)
    )


def missing_class(source):
    labels = mnist_family.read_idx(source / "val-labels-idx1-ubyte.gz")
    return str(next(label for label in range(10) if label not in labels))


def test_nothing_is_overwritten_but_a_conversion_when_told(tmp_path, source, sample):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    for force in ([], ["--force"]):
        assert "holds other files" in fails(source, tmp_path / "mine", "--to", "idx", *force)
        assert "a built folder, expected a new one" in fails(source, sample, "--to", "idx", *force)
    run(source, tmp_path / "out", "--to", "idx")
    assert "there already, expected a new folder; name another, or pass --force" in fails(
        source, tmp_path / "out", "--to", "csv"
    )
    run(source, tmp_path / "out", "--to", "csv", "--force")
    assert not [*(tmp_path / "out").glob("*ubyte*")]
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_ctrl_c_leaves_nothing(tmp_path, seconds):
    write_split(tmp_path / "source", "train", pictures(30_000, 1), numbers(30_000, 1))
    command = [sys.executable, ROOT / "scripts" / "convert.py", "source", "dest", "--to", "imagefolder"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    process.stdout.readline()  # what was found is told before it is converted
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.splitlines()[-1] == "dest: interrupted, no half-converted folder is left; run it again"
    assert "Traceback" not in error
    assert os.listdir(tmp_path) == ["source"]


def test_memory_is_that_of_chunks(tmp_path):
    """Twenty times the rows, and not much more memory: the peak of a process, against that of a small one."""
    resource = pytest.importorskip("resource")
    del resource
    peaks = {}
    for rows in (3000, 60_000):
        write_split(tmp_path / f"idx{rows}", "train", np.zeros((rows, 28, 28), np.uint8), numbers(rows, 1))
        code = (
            "import resource, sys; from mnist_tools.commands import convert; convert.main(sys.argv[1:]);"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        for to, source in (("csv", f"idx{rows}"), ("parquet", f"csv{rows}"), ("idx", f"parquet{rows}")):
            out = f"{'out' if to == 'idx' else to}{rows}"
            command = [sys.executable, "-c", code, source, out, "--to", to]
            result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
            peaks[to, rows] = int(result.stdout.split()[-1])
    for to in ("csv", "parquet", "idx"):
        assert peaks[to, 60_000] - peaks[to, 3000] < 120_000  # KB, where all pixels are 47 MB as bytes, 380 as integers


def test_gzip_files_of_others_are_read(tmp_path):
    """As gzip writes them, with name and date."""
    folder = write_split(tmp_path / "a", "train", pictures(4, 1), numbers(4, 1), pack=gzip.compress)
    assert_same(folder, {"train": (pictures(4, 1), numbers(4, 1))}, formats.DIGITS)


def test_parquet_keeps_its_types(tmp_path, source):
    run(source, tmp_path / "parquet", "--to", "parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "parquet" / "data" / "val-00000-of-00001.parquet")
    names = datasets.Features.from_arrow_schema(schema)["label"].names
    assert names == NAMES
    shutil.rmtree(tmp_path / "parquet")


def test_arrays_come_back_as_rows(tmp_path):
    """README's example: a set from arrays."""
    images = np.ones((2, 28, 28), np.uint8)
    mnist_family.write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    mnist_family.write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.array([2, 7], np.uint8))
    loaded = mnist_family.load(data_dir=tmp_path, split="train", cache_dir=str(tmp_path / "cache"))
    np.testing.assert_array_equal(arrays_of(loaded)[0], images)

"""Every format keeps every pixel, label, class name, split and the order of rows."""

import functools
import io
import itertools
import sys
import types

import hypothesis
import hypothesis.strategies as st
import numpy as np
import PIL.Image
import pyarrow.parquet
import pytest
from conftest import numbers, pictures, write_split
from sources import (
    DIGITS,
    FORMATS,
    ODD_NAMES,
    assert_holds,
    refusal,
    write_idx_source,
    write_tar,
)

import mnist_family
from mnist_tools import formats
from mnist_tools.commands.convert import SplitCounts, convert
from mnist_tools.formats.class_folders import folder_name
from mnist_tools.formats.source import open_source, write_splits


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_from_which_size_images_were_scaled(tmp_path, form):
    folder = tmp_path / "source"
    images = np.arange(2 * 32 * 32).reshape(2, 32, 32).astype(np.uint8)
    write_large_images(folder, form, images)
    source = open_source(folder, resize=True)
    assert [len(chunk.labels) for chunk in source.splits["train"]()] == [2]
    assert source.fitting.changes == (
        "Images were scaled from 32 × 32 to 28 × 28 pixels (Lanczos).",
    )


def write_large_images(folder, form, images):
    """Write images with the labels 0, 1, … as the split train."""
    folder.mkdir()
    labels, files = np.arange(len(images)), []
    for image in images:
        file = io.BytesIO()
        PIL.Image.fromarray(image).save(file, "png")
        files.append(file.getvalue())
    if form == "idx":
        write_split(folder, "train", images, labels.astype(np.uint8))
    elif form == "csv":
        rows = np.c_[labels, images.reshape(len(images), -1)]
        np.savetxt(folder / "train.csv", rows, fmt="%d", delimiter=",")
    elif form == "npz":
        np.savez(folder / "letters.npz", x_train=images, y_train=labels)
    elif form == "parquet":
        table = pyarrow.table({"image": files, "label": labels})
        pyarrow.parquet.write_table(table, folder / "train.parquet")
    elif form == "webdataset":
        members = [(f"{row}.png", file) for row, file in enumerate(files)]
        members += [(f"{row}.cls", str(row).encode()) for row in labels]
        write_tar(folder / "train.tar", sorted(members))
    else:
        for row, file in enumerate(files):
            (folder / f"class {row}").mkdir()
            (folder / f"class {row}" / "a.png").write_bytes(file)


@pytest.fixture(scope="module")
def splits():
    """Splits of which one is of several chunks, with rows of no label in each."""
    made = {}
    for name, rows in (("train", 1100), ("a.b", 7), ("test", 40)):
        labels = numbers(rows, rows).astype(np.int64)
        labels[[1, 5]] = -1
        made[name] = pictures(rows, rows), labels
    return made


@pytest.fixture(scope="module")
def converted(splits, tmp_path_factory):
    """A function that returns the splits in a format, converted once, and checked."""
    folder = tmp_path_factory.mktemp("converted")
    source = write_idx_source(folder / "source", splits, ODD_NAMES)

    @functools.cache
    def convert_to(form):
        convert(source, folder / form, to=form)
        assert_holds(folder / form, splits, ODD_NAMES)
        return folder / form

    return convert_to


@pytest.mark.parametrize(("first", "second"), [*itertools.product(FORMATS, FORMATS)])
def test_two_conversions_keep_everything(tmp_path, splits, converted, first, second):
    result = convert(converted(first), tmp_path / "second", to=second)
    assert_holds(tmp_path / "second", splits, ODD_NAMES)
    assert result.splits["train"] == SplitCounts(rows=1100, unlabelled=2, left_out=0)


@hypothesis.settings(
    max_examples=15, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.isprintable),
        min_size=1,
        max_size=6,
        unique_by=str.casefold,
    ),
    st.lists(st.integers(-1, 5), min_size=1, max_size=9),
    st.permutations(FORMATS),
)
def test_any_set_survives_all_formats(tmp_path_factory, class_names, labels, order):
    folders = {folder_name(name).casefold() for name in class_names}
    hypothesis.assume(len(folders) == len(class_names))
    try:
        mnist_family.check_class_names(class_names, "here", source="here")
    except ValueError:
        hypothesis.reject()
    folder = tmp_path_factory.mktemp("any")
    labels = np.array([min(label, len(class_names) - 1) for label in labels])
    splits = {"train": (pictures(len(labels), 1), labels)}
    source = write_idx_source(folder / "start", splits, class_names)
    for format_name in order:
        convert(source, folder / format_name, to=format_name)
        source = folder / format_name
        assert_holds(source, splits, class_names)


@pytest.mark.real
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_official_archives_survive(real_archives, tmp_path, name):
    official = mnist_family.read_idx(real_archives / name / "t10k-images-idx3-ubyte.gz")
    labels = mnist_family.read_idx(real_archives / name / "t10k-labels-idx1-ubyte.gz")
    class_names = mnist_family.find_config(name).class_names
    source = real_archives / name
    for format_name in (*FORMATS[1:], "idx"):
        convert(source, tmp_path / format_name, to=format_name, splits=["test"])
        source = tmp_path / format_name
        assert_holds(source, {"test": (official, labels)}, class_names)
    loaded = mnist_family.load(name, data_dir=source, cache_dir=str(tmp_path / "cache"))
    assert loaded["test"].info.license  # the bytes are the publisher's again


@pytest.mark.parametrize("format_name", FORMATS)
def test_256_classes_are_the_most_in_every_format(tmp_path, format_name):
    names = [f"c{label:03}" for label in range(256)]
    splits = {"train": (pictures(256, 1), np.arange(256))}
    source = write_idx_source(tmp_path / "source", splits, names)
    convert(source, tmp_path / "dest", to=format_name)
    assert_holds(tmp_path / "dest", splits, names)


@pytest.mark.parametrize("format_name", ["npz", "parquet", "imagefolder", "csv"])
def test_257_classes_are_refused_wherever_they_are_named(tmp_path, format_name):
    names = [f"c{label:03}" for label in range(257)]
    source = tmp_path / "source"
    splits = {"train": (pictures(257, 1), np.arange(257))}
    make_by_hand(source, format_name, splits, names)
    assert "257 class names, expected from 1 to 256; correct the class names" in refusal(source)


def make_by_hand(folder, format_name, splits, names):
    """Write a set that no conversion would."""
    folder.mkdir()
    if format_name == "csv":
        write_splits(folder, "csv", readers_of(splits), DIGITS)
        (folder / "labels.txt").write_text("\n".join(names))
        (folder / "dataset_meta.json").unlink()
        return
    write_splits(folder, format_name, readers_of(splits), names)
    for file in ("dataset_meta.json", "labels.txt"):
        (folder / file).unlink(missing_ok=True)


def readers_of(splits):
    return {
        split: lambda images=images, labels=labels % 10: iter([mnist_family.Chunk(images, labels)])
        for split, (images, labels) in splits.items()
    }


def test_an_unlabelled_row_among_256_classes_does_not_fit_idx(tmp_path):
    labels = np.arange(-1, 256)
    np.savez(
        tmp_path / "a.npz",
        x_train=pictures(257, 1),
        y_train=labels,
        class_names=[f"c{label}" for label in range(256)],
    )
    line = "IDX, train: a row without a label among 256 classes, expected none, since 255 is the "
    line += "number of a class; leave a class out with --only-classes"
    assert refusal(tmp_path / "a.npz", "idx") == line
    convert(tmp_path / "a.npz", tmp_path / "csv", to="csv")


@pytest.mark.parametrize("format_name", ["idx", "csv"])
def test_names_that_a_user_wrote_to_labels_txt_in_vain_are_told(tmp_path, format_name):
    splits = {"train": (pictures(2, 1), np.array([0, 1]))}
    source, folder = write_idx_source(tmp_path / "source", splits, "ab"), tmp_path / "converted"
    convert(source, folder, to=format_name)
    before = open_source(folder).notes
    for text in ("x\ny\n", "x\nx\n"):
        (folder / "labels.txt").write_text(text)
        assert open_source(folder).class_names.names == ("a", "b")
        assert open_source(folder).notes == (
            *before,
            f"{folder / 'labels.txt'}: not used, as dataset_meta.json has other names; remove "
            "dataset_meta.json to use it",
        )
    named = mnist_family.ClassNames(("c", "d"), "--class-names")
    assert open_source(folder, class_names=named).notes == before


def test_two_formats_in_one_folder_are_refused(tmp_path):
    source = write_idx_source(tmp_path / "source", {"train": (pictures(3, 1), numbers(3, 1))})
    np.savez(source / "a.npz", x_train=pictures(3, 1), y_train=[0, 1, 2])
    line = f"{source}: holds IDX and NPZ, expected one format; move the others elsewhere"
    assert refusal(source) == line


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_files_of_the_same_format_in_a_subfolder_are_not_missed(tmp_path, suffix):
    source = tmp_path / "source"
    (source / "more" / "inside").mkdir(parents=True)
    for file in (source / f"train{suffix}", source / "more" / "inside" / f"test{suffix}"):
        file.write_text("")
    line = f"{source}: {suffix} files in itself, more/inside, expected them in one folder; give "
    assert refusal(source) == f"{line}{source}/more/inside, or move those in subfolders elsewhere"


def test_a_folder_of_no_format_is_refused(tmp_path):
    (tmp_path / "source").mkdir()
    known = "IDX, CSV, image folder, NPZ, Parquet, WebDataset"
    line = f"{tmp_path / 'source'}: holds nothing, expected one of {known}; "
    assert refusal(tmp_path / "source") == f"{line}give the folder or file that has the data"
    (tmp_path / "source" / "notes.txt").write_text("text")
    assert "source: holds notes.txt, expected" in refusal(tmp_path / "source")


@pytest.mark.parametrize("name", ["test.csv.gz", "t10k-images-idx3-ubyte.xz", "data.tar.zst"])
def test_packed_files_that_would_be_missed_are_refused(tmp_path, name):
    source = write_idx_source(tmp_path / "source", {"train": (pictures(3, 1), numbers(3, 1))})
    (source / name).write_bytes(b"packed")
    line = f"{source / name}: a packed file, expected unpacked files; "
    assert refusal(source) == f"{line}unpack it, or move it elsewhere"
    assert refusal(source / name, dest=tmp_path / "out") == (
        f"{line}unpack it, or move it elsewhere"
    )


def test_a_packed_file_may_stand_beside_its_content(tmp_path):
    convert(
        write_idx_source(tmp_path / "source", {"train": (pictures(3, 1), numbers(3, 1))}),
        tmp_path / "csv",
        to="csv",
    )
    (tmp_path / "csv" / "mnist_train.csv.zip").write_bytes(b"packed")
    assert_holds(tmp_path / "csv", {"train": (pictures(3, 1), numbers(3, 1))})


@pytest.mark.parametrize("name", ["test.csv", "test.npz", "test.parquet", "test.tar"])
def test_a_broken_link_is_no_missing_split(tmp_path, name):
    (tmp_path / "source").mkdir()
    file = tmp_path / "source" / name
    file.symlink_to("nowhere")
    assert refusal(tmp_path / "source").startswith(f"{file}: a broken link, a pipe or a device, ")


def test_a_path_that_is_not_there_is_refused(tmp_path):
    line = f"{tmp_path / 'no'}: no such file or folder, expected a file, a folder or one of mnist, "
    assert refusal(tmp_path / "no") == f"{line}fashion, kmnist; correct the path"


@pytest.mark.parametrize("name", ["train.csv", "a.npz", "train.parquet", "train.tar", "t/a/0.png"])
def test_pointers_and_web_pages_in_place_of_data_are_named(tmp_path, name):
    file = tmp_path / "source" / name
    file.parent.mkdir(parents=True)
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    line = refusal(tmp_path / "source")
    assert line.startswith(f"{file}: a Git LFS pointer, not the file, expected ")
    assert line.endswith("; run git lfs pull")
    file.write_text("\n<!DOCTYPE html><html></html>")
    line = refusal(tmp_path / "source")
    assert line.startswith(f"{file}: an HTML page, expected ")
    assert line.endswith("; download the file again")


def test_pointers_in_place_of_archives_are_named(tmp_path):
    source = write_idx_source(tmp_path / "source", {"train": (pictures(3, 1), numbers(3, 1))})
    file = source / "train-images-idx3-ubyte.gz"
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    line = f"{file}: a Git LFS pointer, not the file, expected an IDX archive; run git lfs pull"
    assert refusal(source) == line


def test_a_format_is_added_by_a_module_and_a_line(tmp_path, monkeypatch):
    """A throw-away format, NumPy's .npy files of images with their labels in front, both ways."""
    module = types.ModuleType("throw_away_format")
    exec(THROW_AWAY, module.__dict__)
    monkeypatch.setitem(sys.modules, "throw_away_format", module)
    monkeypatch.setitem(formats.FORMATS, "rows", "throw_away_format")
    splits = {
        "train": (pictures(1200, 1), numbers(1200, 1)),
        "test": (pictures(3, 2), np.full(3, -1)),
    }
    source = write_idx_source(tmp_path / "source", splits)
    convert(source, tmp_path / "rows", to="rows")
    assert open_source(tmp_path / "rows").format == "rows of NumPy"
    assert_holds(tmp_path / "rows", splits)
    convert(tmp_path / "rows", tmp_path / "idx", to="idx")
    assert_holds(tmp_path / "idx", splits)


THROW_AWAY = """
from functools import partial

import numpy as np

from mnist_family import Chunk
from mnist_tools.formats.class_names import DIGITS, first_named, names_beside, write_class_names
from mnist_tools.formats.files import files_in
from mnist_tools.formats.source import Source
from mnist_tools.formats.split_names import SplitFile, name_splits

TITLE = "rows of NumPy"

def detect(path):
    return bool(files_in(path, ".npy"))

def read(request):
    files = files_in(request.path, ".npy")
    named = name_splits([SplitFile(file.stem, file.name) for file in files], request.path)
    beside = names_beside(request.path)
    names = first_named(option=request.class_names, inside=None, beside=beside, default=DIGITS)
    readers = {name: partial(_chunks, file) for name, file in zip(named.names, files)}
    return Source(TITLE, readers, names, named.notes)

def _chunks(file):
    rows = np.load(file)
    yield Chunk(rows[:, 1:].astype(np.uint8).reshape(-1, 28, 28), rows[:, 0].astype(np.int64))

def write(folder, splits, class_names, options):
    for name, reader in splits.items():
        rows = [np.column_stack([c.labels, c.images.reshape(-1, 784)]) for c in reader()]
        np.save(folder / f"{name}.npy", np.concatenate(rows).astype(np.int16))
    write_class_names(folder, class_names)
    return ()
"""


def test_splits_are_written_without_the_command(tmp_path):
    source = write_idx_source(tmp_path / "source", {"train": (pictures(3, 1), numbers(3, 1))})
    (tmp_path / "csv").mkdir()
    notes = write_splits(tmp_path / "csv", "csv", open_source(source).splits, DIGITS)
    assert_holds(tmp_path / "csv", {"train": (pictures(3, 1), numbers(3, 1))})
    assert notes == (
        "the CSV files have no header: read them with pandas.read_csv(…, header=None)",
    )

"""WebDataset's tar files: ours are read by `datasets`, and those of others by us."""

import gzip
import io
import tarfile

import datasets
import numpy as np
import PIL.Image
import pytest
from conftest import assert_rows, numbers, pictures
from sources import ODD_NAMES, assert_holds, memory_limit, refusal, write_idx_source, write_tar

from mnist_tools.commands.convert import convert
from mnist_tools.formats import webdataset
from mnist_tools.formats.source import open_source

IMAGES, LABELS = pictures(5, 1), numbers(5, 1)


def encoded(image, kind="png"):
    stream = io.BytesIO()
    PIL.Image.fromarray(image).save(stream, kind)
    return stream.getvalue()


def samples(first=0, last=5, prefix=""):
    """The files of some rows, as a tar file has them."""
    for row in range(first, last):
        yield f"{prefix}{row:06}.png", encoded(IMAGES[row])
        yield f"{prefix}{row:06}.cls", f"{LABELS[row]}\n".encode()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "source" / "train.tar"


def refused(file, **choices):
    return refusal(file, dest=file.parent.parent / "out", **choices)


# --- What is read ---------------------------------------------------------------------------------


def test_numbered_shards_are_joined_in_their_order(file):
    for split in ("mnist-train", "mnist-valid"):
        write_tar(file.with_name(f"{split}-000000.tar"), samples(0, 2))
        write_tar(file.with_name(f"{split}-000001.tar"), samples(2, 5))
    splits = {"train": (IMAGES, LABELS), "validation": (IMAGES, LABELS)}
    assert_holds(file.parent, splits)


def test_shards_that_are_only_numbers_are_one_split(file):
    write_tar(file.with_name("00000.tar"), samples(0, 2))
    write_tar(file.with_name("00001.tar"), samples(2, 5))
    assert_holds(file.parent, {"train": (IMAGES, LABELS)})


def test_shards_are_read_by_number(file):
    for number in range(11):
        row = number % 5
        write_tar(file.with_name(f"train-{number}.tar"), samples(row, row + 1))
    rows = np.arange(11) % 5
    assert_holds(file.parent, {"train": (IMAGES[rows], LABELS[rows])})


@pytest.mark.parametrize("numbers", ["0 2", "5 6", "0 00"])
def test_numbers_that_leave_some_out_are_refused(file, numbers):
    for number in numbers.split():
        write_tar(file.with_name(f"train-{number}.tar"), samples(0, 1))
    assert " for the split train, expected one file, or all shards of one count; " in (
        refusal(file.parent)
    )


@pytest.mark.parametrize(("name", "mode"), [("train.tar.gz", "w:gz"), ("train.tgz", "w:gz")])
def test_packed_shards_are_read(file, name, mode):
    write_tar(file.with_name(name), samples(), mode)
    assert_holds(file.parent, {"train": (IMAGES, LABELS)})


def test_folders_in_keys_other_files_and_litter_do_not_matter(file):
    files = [("README.md", b"text"), *samples(0, 5, "images/a.b/")]
    files = [
        *files[:3],
        ("images/a.b/000000.json", b"{}"),
        ("images/._x.png", b"litter"),
        *files[3:],
    ]
    write_tar(file, files)
    assert_holds(file, {"train": (IMAGES, LABELS)})


def test_other_kinds_of_images_and_missing_labels_are_read(file):
    blank = np.full((28, 28), 9, np.uint8)
    write_tar(file, [("a.JPG", encoded(blank, "jpeg")), ("b.bmp", encoded(blank, "bmp"))])
    assert_holds(file, {"train": (np.stack([blank, blank]), np.array([-1, -1]))})


def test_class_names_beside_the_shards_are_read(file):
    write_tar(file, samples())
    (file.parent / "labels.txt").write_text("".join(f"name {label}\n" for label in range(10)))
    names = [f"name {label}" for label in range(10)]
    assert_holds(file, {"train": (IMAGES, LABELS)}, names)


# --- What is refused ------------------------------------------------------------------------------


PNG = encoded(IMAGES[0])
WRONG_FILES = {
    "no image": (
        [("a.cls", b"3")],
        "{file}, a: 0 images and 1 .cls files, expected one image and at most one label; "
        "pack the files of a row one after the other",
    ),
    "two images": (
        [("a.png", PNG), ("a.jpg", PNG), ("a.cls", b"3")],
        "{file}, a: 2 images and 1 .cls files, expected one image and at most one label; "
        "pack the files of a row one after the other",
    ),
    "scattered": (
        [("a.png", PNG), ("b.png", PNG), ("a.cls", b"3")],
        "{file}, a: 0 images and 1 .cls files, expected one image and at most one label; "
        "pack the files of a row one after the other",
    ),
    "a row again": (
        [("a.png", PNG), ("a.cls", b"3"), ("b.png", PNG), ("b.cls", b"4"), ("a.png", PNG)],
        "{file}: one key for the rows 0 and 2, expected a key for each row; "
        "pack it again, without files that were replaced",
    ),
    "a text label": (
        [("a.png", PNG), ("a.cls", b"cat")],
        "{file}, a.cls: b'cat', expected a whole number; number the classes from 0",
    ),
    "a fraction": (
        [("a.png", PNG), ("a.cls", b"3.7")],
        "{file}, a.cls: b'3.7', expected a whole number; number the classes from 0",
    ),
    "a large label": (
        [("a.png", PNG), ("a.cls", b"65539")],
        "train: label 65539 in row 0, expected -1 to 9; correct the label",
    ),
    "a label elsewhere": (
        [("a.png", PNG), ("a.json", b'{"label": 3}'), ("a.cls.txt", b"3")],
        "{file}, a: .json, .txt and no .cls, expected the label in .cls; "
        "write it there, -1 for none",
    ),
    "a broken image": (
        [("a.png", PNG[:50]), ("a.cls", b"3")],
        "{file}, a: no readable image (ValueError), expected an image of 28 × 28 in mode L; "
        "remove or replace it",
    ),
    "nothing": ([], "train: no rows, expected at least one; leave it out with --split"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_samples_that_are_no_row_are_refused(file, case):
    files, line = WRONG_FILES[case]
    write_tar(file, files)
    assert refused(file) == line.format(file=file)


def test_links_are_refused(file):
    file.parent.mkdir()
    with tarfile.open(file, "w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    line = f"{file}, a.png: a link or a folder, expected a file; pack the files themselves"
    assert refused(file) == line


def test_a_large_file_is_refused_unread(file):
    write_tar(file.with_name("train.tar.gz"), [("a.png", bytes(200_000_000))], "w:gz")
    file = file.with_name("train.tar.gz")
    with memory_limit(50):
        line = refused(file)
    assert line == (
        f"{file}, a.png: a file of 200,000,000 bytes, expected at most 33,554,432; "
        "scale the image down"
    )


def test_a_file_that_ends_early_or_breaks_off_is_refused(file):
    write_tar(file, samples())
    content = file.read_bytes()
    blocks = len(content.rstrip(b"\0")) // 512 + 1
    end = "expected a whole tar file; download it again"
    file.write_bytes(content[: 512 * blocks])
    line = f"{file}: no further file at byte {512 * blocks:,}, and no end, {end}"
    assert refused(file) == line
    broken = bytearray(content)
    header = content.find(b"000001.png")
    broken[header + 148 : header + 156] = b"0000000\0"  # its checksum
    file.write_bytes(broken)
    assert refused(file) == f"{file}: no further file at byte {header:,}, and no end, {end}"
    file.write_bytes(content[:700])
    assert refused(file).startswith(f"{file}")
    file.write_bytes(b"text" * 1000)
    assert refused(file).startswith(f"{file}: unreadable (")


def test_a_second_tar_file_behind_the_first_is_not_missed(file):
    """As `cat a.tar b.tar` makes it; readers stop at the first end."""
    write_tar(file, samples(0, 2))
    one = file.read_bytes()
    file.write_bytes(one + write_tar(file.with_name("b.tar"), samples(2, 5)).read_bytes())
    file.with_name("b.tar").unlink()
    line = refused(file)
    assert line.startswith(f"{file}: more after the end at byte ")
    assert line.endswith(", expected one tar file; split it, if it is several in one")


def test_a_packed_file_with_a_wrong_checksum_is_refused(file):
    write_tar(file, samples())
    packed = bytearray(gzip.compress(file.read_bytes()))
    packed[-6] ^= 1
    file.unlink()
    file = file.with_name("train.tar.gz")
    file.write_bytes(packed)
    assert refused(file).startswith(f"{file}: unreadable (CRC check failed")


@pytest.mark.parametrize(
    "names", [("train-00000-of-00002",), ("train", "train-000000", "train-00000-of-00001")]
)
def test_missing_and_stale_shards_are_refused(file, names):
    for name in names:
        write_tar(file.with_name(f"{name}.tar"), samples())
    assert f"{file.parent}: " in refusal(file.parent)


# --- What is written ------------------------------------------------------------------------------


def test_datasets_reads_what_is_written(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(webdataset, "ROWS_PER_SHARD", 1000)
    splits = {
        "train": (pictures(2500, 1), numbers(2500, 1)),
        "val": (IMAGES, np.array([1, -1, 2, 3, 9])),
    }
    source = write_idx_source(tmp_path / "source", splits, ODD_NAMES)
    converted = convert(source, tmp_path / "tars", to="webdataset")
    assert "the .cls of a row without a label is -1" in converted.notes
    assert sorted(path.name for path in (tmp_path / "tars" / "data").iterdir()) == [
        "train-00000-of-00003.tar",
        "train-00001-of-00003.tar",
        "train-00002-of-00003.tar",
        "val-00000-of-00001.tar",
    ]
    loaded = datasets.load_dataset(
        "webdataset", data_dir=str(tmp_path / "tars"), cache_dir=str(cache)
    )
    for split, arrays in splits.items():
        assert_rows(loaded[split].rename_columns({"png": "image", "cls": "label"}), *arrays)
    assert loaded["train"]["__key__"][2400] == "00002400"
    assert_holds(tmp_path / "tars", splits, ODD_NAMES)


def test_every_tar_reader_reads_what_is_written(tmp_path):
    source = write_idx_source(tmp_path / "source", {"train": (IMAGES, LABELS)})
    convert(source, tmp_path / "tars", to="webdataset")
    with tarfile.open(tmp_path / "tars" / "data" / "train-00000-of-00001.tar") as archive:
        assert archive.getnames()[:3] == ["00000000.png", "00000000.cls", "00000001.png"]
        content = archive.extractfile("00000004.cls").read()
    assert content == str(LABELS[4]).encode()


def test_the_notes_of_a_source_name_what_was_renamed(file):
    write_tar(file.with_name("emnist-letters-training-000000.tar"), samples())
    name = "emnist-letters-training-000000.tar"
    assert open_source(file.parent).notes == (f"{name}: read as the split train",)

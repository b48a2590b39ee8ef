"""Parquet files of others are read by their columns and shards, or refused in one line."""

import datetime
import io

import datasets
import numpy as np
import PIL.ExifTags
import PIL.Image
import polars
import pyarrow
import pyarrow.parquet
import pytest
from conftest import assert_rows, numbers, pictures, rows_of_duckdb
from sources import (
    DIGITS,
    ODD_NAMES,
    assert_holds,
    memory_limit,
    read_source,
    refusal,
    write_idx_source,
)

from mnist_tools.commands.convert import convert
from mnist_tools.formats.source import open_source

IMAGES, LABELS = pictures(5, 1), numbers(5, 1)
PYARROW_INTEGERS = [pyarrow.int8(), pyarrow.uint16(), pyarrow.int32(), pyarrow.uint64()]


def encoded(images):
    files = []
    for image in images:
        stream = io.BytesIO()
        PIL.Image.fromarray(image).save(stream, "png")
        files.append(stream.getvalue())
    return files


PNGS = encoded(IMAGES)


def write_table(path, labels=LABELS, images=PNGS, names=None, **columns):
    """A file with `labels`, an Arrow array or a list; with `names`, as a ClassLabel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(labels, np.ndarray):
        labels = pyarrow.array(labels.astype(int))
    table = pyarrow.table({"image": pyarrow.array(images), "label": labels, **columns})
    if names is not None:
        features = datasets.Features(
            {"image": datasets.Value("binary"), "label": datasets.ClassLabel(names=[*names])}
        )
        table = table.cast(features.arrow_schema)
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "source" / "train.parquet"


def refused(file, **choices):
    return refusal(file, dest=file.parent.parent / "out", **choices)


# --- Labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PYARROW_INTEGERS, ids=str)
def test_labels_may_be_of_any_whole_type(file, kind):
    write_table(file, pyarrow.array([3, None, 9, 0, 5], kind))
    assert_holds(file, {"train": (IMAGES, np.array([3, -1, 9, 0, 5]))})


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_texts_become_class_names_in_alphabetical_order(file, kind):
    texts = pyarrow.array(["cat", "ant", None, "bee", "ant"])
    texts = texts.dictionary_encode() if kind == "dictionary" else texts.cast(kind)
    write_table(file, texts)
    labels = np.array([2, 0, -1, 1, 0])
    assert_holds(file, {"train": (IMAGES, labels)}, ["ant", "bee", "cat"])
    assert open_source(file).class_names.source == "the labels, sorted"
    (file.parent / "labels.txt").write_text("bee\ncat\nant\n")
    assert_holds(file, {"train": (IMAGES, np.array([1, 2, -1, 0, 2]))}, ["bee", "cat", "ant"])
    (file.parent / "labels.txt").write_text("bee\ncat\n")
    line = f"{file}, label: the label 'ant', expected one of the 2 class names; "
    assert refused(file) == f"{line}name it with --class-names"


def test_text_in_one_file_and_numbers_in_another_are_refused(file):
    write_table(file, ["a", "b", "c", "a", "b"])
    write_table(file.with_name("test.parquet"))
    line = f"{file.parent}, label: text here and numbers there, expected labels of one kind; "
    assert refusal(file.parent) == f"{line}convert one at a time"


DAY = datetime.date(2020, 1, 1)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([0.0, 1.0, 2.0, 3.0, 3.7], "double"),
        ([True, False, True, False, True], "bool"),
        ([DAY] * 5, "date32[day]"),
        ([{"a": 1}] * 5, "struct<a: int64>"),
        ([[1]] * 5, "list<"),
        ([b"1"] * 5, "binary"),
        ([None] * 5, "null"),
    ],
)
def test_labels_of_other_types_are_refused(file, labels, kind):
    write_table(file, labels)
    line = refused(file)
    assert line.startswith(f"{file}, label: labels of the type {kind[:10]}")
    assert line.endswith(
        "expected whole numbers, or text that names the class; number the classes from 0"
    )


@pytest.mark.parametrize(
    ("label", "line"),
    [
        (65539, "train: label 65539 in row 4, expected -1 to 9; correct the label"),
        (-7, "train: label -7 in row 4, expected -1 to 9; correct the label"),
        (2**62, f"train: label {2**62} in row 4, expected -1 to 9; correct the label"),
    ],
)
def test_labels_keep_their_full_width(file, label, line):
    write_table(file, pyarrow.array([0, 1, 2, 3, label]))
    assert refused(file) == line


def test_a_label_beyond_64_bits_is_refused(file):
    write_table(file, pyarrow.array([0, 1, 2, 3, 2**63], pyarrow.uint64()))
    line = f"{file}, label: a label that does not fit 64 bits, expected 0 to 255; "
    assert refused(file) == f"{line}number the classes from 0"


# --- Class names ----------------------------------------------------------------------------------


def test_files_with_classes_in_other_orders_are_refused(file):
    write_table(file, names=DIGITS)
    write_table(file.with_name("test.parquet"), names=DIGITS[::-1])
    line = (
        f"{file.parent}: test.parquet and train.parquet with different class names, expected the "
    )
    assert refusal(file.parent) == f"{line}same in the same order; convert one at a time"
    write_table(file.with_name("test.parquet"))
    assert refusal(file.parent) == f"{line}same in the same order; convert one at a time"
    write_table(file.with_name("test.parquet"), names=DIGITS)
    assert_holds(file.parent, {"train": (IMAGES, LABELS), "test": (IMAGES, LABELS)})


def test_class_names_of_the_table_are_checked(file):
    table = pyarrow.table({"image": PNGS, "label": LABELS.astype(int)})
    info = '{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a", "\\n"]}, '
    info += '"image": {"_type": "Value", "dtype": "binary"}}}}'
    file.parent.mkdir()
    pyarrow.parquet.write_table(table.replace_schema_metadata({"huggingface": info}), file)
    found = f"{file}, label: class name '\\n' contains the character U+000A"
    expected = "printable text of 1 to 200 characters"
    assert refused(file) == f"{found}, expected {expected}; correct the class names"


def test_features_that_datasets_cannot_read_are_refused(file):
    table = pyarrow.table({"image": PNGS, "label": LABELS.astype(int)})
    info = '{"info": {"features": {"label": {"_type": "FromTheFuture"}}}}'
    file.parent.mkdir()
    pyarrow.parquet.write_table(table.replace_schema_metadata({"huggingface": info}), file)
    line = refused(file)
    assert line.startswith(f"{file}, label: features that datasets cannot read (")
    assert line.endswith("), expected a ClassLabel or none; write it again without them")


# --- Images ---------------------------------------------------------------------------------------


def test_images_may_be_bytes_or_structs(file):
    write_table(file, images=[{"bytes": png, "path": "a.png"} for png in PNGS])
    assert_holds(file, {"train": (IMAGES, LABELS)})
    write_table(file, images=PNGS)
    assert_holds(file, {"train": (IMAGES, LABELS)})


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ({"bytes": None, "path": "a.png"}, "no image in the row"),
        ({"path": "a.png"}, "no image in the row"),
        (None, "no image in the row"),
        ("a.png", "an image of the type str"),
        ([1, 2], "an image of the type list"),
    ],
)
def test_images_without_bytes_are_refused(file, image, found):
    write_table(file, images=[image] * 5)
    line = (
        f"{file}, row 0: {found}, expected the bytes of an image file; write the images into the "
    )
    assert refused(file) == f"{line}table"


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff"])
def test_images_are_turned_upright(file, kind):
    exif = PIL.Image.Exif()
    exif[PIL.ExifTags.Base.Orientation] = 6  # a camera on its side
    stream = io.BytesIO()
    PIL.Image.fromarray(IMAGES[4]).save(stream, kind, exif=exif, quality=100)
    write_table(file, images=[*PNGS[:4], stream.getvalue()])
    (images, _), *_ = read_source(file)[0].values()
    difference = images[4].astype(int) - np.rot90(IMAGES[4], -1)
    assert np.abs(difference).max() < 40


def test_an_image_that_cannot_be_read_is_named_by_its_row(file):
    write_table(file, images=[*PNGS[:3], b"text", PNGS[4]])
    line = (
        f"{file}, row 3: no readable image (UnidentifiedImageError), expected an image of 28 × 28 "
    )
    assert refused(file) == f"{line}in mode L; remove or replace it"


def test_one_row_group_of_large_images_does_not_fill_the_memory(file):
    noise = np.random.default_rng(1).integers(0, 256, (1000, 1000), np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(noise).save(stream, "png", compress_level=1)
    file.parent.mkdir()
    table = {"image": [stream.getvalue()] * 200, "label": np.zeros(200, int)}  # 200 MB
    pyarrow.parquet.write_table(
        pyarrow.table(table), file, use_dictionary=False, write_batch_size=4
    )  # pages, which can only be read whole, of 4 rows
    with memory_limit(50):
        for chunk in open_source(file, resize=True).splits["train"]():
            assert len(chunk.labels) < 100


def test_a_row_that_is_a_bomb_is_refused_unread(file):
    write_table(file, np.array([1]), [bytes(40_000_000)])
    assert file.stat().st_size < 4_000_000
    line = refused(file)
    assert line.startswith(f"{file}: rows of 40,0")
    assert line.endswith(" bytes, expected at most 33,554,432; scale the images down")


# --- Columns, files, shards -----------------------------------------------------------------------


def test_other_columns_are_refused(file):
    file.parent.mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"img": PNGS, "label": LABELS.astype(int)}), file)
    line = f"{file}: columns img, label, expected one named image and one named label; rename them"
    assert refused(file) == line
    twice = pyarrow.Table.from_arrays(
        [pyarrow.array(PNGS), pyarrow.array(LABELS), pyarrow.array(LABELS)],
        names=["image", "label", "label"],
    )
    pyarrow.parquet.write_table(twice, file)
    assert refused(file).startswith(
        f"{file}: columns image, label, label, expected one named image"
    )


@pytest.mark.parametrize("content", [b"PAR1", b"", b"text"])
def test_what_is_no_parquet_is_refused(file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    line = refused(file)
    assert line.startswith(f"{file}: unreadable (")
    assert line.endswith(
        "), expected a Parquet file with the columns image and label; download it again"
    )


def test_a_damaged_page_is_refused(file):
    write_table(file)
    content = bytearray(file.read_bytes())
    content[4:60] = bytes(56)
    file.write_bytes(content)
    assert refused(file).startswith(f"{file}: unreadable (")


def test_shards_are_joined_in_their_order(file):
    for number in range(3):
        name = f"train-{number:05}-of-00003.parquet"
        write_table(file.with_name(name), LABELS[number : number + 1], PNGS[number : number + 1])
    write_table(file.with_name("test-00000-of-00001-b42a775f407cee45.parquet"))
    expected = {"train": (IMAGES[:3], LABELS[:3]), "test": (IMAGES, LABELS)}
    assert_holds(file.parent, expected)


@pytest.mark.parametrize(
    "names",
    [
        ["train-00000-of-00002"],
        ["train-00001-of-00002"],
        ["train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002"],
        ["train", "train-00000-of-00001"],
        ["train-00000-of-00002", "train-00002-of-00002"],
    ],
)
def test_missing_and_stale_shards_are_refused(file, names):
    for name in names:
        write_table(file.with_name(f"{name}.parquet"))
    shown = ", ".join(sorted(f"{name}.parquet" for name in names))
    line = f"{file.parent}: {shown} for the split train, expected one file, or all shards of one "
    line += "count; add what is missing, or move what is left over elsewhere"
    assert refusal(file.parent) == line


@pytest.mark.parametrize("pair", [("test", "t10k"), ("my-val", "my_val"), ("train", "training")])
def test_two_files_of_one_split_are_refused(file, pair):
    for name in pair:
        write_table(file.with_name(f"{name}.parquet"))
    assert " are both the split " in refusal(file.parent)


def test_files_in_two_folders_are_refused(file):
    write_table(file)
    write_table(file.parent / "more" / "test.parquet")
    line = f"{file.parent}: .parquet files in itself, more, expected them in one folder; give "
    line += f"{file.parent / 'more'}, or move those in subfolders elsewhere"
    assert refusal(file.parent) == line


@pytest.mark.parametrize("names", [["0000"], ["0000", "0001", "0002"], ["part-0", "part-1"]])
@pytest.mark.parametrize("folder", ["", "plain_text", "data/default"])
def test_numbered_files_are_the_split_that_their_folder_names(tmp_path, folder, names):
    """As the Hub keeps what it has converted to Parquet."""
    source = tmp_path / "source"
    for row, name in enumerate(names):
        for split in ("train", "test"):
            path = source / folder / split / f"{name}.parquet"
            write_table(path, LABELS[row : row + 1], PNGS[row : row + 1])
    rows = IMAGES[: len(names)], LABELS[: len(names)]
    if folder.count("/") == 0:
        assert_holds(source, {"train": rows, "test": rows})
    assert_holds(source / folder, {"train": rows, "test": rows})
    assert_holds(source / folder / "test", {"test": rows})


def test_numbered_files_elsewhere_are_the_train_split(tmp_path):
    for row, name in enumerate(["part-00000", "part-00001"]):
        name = f"{name}-f6c4a3a0-4f6e-4a55-9c0a-2b1a9b1b2c3d-c000.snappy.parquet"  # of Spark
        write_table(tmp_path / "rows" / name, LABELS[row : row + 1], PNGS[row : row + 1])
    assert_holds(tmp_path / "rows", {"train": (IMAGES[:2], LABELS[:2])})


def test_numbers_that_leave_some_out_are_refused(tmp_path):
    source = tmp_path / "source"
    for name in ("0000", "0002"):
        write_table(source / "train" / f"{name}.parquet")
    line = f"{source}: 0000.parquet, 0002.parquet for the split train, expected one file, or all "
    line += "shards of one count; add what is missing, or move what is left over elsewhere"
    assert refusal(source) == line


def test_numbered_files_of_two_datasets_are_refused(tmp_path):
    source = tmp_path / "source"
    for config in ("a", "b"):
        write_table(source / config / "train" / "0000.parquet")
    line = f"{source}: .parquet files in a/train, b/train, expected them in one folder; "
    assert refusal(source) == f"{line}give {source / 'b/train'} or another"


def test_numbers_beside_names_are_refused(file):
    write_table(file)
    write_table(file.with_name("0000.parquet"))
    line = f"{file.parent}: 0000.parquet beside train.parquet, expected the name of a split in all "
    assert refusal(file.parent) == (
        f"{line}of them or none; move what does not belong there elsewhere"
    )


# --- What others read -----------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    splits = {
        "train": (pictures(1200, 1), numbers(1200, 1)),
        "a.b": (IMAGES, np.array([1, -1, 2, 3, 9])),
        "test": (IMAGES, LABELS),
    }
    source = write_idx_source(tmp_path / "source", splits, ODD_NAMES)
    convert(source, tmp_path / "parquet", to="parquet")
    return tmp_path / "parquet", splits


def test_datasets_reads_what_is_written(written, cache):
    folder, splits = written
    loaded = datasets.load_dataset(str(folder), cache_dir=str(cache))
    assert {*loaded} == {*splits}
    for split, arrays in splits.items():
        assert loaded[split].features["label"].names == [*ODD_NAMES]
        assert_rows(loaded[split], *arrays)


def test_duckdb_and_polars_read_what_is_written(written):
    folder, splits = written
    pattern = folder / "data" / "train-*.parquet"
    query = f"SELECT label, count(*) FROM '{pattern}' GROUP BY ALL ORDER BY ALL"
    assert rows_of_duckdb(query) == [(label, 120) for label in range(10)]
    row = polars.read_parquet(pattern).row(1100, named=True)
    image = PIL.Image.open(io.BytesIO(row["image"]["bytes"]))
    np.testing.assert_array_equal(np.asarray(image), splits["train"][0][1100])

"""CSV files of others are read by the names of their columns, or refused in one line."""

import numpy as np
import pandas
import polars
import pytest
from conftest import numbers, pictures
from sources import assert_holds, refusal, write_idx_source

from mnist_tools.commands.convert import convert
from mnist_tools.formats import csv
from mnist_tools.formats.source import open_source

IMAGES, LABELS = pictures(5, 1), numbers(5, 1)
PIXELS = [f"pixel{pixel}" for pixel in range(784)]
ROWS = [[str(value) for value in image.ravel()] for image in IMAGES]
LABELLED = [[str(label), *row] for label, row in zip(LABELS, ROWS, strict=True)]
UNLABELLED = np.full(5, -1)


def write_csv(path, *lines, separator=",", encoding="utf-8"):
    path.parent.mkdir(exist_ok=True)
    text = "".join(separator.join(line) + "\n" for line in lines)
    path.write_text(text, encoding=encoding)
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "source" / "train.csv"


# --- Columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["label", "Class", "target", "y", "digit", " LABEL "])
@pytest.mark.parametrize("place", [0, 300, 784])
def test_the_label_is_found_by_its_name(file, name, place):
    header = [*PIXELS[:place], name, *PIXELS[place:]]
    rows = [[*row[:place], str(n), *row[place:]] for row, n in zip(ROWS, LABELS, strict=True)]
    write_csv(file, header, *rows)
    assert_holds(file, {"train": (IMAGES, LABELS)})


@pytest.mark.parametrize("name", ["id", "ImageId", "", "index", "Unnamed: 0"])
def test_row_numbers_are_left_out(file, name):
    """Kannada-MNIST's test.csv is id,pixel0,…; pandas writes an index without a name."""
    write_csv(file, [name, *PIXELS], *(["7", *row] for row in ROWS))
    assert_holds(file, {"train": (IMAGES, UNLABELLED)})
    write_csv(file, [name, "label", *PIXELS], *(["x", *row] for row in LABELLED))
    assert_holds(file, {"train": (IMAGES, LABELS)})


@pytest.mark.parametrize(
    "names",
    [
        [f"pixel{pixel}" for pixel in range(1, 785)],
        [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)],
        [f"px_{row}_{column}" for row in range(28) for column in range(28)],
        [str(pixel) for pixel in range(784)],
        [f"V{pixel}" for pixel in range(1, 785)],
        [f"x.{pixel}" for pixel in range(784)],
    ],
    ids=["pixel1", "1x1", "px_0_0", "0", "V1", "x.0"],
)
def test_pixels_are_put_in_the_order_of_their_names(file, names):
    shuffled = np.random.default_rng(1).permutation(784)
    header = ["label", *(names[pixel] for pixel in shuffled)]
    rows = [
        [str(label), *(row[pixel] for pixel in shuffled)]
        for label, row in zip(LABELS, ROWS, strict=True)
    ]
    write_csv(file, header, *rows)
    assert_holds(file, {"train": (IMAGES, LABELS)})


@pytest.mark.parametrize(
    "header",
    [
        ["label", *PIXELS[1:], "mean"],
        ["label", *PIXELS[:783], "pixel785"],
        [*PIXELS, "pixel784"],
        ["label", *(f"a{name}" for name in PIXELS[:400]), *PIXELS[400:]],
        ["label", *(f"pixel{pixel}" for pixel in range(2, 786))],
    ],
)
def test_unknown_headers_are_refused_with_their_names(file, header):
    write_csv(file, header, *LABELLED)
    line = f"{file}: columns named {', '.join(header[:3])} and 782 more, expected pixel0 to "
    line += "pixel783, and a label column named label or labels or class or target; "
    assert refusal(file, dest=file.parent.parent / "out") == f"{line}rename the columns"


def test_two_columns_of_one_name_or_kind_are_refused(file):
    out = file.parent.parent / "out"
    write_csv(file, ["label", "pixel0", *PIXELS[:783]], *LABELLED)
    line = f"{file}: two columns named 'pixel0', expected different names; rename one"
    assert refusal(file, dest=out) == line
    write_csv(file, ["label", "class", *PIXELS[:783]], *LABELLED)
    line = f"{file}: the columns label and class, expected one label column; remove the other"
    assert refusal(file, dest=out) == line


def test_without_a_header_the_label_comes_first_and_this_is_said(file):
    write_csv(file, *LABELLED)
    assert_holds(file, {"train": (IMAGES, LABELS)})
    note = "train.csv: no header, so the first of 785 columns is read as the label"
    assert open_source(file).notes == (note,)
    write_csv(file, *ROWS)
    assert_holds(file, {"train": (IMAGES, UNLABELLED)})
    note = "train.csv: no header and 784 columns, read as pixels without labels"
    assert open_source(file).notes == (note,)


def test_the_summary_says_what_a_header_means(file):
    write_csv(file, ["id", *PIXELS[:784], "class"], *(["1", *row, "3"] for row in ROWS))
    note = "train.csv: the column class is the label, the column id is left out"
    assert open_source(file).notes == (note,)
    write_csv(file, PIXELS, *ROWS)
    note = "train.csv: no label column, so rows are without labels"
    assert open_source(file).notes == (note,)
    write_csv(file, ["label", *PIXELS], *LABELLED)
    assert open_source(file).notes == ()


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_other_separators_are_seen(file, separator, header):
    lines = [["label", *PIXELS]] if header else []
    write_csv(file, *lines, *LABELLED, separator=separator)
    assert_holds(file, {"train": (IMAGES, LABELS)})


def test_blank_lines_marks_and_foreign_line_ends_do_not_matter(file):
    file.parent.mkdir()
    lines = ["", ",".join(["label", *PIXELS]), "", *(",".join(row) for row in LABELLED), "", ""]
    file.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    assert_holds(file, {"train": (IMAGES, LABELS)})


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ['"{}"', "{}.0", "+{}", " {} ", "{}e0", '" {}"'])
@pytest.mark.parametrize("first", [0, 50])
def test_numbers_may_be_spelled_in_other_ways(file, spelling, first, monkeypatch):
    """And no row is lost, whether the first of them is spelled so or one of a later block."""
    monkeypatch.setattr(csv, "CSV_BLOCK_BYTES", 5000)
    lines = [
        [spelling.format(value) for value in line] if row >= first else line
        for row, line in enumerate(LABELLED * 12)
    ]
    splits = {"train": (np.concatenate([IMAGES] * 12), np.concatenate([LABELS] * 12))}
    for blank in ([], [[]], [[], []]):
        write_csv(file, *lines[:7], *blank, *lines[7:])
        assert_holds(file, splits)


@pytest.mark.parametrize("empty", ["", '""'])
def test_an_empty_label_is_none(file, empty):
    write_csv(file, [empty, *ROWS[0]], *LABELLED[1:])
    assert_holds(file, {"train": (IMAGES, np.array([-1, *LABELS[1:]]))})
    write_csv(file, *LABELLED[:4], [empty, *(f"{value}.0" for value in ROWS[4])])
    assert_holds(file, {"train": (IMAGES, np.array([*LABELS[:4], -1]))})


BAD_ROWS = {
    "a text": (["7", *ROWS[0][:-1], "x"], "'x' in column 785 of row 3, expected a whole number; "
               "correct the file, or number its classes"),
    "a text label": (["seven", *ROWS[0]], "'seven' in column 1 of row 3, expected a whole number; "
                     "correct the file, or number its classes"),
    "300": (["7", *ROWS[0][:-1], "300"],
            "the value 300 of pixel 783 in row 3, expected 0 to 255; correct the file"),
    "-1": (["7", "-1", *ROWS[0][1:]],
           "the value -1 of pixel 0 in row 3, expected 0 to 255; correct the file"),
    "a large number": (["7", *ROWS[0][:-1], "65536"],
                       "the value 65536.0 of pixel 783 in row 3, expected 0 to 255; "
                   "correct the file"),
    "a fraction": (["7", *ROWS[0][:-1], "0.5"],
                   "the value 0.5 of pixel 783 in row 3, expected 0 to 255; correct the file"),
    "no value": (["7", *ROWS[0][:-1], ""],
                 "no value for pixel 783 in row 3, expected 0 to 255; correct the file"),
    "a short row": (["7", *ROWS[0][:-1]],
                    "Row #4: Expected 785 columns, got 784"),
    "a label of 3.7": (["3.7", *ROWS[0]], "the label 3.7 in row 3, expected a whole number; "
                       "number the classes from 0"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_a_value_that_is_none_is_refused_with_its_row(file, fault):
    bad, found = BAD_ROWS[fault]
    write_csv(file, *LABELLED[:3], bad, LABELLED[4])
    line = refusal(file, dest=file.parent.parent / "out")
    assert line.startswith(f"{file}: {found}")


def test_large_labels_keep_their_value(file):
    out = file.parent.parent / "out"
    for label, shown in (("65539", "65539"), ("9007199254740991", "9007199254740991")):
        write_csv(file, *LABELLED[:3], [label, *ROWS[0]])
        line = f"train: label {shown} in row 3, expected -1 to 9; correct the label"
        assert refusal(file, dest=out) == line
    write_csv(file, *LABELLED[:3], ["9223372036854775808", *ROWS[0]])
    assert "the label 9.223372036854776e+18 in row 3, expected a whole" in refusal(file, dest=out)


def test_texts_in_the_first_row_are_no_header(file):
    write_csv(file, ["seven", *ROWS[0]], *LABELLED[1:])
    line = f"{file}: the text 'seven' among the numbers of the first row, expected 784 pixels and "
    line += "a label in UTF-8 text; number the classes from 0"
    assert refusal(file, dest=file.parent.parent / "out") == line


def test_line_ends_of_old_macs_are_refused(file):
    write_csv(file, *LABELLED)
    file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r"))
    line = f"{file}: lines that end in CR alone, expected LF or CR LF; save it with Unix line "
    assert refusal(file, dest=file.parent.parent / "out") == f"{line}endings"


EXPECTED = "expected 784 pixels and maybe a label; export the images"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["7"], f"a first line too short for an image, {EXPECTED}"),
        (["0"], f"a first line too short for an image, {EXPECTED}"),
        (["0", "1"], f"a first line too short for an image, {EXPECTED}"),
        (["7", *ROWS[0][:-2]], "783 values in the first line, expected 785, or 784 without labels; "
                               "correct the file"),
        ([], "no row, expected 784 pixels and a label in UTF-8 text; export it again, or move it "
             "elsewhere"),
    ],
)  # fmt: skip
def test_a_first_line_of_no_image_is_refused(file, line, found):
    write_csv(file, line)
    assert refusal(file, dest=file.parent.parent / "out") == f"{file}: {found}"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-16", "UTF-16 text"),
        ("utf-16-le", "UTF-16 text"),
        ("latin-1", "text that is not UTF-8"),
    ],
)
def test_other_encodings_are_refused(file, encoding, found):
    write_csv(file, ["é", *PIXELS], *LABELLED, encoding=encoding)
    line = f"{file}: {found}, expected 784 pixels and a label in UTF-8 text; save it as UTF-8"
    assert refusal(file, dest=file.parent.parent / "out") == line


def test_a_header_of_numbers_is_no_row(file):
    """As pandas writes columns that have no names."""
    write_csv(file, [str(column) for column in range(785)], *LABELLED)
    assert "columns named 0, 1, 2 and 782 more, expected" in refusal(
        file, dest=file.parent.parent / "out"
    )
    write_csv(file, [str(column) for column in range(784)], *ROWS)
    assert_holds(file, {"train": (IMAGES, UNLABELLED)})


# --- Sizes and splits -----------------------------------------------------------------------------


def test_square_images_are_resized_when_asked(file):
    flat = [["3", *["200"] * 1024], ["4", *["9"] * 1024]]
    write_csv(file, *flat)
    line = f"{file}: 1024 pixels in a row, which are 32 × 32, expected 784, which are 28 × 28; "
    line += "pass --resize to scale images and convert colours to grey"
    assert refusal(file, dest=file.parent.parent / "out") == line
    images = np.stack([np.full((28, 28), 200), np.full((28, 28), 9)])
    assert_holds(file, {"train": (images, np.array([3, 4]))}, resize=True)


def test_splits_are_named_by_their_files(file):
    for name in ("fashion-mnist_train.csv", "mnist_test.csv", "valid.csv", "my set.csv", "a.b.csv"):
        write_csv(file.with_name(name), *LABELLED)
    (file.parent / "__MACOSX").mkdir()
    (file.parent / "._train.csv").write_bytes(b"\0\5\26\7")
    rows = (IMAGES, LABELS)
    expected = {"train": rows, "test": rows, "validation": rows, "my_set": rows, "a.b": rows}
    assert_holds(file.parent, expected)
    assert set(open_source(file.parent).notes) >= {
        "fashion-mnist_train.csv: read as the split train",
        "valid.csv: read as the split validation",
    }


def test_datumaros_names_of_rows_are_left_out(file):
    write_csv(file.with_name("mnist_train.csv"), *LABELLED)
    meta = write_csv(file.with_name("meta_train.csv"), *(["0", f"n{row}"] for row in range(5)))
    assert_holds(file.parent, {"train": (IMAGES, LABELS)})
    assert "meta_train.csv: left out" in open_source(file.parent).notes
    meta.rename(meta.with_name("meta_test.csv"))
    assert "meta_test.csv: columns named 0, n0, expected" in refusal(file.parent)


def test_two_files_of_one_split_are_refused(file):
    for name in ("train.csv", "Training.csv"):
        write_csv(file.with_name(name), *LABELLED)
    line = f"{file.parent}: Training.csv and train.csv are both the split train, expected one of "
    assert refusal(file.parent) == f"{line}each; rename one, or move it elsewhere"


# --- What others read -----------------------------------------------------------------------------


def test_pandas_and_polars_read_what_is_written(tmp_path):
    labels = np.array([3, -1, 9, 0, 5])
    source = write_idx_source(tmp_path / "source", {"train": (IMAGES, labels)})
    convert(source, tmp_path / "bare", to="csv")
    convert(source, tmp_path / "named", to="csv", csv_header=True)
    bare = pandas.read_csv(tmp_path / "bare" / "mnist_train.csv", header=None)
    named = pandas.read_csv(tmp_path / "named" / "mnist_train.csv")
    other = polars.read_csv(tmp_path / "named" / "mnist_train.csv")
    assert [*named.columns] == other.columns == ["label", *PIXELS]
    for values in (bare.to_numpy(), named.to_numpy(), other.to_numpy()):
        np.testing.assert_array_equal(values[:, 0], labels)
        np.testing.assert_array_equal(values[:, 1:].reshape(-1, 28, 28), IMAGES)
    assert_holds(tmp_path / "named", {"train": (IMAGES, labels)})

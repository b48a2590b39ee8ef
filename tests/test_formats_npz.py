"""NPZ files of others are read block by block, or refused in one line."""

import io
import struct
import zipfile

import numpy as np
import pytest
from conftest import numbers, pictures
from sources import DIGITS, assert_holds, memory_limit, refusal, write_idx_source

import mnist_family
from mnist_tools.commands.convert import convert
from mnist_tools.formats.source import open_source

IMAGES, LABELS = pictures(5, 1), numbers(5, 1)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "source").mkdir()
    return tmp_path / "source" / "a.npz"


def refused(file, **choices):
    return refusal(file, dest=file.parent.parent / "out", **choices)


# --- What is read ---------------------------------------------------------------------------------


def test_keras_and_kmnists_files_are_read(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2])
    assert_holds(file, {"train": (IMAGES, LABELS), "test": (IMAGES[:2], LABELS[:2])})
    file.unlink()
    np.savez_compressed(file.with_name("kmnist-train-imgs.npz"), IMAGES)
    np.savez_compressed(file.with_name("kmnist-train-labels.npz"), LABELS)
    np.savez_compressed(file.with_name("k49-test-imgs.npz"), IMAGES)
    np.savez_compressed(file.with_name("k49-test-labels.npz"), LABELS)
    assert_holds(file.parent, {"train": (IMAGES, LABELS), "test": (IMAGES, LABELS)})


def test_medmnists_names_and_shapes_are_read(file):
    arrays = {}
    for split in ("train", "val", "test"):
        arrays |= {f"{split}_images": IMAGES, f"{split}_labels": LABELS[:, None]}
    np.savez(file, **arrays)
    assert_holds(file, dict.fromkeys(("train", "val", "test"), (IMAGES, LABELS)))


@pytest.mark.parametrize(
    "shaped",
    [IMAGES.reshape(5, 784), IMAGES[..., None], np.asfortranarray(IMAGES)],
    ids=["flat", "channel", "fortran"],
)
def test_other_shapes_and_orders_are_read(file, shaped):
    np.savez(file, x_train=shaped, y_train=LABELS)
    assert_holds(file, {"train": (IMAGES, LABELS)})


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", ">i8", "uint64"])
def test_labels_may_be_of_any_whole_type(file, dtype):
    np.savez(file, x_train=IMAGES, y_train=LABELS.astype(dtype))
    assert_holds(file, {"train": (IMAGES, LABELS)})


def test_texts_become_class_names_in_alphabetical_order(file):
    texts = np.array(["cat", "ant", "cat", "bee", "ant"])
    np.savez(file, x_train=IMAGES, y_train=texts)
    labels = np.array([2, 0, 2, 1, 0])
    assert_holds(file, {"train": (IMAGES, labels)}, ["ant", "bee", "cat"])
    assert open_source(file).class_names.source == "the labels, sorted"
    (file.parent / "labels.txt").write_text("cat\nbee\nant\n")
    assert_holds(file, {"train": (IMAGES, 2 - labels)}, ["cat", "bee", "ant"])
    (file.parent / "labels.txt").write_text("cat\nbee\n")
    line = f"{file}, y_train: the label 'ant', expected one of the 2 class names; "
    assert refused(file) == f"{line}name it with --class-names"


def test_text_in_one_split_and_numbers_in_another_are_refused(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=np.array([*"abcab"]))
    line = f"{file}, labels: text here and numbers there, expected labels of one kind; "
    assert refused(file) == f"{line}convert one at a time"


def test_the_names_of_arrays_may_be_in_capitals(file):
    np.savez(file, X_train=IMAGES, Y_train=LABELS)
    assert_holds(file, {"train": (IMAGES, LABELS)})


def test_other_arrays_are_left_out_and_named(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS, weights=LABELS)
    assert open_source(file).notes == (f"{file}: the arrays weights are left out",)


def test_colours_and_other_sizes_are_resized_when_asked(file):
    np.savez(file, x_train=np.full((2, 32, 40, 3), 200, np.uint8), y_train=[1, 2])
    line = f"{file}, x_train: images of 32 × 40 × 3, expected 28 × 28; "
    line += "pass --resize to scale images and convert colours to grey"
    assert refused(file) == line
    splits = {"train": (np.full((2, 28, 28), 200), np.array([1, 2]))}
    assert_holds(file, splits, resize=True)
    np.savez(file, x_train=np.full((2, 1024), 200, np.uint8), y_train=[1, 2])
    assert_holds(file, splits, resize=True)


# --- What is refused ------------------------------------------------------------------------------


ARRAYS = {
    "images alone": (
        {"x_train": IMAGES},
        "{folder}/a.npz, train: images without labels, expected both; add the missing array",
    ),
    "labels alone": (
        {"y_train": LABELS},
        "{folder}/a.npz, train: labels without images, expected both; add the missing array",
    ),
    "float images": (
        {"x_train": IMAGES.astype(float), "y_train": LABELS},
        "{folder}/a.npz, x_train: images of float64 5 × 28 × 28, expected uint8 rows × 28 × 28; "
        "convert them",
    ),
    "one image": (
        {"x_train": IMAGES[0, 0], "y_train": LABELS[0]},
        "{folder}/a.npz, x_train: images of uint8 28, expected uint8 rows × 28 × 28; convert them",
    ),
    "fewer labels": (
        {"x_train": IMAGES, "y_train": LABELS[:4]},
        "{folder}/a.npz, y_train: labels of 4 for 5 images, expected one for each image; "
        "correct them",
    ),
    "one-hot labels": (
        {"x_train": IMAGES, "y_train": np.eye(10)[LABELS]},
        "{folder}/a.npz, y_train: labels of 5 × 10 for 5 images, expected one for each image; "
        "correct them",
    ),
    "float labels": (
        {"x_train": IMAGES, "y_train": LABELS.astype(float)},
        "{folder}/a.npz, y_train: labels of float64, expected whole numbers or text; "
        "number the classes from 0",
    ),
    "bool labels": (
        {"x_train": IMAGES, "y_train": LABELS > 4},
        "{folder}/a.npz, y_train: labels of bool, expected whole numbers or text; "
        "number the classes from 0",
    ),
    "dates": (
        {"x_train": IMAGES, "y_train": LABELS.astype("datetime64[D]")},
        "{folder}/a.npz, y_train: labels of datetime64[D], expected whole numbers or text; "
        "number the classes from 0",
    ),
    "bytes": (
        {"x_train": IMAGES, "y_train": LABELS.astype("S1")},
        "{folder}/a.npz, y_train: labels of |S1, expected whole numbers or text; "
        "number the classes from 0",
    ),
    "2**63": (
        {"x_train": IMAGES, "y_train": np.array([0, 1, 2, 3, 2**63], np.uint64)},
        "{folder}/a.npz, y_train: a label that does not fit 64 bits, expected 0 to 255; "
        "number the classes from 0",
    ),
    "65539": (
        {"x_train": IMAGES, "y_train": np.array([0, 1, 2, 3, 65539])},
        "train: label 65539 in row 4, expected -1 to 9; correct the label",
    ),
    "no known name": (
        {"images": IMAGES, "labels": LABELS},
        "{folder}/a.npz: arrays images, labels, expected x_train with y_train, and so on; "
        "rename them",
    ),
    "two names of one split": (
        {"x_test": IMAGES, "y_test": LABELS, "x_t10k": IMAGES, "y_t10k": LABELS},
        "{folder}/a.npz: x_test in a.npz and x_t10k in a.npz are both the split test, expected "
        "one of each; rename one, or move it elsewhere",
    ),
    "integer class names": (
        {"x_train": IMAGES, "y_train": LABELS, "class_names": np.arange(10)},
        "{folder}/a.npz, class_names: int64 10, expected text in one dimension; "
        "save the class names so",
    ),
    "byte class names": (
        {"x_train": IMAGES, "y_train": LABELS, "class_names": np.arange(10).astype("S")},
        "{folder}/a.npz, class_names: |S21 10, expected text in one dimension; "
        "save the class names so",
    ),
    "one class name": (
        {"x_train": IMAGES, "y_train": LABELS, "class_names": np.array("a")},
        "{folder}/a.npz, class_names: <U1 no dimensions, expected text in one dimension; "
        "save the class names so",
    ),
    "a table of class names": (
        {"x_train": IMAGES, "y_train": LABELS, "class_names": np.array([["a", "b"]])},
        "{folder}/a.npz, class_names: <U1 1 × 2, expected text in one dimension; "
        "save the class names so",
    ),
    "a class name twice": (
        {"x_train": IMAGES, "y_train": LABELS, "class_names": np.array(["a", "b", "a"])},
        "{folder}/a.npz, class_names: class names 'a' and 'a', expected different names; "
        "correct the class names",
    ),
    "an empty class name": (
        {"x_train": IMAGES, "y_train": LABELS, "class_names": np.array(["a", ""])},
        "{folder}/a.npz, class_names: class name '' is empty, expected printable text "
        "of 1 to 200 characters; correct the class names",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_are_no_set_are_refused(file, case):
    arrays, line = ARRAYS[case]
    np.savez(file, **arrays)
    assert refused(file) == line.format(folder=file.parent)


def test_class_names_of_the_option_replace_those_that_no_set_may_have(file, tmp_path):
    np.savez(file, x_train=IMAGES, y_train=LABELS, class_names=np.array(["a", "a"]))
    names = mnist_family.ClassNames(DIGITS, "--class-names")
    assert_holds(file, {"train": (IMAGES, LABELS)}, class_names=names)


def test_class_names_that_fill_the_memory_are_refused_unread(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS, class_names=np.array(["a" * 300_000]))
    line = f"{file}, class_names: 1,200,000 bytes of class names, expected at most 1,048,576; "
    assert refused(file) == f"{line}correct the class names"


def test_objects_are_not_unpickled(file):
    np.savez(file, x_train=IMAGES, y_train=np.array([{}] * 5, object))
    line = (
        f"{file}, y_train.npy: an array of Python objects, expected an NPZ file of plain arrays; "
    )
    assert refused(file) == f"{line}save it with a dtype of its own"


@pytest.mark.parametrize("shape", [(5, 1, 784), (5, 784, 1), (5, 1, 28, 28), (5, 0, 28), (5, 785)])
def test_arrays_of_no_pictures_are_refused_even_to_resize(file, shape):
    np.savez(file, x_train=np.zeros(shape, np.uint8), y_train=LABELS)
    found = " × ".join(map(str, shape[1:]))
    line = f"{file}, x_train: images of {found}, expected 28 × 28; reshape them"
    assert refused(file, resize=True) == line


def test_an_array_that_is_there_twice_is_refused(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("y_train.npy", archive.read("y_train.npy"))
    line = f"{file}: two arrays named 'y_train', expected different names; save it again "
    assert refused(file) == f"{line}without one"


def test_two_files_with_one_split_are_refused(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS)
    np.savez(file.with_name("b.npz"), x_train=IMAGES, y_train=LABELS)
    line = f"{file.parent}: x_train in a.npz and x_train in b.npz are both the split train, "
    assert refusal(file.parent) == f"{line}expected one of each; rename one, or move it elsewhere"


def test_two_files_with_different_class_names_are_refused(file):
    np.savez(file, x_train=IMAGES, y_train=LABELS, class_names=np.array(DIGITS))
    other = file.with_name("b.npz")
    np.savez(other, x_test=IMAGES, y_test=LABELS, class_names=np.array(DIGITS[::-1]))
    line = "a.npz and b.npz: different class names, expected the same; convert one at a time"
    assert refusal(file.parent) == line
    np.savez(other, x_test=IMAGES, y_test=LABELS, class_names=np.array(DIGITS))
    assert_holds(file.parent, {"train": (IMAGES, LABELS), "test": (IMAGES, LABELS)})


def array_bytes(array, shape=None):
    """A .npy file, whose header may promise another shape."""
    stream = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


def write_zip(file, **members):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)


def test_what_is_no_npz_is_refused_in_one_line(file):
    expected = "expected an NPZ file of plain arrays; save it again with numpy.savez"
    file.write_bytes(array_bytes(IMAGES))
    assert refused(file) == f"{file}: unreadable (File is not a zip file), {expected}"
    write_zip(file, x_train__npy=array_bytes(IMAGES), notes__txt="text")
    line = f"{file}, notes.txt: no array, expected an NPZ file of plain arrays; "
    assert refused(file) == f"{line}remove it from the file"
    write_zip(file, x_train__npy=b"text", y_train__npy=array_bytes(LABELS))
    assert refused(file).startswith(f"{file}, x_train.npy: unreadable (")
    assert refused(file).endswith(expected)


def test_an_encrypted_file_is_refused_in_one_line(file):
    write_zip(file, x_train__npy=array_bytes(IMAGES), y_train__npy=array_bytes(LABELS))
    content = bytearray(file.read_bytes())
    for start in (content.find(b"PK\x03\x04") + 6, content.find(b"PK\x01\x02") + 8):
        content[start] |= 1  # the bit that says so, in the file's header and in the directory
    file.write_bytes(content)
    line = f"{file}, x_train.npy: encrypted, expected an NPZ file of plain arrays; "
    assert refused(file) == f"{line}save it without a password"


@pytest.mark.parametrize("shape", [(10**10, 28, 28), (6, 28, 28), (4, 28, 28)])
def test_an_array_of_another_length_than_it_promises_is_refused(file, shape):
    write_zip(file, x_train__npy=array_bytes(IMAGES, shape), y_train__npy=array_bytes(LABELS))
    promised = 784 * shape[0]
    line = (
        f"{file}, x_train.npy: 3,920 bytes of values, expected {promised:,} as its header promises"
    )
    assert refused(file) == f"{line}; download it again"


def test_an_array_that_ends_before_the_size_in_the_zip_directory_is_refused(file):
    content = array_bytes(IMAGES, (6, 28, 28))
    write_zip(file, x_train__npy=content, y_train__npy=array_bytes(numbers(6, 1)))
    zipped = bytearray(file.read_bytes())
    size_at = zipped.find(b"PK\x01\x02") + 24
    zipped[size_at : size_at + 4] = struct.pack("<I", len(content) + 784)
    file.write_bytes(zipped)
    line = f"{file}, x_train: an array that ends early, expected as many values as it promises; "
    assert refused(file) == f"{line}download it again"


def test_headers_of_later_versions_are_refused(file):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, IMAGES, version=(2, 0))
    write_zip(file, x_train__npy=stream.getvalue(), y_train__npy=array_bytes(LABELS))
    line = f"{file}, x_train.npy: unreadable (version (2, 0) of the array format), expected an NPZ "
    assert refused(file) == f"{line}file of plain arrays; save it again with numpy.savez"


def test_a_flipped_byte_is_refused(file):
    np.savez_compressed(file, x_train=pictures(100, 1), y_train=numbers(100, 1))
    content = bytearray(file.read_bytes())
    content[5000] ^= 255
    file.write_bytes(content)
    assert refused(file).startswith(f"{file}, x_train: unreadable (")


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_bomb_does_not_fill_the_memory(file, order):
    """A file of 500 KB whose images take 500 MB."""
    rows = 500_000_000 // 784
    header = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": order == "F", "shape": (rows, 28, 28)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x_train.npy", "w") as stream:
            stream.write(header.getvalue())
            for _ in range(rows // 784):
                stream.write(bytes(784 * 784))
            stream.write(bytes(784 * (rows % 784)))
        archive.writestr("y_train.npy", array_bytes(np.zeros(rows, np.uint8)))
    with memory_limit(50 if order == "C" else 550):  # the other way, all pages may stay in memory
        chunk = next(open_source(file).splits["train"]())
    assert chunk.images.shape == (1000, 28, 28)


# --- What is written ------------------------------------------------------------------------------


def test_numpy_reads_what_is_written(tmp_path):
    labels = np.array([3, -1, 9, 0, 5])
    splits = {"train": (IMAGES, labels), "a.b": (IMAGES[:2], np.array([1, 2]))}
    source = write_idx_source(tmp_path / "source", splits)
    convert(source, tmp_path / "npz", to="npz")
    with np.load(tmp_path / "npz" / "mnist.npz", allow_pickle=False) as content:
        assert sorted(content.files) == ["class_names", "x_a.b", "x_train", "y_a.b", "y_train"]
        np.testing.assert_array_equal(content["x_train"], IMAGES)
        np.testing.assert_array_equal(content["y_train"], labels)
        assert content["y_a.b"].dtype == np.uint8
        assert content["class_names"].tolist() == [*DIGITS]
    convert(source, tmp_path / "again", to="npz")
    again = (tmp_path / "again" / "mnist.npz").read_bytes()
    assert (tmp_path / "npz" / "mnist.npz").read_bytes() == again


def test_a_folder_of_npz_has_nothing_that_load_dataset_takes_for_rows(tmp_path):
    source = write_idx_source(tmp_path / "source", {"train": (IMAGES, LABELS)})
    convert(source, tmp_path / "npz", to="npz")
    files = {path.name for path in (tmp_path / "npz").iterdir()}
    assert files == {".mnist_family.json", "mnist.npz"}

"""`arrays`: the rows of `load` in memory, from the same archives, checked as strictly."""

import struct

import datasets
import numpy as np
import pytest
from conftest import arrays_of, gz, idx_bytes, numbers, pictures, write_split

NO_LABEL = 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 140 and 33 rows, enough for slices in whole percent; some have no label."""
    folder = tmp_path_factory.mktemp("arrays")
    for name, rows in (("train", 140), ("t10k", 33)):
        labels = numbers(rows, rows)
        labels[3::20] = NO_LABEL
        write_split(folder, name, pictures(rows, rows), labels)
    return folder


@pytest.fixture(scope="module")
def loaded(tiny, folder, tmp_path_factory):
    """Load rows of the folder, which are built once."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return lambda split: tiny.module.load(data_dir=folder, cache_dir=cache, split=split)


def told(function, *arguments, **settings):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (callers compare the whole message)
        function(*arguments, **settings)
    return str(caught.value)


def assert_equal(rows, images, labels):
    np.testing.assert_array_equal(rows.images, images)
    np.testing.assert_array_equal(rows.labels, labels)


@pytest.mark.parametrize("name", ["mnist", "fashion", "kmnist"])
def test_arrays_are_those_of_the_archives(tiny, name):
    rows = tiny.module.arrays(name, data_dir=tiny.folder(name))
    assert list(rows) == ["train", "test"]
    for split, (images, labels) in tiny.arrays[name].items():
        assert_equal(rows[split], images, labels)
        assert_equal(tiny.module.arrays(name, split, data_dir=tiny.folder(name)), images, labels)


def test_the_default_is_every_split_of_mnist(tiny, mirrors, cache):
    rows = tiny.module.arrays(cache_dir=cache)
    for split, arrays in tiny.arrays["mnist"].items():
        assert_equal(rows[split], *arrays)


def test_arrays_are_ready_for_use(tiny):
    images, labels = tiny.module.arrays(split="train", data_dir=tiny.folder("mnist"))
    assert (images.shape, images.dtype) == ((40, 28, 28), np.dtype(np.uint8))
    assert (labels.shape, labels.dtype) == ((40,), np.dtype(np.int64))
    for array in (images, labels):
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.flags.aligned
        assert array.base is None


def test_a_label_that_is_missing_is_minus_one(tiny, folder):
    labels = tiny.module.arrays(split="train", data_dir=folder).labels
    assert labels[3::20].tolist() == [-1] * 7
    assert np.delete(labels, np.s_[3::20]).min() == 0


def test_256_classes_leave_no_byte_for_a_missing_label(tiny, tmp_path):
    write_split(tmp_path, "train", pictures(300, 1), numbers(300, 1, classes=256))
    (tmp_path / "labels.txt").write_text("\n".join(f"class {number}" for number in range(256)))
    labels = tiny.module.arrays(split="train", data_dir=tmp_path).labels
    assert labels.tolist() == numbers(300, 1, classes=256).tolist()


@pytest.mark.release
@pytest.mark.parametrize(
    "split",
    [
        "train[:10%]",
        "train+test",
        "test+train",
        "train[10:20]+test[-5:]",
        "train[33%:66%]",
        "train[:7%](pct1_dropremainder)",
        "train[:-10%]",
        "train[:20%]+train[30%:]",
        "train[130:]+train[:5]",
        "train+train",
        "train[5:5]+test",
        "train[500:]+test[:2]",
        "train[:300]",
        "train[-300:3]",
        "train[15:17]+train[16:18]",
        "train[9:4]",
        "all",
        datasets.Split.TRAIN,
        datasets.Split.ALL,
        datasets.ReadInstruction("train", to=5, unit="abs"),
    ],
    ids=str,
)
def test_slices_and_unions_are_those_of_load(tiny, folder, loaded, split):
    rows, expected = tiny.module.arrays(split=split, data_dir=folder), loaded(split)
    assert len(rows.images) == len(rows.labels) == len(expected)
    if len(expected):
        assert_equal(rows, *arrays_of(expected))


@pytest.mark.release
@pytest.mark.parametrize(
    "split",
    [
        "validation",
        "train+validation",
        "train[5:5]",
        "train[:0%]",
        "test[200:]",
        "train[:101%]",
        "train[:10.5%]",
        "train[a:b]",
        "train[:3](closest)",
        "test[:7%](pct1_dropremainder)",
        "train + test",
        "",
    ],
)
def test_a_split_that_load_refuses_is_refused_in_its_words(tiny, folder, loaded, split):
    message = told(tiny.module.arrays, split=split, data_dir=folder)
    assert message == told(loaded, split)


def test_a_slice_without_rows_is_refused(tiny, folder):
    message = told(tiny.module.arrays, split="train[5:5]", data_dir=folder)
    assert message == 'Instruction "train[5:5]" corresponds to no data!'


def test_a_slice_that_ends_one_row_before_it_starts_is_empty(tiny, folder):
    """Where `datasets` takes a length of -1 for all the rest."""
    images, labels = tiny.module.arrays(split="train[5:4]", data_dir=folder)
    assert (images.shape, labels.shape) == ((0, 28, 28), (0,))


def test_a_wrong_name_lists_the_right_ones(tiny):
    assert told(tiny.module.arrays, "emnist") == (
        "config 'emnist': unknown, expected one of mnist, fashion, kmnist; correct the name, or "
        "give the folder of a dataset of your own as data_dir"
    )


# --- The cache ------------------------------------------------------------------------------------


def test_arrays_and_load_share_their_downloads(tiny, mirrors, cache):
    tiny.module.load("fashion", cache_dir=str(cache))
    assert len(mirrors[0].requests) == 4
    tiny.module.arrays("fashion", cache_dir=cache)
    assert len(mirrors[0].requests) == 4
    tiny.module.arrays("kmnist", cache_dir=cache)
    assert len(mirrors[0].requests) == 8
    tiny.module.load("kmnist", cache_dir=str(cache))
    assert len(mirrors[0].requests) == 8


def test_without_a_cache_dir_the_downloads_are_where_load_has_them(tiny, mirrors):
    tiny.module.load("fashion", "test")
    mirrors[0].requests.clear()
    assert_equal(tiny.module.arrays("fashion", "test"), *tiny.arrays["fashion"]["test"])
    assert mirrors[0].requests == []


def test_only_the_splits_that_are_asked_for_are_downloaded(tiny, mirrors, cache):
    tiny.module.arrays("mnist", "test[:2]+test[3:]", cache_dir=cache)
    assert [path for _, path in mirrors[0].requests] == [
        "mnist/t10k-images-idx3-ubyte.gz",
        "mnist/t10k-labels-idx1-ubyte.gz",
    ]


def test_nothing_is_written_for_a_folder(tiny, cache):
    tiny.module.arrays(data_dir=tiny.folder("mnist"), cache_dir=cache)
    assert not cache.exists()


def test_mirrors_that_fail_are_told(tiny, mirrors, cache):
    for mirror in mirrors:
        mirror.behaviour = "404"
    url = f"{mirrors[0].url}mnist/train-images-idx3-ubyte.gz"
    with pytest.raises(
        ConnectionError, match=f"(?s)not available from any mirror of MNIST.*{url}: HTTP status 404"
    ):
        tiny.module.arrays("mnist", "train", cache_dir=cache)


# --- Faults ---------------------------------------------------------------------------------------


def write(path, content):
    path.write_bytes(content)


def impossible(kind):
    sizes = (2**31 - 1, 28, 28)[: 3 if kind == "images" else 1]
    return struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes) + bytes(1000)


def broken_at_the_end(folder):
    write(folder / "train-images-idx3-ubyte.gz", gz(idx_bytes(pictures(20, 3)))[:-9])


def wrong_checksum(folder):
    content = bytearray(gz(idx_bytes(pictures(20, 3))))
    content[-8] ^= 1
    write(folder / "train-images-idx3-ubyte.gz", content)


def left_over(folder):
    write(folder / "train-images-idx3-ubyte.gz", gz(idx_bytes(pictures(20, 3)) + b"x"))


def left_over_labels(folder):
    write(folder / "train-labels-idx1-ubyte.gz", gz(idx_bytes(numbers(20, 3)) + b"x"))


def one_label_of_no_class(folder):
    labels = numbers(20, 3)
    labels[17] = 10
    write(folder / "train-labels-idx1-ubyte.gz", gz(idx_bytes(labels)))


def other_counts(folder):
    write(folder / "train-labels-idx1-ubyte.gz", gz(idx_bytes(numbers(19, 3))))


def larger_than_any_file(folder):
    for kind, dimensions in (("images", 3), ("labels", 1)):
        (folder / f"train-{kind}-idx{dimensions}-ubyte.gz").unlink()
        write(folder / f"train-{kind}-idx{dimensions}-ubyte", impossible(kind))


@pytest.mark.parametrize(
    "spoil",
    [
        broken_at_the_end,
        wrong_checksum,
        left_over,
        left_over_labels,
        one_label_of_no_class,
        other_counts,
        larger_than_any_file,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_files_that_load_refuses_are_refused_whatever_rows_are_asked_for(
    tiny, tmp_path, cache, spoil
):
    folder = write_split(tmp_path / "archives", "train", pictures(20, 3), numbers(20, 3))
    spoil(folder)
    expected = told(tiny.module.load, data_dir=folder, cache_dir=str(cache))
    assert expected.startswith(str(folder))
    for split in (None, "train", "train[:2]"):
        assert told(tiny.module.arrays, split=split, data_dir=folder) == expected


@pytest.mark.parametrize("kind", ["images", "labels"])
@pytest.mark.parametrize("repacked", [False, True], ids=["published", "repacked"])
def test_another_dataset_is_told_by_its_images_or_its_labels(tiny, tmp_path, kind, repacked):
    folder = write_split(tmp_path, "train", pictures(40, 3), numbers(40, 3))
    (name,) = (path.name for path in folder.glob(f"*{kind}*"))
    content = (tiny.folder("kmnist") / name).read_bytes()
    if repacked:
        array = tiny.arrays["kmnist"]["train"][kind == "labels"]
        content = gz(idx_bytes(array)) + gz(b"")
    write(folder / name, content)
    for split in ("train", "train[:1]"):
        assert told(tiny.module.arrays, "fashion", split, data_dir=folder) == (
            f"{folder / name}: these are Kuzushiji-MNIST's train {kind}, expected Fashion-MNIST's "
            f"train {kind}; put the right file there or load 'kmnist'"
        )


def test_splits_that_are_not_asked_for_are_not_read(tiny, tmp_path):
    folder = write_split(tmp_path, "train", pictures(20, 3), numbers(20, 3))
    write_split(folder, "t10k", pictures(5, 4), numbers(5, 4))
    write(folder / "t10k-images-idx3-ubyte.gz", b"")
    assert_equal(
        tiny.module.arrays(split="train", data_dir=folder), pictures(20, 3), numbers(20, 3)
    )
    assert told(tiny.module.arrays, data_dir=folder).startswith(
        f"{folder / 't10k-images-idx3-ubyte.gz'}: empty, expected IDX"
    )


def test_a_folder_of_ones_own_has_arrays_under_its_name(tiny, tmp_path):
    folder = write_split(tmp_path / "letters", "train", pictures(9, 1), numbers(9, 1))
    assert_equal(
        tiny.module.arrays("letters", "train", data_dir=folder), pictures(9, 1), numbers(9, 1)
    )


def test_a_folder_needs_no_mirror(tiny, tmp_path, monkeypatch):
    folder = write_split(tmp_path / "letters", "train", pictures(9, 1), numbers(9, 1))
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", "ftp://127.0.0.1")
    for read in (tiny.module.arrays, tiny.module.verified_splits):
        assert [*read("letters", data_dir=folder)] == ["train"]


def test_published_rows_have_no_arrays_under_another_name(tiny):
    folder = tiny.folder("fashion")
    assert told(tiny.module.arrays, "letters", data_dir=folder) == (
        f"{folder / 'train-images-idx3-ubyte.gz'}: these are Fashion-MNIST's train images and "
        "labels, expected those of letters; load 'fashion'"
    )

"""`read_idx` and `write_idx`: arrays to IDX files and back, against an encoder of the tests."""

import contextlib
import gzip
import hashlib
import os
import struct
import time

import numpy as np
import pytest
from conftest import assert_rows, gz, idx_bytes, numbers, pictures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mnist_family import digest_archive, open_idx, read_idx, write_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
any_array = st.sampled_from(sorted(CODES)).flatmap(
    lambda name: arrays(np.dtype(name), array_shapes(min_dims=0, max_dims=4, min_side=0))
)


@pytest.mark.parametrize("file", ["x-idx", "x-idx.gz"])
@given(array=any_array)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_come_back_as_they_were(tmp_path, file, array):
    path = tmp_path / file
    write_idx(path, array)
    content = path.read_bytes()
    content = gzip.decompress(content) if file.endswith(".gz") else content
    name = array.dtype.str[1:]
    assert content == idx_bytes(array.astype(f">{name}"), CODES[name])
    back = read_idx(path)
    assert back.dtype == array.dtype
    assert back.dtype.isnative
    assert back.shape == array.shape
    assert back.flags.writeable
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("file", ["x-idx", "x-idx.gz"])
@given(array=any_array.filter(lambda array: array.ndim), rows=st.integers(1, 9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_array_is_read_in_chunks(tmp_path, file, array, rows):
    write_idx(tmp_path / file, array)
    with open_idx(tmp_path / file) as opened:
        assert opened.dtype == array.dtype
        assert opened.shape == array.shape
        chunks = [*opened.chunks(rows)]
    assert [len(chunk) for chunk in chunks[:-1]] == [rows] * (len(chunks) - 1)
    assert all(chunk.dtype == array.dtype and chunk.dtype.isnative for chunk in chunks)
    whole = np.concatenate([array[:0], *chunks])
    assert whole.tobytes() == array.tobytes()


@pytest.mark.parametrize("rows", [0, 5])
def test_chunks_end_with_the_file(tmp_path, rows):
    """What is wrong at the end is told before the last chunk is given."""
    for name, content, line in (
        ("long", idx_bytes(pictures(rows, 1)) + b"1", "bytes left over"),
        ("packed", gz(idx_bytes(pictures(rows, 1)))[:-1], "broken, Compressed file ended"),
    ):
        (tmp_path / name).write_bytes(content)
        read = []
        with pytest.raises(ValueError, match=f"{name}: {line}"), open_idx(tmp_path / name) as file:
            read.extend(file.chunks(2))
        assert len(read) < 3


def test_a_single_value_has_no_chunks(tmp_path):
    write_idx(tmp_path / "x", np.array(1, np.uint8))
    line = f"{tmp_path / 'x'}: a single value, expected an array with rows; read it with read_idx"
    with pytest.raises(ValueError, match=line), open_idx(tmp_path / "x") as file:
        next(file.chunks(1))


def test_what_is_written_loads(load, tmp_path):
    images, labels = pictures(6, 1), numbers(6, 1)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    write_idx(str(tmp_path / "train-labels-idx1-ubyte"), labels)
    assert_rows(load(data_dir=tmp_path, split="train"), images, labels)
    np.testing.assert_array_equal(read_idx(tmp_path / "train-images-idx3-ubyte.gz"), images)


def test_the_same_array_gives_the_same_bytes(tmp_path):
    write_idx(tmp_path / "a.gz", pictures(5, 1))
    time.sleep(1.1)  # a clock in the header counts seconds
    write_idx(tmp_path / "b.gz", pictures(5, 1))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("file", ["x-idx", "x-idx.gz"])
@given(array=any_array.filter(lambda array: array.ndim), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_give_the_same_bytes_as_their_array(tmp_path, file, array, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(array)), max_size=3)))
    chunks = iter(np.split(array, cuts))
    write_idx(tmp_path / f"chunks-{file}", chunks, shape=array.shape)
    write_idx(tmp_path / file, array)
    assert (tmp_path / f"chunks-{file}").read_bytes() == (tmp_path / file).read_bytes()


def test_large_chunks_give_the_same_bytes_as_their_array(tmp_path):
    """Of a .gz, whose compressor looks far back."""
    images = pictures(2000, 3)
    write_idx(tmp_path / "array.gz", images)
    write_idx(
        tmp_path / "chunks.gz",
        (images[row : row + 37] for row in range(0, 2000, 37)),
        shape=images.shape,
    )
    assert (tmp_path / "array.gz").read_bytes() == (tmp_path / "chunks.gz").read_bytes()


def test_no_chunks_make_an_empty_array(tmp_path):
    write_idx(tmp_path / "x", iter([]), shape=(0, 28, 28))
    assert read_idx(tmp_path / "x").shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("chunks", "shape", "words"),
    [
        (
            [np.zeros(3, np.uint8)],
            (4,),
            "x.gz: 3 rows, expected 4 as shape says; correct the shape",
        ),
        (
            [np.zeros(3, np.uint8)] * 2,
            (4,),
            "x.gz: 6 rows, expected 4 as shape says; correct the shape",
        ),
        ([], (4,), "x.gz: 0 rows, expected 4 as shape says; correct the shape"),
        (
            [np.zeros((2, 3), np.uint8)],
            (2, 4),
            r"x.gz: a chunk of uint8 \(2, 3\), expected uint8 \('rows', 4\); make all chunks alike",
        ),
        (
            [np.zeros(1, np.uint8), np.zeros(1, np.int8)],
            (2,),
            r"x.gz: a chunk of int8 \(1,\), expected uint8 \('rows',\); make all chunks alike",
        ),
        (
            [np.zeros((2, 3), np.uint8)],
            (-1, 3),
            r"x.gz: the shape \(-1, 3\), expected sizes from 0 to 4,294,967,295; correct the shape",
        ),
        (
            [np.zeros(2, np.uint8)],
            (2**32,),
            r"x.gz: the shape \(4294967296,\), expected sizes from 0 to 4,294,967,295; correct the",
        ),
        (
            iter([np.zeros(3)]),
            None,
            "x.gz: an iterator of chunks, expected shape= with it; give the shape of the",
        ),
    ],
)
def test_chunks_that_are_not_of_the_shape_are_refused(tmp_path, chunks, shape, words):
    with pytest.raises(ValueError, match=words):
        write_idx(tmp_path / "x.gz", chunks, shape=shape)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_digested_inside_and_outside(tmp_path):
    raw = idx_bytes(pictures(50, 1))
    packed = gz(raw[:500]) + gz(raw[500:])
    for name, content in (("raw", raw), ("packed", packed)):
        (tmp_path / name).write_bytes(content)
        digest = digest_archive(tmp_path / name)
        assert (digest.bytes, digest.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (digest.uncompressed_bytes, digest.md5) == (len(raw), hashlib.md5(raw).hexdigest())


def test_no_digest_of_a_broken_archive(tmp_path):
    (tmp_path / "x.gz").write_bytes(gz(idx_bytes(pictures(50, 1)))[:-1])
    with pytest.raises(
        ValueError,
        match="x.gz: broken, Compressed .*, expected a whole .gz file; download it again$",
    ):
        digest_archive(tmp_path / "x.gz")


@pytest.mark.parametrize(
    "array", [np.asfortranarray(pictures(4, 1)), pictures(8, 1)[::2], pictures(4, 1).tolist()[0:0]]
)
def test_arrays_of_any_layout_are_written_in_c_order(tmp_path, array):
    array = np.asarray(array, np.uint8)
    write_idx(tmp_path / "x", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), array)


def test_big_endian_arrays_keep_their_values(tmp_path):
    write_idx(tmp_path / "x", np.arange(5, dtype=">i4"))
    assert read_idx(tmp_path / "x").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "dtype", ["int64", "uint16", "float16", "bool", "U3", "complex64", "object"]
)
def test_a_dtype_that_idx_lacks_is_refused(tmp_path, dtype):
    with pytest.raises(
        ValueError, match="x.gz: an array of .*, expected one of uint8, int8, int16, .*array.astype"
    ):
        write_idx(tmp_path / "x.gz", np.zeros(3).astype(dtype))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_is_replaced_whole_or_kept(tmp_path, monkeypatch):
    write_idx(tmp_path / "x.gz", np.zeros(3, np.uint8))
    before = (tmp_path / "x.gz").read_bytes()

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("mnist_family.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_idx(tmp_path / "x.gz", np.ones(3, np.uint8))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["x.gz"]
    assert (tmp_path / "x.gz").read_bytes() == before
    write_idx(tmp_path / "x.gz", np.ones(3, np.uint8))
    assert read_idx(tmp_path / "x.gz").tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", ["x.incomplete", ".x.{}.incomplete"])
def test_a_file_beside_it_is_kept(tmp_path, name):
    """Whatever it is called: it may be another writer's."""
    other = tmp_path / name.format(os.getpid())
    other.write_bytes(b"mine")
    with contextlib.suppress(FileExistsError):
        write_idx(tmp_path / "x", np.zeros(3, np.uint8))
    assert other.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_a_full_disk_is_an_error(tmp_path, name):
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(OSError, match=rf"File too large: '.*\.{name}\.\d+\.incomplete'"):
            write_idx(tmp_path / name, pictures(2000, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x: empty, expected IDX"),
        (gz(idx_bytes(np.zeros(9, np.uint8)))[:-5], "x: broken, Compressed file ended"),
        (
            idx_bytes(np.zeros(9, np.uint8))[:-1],
            "x: 16 bytes after the header|x: 8 bytes after the header, expected 9",
        ),
        (
            idx_bytes(np.zeros(9, np.uint8)) + b"0",
            "x: bytes left over, expected 9 after the header",
        ),
        (
            gz(idx_bytes(np.zeros(0, ">i4"), 0x0C)[:4] + b"\xff" * 4),
            "at most .* expected 17,179,869,180 as it promises",
        ),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content, words):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_idx(tmp_path / "x")


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((0, 2**32 - 1, 2**32 - 1), r"3 dimensions of sizes \(0, 4294967295, 4294967295\)"),
        ((1,) * 100, r"100 dimensions of sizes \(1, 1, 1, .*"),
    ],
)
def test_a_shape_that_numpy_lacks_is_refused(tmp_path, shape, found):
    (tmp_path / "x").write_bytes(
        struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes(min(shape))
    )
    with pytest.raises(
        ValueError, match=f"x: {found}, expected a shape that NumPy can hold; download it again"
    ):
        read_idx(tmp_path / "x")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="x.gz"):
        read_idx(tmp_path / "x.gz")


def test_files_are_read_and_written_after_a_builder_has_replaced_open(tiny, tmp_path):
    tiny.module.MnistFamily(data_dir=str(tiny.folder("mnist")))
    folder = tmp_path / "with::colons"
    folder.mkdir()
    tiny.module.write_idx(folder / "x.gz", np.arange(4, dtype=np.int16))
    assert tiny.module.read_idx(folder / "x.gz").tolist() == [0, 1, 2, 3]

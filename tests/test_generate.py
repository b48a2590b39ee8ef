"""From archives to rows: pixels, labels, order; in any number of processes, in constant memory."""

import io
import os
import tracemalloc

import datasets
import numpy as np
import PIL.Image
import pytest
from conftest import NAMES, assert_rows, gz, numbers, pictures, run, write_split
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import mnist_family

IMAGES, LABELS = pictures(1000, 5), numbers(1000, 5)


@pytest.fixture(params=["gz", "raw"])
def folder(request, tmp_path):
    form = {} if request.param == "gz" else {"pack": bytes, "suffix": ""}
    return write_split(tmp_path / "archives", "train", IMAGES, LABELS, **form)


@pytest.fixture(params=["gz", "raw"])
def large(request, tmp_path):
    """A folder of files above a megabyte: smaller ones are read again to see if they changed."""
    form = {} if request.param == "gz" else {"pack": bytes, "suffix": ""}
    return write_split(tmp_path / "archives", "train", pictures(3000, 5), numbers(3000, 5), **form)


@given(arrays(np.uint8, st.tuples(st.integers(0, 3), st.just(28), st.just(28))))
def test_a_png_holds_every_pixel(pixels):
    files = list(mnist_family.encode_pngs(pixels))
    assert len(files) == len(pixels)
    for file, image in zip(files, pixels, strict=True):
        with PIL.Image.open(io.BytesIO(file)) as decoded:
            assert (decoded.format, decoded.mode, decoded.size) == ("PNG", "L", (28, 28))
            np.testing.assert_array_equal(np.asarray(decoded), image)


@pytest.mark.release
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_the_archives_rows_in_their_order(load, tiny, name):
    loaded = load(name, data_dir=tiny.folder(name))
    assert list(loaded) == ["train", "test"]
    for split, (images, labels) in tiny.arrays[name].items():
        assert_rows(loaded[split], images, labels)
        assert loaded[split].features == datasets.Features(
            {
                "image": datasets.Image(),
                "label": datasets.ClassLabel(names=list(loaded[split].features["label"].names)),
            }
        )


def test_an_image_is_a_grey_pil_image_and_a_label_an_int(load, tiny):
    row = load("fashion", data_dir=tiny.folder("fashion"), split="train")[0]
    assert isinstance(row["image"], PIL.Image.Image)
    assert (row["image"].mode, row["image"].size) == ("L", (28, 28))
    assert type(row["label"]) is int


def test_images_are_decoded_only_when_asked_for(load, tiny, monkeypatch):
    opened = []
    open_image = PIL.Image.open
    monkeypatch.setattr(
        PIL.Image, "open", lambda *args, **kwargs: opened.append(1) or open_image(*args, **kwargs)
    )
    loaded = load("mnist", data_dir=tiny.folder("mnist"), split="train")
    assert len(opened) == 0
    list(loaded["label"])
    assert len(opened) == 0
    loaded[0]
    assert len(opened) == 1


@pytest.mark.release
@pytest.mark.parametrize("num_proc", [2, 3])
def test_processes_share_a_split_and_keep_its_order(load, folder, num_proc):
    loaded = load(data_dir=folder, split="train", num_proc=num_proc)
    assert list(loaded["label"]) == LABELS.tolist()
    assert_rows(loaded.select(range(0, 1000, 7)), IMAGES[::7], LABELS[::7])
    assert len(loaded.cache_files) == num_proc


@pytest.mark.release
def test_more_processes_than_rows_will_do(load, tmp_path):
    folder = write_split(tmp_path / "archives", "train", IMAGES[:2], LABELS[:2])
    assert_rows(load(data_dir=folder, split="train", num_proc=4), IMAGES[:2], LABELS[:2])


@pytest.mark.release
def test_the_progress_bar_knows_its_total(load, folder, capfd):
    load(data_dir=folder)
    assert "1000/1000" in capfd.readouterr().err


def test_the_only_list_of_a_split_is_its_row_ranges(tiny, folder):
    (generator,) = tiny.module.MnistFamily(data_dir=str(folder))._split_generators(
        datasets.DownloadManager()
    )
    assert [name for name, value in generator.gen_kwargs.items() if isinstance(value, list)] == [
        "ranges"
    ]
    ranges = generator.gen_kwargs["ranges"]
    assert [start for start, _ in ranges] == [0] + [stop for _, stop in ranges[:-1]]
    assert ranges[-1][1] == 1000
    assert generator.split_info.num_examples == 1000


def generated(tiny, folder, ranges=None):
    builder = tiny.module.MnistFamily(data_dir=str(folder))
    (generator,) = builder._split_generators(datasets.DownloadManager())
    return builder._generate_examples(
        generator.gen_kwargs["split"], ranges or generator.gen_kwargs["ranges"]
    )


def bytes_read():
    with open("/proc/self/io") as counters:
        return int(counters.readline().split()[1])


counts_bytes = pytest.mark.skipif(
    not os.path.exists("/proc/self/io"), reason="only Linux counts the bytes read"
)


@counts_bytes
def test_a_process_reads_its_archive_once(tiny, large):
    examples = generated(tiny, large)
    next(examples)
    before = bytes_read()
    assert sum(1 for _ in examples) == 2999
    size = sum(path.stat().st_size for path in large.iterdir())
    assert bytes_read() - before < 1.1 * size


@counts_bytes
def test_a_stream_reads_its_archive_once(load, large):
    stream = load(data_dir=large, split="train", streaming=True).cast_column(
        "image", datasets.Image(decode=False)
    )
    next(iter(stream))  # what `datasets` reads the first time
    before = bytes_read()
    assert sum(1 for _ in stream) == 3000
    size = sum(path.stat().st_size for path in large.iterdir())
    assert bytes_read() - before < 1.5 * size


@counts_bytes
@pytest.mark.parametrize("large", ["raw"], indirect=True)
def test_a_raw_archive_is_sought_not_read_through(tiny, large):
    examples = generated(tiny, large, [(2990, 3000)])
    before = bytes_read()
    assert [key for key, _ in examples] == list(range(2990, 3000))
    assert bytes_read() - before < 784 * 3000 / 10


def test_ranges_may_come_in_any_order(tiny, folder):
    ranges = [(900, 1000), (0, 3), (200, 300)]
    examples = list(generated(tiny, folder, ranges))
    rows = [row for start, stop in ranges for row in range(start, stop)]
    assert [key for key, _ in examples] == rows
    assert [example["label"] for _, example in examples] == LABELS[rows].tolist()
    pixels = [np.asarray(PIL.Image.open(io.BytesIO(example["image"]))) for _, example in examples]
    np.testing.assert_array_equal(pixels, IMAGES[rows])


@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 1000), (0, 1), (333, 667), (999, 1000), (1000, 1000)]
)
@pytest.mark.parametrize("rows_per_chunk", [1, 300, 2000])
def test_chunks_are_the_rows_asked_for(tiny, folder, start, stop, rows_per_chunk):
    split = tiny.module.verified_splits("mnist", folder)["train"]
    chunks = list(tiny.module.read_chunks(split, start, stop, rows_per_chunk=rows_per_chunk))
    assert all(len(chunk.images) == len(chunk.labels) <= rows_per_chunk for chunk in chunks)
    assert all((chunk.images.dtype, chunk.labels.dtype) == (np.uint8, np.int64) for chunk in chunks)
    images = np.concatenate([np.empty((0, 28, 28), np.uint8), *(chunk.images for chunk in chunks)])
    labels = np.concatenate([np.empty(0, np.int64), *(chunk.labels for chunk in chunks)])
    np.testing.assert_array_equal(images, IMAGES[start:stop])
    np.testing.assert_array_equal(labels, LABELS[start:stop])


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, 1001)])
def test_rows_that_are_not_there_are_refused(tiny, folder, start, stop):
    split = tiny.module.verified_splits("mnist", folder)["train"]
    with pytest.raises(
        ValueError,
        match=rf"rows of train: {start} to {stop:,}, expected a range within 0 and 1,000; ",
    ):
        list(tiny.module.read_chunks(split, start, stop))


def test_memory_does_not_grow_with_the_rows(tiny, tmp_path):
    folder = write_split(
        tmp_path / "archives", "train", np.tile(IMAGES, (15, 1, 1)), np.tile(LABELS, 15)
    )
    tracemalloc.start()
    assert sum(1 for _ in generated(tiny, folder)) == 15_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 << 20  # of 12 MB of pixels


@pytest.mark.release
def test_streaming_gives_the_same_rows(load, folder):
    streamed = load(data_dir=folder, streaming=True)
    assert isinstance(streamed["train"], datasets.IterableDataset)
    row = next(iter(streamed["train"]))
    assert isinstance(row["image"], PIL.Image.Image)
    assert_rows(streamed["train"], IMAGES, LABELS)


@pytest.mark.release
def test_a_shuffled_stream_has_every_row_once(load, folder):
    labels = [
        row["label"] for row in load(data_dir=folder, split="train", streaming=True).shuffle(seed=1)
    ]
    assert labels != LABELS.tolist()
    assert sorted(labels) == sorted(LABELS.tolist())


@pytest.mark.parametrize("rows", [50, 1000, 1100])
def test_archives_replaced_after_they_were_verified_give_no_row(load, folder, rows):
    stream = load(data_dir=folder, split="train", streaming=True)
    suffix = ".gz" if (folder / "train-images-idx3-ubyte.gz").exists() else ""
    write_split(
        folder, "train", pictures(rows, 6), numbers(rows, 6), gz if suffix else bytes, suffix=suffix
    )
    with pytest.raises(
        ValueError,
        match="train-images-idx3-ubyte.*: changed, it or its labels, expected the files that",
    ):
        next(iter(stream))
    assert_rows(
        load(data_dir=folder, split="train", streaming=True), pictures(rows, 6), numbers(rows, 6)
    )


@pytest.mark.release
def test_archives_replaced_during_a_build_leave_nothing(tiny, folder, cache):
    builder = tiny.module.MnistFamily(str(cache), data_dir=str(folder))
    split_generators = builder._split_generators

    def replace_afterwards(dl_manager):
        generators = split_generators(dl_manager)
        write_split(
            folder,
            "train",
            pictures(50, 6),
            numbers(50, 6),
            bytes,
            suffix=next(folder.iterdir()).suffix,
        )
        return generators

    builder._split_generators = replace_afterwards
    with pytest.raises(datasets.exceptions.DatasetGenerationError) as failure:
        builder.download_and_prepare()
    assert "changed, it or its labels" in str(failure.value.__cause__)
    assert not list(cache.rglob("*.arrow"))


@pytest.mark.release
@pytest.mark.parametrize("num_proc", [None, 2])
def test_a_full_disk_is_told_by_its_own_error(tiny, folder, cache, num_proc):
    code = f"""
import resource, sys, tiny_family
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))  # bytes of a file
try:
    tiny_family.load(data_dir={str(folder)!r}, cache_dir={str(cache)!r}, num_proc={num_proc})
except Exception as error:
    print(type(error).__name__, error)
"""
    result = run(["-c", code])
    assert len(result.stdout.splitlines()) == 1
    assert "File too large" in result.stdout
    assert result.stdout.startswith(
        "OSError" if num_proc is None else "DatasetGenerationError OSError"
    )
    assert not list(cache.rglob("*.arrow"))

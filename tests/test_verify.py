"""No byte becomes a row before it is checked: a fault is one line that names the file."""

import gzip
import shutil
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from conftest import NAMES, assert_rows, gz, idx_bytes, numbers, pictures, write_split

IMAGES, LABELS = pictures(20, 3), numbers(20, 3)
WHOLE = {
    "train-images-idx3-ubyte.gz": gz(idx_bytes(IMAGES)),
    "train-labels-idx1-ubyte.gz": gz(idx_bytes(LABELS)),
    "t10k-images-idx3-ubyte.gz": gz(idx_bytes(IMAGES[:8])),
    "t10k-labels-idx1-ubyte.gz": gz(idx_bytes(LABELS[:8])),
}
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = WHOLE
HTML = b"<!DOCTYPE html>\n<title>503 Service Unavailable</title>\n"
raw_images, raw_labels = idx_bytes(IMAGES), idx_bytes(LABELS)


def header(*sizes, code=0x08, order=">"):
    return struct.pack(f"{order}I{len(sizes)}I", code << 8 | len(sizes), *sizes)


def changed(labels, row, value):
    labels = labels.copy()
    labels[row] = value
    return labels


# name: (the files that are broken, the file that is blamed, the words that say how)
FAULTS = {
    "truncated gz": (
        {TRAIN_IMAGES: WHOLE[TRAIN_IMAGES][:-900]},
        TRAIN_IMAGES,
        "broken, Compressed file ended",
    ),
    "gz cut in its trailer": (
        {TRAIN_IMAGES: WHOLE[TRAIN_IMAGES][:-3]},
        TRAIN_IMAGES,
        "broken, Compressed file ended",
    ),
    "gz of labels cut": (
        {TRAIN_LABELS: WHOLE[TRAIN_LABELS][:-9]},
        TRAIN_LABELS,
        "broken, Compressed file ended",
    ),
    "wrong CRC": (
        {TRAIN_IMAGES: WHOLE[TRAIN_IMAGES][:-8] + b"\1\2\3\4" + WHOLE[TRAIN_IMAGES][-4:]},
        TRAIN_IMAGES,
        "CRC",
    ),
    "a byte flipped in the gz": (
        {TRAIN_IMAGES: WHOLE[TRAIN_IMAGES][:4000] + b"\xff\xff\xff" + WHOLE[TRAIN_IMAGES][4003:]},
        TRAIN_IMAGES,
        "broken",
    ),
    "garbage after the gz": (
        {TRAIN_IMAGES: WHOLE[TRAIN_IMAGES] + b"garbage"},
        TRAIN_IMAGES,
        "broken, Not a gzipped",
    ),
    "HTML": ({TRAIN_IMAGES: HTML}, TRAIN_IMAGES, "an HTML page, expected IDX"),
    "HTML in gz": ({TEST_LABELS: gz(HTML)}, TEST_LABELS, "an HTML page, expected IDX"),
    "text": (
        {TRAIN_LABELS: b"version https://git-lfs"},
        TRAIN_LABELS,
        "starts with 76 65 72 73, expected IDX",
    ),
    "gzip in gzip": ({TRAIN_IMAGES: gz(WHOLE[TRAIN_IMAGES])}, TRAIN_IMAGES, "gzip inside gzip"),
    "empty file": ({TRAIN_IMAGES: b""}, TRAIN_IMAGES, "empty, expected IDX"),
    "empty gz": ({TRAIN_LABELS: gz(b"")}, TRAIN_LABELS, "empty, expected IDX"),
    "cut in its header": (
        {TRAIN_IMAGES: raw_images[:11]},
        TRAIN_IMAGES,
        "7 bytes of sizes, expected 12",
    ),
    "cut in its magic": (
        {TRAIN_IMAGES: raw_images[:3]},
        TRAIN_IMAGES,
        "starts with 00 00 08, expected IDX",
    ),
    "images and labels swapped": (
        {TRAIN_IMAGES: WHOLE[TRAIN_LABELS], TRAIN_LABELS: WHOLE[TRAIN_IMAGES]},
        TRAIN_IMAGES,
        "uint8 20, expected images as uint8 rows × 28 × 28; images and labels look swapped",
    ),
    "labels of another split": (
        {TRAIN_LABELS: WHOLE[TEST_LABELS]},
        TRAIN_IMAGES,
        "20 images, expected 8, as many as .*train-labels-idx1-ubyte.gz has labels",
    ),
    "fewer images": (
        {TRAIN_IMAGES: gz(idx_bytes(IMAGES[:19]))},
        TRAIN_IMAGES,
        "19 images, expected 20",
    ),
    "fewer labels": (
        {TRAIN_LABELS: gz(idx_bytes(LABELS[:19]))},
        TRAIN_IMAGES,
        "20 images, expected 19",
    ),
    "short payload": (
        {TRAIN_IMAGES: gz(raw_images[:-1])},
        TRAIN_IMAGES,
        "15,679 bytes after the header, expected 15,680",
    ),
    "short raw payload": (
        {TRAIN_IMAGES: raw_images[:-100]},
        TRAIN_IMAGES,
        "at most 15,596 bytes after the header, expected 15,680 as it promises",
    ),
    "short payload of labels": (
        {TRAIN_LABELS: raw_labels[:-1]},
        TRAIN_LABELS,
        "19 bytes after the header, expected 20",
    ),
    "trailing byte": (
        {TRAIN_IMAGES: gz(raw_images + b"\0")},
        TRAIN_IMAGES,
        "bytes left over, expected 15,680",
    ),
    "trailing raw byte": (
        {TRAIN_LABELS: raw_labels + b"\0"},
        TRAIN_LABELS,
        "bytes left over, expected 20",
    ),
    "32 × 32": (
        {TRAIN_IMAGES: gz(idx_bytes(np.zeros((20, 32, 32), np.uint8)))},
        TRAIN_IMAGES,
        "uint8 20 × 32 × 32, expected images as uint8 rows × 28 × 28",
    ),
    "one image without its dimension": (
        {TRAIN_IMAGES: idx_bytes(IMAGES[0])},
        TRAIN_IMAGES,
        "uint8 28 × 28, expected",
    ),
    "4-D images": (
        {TRAIN_IMAGES: idx_bytes(IMAGES[..., None])},
        TRAIN_IMAGES,
        "uint8 20 × 28 × 28 × 1, expected",
    ),
    "3-D labels": (
        {TRAIN_LABELS: idx_bytes(LABELS.reshape(20, 1, 1))},
        TRAIN_LABELS,
        "uint8 20 × 1 × 1, expected labels as uint8 rows; labels of other shapes",
    ),
    "a scalar": ({TRAIN_LABELS: header() + b"\5"}, TRAIN_LABELS, "uint8 scalar, expected labels"),
    "float images": (
        {TRAIN_IMAGES: idx_bytes(IMAGES.astype(">f4"), 0x0D)},
        TRAIN_IMAGES,
        "float32 20 × 28 × 28, exp",
    ),
    "int32 labels": (
        {TRAIN_LABELS: idx_bytes(LABELS.astype(">i4"), 0x0C)},
        TRAIN_LABELS,
        "int32 20, expected labels",
    ),
    "unknown type": (
        {TRAIN_IMAGES: header(20, 28, 28, code=0x0A)},
        TRAIN_IMAGES,
        "starts with 00 00 0a 03, expected",
    ),
    "little-endian": (
        {TRAIN_IMAGES: header(20, 28, 28, order="<") + IMAGES.tobytes()},
        TRAIN_IMAGES,
        "a little-endian header, expected IDX",
    ),
    "a byte before the zeros": (
        {TRAIN_IMAGES: b"\1" + raw_images[1:]},
        TRAIN_IMAGES,
        "starts with 01 00 08 03",
    ),
    "no rows": (
        {TRAIN_IMAGES: header(0, 28, 28), TRAIN_LABELS: header(0)},
        TRAIN_IMAGES,
        "no rows, expected at least one",
    ),
    "label 11": (
        {TRAIN_LABELS: gz(idx_bytes(changed(LABELS, 7, 11)))},
        TRAIN_LABELS,
        "label 11 in row 7, expected 0 to 9; name every class in labels.txt",
    ),
    "count of Datumaro": (
        {TRAIN_IMAGES: gz(header(20 * 784, 28, 28) + IMAGES.tobytes())},
        TRAIN_IMAGES,
        "15,680 images, the count × 784 that Datumaro writes by mistake, expected 20, as many as "
        ".* has labels; repair the folder with the command convert",
    ),
    "4 billion images": (
        {TRAIN_IMAGES: header(2**32 - 1, 28, 28)},
        TRAIN_IMAGES,
        "4,294,967,295 images, expected 20, as many as .* has labels; put files that belong "
        "together there",
    ),
    "4 billion large images": (
        {TRAIN_IMAGES: header(2**32 - 1, 65535, 65535)},
        TRAIN_IMAGES,
        "uint8 4294967295 × 65535",
    ),
    "4 billion rows": (
        {TRAIN_IMAGES: gz(header(2**32 - 1, 28, 28)), TRAIN_LABELS: gz(header(2**32 - 1))},
        TRAIN_IMAGES,
        "at most .* bytes after the header, expected 3,367,254,359,280 as it promises",
    ),
    "the last split": ({TEST_LABELS: HTML}, TEST_LABELS, "an HTML page"),
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "archives"
    folder.mkdir()
    for name, content in WHOLE.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_archive_is_refused_and_the_mended_folder_loads(load, folder, cache, fault):
    files, blamed, words = FAULTS[fault]
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for num_proc in (None, 2):
        with pytest.raises(ValueError, match=words) as refusal:
            load(data_dir=folder, num_proc=num_proc)
        assert refusal.type is ValueError
        assert str(refusal.value).startswith(f"{folder / blamed}: ")
        assert len(str(refusal.value).splitlines()) == 1
    left = [
        path
        for path in cache.rglob("*")
        if path.suffix in (".arrow", ".incomplete") or "incomplete" in path.name
    ]
    assert left == []

    for name in files:
        (folder / name).write_bytes(WHOLE[name])
    assert_rows(load(data_dir=folder)["train"], IMAGES, LABELS)


@pytest.mark.parametrize("fault", ["truncated gz", "label 11", "trailing byte", "the last split"])
def test_streaming_over_a_folder_refuses_before_the_first_row(load, folder, fault):
    files, _, words = FAULTS[fault]
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        load(data_dir=folder, split="train", streaming=True)


def test_a_gzip_bomb_costs_no_memory(load, folder):
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    bomb = (
        deflate.compress(raw_images)
        + b"".join(deflate.compress(zeros) for _ in range(300))
        + deflate.flush()
    )
    (folder / TRAIN_IMAGES).write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(ValueError, match="bytes left over"):
        load(data_dir=folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 << 20


@pytest.fixture
def inflated(monkeypatch):
    """The sizes of what is asked of every .gz that is read."""
    sizes = []
    read = gzip.GzipFile.read

    def read_and_note(file, size=-1):
        sizes.append(size)
        return read(file, size)

    monkeypatch.setattr(gzip.GzipFile, "read", read_and_note)
    return sizes


def test_a_header_that_promises_too_much_is_refused_unread(tiny, tmp_path, inflated):
    zeros = gz(bytes(1 << 24))  # a member of the .gz that goes on and on
    (tmp_path / TRAIN_IMAGES).write_bytes(gz(header(2**32 - 1, 28, 28)) + 20 * zeros)
    (tmp_path / TRAIN_LABELS).write_bytes(gz(header(2**32 - 1)) + 20 * zeros)
    with pytest.raises(
        ValueError, match="at most .* bytes after the header, expected 3,367,254,359,280"
    ):
        tiny.module.verified_splits("mnist", tmp_path)
    assert sum(inflated) < 100


def test_255_is_unlabelled_where_it_is_no_class(load, folder):
    labels = changed(LABELS, 3, 255)
    (folder / TRAIN_LABELS).write_bytes(idx_bytes(labels))
    loaded = load(data_dir=folder, split="train")
    assert list(loaded["label"]) == [-1 if label == 255 else label for label in labels.tolist()]


def test_255_is_unlabelled_among_255(load, folder):
    (folder / TRAIN_LABELS).write_bytes(idx_bytes(changed(changed(LABELS, 3, 255), 4, 254)))
    (folder / "labels.txt").write_text("\n".join(f"class {number}" for number in range(255)))
    assert load(data_dir=folder, split="train")[3:5]["label"] == [-1, 254]


def test_a_wrong_label_is_named_by_its_row_however_far_down(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny.module, "CHUNK_BYTES", 16)
    labels = changed(np.zeros(200, np.uint8), 150, 10)
    write_split(tmp_path, "train", np.zeros((200, 28, 28), np.uint8), labels)
    with pytest.raises(ValueError, match="label 10 in row 150, expected 0 to 9"):
        tiny.module.verified_splits("mnist", tmp_path)


def test_the_most_compressible_archive_loads(load, tmp_path):
    folder = write_split(
        tmp_path / "archives",
        "train",
        np.zeros((20_000, 28, 28), np.uint8),
        np.zeros(20_000, np.uint8),
    )
    size = (folder / "train-images-idx3-ubyte.gz").stat().st_size
    assert 784 * 20_000 / size > 1000
    assert next(iter(load(data_dir=folder, split="train", streaming=True)))["label"] == 0


def test_255_is_a_class_among_256(load, folder):
    (folder / TRAIN_LABELS).write_bytes(idx_bytes(changed(LABELS, 3, 255)))
    (folder / "labels.txt").write_text("\n".join(f"class {number}" for number in range(256)))
    assert load(data_dir=folder, split="train")[3]["label"] == 255


def test_classes_of_the_folder_bound_the_labels(load, folder):
    (folder / "labels.txt").write_text("a\nb\nc\nd\n")
    with pytest.raises(
        ValueError, match="label [4-9] in row .*, expected 0 to 3; name every class in labels.txt"
    ):
        load(data_dir=folder)


def test_too_few_classes_are_refused_for_official_archives_too(load, tiny, tmp_path):
    folder = shutil.copytree(tiny.folder("mnist"), tmp_path / "mnist")
    (folder / "labels.txt").write_text("a\nb\nc\nd\n")
    with pytest.raises(ValueError, match="label [4-9] in row .*, expected 0 to 3"):
        load(data_dir=folder)


@pytest.mark.parametrize("form", ["as published", "raw", "compressed anew"])
@pytest.mark.parametrize(
    ("name", "other", "words"),
    [
        (
            "fashion",
            "mnist",
            "are MNIST's train images, expected Fashion-MNIST's train images; .* load 'mnist'",
        ),
        (
            "mnist",
            "kmnist",
            "are Kuzushiji-MNIST's train images, expected MNIST's train images; .* load 'kmnist'",
        ),
    ],
)
def test_archives_of_another_member_are_refused(load, tiny, tmp_path, form, name, other, words):
    folder = repacked(tiny.folder(other), tmp_path / "archives", form)
    with pytest.raises(ValueError, match=words):
        load(name, data_dir=folder)


def repacked(source, folder, form):
    """A copy of a folder of archives: byte for byte, decompressed, or compressed otherwise."""
    folder.mkdir()
    for path in source.iterdir():
        content = path.read_bytes()
        if form == "raw":
            content = gzip.decompress(content)
        elif form == "compressed anew":
            content = gzip.compress(gzip.decompress(content), compresslevel=1, mtime=1)
        (folder / path.name).write_bytes(content)
    return folder


@pytest.mark.parametrize("form", ["as published", "raw", "compressed anew"])
def test_labels_of_another_member_are_refused(load, tiny, tmp_path, form):
    folder = repacked(tiny.folder("mnist"), tmp_path / "archives", "as published")
    other = repacked(tiny.folder("fashion"), tmp_path / "other", form)
    shutil.copy(other / TEST_LABELS, folder / TEST_LABELS)
    with pytest.raises(
        ValueError, match="are Fashion-MNIST's test labels, expected MNIST's test labels"
    ):
        load("mnist", data_dir=folder)


def test_one_split_named_as_another_is_refused(load, tiny, tmp_path):
    folder = write_split(tmp_path / "archives", "train", *tiny.arrays["mnist"]["test"])
    with pytest.raises(
        ValueError,
        match="are MNIST's test images, expected MNIST's train images; put the right file there$",
    ):
        load("mnist", data_dir=folder)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["as published", "raw", "compressed anew"])
def test_official_archives_carry_their_publishers_terms(load, tiny, tmp_path, name, form):
    loaded = load(
        name, data_dir=repacked(tiny.folder(name), tmp_path / "archives", form), split="test"
    )
    config = next(config for config in tiny.module.CONFIGS if config.name == name)
    for field in ("description", "citation", "homepage", "license"):
        assert getattr(loaded.info, field) == getattr(config, field) != ""


def test_ones_own_archives_carry_nobodys_terms(load, tiny, tmp_path):
    folder = repacked(tiny.folder("fashion"), tmp_path / "archives", "as published")
    write_split(folder, "val", IMAGES, LABELS)
    for split in ("train", "val"):
        info = load("fashion", data_dir=folder, split=split).info
        assert (info.description, info.citation, info.homepage, info.license) == ("", "", "", "")


def test_official_images_with_ones_own_labels_load_as_ones_own(load, tiny, tmp_path):
    images, labels = tiny.arrays["mnist"]["train"]
    folder = write_split(tmp_path / "archives", "train", images, changed(labels, 0, 255))
    loaded = load("mnist", data_dir=folder, split="train")
    assert loaded[0]["label"] == -1
    assert loaded.info.license == ""


def test_ones_own_images_with_official_labels_load_as_ones_own(load, tiny, tmp_path):
    images, labels = tiny.arrays["mnist"]["train"]
    folder = write_split(tmp_path / "archives", "train", 255 - images, labels)
    assert load("mnist", data_dir=folder, split="train").info.license == ""


def test_official_archives_under_a_split_name_of_ones_own_load(load, tiny, tmp_path):
    folder = write_split(tmp_path / "archives", "val", *tiny.arrays["fashion"]["test"])
    assert load("fashion", data_dir=folder, split="val").info.license == "mit"


def test_a_flipped_bit_in_an_official_archive_is_noticed(load, tiny, tmp_path):
    folder = repacked(tiny.folder("mnist"), tmp_path / "archives", "as published")
    content = bytearray((folder / TRAIN_IMAGES).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / TRAIN_IMAGES).write_bytes(content)
    with pytest.raises(ValueError, match="broken"):
        load("mnist", data_dir=folder)


def test_a_published_sha256_spares_the_decompression_of_images(tiny, inflated):
    splits = tiny.module.verified_splits("mnist", tiny.folder("mnist"))
    assert all(split.official for split in splits.values())
    assert sum(inflated) < 784


def test_inspect_reads_headers_and_tells_whose_archives_these_are(tiny, inflated):
    folder = tiny.folder("fashion")
    train, test = tiny.module.locate(folder).splits
    split, published = tiny.module.inspect(train)
    assert (split.name, split.rows, split.header_images, split.num_classes) == ("train", 40, 40, 10)
    assert (published.config.name, published.split) == ("fashion", "train")
    assert sum(inflated) < 784
    assert (
        tiny.module.inspect(test)[1].archive
        == tiny.module.find_config("fashion").archives["test"].labels
    )


def test_inspect_knows_no_archives_of_ones_own(tiny, folder):
    split, published = tiny.module.inspect(tiny.module.locate(folder).splits[0])
    assert published is None
    assert (split.rows, split.num_classes, split.official) == (20, 10, False)


def test_inspect_knows_official_images_by_their_file_too(tiny, tmp_path):
    images, labels = tiny.arrays["kmnist"]["test"]
    write_split(tmp_path, "val", images, changed(labels, 0, 255))
    _, published = tiny.module.inspect(tiny.module.locate(tmp_path).splits[0])
    assert (published.config.name, published.split, published.archive.file) == (
        "kmnist",
        "test",
        TEST_IMAGES,
    )


def test_inspect_takes_the_count_of_datumaro_and_the_rows_are_right(tiny, folder):
    (folder / TRAIN_IMAGES).write_bytes(gz(header(20 * 784, 28, 28) + IMAGES.tobytes()))
    split, _ = tiny.module.inspect(tiny.module.locate(folder).splits[0])
    assert (split.rows, split.header_images) == (20, 20 * 784)
    assert_chunks(tiny.module.read_chunks(split, rows_per_chunk=7), IMAGES, LABELS)


@pytest.mark.parametrize("images", [IMAGES[:19], np.concatenate([IMAGES, IMAGES])])
def test_inspect_refuses_other_counts(tiny, folder, images):
    (folder / TRAIN_IMAGES).write_bytes(gz(idx_bytes(images)))
    with pytest.raises(
        ValueError, match=f"{len(images)} images, expected 20, as many as .* has labels; put files"
    ):
        tiny.module.inspect(tiny.module.locate(folder).splits[0])


def assert_chunks(chunks, images, labels):
    got_images, got_labels = (np.concatenate(arrays) for arrays in zip(*chunks, strict=True))
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


UNVERIFIED = [
    "truncated gz",
    "gz cut in its trailer",
    "wrong CRC",
    "garbage after the gz",
    "short payload",
    "short payload of labels",
    "trailing byte",
    "trailing raw byte",
    "label 11",
]


@pytest.mark.parametrize("fault", UNVERIFIED)
def test_chunks_of_files_that_were_only_inspected_are_checked_as_they_are_read(tiny, folder, fault):
    files, blamed, words = FAULTS[fault]
    for name, content in files.items():
        (folder / name).write_bytes(content)
    rows = []

    def read():
        split, _ = tiny.module.inspect(tiny.module.locate(folder).splits[0])
        for chunk in tiny.module.read_chunks(split, rows_per_chunk=5):
            rows.extend(chunk.labels)

    with pytest.raises(ValueError, match=words) as refusal:
        read()
    assert len(rows) < 20, "the last rows are out before the end was checked"
    assert str(refusal.value).startswith(f"{folder / blamed}: ")


def test_the_facts_of_the_script_are_whole():
    import mnist_family

    digests = []
    for config in mnist_family.CONFIGS:
        assert list(config.archives) == ["train", "test"]
        assert [a.file for pair in config.archives.values() for a in pair] == list(WHOLE)
        for archive in (archive for pair in config.archives.values() for archive in pair):
            assert len(archive.sha256) == 64
            assert len(archive.md5) == 32
            digests += [archive.sha256, archive.md5]
        assert config.mirrors
        assert not any("lecun" in mirror for mirror in config.mirrors)
        assert all(mirror.endswith("/") for mirror in config.mirrors)
    assert len(set(digests)) == 2 * 12
    assert [config.name for config in mnist_family.CONFIGS] == list(NAMES)

"""Which files make up which split, and what a folder says of its classes."""

import json
import os

import pytest
from conftest import assert_rows, gz, idx_bytes, numbers, pictures, write_split

import mnist_family

IMAGES, LABELS = pictures(9, 1), numbers(9, 1)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"pack": bytes, "suffix": ""},
        {"pattern": "{}-{}.idx{}-ubyte"},
        {"pack": bytes, "pattern": "{}-{}.idx{}-ubyte", "suffix": ""},
        {"pack": bytes, "suffix": ".gz"},
        {"suffix": ""},
        {"pack": lambda content: gz(content[:50]) + gz(content[50:])},
    ],
    ids=[
        "gz",
        "raw",
        "dotted gz",
        "dotted raw",
        "raw under .gz",
        "gz under a raw name",
        "gz of two members",
    ],
)
def test_archives_load_in_every_form_they_come_in(load, tmp_path, form):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS, **form)
    assert_rows(load(data_dir=folder)["train"], IMAGES, LABELS)


def test_only_the_splits_that_are_there_load(load, tmp_path):
    folder = write_split(tmp_path / "archives", "t10k", IMAGES, LABELS)
    assert list(load(data_dir=folder)) == ["test"]


def test_any_split_loads_and_train_comes_first(load, tmp_path):
    folder = tmp_path / "archives"
    for name in ("t10k", "my-val", "extra", "train"):
        write_split(folder, name, IMAGES, LABELS)
    loaded = load(data_dir=folder)
    assert list(loaded) == ["train", "extra", "my_val", "test"]
    assert_rows(loaded["my_val"], IMAGES, LABELS)


@pytest.mark.parametrize(("pack", "suffix"), [(gz, ".gz"), (bytes, "")])
def test_an_archive_has_the_split_of_its_publisher(tiny, tmp_path, monkeypatch, pack, suffix):
    """Whatever the name of the file, packed or unpacked."""
    archives = tiny.module.find_config("kmnist").archives
    odd = [each._replace(file=f"balanced-{each.file}") for each in archives["test"]]
    monkeypatch.setitem(archives, "test", tiny.module.ArchivePair(*odd))
    write_split(tmp_path, "balanced-t10k", IMAGES, LABELS, pack, suffix=suffix)
    assert [split.name for split in tiny.module.locate(tmp_path).splits] == ["test"]


def test_other_files_and_folders_named_as_archives_do_no_harm(load, tmp_path):
    folder = write_split(
        tmp_path / "archives", "train", IMAGES, LABELS, bytes, "{}-{}.idx{}-ubyte", ""
    )
    (folder / "train-images-idx3-ubyte").mkdir()  # as in Kaggle's copy
    (folder / "._train-images-idx3-ubyte.gz").write_bytes(b"a Mac wrote this")
    (folder / "train-images-idx3-ubyte.gz.incomplete").write_bytes(b"")
    (folder / "README.md").write_text("---\nconfigs: 3\n")
    assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["train-images-idx3-ubyte.gz"],
            r"train-images-idx3-ubyte.gz for the split 'train', expected one file of",
        ),
        (
            ["train-labels-idx1-ubyte.gz"],
            r"train-labels-idx1-ubyte.gz for the split 'train', expected one file of",
        ),
        (
            ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "test-images.idx3-ubyte"],
            r"t10k-images-idx3-ubyte.gz, test-images.idx3-ubyte, t10k-labels-idx1-ubyte.gz "
            "for the split 'test', expected one file of images and one of labels; add the missing",
        ),
        (
            ["all-images-idx3-ubyte", "all-labels-idx1-ubyte"],
            "would be the split 'all', expected .* not 'all'",
        ),
        (
            ["a b-images-idx3-ubyte", "a b-labels-idx1-ubyte"],
            "would be the split 'a b', expected letters",
        ),
        (["x.csv"], r"holds x.csv, expected IDX archives such as train-images-idx3-ubyte.gz"),
        ([], "holds nothing, expected IDX archives"),
    ],
)
def test_a_folder_that_is_not_a_dataset_is_refused(load, tmp_path, names, words):
    folder = tmp_path / "archives"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(gz(idx_bytes(IMAGES if "idx3" in name else LABELS)))
    with pytest.raises(ValueError, match=words):
        load(data_dir=folder)


def test_a_folder_two_levels_above_is_refused_with_its_content(load, tiny, tmp_path):
    (tmp_path / "data").symlink_to(tiny.folder())
    with pytest.raises(ValueError, match=f"{tmp_path}: holds data/, expected IDX archives"):
        load(data_dir=tmp_path)


@pytest.mark.parametrize(
    "file", ["train/ring/0.png", "ring/0.JPG", "train.csv", "a.csv.gz", "train-0.parquet", "a.npz"]
)
def test_data_of_another_format_are_refused_with_a_way_to_convert_them(tmp_path, file):
    folder = tmp_path / "my scans"
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_bytes(b"")
    with pytest.raises(ValueError, match=".") as refusal:
        mnist_family.locate(folder)
    first = os.listdir(folder)[0]
    holds = f"{first}/" if (folder / first).is_dir() else first
    assert str(refusal.value) == (
        f"{folder}: holds {holds}, expected IDX archives such as train-images-idx3-ubyte.gz with "
        f"train-labels-idx1-ubyte.gz; run `mnist-family init NAME --from '{folder}'`, "
        "and give the folder NAME as data_dir"
    )
    with pytest.raises(ValueError, match=".") as refusal:
        mnist_family.locate(folder / file)
    assert str(refusal.value) == (
        f"data_dir '{folder / file}': no such folder, expected one that holds IDX archives; "
        f"run `mnist-family init NAME --from '{folder / file}'`, "
        "and give the folder NAME as data_dir"
    )


def test_other_files_are_refused_without_a_word_on_formats(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"")
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "missing.csv"):
        with pytest.raises(ValueError, match="(their folder as data_dir|correct the path)$"):
            mnist_family.locate(path)


@pytest.mark.parametrize(
    ("data_dir", "words"),
    [
        (
            "https://example.com/mnist",
            "data_dir https://example.com/mnist: a URL, expected a folder",
        ),
        ("/no/such/folder", "data_dir '/no/such/folder': no such folder"),
        (__file__, "no such folder, expected one that holds IDX archives"),
        ("", "data_dir '': no such folder"),
    ],
)
def test_a_data_dir_that_is_no_folder_is_refused(load, data_dir, words):
    with pytest.raises(ValueError, match=words):
        load(data_dir=data_dir)


@pytest.mark.parametrize("classes", [1, 4, 5, 10, 26, 255, 256])
@pytest.mark.parametrize("file", ["labels.txt", "dataset_meta.json"])
def test_a_folder_names_its_own_classes(load, tmp_path, file, classes):
    names = [f"class {number} é" for number in range(classes)]
    content = (
        "\ufeff" + "\r\n".join(names) + "\n\n"
        if file == "labels.txt"
        else json.dumps({"labels": names})
    )
    labels = numbers(600, 2, classes)
    folder = write_split(tmp_path / "archives", "train", pictures(600, 2), labels)
    (folder / file).write_text(content, encoding="utf-8")
    loaded = load(data_dir=folder, split="train")
    assert loaded.features["label"].names == names
    assert list(loaded["label"]) == labels.tolist()


def test_dataset_meta_wins_over_labels_txt(load, tmp_path):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS % 2)
    (folder / "labels.txt").write_text("wrong\n")
    (folder / "dataset_meta.json").write_text('{"labels": ["even", "odd"]}')
    assert load(data_dir=folder, split="train").features["label"].names == ["even", "odd"]


ONE_TO_256 = "expected from 1 to 256; correct the class names"
TEXT = "expected printable text of 1 to 200 characters; correct the class names"
FORM = (
    'UTF-8 lines in labels.txt or {"labels": ["…"]} in dataset_meta.json; '
    "correct or remove the file"
)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("labels.txt", b"", f"0 class names, {ONE_TO_256}"),
        ("labels.txt", b"\n \r\n", f"0 class names, {ONE_TO_256}"),
        ("labels.txt", "\n".join(map(str, range(257))).encode(), f"257 class names, {ONE_TO_256}"),
        (
            "labels.txt",
            b"a\nb\na\n",
            "class names 'a' and 'a', expected different names; correct the class names",
        ),
        (
            "labels.txt",
            "caf\u00e9\ncafe\u0301".encode(),
            r"class names 'caf\xe9' and 'cafe\u0301', expected different names; "
            "correct the class names",
        ),
        (
            "labels.txt",
            b"\xff\xfe\n",
            "unreadable class names (UnicodeDecodeError: "
            "'utf-8' codec can't decode byte 0xff in position "
            f"0: invalid start byte), expected {FORM}",
        ),
        ("labels.txt", b"a\n" + b"x" * 201, f"class name '{'x' * 79} has 201 characters, {TEXT}"),
        (
            "labels.txt",
            b"\x1b[31mred",
            rf"class name '\x1b[31mred' contains the character U+001B, {TEXT}",
        ),
        ("labels.txt", b"a\0b", rf"class name 'a\x00b' contains the character U+0000, {TEXT}"),
        (
            "labels.txt",
            "a\u202eb".encode(),
            rf"class name 'a\u202eb' contains the character U+202E, {TEXT}",
        ),
        (
            "labels.txt",
            "a\u2028b".encode(),
            rf"class name 'a\u2028b' contains the character U+2028, {TEXT}",
        ),
        (
            "dataset_meta.json",
            b"{",
            "unreadable class names (JSONDecodeError: "
            "Expecting property name enclosed in double quotes: "
            f"line 1 column 2 (char 1)), expected {FORM}",
        ),
        (
            "dataset_meta.json",
            b'{"names": ["a"]}',
            f"unreadable class names (KeyError: 'labels'), expected {FORM}",
        ),
        (
            "dataset_meta.json",
            b'["a"]',
            "unreadable class names (TypeError: "
            "list indices must be integers or slices, not str), "
            f"expected {FORM}",
        ),
        (
            "dataset_meta.json",
            b'{"labels": "ab"}',
            "class names 'ab', expected a list of strings; correct the class names",
        ),
        ("dataset_meta.json", b'{"labels": []}', f"0 class names, {ONE_TO_256}"),
        ("dataset_meta.json", b'{"labels": ["a", 1]}', f"class name 1 is of type int, {TEXT}"),
        (
            "dataset_meta.json",
            b'{"labels": ["a", ""]}',
            f"class name '' is empty, {TEXT}",
        ),
        (
            "dataset_meta.json",
            b'{"labels": ["a\\nb"]}',
            rf"class name 'a\nb' contains the character U+000A, {TEXT}",
        ),
        (
            "dataset_meta.json",
            b'{"labels": ["a\\rb"]}',
            rf"class name 'a\rb' contains the character U+000D, {TEXT}",
        ),
        (
            "dataset_meta.json",
            b'{"labels": ["\\ud800"]}',
            rf"class name '\ud800' contains the character U+D800, {TEXT}",
        ),
    ],
)
def test_class_names_that_cannot_be_are_refused(tiny, tmp_path, file, content, words):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=".") as refusal:
        tiny.module.locate(folder)
    assert str(refusal.value) == f"{folder / file}: {words}"


def test_class_names_that_nest_too_deep_are_refused(tiny, tmp_path):
    (tmp_path / "dataset_meta.json").write_bytes(b"[" * 100_000)
    with pytest.raises(
        ValueError,
        match=r"dataset_meta.json: unreadable class names \(RecursionError: .*\), expected UTF-8",
    ):
        tiny.module.read_class_names(tmp_path / "dataset_meta.json")


@pytest.mark.parametrize(
    "name",
    [
        "<!-- contents -->",
        "{{ title }}",
        "a | b",
        "---",
        "日本　語",
        "می\u200cخواهم",
        "👩\u200d🚀",
        "x" * 200,
    ],
)
def test_class_names_of_any_printable_text_load(load, tmp_path, name):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS % 2)
    (folder / "labels.txt").write_text(f"{name}\nother\n", encoding="utf-8")
    assert load(data_dir=folder, split="train").features["label"].names == [name, "other"]


def test_class_names_say_where_they_came_from(tiny, tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\n")
    names = tiny.module.read_class_names(tmp_path / "labels.txt")
    assert names == tiny.module.ClassNames(("a", "b"), "labels.txt")
    assert (
        tiny.module.check_class_names(["a"], "here", source="--class-names").source
        == "--class-names"
    )


def test_a_file_of_class_names_is_not_read_beyond_a_megabyte(tiny, tmp_path):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    with open(folder / "labels.txt", "wb") as file:
        file.truncate(100 << 30)
    with pytest.raises(
        ValueError,
        match="labels.txt: 107,374,182,400 bytes, expected class names, at most 1,048,576",
    ):
        tiny.module.locate(folder)


def test_a_file_that_is_missing_is_no_broken_link(tiny, tmp_path):
    with pytest.raises(FileNotFoundError):
        tiny.module.read_class_names(tmp_path / "labels.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has pipes with names")
@pytest.mark.parametrize(
    "name", ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "labels.txt"]
)
@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)], ids=["pipe", "device"]
)
def test_what_could_be_read_for_ever_is_not_opened(tiny, tmp_path, name, make):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    words = f"{name}: a pipe, socket or device, expected a regular file; put the file itself there"
    with pytest.raises(ValueError, match=words):
        tiny.module.locate(folder)
    if name != "labels.txt":
        with pytest.raises(ValueError, match=words):
            tiny.module.read_idx(folder / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has pipes with names")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)], ids=["pipe", "device"]
)
def test_nothing_endless_is_compared_with_the_archive_beside_it(tiny, tmp_path, packed, make):
    """One of the two files that may hold the same, packed and unpacked."""
    pack, suffix, other = (bytes, "", ".gz") if packed else (gz, ".gz", "")
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS, pack, suffix=suffix)
    make(folder / f"train-images-idx3-ubyte{other}")
    words = f"ubyte{other}: a pipe, socket or device, expected a regular file; put the file itself"
    with pytest.raises(ValueError, match=words):
        tiny.module.locate(folder)


def test_an_error_about_a_hostile_file_name_is_one_printable_line(tiny, tmp_path):
    folder = tmp_path / "a\x1b[2Jb\u202ec"
    folder.mkdir()
    (folder / "x\ny.csv").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"a\\x1b\[2Jb\\u202ec: holds x\\ny.csv, expected IDX archives such as"
    ) as refusal:
        tiny.module.locate(folder)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "labels.txt"]
)
def test_a_link_to_nothing_is_refused(load, tmp_path, name):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "not fetched")
    with pytest.raises(
        ValueError, match=f"{name}: a broken link, expected a file; restore the file it points to"
    ):
        load(data_dir=folder)


def test_links_to_archives_load(load, tiny, tmp_path):
    for path in tiny.folder("mnist").iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert_rows(load("mnist", data_dir=tmp_path, split="test"), *tiny.arrays["mnist"]["test"])


def test_archives_that_lie_there_packed_and_unpacked_load(load, tmp_path):
    """As torchvision leaves them."""
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    write_split(folder, "train", IMAGES, LABELS, bytes, suffix="")
    assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)


@pytest.mark.parametrize(
    "packed", [gz(idx_bytes(LABELS[::-1])), gz(idx_bytes(LABELS[:-1])), b"", b"gz"]
)
def test_other_archives_beside_the_unpacked_ones_are_refused(tiny, tmp_path, packed):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS, bytes, suffix="")
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(packed)
    words = (
        "train-labels-idx1-ubyte, train-labels-idx1-ubyte.gz for the split 'train', "
        "expected one file of images and one of labels; add the missing file or move the extra"
    )
    with pytest.raises(ValueError, match=words):
        tiny.module.locate(folder)


@pytest.mark.parametrize("name", ["a::b", "a#b", "a%20b", "a b", "ä-お", "a?b*[c]", "file:"])
def test_a_folder_may_have_any_name(load, tmp_path, name):
    folder = write_split(tmp_path / name, "train", IMAGES, LABELS)
    for _ in range(2):  # `datasets` replaces functions of the module once a builder has been made
        assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)
    (folder / "train-images-idx3-ubyte.gz").rename(folder / "val-images-idx3-ubyte.gz")
    (folder / "train-labels-idx1-ubyte.gz").rename(folder / "val-labels-idx1-ubyte.gz")
    assert list(load(data_dir=folder)) == ["val"]

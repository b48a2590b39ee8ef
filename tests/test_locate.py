"""Which files make up which split, and what a folder says of its classes."""

import json

import pytest
from conftest import assert_rows, gz, idx_bytes, numbers, pictures, write_split

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
    ids=["gz", "raw", "dotted gz", "dotted raw", "raw under .gz", "gz under a raw name", "gz of two members"],
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


def test_other_files_and_folders_named_as_archives_do_no_harm(load, tmp_path):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS, bytes, "{}-{}.idx{}-ubyte", "")
    (folder / "train-images-idx3-ubyte").mkdir()  # as in Kaggle's copy
    (folder / "._train-images-idx3-ubyte.gz").write_bytes(b"a Mac wrote this")
    (folder / "train-images-idx3-ubyte.gz.incomplete").write_bytes(b"")
    (folder / "README.md").write_text("---\nconfigs: 3\n")
    assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["train-images-idx3-ubyte.gz"], r"train-images-idx3-ubyte.gz for the split 'train', expected one file of"),
        (["train-labels-idx1-ubyte.gz"], r"train-labels-idx1-ubyte.gz for the split 'train', expected one file of"),
        (
            ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "test-images.idx3-ubyte"],
            r"t10k-images-idx3-ubyte.gz, test-images.idx3-ubyte, t10k-labels-idx1-ubyte.gz for the split 'test'",
        ),
        (["all-images-idx3-ubyte", "all-labels-idx1-ubyte"], "would be the split 'all', expected .* not 'all'"),
        (["a b-images-idx3-ubyte", "a b-labels-idx1-ubyte"], "would be the split 'a b', expected letters"),
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


def test_the_folder_above_is_refused_with_its_content(load, tiny):
    with pytest.raises(ValueError, match="holds .*fashion/"):
        load(data_dir=tiny.folder())


@pytest.mark.parametrize(
    ("data_dir", "words"),
    [
        ("https://example.com/mnist", "data_dir https://example.com/mnist: a URL, expected a folder"),
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
    content = "\ufeff" + "\r\n".join(names) + "\n\n" if file == "labels.txt" else json.dumps({"labels": names})
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


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("labels.txt", b"", "labels.txt: class names .., expected from 1 to 256"),
        ("labels.txt", b"a\nb\na\n", "labels.txt: class names .'a', 'b', 'a'., expected from 1 to 256 different texts"),
        ("labels.txt", b"\xff\xfe\n", "labels.txt: no class names .UnicodeDecodeError"),
        ("labels.txt", "\n".join(map(str, range(257))).encode(), "labels.txt: class names .'0', '1', '2', '3'"),
        ("dataset_meta.json", b"{", "dataset_meta.json: no class names .JSONDecodeError"),
        ("dataset_meta.json", b'{"names": ["a"]}', "dataset_meta.json: no class names .KeyError: 'labels'"),
        ("dataset_meta.json", b"[" * 100_000, "dataset_meta.json: no class names .RecursionError"),
        (
            "dataset_meta.json",
            b'{"labels": ["a\\nb", "a\\nb"]}',
            r"dataset_meta.json: class names .'a\\nb', 'a\\nb'., exp",
        ),
        ("dataset_meta.json", b'["a"]', "dataset_meta.json: no class names .TypeError"),
        ("dataset_meta.json", b'{"labels": "ab"}', "dataset_meta.json: class names 'ab', expected"),
        ("dataset_meta.json", b'{"labels": ["a", 1]}', "dataset_meta.json: class names .'a', 1., expected"),
        ("dataset_meta.json", b'{"labels": ["a", ""]}', "dataset_meta.json: class names .'a', ''., expected"),
    ],
)
def test_class_names_that_cannot_be_are_refused(load, tmp_path, file, content, words):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=words) as refusal:
        load(data_dir=folder)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "labels.txt"])
def test_a_link_to_nothing_is_refused(load, tmp_path, name):
    folder = write_split(tmp_path / "archives", "train", IMAGES, LABELS)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "not fetched")
    with pytest.raises(ValueError, match=f"{name}: a link to nothing, expected a file; fetch what it links to"):
        load(data_dir=folder)


def test_links_to_archives_load(load, tiny, tmp_path):
    for path in tiny.folder("mnist").iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert_rows(load("mnist", data_dir=tmp_path, split="test"), *tiny.arrays["mnist"]["test"])


@pytest.mark.parametrize("name", ["a::b", "a#b", "a%20b", "a b", "ä-お", "a?b*[c]", "file:"])
def test_a_folder_may_have_any_name(load, tmp_path, name):
    folder = write_split(tmp_path / name, "train", IMAGES, LABELS)
    for _ in range(2):  # `datasets` replaces functions of the module once a builder has been made
        assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)
    (folder / "train-images-idx3-ubyte.gz").rename(folder / "val-images-idx3-ubyte.gz")
    (folder / "train-labels-idx1-ubyte.gz").rename(folder / "val-labels-idx1-ubyte.gz")
    assert list(load(data_dir=folder)) == ["val"]

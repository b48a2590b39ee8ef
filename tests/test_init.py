"""`init`: from any source to a folder with archives, class names and facts, losing nothing."""

import os
import re
import shlex
import sys

import numpy as np
import pytest
import yaml
from conftest import ROOT, numbers, pictures, write_split
from PIL import Image
from sources import read_source

import mnist_family
import mnist_tools
from mnist_tools.cards import facts
from mnist_tools.cards.facts_file import load_schema
from mnist_tools.cards.open_questions import open_questions
from mnist_tools.cards.skeleton import published_skeleton, skeleton
from mnist_tools.cli import main
from mnist_tools.commands.init import init, run
from mnist_tools.formats.split_names import usual_names
from mnist_tools.hold_out import HoldOut, assign_rows

ARCHIVES = [
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
]


@pytest.fixture
def letters_csv(tmp_path):
    """A headless CSV file of 60 rows in 12 classes."""
    images, labels = pictures(60, 1), np.arange(60) % 12
    path = tmp_path / "letters.csv"
    np.savetxt(path, np.c_[labels, images.reshape(60, -1)], fmt="%d", delimiter=",")
    return path, images, labels


def refused(*args, **options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - callers compare the whole line
        init(*args, **options)
    return str(caught.value)


# --- From a source --------------------------------------------------------------------------------


def test_a_csv_becomes_a_folder_that_loads(tmp_path, letters_csv, cache):
    path, images, labels = letters_csv
    started = init(tmp_path / "letters", path)
    assert sorted(os.listdir(tmp_path / "letters")) == sorted(
        [*ARCHIVES[2:], "facts.schema.json", "facts.yaml", "labels.txt"]
    )
    assert started.archives.splits == {"train": 60}
    assert "letters.csv holds one split, which is called train" in started.source.notes
    rows = mnist_family.load(data_dir=str(tmp_path / "letters"), split="train")
    assert rows.features["label"].names == [str(label) for label in range(12)]
    np.testing.assert_array_equal(np.stack([np.asarray(each) for each in rows["image"]]), images)
    assert rows["label"] == labels.tolist()


@pytest.mark.parametrize("source", ["imagefolder", "npz", "idx"])
def test_other_formats_keep_their_rows_and_class_names(tmp_path, source):
    images, labels = pictures(30, 2), np.sort(numbers(30, 2, classes=3))
    path = tmp_path / "source"
    path.mkdir()
    if source == "idx":
        write_split(path, "train", images, labels)
        (path / "labels.txt").write_text("a\nb\nc\n")
    elif source == "npz":
        path = path / "data.npz"
        np.savez(path, x_train=images, y_train=labels, class_names=np.array(["a", "b", "c"]))
    else:
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            (path / "abc"[label]).mkdir(exist_ok=True)
            Image.fromarray(image).save(path / "abc"[label] / f"{row:03}.png")
    init(tmp_path / "letters", path, class_names=None)
    splits, names = read_source(tmp_path / "letters")
    assert names == (tuple("abc") if source != "npz" else names)
    np.testing.assert_array_equal(splits["train"][0], images)
    np.testing.assert_array_equal(splits["train"][1], labels)


def test_class_names_may_come_from_a_file(tmp_path, letters_csv):
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{name}\n" for name in "abcdefghijkl"))
    os.rename(names, tmp_path / "labels.txt")
    started = init(tmp_path / "out", letters_csv[0], class_names=tmp_path / "labels.txt")
    assert started.archives.class_names == tuple("abcdefghijkl")
    (tmp_path / "labels.txt").write_text("a\nb\n")
    assert refused(tmp_path / "other", letters_csv[0]) == (
        "train: label 2 in row 2, expected -1 to 1; name 3 classes or more with --class-names"
    )
    missing = tmp_path / "missing.txt"
    assert refused(tmp_path / "other", letters_csv[0], class_names=missing) == (
        f"{missing}: no such file, expected labels.txt or dataset_meta.json; correct --class-names"
    )
    assert not (tmp_path / "other").exists()


def test_names_that_labels_txt_cannot_keep_are_in_the_json_file(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=pictures(4, 0), y_train=np.arange(4) % 2)
    (tmp_path / "dataset_meta.json").write_text('{"labels": ["a ", "b"]}')
    init(tmp_path / "out", tmp_path / "a.npz", class_names=tmp_path / "dataset_meta.json")
    assert mnist_family.locate(tmp_path / "out").class_names.names == ("a ", "b")
    assert not (tmp_path / "out" / "labels.txt").exists()


@pytest.mark.parametrize("label", [-2, 256, 70_000])
def test_labels_that_no_class_can_have_are_refused(tmp_path, label):
    row = np.full((1, 785), label)
    row[:, 1:] = 0
    np.savetxt(tmp_path / "a.csv", row, fmt="%d", delimiter=",")
    assert refused(tmp_path / "out", tmp_path / "a.csv") == (
        f"train: label {label} in row 0, expected -1 to 255; correct the label"
    )


def test_a_split_without_rows_is_refused(tmp_path):
    np.savez(
        tmp_path / "a.npz", x_train=np.zeros((0, 28, 28), np.uint8), y_train=np.zeros(0, np.int64)
    )
    assert refused(tmp_path / "out", tmp_path / "a.npz") == (
        "train: no rows, expected at least one; leave the split out"
    )


def test_splits_named_after_the_dataset_are_told(tmp_path):
    for split in ("letters_train", "letters_test"):
        row = np.r_[1, pictures(1, 1).ravel()]
        np.savetxt(tmp_path / f"{split}.csv", row[None], fmt="%d", delimiter=",")
    assert init(tmp_path / "out", tmp_path).source.notes[2:] == (
        "letters_test: read as the split test",
        "letters_train: read as the split train",
    )


def test_splits_are_called_by_their_usual_names():
    assert usual_names(["letters"]) == {"letters": "train"}
    assert usual_names(["test"]) == {"test": "test"}
    assert usual_names(["a_train", "a_Test"]) == {"a_train": "train", "a_Test": "test"}
    for others in (["a_train", "b_test"], ["a_train", "a_training"], ["a", "b"]):
        assert usual_names(others) == {name: name for name in others}


# --- Nothing is replaced --------------------------------------------------------------------------


def test_files_that_are_there_are_never_replaced(tmp_path, letters_csv):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(b"mine")
    assert refused(folder, letters_csv[0]) == (
        f"{folder}: holds train-labels-idx1-ubyte.gz, expected none of these files yet; "
        "move them elsewhere, or choose another folder"
    )
    assert os.listdir(folder) == ["train-labels-idx1-ubyte.gz"]
    assert sorted(os.listdir(tmp_path)) == ["letters", "letters.csv"]


@pytest.mark.parametrize(
    "name",
    [
        "t10k-labels-idx1-ubyte.gz",
        "train-images-idx3-ubyte",
        "train-00000-of-00002-images-idx3-ubyte",
    ],
)
def test_archives_that_are_there_do_not_become_splits(tmp_path, letters_csv, name):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / name).write_bytes(b"mine")
    assert refused(folder, letters_csv[0]) == (
        f"{folder}: holds {name}, expected none of these files yet; "
        "move them elsewhere, or choose another folder"
    )
    assert os.listdir(folder) == [name]


def test_all_files_in_the_way_are_named_at_once(tmp_path, letters_csv):
    folder = tmp_path / "letters"
    init(folder, letters_csv[0])
    (folder / "val-labels-idx1-ubyte").write_bytes(b"mine")
    assert refused(folder, letters_csv[0]) == (
        f"{folder}: holds labels.txt, train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
        "val-labels-idx1-ubyte, expected none of these files yet; "
        "move them elsewhere, or choose another folder"
    )


def test_files_that_are_there_are_noticed_before_any_row_is_read(tmp_path, letters_csv):
    path = letters_csv[0]
    path.write_text(path.read_text() + "300" + ",0" * 784 + "\n")
    (tmp_path / "labels.txt").write_text("".join(f"{number}\n" for number in range(12)))
    assert refused(tmp_path, path).startswith(f"{tmp_path}: holds labels.txt, expected none ")


def test_facts_that_are_there_stay_and_the_user_is_told_what_they_lack(
    tmp_path, letters_csv, capsys
):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "facts.yaml").write_text("title: Mine\n")
    run(folder, str(letters_csv[0]), None, False, False, [("test", 0.2)], 0)
    assert (folder / "facts.yaml").read_text() == "title: Mine\n"
    assert (folder / "t10k-images-idx3-ubyte.gz").exists()
    printed = capsys.readouterr().out
    assert f"{folder / 'facts.yaml'}: there already, and not changed\n" in printed
    assert "add to its collection: 12 of the 60 rows of train, 20 % of each class," in printed


def test_a_failure_leaves_the_folder_as_it_was(tmp_path, letters_csv):
    path = letters_csv[0]
    path.write_text(path.read_text() + "300" + ",0" * 784 + "\n")
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    assert "label 300 in row 60" in refused(folder, path)
    assert os.listdir(folder) == ["notes.txt"]
    assert sorted(os.listdir(tmp_path)) == ["letters", "letters.csv"]


def test_a_file_is_no_folder(tmp_path, letters_csv):
    assert refused(letters_csv[0], letters_csv[0]) == (
        f"{letters_csv[0]}: not a folder, expected a folder, new or not; choose another name"
    )


# --- Hold out and invert --------------------------------------------------------------------------


def test_every_class_gives_its_share_and_no_row_is_lost(tmp_path, letters_csv):
    path, images, _ = letters_csv
    hold_out = [HoldOut("test", 0.2), HoldOut("validation", 0.4)]
    init(tmp_path / "a", path, hold_out=hold_out)
    init(tmp_path / "b", path, hold_out=hold_out)
    init(tmp_path / "c", path, hold_out=hold_out, seed=1)
    (a, _), (b, _), (c, _) = (read_source(tmp_path / name) for name in "abc")
    for split, each in {"train": 2, "validation": 2, "test": 1}.items():
        assert np.bincount(a[split][1]).tolist() == [each] * 12
        np.testing.assert_array_equal(a[split][0], b[split][0])
    assert any((a[split][0] != c[split][0]).any() for split in a)
    everything = {image.tobytes() for split in a.values() for image in split[0]}
    assert everything == {image.tobytes() for image in images}
    order = [images.reshape(60, -1).tolist().index(each.ravel().tolist()) for each in a["train"][0]]
    assert order == sorted(order)


def test_what_was_done_is_in_the_facts(tmp_path, letters_csv):
    init(tmp_path / "a", letters_csv[0], hold_out=[HoldOut("test", 0.2)], invert=True, seed=5)
    collection = facts.read_facts(tmp_path / "a" / "facts.yaml").about("collection")
    assert [each.text for each in collection] == [
        "The images were inverted, so that 0 is background.",
        "12 of the 60 rows of train, 20 % of each class, were drawn at random for test "
        "(NumPy's RandomState, seed 5).",
    ]
    np.testing.assert_array_equal(
        255
        - np.sort(np.concatenate([s[0] for s in read_source(tmp_path / "a")[0].values()]).ravel()),
        np.sort(letters_csv[1].ravel())[::-1],
    )


def test_the_rows_of_a_seed_never_change():
    labels = np.array([0, 1, -1] * 6)
    places = assign_rows(labels, [HoldOut("test", 0.5)], 0)
    assert np.flatnonzero(places == 0).tolist() == EXPECTED_ROWS
    assert [(places[labels == label] == 0).sum() for label in (-1, 0, 1)] == [3, 3, 3]


EXPECTED_ROWS = [3, 4, 5, 8, 9, 10, 12, 16, 17]  # of numpy.random.RandomState(0)


@pytest.mark.parametrize(
    ("hold_out", "message"),
    [
        (
            [("train", 0.2)],
            "--hold-out train=0.2: a second split train, expected a new name; "
            "choose another name, or leave it out",
        ),
        (
            [("test", 0.2), ("t10k", 0.2)],
            "--hold-out t10k=0.2: a second split t10k, expected a new name; "
            "choose another name, or leave it out",
        ),
        (
            [("val", 0.2), ("Val", 0.2)],
            "--hold-out Val=0.2: a second split Val, expected a new name; "
            "choose another name, or leave it out",
        ),
        (
            [("training", 0.2)],
            "--hold-out training=0.2: a second split training, expected a new name; "
            "choose another name, or leave it out",
        ),
        (
            [("valid", 0.2), ("mnist_validation", 0.2)],
            "--hold-out mnist_validation=0.2: a second split mnist_validation, expected a new "
            "name; choose another name, or leave it out",
        ),
        (
            [("test", 1.0)],
            "--hold-out test=1: 1 of the rows, expected shares above 0 that add up to less than 1; "
            "correct them",
        ),
        (
            [("test", 0.5), ("other", 0.5)],
            "--hold-out test=0.5 other=0.5: 1 of the rows, expected shares above 0 that add up to "
            "less than 1; correct them",
        ),
        (
            [("test", 0.5), ("other", -0.1)],
            "--hold-out test=0.5 other=-0.1: 0.4 of the rows, expected shares above 0 that add up "
            "to less than 1; correct them",
        ),
        (
            [("test", float("nan"))],
            "--hold-out test=nan: nan of the rows, expected shares above 0 that add up to less "
            "than 1; correct them",
        ),
        (
            [("test", 0.01)],
            "--hold-out test=0.01: none of 60 rows for test, expected at least one; "
            "choose another share",
        ),
        (
            [("test", 0.99)],
            "--hold-out test=0.99: none of 60 rows for the rest, expected at least one; "
            "choose another share",
        ),
        (
            [("all", 0.5)],
            "--hold-out all=0.5: the split 'all', expected letters, digits and _, and not 'all', "
            "which means every split; rename it",
        ),
    ],
)
def test_hold_outs_that_cannot_be_made_are_refused(tmp_path, letters_csv, hold_out, message):
    assert (
        refused(tmp_path / "out", letters_csv[0], hold_out=[HoldOut(*each) for each in hold_out])
        == message
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_cannot_be_used_is_refused(tmp_path, letters_csv, seed):
    hold_out = [HoldOut("test", 0.5)]
    assert refused(tmp_path / "out", letters_csv[0], hold_out=hold_out, seed=seed) == (
        f"--seed {seed}: out of range, expected 0 to 4294967295; choose another"
    )


def test_only_train_gives_rows(tmp_path):
    np.savez(tmp_path / "a.npz", x_test=pictures(4, 0), y_test=np.arange(4))
    assert refused(tmp_path / "out", tmp_path / "a.npz", hold_out=[HoldOut("b", 0.5)]) == (
        "--hold-out: the split test, expected the split train; leave --hold-out out"
    )


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("bright", [False, True])
def test_the_wrong_background_is_noticed(tmp_path, invert, bright):
    images = np.full((3, 28, 28), 250 if bright else 5, np.uint8)
    images[:, 5:20, 5:20] = 128
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.arange(3))
    notes = init(tmp_path / "out", tmp_path / "a.npz", invert=invert).archives.notes
    if bright != invert:
        text = "the border of 3 of 3 images is bright, so they seem to be dark on white"
        if invert:
            text = (
                "only the border of 0 of 3 images is bright, so --invert may have made the others "
                "dark on white; leave it out if it has"
            )
        assert text in notes[0]
    else:
        assert notes == ()


@pytest.fixture
def bright_npz(tmp_path):
    images = 255 - np.pad(pictures(9, 0)[:, :14, :14], ((0, 0), (7, 7), (7, 7)))
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.arange(9) % 3)
    return tmp_path / "a.npz"


def test_the_command_under_the_warning_works_as_it_is(tmp_path, capsys, monkeypatch, bright_npz):
    monkeypatch.chdir(tmp_path)
    names = tmp_path / "labels.txt"
    names.write_text("a\nb\nc\n")
    options = ["--class-names", str(names), "--hold-out", "test=0.34", "--seed", "3"]
    command = ["mnist-family", "init", "my letters", "--from", "a.npz", "--resize", *options]
    advised = []
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main(None, command[1:])
        assert not ended.value.code
        lines = capsys.readouterr().out.splitlines()
        advised += [shlex.split(line) for line in lines if line.startswith("    mnist-family init")]
        command = advised[0]
    options = ["--class-names", str(names), "--resize", *options[2:], "--invert"]
    assert advised == [["mnist-family", "init", "my letters-inverted", "--from", "a.npz", *options]]
    dark, bright = (read_source(folder)[0] for folder in ("my letters-inverted", "my letters"))
    for split in ("train", "test"):
        np.testing.assert_array_equal(dark[split][0], 255 - bright[split][0])


def test_what_was_done_to_the_images_is_printed_once(tmp_path, capsys):
    images = np.zeros((2, 56, 56, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.arange(2))
    run(tmp_path / "b", str(tmp_path / "a.npz"), None, True, False, None, 0)
    assert [line for line in capsys.readouterr().out.splitlines() if "scaled" in line] == [
        "Images were scaled from 56 × 56 to 28 × 28 pixels (Lanczos), and colours converted to "
        "grey (luminance)."
    ]
    facts_of_b = facts.read_facts(tmp_path / "b" / "facts.yaml")
    assert [each.text for each in facts_of_b.about("collection")] == [
        "Images were scaled from 56 × 56 to 28 × 28 pixels (Lanczos), and colours converted to "
        "grey (luminance)."
    ]


def test_inverting_what_was_dark_advises_not_to(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", x_train=np.zeros((2, 28, 28), np.uint8), y_train=np.arange(2))
    run(tmp_path / "b", "a.npz", None, False, True, None, 0)
    printed = capsys.readouterr().out
    assert f"\n    mnist-family init {tmp_path / 'b-not-inverted'} --from a.npz\n" in printed


# --- Only facts.yaml ------------------------------------------------------------------------------


def test_without_a_source_only_missing_facts_are_written(tmp_path, capsys):
    write_split(tmp_path, "train", pictures(5, 0), numbers(5, 0))
    (tmp_path / "labels.txt").write_text("".join(f"{each}\n" for each in "abcdefghij"))
    before = sorted(os.listdir(tmp_path))
    assert init(tmp_path).written == ("facts.schema.json", "facts.yaml")
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "facts.schema.json", "facts.yaml"])
    text = (tmp_path / "facts.yaml").read_text()
    assert "# The data: 10 classes: a, b, c, d, e, f, g, h, i, j; 5 train rows.\n" in text
    assert init(tmp_path).written == ()
    (tmp_path / "facts.yaml").unlink()
    assert init(tmp_path).written == ("facts.yaml",)


def test_what_cannot_be_started_is_refused(tmp_path):
    folder = tmp_path / "nowhere"
    assert refused(folder) == (
        f"{folder}: no such folder, expected a folder of archives, or --from; "
        "name the data with --from"
    )
    assert refused(tmp_path, resize=True) == (
        "--resize: given without --from, expected both; name a source, or leave it out"
    )


def test_the_last_lines_say_what_to_do_next(tmp_path, capsys, monkeypatch, letters_csv):
    monkeypatch.setattr(sys, "argv", ["mnist-family"])
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my letters"
    run(folder, str(letters_csv[0]), None, False, False, None, 0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        f"Next, edit {folder / 'facts.yaml'}, then run:",
        "",
        f"    mnist-family build out 'my-letters={folder}'",
    ]
    assert "train: 60 rows" in lines
    assert f"{folder}: written, with 2 archives, facts.schema.json, facts.yaml, labels.txt" in lines
    monkeypatch.setattr(sys, "argv", ["scripts/init.py"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    run(folder, None, None, False, False, None, 0)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"    .venv/bin/python scripts/build.py out 'my-letters={folder}'"


def test_one_row_is_not_called_rows(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", x_train=pictures(1, 0), y_train=[0])
    run(tmp_path / "out", str(tmp_path / "a.npz"), None, False, False, None, 0)
    assert "train: 1 row\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "word"), [("letters", ""), ("mnist", "my-mnist="), ("カ", "mine="), ("all", "my-all=")]
)
def test_the_build_command_gives_a_name_if_the_folder_has_none_that_will_do(
    tmp_path, capsys, name, word
):
    folder = tmp_path / name
    folder.mkdir()
    run(folder, None, None, False, False, None, 0)
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .endswith(f"build out {shlex.quote(f'{word}{folder}')}")
    )


# --- The skeleton ---------------------------------------------------------------------------------


def test_only_title_and_licence_are_not_commented_out():
    text = skeleton("Letters: a test", data="10 classes")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["title: 'Letters: a test'", "licence: unknown"]
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./facts.schema.json"
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("title", ["no", "1.0", "a: b", "# x", "カ", "'", "a\nb", "{{ x }}"])
def test_any_name_is_a_title(tmp_path, title):
    (tmp_path / "facts.yaml").write_text(skeleton(title), encoding="utf-8")
    assert facts.read_facts(tmp_path / "facts.yaml").title == title


@pytest.mark.parametrize("published", [False, True])
def test_every_commented_example_is_valid(tmp_path, published):
    """Answer all questions with their examples: nothing is open, and nothing is refused."""
    text = published_skeleton("letters", "x") if published else skeleton("letters")
    keys = re.findall(r"^#? ?([a-z_]+):(?= |$)", text, re.MULTILINE)
    body = text[text.index("\n\n") :]
    answered = "\n".join(
        line if line.startswith("# ") and "?" in line else re.sub("^# ", "", line)
        for line in body.splitlines()
        if not line.startswith("# ---")
    )
    (tmp_path / "facts.yaml").write_text(answered, encoding="utf-8")
    read = facts.read_facts(tmp_path / "facts.yaml")
    left_out = {"license"} | ({"title", "licence", "homepage", "version"} if published else set())
    assert {*keys} == {*load_schema("facts")["properties"]} - left_out
    assert {*yaml.safe_load(answered)} == {*keys}
    open_keys = {"licence", "version"} if published else {"licence"}
    assert {*open_questions(read).keys} == open_keys


def test_a_config_of_a_clone_gets_the_published_form(tmp_path, monkeypatch):
    cards = tmp_path / "clone" / "cards"
    (cards / "fashion").mkdir(parents=True)
    (cards / "letters").mkdir()
    monkeypatch.setattr("mnist_tools.commands.init.CARDS", cards)
    assert init(cards / "fashion").written == ("facts.yaml",)
    text = (cards / "fashion" / "facts.yaml").read_text()
    assert not [line for line in text.splitlines() if line and not line.startswith("#")]
    assert "#   - claim: " in text
    assert refused(cards / "letters") == (
        f"{cards / 'letters'}: no such config, expected one of mnist, fashion, kmnist; "
        "add a row to CONFIGS first"
    )
    assert refused(cards / "mnist", tmp_path) == (
        f"{cards / 'mnist'}: a folder of cards/, expected a folder outside cards/, which has no "
        "archives; choose another folder"
    )


def test_the_schema_is_found_from_a_clones_cards():
    from mnist_tools.cards.skeleton import schema_path_from

    folder = ROOT / "cards" / "mnist"
    assert (folder / schema_path_from(folder)).resolve().is_file()


# --- From Python ----------------------------------------------------------------------------------


def test_from_files_to_a_card_in_python(tmp_path, letters_csv):
    """The lines of the package's docstring, with the facts filled in between."""
    folder = tmp_path / "letters"
    mnist_tools.init(str(folder), letters_csv[0], hold_out=[HoldOut("test", 0.2)])
    text = (folder / "facts.yaml").read_text(encoding="utf-8")
    (folder / "facts.yaml").write_text(
        text.replace("title: letters", "title: My Letters").replace(": unknown", ": CC0-1.0"),
        encoding="utf-8",
    )
    card = mnist_tools.render_card(f"{folder}/")
    assert "\nlicense: cc0-1.0\n" in card
    assert "pretty_name: My Letters\n" in card
    assert "20 % of each class, were drawn at random for test" in card
    assert "\npretty_name: MNIST\n" in mnist_tools.render_card("mnist")

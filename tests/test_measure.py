"""Measurements are what the bytes determine: checked against plain NumPy, on archives made here."""

import dataclasses
import gzip
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from conftest import ROOT, gz, idx_bytes, numbers, pictures, write_split

import mnist_family
from mnist_tools.cards import facts, measurements
from mnist_tools.cards.measurements import (
    Duplicates,
    committed,
    find_duplicates,
    measure_splits,
    read_measurements,
    write_measurements,
)
from mnist_tools.commands import measure as command
from mnist_tools.commands.measure import measure
from mnist_tools.shards.digests import ROW_DIGEST, EqualCount, EqualCounts

ARRAYS = {
    "train": (pictures(60, 1), numbers(60, 1)),
    "test": (pictures(20, 2), numbers(20, 2)),
}
ARRAYS["train"][0][[3, 7, 30]] = ARRAYS["train"][0][5]  # copies within train
ARRAYS["train"][0][41] = ARRAYS["train"][0][40]  # that no other split has
ARRAYS["test"][0][4] = ARRAYS["train"][0][5]  # and across splits
ARRAYS["test"][0][6] = ARRAYS["train"][0][9]
ARRAYS["test"][0][9] = 0  # no ink at all
ARRAYS["test"][0][11, 0, 3] = 7  # a bounding box that is taller than wide


@pytest.fixture
def archives(tmp_path):
    for split, arrays in ARRAYS.items():
        write_split(tmp_path / "archives", split, *arrays)
    return tmp_path / "archives"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.json"


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """A copy of the cards, for commands that would write to the clone's."""
    copy = tmp_path / "clone" / "cards"
    shutil.copytree(ROOT / "cards", copy)
    monkeypatch.setattr(facts, "CARDS", copy)
    monkeypatch.setattr(measurements, "CARDS", copy)
    return copy


def refusal(*arguments, **options):
    """The line that a call of measure is refused with."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (callers compare the whole message)
        measure(*arguments, **options)
    return str(caught.value)


# --- Figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test"])
def test_figures_are_those_of_numpy(archives, out, split):
    images, labels = ARRAYS[split]
    figures = measure("mnist", archives=archives, out=out).measurements.splits[split]
    assert figures.rows == len(images)
    assert figures.shape == (28, 28)
    assert figures.class_counts == tuple((labels == label).sum() for label in range(10))
    assert figures.unlabelled == 0
    assert figures.first_labels == tuple(labels[:10])
    assert (figures.min, figures.max) == (images.min(), images.max())
    assert figures.mean == round((images / 255).mean(), 5)
    assert figures.standard_deviation == round((images / 255).std(), 5)
    assert figures.zero_percent == round(100 * (images == 0).mean(), 2)
    assert figures.constant_pixels == (np.ptp(images, axis=0) == 0).sum()
    sides = [max(np.ptp(each, axis=0)) + 1 if len(each) else 0 for each in map(np.argwhere, images)]
    assert {each.pixels: each.rows for each in figures.longer_side} == {
        side: sides.count(side) for side in {*sides}
    }


def test_figures_do_not_depend_on_the_chunks_that_are_read(archives, monkeypatch):
    splits = mnist_family.verified_splits("mnist", archives)
    whole = measure_splits("mnist", splits)
    read_chunks = mnist_family.read_chunks
    monkeypatch.setattr(
        mnist_family, "read_chunks", lambda split: read_chunks(split, rows_per_chunk=7)
    )
    assert measure_splits("mnist", splits) == whole


def test_archives_are_described_as_they_lie_on_disk(archives, out):
    """Those of the tests' encoder have no date; a .gz may have one, and a raw file has none."""
    images = archives / "train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(gzip.decompress(images.read_bytes()), mtime=848_275_200))
    labels = archives / "train-labels-idx1-ubyte.gz"
    raw = labels.with_suffix("")
    raw.write_bytes(gzip.decompress(labels.read_bytes()))
    labels.unlink()
    found = measure("mnist", archives=archives, out=out).measurements.archives
    assert [each.dated for each in found["train"]] == ["1996-11-18", None]
    assert [each.dated for each in found["test"]] == [None, None]
    assert [each.uncompressed_bytes for each in found["train"]] == [16 + 60 * 784, 8 + 60]
    assert [each.bytes for each in found["train"]] == [images.stat().st_size, 68]
    assert [each.file for each in found["train"]] == [images.name, raw.name]


def test_duplicates_are_listed_by_row(archives, out):
    assert measure("mnist", archives=archives, out=out).measurements.duplicates == Duplicates(
        within={"train": ((3, 5, 7, 30), (40, 41)), "test": ()},
        across=({"train": (3, 5, 7, 30), "test": (4,)}, {"train": (9,), "test": (6,)}),
    )


def test_duplicates_are_only_counted_if_they_are_more_than_100_000(archives, out, tmp_path):
    digests = np.zeros(100_001, ROW_DIGEST)
    digests["row"] = np.arange(len(digests))
    np.save(tmp_path / "digests.npy", digests)
    np.save(tmp_path / "fewer.npy", digests[:100_000])
    listed = find_duplicates({"train": [tmp_path / "fewer.npy"]})
    assert listed == Duplicates({"train": (tuple(range(100_000)),)}, ())
    counted = find_duplicates({"train": [tmp_path / "digests.npy"]})
    counts = EqualCounts({"train": EqualCount(1, 100_001)}, EqualCount())
    assert counted == Duplicates({"train": ()}, (), counts)
    measured = measure("mnist", archives=archives, out=out).measurements
    measured = dataclasses.replace(measured, duplicates=counted)
    write_measurements(out, measured)
    assert read_measurements(out) == measured


def test_unlabelled_rows_and_own_classes_are_counted(tmp_path):
    labels = numbers(30, 1, 3)
    labels[:4] = 255
    folder = write_split(tmp_path / "own", "val", pictures(30, 1), labels)
    (folder / "labels.txt").write_text("a\nb\nc\n")
    figures = measure(str(folder)).measurements.splits["val"]
    assert figures.unlabelled == 4
    assert figures.first_labels == (-1, -1, -1, -1, *labels[4:10])
    assert figures.class_counts == tuple((labels == label).sum() for label in range(3))


def test_a_split_without_any_label_is_measured(tmp_path):
    folder = write_split(tmp_path / "own", "val", pictures(30, 1), np.full(30, 255, np.uint8))
    figures = measure(str(folder)).measurements.splits["val"]
    assert (figures.unlabelled, figures.class_counts) == (30, (0,) * 10)
    assert figures.first_labels == (-1,) * 10


def test_a_split_of_one_row_is_measured(tmp_path):
    folder = write_split(tmp_path / "own", "val", pictures(1, 1), np.array([4], np.uint8))
    figures = measure(str(folder)).measurements.splits["val"]
    assert (figures.rows, figures.first_labels, figures.constant_pixels) == (1, (4,), 784)


def test_the_class_255_is_a_class_where_there_are_256(tmp_path):
    labels = np.array([255, 0, 255], np.uint8)
    folder = write_split(tmp_path / "own", "val", pictures(3, 1), labels)
    (folder / "labels.txt").write_text("".join(f"class {label}\n" for label in range(256)))
    figures = measure(str(folder)).measurements.splits["val"]
    assert (figures.unlabelled, figures.class_counts[255], len(figures.class_counts)) == (0, 2, 256)


# --- Files ----------------------------------------------------------------------------------------


def test_what_is_written_is_read_back(archives, out):
    measured = measure("mnist", archives=archives, out=out, neighbours=True)
    assert measured.out == out
    assert read_measurements(out) == measured.measurements


def test_the_file_has_the_names_of_the_fields_and_lists_of_numbers_on_one_line(archives, out):
    measured = measure("mnist", archives=archives, out=out).measurements
    text = out.read_text(encoding="utf-8")
    content = json.loads(text)
    assert [*content] == ["archives", "splits", "duplicates"]
    assert content["splits"]["train"]["mean"] == measured.splits["train"].mean
    assert f'"first_labels": {[*measured.splits["test"].first_labels]}' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_committed_files_are_written_again_byte_for_byte(name, out):
    path = ROOT / "cards" / name / "measurements.json"
    write_measurements(out, read_measurements(path))
    assert out.read_bytes() == path.read_bytes()


def test_the_same_archives_give_the_same_bytes_and_keep_their_neighbours(archives, out):
    assert not measure("mnist", archives=archives, out=out, neighbours=True).kept_neighbours
    before = out.read_bytes()
    assert measure("mnist", archives=archives, out=out).kept_neighbours
    assert out.read_bytes() == before
    write_split(archives, "train", pictures(60, 3), ARRAYS["train"][1])
    measured = measure("mnist", archives=archives, out=out)
    assert not measured.kept_neighbours
    assert measured.measurements.neighbours is None


def test_neighbours_are_compared_anew_on_request(archives, out):
    measure("mnist", archives=archives, out=out, neighbours=True)
    right = out.read_bytes()
    out.write_bytes(
        right.replace(b'"at_least": 0.99,\n    "rows": 2', b'"at_least": 0.99,\n    "rows": 9')
    )
    assert out.read_bytes() != right
    assert not measure("mnist", archives=archives, out=out, neighbours=True).kept_neighbours
    assert out.read_bytes() == right


NO_MEASUREMENT = {
    "{}": "archives: missing",
    '{"archives": {}}': "splits: missing",
    "[1]": "content: [1] instead of an object",
    '{"splits": 3, "archives": {}, "duplicates": {"within": {}, "across": []}}': (
        "splits: 3 instead of an object"
    ),
    '{"name": "app", "version": "1.0.0"}': "name: unknown key",
    '{"archives": {}, "splits": {}, "duplicates": {"within": {"train": 3}, "across": []}}': (
        "duplicates.within.train: 3 instead of a list"
    ),
    '{"archives": {}, "splits": {}, "duplicates": {"within": {"train": [["1"]]}, "across": []}}': (
        "duplicates.within.train[0][0]: '1' instead of int"
    ),
    '{"archives": {"train": []}, "splits": {}, "duplicates": {"within": {}, "across": []}}': (
        "archives.train: 0 files instead of pairs"
    ),
    json.dumps(
        {
            "archives": {
                "train": [
                    {"file": "a", "bytes": 1, "sha256": "", "dated": None, "uncompressed_bytes": 1}
                ]
            },
            "splits": {},
            "duplicates": {"within": {}, "across": []},
        }
    ): "archives.train: 1 files instead of pairs",
    "": "Expecting value: line 1 column 1 (char 0)",
    "[" * 100_000: "maximum recursion depth exceeded",
}


@pytest.mark.parametrize("content", NO_MEASUREMENT, ids=lambda content: content[:30])
def test_a_file_that_is_no_measurement_is_never_replaced(archives, out, content):
    out.write_text(content)
    line = refusal("mnist", archives=archives, out=out)
    assert line.startswith(f"{out}: not a file of measurements ({NO_MEASUREMENT[content]}")
    assert line.endswith(
        "), expected a file that this release of measure writes; "
        "choose another file with --out, or remove this one"
    )
    assert len(line.splitlines()) == 1
    assert out.read_text() == content


def test_true_is_no_number_and_a_list_may_not_be_null(archives, out):
    measure("mnist", archives=archives, out=out)
    right = out.read_text()
    for before, after, reason in (
        ('"rows": 60', '"rows": true', "splits.train.rows: True instead of int"),
        ('"shape": [28, 28]', '"shape": null', "splits.train.shape: None instead of a list"),
        ('"dated": null', '"dated": 7', "archives.train[0].dated: 7 instead of str"),
    ):
        assert before in right
        out.write_text(right.replace(before, after, 1))
        with pytest.raises(ValueError) as caught:  # noqa: PT011 (the message is compared below)
            read_measurements(out)
        assert f"({reason})" in str(caught.value)


def test_a_file_that_is_not_text_is_never_replaced(archives, out):
    out.write_bytes(b"\xff\xfe\x00")
    assert refusal("mnist", archives=archives, out=out).startswith(
        f"{out}: not a file of measurements ('utf-8' codec can't decode byte 0xff in position 0"
    )
    assert out.read_bytes() == b"\xff\xfe\x00"


def test_an_interrupted_write_leaves_the_earlier_file(archives, out, monkeypatch):
    measure("mnist", archives=archives, out=out)
    before = out.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure("mnist", archives=archives, out=out, neighbours=True)
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir() if path.is_file()] == [out.name]


# --- Committed measurements -----------------------------------------------------------------------


def test_committed_figures_may_be_those_of_one_split():
    found = committed("mnist", ["test"])
    assert [*found.archives] == [*found.splits] == ["test"]
    assert [*found.whole] == ["train", "test"]
    assert found.whole["test"] == found.splits["test"]
    assert found.neighbours.knn[0].k == 1


def test_committed_figures_are_none_for_what_was_never_measured(cards):
    (cards / "mnist" / "measurements.json").unlink()
    assert committed("mnist") is None


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (
            "440fcabf",
            "440fcabe",
            "sha256 440fcabe73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        ("9912422", "9912423", "bytes 9912423"),
        ('"t10k-labels', '"test-labels', "file test-labels-idx1-ubyte.gz"),
    ],
)
def test_committed_figures_of_other_archives_are_refused(cards, before, after, fault):
    path = cards / "mnist" / "measurements.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared below)
        committed("mnist")
    stated = fault.split()[1].replace(after.strip('"'), before.strip('"'))
    assert str(caught.value) == (
        f"{path}: {fault}, expected {stated} as in mnist_family.py; run mnist-family measure mnist"
    )


def test_committed_figures_of_other_splits_are_refused(cards):
    path = cards / "mnist" / "measurements.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"test": (?!\d)', '"val": ', text), encoding="utf-8")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared below)
        committed("mnist")
    assert str(caught.value) == (
        f"{path}: splits train, val, expected train, test; run mnist-family measure mnist"
    )


# --- The command ----------------------------------------------------------------------------------


def test_the_command_says_what_it_wrote(archives, out, capsys):
    assert command.run("mnist", archives, False, out, False) == 0
    assert capsys.readouterr().out == f"{out}: written, 60 train rows, 20 test rows\n"


def test_the_command_says_that_it_kept_neighbours(archives, out, capsys):
    measure("mnist", archives=archives, out=out, neighbours=True)
    assert command.run("mnist", archives, False, out, False) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "neighbours: kept from the last run, as the archives are the same"
    ]


def test_a_sample_is_measured(out, capsys):
    assert command.run("fashion", None, True, out, False) == 0
    assert read_measurements(out).splits["train"].class_counts == (60,) * 10
    assert capsys.readouterr().out == f"{out}: written, 600 train rows, 100 test rows\n"


def test_archives_may_lie_in_a_folder_of_the_datasets_name(archives, out):
    archives.rename(archives.parent / "mnist")
    measured = measure("mnist", archives=archives.parent, out=out)
    assert measured.measurements.splits["train"].rows == 60


def test_a_folder_of_archives_gets_its_measurements(archives):
    measured = measure(str(archives), neighbours=True)
    assert measured.out == archives / "measurements.json"
    assert measured.means is None
    assert len(measured.measurements.neighbours.knn) == 2
    assert read_measurements(measured.out) == measured.measurements


@pytest.fixture
def tiny_commands(tiny, monkeypatch):
    """The command and its measurements, with the tiny family in place of the published one."""
    monkeypatch.setattr(command, "mnist_family", tiny.module)
    monkeypatch.setattr(measurements, "mnist_family", tiny.module)
    return tiny


def test_a_folder_of_published_archives_is_measured_as_what_it_holds(tiny_commands, tmp_path, out):
    """A folder of Fashion-MNIST, whatever its name, has the class names of Fashion-MNIST."""
    folder = shutil.copytree(tiny_commands.folder("fashion"), tmp_path / "letters")
    (folder / "t10k-images-idx3-ubyte.gz").rename(folder / "test-images-idx3-ubyte.gz")
    (folder / "t10k-labels-idx1-ubyte.gz").rename(folder / "test-labels-idx1-ubyte.gz")
    found = measure(str(folder), out=out).measurements
    assert found.archives["test"][0].file == "t10k-images-idx3-ubyte.gz"


def test_a_path_that_ends_in_a_datasets_name_is_a_folder(
    tiny_commands, cards, tmp_path, monkeypatch
):
    """Its figures go there, and not over those of the published card."""
    shutil.copytree(tiny_commands.folder("mnist"), tmp_path / "mnist")
    monkeypatch.chdir(tmp_path)
    before = (cards / "mnist" / "measurements.json").read_bytes()
    measured = measure("./mnist")
    assert measured.out.samefile(tmp_path / "mnist" / "measurements.json")
    assert measured.means is None
    assert (cards / "mnist" / "measurements.json").read_bytes() == before


def test_mirrors_are_read_if_no_folder_is_given(tiny_commands, mirrors, out):
    found = measure("kmnist", out=out).measurements
    labels = tiny_commands.arrays["kmnist"]["train"][1]
    assert found.splits["train"].class_counts == tuple(np.bincount(labels))
    assert found.archives["test"][0].file == "t10k-images-idx3-ubyte.gz"


def test_published_archives_are_measured_for_their_card(tiny_commands, cards, capsys):
    """With a picture of the class means, over what an earlier run wrote."""
    folder = tiny_commands.folder("mnist")
    assert command.run("mnist", folder, False, None, False) == 0
    out, picture = cards / "mnist" / "measurements.json", cards / "mnist" / "means.png"
    assert read_measurements(out).splits["train"].rows == 40
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: written, 40 train rows, 13 test rows",
        f"{picture}: written, the mean image of each class",
    ]


def test_only_published_archives_are_measured_for_a_card(cards, archives):
    before = (cards / "mnist" / "measurements.json").read_bytes()
    assert refusal("mnist", archives=archives) == (
        f"{archives}: not the published archives, expected all those of mnist, for the figures "
        "in cards/; give --out FILE to measure other archives"
    )
    assert (cards / "mnist" / "measurements.json").read_bytes() == before


def test_a_part_of_the_published_archives_is_not_measured_for_a_card(
    tiny_commands, cards, tmp_path
):
    folder = tmp_path / "train alone"
    folder.mkdir()
    for path in tiny_commands.folder("mnist").glob("train*"):
        shutil.copy(path, folder)
    assert refusal("mnist", archives=folder).startswith(f"{folder}: not the published archives, ")


def test_figures_for_a_card_need_a_clone(archives, cards, monkeypatch):
    """A wheel has a copy of the cards, which is no place to write to."""
    monkeypatch.setattr(facts, "INSTALLED_CARDS", cards)
    assert refusal("mnist", archives=archives) == (
        f"{cards}: part of an installed package, expected the folder cards/ of a clone; "
        "run this in a clone of the project"
    )


def test_users_mistakes_are_one_line(archives, out, tmp_path):
    assert refusal("mnist", sample=True) == (
        "mnist: a synthetic sample, expected --out FILE with it; add --out"
    )
    assert refusal("mnist", archives=archives, sample=True, out=out) == (
        "mnist: both --sample and --archives, expected one of the two; leave one out"
    )
    assert refusal("mnist", archives=tmp_path / "no", out=out) == (
        f"data_dir '{tmp_path / 'no'}': no such folder, expected one that holds IDX archives; "
        "correct the path"
    )
    assert refusal("mnist", archives=archives, out=tmp_path / "no" / "out.json") == (
        f"{tmp_path / 'no'}: no such folder, expected a folder for out.json; create it"
    )
    assert refusal("mnist", archives=archives, out=tmp_path) == (
        f"{tmp_path}: not a file, expected a JSON file to write; give --out the name of a file"
    )
    assert refusal("mmist") == (
        "mmist: no such dataset or folder, expected mnist, fashion, kmnist, or a folder of "
        "archives; correct the name"
    )
    assert refusal(str(archives), sample=True) == (
        f"{archives}: a folder, with --sample, expected one of mnist, fashion, kmnist; "
        "leave --sample out"
    )
    assert refusal(str(archives), archives=archives) == (
        f"{archives}: a folder, with --archives, expected one of mnist, fashion, kmnist; "
        "leave --archives out"
    )
    assert not out.exists()


def test_neighbours_need_train_and_test(archives, out):
    for path in archives.glob("test*"):
        path.unlink()
    assert refusal("mnist", archives=archives, out=out, neighbours=True) == (
        f"{archives}: splits train, expected train and test for --neighbours; "
        "add the missing archives, or leave --neighbours out"
    )


def test_broken_archives_are_one_line_and_nothing_is_written(archives, out):
    images = archives / "train-images-idx3-ubyte.gz"
    images.write_bytes(gz(idx_bytes(ARRAYS["train"][0]))[:-9])
    assert refusal("mnist", archives=archives, out=out).startswith(f"{images}: broken, ")
    assert [path.name for path in out.parent.iterdir()] == ["archives"]


# --- The official archives ------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_committed_figures_and_means_are_those_of_the_archives(real_archives, cards, name):
    committed_files = [cards / name / file for file in ("measurements.json", "means.png")]
    before = [path.read_bytes() for path in committed_files]
    assert measure(name, archives=real_archives).kept_neighbours
    assert committed_files[0].read_bytes() == before[0]
    pixels = [
        np.asarray(PIL.Image.open(each)) for each in (io.BytesIO(before[1]), committed_files[1])
    ]
    np.testing.assert_array_equal(*pixels)


@pytest.mark.real
def test_the_committed_neighbours_are_those_of_the_archives(real_rows):
    """The closest pairs, by a search that shares no code; comparing all takes a minute."""
    found = committed("fashion").neighbours
    points, images = (
        real_rows["fashion"][split][0].reshape(-1, 784).astype(np.float32)
        for split in ("train", "test")
    )
    norms = np.linalg.norm(points, axis=1)
    assert found.cosine[2].rows == 7
    assert [pair.cosine > 0.999 for pair in found.closest] == [True] * 7 + [False] * 3
    for pair in found.closest:
        cosines = points @ images[pair.test] / norms / np.linalg.norm(images[pair.test])
        assert cosines.argmax() == pair.train
        assert abs(cosines.max() - pair.cosine) < 0.00002

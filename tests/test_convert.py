"""A conversion writes right rows and says what it did, or leaves everything as it was."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT, assert_rows, gz, idx_bytes, numbers, pictures
from conftest import run as run_process
from sources import DIGITS, FORMATS, ODD_NAMES, assert_holds, refusal, write_idx_source

import mnist_family
from mnist_tools.arguments import make_parser
from mnist_tools.commands.convert import SplitCounts, convert, run
from mnist_tools.formats.source import open_source
from mnist_tools.manifest import MANIFEST


@pytest.fixture
def splits():
    made = {}
    for name, rows in (("train", 60), ("val", 7), ("test", 40)):
        labels = numbers(rows, rows).astype(np.int64)
        labels[[1, 5]] = -1
        made[name] = pictures(rows, rows), labels
    return made


@pytest.fixture
def source(tmp_path, splits):
    return write_idx_source(tmp_path / "source", splits, ODD_NAMES)


def run_with(*arguments):
    """Run the command as the command line does, but for errors and exit codes."""
    parsed = make_parser("convert", from_clone=True).parse_intermixed_args([*map(str, arguments)])
    return run(**vars(parsed))


@pytest.mark.parametrize("name", ["./mnist", pathlib.Path("mnist")])
def test_a_folder_with_the_name_of_a_config_is_read_if_it_is_a_path(
    tmp_path, source, splits, monkeypatch, name
):
    source.rename(tmp_path / "mnist")
    monkeypatch.chdir(tmp_path)
    assert [*convert(name, tmp_path / "out", to="npz").splits] == [*splits]
    with pytest.raises(ValueError, match="expected"):  # it is not written into
        convert(name, tmp_path / "mnist" / "out", to="npz")
    assert not (tmp_path / "mnist" / "out").exists()


# --- What is said ---------------------------------------------------------------------------------


def test_the_summary_says_what_was_read_and_written(tmp_path, source, splits, capsys):
    assert run_with(source, tmp_path / "out", "--to", "npz", "--only-classes", "3") == 0
    names = "T-shirt/top, .., /etc/passwd, CON, a%2Fb, ク, .hidden, _unlabelled, x , Ankle boot"
    kept = {}
    for split, (_, labels) in splits.items():
        threes = int((labels == 3).sum())
        left_out = f"{len(labels) - threes} of other classes left out"
        kept[split] = (
            f"{threes} row{'s' if threes != 1 else ''}, 0 of them without a label, {left_out}"
        )
    assert capsys.readouterr().out.splitlines() == [
        f"{source}: IDX with the splits train, val, test and 10 classes: {names} "
        "(named by dataset_meta.json)",
        *(f"{split}: {rows}" for split, rows in kept.items()),
        f"{tmp_path / 'out'}: written as npz, 1 class: CON",
    ]


def test_a_long_list_of_classes_is_cut(tmp_path, capsys):
    names = [f"c{label}" for label in range(12)]
    source = write_idx_source(tmp_path / "s", {"train": (pictures(3, 1), numbers(3, 1))}, names)
    run_with(source, tmp_path / "out", "--to", "idx")
    assert "written as idx, 12 classes: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more\n" in (
        capsys.readouterr().out
    )


def test_a_summary_of_csv_says_whether_there_is_a_header(tmp_path, source):
    said = "the CSV files have no header: read them with pandas.read_csv(…, header=None)"
    assert said in convert(source, tmp_path / "bare", to="csv").notes
    assert convert(source, tmp_path / "named", to="csv", csv_header=True).notes == ()


def test_a_header_for_other_formats_is_refused(tmp_path, source):
    line = "--csv-header: given with --to npz, expected --to csv; leave it out"
    assert refusal(source, csv_header=True) == line


# --- Choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [["3", "7"], ["CON", "_unlabelled"], ["7", "CON"]])
def test_chosen_classes_are_renumbered_in_their_order(tmp_path, source, splits, classes):
    converted = convert(
        source, tmp_path / "some", to="npz", only_classes=classes, splits=["val", "test"]
    )
    expected = {}
    for split in ("val", "test"):
        images, labels = splits[split]
        stay = np.isin(labels, [3, 7])
        expected[split] = images[stay], (labels[stay] == 7).astype(int)
        kept = int(stay.sum())
        assert converted.splits[split] == SplitCounts(kept, 0, len(labels) - kept)
    assert_holds(tmp_path / "some", expected, ["CON", "_unlabelled"])


@pytest.mark.parametrize("wanted", ["12", "٣", "t-shirt/top", "-1", "3.0"])
def test_a_class_that_is_not_there_is_refused(source, wanted):
    names = "T-shirt/top, .., /etc/passwd, CON, a%2Fb, ク, .hidden, _unlabelled, x , Ankle boot"
    line = f"{source}: no class {wanted!r}, expected a name or a number, 0 to 9, of {names}"
    assert refusal(source, only_classes=["3", wanted]) == f"{line}; correct --only-classes"


def test_a_split_that_is_not_there_is_refused(source):
    line = f"{source}: no split 'dev', expected one or more of train, val, test; correct --split"
    assert refusal(source, splits=["train", "dev"]) == line


def test_splits_are_renamed(tmp_path, source, splits):
    run_with(source, tmp_path / "out", "--to", "npz", "--rename-split", "val=validation",
             "--rename-split", "train=a.b")  # fmt: skip
    expected = {"a.b": splits["train"], "validation": splits["val"], "test": splits["test"]}
    assert_holds(tmp_path / "out", expected, ODD_NAMES)


@pytest.mark.parametrize(
    ("renamed", "line"),
    [
        ({"dev": "x"}, "{source}: no split 'dev' to rename, expected one of train, val, test; "
                       "correct --rename-split"),
        ({"val": "train"}, "--rename-split: train and val are both the split train, expected one "
                           "of each; rename one, or move it elsewhere"),
        ({"val": "t10k"}, "--rename-split: val and test are both the split test, expected one "
                          "of each; rename one, or move it elsewhere"),
        ({"val": "Training"}, "--rename-split: train and val are both the split train, expected "
                              "one of each; rename one, or move it elsewhere"),
        ({"val": "all"}, "--rename-split: the split 'all', expected letters, digits and _, and "
                         "not 'all', which means every split; rename it"),
        ({"val": "a/b"}, "--rename-split: the split 'a/b', expected letters, digits and _, and "
                         "not 'all', which means every split; rename it"),
    ],
)  # fmt: skip
def test_a_name_that_no_split_can_get_is_refused(source, renamed, line):
    assert refusal(source, rename_splits=renamed) == line.format(source=source)


def test_a_renaming_without_two_names_is_wrong_usage(capsys):
    with pytest.raises(SystemExit):
        run_with("source", "dest", "--to", "csv", "--rename-split", "val")
    assert "argument --rename-split: 'val' is not of the form OLD=NEW" in capsys.readouterr().err


def test_too_few_class_names_say_how_many_are_needed(tmp_path, source, splits):
    (tmp_path / "names.txt").write_text("a\nb\n")
    labels = splits["train"][1]
    row = int((labels > 1).argmax())
    label = labels[row]
    line = f"train: label {label} in row {row}, expected -1 to 1; "
    line += f"name {label + 1} classes or more with --class-names"
    assert refusal(source, class_names=tmp_path / "names.txt") == line


def test_a_label_that_no_set_can_have_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=pictures(3, 1), y_train=[0, 1, 65539])
    line = "train: label 65539 in row 2, expected -1 to 9; correct the label"
    assert refusal(tmp_path / "a.npz") == line
    np.savez(tmp_path / "a.npz", x_train=pictures(3, 1), y_train=[0, -2, 1])
    line = "train: label -2 in row 1, expected -1 to 9; correct the label"
    assert refusal(tmp_path / "a.npz") == line


def test_class_names_of_a_file_that_is_not_there(tmp_path, source):
    line = f"{tmp_path / 'nope.txt'}: no such file, expected labels.txt or dataset_meta.json; "
    assert refusal(source, class_names=tmp_path / "nope.txt") == f"{line}correct --class-names"


@pytest.mark.parametrize("format_name", FORMATS)
def test_class_names_of_the_option_go_first(tmp_path, source, splits, format_name):
    convert(source, tmp_path / "dest", to=format_name)
    (tmp_path / "mine.txt").write_text("".join(f"mine {label}\n" for label in range(10)))
    names = mnist_family.read_class_names(tmp_path / "mine.txt")
    if format_name == "imagefolder":
        return  # its folders have the names; tests of image folders give others
    assert_holds(tmp_path / "dest", splits, names.names, class_names=names)


def test_no_row_left_is_refused(source, splits):
    missing = next(label for label in range(10) if label not in splits["val"][1])
    line = "val: no row is left, expected at least one; "
    line += "keep more classes, or leave the split out with --split"
    assert refusal(source, splits=["val"], only_classes=[str(missing)]) == line


# --- Where it is written --------------------------------------------------------------------------


def test_a_folder_of_others_is_never_written_to(tmp_path, source, sample):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    expected = "expected an empty folder or one that convert wrote"
    for force in (False, True):
        line = f"{mine}: holds other files, {expected}; choose a new folder"
        assert refusal(source, dest=mine, force=force) == line
        line = f"{sample}: written by build, {expected}; choose another folder"
        assert refusal(source, dest=sample, force=force) == line
    assert (mine / "thesis.txt").read_text() == "years"


def test_an_earlier_conversion_is_replaced_when_told(tmp_path, source):
    out = tmp_path / "out"
    convert(source, out, to="idx")
    line = f"{out}: an earlier conversion, expected a new folder; name another, or pass --force to "
    assert refusal(source, "csv", out) == f"{line}replace it"
    convert(source, out, to="csv", force=True)
    assert not [*out.glob("*ubyte*")]
    assert (out / "mnist_train.csv").exists()


def test_an_earlier_conversion_with_empty_class_folders_is_replaced_when_told(tmp_path):
    rows = pictures(5, 1), np.arange(5)
    source, out = write_idx_source(tmp_path / "source", {"train": rows}), tmp_path / "out"
    convert(source, out, to="imagefolder")
    assert (out / "train" / "7").is_dir()
    (out / "train" / "7" / "mine.png").write_bytes(b"mine")
    line = f"{out}: holds train/7/mine.png, which convert did not write, expected only its own "
    assert refusal(source, dest=out, force=True) == f"{line}files; move your files elsewhere"
    (out / "train" / "7" / "mine.png").unlink()
    (out / "train" / "mine").mkdir()
    line = f"{out}: holds train/mine/, which convert did not write, expected only its own files; "
    assert refusal(source, dest=out, force=True) == f"{line}move your files elsewhere"
    (out / "train" / "mine").rmdir()
    convert(source, out, to="npz", force=True)
    assert {path.name for path in out.iterdir()} == {".mnist_family.json", "mnist.npz"}


@pytest.mark.parametrize("name", ["notes.txt", ".git/config"])
def test_force_deletes_no_file_that_a_user_added(tmp_path, source, name):
    out = tmp_path / "out"
    convert(source, out, to="csv")
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine")
    line = f"{out}: holds {name}, which convert did not write, expected only its own files; "
    assert refusal(source, dest=out, force=True) == f"{line}move your files elsewhere"
    assert (out / name).read_text() == "mine"


def test_force_deletes_no_file_that_a_user_edited(tmp_path, source):
    out = tmp_path / "out"
    convert(source, out, to="csv")
    with open(out / "mnist_val.csv", "a") as file:
        file.write("mine")
    line = f"{out}: mnist_val.csv was added or edited, expected only its files as convert wrote "
    assert refusal(source, dest=out, force=True) == f"{line}them; move it elsewhere"
    assert (out / "mnist_val.csv").read_text().endswith("mine")


def test_many_images_may_be_replaced_although_a_class_has_none(tmp_path):
    splits = {"train": (np.zeros((2100, 28, 28), np.uint8), np.zeros(2100, np.int64))}
    source, out = write_idx_source(tmp_path / "source", splits, ["some", "none"]), tmp_path / "out"
    convert(source, out, to="imagefolder")
    assert (out / "train" / "none").is_dir()
    convert(source, out, to="npz", force=True)
    assert {path.name for path in out.iterdir()} == {MANIFEST, "mnist.npz"}


def test_the_manifest_of_many_images_is_small_and_still_tells_a_users_file(tmp_path):
    splits = {"train": (np.zeros((2100, 28, 28), np.uint8), numbers(2100, 1))}
    source, out = write_idx_source(tmp_path / "source", splits), tmp_path / "out"
    convert(source, out, to="imagefolder")
    assert (out / ".mnist_family.json").stat().st_size < 1000
    (out / "train" / "3" / "mine.png").write_bytes(b"mine")
    line = f"{out}: train/3/mine.png was added or edited, expected only its files as convert wrote "
    assert refusal(source, dest=out, force=True) == f"{line}them; move it elsewhere"
    (out / "train" / "3" / "mine.png").unlink()
    edited = next(out.glob("train/*/00000007.png"))
    before = edited.read_bytes()
    edited.write_bytes(b"mine")
    line = f"{out}: train/ was added or edited, expected only its files as convert wrote them; "
    assert refusal(source, dest=out, force=True) == f"{line}move it elsewhere"
    edited.write_bytes(before)
    convert(source, out, to="npz", force=True)
    assert {path.name for path in out.iterdir()} == {".mnist_family.json", "mnist.npz"}


def test_source_and_dest_may_not_lie_in_one_another(tmp_path, source):
    rest = "expected a folder apart from the source; choose another folder"
    dest = source / "out"
    assert refusal(source, dest=dest) == f"{dest}: inside {source}, {rest}"
    (tmp_path / "link").symlink_to(source)
    dest = tmp_path / "link" / "out"
    assert refusal(source, dest=dest) == f"{dest}: inside {source}, {rest}"
    out = tmp_path / "out"
    convert(source, out, to="csv")
    assert refusal(out, dest=out, force=True) == f"{out}: the source itself, {rest}"
    file = out / "mnist_train.csv"
    assert refusal(file, dest=out, force=True) == f"{out}: contains {file}, {rest}"
    links = tmp_path / "links"
    links.mkdir()
    (links / "train.csv").symlink_to(file)
    line = f"{out}: contains {links / 'train.csv'}, {rest}"
    assert refusal(links, dest=out, force=True) == line


def test_no_class_of_source_may_lie_in_dest(tmp_path, source):
    out, links = tmp_path / "out", tmp_path / "links" / "train"
    convert(source, out, to="imagefolder", only_classes=["T-shirt/top", "CON"])
    links.mkdir(parents=True)
    (links / "a").symlink_to(out / "train" / "%43ON")
    line = f"{out}: contains {links / 'a'}, expected a folder apart from the source; "
    assert refusal(links.parent, dest=out, force=True) == f"{line}choose another folder"


# --- What a conversion costs, and what it leaves --------------------------------------------------


def test_a_full_disk_names_dest_and_leaves_nothing(tmp_path, source):
    """As far as a limit on the size of files comes near one."""
    resource = pytest.importorskip("resource")
    code = f"""
import resource, signal, sys
from mnist_tools.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, {resource.RLIM_INFINITY}))
for form in sys.argv[2:]:
    try:
        main("convert", [sys.argv[1], "out", "--to", form])
    except SystemExit as ended:
        print(form, ended.code)
"""
    formats = ["csv", "idx", "parquet", "npz", "webdataset"]
    command = [sys.executable, "-c", code, str(source), *formats]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert [line for line in result.stdout.splitlines() if line.endswith(" 1")] == [
        f"{form} 1" for form in formats
    ]
    line = "out: File too large; fix that and run the command again"
    assert [each for each in result.stderr.splitlines() if each.endswith(line)] == [line] * 5
    assert os.listdir(tmp_path) == ["source"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["0/*.png", "9/*.png"])
def test_an_interrupted_conversion_leaves_nothing(tmp_path, number, moment):
    source = {"train": (pictures(6000, 1), np.sort(numbers(6000, 1)))}
    write_idx_source(tmp_path / "source", source)
    script = ROOT / "scripts" / "convert.py"
    command = [sys.executable, script, "source", "dest", "--to", "imagefolder"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    while not [*tmp_path.glob(f".*/new/train/{moment}")] and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(number)
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.splitlines()[-1] == (
        "convert: interrupted; no partial output is left, run the command again"
    )
    assert os.listdir(tmp_path) == ["source"]


MEASURE = """
import sys
from pathlib import Path
from mnist_tools.commands.convert import convert
from sources import memory
for rows in ("4000", "40000"):
    for source, to in zip(sys.argv[1:], sys.argv[2:]):
        Path("/proc/self/clear_refs").write_text("5")
        before = memory("VmRSS")
        dest = Path(to + rows) if to != "idx" else Path("out" + rows)
        convert(source + rows, dest, to=to)
        print("used", rows, to, (memory("VmHWM") - before) // 1000)
"""


def test_memory_does_not_grow_with_rows(tmp_path):
    """The memory in MB that each conversion takes on top of what its process had before.

    What one conversion frees, the next may use unseen; but the first to take too much is seen.
    """
    if not pathlib.Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of memory can only be measured on Linux")
    chain = ["idx", "csv", "npz", "webdataset", "parquet", "idx"]
    for rows in (4000, 40_000):
        blank = np.zeros((rows, 28, 28), np.uint8)
        write_idx_source(tmp_path / f"idx{rows}", {"train": (blank, numbers(rows, 1))})
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = run_process(["-c", MEASURE, *chain], cwd=tmp_path, env=environment, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("used ")]
    used = {(to, int(rows)): int(megabytes) for _, rows, to, megabytes in lines}
    assert len(used) == 10
    for to in chain[1:]:
        # all pixels are 31 MB as bytes, and 250 MB as int64
        assert used[to, 40_000] - used[to, 4000] < 25, used
        assert used[to, 40_000] < 75, used


# --- Datumaro, the loader, the mirrors ------------------------------------------------------------


def test_datumaros_count_is_explained_and_repaired(tmp_path):
    images = pictures(6, 1)
    broken = write_idx_source(tmp_path / "broken", {"train": (images, numbers(6, 1))})
    header = idx_bytes(images)[:4] + (6 * 784).to_bytes(4, "big") + idx_bytes(images)[8:]
    file = broken / "train-images-idx3-ubyte.gz"
    file.write_bytes(gz(header))
    converted = convert(broken, tmp_path / "mended", to="idx")
    note = f"{file}: its header has 4,704 images, which is 6 × 784 as Datumaro writes it; read as 6"
    assert converted.notes == (note,)
    mended = tmp_path / "mended" / "train-images-idx3-ubyte.gz"
    np.testing.assert_array_equal(mnist_family.read_idx(mended), images)
    file.write_bytes(gz(header[:-784]))
    assert "bytes after the header" in refusal(broken)


def test_idx_is_what_write_idx_writes(tmp_path, source, splits):
    convert(source, tmp_path / "idx", to="idx")
    for split, (images, labels) in splits.items():
        stem = {"test": "t10k"}.get(split, split)
        mnist_family.write_idx(tmp_path / "images.gz", images)
        written = tmp_path / "idx" / f"{stem}-images-idx3-ubyte.gz"
        assert written.read_bytes() == (tmp_path / "images.gz").read_bytes()
        written = mnist_family.read_idx(tmp_path / "idx" / f"{stem}-labels-idx1-ubyte.gz")
        np.testing.assert_array_equal(written, labels % 256)
    text = (tmp_path / "idx" / "dataset_meta.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"labels": [*ODD_NAMES]}


def test_the_loader_loads_what_is_written(tmp_path, source, splits, cache):
    convert(source, tmp_path / "idx", to="idx")
    loaded = mnist_family.load(data_dir=tmp_path / "idx", cache_dir=str(cache))
    for split, arrays in splits.items():
        assert_rows(loaded[split], *arrays)
        assert loaded[split].features["label"].names == [*ODD_NAMES]


def test_a_built_folder_is_read(sample, tmp_path):
    convert(sample / "fashion", tmp_path / "idx", to="idx")
    found = mnist_family.locate(tmp_path / "idx").class_names.names
    assert found == mnist_family.find_config("fashion").class_names
    line = f"{sample}: .parquet files in fashion, kmnist, mnist, expected them in one folder; "
    assert refusal(sample, dest=tmp_path / "no") == f"{line}give {sample / 'mnist'} or another"


def test_a_folder_built_of_one_dataset_is_read(sample, tmp_path):
    """With its card's pictures, which are no rows."""
    built = tmp_path / "built"
    for name in ("fashion", "pictures"):
        shutil.copytree(sample / name, built / name)
    shutil.copy(sample / MANIFEST, built)
    assert open_source(built).format == "Parquet"
    (built / MANIFEST).unlink()
    line = f"{built}: holds image folder and Parquet, expected one format; "
    assert refusal(built) == f"{line}move the others elsewhere"


def test_a_config_is_read_from_its_mirrors(tiny, mirrors, tmp_path, monkeypatch):
    config, tiny_config = mnist_family.find_config("kmnist"), tiny.module.find_config("kmnist")
    monkeypatch.setattr(config, "mirrors", tiny_config.mirrors)
    monkeypatch.setattr(config, "archives", tiny_config.archives)
    convert("kmnist", tmp_path / "npz", to="npz")
    class_names = mnist_family.find_config("kmnist").class_names
    assert_holds(tmp_path / "npz", tiny.arrays["kmnist"], class_names)


def test_one_archive_is_no_source(source):
    file = source / "train-images-idx3-ubyte.gz"
    line = f"{file}: one archive, expected the folder that has both images and labels; "
    assert refusal(file, dest=source.parent / "out") == f"{line}give {source}"


def test_digits_name_the_classes_of_archives_that_nothing_names(tmp_path):
    splits = {"train": (pictures(3, 1), numbers(3, 1))}
    assert_holds(write_idx_source(tmp_path / "source", splits), splits, DIGITS)

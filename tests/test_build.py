"""Folders built from archives: loaded by plain `load_dataset`, always whole, and never over what is not ours."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import datasets
import numpy as np
import PIL.Image
import pytest
import yaml
from conftest import NAMES, ROOT, assert_rows, gz, idx_bytes, numbers, pictures, write_split

from mnist_tools.commands import build
import mnist_family
from mnist_tools.lint import findings
from mnist_tools.whole_folder import MARKER, is_current, publishing, read_marker
from mnist_tools.sample import write_sample_archives

COMMAND = [sys.executable, str(ROOT / "scripts" / "build.py")]
FILES = [MARKER, "LICENSE.md", "README.md", "croissant.json", "pictures"]
SPLITS = {"train": "train", "test": "t10k"}


@pytest.fixture
def archives(tiny):
    return str(tiny.folder())


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def contents(folder):
    """{name: bytes} of all files, hidden ones too; None where there is no folder."""
    if not folder.exists():
        return None
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def front_matter_of(folder):
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def fails(capsys, *arguments):
    """The one line with which a command ends."""
    with pytest.raises(SystemExit) as caught:
        build.main([str(argument) for argument in arguments])
    message = caught.value.code
    assert isinstance(message, str), "the exit code is not 1"
    assert len(message.splitlines()) == 1
    return message


# --- What is in it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_load_dataset_gives_the_rows_of_the_archives(tiny, archives, out, cache, name, streaming):
    build.main([str(out), "--archives", archives])
    loaded = datasets.load_dataset(str(out), name, streaming=streaming, cache_dir=str(cache))
    assert list(loaded) == ["train", "test"]
    for split, rows in loaded.items():
        assert_rows(rows, *tiny.arrays[name][split])
        names = next(config.class_names for config in mnist_family.CONFIGS if config.name == name)
        assert rows.features == datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))}
        )


@pytest.mark.parametrize("names", [["fashion"], ["kmnist", "fashion"], []])
def test_the_first_dataset_is_the_default(tiny, archives, out, cache, names):
    build.main([str(out), *names, "--archives", archives])
    front_matter = front_matter_of(out)
    order = [name for name in NAMES if name in (names or NAMES)]
    assert [config["config_name"] for config in front_matter["configs"]] == order
    assert [config.get("default") for config in front_matter["configs"]] == [True] + [None] * (len(order) - 1)
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, *order])
    loaded = datasets.load_dataset(str(out), split="test", cache_dir=str(cache))
    assert_rows(loaded, *tiny.arrays[order[0]]["test"])


def test_front_matter_says_what_the_files_hold(archives, out):
    build.main([str(out), "--archives", archives])
    for info in front_matter_of(out)["dataset_info"]:
        files = {split: list((out / info["config_name"]).glob(f"{split}-*")) for split in SPLITS}
        assert [file.name for file in files["train"]] == ["train-00000-of-00001.parquet"]
        assert info["download_size"] == sum(file.stat().st_size for pair in files.values() for file in pair)
        assert info["dataset_size"] == sum(split["num_bytes"] for split in info["splits"])
        assert {split["name"]: split["num_examples"] for split in info["splits"]} == {"train": 40, "test": 13}
        names = info["features"][1]["dtype"]["class_label"]["names"]
        assert list(names) == [str(label) for label in range(10)]
        assert all(isinstance(name, str) for name in names.values())


def test_ones_own_classes_and_splits_are_built(tmp_path, out, cache):
    folder = write_split(tmp_path / "letters", "val", pictures(30, 1), numbers(30, 1, 3))
    (folder / "labels.txt").write_text("alpha\nbeta\ngamma\n")
    build.main([str(out), "mnist", "--archives", str(folder)])
    loaded = datasets.load_dataset(str(out), cache_dir=str(cache))
    assert list(loaded) == ["val"]
    assert loaded["val"].features["label"].names == ["alpha", "beta", "gamma"]
    assert_rows(loaded["val"], pictures(30, 1), numbers(30, 1, 3))


def test_shards_keep_to_their_size_and_order(tmp_path, out, cache):
    archives = write_split(tmp_path / "archives", "train", pictures(1500, 1), numbers(1500, 1))
    build.main([str(out), "mnist", "--archives", str(archives), "--max-shard-size", "100KB"])
    files = sorted((out / "mnist").iterdir())
    assert len(files) > 5
    assert [file.name for file in files] == [f"train-{i:05}-of-{len(files):05}.parquet" for i in range(len(files))]
    assert max(file.stat().st_size for file in files) <= 100_000
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(cache))
    assert_rows(loaded, pictures(1500, 1), numbers(1500, 1))


def test_the_same_archives_give_the_same_bytes(archives, tmp_path):
    build.main([str(tmp_path / "one"), "--archives", archives])
    build.main([str(tmp_path / "two"), "--archives", archives, "--num-proc", "2"])
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_mirrors_are_the_default_source(tiny, mirrors, out, cache, monkeypatch):
    for config, tiny_config in zip(mnist_family.CONFIGS, tiny.module.CONFIGS, strict=True):
        monkeypatch.setattr(config, "archives", tiny_config.archives)
        monkeypatch.setattr(config, "mirrors", tiny_config.mirrors)
    build.main([str(out), "kmnist"])
    assert {path.split("/")[0] for _, path in mirrors[0].requests} == {"kmnist"}
    assert_rows(datasets.load_dataset(str(out), split="train", cache_dir=str(cache)), *tiny.arrays["kmnist"]["train"])
    assert front_matter_of(out)["pretty_name"] == "Kuzushiji-MNIST"
    assert "Not the published archives" not in (out / "README.md").read_text()


def test_archives_that_are_not_the_published_ones_are_called_so(archives, out):
    build.main([str(out), "fashion", "--archives", archives])
    assert front_matter_of(out)["pretty_name"] == "Archives in the form of Fashion-MNIST"
    body = (out / "README.md").read_text().split("---\n")[2].strip()
    assert body.startswith("**Not the published archives: rows of other archives of that form.**\n")


# --- The sample -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_holds_its_drawings(sample, tmp_path, cache, name):
    write_sample_archives(tmp_path)
    loaded = datasets.load_dataset(str(sample), name, cache_dir=str(cache))
    for split, rows in (("train", 600), ("test", 100)):
        images = mnist_family.read_idx(tmp_path / name / f"{SPLITS[split]}-images-idx3-ubyte.gz")
        labels = mnist_family.read_idx(tmp_path / name / f"{SPLITS[split]}-labels-idx1-ubyte.gz")
        assert np.bincount(labels).tolist() == [rows // 10] * 10
        assert_rows(loaded[split], images, labels)


def test_the_sample_is_called_synthetic_wherever_it_shows(sample, capsys):
    front_matter = front_matter_of(sample)
    assert front_matter["pretty_name"].startswith("Synthetic stand-ins for MNIST")
    assert "synthetic" in front_matter["tags"]
    body = (sample / "README.md").read_text().split("---\n")[2].strip()
    assert body.startswith("**Synthetic stand-ins, drawn by a program")
    build.main([str(sample), "--sample"])
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("Synthetic stand-ins, drawn by a program")


def test_drawings_of_a_class_are_alike_and_no_two_the_same(tmp_path):
    """A nearest class mean tells the classes apart, which no random pictures would allow."""
    write_sample_archives(tmp_path)
    for name in NAMES:
        images, labels = (mnist_family.read_idx(tmp_path / name / f"train-{kind}-ubyte.gz")
                          for kind in ("images-idx3", "labels-idx1"))  # fmt: skip
        flat = images.reshape(600, 784).astype(float)
        assert len(np.unique(flat, axis=0)) == 600
        means = np.stack([flat[labels == label].mean(0) for label in range(10)])
        nearest = ((flat[:, None] - means) ** 2).sum(-1).argmin(1)
        assert (nearest == labels).mean() > 0.8


# --- Once is enough ---------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tiny, tmp_path):
    """Archives of two datasets that a test may change."""
    for name in ("mnist", "fashion"):
        shutil.copytree(tiny.folder(name), tmp_path / "archives" / name)
    return tmp_path / "archives"


def test_an_unchanged_build_does_nothing(copied, out, capsys):
    build.main([str(out), "--archives", str(copied)])
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    first = capsys.readouterr().out
    build.main([str(out), "--archives", str(copied), "--num-proc", "2"])
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    second = capsys.readouterr().out
    assert second.startswith(f"{out}: nothing has changed since it was built\n")
    assert first.split("Next")[1] == second.split("Next")[1]


def test_anything_changed_builds_anew(copied, out, capsys):
    def is_rebuilt(*more):
        build.main([str(out), "--archives", str(copied), *more])
        return "nothing has changed" not in capsys.readouterr().out

    assert is_rebuilt()
    images = copied / "mnist" / "train-images-idx3-ubyte.gz"
    images.write_bytes(gz(idx_bytes(pictures(40, 99))))
    assert is_rebuilt()
    np.testing.assert_array_equal(datasets.load_dataset(str(out), split="train")[0]["image"], pictures(40, 99)[0])
    assert is_rebuilt("--max-shard-size", "1MB")
    assert is_rebuilt("--max-shard-size", "2MB", "--num-proc", "2")
    assert not is_rebuilt("--max-shard-size", "2MB")
    (out / "mnist" / "test-00000-of-00001.parquet").write_bytes(b"broken")
    assert is_rebuilt("--max-shard-size", "2MB")
    (out / "fashion" / "train-00000-of-00001.parquet").unlink()
    assert is_rebuilt("--max-shard-size", "2MB")
    shutil.rmtree(copied / "mnist")
    assert is_rebuilt("--max-shard-size", "2MB")
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "fashion"])


# --- What stands beside the rows --------------------------------------------------------------------------------------


def test_pictures_show_the_rows(tiny, archives, out):
    build.main([str(out), "fashion", "--archives", archives])
    images, labels = tiny.arrays["fashion"]["train"]
    for row in range(5):
        picture = PIL.Image.open(out / "pictures" / f"fashion-train-{row}.png")
        np.testing.assert_array_equal(np.asarray(picture.resize((28, 28), PIL.Image.Resampling.NEAREST)), images[row])
    means = np.asarray(PIL.Image.open(out / "pictures" / "fashion-means.png").convert("L"))
    for label in range(10):
        mean = images[labels == label].mean(0).round().astype(np.uint8)
        assert found(means, np.kron(mean, np.ones((3, 3), np.uint8)))
    sheet = np.asarray(PIL.Image.open(out / "pictures" / "fashion-examples.png").convert("L"))
    for image in images:
        assert found(sheet, np.kron(image, np.ones((2, 2), np.uint8)))


def found(sheet, picture):
    """Whether a picture is somewhere on a sheet."""
    windows = np.lib.stride_tricks.sliding_window_view(sheet, picture.shape[1], axis=1)
    return any(
        np.array_equal(windows[top : top + len(picture), left], picture)
        for top, left in zip(*np.nonzero((windows == picture[0]).all(-1)), strict=True)
    )


def test_a_card_shows_the_pictures_that_are_there(sample):
    text = (sample / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+\]\((.*?)\)", text)
    assert sorted({*shown}) == sorted(path.relative_to(sample).as_posix() for path in (sample / "pictures").iterdir())
    assert len(shown) == len({*shown}) == 3 * (2 + 5)


def test_a_sample_says_so_first(sample):
    for file in ("README.md", "LICENSE.md"):
        body = (sample / file).read_text(encoding="utf-8").split("---\n")[-1] if file == "README.md" else None
        text = (body or (sample / file).read_text(encoding="utf-8")).strip()
        assert "**Synthetic stand-ins, drawn by a program to try things out with;" in "\n".join(text.splitlines()[:3])
    assert "Census" not in (sample / "README.md").read_text(encoding="utf-8")


def test_published_archives_carry_their_licence(tiny, archives, out, cache, monkeypatch):
    """KMNIST's asks for a sentence and for the same licence; its figures are measured where its archives are."""
    config = next(config for config in mnist_family.CONFIGS if config.name == "kmnist")
    monkeypatch.setattr(config, "archives", next(c for c in tiny.module.CONFIGS if c.name == "kmnist").archives)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    build.main([str(out), "kmnist", "--archives", archives])
    sentence = '"KMNIST Dataset" (created by CODH), adapted from "Kuzushiji Dataset" (created by NIJL and others)'
    for file in ("README.md", "LICENSE.md"):
        assert f"> {sentence}, doi:10.20676/00000341" in (out / file).read_text(encoding="utf-8")
    assert front_matter_of(out)["license"] == "cc-by-sa-4.0"
    text = (out / "README.md").read_text(encoding="utf-8")
    counts = [np.bincount(tiny.arrays["kmnist"][split][1])[9] for split in SPLITS]
    assert f"| 9 | wo | {counts[0]} | {counts[1]} | {sum(counts)} |" in text
    assert "as the publisher counts" not in text
    assert findings(out) == []


@pytest.mark.real
def test_a_part_of_published_archives_has_the_figures_of_that_part(real_archives, tmp_path, out):
    for path in (real_archives / "fashion").glob("t10k-*"):
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "archives").mkdir()
    for path in tmp_path.glob("t10k-*"):
        path.rename(tmp_path / "archives" / path.name)
    build.main([str(out), "fashion", "--archives", str(tmp_path / "archives")])
    text = (out / "README.md").read_text(encoding="utf-8")
    assert findings(out) == []
    assert "| 9 | Ankle boot | 1,000 | 1,000 |" in text
    assert "of 26 pixels in 21, of 27 pixels in 999, of 28 pixels in 58,980 train images" in text


# --- Whole or not at all ----------------------------------------------------------------------------------------------


def test_one_broken_dataset_leaves_everything_as_it_was(copied, out, capsys, tmp_path):
    build.main([str(out), "--archives", str(copied)])
    before = contents(tmp_path)
    labels = copied / "fashion" / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(labels.read_bytes()[:-9])
    message = fails(capsys, out, "--archives", copied)
    assert message.startswith(f"fashion: {labels}: broken")
    after = contents(tmp_path)
    assert after.pop(labels.relative_to(tmp_path).as_posix()) != before.pop(labels.relative_to(tmp_path).as_posix())
    assert after == before


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (".", r"\.: the working directory or one above it, expected a folder of its own"),
        ("..", r"\.\.: the working directory or one above it"),
        ("file", "file: a file, expected a folder; name a new folder, or delete this one yourself"),
        ("file/out", "file/out: .*file cannot be written to"),
        ("repository", "repository: holds other files, expected an empty folder or one that this command wrote"),
        ("link", "link: a file, expected a folder"),
    ],
)
@pytest.mark.parametrize("source", [["--sample"], ["--archives", "nowhere"]])
def test_what_is_not_ours_is_not_touched(tmp_path, monkeypatch, capsys, place, words, source):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    assert re.match(words, fails(capsys, place, *source))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_and_one_that_is_linked_to_are_taken(archives, tmp_path, cache):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for place in ("empty", "link"):
        build.main([str(tmp_path / place), "mnist", "--archives", archives])
        assert len(datasets.load_dataset(str(tmp_path / place), split="test", cache_dir=str(cache))) == 13
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["emnist"], "emnist: no such dataset, expected some of mnist, fashion, kmnist; correct the name"),
        (["--archives", "nowhere"], "nowhere: no such folder, expected one of archives; correct --archives"),
        (["--archives", "."], r"\.: has none of them, expected one or more of the folders mnist, fashion, kmnist"),
        (["mnist", "--archives", "."], "mnist: .*: holds nothing, expected IDX archives"),
        (["mnist", "fashion", "--archives", "."], "mnist: data_dir '.*mnist': no such folder"),
        (["--sample", "--max-shard-size", "lots"], "--max-shard-size lots: expected 100KB or more, as 2MB"),
        (["--sample", "--max-shard-size", "1KB"], "--max-shard-size 1KB: expected 100KB or more"),
        (["--sample", "--num-proc", "0"], "--num-proc 0: expected 1 or more"),
    ],
)
def test_a_mistake_gets_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert re.match(words, fails(capsys, "out", *arguments))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_gets_one_line_and_the_next_build_works(archives, out):
    code = f"""
import resource, sys
from mnist_tools.commands import build
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # bytes that a file may have
build.main([{str(out)!r}, "mnist", "--archives", {archives!r}])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert "File too large" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert list(out.parent.iterdir()) == []
    build.main([str(out), "mnist", "--archives", archives])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("moment", [0.0, 0.01, 0.03, 0.1, 0.3])
def test_a_build_that_is_ended_leaves_a_whole_folder_or_none(tmp_path, out, how, moment, cache):
    """Ended while the new folder is written or moves in, or a little later."""
    rows = 3000
    folder = write_split(tmp_path / "archives", "train", pictures(rows, 1), numbers(rows, 1))
    command = [*COMMAND, str(out), "mnist", "--archives", str(folder), "--max-shard-size"]
    subprocess.run([*command, "500MB"], check=True, capture_output=True)
    old = contents(out)
    process = subprocess.Popen([*command, "100KB"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not (tmp_path / ".out.incomplete").exists() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(moment)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    if how == signal.SIGKILL:
        assert contents(out) in (old, None) or is_whole(out)
    else:
        assert "Traceback" not in stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["archives", "out"]
        assert contents(out) == old or is_whole(out)
        if process.returncode == 1:
            assert stderr.endswith(f"{out}: interrupted, no half-built folder is left; run it again\n")
    subprocess.run([*command, "200KB"], check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archives", "out"]
    assert len(datasets.load_dataset(str(out), split="train", cache_dir=str(cache))) == rows


def is_whole(folder):
    return is_current(folder, read_marker(folder)["made_of"])


def test_two_builds_of_one_folder_do_not_mix(out, archives, capsys):
    with publishing(out, "something"):
        message = fails(capsys, out, "mnist", "--archives", archives)
        assert message == f"{out}: another process is writing it, expected none; wait for its end"
    build.main([str(out), "mnist", "--archives", archives])


def test_an_error_while_the_folder_moves_in_puts_the_old_one_back(out, archives, monkeypatch, capsys):
    build.main([str(out), "mnist", "--archives", archives])
    before = contents(out)
    rename = pathlib.Path.rename

    def fail(self, target):
        if self.name.endswith(".incomplete"):
            raise OSError("no more")
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", fail)
    assert fails(capsys, out, "fashion", "--archives", archives) == "no more"
    assert contents(out) == before
    assert os.listdir(out.parent) == ["out"]


def test_a_build_killed_between_the_two_moves_is_put_back(out, archives):
    build.main([str(out), "mnist", "--archives", archives])
    before = contents(out)
    out.rename(out.parent / ".out.old")
    with pytest.raises(RuntimeError), publishing(out, "something"):
        raise RuntimeError
    assert contents(out) == before


# --- The real archives ------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_every_row_of_a_real_build_is_the_archives(real_archives, out, cache):
    build.main([str(out), "--archives", str(real_archives)])
    assert front_matter_of(out)["pretty_name"] == "MNIST, Fashion-MNIST"
    for name in ("mnist", "fashion"):
        loaded = datasets.load_dataset(str(out), name, cache_dir=str(cache))
        for split, file in SPLITS.items():
            images = mnist_family.read_idx(real_archives / name / f"{file}-images-idx3-ubyte.gz")
            labels = mnist_family.read_idx(real_archives / name / f"{file}-labels-idx1-ubyte.gz")
            assert_rows(loaded[split], images, labels)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_that_datasets_wraps_is_told_as_it_was(tmp_path, out, processes):
    """The cache has no room for the rows."""
    folder = write_split(tmp_path / "archives", "train", pictures(3000, 1), numbers(3000, 1))
    code = f"""
import resource
from mnist_tools.commands import build
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))  # bytes that a file may have
build.main([{str(out)!r}, "mnist", "--archives", {str(folder)!r}, "--num-proc", "{processes}"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert re.fullmatch("mnist: .*File too large.*", result.stderr.splitlines()[-1])
    assert not out.exists()

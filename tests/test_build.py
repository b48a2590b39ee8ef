"""Folders built from archives: what is in them, and when they are built, refused or left alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import PIL.Image
import pytest
from conftest import (
    NAMES,
    ROOT,
    assert_rows,
    contents,
    front_matter_of,
    gz,
    idx_bytes,
    numbers,
    pictures,
    write_split,
)

import mnist_family
from mnist_tools import cli, dataset_folder
from mnist_tools.commands import build as command
from mnist_tools.commands.build import Built, build
from mnist_tools.lint import findings
from mnist_tools.manifest import MANIFEST, read_manifest
from mnist_tools.own_origins import RESERVED
from mnist_tools.sample import write_sample_archives
from mnist_tools.shards import local
from mnist_tools.whole_folder import whole_folder

FILES = [MANIFEST, "LICENSE.md", "README.md", "class_names", "croissant.json", "pictures"]
SPLITS = {"train": "train", "test": "t10k"}


@pytest.fixture
def archives(tiny):
    return tiny.folder()


def run(out, *names, **settings):
    """Run the command as the parser would, and return its exit code."""
    defaults = {"archives": None, "sample": False, "resize": False, "num_proc": None}
    shared = {"max_shard_size": "64MB", "force": False}
    of_engine = {"engine": "local", "address": None, "fresh": False}
    return command.run(out, names, **{**defaults, **shared, **of_engine, **settings})


# --- What is in it --------------------------------------------------------------------------------


@pytest.mark.release
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_load_dataset_gives_the_rows_of_the_archives(tiny, archives, out, cache, name, streaming):
    build(out, archives=archives)
    loaded = datasets.load_dataset(str(out), name, streaming=streaming, cache_dir=str(cache))
    assert list(loaded) == ["train", "test"]
    for split, rows in loaded.items():
        assert_rows(rows, *tiny.arrays[name][split])
        names = mnist_family.find_config(name).class_names
        assert rows.features == datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))}
        )


@pytest.mark.parametrize("names", [["fashion"], ["kmnist", "fashion"], []])
def test_the_first_dataset_named_is_the_default(tiny, archives, out, cache, names):
    build(out, names, archives=archives)
    front_matter = front_matter_of(out)
    order = [*(names or NAMES)]
    assert [config["config_name"] for config in front_matter["configs"]] == order
    assert [config.get("default") for config in front_matter["configs"]] == [True] + [None] * (
        len(order) - 1
    )
    cards = ["dataset_cards"] if len(order) > 1 else []
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, *cards, *order])
    loaded = datasets.load_dataset(str(out), split="test", cache_dir=str(cache))
    assert_rows(loaded, *tiny.arrays[order[0]]["test"])


def test_front_matter_says_what_the_files_hold(archives, out):
    build(out, archives=archives)
    for info in front_matter_of(out)["dataset_info"]:
        files = {split: list((out / info["config_name"]).glob(f"{split}-*")) for split in SPLITS}
        assert [file.name for file in files["train"]] == ["train-00000-of-00001.parquet"]
        assert info["download_size"] == sum(
            file.stat().st_size for pair in files.values() for file in pair
        )
        assert info["dataset_size"] == sum(split["num_bytes"] for split in info["splits"])
        assert {split["name"]: split["num_examples"] for split in info["splits"]} == {
            "train": 40,
            "test": 13,
        }
        names = info["features"][1]["dtype"]["class_label"]["names"]
        assert list(names) == [str(label) for label in range(10)]
        assert all(isinstance(name, str) for name in names.values())


@pytest.mark.release
def test_ones_own_classes_and_splits_are_built(tmp_path, out, cache):
    folder = write_split(tmp_path / "letters", "val", pictures(30, 1), numbers(30, 1, 3))
    (folder / "labels.txt").write_text("alpha\nbeta\ngamma\n")
    build(out, ["mnist"], archives=folder)
    loaded = datasets.load_dataset(str(out), cache_dir=str(cache))
    assert list(loaded) == ["val"]
    assert loaded["val"].features["label"].names == ["alpha", "beta", "gamma"]
    assert_rows(loaded["val"], pictures(30, 1), numbers(30, 1, 3))


@pytest.mark.release
def test_shards_keep_to_their_size_and_order(tmp_path, out, cache):
    archives = write_split(tmp_path / "archives", "train", pictures(1500, 1), numbers(1500, 1))
    build(out, ["mnist"], archives=archives, max_shard_size="100KB")
    files = sorted((out / "mnist").iterdir())
    assert len(files) > 5
    assert [file.name for file in files] == [
        f"train-{i:05}-of-{len(files):05}.parquet" for i in range(len(files))
    ]
    assert max(file.stat().st_size for file in files) <= 100_000
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(cache))
    assert_rows(loaded, pictures(1500, 1), numbers(1500, 1))


@pytest.mark.release
def test_the_same_archives_give_the_same_bytes(archives, tmp_path):
    build(tmp_path / "one", archives=archives)
    build(tmp_path / "two", archives=archives, num_proc=2)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    for path in one:
        if path.endswith(".md"):  # which name their folder
            one[path] = one[path].replace(b'"./one"', b'"./two"')
    manifests = [json.loads(each.pop(MANIFEST)) for each in (one, two)]
    assert one == two
    assert [{*each["files"]} for each in manifests] == [{*one}] * 2


def test_the_mirrors_are_the_default_source(tiny, mirrors, out, cache, monkeypatch):
    for config, tiny_config in zip(mnist_family.CONFIGS, tiny.module.CONFIGS, strict=True):
        monkeypatch.setattr(config, "archives", tiny_config.archives)
        monkeypatch.setattr(config, "mirrors", tiny_config.mirrors)
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", cache / "downloads")
    build(out, ["kmnist"])
    assert {path.split("/")[0] for _, path in mirrors[0].requests} == {"kmnist"}
    assert_rows(
        datasets.load_dataset(str(out), split="train", cache_dir=str(cache)),
        *tiny.arrays["kmnist"]["train"],
    )
    assert front_matter_of(out)["pretty_name"] == "Kuzushiji-MNIST"
    assert "Not the published archives" not in (out / "README.md").read_text()
    assert not build(out, ["kmnist"]).changed
    assert build(out, ["kmnist"], sample=True).changed


def test_archives_that_are_not_the_published_ones_are_called_so(archives, out):
    build(out, ["fashion"], archives=archives)
    assert front_matter_of(out)["pretty_name"] == "Archives in the format of Fashion-MNIST"
    body = (out / "README.md").read_text().split("---\n")[2].strip()
    note = "**These are not the published archives, but others in the same format.**"
    assert body.splitlines()[2] == note


# --- The sample -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_holds_its_drawings(sample, tmp_path, cache, name):
    write_sample_archives(tmp_path, [name])
    loaded = datasets.load_dataset(str(sample), name, cache_dir=str(cache))
    for split, rows in (("train", 600), ("test", 100)):
        images = mnist_family.read_idx(tmp_path / name / f"{SPLITS[split]}-images-idx3-ubyte.gz")
        labels = mnist_family.read_idx(tmp_path / name / f"{SPLITS[split]}-labels-idx1-ubyte.gz")
        assert np.bincount(labels).tolist() == [rows // 10] * 10
        assert_rows(loaded[split], images, labels)


def test_the_sample_is_called_synthetic_wherever_it_shows(sample, capsys):
    front_matter = front_matter_of(sample)
    assert front_matter["pretty_name"].startswith("Synthetic MNIST, ")
    assert "synthetic" in front_matter["tags"]
    body = (sample / "README.md").read_text().split("---\n")[2].strip()
    assert body.splitlines()[2].startswith("**Synthetic images, drawn by a program")
    assert run(sample, sample=True) == 0
    assert (
        capsys.readouterr()
        .out.strip()
        .splitlines()[-1]
        .startswith("Synthetic images, drawn by a program")
    )


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


# --- Once is enough -------------------------------------------------------------------------------


@pytest.fixture
def copied(tiny, tmp_path):
    """Archives of two datasets that a test may change."""
    for name in ("mnist", "fashion"):
        shutil.copytree(tiny.folder(name), tmp_path / "archives" / name)
    return tmp_path / "archives"


def test_an_unchanged_build_does_nothing(copied, out, capsys):
    assert run(out, archives=copied) == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    first = capsys.readouterr().out
    assert run(out, archives=copied, num_proc=2) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    second = capsys.readouterr().out
    rows = "mnist: 40 train rows, 13 test rows\nfashion: 40 train rows, 13 test rows\n"
    state = f"{out}: built; contains MNIST, Fashion-MNIST\n"
    assert first.startswith(f"{state}{rows}card: {out}/README.md")
    assert second.startswith(f"{out}: already up to date\ncard: {out}/README.md; pictures")
    assert first.split("Next")[1] == second.split("Next")[1]


def test_anything_changed_builds_anew(copied, out):
    def is_rebuilt(**settings):
        return build(out, archives=copied, **settings).changed

    assert is_rebuilt()
    assert not is_rebuilt()
    images = copied / "mnist" / "train-images-idx3-ubyte.gz"
    images.write_bytes(gz(idx_bytes(pictures(40, 99))))
    assert is_rebuilt()
    rows = datasets.load_dataset(str(out), split="train")
    np.testing.assert_array_equal(rows[0]["image"], pictures(40, 99)[0])
    assert is_rebuilt(max_shard_size="1MB")
    assert is_rebuilt(max_shard_size="2MB", num_proc=2)
    assert not is_rebuilt(max_shard_size="2MB")
    (out / "fashion" / "train-00000-of-00001.parquet").unlink()
    assert is_rebuilt(max_shard_size="2MB")
    shutil.rmtree(copied / "mnist")
    assert is_rebuilt(max_shard_size="2MB")
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "fashion"])


def test_a_sample_is_another_build_than_archives(archives, out):
    build(out, ["mnist"], archives=archives)
    assert build(out, ["mnist"], sample=True).changed
    assert not build(out, ["mnist"], sample=True).changed


def test_the_manifest_lists_every_file_with_its_digest(sample):
    """What a push compares and publishes."""
    manifest = read_manifest(sample)
    assert manifest.command == "build"
    assert sorted([*manifest.files, MANIFEST]) == sorted(contents(sample))


# --- What is printed ------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["out", "deep/../out", "absolute", "it's ü"])
def test_the_printed_lines_load_the_first_row(
    tmp_path, archives, monkeypatch, capsys, given, cache
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    (tmp_path / "deep").mkdir()
    place = Path(given) if given != "absolute" else tmp_path / given
    assert run(place, "kmnist", archives=archives) == 0
    code = capsys.readouterr().out.partition("Next, in Python:\n\n")[2]
    lines = [line.strip() for line in code.splitlines()]
    assert lines[0] == "import datasets"
    names = {}
    exec("\n".join(lines[:-1]), names)
    assert eval(lines[-1], names) == names["dataset"]["train"][0]


def test_the_printed_split_is_the_first_of_the_first_dataset(tmp_path, out):
    """In the loader's order, which is not the alphabet's: train, others, test."""
    folder = tmp_path / "archives"
    for split in ("test", "apart", "val"):
        write_split(folder, split, pictures(3, 1), numbers(3, 1))
    splits = ("apart", "val", "test")
    rows = {"mnist": dict.fromkeys(splits, 3)}
    expected = Built(out, ("mnist",), ("MNIST",), splits, (), (), changed=True, rows=rows)
    assert build(out, ["mnist"], archives=folder) == expected


# --- What stands beside the rows ------------------------------------------------------------------


def test_pictures_show_the_rows(tiny, archives, out):
    build(out, ["fashion"], archives=archives)
    images, labels = tiny.arrays["fashion"]["train"]
    for row in range(5):
        picture = PIL.Image.open(out / "pictures" / f"fashion-train-{row}.png")
        np.testing.assert_array_equal(
            np.asarray(picture.resize((28, 28), PIL.Image.Resampling.NEAREST)), images[row]
        )
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
    """The card of all has the sheets of each dataset; each one's own card has the rows, too."""
    shown = set()
    for card in ("README.md", *(f"dataset_cards/{name}.md" for name in NAMES)):
        text = (sample / card).read_text(encoding="utf-8")
        pictures_of_card = re.findall(r"!\[[^]]+\]\((.*?)\)", text)
        assert len(pictures_of_card) == len({*pictures_of_card})
        assert len(pictures_of_card) == (3 * 3 if card == "README.md" else 3 + 5)
        shown |= {
            os.path.normpath((sample / card).parent / picture) for picture in pictures_of_card
        }
    assert shown == {str(path) for path in (sample / "pictures").iterdir()}


def test_no_dataset_may_be_named_like_what_build_writes_beside_it(sample):
    others = {path.name.lower() for path in sample.iterdir() if not path.name.startswith(".")}
    assert others - {*NAMES} == {*RESERVED}


def test_a_sample_says_so_first(sample):
    for file in ("README.md", "LICENSE.md"):
        body = (
            (sample / file).read_text(encoding="utf-8").split("---\n")[-1]
            if file == "README.md"
            else None
        )
        text = (body or (sample / file).read_text(encoding="utf-8")).strip()
        assert "**Synthetic images, drawn by a program for trying things out." in "\n".join(
            text.splitlines()[:3]
        )
    assert "Census" not in (sample / "README.md").read_text(encoding="utf-8")


def test_published_archives_carry_their_licence(tiny, archives, out, cache, monkeypatch):
    """KMNIST's asks for a sentence and for the same licence; its figures are measured."""
    config = mnist_family.find_config("kmnist")
    monkeypatch.setattr(config, "archives", tiny.module.find_config("kmnist").archives)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    build(out, ["kmnist"], archives=archives)
    sentence = (
        '"KMNIST Dataset" (created by CODH), '
        'adapted from "Kuzushiji Dataset" (created by NIJL and others)'
    )
    for file in ("README.md", "LICENSE.md"):
        assert f"{sentence}, doi:10.20676/00000341" in (out / file).read_text(encoding="utf-8")
    assert front_matter_of(out)["license"] == "cc-by-sa-4.0"
    text = (out / "README.md").read_text(encoding="utf-8")
    counts = [np.bincount(tiny.arrays["kmnist"][split][1])[9] for split in SPLITS]
    assert f"| 9 | wo | {counts[0]} | {counts[1]} |" in text
    assert "Rows of each class, as the publisher counts" not in text
    assert findings(out) == []


@pytest.mark.real
def test_a_part_of_published_archives_has_the_figures_of_that_part(real_archives, tmp_path, out):
    for path in (real_archives / "fashion").glob("t10k-*"):
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "archives").mkdir()
    for path in tmp_path.glob("t10k-*"):
        path.rename(tmp_path / "archives" / path.name)
    build(out, ["fashion"], archives=tmp_path / "archives")
    text = (out / "README.md").read_text(encoding="utf-8")
    assert findings(out) == []
    assert "| 9 | Ankle boot | 1,000 |" in text
    sides = "28 px (9,833), 27 px (165), 26 px (2)"
    assert f"| longer side of the bounding box | {sides} |" in text


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"sources": ["mnist", "emnist"]},
            "emnist: neither a published dataset nor a file or folder, expected mnist, fashion, "
            "kmnist, or a path; correct it",
        ),
        (
            {"archives": "nowhere"},
            "nowhere: no such folder, expected a folder of archives; correct --archives",
        ),
        (
            {"archives": "."},
            ".: no folder named after a dataset, expected one or more of mnist, fashion, kmnist "
            "in it; give a NAME if the archives are in this folder itself",
        ),
        (
            {"sample": True, "archives": "."},
            "sample: given with archives, expected one of the two; leave the other out",
        ),
        (
            {"sample": True, "max_shard_size": "lots"},
            "--max-shard-size lots: not a valid size, expected at least 100KB, as in 2MB or 500MB; "
            "correct it",
        ),
        (
            {"sample": True, "max_shard_size": "99KB"},
            "--max-shard-size 99KB: not a valid size, expected at least 100KB, as in 2MB or 500MB; "
            "correct it",
        ),
        (
            {"sample": True, "num_proc": 0},
            "--num-proc 0: too few, expected 1 or more; correct it",
        ),
    ],
)
def test_a_wrong_argument_is_told(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="expected") as caught:
        build("out", **arguments)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (["mnist"], "mnist: {0}: holds nothing, expected IDX archives"),
        (["mnist", "fashion"], "mnist: data_dir '{0}/mnist': no such folder, expected"),
    ],
)
def test_a_fault_in_archives_names_the_dataset(tmp_path, out, names, start):
    (tmp_path / "archives").mkdir()
    with pytest.raises(ValueError, match="expected") as caught:
        build(out, names, archives=tmp_path / "archives")
    assert str(caught.value).startswith(start.format(tmp_path / "archives"))
    assert not out.exists()


@pytest.mark.parametrize("characters", ["*", "?", "[1]", "::"])
def test_a_path_that_load_dataset_reads_as_a_pattern_is_refused(tmp_path, characters):
    out = tmp_path / f"a{characters}" / "out"
    with pytest.raises(ValueError, match="expected") as caught:
        build(out, sample=True)
    assert str(caught.value) == (
        f"{out}: a path with *, ?, [ or ::, which load_dataset reads as a pattern, "
        "expected a path without them; choose another folder"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_below_a_pattern_is_refused(tmp_path, monkeypatch):
    (tmp_path / "[1]").mkdir()
    monkeypatch.chdir(tmp_path / "[1]")
    with pytest.raises(ValueError, match="out: a path with .* which load_dataset reads"):
        build("out", sample=True)


@pytest.mark.parametrize("force", [False, True])
def test_the_users_files_are_kept(archives, out, force):
    build(out, ["mnist"], archives=archives)
    (out / "notes.txt").write_text("mine")
    before = contents(out)
    with pytest.raises(ValueError, match=r"out: holds notes\.txt, which build did not write"):
        build(out, ["fashion"], archives=archives, force=force)
    assert contents(out) == before


def test_an_edited_card_is_replaced_only_with_force(archives, out):
    build(out, ["mnist"], archives=archives)
    (out / "README.md").write_text("mine")
    before = contents(out)
    with pytest.raises(ValueError, match=r"out: edits in README\.md"):
        build(out, ["mnist"], archives=archives)
    assert contents(out) == before
    assert build(out, ["mnist"], archives=archives, force=True).changed
    assert findings(out) == []
    assert not build(out, ["mnist"], archives=archives).changed


@pytest.mark.parametrize("edited", [False, True])
def test_a_folder_of_1_0_0_is_replaced_unless_it_was_edited(archives, out, edited):
    build(out, ["mnist"], archives=archives)
    files = read_manifest(out).files
    (out / MANIFEST).write_text(json.dumps({"made_of": "0" * 64, "files": files}, indent=1))
    if edited:
        (out / "README.md").write_text("mine")
        with pytest.raises(ValueError, match=r"out: edits in README\.md"):
            build(out, ["mnist"], archives=archives)
    else:
        assert build(out, ["mnist"], archives=archives).changed


def test_a_conversion_is_not_replaced(archives, out):
    with whole_folder(out, command="convert", made_of="this") as folder:
        (folder / "train.csv").write_text("")
    with pytest.raises(ValueError, match="out: written by convert, expected"):
        build(out, ["mnist"], archives=archives, force=True)
    assert (out / "train.csv").exists()


def test_a_folder_does_not_hold_what_it_is_built_from(tiny, tmp_path, out):
    """Neither the other way round, nor behind links."""
    shutil.copytree(tiny.folder("mnist"), out / "archives")
    for place, archives, words in (
        (out, out / "archives", f"contains {out / 'archives'}"),
        (out / "archives" / "built", out / "archives", f"inside {out / 'archives'}"),
    ):
        with pytest.raises(
            ValueError, match=re.escape(f"{place}: {words}, expected a folder apart")
        ):
            build(place, ["mnist"], archives=archives)
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in (out / "archives").iterdir():
        (linked / path.name).symlink_to(path)
    with pytest.raises(ValueError, match=re.escape(f"{out}: contains {linked}")):
        build(out, ["mnist"], archives=linked)
    assert len(contents(out)) == 4


# --- Whole or not at all --------------------------------------------------------------------------


def test_one_broken_dataset_leaves_everything_as_it_was(copied, out, tmp_path):
    build(out, archives=copied)
    labels = copied / "fashion" / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(labels.read_bytes()[:-9])
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=re.escape(f"fashion: {labels}: broken")):
        build(out, archives=copied)
    assert contents(tmp_path) == before


def test_a_missing_mirror_is_an_error_of_the_network(tiny, mirrors, out, monkeypatch):
    for config in mnist_family.CONFIGS:
        monkeypatch.setattr(config, "mirrors", ("http://127.0.0.1:9/",))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", out.parent / "cache")
    with pytest.raises(
        ConnectionError,
        match=r"mnist: train-images-idx3-ubyte\.gz: not available from any mirror of MNIST",
    ):
        build(out, ["mnist"])
    assert not out.exists()


LIMITED = """
import resource, sys
from mnist_tools import cli, dataset_folder
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, resource.RLIM_INFINITY))  # bytes a file may have
cli.main("build", sys.argv[1:])
"""


def run_limited(size, *arguments):
    """Run the command in a process that cannot write larger files, as on a full disk."""
    arguments = [sys.executable, "-c", LIMITED.format(size), *map(str, arguments)]
    return subprocess.run(arguments, capture_output=True, text=True)


@pytest.mark.release
@pytest.mark.skipif(os.name == "nt", reason="has no such limit")
def test_a_full_disk_gets_one_line_and_the_next_build_works(archives, out):
    """The rows fit into the cache, and the pictures not into OUT."""
    result = run_limited(20_000, out, "mnist", "--archives", archives)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch("mnist: .*File too large.*", last), result.stderr
    assert "Traceback" not in result.stderr
    assert list(out.parent.iterdir()) == []
    build(out, ["mnist"], archives=archives)


@pytest.mark.release
@pytest.mark.skipif(os.name == "nt", reason="has no such limit")
@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_that_datasets_wraps_is_told_as_it_was(tmp_path, out, processes):
    """The cache has no room for the rows."""
    folder = write_split(tmp_path / "archives", "train", pictures(3000, 1), numbers(3000, 1))
    arguments = ("mnist", "--archives", folder, "--num-proc", processes)
    result = run_limited(100_000, out, *arguments)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch("mnist: .*File too large.*", last), result.stderr
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="has no such limit")
def test_an_error_starts_on_a_line_of_its_own(tmp_path, out):
    """While archives are unpacked, a progress bar is on the last line."""
    folder = write_split(tmp_path / "archives", "train", pictures(2000, 1), numbers(2000, 1))
    settings = ("--max-shard-size", "100KB")
    result = run_limited(1_500_000, out, "mnist", "--archives", folder, *settings)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch("mnist: .*-images-idx3-ubyte.*: File too large, .*", last), result.stderr


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("written", ["kept/mnist", "new/README.md"])
def test_a_build_that_is_ended_leaves_a_whole_folder(tmp_path, out, how, written, cache):
    """Ended while it writes rows, and while it writes the last files or moves in."""
    rows, archives = 3000, tmp_path / "archives"
    write_split(archives, "train", pictures(rows, 1), numbers(rows, 1))
    build(out, ["mnist"], archives=archives)
    old = contents(out)
    program = [sys.executable, str(ROOT / "scripts" / "build.py"), str(out), "mnist"]
    arguments = ["--archives", str(archives), "--max-shard-size", "100KB"]
    process = subprocess.Popen([*program, *arguments], stderr=subprocess.PIPE, text=True)
    work = out.parent / ".out.mnist_family"
    wait_for(work / written, process)
    process.send_signal(getattr(signal, how))
    _, stderr = process.communicate(timeout=60)
    sidecars = [*work.glob("kept/mnist/*.json")]
    finished = sum(path.with_suffix(".parquet").exists() for path in sidecars)
    if how == "SIGKILL":
        assert process.returncode == -signal.SIGKILL
    elif process.returncode == 1:
        assert "Traceback" not in stderr
        assert work.exists() == (finished > 0)
        assert not finished or f"{finished} finished shard" in stderr.splitlines()[-1]
    if process.returncode == 0:
        assert contents(out) != old
    elif out.exists():
        assert contents(out) == old
    settings = {"archives": archives, "max_shard_size": "100KB"}
    assert build(out, ["mnist"], **settings).reused_shards == finished
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archives", "out"]
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(cache))
    assert_rows(loaded, pictures(rows, 1), numbers(rows, 1))


def wait_for(path, process):
    """Wait until a process has made a file or folder, which it must do before it ends."""
    while not path.exists():
        assert process.poll() is None, f"ended without {path}"
        time.sleep(0.001)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def run_cli(out, archives, **settings):
    """Run the command with its error handling, and return its exit code."""
    arguments = {"sources": ["mnist"], "archives": archives, "sample": False, "resize": False}
    shared = {"num_proc": 1, "max_shard_size": "64MB", "force": False}
    of_engine = {"engine": "local", "address": None, "fresh": False}
    return cli.run_command("build", {"out": out, **arguments, **shared, **of_engine, **settings})


def test_a_build_that_is_interrupted_at_once_leaves_nothing(archives, out, monkeypatch, capsys):
    monkeypatch.setattr(local, "write_shard", interrupt)
    assert run_cli(out, archives) == 1
    line = "build: interrupted; no partial output is left, run the command again"
    assert capsys.readouterr().err.splitlines()[-1] == line
    assert not any(out.parent.iterdir())


def test_an_interrupted_build_goes_on(archives, out, monkeypatch, capsys):
    kept = out.with_name(".out.mnist_family") / "kept"
    with monkeypatch.context() as patch:
        patch.setattr(dataset_folder, "render", interrupt)
        assert run_cli(out, archives) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"build: interrupted, 2 finished shards are kept in {kept}; run the command again to "
        "continue, or with --fresh to start over"
    )
    assert [path.name for path in out.parent.iterdir()] == [".out.mnist_family"]
    before = {path.name: path.stat().st_mtime_ns for path in kept.glob("mnist/*.parquet")}
    assert run_cli(out, archives) == 0
    assert "shards reused from an earlier run: 2" in capsys.readouterr().out
    after = {path.name: path.stat().st_mtime_ns for path in out.glob("mnist/*.parquet")}
    assert after == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("change", ["input", "settings", "fresh"])
def test_shards_of_another_build_are_not_used(copied, out, monkeypatch, change):
    with monkeypatch.context() as patch:
        patch.setattr(dataset_folder, "render", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build(out, ["mnist"], archives=copied)
    settings = {}
    if change == "input":
        images = copied / "mnist" / "train-images-idx3-ubyte.gz"
        images.write_bytes(gz(idx_bytes(pictures(40, 99))))
    elif change == "settings":
        (copied / "mnist" / "labels.txt").write_text("\n".join("abcdefghij"))
    else:
        settings["fresh"] = True
    assert build(out, ["mnist"], archives=copied, **settings).reused_shards == 0
    assert sorted(path.name for path in out.parent.iterdir()) == ["archives", "out"]


@pytest.mark.parametrize("kind", [OSError, ValueError])
def test_after_an_error_the_shards_are_kept(archives, out, monkeypatch, kind):
    def fail(*_, **__):
        raise kind("mnist: no space")

    kept = out.with_name(".out.mnist_family") / "kept"
    with monkeypatch.context() as patch:
        patch.setattr(dataset_folder, "render", fail)
        with pytest.raises(kind) as caught:
            build(out, ["mnist"], archives=archives)
    assert str(caught.value) == f"mnist: no space; 2 finished shards are kept in {kept}"
    assert build(out, ["mnist"], archives=archives).reused_shards == 2


# --- The real archives ----------------------------------------------------------------------------


@pytest.mark.real
def test_every_row_of_a_real_build_is_the_archives(real_archives, real_loaded, out, cache):
    """Compares PNG files and labels with those of `load`, which test_real.py decodes."""
    build(out, ["fashion"], archives=real_archives)
    assert front_matter_of(out)["pretty_name"] == "Fashion-MNIST"
    built = datasets.load_dataset(str(out), "fashion", cache_dir=str(cache))
    for split, rows in real_loaded["fashion"].items():
        for column in ("image", "label"):
            expected = rows.data.column(column).combine_chunks()
            assert built[split].data.column(column).combine_chunks().equals(expected)

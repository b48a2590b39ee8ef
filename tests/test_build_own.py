"""Folders built from data of one's own, in any format, with a card that is true."""

import errno
import json
import os
import re
import shutil
import struct

import datasets
import numpy as np
import PIL.Image
import pytest
from conftest import (
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
import mnist_tools
from mnist_tools import dataset_folder
from mnist_tools.commands import build as command
from mnist_tools.commands import lint
from mnist_tools.commands.build import build
from mnist_tools.commands.convert import convert
from mnist_tools.commands.init import init
from mnist_tools.commands.measure import measure
from mnist_tools.formats import idx
from mnist_tools.lint import findings
from mnist_tools.manifest import MANIFEST

CLASS_NAMES = ("alpha", "beta", "gamma", "delta")
SPLITS = {
    "train": (pictures(40, 1), numbers(40, 1, 4)),
    "test": (pictures(12, 2), numbers(12, 2, 4)),
}
FACTS = """\
title: Greek Letters by Hand
licence: cc-by-4.0
description: Fifty-two letters, written by two people.
authors:
  - name: Ada Example
    affiliation: Example University
    url: https://example.org/ada
    orcid: 0000-0002-1825-0097
rationale: Nobody had published these four letters.
collection: Each writer filled in one page.
annotation: The page says which letter to write.
version: 2.1.0
changes: "2.1.0: three labels were corrected."
citation: |
  @misc{letters, title = {Greek Letters by Hand}, author = {Example, Ada}, year = {2026}}
more:
  How to take part: |
    Write to **us**, and we will send you a form.
"""
READ = (
    "letters: IDX with the splits train, test and 4 classes: alpha, beta, gamma, delta "
    "(named by labels.txt)"
)
OPEN = (
    "open: known_issues, sensitive, intended_uses, out_of_scope_uses, contact, funding; "
    "8 of 14 answered"
)


@pytest.fixture
def letters(tmp_path):
    """A folder of archives of one's own, with facts."""
    folder = tmp_path / "letters"
    for split, arrays in SPLITS.items():
        write_split(folder, {"test": "t10k"}.get(split, split), *arrays)
    (folder / "labels.txt").write_text("\n".join(CLASS_NAMES))
    (folder / "facts.yaml").write_text(FACTS, encoding="utf-8")
    return folder


def card_of(out):
    return (out / "README.md").read_text(encoding="utf-8")


def croissant_of(out):
    return json.loads((out / "croissant.json").read_text(encoding="utf-8"))


def load_built(out, name, cache):
    return datasets.load_dataset(str(out), name, cache_dir=str(cache))


# --- Rows -----------------------------------------------------------------------------------------


@pytest.mark.release
def test_a_folder_of_ones_own_is_built_under_its_name(letters, out, cache):
    built = build(out, [letters])
    assert (built.names, built.titles) == (("letters",), ("Greek Letters by Hand",))
    loaded = load_built(out, "letters", cache)
    assert list(loaded) == ["train", "test"]
    for split, arrays in SPLITS.items():
        assert_rows(loaded[split], *arrays)
        assert loaded[split].features["label"].names == [*CLASS_NAMES]
    assert findings(out) == []


@pytest.mark.parametrize("form", ["idx", "csv", "imagefolder", "npz", "parquet", "webdataset"])
def test_every_format_that_convert_reads_gives_the_same_rows(letters, tmp_path, out, cache, form):
    """Also under another name, and without anything left beside OUT."""
    convert(letters, tmp_path / "converted", to=form)
    assert build(out, [f"other={tmp_path / 'converted'}"]).names == ("other",)
    loaded = load_built(out, "other", cache)
    for split, arrays in SPLITS.items():
        assert_rows(loaded[split], *arrays)
        assert loaded[split].features["label"].names == [*CLASS_NAMES]
    assert sorted(path.name for path in out.iterdir()) == [
        ".mnist_family.json",
        "LICENSE.md",
        "README.md",
        "class_names",
        "croissant.json",
        "other",
        "pictures",
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == [
        "converted",
        "letters",
        "out",
    ]


def test_rows_without_a_label_stay_without(tmp_path, out, cache):
    labels = numbers(20, 1, 3).astype(np.int64)
    labels[::5] = -1
    np.savez(tmp_path / "some.npz", x_train=pictures(20, 1), y_train=labels)
    build(out, [tmp_path / "some.npz"])
    assert_rows(load_built(out, "some", cache)["train"], pictures(20, 1), labels)


def test_published_and_own_datasets_share_a_folder(tiny, letters, out, cache):
    """The first one named is the default."""
    build(out, [letters, "fashion"], archives=tiny.folder())
    assert [config["config_name"] for config in front_matter_of(out)["configs"]] == [
        "letters",
        "fashion",
    ]
    assert_rows(load_built(out, None, cache)["train"], *SPLITS["train"])
    assert_rows(load_built(out, "fashion", cache)["test"], *tiny.arrays["fashion"]["test"])
    assert findings(out) == []


def test_images_of_other_sizes_are_scaled_if_asked_for(tmp_path, out, cache):
    image = PIL.Image.fromarray(np.full((14, 14, 3), 200, np.uint8))
    for name in ("a", "b"):
        (tmp_path / "big" / name).mkdir(parents=True)
        image.save(tmp_path / "big" / name / "1.png")
    with pytest.raises(ValueError, match="14 × 14 in mode RGB, expected .*pass --resize"):
        build(out, [tmp_path / "big"])
    assert not out.exists()
    build(out, [tmp_path / "big"], resize=True)
    assert_rows(load_built(out, "big", cache)["train"], np.full((2, 28, 28), 200, np.uint8), [0, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [0, 1, 255],
            "some: {0}, train: label 255 in row 2, expected -1 to 254; name 256 classes or more in "
            "labels.txt beside the data",
        ),
        ([0, -2, 1], "some: {0}, train: label -2 in row 1, expected -1 to 254; correct the label"),
        (
            [0, 1, 65539],
            "some: {0}, train: label 65539 in row 2, expected -1 to 254; correct the label",
        ),
        ([], "some: {0}, train: no rows, expected at least one; remove the split"),
    ],
)
def test_wrong_rows_are_refused_in_one_line(tmp_path, out, labels, message):
    images = pictures(len(labels), 1).reshape(-1, 28, 28)
    np.savez(tmp_path / "some.npz", x_train=images, y_train=np.array(labels, np.int64))
    with pytest.raises(ValueError, match="expected") as caught:
        build(out, [tmp_path / "some.npz"])
    assert str(caught.value) == message.format(tmp_path / "some.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]


def test_classes_without_names_are_numbered_up_to_the_last_label(tmp_path, out, cache):
    labels = numbers(30, 1, 26).astype(np.int64)
    np.savez(tmp_path / "some.npz", x_train=pictures(30, 1), y_train=labels)
    built = build(out, [tmp_path / "some.npz"])
    assert built.notes[0].startswith("some: NPZ with the split train and ")
    loaded = load_built(out, "some", cache)["train"]
    assert_rows(loaded, pictures(30, 1), labels)
    assert loaded.features["label"].names == [str(label) for label in range(26)]


def test_a_label_outside_the_classes_is_refused(tmp_path, out):
    np.savez(tmp_path / "some.npz", x_train=pictures(3, 1), y_train=np.array([0, 1, 2]))
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match="label 2 in row 2, expected -1 to 1; name 3 classes or"):
        build(out, [tmp_path / "some.npz"])


def test_published_rows_in_another_format_keep_their_name(tiny, tmp_path, out, monkeypatch):
    config = mnist_family.find_config("fashion")
    monkeypatch.setattr(config, "archives", tiny.module.find_config("fashion").archives)
    convert(tiny.folder("fashion"), tmp_path / "some", to="npz")
    with pytest.raises(ValueError, match="these are") as caught:
        build(out, [tmp_path / "some"])
    assert str(caught.value) == (
        f"some: {tmp_path / 'some'}: these are Fashion-MNIST's train images and labels, expected "
        "those of some; load 'fashion'"
    )


# --- The card -------------------------------------------------------------------------------------


def test_the_card_says_what_the_facts_say(letters, out):
    build(out, [letters])
    card = card_of(out)
    assert "# Dataset Card for Greek Letters by Hand" in card
    for words in (
        "Fifty-two letters, written by two people.",
        "Ada Example",
        "three labels were corrected",
        "## How to take part",
        "Write to **us**, and we will send you a form.",
        "2.1.0",
        "Nobody had published these four letters.",
        "Each writer filled in one page.",
        "The page says which letter to write.",
        "@misc{letters,",
    ):
        assert words in card
    front_matter = front_matter_of(out)
    assert front_matter["pretty_name"] == "Greek Letters by Hand"
    assert front_matter["license"] == "cc-by-4.0"


def test_the_card_of_ones_own_dataset_claims_nothing_about_the_family(letters, out):
    build(out, [letters])
    for file in ("README.md", "LICENSE.md", "croissant.json"):
        text = (out / file).read_text(encoding="utf-8")
        for words in ("mnist_family.load", "Fashion", "NIST", "LeCun", "Zalando", "*Unknown:*"):
            assert words not in text


def test_a_homepage_is_the_url_of_the_dataset_and_not_what_it_was_derived_from(letters, out):
    (letters / "facts.yaml").write_text(f"{FACTS}homepage: https://example.org/letters\n")
    build(out, [letters])
    described = croissant_of(out)
    assert described["url"] == "https://example.org/letters"
    assert "prov:wasDerivedFrom" not in described
    assert "dateModified" not in described


def test_tags_say_what_is_so(letters, out, sample):
    (letters / "facts.yaml").write_text(f"{FACTS}tags: [greek, image]\n", encoding="utf-8")
    build(out, [letters])
    tags = ["image", "grayscale", "mnist_family", "greek"]
    assert front_matter_of(out)["tags"] == croissant_of(out)["keywords"] == tags
    assert "idx" in front_matter_of(sample)["tags"]


def test_the_code_on_the_card_loads_this_data(letters, out, cache, monkeypatch):
    build(out, [letters])
    blocks = re.findall(r"```python\n(.*?)```", card_of(out), re.DOTALL)
    loading = [
        block
        for block in blocks
        if "load_dataset(" in block and not re.search("torch|sklearn|keras", block)
    ]
    assert loading
    monkeypatch.chdir(out.parent)
    for block in loading:
        assert '"letters"' in block
        names = {}
        code = block.replace("path/to/this/folder", str(out))
        exec(code.replace('"letters"', f'"letters", cache_dir={str(cache)!r}'), names)


def test_croissant_names_the_authors_and_their_version(letters, out):
    build(out, [letters])
    described = croissant_of(out)
    assert described["name"] == "Greek Letters by Hand"
    assert described["version"] == "2.1.0"
    assert described["description"] == "Fifty-two letters, written by two people."
    (creator,) = described["creator"]
    assert creator["name"] == "Ada Example"
    assert creator["sameAs"] == "https://orcid.org/0000-0002-1825-0097"
    assert described["citeAs"].startswith("@misc{letters,")


def test_a_date_stands_only_where_facts_give_one(letters, out):
    """Archives written with a time in them, as gzip does, are no statement of a date."""
    for path in letters.glob("*.gz"):
        content = path.read_bytes()
        path.write_bytes(content[:4] + (1_700_000_000).to_bytes(4, "little") + content[8:])
    build(out, [letters])
    described = croissant_of(out)
    assert "datePublished" not in described
    assert "dateModified" not in described
    (letters / "facts.yaml").write_text(f"{FACTS}date_published: '2026-05-31'\n")
    build(out, [letters])
    assert croissant_of(out)["datePublished"] == "2026-05-31"
    assert "dateModified" not in croissant_of(out)


def test_the_licence_comes_with_its_name_link_and_notice(letters, out):
    licence = """\
licence:
  id: other
  name: Example Licence
  url: https://example.org/licence
  notice: |
    Copyright 2026 Ada Example.
"""
    (letters / "facts.yaml").write_text(FACTS.replace("licence: cc-by-4.0\n", licence))
    build(out, [letters])
    text = (out / "LICENSE.md").read_text(encoding="utf-8")
    for words in ("Example Licence", "https://example.org/licence", "Copyright 2026 Ada Example."):
        assert words in text
    assert front_matter_of(out)["license"] == "other"
    assert findings(out) == []


def test_archives_alone_are_enough(letters, out, cache):
    for name in ("facts.yaml", "labels.txt"):
        (letters / name).unlink()
    built = build(out, [letters])
    assert built.titles == ("letters",)
    assert built.notes == (
        "letters: IDX with the splits train, test and classes without names, which get numbers",
    )
    names = load_built(out, "letters", cache)["train"].features["label"].names
    assert names == ["0", "1", "2", "3"]
    assert built.open_facts[0].questions.keys[0] == "licence"
    assert front_matter_of(out)["license"] == "unknown"
    assert "version" not in croissant_of(out)
    assert "creator" not in croissant_of(out)
    assert findings(out) == []


def test_the_files_that_rows_were_read_from_are_listed(letters, tmp_path, out):
    """And not the archives that they were converted to on the way."""
    convert(letters, tmp_path / "csv", to="csv")
    (tmp_path / "csv" / "measurements.json").write_text("not read, as it can only be of archives")
    build(out, [tmp_path / "csv"])
    card = card_of(out)
    for split in SPLITS:
        file = tmp_path / "csv" / f"mnist_{split}.csv"
        assert f"`{mnist_family.digest_archive(file).sha256}`" in card
        assert f"`{file.name}`" in card
    assert "idx3" not in card


def test_a_card_rendered_without_a_build_claims_no_download_and_no_mirror(letters, tmp_path):
    convert(letters, tmp_path / "csv", to="csv")
    card = mnist_tools.render_card(tmp_path / "csv")
    assert "| split | rows | in memory |\n" in card
    assert "\nIn memory, each pixel takes one byte (uint8).\n" in card
    assert "<summary>Files and checksums</summary>" in card
    of_archives = mnist_tools.render_card(letters)
    assert "| split | rows | download | in memory |\n" in of_archives
    assert "irror" not in card + of_archives


def test_a_tree_of_images_is_summed_up_by_folder(letters, tmp_path, out):
    convert(letters, tmp_path / "tree", to="imagefolder")
    build(out, [tmp_path / "tree"])
    assert re.search(r"\| `train/` \| 40 \| [\d,]+ \| `[0-9a-f]{64}` \|", card_of(out))
    assert re.search(r"\| `test/` \| 12 \| [\d,]+ \| `[0-9a-f]{64}` \|", card_of(out))


def test_measurements_are_used_if_they_belong_to_the_archives(letters, out, monkeypatch):
    measure(str(letters), neighbours=True)
    with monkeypatch.context() as patch:
        patch.setattr(dataset_folder, "measure_archives", None)  # calling it would fail
        build(out, [letters])
    before = card_of(out)
    assert "cosine" in before
    labels = np.roll(SPLITS["train"][1], 1)
    (letters / "train-labels-idx1-ubyte.gz").write_bytes(gz(idx_bytes(labels)))
    build(out, [letters])
    assert "cosine" not in card_of(out)


def test_measurements_with_other_classes_or_splits_are_not_used(letters, out):
    measure(str(letters), neighbours=True)
    (letters / "labels.txt").write_text("\n".join([*CLASS_NAMES, "epsilon"]))
    build(out, [letters])
    assert "| 4 | epsilon | 0 | 0 |" in card_of(out)
    (letters / "labels.txt").write_text("\n".join(CLASS_NAMES))
    write_split(letters, "val", *SPLITS["test"])
    build(out, [letters])
    assert "| 0 | alpha | 10 | 3 | 3 |" in card_of(out)


def test_a_file_in_the_place_of_measurements_is_named(letters, out):
    (letters / "measurements.json").write_text("{}")
    with pytest.raises(ValueError, match="not a file of measurements") as caught:
        build(out, [letters])
    path = letters / "measurements.json"
    assert str(caught.value) == (
        f"letters: {path}: not a file of measurements (archives: missing), expected a file that "
        "this release of measure writes; remove it and run measure again"
    )
    assert not out.exists()


def test_archives_that_only_convert_reads_are_built(letters, out, cache):
    """Datumaro gives the number of images × 784 in the header."""
    images, labels = SPLITS["train"]
    header = struct.pack(">HBB3I", 0, 8, 3, 784 * len(images), 28, 28)
    for path in letters.glob("*.gz"):
        path.unlink()
    (letters / "train-images-idx3-ubyte").write_bytes(header + images.tobytes())
    (letters / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    build(out, [letters])
    assert_rows(load_built(out, "letters", cache)["train"], images, labels)
    assert "`train-images-idx3-ubyte`" in card_of(out)
    assert findings(out) == []


# --- Again ----------------------------------------------------------------------------------------


def test_changed_facts_or_archives_build_again(letters, out):
    assert build(out, [letters]).changed
    assert not build(out, [letters]).changed
    (letters / "facts.yaml").write_text(FACTS.replace("by Hand", "by Pen"))
    assert build(out, [letters]).changed
    assert front_matter_of(out)["pretty_name"] == "Greek Letters by Pen"
    write_split(letters, "t10k", pictures(12, 9), SPLITS["test"][1])
    assert build(out, [letters]).changed
    assert not build(out, [letters]).changed


def test_nothing_of_the_users_is_lost(letters, out):
    """Edits of the card, of facts and of archives, and files that were added."""
    build(out, [letters])
    own = contents(letters)
    edited = card_of(out) + "\nMy words.\n"
    (out / "README.md").write_text(edited, encoding="utf-8")
    (letters / "facts.yaml").write_text(FACTS.replace("by Hand", "by Pen"))
    own["facts.yaml"] = (letters / "facts.yaml").read_bytes()
    with pytest.raises(ValueError, match=r"out: edits in README\.md, expected the files as build"):
        build(out, [letters])
    assert card_of(out) == edited
    shutil.move(out / "README.md", out.parent / "mine.md")
    (out / "letters" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"out: holds letters/notes\.txt, which build did not"):
        build(out, [letters], force=True)
    shutil.move(out / "letters" / "notes.txt", out.parent / "notes.txt")
    assert build(out, [letters]).changed
    assert contents(letters) == own


@pytest.mark.parametrize("place", ["letters/out", ".", "letters"])
def test_out_and_the_source_are_apart(letters, place):
    before = contents(letters)
    with pytest.raises(ValueError, match="expected a folder apart from the source"):
        build(letters.parent / place, [letters])
    assert contents(letters) == before


def test_a_folder_is_not_built_around_the_file_that_it_is_read_from(tmp_path):
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "some.npz", x_train=pictures(4, 1), y_train=numbers(4, 1))
    with pytest.raises(ValueError, match="contains .*some.npz, expected a folder apart"):
        build(tmp_path / "data", [tmp_path / "data" / "some.npz"])


# --- What is printed ------------------------------------------------------------------------------


def run(out, *sources, **settings):
    defaults = {"archives": None, "sample": False, "resize": False, "num_proc": None}
    shared = {"max_shard_size": "500MB", "force": False}
    shared |= {"engine": "local", "address": None, "fresh": False}
    return command.run(out, sources, **{**defaults, **shared, **settings})


def test_a_build_ends_with_what_is_open_and_how_to_load_it(letters, out, capsys):
    assert run(out, str(letters)) == 0
    assert capsys.readouterr().out.splitlines() == [
        READ,
        f"{out}: built; contains Greek Letters by Hand",
        "letters: 40 train rows, 12 test rows",
        f"card: {out}/README.md; pictures: {out}/pictures",
        OPEN,
        f"answer in {letters}/facts.yaml, then build again",
        "Next, in Python:",
        "",
        "    import datasets",
        f"    dataset = datasets.load_dataset({str(out)!r}, 'letters')",
        "    dataset['train'][0]",
    ]
    assert run(out, str(letters)) == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        READ,
        f"{out}: already up to date",
        f"card: {out}/README.md; pictures: {out}/pictures",
        OPEN,
    ]


def test_what_is_open_is_told_of_each_dataset(tiny, letters, out, capsys):
    assert run(out, str(letters), "fashion", archives=tiny.folder()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "open: " in line] == [f"letters, {OPEN}"]


def test_wrong_facts_are_told_before_anything_is_read(letters, out):
    (letters / "facts.yaml").write_text("title: Letters\nlicense_: mit\n")
    (letters / "train-images-idx3-ubyte.gz").write_bytes(
        (letters / "train-images-idx3-ubyte.gz").read_bytes()[:-9]
    )
    with pytest.raises(ValueError, match=r"facts\.yaml.*license_") as caught:
        build(out, [letters])
    assert len(str(caught.value).splitlines()) == 1
    assert not out.exists()


def test_images_that_are_dark_on_white_are_noticed(tmp_path, out, capsys):
    images = np.full((40, 64, 64), 250, np.uint8)
    images[:, 20:40, 20:40] = 10
    np.savez(tmp_path / "scans.npz", x_train=images, y_train=numbers(40, 1, 4))
    source = tmp_path / "scans.npz"
    assert run(out, str(source), resize=True) == 0
    assert (
        "warning: scans: the border of 40 of 40 images is bright, so they seem to be dark on "
        f"white; `mnist-family init scans-inverted --from {source} --resize --invert` makes the "
        "background 0, as it should be; then build scans-inverted/"
    ) in capsys.readouterr().out.splitlines()
    assert (
        "\n## Before You Use It\n\n- The images seem to be dark on white, not white "
        "on black: the border of 40 of 40 images is bright.\n"
    ) in card_of(out)
    scaled = "Images were scaled from 64 × 64 to 28 × 28 pixels (Lanczos)."
    assert f"\n\n{scaled}\n\n" in card_of(out)
    init(tmp_path / "inverted", source, resize=True, invert=True)
    assert run(out, str(tmp_path / "inverted")) == 0
    assert "warning" not in capsys.readouterr().out
    assert "seem to be dark" not in card_of(out)
    inverted = "The images were inverted, so that 0 is background."
    assert f"\n- {scaled}\n- {inverted}\n" in card_of(out)


def test_archives_that_are_dark_on_white_are_noticed_too(letters, out):
    for split, (images, labels) in SPLITS.items():
        write_split(letters, {"test": "t10k"}.get(split, split), np.maximum(images, 200), labels)
    (warning,) = build(out, [letters]).warnings
    assert warning.startswith("warning: letters: the border of 52 of 52 images is bright, ")
    assert f" init letters-inverted --from {letters} --invert` " in warning


def test_missing_facts_are_named_and_the_lint_says_what_is_open(tiny, letters, out, capsys):
    (letters / "facts.yaml").unlink()
    assert run(out, str(letters), "fashion", archives=tiny.folder()) == 0
    is_open, advice = capsys.readouterr().out.splitlines()[5:7]
    assert is_open.startswith("letters, open: licence, description, rationale, ")
    assert is_open.endswith("; 0 of 14 answered")
    assert advice == (
        f"answer in {letters}/facts.yaml, which `mnist-family init {letters}` writes, "
        "then build again"
    )
    assert lint.run([out, out / "README.md"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 cards: no findings",
        f"{out}: {is_open}",
    ]


def test_a_file_gets_a_folder_of_its_own_for_its_facts(tmp_path, out, capsys):
    file = tmp_path / "some.npz"
    np.savez(file, x_train=pictures(4, 1), y_train=numbers(4, 1))
    assert run(out, str(file)) == 0
    assert capsys.readouterr().out.splitlines()[5] == (
        f"answer in some/facts.yaml, which `mnist-family init some --from {file}` writes, "
        "then build some/"
    )


@pytest.mark.parametrize("remarks", [5, {"a": 1}, None, "text"])
def test_remarks_that_no_build_wrote_are_not_shown(letters, out, capsys, remarks):
    build(out, [letters])
    manifest = json.loads((out / MANIFEST).read_text())
    (out / MANIFEST).write_text(json.dumps({**manifest, "remarks": remarks}))
    assert lint.run([out]) == 0
    assert capsys.readouterr().out == "1 card: no findings\n"


def test_a_full_disk_is_told_without_the_name_of_a_temporary_folder(tmp_path, out, monkeypatch):
    def fail(path, *_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(idx, "write_idx", fail)
    np.savez(tmp_path / "some.npz", x_train=pictures(4, 1), y_train=numbers(4, 1))
    with pytest.raises(OSError, match="some: ") as caught:
        build(out, [tmp_path / "some.npz"])
    assert str(caught.value) == (
        f"some: {out}: {os.strerror(errno.ENOSPC)}, expected to read and write there; "
        "fix that and run the command again"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]


def test_build_is_a_function_of_the_package(letters, out):
    assert mnist_tools.build(out, [letters]).names == ("letters",)

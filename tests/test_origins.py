"""What the words on the command line of `build` stand for."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from conftest import numbers, pictures, write_split

import mnist_family
from mnist_tools.origins import find_origins

RULE = "expected a letter or digit, then letters, digits, '_', '.' or '-', and not 'all'"
ROWS = pictures(12, 1), numbers(12, 1, 4)


def write_letters(folder):
    write_split(folder, "train", *ROWS)
    (folder / "labels.txt").write_text("alpha\nbeta\ngamma\ndelta\n")
    return folder


def write_csv(path, labels=ROWS[1]):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        ",".join(map(str, [label, *image.ravel()]))
        for image, label in zip(ROWS[0], labels, strict=True)
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with a folder `letters` of one's own."""
    monkeypatch.chdir(tmp_path)
    write_letters(tmp_path / "letters")
    return tmp_path


@pytest.fixture
def tiny_fashion(tiny, monkeypatch):
    """A folder of archives that count as the published ones of Fashion-MNIST."""
    config = mnist_family.find_config("fashion")
    monkeypatch.setattr(config, "archives", tiny.module.find_config("fashion").archives)
    return tiny.folder("fashion")


def refusal(*sources, **options):
    with pytest.raises(ValueError, match=".") as caught:
        find_origins(sources, **options)
    return str(caught.value)


def test_words_are_published_names_or_paths(here):
    names = [origin.name for origin in find_origins(["kmnist", "letters/", "mnist"])]
    assert names == ["kmnist", "letters", "mnist"]
    assert [origin.name for origin in find_origins([])] == ["mnist", "fashion", "kmnist"]


def test_a_published_name_wins_over_a_folder_of_that_name(here):
    (here / "letters").rename(here / "mnist")
    (origin,) = find_origins(["mnist"])
    assert origin.path is None
    assert refusal(Path("mnist")) == refusal("./mnist").replace("./", "")


@pytest.mark.parametrize("word", ["letters", "letters/", "./letters/", "{}/letters"])
def test_a_folder_has_its_own_name(here, word):
    (origin,) = find_origins([word.format(here)])
    assert (origin.name, origin.title, origin.splits) == ("letters", "letters", ("train",))
    assert origin.source is None


def test_a_labels_txt_that_is_not_used_is_told(here):
    (here / "letters" / "dataset_meta.json").write_text('{"labels": ["a", "b", "c", "d"]}')
    (origin,) = find_origins(["letters"])
    assert origin.notes == (
        "letters: IDX with the split train and 4 classes: a, b, c, d (named by dataset_meta.json)",
        "letters/labels.txt: not used, as dataset_meta.json has other names; "
        "remove dataset_meta.json to use it",
    )


def test_a_link_has_the_name_of_the_link(here):
    (here / "linked").symlink_to("letters")
    assert find_origins(["linked"])[0].name == "linked"


@pytest.mark.parametrize("word", ["x=letters", "x=./letters/", "1.x_-=letters"])
def test_a_name_may_be_given(here, word):
    (origin,) = find_origins([word])
    assert origin.name == origin.title == word.partition("=")[0]


def test_the_working_directory_has_the_name_of_its_folder(here, monkeypatch):
    monkeypatch.chdir("letters")
    assert find_origins(["."])[0].name == "letters"


@pytest.mark.parametrize("file", ["letters.csv", "deep/train-letters.v2.csv"])
def test_a_file_has_its_name_without_the_suffix_and_one_split(here, file):
    write_csv(here / file)
    (origin,) = find_origins([file])
    assert origin.name == Path(file).stem
    assert origin.splits == ("train",)
    assert origin.source.format == "CSV"


def test_a_packed_tar_file_has_its_name_without_both_suffixes(here):
    (png,) = mnist_family.encode_pngs(ROWS[0][:1])
    with tarfile.open(here / "letters.tar.gz", "w:gz") as tar:
        for name, content in (("0.png", png), ("0.cls", b"0")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    (origin,) = find_origins(["letters.tar.gz"])
    assert (origin.name, origin.source.format) == ("letters", "WebDataset")


def test_archives_beside_others_that_the_loader_does_not_know_are_converted(here):
    write_split(here / "letters", "emnist-letters-val", *ROWS)
    (origin,) = find_origins(["letters"])
    assert (origin.splits, origin.source.format) == (("train", "val"), "IDX")


def test_a_file_that_is_named_after_a_split_is_that_split(here):
    write_csv(here / "test.csv")
    assert find_origins(["x=test.csv"])[0].splits == ("test",)


def test_a_folder_named_like_a_published_dataset_is_read_as_it_is(here):
    write_csv(here / "mnist" / "train.csv")
    assert refusal("./mnist").startswith("./mnist: named mnist, but not MNIST's published archives")
    (origin,) = find_origins(["x=mnist"])
    assert origin.source.format == "CSV"


def test_the_splits_of_several_files_keep_their_names(here):
    write_csv(here / "some" / "one.csv")
    write_csv(here / "some" / "two.csv")
    assert find_origins(["some"])[0].splits == ("one", "two")


def test_beside_archives_a_folder_may_hold_anything(here):
    write_csv(here / "letters" / "before.csv")
    (here / "letters" / "notes.md").write_text("mine")
    assert find_origins(["letters"])[0].source is None


def test_archives_named_otherwise_than_the_loader_knows_are_converted(here):
    write_split(here / "emnist", "emnist-letters-train", *ROWS)
    (origin,) = find_origins(["emnist"])
    assert origin.splits == ("train",)
    assert origin.source.format == "IDX"
    assert [file.path for file in origin.files] == [
        "emnist-letters-train-images-idx3-ubyte.gz",
        "emnist-letters-train-labels-idx1-ubyte.gz",
    ]


@pytest.mark.parametrize("word", ["fashion", "fashion-mnist", "data"])
def test_published_archives_are_recognised_in_any_folder(here, tiny_fashion, word):
    (here / word).symlink_to(tiny_fashion)
    (origin,) = find_origins([f"./{word}"])
    assert (origin.name, origin.title) == ("fashion", "Fashion-MNIST")
    assert origin.facts is None
    assert find_origins([f"fashion={word}"]) == [origin]


def test_published_archives_keep_their_name(here, tiny_fashion):
    assert refusal(f"x={tiny_fashion}") == (
        f"x={tiny_fashion}: Fashion-MNIST's published archives, expected the name fashion; "
        f"give fashion={tiny_fashion}"
    )


def test_published_labels_with_other_images_are_ones_own(here, tiny_fashion):
    for file in ("train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        shutil.copy(tiny_fashion / file, here / file)
    own = here / "own"
    own.mkdir()
    shutil.copy(tiny_fashion / "train-labels-idx1-ubyte.gz", own)
    write_split(here / "images", "train", pictures(40, 99), numbers(40, 1))
    shutil.copy(here / "images" / "train-images-idx3-ubyte.gz", own)
    assert find_origins(["own"])[0].facts is not None


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (
            ["lettres"],
            "lettres: neither a published dataset nor a file or folder, expected mnist, fashion, "
            "kmnist, or a path; correct it",
        ),
        (
            [""],
            ": neither a published dataset nor a file or folder, expected mnist, fashion, kmnist, "
            "or a path; correct it",
        ),
        (
            ["fashion_mnist"],
            "fashion_mnist: neither a published dataset nor a file or folder, expected mnist, "
            "fashion, kmnist, or a path; did you mean 'fashion'?",
        ),
        (
            ["MNIST"],
            "MNIST: neither a published dataset nor a file or folder, expected mnist, fashion, "
            "kmnist, or a path; did you mean 'mnist'?",
        ),
        (
            ["x=lettres"],
            "x=lettres: no file or folder 'lettres', expected NAME=PATH; correct the path",
        ),
        (["x="], "x=: no file or folder '', expected NAME=PATH; correct the path"),
        (["x=mnist"], "x=mnist: no file or folder 'mnist', expected NAME=PATH; give mnist alone"),
        (["=letters"], f"=letters: the name '', {RULE}; choose another NAME"),
        (["a b=letters"], f"a b=letters: the name 'a b', {RULE}; choose another NAME"),
        (["ALL=letters"], f"ALL=letters: the name 'ALL', {RULE}; choose another NAME"),
        (["my letters"], f"my letters: the name 'my letters', {RULE}; give NAME=my letters"),
        (
            ["pictures=letters"],
            "pictures=letters: the name 'pictures', which build gives to files of its own, "
            "expected another name; choose another NAME",
        ),
        (
            ["Readme.md=letters"],
            "Readme.md=letters: the name 'Readme.md', which build gives to files of its own, "
            "expected another name; choose another NAME",
        ),
        (
            ["mnist=letters"],
            "mnist=letters: named mnist, but not MNIST's published archives, expected those, or a "
            "name of its own; choose another NAME",
        ),
        (
            ["Fashion-MNIST=letters"],
            "Fashion-MNIST=letters: named Fashion-MNIST, but not Fashion-MNIST's published "
            "archives, expected those, or a name of its own; choose another NAME",
        ),
        (
            ["./kmnist"],
            "./kmnist: named kmnist, but not Kuzushiji-MNIST's published archives, expected those, "
            "or a name of its own; give NAME=./kmnist",
        ),
        (
            ["letters", "./letters"],
            "SOURCE: letters and ./letters are both called letters, expected different names; "
            "give NAME=PATH for one of them",
        ),
        (
            ["mnist", "letters", "mnist"],
            "SOURCE: mnist and mnist are both called mnist, expected different names; "
            "give NAME=PATH for one of them",
        ),
        (
            ["X=letters", "x=my letters"],
            "SOURCE: X=letters and x=my letters are both called x, expected different names; "
            "give NAME=PATH for one of them",
        ),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused(here, sources, message):
    write_letters(here / "my letters")
    write_letters(here / "kmnist")
    assert refusal(*sources) == message


def test_facts_describe_one_of_the_files_beside_them(here):
    write_csv(here / "a.csv")
    write_csv(here / "b.csv")
    assert [origin.title for origin in find_origins(["a.csv", "b.csv"])] == ["a", "b"]
    (here / "facts.yaml").write_text("title: Letters\n")
    assert find_origins(["a.csv"])[0].title == "Letters"
    assert refusal("letters", "a.csv", "x=b.csv") == (
        "facts.yaml: would describe a.csv and x=b.csv, expected one dataset; "
        "put each file into a folder of its own, with its facts"
    )


def test_options_for_published_names_are_refused_with_paths(here):
    family = "expected one or more of mnist, fashion, kmnist"
    assert refusal("mnist", "letters", sample=True) == (
        f"letters: a path, with --sample, {family}; leave --sample out"
    )
    assert refusal("letters", archives=".") == (
        f"--archives: given with paths alone, {family}; leave it out"
    )


def test_a_folder_without_archives_of_published_names_is_refused(here):
    assert refusal("mnist", archives="nowhere") == (
        "nowhere: no such folder, expected a folder of archives; correct --archives"
    )
    assert refusal(archives="letters") == (
        "letters: no folder named after a dataset, expected one or more of mnist, fashion, kmnist "
        "in it; give a NAME if the archives are in this folder itself"
    )


def test_archives_are_those_of_published_names_alone(here, tiny):
    family, own = find_origins(["kmnist", "letters"], archives=tiny.folder())
    assert (family.path, own.path) == (tiny.folder("kmnist"), Path("letters"))


def test_a_fingerprint_changes_with_what_is_read(here):
    def fingerprint(*sources):
        return [origin.fingerprint for origin in find_origins(sources)]

    write_csv(here / "digits.csv")
    before = fingerprint("letters", "digits.csv", "mnist")
    assert fingerprint("letters", "digits.csv", "mnist") == before
    (here / "letters" / "notes.txt").write_text("mine")
    os.utime(here / "digits.csv", (0, 0))
    assert fingerprint("letters", "digits.csv", "mnist") == before
    assert fingerprint("x=letters")[0] not in before
    write_csv(here / "digits.csv", np.roll(ROWS[1], 1))
    (here / "letters" / "facts.yaml").write_text("title: Letters\n")
    after = fingerprint("letters", "digits.csv", "mnist")
    assert [new == old for new, old in zip(after, before, strict=True)] == [False, False, True]
    (here / "letters" / "labels.txt").write_text("a\nb\nc\nd\n")
    assert fingerprint("letters")[0] not in (before[0], after[0])

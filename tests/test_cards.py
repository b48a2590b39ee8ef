"""Cards: what the command writes, what a reader finds in them, and code that runs."""

import dataclasses
import re
import shutil
import textwrap

import datasets
import numpy as np
import pybtex.database
import pybtex.errors
import pytest
from conftest import NAMES, ROOT, SCRIPTS_LOAD, run

import mnist_family
from mnist_tools.cards import facts, measurements
from mnist_tools.cards.card import published, render, unpublished
from mnist_tools.cards.markdown_table import cut, table
from mnist_tools.cards.measurements import Duplicates, committed
from mnist_tools.commands import card

CONFIGS = {config.name: config for config in mnist_family.CONFIGS}
CARDS = ["README.md", *(f"{name}/README.md" for name in NAMES)]


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """A copy of cards/ that the command reads and writes."""
    folder = tmp_path / "cards"
    shutil.copytree(ROOT / "cards", folder)
    for module in (facts, measurements):
        monkeypatch.setattr(module, "CARDS", folder)
    return folder


def card_text(path):
    return (ROOT / "cards" / path).read_text(encoding="utf-8")


# --- Fresh and stale ------------------------------------------------------------------------------


def test_the_committed_cards_are_what_the_command_writes(cards):
    assert card.render_cards(check=True).stale == {}
    before = {path: path.read_bytes() for path in cards.rglob("README.md")}
    assert len(before) == 4
    for path in before:
        path.unlink()
    assert {*card.render_cards().stale} == {*before}
    assert {path: path.read_bytes() for path in cards.rglob("README.md")} == before


def test_fresh_cards_are_not_written_again(cards, capsys):
    assert card.run([], check=False) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "file",
    [
        "mnist/README.md",
        "README.md",
        "fashion/measurements.json",
        "kmnist/facts.yaml",
        "facts.yaml",
    ],
)
def test_one_other_digit_makes_a_card_stale(cards, file):
    path = cards / file
    text = path.read_text(encoding="utf-8")
    places = [match.start() for match in re.finditer(r"\d", text) if is_shown(text, match.start())]
    for place in np.random.default_rng(len(text)).choice(places, 8, replace=False):
        digit = str((int(text[place]) + 1) % 10)
        path.write_text(text[:place] + digit + text[place + 1 :], encoding="utf-8")
        try:
            stale = card.render_cards(check=True).stale
        except ValueError:  # noticed, too: the digest of an archive, the name of a source
            continue
        assert stale, text[: place + 1].splitlines()[-1]


def is_shown(text, place):
    """Tell whether a card has what stands at a place of facts or measurements."""
    line = text[:place].splitlines()[-1]
    comment = line.lstrip().startswith("#") or "  # " in line
    return not (comment and "yaml" in text[:400]) and "date_published" not in line


def test_a_stale_card_is_shown_and_left_alone(cards, capsys):
    path = cards / "fashion" / "README.md"
    stale = path.read_text(encoding="utf-8").replace("6,000 in train", "6,001 in train")
    path.write_text(stale, encoding="utf-8")
    assert card.run(["fashion"], check=True) == 1
    output = capsys.readouterr()
    assert output.err == (
        f"{path}: stale, expected what facts and measurements say; run scripts/generate_cards.py\n"
    )
    assert re.search(r"^-\| rows of a class \| 6,001 in train", output.out, re.MULTILINE)
    assert path.read_text(encoding="utf-8") == stale


def test_only_the_cards_that_are_named_are_written(cards, capsys):
    for name in ("fashion", "mnist"):
        (cards / name / "README.md").unlink()
    assert card.run(["fashion"], check=False) == 0
    assert capsys.readouterr().out == f"{cards / 'fashion' / 'README.md'}: written\n"
    assert not (cards / "mnist" / "README.md").exists()
    assert [*card.render_cards(["mnist"], check=True).stale.values()] == [""]


def test_other_line_ends_are_stale_too(cards):
    path = cards / "README.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [*card.render_cards(["family"], check=True).stale] == [path]


def test_a_card_that_there_is_not_is_named():
    message = (
        "cifar: no such card, expected one or more of mnist, fashion, kmnist, family; "
        "correct the name"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        card.render_cards(["cifar"])


def test_an_installed_package_has_no_cards_to_write(cards, monkeypatch):
    monkeypatch.setattr(facts, "INSTALLED_CARDS", cards)
    with pytest.raises(
        ValueError, match="expected the folder cards/ of a clone; run this in a clone"
    ):
        card.render_cards()
    assert card.render_cards(check=True).stale == {}


# --- What a reader finds --------------------------------------------------------------------------

HEADINGS = """
Data Instances; Data Fields; Data Splits; Curation Rationale; Source Data; Annotations;
Uses; Citation; Licensing Information; Personal and Sensitive Information; Direct Use;
Out-of-Scope Use; Dataset Structure; Glossary; Dataset Creation; Bias, Risks, and Limitations;
Recommendations; More Information; Dataset Card Authors; Dataset Card Contact"""


def headings(text):
    return re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


@pytest.mark.parametrize("path", CARDS)
def test_a_card_has_the_headings_of_both_templates(path):
    assert {name.strip() for name in HEADINGS.replace("\n", " ").split(";")} <= {
        *headings(card_text(path))
    }


@pytest.mark.parametrize("path", CARDS)
def test_links_within_a_card_lead_to_its_headings(path):
    text = card_text(path)
    anchors = {re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in headings(text)}
    assert {*re.findall(r"\]\(#(.*?)\)", text)} <= anchors


@pytest.mark.parametrize("path", CARDS)
def test_a_card_is_tidy(path):
    text = card_text(path)
    assert "Information Needed" not in text
    assert "![" not in text
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_no_figure_and_no_dataset_is_typed_into_a_template():
    for template in (ROOT / "cards").rglob("*.j2"):
        text = template.read_text(encoding="utf-8")
        code = r"```.*?```|`.*?`|{{.*?}}|{%.*?%}|uint8|int64"
        words = re.sub(code, "", text, flags=re.DOTALL)
        assert re.findall(r"\d+", words) == [], template
        assert [
            title for title in (each.title for each in CONFIGS.values()) if title in words
        ] == []


@pytest.mark.parametrize(
    ("path", "papers"),
    [
        ("README.md", {"1708.07747", "1812.01718"}),
        ("mnist/README.md", set()),
        ("fashion/README.md", {"1708.07747"}),
        ("kmnist/README.md", {"1812.01718"}),
    ],
)
def test_only_the_papers_of_the_datasets_become_arxiv_tags(path, papers):
    """The Hub makes a tag of every link to arXiv; other papers are linked by their DOI."""
    assert {*re.findall(r"arxiv\.org/\w+/([\d.]+)", card_text(path))} == papers


def test_citations_are_bibtex():
    for name, config in CONFIGS.items():
        citations = published(config, committed(name)).citations
        with pybtex.errors.capture() as problems:
            library = pybtex.database.parse_string("\n".join(citations), "bibtex")
        assert problems == []
        assert len(library.entries) == len(citations)
        for entry in library.entries.values():
            assert entry.persons["author"]
            assert {"title", "year"} <= {*entry.fields}


@pytest.mark.release
@pytest.mark.parametrize("path", CARDS)
def test_the_front_matter_is_read_back_as_it_was_written(path):
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    path = ROOT / "cards" / path
    infos = DatasetInfosDict.from_directory(str(path.parent))
    configs = MetadataConfigs.from_dataset_card_data(DatasetCard.load(path).data)
    names = {path.parent.name} if path.parent.name in NAMES else {*NAMES}
    assert {*infos} == {*configs} == names
    for name, info in infos.items():
        label = datasets.ClassLabel(names=[*CONFIGS[name].class_names])
        assert info.features == datasets.Features({"image": datasets.Image(), "label": label})
        rows = {split: each.num_examples for split, each in info.splits.items()}
        assert rows == {"train": 60000, "test": 10000}
        assert [each["split"] for each in configs[name]["data_files"]] == ["train", "test"]
    defaults = [name for name, config in configs.items() if config.get("default")]
    assert defaults == [next(iter(configs))]


@pytest.mark.parametrize(
    ("rows", "category"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (60_000_000, "10M<n<100M")],
)
def test_the_size_category_is_that_of_all_rows(rows, category):
    measured = committed("mnist", ["train"])
    split = dataclasses.replace(measured.splits["train"], rows=rows)
    measured = dataclasses.replace(measured, splits={"train": split})
    text = render([published(CONFIGS["mnist"], measured)])
    assert re.findall(r"^size_categories:\n- '?(.*?)'?$", text, re.MULTILINE) == [category]


def test_versions_that_nobody_described_are_refused():
    config = dataclasses.replace(CONFIGS["mnist"], version=datasets.Version("9.9.9"))
    message = (
        "cards/facts.yaml: versions: no 9.9.9, expected the version of mnist in mnist_family.py; "
        "say what is new in it"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        render([published(config, committed("mnist"))])


def test_rows_that_nobody_counted_are_refused():
    message = "no published_counts, expected them, or measurements beside the file; add one of them"
    with pytest.raises(ValueError, match=f"fashion/facts.yaml: {message}$"):
        render([published(CONFIGS["fashion"])])


def test_a_note_comes_first_once_for_all_or_by_title():
    synthetic = unpublished(CONFIGS["mnist"], "synthetic", "0123456789", committed("mnist"))
    own = unpublished(CONFIGS["mnist"], "own", "0123456789", committed("mnist"))
    note = synthetic.facts.note
    assert first_line(render([synthetic, synthetic])) == f"**{note}**"
    both = f"**{synthetic.title}: {note} {own.title}: {own.facts.note}**"
    assert first_line(render([synthetic, own])) == both
    assert (
        first_line(render([published(CONFIGS["kmnist"])])) == "# Dataset Card for Kuzushiji-MNIST"
    )


@pytest.mark.parametrize("kind", ["synthetic", "own"])
def test_a_card_of_other_rows_tells_nobody_to_load_the_published_ones(kind):
    text = render([unpublished(CONFIGS["mnist"], kind, "0123456789", committed("mnist"))])
    assert 'load_dataset("path/to/this/folder", "mnist")' in text
    for words in ("mnist_family.load", "mnist_family.py", "published archives, in their order"):
        assert words not in text.replace("`mnist_family.py` reads the archives", "")


def first_line(text):
    return text.split("\n---\n", 1)[1].strip().splitlines()[0]


# --- Tables and lists -----------------------------------------------------------------------------


def test_a_table_says_what_its_cells_say():
    assert table(["row", "what"], [["7", "a|b"], [1234, None]]) == textwrap.dedent(
        """\
        | row | what |
        | ---: | --- |
        | 7 | a\\|b |
        | 1,234 |  |"""
    )


def test_class_names_are_text_even_if_they_are_digits():
    assert "| --- | ---: |" in table(["class name", "rows"], [["0", 5]])


def test_a_long_list_is_cut_with_a_count():
    assert cut(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert cut(range(11)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more"


def test_thousands_of_equal_images_make_a_short_line():
    measured = committed("mnist")
    everywhere = {"train": tuple(range(20_000)), "test": tuple(range(5_000))}
    many = Duplicates(
        within={
            "train": (everywhere["train"],),
            "test": tuple((row, row + 1) for row in range(0, 5_000, 2)),
        },
        across=(everywhere,),
    )
    text = render([published(CONFIGS["mnist"], dataclasses.replace(measured, duplicates=many))])
    within, pairs, across = re.findall(r"^- \*Measured:\* (.*occur .*)$", text, re.MULTILINE)
    assert within.endswith("in rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 19,990 more.")
    assert pairs.startswith("in test, 2,500 images occur more than once, in rows 0, 1; 2, 3; ")
    assert pairs.endswith("18, 19 and 2,490 more.")
    assert across.endswith("train 8, train 9 and 24,990 more.")
    assert max(map(len, text.splitlines())) < 1_000


# --- Code that runs -------------------------------------------------------------------------------

RUN_BLOCKS = """
import importlib.util, pathlib, sys

import datasets

for number, code in enumerate(pathlib.Path("blocks.txt").read_text().split("\\0")):
    if "import torch" in code and importlib.util.find_spec("torch") is None:
        continue
    try:
        exec(compile(code, f"block {number}", "exec"), {"__name__": "__main__"})
    except RuntimeError as error:
        assert "./mnist_family.py" in code, code
        assert int(datasets.__version__.split(".")[0]) >= 4
        assert "Dataset scripts are no longer supported" in str(error)
    else:
        assert "./mnist_family.py" not in code or int(datasets.__version__.split(".")[0]) < 4
    print("ran", number)
"""


@pytest.mark.release
@pytest.mark.parametrize("path", CARDS)
def test_the_code_of_a_card_runs(tiny, mirrors, sample, tmp_path, path):
    blocks = re.findall(r"```python\n(.*?)```", card_text(path), re.DOTALL)
    code = [block for block in blocks if "import" in block]
    shutil.copytree(sample, tmp_path / "path" / "to" / "this" / "folder")
    shutil.copy(tiny.script, tmp_path / "mnist_family.py")
    (tmp_path / "blocks.txt").write_text("\0".join(code), encoding="utf-8")
    result = run(["-c", RUN_BLOCKS], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("ran ") >= len(code) - 1 >= 5


@pytest.mark.release
def test_what_decodes_is_told_right(sample, cache, monkeypatch):
    """The card says: one image by row first; by column first, one or all; by label, none."""
    assert facts.family_facts().releases.lazy_column == "4"
    by_column = 1 if not SCRIPTS_LOAD else 100
    rows = datasets.load_dataset(str(sample), "mnist", split="test", cache_dir=str(cache))
    decoded, decode = [], datasets.Image.decode_example

    def count(*args, **settings):
        decoded.append(1)
        return decode(*args, **settings)

    monkeypatch.setattr(datasets.Image, "decode_example", count)
    rows[0]["image"]
    assert len(decoded) == 1
    rows["image"][0]
    assert len(decoded) == 1 + by_column
    rows["label"][0]
    assert len(decoded) == 1 + by_column

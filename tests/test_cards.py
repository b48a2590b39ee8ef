"""Cards: what the command writes, what a reader finds in them, and code that runs."""

import dataclasses
import re
import shutil
import subprocess
import textwrap

import datasets
import numpy as np
import pybtex.database
import pybtex.errors
import pytest
import yaml
from conftest import NAMES, ROOT, numbers, pictures, write_split

import mnist_family
from mnist_tools.cards import facts, measurements
from mnist_tools.cards.card import (
    cautions_of,
    further_issues,
    load_from,
    own,
    published,
    render,
    render_part,
    render_template,
    unpublished,
)
from mnist_tools.cards.figures import show_size
from mnist_tools.cards.markdown_table import cut, table
from mnist_tools.cards.measurements import Duplicates, SideCount, committed, measure_splits
from mnist_tools.commands import card
from mnist_tools.shards.digests import EqualCount, EqualCounts

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
    stale = path.read_text(encoding="utf-8").replace("| 60,000 | 26.5 MB", "| 60,001 | 26.5 MB")
    path.write_text(stale, encoding="utf-8")
    assert card.run(["fashion"], check=True) == 1
    output = capsys.readouterr()
    assert output.err == (
        f"{path}: stale, expected what facts and measurements say; run mnist-family card\n"
    )
    assert re.search(r"^-\| `train` \| 60,001 \|", output.out, re.MULTILINE)
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
        "cifar: no such card, expected one or more of mnist, fashion, kmnist, family, facts; "
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
Data Splits; Before You Use It; Licensing Information; Citation; Curation Rationale;
Dataset Creation; Provenance; Classes; Benchmarks; Common Misconceptions; Features; Uses;
Bias, Risks, and Limitations; Maintenance; Glossary; Sources; About This Card"""
MOST_WORDS = {"README.md": 900, "mnist/README.md": 500}  # before the first fold; else as for MNIST


def headings(text):
    return re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


def body_of(text):
    return text.removeprefix("---\n").split("\n---\n", 1)[1]


@pytest.mark.parametrize("path", CARDS)
def test_a_card_has_its_headings_in_the_order_of_a_readers_needs(path):
    found = [name for name in headings(card_text(path)) if name in HEADINGS and ":" not in name]
    assert found == [name.strip() for name in HEADINGS.replace("\n", " ").split(";")]


@pytest.mark.parametrize("path", CARDS)
def test_what_every_reader_needs_is_short_and_the_rest_is_folded(path):
    start, *folds = body_of(card_text(path)).split("<details>\n")
    assert len(start.split()) <= MOST_WORDS.get(path, 500)
    assert start.count("```python") == 1
    assert start.count("\n- ") <= 5 + 3 * (path == "README.md")
    headings_of_folds = re.findall(r"^## .*\n\n<details>", card_text(path), re.MULTILINE)
    assert len(folds) == len(headings_of_folds) >= 12


def test_the_card_of_all_is_a_third_of_what_it_was():
    assert len(body_of(card_text("README.md")).split()) <= 2700


@pytest.mark.parametrize("path", CARDS)
def test_what_is_said_has_its_sources_one_click_away(path):
    """Every citation is a link to another site, none to the list of sources, which has them all."""
    text = body_of(card_text(path))
    said, listed = text.split("\n## Sources\n")
    cited = {
        url
        for line in said.splitlines()
        for citation in re.findall(r" \((\[.*\))\)(?:$|:$)", line)
        for url in re.findall(r"\]\((.*?)\)", citation)
    }
    assert cited
    assert all(url.startswith(("https://", "http://")) for url in cited)
    urls = {*re.findall(r"^- \[.*?\]\((.*?)\)(?: \(|$)", listed, re.MULTILINE)}
    assert len({url for url in cited if url not in urls}) <= 1  # a paper may be linked in two ways


@pytest.mark.parametrize("path", CARDS)
def test_links_within_and_between_cards_lead_to_headings(path):
    links = re.findall(r"\]\(((?:\w+/README\.md)?)#(.*?)\)", card_text(path))
    assert links
    for target, anchor in links:
        found = headings(card_text(target or path))
        anchors = [re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in found]
        assert anchors.count(anchor) == 1


@pytest.mark.parametrize("path", CARDS)
def test_a_card_is_tidy(path):
    text = card_text(path)
    assert "Information Needed" not in text
    for picture in re.findall(r"!\[.+?\]\((.*?)\)", text):
        assert ((ROOT / "cards" / path).parent / picture).exists()
    assert "\n\n\n" not in re.sub(r"```.*?```", "code", text, flags=re.DOTALL)
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


BIBTEX_FIELDS = {  # the types of plain BibTeX that are used here, with the fields they need
    "misc": {"title"},
    "article": {"title", "journal", "year"},
}


def test_citations_are_bibtex():
    for name, config in CONFIGS.items():
        citations = published(config, committed(name)).citations
        with pybtex.errors.capture() as problems:
            library = pybtex.database.parse_string("\n".join(citations), "bibtex")
        assert problems == []
        assert len(library.entries) == len(citations)
        for entry in library.entries.values():
            assert entry.persons["author"]
            assert entry.type in BIBTEX_FIELDS
            assert {*entry.fields} >= BIBTEX_FIELDS[entry.type]
            eprint = entry.fields.get("eprint", "0000.00000")
            assert re.fullmatch(r"\d{4}\.\d{5}", eprint)  # what arXiv's links end with


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


def front_matter_of(text):
    return yaml.safe_load(text.removeprefix("---\n").split("\n---\n", 1)[0])


def test_own_sections_are_markdown_under_their_headings():
    more = {"Thanks *to*": "To *all* of\n\n- you"}
    letters = dataclasses.replace(facts.no_facts("letters"), more=more, contact="ada@example.org")
    text = render([own("letters", letters, "0123456789", committed("mnist"))])
    assert "\n## Thanks \\*to\\*\n\nTo *all* of\n\n- you\n\n## About This Card\n" in text
    assert "\n- Contact: ada@example.org\n" in text


@pytest.mark.parametrize(
    ("licence", "licence_id"),
    [
        (facts.NO_LICENCE, "unknown"),
        (facts.Licence("Example Licence"), "other"),
        (facts.Licence("MIT", id="mit"), "mit"),
    ],
)
def test_a_licence_without_an_id_is_another_one(licence, licence_id):
    letters = dataclasses.replace(facts.no_facts("letters"), licence=licence)
    assert own("letters", letters, "0123456789", committed("mnist")).licence_id == licence_id


def test_several_licences_are_listed_and_other_ones_named():
    block = front_matter_of(card_text("README.md"))
    assert block["license"] == ["unknown", "mit", "cc-by-sa-4.0"]
    assert "license_name" not in block
    licence = facts.Licence("Licence of Ghent, 2.0", "other")
    letters = dataclasses.replace(facts.no_facts("letters"), licence=licence)
    letters = own("letters", letters, "0123456789", committed("mnist"))
    block = front_matter_of(render([published(CONFIGS["mnist"], committed("mnist")), letters]))
    assert block["license"] == ["unknown", "other"]
    assert (block["license_name"], block["license_link"]) == ("licence-of-ghent-2.0", "LICENSE.md")


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
    assert below_the_title(render([synthetic, synthetic])) == f"**{note}**"
    both = f"**{synthetic.title}: {note} {own.title}: {own.facts.note}**"
    assert below_the_title(render([synthetic, own])) == both
    assert below_the_title(card_text("kmnist/README.md")).startswith("70,000 greyscale images")


def below_the_title(text):
    return body_of(text).strip().splitlines()[2]


@pytest.mark.parametrize("kind", ["synthetic", "own"])
def test_a_card_of_other_rows_tells_nobody_to_load_the_published_ones(kind):
    text = render([unpublished(CONFIGS["mnist"], kind, "0123456789", committed("mnist"))])
    assert 'load_dataset("path/to/this/folder", "mnist")' in text
    for words in ("mnist_family.load", "mnist_family.py", "published archives, in their original"):
        assert words not in text


def test_a_card_loads_the_folder_that_it_lies_in():
    text = render([published(CONFIGS["mnist"], committed("mnist"))], location="./digits")
    assert text.count('load_dataset("./digits", "mnist"') == 13
    assert "mnist_family.load" not in text


def test_a_card_names_no_split_that_its_dataset_lacks():
    text = render([own("a", facts.no_facts("a"), "0123456789", committed("mnist", ["test"]))])
    assert text.count('"test"') == 4
    assert '"train"' not in text


def test_a_card_in_a_repository_loads_that():
    text = render([published(CONFIGS["mnist"], committed("mnist"))], location='./my "digits"')
    there = load_from(text, "me/digits")
    assert there.count('load_dataset("me/digits", "mnist"') == 13
    assert "my " not in there
    edited = text.replace("## Uses", '`load_dataset("./mine")`\n\n## Uses')
    assert 'load_dataset("./mine")' in load_from(edited, "me/digits")
    for foreign in ('load_dataset("imdb")', "No code."):
        assert load_from(foreign, "me/digits") == foreign


def test_a_dataset_among_several_has_a_card_of_its_own():
    described = [published(CONFIGS[name], committed(name)) for name in ("mnist", "fashion")]
    text = render_part(described[1], described, location="./two")
    assert text.startswith("# Dataset Card for Fashion-MNIST\n")
    assert "One of the datasets of [MNIST, Fashion-MNIST](../README.md)." in text
    assert "(dataset_cards/fashion.md)" in render(described, location="./two")


def test_at_most_five_issues_stand_at_the_top_and_the_others_below():
    described = [published(CONFIGS[name], committed(name)) for name in NAMES]
    top = cautions_of(described)
    assert [dataset.name for dataset, _ in top] == [
        "mnist",
        "mnist",
        "fashion",
        "fashion",
        "kmnist",
    ]
    for dataset in described:
        issues = [each for each in dataset.facts.about("known_issues") if each.kind != "unknown"]
        below = further_issues(described, dataset)
        assert [*below] == [each for each in issues if each not in [said for _, said in top]]
    assert len(cautions_of(described[:1])) == 5


def test_what_holds_for_all_datasets_is_said_once():
    text = render(
        [
            unpublished(CONFIGS[name], "synthetic", "0123456789", committed(name))
            for name in ("mnist", "fashion")
        ]
    )
    for words in ("- These images are far easier", "- The program chose", "@misc{mnist_family,"):
        assert text.count(words) == 1
    assert "### Synthetic MNIST: creation" not in text
    assert "### Synthetic MNIST: classes" in text


def test_the_checksums_are_those_that_sha256sum_takes(tmp_path):
    for split in ("train", "test"):
        write_split(tmp_path, split, pictures(4, 1), numbers(4, 1))
    verified = mnist_family.verified_splits("mnist", tmp_path)
    facts_of_letters = facts.no_facts("letters")
    letters = own("letters", facts_of_letters, "0123456789", measure_splits("letters", verified))
    block = re.search(r"```\n([0-9a-f]{64}  .*?)```", render([letters]), re.DOTALL)[1]
    check = ["sha256sum", "--check", "--strict"]
    subprocess.run(check, input=block, cwd=tmp_path, text=True, check=True)
    archive = next(tmp_path.glob("t10k-labels*"), None) or next(tmp_path.glob("test-labels*"))
    archive.write_bytes(b"changed")
    assert subprocess.run(check, input=block, cwd=tmp_path, text=True).returncode == 1


def test_a_card_speaks_of_nothing_that_the_data_lack():
    """Dates, rows without a label and near-duplicates are mentioned if there are any."""
    full = committed("mnist")
    bare = dataclasses.replace(
        full,
        neighbours=None,
        archives={
            split: tuple(dataclasses.replace(each, dated=None) for each in archives)
            for split, archives in full.archives.items()
        },
    )
    text = render([own("a", facts.no_facts("a"), "0123456789", bare)])
    assert "\n| archive | bytes | bytes decompressed |\n" in text
    assert "| int64 | the class as an integer |\n" in text
    assert "\n## Duplicates\n\n<details>\n<summary>Identical images</summary>\n" in text
    assert "\nNo licence stated (`license: unknown`)\n" in text
    train = dataclasses.replace(full.splits["train"], unlabelled=1)
    unlabelled = dataclasses.replace(full, splits={**full.splits, "train": train})
    text = render([own("a", facts.no_facts("a"), "0123456789", unlabelled)])
    assert "\n| archive | bytes | bytes decompressed | date |\n" in text
    assert "| int64 | the class as an integer; minus one means no label |\n" in text
    assert "\n## Duplicates and Near-Duplicates\n" in text


def test_at_most_four_sizes_of_the_bounding_box_are_shown():
    full = committed("mnist")
    sides = tuple(SideCount(20 + number, 9 - number) for number in range(6))
    test = dataclasses.replace(full.splits["test"], longer_side=sides, bright_borders=None)
    train = dataclasses.replace(test, longer_side=sides[:4])
    measured = dataclasses.replace(full, splits={"train": train, "test": test})
    text = render([own("a", facts.no_facts("a"), "0123456789", measured)])
    four = "20 px (9), 21 px (8), 22 px (7), 23 px (6)"
    assert f"| longer side of the bounding box | {four} | {four}, others (9) |\n" in text
    assert "images with a bright border" not in text


@pytest.mark.parametrize(
    ("size", "shown"),
    [(999, "999 bytes"), (1000, "1.0 kB"), (28_881, "28.9 kB"), (11_594_722, "11.6 MB"),
     (999_999, "1.0 MB"), (4_000_000_000, "4.0 GB"), (5_000_000_000_000, "5.0 TB")],
)  # fmt: skip
def test_sizes_are_shown_as_people_say_them(size, shown):
    assert show_size(size) == shown


def test_authors_of_one_place_are_named_together():
    text = render([published(CONFIGS["fashion"], committed("fashion"))])
    assert "\n- Authors: Han Xiao, Kashif Rasul, Roland Vollgraf (Zalando Research).\n" in text


def test_what_is_unknown_is_one_paragraph():
    text = card_text("kmnist/README.md")
    assert text.count("Not documented: ") == 1
    assert "who paid for it; " in text
    assert "We looked in the publisher's README, page and issues, and the paper's" in text
    own_text = render([own("a", facts.no_facts("a"), "0123456789", committed("mnist"))])
    assert "Not documented" not in own_text
    assert {"Curation Rationale", "Uses", "Glossary", "Citation"} & {*headings(own_text)} == set()


def test_a_few_words_are_led_by_what_they_are_about(tmp_path):
    (tmp_path / "facts.yaml").write_text(
        "funding: Pocket money\n"
        "collection: [A scanner, Each writer filled in a page.]\n"
        "intended_uses: Teaching\n"
        "sensitive:\n- claim: Names were removed\n  source: https://a.b\n"
    )
    own_facts = facts.read_facts(tmp_path / "facts.yaml")
    lines = render([own("a", own_facts, "0123456789", committed("mnist"))]).splitlines()
    for line in (
        "- Funding: Pocket money",
        "- Collection: A scanner",
        "- Each writer filled in a page.",
        "- Teaching",
        "- Names were removed ([a.b](https://a.b))",
    ):
        assert line in lines


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
    within, pairs, across = re.findall(r"^- (.*occurs? .*)$", text, re.MULTILINE)
    assert within.startswith("In train, 1 image occurs more than once, in rows 0, 1, ")
    assert within.endswith("in rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 19,990 more.")
    assert pairs.startswith("In test, 2,500 images occur more than once, in rows 0, 1; 2, 3; ")
    assert pairs.endswith("18, 19 and 2,490 more.")
    assert across.startswith("1 image occurs in more than one split: train 0, ")
    assert across.endswith("train 8, train 9 and 24,990 more.")
    assert max(map(len, text.splitlines())) < 1_000


def test_equal_images_that_are_too_many_to_list_are_counted():
    counts = EqualCounts(
        within={"train": EqualCount(20_000, 2_000_000), "test": EqualCount()},
        across=EqualCount(1, 90_000),
    )
    counted = Duplicates(within={"train": (), "test": ()}, across=(), counts=counts)
    measured = dataclasses.replace(committed("mnist"), duplicates=counted)
    text = render([published(CONFIGS["mnist"], measured)])
    assert re.findall(r"^- (.*occurs? .*)$", text, re.MULTILINE) == [
        "In train, 20,000 images occur more than once, in 2,000,000 rows: too many to list.",
        "1 image occurs in more than one split, in 90,000 rows: too many to list.",
    ]
    assert "No two images are identical" not in text


def test_a_template_that_prints_nothing_known_is_refused(tmp_path, monkeypatch):
    (tmp_path / "any.j2").write_text("{{ value }}")
    monkeypatch.setattr(facts, "CARDS", tmp_path)
    assert render_template("any.j2", value="*a*") == "\\*a\\*"
    with pytest.raises(TypeError) as caught:
        render_template("any.j2", value=None)
    assert str(caught.value) == "a template prints None, expected text; check it in the template"

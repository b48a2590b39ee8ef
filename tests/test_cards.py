"""Cards are true: every number in them comes from a key, every key is in them, and a stale one is found."""

import copy
import dataclasses
import hashlib
import json
import re
import shutil

import bibtexparser
import datasets
import numpy as np
import pytest
import yaml
from conftest import NAMES, ROOT, SCRIPTS_LOAD, run

from mnist_tools.cards import card
from mnist_tools.cards import facts
from mnist_tools.commands import card as generate_cards
from mnist_tools.cards import measurements
import mnist_family

CONFIGS = {config.name: config for config in mnist_family.CONFIGS}
TYPES = re.compile(r"uint8|int64|sha256|UTF-8")  # names with digits that are no figures
NUMBER = re.compile(r"\d+(?:,\d{3})*")


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """A copy of cards/ that the commands read and write."""
    folder = tmp_path / "cards"
    shutil.copytree(ROOT / "cards", folder)
    for module in (facts, generate_cards, measurements):
        monkeypatch.setattr(module, "CARDS", folder)
    return folder


def family():
    return [card.published(config, measurements.committed(name)) for name, config in CONFIGS.items()]


# --- Where the numbers come from --------------------------------------------------------------------------------------


class Sources:
    """All that the cards of some datasets are made of, as one tree whose leaves can be changed."""

    def __init__(self, names):
        self.names = names
        self.tree = {"family": facts.family_facts()}
        for name in names:
            each = {"facts": facts.dataset_facts(name), "measured": measurements.committed(name)}
            if each["measured"]:
                del each["measured"]["whole"]  # the same once more
            each["facts"]["sources"] = {
                key: source
                for key, source in each["facts"]["sources"].items()
                if key not in self.tree["family"]["sources"]
            }
            each["loader"] = {
                field: copy.deepcopy(getattr(CONFIGS[name], field))
                for field in ("title", "description", "class_names", "mirrors", "homepage", "license", "citation")
            }
            each["loader"]["class_names"] = [*each["loader"]["class_names"]]
            each["loader"]["mirrors"] = [*each["loader"]["mirrors"]]
            each["loader"]["version"] = str(CONFIGS[name].version)
            each["loader"]["archives"] = {
                split: [dict(archive._asdict()) for archive in pair] for split, pair in CONFIGS[name].archives.items()
            }
            if each["measured"]:  # then the archives' own figures are printed, and the loader's only checked
                del each["loader"]["archives"]
            self.tree[name] = each
        self.shape = mnist_family.ROW_SHAPES["images"]

    def leaves(self, *path):
        tree = self.get(path)
        if isinstance(tree, dict | list):
            for key in tree if isinstance(tree, dict) else range(len(tree)):
                yield from self.leaves(*path, key)
        elif tree is not None:
            yield path

    def get(self, path):
        value = self.tree
        for key in path:
            value = value[key]
        return value

    def changed(self, changes):
        """Another with {path: value} put in."""
        other = copy.copy(self)
        other.tree = copy.deepcopy(self.tree)
        for path, value in changes.items():
            place = other.tree
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        return other

    def render(self, monkeypatch):
        """The text of the card, with LICENSE.md after it."""
        with monkeypatch.context() as patch:
            patch.setattr(card, "family_facts", lambda: self.tree["family"])
            patch.setitem(mnist_family.ROW_SHAPES, "images", self.shape)
            described = []
            for name in self.names:
                each, config = self.tree[name], copy.copy(CONFIGS[name])
                for field, value in each["loader"].items():
                    if field == "archives":
                        value = {split: [mnist_family.Archive(**a) for a in pair] for split, pair in value.items()}
                    setattr(config, field, value)
                sources = {**self.tree["family"]["sources"], **each["facts"]["sources"]}
                said = {**each["facts"], "sources": sources}
                names = tuple(config.class_names)
                described.append(card.Dataset(config, config.title, names, said, each["measured"]))
            return card.render(described) + card.render_licence(described)


def other_digits(value):
    """Another value of the same type, each of its digits another one."""
    if isinstance(value, list):
        return [other_digits(each) for each in value]
    if isinstance(value, str):
        parts = re.split(f"({TYPES.pattern}|{{{{.*?}}}}|{{%.*?%}})", value)
        parts[::2] = [re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), part) for part in parts[::2]]
        return "".join(parts)
    return type(value)(re.sub(r"\d", lambda digit: str(int(digit[0]) % 9 + 1), str(value)))


def tokens(text):
    """[(line, place, digits)] of all numbers in a text."""
    text = TYPES.sub(lambda name: "x" * len(name[0]), text)
    return {
        (number, match.start()): match[0]
        for number, line in enumerate(text.splitlines())
        for match in NUMBER.finditer(line)
    }


def moved(before, after):
    """The tokens of `before` that are others in `after`, compared line by line."""
    texts = [TYPES.sub(lambda name: "x" * len(name[0]), text).splitlines() for text in (before, after)]
    if len(texts[0]) != len(texts[1]):
        return set()
    places = set()
    for number, (old, new) in enumerate(zip(*texts, strict=True)):
        found = [[*NUMBER.finditer(line)] for line in (old, new)]
        if len(found[0]) == len(found[1]):
            pairs = zip(*found, strict=True)
            places |= {(number, one.start()) for one, two in pairs if one[0] != two[0]}
    return places


def more_rows(sources):
    """Ten times the rows: the Hub's size category is the only figure that grows by steps."""
    return {
        path: sources.get(path) * 10
        for path in sources.leaves()
        if path[-1] == "rows" and "splits" in path and isinstance(sources.get(path), int)
    }


def one_class_more(name, sources):
    """An eleventh class in whatever counts classes."""
    changes = {(name, "loader", "class_names"): [*sources.get((name, "loader", "class_names")), "another"]}
    if measured := sources.tree[name]["measured"]:
        for split, each in measured["splits"].items():
            changes[name, "measured", "splits", split, "class_counts"] = [*each["class_counts"], 1]
        for k, knn in enumerate(measured["neighbours"]["knn"]):
            accuracies = [*knn["class_accuracy_percent"], 1.5]
            changes[name, "measured", "neighbours", "knn", k, "class_accuracy_percent"] = accuracies
    return changes


def counted(text, class_names):
    """The places of numbers that count the class names and nothing else: labels, each checked against its name."""
    places = set()
    for number, line in enumerate(text.splitlines()):
        if match := re.match(r"\| (\d+) \| (.*?) \|", line) or re.match(r" +'(\d+)': '?(.*?)'?$", line):
            label = int(match[1])
            if label < len(class_names) and match[2] in (class_names[label], facts_character(label)):
                places.add((number, match.start(1)))
    return places


def facts_character(label):
    rows = facts.dataset_facts("kmnist")["sections"]["classes"][0]["table"]["rows"]
    return rows[label][1]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_comes_from_a_key_and_every_key_is_said(name, monkeypatch):
    sources = Sources([name])
    text = sources.render(monkeypatch)
    left = set(tokens(text)) - counted(text, sources.tree[name]["loader"]["class_names"])
    silent = []
    versions = ("family", "versions", 0, 0), (name, "loader", "version")
    for path in sources.leaves():
        value = sources.get(path)
        changes = {path: other_digits(value) if other_digits(value) != value else f"{value}x"}
        if path in versions:
            changes = dict.fromkeys(versions, "2.1.1")
        try:
            after = sources.changed(changes).render(monkeypatch)
        except (KeyError, ValueError):
            continue  # noticed: a key that something refers to
        if after == text:
            silent.append(path)
        left -= moved(text, after)
    for path in {path[:-1] for path in sources.leaves() if path[-2] == "class_counts"}:  # for the least and the most
        left -= moved(text, sources.changed({path: other_digits(sources.get(path))}).render(monkeypatch))
    left -= moved(text, sources.changed(more_rows(sources)).render(monkeypatch))
    classes = sources.changed(one_class_more(name, sources)).render(monkeypatch)
    assert "| classes | 11 |" in classes
    left -= {place for place in left if text.splitlines()[place[0]] == "| classes | 10 |"}
    sources.shape = (31, 17)
    left -= moved(text, sources.render(monkeypatch))
    assert {text.splitlines()[line] for line, _ in left} == set()
    # In Croissant, in the family's card; what the loader alone needs.
    elsewhere = {"date_published", "license_name", "license_link", "pretty_name", "md5"}
    assert [
        path for path in silent if path[-1] not in elsewhere and path[:3] != (name, "facts", "published_counts")
    ] == []


def test_every_number_of_the_familys_card_comes_from_a_key(monkeypatch):
    sources = Sources(NAMES)
    text = sources.render(monkeypatch)
    left = set(tokens(text))
    for name in NAMES:
        left -= counted(text, sources.tree[name]["loader"]["class_names"])
    changes = {}
    for path in sources.leaves():
        value = sources.get(path)
        if re.search(r"\d", str(value)) and not {"source", "unlabelled"} & {*path[-2:]}:  # would be one line more
            changes[path] = other_digits(value)
    for path in [path for path in changes if path[-1] == "version" or path[:2] == ("family", "versions")]:
        changes[path] = "2.1.1" if path[-1] in ("version", 0) else changes[path]
    sources.shape = (31, 17)
    left -= moved(text, sources.changed(changes).render(monkeypatch))
    sources.shape = (28, 28)
    left -= moved(text, sources.changed(more_rows(sources)).render(monkeypatch))
    lines = {text.splitlines()[line] for line, _ in left}
    assert lines <= {"| classes | 10 | 10 | 10 |"}
    names = sources.changed(
        {("mnist", "loader", "class_names"): ["a", *sources.get(("mnist", "loader", "class_names"))]}
    )
    names.tree["mnist"]["measured"] = None
    names.tree["mnist"]["facts"]["published_counts"] = names.tree["kmnist"]["facts"]["published_counts"]
    for key in ("sections", "licence"):
        names.tree["mnist"]["facts"][key] = names.tree["kmnist"]["facts"][key]
    names.tree["mnist"]["facts"]["sources"] = names.tree["kmnist"]["facts"]["sources"]
    assert "| classes | 11 | 10 | 10 |" in names.render(monkeypatch)


def test_the_words_of_the_templates_have_no_figure():
    for template in (ROOT / "cards").glob("*.j2"):
        assert not NUMBER.search(template.read_text(encoding="utf-8")), template
        assert not any(config.title in template.read_text(encoding="utf-8") for config in mnist_family.CONFIGS)


# --- Fresh and stale --------------------------------------------------------------------------------------------------


def test_the_committed_cards_are_what_the_command_writes(cards, capsys):
    generate_cards.main(["--check"])
    before = {path: path.read_bytes() for path in cards.rglob("README.md")}
    assert len(before) == 4
    for path in before:
        path.unlink()
    generate_cards.main([])
    assert {path: path.read_bytes() for path in cards.rglob("README.md")} == before
    capsys.readouterr()
    generate_cards.main([])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "file", ["mnist/README.md", "README.md", "fashion/measurements.json", "kmnist/facts.yaml", "facts.yaml"]
)
def test_one_other_digit_is_found(cards, capsys, file):
    path = cards / file
    text = path.read_text(encoding="utf-8")
    places = [match.start() for match in re.finditer(r"\d", text)]
    random = np.random.default_rng(len(text))
    for place in random.choice(places, 12, replace=False):
        line = text[: place + 1].splitlines()[-1]
        if line.lstrip().startswith("#") or "  # " in line:  # a comment of YAML
            continue
        path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :], encoding="utf-8")
        try:
            with pytest.raises(SystemExit) as caught:
                generate_cards.main(["--check"])
        except pytest.fail.Exception:
            if file != "facts.yaml" or "date_published" not in line:
                raise
        else:
            assert "expected" in caught.value.code
    capsys.readouterr()


def test_a_stale_card_is_shown_and_left_alone(cards, capsys):
    path = cards / "fashion" / "README.md"
    stale = path.read_text(encoding="utf-8").replace("6,000 in train", "6,001 in train")
    path.write_text(stale, encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        generate_cards.main(["fashion", "--check"])
    assert (
        caught.value.code == f"{path}: stale, expected what facts and measurements give; run scripts/generate_cards.py"
    )
    assert re.search(r"^-\| rows of a class \| 6,001 in train", capsys.readouterr().out, re.MULTILINE)
    assert path.read_text(encoding="utf-8") == stale
    generate_cards.main(["mnist", "--check"])
    generate_cards.main(["fashion"])
    generate_cards.main(["--check"])


def test_other_line_ends_are_stale_too(cards, capsys):
    path = cards / "README.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(SystemExit, match="stale"):
        generate_cards.main(["--check"])


def test_an_unknown_card_is_named(capsys):
    with pytest.raises(
        SystemExit, match="^cifar: no such card, expected some of mnist, fashion, kmnist, family; correct the name$"
    ):
        generate_cards.main(["cifar"])


# --- What people say --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("source: lcp", "source: lpc", r"summary\[0\].source: 'lpc', expected one of lcp, "),
        ("  summary:\n", "  sumary:\n", r"sections: .*'summary' is a required property; correct it"),
        ("tags: [digits, handwriting]", "tags: digits", r"tags: 'digits' is not of type 'array'; correct it"),
        ("language: [en]", "language: [no]", r"language\[0\]: False is not of type 'string'; correct it"),
        ("tags:", "tags: [a]\ntags:", r"the key 'tags' twice in .*line 2, column 1.*, expected YAML; correct it"),
        ("    - advice: Finding", "    - Finding", r"out_of_scope_use\[1\]: .* is not of type 'object'"),
        ("- advice: Finding", "- claim: Finding", r"out_of_scope_use\[1\]: has claim, expected claim and source;"),
        ("- advice: Finding", "- hope: Finding", r"out_of_scope_use\[1\]: .*'hope' was unexpected"),
        ('- [linear classifier, "12.0"]', "- [linear]", r"benchmarks\[0\].table: a row of 1 cells, expected 2"),
        ("train.class_counts", "train.class_count", r"no attribute 'class_count', expected names of"),
        ("sources:\n", "sources:\n  lcp: {short: a, name: b}\n", r"sources: lcp, expected a key that cards/facts.yaml"),
        ("      looked: the MNIST page, QMNIST's README, the Hub's card\n", "      source: qmr\n",
         r"funded_by\[0\]: has source, unknown, expected unknown and looked; correct it"),
        ("citations:", "citations", r"expected YAML; correct it"),
    ],
)  # fmt: skip
def test_wrong_facts_are_named_by_file_and_key(cards, before, after, message):
    path = cards / "mnist" / "facts.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(SystemExit, match=message) as caught:
        generate_cards.main(["--check"])
    assert str(path) in caught.value.code or "facts, '" in caught.value.code
    assert len(caught.value.code.splitlines()) == 1


def test_measurements_of_other_archives_are_refused(cards):
    path = cards / "mnist" / "measurements.json"
    path.write_text(path.read_text(encoding="utf-8").replace("440fcabf", "440fcabe"), encoding="utf-8")
    with pytest.raises(
        SystemExit, match="measurements.json: sha256 440fcabe.*, expected 440fcabf.* as in mnist_family.py"
    ):
        generate_cards.main(["--check"])


def test_citations_are_bibtex():
    for dataset in family():
        library = bibtexparser.parse_string("\n".join(card.citations(dataset)))
        assert library.failed_blocks == []
        assert len(library.entries) == len(card.citations(dataset))
        assert all({"author", "title", "year"} <= {*entry.fields_dict} for entry in library.entries)


def test_the_characters_are_the_publishers_class_map():
    table = facts.dataset_facts("kmnist")["sections"]["classes"][0]["table"]
    content = "index,codepoint,char\n" + "".join(f"{label},{point},{kana}\n" for label, kana, point, _ in table["rows"])
    source = facts.dataset_facts("kmnist")["sources"]["classmap"]["name"]
    assert str(len(content.encode())) in source
    assert hashlib.md5(content.encode()).hexdigest() in source
    assert [row[3] for row in table["rows"]] == [*CONFIGS["kmnist"].class_names]
    assert all(ord(kana) == int(point.removeprefix("U+"), 16) for _, kana, point, _ in table["rows"])


@pytest.mark.real
def test_the_label_errors_have_the_archives_labels(real_archives):
    labels = mnist_family.read_idx(real_archives / "mnist" / "t10k-labels-idx1-ubyte.gz")
    tables = [each["table"] for each in facts.dataset_facts("mnist")["sections"]["limitations"] if "table" in each]
    assert [labels[row] for row, _, _ in tables[0]["rows"]] == [label for _, label, _ in tables[0]["rows"]]


# --- What a reader needs ----------------------------------------------------------------------------------------------


def test_the_front_matter_is_read_back_as_it_was_written(tmp_path):
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs

    for path in [ROOT / "cards" / "README.md", *(ROOT / "cards").glob("*/README.md")]:
        infos = DatasetInfosDict.from_directory(str(path.parent))
        configs = MetadataConfigs.from_dataset_card_data(read_card(path).data)
        assert {*infos} == {*configs} == ({*NAMES} if path.parent.name == "cards" else {path.parent.name})
        for name, info in infos.items():
            assert info.features == datasets.Features(
                {"image": datasets.Image(), "label": datasets.ClassLabel(names=[*CONFIGS[name].class_names])}
            )
            assert {split: each.num_examples for split, each in info.splits.items()} == {"train": 60000, "test": 10000}
            assert [each["split"] for each in configs[name]["data_files"]] == ["train", "test"]
        defaults = [name for name, config in configs.items() if config.get("default")]
        assert defaults == [next(iter(configs))]


def read_card(path):
    from huggingface_hub import DatasetCard

    return DatasetCard.load(path)


HEADINGS = """Data Instances; Data Fields; Data Splits; Curation Rationale; Source Data; Annotations; Uses; Citation;
Licensing Information; Personal and Sensitive Information; Direct Use; Out-of-Scope Use; Dataset Structure; Glossary;
Dataset Creation; Bias, Risks, and Limitations; Recommendations; More Information; Dataset Card Authors;
Dataset Card Contact"""


@pytest.mark.parametrize("path", ["README.md", *(f"{name}/README.md" for name in NAMES)])
def test_a_card_has_the_headings_of_both_templates_and_no_holes(path):
    text = (ROOT / "cards" / path).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    assert {heading.strip() for heading in HEADINGS.replace("\n", " ").split(";")} <= {*headings}
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {*re.findall(r"\]\(#(.*?)\)", text)} <= anchors
    assert "Information Needed" not in text
    assert "UNCONFIRMED" not in text
    assert "![" not in text
    for line in text.splitlines():
        assert line == line.rstrip()


def test_only_the_papers_of_the_datasets_become_arxiv_tags():
    text = (ROOT / "cards" / "README.md").read_text(encoding="utf-8")
    assert {*re.findall(r"arxiv\.org/\w+/([\d.]+)", text)} == {"1708.07747", "1812.01718"}


@pytest.mark.parametrize("number", range(6))
def test_the_code_of_a_card_runs(tiny, mirrors, sample, tmp_path, number):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "cards" / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    code = [block for block in blocks if "import" in block][number]
    if "import torch" in code:
        pytest.importorskip("torch")
    shutil.copytree(sample, tmp_path / "path" / "to" / "this" / "folder")
    shutil.copy(tiny.script, tmp_path / "mnist_family.py")
    result = run(["-c", code], cwd=tmp_path)
    if "./mnist_family.py" in code and not SCRIPTS_LOAD:
        assert "Dataset scripts are no longer supported" in result.stderr
    else:
        assert result.returncode == 0, result.stderr


def test_what_decodes_is_told_right(sample, cache, monkeypatch):
    """`decoding` in cards/facts.yaml: one image by row first; by column first, one or all; by label, none."""
    told = facts.family_facts()
    assert told["releases"]["lazy_column"] == "4"
    lazy = int(datasets.__version__.split(".")[0]) >= 4
    rows = datasets.load_dataset(str(sample), "mnist", split="test", cache_dir=str(cache))
    decoded, decode = [], datasets.Image.decode_example
    monkeypatch.setattr(datasets.Image, "decode_example", lambda *a, **k: decoded.append(1) or decode(*a, **k))
    for access, times in [
        (lambda: rows[0]["image"], 1),
        (lambda: rows["image"][0], 1 if lazy else len(rows)),
        (lambda: rows["label"][0], 0),
    ]:
        decoded.clear()
        access()
        assert len(decoded) == times


def test_a_table_of_facts_says_what_its_cells_say():
    assert (
        card.table(["row", "what"], [["7", "a|b"], ["1,234", ""]])
        == "| row | what |\n| ---: | --- |\n| 7 | a\\|b |\n| 1,234 |  |"
    )


def test_versions_that_nobody_described_are_refused(monkeypatch):
    config = dataclasses.replace(CONFIGS["mnist"], version=datasets.Version("9.9.9"))
    with pytest.raises(ValueError, match="versions: no version 9.9.9, expected that of mnist in mnist_family.py"):
        card.render([card.published(config, measurements.committed("mnist"))])


def test_yaml_and_json_are_committed_as_the_commands_write_them(tmp_path):
    for name in ("mnist", "fashion"):
        path = ROOT / "cards" / name / "measurements.json"
        measurements.write(tmp_path / "again.json", json.loads(path.read_text(encoding="utf-8")))
        assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    for path in (ROOT / "cards").rglob("*.yaml"):
        assert "UNCONFIRMED" not in path.read_text(encoding="utf-8")
        yaml.safe_load(path.read_text(encoding="utf-8"))

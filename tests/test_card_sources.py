"""Every figure in a card comes from a key of its sources, and every key is in a card.

The sources of a card are facts.yaml, measurements.json and the config in mnist_family.py. For
example, measurements.json of MNIST has `"constant_pixels": 67`, and its card has the line

    | pixels that are the same in all images | 67 | 116 |

The first test gives every figure in the sources another value, renders the card again, and compares
the two texts. The line is now `| … | 78 | 221 |`. A figure that is the same in both
has been typed into a template, where nobody would notice that it is wrong.

The second test gives every value a mark of its own, such as 7,000,067 for the 67, and looks for the
marks in the card. A value whose mark is missing, and whose change changes nothing, is an idle key.
"""

import copy
import functools
import itertools
import json
import re
import shutil

import datasets
import pytest
import yaml
from conftest import NAMES, ROOT

import mnist_family
from mnist_tools.cards import facts, measurements
from mnist_tools.cards.card import published, render, render_licence

# Names with digits that are no figures, and placeholders.
NO_FIGURES = re.compile(r"uint8|int64|sha256|UTF-8|{{.*?}}")
FIGURE = re.compile(r"\d+(?:,\d{3})*")
CONFIG_KEYS = ("title", "description", "class_names", "mirrors", "homepage", "license", "citation")
# What a card of one dataset does not show: what the family's card and Croissant do, what only the
# loader needs, and what stands in for measurements where there are none.
ELSEWHERE = {"date_published", "md5", "pretty_name", "rows_of", "spdx"}
SHOWN_ELSEWHERE = [("family", "description"), ("config", "description")]


class Sources:
    """The sources of the cards of some datasets: a tree of values, to be changed and rendered."""

    def __init__(self, names, folder):
        self.names = names
        self.folder = folder
        self.shape = mnist_family.IMAGE_SHAPE
        self.tree = {"family": load(ROOT / "cards" / "facts.yaml")}
        for name in names:
            path = ROOT / "cards" / name
            self.tree[name] = {"facts": load(path / "facts.yaml"), "config": config_tree(name)}
            if (path / "measurements.json").exists():
                self.tree[name]["measured"] = load(path / "measurements.json")

    def changed(self, change):
        """Return other sources in which each value is what `change(path, value)` returns."""
        other = copy.copy(self)
        other.tree = mapped(self.tree, change)
        return other

    def leaves(self):
        """Return every (path, value) of the tree."""
        found = []
        mapped(self.tree, lambda path, value: found.append((path, value)))
        return found

    def render(self, monkeypatch):
        """Return the text of the card, with LICENSE.md after it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(ROOT / "cards", self.folder)
        save(self.folder / "facts.yaml", self.tree["family"])
        configs = {config.name: config for config in mnist_family.CONFIGS}
        for name in self.names:
            save(self.folder / name / "facts.yaml", self.tree[name]["facts"])
            configs[name] = self.config(name)
            if "measured" in self.tree[name]:
                text = json.dumps(self.tree[name]["measured"])
                (self.folder / name / "measurements.json").write_text(text, encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(facts, "CARDS", self.folder)
            patch.setattr(measurements, "CARDS", self.folder)
            patch.setattr(mnist_family, "CONFIGS", [*configs.values()])
            patch.setattr(mnist_family, "IMAGE_SHAPE", self.shape)
            described = [
                published(configs[each], measurements.committed(each)) for each in self.names
            ]
            return render(described) + render_licence(described)

    def config(self, name):
        """Return a config with the values of the tree; archives as measured, which has to agree."""
        tree = self.tree[name]["config"]
        config = copy.copy(mnist_family.find_config(name))
        for key in CONFIG_KEYS:
            setattr(config, key, tuple(tree[key]) if isinstance(tree[key], list) else tree[key])
        config.version = datasets.Version(tree["version"])
        archives = self.tree[name].get("measured", tree)["archives"]
        config.archives = {
            split: tuple(archive_of(each) for each in pair) for split, pair in archives.items()
        }
        return config


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def save(path, tree):
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), encoding="utf-8")


def config_tree(name):
    config = mnist_family.find_config(name)
    tree = {key: getattr(config, key) for key in CONFIG_KEYS}
    tree = {key: list(value) if isinstance(value, tuple) else value for key, value in tree.items()}
    tree["version"] = str(config.version)
    if not (ROOT / "cards" / name / "measurements.json").exists():
        tree["archives"] = {
            split: [each._asdict() for each in pair] for split, pair in config.archives.items()
        }
    return tree


def archive_of(archive):
    values = {"md5": "", **archive}
    return mnist_family.Archive(*(values[key] for key in ("file", "bytes", "sha256", "md5")))


def mapped(tree, change, path=()):
    if isinstance(tree, dict):
        return {key: mapped(value, change, (*path, key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [mapped(value, change, (*path, number)) for number, value in enumerate(tree)]
    return tree if tree is None else change(path, tree)


def refers(path):
    """Tell whether a value is the key of a source, an id or a date, and so no text."""
    ids = {"source", "spdx", "languages", "annotations_creators", "date_published"}
    return not ids.isdisjoint(path[-2:])


# --- Every figure comes from a key ----------------------------------------------------------------


def other_figures(path, value, shift=1):
    """Return a value of the same type in which every digit is another one."""
    if refers(path) or path[-1:] == ("unlabelled",):  # any of those is a line more
        return value
    if isinstance(value, str):
        pieces = re.split(f"({NO_FIGURES.pattern})", value)
        pieces[::2] = [re.sub(r"\d", lambda digit: str((int(digit[0]) + shift) % 10), each)
                       for each in pieces[::2]]  # fmt: skip
        return "".join(pieces)
    return type(value)(
        re.sub(r"\d", lambda digit: str((int(digit[0]) + shift - 1) % 9 + 1), str(value))
    )


def with_other_figures(sources, shift):
    other = sources.changed(functools.partial(other_figures, shift=shift))
    other.shape = (30 + shift, 60 + shift)
    versions = other.tree["family"]["versions"]
    other.tree["family"]["versions"] = {
        other_figures((), version, shift): text for version, text in versions.items()
    }
    return other


def without_code(text):
    """Return the lines of a card with its code blanked out; tests run the code."""
    emptied = re.sub(r"(?<=```python\n)(?!Features|{).*?(?=```)", blanked, text, flags=re.DOTALL)
    return NO_FIGURES.sub(blanked, re.sub(r"(?<!`)`[^`\n]*`", blanked, emptied)).splitlines()


def blanked(match):
    return re.sub(r"[^\n]", "x", match[0])


def typed_figures(before, after):
    """Return (line, figure) of each figure that is the same in both texts, at the same place."""
    assert len(before) == len(after)
    same = []
    for old, new in zip(before, after, strict=True):
        figures = [FIGURE.findall(line) for line in (old, new)]
        assert len(figures[0]) == len(figures[1]), (old, new)
        same += [(old, figure) for figure, other in zip(*figures, strict=True) if figure == other]
    return same


def counts_classes(line, figure):
    """Tell whether a figure is the number of a class, or how many there are."""
    numbered = re.match(r"\| (\d) \| |\s*'(\d)': ", line)
    if numbered:
        return figure in numbered.groups()
    return line.startswith("| classes | ") or "<n<" in line


@pytest.mark.parametrize("names", [[name] for name in NAMES] + [[*NAMES]], ids="-".join)
def test_every_figure_comes_from_a_key(names, monkeypatch, tmp_path):
    sources = Sources(names, tmp_path / "cards")
    before = without_code(sources.render(monkeypatch))
    same = []
    for shift in (1, 2):  # with one of them, a figure may happen to become that of another row
        after = without_code(with_other_figures(sources, shift).render(monkeypatch))
        same.append({each for each in typed_figures(before, after) if not counts_classes(*each)})
    assert same[0] & same[1] == set()


def test_a_figure_that_is_typed_is_found():
    assert typed_figures(["| 67 | of 28 |"], ["| 78 | of 28 |"]) == [("| 67 | of 28 |", "28")]


def test_the_number_of_classes_comes_from_their_names(monkeypatch, tmp_path):
    sources = Sources(["kmnist"], tmp_path / "cards")
    sources.tree["kmnist"]["config"]["class_names"].append("another")
    text = sources.render(monkeypatch)
    assert "| 10 | another | 6,000 | 1,000 |" in text
    assert "          '10': another\n" in text


# --- Every key is in a card -----------------------------------------------------------------------


def marker():
    """Return a function that gives every value a mark of its own, and remembers it."""
    numbers = itertools.count(1)
    marks = {}

    def mark(path, value):
        if refers(path) or isinstance(value, bool) or path[-1] in ("type", "date_published"):
            return value
        if path[-1] in ("label", "taken_for", "version"):  # of a class, of a release
            return value
        number = next(numbers)
        if isinstance(value, int):
            marks[path] = f"{7_000_000 + number:,}", str(7_000_000 + number)
            return 7_000_000 + number
        if isinstance(value, float):
            marks[path] = (str(70 + number / 10_000),)
            return 70 + number / 10_000
        marks[path] = (f"q{number}q",)
        return f"{value}q{number}q"

    return mark, marks


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_in_the_card(name, monkeypatch, tmp_path):
    sources = Sources([name], tmp_path / "cards")
    before = sources.render(monkeypatch)
    mark, marks = marker()
    marked = sources.changed(mark)
    text = marked.render(monkeypatch)
    cited = {value for path, value in sources.leaves() if refers(path)}
    silent = []
    for path, value in sources.leaves():
        if path[:2] == ("family", "sources") and path[2] not in cited:
            continue  # other datasets cite it
        if any(each in text for each in marks.get(path, ())):
            continue
        if ELSEWHERE & {*path} or path[-2:] in SHOWN_ELSEWHERE or refers(path):
            continue
        alone = sources.changed(
            lambda each, kept, path=path: other_figures(each, kept) if each == path else kept
        )
        try:
            if alone.render(monkeypatch) == before:
                silent.append((path, value))
        except ValueError:
            pass  # noticed: something refers to it
    assert silent == []

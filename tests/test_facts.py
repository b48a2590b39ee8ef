"""What facts.yaml may say, and the one line that names what is wrong in it."""

import hashlib
import json
import os
import re
import shutil

import pytest
from conftest import NAMES, ROOT

import mnist_family
from mnist_tools.cards import facts
from mnist_tools.cards.card import own, published, render
from mnist_tools.cards.escape import escape_words
from mnist_tools.cards.facts_file import answer_keys
from mnist_tools.cards.measurements import committed
from mnist_tools.cards.open_questions import QUESTIONS, open_questions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of cards/ that the facts are read from."""
    copy = tmp_path / "cards"
    shutil.copytree(ROOT / "cards", copy)
    monkeypatch.setattr(facts, "CARDS", copy)
    return copy


def change(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def line_of(path, words):
    return path.read_text(encoding="utf-8").partition(words)[0].count("\n") + 1


def message_of(function, *args):
    with pytest.raises(ValueError, match="; ") as caught:
        function(*args)
    return str(caught.value)


WRONG = {  # what only published facts can have wrong; the others are in test_wrong_facts.py
    "the source of a claim": (
        "source: lcp",
        "source: lpc",
        r": description\[0\]\.source: 'lpc', expected one of lcp, fmr, kmr, [a-z0-9_, ]+, or a URL"
        r"; did you mean 'lcp'\?",
    ),
    "a source of the family once more": (
        "sources:\n",
        "sources:\n  lcp: {short: a, name: b}\n",
        r": sources\.lcp: lcp, expected a key that cards/facts\.yaml does not have; rename it",
    ),
    "a source where none belongs": (
        "who paid for it\n    looked: ",
        "who paid for it\n    source: ",
        r": funding\[0\]: has source and unknown, expected looked and unknown; add looked",
    ),
    "a word for the number of a row": (
        '[947, 8, "9"]',
        '["947", 8, "9"]',
        r": known_issues\[5\]\.table\.rows\[0\]: '947', expected the number of a row"
        r"; correct it or drop rows_of",
    ),
    "a source of advice": (
        "- advice: Finding",
        "- source: qmr\n    advice: Finding",
        r": out_of_scope_uses\[1\]: has advice and source, expected advice; remove source",
    ),
}


@pytest.mark.parametrize(("before", "after", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_by_file_and_key(folder, before, after, message):
    path = folder / "mnist" / "facts.yaml"
    change(path, before, after)
    told = message_of(facts.dataset_facts, "mnist")
    assert re.fullmatch(re.escape(str(path)) + r":\d+" + message, told), told


def test_facts_that_are_not_there_are_one_line(folder):
    path = folder / "letters" / "facts.yaml"
    assert message_of(facts.dataset_facts, "letters") == (
        f"{path}: no such file, expected what people say of the dataset; "
        f"run mnist-family init {path.parent}"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("trian.mean", "title, train, test, cosine, knn instead of 'trian'"),
        ("train.longer_side[9]", "[0], [1] instead of '9'"),
        ("knn[0].error", "k, accuracy_percent, errors, confusions, worst_class instead of 'error'"),
        ("knn[1].errors.third", "first_half, second_half instead of 'third'"),
        ("1 + 1", "title, train, test, cosine, knn instead of '1 + 1'"),
    ],
)
def test_a_figure_that_there_is_not_is_named_with_those_that_there_are(folder, path, message):
    file = folder / "mnist" / "facts.yaml"
    change(file, "{{ train.class_counts | spread }}", f"{{{{ {path} }}}}")
    line = line_of(file, "- measured: >-\n      Classes are unequal")
    mnist = mnist_family.find_config("mnist")
    assert message_of(render, [published(mnist, committed("mnist"))]) == (
        f"{file}:{line}: known_issues[2]: no figure {path!r}, expected one of {message}; correct it"
    )


def test_figures_of_what_was_not_measured_are_refused(folder):
    before = "claim: The characters are Japanese hiragana.\n    source: codh"
    change(folder / "kmnist" / "facts.yaml", before, "measured: In {{ train.rows }} rows.")
    told = message_of(render, [published(mnist_family.find_config("kmnist"))])
    path = folder / "kmnist" / "facts.yaml"
    line = line_of(path, "- measured: In")
    assert told == (
        f"{path}:{line}: language_details[0]: no figure 'train.rows', "
        "expected one of title instead of 'train'; correct it"
    )


def test_facts_are_read_again_only_when_their_file_changes(folder):
    before = facts.dataset_facts("mnist")
    change(folder / "mnist" / "facts.yaml", "tags: [digits, handwriting]", "tags: [numerals]")
    assert before.tags == ("digits", "handwriting")
    assert facts.dataset_facts("mnist").tags == ("numerals",)
    change(folder / "mnist" / "facts.yaml", "tags: [numerals]", "tags: [Numerals]")
    os.utime(folder / "mnist" / "facts.yaml", ns=(1, 1))
    assert facts.dataset_facts("mnist").tags == ("Numerals",)


def test_cards_are_written_into_a_clone_alone(monkeypatch):
    monkeypatch.setattr(facts, "INSTALLED_CARDS", facts.CARDS)
    assert message_of(facts.clone_cards) == (
        f"{facts.CARDS}: part of an installed package, expected the folder cards/ of a clone; "
        "run this in a clone of the project"
    )


# --- What the facts of the three datasets say -----------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_authors_are_those_of_the_citation(name):
    citation = mnist_family.find_config(name).citation
    for author in facts.dataset_facts(name).authors:
        assert author.type == "person"
        assert all(part in citation for part in author.name.split())


def test_nothing_unconfirmed_is_said():
    for path in (ROOT / "cards").rglob("*.yaml"):
        assert "UNCONFIRMED" not in path.read_text(encoding="utf-8")


def test_the_characters_are_the_publishers_class_map():
    statement = facts.dataset_facts("kmnist").about("classes")[0]
    rows = statement.table.rows
    content = "index,codepoint,char\n"
    content += "".join(f"{label},{point},{kana}\n" for label, kana, point, _ in rows)
    source = statement.sources[0].read
    assert str(len(content.encode())) in source
    assert hashlib.md5(content.encode()).hexdigest() in source
    assert tuple(row[3] for row in rows) == mnist_family.find_config("kmnist").class_names
    assert all(ord(kana) == int(point.removeprefix("U+"), 16) for _, kana, point, _ in rows)


@pytest.mark.real
def test_the_label_errors_have_the_labels_of_the_archives(real_archives):
    labels = mnist_family.read_idx(real_archives / "mnist" / "t10k-labels-idx1-ubyte.gz")
    known_issues = facts.dataset_facts("mnist").about("known_issues")
    rows = next(each.table.rows for each in known_issues if each.table is not None)
    assert [labels[row] for row, _, _ in rows] == [label for _, label, _ in rows]


@pytest.mark.real
def test_the_rows_reported_as_wrong_have_the_classes_of_the_archives(real_archives):
    labels = mnist_family.read_idx(real_archives / "fashion" / "train-labels-idx1-ubyte.gz")
    names = mnist_family.find_config("fashion").class_names
    known_issues = facts.dataset_facts("fashion").about("known_issues")
    rows = next(each.table.rows for each in known_issues if each.table is not None)
    assert [names[labels[row]] for row, _ in rows] == [name for _, name in rows]
    assert names[labels[36325]] == "Shirt"  # shows a person


# --- Somebody's own facts -------------------------------------------------------------------------

LETTERS = """
title: Greek Letters
license: CC-BY-4.0
description: |
  5,200 letters.

  By 40 hands.
authors: [Ada Example, {name: Example Lab, type: organization, orcid: "https://orcid.org/0000-0002-1825-0097"}]
paper: https://doi.org/10.1000/182
citation: "@misc{letters}"
rationale:
  - There was none.
  - claim: It was needed.
    source: [report, https://example.org/a]
funding:
sources: {report: {name: Example's report}}
more: {Thanks: "To *all*."}
"""


def read_text(tmp_path, text):
    path = tmp_path / "facts.yaml"
    path.write_text(text, encoding="utf-8")
    return facts.read_facts(path)


def test_own_facts_need_no_form(tmp_path):
    letters = read_text(tmp_path, LETTERS)
    assert letters.title == "Greek Letters"
    assert letters.licence.id == "cc-by-4.0"
    assert [each.text.strip() for each in letters.about("description")] == [
        "5,200 letters.",
        "By 40 hands.",
    ]
    assert letters.authors == (
        facts.Author("Ada Example"),
        facts.Author("Example Lab", "organization", orcid="0000-0002-1825-0097"),
    )
    assert letters.paper == facts.Paper(
        "https://doi.org/10.1000/182", "https://doi.org/10.1000/182"
    )
    assert letters.citations == ("@misc{letters}",)
    plain, claim = letters.about("rationale")
    assert (plain.kind, plain.sources) == ("plain", ())
    assert [each.short for each in claim.sources] == ["Example's report", "example.org/a"]
    assert letters.about("funding") == ()
    assert letters.more == {"Thanks": "To *all*."}


def test_what_is_open_is_told_most_important_first(tmp_path):
    assert str(open_questions(read_text(tmp_path, LETTERS))) == (
        "open: collection, annotation, known_issues, sensitive, intended_uses, "
        "out_of_scope_uses, contact, version, funding; 5 of 14 answered"
    )
    assert open_questions(facts.no_facts("a")).keys == QUESTIONS
    assert str(open_questions(facts.dataset_facts("mnist"))).startswith("open: ")


def test_every_answer_is_in_the_card(tmp_path):
    """Give every question an answer of its own, and look for all of them."""
    answers = {key: f"the {key} of letters" for key in answer_keys()}
    others = {
        "title": "A title",
        "licence": {"name": "A licence", "url": "https://a.example/l", "attribution": "By whom"},
        "authors": [{"name": "An author", "affiliation": "a lab"}],
        "homepage": "https://a.example/home",
        "repository": "https://a.example/code",
        "paper": {"title": "A paper", "url": "https://a.example/paper"},
        "citation": "@misc{a-citation}",
        "languages": ["el"],
        "tags": ["a-tag"],
        "version": "7.8.9",
        "contact": "a contact",
        "note": "A note",
        "annotations_creators": ["crowdsourced"],
        "source_datasets": ["original"],
        "more": {"A heading": "a *section*"},
    }
    letters = read_text(tmp_path, json.dumps({**answers, **others}))
    text = render([own("letters", letters, "0123456789", committed("mnist"))])
    shown = [*answers.values(), *leaves(others), "A heading"]
    assert [each for each in shown if escape_words(each) not in text and each not in text] == []
    assert open_questions(letters).keys == ()


def leaves(value):
    if isinstance(value, (dict, list)):
        inside = value.values() if isinstance(value, dict) else value
        return [leaf for each in inside for leaf in leaves(each)]
    return [value]


def test_an_own_dataset_is_described_by_its_facts_alone(tmp_path):
    letters = own("letters", read_text(tmp_path, LETTERS), "0123456789", committed("mnist"))
    text = render([letters])
    assert "# Dataset Card for Greek Letters\n" in text
    assert "\n5,200 letters.\n\nBy 40 hands.\n" in text
    assert 'load_dataset("path/to/this/folder", "letters")' in text
    assert "\nlicense: cc-by-4.0\n" in text
    assert (letters.config, letters.mirrors, letters.version) == (None, (), None)
    assert own("letters", facts.no_facts("a"), "ab", committed("mnist")).licence_id == "unknown"

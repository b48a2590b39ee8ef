"""Lint survives cards that were made to hurt: each has a finding, soon and with little memory."""

import os
import string
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lint_cards import CARD, findings_of

from mnist_tools.commands.lint import run
from mnist_tools.lint import Finding, findings, front_matter_of


def card(*lines):
    return "\n".join(("---", "license: mit", *lines, "---", ""))


ALIAS = "expected values written out; repeat the value"
DEEP = "more than 50 levels of nesting, expected at most 50; make it flatter"
LONG = "expected at most 1,000; put it in quotes if it is text"
BOMB = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]" for n in range(1, 40))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (card(*BOMB), f"4: the alias *a0, {ALIAS}"),
        (card("tags: &tags", "- *tags"), f"4: the alias *tags, {ALIAS}"),
        (card("tags: &tags {<<: *tags}"), f"3: the alias *tags, {ALIAS}"),
        (card("tags: " + 3000 * "[" + 3000 * "]"), f"3: {DEEP}"),
        (card("tags: " + 3000 * "{a: " + 3000 * "}"), f"3: {DEEP}"),
        (card("tags: " + 3000 * "["), f"3: {DEEP}"),
        (card("tags:\n" + 3000 * "- "), f"4: {DEEP}"),
        (card(*(n * " " + "a:" for n in range(60))), f"52: {DEEP}"),
        (
            card("tags: 1" + 5000 * ":59"),
            f"3: a value (int) of 15,001 characters, {LONG}",
        ),
        (
            card("tags: 0x" + 5000 * "f"),
            f"3: a value (int) of 5,002 characters, {LONG}",
        ),
        (
            card("tags: [" + 125_000 * "x," + "]"),
            "1: front matter of 250,022 characters, expected at most 250,000; move text below it",
        ),
    ],
    ids=lambda value: value[:30],
)
def test_a_bomb_is_one_finding(tmp_path, text, expected):
    assert findings_of(tmp_path, text) == [expected]
    assert front_matter_of(text) == {}


def test_fifty_levels_are_not_too_many(tmp_path):
    deep = yaml.safe_load(48 * "[" + 48 * "]")
    text = card("ours: " + yaml.safe_dump(deep, default_flow_style=True))
    assert findings_of(tmp_path, text) == []


def test_a_long_text_is_not_too_long(tmp_path):
    assert findings_of(tmp_path, card("pretty_name: " + 5000 * "x")) == []


def test_a_card_of_many_bytes_is_not_read_whole(tmp_path):
    path = tmp_path / "card.md"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    assert [str(finding) for finding in findings(path)] == [
        f"{path}: over 20,000,000 bytes, expected a shorter card; shorten it"
    ]


def test_a_hundred_findings_are_enough(tmp_path):
    text = card("size_categories:", *(f"- {number}" for number in range(5000)))
    found = findings_of(tmp_path, text)
    assert len(found) == 101
    known = "expected a value that the Hub knows; put it in quotes"
    assert found[99] == f"103: size_categories[99]: 99 (an integer), {known}"
    assert found[100] == " more than 100 findings, expected none; fix these and lint again"
    exactly = card("size_categories:", *(f"- {number}" for number in range(100)))
    assert len(findings_of(tmp_path, exactly)) == 100


def test_long_values_are_cut(tmp_path):
    long = 100_000 * "x"
    text = card(f"pretty_name: [{long}]", f"licens{long}: 1", f"license_name: {{{long}: {long}}}")
    assert all(len(finding) < 300 for finding in findings_of(tmp_path, text))
    labels = [f"          '{number}': a" for number in range(5, 500)]
    start, end = CARD.split("          '0': zero\n          '1': one\n")
    (labels_finding, *_) = findings_of(tmp_path, start + "\n".join(labels) + "\n" + end)
    assert (
        "labels 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 and 485 more, expected 0 to 494" in labels_finding
    )


ESCAPES = "\x1b[31mred\x07\x9b\u202etxt\u2066\u200b"


@pytest.mark.parametrize(
    "character", [*"\x1b\x00\x07\r\n\x9b\x7f", "\u202e", "\u2066", "\u200b", "\ud800"]
)
def test_no_character_of_a_finding_is_obeyed_by_a_terminal(character):
    text = str(Finding(f"card{character}.md", 3, f"key{character}: wrong"))
    assert text.isprintable()
    assert text == f"card{ascii(character)[1:-1]}.md:3: key{ascii(character)[1:-1]}: wrong"


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such file name")
def test_escapes_in_a_card_do_not_reach_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    quoted = '"' + ESCAPES.encode("unicode_escape").decode() + '"'
    values = [
        f"pretty_name: [{quoted}]",
        f"license_name: {{{quoted}: 1}}",
        f"{quoted}: 1",
        f"{quoted}: 2",
        f"size_categories: [{quoted}]",
        f"configs: [{{config_name: {quoted}, data_files: {quoted}}}]",
        f"dataset_info:\n  config_name: {quoted}\n  splits: [{{name: {quoted}, num_examples: 1}}]",
        f"  features: [{{name: x, dtype: {{class_label: {{names: {{{quoted}: 1}}}}}}}}]",
    ]
    name = f"{ESCAPES}.md"
    with open(name, "w", encoding="utf-8") as file:
        file.write(card(*values))
    assert run([name, f"missing{name}"]) == 1
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == printed.count("\n") == 8
    assert all(line.isprintable() for line in printed.split("\n"))


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_a_file_name_that_is_no_text_is_escaped(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with open(b"caf\xe9.md", "w") as file:
        file.write("no card")
    run([os.fsdecode(b"caf\xe9.md")])
    assert capsys.readouterr().out.startswith("caf\\udce9.md:1: no front matter")


# --- Random cards ---------------------------------------------------------------------------------

KEYS = sorted(
    {*(word.strip("- ") for word in CARD.replace(":", "\n").split("\n")), "", "<<", "=", "0"}
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.binary(max_size=9),
    st.text(max_size=9),
    st.sampled_from(KEYS),
)
HASHABLE = st.one_of(
    st.sampled_from(KEYS), st.text(max_size=9), st.integers(), st.none(), st.dates()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HASHABLE, inner, max_size=4),
    max_leaves=20,
)


def assert_survives(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "random.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    for finding in findings(path):
        assert str(finding).isprintable()
        assert ", expected " in finding.text
        assert "; " in finding.text


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_random_text_is_linted(tmp_path_factory, text):
    block = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    assert_survives(tmp_path_factory, b"---\n" + block + b"\n---\n")


@given(st.dictionaries(HASHABLE, VALUES, max_size=8))
def test_random_values_are_linted(tmp_path_factory, values):
    assert_survives(tmp_path_factory, f"---\n{yaml.safe_dump(values, allow_unicode=True)}---\n")


def places(value, place=()):
    """Return the places of all values inside a value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    inner = [found for key, each in items for found in places(each, (*place, key))]
    return [place, *inner] if place else inner


@given(st.data())
def test_a_card_with_any_value_replaced_is_linted(tmp_path_factory, data):
    values = yaml.safe_load(CARD.split("---\n")[1])
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(places(values)))
        container = values
        for key in way:
            container = container[key]
        if data.draw(st.booleans()):
            container[last] = data.draw(VALUES)
        else:
            del container[last]
    assert_survives(tmp_path_factory, f"---\n{yaml.safe_dump(values)}---\n")


@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_a_card_with_any_characters_changed_is_linted(tmp_path_factory, random_source, changes):
    characters = list(CARD)
    for _ in range(changes):
        position = random_source.randrange(4, len(CARD) - 20)
        characters[position] = random_source.choice(
            ["", "\n", "!!", "&a ", "*a", "? ", *string.printable]
        )
    assert_survives(tmp_path_factory, "".join(characters))

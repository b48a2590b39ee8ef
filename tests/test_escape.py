"""Names and texts from strangers: a card shows them as they are, and nothing more."""

import json
import re

import datasets
import hypothesis
import hypothesis.strategies as st
import pytest
import yaml
from conftest import numbers, pictures, write_split
from markdown_it import MarkdownIt

from mnist_tools.cards import escape, facts
from mnist_tools.cards.card import own as own_dataset
from mnist_tools.cards.card import render, render_licence
from mnist_tools.cards.facts_file import answer_keys
from mnist_tools.cards.measurements import committed
from mnist_tools.commands.build import build

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# Class names that archives may have: printable, and on one line.
NAMES = [
    "<!-- contents -->",
    "<script>alert(1)</script>",
    '<img src="x" onerror="alert(1)">',
    "</details></table>",
    "&lt;b&gt; &amp; &#65;",
    "a | b",
    "a\\|b\\",
    "| --- | --- |",
    "---",
    "===",
    "# heading",
    "####### seven",
    "> quote",
    "- list",
    "+",
    "1. first",
    "12) twelfth",
    "* starred *",
    "**bold** _italic_ __strong__",
    "snake_case_name _x_",
    "~~struck~~ ~",
    "`code`",
    "``` fence",
    "~~~",
    "[link](javascript:alert(1))",
    "![picture](https://evil.example/x.png)",
    "[^1]: note",
    "https://evil.example/a_b*c|d",
    "{{ 7 * 7 }}{% raw %}",
    "{{ title }}",
    "$x^2$ $$y$$",
    "null",
    "0o14",
    "1e3",
    "yes",
    "'single' \"double\" %TAG !x",
    "a: b # c",
    "あ 👩‍💻 é ß",
    "  ",
]
# What else files may hold: more lines, controls, the marks that reorder a line.
TEXTS = [
    *NAMES,
    "two\nlines",
    "a\n\n# heading\n\n| a | b |\n| --- | --- |\n",
    "a\r\nb\rc",
    "a\u2028b\u2029c\x0bd\x0ce",
    "\x1b[31mred\x1b[0m",
    "nul \x00 bell \x07",
    "right \u202e to left \u2066 isolate",
    "\ufeffmark",
    "half \ud800 pair",
    "    indented",
    "\ttab",
    "```\n# heading\n````\n<b>",
]


def visible(text):
    """Return what a reader has to see of a text: one line, controls as escapes."""
    return escape.printable(text)


def inline_text(token):
    """Return the text that an inline token shows; AssertionError if it has any markup but links."""
    shown = ""
    for child in token.children:
        assert child.type in ("text", "text_special", "link_open", "link_close"), child
        if child.type == "link_open":
            assert re.match("https?://", child.attrs["href"])
        shown += child.content
    return shown


# --- One text at a time ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_is_shown_as_it_is(text):
    tokens = MARKDOWN.parse(escape.escape_text(text))
    assert [token.type for token in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    assert "".join(inline_text(token) for token in tokens[1:2]) == visible(text)


@hypothesis.given(
    st.text(st.sampled_from("ab1 .)-+#=:_*~`[]()<>!&;|\\$\n\t/https\u202e\x1b"), max_size=30)
)
@hypothesis.settings(max_examples=1500)
def test_any_text_is_shown_as_it_is(text):
    tokens = MARKDOWN.parse(escape.escape_text(text))
    assert [token.type for token in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    assert "".join(inline_text(token) for token in tokens[1:2]) == visible(text)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_stays_in_its_cell_its_list_and_its_heading(text):
    name = escape.escape_text(text)
    tokens = MARKDOWN.parse(
        f"# {name} 1\n\n| a | b |\n| --- | --- |\n| {name} | 2 |\n\n- {name}\n- 3\n"
    )
    kinds = [token.type for token in tokens]
    assert [kinds.count(kind) for kind in ("heading_open", "tr_open", "td_open")] == [1, 2, 2]
    assert kinds.count("list_item_open") == 2
    shown = [inline_text(token) for token in tokens if token.type == "inline"]
    seen = visible(text)
    assert shown == [f"{seen} 1".strip(), "a", "b", seen, "2", *([seen] if seen else []), "3"]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_code_is_shown_as_it_is(text):
    (block,) = MARKDOWN.parse(escape.code_block(text, "python"))
    assert block.type == "fence"
    assert block.info == "python"
    lines = [visible(line) for line in text.strip("\n").splitlines()]
    assert [line.strip() for line in block.content.splitlines()] == lines
    span = MARKDOWN.parse(f"a {escape.code_span(text)} b")[1]
    if visible(text):
        assert [child.content for child in span.children if child.type == "code_inline"] == [
            visible(text)
        ]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_link_and_a_picture_hold_any_text(text):
    tokens = MARKDOWN.parse(escape.link(text, "https://a.example/x_(y) z>)"))
    kinds = [child.type for child in tokens[1].children]
    assert kinds[0] == "link_open"
    assert kinds[-1] == "link_close"
    assert tokens[1].children[0].attrs["href"] == "https://a.example/x_%28y%29%20z%3E%29"
    picture = MARKDOWN.parse(escape.image(text, "pictures/a b(c).png"))[1].children
    assert [child.type for child in picture] == ["image"]
    assert picture[0].attrs["src"] == "pictures/a%20b%28c%29.png"


def test_prose_keeps_its_code_and_nothing_else():
    words = escape.escape_prose("The tag `a_b|c` is <b>, and `open.")
    children = MARKDOWN.parse(words)[1].children
    assert [(child.type, child.content) for child in children if child.content] == [
        ("text", "The tag "),
        ("code_inline", "a_b|c"),
        ("text", " is <b>, and `open."),
    ]


# --- Class names, from archives to a loaded dataset -----------------------------------------------


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Folders of own archives, built: with the names above, and with harmless ones."""
    folder = tmp_path_factory.mktemp("own")
    names = [name for name in NAMES if name.strip()]
    harmless = [f"name{number}" for number in range(len(names))]
    for title, labels in (("hostile", names), ("harmless", harmless)):
        source = folder / f"{title}-archives"
        for split, rows, seed in (("train", 80, 1), ("test", 40, 2)):
            write_split(source, split, pictures(rows, seed), numbers(rows, seed, len(labels)))
        (source / "labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
        build(folder / title, ["mnist"], archives=source)
    return folder


def test_load_dataset_gives_the_names_back(own):
    names = (
        datasets.load_dataset(str(own / "hostile"), "mnist", split="test").features["label"].names
    )
    assert names == [name for name in NAMES if name.strip()]


def test_names_add_nothing_to_a_card(own):
    cards = [body_of(own / title / "README.md") for title in ("hostile", "harmless")]
    hostile, harmless = map(structure, cards)
    assert hostile == harmless


def test_every_name_is_in_its_cell(own):
    names = [name for name in NAMES if name.strip()]
    rows = table_rows(body_of(own / "hostile" / "README.md"))
    labelled = [row for row in rows if row[0].isdigit() and len(row) == 4 and row[1] in names]
    assert [row[1] for row in labelled[: len(names)]] == names


def test_names_are_in_croissant_as_they_are(own):
    block = json.loads((own / "hostile" / "croissant.json").read_text(encoding="utf-8"))
    (classes,) = (each for each in block["recordSet"] if each["@id"] == "mnist/classes")
    assert [each["mnist/classes/name"] for each in classes["data"]] == [
        n for n in NAMES if n.strip()
    ]


def test_names_are_texts_in_every_version_of_yaml(own):
    """The Hub reads YAML 1.2, to which 1e3 and 0o14 are numbers; Python reads 1.1."""
    text = (own / "hostile" / "README.md").read_text(encoding="utf-8")
    for name in ("1e3", "0o14", "null", "yes"):
        assert re.search(rf"^ +'\d+': '{name}'$", text, re.MULTILINE)


def body_of(path):
    return split_off(path.read_text(encoding="utf-8"))[1]


def split_off(card):
    """Return the front matter of a card, read, and the rest."""
    front_matter, rest = card.removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(front_matter), rest


FOLD = r"</details>\n|<details>\n<summary>[\w ,&;]+</summary>\n"  # all HTML on a card


def structure(text):
    """Return the blocks of a text: types and headings, and the spans that are not plain text."""
    found = []
    for token in MARKDOWN.parse(text):
        found.append((token.type, token.tag, token.level))
        if token.type == "html_block":
            assert re.fullmatch(FOLD, token.content), token.content
            found.append(token.content)
        kinds = [child.type for child in token.children or ()]
        assert "html_inline" not in kinds
        found += [
            kind for kind in kinds if kind in ("image", "em_open", "strong_open", "code_inline")
        ]
    return found


def table_rows(text):
    rows, cells = [], []
    for token in MARKDOWN.parse(text):
        if token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append("".join(child.content for child in token.children))
        elif token.type == "tr_close":
            rows.append(cells)
            cells = []
    return rows


def test_blank_lines_are_joined_except_in_code():
    text = "a\n\n\n\nb\n\n```python\nc\n\n\nd\n```\n\n\ne\n"
    joined = "a\n\nb\n\n```python\nc\n\n\nd\n```\n\ne\n"
    assert escape.join_blank_lines(text) == joined
    longer = "````\n```\n\n\n````\n\n\n"
    assert escape.join_blank_lines(longer) == "````\n```\n\n\n````\n"
    for block in ("~~~\na\n\n\nb\n~~~~ \n", "```\n~~~\n\n\n```x\n\n\n```\n"):
        assert escape.join_blank_lines(f"{block}\n\nc") == f"{block}\nc"
    assert escape.join_blank_lines("```a``` b\n\n\nc") == "```a``` b\n\nc"


# --- Facts ----------------------------------------------------------------------------------------


@pytest.fixture
def rendered(tmp_path):
    """A function that renders the card and LICENSE.md of a dataset whose facts all say one text."""
    path = tmp_path / "facts.yaml"

    def render_with(text):
        path.write_text(json.dumps(facts_that_say(text)), encoding="utf-8")
        dataset = own_dataset("letters", facts.read_facts(path), "0123456789", committed("mnist"))
        return render([dataset]), render_licence([dataset])

    return render_with


def facts_that_say(text):
    statements = [
        {"claim": text, "source": "who"},
        {"advice": text},
        {"measured": text},
        {"unknown": text, "looked": text},
        {"table": {"title": text, "columns": [text, "b"], "rows": [[text, 1]]}, "source": "who"},
    ]
    return {
        **dict.fromkeys(answer_keys(), statements),
        "title": text,
        "note": text,
        "tags": [text],
        "authors": [{"name": text, "affiliation": text}],
        "sources": {
            "who": {"short": text, "name": text, "read": text, "url": "https://a.example/"}
        },
        "repository": "https://b.example/a_b",
        "paper": {"title": text},
        "licence": {
            "name": text,
            "attribution": text,
            "notice": text,
            "statements": statements,
        },
        "citation": [text],
    }


HOSTILE_FACTS = [
    "a\n\n# heading\n\n| a | b |\n| --- | --- |\n<!-- contents -->",
    "a\r\nb\rc\u2028d | e \\",
    "\x1b[31mred\x1b[0m nul \x00 right \u202e to left",
    "    <script>alert(1)</script> </details> &lt;",
    "---",
    "1. [link](javascript:alert(1)) ![picture](x)",
    "# *a* __b__ ~~c~~ $d$",
    "https://evil.example/a_b*c|d",
]


@pytest.mark.parametrize("text", HOSTILE_FACTS, ids=ascii)
def test_facts_add_nothing_to_a_card(rendered, text):
    hostile = rendered(text)
    harmless = rendered("https://harmless.example" if "https" in text else "harmless")
    (front, card), (other_front, other_card) = (split_off(each) for each, _ in (hostile, harmless))
    assert structure(card) == structure(other_card)
    assert structure(hostile[1]) == structure(harmless[1])
    assert front["pretty_name"] == visible(text)
    assert {*front} == {*other_front}
    assert f"\n# Dataset Card for {escape.escape_text(text)}\n" in card


def test_code_in_facts_stays_code_and_backticks_open_nothing(rendered):
    _, card = split_off(rendered("see `a|b` and ```")[0])
    assert structure(card)
    assert "\n- see `a|b` and \\`\\`\\` (" in card


def test_braces_are_placeholders_of_figures_in_measured_statements_alone(rendered):
    with pytest.raises(
        ValueError, match=r"description\[2\]: no figure '7 \* 7', expected one of title, train, "
    ):
        rendered("{{ 7 * 7 }}")
    card, _ = rendered("{% for x in y %} {# {{ title }} #}")
    assert "# Dataset Card for {% for x in y %} {# {{ title }} #}\n" in card
    assert "- {% for x in y %} {# {% for x in y %} {# {{ title }} #} #}\n" in card

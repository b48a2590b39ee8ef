"""Lint finds, with its line, what the Hub or `load_dataset` would refuse or misread in a card."""

import datetime
import functools
import json
import os

import pytest
from conftest import NAMES, ROOT
from lint_cards import CARD, cases, edited, findings_of, in_marked_lines

from mnist_tools.commands.lint import lint, run
from mnist_tools.lint import findings, front_matter_of


@pytest.fixture
def found(tmp_path):
    """Return a function that returns the findings of a text."""
    return functools.partial(findings_of, tmp_path)


def test_a_correct_card_has_no_finding(found):
    assert found(CARD) == []


@pytest.mark.parametrize("folder", [".", *NAMES])
def test_a_card_of_the_project_has_no_finding(folder):
    assert findings(ROOT / "cards" / folder / "README.md") == []


# --- The text -------------------------------------------------------------------------------------

NOT_READ = [
    ("# Digits\n", "1: no front matter, expected YAML between two --- lines; add what is missing"),
    ("", "1: no front matter, expected YAML between two --- lines; add what is missing"),
    (
        "---\nlicense: mit\n",
        "1: front matter that is not closed, expected YAML between two --- lines; "
        "add what is missing",
    ),
    ("---\n- mit\n---\n", "2: a list, expected a mapping; write key: value lines"),
    ("---\n---\n", "2: nothing, expected a mapping; write key: value lines"),
    (
        b"---\nlicense: mit\npretty_name: caf\xe9\n---\n",
        "3: the byte 0xe9, expected UTF-8; save the card as UTF-8",
    ),
    (
        "---\nlicense: mit\npretty_name: a\0b\n---\n",
        "3: the character U+0000, expected printable text; remove it",
    ),
    (
        "---\nlicense: mit\npretty_name: [Digits\n---\n",
        "4: invalid YAML (expected ',' or ']', but got '<stream end>'), expected YAML; "
        "correct the syntax",
    ),
    (
        "---\nlicense: mit\ntags: !!int x\n---\n",
        "2: invalid YAML (invalid literal for int() with base 10: 'x'), expected YAML; "
        "correct the syntax",
    ),
]


@pytest.mark.parametrize(("text", "expected"), NOT_READ)
def test_front_matter_that_cannot_be_read_is_one_finding(found, text, expected):
    assert found(text) == [expected]


def test_a_byte_order_mark_is_found(found):
    expected = "1: a byte order mark, expected --- at the very start; save the card without it"
    assert found(b"\xef\xbb\xbf" + CARD.encode()) == [expected]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_carriage_returns_are_one_finding_and_the_rest_is_linted(found, newline):
    text = edited({"license: mit": "license: MIT"}).replace("\n", newline)
    assert found(text) == [
        "1: a carriage return, expected lines that end in LF; convert the line endings",
        "3: license: 'MIT', expected a value that the Hub knows, such as mit; correct it",
    ]


def test_blanks_after_the_lines_around_front_matter_are_found(found):
    text = CARD.replace("---\n", "--- \n")
    last = text[: text.index("--- \n\n")].count("\n") + 1
    finding = "spaces after ---, expected --- alone; remove them"
    assert found(text) == [f"1: {finding}", f"{last}: {finding}"]


def test_lines_are_those_of_an_editor(found):
    """PyYAML counts U+2028 and U+0085 as ends of lines, too."""
    text = edited({"Digits": '"a\u2028b\x85c"', "license: mit": "license: MIT # here"})
    finding = "license: 'MIT', expected a value that the Hub knows, such as mit; correct it"
    assert found(text) == in_marked_lines(text, [finding])


def test_a_key_that_stands_twice_is_found(found):
    text = edited(
        {
            "tags:": "license: mit # here\ntags:",
            "  default: true": "  default: true\n  default: true # here",
        }
    )
    assert found(text) == in_marked_lines(
        text,
        [
            "license: repeated, first on line 3, expected each key once; remove one",
            "default: repeated, first on line 30, expected each key once; remove one",
        ],
    )


# --- Keys and vocabularies ------------------------------------------------------------------------

# By what is expected: the edits that lead to it, with the place and what is found there.
WRONG_KEYS = {
    "a value that the Hub knows, such as mit; correct it": [
        ("license: mit", "license: MIT", "license: 'MIT'"),
        ("license: mit", "license: [mit, mti]", "license[1]: 'mti'"),
    ],
    "a value that the Hub knows; correct it": [
        ("license: mit", "license: ''", "license: ''"),
    ],
    "a licence id, or a list of them; write ids, in quotes if YAML misreads them, like 'no'": [
        ("license: mit", "license: {digits: mit}", "license: {'digits': 'mit'} (a mapping)"),
        ("license: mit", "license: no", "license: False (a boolean)"),
        ("license: mit", "license: []", "license: []"),
    ],
    "both keys beside it; add them": [
        ("license: mit", "license: other", "license: other without license_name and license_link"),
    ],
    "license; rename it": [
        ("license: mit", "licenses: [mit]", "licenses: an outdated key"),
    ],
    "language; rename it": [
        ("language:", "languages:", "languages: an outdated key"),
    ],
    "task_categories; rename it": [
        ("task_categories:", "task_category:", "task_category: an outdated key"),
    ],
    "task_ids; rename it": [
        ("task_ids:", "task_id:", "task_id: an outdated key"),
    ],
    "pretty_name; rename it": [
        ("pretty_name:", "prety_name:", "prety_name: an unknown key"),
    ],
    "a value that the Hub knows; put it in quotes": [
        ("- en", "- no", "language[0]: False (a boolean)"),
    ],
    "a value that the Hub knows, such as en; correct it": [
        ("- en", "- en-US", "language[0]: 'en-US'"),
        ("language:\n- en", "language: english", "language: 'english'"),
    ],
    "a language code, or a list of them; write codes, in quotes if YAML misreads them, like 'no'": [
        ("language:\n- en", "language: 1", "language: 1 (an integer)"),
        ("language:\n- en", "language: []", "language: []"),
    ],
    "a list; put each value on a line of its own, after -": [
        (
            "task_categories:\n- image-classification",
            "task_categories: image-classification",
            "task_categories: 'image-classification'",
        ),
        ("task_ids:\n- multi-class-image-classification", "task_ids: []", "task_ids: []"),
    ],
    "a value that the Hub knows, such as image-classification; correct it": [
        (
            "- image-classification",
            "- image-clasification",
            "task_categories[0]: 'image-clasification'",
        ),
    ],
    "a value that the Hub knows, such as multi-class-image-classification; correct it": [
        (
            "- multi-class-image-classification",
            "- multi-class-image",
            "task_ids[0]: 'multi-class-image'",
        ),
    ],
    "a value that the Hub knows, such as 1K<n<10K; correct it": [
        ("- 1K<n<10K", "- 1k<n<10k", "size_categories[0]: '1k<n<10k'"),
    ],
    "a value that the Hub knows, such as expert-generated; correct it": [
        ("- expert-generated", "- experts", "annotations_creators[0]: 'experts'"),
    ],
    "a value that the Hub knows, such as found; correct it": [
        ("- found", "- founded", "language_creators[0]: 'founded'"),
    ],
    "a value that the Hub knows, such as other; correct it": [
        ("- monolingual", "- one", "multilinguality[0]: 'one'"),
    ],
    "a string; put it in quotes": [
        ("- image\n", "- 1 # here\n", "tags[0]: 1 (an integer)"),
        ("- original", "- 2024-02-01", "source_datasets[0]: 2024-02-01 (a date)"),
        ("pretty_name: Digits", "pretty_name: 1", "pretty_name: 1 (an integer)"),
        ("pretty_name: Digits", "pretty_name:", "pretty_name: nothing"),
        ("pretty_name: Digits", "license_name: 1.5", "license_name: 1.5 (a float)"),
        ("pretty_name: Digits", "license_link: ' '", "license_link: ' '"),
    ],
    "a list of strings; put each on a line of its own, after -": [
        ("tags:\n- image", "tags: image", "tags: 'image'"),
    ],
}


@pytest.mark.parametrize(("before", "after", "finding"), cases(WRONG_KEYS))
def test_a_wrong_key_or_value_is_one_finding(found, before, after, finding):
    text = edited({before: after if "# here" in after else f"{after} # here"})
    assert found(text) == in_marked_lines(text, [finding])


@pytest.mark.parametrize("value", ["[mit, cc-by-4.0]", "unknown"])
def test_a_licence_is_an_id_or_a_list_of_ids(found, value):
    assert found(edited({"license: mit": f"license: {value}"})) == []


def test_a_card_without_a_licence_is_found(found):
    assert found(edited({"license: mit\n": ""})) == [
        "1: front matter: no license, "
        "expected a licence id of the Hub, or unknown if none is stated; add the key"
    ]


def test_another_licence_needs_its_name_and_its_link(found):
    text = edited({"license: mit": "license: other\nlicense_name: ours"})
    finding = "3: license: other without license_link, expected both keys beside it; add them"
    assert found(text) == [finding]
    assert found(text.replace("ours", "ours\nlicense_link: LICENSE.md")) == []


def test_keys_that_nobody_could_have_meant_are_left_alone(found):
    assert found(edited({"tags:": "our_own_key: 1\n7: x\ntags:"})) == []


# --- From Python and from the command line --------------------------------------------------------


def test_front_matter_of_a_text():
    assert front_matter_of("---\nlicense: mit\n1: x\n---\n\n# Digits\n") == {
        "license": "mit",
        "1": "x",
    }
    assert front_matter_of("---\r\nlicense: mit\r\n---\r\n") == {"license": "mit"}


@pytest.mark.parametrize("text", [text for text, _ in NOT_READ if isinstance(text, str)])
def test_front_matter_that_cannot_be_read_is_empty(text):
    assert front_matter_of(text) == {}


def test_the_command_prints_findings_and_returns_1(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.md").write_bytes(edited({"license: mit": "license: MIT"}).encode())
    (tmp_path / "good.md").write_bytes(CARD.encode())
    (tmp_path / "empty").mkdir()
    paths = ["card.md", "good.md", "missing.md", "empty"]
    assert run(paths) == 1
    rest = "expected a card or a folder with one; correct the path"
    assert capsys.readouterr() == (
        "card.md:3: license: 'MIT', expected a value that the Hub knows, such as mit; correct it\n"
        f"missing.md: No such file or directory, {rest}\n"
        f"{os.path.join('empty', 'README.md')}: No such file or directory, {rest}\n",
        "",
    )
    assert [finding.line for finding in lint(paths)] == [3, None, None]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")
    (finding,) = lint([tmp_path / "pipe.md"])
    assert finding.text == (
        "Not a regular file, expected a card or a folder with one; correct the path"
    )


def test_the_command_says_that_good_cards_are_good(tmp_path, capsys):
    (tmp_path / "good.md").write_bytes(CARD.encode())
    assert run([tmp_path / "good.md"]) == 0
    assert capsys.readouterr() == ("1 card: no findings\n", "")
    assert run([tmp_path / "good.md"] * 2) == 0
    assert capsys.readouterr() == ("2 cards: no findings\n", "")


def test_findings_of_a_missing_card_raise(tmp_path):
    with pytest.raises(FileNotFoundError):
        findings(tmp_path / "missing.md")


RETRIEVED = min(
    datetime.date.fromisoformat(entry["retrieved"])
    for entry in json.loads(
        (ROOT / "scripts" / "mnist_tools" / "vocabularies.json").read_text(encoding="utf-8")
    ).values()
)


@pytest.mark.parametrize(("days", "is_old"), [(366, False), (367, True)])
def test_lists_of_the_hub_are_old_after_a_year(tmp_path, monkeypatch, capsys, days, is_old):
    class Clock(datetime.date):
        @classmethod
        def today(cls):
            return RETRIEVED + datetime.timedelta(days=days)

    (tmp_path / "good.md").write_bytes(CARD.encode())
    monkeypatch.setattr(datetime, "date", Clock)
    assert run([tmp_path / "good.md"]) == 0
    warning = (
        f"warning: vocabularies.json: license was retrieved on {RETRIEVED}, "
        "expected a list less than a year old; compare it with https://huggingface.co/docs/hub/repositories-licenses\n"
    )
    assert capsys.readouterr() == ("1 card: no findings\n", warning if is_old else "")

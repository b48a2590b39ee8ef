"""Lint finds, with its line, what the Hub or `load_dataset` would refuse or misread in a card."""

import datetime
import json
import os

import pytest
from conftest import NAMES, ROOT

from mnist_tools.commands.lint import lint, run
from mnist_tools.lint import findings, front_matter_of

CARD = """\
---
pretty_name: Digits
license: mit
language:
- en
task_categories:
- image-classification
task_ids:
- multi-class-image-classification
size_categories:
- 1K<n<10K
annotations_creators:
- expert-generated
language_creators:
- found
multilinguality:
- monolingual
source_datasets:
- original
tags:
- image
configs:
- config_name: digits
  data_files:
  - split: train
    path: digits/train-*
  - split: test
    path: digits/test-*
  default: true
- config_name: letters
  data_files:
  - split: train
    path:
    - letters/train-*
dataset_info:
- config_name: digits
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': zero
          '1': one
  splits:
  - name: train
    num_bytes: 700
    num_examples: 7
  - name: test
    num_bytes: 300
    num_examples: 3
  download_size: 900
  dataset_size: 1000
- config_name: letters
  splits:
  - name: train
    num_examples: 5
---

# Digits
"""


@pytest.fixture
def found(tmp_path):
    """Return the findings of a card with this text, each without its path."""

    def findings_of(text):
        path = tmp_path / "card.md"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [str(finding).removeprefix(f"{path}:") for finding in findings(path)]

    return findings_of


def edited(edits):
    """Return the card with each key of `edits` replaced by its value, where it first stands."""
    text = CARD
    for before, after in edits.items():
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


def in_marked_lines(text, findings):
    """Return findings with the numbers of the lines that end in `# here`, in their order."""
    lines = text.split("\n")
    numbers = [number for number, line in enumerate(lines, 1) for _ in range(line.count("# here"))]
    return [f"{number}: {finding}" for number, finding in zip(numbers, findings, strict=True)]


def cases(table):
    """Return (before, after, finding) of each edit in a table by what is expected."""
    return [
        (before, after, f"{found}, expected {rest}")
        for rest, edits in table.items()
        for before, after, found in edits
    ]


def test_a_correct_card_has_no_finding(found):
    assert found(CARD) == []


@pytest.mark.parametrize("folder", [".", *NAMES])
def test_a_card_of_the_project_has_no_finding(folder):
    assert findings(ROOT / "cards" / folder / "README.md") == []


# --- The text -------------------------------------------------------------------------------------

NOT_READ = [
    ("# Digits\n", "1: no front matter, expected YAML between two lines of ---; write both lines"),
    ("", "1: no front matter, expected YAML between two lines of ---; write both lines"),
    (
        "---\nlicense: mit\n",
        "1: front matter without an end, expected YAML between two lines of ---; write both lines",
    ),
    ("---\n- mit\n---\n", "2: a list, expected a mapping of keys; write key: value lines"),
    ("---\n---\n", "2: nothing, expected a mapping of keys; write key: value lines"),
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
    expected = "1: a byte order mark, expected --- as the first bytes; save the card without it"
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
    finding = "--- and blanks, expected --- alone; remove the blanks"
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
            "license: twice, first in line 3, expected each key once; remove one",
            "default: twice, first in line 30, expected each key once; remove one",
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
        ("language:\n- en", "language: english", "language: 'english'"),
    ],
    "an id, or a list of ids; write it so; quote a value such as 'no'": [
        ("license: mit", "license: {digits: mit}", "license: {'digits': 'mit'} (a mapping)"),
        ("license: mit", "license: no", "license: False (a boolean)"),
        ("license: mit", "license: []", "license: []"),
    ],
    "both beside it; add them": [
        ("license: mit", "license: other", "license: other without license_name and license_link"),
    ],
    "license; rename it": [
        ("license: mit", "licenses: [mit]", "licenses: an old key"),
    ],
    "language; rename it": [
        ("language:", "languages:", "languages: an old key"),
    ],
    "task_categories; rename it": [
        ("task_categories:", "task_category:", "task_category: an old key"),
    ],
    "task_ids; rename it": [
        ("task_ids:", "task_id:", "task_id: an old key"),
    ],
    "pretty_name; rename it": [
        ("pretty_name:", "prety_name:", "prety_name: an unknown key"),
    ],
    "a value that the Hub knows; put it into quotes": [
        ("- en", "- no", "language[0]: False (a boolean)"),
    ],
    "a value that the Hub knows, such as en; correct it": [
        ("- en", "- en-US", "language[0]: 'en-US'"),
    ],
    "a code, or a list of codes; write it so; quote a value such as 'no'": [
        ("language:\n- en", "language: 1", "language: 1 (an integer)"),
    ],
    "a list; write each value after a - of its own": [
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
    "a text; put it into quotes": [
        ("- image\n", "- 1 # here\n", "tags[0]: 1 (an integer)"),
        ("- original", "- 2024-02-01", "source_datasets[0]: 2024-02-01 (a date)"),
        ("pretty_name: Digits", "pretty_name: 1", "pretty_name: 1 (an integer)"),
        ("pretty_name: Digits", "pretty_name:", "pretty_name: nothing"),
        ("pretty_name: Digits", "license_name: 1.5", "license_name: 1.5 (a float)"),
        ("pretty_name: Digits", "license_link: ' '", "license_link: ' '"),
    ],
    "a list of texts; write each after a - of its own": [
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
        "expected an id of the Hub's list, or unknown if nobody states a licence; add the key"
    ]


def test_another_licence_needs_its_name_and_its_link(found):
    text = edited({"license: mit": "license: other\nlicense_name: ours"})
    finding = "3: license: other without license_link, expected both beside it; add them"
    assert found(text) == [finding]
    assert found(text.replace("ours", "ours\nlicense_link: LICENSE.md")) == []


def test_keys_that_nobody_could_have_meant_are_left_alone(found):
    assert found(edited({"tags:": "our_own_key: 1\n7: x\ntags:"})) == []


# --- The shape of configs and dataset_info --------------------------------------------------------

LABELS = "dataset_info[0].features[1].dtype.class_label"

CONFIGS_START = CARD.index("configs:\n")
INFO_START = CARD.index("dataset_info:\n")
ALL_CONFIGS = CARD[CONFIGS_START:INFO_START]
ALL_INFOS = CARD[INFO_START : CARD.index("---\n\n")]
DATA_FILES = CARD[CARD.index("  data_files:") : CARD.index("  default")]
FEATURES = CARD[CARD.index("  features:") : CARD.index("  splits:")]
CLASS_NAMES = CARD[CARD.index("        names:") : CARD.index("  splits:")]
SPLITS = CARD[CARD.index("  splits:") : CARD.index("  download_size")]
LETTERS = ALL_CONFIGS[ALL_CONFIGS.index("- config_name: letters") :]
SUM = "  dataset_size: 1000\n"
TEST_TWICE = """\
  data_files:
  - split: test # here
    path: digits/a-*
  - split: test # here
    path: digits/b-*
"""

WRONG_SHAPES = {
    "a list of configs; start each config with - config_name:": [
        (ALL_CONFIGS, "configs: {a: b} # here\n", "configs: {'a': 'b'} (a mapping)"),
        (ALL_CONFIGS, "configs: [] # here\n", "configs: []"),
    ],
    "a mapping with config_name and data_files; write both keys": [
        (
            "- config_name: letters\n",
            "- letters # here\n- config_name: letters\n",
            "configs[1]: 'letters'",
        ),
        (
            "- config_name: digits\n  data_files:",
            "- data_files: # here",
            "configs[0]: no config_name",
        ),
    ],
    "a text; put it into quotes": [
        (
            "- config_name: digits\n",
            "- config_name: 1 # here\n",
            "configs[0].config_name: 1 (an integer)",
        ),
        (
            "  default: true",
            "  default: true\n  data_dir: 1 # here",
            "configs[0].data_dir: 1 (an integer)",
        ),
        (
            "dataset_info:\n- config_name: digits",
            "dataset_info:\n- config_name: 1 # here",
            "dataset_info[0].config_name: 1 (an integer)",
        ),
        (
            "  - name: image\n",
            "  - name: 1 # here\n",
            "dataset_info[0].features[0].name: 1 (an integer)",
        ),
        (
            "  - name: test\n    num_bytes",
            "  - name: 1 # here\n    num_bytes",
            "dataset_info[0].splits[1].name: 1 (an integer)",
        ),
    ],
    "true or false; write it without quotes": [
        ("  default: true", "  default: 'true' # here", "configs[0].default: 'true'"),
    ],
    "a path or a list; list the split and the path of each": [
        (
            DATA_FILES,
            "  data_files: {train: digits/train-*} # here\n",
            "configs[0].data_files: {'train': 'digits/train-*'} (a mapping)",
        ),
        (DATA_FILES, "  data_files: [] # here\n", "configs[0].data_files: []"),
    ],
    "a path or a list of paths; name the files": [
        (DATA_FILES, "  data_files: '' # here\n", "configs[0].data_files: ''"),
        (DATA_FILES, "  data_files: [1] # here\n", "configs[0].data_files[0]: 1 (an integer)"),
        ("path: digits/test-*", "path: 1 # here", "configs[0].data_files[1].path: 1 (an integer)"),
        ("path: digits/test-*", "path: [] # here", "configs[0].data_files[1].path: []"),
        ("path: digits/test-*", "path: [[a]] # here", "configs[0].data_files[1].path[0]: ['a']"),
    ],
    "a mapping of split and path; write these two keys and no other": [
        (
            DATA_FILES,
            "  data_files:\n  - digits.csv # here\n  - {split: test, path: x}\n",
            "configs[0].data_files[0]: 'digits.csv'",
        ),
        (
            "  - split: train\n    path: digits/train-*",
            "  - split: train # here",
            "configs[0].data_files[0]: no path",
        ),
        (
            "  - split: train\n",
            "  - split: train # here\n    sha256: x\n",
            "configs[0].data_files[0]: also sha256",
        ),
    ],
    "the name of a split; use letters, digits and _": [
        ("split: test", "split: test-1 # here", "configs[0].data_files[1].split: 'test-1'"),
        ("split: test", "split: 1 # here", "configs[0].data_files[1].split: 1 (an integer)"),
    ],
    "a mapping of features and splits; write key: value lines": [
        (ALL_INFOS, "dataset_info: digits # here\n", "dataset_info: 'digits'"),
        (ALL_INFOS, "dataset_info: {} # here\n", "dataset_info: {} (a mapping)"),
        (ALL_INFOS, "dataset_info: [digits] # here\n", "dataset_info[0]: 'digits'"),
    ],
    "a mapping, or a list of mappings; start each with - config_name:": [
        (ALL_INFOS, "dataset_info: [] # here\n", "dataset_info: []"),
    ],
    "a list of features; write the name and the dtype of each": [
        (FEATURES, "  features: image # here\n", "dataset_info[0].features: 'image'"),
        (FEATURES, "  features: [] # here\n", "dataset_info[0].features: []"),
    ],
    "a mapping with the name of the feature; write name: and dtype:": [
        (
            "  - name: image\n    dtype: image",
            "  - image # here",
            "dataset_info[0].features[0]: 'image'",
        ),
        ("  - name: image\n", "  - title: image # here\n", "dataset_info[0].features[0]: no name"),
    ],
    "class names by label; write '0': name and so on": [
        (CLASS_NAMES, "        names: zero # here\n", f"{LABELS}.names: 'zero'"),
        (CLASS_NAMES, "        names: [] # here\n", f"{LABELS}.names: []"),
        (CLASS_NAMES, "        names: {} # here\n", f"{LABELS}.names: {{}} (a mapping)"),
    ],
    "class names by label; write '0': name and so on under names": [
        (
            "      class_label:\n        names:\n          '0': zero\n          '1': one\n",
            "      class_label: {num_classes: 2} # here\n",
            f"{LABELS}: no names",
        ),
    ],
    "a list of splits; write the name and num_examples of each": [
        (SPLITS, "  splits: [] # here\n", "dataset_info[0].splits: []"),
        (
            SPLITS,
            "  splits: {train: 7} # here\n",
            "dataset_info[0].splits: {'train': 7} (a mapping)",
        ),
    ],
    "a mapping with name and num_examples; write both keys": [
        (
            "  - name: train\n    num_bytes: 700\n",
            "  - title: train # here\n    num_bytes: 700\n",
            "dataset_info[0].splits[0]: no name",
        ),
        (
            "  - name: train\n    num_bytes: 700\n    num_examples: 7\n",
            "  - name: train # here\n",
            "dataset_info[0].splits[0]: no num_examples",
        ),
    ],
    "a whole number; write digits alone, without quotes": [
        (
            "num_examples: 7",
            "num_examples: 7.0 # here",
            "dataset_info[0].splits[0].num_examples: 7.0 (a float)",
        ),
        (
            "num_examples: 7",
            "num_examples: '7' # here",
            "dataset_info[0].splits[0].num_examples: '7'",
        ),
        (
            "num_examples: 7",
            "num_examples: -7 # here",
            "dataset_info[0].splits[0].num_examples: -7 (an integer)",
        ),
        (
            "num_examples: 7",
            "num_examples: yes # here",
            "dataset_info[0].splits[0].num_examples: True (a boolean)",
        ),
        ("num_bytes: 700", "num_bytes: 7e2 # here", "dataset_info[0].splits[0].num_bytes: '7e2'"),
        (
            "download_size: 900",
            "download_size: 900.5 # here",
            "dataset_info[0].download_size: 900.5 (a float)",
        ),
        (
            "dataset_size: 1000",
            "dataset_size: 1000.0 # here",
            "dataset_info[0].dataset_size: 1000.0 (a float)",
        ),
    ],
}


@pytest.mark.parametrize(("before", "after", "finding"), cases(WRONG_SHAPES))
def test_a_wrong_shape_is_one_finding(found, before, after, finding):
    text = edited({before: after})
    assert found(text) == in_marked_lines(text, [finding])


STYLE = """\
  features:
  - name: style
    dtype:
      class_label: {names: {'0': 7}} # here
"""


def test_every_feature_with_class_names_is_checked(found):
    text = edited({"  features:\n": STYLE})
    place = "dataset_info[0].features[0].dtype.class_label.names.0"
    finding = f"{place}: 7 (an integer), expected a text; put it into quotes"
    assert found(text) == in_marked_lines(text, [finding])


# --- What contradicts itself ----------------------------------------------------------------------

CONTRADICTIONS = [
    (
        {"- config_name: letters\n  data": "- config_name: digits # here\n  data", ALL_INFOS: ""},
        [
            "configs[1].config_name: 'digits' twice, first in line 23, "
            "expected a name of its own; rename one"
        ],
    ),
    (
        {
            LETTERS: "",
            "- config_name: letters\n  splits:\n  - name: train\n    num_examples: 5\n": (
                "- config_name: digits # here\n  download_size: 1\n"
            ),
        },
        [
            "dataset_info[1].config_name: 'digits' twice, first in line 31, "
            "expected a name of its own; rename one"
        ],
    ),
    (
        {"- config_name: letters\n": "- config_name: letters\n  default: true # here\n"},
        ["configs[1].default: a second default, after line 29, expected one default; remove it"],
    ),
    (
        {"configs:": "configs: # here", "  default: true\n": ""},
        ["configs: no default, expected default: true in one config; add it"],
    ),
    (
        {DATA_FILES: "", "- config_name: digits": "- config_name: digits # here"},
        ["configs[0]: no data_files, expected the files of each split; add them"],
    ),
    (
        {ALL_CONFIGS: "", "dataset_info:": "dataset_info: # here"},
        [
            "dataset_info: no configs beside it, expected configs with the data files of each; "
            "add configs, or load_dataset merges all the files that it finds"
        ],
    ),
    (
        {DATA_FILES: TEST_TWICE, SPLITS: "  splits: [{name: test, num_examples: 3}]\n"},
        [
            f"configs[0].data_files[{number}]: the split 'test' more than once, "
            "expected each split once; list its paths together"
            for number in (0, 1)
        ],
    ),
    (
        {"  - name: test\n": "  - name: dev\n", "  splits:": "  splits: # here"},
        [
            "dataset_info[0].splits: dev, train, expected test, train as in configs; "
            "correct one of them"
        ],
    ),
    (
        {
            "configs:\n- config_name: digits": "configs:\n- config_name: kana # here",
            "dataset_info:\n- config_name: digits": "dataset_info:\n- config_name: digits # here",
        },
        [
            "configs[0]: config 'kana' is not in dataset_info, "
            "expected each config in both; add or remove it",
            "dataset_info[0]: config 'digits' is not in configs, "
            "expected each config in both; add or remove it",
        ],
    ),
    (
        {"'0': zero": "0: zero # here"},
        [f"{LABELS}.names[0]: the key 0 (an integer), expected a text; put it into quotes"],
    ),
    (
        {"'0': zero": "'2': zero", "names:": "names: # here"},
        [f"{LABELS}.names: labels 2, 1, expected 0 to 1, each once; renumber them"],
    ),
    (
        {"'0': zero": "'0': 0 # here"},
        [f"{LABELS}.names.0: 0 (an integer), expected a text; put it into quotes"],
    ),
    (
        {"'0': zero": "'0': yes # here"},
        [f"{LABELS}.names.0: True (a boolean), expected a text; put it into quotes"],
    ),
    (
        {CLASS_NAMES: "        names: [zero, 1] # here\n"},
        [f"{LABELS}.names[1]: 1 (an integer), expected a text; put it into quotes"],
    ),
    (
        {"'0': zero": "'0': ' ' # here"},
        [f"{LABELS}.names.0: ' ', expected a class name; name the class"],
    ),
    (
        {"'0': zero": "'0': one # here", "'1': one": "'1': one # here"},
        [
            f"{LABELS}.names.{label}: 'one' more than once, expected names that differ; rename one"
            for label in (0, 1)
        ],
    ),
    (
        {"dataset_size: 1000": "dataset_size: 1001 # here"},
        [
            "dataset_info[0].dataset_size: 1001, "
            "expected 1000, the sum of num_bytes of its splits; correct one of them"
        ],
    ),
]


@pytest.mark.parametrize(("edits", "expected"), CONTRADICTIONS)
def test_a_contradiction_is_found_and_nothing_else(found, edits, expected):
    text = edited(edits)
    assert found(text) == in_marked_lines(text, expected)


@pytest.mark.parametrize("files", ["digits/*", "[digits/a, digits/b]"])
def test_files_without_a_split_are_train(found, files):
    text = edited({DATA_FILES: f"  data_files: {files}\n", "  splits:": "  splits: # here"})
    finding = "dataset_info[0].splits: test, train, expected train as in configs"
    assert found(text) == in_marked_lines(text, [f"{finding}; correct one of them"])


ELSEWHERE = {
    "/data/test-*": "an absolute path",
    "C:\\data\\test-*": "an absolute path",
    "'\\data\\test-*'": "an absolute path",
    "..": "a path with ..",
    "digits/../../test-*": "a path with ..",
    "digits\\..\\..\\test-*": "a path with ..",
    "https://host.example/test-*": "a URL",
    "hf://datasets/me/x/*": "a URL",
    "file:/etc/passwd": "a URL",
}


@pytest.mark.parametrize(("path", "kind"), ELSEWHERE.items())
def test_a_path_that_leaves_the_folder_is_found(found, path, kind):
    rest = f"{kind}, expected a path inside the card's folder; move the files there"
    text = edited({"path: digits/test-*": f"path: {path} # here"})
    assert found(text) == in_marked_lines(text, [f"configs[0].data_files[1].path: {rest}"])
    text = edited({"path: digits/test-*": f"path: [digits/test-*, {path}] # here"})
    assert found(text) == in_marked_lines(text, [f"configs[0].data_files[1].path[1]: {rest}"])
    text = edited({DATA_FILES: f"  data_files: {path} # here\n", SPLITS: "", SUM: ""})
    assert found(text) == in_marked_lines(text, [f"configs[0].data_files: {rest}"])
    text = edited({"  default: true": f"  default: true\n  data_dir: {path} # here"})
    assert found(text) == in_marked_lines(text, [f"configs[0].data_dir: {rest}"])


@pytest.mark.parametrize(
    ("path", "finding"),
    [
        (501 * "x", "a path of 501 characters, expected at most 500; shorten it"),
        ("a/**/b/**/c/**", "3 double stars, expected at most 2; name the folders"),
    ],
)
def test_a_path_that_takes_long_to_expand_is_found(found, path, finding):
    text = edited({"path: digits/test-*": f"path: {path} # here"})
    assert found(text) == in_marked_lines(text, [f"configs[0].data_files[1].path: {finding}"])


@pytest.mark.release
def test_features_are_those_that_datasets_reads(found):
    text = edited({"dtype: image": "dtype: picture", "  features:": "  features: # here"})
    (finding,) = found(text)
    (start,) = in_marked_lines(
        text, ["dataset_info[0].features: ValueError: Feature type 'Picture' not found"]
    )
    assert finding.startswith(start)
    assert finding.endswith("…, expected features that `datasets` reads; correct them")


@pytest.mark.parametrize(
    "edits",
    [
        {"path: digits/test-*": "path: data..v1/test..*"},
        {DATA_FILES: "  data_dir: digits\n"},
        {CLASS_NAMES: "        names: [zero, one]\n"},
        {"    num_bytes: 700\n": "", "dataset_size: 1000": "dataset_size: 1001"},
        {ALL_INFOS: ""},
        {
            ALL_CONFIGS: "configs:\n- config_name: default\n  data_files: x\n",
            ALL_INFOS: "dataset_info:\n  splits:\n  - {name: train, num_examples: 1}\n",
        },
    ],
)
def test_what_the_hub_takes_has_no_finding(found, edits):
    assert found(edited(edits)) == []


def test_several_findings_are_in_the_order_of_lines(found):
    text = edited(
        {
            "license: mit": "license: MIT # here",
            "num_examples: 3": "num_examples: 3.5 # here",
            "dataset_size: 1000": "dataset_size: 9 # here",
        }
    )
    assert found(text) == in_marked_lines(
        text,
        [
            "license: 'MIT', expected a value that the Hub knows, such as mit; correct it",
            "dataset_info[0].splits[1].num_examples: 3.5 (a float), "
            "expected a whole number; write digits alone, without quotes",
            "dataset_info[0].dataset_size: 9, "
            "expected 1000, the sum of num_bytes of its splits; correct one of them",
        ],
    )


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
    (tmp_path / "card.md").write_text(edited({"license: mit": "license: MIT"}), encoding="utf-8")
    (tmp_path / "good.md").write_text(CARD, encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "empty").mkdir()
    paths = ["card.md", "good.md", "missing.md", "pipe.md", "empty"]
    assert run(paths) == 1
    rest = "expected a card or a folder with one; correct the path"
    assert capsys.readouterr() == (
        "card.md:3: license: 'MIT', expected a value that the Hub knows, such as mit; correct it\n"
        f"missing.md: No such file or directory, {rest}\n"
        f"pipe.md: Not a regular file, {rest}\n"
        f"empty/README.md: No such file or directory, {rest}\n",
        "",
    )
    assert [finding.line for finding in lint(paths)] == [3, None, None, None]


def test_the_command_prints_nothing_for_good_cards(tmp_path, capsys):
    (tmp_path / "good.md").write_text(CARD, encoding="utf-8")
    assert run([tmp_path / "good.md"]) == 0
    assert capsys.readouterr() == ("", "")


def test_findings_of_a_missing_card_raise(tmp_path):
    with pytest.raises(FileNotFoundError):
        findings(tmp_path / "missing.md")


RETRIEVED = min(
    datetime.date.fromisoformat(entry["retrieved"])
    for entry in json.loads(
        (ROOT / "scripts" / "mnist_tools" / "lint" / "vocabularies.json").read_text(
            encoding="utf-8"
        )
    ).values()
)


@pytest.mark.parametrize(("days", "is_old"), [(366, False), (367, True)])
def test_lists_of_the_hub_are_old_after_a_year(tmp_path, monkeypatch, capsys, days, is_old):
    class Clock(datetime.date):
        @classmethod
        def today(cls):
            return RETRIEVED + datetime.timedelta(days=days)

    (tmp_path / "good.md").write_text(CARD, encoding="utf-8")
    monkeypatch.setattr(datetime, "date", Clock)
    assert run([tmp_path / "good.md"]) == 0
    warning = (
        f"warning: vocabularies.json: license was retrieved on {RETRIEVED}, "
        "expected a list of the last year; compare it with https://huggingface.co/docs/hub/repositories-licenses\n"
    )
    assert capsys.readouterr() == ("", warning if is_old else "")

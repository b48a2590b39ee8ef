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

KNOWN = "a value that the Hub knows"
IDS = "expected an id, or a list of ids; write it so; quote a value such as 'no'"
CODES = "expected a code, or a list of codes; write it so; quote a value such as 'no'"
TEXT = "expected a text; put it into quotes"
LIST = "expected a list; write each value after a - of its own"

WRONG_KEYS = [
    ("license: mit", "license: MIT", f"license: 'MIT', expected {KNOWN}, such as mit; correct it"),
    ("license: mit", "license: ''", f"license: '', expected {KNOWN}; correct it"),
    (
        "license: mit",
        "license: [mit, mti]",
        f"license[1]: 'mti', expected {KNOWN}, such as mit; correct it",
    ),
    ("license: mit", "license: {digits: mit}", f"license: {{'digits': 'mit'}} (a mapping), {IDS}"),
    ("license: mit", "license: no", f"license: False (a boolean), {IDS}"),
    ("license: mit", "license: []", f"license: [], {IDS}"),
    (
        "license: mit",
        "license: other",
        "license: other without license_name and license_link, expected both beside it; add them",
    ),
    ("license: mit", "licenses: [mit]", "licenses: an old key, expected license; rename it"),
    ("language:", "languages:", "languages: an old key, expected language; rename it"),
    (
        "task_categories:",
        "task_category:",
        "task_category: an old key, expected task_categories; rename it",
    ),
    ("task_ids:", "task_id:", "task_id: an old key, expected task_ids; rename it"),
    ("pretty_name:", "prety_name:", "prety_name: an unknown key, expected pretty_name; rename it"),
    ("- en", "- no", f"language[0]: False (a boolean), expected {KNOWN}; put it into quotes"),
    ("- en", "- en-US", f"language[0]: 'en-US', expected {KNOWN}, such as en; correct it"),
    ("language:\n- en", "language: 1", f"language: 1 (an integer), {CODES}"),
    ("language:\n- en", "language: english", f"language: 'english', expected {KNOWN}; correct it"),
    (
        "task_categories:\n- image-classification",
        "task_categories: image-classification",
        f"task_categories: 'image-classification', {LIST}",
    ),
    ("task_ids:\n- multi-class-image-classification", "task_ids: []", f"task_ids: [], {LIST}"),
    (
        "- image-classification",
        "- image-clasification",
        f"task_categories[0]: 'image-clasification', expected {KNOWN}, such as image-classification; correct it",
    ),
    (
        "- multi-class-image-classification",
        "- multi-class-image",
        f"task_ids[0]: 'multi-class-image', expected {KNOWN}, such as multi-class-image-classification; correct it",
    ),
    (
        "- 1K<n<10K",
        "- 1k<n<10k",
        f"size_categories[0]: '1k<n<10k', expected {KNOWN}, such as 1K<n<10K; correct it",
    ),
    (
        "- expert-generated",
        "- experts",
        f"annotations_creators[0]: 'experts', expected {KNOWN}, such as expert-generated; correct it",
    ),
    (
        "- found",
        "- founded",
        f"language_creators[0]: 'founded', expected {KNOWN}, such as found; correct it",
    ),
    (
        "- monolingual",
        "- one",
        f"multilinguality[0]: 'one', expected {KNOWN}, such as other; correct it",
    ),
    ("- image\n", "- 1 # here\n", f"tags[0]: 1 (an integer), {TEXT}"),
    (
        "tags:\n- image",
        "tags: image",
        "tags: 'image', expected a list of texts; write each after a - of its own",
    ),
    ("- original", "- 2024-02-01", f"source_datasets[0]: 2024-02-01 (a date), {TEXT}"),
    ("pretty_name: Digits", "pretty_name: 1", f"pretty_name: 1 (an integer), {TEXT}"),
    ("pretty_name: Digits", "pretty_name:", f"pretty_name: nothing, {TEXT}"),
    ("pretty_name: Digits", "license_name: 1.5", f"license_name: 1.5 (a float), {TEXT}"),
    ("pretty_name: Digits", "license_link: ' '", f"license_link: ' ', {TEXT}"),
]


@pytest.mark.parametrize(("before", "after", "finding"), WRONG_KEYS)
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

CONFIG = "expected a mapping with config_name and data_files; write both keys"
SPLIT_FILES = "expected a mapping of split and path; write these two keys and no other"
PATHS = "expected a path or a list of paths; name the files"
FILES = "expected a path or a list; list the split and the path of each"
INFO = "expected a mapping of features and splits; write key: value lines"
SPLIT = "expected a mapping with name and num_examples; write both keys"
FEATURE = "expected a mapping with the name of the feature; write name: and dtype:"
NUMBER = "expected a whole number; write digits alone, without quotes"
LABELS = "dataset_info[0].features[1].dtype.class_label"

CONFIGS_START = CARD.index("configs:\n")
INFO_START = CARD.index("dataset_info:\n")
ALL_CONFIGS = CARD[CONFIGS_START:INFO_START]
ALL_INFOS = CARD[INFO_START : CARD.index("---\n\n")]
DATA_FILES = CARD[CARD.index("  data_files:") : CARD.index("  default")]
FEATURES = CARD[CARD.index("  features:") : CARD.index("  splits:")]
SPLITS = CARD[CARD.index("  splits:") : CARD.index("  download_size")]

WRONG_SHAPES = [
    (ALL_CONFIGS, "configs: {a: b} # here\n", "configs: {'a': 'b'} (a mapping), expected a list of configs; start each config with - config_name:"),
    (ALL_CONFIGS, "configs: [] # here\n", "configs: [], expected a list of configs; start each config with - config_name:"),
    ("- config_name: letters\n", "- letters # here\n- config_name: letters\n", f"configs[1]: 'letters', {CONFIG}"),
    ("- config_name: digits\n  data_files:", "- data_files: # here", f"configs[0]: no config_name, {CONFIG}"),
    ("- config_name: digits\n", "- config_name: 1 # here\n", f"configs[0].config_name: 1 (an integer), {TEXT}"),
    ("  default: true", "  default: 'true' # here", "configs[0].default: 'true', expected true or false; write it without quotes"),
    (DATA_FILES, "  data_files: {train: digits/train-*} # here\n", f"configs[0].data_files: {{'train': 'digits/train-*'}} (a mapping), {FILES}"),
    (DATA_FILES, "  data_files: [] # here\n", f"configs[0].data_files: [], {FILES}"),
    (DATA_FILES, "  data_files: '' # here\n", f"configs[0].data_files: '', {PATHS}"),
    (DATA_FILES, "  data_files: [1] # here\n", f"configs[0].data_files[0]: 1 (an integer), {PATHS}"),
    (DATA_FILES, "  data_files:\n  - digits.csv # here\n  - {split: test, path: x}\n", f"configs[0].data_files[0]: 'digits.csv', {SPLIT_FILES}"),
    ("  - split: train\n    path: digits/train-*", "  - split: train # here", f"configs[0].data_files[0]: no path, {SPLIT_FILES}"),
    ("  - split: train\n", "  - split: train # here\n    sha256: x\n", f"configs[0].data_files[0]: also sha256, {SPLIT_FILES}"),
    ("split: test", "split: test-1 # here", "configs[0].data_files[1].split: 'test-1', expected the name of a split; use letters, digits and _"),
    ("split: test", "split: 1 # here", "configs[0].data_files[1].split: 1 (an integer), expected the name of a split; use letters, digits and _"),
    ("path: digits/test-*", "path: 1 # here", f"configs[0].data_files[1].path: 1 (an integer), {PATHS}"),
    ("path: digits/test-*", "path: [] # here", f"configs[0].data_files[1].path: [], {PATHS}"),
    ("path: digits/test-*", "path: [[a]] # here", f"configs[0].data_files[1].path[0]: ['a'], {PATHS}"),
    ("  default: true", "  default: true\n  data_dir: 1 # here", f"configs[0].data_dir: 1 (an integer), {TEXT}"),
    (ALL_INFOS, "dataset_info: digits # here\n", f"dataset_info: 'digits', {INFO}"),
    (ALL_INFOS, "dataset_info: [] # here\n", "dataset_info: [], expected a mapping, or a list of mappings; start each with - config_name:"),
    (ALL_INFOS, "dataset_info: {} # here\n", f"dataset_info: {{}} (a mapping), {INFO}"),
    (ALL_INFOS, "dataset_info: [digits] # here\n", f"dataset_info[0]: 'digits', {INFO}"),
    ("dataset_info:\n- config_name: digits", "dataset_info:\n- config_name: 1 # here", f"dataset_info[0].config_name: 1 (an integer), {TEXT}"),
    (FEATURES, "  features: image # here\n", "dataset_info[0].features: 'image', expected a list of features; write the name and the dtype of each"),
    (FEATURES, "  features: [] # here\n", "dataset_info[0].features: [], expected a list of features; write the name and the dtype of each"),
    ("  - name: image\n    dtype: image", "  - image # here", f"dataset_info[0].features[0]: 'image', {FEATURE}"),
    ("  - name: image\n", "  - title: image # here\n", f"dataset_info[0].features[0]: no name, {FEATURE}"),
    ("  - name: image\n", "  - name: 1 # here\n", f"dataset_info[0].features[0].name: 1 (an integer), {TEXT}"),
    ("        names:\n          '0': zero\n          '1': one\n", "        names: zero # here\n", f"{LABELS}.names: 'zero', expected class names by label; write '0': name and so on"),
    ("        names:\n          '0': zero\n          '1': one\n", "        names: [] # here\n", f"{LABELS}.names: [], expected class names by label; write '0': name and so on"),
    ("        names:\n          '0': zero\n          '1': one\n", "        names: {} # here\n", f"{LABELS}.names: {{}} (a mapping), expected class names by label; write '0': name and so on"),
    ("      class_label:\n        names:\n          '0': zero\n          '1': one\n", "      class_label: {num_classes: 2} # here\n", f"{LABELS}: no names, expected class names by label; write '0': name and so on under names"),
    (SPLITS, "  splits: [] # here\n", "dataset_info[0].splits: [], expected a list of splits; write the name and num_examples of each"),
    (SPLITS, "  splits: {train: 7} # here\n", "dataset_info[0].splits: {'train': 7} (a mapping), expected a list of splits; write the name and num_examples of each"),
    ("  - name: train\n    num_bytes: 700\n", "  - title: train # here\n    num_bytes: 700\n", f"dataset_info[0].splits[0]: no name, {SPLIT}"),
    ("  - name: train\n    num_bytes: 700\n    num_examples: 7\n", "  - name: train # here\n", f"dataset_info[0].splits[0]: no num_examples, {SPLIT}"),
    ("  - name: test\n    num_bytes", "  - name: 1 # here\n    num_bytes", f"dataset_info[0].splits[1].name: 1 (an integer), {TEXT}"),
    ("num_examples: 7", "num_examples: 7.0 # here", f"dataset_info[0].splits[0].num_examples: 7.0 (a float), {NUMBER}"),
    ("num_examples: 7", "num_examples: '7' # here", f"dataset_info[0].splits[0].num_examples: '7', {NUMBER}"),
    ("num_examples: 7", "num_examples: -7 # here", f"dataset_info[0].splits[0].num_examples: -7 (an integer), {NUMBER}"),
    ("num_examples: 7", "num_examples: yes # here", f"dataset_info[0].splits[0].num_examples: True (a boolean), {NUMBER}"),
    ("num_bytes: 700", "num_bytes: 7e2 # here", f"dataset_info[0].splits[0].num_bytes: '7e2', {NUMBER}"),
    ("download_size: 900", "download_size: 900.5 # here", f"dataset_info[0].download_size: 900.5 (a float), {NUMBER}"),
    ("dataset_size: 1000", "dataset_size: 1000.0 # here", f"dataset_info[0].dataset_size: 1000.0 (a float), {NUMBER}"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "finding"), WRONG_SHAPES)
def test_a_wrong_shape_is_one_finding(found, before, after, finding):
    text = edited({before: after})
    assert found(text) == in_marked_lines(text, [finding])


def test_several_class_label_features_are_checked(found):
    text = edited(
        {
            "  - name: image\n": "  - name: style\n    dtype:\n      class_label: {names: {'0': 7}} # here\n  - name: image\n"
        }
    )
    place = "dataset_info[0].features[0].dtype.class_label.names.0"
    assert found(text) == in_marked_lines(text, [f"{place}: 7 (an integer), {TEXT}"])


# --- What contradicts itself ----------------------------------------------------------------------

BOTH = "expected each config in both; add or remove it"
INSIDE = "expected a path inside the card's folder; move the files there"

CONTRADICTIONS = [
    ({"- config_name: letters\n  data": "- config_name: digits # here\n  data", ALL_INFOS: ""},
     ["configs[1].config_name: 'digits' twice, first in line 23, expected a name of its own; rename one"]),
    ({"- config_name: letters\n  data_files": "- config_name: letters\n  default: true # here\n  data_files"},
     ["configs[1].default: a second default, after line 29, expected one default; remove it"]),
    ({"configs:": "configs: # here", "  default: true\n": ""},
     ["configs: no default, expected default: true in one config; add it"]),
    ({"- config_name: letters\n  data_files:\n  - split: train\n    path:\n    - letters/train-*": "- config_name: letters # here"},
     ["configs[1]: no data_files, expected the files of each split; add them"]),
    ({ALL_CONFIGS: "", "dataset_info:": "dataset_info: # here"},
     ["dataset_info: no configs beside it, expected configs with the data files of each; add configs, or load_dataset merges all the files that it finds"]),
    ({"  - split: train\n    path: digits/train-*": "  - split: test # here\n    path: digits/more-*", "  - split: test\n    path: digits/test-*": "  - split: test # here\n    path: digits/test-*", "  splits:": "  splits: # here"},
     [f"configs[0].data_files[{number}]: the split 'test' more than once, expected each split once; list its paths together" for number in (0, 1)]
     + ["dataset_info[0].splits: test, train, expected test as in configs; correct one of them"]),
    ({"  - name: test\n    num_bytes: 300": "  - name: validation\n    num_bytes: 300", "  splits:": "  splits: # here"},
     ["dataset_info[0].splits: train, validation, expected test, train as in configs; correct one of them"]),
    ({DATA_FILES: "  data_files: digits/*\n", "  splits:": "  splits: # here"},
     ["dataset_info[0].splits: test, train, expected train as in configs; correct one of them"]),
    ({DATA_FILES: "  data_files: [digits/a, digits/b]\n", "  splits:": "  splits: # here"},
     ["dataset_info[0].splits: test, train, expected train as in configs; correct one of them"]),
    ({"- config_name: letters\n  data_files": "- config_name: letters # here\n  data_files", "- config_name: letters\n  splits": "- config_name: kana # here\n  splits"},
     [f"configs[1]: config 'letters' is not in dataset_info, {BOTH}", f"dataset_info[1]: config 'kana' is not in configs, {BOTH}"]),
    ({"path: digits/test-*": "path: /data/test-* # here"}, [f"configs[0].data_files[1].path: an absolute path, {INSIDE}"]),
    ({"path: digits/test-*": "path: C:\\data\\test-* # here"}, [f"configs[0].data_files[1].path: an absolute path, {INSIDE}"]),
    ({"path: digits/test-*": "path: '\\data\\test-*' # here"}, [f"configs[0].data_files[1].path: an absolute path, {INSIDE}"]),
    ({"path: digits/test-*": "path: digits/../../test-* # here"}, [f"configs[0].data_files[1].path: a path with .., {INSIDE}"]),
    ({"path: digits/test-*": "path: digits\\..\\..\\test-* # here"}, [f"configs[0].data_files[1].path: a path with .., {INSIDE}"]),
    ({"path: digits/test-*": "path: https://host.example/test-* # here"}, [f"configs[0].data_files[1].path: a URL, {INSIDE}"]),
    ({"path: digits/test-*": "path: hf://datasets/me/x/* # here"}, [f"configs[0].data_files[1].path: a URL, {INSIDE}"]),
    ({"path: digits/test-*": "path: file:/etc/passwd # here"}, [f"configs[0].data_files[1].path: a URL, {INSIDE}"]),
    ({"path: digits/test-*": "path: [digits/test-*, ../x] # here"}, [f"configs[0].data_files[1].path[1]: a path with .., {INSIDE}"]),
    ({DATA_FILES: "  data_files: ../x # here\n", "- config_name: digits\n  features": "- config_name: digits\n  features", SPLITS: "", "  dataset_size: 1000\n": ""},
     [f"configs[0].data_files: a path with .., {INSIDE}"]),
    ({"  default: true": "  default: true\n  data_dir: ../digits # here"}, [f"configs[0].data_dir: a path with .., {INSIDE}"]),
    ({"path: digits/test-*": "path: " + 501 * "x" + " # here"}, ["configs[0].data_files[1].path: a path of 501 characters, expected at most 500; shorten it"]),
    ({"path: digits/test-*": "path: 'a/**/b/**/c/**' # here"}, ["configs[0].data_files[1].path: 3 double stars, expected at most 2; name the folders"]),
    ({"'0': zero": "0: zero # here"}, [f"{LABELS}.names[0]: the key 0 (an integer), {TEXT}"]),
    ({"'0': zero": "'2': zero", "names:": "names: # here"}, [f"{LABELS}.names: labels 2, 1, expected 0 to 1, each once; renumber them"]),
    ({"'0': zero": "'0': 0 # here"}, [f"{LABELS}.names.0: 0 (an integer), {TEXT}"]),
    ({"'0': zero": "'0': yes # here"}, [f"{LABELS}.names.0: True (a boolean), {TEXT}"]),
    ({"'0': zero": "'0': ' ' # here"}, [f"{LABELS}.names.0: ' ', expected a class name; name the class"]),
    ({"'0': zero": "'0': one # here", "'1': one": "'1': one # here"},
     [f"{LABELS}.names.{label}: 'one' more than once, expected names that differ; rename one" for label in (0, 1)]),
    ({"        names:\n          '0': zero\n          '1': one\n": "        names: [zero, 1] # here\n"}, [f"{LABELS}.names[1]: 1 (an integer), {TEXT}"]),
    ({"dataset_size: 1000": "dataset_size: 1001 # here"},
     ["dataset_info[0].dataset_size: 1001, expected 1000, the sum of num_bytes of its splits; correct one of them"]),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "expected"), CONTRADICTIONS)
def test_a_contradiction_is_found_and_nothing_else(found, edits, expected):
    text = edited(edits)
    assert found(text) == in_marked_lines(text, expected)


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
        {"        names:\n          '0': zero\n          '1': one\n": "        names: [zero, one]\n"},
        {"    num_bytes: 700\n": "", "dataset_size: 1000": "dataset_size: 1001"},
        {ALL_INFOS: ""},
        {ALL_CONFIGS: "configs:\n- config_name: default\n  data_files: x\n", ALL_INFOS: "dataset_info:\n  splits:\n  - {name: train, num_examples: 1}\n"},
    ],
)  # fmt: skip
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
            f"license: 'MIT', expected {KNOWN}, such as mit; correct it",
            f"dataset_info[0].splits[1].num_examples: 3.5 (a float), {NUMBER}",
            "dataset_info[0].dataset_size: 9, expected 1000, the sum of num_bytes of its splits; correct one of them",
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
    assert capsys.readouterr() == (
        "card.md:3: license: 'MIT', expected a value that the Hub knows, such as mit; correct it\n"
        "missing.md: No such file or directory, expected a card or a folder with one; correct the path\n"
        "pipe.md: Not a regular file, expected a card or a folder with one; correct the path\n"
        "empty/README.md: No such file or directory, expected a card or a folder with one; correct the path\n",
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
        f"warning: vocabularies.json: license was retrieved on {RETRIEVED}, expected a list of the last year; "
        "compare it with https://huggingface.co/docs/hub/repositories-licenses\n"
    )
    assert capsys.readouterr() == ("", warning if is_old else "")

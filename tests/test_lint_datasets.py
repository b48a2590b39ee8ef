"""Lint finds what is wrong with the configs and the dataset_info of a card."""

import functools

import pytest
from lint_cards import CARD, cases, edited, findings_of, in_marked_lines


@pytest.fixture
def found(tmp_path):
    """Return a function that returns the findings of a text."""
    return functools.partial(findings_of, tmp_path)


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
TWO_DEFAULTS = """\
dataset_info:
- splits: [{name: train, num_examples: 1}]
- splits: [{name: train, num_examples: 1}] # here
"""
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
    "a string; put it in quotes": [
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
    "a path or a list; list the split and the path of each file": [
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
    "a mapping of split and path; write these two keys only": [
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
            "configs[0].data_files[0]: other keys: sha256",
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
    "a mapping with name and dtype; write both keys": [
        (
            "  - name: image\n    dtype: image",
            "  - image # here",
            "dataset_info[0].features[0]: 'image'",
        ),
        ("  - name: image\n", "  - title: image # here\n", "dataset_info[0].features[0]: no name"),
    ],
    "class names by label; write a line '0': name for each label": [
        (CLASS_NAMES, "        names: zero # here\n", f"{LABELS}.names: 'zero'"),
        (CLASS_NAMES, "        names: [] # here\n", f"{LABELS}.names: []"),
        (CLASS_NAMES, "        names: {} # here\n", f"{LABELS}.names: {{}} (a mapping)"),
    ],
    "class names by label; write a line '0': name for each label under names": [
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
        (SPLITS, "  splits: [train] # here\n", "dataset_info[0].splits[0]: 'train'"),
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
    "a whole number; write digits only, without quotes": [
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
        (
            "dataset_size: 1000",
            "dataset_size: yes # here",
            "dataset_info[0].dataset_size: True (a boolean)",
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


def test_a_value_with_two_faults_is_one_finding(found):
    text = edited({"  - split: train\n    path: digits/train-*": "  - {split: train, x: y} # here"})
    finding = "configs[0].data_files[0]: no path, expected a mapping of split and path"
    rest = "write these two keys only"
    assert found(text) == in_marked_lines(text, [f"{finding}; {rest}"])


def test_every_feature_with_class_names_is_checked(found):
    text = edited({"  features:\n": STYLE})
    place = "dataset_info[0].features[0].dtype.class_label.names.0"
    finding = f"{place}: 7 (an integer), expected a string; put it in quotes"
    assert found(text) == in_marked_lines(text, [finding])


# --- What contradicts itself ----------------------------------------------------------------------

CONTRADICTIONS = [
    (
        {"- config_name: letters\n  data": "- config_name: digits # here\n  data", ALL_INFOS: ""},
        [
            "configs[1].config_name: 'digits' again, first on line 23, "
            "expected a unique name; rename one"
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
            "dataset_info[1].config_name: 'digits' again, first on line 31, "
            "expected a unique name; rename one"
        ],
    ),
    (
        {"- config_name: letters\n": "- config_name: letters\n  default: true # here\n"},
        [
            "configs[1].default: another default, the first is on line 29, "
            "expected one default; remove it"
        ],
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
            "add them, or load_dataset will merge all the files that it finds"
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
        [f"{LABELS}.names[0]: the key 0 (an integer), expected a string; put it in quotes"],
    ),
    (
        {"'0': zero": "'2': zero", "names:": "names: # here"},
        [f"{LABELS}.names: labels 2, 1, expected 0 to 1, each once; renumber them"],
    ),
    (
        {"'0': zero": "'0': 0 # here"},
        [f"{LABELS}.names.0: 0 (an integer), expected a string; put it in quotes"],
    ),
    (
        {"'0': zero": "'0': yes # here"},
        [f"{LABELS}.names.0: True (a boolean), expected a string; put it in quotes"],
    ),
    (
        {CLASS_NAMES: "        names: [zero, 1] # here\n"},
        [f"{LABELS}.names[1]: 1 (an integer), expected a string; put it in quotes"],
    ),
    (
        {"'0': zero": "'0': ' ' # here"},
        [f"{LABELS}.names.0: ' ', expected a class name; name the class"],
    ),
    (
        {"'0': zero": "'0': one # here", "'1': one": "'1': one # here"},
        [
            f"{LABELS}.names.{label}: 'one' more than once, expected unique names; rename one"
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


def test_a_dataset_info_without_a_name_is_that_of_default(found):
    """The finding has the line of the mapping, because the key is not there."""
    text = edited({ALL_CONFIGS: "", ALL_INFOS: TWO_DEFAULTS})
    finding = "dataset_info[1].config_name: 'default' again, first on line 23"
    (_, second) = found(text)
    assert second == in_marked_lines(text, [f"{finding}, expected a unique name; rename one"])[0]


@pytest.mark.parametrize("files", ["digits/*", "[digits/a, digits/b]"])
def test_files_without_a_split_are_train(found, files):
    text = edited({DATA_FILES: f"  data_files: {files}\n", "  splits:": "  splits: # here"})
    finding = "dataset_info[0].splits: test, train, expected train as in configs"
    assert found(text) == in_marked_lines(text, [f"{finding}; correct one of them"])


ELSEWHERE = {
    "/data/test-*": "an absolute path",
    "C:\\data\\test-*": "an absolute path",
    "'\\data\\test-*'": "an absolute path",
    "C:data": "an absolute path",
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
            "tags:": "taggs: # here",
            "num_examples: 3": "num_examples: 3.5 # here",
            "dataset_size: 1000": "dataset_size: 9 # here",
        }
    )
    assert found(text) == in_marked_lines(
        text,
        [
            "license: 'MIT', expected a value that the Hub knows, such as mit; correct it",
            "taggs: an unknown key, expected tags; rename it",
            "dataset_info[0].splits[1].num_examples: 3.5 (a float), "
            "expected a whole number; write digits only, without quotes",
            "dataset_info[0].dataset_size: 9, "
            "expected 1000, the sum of num_bytes of its splits; correct one of them",
        ],
    )

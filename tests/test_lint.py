"""What the Hub refuses or misreads in a card is found here, with its line; cards of ours have no finding."""

import shutil

import pytest
from conftest import NAMES, ROOT, run

from mnist_tools.commands import lint as lint_card
from mnist_tools.lint import findings

CARD = (ROOT / "cards" / "fashion" / "README.md").read_text(encoding="utf-8")
FAMILY = (ROOT / "cards" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def lint(tmp_path):
    """The findings of a text, each as (line, rest)."""

    def found(text):
        path = tmp_path / "card.md"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        lines = [line.removeprefix(f"{path}:").split(": ", 1) for line in findings(path)]
        return [(int(number), rest) for number, rest in lines]

    return found


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


def test_our_cards_have_no_finding(sample, capsys):
    paths = [ROOT / "cards" / "README.md", *(ROOT / "cards" / name / "README.md" for name in NAMES), sample]
    lint_card.main([*map(str, paths)])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("license: mit", "license: MIT", "license: 'MIT', expected a value that the Hub knows, such as mit;"),
        ("license: mit", "licence: mit", "licence: no key of a card, expected license; rename it"),
        ("license: mit", "licenses: [mit]", "licenses: a legacy key, expected license; rename it"),
        ("license: mit", "license: {fashion: mit}",
         "license: {'fashion': 'mit'} (a mapping), expected an id, or a list of ids; write it so"),
        ("license: mit", "license: no", "license: False (a boolean), expected an id, or a list of ids"),
        ("license: mit", "license: [mit, mti]", "license[1]: 'mti', expected a value that the Hub knows, such as mit"),
        ("license: mit", "license: other", "license: other without license_name and license_link, expected both"),
        ("language:\n- en", "languages:\n- en", "languages: a legacy key, expected language; rename it"),
        ("language:\n- en", "language:\n- no", "language[0]: False (a boolean), expected a value that the Hub knows"),
        ("language:\n- en", "language:\n- en-US", "language[0]: 'en-US', expected a value that the Hub knows"),
        ("task_categories:\n- image-classification", "task_categories: image-classification",
         "task_categories: 'image-classification', expected a list; write it so"),
        ("- multi-class-image-classification", "- multi-class", "task_ids[0]: 'multi-class', expected a value that"),
        ("- 10K<n<100K", "- 10k<n<100k", "size_categories[0]: '10k<n<100k', expected a value that the Hub"),
        ("- expert-generated", "- experts", "annotations_creators[0]: 'experts', expected a value that"),
        ("- idx\n", "- 1\n", "tags: ['image', 1, "),
        ("pretty_name: Fashion-MNIST", "pretty_name: 1", "pretty_name: 1 (an integer), expected a text; correct it"),
        ("'0': T-shirt/top", "0: T-shirt/top", "names[0]: the key 0 (an integer), expected the text '0'"),
        ("'0': T-shirt/top", "'0': 7", "names.0: 7 (an integer), expected a text; put it into quotes"),
        ("'0': T-shirt/top", "'0': yes", "names.0: True (a boolean), expected a text; put it into quotes"),
        ("'0': T-shirt/top", "'10': T-shirt/top", "names: labels 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, expected 0 to 9"),
        ("'1': Trouser", "'1': T-shirt/top", "names.0: 'T-shirt/top' more than once, expected"),
        ("num_examples: 60000", "num_examples: 60000.0", "num_examples: 60000.0 (a float), expected a whole"),
        ("num_examples: 60000", "num_examples: '60000'", "num_examples: '60000', expected a whole number"),
        ("  default: true\n", "  default: true\n- config_name: other\n  data_files: x\n  default: true\n",
         "configs[1].default: a second default, after line 25, expected one"),
        ("- config_name: fashion\n  data_files", "- data_files", "configs[0]: config_name None, expected a text"),
        ("pretty_name:", "license: mit\npretty_name:", "license: twice, first in line 2, expected a key once"),
        ("'1': Trouser", "'0': Trouser", "0: twice, first in line 41, expected a key once; remove one"),
        ("  splits:\n  - name: train", "  splits:\n  - name: training",
         "dataset_info[0].splits: test, training, expected test, train as in configs; correct one of them"),
        ("dataset_info:\n- config_name: fashion", "dataset_info:\n- config_name: mnist",
         "configs[0]: config 'fashion' is not in dataset_info, expected"),
        ("pretty_name: Fashion-MNIST", "pretty_name: [Fashion", "no YAML ("),
        ("  - name: image\n    dtype: image", "  - name: image\n    dtype: picture", "features: ValueError"),
        ("  - name: image\n    dtype: image", "  - image", "features[0]: 'image', expected a mapping; correct it"),
        ("  splits:\n  - name: train", "  splits:\n  - title: train", "splits[0].name: None, expected a text"),
        ("  - split: train\n    path: fashion/train-*", "  - split: train", "path: None, expected a path or a list of"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(lint, before, after, message):
    assert before in CARD
    text = CARD.replace(before, after, 1)
    found = lint(text)
    assert any(rest.startswith(message) or f".{message}" in rest for _, rest in found), found
    if "\n" not in after and not message.startswith(("no YAML", "names: labels")):
        assert line_of(text, after) in [line for line, _ in found]
    assert all(", expected " in rest and "; " in rest for _, rest in found)


def test_broken_texts_are_told(lint):
    body = CARD.split("---\n", 2)[2]
    assert lint(body)[0] == (1, "no front matter, expected YAML between two lines of ---; write it")
    assert lint("")[0][1].startswith("no front matter")
    assert lint("---\nlicense: mit\n")[0][1].startswith("front matter without an end")
    assert lint("---\n- license\n---\n") == [(2, "a list, expected a mapping of keys; write key: value lines")]
    assert lint(b"\xef\xbb\xbf" + CARD.encode()) == [
        (1, "a byte order mark, expected --- as the first bytes; save it as UTF-8 without one")
    ]
    assert lint(CARD.replace("\n", "\r\n")) == [
        (1, "a carriage return, expected lines that end in LF alone; convert the line ends")
    ]
    assert lint(CARD.encode().replace(b"Ankle", b"\xe9"))[0][1] == "the byte 0xe9, expected UTF-8; save it as such"


def test_configs_and_infos_belong_together(lint):
    start, rest = FAMILY.split("configs:\n", 1)
    _, infos = rest.split("dataset_info:\n", 1)
    assert [rest for _, rest in lint(f"{start}dataset_info:\n{infos}")] == [
        "dataset_info: without configs, expected configs with the data files of each; "
        "add configs, or load_dataset merges every file that it finds"
    ]
    assert [rest for _, rest in lint(FAMILY.replace("  default: true\n", ""))] == [
        "configs: no default, expected default: true in one config; add it"
    ]
    assert len(lint(FAMILY.replace("- config_name: fashion", "- config_name: mnist"))) > 0
    assert any("configs: {" in rest for _, rest in lint(f"{start}configs:\n  a: b\ndataset_info:\n{infos}"))


@pytest.fixture
def built(sample, tmp_path):
    shutil.copytree(sample, tmp_path / "built")
    return tmp_path / "built"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("    num_examples: 600\n", "    num_examples: 601\n", "num_examples: 601 (an integer), expected 600 as in"),
        ("    num_bytes: 2", "    num_bytes: 3", "as in Parquet; correct it"),
        ("  download_size: ", "  download_size: 1", "the bytes of the Parquet files; correct it"),
        ("  dataset_size: ", "  dataset_size: 1", "the sum of its splits' num_bytes; correct one of them"),
        ("          '1': Trouser\n          '2': Pullover", "          '1': Pullover\n          '2': Trouser",
         "names.1: 'Pullover', expected 'Trouser' as in Parquet; correct it, or every row is relabelled"),
        ("          '9': Ankle boot\n", "", "names: 9 names, expected 10 as in Parquet"),
        ("    path: kmnist/train-*", "    path: kmnist/training-*", "['kmnist/training-*'] is no file"),
    ],
)  # fmt: skip
def test_a_folder_is_compared_with_its_parquet(built, before, after, message):
    card = built / "README.md"
    text = card.read_text(encoding="utf-8")
    assert before in text
    card.write_text(text.replace(before, after, 1), encoding="utf-8", newline="\n")
    for path in (built, card):
        assert any(message in line for line in findings(path)), findings(path)


def test_a_missing_or_broken_shard_is_told(built):
    shard = built / "mnist" / "train-00000-of-00001.parquet"
    content = shard.read_bytes()
    shard.write_bytes(content[:-5])
    assert any("Parquet that cannot be read" in line for line in findings(built))
    shard.unlink()
    assert any("['mnist/train-*'] is no file" in line for line in findings(built))


def test_the_command_ends_with_1_and_a_line_for_each(tmp_path):
    (tmp_path / "card.md").write_text(CARD.replace("license: mit", "license: MIT"), encoding="utf-8")
    result = run([ROOT / "scripts" / "lint_card.py", "card.md", "missing.md"], cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "card.md:3: license: 'MIT', expected a value that the Hub knows, such as mit; correct it",
        "missing.md: No such file or directory, expected a card or a folder with one; correct it",
    ]

"""The code on cards runs, and gives what its comments and the text above it say.

Code for a first model needs scikit-learn, Keras and PyTorch, all three: in an environment that has
them, `python -m pytest tests/test_card_code.py`.
"""

import importlib.util
import json
import os
import re
import shutil

import datasets
import numpy as np
import pytest
from conftest import NAMES, ROOT, SCRIPTS_LOAD, run, write_split
from mirror_server import Mirror

from mnist_tools.cards import facts
from mnist_tools.commands.build import build

CARDS = ["README.md", *(f"{name}/README.md" for name in NAMES)]
LIBRARIES = ("sklearn", "keras", "torch")
MISSING = [module for module in LIBRARIES if importlib.util.find_spec(module) is None]
needs_libraries = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
FIRST_MODELS = {  # what such a block gives, by the words above it, with {rows} rows in train
    "scikit-learn": "0 <= (predicted == test_labels).mean() <= 1",
    "Keras": "0 <= accuracy <= 1",
    "PyTorch, with all rows": "{{*predicted.tolist()}} <= {{*range(network.out_features)}}",
    "PyTorch, with a transform": "len(rows) == {rows} and batch['image'].min() < 0.1",
    "PyTorch, with a stream": "2 * len(list(own)) == {rows} and 0 <= batch['image'].min() < 0.1",
}
LEARNT = {  # what it gives if its rows can be learnt
    "scikit-learn": "(predicted == test_labels).mean() > 0.8",
    "Keras": "accuracy > 0.8",
    "PyTorch, with all rows": (
        "(predicted.numpy() == test_labels).mean() > 0.8"
        " and abs(images.mean()) < 1e-3 and abs(images.std() - 1) < 1e-3"
    ),
}
OTHERS = {
    "Validation rows": (
        "len(train) + len(validation) == len(rows) == {rows}"
        " and Counter(rows['label']).keys() == Counter(validation['label']).keys()"
        " and all(abs(Counter(validation['label'])[label] - count / 10) < 1"
        " for label, count in Counter(rows['label']).items())"
    ),
    "NumPy, in batches": "len(rows) == {rows}",
}

# Runs blocks, read as JSON, and checks what comments and expectations say of their names.
RUNNER = """
import json, re, sys
from collections import Counter

def check(values, comment):
    '''Compare arrays with what the comment says: uint8 (rows, 28, 28), int64 (rows,).'''
    stated = re.findall(r"((?:u?int|float)[0-9]+) [(](.*?)[)]", comment)
    for value, (dtype, shape) in zip(values, stated, strict=True):
        assert str(value.dtype).removeprefix("torch.") == dtype, comment
        sizes = [each for each in shape.replace(" ", "").split(",") if each]
        assert len(sizes) == len(value.shape), comment
        assert all(not each.isdigit() or int(each) == n for each, n in zip(sizes, value.shape))
    checked.append(comment)

checked = []
for title, code, expected in json.load(sys.stdin):
    names = {"__name__": "__main__", "check": check, "Counter": Counter}
    exec(compile(code, title, "exec"), names)
    for each in expected:
        assert eval(each, names), (title, each)
        checked.append(each)
print("\\n" + json.dumps(checked))
"""
BLOCK = re.compile(r"^([^\n]*)\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS_LIBRARIES = re.compile(rf"^(?:import|from) (?:{'|'.join(LIBRARIES)})\b", re.MULTILINE)
STATED = re.compile(r"^( *)(?:(\w+) = )?(.*?)  # ((?:u?int|float)\d+ .*)$", re.MULTILINE)


def blocks_of(text, *, libraries=False):
    """Return (line above it, code) of blocks that need those libraries, or of those that do not."""
    return [
        (title, code)
        for title, code in BLOCK.findall(text)
        if "import" in code and bool(NEEDS_LIBRARIES.search(code)) == libraries
    ]


def asserting(code):
    """Add a check after each line whose comment says what arrays look like."""
    return STATED.sub(
        lambda line: f"{line[0]}\n{line[1]}check([{line[2] or line[3]}], {line[4]!r})", code
    )


def run_blocks(blocks, folder, *expectations, rows=0):
    """Run code of a card in a folder and check its results; return the lines above the blocks."""
    program = []
    for title, code in blocks:
        expected = [
            template.format(rows=rows)
            for expectation in expectations
            for start, template in expectation.items()
            if title.startswith(start)
        ]
        program.append((title, asserting(code), expected))
    environment = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    result = run(["-c", RUNNER], cwd=folder, env=environment, input=json.dumps(program))
    assert result.returncode == 0, result.stderr
    checked = json.loads(result.stdout.splitlines()[-1])
    assert len(checked) == sum(code.count("check(") + len(each) for _, code, each in program)
    return [title for title, _ in blocks]


def card_text(path):
    return (ROOT / "cards" / path).read_text(encoding="utf-8")


@pytest.mark.release
@pytest.mark.parametrize("path", CARDS)
def test_the_code_of_a_card_runs(tiny, mirrors, tmp_path, path):
    shutil.copy(tiny.script, tmp_path / "mnist_family.py")
    blocks = blocks_of(card_text(path))
    few_rows = [block for block in blocks if not block[0].startswith("Validation rows")]
    titles = run_blocks(few_rows, tmp_path, OTHERS, rows=40)
    assert len(titles) == (1 if path == "README.md" else 3)


@pytest.mark.real
def test_validation_rows_have_the_proportions_of_train(real_archives, tmp_path, monkeypatch):
    own, *others = [
        [code for title, code in blocks_of(card_text(path)) if title.startswith("Validation rows")]
        for path in CARDS[1:]
    ]
    for name, code in zip(NAMES[1:], others, strict=True):
        assert code == [own[0].replace('"mnist"', f'"{name}"')]
    mirror = Mirror(real_archives)
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", mirror.url)
    shutil.copy(ROOT / "mnist_family.py", tmp_path)
    run_blocks([("Validation rows", *own)], tmp_path, OTHERS, rows=60000)
    mirror.stop()


@needs_libraries
@pytest.mark.parametrize("path", CARDS[1:])
def test_the_code_for_a_first_model_runs(tiny, mirrors, tmp_path, path):
    shutil.copy(tiny.script, tmp_path / "mnist_family.py")
    blocks = blocks_of(card_text(path), libraries=True)
    titles = run_blocks(blocks, tmp_path, FIRST_MODELS, rows=40)
    assert len(titles) == len(FIRST_MODELS) + 1  # one more under Features


@pytest.mark.release
def test_the_code_of_a_built_card_runs_beside_its_folder(sample, tmp_path):
    shutil.copytree(sample, tmp_path / sample.name)
    blocks = blocks_of((sample / "README.md").read_text(encoding="utf-8"))
    assert len(run_blocks(blocks, tmp_path)) == 1
    part = (sample / "dataset_cards" / "fashion.md").read_text(encoding="utf-8")
    assert len(run_blocks(blocks_of(part), tmp_path, OTHERS, rows=600)) == 4


@needs_libraries
def test_the_first_models_of_a_built_card_learn(sample, tmp_path):
    shutil.copytree(sample, tmp_path / sample.name)
    part = (sample / "dataset_cards" / "fashion.md").read_text(encoding="utf-8")
    run_blocks(blocks_of(part, libraries=True), tmp_path, FIRST_MODELS, LEARNT, rows=600)


@pytest.fixture
def shapes(tmp_path):
    """The card of a dataset of one's own: 12 classes, one with a single row; rows without label."""
    rng = np.random.default_rng(0)
    for split, file, rows in (("train", "train", 240), ("test", "t10k", 60)):
        labels = rng.permutation(np.arange(rows) % 10).astype(np.uint8)
        labels[:4] = 255, 255, 10 if split == "train" else 9, 255
        images = rng.integers(0, 40, (rows, 28, 28), np.uint8)
        for image, label in zip(images, labels.tolist(), strict=True):
            image[2 * label % 28 : 2 * label % 28 + 4, 4:24] = 200
        write_split(tmp_path / "archives", file, images, labels)
    names = "".join(f"shape {label}\n" for label in range(12))
    (tmp_path / "archives" / "labels.txt").write_text(names, encoding="utf-8")
    out = tmp_path / "shapes"
    build(out, [tmp_path / "archives"])
    return (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.release
def test_the_code_of_ones_own_card_leaves_out_rows_without_a_label(shapes, tmp_path):
    assert "stratify_by_column" not in shapes  # a class with one row cannot be in both parts
    blocks = blocks_of(shapes)
    expected = {
        "Validation rows": "len(train) + len(validation) == {rows}",
        "NumPy, in batches": "len(rows) == {rows} and min(rows['label']) >= 0",
    }
    assert len(run_blocks(blocks, tmp_path, expected, rows=237)) == 4


@needs_libraries
def test_the_first_models_of_ones_own_card_learn(shapes, tmp_path):
    several = {title: each for title, each in FIRST_MODELS.items() if "stream" not in title}
    learnt = {title: each.split(" and abs")[0] for title, each in LEARNT.items()}
    blocks = blocks_of(shapes, libraries=True)
    run_blocks(blocks, tmp_path, several, learnt, rows=237)


@pytest.mark.release
def test_what_decodes_is_told_right(sample, cache, monkeypatch):
    """The card says: one image by row first; by column first, one or all; by label, none."""
    assert facts.family_facts().releases.lazy_column == "4"
    by_column = 1 if not SCRIPTS_LOAD else 100
    rows = datasets.load_dataset(str(sample), "mnist", split="test", cache_dir=str(cache))
    decoded, decode = [], datasets.Image.decode_example

    def count(*args, **settings):
        decoded.append(1)
        return decode(*args, **settings)

    monkeypatch.setattr(datasets.Image, "decode_example", count)
    rows[0]["image"]
    assert len(decoded) == 1
    rows["image"][0]
    assert len(decoded) == 1 + by_column
    rows["label"][0]
    assert len(decoded) == 1 + by_column

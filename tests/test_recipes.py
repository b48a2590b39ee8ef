"""The recipes for training run on the official archives and print what they say.

They need torch, scikit-learn and Keras, each where a recipe imports it:
`python -m pytest tests/test_recipes.py` in an environment that has them.
"""

import importlib.util
import json
import os
import re

import pytest
from conftest import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPES = (ROOT / ".github" / "RECIPES.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Train\n")[2].partition("\n## ")[0]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(SECTION) + BLOCK.findall(RECIPES)
OPTIONAL = ("torch", "sklearn", "keras")


def title(block):
    """Return the heading above a block, of README or of the recipes."""
    text = RECIPES if block[0] in RECIPES else README
    return re.findall(r"^## (.*)$", text.partition(block[0])[0], re.MULTILINE)[-1]


@pytest.mark.real
@pytest.mark.parametrize("block", BLOCKS, ids=title)
def test_a_recipe_runs_and_prints_what_it_says(block, real_archives, tmp_path):
    code, output = block
    for module in OPTIONAL:
        needed = re.search(rf"^import {module}\b", code, re.MULTILINE)
        if needed and importlib.util.find_spec(module) is None:
            pytest.skip(f"the recipe needs {module}")
    (tmp_path / "archives").symlink_to(real_archives)
    (tmp_path / "recipe.py").write_text(code, encoding="utf-8")
    # Threads of PyTorch that wait for one another take minutes where other tests run.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "KERAS_HOME": str(tmp_path)}
    result = run(["recipe.py"], cwd=tmp_path, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout == output


def test_every_recipe_shows_what_it_prints():
    assert len(BLOCKS) >= 9
    for code, output in BLOCKS:
        assert "print(" in code
        assert output


def test_the_constants_of_normalisation_are_measured():
    table = re.findall(r"^\| `(\w+)` \| (0\.\d{4}) \| (0\.\d{4}) \|$", RECIPES, re.MULTILINE)
    assert [name for name, *_ in table] == ["mnist", "fashion"]
    constants = {}
    for name, mean, deviation in table:
        file = ROOT / "cards" / name / "measurements.json"
        train = json.loads(file.read_text(encoding="utf-8"))["splits"]["train"]
        constants[name] = f"{train['mean']:.4f}", f"{train['standard_deviation']:.4f}"
        assert (mean, deviation) == constants[name]
    used = re.findall(r"^MEAN, DEVIATION = (.*), (.*)$", RECIPES, re.MULTILINE)
    assert used == [constants["mnist"]]


def test_readme_links_to_the_recipes():
    assert "](.github/RECIPES.md)" in SECTION

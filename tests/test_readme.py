"""README is true: its Python runs, its shell is what .ci/run runs, and what it says of `load` is so."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, SCRIPTS_LOAD

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^(?:<!-- (\w+) -->\n)?```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [code for _, language, code in BLOCKS if language == "python"]


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: next(line for line in code.splitlines()[2:] if line)[:40])
def test_the_python_of_readme_runs(tiny, mirrors, sample, tmp_path, code):
    if "import torch" in code:
        pytest.importorskip("torch")
    shutil.copytree(sample, tmp_path / "sample")
    shutil.copy(tiny.script, tmp_path / "mnist_family.py")
    for name in ("mnist", "fashion"):
        shutil.copytree(tiny.folder(name), tmp_path / "archives" / name)
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    if 'load_dataset("./mnist_family.py"' in code and not SCRIPTS_LOAD:
        assert "Dataset scripts are no longer supported" in result.stderr
    else:
        assert result.returncode == 0, result.stderr


def test_every_command_of_readme_is_run():
    marked = {marker for marker, language, _ in BLOCKS if language == "sh"}
    run = re.search(r"^for command in (.*); do$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert marked == {*run[1].split(), "publish"}  # the last is in test_push.py


def test_the_classes_of_readme_are_the_scripts():
    import mnist_family

    for config in mnist_family.CONFIGS:
        names = ", ".join(f"`{name}`" for name in config.class_names)
        row = f"| {names.replace(', `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`,', ' …').replace('…, ', '… ')} |"
        assert f"{config.title} {row}" in README

"""README is true: its Python runs and prints what it says, its shell is what .ci/run runs."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import OFFLINE, ROOT, SCRIPTS_LOAD
from mirror_server import Mirror

import mnist_family

LOADER = ROOT / "mnist_family.py"
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^(?:<!-- (?P<marker>\w+) -->\n)?"
    r"```(?P<language>\w*)\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]
PYTHON = [  # test_recipes.py runs what needs torch
    block
    for block in BLOCKS
    if block["language"] == "python" and "import torch" not in block["code"]
]

# Runs blocks of code, read as JSON, and writes as JSON what each of them printed or raised.
RUNNER = """
import contextlib, io, json, sys, traceback
results = []
for code in json.load(sys.stdin):
    printed, raised = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
        except Exception:
            raised = traceback.format_exc()
    results.append({"printed": printed.getvalue(), "raised": raised})
json.dump(results, sys.stdout)
"""


@pytest.fixture(scope="module")
def archives(tiny):
    """The folder of the official archives, or of the tiny family's where there are none."""
    official = pathlib.Path(os.environ.get("MNIST_FAMILY_ARCHIVES") or ROOT / "../shared/archives")
    return official if (official / "fashion").is_dir() else tiny.folder()


@pytest.fixture(scope="module")
def results(tiny, archives, sample, tmp_path_factory):
    """What each block printed and raised, in a folder with the sample and archives."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(sample, folder / "sample")
    (folder / "archives").symlink_to(archives)
    shutil.copy(tiny.script if archives == tiny.folder() else LOADER, folder / LOADER.name)
    mirror = Mirror(archives)
    environment = {**os.environ, "MNIST_FAMILY_MIRROR": mirror.url, "PYTHONPATH": str(OFFLINE)}
    codes = json.dumps([block["code"] for block in PYTHON])
    run = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=folder,
        env=environment,
        input=codes,
        capture_output=True,
        text=True,
        check=True,
    )
    mirror.stop()
    return json.loads(run.stdout)


def first_line(block):
    return next(line for line in block["code"].splitlines()[2:] if line)[:40]


@pytest.mark.release
@pytest.mark.parametrize("number", range(len(PYTHON)), ids=map(first_line, PYTHON))
def test_the_python_of_readme_runs(results, archives, tiny, number):
    block, result = PYTHON[number], results[number]
    if 'load_dataset("./mnist_family.py"' in block["code"] and not SCRIPTS_LOAD:
        assert "no longer supported" in result["raised"]
        return
    assert result["raised"] is None, result["raised"]
    if archives != tiny.folder() or 'load("fashion")' not in block["code"]:
        assert result["printed"] == (block["output"] or "")


def test_every_command_of_readme_is_run():
    marked = {block["marker"] for block in BLOCKS if block["language"] == "sh"}
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = re.search(r"^for command in (.*); do$", run, re.MULTILINE)
    assert marked == {*commands[1].split(), "publish"}  # the last is in test_push.py


def test_the_classes_of_readme_are_the_loaders():
    for config in mnist_family.CONFIGS:
        names = ", ".join(f"`{name}`" for name in config.class_names)
        if config.name == "mnist":
            names = "`0` … `9`"
        assert f"| `{config.name}`" in README
        assert f"{config.title} | {names} |" in README

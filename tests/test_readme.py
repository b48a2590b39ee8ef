"""README is true: its code runs and prints what it says."""

import json
import os
import pathlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import OFFLINE, ROOT, pictures
from mirror_server import Mirror

import mnist_family

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
ROWS_OF_SAMPLE = re.search(r'-c "\n(.*?)"', README, re.DOTALL)[1]  # .ci/run runs all of its block
COMMANDS = ("init", "build", "convert", "cards")  # in the order in which they need one another

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
    loader = ROOT / "mnist_family.py"
    shutil.copy(tiny.script if archives == tiny.folder() else loader, folder / loader.name)
    mirror = Mirror(archives)
    environment = {**os.environ, "MNIST_FAMILY_MIRROR": mirror.url, "PYTHONPATH": str(OFFLINE)}
    codes = json.dumps([*(block["code"] for block in PYTHON), ROWS_OF_SAMPLE])
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
    assert result["raised"] is None, result["raised"]
    if archives != tiny.folder() or 'load("fashion")' not in block["code"]:
        assert result["printed"] == (block["output"] or "")


@pytest.mark.release
def test_the_first_command_prints_rows_and_names_a_picture(results, sample):
    assert results[-1]["raised"] is None, results[-1]["raised"]
    lines = results[-1]["printed"].splitlines()
    assert len(lines) == 3
    class_names = mnist_family.find_config("fashion").class_names
    for line in lines:
        label, name = re.fullmatch(r"\(28, 28\) (\d) (.+)", line).groups()
        assert class_names[int(label)] == name
    assert "Now open sample/pictures/fashion-examples.png" in README
    assert (sample / "pictures" / "fashion-examples.png").is_file()


def test_the_error_that_readme_shows_is_raised(archives, tiny, tmp_path, monkeypatch):
    (shown,) = (block["code"] for block in BLOCKS if not block["language"])
    shutil.copytree(archives / "mnist", tmp_path / "archives" / "fashion")
    monkeypatch.chdir(tmp_path)
    loader = tiny.module if archives == tiny.folder() else mnist_family
    with pytest.raises(ValueError, match="expected") as caught:
        loader.load("fashion", data_dir="archives/fashion", cache_dir="cache")
    assert str(caught.value).replace(f"{tmp_path}{os.sep}", "") == shown.strip()


@pytest.fixture
def clone(sample, tmp_path):
    """A folder as README's shell blocks expect it: a clone with the sample, and a file of rows."""
    folder = tmp_path / "clone"
    shutil.copytree(sample, folder / "sample")
    for name in ("cards", "scripts"):
        (folder / name).symlink_to(ROOT / name)
    rows = np.c_[np.arange(400) % 4, pictures(400, 1).reshape(400, -1)]
    np.savetxt(folder / "letters.csv", rows, fmt="%d", delimiter=",")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for rights to make links")
def test_the_commands_of_readme_print_what_it_says(clone, monkeypatch, capsys):
    monkeypatch.chdir(clone)
    for block in BLOCKS:
        if block["marker"] not in COMMANDS:
            continue
        for line in block["code"].splitlines():
            python, script, *arguments = shlex.split(line)
            assert python == ".venv/bin/python"
            monkeypatch.setattr(sys, "argv", [script, *arguments])
            with pytest.raises(SystemExit) as ended:
                runpy.run_path(script, run_name="__main__")
            assert not ended.value.code, capsys.readouterr().err
        printed = capsys.readouterr().out
        assert printed
        if block["output"] is not None:
            assert printed == block["output"]


def test_every_command_of_readme_is_run():
    marked = {block["marker"] for block in BLOCKS if block["language"] == "sh"}
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    of_a_stranger = re.search(r"^for command in (.*); do$", run, re.MULTILINE)
    of_push = "publish"  # in test_push.py
    assert marked == {*of_a_stranger[1].split(), *COMMANDS, of_push}

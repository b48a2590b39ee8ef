"""A wheel works away from the clone: it has the loader, the package, the cards and the command."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import OFFLINE, ROOT

pytest.importorskip(
    "setuptools", minversion="77", reason="the wheel is built with setuptools 77 or newer"
)
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "*.egg-info", "build", "__pycache__", ".*_cache"
)
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def python(arguments, cwd, path):
    settings = {
        "cwd": cwd,
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (OFFLINE, path)))},
    }
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **settings
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what pip would unpack from a wheel of this checkout."""
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, place / "clone", ignore=LEFT_OUT)
    result = python(["-c", BUILD, place], place / "clone", place / "clone")
    assert result.returncode == 0, result.stderr
    wheel = place / result.stdout.splitlines()[-1]
    shutil.rmtree(place / "clone")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "installed")
    return place / "installed"


def test_a_wheel_has_the_types_and_the_words_of_cards(installed):
    assert (installed / "mnist_tools" / "py.typed").is_file()
    for file in ("facts.yaml", "mnist/facts.yaml", "mnist/measurements.json"):
        assert (installed / "mnist_tools" / "card_data" / file).read_bytes() == (
            ROOT / "cards" / file
        ).read_bytes()
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    assert "mnist-family = mnist_tools.cli:main" in entry_points.read_text(encoding="utf-8")


def test_a_wheel_has_every_file_of_the_package(installed):
    kinds = (".py", ".json", ".yaml")
    package = ROOT / "scripts" / "mnist_tools"
    files = {path.relative_to(package) for path in package.rglob("*") if path.suffix in kinds}
    packed = installed / "mnist_tools"
    assert files <= {path.relative_to(packed) for path in packed.rglob("*")}


def test_a_wheel_has_no_other_top_level_modules(installed):
    modules = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert modules == {"mnist_family.py", "mnist_tools"}


def test_the_commands_of_a_wheel_build_and_lint_in_any_folder(installed, tmp_path):
    run = ["-c", "from mnist_tools.cli import main; main()"]
    built = python([*run, "build", "sample", "fashion", "--sample"], tmp_path, installed)
    assert built.returncode == 0, built.stderr
    assert python([*run, "lint", "sample"], tmp_path, installed).returncode == 0


def test_a_wheel_writes_no_card(installed, tmp_path):
    result = python(["-c", "from mnist_tools.cli import main; main()", "card"], tmp_path, installed)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "clone" in result.stderr

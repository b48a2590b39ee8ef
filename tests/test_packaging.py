"""A wheel works away from the clone, and an editable install works beside it."""

import os
import subprocess
import sys
import tarfile
import zipfile

import pytest
from conftest import OFFLINE, ROOT

backend = pytest.importorskip("hatchling.build", reason="hatchling builds the wheel")
FIND = """
import importlib.util, site, sys
site.addsitedir(sys.argv[1])
for name in sys.argv[2:]:
    print(importlib.util.find_spec(name).origin)
"""


def python(arguments, cwd, path):
    settings = {
        "cwd": cwd,
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (OFFLINE, path)))},
    }
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **settings
    )


def build(make, folder, place):
    """Build the project in a folder, as pip would, and return the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return place / make(str(place))


def unpack(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A source distribution of this checkout, unpacked as `a place/mnist_family`."""
    place = tmp_path_factory.mktemp("a place")
    with tarfile.open(build(backend.build_sdist, ROOT, place)) as archive:
        (top,) = {name.split("/")[0] for name in archive.getnames()}
        archive.extractall(place, filter="data")
    return (place / top).rename(place / "mnist_family")


@pytest.fixture(scope="module")
def installed(clone, tmp_path_factory):
    """A folder with what pip would unpack from a wheel of this checkout."""
    place = tmp_path_factory.mktemp("wheel")
    return unpack(build(backend.build_wheel, clone, place), place / "installed")


@pytest.fixture(scope="module")
def linked(clone, tmp_path_factory):
    """A folder with what `pip install -e` would unpack."""
    place = tmp_path_factory.mktemp("editable")
    return unpack(build(backend.build_editable, clone, place), place / "linked")


def test_an_editable_install_is_found_from_the_folder_above_the_clone(clone, linked):
    """Python takes the folder `mnist_family` there for a namespace package."""
    names = ("mnist_family", "mnist_tools")
    # -S: an installation in the environment of these tests is not to be found instead
    result = python(["-S", "-c", FIND, linked, *names], clone.parent, clone.parent)
    modules = [clone / "mnist_family.py", clone / "scripts" / "mnist_tools" / "__init__.py"]
    assert (result.stdout.splitlines(), result.stderr) == ([*map(str, modules)], "")


def test_a_source_distribution_has_what_a_clone_has(clone):
    result = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        pytest.skip("not a git checkout, so there is no list of the project's files")
    tracked = {name for name in result.stdout.split("\0") if name and (ROOT / name).exists()}
    packed = {path.relative_to(clone).as_posix() for path in clone.rglob("*") if path.is_file()}
    assert tracked - packed <= {".ci/run", ".gitattributes", ".pre-commit-config.yaml"}


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

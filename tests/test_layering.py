"""The house as its plan has it: who imports whom, and what lies at the top."""

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

import mnist_family

SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
COMMANDS = {path.stem for path in SCRIPTS if "def main(" in path.read_text(encoding="utf-8")}
SHARED = {path.stem for path in SCRIPTS} - COMMANDS


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield node.module.split(".")[0]


def test_the_loader_stands_alone():
    assert set(imported(ROOT / "mnist_family.py")) - sys.stdlib_module_names <= {
        "datasets",
        "filelock",
        "numpy",
    }


def test_the_loader_lists_its_public_names():
    """All that it defines or makes without an underscore, but for constants of its own use."""
    tree = ast.parse((ROOT / "mnist_family.py").read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    public = {name for name in defined if not name.startswith("_")}
    assert len(mnist_family.__all__) == len(set(mnist_family.__all__))
    assert public <= set(mnist_family.__all__)
    assert {name for name in mnist_family.__all__ if not name.isupper()} <= public
    assert all(hasattr(mnist_family, name) for name in mnist_family.__all__)


def test_every_function_of_the_loader_has_types():
    for node in ast.walk(ast.parse((ROOT / "mnist_family.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
            untyped = [each.arg for each in arguments if each and not each.annotation and each.arg not in ("self", "cls")]
            assert (node.name, untyped, node.returns is None) == (node.name, [], False)


def test_the_loader_imports_one_module_a_line():
    """`datasets` reads the import lines of a script by a pattern that takes the comma for part of a name."""
    for line in (ROOT / "mnist_family.py").read_text(encoding="utf-8").splitlines():
        assert not (line.startswith("import ") and "," in line)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_no_command(path):
    ours = {path.stem for path in SCRIPTS} & set(imported(path))
    assert ours <= SHARED


def test_nothing_else_lies_at_the_top():
    result = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        pytest.skip("not a git checkout, so there is no list of the project's files")
    top = {name.split("/")[0] for name in result.stdout.splitlines()}
    allowed = {"mnist_family.py", "cards", "scripts", "tests", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} <= allowed


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_shows_an_example(command):
    result = subprocess.run(
        [sys.executable, ROOT / "scripts" / f"{command}.py", "--help"], capture_output=True, text=True, check=True
    )
    assert f"example: python scripts/{command}.py" in result.stdout

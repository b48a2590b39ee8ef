"""The plan of the house: who imports whom, what lies at the top, and no name with two meanings."""

import ast
import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT

import mnist_family

PACKAGE = ROOT / "scripts" / "mnist_tools"


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
LIGHT = (
    "mnist_tools",
    "mnist_tools.arguments",
    "mnist_tools.cli",
    "mnist_tools.errors",
    "mnist_tools.formats",
)
LOADER_NEEDS = {"datasets", "filelock", "multiprocess", "numpy"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Yield the dotted name of every module that a file imports, at its top or in a function."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            ours = [name for name in submodules if name in MODULES]
            yield from ours or [node.module]


def imported_at_the_top(path):
    """Yield the names of the modules that are imported when the file is."""
    for node in parsed(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_the_loader_stands_alone():
    roots = {name.split(".")[0] for name in imported(ROOT / "mnist_family.py")}
    assert roots - sys.stdlib_module_names <= LOADER_NEEDS


def test_the_loader_imports_one_module_a_line():
    """`datasets` reads the imports of a script with a pattern that takes a comma for a letter."""
    for line in (ROOT / "mnist_family.py").read_text(encoding="utf-8").splitlines():
        assert not (line.startswith("import ") and "," in line)


def test_the_loader_lists_its_public_names():
    """All classes and functions without an underscore, and the constants that others need."""
    public = {
        node.name
        for node in parsed(ROOT / "mnist_family.py").body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_")
    }
    assert len(mnist_family.__all__) == len({*mnist_family.__all__})
    assert {name for name in mnist_family.__all__ if not name.isupper()} == public
    assert {*mnist_family.__all__} <= {*vars(mnist_family)}


@pytest.mark.parametrize("name", MODULES)
def test_the_package_uses_only_public_names_of_the_loader(name):
    for node in ast.walk(parsed(MODULES[name])):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "mnist_family":
                assert node.attr in mnist_family.__all__
        elif isinstance(node, ast.ImportFrom) and node.module == "mnist_family":
            assert {alias.name for alias in node.names} <= {*mnist_family.__all__}


@pytest.mark.parametrize("name", MODULES)
def test_no_room_imports_a_command_or_a_private_name(name):
    commands = [
        each for each in imported(MODULES[name]) if each.startswith("mnist_tools.commands.")
    ]
    assert not commands or name == "mnist_tools"  # which offers them to users of Python
    for node in ast.walk(parsed(MODULES[name])):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("mnist_tools"):
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]


@pytest.mark.parametrize("name", LIGHT)
def test_what_help_needs_imports_the_standard_library_alone(name):
    outside = {
        each.split(".")[0] for each in imported_at_the_top(MODULES[name])
    } - sys.stdlib_module_names
    assert outside <= {"mnist_tools"}
    ours = [each for each in imported_at_the_top(MODULES[name]) if each.startswith("mnist_tools")]
    assert {*ours} <= {*LIGHT}


def test_the_imports_of_the_package_have_no_circle():
    arrows = {
        name: {each for each in imported(path) if each in MODULES} for name, path in MODULES.items()
    }
    finished, path = set(), []

    def visit(name):
        assert name not in path, f"a circle: {' → '.join([*path, name])}"
        if name in finished:
            return
        path.append(name)
        for each in sorted(arrows[name]):
            visit(each)
        path.pop()
        finished.add(name)

    for name in MODULES:
        visit(name)


def test_no_file_has_a_name_that_says_nothing():
    assert not [path for path in MODULES.values() if path.stem in FORBIDDEN_NAMES]


def test_ruff_leaves_no_module_out():
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    checked = {pathlib.Path(line) for line in result.stdout.splitlines()}
    assert {ROOT / "mnist_family.py", *MODULES.values()} <= checked


def test_every_function_says_what_it_returns():
    for path in [ROOT / "mnist_family.py", *(ROOT / "scripts").rglob("*.py")]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.returns is not None, f"{path.name}:{node.lineno}: {node.name}"


def test_a_constant_has_one_meaning_in_the_project():
    """A name in capitals is defined in one file; others import it."""
    places = {}
    for path in [ROOT / "mnist_family.py", *MODULES.values()]:
        for node in parsed(path).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    places.setdefault(target.id, []).append(path.relative_to(ROOT).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_nothing_else_lies_at_the_top():
    result = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        pytest.skip("not a git checkout, so there is no list of the project's files")
    top = {pathlib.PurePosixPath(name).parts[0] for name in result.stdout.splitlines()}
    allowed = {
        "mnist_family.py",
        "cards",
        "scripts",
        "tests",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }
    assert {name for name in top if not name.startswith(".")} <= allowed

"""The command line: its help, its parsing, and what a user reads when something fails."""

import importlib
import importlib.metadata
import inspect
import io
import os
import runpy
import signal
import subprocess
import sys
import types

import datasets
import pytest
from conftest import ROOT

import mnist_tools
from mnist_tools import arguments, cli
from mnist_tools.arguments import COMMANDS, Command, make_parser
from mnist_tools.errors import Interrupted

SMALLEST = {  # the fewest arguments that each command takes
    "init": ["letters"],
    "build": ["out"],
    "convert": ["in", "out", "--to", "csv"],
    "measure": ["mnist"],
    "card": [],
    "lint": ["README.md"],
    "push": ["folder", "me/letters"],
    "benchmark": ["mnist", "archives"],
}


def exit_of(call, *args):
    """Return the exit code with which a call ends the process."""
    with pytest.raises(SystemExit) as caught:
        call(*args)
    return caught.value.code


@pytest.fixture
def command(monkeypatch):
    """Return a function that runs a Python function as a command and returns its exit code."""

    def run(function):
        module = types.ModuleType("mnist_tools.commands.made_here")
        module.run = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        made_here = Command("made_here", "made_here", "", "", lambda parser: None)
        monkeypatch.setitem(COMMANDS, "made-here", made_here)
        return cli.run_command("made-here", {})

    return run


# --- Help and parsing -----------------------------------------------------------------------------


def test_the_overview_lists_every_command(capsys):
    assert exit_of(cli.main, None, ["--help"]) == 0
    printed = capsys.readouterr().out
    for name, each in COMMANDS.items():
        assert f"  {name:9}  {each.summary}\n" in printed
    assert "example: mnist-family build sample --sample" in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_that_parses(name, capsys):
    assert exit_of(cli.main, None, [name, "--help"]) == 0
    assert f"example: mnist-family {name} {COMMANDS[name].example}\n" in capsys.readouterr().out
    make_parser(name, from_clone=False).parse_intermixed_args(COMMANDS[name].example.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_script_of_a_clone_is_the_command(name, capsys, monkeypatch):
    script = COMMANDS[name].script
    monkeypatch.setattr(sys, "argv", [f"{script}.py", "--help"])
    path = ROOT / "scripts" / f"{script}.py"
    assert exit_of(lambda: runpy.run_path(str(path), run_name="__main__")) == 0
    printed = capsys.readouterr().out
    assert f"example: python scripts/{script}.py {COMMANDS[name].example}\n" in printed


def test_a_script_that_is_imported_runs_nothing():
    for path in (ROOT / "scripts").glob("*.py"):
        runpy.run_path(str(path), run_name="imported")  # as workers do that are spawned, not forked


def test_help_imports_nothing_heavy():
    code = """
import sys
from mnist_tools import arguments, cli
for name in arguments.COMMANDS:
    arguments.make_parser(name, from_clone=False).format_help()
heavy = {"datasets", "mnist_family", "numpy", "PIL", "pyarrow", "huggingface_hub", "yaml", "jinja2"}
print(sorted(heavy & {*sys.modules}))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_what_its_parser_gives(name):
    parsed = make_parser(name, from_clone=False).parse_intermixed_args(SMALLEST[name])
    module = importlib.import_module(f"mnist_tools.commands.{COMMANDS[name].module}")
    assert {*inspect.signature(module.run).parameters} == {*vars(parsed)}


def test_options_may_stand_anywhere():
    parser = make_parser("build", from_clone=False)
    orders = (
        ["out", "mnist", "fashion", "--archives", "a", "--num-proc", "2"],
        ["--num-proc", "2", "out", "mnist", "--archives", "a", "fashion"],
        ["out", "--archives", "a", "mnist", "fashion", "--num-proc", "2"],
    )
    first, *others = [vars(parser.parse_intermixed_args(order)) for order in orders]
    assert first["sources"] == ["mnist", "fashion"]
    assert others == [first, first]


def test_the_version_is_the_packages(capsys):
    try:
        installed = cli.version("mnist_family")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("mnist_family is on the path, but not installed")
    assert exit_of(cli.main, None, ["--version"]) == 0
    assert capsys.readouterr().out == f"mnist_family {installed}\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "usage: mnist-family [-h] [--version] COMMAND …"),
        (["bild"], "invalid choice: 'bild' (choose from "),
        (["build"], "the following arguments are required: OUT"),
        (["build", "out", "--sample", "--archives", "a"], "not allowed with argument --sample"),
        (["convert", "in", "out", "--to", "arff"], "argument --to: invalid choice: 'arff'"),
    ],
)
def test_wrong_usage_exits_with_2(argv, words, capsys):
    assert exit_of(cli.main, None, argv) == 2
    assert words in capsys.readouterr().err


# --- What goes wrong ------------------------------------------------------------------------------


class NotRead(datasets.exceptions.DatasetsError):
    """An error of the kind that `datasets` raises."""


BUG = "which is a bug in mnist_family; please report what MNIST_FAMILY_TRACEBACK=1 prints"
AGAIN = "fix that and run the command again"
ERRORS = [
    (ValueError("x.gz: empty, expected IDX"), "x.gz: empty, expected IDX"),
    (ConnectionError("no mirror:\n  a: 404"), "no mirror:\n  a: 404"),
    (NotRead("no such split"), "no such split"),
    (FileNotFoundError(2, "No such file", "a/b"), f"a/b: No such file; {AGAIN}"),
    (FileNotFoundError(2, "No such file", "a\x1b[31m"), f"'a\\x1b[31m': No such file; {AGAIN}"),
    (OSError(28, "No space left on device"), f"made-here: No space left on device; {AGAIN}"),
    (
        ModuleNotFoundError("No module named 'x'", name="x"),
        "x: not installed, expected the project's dependencies; "
        "run pip install -e . in a clone of the project",
    ),
    (KeyError("lost"), f"made-here: KeyError: 'lost', {BUG}"),
    (ValueError(), f"made-here: ValueError, {BUG}"),
    (
        KeyboardInterrupt(),
        "made-here: interrupted; no partial output is left, run the command again",
    ),
    (Interrupted("me/x: the commit may have been made"), "me/x: the commit may have been made"),
]


@pytest.mark.parametrize(("error", "line"), ERRORS, ids=lambda each: type(each).__name__)
def test_an_error_is_one_line_and_exit_code_1(command, capsys, error, line):
    def fail():
        raise error

    assert command(fail) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{line}\n")


def test_a_second_ctrl_c_hides_nothing_that_the_first_one_led_to(command, capsys):
    def clean_up():
        try:
            raise Interrupted("build: interrupted, 2 finished shards are kept")
        finally:
            raise KeyboardInterrupt

    assert command(clean_up) == 1
    assert capsys.readouterr().err == "build: interrupted, 2 finished shards are kept\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_locked_folder_is_named_not_what_may_be_in_it(tmp_path):
    locked = tmp_path / "locked"
    (locked / "fashion").mkdir(parents=True)
    denied = PermissionError(13, "Permission denied", str(locked / "fashion" / "a.gz"))
    assert cli.describe(denied, "build") == f"{denied.filename}: Permission denied; {AGAIN}"
    locked.chmod(0o600)
    try:
        assert cli.describe(denied, "build") == f"{locked}: Permission denied; {AGAIN}"
    finally:
        locked.chmod(0o700)


def test_a_developer_can_see_the_traceback(command, monkeypatch):
    def fail():
        raise KeyError("lost")

    monkeypatch.setenv("MNIST_FAMILY_TRACEBACK", "1")
    with pytest.raises(KeyError, match="lost"):
        command(fail)


def test_sigterm_ends_a_command_as_ctrl_c_does(command, capsys):
    cleaned = []

    def wait():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    assert command(wait) == 1
    assert cleaned == [True]
    assert (
        capsys.readouterr().err
        == "made-here: interrupted; no partial output is left, run the command again\n"
    )
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_exit_code_is_the_commands(command):
    assert command(lambda: 0) == 0
    assert command(lambda: 1) == 1


def test_a_reader_that_hangs_up_does_not_stop_a_command(tmp_path):
    """As in `mnist-family lint … | head -1`: the exit code stays right."""
    code = f"""
import sys, types
from mnist_tools import arguments, cli
module = types.ModuleType("mnist_tools.commands.made_here")
def run():
    for number in range(100_000):
        print(number)
    open({str(tmp_path / "done")!r}, "w").close()
    return 1
module.run = run
sys.modules[module.__name__] = module
arguments.COMMANDS["made-here"] = arguments.Command("made_here", "", "", "", lambda parser: None)
sys.exit(cli.run_command("made-here", {{}}))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)
    assert process.stdout.readline() == "0\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1
    assert (tmp_path / "done").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals do not end processes there")
def test_ctrl_c_after_the_command_prints_no_traceback():
    code = """
import atexit, os, signal, sys, types
from mnist_tools import arguments, cli

atexit.register(os.kill, os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
module = types.ModuleType("mnist_tools.commands.made_here")
module.run = lambda: 0
sys.modules[module.__name__] = module
arguments.COMMANDS["made-here"] = arguments.Command("made_here", "", "", "", lambda parser: None)
cli.main("made-here", [])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (-signal.SIGINT, "")


def test_text_that_the_terminal_cannot_encode_is_escaped(command, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)

    def greet():
        print("28 × 28 き")
        return 0

    assert command(greet) == 0
    assert terminal.buffer.getvalue() == rb"28 \xd7 28 \u304d" + os.linesep.encode()


def test_the_commands_are_functions_of_the_package():
    for name in mnist_tools.__all__:
        assert callable(getattr(mnist_tools, name))
    with pytest.raises(AttributeError, match="module 'mnist_tools' has no attribute 'bild'"):
        mnist_tools.bild  # noqa: B018 - the attribute is the test


def test_every_command_has_a_line_in_the_table():
    modules = {path.stem for path in (ROOT / "scripts" / "mnist_tools" / "commands").glob("*.py")}
    assert {each.module for each in arguments.COMMANDS.values()} == modules - {"__init__"}
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert {each.script for each in arguments.COMMANDS.values()} == scripts

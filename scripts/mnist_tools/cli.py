"""Run a command: parse its arguments, turn errors into lines and exit codes."""

import contextlib
import functools
import importlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import NoReturn, TextIO

from mnist_tools.arguments import COMMANDS, make_overview, make_parser
from mnist_tools.errors import Interrupted

SHOW_TRACEBACK = "MNIST_FAMILY_TRACEBACK"  # the variable that developers set to 1


def main(name: str | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Run `mnist-family`, or the command `name` for its script in a clone, and exit.

    Exit codes: 0 for success, 1 for an error (one line on stderr says which), 2 for wrong usage.
    """
    arguments = [*(sys.argv[1:] if argv is None else argv)]
    from_clone = name is not None
    if name is None:
        name = _choose_command(arguments[:1])
        arguments = arguments[1:]
    parsed = make_parser(name, from_clone=from_clone).parse_intermixed_args(arguments)
    sys.exit(run_command(name, vars(parsed)))


def run_command(name: str, arguments: dict[str, object]) -> int:
    """Run a command with parsed arguments and return its exit code; print errors on stderr."""
    _reset_signals_in_children()
    with _forgiving_stdout(), _sigterm_as_ctrl_c():
        try:
            module = importlib.import_module(f"mnist_tools.commands.{COMMANDS[name].module}")
            code: int = module.run(**arguments)
        except KeyboardInterrupt as interrupt:
            sys.unraisablehook = _stay_silent  # writers that were cut short complain at exit
            print(_interruption(name, interrupt), file=sys.stderr)
            return 1
        except Exception as error:
            if os.environ.get(SHOW_TRACEBACK) == "1":
                raise
            print(describe(error, name), file=sys.stderr)
            return 1
    return code


def _choose_command(arguments: Sequence[str]) -> str:
    overview = make_overview()
    chosen = overview.parse_args(arguments)
    if chosen.version:
        print(f"mnist_family {version('mnist_family')}")
        sys.exit(0)
    if chosen.command is None:
        overview.print_help(sys.stderr)
        sys.exit(2)
    name: str = chosen.command
    return name


# --- What the user reads when something goes wrong ------------------------------------------------


def describe(error: Exception, name: str) -> str:
    """Return the line that tells a user what went wrong."""
    text = str(error).strip()
    if isinstance(error, ModuleNotFoundError):
        expected = "this project and what it needs"
        return f"{error.name}: not installed, expected {expected}; run pip install -e ."
    if isinstance(error, OSError) and error.errno and error.strerror:
        place = error.filename or name
        return f"{os.fsdecode(place)}: {error.strerror}; correct that and run it again"
    if isinstance(error, (ValueError, OSError)) and text:
        return text
    if _is_of_datasets(error) and text:
        return text
    found = f"{type(error).__name__}: {text}".splitlines()[0].rstrip(": ")
    return (
        f"{name}: {found}, which is a bug in mnist_family; "
        f"please report what {SHOW_TRACEBACK}=1 prints"
    )


def _is_of_datasets(error: Exception) -> bool:
    """Tell whether `datasets` raised an error of its own kind, without importing it."""
    return any(base.__module__ == "datasets.exceptions" for base in type(error).__mro__)


def _interruption(name: str, interrupt: KeyboardInterrupt) -> str:
    if isinstance(interrupt, Interrupted):
        return str(interrupt)
    return f"{name}: interrupted; nothing half-written is left, run it again"


def _stay_silent(_: object) -> None:
    """Replace `sys.unraisablehook` once a command was interrupted."""


# --- Signals and standard output ------------------------------------------------------------------


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, so that commands clean up after either."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@functools.cache  # a hook cannot be taken back, so it is registered once
def _reset_signals_in_children() -> None:
    """Let forked workers ignore Ctrl-C, which their parent handles, and die of SIGTERM."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_signals)


def _reset_signals() -> None:
    sys.unraisablehook = _stay_silent  # or workers complain that their parent is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _forgiving_stdout() -> Iterator[None]:
    """Keep printing from failing, whatever the terminal or the reader of a pipe does."""
    with contextlib.redirect_stdout(_ForgivingOutput(sys.stdout)):
        yield


class _ForgivingOutput(io.TextIOBase):
    """Standard output that goes on after a closed pipe (`| head -1`) and on an ASCII terminal.

    Characters that the terminal cannot encode are escaped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        printable = text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        with self._without_reader():
            self._stream.write(printable)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        with self._without_reader():
            self._stream.flush()

    @contextlib.contextmanager
    def _without_reader(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # or Python complains when it flushes at exit
            os.close(nowhere)

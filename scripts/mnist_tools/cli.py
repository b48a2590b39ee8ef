"""Run a command: parse its arguments, and turn its errors into messages and exit codes."""

import atexit
import contextlib
import functools
import gc
import importlib
import io
import os
import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import NoReturn, TextIO

from mnist_tools.arguments import COMMANDS, make_overview, make_parser
from mnist_tools.errors import Interrupted

ANYONE_MAY_ENTER = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
SHOW_TRACEBACK = "MNIST_FAMILY_TRACEBACK"  # set this variable to 1 to see tracebacks


def main(name: str | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit; without `name`, the first argument names the command.

    Exit codes: 0 for success, 1 for an error (described on stderr), 2 for wrong usage.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    from_clone = name is not None  # the scripts of a clone pass their command
    if name is None:
        name = _choose_command(arguments[:1])
        arguments = arguments[1:]
    parsed = make_parser(name, from_clone=from_clone).parse_intermixed_args(arguments)
    code = run_command(name, vars(parsed))
    # The last to be registered is the first to run: Ctrl-C during the others prints no traceback.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)
    sys.exit(code)


def run_command(name: str, arguments: dict[str, object]) -> int:
    """Run a command with parsed arguments; print any error on stderr and return the exit code."""
    _reset_signals_in_children()
    with _forgiving_stdout(), _sigterm_as_ctrl_c():
        try:
            code: int = _import_command(name).run(**arguments)
        except KeyboardInterrupt as interrupt:
            sys.unraisablehook = _stay_silent  # interrupted writers would complain at exit
            print(_describe_interruption(name, interrupt), file=sys.stderr)
            return 1
        except Exception as error:
            if os.environ.get(SHOW_TRACEBACK) == "1":
                raise
            print(describe(error, name), file=sys.stderr)
            return 1
    return code


def _import_command(name: str) -> ModuleType:
    """Import the module of a command, and keep what that creates out of garbage collection.

    All of it lives as long as the process; to search it while it grows, and again at the end, would
    take a third of the time that a small conversion takes.
    """
    gc.disable()
    try:
        return importlib.import_module(f"mnist_tools.commands.{COMMANDS[name].module}")
    finally:
        gc.freeze()
        gc.enable()


def _choose_command(arguments: Sequence[str]) -> str:
    """Return the command that the user named; exit after --help, --version or wrong usage."""
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


# --- Error messages -------------------------------------------------------------------------------


def describe(error: Exception, name: str) -> str:
    """Describe an error for the user; `name` is the command."""
    text = str(error).strip()
    if isinstance(error, ModuleNotFoundError):
        remedy = "run pip install -e . in a clone of the project"
        return f"{error.name}: not installed, expected the project's dependencies; {remedy}"
    if isinstance(error, OSError) and error.errno and error.strerror:
        place = os.fsdecode(error.filename or name)
        if isinstance(error, PermissionError):
            place = _find_locked(Path(place))
        if not place.isprintable():
            place = repr(place)  # a terminal would obey control characters in a file's name
        return f"{place}: {error.strerror}; fix that and run the command again"
    if isinstance(error, (ValueError, OSError)) and text:
        return text
    if _is_from_datasets(error) and text:
        return text
    found = f"{type(error).__name__}: {text}".splitlines()[0].rstrip(": ")
    return (
        f"{name}: {found}, which is a bug in mnist_family; "
        f"please report what {SHOW_TRACEBACK}=1 prints"
    )


def _find_locked(path: Path) -> str:
    """Return the outermost folder around a path that cannot be entered, or else the path itself.

    Nobody can tell what exists inside such a folder.
    """
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK) or not folder.stat().st_mode & ANYONE_MAY_ENTER:
            return str(folder)
    return str(path)


def _is_from_datasets(error: Exception) -> bool:
    """Check whether `datasets` defines the class of an error, without importing `datasets`."""
    return any(base.__module__ == "datasets.exceptions" for base in type(error).__mro__)


def _describe_interruption(name: str, interrupt: KeyboardInterrupt) -> str:
    """Return what the command said about its interruption, even if a second Ctrl-C followed."""
    each: BaseException | None = interrupt
    while each is not None:
        if isinstance(each, Interrupted):
            return str(each)
        each = each.__context__
    return f"{name}: interrupted; no partial output is left, run the command again"


def _stay_silent(_: object) -> None:
    """Ignore errors that Python cannot raise; a stand-in for `sys.unraisablehook`."""


# --- Signals and standard output ------------------------------------------------------------------


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that commands clean up after both."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@functools.cache  # a hook cannot be unregistered, so register it once
def _reset_signals_in_children() -> None:
    """Make forked workers ignore Ctrl-C, which their parent deals with, and die on SIGTERM."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_signals)


def _reset_signals() -> None:
    sys.unraisablehook = _stay_silent  # or workers complain that their parent is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _forgiving_stdout() -> Iterator[None]:
    """Let commands print to closed pipes and to terminals that lack some characters."""
    with contextlib.redirect_stdout(_ForgivingOutput(sys.stdout)):
        yield


class _ForgivingOutput(io.TextIOBase):
    """Standard output that ignores a closed pipe (as after `| head -1`).

    Characters that the terminal cannot encode are escaped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        printable = text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        with self._ignoring_closed_pipe():
            self._stream.write(printable)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        with self._ignoring_closed_pipe():
            self._stream.flush()

    @contextlib.contextmanager
    def _ignoring_closed_pipe(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # or the flush at exit would fail too
            os.close(nowhere)

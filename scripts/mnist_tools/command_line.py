"""Write the command that the user should run next, so that it works when it is copied."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from mnist_tools.arguments import COMMANDS

PROGRAM = "mnist-family"
INTERPRETERS = ("python", "python3")


def command_line(name: str, *arguments: str) -> str:
    """Return the command line of a command, in the form in which this process was started.

    If a script of a clone was run, that is the same interpreter and the script of the command.
    """
    started = Path(sys.argv[0])
    if started.name in [f"{command.script}.py" for command in COMMANDS.values()]:
        script = started.with_name(f"{COMMANDS[name].script}.py")
        words = [_as_typed(sys.executable, INTERPRETERS), str(script)]
    elif started.stem == PROGRAM:
        words = [_as_typed(sys.argv[0], [PROGRAM]), name]
    else:
        words = [PROGRAM, name]
    return shlex.join([*words, *arguments])


def _as_typed(program: str, names: Sequence[str]) -> str:
    """Return a program's name if it is on the PATH, else its path, relative if it is in here."""
    path = os.path.abspath(program)  # not resolved: a venv's python is a link out of it
    for name in names:
        if shutil.which(name) == path:
            return name
    if Path(path).is_relative_to(Path.cwd()):
        return os.path.relpath(path)
    return path

"""Write a file that appears whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing what is there only when all of it is on disk."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.incomplete")
    try:
        with partial.open("xb") as file:  # never a file that somebody else is writing
            file.write(content)
        partial.replace(path)
    except BaseException as error:
        if not isinstance(error, FileExistsError):
            partial.unlink(missing_ok=True)
        raise

"""Write a file in full or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`; what is there is replaced once all of it is written.

    FileExistsError if the temporary file beside `path` is there already.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.incomplete")
    file = partial.open("xb")  # "x": another writer's file is never touched
    try:
        with file:
            file.write(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise

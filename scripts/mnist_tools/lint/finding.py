"""Describe what is wrong with a card, in one line that is safe to print."""

from pathlib import Path
from typing import NamedTuple

from mnist_family import escape_controls


class Finding(NamedTuple):
    """One fault in a card; `line` counts from 1 and is None for a fault of the whole card."""

    path: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        """Return `path:line: text`, escaped for a terminal."""
        place = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return escape_controls(f"{place}: {self.text}")

"""What the facts of a built dataset leave open, and where to answer."""

from pathlib import Path
from typing import NamedTuple

from mnist_tools.cards.open_questions import OpenQuestions
from mnist_tools.command_line import command_line


class OpenFacts(NamedTuple):
    """What the facts of somebody's own dataset leave open; `path` is that of its facts.yaml.

    `source` is the folder or file with the rows.
    """

    name: str
    source: Path
    path: Path
    questions: OpenQuestions

    def advice(self) -> str:
        """Say where to answer the questions."""
        if self.path.exists():
            return f"answer in {self.path}, then build again"
        if self.source.is_dir():
            command = command_line("init", str(self.source))
            return f"answer in {self.path}, which `{command}` writes, then build again"
        command = command_line("init", self.name, "--from", str(self.source))
        return (
            f"answer in {self.name}/facts.yaml, which `{command}` writes, then build {self.name}/"
        )

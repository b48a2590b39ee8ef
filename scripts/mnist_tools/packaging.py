"""Add `cards/` to the wheel as package data; setuptools runs this during a build."""

import pathlib
import shutil

from setuptools.command.build_py import build_py

PACKAGED_CARDS = "card_data"  # a folder beside this file, in wheels only
CLONE = pathlib.Path(__file__).parents[2]


class BuildWithCards(build_py):
    """Build the package with a copy of `cards/`, except for editable installs."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = pathlib.Path(self.build_lib, "mnist_tools", PACKAGED_CARDS)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(CLONE / "cards", target)

    def get_source_files(self) -> list[str]:
        """List the files of a source distribution: those of the package and `cards/`."""
        files = (path for path in (CLONE / "cards").rglob("*") if path.is_file())
        cards = [path.relative_to(CLONE).as_posix() for path in files]
        return [*super().get_source_files(), *sorted(cards)]

"""Put `cards/` into the wheel, as data of this package; setuptools runs this when it builds."""

import pathlib
import shutil

from setuptools.command.build_py import build_py

PACKAGED_CARDS = "card_data"  # beside this file, in a wheel only
CLONE = pathlib.Path(__file__).parents[2]


class BuildWithCards(build_py):
    """Build the package, and copy the clone's `cards/` into it unless the install is editable."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = pathlib.Path(self.build_lib, "mnist_tools", PACKAGED_CARDS)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(CLONE / "cards", target)

    def get_source_files(self) -> list[str]:
        """List what goes into a source archive: the package's own files, and `cards/`."""
        files = (path for path in (CLONE / "cards").rglob("*") if path.is_file())
        cards = [path.relative_to(CLONE).as_posix() for path in files]
        return [*super().get_source_files(), *sorted(cards)]

"""Build, convert, measure, describe and publish datasets of 28 × 28 grey images.

Each command of `mnist-family` is a function here, which raises where the command prints a line:

    import mnist_tools

    mnist_tools.init("letters", "letters.csv")  # writes letters/facts.yaml, for you to fill in
    print(mnist_tools.render_card("letters/"))
    mnist_tools.build("out", ["fashion", "letters/"])  # a published dataset and your own

The linter is `mnist_tools.lint.findings`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_tools.commands.build import build
    from mnist_tools.commands.card import render_card, render_cards
    from mnist_tools.commands.convert import convert
    from mnist_tools.commands.init import init
    from mnist_tools.commands.measure import measure
    from mnist_tools.commands.push import push

__all__ = ["build", "convert", "init", "measure", "push", "render_card", "render_cards"]

MODULES = {name: f"mnist_tools.commands.{name}" for name in __all__}
MODULES["render_card"] = MODULES["render_cards"] = "mnist_tools.commands.card"


def __getattr__(name: str) -> object:
    """Import a command when it is first asked for, so that `--help` stays quick."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(MODULES[name]), name)

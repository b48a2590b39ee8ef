"""Render the cards in cards/ from facts and measurements; with --check, say which are stale and write nothing."""

import argparse
import difflib
import sys

import mnist_family
from mnist_tools.cards.card import published, render
from mnist_tools.cards.facts import CARDS
from mnist_tools.cards.measurements import committed

EXAMPLE = "example: python scripts/generate_cards.py mnist --check"
FAMILY = "family"


def main(argv=None):
    names = [config.name for config in mnist_family.CONFIGS]
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"of {', '.join(names)}, and {FAMILY} for the card of all; default: all",
    )
    parser.add_argument("--check", action="store_true", help="print how cards differ from what they should be, exit 1")
    arguments = parser.parse_args(argv)
    if wrong := {*arguments.names} - {*names, FAMILY}:
        sys.exit(f"{min(wrong)}: no such card, expected some of {', '.join([*names, FAMILY])}; correct the name")
    try:
        cards = rendered(arguments.names or [*names, FAMILY])
        stale = [path for path, text in cards.items() if not path.exists() or path.read_bytes() != text.encode()]
        if arguments.check:
            check(cards, stale)
        else:
            for path in stale:
                path.write_text(cards[path], encoding="utf-8", newline="\n")
                print(f"{path}: written")
    except (ValueError, OSError) as error:
        sys.exit(str(error))


def rendered(names):
    """{path: text} of the cards of datasets, and of the family's."""
    datasets = [published(config, committed(config.name)) for config in mnist_family.CONFIGS]
    cards = {CARDS / each.config.name / "README.md": render([each]) for each in datasets if each.config.name in names}
    return {**cards, **({CARDS / "README.md": render(datasets)} if FAMILY in names else {})}


def check(cards, stale):
    for path in stale:
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        lines = (before.splitlines(), cards[path].splitlines())
        sys.stdout.writelines(
            f"{line}\n" for line in difflib.unified_diff(*lines, str(path), "as it should be", lineterm="")
        )
    if stale:
        files = ", ".join(map(str, stale))
        sys.exit(f"{files}: stale, expected what facts and measurements give; run scripts/generate_cards.py")


def run(names, check):
    main([*names, *["--check"] * check])
    return 0

"""Find what the Hub or `load_dataset` would refuse or misread in a card's front matter, without asking the Hub."""

import argparse
import sys

from mnist_tools.lint import findings

EXAMPLE = "example: python scripts/lint_card.py sample cards/mnist/README.md"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument(
        "paths", metavar="FILE|FOLDER", nargs="+", help="a card, or a folder with README.md and Parquet"
    )
    found = []
    for path in parser.parse_args(argv).paths:
        try:
            found += findings(path)
        except OSError as error:
            found.append(
                f"{error.filename or path}: {error.strerror}, expected a card or a folder with one; correct it"
            )
    for line in found:
        print(line)
    if found:
        sys.exit(1)


def run(paths):
    main([str(path) for path in paths])
    return 0

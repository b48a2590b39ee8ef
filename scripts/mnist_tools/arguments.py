"""Define the command line of each command; cheap to import, so that `--help` is quick."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mnist_tools import formats


class Command(NamedTuple):
    """A command: its module in `mnist_tools.commands`, its script in a clone, and its arguments."""

    module: str
    script: str
    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]


def make_parser(name: str, *, from_clone: bool) -> argparse.ArgumentParser:
    """Return the parser of a command; its usage and example show how the command was started."""
    command = COMMANDS[name]
    program = f"python scripts/{command.script}.py" if from_clone else f"mnist-family {name}"
    parser = argparse.ArgumentParser(
        prog=program,
        description=command.summary,
        epilog=f"example: {program} {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # or a long example is broken
    )
    command.add_arguments(parser)
    return parser


def make_overview() -> argparse.ArgumentParser:
    """Return the parser of `mnist-family` itself, which takes the name of a command."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="mnist-family",
        usage="mnist-family [-h] [--version] COMMAND …",
        description="\n".join(["Commands:", *lines]),
        epilog="example: mnist-family build sample --sample\n"
        "`mnist-family COMMAND --help` describes a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument(
        "command", metavar="COMMAND", choices=COMMANDS, nargs="?", help=argparse.SUPPRESS
    )
    return parser


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "out",
        metavar="OUT",
        type=Path,
        help="folder to write: new, empty, or from an earlier build",
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="datasets to build: mnist, fashion, kmnist; default: all there are",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--archives",
        metavar="DIR",
        type=Path,
        help="read DIR/NAME/, or DIR itself for one NAME; default: download from the mirrors",
    )
    source.add_argument(
        "--sample", action="store_true", help="draw small synthetic archives; needs no network"
    )
    parser.add_argument(
        "--num-proc", metavar="N", type=int, help="processes that encode images; default: 1"
    )
    parser.add_argument(
        "--max-shard-size",
        metavar="SIZE",
        default="500MB",
        help="largest size of a Parquet file; default: 500MB",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace files in OUT that were edited since the earlier build; "
        "files that were added to OUT are never replaced",
    )


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help="mnist, fashion, kmnist, or a folder or file (./mnist)"
    )
    parser.add_argument("dest", metavar="DEST", type=Path, help="folder to write")
    parser.add_argument("--to", required=True, choices=formats.FORMATS, help="format to write")
    parser.add_argument(
        "--split", metavar="SPLIT", nargs="+", dest="splits", help="keep these splits; default: all"
    )
    parser.add_argument(
        "--rename-split",
        metavar="OLD=NEW",
        type=_renaming,
        action="append",
        dest="rename_splits",
        help="write the split OLD as NEW; may be given more than once",
    )
    parser.add_argument(
        "--only-classes",
        metavar="CLASS",
        nargs="+",
        help="keep these classes, by name or number, and number them anew",
    )
    parser.add_argument(
        "--class-names",
        metavar="FILE",
        type=Path,
        help="labels.txt or dataset_meta.json that names the classes",
    )
    parser.add_argument(
        "--resize",
        action="store_true",
        help="scale images of other sizes to 28 × 28 and turn colours to grey",
    )
    parser.add_argument(
        "--csv-header",
        action="store_true",
        help="with --to csv, start each file with label,pixel0,pixel1 and so on",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace DEST if an earlier conversion wrote it and nothing in it has changed",
    )


def _renaming(text: str) -> tuple[str, str]:
    """Split OLD=NEW."""
    old, separator, new = text.partition("=")
    if not (old and separator and new):
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW")
    return old, new


def _add_measure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME|FOLDER",
        help="mnist, fashion, kmnist, or a folder of archives (./mnist)",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--archives",
        metavar="DIR",
        type=Path,
        help="read DIR/NAME or DIR; default: download from the mirrors",
    )
    source.add_argument(
        "--sample",
        action="store_true",
        help="draw synthetic archives and measure those; needs --out",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="JSON file to write; default: cards/NAME/measurements.json of a clone, "
        "or measurements.json in FOLDER",
    )
    parser.add_argument(
        "--neighbours",
        action="store_true",
        help="also compare every test image with every training image, which takes about a minute; "
        "without it, the neighbours already in FILE are kept if the archives are the same",
    )


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="mnist, fashion, kmnist, or family for the card of all three; default: all",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show which cards are stale, and exit with 1 if any is",
    )


def _add_lint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="FILE|FOLDER",
        type=Path,
        nargs="+",
        help="a card, or a folder with README.md and Parquet files",
    )


def _add_push(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder that build wrote")
    parser.add_argument(
        "repo_id", metavar="REPO_ID", help="USER/NAME; created if it does not exist"
    )
    parser.add_argument(
        "--private", action="store_true", help="make the repository private if it is created"
    )
    parser.add_argument(
        "--revision",
        metavar="BRANCH",
        default="main",
        help="branch to push to, created if it does not exist; default: main",
    )
    parser.add_argument("--message", metavar="TEXT", help="commit message")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would change, and change nothing"
    )
    parser.add_argument(
        "--include",
        metavar="PATTERN",
        action="append",
        default=[],
        help="also push files that build did not write, such as 'notes/*', and files of the build "
        "that you changed; may be repeated",
    )
    parser.add_argument(
        "--replace-card",
        action="store_true",
        help="replace README.md, LICENSE.md and croissant.json in the repository even if somebody "
        "else wrote or edited them",
    )
    parser.add_argument(
        "--replace",
        metavar="PATTERN",
        action="append",
        default=[],
        help="replace these files in the repository even if somebody else wrote or edited them; "
        "may be repeated",
    )
    configs = parser.add_argument_group(
        "datasets of earlier pushes", "what becomes of those that FOLDER lacks"
    )
    configs.add_argument("--keep-configs", action="store_true", help="keep them")
    configs.add_argument(
        "--delete-config",
        metavar="NAME",
        dest="delete_configs",
        action="append",
        default=[],
        help="delete the files of this one; may be repeated",
    )
    parser.add_argument(
        "--create-pr", action="store_true", help="open a pull request instead of pushing to main"
    )
    parser.add_argument("--tag", metavar="NAME", help="tag the pushed revision")
    parser.add_argument(
        "--num-workers",
        metavar="N",
        type=int,
        default=5,
        help="files to upload at the same time; default: 5",
    )
    parser.add_argument(
        "--allow-sample", action="store_true", help="push a synthetic sample anyway"
    )


def _add_benchmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="mnist, fashion or kmnist")
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of its IDX archives")
    parser.add_argument(
        "--repeats",
        metavar="N",
        type=int,
        default=3,
        help="runs of each; the fastest counts; default: 3",
    )
    parser.add_argument(
        "--memory",
        action="store_true",
        help="also measure the memory of a load, and of the same rows ten times over (Linux)",
    )


COMMANDS = {
    "build": Command(
        "build",
        "build",
        "Build a folder of Parquet files, with its card, that every release of `datasets` loads.",
        "out fashion --archives archives",
        _add_build,
    ),
    "convert": Command(
        "convert",
        "convert",
        "Convert between IDX, CSV, image folders, NPZ and Parquet.",
        "archives/mnist threes --to imagefolder --only-classes 3",
        _add_convert,
    ),
    "measure": Command(
        "measure",
        "measure",
        "Measure the archives of a dataset, and write the figures that its card shows.",
        "mnist --archives archives/mnist --neighbours",
        _add_measure,
    ),
    "card": Command(
        "card",
        "generate_cards",
        "Render the cards of the published datasets from facts and measurements.",
        "mnist --check",
        _add_card,
    ),
    "lint": Command(
        "lint",
        "lint_card",
        "Find what the Hub or `load_dataset` would refuse or misread in a card's front matter.",
        "sample cards/mnist/README.md",
        _add_lint,
    ),
    "push": Command(
        "push",
        "push_to_hub",
        "Push a built folder to a dataset repository on the Hub in one commit, and verify it.",
        "sample me/mnist-family --allow-sample --dry-run",
        _add_push,
    ),
    "benchmark": Command(
        "benchmark",
        "benchmark",
        "Time the loader against plainer builders and its PNG encoder against Pillow.",
        "mnist archives/mnist --repeats 5",
        _add_benchmark,
    ),
}

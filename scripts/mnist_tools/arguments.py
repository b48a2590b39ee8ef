"""Define the arguments of every command; light to import, so that `--help` is fast."""

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
    """Return the parser of a command; usage and example show the form in which it was started."""
    command = COMMANDS[name]
    program = f"python scripts/{command.script}.py" if from_clone else f"mnist-family {name}"
    parser = argparse.ArgumentParser(
        prog=program,
        description=command.summary,
        epilog=f"example: {program} {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps a long example on one line
    )
    command.add_arguments(parser)
    return parser


def make_overview() -> argparse.ArgumentParser:
    """Return the parser of `mnist-family` itself, whose argument is a command."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="mnist-family",
        usage="mnist-family [-h] [--version] COMMAND …",
        description="\n".join(["Commands:", *lines]),
        epilog="example: mnist-family build sample --sample\n"
        "Run `mnist-family COMMAND --help` for help on a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument(
        "command", metavar="COMMAND", choices=COMMANDS, nargs="?", help=argparse.SUPPRESS
    )
    return parser


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        help="folder of the dataset, which is named after it",
    )
    parser.add_argument(
        "--from",
        metavar="SOURCE",
        dest="source",
        help="the data: a CSV, NPZ or Parquet file, or a folder of such files, of images, of "
        "WebDataset shards or of IDX archives; default: only write a missing facts.yaml",
    )
    _add_reading_options(parser)
    parser.add_argument(
        "--invert",
        action="store_true",
        help="invert images that are dark on white, so that the background is 0",
    )
    parser.add_argument(
        "--hold-out",
        metavar="SPLIT=SHARE",
        type=_parse_share,
        action="append",
        help="move this share of the rows of train, drawn at random from every class, to a new "
        "split, as in test=0.2; may be repeated",
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="seed of --hold-out; default: 0"
    )


def _add_reading_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--class-names",
        metavar="FILE",
        type=Path,
        help="labels.txt or dataset_meta.json that names the classes",
    )
    _add_resize(parser)


def _add_resize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resize",
        action="store_true",
        help="scale images of other sizes to 28 × 28, and convert colour to grey",
    )


def _parse_share(text: str) -> tuple[str, float]:
    """Parse SPLIT=SHARE."""
    split, _, share = text.partition("=")
    try:
        return split, float(share)
    except ValueError:
        message = f"{text!r} is not of the form SPLIT=SHARE, such as test=0.2"
        raise argparse.ArgumentTypeError(message) from None


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "out",
        metavar="OUT",
        type=Path,
        help="folder to write: new, empty, or written by an earlier build",
    )
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="*",
        help="mnist, fashion, kmnist, or a folder or file of your own, as PATH or NAME=PATH; the "
        "first is the default config; default: all three",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--archives",
        metavar="DIR",
        type=Path,
        help="folder of published archives: DIR/mnist and so on, or DIR itself for a single one; "
        "default: download from the mirrors",
    )
    source.add_argument(
        "--sample", action="store_true", help="build a small synthetic sample; needs no network"
    )
    _add_resize(parser)
    parser.add_argument(
        "--num-proc",
        metavar="N",
        type=int,
        help="number of processes that write rows; default: one for each core",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="what writes the rows: this machine, or a Ray cluster that shares its disk; "
        "default: local",
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="address of the Ray cluster; default: $RAY_ADDRESS, or a new one on this machine",
    )
    parser.add_argument(
        "--max-shard-size",
        metavar="SIZE",
        default="64MB",
        help="maximum size of each Parquet file; default: 64MB, about 250,000 rows",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="start over; do not reuse the shards that an interrupted build finished",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace files in OUT that you edited after the last build; "
        "files that you added are never replaced",
    )


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help="mnist, fashion, kmnist, or a folder or file (./mnist)"
    )
    parser.add_argument("dest", metavar="DEST", type=Path, help="folder to write")
    parser.add_argument("--to", required=True, choices=formats.FORMATS, help="format to write")
    parser.add_argument(
        "--split",
        metavar="SPLIT",
        nargs="+",
        dest="splits",
        help="keep only these splits; default: all",
    )
    parser.add_argument(
        "--rename-split",
        metavar="OLD=NEW",
        type=_parse_renaming,
        action="append",
        dest="rename_splits",
        help="write the split OLD as NEW; may be repeated",
    )
    parser.add_argument(
        "--only-classes",
        metavar="CLASS",
        nargs="+",
        help="keep only these classes, given by name or number, and renumber them from 0",
    )
    _add_reading_options(parser)
    parser.add_argument(
        "--csv-header",
        action="store_true",
        help="with --to csv, start each file with the line label,pixel0,pixel1,…",
    )
    parser.add_argument(
        "--rows-per-file",
        metavar="N",
        type=int,
        help="with --to idx, write splits of more rows in parts, which workers can share",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace DEST if an earlier conversion wrote it and you have changed nothing in it",
    )


def _parse_renaming(text: str) -> tuple[str, str]:
    """Parse OLD=NEW."""
    old, separator, new = text.partition("=")
    if not (old and separator and new):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form OLD=NEW")
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
        help="folder of archives: DIR/NAME if it exists, else DIR; "
        "default: download from the mirrors",
    )
    source.add_argument(
        "--sample",
        action="store_true",
        help="measure a small synthetic sample; needs --out",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="JSON file to write; default: cards/NAME/measurements.json in a clone, "
        "or FOLDER/measurements.json",
    )
    parser.add_argument(
        "--neighbours",
        action="store_true",
        help="also find the training images closest to each test image (takes about a minute); "
        "without this option, FILE keeps the neighbours it has if the archives are the same",
    )


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="mnist, fashion, kmnist, family (one card for all three), or facts (the reference for "
        "facts.yaml); default: all",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show how stale cards differ, and exit with 1 if there are any",
    )


def _add_lint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="FILE|FOLDER",
        type=Path,
        nargs="+",
        help="card, or folder with README.md and Parquet files",
    )


def _add_push(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder written by build")
    parser.add_argument(
        "repo_id", metavar="REPO_ID", help="USER/NAME; created if it does not exist"
    )
    parser.add_argument(
        "--private", action="store_true", help="create a private repository, or refuse a public one"
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
        help="also push these files, such as 'notes/*', although build did not write them or you "
        "have changed them since; may be repeated",
    )
    parser.add_argument(
        "--replace-card",
        action="store_true",
        help="replace README.md, LICENSE.md and croissant.json in the repository even if somebody "
        "else has written or edited them",
    )
    parser.add_argument(
        "--replace",
        metavar="PATTERN",
        action="append",
        default=[],
        help="replace these files in the repository even if somebody else has written or edited "
        "them; may be repeated",
    )
    configs = parser.add_argument_group(
        "datasets from earlier pushes", "what to do with those that are not in FOLDER"
    )
    configs.add_argument("--keep-configs", action="store_true", help="keep all of them")
    configs.add_argument(
        "--delete-config",
        metavar="NAME",
        dest="delete_configs",
        action="append",
        default=[],
        help="delete the files of this dataset; may be repeated",
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
        help="number of files to upload at once; default: 5",
    )
    parser.add_argument(
        "--allow-sample", action="store_true", help="allow FOLDER to be a synthetic sample"
    )


def _add_benchmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="mnist, fashion or kmnist")
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of its IDX archives")
    parser.add_argument(
        "--repeats",
        metavar="N",
        type=int,
        default=3,
        help="number of runs; the fastest one counts; default: 3",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--memory",
        action="store_true",
        help="also measure the peak memory of a load, and of one with ten times the rows (Linux)",
    )
    what.add_argument(
        "--train",
        action="store_true",
        help="instead, train a small network for one epoch with each way of reading the rows; "
        "needs PyTorch",
    )
    what.add_argument(
        "--build",
        action="store_true",
        help="instead, write many rows to Parquet, with `datasets` and as shards (Linux)",
    )
    what.add_argument(
        "--read",
        action="store_true",
        help="instead, read many rows from a hundred Parquet files, with several readers (Linux)",
    )
    parser.add_argument(
        "--rows",
        metavar="N",
        type=int,
        nargs="+",
        default=[70_000],
        help="numbers of rows for --build and --read; those in DIR are repeated; default: 70000",
    )


COMMANDS = {
    "init": Command(
        module="init",
        script="init",
        summary="Start your own dataset: archives from your data, and a facts.yaml to fill in.",
        example="letters --from letters.csv --hold-out test=0.2",
        add_arguments=_add_init,
    ),
    "build": Command(
        module="build",
        script="build",
        summary="Build a folder of Parquet files, with a card, for every release of `datasets`.",
        example="out fashion letters/",
        add_arguments=_add_build,
    ),
    "convert": Command(
        module="convert",
        script="convert",
        summary="Convert between IDX, CSV, image folders, NPZ, Parquet and WebDataset.",
        example="archives/mnist threes --to imagefolder --only-classes 3",
        add_arguments=_add_convert,
    ),
    "measure": Command(
        module="measure",
        script="measure",
        summary="Measure the archives of a dataset and write the figures for its card.",
        example="mnist --archives archives/mnist --neighbours",
        add_arguments=_add_measure,
    ),
    "card": Command(
        module="card",
        script="generate_cards",
        summary="Render the cards of the published datasets from facts and measurements.",
        example="mnist --check",
        add_arguments=_add_card,
    ),
    "lint": Command(
        module="lint",
        script="lint_card",
        summary="Find what the Hub or `load_dataset` would refuse or misread in a dataset card.",
        example="sample cards/mnist/README.md",
        add_arguments=_add_lint,
    ),
    "push": Command(
        module="push",
        script="push_to_hub",
        summary="Push a built folder to the Hub in one commit, then read it back to verify it.",
        example="sample me/mnist-family --allow-sample --dry-run",
        add_arguments=_add_push,
    ),
    "benchmark": Command(
        module="benchmark",
        script="benchmark",
        summary="Time the loader against plainer builders, its PNG encoder, and training.",
        example="mnist archives/mnist --repeats 5",
        add_arguments=_add_benchmark,
    ),
}

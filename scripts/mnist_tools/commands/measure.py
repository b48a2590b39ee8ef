"""Measure the archives of a dataset and write the figures that cards print to cards/NAME/measurements.json."""

import argparse
import json
import pathlib
import sys
import tempfile

import datasets

import mnist_family
from mnist_tools.cards.facts import CARDS
from mnist_tools.cards.measurements import measure, verified_splits, write
from mnist_tools.sample import write_sample_archives

EXAMPLE = "example: python scripts/measure.py mnist --archives archives/mnist --neighbours"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("name", metavar="NAME", choices=[config.name for config in mnist_family.CONFIGS])
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--archives", metavar="DIR", help="read the archives in DIR or DIR/NAME; default: mirrors")
    source.add_argument("--sample", action="store_true", help="draw synthetic archives and measure those; needs --out")
    parser.add_argument("--out", metavar="FILE", type=pathlib.Path, help="default: the dataset's own in cards/")
    parser.add_argument(
        "--neighbours",
        action="store_true",
        help="also compare all test images with all train images, which takes minutes; without it, what the file "
        "already has of the same archives is kept",
    )
    arguments = parser.parse_args(argv)
    try:
        measure_archives(arguments)
    except KeyboardInterrupt:
        sys.exit(f"{arguments.name}: interrupted, nothing was written; run it again")
    except (ValueError, OSError) as error:
        sys.exit(str(error))


def measure_archives(arguments):
    name, out = arguments.name, arguments.out or CARDS / arguments.name / "measurements.json"
    if arguments.sample and not arguments.out:
        raise ValueError(f"{name}: a synthetic sample, expected --out FILE for its figures; name one")
    if not out.parent.is_dir():
        raise ValueError(f"{out}: no such folder, expected one to write to; make it")
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        folder = arguments.archives
        if arguments.sample:
            write_sample_archives(temporary, [name])
            folder = temporary
        if folder is not None and (pathlib.Path(folder).expanduser() / name).is_dir():
            folder = str(pathlib.Path(folder) / name)
        splits = verified_splits(name, folder)
        if not arguments.out and not (all(split.official for split in splits.values()) and len(splits) == 2):
            raise ValueError(f"{folder}: not the four published archives, expected --out FILE for others; name one")
        if arguments.neighbours and not {"train", "test"} <= {*splits}:
            raise ValueError(f"{folder}: has {', '.join(splits)}, expected train and test for --neighbours; add them")
        measured = measure(name, splits, arguments.neighbours)
    before = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    if not arguments.neighbours and before.get("archives") == measured["archives"] and "neighbours" in before:
        measured["neighbours"] = before["neighbours"]
    write(out, measured)
    rows = ", ".join(f"{figures['rows']:,} {split} rows" for split, figures in measured["splits"].items())
    print(f"{out}: written, {rows}")


def run(name, archives, sample, out, neighbours):
    measure_archives(argparse.Namespace(**locals()))
    return 0

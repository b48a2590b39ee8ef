"""Convert between IDX, CSV, image folders, NPZ and Parquet, with your own classes and splits."""

import argparse
import hashlib
import pathlib
import sys

import numpy as np
from tqdm import tqdm

from mnist_tools.formats import source as formats
import mnist_family
from mnist_tools.whole_folder import publishing, read_marker, refusal

EXAMPLE = "example: python scripts/convert.py archives/mnist threes --to imagefolder --only-classes 3"
CONVERTED = "convert "  # how a folder's marker starts that a conversion wrote


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("source", metavar="SOURCE", help="mnist, fashion or kmnist, or a folder or file (./mnist)")
    parser.add_argument("dest", metavar="DEST", type=pathlib.Path, help="the folder to write")
    parser.add_argument("--to", required=True, choices=formats.WRITERS, help="the format to write")
    parser.add_argument("--split", metavar="S", nargs="+", help="keep these splits; default: all")
    parser.add_argument(
        "--only-classes", metavar="C", nargs="+", help="keep these, by name or number, and renumber them"
    )
    parser.add_argument(
        "--class-names", metavar="FILE", help="labels.txt or dataset_meta.json with the names of classes"
    )
    parser.add_argument("--resize", action="store_true", help="scale images of other sizes, turn colours to grey")
    parser.add_argument("--force", action="store_true", help="replace DEST if a conversion wrote it")
    arguments = parser.parse_args(argv)
    try:
        convert(arguments)
    except KeyboardInterrupt:
        sys.exit(f"{arguments.dest}: interrupted, no half-converted folder is left; run it again")
    except (ValueError, OSError) as error:
        line = " ".join(str(error).split("\n"))
        if getattr(error, "errno", None) and not isinstance(error, ConnectionError):
            remedy = "make room, or name another folder"
            line = f"{error.filename or arguments.dest}: {error.strerror}, expected to read and write there; {remedy}"
        sys.exit(line)


def convert(arguments):
    if reason := refused(arguments.dest, arguments.force):
        raise ValueError(reason)
    names = mnist_family._class_names(arguments.class_names) if arguments.class_names else None
    found = formats.find(arguments.source, names, arguments.resize)
    print(f"{arguments.source}: {found.format} with the splits {', '.join(found.splits)}", end="")
    print(f" and {len(found.class_names)} classes (named by {found.named_by}): {some(found.class_names)}", flush=True)
    splits = kept_splits(arguments.source, found.splits, arguments.split)
    labels, class_names = kept_classes(arguments.source, found.class_names, arguments.only_classes)
    counts = {split: Counts() for split in splits}
    reading = {split: lambda s=split: kept(s, splits[s], labels, found.class_names, counts[s]) for split in splits}
    made_of = CONVERTED + hashlib.sha256(repr(sys.argv).encode()).hexdigest()
    with publishing(arguments.dest, made_of) as folder:
        formats.write(folder, arguments.to, reading, class_names)
    for note in dict.fromkeys(found.notes):
        print(note)
    for split, count in counts.items():
        left = f", {count.dropped:,} of other classes left out" * bool(count.dropped)
        print(f"{split}: {count.rows:,} rows, {count.unlabelled:,} of them without a label{left}")
    print(f"{arguments.dest}: written as {arguments.to}, {len(class_names)} classes: {some(class_names)}")


def refused(dest, force):
    """Why nothing may be written to `dest`; None where it may."""
    if reason := refusal(dest):
        return reason
    if dest.is_dir() and any(dest.iterdir()):
        if not str(read_marker(dest)["made_of"]).startswith(CONVERTED):
            return f"{dest}: a built folder, expected a new one or one that a conversion wrote; name another"
        if not force:
            return f"{dest}: there already, expected a new folder; name another, or pass --force to replace it"
    return None


def some(names):
    return ", ".join(names[:10]) + " …" * (len(names) > 10)


def kept_splits(source, splits, wanted):
    for name in wanted or ():
        if name not in splits:
            raise ValueError(f"{source}: has no split {name!r}, expected some of {', '.join(splits)}; correct --split")
    return {name: splits[name] for name in splits if not wanted or name in wanted}


def kept_classes(source, class_names, wanted):
    """(the new label of each, -1 where it is left out, and the names that stay); None for labels that all stay."""
    if not wanted:
        return None, class_names
    chosen = set()
    for each in wanted:
        if each in class_names:
            chosen.add(class_names.index(each))
        elif each.isdecimal() and int(each) < len(class_names):
            chosen.add(int(each))
        else:
            expected = f"a name or a number of {some(class_names)}"
            raise ValueError(f"{source}: has no class {each!r}, expected {expected}; correct --only-classes")
    order = sorted(chosen)
    labels = np.full(len(class_names), -1, np.int16)
    labels[order] = np.arange(len(order))
    return labels, [class_names[label] for label in order]


class Counts:
    rows = unlabelled = dropped = 0


def kept(split, chunks, new_labels, class_names, count):
    """Yield the chunks of a split with the rows that stay, count them, and refuse labels of no class."""
    with tqdm(desc=f"Converting {split}", unit=" rows", unit_scale=True) as bar:
        for images, labels in formats.rechunked(chosen(split, chunks(), new_labels, class_names, count, bar)):
            count.rows += len(labels)
            count.unlabelled += int((labels < 0).sum())
            yield images, labels
    if not count.rows:
        raise ValueError(f"{split}: no row is left, expected at least one; keep more classes, or leave the split out")


def chosen(split, chunks, new_labels, class_names, count, bar):
    row = 0
    for images, labels in chunks:
        wrong = (labels < -1) | (labels >= len(class_names))
        if wrong.any():
            got, expected = f"label {labels[wrong][0]} in row {row + wrong.argmax()}", f"-1 to {len(class_names) - 1}"
            raise ValueError(f"{split}: {got}, expected {expected}; name every class with --class-names")
        row += len(labels)
        bar.update(len(labels))
        if new_labels is not None:
            stay = (labels >= 0) & (new_labels[labels] >= 0)
            count.dropped += int((~stay).sum())
            images, labels = images[stay], new_labels[labels[stay]]
        if len(labels):
            yield images, labels


def run(source, dest, to, splits, only_classes, class_names, resize, force):
    split = splits
    convert(argparse.Namespace(**locals()))
    return 0

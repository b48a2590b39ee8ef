"""Build a folder that every release of `datasets` loads, as do DuckDB, Polars and pandas, from the IDX archives."""

import _thread
import argparse
import contextlib
import dataclasses
import hashlib
import math
import os
import pathlib
import re
import signal
import sys
import tempfile
import threading

import datasets
import PIL
import pyarrow
from datasets.utils.py_utils import convert_file_size_to_int
from tqdm import tqdm

import mnist_family
from mnist_tools.cards.card import published, render, render_licence, unpublished
from mnist_tools.cards.croissant import croissant
from mnist_tools.cards.facts import CARDS, dataset_facts
from mnist_tools.cards.measurements import committed, measure, verified_splits
from mnist_tools.cards.pictures import write_pictures
from mnist_tools.whole_folder import is_current, publishing, refusal
from mnist_tools.sample import write_sample_archives

EXAMPLE = "example: python scripts/build.py out fashion --archives archives"
TITLES = {config.name: config.title for config in mnist_family.CONFIGS}
SMALLEST_SHARD = 100_000  # bytes


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("out", help="the folder to write, new, empty, or of an earlier build")
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help=f"of {', '.join(TITLES)}; all that there are by default"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--archives", metavar="DIR", help="read DIR/NAME/, or DIR itself for one NAME; default: mirrors"
    )
    source.add_argument("--sample", action="store_true", help="draw small synthetic archives; needs no network")
    parser.add_argument("--num-proc", type=int, metavar="N", help="processes to encode images with")
    parser.add_argument("--max-shard-size", default="500MB", metavar="SIZE", help="of a Parquet file; default: 500MB")
    arguments = parser.parse_args(argv)
    interruptible()
    try:
        build(arguments)
    except KeyboardInterrupt:
        sys.unraisablehook = lambda _: None  # pyarrow's writer misses the file it has not ended
        sys.exit(f"{arguments.out}: interrupted, no half-built folder is left; run it again")
    except (ValueError, OSError, datasets.exceptions.DatasetsError, RuntimeError) as error:
        sys.exit(told(error, arguments.out))


def interruptible():
    """Let SIGTERM do what Ctrl-C does, wherever it comes, and this process end those that `datasets` forks."""

    def leave_it_to_the_parent():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.unraisablehook = lambda _: None  # what they say when the queue to their parent is gone

    def come_again(unraisable):
        """Python drops an interrupt that comes while it clears an object away."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Timer(0.1, _thread.interrupt_main).start()
        else:
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = come_again
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=leave_it_to_the_parent)


def build(arguments):
    if reason := refusal(arguments.out):
        raise ValueError(reason)
    try:
        limit = convert_file_size_to_int(arguments.max_shard_size)
    except ValueError:
        limit = 0
    if limit < SMALLEST_SHARD:
        size = arguments.max_shard_size
        raise ValueError(f"--max-shard-size {size}: expected 100KB or more, as 2MB or 500MB; correct it")
    if arguments.num_proc is not None and arguments.num_proc < 1:
        raise ValueError(f"--num-proc {arguments.num_proc}: expected 1 or more; correct it")
    folders = source_folders(arguments)
    made_of = fingerprint(folders, arguments.sample, limit)
    if is_current(arguments.out, made_of):
        print(f"{arguments.out}: nothing has changed since it was built")
    else:
        with contextlib.ExitStack() as stack:
            cache = None  # the user's
            if arguments.sample:
                cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="mnist_family-"))
                write_sample_archives(cache, folders)
                folders = {name: os.path.join(cache, name) for name in folders}
            loaded = {}
            for name, folder in folders.items():
                with naming(name):
                    settings = {"num_proc": arguments.num_proc, "cache_dir": cache}
                    loaded[name] = mnist_family.load(name, data_dir=folder, **settings)
            with publishing(arguments.out, made_of) as folder:
                sizes = {name: write_config(folder / name, splits, limit) for name, splits in loaded.items()}
                described = []
                for name, splits in tqdm(loaded.items(), desc="Describing", unit="dataset"):
                    with naming(name):
                        source = folders[name], arguments.sample
                        described.append(describe(folder, name, splits, sizes[name], *source))
                write(folder / "README.md", render(described))
                write(folder / "LICENSE.md", render_licence(described))
                write(folder / "croissant.json", croissant(folder, described))
        print(f"{arguments.out}: built, with {', '.join(TITLES[name] for name in folders)}")
    print(next_lines(arguments.out, next(iter(folders)), arguments.sample))


def source_folders(arguments):
    """{name: the folder of its archives, or None for the mirrors and for the sample}, in the order of CONFIGS."""
    if wrong := [name for name in arguments.names if name not in TITLES]:
        raise ValueError(f"{wrong[0]}: no such dataset, expected some of {', '.join(TITLES)}; correct the name")
    names = [name for name in TITLES if name in (arguments.names or TITLES)]
    if arguments.archives is None:
        return dict.fromkeys(names)
    folder = pathlib.Path(arguments.archives).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder, expected one of archives; correct --archives")
    if not arguments.names:
        names = [name for name in names if (folder / name).is_dir()]
    if not names:
        expected = f"one or more of the folders {', '.join(TITLES)}"
        raise ValueError(f"{folder}: has none of them, expected {expected}; give a NAME if it holds archives itself")
    if len(names) == 1 and not (folder / names[0]).is_dir():
        return {names[0]: str(folder)}
    return {name: str(folder / name) for name in names}


def fingerprint(folders, sample, limit):
    """A digest of all that the folder's content comes from."""
    words = (path for path in CARDS.rglob("*") if path.suffix in (".yaml", ".j2", ".json"))
    sources = [path.read_bytes() for path in sorted([*pathlib.Path(__file__).parents[1].rglob("*.py"), *words])]
    stamps = {}
    for name, folder in folders.items():
        with naming(name):
            stamps[name] = folder and mnist_family._locate(folder)[2]
    releases = datasets.__version__, pyarrow.__version__, PIL.__version__
    made_of = mnist_family.SOURCE_DIGEST, sources, stamps, sample, limit, releases
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


@contextlib.contextmanager
def naming(name):
    """Let errors begin with the dataset's name."""
    try:
        yield
    except Exception as error:
        error = root(error)
        if isinstance(error, KeyboardInterrupt):
            raise error from None
        raise ValueError(f"{name}: {told(error, datasets.config.HF_DATASETS_CACHE)}") from None


def root(error):
    """What was wrong before `datasets` raised errors of its own."""
    wrapped = (datasets.exceptions.DatasetsError, KeyboardInterrupt)
    while before := error.__cause__ or error.__context__:
        if not (error.__cause__ or isinstance(before, wrapped) or "Original error" in str(error)):
            break
        error = before
    return error


def told(error, place):
    """Its text, for a user; with the place, where it is the system's and names no file."""
    if isinstance(error, OSError) and error.errno and not error.filename:
        return f"{place}: {error.strerror}, expected to write there; run it again when that can be"
    if type(error).__name__ == "RemoteTraceback":  # of a process: its text is all there is
        return re.search(r"^[\w.]*Error: .*", str(error), re.MULTILINE)[0]
    return str(error).strip() or type(error).__name__


def write_config(folder, splits, limit):
    """Write <split>-*.parquet for each split; {split: {num_bytes, num_examples, parquet_bytes}}."""
    folder.mkdir()
    sizes = {}
    for split, rows in splits.items():
        num_bytes = rows.info.splits[split].num_bytes
        files = write_shards(folder, split, rows, max(1, math.ceil(num_bytes / limit)))
        while max(file.stat().st_size for file in files) > limit and len(files) < len(rows):  # rows are not of one size
            for file in files:
                file.unlink()
            files = write_shards(folder, split, rows, len(files) + 1)
        parquet_bytes = sum(file.stat().st_size for file in files)
        sizes[split] = {"num_bytes": num_bytes, "num_examples": len(rows), "parquet_bytes": parquet_bytes}
    return sizes


def write_shards(folder, split, rows, count):
    files = [folder / f"{split}-{number:05}-of-{count:05}.parquet" for number in range(count)]
    for number, file in enumerate(files):
        rows.shard(count, number, contiguous=True).to_parquet(file, batch_size=1000)
    return files


def describe(folder, name, splits, sizes, archives, sample):
    """What the card says of a dataset, with its pictures, which are written."""
    config = next(config for config in mnist_family.CONFIGS if config.name == name)
    official = all(rows.info.description for rows in splits.values())  # which only the published archives' rows have
    measured = committed(name, splits) if official else None
    measured = measured or measure(name, verified_splits(name, archives))
    if official:
        dataset = published(config, measured, sizes=sizes)
    else:
        class_names = next(iter(splits.values())).features["label"].names
        dataset = unpublished(config, "synthetic" if sample else "own", class_names, measured, sizes=sizes)
    return dataclasses.replace(dataset, pictures=write_pictures(folder, name, dataset.title, splits))


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="\n")


def next_lines(out, name, sample):
    """What a user types next."""
    splits = sorted({file.name.rsplit("-", 3)[0] for file in pathlib.Path(out, name).iterdir()}, key="test".__eq__)
    path = pathlib.Path(out).as_posix()
    path = path if os.path.isabs(out) else f"./{path}"
    note = f"\n{dataset_facts('synthetic')['note']}" if sample else ""
    return f"""Next, in Python:

    import datasets
    dataset = datasets.load_dataset({path!r}, {name!r})
    dataset[{splits[0]!r}][0]
{note}"""


def run(out, names, archives, sample, num_proc, max_shard_size):
    build(argparse.Namespace(**locals()))
    return 0

"""Build a folder of Parquet files, with a card, that every release of `datasets` can load."""

import contextlib
import dataclasses
import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import datasets
import PIL
import pyarrow
from tqdm import tqdm

import mnist_family
from mnist_family import fault
from mnist_tools.cards.card import Dataset, published, render, render_licence, unpublished
from mnist_tools.cards.croissant import croissant
from mnist_tools.cards.facts import CARDS, dataset_facts
from mnist_tools.cards.measurements import committed, measure_splits
from mnist_tools.cards.pictures import write_pictures
from mnist_tools.causes import naming_dataset
from mnist_tools.origins import TITLES, Origin, find_origins
from mnist_tools.sample import write_sample_archives
from mnist_tools.shards.from_dataset import write_shards
from mnist_tools.shards.size import SplitSize, parse_shard_size
from mnist_tools.whole_folder import is_current, whole_folder

PACKAGE = Path(__file__).parents[1]
CARD_SOURCES = (".yaml", ".j2", ".json")


class Loaded(NamedTuple):
    """A dataset whose rows have been verified and are in the cache."""

    origin: Origin
    rows: datasets.DatasetDict


@dataclasses.dataclass(frozen=True)
class Built:
    """A folder that is up to date; `changed` is False if it already was before.

    `names` are its datasets, the default one first; `splits` are the splits of that one.
    """

    out: Path
    names: tuple[str, ...]
    splits: tuple[str, ...]
    changed: bool


def build(
    out: str | os.PathLike[str],
    names: Sequence[str] = (),
    *,
    archives: str | os.PathLike[str] | None = None,
    sample: bool = False,
    num_proc: int | None = None,
    max_shard_size: str = "500MB",
    force: bool = False,
) -> Built:
    """Build the datasets `names`, by default all of them, in the folder `out`.

    Archives are read from `archives`/NAME or, for a single name, from `archives` itself. Without
    `archives` they are downloaded, or drawn if `sample` is set.

    `out` is replaced only once the new folder is complete, and only if an earlier build wrote it
    and nothing was added or edited since; with `force`, edited files are replaced too.

    ValueError for a wrong argument, broken archives, or a folder that may not be replaced; OSError
    if something cannot be read, written or downloaded.
    """
    out = Path(out)
    limit = parse_shard_size(max_shard_size)
    if num_proc is not None and num_proc < 1:
        raise fault(f"--num-proc {num_proc}", "too few", "1 or more", "correct it")
    if sample and archives is not None:
        raise fault("sample", "given with archives", "one of the two", "leave the other out")
    origins = find_origins(names, archives)
    sources = [path for origin in origins for path in origin.paths]
    made_of = _fingerprint(origins, sample, limit)
    built = Built(out, tuple(origin.name for origin in origins), origins[0].splits, changed=True)
    if is_current(out, made_of):
        return dataclasses.replace(built, changed=False)
    _refuse_patterns(out)
    with (
        whole_folder(out, command="build", made_of=made_of, force=force, sources=sources) as folder,
        _loaded(origins, sample=sample, num_proc=num_proc) as loaded,
    ):
        _fill(folder, loaded, limit, sample=sample, out=out)
    return built


def run(
    out: Path,
    names: Sequence[str],
    archives: Path | None,
    sample: bool,
    num_proc: int | None,
    max_shard_size: str,
    force: bool,
) -> int:
    """Build, then print what was built and how to load it."""
    built = build(
        out,
        names,
        archives=archives,
        sample=sample,
        num_proc=num_proc,
        max_shard_size=max_shard_size,
        force=force,
    )
    if built.changed:
        print(f"{out}: built, with {', '.join(TITLES[name] for name in built.names)}")
    else:
        print(f"{out}: already up to date")
    print(_how_to_load(built))
    if sample:
        print(f"\n{dataset_facts('synthetic').note}")
    return 0


def _how_to_load(built: Built) -> str:
    path = built.out.as_posix()
    if not built.out.is_absolute():
        path = f"./{path}"
    return f"""Next, in Python:

    import datasets
    dataset = datasets.load_dataset({path!r}, {built.names[0]!r})
    dataset[{built.splits[0]!r}][0]"""


# --- What a build is made from --------------------------------------------------------------------


def _fingerprint(origins: Sequence[Origin], sample: bool, limit: int) -> str:
    """Return a digest of everything that the built files depend on."""
    card_sources = [path for path in CARDS.rglob("*") if path.suffix in CARD_SOURCES]
    files = sorted([*PACKAGE.rglob("*.py"), *card_sources])
    made_of = (
        mnist_family.SOURCE_DIGEST,
        [path.read_bytes() for path in files],
        [(origin.name, origin.stamps if origin.folder else None) for origin in origins],
        sample,
        limit,
        (datasets.__version__, pyarrow.__version__, PIL.__version__),
    )
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def _refuse_patterns(out: Path) -> None:
    """Refuse a path that `load_dataset` would read as a pattern, and so could not load from."""
    path = os.path.abspath(out)
    if glob.has_magic(path) or "::" in path:
        found = "a path with *, ?, [ or ::, which load_dataset reads as a pattern"
        raise fault(str(out), found, "a path without them", "choose another folder")


@contextlib.contextmanager
def _loaded(
    origins: Sequence[Origin], *, sample: bool, num_proc: int | None
) -> Iterator[list[Loaded]]:
    """Load the rows of each dataset; those of a sample are deleted in the end."""
    with contextlib.ExitStack() as stack:
        cache = None  # the user's own
        if sample:
            cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="mnist_family-"))
            write_sample_archives(cache, [origin.name for origin in origins])
            origins = [
                dataclasses.replace(origin, folder=Path(cache, origin.name)) for origin in origins
            ]
        loaded = []
        for origin in origins:
            with naming_dataset(origin.name, cache or datasets.config.HF_DATASETS_CACHE):
                rows = mnist_family.load(
                    origin.name, data_dir=origin.folder, num_proc=num_proc, cache_dir=cache
                )
            loaded.append(Loaded(origin, rows))
        yield loaded


# --- What a build writes --------------------------------------------------------------------------


def _fill(folder: Path, loaded: Sequence[Loaded], limit: int, *, sample: bool, out: Path) -> None:
    """Write the Parquet files of all datasets into `folder`, then the card and its companions.

    `out` is where the folder will end up; errors name it.
    """
    sizes = {}
    for origin, rows in loaded:
        with naming_dataset(origin.name, out):
            sizes[origin.name] = _write_config(folder / origin.name, rows, limit)
    described = []
    for origin, rows in tqdm(loaded, desc="Describing", unit="dataset"):
        with naming_dataset(origin.name, out):
            described.append(_describe(folder, origin, rows, sizes[origin.name], sample=sample))
    _write_text(folder / "README.md", render(described))
    _write_text(folder / "LICENSE.md", render_licence(described))
    _write_text(folder / "croissant.json", croissant(folder, described))


def _write_config(folder: Path, splits: datasets.DatasetDict, limit: int) -> dict[str, SplitSize]:
    folder.mkdir()
    return {split: write_shards(folder, split, rows, limit) for split, rows in splits.items()}


def _describe(
    folder: Path,
    origin: Origin,
    splits: datasets.DatasetDict,
    sizes: Mapping[str, SplitSize],
    *,
    sample: bool,
) -> Dataset:
    """Write the pictures of a dataset; return what its card says."""
    config = mnist_family.find_config(origin.name)
    # The loader describes rows only if they come from the published archives.
    official = all(rows.info.description for rows in splits.values())
    measured = committed(origin.name, splits) if official else None
    if measured is None:
        verified = mnist_family.verified_splits(origin.name, origin.folder)
        measured = measure_splits(origin.name, verified)
    if official:
        dataset = published(config, measured, sizes=sizes)
    else:
        class_names = next(iter(splits.values())).features["label"].names
        dataset = unpublished(
            config, "synthetic" if sample else "own", class_names, measured, sizes=sizes
        )
    pictures = write_pictures(folder, origin.name, dataset.title, splits)
    return dataclasses.replace(dataset, pictures=pictures)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

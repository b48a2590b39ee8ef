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
from mnist_tools.cards.card import Dataset, render, render_licence, render_part
from mnist_tools.cards.chosen_rows import chosen_rows
from mnist_tools.cards.croissant import croissant
from mnist_tools.cards.escape import printable
from mnist_tools.cards.facts import CARDS, dataset_facts
from mnist_tools.cards.front_matter import CARD_FILE
from mnist_tools.cards.open_questions import OpenQuestions, open_questions
from mnist_tools.cards.pictures import FOLDER, write_pictures
from mnist_tools.causes import naming_dataset
from mnist_tools.class_names_file import write_class_names
from mnist_tools.described import describe
from mnist_tools.manifest import SAMPLE_REMARK
from mnist_tools.origins import Origin, SourceName, find_origins
from mnist_tools.shards import SplitSize, parse_shard_size, write_shards
from mnist_tools.verified import VerifiedDataset, verified
from mnist_tools.whole_folder import is_current, whole_folder

PACKAGE = Path(__file__).parents[1]
CARD_SOURCES = (".yaml", ".j2", ".json")


class Loaded(NamedTuple):
    """A verified dataset and its rows, which are in a cache."""

    verified: VerifiedDataset
    rows: datasets.DatasetDict


class OpenFacts(NamedTuple):
    """What the facts of somebody's own dataset leave open; `path` is that of its facts.yaml.

    `source` is the folder or file with the rows.
    """

    name: str
    source: Path
    path: Path
    questions: OpenQuestions

    def advice(self) -> str:
        """Say where to answer the questions."""
        if self.path.exists():
            return f"answer in {self.path}, then build again"
        if self.source.is_dir():
            return f"answer in {self.path}, which `init {self.source}` writes, then build again"
        command = f"init {self.name} --from {self.source}"
        return (
            f"answer in {self.name}/facts.yaml, which `{command}` writes, then build {self.name}/"
        )


@dataclasses.dataclass(frozen=True)
class Built:
    """A folder that is up to date; `changed` is False if it already was before.

    `names` are its datasets, the default one first, and `titles` theirs; `splits` are the splits of
    the default one. `notes` tell how somebody's own data was read; `open_facts` has an entry for
    each such dataset.
    """

    out: Path
    names: tuple[str, ...]
    titles: tuple[str, ...]
    splits: tuple[str, ...]
    notes: tuple[str, ...]
    open_facts: tuple[OpenFacts, ...]
    changed: bool

    @property
    def card(self) -> Path:
        """Return the path of the card."""
        return self.out / CARD_FILE

    @property
    def open_questions(self) -> tuple[str, ...]:
        """Return a line for each of somebody's own datasets, with what its facts leave open."""
        if len(self.names) == 1:
            return tuple(str(each.questions) for each in self.open_facts)
        return tuple(f"{each.name}, {each.questions}" for each in self.open_facts)


def build(
    out: str | os.PathLike[str],
    sources: Sequence[SourceName] = (),
    *,
    archives: str | os.PathLike[str] | None = None,
    sample: bool = False,
    resize: bool = False,
    num_proc: int | None = None,
    max_shard_size: str = "500MB",
    force: bool = False,
) -> Built:
    """Build datasets in the folder `out`, with a card; the first one is the default config.

    A source is the name of a published dataset, or the path of your own: a folder of archives, or
    anything that `convert` reads. "NAME=PATH" sets its name, which is otherwise that of the folder
    or file. By default, all published datasets are built.

    Published archives are read from `archives`/NAME or, for a single name, from `archives` itself.
    Without `archives` they are downloaded, or drawn if `sample` is set. With `resize`, images of
    other sizes are scaled to 28 × 28, and colours turned to grey.

    `out` is replaced only once the new folder is complete, and only if an earlier build wrote it
    and nothing was added or edited since; with `force`, edited files are replaced too.

    ValueError for a wrong argument, broken data or facts, or a folder that may not be replaced;
    OSError if something cannot be read, written or downloaded.
    """
    out = Path(out)
    limit = parse_shard_size(max_shard_size)
    if num_proc is not None and num_proc < 1:
        raise fault(f"--num-proc {num_proc}", "too few", "1 or more", "correct it")
    if sample and archives is not None:
        raise fault("sample", "given with archives", "one of the two", "leave the other out")
    origins = find_origins(sources, archives=archives, sample=sample, resize=resize)
    paths = [path for origin in origins for path in origin.paths]
    made_of = _fingerprint(origins, sample, limit)
    built = _describe_built(out, origins)
    if is_current(out, made_of):
        return dataclasses.replace(built, changed=False)
    _refuse_patterns(out)
    with (
        whole_folder(
            out,
            command="build",
            made_of=made_of,
            remarks=[SAMPLE_REMARK] if sample else built.open_questions,
            force=force,
            sources=paths,
        ) as folder,
        verified(origins, folder, out=out, sample=sample) as ready,
        _loaded(ready, num_proc=num_proc) as loaded,
    ):
        _fill(folder, loaded, limit, out=out)
    return built


def run(
    out: Path,
    sources: Sequence[str],
    archives: Path | None,
    sample: bool,
    resize: bool,
    num_proc: int | None,
    max_shard_size: str,
    force: bool,
) -> int:
    """Build, then print what was built, what its card leaves open, and how to load it."""
    built = build(
        out,
        sources,
        archives=archives,
        sample=sample,
        resize=resize,
        num_proc=num_proc,
        max_shard_size=max_shard_size,
        force=force,
    )
    for line in summary(built):
        print(printable(line))
    print(_how_to_load(built))
    if sample:
        print(f"\n{dataset_facts('synthetic').note}")
    return 0


def summary(built: Built) -> list[str]:
    """Describe a build to the user, in lines, with what its card leaves open."""
    state = f"built, with {', '.join(built.titles)}" if built.changed else "already up to date"
    lines = [*built.notes, f"{built.out}: {state}"]
    lines.append(f"card: {built.card}; pictures: {built.out / FOLDER}")
    for each, line in zip(built.open_facts, built.open_questions, strict=True):
        lines.append(line)
        if each.questions.keys:
            lines.append(each.advice())
    return lines


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
        [origin.fingerprint for origin in origins],
        sample,
        limit,
        (datasets.__version__, pyarrow.__version__, PIL.__version__),
    )
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def _describe_built(out: Path, origins: Sequence[Origin]) -> Built:
    return Built(
        out=out,
        names=tuple(origin.name for origin in origins),
        titles=tuple(origin.title for origin in origins),
        splits=origins[0].splits,
        notes=tuple(note for origin in origins for note in origin.notes),
        open_facts=tuple(
            OpenFacts(origin.name, origin.path, origin.facts.path, open_questions(origin.facts))
            for origin in origins
            if origin.path is not None and origin.facts is not None
        ),
        changed=True,
    )


def _refuse_patterns(out: Path) -> None:
    """Refuse a path that `load_dataset` would read as a pattern, and so could not load from."""
    path = os.path.abspath(out)
    if glob.has_magic(path) or "::" in path:
        found = "a path with *, ?, [ or ::, which load_dataset reads as a pattern"
        raise fault(str(out), found, "a path without them", "choose another folder")


@contextlib.contextmanager
def _loaded(ready: Sequence[VerifiedDataset], *, num_proc: int | None) -> Iterator[list[Loaded]]:
    """Load the rows of each dataset; those of a temporary folder are deleted in the end."""
    with contextlib.ExitStack() as stack:
        loaded = []
        for each in ready:
            cache = None  # the user's own
            if each.is_temporary:
                temporary = tempfile.TemporaryDirectory(prefix="mnist_family-")
                cache = stack.enter_context(temporary)
            with naming_dataset(each.name, cache or datasets.config.HF_DATASETS_CACHE):
                rows = mnist_family.load(
                    each.name, data_dir=each.folder, num_proc=num_proc, cache_dir=cache
                )
            loaded.append(Loaded(each, rows))
        yield loaded


# --- What a build writes --------------------------------------------------------------------------


def _fill(folder: Path, loaded: Sequence[Loaded], limit: int, *, out: Path) -> None:
    """Write the Parquet files of all datasets into `folder`, then the card and its companions.

    `out` is where the folder will end up; errors name it.
    """
    sizes = {}
    for verified_dataset, rows in loaded:
        name = verified_dataset.name
        with naming_dataset(name, out):
            sizes[name] = _write_config(folder / name, rows, limit)
    described = []
    for verified_dataset, rows in tqdm(loaded, desc="Describing", unit="dataset", leave=False):
        name = verified_dataset.name
        with naming_dataset(name, out):
            described.append(_describe(folder, verified_dataset, rows, sizes[name]))
    location = f"./{out.absolute().name}"
    _write_text(folder / CARD_FILE, render(described, location=location))
    if len(described) > 1:
        for dataset in described:
            part = render_part(dataset, described, location=location)
            _write_text(folder / dataset.name / CARD_FILE, part)
    _write_text(folder / "LICENSE.md", render_licence(described))
    _write_text(folder / "croissant.json", croissant(folder, described))


def _write_config(folder: Path, splits: datasets.DatasetDict, limit: int) -> dict[str, SplitSize]:
    folder.mkdir()
    return {split: write_shards(folder, split, rows, limit) for split, rows in splits.items()}


def _describe(
    folder: Path,
    verified_dataset: VerifiedDataset,
    rows: datasets.DatasetDict,
    sizes: Mapping[str, SplitSize],
) -> Dataset:
    """Write the pictures and class names of a dataset; return what its card says."""
    dataset = describe(verified_dataset, sizes)
    write_class_names(folder, dataset.name, dataset.class_names)
    pictures = write_pictures(folder, dataset.name, dataset.title, rows, chosen_rows(dataset))
    return dataclasses.replace(dataset, pictures=pictures)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

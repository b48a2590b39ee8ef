"""Build a folder of Parquet files, with a card, that every release of `datasets` can load."""

import dataclasses
import glob
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import datasets
import PIL
import pyarrow

import mnist_family
from mnist_family import fault
from mnist_tools.background import Borders
from mnist_tools.cards.escape import printable
from mnist_tools.cards.facts import CARDS, dataset_facts
from mnist_tools.cards.front_matter import CARD_FILE
from mnist_tools.cards.open_questions import open_questions
from mnist_tools.cards.pictures import FOLDER
from mnist_tools.command_line import command_line
from mnist_tools.dataset_folder import fill_folder, write_rows
from mnist_tools.manifest import SAMPLE_REMARK, is_current
from mnist_tools.open_facts import OpenFacts
from mnist_tools.origin import Origin
from mnist_tools.origins import SourceName, find_origins
from mnist_tools.shards.engines import choose_engine
from mnist_tools.shards.finish import total_size
from mnist_tools.shards.kept import kept_shards
from mnist_tools.shards.run import Engine, SplitShards
from mnist_tools.shards.size import DEFAULT_SHARD_SIZE, parse_shard_size
from mnist_tools.verified import verified
from mnist_tools.whole_folder import clear_leftovers, new_folder, workplace

PACKAGE = Path(__file__).parents[1]
CARD_SOURCES = (".yaml", ".j2", ".json")


@dataclasses.dataclass(frozen=True)
class Built:
    """A folder that is up to date; `changed` is False if it already was before.

    `names` are its datasets, the default one first, and `titles` theirs; `splits` are the splits of
    the default one. `notes` tell how somebody's own data was read; `open_facts` has an entry for
    each such dataset. `reused_shards` is how many an earlier run had finished. `rows` are the
    numbers of rows that were written, by dataset and split. `warnings` are about those rows.
    """

    out: Path
    names: tuple[str, ...]
    titles: tuple[str, ...]
    splits: tuple[str, ...]
    notes: tuple[str, ...]
    open_facts: tuple[OpenFacts, ...]
    changed: bool
    reused_shards: int = 0
    rows: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()

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


def build(  # noqa: PLR0913 - the options are keywords, and most calls pass few
    out: str | os.PathLike[str],
    sources: Sequence[SourceName] = (),
    *,
    archives: str | os.PathLike[str] | None = None,
    sample: bool = False,
    resize: bool = False,
    engine: str | Engine = "local",
    num_proc: int | None = None,
    address: str | None = None,
    max_shard_size: str = DEFAULT_SHARD_SIZE,
    fresh: bool = False,
    force: bool = False,
) -> Built:
    """Build datasets in the folder `out`, with a card; the first one is the default config.

    A source is the name of a published dataset, or the path of your own: a folder of archives, or
    anything that `convert` reads. "NAME=PATH" sets its name, which is otherwise that of the folder
    or file. By default, all published datasets are built.

    Published archives are read from `archives`/NAME or, for a single name, from `archives` itself.
    Without `archives` they are downloaded, or drawn if `sample` is set. With `resize`, images of
    other sizes are scaled to 28 × 28, and colours converted to grey.

    Rows are written by `num_proc` processes, by default one for each core; with the engine "ray",
    by the cluster at `address`. `engine` may also be a function of your own. If a build is
    interrupted, the next one reuses the shards that it finished, unless `fresh` is set. The files
    are the same, whatever engine wrote them.

    `out` is replaced only once the new folder is complete, and only if an earlier build wrote it
    and nothing was added or edited since; with `force`, edited files are replaced too.

    ValueError for a wrong argument, broken data or facts, or a folder that may not be replaced;
    OSError if something cannot be read, written or downloaded.
    """
    out = Path(out)
    limit = parse_shard_size(max_shard_size)
    write = choose_engine(engine, num_proc=num_proc, address=address)
    if sample and archives is not None:
        raise fault("sample", "given with archives", "one of the two", "leave the other out")
    origins = find_origins(sources, archives=archives, sample=sample, resize=resize)
    paths = [path for origin in origins for path in origin.paths]
    made_of = _fingerprint(origins, sample, limit)
    built = _describe_built(out, origins)
    if not fresh and is_current(out, made_of):
        clear_leftovers(out)
        return dataclasses.replace(built, changed=False)
    _refuse_patterns(out)
    remarks = [SAMPLE_REMARK] if sample else built.open_questions
    with (
        workplace(out, command="build", force=force, sources=paths) as at,
        kept_shards(at, fresh=fresh) as shards,
        new_folder(at, made_of=made_of, remarks=remarks) as folder,
        verified(origins, folder, out=out, sample=sample) as ready,
    ):
        written = write_rows(shards, ready, limit, write)
        fill_folder(folder, ready, shards, written, out=out)
    rows = {
        name: {split: total_size(each).num_examples for split, each in of_dataset.items()}
        for name, of_dataset in written.shards.items()
    }
    warnings = tuple(_warnings(origins, written.shards, resize=resize))
    return dataclasses.replace(built, reused_shards=written.reused, rows=rows, warnings=warnings)


def run(  # noqa: PLR0913 - one parameter for each argument of the command line
    out: Path,
    sources: Sequence[str],
    archives: Path | None,
    sample: bool,
    resize: bool,
    engine: str,
    num_proc: int | None,
    address: str | None,
    max_shard_size: str,
    fresh: bool,
    force: bool,
) -> int:
    """Build, then print what was built, what its card leaves open, and how to load it."""
    built = build(
        out,
        sources,
        archives=archives,
        sample=sample,
        resize=resize,
        engine=engine,
        num_proc=num_proc,
        address=address,
        max_shard_size=max_shard_size,
        fresh=fresh,
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
    state = f"built; contains {', '.join(built.titles)}" if built.changed else "already up to date"
    lines = [*built.notes, f"{built.out}: {state}"]
    for name, splits in built.rows.items():
        rows = ", ".join(f"{number:,} {split} rows" for split, number in splits.items())
        lines.append(f"{name}: {rows}")
    lines += built.warnings
    if built.reused_shards:
        lines.append(f"shards reused from an earlier run: {built.reused_shards:,}")
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


def _warnings(
    origins: Sequence[Origin], shards: Mapping[str, SplitShards], *, resize: bool
) -> Iterator[str]:
    """Yield a warning for each dataset that seems to have the wrong background."""
    for origin in origins:
        tallies = [shard.tally for of_split in shards[origin.name].values() for shard in of_split]
        borders = Borders(
            sum(tally.bright_borders for tally in tallies), sum(tally.rows for tally in tallies)
        )
        if borders.are_mostly_bright:
            folder, source = f"{origin.name}-inverted", str(origin.path or origin.name)
            options = ["--resize", "--invert"] if resize else ["--invert"]
            yield (
                f"warning: {origin.name}: {borders}, so they seem to be "
                f"dark on white; `{command_line('init', folder, '--from', source, *options)}` "
                f"makes the background 0, as it should be; then build {folder}/"
            )


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

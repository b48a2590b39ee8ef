"""Write what a built folder holds: Parquet files, pictures, card, licences, Croissant."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mnist_tools.cards.card import (
    Dataset,
    own_card_path,
    render,
    render_licence,
    render_part,
)
from mnist_tools.cards.chosen_rows import chosen_rows
from mnist_tools.cards.croissant import croissant
from mnist_tools.cards.front_matter import CARD_FILE
from mnist_tools.cards.measurements import (
    Measurements,
    figures_of,
    find_duplicates,
    measure_archives,
)
from mnist_tools.cards.pictures import PicturedSplit, write_pictures
from mnist_tools.causes import naming_dataset
from mnist_tools.class_names_file import write_class_names
from mnist_tools.described import describe
from mnist_tools.shards.finish import total_size, total_tally
from mnist_tools.shards.images import read_images
from mnist_tools.shards.plan import RowSource
from mnist_tools.shards.run import Engine, SplitShards, Written, write_datasets
from mnist_tools.verified import VerifiedDataset


def write_rows(
    folder: Path, ready: Sequence[VerifiedDataset], max_bytes: int, engine: Engine
) -> Written:
    """Write the shards of verified datasets to `folder`/NAME/."""
    sources = [
        RowSource(
            each.name, each.splits, each.class_names, fingerprint=f"{each.kind} {each.fingerprint}"
        )
        for each in ready
    ]
    return write_datasets(folder, sources, max_bytes, engine)


def fill_folder(
    folder: Path, ready: Sequence[VerifiedDataset], shards: Path, written: Written, *, out: Path
) -> None:
    """Write the card of the datasets and its companions to `folder`, then move the shards there.

    `shards` is the folder with the shards; `out` is where `folder` will end up, and errors name it.
    """
    described = []
    with tqdm(ready, desc="Describing", unit="dataset", leave=False) as progress:
        for each in progress:
            with naming_dataset(each.name, out):
                described.append(_describe(folder, each, written.shards[each.name]))
    _write_cards(folder, described, location=f"./{out.absolute().name}")
    _write_text(folder / "croissant.json", croissant(shards, described))
    for each in ready:
        for of_split in written.shards[each.name].values():
            for shard in of_split:
                shard.task.path.replace(folder / each.name / shard.task.name)


def _write_cards(folder: Path, described: Sequence[Dataset], *, location: str) -> None:
    """Write the card of the folder, one for each dataset if there are several, and the licences."""
    _write_text(folder / CARD_FILE, render(described, location=location))
    for dataset in described:
        (folder / dataset.name).mkdir()
        if len(described) > 1:
            path = folder / own_card_path(dataset.name)
            path.parent.mkdir(exist_ok=True)
            _write_text(path, render_part(dataset, described, location=location))
    _write_text(folder / "LICENSE.md", render_licence(described))


def _describe(folder: Path, dataset: VerifiedDataset, shards: SplitShards) -> Dataset:
    """Write the pictures and class names of a dataset; return what its card says."""
    measured = dataset.measurements or _measure(dataset, shards)
    sizes = {split: total_size(each) for split, each in shards.items()}
    described = describe(dataset, measured, sizes)
    write_class_names(folder, described.name, described.class_names)
    pictured = {
        split: PicturedSplit(described.class_names, total_tally(each), partial(read_images, each))
        for split, each in shards.items()
    }
    pictures = write_pictures(
        folder, described.name, described.title, pictured, chosen_rows(described)
    )
    return dataclasses.replace(described, pictures=pictures)


def _measure(dataset: VerifiedDataset, shards: SplitShards) -> Measurements:
    """Return the measurements that the shards' sidecars add up to."""
    return Measurements(
        archives={name: measure_archives(split) for name, split in dataset.splits.items()},
        splits={split: figures_of(total_tally(each)) for split, each in shards.items()},
        duplicates=find_duplicates(
            {split: [shard.task.digests for shard in each] for split, each in shards.items()}
        ),
    )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

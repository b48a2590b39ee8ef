"""Describe verified datasets, for their cards."""

import dataclasses
from collections.abc import Mapping

import mnist_family
from mnist_tools.cards.dataset import Dataset, own, published, unpublished
from mnist_tools.cards.measurements import measure_splits
from mnist_tools.shards.size import SplitSize
from mnist_tools.verified import VerifiedDataset


def describe(
    verified_dataset: VerifiedDataset, sizes: Mapping[str, SplitSize] | None = None
) -> Dataset:
    """Return what the card of a dataset says, measuring the rows if nobody has.

    `sizes` are those of the Parquet files, by split, if there are any.
    """
    name, class_names = verified_dataset.name, verified_dataset.class_names
    measured = verified_dataset.measurements
    if measured is None:
        measured = measure_splits(name, verified_dataset.splits)
    if verified_dataset.facts is not None:
        dataset = own(name, verified_dataset.facts, class_names, measured, sizes=sizes)
        return dataclasses.replace(dataset, source_files=verified_dataset.files)
    config = mnist_family.find_config(name)
    if verified_dataset.kind == "published":
        return published(config, measured, sizes=sizes)
    return unpublished(config, verified_dataset.kind, class_names, measured, sizes=sizes)

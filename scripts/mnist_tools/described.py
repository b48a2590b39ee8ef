"""Describe verified datasets, for their cards."""

import dataclasses
from collections.abc import Mapping

import mnist_family
from mnist_tools.cards.dataset import Dataset, own, published, unpublished
from mnist_tools.cards.measurements import Measurements
from mnist_tools.shards.size import SplitSize
from mnist_tools.verified import VerifiedDataset


def describe(
    dataset: VerifiedDataset,
    measured: Measurements,
    sizes: Mapping[str, SplitSize] | None = None,
) -> Dataset:
    """Return what the card of a dataset says.

    `sizes` are those of the Parquet files, by split, if there are any.
    """
    if dataset.facts is not None:
        described = own(dataset.name, dataset.facts, dataset.class_names, measured, sizes=sizes)
        return dataclasses.replace(
            described, source_files=dataset.files, adjustments=dataset.adjustments
        )
    config = mnist_family.find_config(dataset.name)
    if dataset.kind == "published":
        return published(config, measured, sizes=sizes)
    return unpublished(config, dataset.kind, dataset.class_names, measured, sizes=sizes)
